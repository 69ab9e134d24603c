/*
 * buf: one packet inside a larger room, so that headers can grow and shrink
 * at both ends without copying.  Every step is checked against the room.
 */
#ifndef ESP_BUF_H
#define ESP_BUF_H

#include "base/util.h"
#include "base/view.h"

enum {
	ESP_HEADROOM = 64,	/* octets that must be free before a packet ... */
	ESP_TAILROOM = 64,	/* ... and after it, for every suite */
	ESP_LEAST_HEADER = 8,	/* octets of ESP before the text, of every suite ... */
	ESP_LEAST_ICV = 12	/* ... and at its end */
};

struct esp_buf {
	uint8_t	*room;
	size_t	 cap;
	size_t	 off, n;	/* the packet is room[off] .. room[off + n - 1] */
};

static inline struct view
buf_view(const struct esp_buf *b)
{
	return view_of(b->room + b->off, b->n);
}

static inline uint8_t *
buf_at(struct esp_buf *b)
{
	return b->room + b->off;
}

/* Grows by n octets in front; NULL if there is no room. */
static inline uint8_t *
buf_push(struct esp_buf *b, size_t n)
{
	if (n > b->off)
		return NULL;
	b->off -= n;
	b->n += n;
	return buf_at(b);
}

/* Grows by n octets at the end and points to them; NULL if there is no room. */
static inline uint8_t *
buf_put(struct esp_buf *b, size_t n)
{
	if (n > b->cap - b->off - b->n)
		return NULL;
	uint8_t *p = buf_at(b) + b->n;
	b->n += n;
	return p;
}

/* Drops n octets in front; false if there are fewer. */
MUST_USE static inline bool
buf_pull(struct esp_buf *b, size_t n)
{
	if (n > b->n)
		return false;
	b->off += n;
	b->n -= n;
	return true;
}

/* Keeps the first n octets; false if there are fewer. */
MUST_USE static inline bool
buf_trim(struct esp_buf *b, size_t n)
{
	if (n > b->n)
		return false;
	b->n = n;
	return true;
}

#endif
