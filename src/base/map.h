/*
 * map: octet-string keys to 64-bit values, hashed with a per-map secret
 * (SipHash-2-4), so nobody outside can choose collisions (security R26).
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/util.h"
#include "base/view.h"

struct map;

uint64_t	siphash(const uint8_t key[16], struct view);

/* NULL without memory. */
struct map	*map_new(const uint8_t key[16]);
void		 map_free(struct map *);
/* Adds or replaces; keys are copied, at most 64 octets; false without memory. */
MUST_USE bool	 map_put(struct map *, struct view key, uint64_t value);
bool		 map_get(const struct map *, struct view key, uint64_t *ret);
void		 map_remove(struct map *, struct view key);
size_t		 map_count(const struct map *);

#endif
