/*
 * What an operator is told.  Each fault is put into a negotiation between two
 * simulated gateways by configuration, by changing a message on its way (with
 * the sender's own keys where it is encrypted), or in another process; then
 * the record that one of the two has written is compared with what was put in:
 * one record at the default log level, which names the field, the value
 * expected, the value that came, the line of the configuration, and a remedy.
 * Values are those that the fault put in; lines are looked up in the text of
 * the configuration.  The test fails below 95 % and lists every miss.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ike/internal.h"
#include "sim/pki.h"
#include "sim/template.h"

enum { WEST, EAST, LINES_OF_FAULT = 6, MADE_OF_FAULT = 6 };

/* What is changed in the messages of one exchange. */
enum change {
	AS_IS, ATTRIBUTE, NO_ATTRIBUTE, TRANSFORM_NUMBER, PROTOCOL, SPI, SPI_SIZE, DOI_NUMBER,
	SITUATION_NUMBER, PROPOSAL_TWICE, BUNDLE, NO_PAYLOAD, PAYLOAD_SIZE, PAYLOAD_MORE, ID_IS,
	WRONG_HASH, EXCHANGE, VERSION, NOTIFY_INSTEAD, NOTIFY_COVERED, SILENCE, NO_KEY, BAD_PUBLIC,
	MANY_STRANGERS, MANY_QUICK, KEYS_RESTART, KERN_RESTART, TRUST_RESTART, PEER_GONE,
	PEER_RESTART, SIGNATURE_IS
};

/* SIGNATURE_IS: what the other side puts in the place of its own. */
enum lie { LIE_EMPTY, LIE_CUT, LIE_LONGER, LIE_CHANGED, LIE_ZERO, LIE_VAST };

/* Which message of the two exchanges. */
enum which { MAIN_1 = 1, MAIN_2, MAIN_3, MAIN_4, MAIN_5, MAIN_6, QUICK_1, QUICK_2, QUICK_3 };

struct injected {
	const char	*name;
	int		 judged;	/* whose record */
	const char	*west, *east;	/* options of the template: "cipher=3DES_CBC keylen=none" */
	const char	*set[LINES_OF_FAULT];	/* "west [section] Tag=value" */
	enum change	 change;
	enum which	 which;
	uint32_t	 a, b;		/* attribute and value, payload and size, ... */
	const char	*pki[MADE_OF_FAULT];	/* certificates: sim/pki.h */
	const char	*refuse;	/* back end: "west install 1" */
	const char	*order;		/* what west is told in place of `c tunnel` */
	/* The facts, each a list of words that must be there, with `|` between them. */
	const char	*field, *expected, *got;
	const char	*line;		/* "section:Tag", "section:", or NULL where no line has a say */
	const char	*remedy;
	int64_t		 secs;		/* how long it is watched; 0: 150 */
};

struct stand {
	const struct injected *f;
	struct world	*w;
	struct plan	 plan;
	uint8_t		 last[9][16];	/* last cipher block of QUICK_1.. as they travelled */
	uint8_t		 changed[2048];	/* the same again for every copy */
	size_t		 changed_n;
	unsigned	 records;
	struct failure	 record;	/* the first of the judged host */
	bool		 watching;
};

/* ---- changing messages ---- */

static void
attributes_write(struct sa_wr *sa, const struct injected *f, struct view attributes)
{
	bool there = false;

	for (struct view more = attributes; more.n > 0;) {
		struct attribute a;

		if (attribute_next(&more, &a) != WHY_NONE)
			abort();
		bool it = a.type == f->a && (f->change == ATTRIBUTE || f->change == NO_ATTRIBUTE);
		there |= it;
		if (it && f->change == NO_ATTRIBUTE)
			continue;
		sa_wr_attribute(sa, a.type, it ? f->b : a.value);
	}
	if (f->change == ATTRIBUTE && !there)
		sa_wr_attribute(sa, (uint16_t)f->a, f->b);
}

