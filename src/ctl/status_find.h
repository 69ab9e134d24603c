/* What belongs to a connection in a status: its SA, what is being negotiated, what failed. */
#ifndef CTL_STATUS_FIND_H
#define CTL_STATUS_FIND_H

#include "ctl/status.h"

/* Ready phase 2 SAs by name: thousands of connections look for theirs. */
struct status_find {
	const struct ctl_status	 *st;
	const struct ctl_sa	**sas;
	size_t			  n;
};

/* Without memory nothing is found, and nothing else is wrong. */
void	 status_find_begin(struct status_find *, const struct ctl_status *);
void	 status_find_end(struct status_find *);
/* The SA that carries its traffic, or NULL. */
const struct ctl_sa *status_sa_of(const struct status_find *, const struct ctl_connection *);
/* A negotiation of it, or of its peer, that is under way, or NULL. */
const struct ctl_exchange *status_exchange_of(const struct ctl_status *,
	    const struct ctl_connection *);
/* The last failure of it, or of phase 1 with its peer, or NULL. */
const struct ctl_failure *status_failure_of(const struct ctl_status *,
	    const struct ctl_connection *);
/* An exchange that has ended is kept to repeat its last message; nobody waits for it. */
bool	 status_is_done(const struct ctl_exchange *);

#endif
