#include "role/fetch_msg.h"

#include "base/codec.h"
#include "fetch/http.h"

enum { ASK_OCTETS_MAX = 4096 };

void
fetch_ask_encode(struct wr *w, const struct fetch_ask *a)
{
	wr_u32(w, a->era);
	wr_u64(w, a->token);
	wr_u32(w, a->left_ms);
	text_encode(w, a->url.host, sizeof(a->url.host));
	wr_u16(w, a->url.port);
	text_encode(w, a->url.path, sizeof(a->url.path));
	view_encode(w, a->body);
}

bool
fetch_ask_decode(struct rd *r, struct fetch_ask *ret)
{
	struct fetch_ask a = { .era = rd_u32(r) };

	a.token = rd_u64(r);
	a.left_ms = rd_u32(r);
	text_decode(r, a.url.host, sizeof(a.url.host));
	a.url.port = rd_u16(r);
	text_decode(r, a.url.path, sizeof(a.url.path));
	a.body = view_decode(r, ASK_OCTETS_MAX);
	if (!rd_end(r) || a.left_ms == 0 || a.left_ms > FETCH_LEFT_MAX_MS || !url_is_sound(&a.url))
		return false;
	*ret = a;
	return true;
}

void
fetch_answer_encode(struct wr *w, const struct fetch_answer *a)
{
	wr_u32(w, a->era);
	wr_u64(w, a->token);
	wr_u8(w, a->ok);
	if (a->ok)
		view_encode(w, a->body);
	else
		text_encode(w, a->reason, sizeof(a->reason));
}

/* The reason goes to logs: whoever wrote it, it is printable. */
bool
fetch_answer_decode(struct rd *r, struct fetch_answer *ret)
{
	struct fetch_answer a = { .era = rd_u32(r) };

	a.token = rd_u64(r);
	a.ok = rd_bool(r);
	if (a.ok)
		a.body = view_decode(r, HTTP_BODY_MAX);
	else
		text_decode(r, a.reason, sizeof(a.reason));
	for (const char *p = a.reason; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return false;
	if (!rd_end(r))
		return false;
	*ret = a;
	return true;
}