static void
proposal_write(struct sa_wr *sa, const struct injected *f, const struct proposal *p, uint8_t protocol,
    uint8_t number)
{
	uint8_t spi[16] = { 0 };
	struct view as = p->spi;
	int previous = -1;

	if (f->change == SPI || f->change == SPI_SIZE) {
		memset(spi, 0, sizeof(spi));
		spi[3] = (uint8_t)f->a;
		as = view_of(spi, f->change == SPI_SIZE ? f->a : 4);
	}
	sa_wr_proposal(sa, number, protocol, as);
	for (struct view more = p->transforms; more.n > 0;) {
		struct transform t;

		if (transform_next(&more, previous, &t) != WHY_NONE)
			abort();
		previous = t.number;
		sa_wr_transform(sa, t.number, f->change == TRANSFORM_NUMBER ? (uint8_t)f->a : t.id);
		attributes_write(sa, f, t.attributes);
	}
}

static void
sa_write(struct msg_wr *m, const struct injected *f, struct view body)
{
	struct pl_mark k = msg_open(m, PL_SA);
	size_t at = m->w.len;
	struct sa_wr sa = sa_wr_begin(m);
	struct sa_body old;
	int previous = -1;

	if (sa_decode(body, &old) != WHY_NONE)
		abort();
	for (struct view more = old.proposals; more.n > 0;) {
		struct proposal p;

		if (proposal_next(&more, previous, &p) != WHY_NONE)
			abort();
		previous = p.number;
		proposal_write(&sa, f, &p, f->change == PROTOCOL ? (uint8_t)f->a : p.protocol, p.number);
		if (f->change == BUNDLE)
			proposal_write(&sa, f, &p, PROTO_IPSEC_AH, p.number);
		if (f->change == PROPOSAL_TWICE)
			proposal_write(&sa, f, &p, p.protocol, (uint8_t)(p.number + 1));
	}
	sa_wr_end(&sa);
	msg_close(m, k);
	if (f->change == DOI_NUMBER)
		m->w.base[at + 3] = (uint8_t)f->a;
	if (f->change == SITUATION_NUMBER)
		m->w.base[at + 7] = (uint8_t)f->a;
}

/* The payloads of one message, written anew with the change. */
static void
payloads_write(struct msg_wr *m, const struct injected *f, const struct message *old, size_t from)
{
	unsigned ids = 0;

	for (size_t i = from; i < old->n; i++) {
		const struct payload *p = &old->payload[i];
		bool it = p->type == f->a;
		uint8_t room[300] = { 0 };

		if (f->change == NO_PAYLOAD && it)
			continue;
		if (p->type == PL_SA && (f->change < NO_PAYLOAD)) {
			sa_write(m, f, p->body);
		} else if (f->change == PAYLOAD_SIZE && it) {
			memcpy(room, p->body.p, p->body.n < f->b ? p->body.n : f->b);
			msg_payload(m, p->type, view_of(room, f->b));
		} else if (f->change == ID_IS && p->type == PL_ID && ids++ == f->b) {
			struct wr w = wr_of(room, sizeof(room));

			wr_u8(&w, (uint8_t)f->a);
			wr_u8(&w, 0);
			wr_u16(&w, 0);
			wr_bytes(&w, f->a == ID_FQDN ? "host.example.net" : "\12\115\0\7", f->a == ID_FQDN ? 16 : 4);
			msg_payload(m, PL_ID, wr_done(&w));
		} else {
			msg_payload(m, p->type, p->body);
		}
	}
	if (f->change == PAYLOAD_MORE)
		msg_payload(m, (uint8_t)f->a, view_of((const uint8_t *)"0123456789abcdef", f->b));
}

static void
datagram_set(struct stand *s, struct datagram *d, struct view v)
{
	if (v.n == 0 || v.n > sizeof(s->changed))
		abort();
	memcpy(s->changed, v.p, v.n);
	s->changed_n = v.n;
	free(d->bytes);
	d->bytes = sim_alloc(v.n);
	memcpy(d->bytes, v.p, v.n);
	d->n = v.n;
}

static void
change_clear(struct stand *s, struct datagram *d, struct header *h)
{
	uint8_t room[2048];
	struct message old;

	if (message_parse(h, view_of(d->bytes + HEADER_LEN, d->n - HEADER_LEN), false, &old) != WHY_NONE)
		abort();
	if (s->f->change == EXCHANGE)
		h->exchange = (uint8_t)s->f->a;
	if (s->f->change == VERSION)
		h->version = (uint8_t)s->f->a;
	struct msg_wr m = msg_begin(room, sizeof(room), h);
	payloads_write(&m, s->f, &old, 0);
	datagram_set(s, d, msg_finish(&m));
}

