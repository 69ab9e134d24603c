/*
 * The back end `user`: SAs live in the data plane of the `esp` role, reached
 * over a link; routing rules lead the packets of flows into its TUN device.
 */
#ifndef KERN_USER_H
#define KERN_USER_H

#include "kern/backend.h"
#include "kern/user_routes.h"

/* How to reach the data plane; messages are those of base/esp_msg.h. */
struct user_link {
	void	*self;
	/*
	 * Sends an ask and waits, bounded, for its answer, which goes to
	 * `answer`.  False: the data plane is not there or did not answer.
	 */
	bool	(*call)(void *self, struct view ask, struct wr *answer);
};

extern const struct backend_ops user_ops;

/* Takes the routes, which may be NULL (tests of the link alone).  NULL without memory. */
struct backend	*user_new(const struct user_link *, struct user_routes *);
/*
 * An event from the data plane, to be fetched with ops->event; false if it is
 * malformed.  May be called from within link.call.
 */
MUST_USE bool	 user_input(struct backend *, struct view event);
/*
 * The data plane was started anew and holds nothing: KERN_GONE follows.
 * name: its TUN device, "" if unknown.
 */
MUST_USE enum why user_restarted(struct backend *, const char *name, struct str *detail);
/* Removes rules of an earlier run that nothing asked for again; how many. */
unsigned	 user_settled(struct backend *);

#endif
