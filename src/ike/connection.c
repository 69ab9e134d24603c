/*
 * Connections that are kept up, and orders that wait for phase 1.  A check
 * runs at start, every Check-interval, and soon after something was lost;
 * failures back off exponentially up to the interval.  Spec: isakmpd.md 21.1.
 */
#include <stdlib.h>

#include "ike/internal.h"

enum { SHORT_LIFE_SECS = 10, SPREAD = 50, OUTBID_SECS = 20 };

uint64_t
name_hash(const struct core *core, const char *name)
{
	char low[SA_NAME_MAX + 1];
	size_t n = 0;

	for (; name[n] != '\0' && n < SA_NAME_MAX; n++)
		low[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] + 32) : name[n];
	return siphash(core->secret, view_of(low, n));
}

static struct view
peer_name_key(const struct core *core, const struct peer *peer, uint8_t room[8])
{
	struct wr w = wr_of(room, 8);

	wr_u64(&w, name_hash(core, peer->name));
	return wr_done(&w);
}

static struct connection_state *
at_place(const struct core *core, uint64_t place)
{
	return place == 0 || place > core->n_connections ? NULL : &core->connections[place - 1];
}

struct connection_state *
connection_of_peer(const struct core *core, const struct peer *peer)
{
	uint8_t room[8];
	uint64_t place = 0;

	if (core->first_of_peer != NULL)
		(void)map_get(core->first_of_peer, peer_name_key(core, peer, room), &place);
	return at_place(core, place);
}

struct connection_state *
connection_of_same(const struct core *core, const struct connection_state *c)
{
	return at_place(core, c->next_of_peer);
}

/* Thousands of connections: who belongs to a peer must not be searched among all. */
static struct map *
link_by_peer(const struct core *core, struct connection_state *c, size_t n)
{
	struct map *map = map_new(core->secret);
	uint8_t room[8];

	for (size_t i = n; map != NULL && i > 0; i--) {
		uint64_t next = 0;

		if (c[i - 1].connection->peer == NULL)
			continue;
		struct view key = peer_name_key(core, c[i - 1].connection->peer, room);
		(void)map_get(map, key, &next);
		c[i - 1].next_of_peer = (size_t)next;
		if (!map_put(map, key, i)) {
			map_free(map);
			map = NULL;
		}
	}
	return map;
}

struct connection_state *
connection_state_find(struct core *core, const char *name)
{
	const struct connection *c = core->snapshot == NULL ? NULL :
	    snapshot_connection(core->snapshot, name);

	return c == NULL || c->index >= core->n_connections ? NULL : &core->connections[c->index];
}

static void
check_in(struct core *core, struct connection_state *c, struct span d)
{
	const struct handle owner = { .slot = c->connection->index, .gen = 1 };

	timer_set(core, &c->check, TIMER_CONNECTION, owner, mono_add(core->now, d));
}

static struct span
back_off(struct core *core, const struct connection_state *c)
{
	int64_t ms = 1000ll << (c->failures > 6 ? 6 : c->failures);
	int64_t most = (int64_t)core->snapshot->check_interval * 1000;
	uint8_t r;

	core->env.random(core->env.self, &r, 1);
	if (ms > most)
		ms = most;
	return span_ms(ms - ms / 4 * r / 255);
}

/* ---- which exchanges we have begun ---- */

static struct view
running_key(const struct core *core, int phase, const char *name, uint8_t room[9])
{
	struct wr w = wr_of(room, 9);

	wr_u8(&w, (uint8_t)phase);
	wr_u64(&w, name_hash(core, name));
	return wr_done(&w);
}

static const char *
running_name(const struct exchange *x)
{
	return is_phase1(x) ? x->peer->name : x->connection->name;
}

bool
running_add(struct core *core, struct exchange *x)
{
	uint8_t room[9];

	return map_put(core->running, running_key(core, is_phase1(x) ? 1 : 2, running_name(x), room),
	    handle_u64(x->self));
}

