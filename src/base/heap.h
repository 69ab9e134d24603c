/*
 * heap: deadlines in order.  An entry lives inside its owner; the heap holds
 * pointers only, so the owner removes it before it goes away.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>

#include "base/time.h"
#include "base/util.h"

struct deadline {
	struct mono	 at;
	size_t		 index;		/* place in the heap + 1; 0: not set */
	uint64_t	 what;		/* the owner's own words */
};

struct heap {
	struct deadline	**v;
	size_t		  n, cap;
};

void		 heap_done(struct heap *);
/* Adds or moves; false without memory (the entry is then not set). */
MUST_USE bool	 heap_set(struct heap *, struct deadline *, struct mono at);
void		 heap_clear(struct heap *, struct deadline *);
/* The earliest entry, or NULL. */
struct deadline	*heap_first(const struct heap *);

#endif
