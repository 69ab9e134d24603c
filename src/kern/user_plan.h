/*
 * Which routing rules and routes a flow of the user back end needs, as plain
 * values: no netlink here, so that all of it can be read and tested without
 * a kernel.  user_routes applies plans and counts how many flows need each
 * item.
 *
 * All rules live in a band of priorities of ours, in stages:
 *
 *	MARK		packets of the daemon itself (fwmark)	goto END
 *	EXEMPT		what a flow must not swallow		goto END
 *	INSIDE		from this machine or the TUN device	goto LOCAL
 *	IN		from REMOTE to LOCAL, in clear		prohibit
 *	IN_WHOLE	packets that have ports			goto LOCAL
 *	IN_FRAGMENT	fragments: ports unknown		prohibit
 *	LOCAL		a mark to jump to; IPv6: packets with a source go on to OUT
 *	SOURCE		no source chosen yet, to REMOTE		lookup TABLE + 1
 *	OUT		from LOCAL to REMOTE			lookup TABLE
 *	OUT_WHOLE	packets that have ports			goto END
 *	OUT_FRAGMENT	fragments: ports unknown		lookup TABLE
 *	END		a mark to jump to
 *
 * TABLE leads everything into the TUN device; should the device vanish, its
 * second default route makes packets unreachable rather than pass in clear.
 * TABLE + 1 has a route per REMOTE with a source address inside LOCAL.
 *
 * Rules can only look at ports of TCP, UDP and their like.  For other
 * protocols, and for port 65535 which the kernel cannot match, the port is
 * left out: too much goes to the data plane, which drops what no flow allows.
 */
#ifndef KERN_USER_PLAN_H
#define KERN_USER_PLAN_H

#include "base/sa_spec.h"

enum plan_stage {
	STAGE_MARK, STAGE_EXEMPT, STAGE_INSIDE, STAGE_IN, STAGE_IN_WHOLE, STAGE_IN_FRAGMENT,
	STAGE_LOCAL, STAGE_SOURCE, STAGE_OUT_MARK, STAGE_OUT, STAGE_OUT_WHOLE,
	STAGE_OUT_FRAGMENT, STAGE_END, STAGE_MAX
};

enum {
	PLAN_SHAPES = 32,	/* see plan_priority */
	PLAN_PRIORITIES = STAGE_MAX * PLAN_SHAPES,
	PLAN_PREFIXES_MAX = 256,	/* pairs of prefixes of one flow */
	PLAN_KEY_MAX = 64
};

enum plan_kind { PLAN_RULE = 1, PLAN_ROUTE = 2 };
enum plan_action {
	PLAN_LOOKUP = 1,	/* rule: value is a table */
	PLAN_GOTO,		/* rule: value is a stage */
	PLAN_NOP,		/* rule */
	PLAN_PROHIBIT,		/* rule */
	PLAN_DEVICE,		/* route into the TUN device; value is the table */
	PLAN_UNREACHABLE	/* route; value is the table */
};
enum plan_iif { IIF_ANY = 0, IIF_LOOPBACK, IIF_DEVICE };

struct plan_item {
	uint8_t		kind, stage, family, action, iif;
	bool		marked;			/* rule: matches our mark */
	uint8_t		protocol;		/* rule: 0: any */
	uint8_t		from_bits, to_bits;	/* 0: any */
	uint16_t	sport, sport_last;	/* rule: 0: any */
	uint16_t	dport, dport_last;
	uint32_t	value;			/* table or stage */
	uint32_t	metric;			/* route */
	uint8_t		from[16], to[16];	/* a route's from is the source it prefers */
};

struct plan {
	struct plan_item *v;
	size_t		  n, cap;
	bool		  no_memory;
};

struct plan_options {
	uint32_t	table;		/* and table + 1 */
	uint16_t	port, port_nat_t;	/* ours: IKE and ESP in UDP */
};

/*
 * Adds all items of the flow of this spec.  source: an address of this
 * machine inside LOCAL, or NULL if it has none.  WHY_BACKEND with detail if
 * a range needs too many prefixes; WHY_NO_MEMORY.
 */
MUST_USE enum why plan_flow(struct plan *, const struct plan_options *, const struct sa_spec *,
		    const struct addr *source, struct str *detail);
void		plan_done(struct plan *);

/*
 * The rule's priority within the band.  The kernel's "delete rule" takes an
 * attribute that is not given as a wildcard; with a priority per shape (which
 * attributes are there) an order to delete can only match the rule meant.
 */
uint32_t	plan_priority(const struct plan_item *);
/* The item as octets: equal items have equal keys. */
struct view	plan_key(uint8_t room[PLAN_KEY_MAX], const struct plan_item *);
/* "rule from 10.1.0.0/24 to 10.2.0.0/24 lookup 50500" */
void		plan_print(struct str *, const struct plan_item *);

#endif
