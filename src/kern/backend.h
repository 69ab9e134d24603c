/*
 * A back end for IPsec SAs: xfrm, pfkey, user, none behind one interface.
 * All calls return at once with the result (a back end that needs a socket
 * waits with a bound).  The owner is the `kern` role.
 */
#ifndef KERN_BACKEND_H
#define KERN_BACKEND_H

#include "base/ask.h"

struct backend;

struct backend_ops {
	const char	*name;
	/* WHY_NONE if this back end works here; else detail says why not. */
	enum why	(*probe)(struct str *detail);
	void		(*free)(struct backend *);
	/* A fresh inbound ESP SPI >= 0x100, unique among ours. */
	enum why	(*get_spi)(struct backend *, const struct endpoint *local,
			    const struct endpoint *remote, uint32_t *ret, struct str *detail);
	/* Exactly one direction.  BACKEND, BACKEND_EXISTS, BACKEND_ALGORITHM. */
	enum why	(*sa_add)(struct backend *, const struct sa_spec *, enum sa_part,
			    struct str *detail);
	/*
	 * For what sa_add said BACKEND_EXISTS to: if another program of ours has
	 * it there with the same key, it is ours from now on; else BACKEND_EXISTS.
	 * NULL: nobody else has SAs in this back end.
	 */
	enum why	(*sa_take)(struct backend *, const struct sa_spec *, enum sa_part,
			    struct str *detail);
	/* What the back end holds now, for comparison with the intent (R3);
	 * the keys in ret are only present or absent, not compared. */
	enum why	(*sa_read)(struct backend *, const struct sa_spec *, enum sa_part,
			    struct sa_spec *ret, struct str *detail);
	enum why	(*sa_delete)(struct backend *, const struct sa_spec *, enum sa_part);
	/* The flow of the spec, both directions, "require": nothing passes in clear. */
	enum why	(*flow_add)(struct backend *, const struct sa_spec *, struct str *detail);
	enum why	(*flow_delete)(struct backend *, const struct sa_spec *);
	/* Whether the flow is held as it was added (R3): BACKEND_GONE; BACKEND_DIFFERS
	 * with both values; BACKEND_EXISTS: another program's stands in its place.
	 * NULL: nobody else can change what this back end holds. */
	enum why	(*flow_check)(struct backend *, const struct sa_spec *, struct str *detail);
	enum why	(*query)(struct backend *, const struct sa_spec *, struct sa_usage *ret);
	enum why	(*move)(struct backend *, const struct sa_spec *,
			    const struct endpoint *local, const struct endpoint *remote);
	/* A descriptor that becomes readable when events wait, or -1. */
	int		(*fd)(struct backend *);
	/* The next event; false if none waits. */
	bool		(*event)(struct backend *, struct kern_event *ret);
};

struct backend {
	const struct backend_ops *ops;
	bool	stay;	/* flows outlive `free` */
};

#endif
