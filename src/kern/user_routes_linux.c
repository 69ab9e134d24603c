#include "kern/user_routes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/map.h"
#include "base/slab.h"
#include "kern/flow_key.h"
#include "kern/netlink_linux.h"
#include "kern/user_plan.h"

enum {
	ROUTES_PROTOCOL = 154,		/* "made by": none that iproute2 names */
	ROUTES_ITEMS_MAX = 1 << 20,
	ROUTES_FLOWS_MAX = 1 << 17,
	OWN_ADDRESSES_MAX = 4096,
	/* linux/in6.h collides with netinet; the values are fixed by the kernel's ABI. */
	ADDR_GEN_MODE_NONE = 1
};

struct placed {			/* an item that is in the kernel */
	struct plan_item item;
	uint32_t	 refs;
};

struct routed {			/* a flow */
	struct sa_spec	 spec;	/* without keys */
	struct plan	 plan;
};

struct user_routes {
	struct user_routes_options options;
	struct netlink	 nl, watch;
	char		 device[IF_NAMESIZE];	/* "": none yet */
	uint32_t	 index;			/* of the device */
	struct slab	*placed, *flows;
	struct map	*by_item, *by_flow;
	struct addr	*own;			/* addresses of this machine */
	size_t		 n_own;
};

static uint8_t
af_of(uint8_t family)
{
	return family == FAMILY_IP4 ? AF_INET : AF_INET6;
}

/* ---- messages ---- */

static void
put_address(struct nlmsghdr *h, uint16_t type, uint8_t family, const uint8_t b[16])
{
	mnl_attr_put(h, type, family == FAMILY_IP4 ? 4 : 16, b);
}

static void
put_ports(struct nlmsghdr *h, uint16_t type, uint16_t first, uint16_t last)
{
	struct fib_rule_port_range r = { .start = first, .end = last };

	if (first != 0)
		mnl_attr_put(h, type, sizeof(r), &r);
}

static uint32_t
priority_of(const struct user_routes *u, const struct plan_item *i)
{
	return u->options.priority + plan_priority(i);
}

static uint32_t
stage_priority(const struct user_routes *u, uint32_t stage)
{
	return u->options.priority + stage * PLAN_SHAPES;
}

static void
put_action(const struct user_routes *u, struct nlmsghdr *h, struct fib_rule_hdr *r,
    const struct plan_item *i)
{
	switch ((enum plan_action)i->action) {
	case PLAN_LOOKUP:
		r->action = FR_ACT_TO_TBL;
		mnl_attr_put_u32(h, FRA_TABLE, i->value);
		break;
	case PLAN_GOTO:
		r->action = FR_ACT_GOTO;
		mnl_attr_put_u32(h, FRA_GOTO, stage_priority(u, i->value));
		break;
	case PLAN_NOP:
		r->action = FR_ACT_NOP;
		break;
	case PLAN_PROHIBIT:
		r->action = FR_ACT_PROHIBIT;
		break;
	case PLAN_DEVICE:
	case PLAN_UNREACHABLE:
		break;
	}
}

static struct nlmsghdr *
rule_message(const struct user_routes *u, void *room, const struct plan_item *i, bool add)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);

	h->nlmsg_type = add ? RTM_NEWRULE : RTM_DELRULE;
	h->nlmsg_flags = add ? NLM_F_CREATE | NLM_F_EXCL : 0;
	struct fib_rule_hdr *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
	r->family = af_of(i->family);
	r->src_len = i->from_bits;
	r->dst_len = i->to_bits;
	mnl_attr_put_u32(h, FRA_PRIORITY, priority_of(u, i));
	mnl_attr_put_u8(h, FRA_PROTOCOL, ROUTES_PROTOCOL);
	if (i->from_bits != 0)
		put_address(h, FRA_SRC, i->family, i->from);
	if (i->to_bits != 0)
		put_address(h, FRA_DST, i->family, i->to);
	if (i->protocol != 0)
		mnl_attr_put_u8(h, FRA_IP_PROTO, i->protocol);
	put_ports(h, FRA_SPORT_RANGE, i->sport, i->sport_last);
	put_ports(h, FRA_DPORT_RANGE, i->dport, i->dport_last);
	if (i->iif != IIF_ANY)
		mnl_attr_put_strz(h, FRA_IIFNAME, i->iif == IIF_LOOPBACK ? "lo" : u->device);
	if (i->marked) {
		mnl_attr_put_u32(h, FRA_FWMARK, u->options.mark);
		mnl_attr_put_u32(h, FRA_FWMASK, UINT32_MAX);
	}
	put_action(u, h, r, i);
	return h;
}

