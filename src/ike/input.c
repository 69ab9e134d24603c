/*
 * A datagram in: which exchange or SA it belongs to, whether it may be
 * decrypted, whether it is a duplicate.  The order of checks is that of
 * isakmpd.md section 12; the numbers in comments are its rows.
 */
#include <stdlib.h>

#include "ike/internal.h"

/* A datagram refused before it found any exchange. */
static void
refuse(struct core *core, enum why why, const struct header *h, const struct path *path)
{
	fail_record(core, why, NULL, path, NULL, NULL, NULL);
	if (h != NULL && why_notify(why) != N_NONE && h->exchange != EXCH_INFO)
		info_send_clear(core, path, h->icookie, h->rcookie, why_notify(why), h->length);
}

/* Check 13, for a message in clear. */
static void
capture_clear(struct core *core, const struct path *path, struct view datagram)
{
	act_capture(core, false, path, datagram, (struct view){ 0 });
}

/* Worth a record at most, and never answered.  False: no chain of payloads. */
static bool
clear_informational(struct core *core, const struct header *h, const struct path *path,
    struct view datagram)
{
	struct message m;

	capture_clear(core, path, datagram);
	if (message_parse(h, view_of(datagram.p + HEADER_LEN, datagram.n - HEADER_LEN), false,
	    &m) != WHY_NONE)
		return false;
	info_clear_input(core, &m, path);
	return true;
}

/*
 * Decrypts into *room (freed by the caller), captures and parses.  iv is advanced.
 * WHY_UNDECRYPTABLE if what comes out is not a chain of payloads.
 */
static enum why
decrypt(struct core *core, const struct path *path, const struct p1_params *params,
    const struct p1_keys *keys, uint8_t *iv, const struct header *h, struct view datagram,
    uint8_t **room, struct message *ret)
{
	size_t n = datagram.n - HEADER_LEN, block = cipher_block(params->cipher);

	if (n == 0 || n % block != 0)
		return WHY_UNDECRYPTABLE;
	*room = malloc(n);
	if (*room == NULL)
		return WHY_NO_MEMORY;
	if (!cipher_decrypt(params->cipher, secret_view(&keys->cipher_key), iv,
	    datagram.p + HEADER_LEN, *room, n))
		return WHY_NO_MEMORY;
	act_capture(core, false, path, view_of(datagram.p, HEADER_LEN), view_of(*room, n));
	return message_parse(h, view_of(*room, n), true, ret) == WHY_NONE ?
	    WHY_NONE : WHY_UNDECRYPTABLE;
}

/* The row took the message if the exchange is gone to another state. */
static void
deliver(struct core *core, struct exchange *x, const struct message *m, const struct path *path,
    struct view datagram, const uint8_t *next_iv)
{
	const struct event e = { .m = m, .path = path };
	struct handle h = x->self;
	uint8_t before = x->state, iv[CIPHER_BLOCK_MAX];
	uint8_t digest[HASH_LEN_MAX];
	const struct row *row = exchange_row(x, ON_MESSAGE, 0);

	act_trace(core, false, x, NULL, row != NULL ? row->step : x->step, m, datagram, path);
	memcpy(iv, x->iv, sizeof(iv));
	if (x->p1 != NULL && next_iv != NULL)
		exchange_remember(x);
	if (next_iv != NULL)
		memcpy(x->iv, next_iv, sizeof(x->iv));
	exchange_run(core, x, ON_MESSAGE, &e);
	x = exchange_find(core, h);
	if (x == NULL)
		return;
	if (x->state == before) {
		memcpy(x->iv, iv, sizeof(iv));
		return;
	}
	if (hash_views(HASH_SHA2_256, &datagram, 1, digest)) {
		memcpy(x->seen, digest, sizeof(x->seen));
		x->have_seen = true;
		x->answers = 0;
	}
}

/* ---- phase 1 ---- */

void
input_first(struct core *core, struct exchange *x, const struct message *m,
    const struct path *path, struct view datagram)
{
	deliver(core, x, m, path, datagram, NULL);
}

/* Check 11. */
static void
after_phase1(struct core *core, const struct peer *peer, const struct path *path)
{
	STR(remote, 80);

	core_refuse(core, WHY_UNEXPECTED);
	/* A slow network brings one late, so it is a line and no failure. */
	if (!bucket_take(core, &core->log_bucket.tokens, &core->log_bucket.at, 5, 20)) {
		core->log_suppressed++;
		return;
	}
	endpoint_print(&remote, &path->remote);
	tell(core, CLASS_NORMAL, 0, "message_recv: phase 1 message after ISAKMP SA is ready: "
	    "from %s (%s)", remote.p, peer->name);
}

