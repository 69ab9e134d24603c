/*
 * secret: owned octets that are wiped when freed.  Fixed room, so that no
 * copy is left behind by a growing heap.  Never copied by assignment, never
 * compared with memcmp, never logged.  (security R28, R29)
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/view.h"
#include "base/util.h"

enum {
	SECRET_MAX = 1024	/* MODP-8192's shared secret, the largest */
};

struct secret {
	size_t	 n;		/* octets in use */
	uint8_t	*p;		/* NULL when n == 0 */
};

/* Makes *ret own a copy of v.  False without memory or if v.n > SECRET_MAX. */
MUST_USE bool	secret_set(struct secret *ret, struct view v);
/* Makes *ret own n zeroed octets. */
MUST_USE bool	secret_room(struct secret *ret, size_t n);
/* Moves ownership; `from` is empty afterwards. */
void		secret_take(struct secret *ret, struct secret *from);
/* Wipes and frees; accepts a zeroed secret. */
void		secret_done(struct secret *);
struct view	secret_view(const struct secret *);

/* Wipes memory in a way the compiler does not remove. */
void		wipe(void *p, size_t n);
/* Constant time in the octets; lengths are not secret. */
MUST_USE bool	ct_equal(struct view a, struct view b);

#endif