static struct nlmsghdr *
route_message(const struct user_routes *u, void *room, const struct plan_item *i, bool add)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);

	h->nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE;
	h->nlmsg_flags = add ? NLM_F_CREATE | NLM_F_REPLACE : 0;
	struct rtmsg *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
	r->rtm_family = af_of(i->family);
	r->rtm_dst_len = i->to_bits;
	r->rtm_table = RT_TABLE_UNSPEC;
	r->rtm_protocol = ROUTES_PROTOCOL;
	if (i->action == PLAN_DEVICE) {
		r->rtm_type = RTN_UNICAST;
		r->rtm_scope = i->family == FAMILY_IP4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
		mnl_attr_put_u32(h, RTA_OIF, u->index);
	} else {
		r->rtm_type = RTN_UNREACHABLE;
	}
	mnl_attr_put_u32(h, RTA_TABLE, i->value);
	mnl_attr_put_u32(h, RTA_PRIORITY, i->metric);
	if (i->to_bits != 0)
		put_address(h, RTA_DST, i->family, i->to);
	if (i->from_bits != 0)
		put_address(h, RTA_PREFSRC, i->family, i->from);
	return h;
}

static int
item_do(struct user_routes *u, const struct plan_item *i, bool add)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];

	if (i->kind == PLAN_RULE)
		return netlink_do(&u->nl, rule_message(u, room, i, add));
	return netlink_do(&u->nl, route_message(u, room, i, add));
}

/* Items that need the device wait until there is one. */
static bool
waits_for_device(const struct user_routes *u, const struct plan_item *i)
{
	return u->device[0] == '\0' &&
	    (i->iif == IIF_DEVICE || (i->kind == PLAN_ROUTE && i->action == PLAN_DEVICE));
}

/* An errno.  What is there already may be left from an earlier run: ours then. */
static int
item_place(struct user_routes *u, const struct plan_item *i)
{
	if (waits_for_device(u, i))
		return 0;
	int error = item_do(u, i, true);
	return error == EEXIST ? 0 : error;
}

static void
item_withdraw(struct user_routes *u, const struct plan_item *i)
{
	if (!waits_for_device(u, i))
		(void)!item_do(u, i, false);	/* gone already is as good */
}

/* ---- counted items ---- */

static struct placed *
placed_find(const struct user_routes *u, const struct plan_item *i, struct handle *ret)
{
	uint8_t room[PLAN_KEY_MAX];
	uint64_t v;

	if (!map_get(u->by_item, plan_key(room, i), &v))
		return NULL;
	*ret = handle_of_u64(v);
	return slab_find(u->placed, *ret);
}

static void
placed_forget(struct user_routes *u, const struct plan_item *i, struct handle h)
{
	uint8_t room[PLAN_KEY_MAX];

	map_remove(u->by_item, plan_key(room, i));
	slab_remove(u->placed, h);
}

static int
item_need(struct user_routes *u, const struct plan_item *i)
{
	uint8_t room[PLAN_KEY_MAX];
	struct handle h;
	struct placed *p = placed_find(u, i, &h);

	if (p != NULL) {
		p->refs++;
		return 0;
	}
	p = slab_add(u->placed, &h);
	if (p == NULL)
		return ENOMEM;
	p->item = *i;
	p->refs = 1;
	if (!map_put(u->by_item, plan_key(room, i), handle_u64(h))) {
		slab_remove(u->placed, h);
		return ENOMEM;
	}
	int error = item_place(u, i);
	if (error != 0)
		placed_forget(u, i, h);
	return error;
}

