#include "base/heap.h"

#include <stdlib.h>

void
heap_done(struct heap *h)
{
	if (h == NULL)
		return;
	free(h->v);
	*h = (struct heap){ 0 };
}

static void
place(struct heap *h, size_t i, struct deadline *d)
{
	h->v[i] = d;
	d->index = i + 1;
}

static void
sift(struct heap *h, size_t i)
{
	struct deadline *d = h->v[i];

	while (i > 0 && mono_before(d->at, h->v[(i - 1) / 2]->at)) {
		place(h, i, h->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && mono_before(h->v[child + 1]->at, h->v[child]->at))
			child++;
		if (!mono_before(h->v[child]->at, d->at))
			break;
		place(h, i, h->v[child]);
		i = child;
	}
	place(h, i, d);
}

bool
heap_set(struct heap *h, struct deadline *d, struct mono at)
{
	if (d->index == 0) {
		if (h->n == h->cap) {
			size_t cap = h->cap == 0 ? 64 : h->cap * 2;
			struct deadline **v = realloc(h->v, cap * sizeof(*v));

			if (v == NULL)
				return false;
			h->v = v;
			h->cap = cap;
		}
		place(h, h->n++, d);
	}
	d->at = at;
	sift(h, d->index - 1);
	return true;
}

void
heap_clear(struct heap *h, struct deadline *d)
{
	if (d->index == 0)
		return;
	size_t i = d->index - 1;
	d->index = 0;
	struct deadline *last = h->v[--h->n];
	if (last != d) {
		place(h, i, last);
		sift(h, i);
	}
}

struct deadline *
heap_first(const struct heap *h)
{
	return h->n == 0 ? NULL : h->v[0];
}
