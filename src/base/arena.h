/*
 * arena: memory that is given back in one go.  For what lives exactly as long
 * as its owner: a snapshot, a list of problems.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/util.h"
#include "base/view.h"

struct arena;

struct arena	*arena_new(void);	/* NULL without memory */
void		 arena_free(struct arena *);
/* n zeroed octets, aligned for any type; NULL without memory. */
MUST_USE void	*arena_room(struct arena *, size_t n);
/* Room for n zeroed objects of `size` octets; NULL without memory or on overflow. */
MUST_USE void	*arena_array(struct arena *, size_t n, size_t size);
/* A terminated copy; NULL without memory. */
MUST_USE char	*arena_text(struct arena *, struct view);

#endif
