/*
 * The anti-replay window of RFC 4303, 3.4.3 and appendix A: a ring of bits,
 * so that moving it costs what it moves over, not its size.  Checked before
 * the integrity of a packet is known, moved only after.
 */
#ifndef ESP_REPLAY_H
#define ESP_REPLAY_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPLAY_WINDOW_MAX = 4096 };

struct replay {
	uint64_t	 top;		/* highest number that was authentic */
	uint32_t	 window;	/* packets; 0: no protection */
	uint32_t	 words;		/* of ring; a power of two */
	bool		 esn;
	uint64_t	*ring;
};

/* Window at most REPLAY_WINDOW_MAX; false without memory. */
MUST_USE bool	replay_init(struct replay *, uint32_t window, bool esn);
void		replay_done(struct replay *);
/*
 * The whole number that `seq` off the wire stands for; false if it was seen
 * before, is left of the window, or is zero.
 */
MUST_USE bool	replay_check(const struct replay *, uint32_t seq, uint64_t *ret);
/* The packet with that number was authentic. */
void		replay_mark(struct replay *, uint64_t seq);

#endif