static void
item_release(struct user_routes *u, const struct plan_item *i)
{
	struct handle h;
	struct placed *p = placed_find(u, i, &h);

	if (p == NULL || --p->refs > 0)
		return;
	item_withdraw(u, i);
	placed_forget(u, i, h);
}

/* The reverse of the order in which they came: frames and tables last. */
static void
plan_release(struct user_routes *u, struct plan *plan, size_t n)
{
	while (n > 0)
		item_release(u, &plan->v[--n]);
	plan_done(plan);
}

static enum why
plan_place(struct user_routes *u, struct plan *plan, struct str *detail)
{
	for (size_t i = 0; i < plan->n; i++) {
		int error = item_need(u, &plan->v[i]);
		if (error == 0)
			continue;
		plan_print(detail, &plan->v[i]);
		str_add(detail, ": ");
		netlink_explain(&u->nl, detail, error);
		plan_release(u, plan, i);
		return error == ENOMEM ? WHY_NO_MEMORY : WHY_BACKEND;
	}
	return WHY_NONE;
}

/* ---- addresses of this machine ---- */

struct collect {
	struct addr	*v;
	size_t		 n, cap;
};

static void
collect_address(void *self, const struct nlmsghdr *h)
{
	struct collect *c = self;
	const struct nlattr *a, *address = NULL, *local = NULL;
	struct addr found;

	if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_HDRLEN + sizeof(struct ifaddrmsg))
		return;
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
	if (m->ifa_scope >= RT_SCOPE_LINK ||
	    (m->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0)
		return;
	netlink_each(a, h, sizeof(*m)) {
		if (mnl_attr_get_type(a) == IFA_LOCAL)
			local = a;
		else if (mnl_attr_get_type(a) == IFA_ADDRESS)
			address = a;
	}
	if (local == NULL)		/* IPv6 has IFA_ADDRESS only, mostly */
		local = address;
	if (local == NULL || c->n == OWN_ADDRESSES_MAX ||
	    !addr_from_octets(view_of(mnl_attr_get_payload(local),
	    mnl_attr_get_payload_len(local)), &found))
		return;
	if (c->n == c->cap) {
		size_t cap = c->cap == 0 ? 16 : 2 * c->cap;
		struct addr *v = realloc(c->v, cap * sizeof(*v));

		if (v == NULL)
			return;
		c->v = v;
		c->cap = cap;
	}
	c->v[c->n++] = found;
}

static void
read_addresses(struct user_routes *u)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct collect c = { 0 };
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);

	h->nlmsg_type = RTM_GETADDR;
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifa_family = AF_UNSPEC;
	if (netlink_dump(&u->nl, h, collect_address, &c) != 0) {
		free(c.v);		/* keep what was known */
		return;
	}
	free(u->own);
	u->own = c.v;
	u->n_own = c.n;
}

/* The outer address if it is inside, for then nothing changes for a source. */
static const struct addr *
source_inside(const struct user_routes *u, const struct sa_spec *spec)
{
	const struct addr *first = NULL;

	for (size_t i = 0; i < u->n_own; i++) {
		const struct addr *a = &u->own[i];

		if (!range_has(&spec->flow.local.net, a))
			continue;
		if (addr_compare(a, &spec->local.addr) == 0)
			return a;
		if (first == NULL)
			first = a;
	}
	return first;
}

/* ---- flows ---- */

static struct routed *
routed_find(const struct user_routes *u, const struct flow *flow, struct flow_key *key,
    struct handle *ret)
{
	uint64_t v;

	*key = flow_key_of(u->options.hash_key, flow);
	if (!map_get(u->by_flow, flow_key_view(key), &v))
		return NULL;
	*ret = handle_of_u64(v);
	struct routed *r = slab_find(u->flows, *ret);
	return r != NULL && flow_equal(&r->spec.flow, flow) ? r : NULL;
}

