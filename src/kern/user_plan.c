#include "kern/user_plan.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "base/map.h"
#include "kern/prefixes.h"

enum { METRIC_DEVICE = 1, PORT_MATCH_MAX = 65534 };

static const uint32_t metric_unreachable = 4278198272U;	/* as other daemons: last of all */

struct planner {
	struct plan		*plan;
	const struct plan_options *options;
	const struct sa_spec	*spec;
	uint8_t			 family;
	bool			 ports;		/* rules match ports of this flow */
	struct prefix		 local[PLAN_PREFIXES_MAX], remote[PLAN_PREFIXES_MAX];
	size_t			 n_local, n_remote;
};

static void
plan_add(struct plan *p, const struct plan_item *item)
{
	if (p->n == p->cap) {
		size_t cap = p->cap == 0 ? 32 : 2 * p->cap;
		struct plan_item *v = realloc(p->v, cap * sizeof(*v));

		if (v == NULL) {
			p->no_memory = true;
			return;
		}
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n++] = *item;
}

void
plan_done(struct plan *p)
{
	free(p->v);
	*p = (struct plan){ 0 };
}

static struct plan_item
rule(const struct planner *p, enum plan_stage stage, enum plan_action action, uint32_t value)
{
	return (struct plan_item){ .kind = PLAN_RULE, .stage = (uint8_t)stage,
	    .family = p->family, .action = (uint8_t)action, .value = value };
}

static void
set_from(struct plan_item *i, const struct prefix *from)
{
	i->from_bits = (uint8_t)from->bits;
	memcpy(i->from, from->addr.b, sizeof(i->from));
}

static void
set_to(struct plan_item *i, const struct prefix *to)
{
	i->to_bits = (uint8_t)to->bits;
	memcpy(i->to, to->addr.b, sizeof(i->to));
}

static void
set_ports(struct plan_item *i, uint16_t sport, uint16_t dport)
{
	i->sport = i->sport_last = sport;
	i->dport = i->dport_last = dport;
}

static struct prefix
prefix_of(const struct addr *a)
{
	return (struct prefix){ .addr = *a, .bits = (unsigned)addr_len(a) * 8 };
}

/* ---- what is there once per family ---- */

static void
add_frame(struct planner *p)
{
	struct plan_item i = rule(p, STAGE_END, PLAN_NOP, 0);

	plan_add(p->plan, &i);
	i = rule(p, STAGE_OUT_MARK, PLAN_NOP, 0);
	plan_add(p->plan, &i);
	i = rule(p, STAGE_LOCAL, PLAN_NOP, 0);
	plan_add(p->plan, &i);
	i = rule(p, STAGE_MARK, PLAN_GOTO, STAGE_END);
	i.marked = true;
	plan_add(p->plan, &i);
	/*
	 * Clear text is refused only where it comes from another interface;
	 * what the data plane decrypted has passed its SA's selectors.  This
	 * holds for the reverse path check as well: it looks a packet from
	 * the TUN device up as if it came from there.
	 */
	i = rule(p, STAGE_INSIDE, PLAN_GOTO, STAGE_LOCAL);
	i.iif = IIF_LOOPBACK;
	plan_add(p->plan, &i);
	i.iif = IIF_DEVICE;
	plan_add(p->plan, &i);
}

static void
add_table(struct planner *p)
{
	struct plan_item i = { .kind = PLAN_ROUTE, .family = p->family, .action = PLAN_DEVICE,
	    .value = p->options->table, .metric = METRIC_DEVICE };

	plan_add(p->plan, &i);
	i.action = PLAN_UNREACHABLE;
	i.metric = metric_unreachable;
	plan_add(p->plan, &i);
	/* Also where a route with a source went away with the source. */
	i.value = p->options->table + 1;
	plan_add(p->plan, &i);
}

/* ---- what a flow must not swallow ---- */

/*
 * The outer packets of this very tunnel.  Those we send carry the mark; the
 * rules are for those that come in: the kernel's reverse path check looks
 * the way back up without mark.  (isakmpd.md 9: the daemon's own packets
 * bypass policy)
 */