/* Checks 11, 12, 14, 18 for a message of a running phase 1 exchange. */
static void
phase1_message(struct core *core, struct exchange *x, const struct header *h,
    const struct path *path, struct view datagram)
{
	const struct row *row = exchange_row(x, ON_MESSAGE, 0);
	bool encrypted = (h->flags & FLAG_ENCRYPTION) != 0;
	uint8_t iv[CIPHER_BLOCK_MAX], *room = NULL;
	struct message m;
	enum why why;

	if (exchange_is_duplicate(core, x, datagram)) {
		exchange_repeat(core, x);
		return;
	}
	if (row == NULL && x->state == X_DONE) {
		after_phase1(core, x->peer, path);
		return;
	}
	if (row == NULL || h->exchange != x->type) {
		core_refuse(core, WHY_UNEXPECTED);
		return;
	}
	if (row->encrypted != encrypted) {
		if (!encrypted)
			fail_classic(core, "message_recv: cleartext phase 1 message");
		fail_record(core, encrypted ? WHY_FLAGS : WHY_CLEARTEXT, NULL, path, x->peer, NULL,
		    "main");
		return;
	}
	memcpy(iv, x->iv, sizeof(iv));
	if (encrypted) {
		why = decrypt(core, path, &x->p1->params, &x->p1->keys, iv, h, datagram, &room, &m);
	} else {
		capture_clear(core, path, datagram);
		why = message_parse(h, view_of(datagram.p + HEADER_LEN, datagram.n - HEADER_LEN),
		    false, &m);
	}
	if (why == WHY_UNDECRYPTABLE)
		main_mode_undecryptable(core, x, path);
	else if (why != WHY_NONE)
		exchange_refuse(core, x, why, datagram.n);
	else
		deliver(core, x, &m, path, datagram, encrypted ? iv : NULL);
	free(room);
}

static bool
is_known(const struct core *core, const struct addr *source)
{
	const struct peer *peer = snapshot_peer_for(core->snapshot, source);

	return peer != NULL && peer != core->snapshot->default_peer;
}

/* Check 2 and section 14.1: a message that begins a phase 1 exchange. */
static void
first_message(struct core *core, const struct header *h, const struct path *path,
    struct view datagram)
{
	const struct peer *peer = snapshot_peer_for(core->snapshot, &path->remote.addr);
	struct exchange *x = exchange_by_first(core, h->icookie, &path->remote.addr);
	struct message m;
	enum why why;

	if ((h->flags & FLAG_ENCRYPTION) != 0) {
		core_refuse(core, WHY_FLAGS);
		return;
	}
	if (x != NULL) {
		if (!x->initiator && x->state == MM_R_SENT_SA &&
		    exchange_is_duplicate(core, x, datagram))
			exchange_repeat(core, x);
		else
			core_refuse(core, WHY_DUPLICATE);
		return;
	}
	if (h->exchange == EXCH_INFO) {
		(void)clear_informational(core, h, path, datagram);
		return;
	}
	capture_clear(core, path, datagram);
	if (peer == NULL || peer->n_transforms == 0) {
		const struct where w = { "Phase 1", core->snapshot->phase1_line };
		STR(from, 64);

		addr_print(&from, &path->remote.addr);
		fail_classic(core, "exchange_setup_p1: no \"Default\" tag in [Phase 1] section");
		fail_field(core, "[Phase 1]", &w);
		fail_expected(core, "a line %s=, or Default=", from.p);
		fail_got(core, "a first message from %s", from.p);
		refuse(core, WHY_NO_PEER, NULL, path);
		return;
	}
	if (h->exchange != peer->exchange) {
		char room[2][24];

		fail_classic(core, "exchange_setup_p1: expected exchange type %s got %s",
		    reg_text(REG_EXCHANGE, peer->exchange, room[0]),
		    reg_text(REG_EXCHANGE, h->exchange, room[1]));
		fail_field(core, "EXCHANGE_TYPE", &peer->exchange_where);
		fail_expected(core, "%s", reg_text(REG_EXCHANGE, peer->exchange, room[0]));
		fail_got(core, "%s", reg_text(REG_EXCHANGE, h->exchange, room[1]));
		fail_record(core, WHY_EXCHANGE_TYPE, NULL, path, peer, NULL, "phase 1");
		return;
	}
	if (core->shutting_down)
		return;
	bool known = is_known(core, &path->remote.addr);
	why = stage_admit(core, STAGE_HALF_OPEN, &path->remote.addr, known);
	if (why != WHY_NONE && known) {
		echo_answer(core, h, path, datagram);
		return;
	}
	if (why != WHY_NONE) {
		refuse(core, why, NULL, path);
		return;
	}
	why = message_parse(h, view_of(datagram.p + HEADER_LEN, datagram.n - HEADER_LEN), false, &m);
	if (why != WHY_NONE) {
		refuse(core, why, h, path);
		return;
	}
	x = main_mode_responder(core, h, path, peer, NULL);
	if (x == NULL)
		return;
	x->known_peer = known;
	if (!stage_enter(core, x, STAGE_HALF_OPEN)) {
		exchange_free(core, x);
		refuse(core, WHY_NO_MEMORY, NULL, path);
		return;
	}
	if (known)
		echo_remember(core, x, datagram);
	deliver(core, x, &m, path, datagram, NULL);
}

