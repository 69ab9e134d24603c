/*
 * rd: the only way into a byte string.  After the first short read every
 * later read yields zero and `bad` stays set, so a decoder is a straight
 * column with one question at the end.  All numbers are big-endian.
 */
#ifndef BASE_RD_H
#define BASE_RD_H

#include "base/util.h"
#include "base/view.h"

struct rd {
	const uint8_t	*p;
	size_t		 n;
	bool		 bad;
};

static inline struct rd
rd_of(struct view v)
{
	return (struct rd){ .p = v.p, .n = v.n };
}

/* The next n octets, or NULL if there are fewer (n == 0 may give NULL too). */
static inline const uint8_t *
rd_take(struct rd *r, size_t n)
{
	if (r->bad || n > r->n) {
		*r = (struct rd){ .bad = true };
		return NULL;
	}
	const uint8_t *p = r->p;
	if (n > 0) {
		r->p += n;
		r->n -= n;
	}
	return p;
}

static inline uint8_t
rd_u8(struct rd *r)
{
	const uint8_t *p = rd_take(r, 1);

	return p == NULL ? 0 : p[0];
}

/* One octet, 0 or 1; anything else is bad. */
static inline bool
rd_bool(struct rd *r)
{
	uint8_t v = rd_u8(r);

	if (v > 1)
		*r = (struct rd){ .bad = true };
	return v == 1;
}

static inline uint16_t
rd_u16(struct rd *r)
{
	const uint8_t *p = rd_take(r, 2);

	return (uint16_t)(p == NULL ? 0 : p[0] << 8 | p[1]);
}

static inline uint32_t
rd_u32(struct rd *r)
{
	const uint8_t *p = rd_take(r, 4);

	return p == NULL ? 0 : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static inline uint64_t
rd_u64(struct rd *r)
{
	uint64_t hi = rd_u32(r);
	uint64_t lo = rd_u32(r);

	return r->bad ? 0 : hi << 32 | lo;
}

/* Copies exactly n octets to ret; zeroes ret if there are fewer. */
static inline void
rd_copy(struct rd *r, void *ret, size_t n)
{
	const uint8_t *p = rd_take(r, n);

	if (n == 0)
		return;
	if (p == NULL)
		memset(ret, 0, n);
	else
		memcpy(ret, p, n);
}

static inline struct view
rd_view(struct rd *r, size_t n)
{
	const uint8_t *p = rd_take(r, n);

	return r->bad ? (struct view){ 0 } : (struct view){ .p = p, .n = n };
}

/* Everything that is left, possibly nothing. */
static inline struct view
rd_rest(struct rd *r)
{
	return rd_view(r, r->n);
}

/* A child over the next n octets; the parent moves past them. */
static inline struct rd
rd_sub(struct rd *r, size_t n)
{
	const uint8_t *p = rd_take(r, n);

	return r->bad ? (struct rd){ .bad = true } : (struct rd){ .p = p, .n = n };
}

/* True if everything was read, nothing more, nothing less. */
MUST_USE static inline bool
rd_end(const struct rd *r)
{
	return !r->bad && r->n == 0;
}

#endif
