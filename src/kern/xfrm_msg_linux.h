/*
 * Specs and flows as the kernel's XFRM messages, and back.  Only values: no
 * socket is used here.
 */
#ifndef KERN_XFRM_MSG_LINUX_H
#define KERN_XFRM_MSG_LINUX_H

#include <linux/xfrm.h>

#include "base/sa_spec.h"
#include "kern/netlink_linux.h"

enum {
	XFRM_REQID = 0x15a00000,	/* ours: this and what follows, 20 bits */
	XFRM_REQID_BITS = 20,
	XFRM_WINDOW_MAX = 4096,		/* the kernel's limit, in packets */
	XFRM_NARROW_WINDOW = 32,	/* the most that goes without a bitmap */
	XFRM_SELECTOR_KEY = 48,
	/* Neighbour discovery passes every policy; nothing else of ours is below 0x10000. */
	XFRM_NEIGHBOUR_PRIORITY = 0x15a4,
	XFRM_OVERLAP_MAX = 256		/* pairs of prefixes of one flow */
};

/* The reqid of all SAs and policies of a flow: equal flows have equal ones. */
uint32_t	xfrm_reqid(const struct flow *);
bool		xfrm_reqid_is_ours(uint32_t);

struct nlmsghdr	*xfrm_message(void *room, uint16_t type);

/* ---- SAs ---- */

/* Which SA: its receiver and its SPI. */
struct nlmsghdr	*xfrm_sa_named(void *room, uint16_t type, const struct endpoint *from,
		    const struct endpoint *to, uint32_t spi);
struct nlmsghdr	*xfrm_spi_message(void *room, const struct endpoint *local,
		    const struct endpoint *remote);
/*
 * NEWSA or UPDSA of one direction.  BACKEND_ALGORITHM or BACKEND with detail
 * for what cannot be said to a kernel.
 */
MUST_USE enum why xfrm_sa_message(void *room, uint16_t type, const struct sa_spec *,
		    enum sa_part, struct nlmsghdr **ret, struct str *detail);

/* One SA as the kernel tells it. */
struct xfrm_told {
	struct xfrm_usersa_info info;
	struct sa_suite	suite;		/* an unknown algorithm has an unknown number */
	size_t		keymat_n;
	uint32_t	window;
	bool		encap;
	uint16_t	from_port, to_port;	/* with encap */
	uint64_t	last_used;	/* seconds of the calendar; 0: not told */
	bool		got;
};
/* From an XFRM_MSG_NEWSA; got stays false if it is malformed. */
void		xfrm_sa_told(const struct nlmsghdr *, struct xfrm_told *ret);
/* What was told, in the words of a spec; `asked` says which one it is. */
MUST_USE enum why xfrm_sa_spec(const struct xfrm_told *, const struct sa_spec *asked,
		    enum sa_part, struct sa_spec *ret);
/*
 * The same SA, keys and counters, from and to elsewhere: made of the
 * XFRM_MSG_NEWSA in which the kernel told it.  False: malformed.
 */
MUST_USE bool	xfrm_sa_moved(void *room, uint16_t type, const struct nlmsghdr *told,
		    const struct endpoint *from, const struct endpoint *to, uint64_t calendar,
		    struct nlmsghdr **ret);

/* ---- policies ---- */

struct xfrm_policy {
	struct xfrm_selector sel;
	uint8_t		dir;		/* XFRM_POLICY_IN, _OUT, _FWD */
};

/*
 * Smaller wins: the more specific selector, its source before its
 * destination, then protocol and ports.
 */
uint32_t	xfrm_priority(const struct xfrm_selector *);
/* The policies of a flow, out before in; 0: its ranges need too many. */
size_t		xfrm_flow_policies(const struct sa_spec *, struct xfrm_policy *ret, size_t most);
enum { XFRM_POLICIES_MAX = 3 * XFRM_OVERLAP_MAX };
/* NEWPOLICY or UPDPOLICY: allow through ESP as the spec says, and not without. */
struct nlmsghdr	*xfrm_policy_message(void *room, uint16_t type, const struct xfrm_policy *,
		    const struct sa_spec *);
/* NEWPOLICY for one kind of neighbour discovery (ICMPv6 type), without ESP. */
struct nlmsghdr	*xfrm_neighbour_message(void *room, const struct xfrm_policy *);
struct xfrm_policy xfrm_neighbour_policy(uint8_t icmp_type, uint8_t dir);
/* GETPOLICY, DELPOLICY. */
struct nlmsghdr	*xfrm_policy_named(void *room, uint16_t type, const struct xfrm_policy *);
/* From an XFRM_MSG_NEWPOLICY; false: malformed, or not ours. */
MUST_USE bool	xfrm_policy_ours(const struct nlmsghdr *, struct xfrm_policy *ret);
struct view	xfrm_policy_key(uint8_t room[XFRM_SELECTOR_KEY], const struct xfrm_policy *);

/* ---- events ---- */

/* From an XFRM_MSG_ACQUIRE of one of our policies: which, and for what packet. */
MUST_USE bool	xfrm_acquire(const struct nlmsghdr *, struct xfrm_policy *ret_policy,
		    struct flow *ret_packet);
/* From an XFRM_MSG_EXPIRE of one of our SAs. */
MUST_USE bool	xfrm_expire(const struct nlmsghdr *, struct addr *ret_to, uint32_t *ret_spi,
		    bool *ret_hard);

#endif