/* The sender's exchange and SA, which have the keys. */
static struct exchange *
exchange_of(struct host *h, const struct header *head, struct isakmp_sa **ret_sa)
{
	*ret_sa = isakmp_sa_by_cookies(h->core, head->icookie, head->rcookie);
	if (head->message_id == 0)
		return exchange_by_cookies(h->core, head->icookie, head->rcookie);
	return *ret_sa == NULL ? NULL :
	    exchange_by_message_id(h->core, (*ret_sa)->self, head->message_id);
}

static void
quick_hash(struct stand *s, const struct isakmp_sa *sa, const struct exchange *x, struct msg_wr *m)
{
	size_t n = hash_len(sa->params.hash), rest = HEADER_LEN + 4 + n;
	uint8_t id[4], hash[PRF_MAX];
	struct wr w = wr_of(id, sizeof(id));
	bool second = s->f->which == QUICK_2;

	wr_u32(&w, x->message_id);
	const struct view parts[] = { wr_done(&w),
	    second ? view_of(x->p2->ni, x->p2->ni_n) : (struct view){ 0 },
	    view_of(m->w.base + rest, m->w.len - rest) };
	if (!keymat_hash(&sa->params, &sa->keys, parts, 3, hash))
		abort();
	memcpy(m->w.base + HEADER_LEN + 4, hash, n);
	if (s->f->change == WRONG_HASH)
		m->w.base[HEADER_LEN + 4] ^= 1;
}

static void
change_quick(struct stand *s, struct datagram *d, struct header *h, const uint8_t iv_of[16])
{
	struct isakmp_sa *sa;
	struct exchange *x = exchange_of(s->w->host[d->from], h, &sa);
	uint8_t iv[CIPHER_BLOCK_MAX], clear[2048], room[2048];
	struct message old;
	size_t n = d->n - HEADER_LEN;

	if (x == NULL || x->p2 == NULL)
		return;
	memcpy(iv, iv_of, 16);
	if (!cipher_decrypt(sa->params.cipher, secret_view(&sa->keys.cipher_key), iv,
	    d->bytes + HEADER_LEN, clear, n) ||
	    message_parse(h, view_of(clear, n), true, &old) != WHY_NONE)
		abort();
	h->flags |= FLAG_ENCRYPTION;
	struct msg_wr m = msg_begin(room, sizeof(room), h);
	struct pl_mark k = msg_open(&m, PL_HASH);
	wr_zero(&m.w, hash_len(sa->params.hash));
	msg_close(&m, k);
	payloads_write(&m, s->f, &old, 1);
	struct view bytes = msg_finish(&m);
	quick_hash(s, sa, x, &m);
	memcpy(iv, iv_of, 16);
	if (!message_encrypt(&sa->params, &sa->keys, iv, &m, &bytes))
		abort();
	datagram_set(s, d, bytes);
}

/* In place of the message the sender refuses, in clear. */
static void
notify_clear(struct stand *s, struct datagram *d, const struct header *old)
{
	uint8_t room[256], body[64];
	struct wr w = wr_of(body, sizeof(body));
	struct header h = { .version = 0x10, .exchange = EXCH_INFO, .message_id = 0x01020304 };
	const struct notify_body n = { .doi = 1, .protocol = PROTO_ISAKMP, .type = (uint16_t)s->f->a };

	memcpy(h.icookie, old->icookie, COOKIE_LEN);
	memcpy(h.rcookie, old->rcookie, COOKIE_LEN);
	struct msg_wr m = msg_begin(room, sizeof(room), &h);
	notify_encode(&w, &n);
	msg_payload(&m, PL_NOTIFY, wr_done(&w));
	datagram_set(s, d, msg_finish(&m));
}

