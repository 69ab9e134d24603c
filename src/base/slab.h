/*
 * slab: objects of one size reached by handles.  A handle names a slot and a
 * generation; once the object is gone the handle finds nothing, so a dead SA
 * cannot be reached by accident.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

struct handle { uint32_t slot, gen; };	/* {0,0} names nothing */

static inline bool handle_is_none(struct handle h) { return h.gen == 0; }
static inline bool
handle_equal(struct handle a, struct handle b)
{
	return a.slot == b.slot && a.gen == b.gen;
}
static inline uint64_t handle_u64(struct handle h) { return (uint64_t)h.slot << 32 | h.gen; }
static inline struct handle
handle_of_u64(uint64_t v)
{
	return (struct handle){ (uint32_t)(v >> 32), (uint32_t)v };
}

struct slab;

/* At most `most` objects of `size` octets; NULL without memory. */
struct slab	*slab_new(size_t size, uint32_t most);
void		 slab_free(struct slab *);
/* A zeroed object and its handle, or NULL if full or without memory.
 * Objects never move while they live. */
void		*slab_add(struct slab *, struct handle *ret);
void		*slab_find(const struct slab *, struct handle);
void		 slab_remove(struct slab *, struct handle);
uint32_t	 slab_count(const struct slab *);
/*
 * Visits all objects: start with *at = 0; NULL at the end.  Removing the
 * visited object, or any other, during the walk is allowed.
 */
void		*slab_next(const struct slab *, uint32_t *at, struct handle *ret);

#endif