void
running_remove(struct core *core, struct exchange *x)
{
	uint8_t room[9];
	uint64_t v;

	if (!x->initiator || (!is_phase1(x) && x->connection == NULL))
		return;
	struct view key = running_key(core, is_phase1(x) ? 1 : 2, running_name(x), room);
	if (map_get(core->running, key, &v) && v == handle_u64(x->self))
		map_remove(core->running, key);
}

static bool
is_running(struct core *core, int phase, const char *name)
{
	uint8_t room[9];
	uint64_t v;
	struct exchange *x;

	if (!map_get(core->running, running_key(core, phase, name, room), &v))
		return false;
	x = exchange_find(core, handle_of_u64(v));
	return x != NULL && x->state != X_DONE;
}

bool
phase1_running(struct core *core, const struct peer *peer)
{
	return is_running(core, 1, peer->name);
}

/* ---- bringing up ---- */

static void
begin(struct core *core, struct connection_state *c)
{
	const struct peer *peer = c->connection->peer;
	struct isakmp_sa *sa;

	if (is_running(core, 2, c->connection->name))
		return;
	if (peer == NULL) {
		fail_classic(core, "exchange_establish: No ISAKMP-peer given for \"%s\"",
		    c->connection->name);
		fail_record(core, WHY_CONFIG, NULL, NULL, NULL, c->connection, "quick/1 initiator");
		return;
	}
	sa = isakmp_sa_for_peer(core, peer);
	if (sa != NULL) {
		c->wants = false;
		if (!quick_mode_start(core, sa->self, c->connection, false))
			connection_failed(core, c->connection);
		return;
	}
	c->wants = true;
	if (!phase1_running(core, peer) && !main_mode_start(core, peer))
		connections_phase1_failed(core, peer);
}

void
connection_try(struct core *core, struct connection_state *c)
{
	check_in(core, c, span_s(core->snapshot->check_interval));
	if (c->active)
		connection_flow(core, c, true);		/* if it was refused */
	if (core->passive || core->shutting_down)
		return;
	if (ipsec_sa_for_connection(core, c->connection) == NULL)
		begin(core, c);
	else if (c->active && c->connection->peer != NULL &&
	    isakmp_sa_for_peer(core, c->connection->peer) == NULL &&
	    !phase1_running(core, c->connection->peer))
		(void)main_mode_start(core, c->connection->peer);	/* for DPD and DELETE */
}

/* A packet has its whole addresses, and ports only where the protocol has them. */
static bool
side_has(const struct id *id, const struct selector *packet)
{
	return id_is_address_kind(id) && range_within(&packet->net, &id->range) &&
	    (id->port == 0 || id->port == packet->port);
}

static bool
connection_has(const struct connection *k, const struct flow *packet)
{
	uint8_t protocol = k->local_id.protocol != 0 ? k->local_id.protocol : k->remote_id.protocol;

	return k->peer != NULL && (protocol == 0 || protocol == packet->protocol) &&
	    side_has(&k->local_id, &packet->local) && side_has(&k->remote_id, &packet->remote);
}

/* Of several connections the narrower, as the kernel's own priorities prefer it. */
void
connection_acquired(struct core *core, const struct flow *packet)
{
	struct connection_state *best = NULL;

	/* Otherwise such a policy belongs to another key daemon. */
	if (core->snapshot == NULL || !core->snapshot->acquire_only)
		return;
	for (size_t i = 0; i < core->n_connections; i++) {
		struct connection_state *c = &core->connections[i];

		if (c->connection != NULL && connection_has(c->connection, packet) &&
		    (best == NULL || range_within(&c->connection->remote_id.range,
		    &best->connection->remote_id.range)))
			best = c;
	}
	if (best == NULL)
		return;
	best->failures = best->failures > 1 ? 1 : best->failures;
	connection_try(core, best);
}