static enum why
make_plan(const struct user_routes *u, const struct sa_spec *spec, struct plan *ret,
    struct str *detail)
{
	struct plan_options options = { .table = u->options.table, .port = u->options.port,
	    .port_nat_t = u->options.port_nat_t };
	enum why why = plan_flow(ret, &options, spec, source_inside(u, spec), detail);

	if (why != WHY_NONE)
		plan_done(ret);
	return why;
}

/* The new plan first, then the old one goes: at no time is less in force. */
static enum why
routed_update(struct user_routes *u, struct routed *r, const struct sa_spec *spec,
    struct str *detail)
{
	struct plan plan = { 0 };
	enum why why = make_plan(u, spec, &plan, detail);

	if (why == WHY_NONE)
		why = plan_place(u, &plan, detail);
	if (why != WHY_NONE)
		return why;
	plan_release(u, &r->plan, r->plan.n);
	r->plan = plan;
	r->spec = *spec;		/* keys are not for here */
	r->spec.in.keymat = r->spec.out.keymat = (struct secret){ 0 };
	return WHY_NONE;
}

enum why
user_routes_add(struct user_routes *u, const struct sa_spec *spec, struct str *detail)
{
	struct flow_key key;
	struct handle h;
	struct routed *r = routed_find(u, &spec->flow, &key, &h);

	if (r != NULL)
		return routed_update(u, r, spec, detail);
	r = slab_add(u->flows, &h);
	if (r == NULL)
		return WHY_NO_MEMORY;
	if (!map_put(u->by_flow, flow_key_view(&key), handle_u64(h))) {
		slab_remove(u->flows, h);
		return WHY_NO_MEMORY;
	}
	enum why why = routed_update(u, r, spec, detail);
	if (why != WHY_NONE) {
		map_remove(u->by_flow, flow_key_view(&key));
		slab_remove(u->flows, h);
	}
	return why;
}

bool
user_routes_has(const struct user_routes *u, const struct flow *flow)
{
	struct flow_key key;
	struct handle h;

	return routed_find(u, flow, &key, &h) != NULL;
}

enum why
user_routes_delete(struct user_routes *u, const struct flow *flow)
{
	struct flow_key key;
	struct handle h;
	struct routed *r = routed_find(u, flow, &key, &h);

	if (r == NULL)
		return WHY_BACKEND_GONE;
	plan_release(u, &r->plan, r->plan.n);
	map_remove(u->by_flow, flow_key_view(&key));
	slab_remove(u->flows, h);
	return WHY_NONE;
}

int
user_routes_fd(const struct user_routes *u)
{
	return mnl_socket_get_fd(u->watch.sock);
}

/*
 * The kernel drops routes whose preferred source went away, so every plan is
 * placed anew even if it did not change.
 */
static void
place_again(struct user_routes *u)
{
	struct placed *p;
	struct handle h;
	uint32_t at = 0;

	while ((p = slab_next(u->placed, &at, &h)) != NULL)
		if (p->item.kind == PLAN_ROUTE || p->item.iif == IIF_DEVICE)
			(void)!item_place(u, &p->item);
}

void
user_routes_input(struct user_routes *u)
{
	struct routed *r;
	struct handle h;
	uint32_t at = 0;

	if (!netlink_drain(&u->watch))
		return;
	read_addresses(u);
	while ((r = slab_next(u->flows, &at, &h)) != NULL) {
		STR(detail, 160);
		struct sa_spec spec = r->spec;

		(void)!routed_update(u, r, &spec, &detail);	/* else the old plan stays */
	}
	place_again(u);
}

/* ---- the device ---- */

static void
take_index(void *self, const struct nlmsghdr *h)
{
	uint32_t *index = self;

	if (h->nlmsg_type == RTM_NEWLINK && h->nlmsg_len >= NLMSG_HDRLEN + sizeof(struct ifinfomsg)) {
		const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
		*index = (uint32_t)m->ifi_index;
	}
}

struct wanted_link {
	const char	*name;
	uint32_t	 index;
};

