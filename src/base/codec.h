/*
 * codec: octets and texts between the roles.  Each has its length, 16 bits,
 * before it.  A writer that has no room and a reader that finds nonsense turn
 * bad, as wr and rd do.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"

/* At most UINT16_MAX octets. */
static inline void
view_encode(struct wr *w, struct view v)
{
	if (v.n > UINT16_MAX)
		w->bad = true;
	wr_u16(w, (uint16_t)v.n);
	wr_view(w, v);
}

/* At most `most` octets; they stay where the reader has them. */
static inline struct view
view_decode(struct rd *r, size_t most)
{
	size_t n = rd_u16(r);

	if (n > most)
		r->bad = true;
	return rd_view(r, n);
}

/* A text of fewer than cap octets; what is longer is cut. */
static inline void
text_encode(struct wr *w, const char *text, size_t cap)
{
	view_encode(w, view_of(text, strnlen(text, cap - 1)));
}

/* A text of fewer than cap octets, none of them NUL, into ret[cap]; bad: ret stays. */
static inline void
text_decode(struct rd *r, char *ret, size_t cap)
{
	struct view v = view_decode(r, cap - 1);

	if (v.n > 0 && memchr(v.p, '\0', v.n) != NULL)
		r->bad = true;
	if (r->bad)
		return;
	if (v.n > 0)
		memcpy(ret, v.p, v.n);
	ret[v.n] = '\0';
}

/* What an ask is about: 1 to end - 1. */
static inline uint8_t
verb_decode(struct rd *r, uint8_t end)
{
	uint8_t verb = rd_u8(r);

	if (verb == 0 || verb >= end)
		r->bad = true;
	return verb;
}

#endif
