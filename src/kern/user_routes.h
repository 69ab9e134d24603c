/*
 * user_routes: leads the packets of flows into the TUN device of the user
 * back end, and refuses their clear text from elsewhere.  Applies plans
 * (user_plan.h) to the kernel and counts how many flows need each rule.
 *
 * Everything it makes carries a protocol number of its own within a band of
 * priorities and two tables of its own.  What an earlier run left behind
 * there stays in force, so nothing leaks while a daemon comes back, until
 * user_routes_sweep removes what no flow asked for again.  Nothing else is
 * touched.
 *
 * Limits, documented for operators: a packet in clear that pretends to come
 * from REMOTE and is for this machine itself is not seen by rules (the
 * kernel's local table comes first); strict reverse path filtering
 * (rp_filter=1) refuses it.  Where LOCAL lies inside REMOTE (say 0.0.0.0/0),
 * hosts of LOCAL reach each other in clear.  Rules are looked up one by one:
 * thousands of flows cost time per packet.
 */
#ifndef KERN_USER_ROUTES_H
#define KERN_USER_ROUTES_H

#include "base/sa_spec.h"
#include "base/why.h"

enum {
	ROUTES_TABLE = 50500,
	ROUTES_PRIORITY = 15360,
	/* 1500 less IPv6 (40), UDP (8), ESP (8), IV (16), ICV (32), then whole
	 * blocks of 16 less pad length and next header: fits every suite.  A
	 * narrower path is the data plane's to report, packet by packet. */
	ROUTES_MTU = 1390
};

struct user_routes;

struct user_routes_options {
	uint32_t	table;		/* and table + 1 */
	uint32_t	priority;	/* the band begins here */
	uint32_t	mark;		/* of the daemon's own packets */
	uint32_t	mtu;		/* of the TUN device */
	uint16_t	port, port_nat_t;
	uint8_t		hash_key[16];
};

/* Whether rules and a TUN device can be made here; detail says why not. */
MUST_USE enum why user_routes_probe(struct str *detail);

/* NULL and detail if netlink refuses or without memory. */
struct user_routes *user_routes_new(const struct user_routes_options *, struct str *detail);
/* withdraw: take everything of ours out of the kernel; else it stays, in force. */
void		 user_routes_free(struct user_routes *, bool withdraw);
/*
 * The TUN device is there, perhaps again: sets its MTU, brings it up, and
 * places anew what depends on it.
 */
MUST_USE enum why user_routes_device(struct user_routes *, const char *name, struct str *detail);
/* A flow that is there already gets the endpoints of this spec. */
MUST_USE enum why user_routes_add(struct user_routes *, const struct sa_spec *, struct str *detail);
bool		 user_routes_has(const struct user_routes *, const struct flow *);
enum why	 user_routes_delete(struct user_routes *, const struct flow *);
/* Readable when addresses of this machine changed; then call user_routes_input. */
int		 user_routes_fd(const struct user_routes *);
void		 user_routes_input(struct user_routes *);
/* Removes what an earlier run left behind; how many rules and routes. */
unsigned	 user_routes_sweep(struct user_routes *);
/* Rules and routes placed now. */
unsigned	 user_routes_count(const struct user_routes *);

#endif
