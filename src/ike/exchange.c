/*
 * The exchange engine.  It reads rows and knows nothing of main mode or quick
 * mode: it finds the row for what happened, checks the message against it,
 * calls the handler, sends the reply, moves the state and the deadlines.
 * One function, state_set, assigns a state; and state_return takes one back.
 */
#include <assert.h>
#include <stdlib.h>

#include "ike/internal.h"

static const char *const state_names[X_STATE_MAX] = {
	[X_NEW] = "new",
	[MM_I_SENT_SA] = "waiting for SA", [MM_I_DH_PENDING] = "making DH value",
	[MM_I_SENT_KE] = "waiting for KE", [MM_I_SKEYID_PENDING] = "computing SKEYID",
	[MM_I_OWN_NAME_PENDING] = "choosing a name", [MM_I_PEER_NAME_PENDING] = "comparing names",
	[MM_R_NAMES_PENDING] = "comparing names",
	[MM_I_AUTH_PENDING] = "computing HASH_I", [MM_I_SENT_AUTH] = "waiting for HASH_R",
	[MM_I_CERT_PENDING] = "choosing a certificate", [MM_I_TRUST_PENDING] = "checking certificates",
	[MM_R_TRUST_PENDING] = "checking certificates", [MM_R_CERT_PENDING] = "choosing a certificate",
	[MM_I_VERIFY_PENDING] = "verifying HASH_R",
	[MM_R_SENT_SA] = "waiting for KE", [MM_R_DH_PENDING] = "making DH value",
	[MM_R_SKEYID_PENDING] = "computing SKEYID", [MM_R_SENT_KE] = "waiting for HASH_I",
	[MM_R_VERIFY_PENDING] = "verifying HASH_I", [MM_R_AUTH_PENDING] = "computing HASH_R",
	[QM_I_SPI_PENDING] = "reserving SPI", [QM_I_DH_PENDING] = "making DH value",
	[QM_I_SENT_1] = "waiting for answer", [QM_I_SHARED_PENDING] = "computing g^xy",
	[QM_I_INSTALL_PENDING] = "installing SAs",
	[QM_R_SPI_PENDING] = "reserving SPI", [QM_R_DH_PENDING] = "making DH value",
	[QM_R_SHARED_PENDING] = "computing g^xy",
	[QM_R_INBOUND_PENDING] = "installing inbound SA", [QM_R_SENT_2] = "waiting for HASH(3)",
	[QM_R_INSTALL_PENDING] = "installing outbound SA",
	[X_DONE] = "done",
};

const char *
exchange_state_name(uint8_t state)
{
	return state < X_STATE_MAX ? state_names[state] : "?";
}

const char *
exchange_kind(const struct exchange *x)
{
	return x->type == EXCH_ID_PROT ? "main" : x->type == EXCH_QUICK_MODE ? "quick" : "info";
}

static struct rows
rows_of(const struct exchange *x)
{
	return x->type == EXCH_ID_PROT ? main_mode_rows() : quick_mode_rows();
}

/* ---- life ---- */

struct exchange *
exchange_new(struct core *core, uint8_t type, bool initiator, const struct peer *peer,
    const struct connection *connection)
{
	struct handle h;
	struct exchange *x = slab_add(core->exchanges, &h);

	if (x == NULL) {
		core_refuse(core, WHY_NO_MEMORY);
		return NULL;
	}
	x->self = h;
	x->type = type;
	x->initiator = initiator;
	x->snapshot = snapshot_ref(core->snapshot);
	x->peer = peer;
	x->connection = connection;
	x->started = core->now;
	x->step = 1;
	if (type == EXCH_ID_PROT)
		x->p1 = calloc(1, sizeof(*x->p1));
	else
		x->p2 = calloc(1, sizeof(*x->p2));
	if (x->p1 == NULL && x->p2 == NULL) {
		exchange_free(core, x);
		core_refuse(core, WHY_NO_MEMORY);
		return NULL;
	}
	if (initiator && !running_add(core, x)) {
		exchange_free(core, x);
		return NULL;
	}
	timer_set(core, &x->end, TIMER_EXCHANGE_END, h,
	    mono_add(core->now, span_s(core->snapshot->exchange_max)));
	if (x->end.d.index == 0) {	/* nothing may be without a deadline */
		exchange_free(core, x);
		return NULL;
	}
	return x;
}