/* The same under the protection of the ISAKMP SA. */
static void
notify_covered(struct stand *s, struct datagram *d, const struct header *old)
{
	struct isakmp_sa *sa = isakmp_sa_by_cookies(s->w->host[d->from]->core, old->icookie, old->rcookie);
	uint8_t room[512], body[64], iv[CIPHER_BLOCK_MAX], hash[PRF_MAX], id[4];
	struct wr w = wr_of(body, sizeof(body)), wi = wr_of(id, sizeof(id));
	struct header h = { .version = 0x10, .exchange = EXCH_INFO, .flags = FLAG_ENCRYPTION,
	    .message_id = 0x01020304 };
	const struct notify_body n = { .doi = 1, .protocol = PROTO_IPSEC_ESP,
	    .type = (uint16_t)s->f->a };

	if (sa == NULL)
		abort();
	size_t len = hash_len(sa->params.hash), rest = HEADER_LEN + 4 + len;
	memcpy(h.icookie, old->icookie, COOKIE_LEN);
	memcpy(h.rcookie, old->rcookie, COOKIE_LEN);
	struct msg_wr m = msg_begin(room, sizeof(room), &h);
	struct pl_mark k = msg_open(&m, PL_HASH);
	wr_zero(&m.w, len);
	msg_close(&m, k);
	notify_encode(&w, &n);
	msg_payload(&m, PL_NOTIFY, wr_done(&w));
	struct view bytes = msg_finish(&m);
	wr_u32(&wi, h.message_id);
	const struct view parts[] = { wr_done(&wi), view_of(room + rest, bytes.n - rest) };
	if (!keymat_hash(&sa->params, &sa->keys, parts, 2, hash) ||
	    !keymat_phase2_iv(&sa->params, sa->keys.iv, h.message_id, iv))
		abort();
	memcpy(room + HEADER_LEN + 4, hash, len);
	if (!message_encrypt(&sa->params, &sa->keys, iv, &m, &bytes))
		abort();
	datagram_set(s, d, bytes);
}

/* Which message of an exchange this is, told by its cookies, flags and payloads. */
static enum which
which_is(const struct datagram *d, const struct header *h)
{
	static const uint8_t none[COOKIE_LEN];
	bool initiator = d->from == WEST;

	if (h->exchange == EXCH_QUICK_MODE) {
		size_t n = d->n - HEADER_LEN;

		return !initiator ? QUICK_2 : n <= 64 ? QUICK_3 : QUICK_1;
	}
	if (h->exchange != EXCH_ID_PROT)
		return 0;
	if (memcmp(h->rcookie, none, COOKIE_LEN) == 0)
		return MAIN_1;
	if ((h->flags & FLAG_ENCRYPTION) != 0)
		return initiator ? MAIN_5 : MAIN_6;
	if (d->bytes[16] == PL_SA)
		return MAIN_2;
	return initiator ? MAIN_3 : MAIN_4;
}

static void
change(struct stand *s, struct datagram *d, struct header *h, enum which at)
{
	uint8_t iv[CIPHER_BLOCK_MAX];

	if (s->changed_n > 0) {		/* a copy */
		free(d->bytes);
		d->bytes = sim_alloc(s->changed_n);
		memcpy(d->bytes, s->changed, s->changed_n);
		d->n = s->changed_n;
	} else if (s->f->change == NOTIFY_INSTEAD) {
		notify_clear(s, d, h);
	} else if (s->f->change == NOTIFY_COVERED) {
		notify_covered(s, d, h);
	} else if (at < MAIN_5) {
		change_clear(s, d, h);
	} else if (at == QUICK_1) {
		struct isakmp_sa *sa;

		if (exchange_of(s->w->host[d->from], h, &sa) != NULL &&
		    keymat_phase2_iv(&sa->params, sa->keys.iv, h->message_id, iv))
			change_quick(s, d, h, iv);
	} else if (at > QUICK_1) {
		change_quick(s, d, h, s->last[at - QUICK_1 - 1]);
	}
}

static enum fate
on_datagram(void *self, struct world *w, struct datagram *d, struct span *delay)
{
	struct stand *s = self;
	struct header h;

	(void)w;
	(void)delay;
	if (d->from == NOBODY || header_decode(view_of(d->bytes, d->n), &h) != WHY_NONE)
		return FATE_PASS;
	enum which at = which_is(d, &h);
	if (at == 0)
		return s->f->change == SILENCE ? FATE_LOSE : FATE_PASS;
	if ((s->f->change == SILENCE && at >= s->f->which) ||
	    (s->f->change == MANY_QUICK && at == s->f->which))
		return FATE_LOSE;
	if (s->f->change != AS_IS && at == s->f->which)
		change(s, d, &h, at);
	if (at >= QUICK_1)
		memcpy(s->last[at - QUICK_1], d->bytes + d->n - 16, 16);
	return FATE_PASS;
}