static void
match_link(void *self, const struct nlmsghdr *h)
{
	struct wanted_link *want = self;
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWLINK)
		return;
	netlink_each(a, h, sizeof(struct ifinfomsg))
		if (mnl_attr_get_type(a) == IFLA_IFNAME &&
		    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0 &&
		    strcmp(mnl_attr_get_str(a), want->name) == 0)
			take_index(&want->index, h);
}

static int
device_index(struct user_routes *u, const char *name, uint32_t *ret)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct wanted_link want = { .name = name };
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);

	h->nlmsg_type = RTM_GETLINK;
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifi_family = AF_UNSPEC;
	int error = netlink_dump(&u->nl, h, match_link, &want);
	if (error == 0 && want.index == 0)
		error = ENODEV;
	*ret = want.index;
	return error;
}

static struct nlmsghdr *
link_message(void *room, uint32_t index)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);

	h->nlmsg_type = RTM_NEWLINK;
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifi_family = AF_UNSPEC;
	m->ifi_index = (int)index;
	return h;
}

/*
 * No addresses of its own: nobody may take the device's for a source.  No
 * redirects: on the way from tunnel to tunnel there is no better gateway.
 * Both are niceties that a kernel without that family refuses.
 */
static void
device_manners(struct user_routes *u)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct nlmsghdr *h = link_message(room, u->index);
	struct nlattr *spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	struct nlattr *family = mnl_attr_nest_start(h, AF_INET6);

	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, family);
	mnl_attr_nest_end(h, spec);
	(void)!netlink_do(&u->nl, h);

	h = link_message(room, u->index);
	spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	family = mnl_attr_nest_start(h, AF_INET);
	struct nlattr *conf = mnl_attr_nest_start(h, IFLA_INET_CONF);
	mnl_attr_put_u32(h, IPV4_DEVCONF_SEND_REDIRECTS, 0);
	mnl_attr_nest_end(h, conf);
	mnl_attr_nest_end(h, family);
	mnl_attr_nest_end(h, spec);
	(void)!netlink_do(&u->nl, h);
}

static int
device_up(struct user_routes *u)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct nlmsghdr *h = link_message(room, u->index);

	mnl_attr_put_u32(h, IFLA_MTU, u->options.mtu);
	int error = netlink_do(&u->nl, h);
	if (error != 0)
		return error;
	h = link_message(room, u->index);
	struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	m->ifi_flags = IFF_UP;
	m->ifi_change = IFF_UP;
	return netlink_do(&u->nl, h);
}

/* Rules that name the old device go before the new name takes its place. */
static void
withdraw_device_rules(struct user_routes *u)
{
	struct placed *p;
	struct handle h;
	uint32_t at = 0;

	while ((p = slab_next(u->placed, &at, &h)) != NULL)
		if (p->item.iif == IIF_DEVICE)
			item_withdraw(u, &p->item);
}

enum why
user_routes_device(struct user_routes *u, const char *name, struct str *detail)
{
	uint32_t index;
	int error = device_index(u, name, &index);

	if (error == 0) {
		if (u->device[0] != '\0' && strcmp(u->device, name) != 0)
			withdraw_device_rules(u);
		text_copy(u->device, sizeof(u->device), name);
		u->index = index;
		device_manners(u);
		error = device_up(u);
	}
	if (error != 0) {
		str_addf(detail, "interface %s: ", name);
		netlink_explain(&u->nl, detail, error);
		return WHY_BACKEND;
	}
	place_again(u);
	return WHY_NONE;
}

/* ---- leftovers ---- */

/* Our items as the kernel tells them back; false: not one that we make. */
struct sweep {
	struct user_routes *u;
	uint8_t		(*found)[NETLINK_ROOM / 16];	/* whole messages to send back as deletions */
	size_t		 n, cap;
};

static bool
octets_into(const struct nlattr *a, uint8_t ret[16])
{
	size_t n = mnl_attr_get_payload_len(a);

	if (n != 4 && n != 16)
		return false;
	memcpy(ret, mnl_attr_get_payload(a), n);
	return true;
}

static bool
u32_of(const struct nlattr *a, uint32_t *ret)
{
	if (mnl_attr_validate(a, MNL_TYPE_U32) < 0)
		return false;
	*ret = mnl_attr_get_u32(a);
	return true;
}