struct exchange *
exchange_find(struct core *core, struct handle h)
{
	return slab_find(core->exchanges, h);
}

/*
 * The keys under which messages find an exchange: both cookies; for first
 * messages the initiator cookie and the address it came from; in phase 2 the
 * ISAKMP SA and the message ID.  A leading octet keeps the kinds apart.
 */
enum { KEY_ROOM = 32 };

static struct view
key_cookies(uint8_t room[KEY_ROOM], const uint8_t *icookie, const uint8_t *rcookie)
{
	struct wr w = wr_of(room, KEY_ROOM);

	wr_u8(&w, 2);
	wr_bytes(&w, icookie, COOKIE_LEN);
	wr_bytes(&w, rcookie, COOKIE_LEN);
	return wr_done(&w);
}

static struct view
key_first(uint8_t room[KEY_ROOM], const uint8_t *icookie, const struct addr *a)
{
	struct wr w = wr_of(room, KEY_ROOM);

	wr_u8(&w, 1);
	wr_bytes(&w, icookie, COOKIE_LEN);
	wr_view(&w, addr_view(a));
	return wr_done(&w);
}

static struct view
key_message_id(uint8_t room[KEY_ROOM], struct handle sa, uint32_t message_id)
{
	struct wr w = wr_of(room, KEY_ROOM);

	wr_u64(&w, handle_u64(sa));
	wr_u32(&w, message_id);
	return wr_done(&w);
}

static void
unlink_from(struct map *map, struct view key, const struct exchange *x)
{
	uint64_t v;

	if (map_get(map, key, &v) && v == handle_u64(x->self))
		map_remove(map, key);
}

static void
unlink_maps(struct core *core, struct exchange *x)
{
	uint8_t room[KEY_ROOM];

	if (x->type == EXCH_ID_PROT) {
		unlink_from(core->p1_by_cookies, key_cookies(room, x->icookie, x->rcookie), x);
		unlink_from(core->p1_by_cookies, key_first(room, x->icookie, &x->first_addr), x);
	} else {
		unlink_from(core->by_message_id,
		    key_message_id(room, x->isakmp_sa, x->message_id), x);
	}
}

static struct exchange *
find_in(struct core *core, struct map *map, struct view key)
{
	uint64_t v;

	return map_get(map, key, &v) ? exchange_find(core, handle_of_u64(v)) : NULL;
}

bool
exchange_index_first(struct core *core, struct exchange *x)
{
	uint8_t room[KEY_ROOM];

	x->first_addr = x->path.remote.addr;
	return map_put(core->p1_by_cookies, key_first(room, x->icookie, &x->first_addr),
	    handle_u64(x->self));
}

bool
exchange_index_cookies(struct core *core, struct exchange *x)
{
	uint8_t room[KEY_ROOM];

	return map_put(core->p1_by_cookies, key_cookies(room, x->icookie, x->rcookie),
	    handle_u64(x->self));
}

bool
exchange_index_message_id(struct core *core, struct exchange *x)
{
	uint8_t room[KEY_ROOM];

	return map_put(core->by_message_id, key_message_id(room, x->isakmp_sa, x->message_id),
	    handle_u64(x->self));
}

struct exchange *
exchange_by_first(struct core *core, const uint8_t *icookie, const struct addr *a)
{
	uint8_t room[KEY_ROOM];

	return find_in(core, core->p1_by_cookies, key_first(room, icookie, a));
}

struct exchange *
exchange_by_cookies(struct core *core, const uint8_t *icookie, const uint8_t *rcookie)
{
	uint8_t room[KEY_ROOM];

	return find_in(core, core->p1_by_cookies, key_cookies(room, icookie, rcookie));
}

struct exchange *
exchange_by_message_id(struct core *core, struct handle isakmp_sa, uint32_t message_id)
{
	uint8_t room[KEY_ROOM];

	return find_in(core, core->by_message_id, key_message_id(room, isakmp_sa, message_id));
}

static void
p1_free(struct p1 *p1)
{
	if (p1 == NULL)
		return;
	p1_keys_done(&p1->keys);
	free(p1->public_value);
	free(p1->peer_public);
	free(p1->peer_proof);
	free(p1->own_proof);
	free(p1->own_name);
	free(p1->peer_name);
	free(p1->own_key);
	certs_free(p1->certs);
	free(p1->chosen_attributes);
	wipe(p1, sizeof(*p1));
	free(p1);
}

