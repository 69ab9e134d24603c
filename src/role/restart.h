/*
 * restart: whether a role that died is started anew.  At most RESTARTS_MAX
 * times within RESTARTS_SPAN_S seconds; then the daemon ends instead of
 * spinning.  (doc/decisions/0003-dead-roles.md)
 */
#ifndef ROLE_RESTART_H
#define ROLE_RESTART_H

#include "base/time.h"
#include "base/util.h"

enum { RESTARTS_MAX = 5, RESTARTS_SPAN_S = 60 };

struct restarts {
	struct mono	at[RESTARTS_MAX];	/* the latest ones, a ring */
	unsigned	n;			/* all so far */
};

/* True: start it, and it is counted.  False: too often. */
MUST_USE bool	restart_allowed(struct restarts *, struct mono now);

#endif