static void
exempt_outer(struct planner *p)
{
	const struct endpoint *l = &p->spec->local, *r = &p->spec->remote;
	const uint16_t ports[] = { p->options->port, p->options->port_nat_t,
	    p->spec->encap ? l->port : 0 };

	if (!range_has(&p->spec->flow.local.net, &l->addr) ||
	    !range_has(&p->spec->flow.remote.net, &r->addr))
		return;
	struct prefix from = prefix_of(&l->addr), to = prefix_of(&r->addr);
	struct plan_item i = rule(p, STAGE_EXEMPT, PLAN_GOTO, STAGE_END);

	set_from(&i, &from);
	set_to(&i, &to);
	i.protocol = IPPROTO_ESP;
	plan_add(p->plan, &i);
	i.protocol = IPPROTO_UDP;
	for (size_t k = 0; k < COUNT(ports); k++) {
		if (ports[k] == 0 || ports[k] > PORT_MATCH_MAX ||
		    (k > 0 && ports[k] == ports[k - 1]) || (k > 1 && ports[k] == ports[0]))
			continue;
		set_ports(&i, ports[k], 0);
		plan_add(p->plan, &i);
	}
}

/* Hosts of the protected side among each other, where REMOTE is wider than LOCAL. */
static void
exempt_neighbours(struct planner *p)
{
	const struct range *l = &p->spec->flow.local.net, *r = &p->spec->flow.remote.net;

	if (!range_within(l, r) || range_equal(l, r))
		return;
	for (size_t a = 0; a < p->n_local; a++)
		for (size_t b = 0; b < p->n_local; b++) {
			struct plan_item i = rule(p, STAGE_EXEMPT, PLAN_GOTO, STAGE_END);

			set_from(&i, &p->local[a]);
			set_to(&i, &p->local[b]);
			plan_add(p->plan, &i);
		}
}

/* Multicast and link-local neighbours, unless the flow is about them alone. */
static void
exempt_link(struct planner *p)
{
	static const struct {
		uint8_t	family, bits, b[2];
	} links[] = {
		{ FAMILY_IP4, 4, { 224, 0 } },
		{ FAMILY_IP6, 8, { 0xff, 0 } },
		{ FAMILY_IP6, 10, { 0xfe, 0x80 } },
	};

	for (size_t k = 0; k < COUNT(links); k++) {
		struct prefix to = { .addr.family = links[k].family, .bits = links[k].bits };
		memcpy(to.addr.b, links[k].b, sizeof(links[k].b));
		struct range r = { to.addr, addr_last_of(&to.addr, to.bits) };

		if (links[k].family != p->family ||
		    !range_within(&r, &p->spec->flow.remote.net) ||
		    range_equal(&r, &p->spec->flow.remote.net))
			continue;
		struct plan_item i = rule(p, STAGE_EXEMPT, PLAN_GOTO, STAGE_END);
		set_to(&i, &to);
		plan_add(p->plan, &i);
	}
}

/* ---- the flow itself ---- */

static void
add_in(struct planner *p, const struct prefix *local, const struct prefix *remote)
{
	const struct flow *f = &p->spec->flow;
	struct plan_item i = rule(p, STAGE_IN, PLAN_PROHIBIT, 0);

	set_from(&i, remote);
	set_to(&i, local);
	i.protocol = f->protocol;
	if (p->ports)
		set_ports(&i, f->remote.port, f->local.port);
	plan_add(p->plan, &i);
	if (p->ports) {
		set_ports(&i, 0, 0);
		i.stage = STAGE_IN_FRAGMENT;
		plan_add(p->plan, &i);
	}
}

static void
add_out(struct planner *p, const struct prefix *local, const struct prefix *remote)
{
	const struct flow *f = &p->spec->flow;
	struct plan_item i = rule(p, STAGE_OUT, PLAN_LOOKUP, p->options->table);

	set_from(&i, local);
	set_to(&i, remote);
	i.protocol = f->protocol;
	if (p->ports)
		set_ports(&i, f->local.port, f->remote.port);
	plan_add(p->plan, &i);
	if (p->ports) {
		set_ports(&i, 0, 0);
		i.stage = STAGE_OUT_FRAGMENT;
		plan_add(p->plan, &i);
	}
}

/*
 * A fragment has no ports, so rules with ports miss it.  Packets that have
 * ports leave the fragment stage by these two.
 */