/* A signature as somebody without the key could make it. */
static void
lie(struct keys_answer *a, enum lie how)
{
	switch (how) {
	case LIE_EMPTY:
		a->proof_n = 0;
		break;
	case LIE_CUT:
		a->proof_n--;
		break;
	case LIE_LONGER:
		a->proof[a->proof_n++] = 0;
		break;
	case LIE_CHANGED:
		a->proof[a->proof_n / 2] ^= 1;
		break;
	case LIE_ZERO:
		memset(a->proof, 0, a->proof_n);
		break;
	case LIE_VAST:
		memset(a->proof, 0x55, sizeof(a->proof));
		a->proof_n = sizeof(a->proof);
		break;
	}
}

/* An answer of `keys` that says no. */
static void
on_keys(void *self, struct host *h, const struct keys_answer *a)
{
	struct stand *s = self;
	struct keys_answer *mine = (struct keys_answer *)(uintptr_t)a;

	if (h->index != s->f->judged) {
		if (s->f->change == SIGNATURE_IS && a->verb == KEYS_AUTH_OWN)
			lie(mine, (enum lie)s->f->a);
		return;
	}
	if (s->f->change == NO_KEY && a->verb == KEYS_SKEYID)
		mine->why = WHY_NO_KEY;
	if (s->f->change == BAD_PUBLIC && a->verb == (s->f->which == QUICK_1 ? KEYS_DH_SHARED : KEYS_SKEYID))
		mine->why = WHY_KEY_VALUE;
}

static void
on_act(void *self, struct host *h, const struct act *a)
{
	struct stand *s = self;

	if (a->kind != ACT_FAILURE || h->index != s->f->judged || !s->watching)
		return;
	if (s->records++ == 0)
		s->record = *a->failure;
}

/* ---- the stand ---- */

static void
options_set(struct stand *s, int host, const char *words)
{
	char room[512], *save = NULL;

	text_copy(room, sizeof(room), words == NULL ? "" : words);
	for (char *p = strtok_r(room, " ", &save); p != NULL; p = strtok_r(NULL, " ", &save)) {
		char *value = strchr(p, '=');

		*value++ = '\0';
		if (!plan_set(&s->plan, host, p, value))
			abort();
	}
}

static void
lines_set(struct stand *s)
{
	for (size_t i = 0; i < LINES_OF_FAULT && s->f->set[i] != NULL; i++) {
		char section[64];
		const char *open = strchr(s->f->set[i], '['), *close = strchr(s->f->set[i], ']');

		text_copy(section, (size_t)(close - open), open + 1);
		if (!plan_line(&s->plan, s->f->set[i][0] == 'w' ? WEST : EAST, section, close + 2))
			abort();
	}
}

static void
refuse_set(struct stand *s)
{
	static const char *const verbs[] = { "any", "get_spi", "install", "remove", "query", "move" };
	char who[16], verb[16];
	unsigned n;

	if (s->f->refuse == NULL || sscanf(s->f->refuse, "%15s %15s %u", who, verb, &n) != 3)
		return;
	struct kernel *k = &s->w->host[who[0] == 'w' ? WEST : EAST]->kernel;
	for (unsigned v = 0; v < COUNT(verbs); v++)
		if (strcmp(verb, verbs[v]) == 0)
			k->refuse_verb = (uint8_t)v;
	k->refuse_in = n;
	k->refuse_why = strstr(s->f->refuse, "ALGORITHM") != NULL ? WHY_BACKEND_ALGORITHM : WHY_BACKEND;
}

static void
run(struct stand *s, int64_t ms)
{
	world_run(s->w, mono_add(s->w->now, span_ms(ms)));
}

/* One attempt and no more: nothing here is kept up. */
static void
begin(struct stand *s, const char *name)
{
	struct host *west = s->w->host[WEST];

	host_before(west);
	(void)core_connect(west->core, s->w->now, name);
	host_after(west);
	for (size_t i = 0; i < west->core->n_connections; i++)
		west->core->connections[i].active = false;
}

