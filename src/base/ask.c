#include "base/ask.h"

#include "base/codec.h"

/*
 * One message of a channel is exactly one of these: what is left over after
 * it makes the whole message bad.
 */

static void
secret_encode(struct wr *w, const struct secret *s)
{
	view_encode(w, secret_view(s));
}

static void
secret_decode(struct rd *r, struct secret *ret)
{
	struct view v = view_decode(r, SECRET_MAX);

	if (!secret_set(ret, v))
		r->bad = true;
}

static enum why
why_decode(struct rd *r)
{
	uint16_t why = rd_u16(r);

	if (why >= WHY_MAX) {
		r->bad = true;
		return WHY_NONE;
	}
	return (enum why)why;
}

/* ---- keys ---- */

void
keys_ask_encode(struct wr *w, const struct keys_ask *a)
{
	wr_u8(w, a->verb);
	wr_u64(w, a->token);
	wr_u16(w, a->group);
	wr_u8(w, a->initiator);
	wr_u8(w, a->hash);
	wr_u8(w, a->auth);
	text_encode(w, a->peer, sizeof(a->peer));
	wr_bytes(w, a->cookies, sizeof(a->cookies));
	view_encode(w, a->ni);
	view_encode(w, a->nr);
	view_encode(w, a->peer_public);
	view_encode(w, a->sa_body);
	view_encode(w, a->id_body);
	wr_u8(w, a->allow_weak);
	view_encode(w, a->proof);
	pubkey_encode(w, &a->key);
}

bool
keys_ask_decode(struct rd *r, struct keys_ask *ret)
{
	struct keys_ask a = { .verb = verb_decode(r, KEYS_VERB_MAX) };

	a.token = rd_u64(r);
	a.group = rd_u16(r);
	a.initiator = rd_bool(r);
	a.hash = rd_u8(r);
	a.auth = rd_u8(r);
	text_decode(r, a.peer, sizeof(a.peer));
	rd_copy(r, a.cookies, sizeof(a.cookies));
	a.ni = view_decode(r, NONCE_MAX);
	a.nr = view_decode(r, NONCE_MAX);
	a.peer_public = view_decode(r, PUBLIC_MAX);
	a.sa_body = view_decode(r, UINT16_MAX);
	a.id_body = view_decode(r, UINT16_MAX);
	a.allow_weak = rd_bool(r);
	a.proof = view_decode(r, SIGNATURE_MAX);
	if (!pubkey_decode(r, &a.key) || !rd_end(r))
		return false;
	*ret = a;
	return true;
}

void
keys_answer_done(struct keys_answer *a)
{
	if (a == NULL)
		return;
	secret_done(&a->skeyid_d);
	secret_done(&a->skeyid_a);
	secret_done(&a->skeyid_e);
	secret_done(&a->shared);
}

void
keys_answer_encode(struct wr *w, const struct keys_answer *a)
{
	wr_u8(w, a->verb);
	wr_u64(w, a->token);
	wr_u16(w, (uint16_t)a->why);
	text_encode(w, a->detail, sizeof(a->detail));
	view_encode(w, view_of(a->public_value, a->public_n));
	secret_encode(w, &a->skeyid_d);
	secret_encode(w, &a->skeyid_a);
	secret_encode(w, &a->skeyid_e);
	secret_encode(w, &a->shared);
	view_encode(w, view_of(a->proof, a->proof_n));
	pubkey_encode(w, &a->key);
}

static size_t
octets_decode(struct rd *r, uint8_t *ret, size_t cap)
{
	struct view v = view_decode(r, cap);

	if (v.n > 0)
		memcpy(ret, v.p, v.n);
	return v.n;
}

bool
keys_answer_decode(struct rd *r, struct keys_answer *ret)
{
	struct keys_answer a = { .verb = verb_decode(r, KEYS_VERB_MAX) };

	a.token = rd_u64(r);
	a.why = why_decode(r);
	text_decode(r, a.detail, sizeof(a.detail));
	a.public_n = octets_decode(r, a.public_value, sizeof(a.public_value));
	secret_decode(r, &a.skeyid_d);
	secret_decode(r, &a.skeyid_a);
	secret_decode(r, &a.skeyid_e);
	secret_decode(r, &a.shared);
	a.proof_n = octets_decode(r, a.proof, sizeof(a.proof));
	if (!pubkey_decode(r, &a.key) || !rd_end(r)) {
		keys_answer_done(&a);
		return false;
	}
	*ret = a;
	return true;
}

/* ---- kern ---- */

enum { PARTS_ALL = SA_PART_IN | SA_PART_OUT | SA_PART_FLOW };

void
kern_ask_encode(struct wr *w, const struct kern_ask *a)
{
	wr_u8(w, a->verb);
	wr_u64(w, a->token);
	wr_u8(w, a->parts);
	wr_u64(w, a->id);
	endpoint_encode(w, &a->local);
	endpoint_encode(w, &a->remote);
	wr_u32(w, a->spi);
	if (a->verb != KERN_INSTALL)
		return;
	if (a->spec == NULL)
		w->bad = true;
	else
		sa_spec_encode(w, a->spec);
}

bool
kern_ask_decode(struct rd *r, struct kern_ask *ret, struct sa_spec *spec_room)
{
	struct kern_ask a = { .verb = verb_decode(r, KERN_VERB_MAX) };
	struct sa_spec spec = { 0 };

	a.token = rd_u64(r);
	a.parts = rd_u8(r);
	a.id = rd_u64(r);
	a.local = endpoint_decode(r);
	a.remote = endpoint_decode(r);
	a.spi = rd_u32(r);
	if ((a.parts & ~PARTS_ALL) != 0)
		r->bad = true;
	if (!r->bad && a.verb == KERN_INSTALL && sa_spec_decode(r, &spec))
		a.spec = spec_room;
	if (!rd_end(r)) {
		sa_spec_done(&spec);
		return false;
	}
	*spec_room = spec;
	*ret = a;
	return true;
}

void
kern_answer_encode(struct wr *w, const struct kern_answer *a)
{
	wr_u8(w, a->verb);
	wr_u64(w, a->token);
	wr_u16(w, (uint16_t)a->why);
	text_encode(w, a->detail, sizeof(a->detail));
	wr_u32(w, a->spi);
	wr_u64(w, a->id);
	sa_usage_encode(w, &a->usage);
}

bool
kern_answer_decode(struct rd *r, struct kern_answer *ret)
{
	struct kern_answer a = { .verb = verb_decode(r, KERN_VERB_MAX) };

	a.token = rd_u64(r);
	a.why = why_decode(r);
	text_decode(r, a.detail, sizeof(a.detail));
	a.spi = rd_u32(r);
	a.id = rd_u64(r);
	a.usage = sa_usage_decode(r);
	if (!rd_end(r))
		return false;
	*ret = a;
	return true;
}

void
kern_event_encode(struct wr *w, const struct kern_event *e)
{
	wr_u8(w, e->kind);
	wr_u64(w, e->id);
	flow_encode(w, &e->flow);
}

bool
kern_event_decode(struct rd *r, struct kern_event *ret)
{
	struct kern_event e = { .kind = verb_decode(r, KERN_EVENT_MAX) };

	e.id = rd_u64(r);
	e.flow = flow_decode(r);
	if (!rd_end(r))
		return false;
	*ret = e;
	return true;
}