static void
add_whole(struct planner *p, enum plan_stage stage, enum plan_stage to)
{
	struct plan_item i = rule(p, stage, PLAN_GOTO, to);

	i.protocol = p->spec->flow.protocol;
	i.sport = 1;
	i.sport_last = PORT_MATCH_MAX;
	plan_add(p->plan, &i);
	i.sport = i.sport_last = 0;
	i.dport = 1;
	i.dport_last = PORT_MATCH_MAX;
	plan_add(p->plan, &i);
}

/*
 * Packets of this machine whose source is still open.  IPv4 looks such a
 * packet up with source 0.0.0.0.  IPv6 does not compare sources then, and a
 * rule with a source does not match: so packets with a source, which is in
 * one of the two halves of all addresses, are led around.
 */
static void
add_source_rule(struct planner *p, const struct prefix *remote)
{
	const struct flow *f = &p->spec->flow;
	struct plan_item i = rule(p, STAGE_SOURCE, PLAN_LOOKUP, p->options->table + 1);

	if (p->family == FAMILY_IP4)
		i.from_bits = 32;
	else
		i.iif = IIF_LOOPBACK;
	set_to(&i, remote);
	i.protocol = f->protocol;
	if (p->ports)
		set_ports(&i, f->local.port, f->remote.port);
	plan_add(p->plan, &i);
}

static void
add_source_route(struct planner *p, const struct prefix *remote, const struct addr *source)
{
	static const uint8_t same_in_every_run[16];
	struct plan_item i = { .kind = PLAN_ROUTE, .family = p->family, .action = PLAN_DEVICE,
	    .value = p->options->table + 1 };

	/* Routes to one REMOTE with several sources need a metric each. */
	i.metric = (uint32_t)siphash(same_in_every_run, addr_view(source)) >> 1 | 1;
	set_to(&i, remote);
	i.from_bits = (uint8_t)(addr_len(source) * 8);
	memcpy(i.from, source->b, sizeof(i.from));
	plan_add(p->plan, &i);
}

static void
add_around_source(struct planner *p)
{
	struct plan_item i = rule(p, STAGE_LOCAL, PLAN_GOTO, STAGE_OUT_MARK);

	if (p->family != FAMILY_IP6)
		return;
	i.from_bits = 1;
	plan_add(p->plan, &i);
	i.from[0] = 0x80;
	plan_add(p->plan, &i);
}

static void
add_source(struct planner *p, const struct addr *source)
{
	add_around_source(p);
	for (size_t r = 0; r < p->n_remote; r++) {
		add_source_route(p, &p->remote[r], source);
		add_source_rule(p, &p->remote[r]);
	}
}

static bool
rules_see_ports(const struct flow *f)
{
	bool has_ports = f->protocol == IPPROTO_TCP || f->protocol == IPPROTO_UDP ||
	    f->protocol == IPPROTO_SCTP || f->protocol == IPPROTO_DCCP ||
	    f->protocol == IPPROTO_UDPLITE;

	return has_ports && (f->local.port != 0 || f->remote.port != 0) &&
	    f->local.port <= PORT_MATCH_MAX && f->remote.port <= PORT_MATCH_MAX;
}

enum why
plan_flow(struct plan *plan, const struct plan_options *options, const struct sa_spec *spec,
    const struct addr *source, struct str *detail)
{
	struct planner p = { .plan = plan, .options = options, .spec = spec,
	    .family = spec->flow.local.net.first.family };

	p.n_local = range_prefixes(&spec->flow.local.net, p.local, COUNT(p.local));
	p.n_remote = range_prefixes(&spec->flow.remote.net, p.remote, COUNT(p.remote));
	if (p.n_local == 0 || p.n_remote == 0 || p.n_local * p.n_remote > PLAN_PREFIXES_MAX ||
	    p.n_local * p.n_local > PLAN_PREFIXES_MAX || p.family != p.remote[0].addr.family) {
		str_add(detail, "the address ranges of the flow need too many prefixes");
		return WHY_BACKEND;
	}
	p.ports = rules_see_ports(&spec->flow);
	add_table(&p);
	add_frame(&p);
	exempt_outer(&p);
	exempt_neighbours(&p);
	exempt_link(&p);
	if (p.ports) {
		add_whole(&p, STAGE_IN_WHOLE, STAGE_LOCAL);
		add_whole(&p, STAGE_OUT_WHOLE, STAGE_END);
	}
	if (source != NULL)
		add_source(&p, source);
	for (size_t l = 0; l < p.n_local; l++)
		for (size_t r = 0; r < p.n_remote; r++) {
			add_out(&p, &p.local[l], &p.remote[r]);
			add_in(&p, &p.local[l], &p.remote[r]);
		}
	return plan->no_memory ? WHY_NO_MEMORY : WHY_NONE;
}