/* Many first messages, each of a negotiation of its own that nobody continues. */
static void
strangers(struct stand *s)
{
	for (unsigned i = 0; i < s->f->a; i++) {
		struct host *west = s->w->host[WEST];
		struct handle h;
		uint32_t at = 0;

		begin(s, "tunnel");
		run(s, 30);
		for (struct exchange *x; (x = slab_next(west->core->exchanges, &at, &h)) != NULL;) {
			host_before(west);
			exchange_free(west->core, x);
			host_after(west);
		}
	}
}

static bool
both_up(void *self, struct world *w)
{
	struct stand *s = self;
	struct flow f = plan_flow(&s->plan, WEST, EAST, 1);

	return kernel_carry(w, w->host[WEST], &f, 100);
}

/* Does trust look at certificates for it? */
static bool
judges_certificates(void *self, struct world *w)
{
	struct stand *s = self;
	struct host *h = w->host[s->f->judged];
	struct handle handle;
	uint32_t at = 0;

	for (struct exchange *x; (x = slab_next(h->core->exchanges, &at, &handle)) != NULL;)
		if (x->state == MM_I_TRUST_PENDING || x->state == MM_R_TRUST_PENDING)
			return true;
	return false;
}

/* Is one going on, in that phase? */
static bool
negotiates(const struct host *h, bool quick)
{
	struct handle handle;
	uint32_t at = 0;

	for (struct exchange *x; (x = slab_next(h->core->exchanges, &at, &handle)) != NULL;)
		if (x->state != X_DONE && (x->p2 != NULL) == quick)
			return true;
	return false;
}

static void
act_out(struct stand *s)
{
	const struct injected *f = s->f;
	struct host *it = s->w->host[f->judged];

	switch (f->change) {
	case MANY_STRANGERS:
		net_link(s->w, EAST, WEST)->cut = true;
		strangers(s);
		break;
	case PEER_GONE:
		begin(s, "tunnel");
		(void)world_run_until(s->w, both_up, s, mono_add(s->w->now, span_s(5)));
		run(s, 1000);
		host_kill(s->w->host[f->judged == WEST ? EAST : WEST]);
		break;
	case PEER_RESTART:
		begin(s, "tunnel");
		(void)world_run_until(s->w, both_up, s, mono_add(s->w->now, span_s(5)));
		run(s, 1000);
		host_kill(it);
		if (!host_start(it))
			abort();
		begin(s, "tunnel-2");
		break;
	case MANY_QUICK:
		for (unsigned i = 1; i <= 65; i++) {
			STR(name, 24);

			str_addf(&name, i == 1 ? "tunnel" : "tunnel-%u", i);
			begin(s, name.p);
		}
		break;
	case KEYS_RESTART:
	case KERN_RESTART:
		begin(s, "tunnel");
		for (unsigned i = 0; i < 2000 && !negotiates(it, f->change == KERN_RESTART); i++)
			world_run(s->w, mono_add(s->w->now, (struct span){ 500 }));
		host_role_restart(it, f->change == KEYS_RESTART, f->change == KERN_RESTART);
		break;
	case TRUST_RESTART:
		begin(s, "tunnel");
		(void)world_run_until(s->w, judges_certificates, s, mono_add(s->w->now, span_s(5)));
		host_trust_dies(it);
		break;
	default:
		begin(s, f->order != NULL ? f->order : "tunnel");
		break;
	}
}

static void
certificates_make(struct stand *s)
{
	STR(why, 200);

	for (size_t i = 0; i < MADE_OF_FAULT && s->f->pki[i] != NULL; i++)
		if (!pki_make(s->w->pki, world_date(s->w), s->f->pki[i], &why)) {
			fprintf(stderr, "%s: %s\n", s->f->pki[i], why.p);
			abort();
		}
}

/* ---- the verdict ---- */

