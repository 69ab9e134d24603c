#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

enum { CHUNK = 16 * 1024, ALIGN = alignof(max_align_t) };

struct chunk {
	struct chunk		*next;
	size_t			 used, cap;
	alignas(max_align_t) uint8_t room[];
};

struct arena {
	struct chunk	*first;		/* the one with room; full ones follow */
};

struct arena *
arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

void
arena_free(struct arena *a)
{
	struct chunk *next;

	if (a == NULL)
		return;
	for (struct chunk *c = a->first; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

static struct chunk *
chunk_new(size_t cap)
{
	struct chunk *c = calloc(1, sizeof(*c) + cap);

	if (c != NULL)
		c->cap = cap;
	return c;
}

void *
arena_room(struct arena *a, size_t n)
{
	struct chunk *c = a->first;

	if (n > SIZE_MAX / 2)
		return NULL;
	n = n == 0 ? ALIGN : (n + ALIGN - 1) / ALIGN * ALIGN;
	if (c != NULL && n <= c->cap - c->used) {
		c->used += n;
		return c->room + c->used - n;
	}
	struct chunk *fresh = chunk_new(n > CHUNK / 4 ? n : CHUNK);
	if (fresh == NULL)
		return NULL;
	fresh->used = n;
	if (c != NULL && n > CHUNK / 4) {	/* a large one does not end the current chunk */
		fresh->next = c->next;
		c->next = fresh;
	} else {
		fresh->next = c;
		a->first = fresh;
	}
	return fresh->room;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / 2 / size)
		return NULL;
	return arena_room(a, n * size);
}

char *
arena_text(struct arena *a, struct view v)
{
	char *text = v.n < SIZE_MAX ? arena_room(a, v.n + 1) : NULL;

	if (text != NULL && v.n > 0)
		memcpy(text, v.p, v.n);
	return text;
}