static void
p2_free(struct p2 *p2)
{
	if (p2 == NULL)
		return;
	secret_done(&p2->shared);
	free(p2->public_value);
	free(p2->peer_public);
	free(p2->attributes);
	wipe(p2, sizeof(*p2));
	free(p2);
}

/* Other roles may hold something for this exchange: they let go of it. */
static void
release_roles(struct core *core, struct exchange *x)
{
	if ((x->p1 != NULL && x->p1->keys_asked) || (x->p2 != NULL && x->p2->keys_asked)) {
		const struct keys_ask drop = { .verb = KEYS_DROP, .token = handle_u64(x->self) };

		act_keys(core, &drop);
		if (x->p1 != NULL)
			x->p1->keys_asked = false;
		else
			x->p2->keys_asked = false;
	}
	if (x->p2 == NULL || x->p2->installed_all)
		return;
	struct ipsec_sa *sa = ipsec_sa_find(core, x->p2->ipsec_sa);
	if (sa != NULL) {
		/* The peer may have its pair already, and would send into nothing. */
		ipsec_sa_remove(core, sa, x->state == QM_R_SENT_2 || x->state == QM_R_INSTALL_PENDING);
	} else if (x->p2->spi_in != 0) {
		const struct kern_ask back = { .verb = KERN_REMOVE, .spi = x->p2->spi_in };

		act_kern(core, &back);
	}
	x->p2->spi_in = 0;
}

/* ---- the quick modes of an ISAKMP SA, so that it finds them when it goes ---- */

void
exchange_adopt(struct isakmp_sa *sa, struct exchange *x)
{
	x->sibling = sa->children;
	if (x->sibling != NULL)
		x->sibling->sibling_before = x;
	sa->children = x;
}

static void
orphan(struct core *core, struct exchange *x)
{
	struct isakmp_sa *sa = is_phase1(x) ? NULL : isakmp_sa_find(core, x->isakmp_sa);

	if (sa != NULL && sa->children == x)
		sa->children = x->sibling;
	if (x->sibling_before != NULL)
		x->sibling_before->sibling = x->sibling;
	if (x->sibling != NULL)
		x->sibling->sibling_before = x->sibling_before;
	x->sibling = x->sibling_before = NULL;
}

/*
 * What a done exchange still has to do, repeating its last message, needs
 * nothing of this; and it is kilobytes, with keys in them.
 */
static void
spend(struct core *core, struct exchange *x)
{
	release_roles(core, x);
	p1_free(x->p1);
	p2_free(x->p2);
	x->p1 = NULL;
	x->p2 = NULL;
}

void
exchange_free(struct core *core, struct exchange *x)
{
	if (x == NULL)
		return;
	release_roles(core, x);
	unlink_maps(core, x);
	running_remove(core, x);
	stage_leave(core, x);
	orphan(core, x);
	if (x->p2 != NULL && !x->initiator && x->state != X_DONE)
		quick_mode_uncount(core, x);
	timer_clear(core, &x->resend);
	timer_clear(core, &x->end);
	p1_free(x->p1);
	p2_free(x->p2);
	free(x->out);
	snapshot_unref(x->snapshot);
	slab_remove(core->exchanges, x->self);
}

/* ---- failing ---- */

static const char *
what_was_waited_for(const struct exchange *x)
{
	switch (x->state) {
	case MM_I_SENT_SA:
		return "an answer to the proposal (message 2)";
	case MM_I_SENT_KE:
		return "the peer's public value (message 4)";
	case MM_I_SENT_AUTH:
		return "the peer's authentication (message 6)";
	case MM_R_SENT_SA:
		return "the peer's public value (message 3)";
	case MM_R_SENT_KE:
		return "the peer's authentication (message 5)";
	case QM_I_SENT_1:
		return "an answer to the quick mode proposal (message 2)";
	case QM_R_SENT_2:
		return "HASH(3) (message 3)";
	default:
		return "an answer of another process of this daemon";
	}
}

/* What is no news after a record said why: nothing more came, or the same again. */
static bool
is_consequence(enum why why)
{
	return why == WHY_NO_ANSWER || why == WHY_TIMEOUT || why == WHY_AUTH_HASH;
}