/* The line on which a tag of a section stands first; tag "": the section's first header. */
static unsigned
line_of(const char *text, const char *section, const char *tag)
{
	char here[64] = "";
	unsigned line = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		line++;
		if (*text == '[') {
			text_copy(here, n - 1 < sizeof(here) ? n - 1 : sizeof(here), text + 1);
			if (*tag == '\0' && strcmp(here, section) == 0)
				return line;
		} else if (*tag != '\0' && strcmp(here, section) == 0 &&
		    strncmp(text, tag, strlen(tag)) == 0 && text[strlen(tag)] == '=') {
			return line;
		}
		text += n + (text[n] != '\0');
	}
	return 0;
}

static void
missing(struct str *why, const char *what, const char *words, const char *have)
{
	char room[256], *save = NULL;

	text_copy(room, sizeof(room), words == NULL ? "" : words);
	for (char *p = strtok_r(room, "|", &save); p != NULL; p = strtok_r(NULL, "|", &save))
		if (strstr(have, p) == NULL)
			str_addf(why, "%s lacks \"%s\"; ", what, p);
}

static void
judge(struct stand *s, struct str *why)
{
	const struct injected *f = s->f;
	const struct failure *r = &s->record;
	char section[64];

	if (s->records != 1)
		str_addf(why, "%u records; ", s->records);
	if (s->records == 0)
		return;
	missing(why, "field", f->field, r->field);
	missing(why, "expected", f->expected, r->expected);
	missing(why, "got", f->got, r->got);
	missing(why, "remedy", f->remedy, r->remedy);
	if (r->field[0] == '\0' || r->expected[0] == '\0' || r->got[0] == '\0' || r->remedy[0] == '\0')
		str_addf(why, "empty:%s%s%s%s; ", r->field[0] == '\0' ? " field" : "",
		    r->expected[0] == '\0' ? " expected" : "", r->got[0] == '\0' ? " got" : "",
		    r->remedy[0] == '\0' ? " remedy" : "");
	if (f->line == NULL)
		return;
	const char *colon = strrchr(f->line, ':');
	text_copy(section, (size_t)(colon - f->line) + 1, f->line);
	unsigned line = line_of(s->w->host[f->judged]->text, section, colon + 1);
	STR(want, 120);
	str_addf(&want, "isakmpd.conf:%u ", line);
	if (line == 0)
		abort();
	missing(why, "config", want.p, r->where);
}

static void
print_record(const struct failure *r)
{
	STR(line, 1800);

	failure_print(&line, r);
	printf("        %s\n", line.p);
}

static bool
try(const struct injected *f, bool wordy)
{
	struct stand s = { .f = f, .w = world_new(60) };
	STR(why, 600);

	world_add(s.w, "west");
	world_add(s.w, "east");
	s.w->check = false;
	s.w->verbose = getenv("VERBOSE") != NULL;
	s.plan = plan_new(s.w);
	options_set(&s, WEST, f->west);
	options_set(&s, EAST, f->east);
	lines_set(&s);
	certificates_make(&s);
	s.w->hooks = (struct hooks){ .self = &s, .datagram = on_datagram, .act = on_act,
	    .keys = on_keys };
	if (!plan_start(&s.plan))
		abort();
	s.watching = true;
	refuse_set(&s);
	if (f->pki[0] != NULL)
		run(&s, 1000);		/* trust has loaded them */
	act_out(&s);
	run(&s, 1000 * (f->secs != 0 ? f->secs : 150));
	judge(&s, &why);
	printf("%-4s %-9s %-46s %s\n", why.len == 0 ? "ok" : "MISS",
	    f->judged == WEST ? "initiator" : "responder", f->name, why.p);
	if (s.records > 0 && (wordy || why.len > 0))
		print_record(&s.record);
	plan_done(&s.plan);
	world_free(s.w);
	return why.len == 0;
}

#include "scored_faults.h"

int
main(int argc, char **argv)
{
	unsigned tried = 0, good = 0;
	bool wordy = argc > 1 && strcmp(argv[1], "-v") == 0;

	for (size_t i = 0; i < COUNT(faults); i++) {
		if (argc > 2 && strstr(faults[i].name, argv[2]) == NULL)
			continue;
		tried++;
		good += try(&faults[i], wordy);
	}
	printf("%u of %u faults are told as they should be (%u %%)\n", good, tried,
	    good * 100 / (tried == 0 ? 1 : tried));
	return good * 100 < tried * 95;
}
