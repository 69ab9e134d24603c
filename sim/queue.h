/*
 * queue: events in the order of virtual time; equal times keep the order in
 * which they were added, so that a run never depends on the heap's shape.
 */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "base/util.h"

struct world;

/* The head of every event; what follows it belongs to its maker. */
struct sim_event {
	struct mono	at;
	uint64_t	order;
	void		(*run)(struct world *, struct sim_event *);
	void		(*free)(struct sim_event *);	/* after run, or at the end */
};

struct queue {
	struct sim_event	**v;
	size_t		  n, cap;
	uint64_t	  order;
};

void		 queue_add(struct queue *, struct sim_event *, struct mono at);
struct sim_event	*queue_first(const struct queue *);	/* NULL: empty */
struct sim_event	*queue_take(struct queue *);
void		 queue_done(struct queue *);		/* frees what is left */

/* Allocation for the simulator itself, which has nothing better to do than
 * to end when there is no memory. */
void		*sim_alloc(size_t n);
void		*sim_grow(void *p, size_t n);
char		*sim_copy_text(const char *);

#endif