void
exchange_fail(struct core *core, struct exchange *x, enum why why)
{
	const struct peer *peer = x->peer;
	const struct connection *connection = x->connection;
	bool phase1 = is_phase1(x), was_done = x->state == X_DONE;
	bool initiator = x->initiator;
	struct snapshot *snapshot = snapshot_ref(x->snapshot);

	if (phase1 && !was_done)
		main_mode_failing(core, x, why);
	if (!x->recorded && !was_done && !(x->hinted && is_consequence(why)))
		fail_record(core, why, x, &x->path, peer, connection, NULL);
	core->draft_used = false;
	exchange_free(core, x);
	if (!was_done && why != WHY_SHUTDOWN) {
		if (phase1 && initiator)
			connections_phase1_failed(core, peer);
		else if (!phase1 && initiator && connection != NULL)
			connection_failed(core, connection);
	}
	snapshot_unref(snapshot);
}

/*
 * Under protection, with the SPI of the peer's proposal as far as it is known:
 * it may have several quick modes under way (RFC 2408 3.14).
 */
static void
quick_refuse(struct core *core, struct isakmp_sa *sa, const struct exchange *x, enum notify type)
{
	uint8_t spi[4];
	struct wr w = wr_of(spi, sizeof(spi));
	struct notify_body n = {
		.doi = DOI_IPSEC_NUMBER, .protocol = PROTO_IPSEC_ESP, .type = (uint16_t)type,
	};

	wr_u32(&w, x->p2->spi_out);
	if (x->p2->spi_out != 0)
		n.spi = wr_done(&w);
	info_send_notify(core, sa, &n);
}

/*
 * It fails for a reason of our own, after the peer's first quick mode message
 * was found good: tell it, so that it does not ask again in vain.
 */
void
exchange_fail_local(struct core *core, struct exchange *x, enum why why)
{
	struct isakmp_sa *sa = x->p2 != NULL && !x->initiator ?
	    isakmp_sa_find(core, x->isakmp_sa) : NULL;

	if (sa != NULL && x->state >= QM_R_SPI_PENDING && x->state <= QM_R_INBOUND_PENDING) {
		quick_refuse(core, sa, x, why_notify(why) != N_NONE ? why_notify(why) :
		    N_NO_PROPOSAL_CHOSEN);
	}
	exchange_fail(core, x, why);
}

void
exchange_refuse(struct core *core, struct exchange *x, enum why why, size_t datagram_n)
{
	struct isakmp_sa *sa = x->p2 != NULL ? isakmp_sa_find(core, x->isakmp_sa) : NULL;
	enum notify notify = why_notify(why);

	if (notify != N_NONE && !(x->initiator && x->p1 != NULL)) {
		if (sa != NULL && x->authentic) {
			quick_refuse(core, sa, x, notify);
		} else if (sa == NULL) {
			info_send_clear(core, &x->path, x->icookie, x->rcookie, notify, datagram_n);
		}
	}
	if (x->fresh || x->authentic) {
		exchange_fail(core, x, why);
		return;
	}
	/* Nobody vouched for this message: the exchange goes on without it. */
	if (!x->recorded && !x->hinted) {
		x->hinted = true;
		fail_record(core, why, x, &x->path, x->peer, x->connection, NULL);
	} else {
		core_refuse(core, why);
	}
	core->draft_used = false;
}

/* ---- sending ---- */

static void
resend_schedule(struct core *core, struct exchange *x)
{
	/* First interval, doubled each time, with up to 10 % of jitter. */
	int64_t ms = (int64_t)x->snapshot->first_retransmit_ms << (x->sends - 1 > 10 ? 10 : x->sends - 1);
	uint8_t r;

	core->env.random(core->env.self, &r, 1);
	timer_set(core, &x->resend, TIMER_EXCHANGE_RESEND, x->self,
	    mono_add(core->now, span_ms(ms + ms * r / 2560)));
}

static void
send_stored(struct core *core, struct exchange *x)
{
	if (core->passive || core->mute || x->out == NULL)
		return;
	act_send(core, &x->path, view_of(x->out, x->out_n));
}

static void
header_for(const struct exchange *x, bool encrypted, struct header *ret)
{
	*ret = (struct header){
		.version = 0x10, .exchange = x->type,
		.flags = encrypted ? FLAG_ENCRYPTION : 0, .message_id = x->message_id,
	};
	memcpy(ret->icookie, x->icookie, COOKIE_LEN);
	memcpy(ret->rcookie, x->rcookie, COOKIE_LEN);
}

