/*
 * wr: the mirror of rd.  Writes into fixed room; the first write that does
 * not fit sets `bad` and changes nothing, and so do all that follow.  The
 * caller asks `bad` once, before the bytes are used.
 */
#ifndef BASE_WR_H
#define BASE_WR_H

#include "base/util.h"
#include "base/view.h"

struct wr {
	uint8_t	*base;
	size_t	 len, cap;
	bool	 bad;
};

static inline struct wr
wr_of(void *base, size_t cap)
{
	return (struct wr){ .base = base, .cap = cap };
}

/* Room for n octets at the end, or NULL if there is none. */
static inline uint8_t *
wr_room(struct wr *w, size_t n)
{
	if (w->bad || n > w->cap - w->len) {
		w->bad = true;
		return NULL;
	}
	uint8_t *p = w->base + w->len;
	w->len += n;
	return p;
}

static inline void
wr_u8(struct wr *w, uint8_t v)
{
	uint8_t *p = wr_room(w, 1);

	if (p != NULL)
		p[0] = v;
}

static inline void
wr_u16(struct wr *w, uint16_t v)
{
	uint8_t *p = wr_room(w, 2);

	if (p != NULL) {
		p[0] = (uint8_t)(v >> 8);
		p[1] = (uint8_t)v;
	}
}

static inline void
wr_u32(struct wr *w, uint32_t v)
{
	uint8_t *p = wr_room(w, 4);

	if (p != NULL) {
		p[0] = (uint8_t)(v >> 24);
		p[1] = (uint8_t)(v >> 16);
		p[2] = (uint8_t)(v >> 8);
		p[3] = (uint8_t)v;
	}
}

static inline void
wr_u64(struct wr *w, uint64_t v)
{
	wr_u32(w, (uint32_t)(v >> 32));
	wr_u32(w, (uint32_t)v);
}

static inline void
wr_bytes(struct wr *w, const void *p, size_t n)
{
	uint8_t *to = wr_room(w, n);

	if (to != NULL && n > 0)
		memcpy(to, p, n);
}

static inline void
wr_view(struct wr *w, struct view v)
{
	wr_bytes(w, v.p, v.n);
}

static inline void
wr_zero(struct wr *w, size_t n)
{
	uint8_t *to = wr_room(w, n);

	if (to != NULL && n > 0)
		memset(to, 0, n);
}

/* Overwrites an octet written before at offset `at`. */
static inline void
wr_patch_u8(struct wr *w, size_t at, uint8_t v)
{
	if (w->bad || at >= w->len) {
		w->bad = true;
		return;
	}
	w->base[at] = v;
}

/* Overwrites two octets written before at offset `at`. */
static inline void
wr_patch_u16(struct wr *w, size_t at, uint16_t v)
{
	if (w->bad || at > w->len || w->len - at < 2) {
		w->bad = true;
		return;
	}
	w->base[at] = (uint8_t)(v >> 8);
	w->base[at + 1] = (uint8_t)v;
}

static inline struct view
wr_done(const struct wr *w)
{
	return (struct view){ .p = w->base, .n = w->bad ? 0 : w->len };
}

#endif