uint32_t
plan_priority(const struct plan_item *i)
{
	uint32_t shape = (i->from_bits != 0 ? 1u : 0u) | (i->to_bits != 0 ? 2u : 0u) |
	    (i->protocol != 0 ? 4u : 0u) | (i->sport != 0 ? 8u : 0u) | (i->dport != 0 ? 16u : 0u);

	return (uint32_t)i->stage * PLAN_SHAPES + shape;
}

struct view
plan_key(uint8_t room[PLAN_KEY_MAX], const struct plan_item *i)
{
	struct wr w = wr_of(room, PLAN_KEY_MAX);

	wr_u8(&w, i->kind);
	wr_u8(&w, i->stage);
	wr_u8(&w, i->family);
	wr_u8(&w, i->action);
	wr_u8(&w, i->iif);
	wr_u8(&w, i->marked);
	wr_u8(&w, i->protocol);
	wr_u8(&w, i->from_bits);
	wr_u8(&w, i->to_bits);
	wr_u16(&w, i->sport);
	wr_u16(&w, i->sport_last);
	wr_u16(&w, i->dport);
	wr_u16(&w, i->dport_last);
	wr_u32(&w, i->value);
	wr_u32(&w, i->metric);
	wr_bytes(&w, i->from, sizeof(i->from));
	wr_bytes(&w, i->to, sizeof(i->to));
	return wr_done(&w);
}

/* ---- for people ---- */

static void
print_prefix(struct str *s, const char *word, uint8_t family, const uint8_t b[16], unsigned bits)
{
	struct addr a = { .family = family };

	if (bits == 0)
		return;
	memcpy(a.b, b, sizeof(a.b));
	str_add(s, word);
	addr_print(s, &a);
	if (bits != addr_len(&a) * 8)
		str_addf(s, "/%u", bits);
}

static void
print_port(struct str *s, const char *word, uint16_t first, uint16_t last)
{
	if (first == 0)
		return;
	str_addf(s, " %s %u", word, (unsigned)first);
	if (last != first)
		str_addf(s, "-%u", (unsigned)last);
}

static void
print_rule(struct str *s, const struct plan_item *i)
{
	static const char *const actions[] = { [PLAN_LOOKUP] = "lookup", [PLAN_GOTO] = "goto stage",
	    [PLAN_NOP] = "nop", [PLAN_PROHIBIT] = "prohibit" };

	str_add(s, "rule");
	if (i->marked)
		str_add(s, " marked");
	if (i->iif != IIF_ANY)
		str_add(s, i->iif == IIF_LOOPBACK ? " iif lo" : " iif tun");
	print_prefix(s, " from ", i->family, i->from, i->from_bits);
	print_prefix(s, " to ", i->family, i->to, i->to_bits);
	if (i->protocol != 0)
		str_addf(s, " ipproto %u", (unsigned)i->protocol);
	print_port(s, "sport", i->sport, i->sport_last);
	print_port(s, "dport", i->dport, i->dport_last);
	str_addf(s, " %s", actions[i->action]);
	if (i->value != 0)
		str_addf(s, " %u", (unsigned)i->value);
}

void
plan_print(struct str *s, const struct plan_item *i)
{
	if (i->kind == PLAN_RULE) {
		print_rule(s, i);
		return;
	}
	str_add(s, i->action == PLAN_DEVICE ? "route" : "unreachable route");
	print_prefix(s, " to ", i->family, i->to, i->to_bits);
	print_prefix(s, " src ", i->family, i->from, i->from_bits);
	str_addf(s, " table %u", (unsigned)i->value);
}