bool
message_encrypt(const struct p1_params *params, const struct p1_keys *keys, uint8_t *iv,
    struct msg_wr *m, struct view *ret)
{
	struct view bytes = msg_finish_padded(m, cipher_block(params->cipher));
	uint8_t *body = m->w.base + HEADER_LEN;

	if (bytes.n == 0 || !cipher_encrypt(params->cipher, secret_view(&keys->cipher_key), iv,
	    body, body, bytes.n - HEADER_LEN))
		return false;
	*ret = bytes;
	return true;
}

/* Builds the row's reply, protects it, keeps it for resending and sends it. */
static enum why
reply(struct core *core, struct exchange *x, const struct row *row)
{
	uint8_t *room = calloc(1, DATAGRAM_MAX);
	struct header h;
	struct view bytes;
	enum why why;

	if (room == NULL)
		return WHY_NO_MEMORY;
	header_for(x, row->reply_encrypted, &h);
	struct msg_wr m = msg_begin(room, DATAGRAM_MAX, &h);
	why = row->reply(core, x, &m);
	if (why != WHY_NONE)
		goto done;
	bytes = msg_finish(&m);
	why = WHY_NO_MEMORY;
	if (bytes.n == 0)
		goto done;
	x->step = row->reply_step;
	act_trace(core, true, x, NULL, row->reply_step, NULL, bytes, &x->path);
	act_capture(core, true, &x->path, bytes, (struct view){ 0 });
	if (row->reply_encrypted) {
		const struct isakmp_sa *sa = isakmp_sa_find(core, x->isakmp_sa);
		const struct p1_params *params = x->p1 != NULL ? &x->p1->params : &sa->params;
		const struct p1_keys *keys = x->p1 != NULL ? &x->p1->keys : &sa->keys;

		if (!message_encrypt(params, keys, x->iv, &m, &bytes))
			goto done;
	}
	uint8_t *out = malloc(bytes.n);
	if (out == NULL)
		goto done;
	memcpy(out, bytes.p, bytes.n);
	free(x->out);
	x->out = out;
	x->out_n = bytes.n;
	x->sends = 1;
	x->answers = 0;
	send_stored(core, x);
	why = WHY_NONE;
done:
	wipe(room, DATAGRAM_MAX);
	free(room);
	return why;
}

/* ---- rows ---- */

const struct row *
exchange_row(const struct exchange *x, enum row_on on, uint8_t answer)
{
	struct rows rows = rows_of(x);

	for (size_t i = 0; i < rows.n; i++) {
		const struct row *r = &rows.row[i];

		if (r->in == x->state && r->on == on && (r->role == INITIATOR) == x->initiator &&
		    r->answer == answer && (r->when == NULL || r->when(x)))
			return r;
	}
	return NULL;
}

static void
state_set(struct core *core, struct exchange *x, const struct row *row)
{
	assert(x->state == row->in);
	tell(core, CLASS_EXCHANGE, 30, "exchange %s %s: %s -> %s", exchange_kind(x),
	    x->peer->name, exchange_state_name(x->state), exchange_state_name(row->out));
	x->state = row->out;
	if (row->reply != NULL && row->resend == RESEND_BY_TIMER)
		resend_schedule(core, x);
	else
		timer_clear(core, &x->resend);
}

static void
payloads_print(struct str *s, uint64_t bits)
{
	for (uint8_t type = 1; type != 0; type++) {
		uint64_t bit = payload_bit(type);

		if (bit != 0 && (bits & bit) != 0)
			str_addf(s, "%s%s", s->len > 0 ? ", " : "", payload_text(type));
	}
}

/* The payloads of a step: those missing, or those too many. */
static enum why
payloads_check(struct core *core, const struct row *row, const struct message *m)
{
	uint64_t missing = row->need & ~m->present, more = m->present & ~(row->need | row->may);
	STR(field, 64);
	STR(need, 80);
	STR(may, 80);
	STR(got, 160);

	if (missing == 0 && more == 0)
		return WHY_NONE;
	payloads_print(&field, missing != 0 ? missing : more);
	payloads_print(&need, row->need);
	payloads_print(&may, row->may);
	payloads_print(&got, m->present);
	if (missing != 0)
		fail_classic(core, "exchange_run: exchange_validate failed");
	fail_field(core, field.p, NULL);
	fail_expected(core, "%s%s%s", need.p, may.len > 0 ? ", and allowed: " : "", may.p);
	fail_got(core, "%s", got.p);
	return missing != 0 ? WHY_PAYLOAD_MISSING : WHY_PAYLOAD_TYPE;
}

