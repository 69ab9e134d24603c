/*
 * Distinguished names in main mode.  They are DER, which nobody here looks
 * into: what our own is to the octet, whether the peer's is the Remote-ID, and
 * how both read, the trust role says.
 *
 *	before our HASH or SIG		TRUST_NAMES (ours)
 *	after the peer's was right	TRUST_NAMES (the peer's; the responder's, too)
 *
 * The peer's name is parsed by nobody before its HASH or SIG was found right,
 * but for finding a certificate.  Without the trust role names are the same
 * whose octets are.
 */
#include <stdlib.h>

#include "ike/internal.h"

bool
names_own_due(const struct exchange *x)
{
	return x->peer->own_id.type == ID_DER_ASN1_DN;
}

static bool
peer_due(const struct exchange *x)
{
	return x->p1->peer_id.type == ID_DER_ASN1_DN;
}

bool
names_due(const struct exchange *x)
{
	return peer_due(x) || (!x->initiator && names_own_due(x));
}

void
names_ask(struct core *core, struct exchange *x, bool own, bool peer)
{
	const struct p1 *p1 = x->p1;
	struct trust_ask ask = { .verb = TRUST_NAMES, .token = handle_u64(x->self),
	    .auth = (uint8_t)p1->params.auth, .allow_weak = x->peer->allow_weak };
	uint8_t room[4 + ID_DATA_MAX];
	struct wr want = wr_of(room, sizeof(room));

	text_copy(ask.peer, sizeof(ask.peer), x->peer->name);
	if (own && names_own_due(x))
		ask.own_body = view_of(p1->own_id_body, p1->own_id_n);
	if (own && p1->own_key != NULL)
		ask.key = *p1->own_key;
	if (peer && peer_due(x))
		ask.id_body = view_of(p1->peer_id_body, p1->peer_id_n);
	if (peer && x->peer->remote_id.type == ID_DER_ASN1_DN) {
		id_encode(&want, &x->peer->remote_id);
		ask.want_body = wr_done(&want);
	}
	act_trust(core, &ask);
}

void
names_keep(char **name, const char *text)
{
	if (text[0] == '\0')
		return;
	free(*name);
	*name = strdup(text);
}

static void
take_own(struct p1 *p1, struct view der)
{
	struct wr w = wr_of(p1->own_id_body, sizeof(p1->own_id_body));
	struct id id;

	if (id_from_wire(ID_DER_ASN1_DN, 0, 0, der, &id) != WHY_NONE)
		return;
	p1->own_id = id;
	id_encode(&w, &id);
	p1->own_id_n = w.len;
}

enum why
names_take(struct core *core, struct exchange *x, const struct trust_answer *a)
{
	const struct where where = where_in(&x->peer->where, x->peer->own_id_line);
	struct p1 *p1 = x->p1;
	bool known = a->why != WHY_ROLE_GONE;

	if (known && a->why != WHY_NONE) {
		fail_classic(core, "ike_phase_1_send_ID: %s", why_text(a->why));
		fail_field(core, a->field, &where);
		fail_expected(core, "%s", a->expected);
		fail_got(core, "%s", a->got);
		return a->why;
	}
	names_keep(&p1->own_name, known ? a->own_name : x->peer->own_name);
	names_keep(&p1->peer_name, a->peer_name);
	if (a->own_id.n > 0)
		take_own(p1, a->own_id);
	/* "That of our certificate" is no name as long as nobody told us. */
	if (p1->own_id.type == ID_DER_ASN1_DN && p1->own_id.n == 0)
		return WHY_ROLE_GONE;
	p1->peer_is_wanted = known ? a->same : id_equal(&x->peer->remote_id, &p1->peer_id);
	return WHY_NONE;
}

void
names_print(struct str *s, const struct id *id, const char *name)
{
	if (id->type == ID_DER_ASN1_DN && name != NULL && name[0] != '\0')
		str_add(s, name);
	else
		id_print(s, id);
}
