#include "base/slab.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 };

struct slot {
	uint32_t	gen;	/* odd: in use */
	uint32_t	next;	/* free list, slot + 1 */
};

struct slab {
	size_t		  size;
	uint32_t	  most, count, made, free;	/* free: slot + 1, 0 none */
	struct slot	 *slots;
	void		**chunks;
};

struct slab *
slab_new(size_t size, uint32_t most)
{
	struct slab *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->size = (size + 15) & ~(size_t)15;
	s->most = most;
	return s;
}

void
slab_free(struct slab *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->made / CHUNK; i++)
		free(s->chunks[i]);
	free(s->chunks);
	free(s->slots);
	free(s);
}

static void *
object(const struct slab *s, uint32_t slot)
{
	return (char *)s->chunks[slot / CHUNK] + (slot % CHUNK) * s->size;
}

static bool
grow(struct slab *s)
{
	struct slot *slots = realloc(s->slots, (s->made + CHUNK) * sizeof(*slots));

	if (slots == NULL)
		return false;
	s->slots = slots;
	void **chunks = realloc(s->chunks, (s->made / CHUNK + 1) * sizeof(*chunks));
	if (chunks == NULL)
		return false;
	s->chunks = chunks;
	void *chunk = calloc(CHUNK, s->size);
	if (chunk == NULL)
		return false;
	chunks[s->made / CHUNK] = chunk;
	for (uint32_t i = CHUNK; i > 0; i--) {
		uint32_t slot = s->made + i - 1;

		slots[slot] = (struct slot){ .next = s->free };
		s->free = slot + 1;
	}
	s->made += CHUNK;
	return true;
}

void *
slab_add(struct slab *s, struct handle *ret)
{
	if (s->count >= s->most || (s->free == 0 && !grow(s)))
		return NULL;
	uint32_t slot = s->free - 1;
	s->free = s->slots[slot].next;
	s->slots[slot].gen++;
	s->count++;
	memset(object(s, slot), 0, s->size);
	*ret = (struct handle){ slot, s->slots[slot].gen };
	return object(s, slot);
}

void *
slab_find(const struct slab *s, struct handle h)
{
	if ((h.gen & 1) == 0 || h.slot >= s->made || s->slots[h.slot].gen != h.gen)
		return NULL;
	return object(s, h.slot);
}

void
slab_remove(struct slab *s, struct handle h)
{
	if (slab_find(s, h) == NULL)
		return;
	s->slots[h.slot].gen++;
	s->slots[h.slot].next = s->free;
	s->free = h.slot + 1;
	s->count--;
}

uint32_t
slab_count(const struct slab *s)
{
	return s->count;
}

void *
slab_next(const struct slab *s, uint32_t *at, struct handle *ret)
{
	for (; *at < s->made; (*at)++) {
		uint32_t slot = *at;

		if ((s->slots[slot].gen & 1) != 0) {
			*ret = (struct handle){ slot, s->slots[slot].gen };
			(*at)++;
			return object(s, slot);
		}
	}
	return NULL;
}