void
exchange_run(struct core *core, struct exchange *x, enum row_on on, const struct event *e)
{
	uint8_t answer = e == NULL ? 0 : e->keys != NULL ? e->keys->verb :
	    e->kern != NULL ? e->kern->verb : e->trust != NULL ? e->trust->verb : 0;
	const struct row *row = exchange_row(x, on, answer);
	size_t datagram_n = e != NULL && e->m != NULL ? e->m->h.length : 0;
	enum why why = WHY_NONE;

	if (row == NULL) {
		core_refuse(core, WHY_UNEXPECTED);
		return;
	}
	if (row->step != 0)
		x->step = row->step;
	x->authentic = false;
	if (on == ON_MESSAGE)
		why = payloads_check(core, row, e->m);
	core->ask_lost = false;
	if (why == WHY_NONE && row->handle != NULL)
		why = row->handle(core, x, e);
	if (why == WHY_NONE && row->reply != NULL)
		why = reply(core, x, row);
	if (why == WHY_NONE && core->ask_lost) {
		exchange_fail_local(core, x, WHY_NO_MEMORY);	/* whom it would wait for knows nothing */
		return;
	}
	if (why != WHY_NONE) {
		if (!core->draft_used || core->draft->classic[0] == '\0')
			fail_classic(core, "exchange_run: doi->%s (%s/%u) failed",
			    x->initiator ? "initiator" : "responder", exchange_kind(x), x->step);
		if (on == ON_MESSAGE)
			exchange_refuse(core, x, why, datagram_n);
		else
			exchange_fail_local(core, x, why);
		return;
	}
	x->fresh = false;
	state_set(core, x, row);
	struct handle h = x->self;
	if (row->done != NULL)
		row->done(core, x);
	x = exchange_find(core, h);
	if (x != NULL && x->state == X_DONE)
		spend(core, x);
}

/* ---- a HASH that was not the peer's ---- */

void
exchange_remember(struct exchange *x)
{
	struct p1 *p1 = x->p1;

	p1->waiting = x->state;
	memcpy(p1->waiting_iv, x->iv, sizeof(p1->waiting_iv));
	memcpy(p1->waiting_seen, x->seen, sizeof(p1->waiting_seen));
}

static void
state_return(struct core *core, struct exchange *x, uint8_t state)
{
	tell(core, CLASS_EXCHANGE, 30, "exchange %s %s: %s -> %s", exchange_kind(x),
	    x->peer->name, exchange_state_name(x->state), exchange_state_name(state));
	x->state = state;
}

/*
 * Message 5 or 6 decrypted, and its HASH is wrong.  Different pre-shared keys
 * rarely come so far; somebody on the way who changed a bit does.  The sender
 * repeats itself, and the true copy is as good as ever.
 */
bool
exchange_wait_again(struct core *core, struct exchange *x)
{
	const struct where w = where_in(&x->peer->where, x->peer->psk_line);
	struct p1 *p1 = x->p1;

	if (p1->waiting == X_NEW || ++p1->wrong_hashes >= KEYS_PEER_TRIES)
		return false;
	if (!x->hinted && !x->recorded) {
		x->hinted = true;
		fail_field(core, "Authentication", &w);
		fail_expected(core, "the same pre-shared key on both sides");
		fail_got(core, "a HASH made with another one, or changed on the way");
		fail_record(core, WHY_AUTH_HASH, x, &x->path, x->peer, NULL, NULL);
	}
	state_return(core, x, p1->waiting);
	memcpy(x->iv, p1->waiting_iv, sizeof(x->iv));
	memcpy(x->seen, p1->waiting_seen, sizeof(x->seen));
	if (x->initiator)
		resend_schedule(core, x);
	return true;
}

/* ---- duplicates ---- */

bool
exchange_is_duplicate(struct core *core, struct exchange *x, struct view datagram)
{
	uint8_t digest[HASH_LEN_MAX];

	(void)core;
	return x->have_seen && hash_views(HASH_SHA2_256, &datagram, 1, digest) &&
	    memcmp(digest, x->seen, sizeof(x->seen)) == 0;
}