static bool
ports_of(const struct nlattr *a, uint16_t *first, uint16_t *last)
{
	struct fib_rule_port_range r;

	if (mnl_attr_get_payload_len(a) != sizeof(r))
		return false;
	memcpy(&r, mnl_attr_get_payload(a), sizeof(r));
	*first = r.start;
	*last = r.end;
	return true;
}

struct told {			/* what a dumped rule or route says besides the item */
	struct plan_item item;
	uint32_t	 priority, table, target, mark, oif;
	uint8_t		 protocol;	/* who made it */
	bool		 ok;
};

static bool
iif_of(const struct user_routes *u, const struct nlattr *a, uint8_t *ret)
{
	if (mnl_attr_validate(a, MNL_TYPE_NUL_STRING) < 0)
		return false;
	const char *name = mnl_attr_get_str(a);
	if (strcmp(name, "lo") == 0)
		*ret = IIF_LOOPBACK;
	else if (u->device[0] != '\0' && strcmp(name, u->device) == 0)
		*ret = IIF_DEVICE;
	else
		return false;
	return true;
}

static void
rule_attribute(const struct user_routes *u, const struct nlattr *a, struct told *t)
{
	struct plan_item *i = &t->item;
	uint32_t mask;

	switch (mnl_attr_get_type(a)) {
	case FRA_PROTOCOL:
		t->protocol = mnl_attr_get_u8(a);
		break;
	case FRA_PRIORITY:
		t->ok &= u32_of(a, &t->priority);
		break;
	case FRA_TABLE:
		t->ok &= u32_of(a, &t->table);
		break;
	case FRA_GOTO:
		t->ok &= u32_of(a, &t->target);
		break;
	case FRA_FWMARK:
		t->ok &= u32_of(a, &t->mark);
		break;
	case FRA_FWMASK:
		t->ok &= u32_of(a, &mask);
		break;
	case FRA_SRC:
		t->ok &= octets_into(a, i->from);
		break;
	case FRA_DST:
		t->ok &= octets_into(a, i->to);
		break;
	case FRA_IP_PROTO:
		i->protocol = mnl_attr_get_u8(a);
		break;
	case FRA_SPORT_RANGE:
		t->ok &= ports_of(a, &i->sport, &i->sport_last);
		break;
	case FRA_DPORT_RANGE:
		t->ok &= ports_of(a, &i->dport, &i->dport_last);
		break;
	case FRA_IIFNAME:
		t->ok &= iif_of(u, a, &i->iif);
		break;
	default:
		break;
	}
}

/* Fills in the action; false if this is not an action of ours. */
static bool
rule_action(const struct user_routes *u, uint8_t action, struct told *t)
{
	struct plan_item *i = &t->item;

	switch (action) {
	case FR_ACT_TO_TBL:
		i->action = PLAN_LOOKUP;
		i->value = t->table;
		return true;
	case FR_ACT_GOTO:
		if (t->target < u->options.priority ||
		    (t->target - u->options.priority) % PLAN_SHAPES != 0)
			return false;
		i->action = PLAN_GOTO;
		i->value = (t->target - u->options.priority) / PLAN_SHAPES;
		return true;
	case FR_ACT_NOP:
		i->action = PLAN_NOP;
		return true;
	case FR_ACT_PROHIBIT:
		i->action = PLAN_PROHIBIT;
		return true;
	default:
		return false;
	}
}

static bool
in_band(const struct user_routes *u, uint32_t priority)
{
	return priority >= u->options.priority &&
	    priority - u->options.priority < PLAN_PRIORITIES;
}

static void
keep_leftover(struct sweep *s, const struct nlmsghdr *h, uint16_t type)
{
	if (h->nlmsg_len > sizeof(s->found[0]))
		return;
	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 16 : 2 * s->cap;
		void *v = realloc(s->found, cap * sizeof(s->found[0]));

		if (v == NULL)
			return;
		s->found = v;
		s->cap = cap;
	}
	memcpy(s->found[s->n], h, h->nlmsg_len);
	struct nlmsghdr *copy = (struct nlmsghdr *)(void *)s->found[s->n++];
	copy->nlmsg_type = type;
	copy->nlmsg_flags = 0;
}