/* Soft expiry: a new pair while the old one still carries traffic. */
void
connection_renew(struct core *core, struct connection_state *c)
{
	if (core->passive || core->shutting_down)
		return;
	begin(core, c);
}

void
connection_timer(struct core *core, uint32_t index)
{
	struct connection_state *c = index < core->n_connections ? &core->connections[index] : NULL;
	struct ipsec_sa *sa;

	if (c == NULL || (!c->active && !c->wants))
		return;
	sa = ipsec_sa_for_connection(core, c->connection);
	/* A renewal that failed is tried again as long as the old pair lives. */
	if (sa != NULL && sa->stay_alive && mono_reached(core->now, sa->soft_at)) {
		check_in(core, c, back_off(core, c));
		connection_renew(core, c);
		return;
	}
	connection_try(core, c);
}

/* There is no such connection: those that are. */
static void
connections_draft(struct core *core)
{
	const struct where w = { "Phase 2", core->snapshot == NULL ? 0 : core->snapshot->phase2_line };
	STR(names, 180);

	for (size_t i = 0; i < core->n_connections && !names.cut; i++)
		str_addf(&names, "%s%s", i == 0 ? "" : ", ", core->connections[i].connection->name);
	fail_field(core, "connection", core->snapshot == NULL ? NULL : &w);
	fail_expected(core, "a connection of [Phase 2]: %s", names.len == 0 ? "there is none" : names.p);
}

/*
 * A pair that is there already is renewed from now on, or not any more.  One
 * whose time to renew has passed unused is renewed at once.
 */
static void
tend(struct core *core, const struct connection_state *c)
{
	struct ipsec_sa *sa = ipsec_sa_for_connection(core, c->connection);

	if (sa == NULL)
		return;
	sa->stay_alive = c->active;
	if (!c->active || !sa->fading)
		return;
	sa->fading = false;
	timer_set(core, &sa->soft, TIMER_IPSEC_SOFT, sa->self, core->now);
}

enum why
core_connect(struct core *core, struct mono now, const char *name)
{
	struct connection_state *c = connection_state_find(core, name);

	core->now = now;
	if (c == NULL) {
		STR(escaped, 160);

		str_escaped(&escaped, view_str(name));
		fail_classic(core, "exchange_establish: peer \"%s\" does not have a correct phase (0)",
		    escaped.p);
		connections_draft(core);
		fail_got(core, "%s", escaped.p);
		fail_record(core, WHY_NOT_CONFIGURED, NULL, NULL, NULL, NULL, "c");
		return WHY_NOT_CONFIGURED;
	}
	c->active = true;
	c->failures = 0;
	tend(core, c);
	connection_flow(core, c, true);
	connection_try(core, c);
	return WHY_NONE;
}

void
connection_failed(struct core *core, const struct connection *connection)
{
	struct connection_state *c = connection == NULL ? NULL :
	    connection_state_find(core, connection->name);

	if (c == NULL)
		return;
	c->wants = false;
	if (!c->active || core->shutting_down)
		return;
	if (c->failures < 16)
		c->failures++;
	check_in(core, c, back_off(core, c));
}

void
connection_is_up(struct core *core, const struct connection *connection)
{
	struct connection_state *c = connection_state_find(core, connection->name);

	if (c == NULL)
		return;
	c->wants = false;
	c->up_at = core->now;
	if (c->active)
		check_in(core, c, span_s(core->snapshot->check_interval));
}

void
connection_outbid(struct core *core, const struct connection *connection, uint32_t message_id)
{
	struct connection_state *c = connection == NULL ? NULL :
	    connection_state_find(core, connection->name);

	if (c == NULL)
		return;
	if (message_id > connection_least_id(core, connection))
		c->outbid = message_id;
	c->outbid_until = mono_add(core->now, span_s(OUTBID_SECS));
}

uint32_t
connection_least_id(struct core *core, const struct connection *connection)
{
	const struct connection_state *c = connection_state_find(core, connection->name);

	return c == NULL || mono_reached(core->now, c->outbid_until) ? 0 : c->outbid;
}