/* An encrypted informational while phase 1 still waits for message 6. */
static void
early_informational(struct core *core, struct exchange *x, const struct header *h,
    const struct path *path, struct view datagram)
{
	uint8_t iv[CIPHER_BLOCK_MAX], *room = NULL;
	struct message m;

	/* What comes after phase 1 is for its SA; without that it means nothing. */
	if (!x->initiator || x->state == X_DONE || !x->p1->have_keys ||
	    !keymat_phase2_iv(&x->p1->params, x->iv, h->message_id, iv))
		return;
	if (decrypt(core, path, &x->p1->params, &x->p1->keys, iv, h, datagram, &room, &m) == WHY_NONE)
		info_phase1_input(core, x, &m);
	else
		main_mode_hint(core, x);
	free(room);
}

/* ---- phase 2 ---- */

static void
phase2_running(struct core *core, struct isakmp_sa *sa, struct exchange *x,
    const struct header *h, const struct path *path, struct view datagram)
{
	uint8_t iv[CIPHER_BLOCK_MAX], *room = NULL;
	struct message m;

	if (exchange_is_duplicate(core, x, datagram)) {
		exchange_repeat(core, x);
		return;
	}
	if (exchange_row(x, ON_MESSAGE, 0) == NULL) {
		core_refuse(core, WHY_UNEXPECTED);
		return;
	}
	memcpy(iv, x->iv, sizeof(iv));
	if (decrypt(core, path, &sa->params, &sa->keys, iv, h, datagram, &room, &m) == WHY_NONE)
		deliver(core, x, &m, path, datagram, iv);
	else
		core_refuse(core, WHY_UNDECRYPTABLE);
	free(room);
}

/* A message ID we have not seen: quick mode begins, or something is told. */
static void
phase2_new(struct core *core, struct isakmp_sa *sa, const struct header *h,
    const struct path *path, struct view datagram)
{
	uint8_t iv[CIPHER_BLOCK_MAX], *room = NULL;
	struct message m;
	struct exchange *x;

	if (h->exchange != EXCH_QUICK_MODE && h->exchange != EXCH_INFO) {
		fail_record(core, WHY_EXCHANGE_UNSUPPORTED, NULL, path, sa->peer, NULL, "phase 2");
		return;
	}
	/* No other flag means anything here, and no hash covers them. */
	if (h->exchange == EXCH_INFO && h->flags != FLAG_ENCRYPTION) {
		core_refuse(core, WHY_FLAGS);
		return;
	}
	if (!keymat_phase2_iv(&sa->params, sa->keys.iv, h->message_id, iv))
		return;
	if (decrypt(core, path, &sa->params, &sa->keys, iv, h, datagram, &room, &m) != WHY_NONE) {
		core_refuse(core, WHY_UNDECRYPTABLE);
		goto done;
	}
	if (h->exchange == EXCH_INFO) {
		act_trace(core, false, NULL, "info", 1, &m, datagram, path);
		info_input(core, sa, &m, path);
		goto done;
	}
	if (core->shutting_down)
		goto done;
	if (sa->exchanges >= QUICK_PER_SA) {
		fail_record(core, WHY_LIMIT_SA, NULL, path, sa->peer, NULL, "quick/1 responder");
		goto done;
	}
	x = quick_mode_responder(core, sa, h, path);
	if (x != NULL)
		deliver(core, x, &m, path, datagram, iv);
done:
	free(room);
}

static void
phase2_message(struct core *core, struct isakmp_sa *sa, const struct header *h,
    const struct path *path, struct view datagram)
{
	struct exchange *x = exchange_by_message_id(core, sa->self, h->message_id);

	if ((h->flags & FLAG_ENCRYPTION) == 0) {
		/* Check 18.  In clear nothing of phase 2 has an effect (security R1). */
		if (h->exchange == EXCH_INFO && clear_informational(core, h, path, datagram))
			return;
		if (h->exchange != EXCH_INFO)
			capture_clear(core, path, datagram);
		fail_classic(core, "message_recv: cleartext phase 2 message");
		fail_record(core, WHY_CLEARTEXT, NULL, path, sa->peer, NULL, "phase 2");
		return;
	}
	if (x != NULL && h->exchange == x->type)
		phase2_running(core, sa, x, h, path, datagram);
	else
		phase2_new(core, sa, h, path, datagram);
}

