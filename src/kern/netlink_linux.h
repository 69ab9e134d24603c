/*
 * Talking to the kernel's routing tables and its IPsec: one request, one
 * answer, with a bounded wait.  Builds on libmnl; knows nothing of flows.
 */
#ifndef KERN_NETLINK_LINUX_H
#define KERN_NETLINK_LINUX_H

#include <libmnl/libmnl.h>

#include "base/str.h"

enum { NETLINK_ROOM = 8192 };

/*
 * The attributes of a message after its own header of `skip` octets.  (The
 * library's own end of a message is rounded up.)
 */
#define netlink_each(a, h, skip)						\
	for ((a) = mnl_nlmsg_get_payload_offset((h), (skip));			\
	    mnl_attr_ok((a), (int)((const char *)(h) + (h)->nlmsg_len -	\
	    (const char *)(a))); (a) = mnl_attr_next(a))

struct netlink {
	struct mnl_socket *sock;
	uint32_t	 seq;
	char		 said[120];	/* the kernel's own words about the last failure */
};

/* groups: RTMGRP_*, 0 for requests only.  An errno, 0 if it went well. */
MUST_USE int	netlink_open(struct netlink *, unsigned groups);
/* The same for another subsystem than routing: NETLINK_XFRM. */
MUST_USE int	netlink_open_protocol(struct netlink *, int protocol, unsigned groups);
void		netlink_close(struct netlink *);
/* Sends the message and waits for its acknowledgement: an errno, 0 if done. */
MUST_USE int	netlink_do(struct netlink *, struct nlmsghdr *);
/* As netlink_do, for a request that is answered with a message besides. */
MUST_USE int	netlink_ask(struct netlink *, struct nlmsghdr *,
		    void (*each)(void *self, const struct nlmsghdr *), void *self);
/* Calls `each` for every message of a dump; it must not use this netlink. */
MUST_USE int	netlink_dump(struct netlink *, struct nlmsghdr *,
		    void (*each)(void *self, const struct nlmsghdr *), void *self);
/* Reads and drops what waits on a socket with groups; false if nothing waited. */
bool		netlink_drain(struct netlink *);
/* "Operation not permitted", and the kernel's own words if it had some. */
void		netlink_explain(const struct netlink *, struct str *, int error);

#endif
