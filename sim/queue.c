#include "sim/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
sim_alloc(size_t n)
{
	void *p = calloc(1, n == 0 ? 1 : n);

	if (p == NULL) {
		fputs("simulator: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
sim_grow(void *p, size_t n)
{
	p = realloc(p, n == 0 ? 1 : n);
	if (p == NULL) {
		fputs("simulator: out of memory\n", stderr);
		abort();
	}
	return p;
}

char *
sim_copy_text(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = sim_alloc(n);

	memcpy(p, s, n);
	return p;
}

static int
earlier(const struct sim_event *a, const struct sim_event *b)
{
	return a->at.us < b->at.us || (a->at.us == b->at.us && a->order < b->order);
}

void
queue_add(struct queue *q, struct sim_event *e, struct mono at)
{
	if (q->n == q->cap) {
		q->cap = q->cap == 0 ? 64 : q->cap * 2;
		q->v = sim_grow(q->v, q->cap * sizeof(q->v[0]));
	}
	e->at = at;
	e->order = q->order++;

	size_t i = q->n++;
	while (i > 0 && earlier(e, q->v[(i - 1) / 2])) {
		q->v[i] = q->v[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	q->v[i] = e;
}

struct sim_event *
queue_first(const struct queue *q)
{
	return q->n == 0 ? NULL : q->v[0];
}

struct sim_event *
queue_take(struct queue *q)
{
	if (q->n == 0)
		return NULL;
	struct sim_event *first = q->v[0];
	struct sim_event *last = q->v[--q->n];
	size_t i = 0;

	while (2 * i + 1 < q->n) {
		size_t child = 2 * i + 1;

		if (child + 1 < q->n && earlier(q->v[child + 1], q->v[child]))
			child++;
		if (!earlier(q->v[child], last))
			break;
		q->v[i] = q->v[child];
		i = child;
	}
	if (q->n > 0)
		q->v[i] = last;
	return first;
}

void
queue_done(struct queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		q->v[i]->free(q->v[i]);
	free(q->v);
	*q = (struct queue){ 0 };
}