/* ---- the door ---- */

static void
unknown_cookies(struct core *core, const struct header *h, const struct path *path,
    struct view datagram)
{
	STR(i, 20);
	STR(r, 20);

	if (h->exchange == EXCH_INFO) {
		/* It may concern an exchange of ours. */
		if ((h->flags & FLAG_ENCRYPTION) != 0 ||
		    !clear_informational(core, h, path, datagram))
			core_refuse(core, WHY_INVALID_COOKIE);
		return;
	}
	str_hex(&i, view_of(h->icookie, COOKIE_LEN));
	str_hex(&r, view_of(h->rcookie, COOKIE_LEN));
	fail_classic(core, "message_recv: invalid cookie(s) %s %s", i.p, r.p);
	fail_record(core, WHY_INVALID_COOKIE, NULL, path, NULL, NULL, NULL);
	info_send_clear(core, path, h->icookie, h->rcookie, N_INVALID_COOKIE, h->length);
}

/* The third message of a peer whose first was answered without an exchange. */
static bool
returned(struct core *core, const struct header *h, const struct path *path,
    struct view datagram)
{
	if (h->exchange != EXCH_ID_PROT || (h->flags & FLAG_ENCRYPTION) != 0 || core->shutting_down)
		return false;
	struct exchange *x = echo_returned(core, h, path);
	if (x == NULL)
		return false;
	struct handle handle = x->self;
	phase1_message(core, x, h, path, datagram);
	x = exchange_find(core, handle);
	if (x != NULL && x->stage == STAGE_NONE)
		exchange_free(core, x);	/* it was no such message: nothing is kept for it */
	return true;
}

static void
with_cookies(struct core *core, const struct header *h, const struct path *path,
    struct view datagram)
{
	struct isakmp_sa *sa = isakmp_sa_by_cookies(core, h->icookie, h->rcookie);
	struct exchange *x = exchange_by_cookies(core, h->icookie, h->rcookie);

	if (h->message_id == 0 && h->exchange != EXCH_INFO) {
		if (x == NULL) {
			/* An answer to our first message names a responder cookie we
			 * do not know yet; main_mode adopts it if the SA is right. */
			x = exchange_by_first(core, h->icookie, &path->remote.addr);
			if (x != NULL && !(x->initiator && x->state == MM_I_SENT_SA))
				x = NULL;
		}
		if (x != NULL)
			phase1_message(core, x, h, path, datagram);
		else if (sa != NULL)
			after_phase1(core, sa->peer, path);		/* check 11 */
		else if (!returned(core, h, path, datagram))
			unknown_cookies(core, h, path, datagram);
		return;
	}
	if (sa != NULL)
		phase2_message(core, sa, h, path, datagram);
	else if (x != NULL && h->exchange == EXCH_INFO && (h->flags & FLAG_ENCRYPTION) != 0)
		early_informational(core, x, h, path, datagram);
	else if (x != NULL && h->exchange == EXCH_INFO)
		(void)clear_informational(core, h, path, datagram);
	else if (x != NULL)
		core_refuse(core, WHY_UNEXPECTED);	/* quick mode overtook message 6; it comes again */
	else
		unknown_cookies(core, h, path, datagram);
}

/* With a header that can be read: what is refused from here on can name it. */
static void
with_header(struct core *core, const struct header *h, const struct path *path,
    struct view datagram)
{
	enum why why = header_check(h);				/* checks 6 to 10 */

	if (why != WHY_NONE)
		refuse(core, why, h, path);
	else if (cookie_is_zero(h->icookie))
		core_refuse(core, WHY_INVALID_COOKIE);
	else if (cookie_is_zero(h->rcookie))
		first_message(core, h, path, datagram);
	else
		with_cookies(core, h, path, datagram);
}

void
core_input(struct core *core, struct mono now, const struct path *path, struct view datagram)
{
	struct header h;
	enum why why;

	core->now = now;
	core->draft_used = false;
	core->counters.datagrams_in++;
	core->counters.octets_in += datagram.n;
	if (core->passive || core->snapshot == NULL)
		return;			/* passive: read and discarded (10.1) */
	why = header_decode(datagram, &h);			/* check 1 */
	if (why != WHY_NONE) {
		fail_classic(core, "message_recv: bad message length");
		fail_record(core, why, NULL, path, NULL, NULL, NULL);
		return;
	}
	core->at_hand = &h;
	with_header(core, &h, path, datagram);
	core->at_hand = NULL;
	core->draft_used = false;
}
