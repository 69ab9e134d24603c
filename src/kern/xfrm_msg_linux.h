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
/*
 * An SA for a policy that another program has set needs that one's reqid.  It
 * is ours by a limit that no counter reaches.
 */
enum { XFRM_LENT = 0x15a4 };
static const uint64_t XFRM_LENT_LIMIT = UINT64_MAX - XFRM_LENT;

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

/* Whether two XFRM_MSG_NEWSA say the same reqid, algorithms and keys. */
MUST_USE bool	xfrm_sa_same_key(const struct nlmsghdr *a, const struct nlmsghdr *b);
/* The message's SA serves a policy with this reqid, which is not ours. */
void		xfrm_sa_lend(struct nlmsghdr *, uint32_t reqid);

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
bool		xfrm_sa_is_ours(const struct xfrm_told *);
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
/* One policy as the kernel tells it, or as it was told to the kernel. */
struct xfrm_policy_told {
	struct xfrm_userpolicy_info info;
	struct xfrm_user_tmpl first;	/* its first template */
	unsigned	templates;
	bool		got;
};
/* From a NEWPOLICY or UPDPOLICY; got stays false if it is malformed. */
void		xfrm_policy_told(const struct nlmsghdr *, struct xfrm_policy_told *ret);
/* Whether they do the same; detail: the first difference, both values. */
MUST_USE bool	xfrm_policy_same(const struct xfrm_policy_told *want,
		    const struct xfrm_policy_told *got, struct str *detail);
/* Whether an SA of the spec serves a policy of another program; its reqid. */
MUST_USE bool	xfrm_policy_lends(const struct xfrm_policy_told *, const struct sa_spec *,
		    uint32_t *ret_reqid);
/* Whether all that an outbound policy selects is traffic of the flow. */
bool		xfrm_policy_within(const struct xfrm_policy *, const struct flow *);
struct view	xfrm_policy_key(uint8_t room[XFRM_SELECTOR_KEY], const struct xfrm_policy *);

/* ---- events ---- */

/* From an XFRM_MSG_ACQUIRE that wants ESP: of which policy, and for what packet. */
MUST_USE bool	xfrm_acquire(const struct nlmsghdr *, struct xfrm_policy *ret_policy,
		    struct flow *ret_packet);
/* From an XFRM_MSG_EXPIRE of one of our SAs. */
MUST_USE bool	xfrm_expire(const struct nlmsghdr *, struct addr *ret_to, uint32_t *ret_spi,
		    bool *ret_hard);
/* From an XFRM_MSG_DELSA or UPDSA: which one, of anybody. */
MUST_USE bool	xfrm_sa_touched(const struct nlmsghdr *, struct addr *ret_to, uint32_t *ret_spi);
/* From an XFRM_MSG_DELPOLICY or UPDPOLICY: which one, of anybody. */
MUST_USE bool	xfrm_policy_touched(const struct nlmsghdr *, struct xfrm_policy *ret);
/* An XFRM_MSG_FLUSHSA or FLUSHPOLICY that concerns what we use. */
MUST_USE bool	xfrm_flushed(const struct nlmsghdr *);

#endif
