/*
 * The back end `none`: SAs and flows are kept in memory only.  Used with -n,
 * and as the model kernel of tests and simulations.
 */
#ifndef KERN_NONE_H
#define KERN_NONE_H

#include "kern/backend.h"

struct none_env {
	void	*self;
	void	(*random)(void *self, void *buf, size_t n);
};

extern const struct backend_ops none_ops;

/* NULL without memory. */
struct backend	*none_new(const struct none_env *);

/* For tests and simulations: what is held. */
struct none_sa {
	const struct sa_spec *spec;	/* with the keys of its direction only */
	enum sa_part	 part;		/* IN or OUT */
};
void		 none_each_sa(const struct backend *,
		    void (*each)(void *self, const struct none_sa *), void *self);
void		 none_each_flow(const struct backend *,
		    void (*each)(void *self, const struct sa_spec *), void *self);
unsigned	 none_count_sas(const struct backend *);
unsigned	 none_count_flows(const struct backend *);
unsigned	 none_count_reserved(const struct backend *);
/* Counts of traffic for later queries; false if no pair has this id. */
bool		 none_set_usage(struct backend *, uint64_t id, const struct sa_usage *);
/* An event that `event` will hand out next; false if too many wait. */
MUST_USE bool	 none_raise(struct backend *, const struct kern_event *);
/* The machine under it restarted: SAs, flows and reservations are gone, KERN_GONE waits. */
void		 none_lose_all(struct backend *);

#endif
