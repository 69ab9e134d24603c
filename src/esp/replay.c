#include "esp/replay.h"

#include <stdlib.h>

enum { WORD = 64 };

bool
replay_init(struct replay *ret, uint32_t window, bool esn)
{
	struct replay r = { .window = window, .esn = esn, .words = 1 };

	if (window > REPLAY_WINDOW_MAX)
		return false;
	/* One word more than the window, for the one that is being filled. */
	while (r.words * WORD < window + WORD)
		r.words *= 2;
	if (window > 0) {
		r.ring = calloc(r.words, sizeof(*r.ring));
		if (r.ring == NULL)
			return false;
	}
	*ret = r;
	return true;
}

void
replay_done(struct replay *r)
{
	free(r->ring);
	*r = (struct replay){ 0 };
}

/*
 * RFC 4303, A2.2: the high half that puts seq closest to the window, given
 * its lower edge.  False: the number would lie before the first packet.
 */
static bool
whole_number(const struct replay *r, uint32_t seq, uint64_t *ret)
{
	uint32_t window = r->window > 0 ? r->window : 1;
	uint32_t top_lo = (uint32_t)r->top, top_hi = (uint32_t)(r->top >> 32);
	uint32_t edge = top_lo - (window - 1);
	uint32_t hi = top_hi;

	if (!r->esn) {
		*ret = seq;
		return true;
	}
	if (top_lo >= window - 1) {
		if (seq < edge && hi == UINT32_MAX)
			return false;
		if (seq < edge)
			hi++;
	} else if (seq >= edge) {
		if (hi == 0)
			return false;
		hi--;
	}
	*ret = (uint64_t)hi << 32 | seq;
	return true;
}

static uint64_t *
ring_word(const struct replay *r, uint64_t seq)
{
	return &r->ring[(seq / WORD) & (r->words - 1)];
}

bool
replay_check(const struct replay *r, uint32_t seq, uint64_t *ret)
{
	uint64_t whole;

	if (!whole_number(r, seq, &whole))
		return false;
	if (r->window > 0) {
		if (whole == 0)
			return false;
		if (whole <= r->top) {
			if (r->top - whole >= r->window)
				return false;
			if ((*ring_word(r, whole) >> (whole % WORD) & 1) != 0)
				return false;
		}
	}
	*ret = whole;
	return true;
}

void
replay_mark(struct replay *r, uint64_t seq)
{
	if (r->window > 0) {
		/* Words that the window newly enters hold bits of long ago. */
		if (seq > r->top) {
			uint64_t steps = seq / WORD - r->top / WORD;

			if (steps > r->words)
				steps = r->words;
			for (uint64_t i = 0; i < steps; i++)
				*ring_word(r, seq - i * WORD) = 0;
		}
		*ring_word(r, seq) |= (uint64_t)1 << (seq % WORD);
	}
	if (seq > r->top)
		r->top = seq;
}