static void
judge_rule(void *self, const struct nlmsghdr *h)
{
	struct sweep *s = self;
	struct told t = { .item.kind = PLAN_RULE, .ok = true };
	const struct nlattr *a;
	struct handle handle;

	if (h->nlmsg_type != RTM_NEWRULE || h->nlmsg_len < NLMSG_HDRLEN + sizeof(struct fib_rule_hdr))
		return;
	const struct fib_rule_hdr *r = mnl_nlmsg_get_payload(h);
	netlink_each(a, h, sizeof(*r))
		rule_attribute(s->u, a, &t);
	if (t.protocol != ROUTES_PROTOCOL || !in_band(s->u, t.priority))
		return;
	t.item.stage = (uint8_t)((t.priority - s->u->options.priority) / PLAN_SHAPES);
	t.item.family = r->family == AF_INET ? FAMILY_IP4 : FAMILY_IP6;
	t.item.from_bits = r->src_len;
	t.item.to_bits = r->dst_len;
	t.item.marked = t.mark == s->u->options.mark;
	if (t.ok && rule_action(s->u, r->action, &t) && placed_find(s->u, &t.item, &handle) != NULL)
		return;
	keep_leftover(s, h, RTM_DELRULE);
}

static void
route_attribute(const struct nlattr *a, struct told *t)
{
	switch (mnl_attr_get_type(a)) {
	case RTA_TABLE:
		t->ok &= u32_of(a, &t->item.value);
		break;
	case RTA_PRIORITY:
		t->ok &= u32_of(a, &t->item.metric);
		break;
	case RTA_OIF:
		t->ok &= u32_of(a, &t->oif);
		break;
	case RTA_DST:
		t->ok &= octets_into(a, t->item.to);
		break;
	case RTA_PREFSRC:
		t->ok &= octets_into(a, t->item.from);
		break;
	default:
		break;
	}
}

static void
judge_route(void *self, const struct nlmsghdr *h)
{
	struct sweep *s = self;
	struct told t = { .item.kind = PLAN_ROUTE, .ok = true };
	const struct nlattr *a;
	struct handle handle;

	if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < NLMSG_HDRLEN + sizeof(struct rtmsg))
		return;
	const struct rtmsg *r = mnl_nlmsg_get_payload(h);
	netlink_each(a, h, sizeof(*r))
		route_attribute(a, &t);
	if (r->rtm_protocol != ROUTES_PROTOCOL || (t.item.value != s->u->options.table &&
	    t.item.value != s->u->options.table + 1))
		return;
	t.item.family = r->rtm_family == AF_INET ? FAMILY_IP4 : FAMILY_IP6;
	t.item.to_bits = r->rtm_dst_len;
	t.item.action = r->rtm_type == RTN_UNICAST ? PLAN_DEVICE : PLAN_UNREACHABLE;
	static const uint8_t zero[16];
	if (memcmp(t.item.from, zero, sizeof(zero)) != 0)
		t.item.from_bits = t.item.family == FAMILY_IP4 ? 32 : 128;
	bool device = t.item.action == PLAN_UNREACHABLE || t.oif == s->u->index;
	if (t.ok && device && placed_find(s->u, &t.item, &handle) != NULL)
		return;
	keep_leftover(s, h, RTM_DELROUTE);
}

static void
dump_rules(struct sweep *s, uint8_t af)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);

	h->nlmsg_type = RTM_GETRULE;
	struct fib_rule_hdr *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
	r->family = af;
	(void)!netlink_dump(&s->u->nl, h, judge_rule, s);
}

static void
dump_routes(struct sweep *s, uint8_t af, uint32_t table)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);

	h->nlmsg_type = RTM_GETROUTE;
	struct rtmsg *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
	r->rtm_family = af;
	mnl_attr_put_u32(h, RTA_TABLE, table);
	(void)!netlink_dump(&s->u->nl, h, judge_route, s);
}

