#include "base/trust_ask.h"

#include "base/codec.h"
#include "base/id.h"

static void
certs_encode(struct wr *w, const struct view *certs, size_t n)
{
	if (n > TRUST_CERTS_MAX)
		w->bad = true;
	wr_u8(w, (uint8_t)n);
	for (size_t i = 0; !w->bad && i < n; i++)
		view_encode(w, certs[i]);
}

static size_t
certs_decode(struct rd *r, struct view ret[TRUST_CERTS_MAX])
{
	size_t n = rd_u8(r), octets = 0;

	if (n > TRUST_CERTS_MAX)
		r->bad = true;
	for (size_t i = 0; !r->bad && i < n; i++) {
		ret[i] = rd_view(r, rd_u16(r));
		octets += ret[i].n;
	}
	if (octets > TRUST_OCTETS_MAX)
		r->bad = true;
	return r->bad ? 0 : n;
}

void
trust_ask_encode(struct wr *w, const struct trust_ask *a)
{
	wr_u8(w, a->verb);
	wr_u64(w, a->token);
	text_encode(w, a->peer, sizeof(a->peer));
	wr_u8(w, a->auth);
	wr_u8(w, a->allow_weak);
	view_encode(w, a->id_body);
	view_encode(w, a->want_body);
	view_encode(w, a->own_body);
	pubkey_encode(w, &a->key);
	certs_encode(w, a->certs, a->n_certs);
}

bool
trust_ask_decode(struct rd *r, struct trust_ask *ret)
{
	struct trust_ask a = { .verb = verb_decode(r, TRUST_VERB_MAX) };

	a.token = rd_u64(r);
	text_decode(r, a.peer, sizeof(a.peer));
	a.auth = rd_u8(r);
	a.allow_weak = rd_bool(r);
	a.id_body = rd_view(r, rd_u16(r));
	a.want_body = rd_view(r, rd_u16(r));
	a.own_body = rd_view(r, rd_u16(r));
	if (!pubkey_decode(r, &a.key))
		return false;
	a.n_certs = certs_decode(r, a.certs);
	if (!rd_end(r))
		return false;
	*ret = a;
	return true;
}

/* It goes into logs and reports as it is: whoever sends something else is broken. */
static void
name_decode(struct rd *r, char ret[TRUST_NAME_MAX])
{
	text_decode(r, ret, TRUST_NAME_MAX);
	for (const char *p = ret; !r->bad && *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			r->bad = true;
}

void
trust_answer_encode(struct wr *w, const struct trust_answer *a)
{
	wr_u8(w, a->verb);
	wr_u64(w, a->token);
	wr_u16(w, (uint16_t)a->why);
	pubkey_encode(w, &a->key);
	wr_u8(w, a->pinned);
	text_encode(w, a->own_name, sizeof(a->own_name));
	text_encode(w, a->peer_name, sizeof(a->peer_name));
	view_encode(w, a->own_id);
	wr_u8(w, a->same);
	text_encode(w, a->field, sizeof(a->field));
	text_encode(w, a->expected, sizeof(a->expected));
	text_encode(w, a->got, sizeof(a->got));
	text_encode(w, a->remedy, sizeof(a->remedy));
	certs_encode(w, a->certs, a->n_certs);
}

bool
trust_answer_decode(struct rd *r, struct trust_answer *ret)
{
	struct trust_answer a = { .verb = verb_decode(r, TRUST_VERB_MAX) };

	a.token = rd_u64(r);
	uint16_t why = rd_u16(r);
	if (why >= WHY_MAX || !pubkey_decode(r, &a.key))
		return false;
	a.why = (enum why)why;
	a.pinned = rd_bool(r);
	name_decode(r, a.own_name);
	name_decode(r, a.peer_name);
	a.own_id = view_decode(r, ID_DATA_MAX);
	a.same = rd_bool(r);
	text_decode(r, a.field, sizeof(a.field));
	text_decode(r, a.expected, sizeof(a.expected));
	text_decode(r, a.got, sizeof(a.got));
	text_decode(r, a.remedy, sizeof(a.remedy));
	a.n_certs = certs_decode(r, a.certs);
	if (!rd_end(r))
		return false;
	*ret = a;
	return true;
}
