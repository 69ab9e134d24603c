/*
 * Certificates in main mode: octets between the peer and the trust role,
 * which nobody here looks into.
 *
 *	CERT of the peer  --> TRUST_PEER --> its key, for KEYS_AUTH_PEER
 *	CERT_REQ of the peer, our key (KEYS_AUTH_OWN) --> TRUST_OWN --> CERT
 *
 * Only where both sides sign.  What the role cannot tell, because it does not
 * run or knows no certificate, is left to the raw keys of `keys`.
 */
#include <stdlib.h>

#include "ike/internal.h"

enum {
	REQUESTS_OCTETS_MAX = 8192,	/* CERT_REQ bodies of a peer, before it is authenticated */
	OUR_REQUESTS_MAX = 4096,	/* CERT_REQ bodies in messages 3 and 4 */
	ENCODING_X509 = 4
};

void
certs_free(struct p1_certs *c)
{
	if (c == NULL)
		return;
	free(c->got);
	free(c->asked);
	free(c->own);
	free(c);
}

static struct p1_certs *
certs_of(struct exchange *x)
{
	if (x->p1->certs == NULL)
		x->p1->certs = calloc(1, sizeof(*x->p1->certs));
	return x->p1->certs;
}

/* Bodies, each behind its length, added to those that are kept. */
static enum why
list_add(uint8_t **list, size_t *n, const struct view *bodies, size_t count, size_t most)
{
	size_t more = 0;

	for (size_t i = 0; i < count; i++)
		more += 2 + bodies[i].n;
	if (more == 0 || *n + more > most)
		return WHY_NONE;	/* what does not fit is not there; the answer tells */
	uint8_t *bigger = realloc(*list, *n + more);
	if (bigger == NULL)
		return WHY_NO_MEMORY;
	struct wr w = wr_of(bigger + *n, more);
	for (size_t i = 0; i < count; i++) {
		wr_u16(&w, (uint16_t)bodies[i].n);
		wr_view(&w, bodies[i]);
	}
	*list = bigger;
	*n += more;
	return WHY_NONE;
}

static size_t
list_get(const uint8_t *list, size_t n, struct view ret[TRUST_CERTS_MAX])
{
	struct rd r = rd_of(view_of(list, n));
	size_t count = 0;

	while (r.n > 0 && !r.bad && count < TRUST_CERTS_MAX)
		ret[count++] = rd_view(&r, rd_u16(&r));
	return count;
}

static size_t
bodies_of(const struct message *m, uint8_t type, struct view ret[TRUST_CERTS_MAX])
{
	size_t n = message_count(m, type);

	if (n > TRUST_CERTS_MAX)
		n = TRUST_CERTS_MAX;
	for (size_t i = 0; i < n; i++)
		ret[i] = message_find(m, type, i)->body;
	return n;
}

enum why
certs_keep(struct exchange *x, const struct message *m)
{
	struct view v[TRUST_CERTS_MAX];
	enum why why;

	if (!exchange_signs(x) || message_count(m, PL_CERT) + message_count(m, PL_CERT_REQ) == 0)
		return WHY_NONE;
	struct p1_certs *c = certs_of(x);
	if (c == NULL)
		return WHY_NO_MEMORY;
	why = list_add(&c->asked, &c->asked_n, v, bodies_of(m, PL_CERT_REQ, v), REQUESTS_OCTETS_MAX);
	if (why == WHY_NONE)
		why = list_add(&c->got, &c->got_n, v, bodies_of(m, PL_CERT, v), TRUST_OCTETS_MAX);
	return why;
}

/* ---- asking ---- */

static void
ask_init(const struct exchange *x, struct trust_ask *ask)
{
	ask->token = handle_u64(x->self);
	ask->auth = (uint8_t)x->p1->params.auth;
	ask->allow_weak = x->peer->allow_weak;
	text_copy(ask->peer, sizeof(ask->peer), x->peer->name);
}

void
certs_ask_peer(struct core *core, struct exchange *x)
{
	struct trust_ask ask = { .verb = TRUST_PEER };
	const struct p1_certs *c = x->p1->certs;

	ask_init(x, &ask);
	ask.id_body = view_of(x->p1->peer_id_body, x->p1->peer_id_n);
	if (c != NULL)
		ask.n_certs = list_get(c->got, c->got_n, ask.certs);
	act_trust(core, &ask);
}

void
certs_ask_own(struct core *core, struct exchange *x, const struct pubkey *key)
{
	struct trust_ask ask = { .verb = TRUST_OWN, .key = *key };
	const struct p1_certs *c = x->p1->certs;

	ask_init(x, &ask);
	ask.id_body = view_of(x->p1->own_id_body, x->p1->own_id_n);
	if (c != NULL)
		ask.n_certs = list_get(c->asked, c->asked_n, ask.certs);
	act_trust(core, &ask);
}

/* ---- answers ---- */

/*
 * The role died over what the peer sent (security R16).  A raw key may still
 * do; else this is told, and not that the peer has no key.
 */
static enum why
role_gone(struct exchange *x)
{
	struct p1_certs *c = x->p1->certs;

	if (c == NULL || c->got_n == 0)
		return WHY_NONE;
	c->why = WHY_ROLE_GONE;
	text_copy(c->field, sizeof(c->field), "process");
	text_copy(c->expected, sizeof(c->expected), "trust at work until the negotiation is done");
	text_copy(c->got_text, sizeof(c->got_text), "it ended");
	return WHY_NONE;
}