/* A pair is gone that should not be: soon again, but not in a tight circle. */
void
connection_lost(struct core *core, const struct connection *connection)
{
	struct connection_state *c = connection == NULL ? NULL :
	    connection_state_find(core, connection->name);

	if (connection != NULL && (c == NULL ||
	    ipsec_sa_for_connection(core, connection) == NULL))
		ipsec_sa_remove_retired(core, connection);

	if (c == NULL || !c->active || core->shutting_down)
		return;
	const struct ipsec_sa *sa = ipsec_sa_for_connection(core, c->connection);
	if (sa != NULL) {
		if (mono_reached(core->now, sa->soft_at))	/* it was its renewal */
			check_in(core, c, span_ms(300));
		return;
	}
	if (mono_since(core->now, c->up_at).us < span_s(SHORT_LIFE_SECS).us) {
		connection_failed(core, c->connection);
		return;
	}
	c->failures = 0;
	check_in(core, c, span_ms(100));
}

void
connections_phase1_ready(struct core *core, const struct peer *peer, struct handle isakmp_sa)
{
	for (struct connection_state *c = connection_of_peer(core, peer); c != NULL;
	    c = connection_of_same(core, c)) {
		if (!c->wants || !same_peer_name(c->connection->peer, peer))
			continue;
		c->wants = false;
		if (!is_running(core, 2, c->connection->name) &&
		    !quick_mode_start(core, isakmp_sa, c->connection, false))
			connection_failed(core, c->connection);
	}
}

void
connections_phase1_failed(struct core *core, const struct peer *peer)
{
	for (struct connection_state *c = connection_of_peer(core, peer); c != NULL;
	    c = connection_of_same(core, c)) {
		if (c->wants && same_peer_name(c->connection->peer, peer))
			connection_failed(core, c->connection);
	}
}

/* The peer dropped its ISAKMP SA: what is kept up with it wants a new one. */
void
connections_isakmp_lost(struct core *core, const struct peer *peer)
{
	for (struct connection_state *c = connection_of_peer(core, peer); c != NULL;
	    c = connection_of_same(core, c)) {
		if (c->active && same_peer_name(c->connection->peer, peer))
			check_in(core, c, span_ms(300));
	}
}

/* ---- flows ---- */

/*
 * The flow of a connection that is kept up is required from the start, and
 * stays while there is no SA: nothing ever leaves in clear
 * (doc/decisions/0006-flows-before-sas.md).
 */
void
connection_flow(struct core *core, struct connection_state *c, bool want)
{
	const struct connection *k = c->connection;
	struct kern_ask ask = {
		.verb = KERN_REMOVE, .token = c->flow_id, .parts = SA_PART_FLOW, .id = c->flow_id,
	};
	struct sa_spec spec = { .id = c->flow_id };

	if (want == c->flow)
		return;
	if (want) {
		const struct id *local = k->nat_id.type != 0 ? &k->nat_id : &k->local_id;

		if (core->snapshot->acquire_only || k->peer == NULL || !id_is_address_kind(local) ||
		    !id_is_address_kind(&k->remote_id) || k->n_suites == 0 ||
		    k->suites[0].n_protocols == 0 || k->suites[0].protocols[0].n_transforms == 0)
			return;
		spec.suite.protocol = PROTO_IPSEC_ESP;
		spec.suite.mode = k->suites[0].protocols[0].transforms[0].mode;
		spec.local.addr = k->peer->local_address;
		spec.remote.addr = k->peer->address;
		spec.flow = (struct flow){
			.local = { local->range, local->port },
			.remote = { k->remote_id.range, k->remote_id.port },
			.protocol = local->protocol != 0 ? local->protocol : k->remote_id.protocol,
		};
		text_copy(spec.name, sizeof(spec.name), k->name);
		ask.verb = KERN_INSTALL;
		ask.spec = &spec;
	}
	c->flow = want;
	act_kern(core, &ask);
}