void
exchange_repeat(struct core *core, struct exchange *x)
{
	bool pending = x->out == NULL;

	if (pending || x->answers >= ANSWERS_MAX) {
		core_refuse(core, WHY_DUPLICATE);
		return;
	}
	/* A pending state still holds the message before: not the answer to this one. */
	if (x->state != X_DONE && x->state != MM_R_SENT_SA && x->state != MM_R_SENT_KE &&
	    x->state != QM_R_SENT_2) {
		core_refuse(core, WHY_DUPLICATE);
		return;
	}
	x->answers++;
	tell(core, CLASS_EXCHANGE, 40, "exchange %s %s: duplicate, answer %u repeated",
	    exchange_kind(x), x->peer->name, x->answers);
	send_stored(core, x);
}

/* ---- timers ---- */

/*
 * A quick mode without any answer: the peer may have lost the ISAKMP SA, and
 * not every peer speaks DPD.  If nothing came over it since, the next attempt
 * begins with phase 1.
 */
static void
suspect_isakmp_sa(struct core *core, struct handle h, struct mono since)
{
	struct isakmp_sa *sa = isakmp_sa_find(core, h);

	if (sa == NULL || mono_before(since, sa->last_heard))
		return;
	tell(core, CLASS_NORMAL, 0, "isakmpd: peer %s does not answer on its ISAKMP SA: removed",
	    sa->peer->name);
	isakmp_sa_remove(core, sa);
}

static void
give_up(struct core *core, struct exchange *x)
{
	struct handle parent = x->p2 != NULL && x->initiator ? x->isakmp_sa : (struct handle){ 0 };
	struct mono started = x->started;
	STR(remote, 80);

	if (x->unreadable && !x->recorded) {
		main_mode_undecryptable(core, x, &x->path);
		exchange_fail(core, x, exchange_signs(x) ? WHY_UNDECRYPTABLE : WHY_WRONG_PSK);
		return;
	}
	endpoint_print(&remote, &x->path.remote);
	fail_classic(core, "transport_send_messages: giving up on exchange %s, no response from peer %s",
	    x->connection != NULL ? x->connection->name : x->peer->name, remote.p);
	fail_field(core, "message", NULL);
	fail_expected(core, "%s", what_was_waited_for(x));
	fail_got(core, "nothing after %u transmissions", x->sends);
	if (x->state == MM_I_SENT_AUTH) {
		const struct where w = { x->peer->where.section, x->peer->psk_line };

		if (exchange_signs(x))
			fail_field(core, "ID", &x->peer->where);
		else
			fail_field(core, "Authentication", &w);
		fail_remedy(core, "the peer answered until the keys were needed: most often %s; "
		    "otherwise see that UDP port %u passes", exchange_signs(x) ?
		    "it does not accept our key, which its log says" :
		    "the pre-shared keys (Authentication) differ",
		    (unsigned)x->path.remote.port);
	}
	exchange_fail(core, x, WHY_NO_ANSWER);
	suspect_isakmp_sa(core, parent, started);
}

void
exchange_timer(struct core *core, struct exchange *x, enum timer_kind kind)
{
	if (kind == TIMER_EXCHANGE_END) {
		if (x->state == X_DONE) {
			exchange_free(core, x);
			return;
		}
		fail_field(core, "message", NULL);
		fail_expected(core, "%s", what_was_waited_for(x));
		fail_got(core, x->state == MM_R_SENT_SA ? "nothing but message 1 again" :
		    "nothing in time");
		/* A stranger who never came back is counted, not logged; a peer that
		 * asks and asks again does not hear us. */
		if (x->state == MM_R_SENT_SA && (!x->known_peer || x->answers == 0)) {
			x->recorded = true;
			core_refuse(core, WHY_TIMEOUT);
		}
		exchange_fail(core, x, WHY_TIMEOUT);
		return;
	}
	if (x->sends > x->snapshot->retransmits) {
		give_up(core, x);
		return;
	}
	if (!core->passive) {
		x->sends++;
		tell(core, CLASS_TRANSPORT, 30, "exchange %s %s: message %u sent again (%u)",
		    exchange_kind(x), x->peer->name, x->step, x->sends);
		send_stored(core, x);
	}
	resend_schedule(core, x);
}
