/*
 * kin: objects that share a key, linked to each other, so that the few SAs of
 * one peer are found among thousands without a search.
 */
#include "ike/internal.h"

static struct view
kin_key(const struct kin *k)
{
	return view_of(k->key, sizeof(k->key));
}

struct kin *
kin_first(const struct map *map, const uint8_t key[KIN_KEY])
{
	uint64_t v;

	return map_get(map, view_of(key, KIN_KEY), &v) ? (struct kin *)(uintptr_t)v : NULL;
}

bool
kin_enter(struct map *map, struct kin *k, const uint8_t key[KIN_KEY], void *owner)
{
	struct kin *first = kin_first(map, key);

	memcpy(k->key, key, sizeof(k->key));
	if (!map_put(map, kin_key(k), (uint64_t)(uintptr_t)k))
		return false;
	k->owner = owner;
	k->next = first;
	k->before = NULL;
	if (first != NULL)
		first->before = k;
	return true;
}

void
kin_leave(struct map *map, struct kin *k)
{
	if (k->owner == NULL)
		return;
	/* Another first one takes the place of a key that is there: no memory needed. */
	if (k->before != NULL)
		k->before->next = k->next;
	else if (k->next == NULL)
		map_remove(map, kin_key(k));
	else
		(void)!map_put(map, kin_key(k), (uint64_t)(uintptr_t)k->next);
	if (k->next != NULL)
		k->next->before = k->before;
	*k = (struct kin){ 0 };
}