static unsigned
remove_found(struct sweep *s)
{
	unsigned done = 0;

	for (size_t i = 0; i < s->n; i++)
		done += netlink_do(&s->u->nl, (struct nlmsghdr *)(void *)s->found[i]) == 0;
	free(s->found);
	s->found = NULL;
	s->n = s->cap = 0;
	return done;
}

/* Rules before the routes they lead to. */
unsigned
user_routes_sweep(struct user_routes *u)
{
	struct sweep s = { .u = u };

	dump_rules(&s, AF_INET);
	dump_rules(&s, AF_INET6);
	unsigned done = remove_found(&s);
	for (uint32_t i = 0; i < 2; i++) {
		dump_routes(&s, AF_INET, u->options.table + i);
		dump_routes(&s, AF_INET6, u->options.table + i);
	}
	return done + remove_found(&s);
}

unsigned
user_routes_count(const struct user_routes *u)
{
	return slab_count(u->placed);
}

/* ---- life ---- */

static void
release_all(struct user_routes *u, bool withdraw)
{
	struct routed *r;
	struct handle h;
	uint32_t at = 0;

	while ((r = slab_next(u->flows, &at, &h)) != NULL) {
		if (withdraw)
			plan_release(u, &r->plan, r->plan.n);
		else
			plan_done(&r->plan);
	}
}

void
user_routes_free(struct user_routes *u, bool withdraw)
{
	if (u == NULL)
		return;
	if (u->flows != NULL)
		release_all(u, withdraw);
	netlink_close(&u->nl);
	netlink_close(&u->watch);
	slab_free(u->placed);
	slab_free(u->flows);
	map_free(u->by_item);
	map_free(u->by_flow);
	free(u->own);
	free(u);
}

static bool
make_tables(struct user_routes *u)
{
	u->placed = slab_new(sizeof(struct placed), ROUTES_ITEMS_MAX);
	u->flows = slab_new(sizeof(struct routed), ROUTES_FLOWS_MAX);
	u->by_item = map_new(u->options.hash_key);
	u->by_flow = map_new(u->options.hash_key);
	return u->placed != NULL && u->flows != NULL && u->by_item != NULL && u->by_flow != NULL;
}

struct user_routes *
user_routes_new(const struct user_routes_options *options, struct str *detail)
{
	struct user_routes *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->options = *options;
	int error = netlink_open(&u->nl, 0);
	if (error == 0)
		error = netlink_open(&u->watch, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
	if (error == 0 && !make_tables(u))
		error = ENOMEM;
	if (error != 0) {
		str_add(detail, "netlink: ");
		netlink_explain(&u->nl, detail, error);
		user_routes_free(u, false);
		return NULL;
	}
	read_addresses(u);
	return u;
}

/* ---- probing ---- */

/* Rules need a kernel with policy routing; a dump of them tells. */
static int
probe_rules(struct netlink *nl)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);

	h->nlmsg_type = RTM_GETRULE;
	struct fib_rule_hdr *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
	r->family = AF_INET;
	return netlink_dump(nl, h, NULL, NULL);
}

enum why
user_routes_probe(struct str *detail)
{
	struct netlink nl;
	int error = netlink_open(&nl, 0);

	if (error == 0)
		error = probe_rules(&nl);
	if (error != 0) {
		str_add(detail, "no policy routing: ");
		netlink_explain(&nl, detail, error);
		netlink_close(&nl);
		return WHY_BACKEND;
	}
	netlink_close(&nl);
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	text_copy(ifr.ifr_name, sizeof(ifr.ifr_name), "ipsec%d");
	error = tun < 0 || ioctl(tun, TUNSETIFF, &ifr) < 0 ? errno : 0;
	if (tun >= 0)
		close(tun);		/* and the device is gone again */
	if (error != 0) {
		str_add(detail, "no TUN device: ");
		netlink_explain(&nl, detail, error);
		return WHY_BACKEND;
	}
	return WHY_NONE;
}