enum why
certs_peer_take(struct exchange *x, const struct trust_answer *a)
{
	struct p1_certs *c;

	/* Nothing known and nothing sent: raw keys decide, and tell. */
	if (a->why == WHY_ROLE_GONE)
		return role_gone(x);
	if (a->why == WHY_CERT_NONE)
		return WHY_NONE;
	c = certs_of(x);
	if (c == NULL)
		return WHY_NO_MEMORY;
	names_keep(&x->p1->peer_name, a->peer_name);
	c->peer_key = a->key;
	c->why = a->why;
	text_copy(c->field, sizeof(c->field), a->field);
	text_copy(c->expected, sizeof(c->expected), a->expected);
	text_copy(c->got_text, sizeof(c->got_text), a->got);
	return WHY_NONE;
}

enum why
certs_own_take(struct exchange *x, const struct trust_answer *a)
{
	struct p1_certs *c;

	if (a->n_certs == 0)
		return WHY_NONE;
	c = certs_of(x);
	if (c == NULL)
		return WHY_NO_MEMORY;
	return list_add(&c->own, &c->own_n, a->certs, a->n_certs, TRUST_OCTETS_MAX);
}

/* ---- writing ---- */

void
certs_write(struct core *core, const struct exchange *x, struct msg_wr *m)
{
	enum { ROOM_FOR_THE_REST = 1800 };	/* ID, SIG of RSA 8192, notifications, padding */
	const struct p1_certs *c = x->p1->certs;
	struct view v[TRUST_CERTS_MAX];
	size_t n = c == NULL ? 0 : list_get(c->own, c->own_n, v), sent = 0;

	for (size_t i = 0; i < n; i++)
		/* The leaf matters most; an intermediate one the peer may have. */
		if (m->w.len + v[i].n + ROOM_FOR_THE_REST <= DATAGRAM_MAX) {
			msg_payload(m, PL_CERT, v[i]);
			sent++;
		}
	if (sent < n)
		tell(core, CLASS_NORMAL, 0, "certificates: %zu of our %zu fit into a message to %s; "
		    "the peer must have the others", sent, n, x->peer->name);
}

/* Asks for a certificate of each of our authorities (RFC 2408 3.10). */
void
certs_request_write(const struct core *core, const struct exchange *x, struct msg_wr *m)
{
	struct view v[TRUST_CERTS_MAX];
	size_t n = exchange_signs(x) ? list_get(core->cert_requests, core->cert_requests_n, v) : 0;

	for (size_t i = 0; i < n; i++)
		msg_payload(m, PL_CERT_REQ, v[i]);
}

void
core_cert_requests(struct core *core, const struct view *bodies, size_t n)
{
	free(core->cert_requests);
	core->cert_requests = NULL;
	core->cert_requests_n = 0;
	if (list_add(&core->cert_requests, &core->cert_requests_n, bodies, n, OUR_REQUESTS_MAX) !=
	    WHY_NONE || core->cert_requests_n == 0) {
		static const uint8_t any[] = { ENCODING_X509 };
		const struct view one = view_of(any, sizeof(any));

		/* Names that do not fit: any authority will do. */
		if (n > 0)
			(void)!list_add(&core->cert_requests, &core->cert_requests_n, &one, 1, 64);
	}
}

/* ---- failing ---- */

bool
certs_failing(struct core *core, struct exchange *x)
{
	const struct p1_certs *c = x->p1->certs;

	if (c == NULL || c->why == WHY_NONE)
		return false;
	fail_classic(core, "x509_cert_validate");
	fail_field(core, c->field, &x->peer->where);
	if (c->expected[0] != '\0')
		fail_expected(core, "%s", c->expected);
	if (c->got_text[0] != '\0')
		fail_got(core, "%s", c->got_text);
	return true;
}

/* What a peer without a usable key really lacks. */
enum why
certs_why(const struct exchange *x, enum why why)
{
	const struct p1_certs *c = x->p1 == NULL ? NULL : x->p1->certs;

	return why == WHY_NO_PUBKEY && c != NULL && c->why != WHY_NONE ? c->why : why;
}

/* ---- the role ---- */

void
core_trust_answer(struct core *core, struct mono now, const struct trust_answer *a)
{
	struct exchange *x = exchange_find(core, handle_of_u64(a->token));
	const struct event e = { .trust = a };

	core->now = now;
	if (x != NULL && exchange_row(x, ON_TRUST, a->verb) != NULL)
		exchange_run(core, x, ON_TRUST, &e);
}

void
core_trust_gone(struct core *core, struct mono now)
{
	struct handle h;
	uint32_t at = 0;

	for (struct exchange *x; (x = slab_next(core->exchanges, &at, &h)) != NULL;) {
		struct trust_answer a = { .token = handle_u64(h), .why = WHY_ROLE_GONE };

		for (a.verb = TRUST_PEER; a.verb < TRUST_VERB_MAX; a.verb++)
			if (exchange_row(x, ON_TRUST, a.verb) != NULL) {
				core_trust_answer(core, now, &a);
				break;
			}
	}
}