/* The next check asks again; until then nothing keeps this traffic in. */
void
connection_flow_refused(struct core *core, const struct kern_answer *a)
{
	struct connection_state *c = NULL;

	for (size_t i = 0; i < core->n_connections && c == NULL; i++)
		if (core->connections[i].flow && core->connections[i].flow_id == a->token)
			c = &core->connections[i];
	if (c != NULL)
		c->flow = false;
	fail_field(core, "back end", c != NULL ? &c->connection->where : NULL);
	fail_expected(core, "the connection's flow required, so that nothing leaves in clear");
	fail_got(core, "%s", a->detail);
	fail_classic(core, "pf_key_v2_flow: ADDFLOW: %s", a->detail);
	fail_record(core, a->why, NULL, NULL, c != NULL ? c->connection->peer : NULL,
	    c != NULL ? c->connection : NULL, "flow");
}

/* ---- a new configuration ---- */

static void
adopt_connections(struct core *core, struct connection_state *fresh)
{
	for (size_t i = 0; i < core->n_connections; i++) {
		struct connection_state *was = &core->connections[i];
		const struct connection *now = snapshot_connection(core->snapshot, was->connection->name);

		timer_clear(core, &was->check);
		if (now == NULL || !connection_can_renew(was->connection, now)) {
			connection_flow(core, was, false);
			continue;
		}
		/* The flow stays where it is: nothing leaves in clear meanwhile. */
		fresh[now->index].flow = was->flow;
		fresh[now->index].flow_id = was->flow_id;
		/* What `c` and `t` said holds as long as the lists do not say otherwise. */
		if (was->connection->active == now->active)
			fresh[now->index].active = was->active;
		if (connection_same(was->connection, now)) {
			fresh[now->index].failures = was->failures;
			fresh[now->index].up_at = was->up_at;
			fresh[now->index].wants = was->wants;
		}
	}
}

/* Does the new configuration still want what this exchange negotiates? */
static bool
still_wanted(const struct core *core, const struct exchange *x)
{
	const struct peer *p = snapshot_peer(core->snapshot, x->peer->name);
	const struct connection *c;

	if (p == NULL || !peer_same(x->peer, p))
		return false;
	if (x->connection == NULL)
		return true;
	c = snapshot_connection(core->snapshot, x->connection->name);
	return c != NULL && connection_same(x->connection, c);
}

static void
adopt_ipsec_sa(struct core *core, struct ipsec_sa *sa, const struct connection *c)
{
	enum connection_change change = connection_compare(sa->connection, c);
	bool changed = change != CONNECTION_SAME && change != CONNECTION_OTHER_LIST;

	snapshot_unref(sa->snapshot);
	sa->snapshot = snapshot_ref(core->snapshot);
	sa->connection = c;
	sa->peer = c->peer;
	if (changed && sa->ready && !sa->replaced)
		ipsec_sa_renegotiate(core, sa, core->snapshot->exchange_max);
}

/* Nothing was negotiated about it: only the clock is set anew. */
static void
adopt_dpd(struct core *core, struct isakmp_sa *sa, uint32_t was)
{
	uint32_t now = sa->peer->dpd_interval;

	if (now == was || !sa->traits.dpd || sa->unproven || sa->replaced)
		return;
	sa->dpd_tries = 0;
	if (now == 0)
		timer_clear(core, &sa->dpd);
	else
		timer_set(core, &sa->dpd, TIMER_ISAKMP_DPD, sa->self,
		    mono_add(core->now, span_s(now)));
}

static void
adopt_sas(struct core *core)
{
	struct handle h;
	uint32_t at = 0;

	/* An SA that is not ready yet goes with its exchange, or stays with it. */
	for (struct exchange *x; (x = slab_next(core->exchanges, &at, &h)) != NULL;)
		if (x->state != X_DONE && !still_wanted(core, x))
			exchange_fail(core, x, WHY_REPLACED);
	at = 0;
	for (struct ipsec_sa *sa; (sa = slab_next(core->ipsec_sas, &at, &h)) != NULL;) {
		const struct connection *c = snapshot_connection(core->snapshot, sa->connection->name);

		if (c == NULL || !connection_can_renew(sa->connection, c)) {
			tell(core, CLASS_NORMAL, 0, "isakmpd: connection %s %s: SA removed",
			    sa->spec.name, c == NULL ? "is no longer configured" : "has changed");
			ipsec_sa_remove(core, sa, true);
			continue;
		}
		adopt_ipsec_sa(core, sa, c);
	}
	at = 0;
	for (struct isakmp_sa *sa; (sa = slab_next(core->isakmp_sas, &at, &h)) != NULL;) {
		const struct peer *p = snapshot_peer(core->snapshot, sa->peer->name);

		if (p == NULL || !peer_same(sa->peer, p)) {
			info_delete_isakmp(core, sa);
			isakmp_sa_remove(core, sa);
			continue;
		}
		uint32_t dpd_interval = sa->peer->dpd_interval;
		snapshot_unref(sa->snapshot);
		sa->snapshot = snapshot_ref(core->snapshot);
		sa->peer = p;
		adopt_dpd(core, sa, dpd_interval);
	}
}

void
core_configure(struct core *core, struct mono now, struct snapshot *s)
{
	struct connection_state *fresh = calloc(s->n_connections + 1, sizeof(*fresh));
	struct snapshot *old = core->snapshot;
	struct map *by_peer = NULL;

	core->now = now;
	for (size_t i = 0; fresh != NULL && i < s->n_connections; i++) {
		fresh[i].connection = &s->connections[i];
		fresh[i].active = s->connections[i].active;
		fresh[i].up_at.us = now.us - span_s(3600).us;
	}
	if (fresh != NULL)
		by_peer = link_by_peer(core, fresh, s->n_connections);
	if (by_peer == NULL) {
		free(fresh);
		fail_field(core, "configuration", NULL);
		fail_expected(core, "the new one in force");
		fail_got(core, "the old one stays");
		fail_record(core, WHY_NO_MEMORY, NULL, NULL, NULL, NULL, NULL);
		return;
	}
	for (size_t i = 0; i < s->n_connections; i++)
		fresh[i].flow_id = 1ull << 63 | ++core->next_flow_id;
	reload_plan(core, old, s);
	core->snapshot = snapshot_ref(s);
	adopt_connections(core, fresh);
	free(core->connections);
	map_free(core->first_of_peer);
	core->connections = fresh;
	core->n_connections = s->n_connections;
	core->first_of_peer = by_peer;
	adopt_sas(core);
	for (size_t i = 0; i < core->n_connections; i++) {
		struct connection_state *c = &core->connections[i];

		tend(core, c);
		connection_flow(core, c, c->active);
		/* Large lists start spread over time (21.1 Beyond). */
		if (c->active)
			check_in(core, c, span_ms((int64_t)(i / SPREAD) * 100));
	}
	snapshot_unref(old);
	core_tick(core, now);
}

void
core_forget_orders(struct core *core)
{
	for (size_t i = 0; i < core->n_connections; i++)
		core->connections[i].active = core->connections[i].connection->active;
}

void
core_renegotiate(struct core *core, struct mono now)
{
	struct handle h;
	uint32_t at = 0;
	unsigned n = 0;

	core->now = now;
	for (struct ipsec_sa *sa; (sa = slab_next(core->ipsec_sas, &at, &h)) != NULL;) {
		if (!sa->ready || sa->replaced || sa->soft_at.us == MONO_NEVER.us)
			continue;
		ipsec_sa_renegotiate(core, sa, 0);
		n++;
	}
	tell(core, CLASS_NORMAL, 0, "isakmpd: %u SAs are renegotiated", n);
	core_tick(core, now);
}
