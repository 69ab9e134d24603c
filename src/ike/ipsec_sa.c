/*
 * IPsec SA pairs as the core knows them.  `kern` holds the keys and the real
 * SAs; here are names, lifetimes and what replaces what.  Spec: isakmpd.md 16.
 *
 * When both ends renew at the same time two pairs appear.  Both carry
 * traffic; the pair with the larger message ID is the one both ends keep
 * (doc/decisions/0008-collisions.md).
 */
#include "ike/internal.h"

enum { COLLISION_SECS = 10 };

struct ipsec_sa *
ipsec_sa_find(struct core *core, struct handle h)
{
	return slab_find(core->ipsec_sas, h);
}

bool
ipsec_sa_is_of(const struct ipsec_sa *p2, const struct isakmp_sa *sa)
{
	return same_peer_name(p2->peer, sa->peer) &&
	    (sa->peer->address.family != FAMILY_NONE || p2->identity == sa->identity);
}

struct ipsec_sa *
ipsec_sa_of_peer(const struct core *core, const struct peer *peer, uint64_t identity)
{
	uint8_t key[KIN_KEY];

	(void)peer_key(core, peer, identity, key);
	const struct kin *k = kin_first(core->ipsec_kin, key);
	return k == NULL ? NULL : k->owner;
}

struct ipsec_sa *
ipsec_sa_next_of_peer(const struct ipsec_sa *sa)
{
	return sa->of_peer.next == NULL ? NULL : sa->of_peer.next->owner;
}

/* ---- indexes ---- */

static struct view
spi_key(const struct addr *remote, uint32_t spi, uint8_t room[20])
{
	struct wr w = wr_of(room, 20);

	wr_u32(&w, spi);
	wr_view(&w, addr_view(remote));
	return wr_done(&w);
}

/* One entry per (peer section, flow): the pair in use. */
static struct view
flow_key(const struct core *core, const struct peer *peer, const struct flow *f, uint8_t room[16])
{
	uint8_t text[128];
	struct wr t = wr_of(text, sizeof(text)), w = wr_of(room, 16);

	flow_encode(&t, f);
	wr_u64(&w, name_hash(core, peer->name));
	wr_u64(&w, siphash(core->secret, wr_done(&t)));
	return wr_done(&w);
}

struct ipsec_sa *
ipsec_sa_by_spi_out(struct core *core, const struct addr *remote, uint32_t spi)
{
	uint8_t room[20];
	uint64_t v;

	return map_get(core->by_spi, spi_key(remote, spi, room), &v) ?
	    ipsec_sa_find(core, handle_of_u64(v)) : NULL;
}

struct ipsec_sa *
ipsec_sa_for_connection(struct core *core, const struct connection *c)
{
	struct wr w;
	uint8_t room[8];
	uint64_t v;

	w = wr_of(room, sizeof(room));
	wr_u64(&w, name_hash(core, c->name));
	if (!map_get(core->by_connection, wr_done(&w), &v))
		return NULL;
	struct ipsec_sa *sa = ipsec_sa_find(core, handle_of_u64(v));
	return sa != NULL && sa->ready && !sa->replaced ? sa : NULL;
}

static void
unlink_maps(struct core *core, struct ipsec_sa *sa)
{
	uint8_t room[20];
	struct view key = spi_key(&sa->spec.remote.addr, sa->spec.out.spi, room);
	uint64_t v;

	if (map_get(core->by_spi, key, &v) && v == handle_u64(sa->self))
		map_remove(core->by_spi, key);
	key = flow_key(core, sa->peer, &sa->spec.flow, room);
	if (map_get(core->by_flow, key, &v) && v == handle_u64(sa->self))
		map_remove(core->by_flow, key);
	struct wr w = wr_of(room, sizeof(room));
	wr_u64(&w, name_hash(core, sa->spec.name));
	if (map_get(core->by_connection, wr_done(&w), &v) && v == handle_u64(sa->self))
		map_remove(core->by_connection, wr_done(&w));
	kin_leave(core->ipsec_kin, &sa->of_peer);
	kin_leave(core->retired_kin, &sa->retired);
}

/*
 * Whoever is authenticated can begin quick modes as fast as the line allows,
 * and each leaves a pair that lives on for a while when the next replaces it.
 */
enum why
ipsec_sa_admit(struct core *core, const struct isakmp_sa *sa)
{
	unsigned most = PAIRS_PER_PEER, n = 0;

	if (slab_count(core->ipsec_sas) < most)
		return WHY_NONE;
	for (const struct connection_state *c = connection_of_peer(core, sa->peer); c != NULL;
	    c = connection_of_same(core, c))
		most += PAIRS_PER_CONNECTION;
	for (const struct ipsec_sa *p2 = ipsec_sa_of_peer(core, sa->peer, sa->identity);
	    p2 != NULL && n < most; p2 = ipsec_sa_next_of_peer(p2))
		n++;
	if (n < most)
		return WHY_NONE;
	fail_field(core, "IPsec SAs", &sa->peer->where);
	fail_expected(core, "%u at most: %u, and %u for each connection with this peer", most,
	    (unsigned)PAIRS_PER_PEER, (unsigned)PAIRS_PER_CONNECTION);
	fail_got(core, "one more");
	return WHY_LIMIT_PEER;
}

/* ---- life ---- */

/* The larval pair of a quick mode: everything known but not ready. */
struct ipsec_sa *
ipsec_sa_new(struct core *core, struct exchange *x)
{
	struct p2 *p2 = x->p2;
	uint8_t room[20], kin[KIN_KEY];
	struct handle h;
	const struct isakmp_sa *parent = isakmp_sa_find(core, x->isakmp_sa);
	struct ipsec_sa *sa = parent == NULL ? NULL : slab_add(core->ipsec_sas, &h);

	if (sa == NULL)
		return NULL;
	sa->self = h;
	sa->snapshot = snapshot_ref(x->snapshot);
	sa->peer = x->peer;
	sa->connection = x->connection;
	sa->isakmp_sa = x->isakmp_sa;
	sa->identity = parent->identity;
	sa->initiator = x->initiator;
	sa->on_demand = p2->on_demand;
	sa->message_id = x->message_id;
	memcpy(sa->cookies, x->icookie, COOKIE_LEN);
	memcpy(sa->cookies + COOKIE_LEN, x->rcookie, COOKIE_LEN);
	sa->group = p2->group;
	sa->life_secs = p2->life_secs;
	sa->life_kb = p2->life_kb;
	sa->created = core->now;
	sa->soft_at = sa->hard_at = MONO_NEVER;
	sa->nat_t = p2->encap;
	sa->spec = (struct sa_spec){
		.id = handle_u64(h), .suite = p2->suite, .local = x->path.local,
		.remote = x->path.remote, .encap = p2->encap, .flow = p2->flow,
		.in = { .spi = p2->spi_in }, .out = { .spi = p2->spi_out },
		.replay_window = p2->replay_window, .shared = x->snapshot->shared_sadb,
		.hard_secs = p2->life_secs,
		.hard_bytes = p2->life_kb * 1024, .soft_bytes = p2->life_kb * 1024 / 10 * 9,
	};
	if (!sa->spec.encap)
		sa->spec.local.port = sa->spec.remote.port = 0;
	text_copy(sa->spec.name, sizeof(sa->spec.name), x->connection->name);
	p2->ipsec_sa = h;
	(void)peer_key(core, sa->peer, sa->identity, kin);
	if (!kin_enter(core->ipsec_kin, &sa->of_peer, kin, sa) ||
	    !map_put(core->by_spi, spi_key(&sa->spec.remote.addr, sa->spec.out.spi, room),
	    handle_u64(h))) {
		ipsec_sa_remove(core, sa, false);
		p2->ipsec_sa = (struct handle){ 0 };
		return NULL;
	}
	return sa;
}

static void
retired_key(const struct core *core, const char *connection, uint8_t ret[KIN_KEY])
{
	struct wr w = wr_of(ret, KIN_KEY);

	wr_u64(&w, name_hash(core, connection));
	wr_u64(&w, 0);
}

/*
 * The pair in use went, and those it had replaced cannot send any more.  To
 * the peer one of them may be the pair in use: after a collision both ends
 * begin anew from nothing, or they would go on to prefer different ones.
 */
void
ipsec_sa_remove_retired(struct core *core, const struct connection *connection)
{
	uint8_t key[KIN_KEY];

	retired_key(core, connection->name, key);
	for (struct kin *k; (k = kin_first(core->retired_kin, key)) != NULL;)
		ipsec_sa_remove(core, k->owner, true);
}

/*
 * A replaced pair receives for a while, but never sends again: of two pairs a
 * kernel takes the newer one, which after a collision may be the one that
 * goes first at the other end.
 */
static void
retire(struct core *core, struct ipsec_sa *sa)
{
	struct mono grace = mono_add(core->now, span_s(GRACE_SECS));
	uint8_t kin[KIN_KEY];

	sa->replaced = true;
	retired_key(core, sa->spec.name, kin);
	/* Without memory for it, it still ends with its grace. */
	if (sa->retired.owner == NULL && !kin_enter(core->retired_kin, &sa->retired, kin, sa))
		core_refuse(core, WHY_NO_MEMORY);
	if ((sa->parts & SA_PART_OUT) != 0) {
		const struct kern_ask ask = {
			.verb = KERN_REMOVE, .token = handle_u64(sa->self), .parts = SA_PART_OUT,
			.id = sa->spec.id,
		};

		act_kern(core, &ask);
		sa->parts &= (uint8_t)~SA_PART_OUT;
	}
	timer_clear(core, &sa->soft);
	if (sa->lost)
		grace = core->now;
	if (mono_before(grace, sa->hard_at))
		timer_set(core, &sa->hard, TIMER_IPSEC_HARD, sa->self, grace);
}

static bool
preferred(const struct ipsec_sa *a, const struct ipsec_sa *b)
{
	int64_t apart = mono_since(a->created, b->created).us;

	if (a->initiator != b->initiator && apart < span_s(COLLISION_SECS).us &&
	    apart > -span_s(COLLISION_SECS).us)
		return a->message_id > b->message_id;
	return apart >= 0;
}

static void
settle(struct core *core, struct ipsec_sa *sa)
{
	uint8_t room[16], name[8];
	struct view key = flow_key(core, sa->peer, &sa->spec.flow, room);
	struct wr w = wr_of(name, sizeof(name));
	struct ipsec_sa *old = NULL;
	uint64_t v;

	if (map_get(core->by_flow, key, &v))
		old = ipsec_sa_find(core, handle_of_u64(v));
	if (old != NULL && old != sa && !old->lost && !preferred(sa, old)) {
		retire(core, sa);
		return;
	}
	if (old != NULL && old != sa)
		retire(core, old);
	wr_u64(&w, name_hash(core, sa->spec.name));
	if (!map_put(core->by_flow, key, handle_u64(sa->self)) ||
	    !map_put(core->by_connection, wr_done(&w), handle_u64(sa->self)))
		core_refuse(core, WHY_NO_MEMORY);
}

/* The pair that carries this one's flow until this one does; NULL: none. */
static struct ipsec_sa *
predecessor(struct core *core, const struct ipsec_sa *sa)
{
	uint8_t room[16];
	struct ipsec_sa *old;
	uint64_t v;

	if (!map_get(core->by_flow, flow_key(core, sa->peer, &sa->spec.flow, room), &v))
		return NULL;
	old = ipsec_sa_find(core, handle_of_u64(v));
	return old != NULL && old != sa && (old->parts & SA_PART_OUT) != 0 ? old : NULL;
}

bool
ipsec_sa_is_renewal(struct core *core, const struct ipsec_sa *sa)
{
	return predecessor(core, sa) != NULL;
}

static void
tell_done(struct core *core, const struct ipsec_sa *sa)
{
	STR(src, 64);
	STR(dst, 64);
	STR(flow, 160);
	STR(suite, 80);
	char room[24];

	addr_print(&src, &sa->spec.local.addr);
	addr_print(&dst, &sa->spec.remote.addr);
	flow_print(&flow, &sa->spec.flow);
	sa_suite_print(&suite, &sa->spec.suite);
	tell(core, CLASS_VERBOSE, 0, "isakmpd: quick mode done%s: src: %s dst: %s connection %s, %s, "
	    "spi in 0x%08x out 0x%08x, %s, PFS %s, %u seconds", sa->initiator ? "" : " (as responder)",
	    src.p, dst.p, sa->spec.name, flow.p, sa->spec.in.spi, sa->spec.out.spi, suite.p,
	    sa->group == GROUP_NONE ? "none" : reg_text(REG_GROUP, sa->group, room), sa->life_secs);
}

/* Both halves are in the back end: from now on this pair is in use. */
static void
in_use(struct core *core, struct ipsec_sa *sa)
{
	secret_done(&sa->spec.in.keymat);
	secret_done(&sa->spec.out.keymat);
	settle(core, sa);
}

/* The second half of a renewal, unless a pair that both ends prefer came meanwhile. */
static void
open_outbound(struct core *core, struct ipsec_sa *sa)
{
	const struct ipsec_sa *old = predecessor(core, sa);
	const struct kern_ask ask = {
		.verb = KERN_INSTALL, .token = handle_u64(sa->self) | SA_TOKEN, .id = sa->spec.id,
		.parts = core->snapshot->acquire_only ? SA_PART_OUT : SA_PART_OUT | SA_PART_FLOW,
		.spec = &sa->spec,
	};

	timer_clear(core, &sa->open);
	if (old != NULL && !preferred(sa, old)) {
		in_use(core, sa);
		return;
	}
	sa->parts |= ask.parts;
	act_kern(core, &ask);
}

/* The old pair goes before its time: its successor need not wait any longer. */
static void
open_now(struct core *core, const struct ipsec_sa *old)
{
	struct ipsec_sa *sa = ipsec_sa_find(core, old->successor);

	if (sa != NULL && sa->open.d.index != 0)
		timer_set(core, &sa->open, TIMER_IPSEC_OPEN, sa->self, core->now);
}

static void
open_later(struct core *core, struct ipsec_sa *sa)
{
	struct ipsec_sa *old = predecessor(core, sa);
	struct mono at = core->now;

	if (old != NULL) {
		old->successor = sa->self;
		at = mono_add(at, span_ms(OPEN_MS));
	}
	timer_set(core, &sa->open, TIMER_IPSEC_OPEN, sa->self, at);
	if (sa->open.d.index == 0)	/* no memory to wait with */
		open_outbound(core, sa);
}

void
ipsec_sa_opened(struct core *core, struct ipsec_sa *sa, const struct kern_answer *a)
{
	if (a->why == WHY_NONE) {
		in_use(core, sa);
		return;
	}
	struct snapshot *snapshot = snapshot_ref(sa->snapshot);
	const struct connection *c = sa->connection;
	fail_field(core, "back end", &c->where);
	fail_expected(core, "the SA pair installed");
	fail_got(core, "%s", a->detail);
	fail_classic(core, "pf_key_v2_set_spi: ADD: %s", a->detail);
	fail_record(core, a->why, NULL, NULL, sa->peer, c, "quick");
	ipsec_sa_remove(core, sa, true);
	connection_failed(core, c);
	snapshot_unref(snapshot);
}

/*
 * Its flow stays in force meanwhile.  The peer's DELETE comes with the
 * successor: before that it would only take the peer's flow away.
 */
static void
succeed_lost(struct core *core, struct ipsec_sa *sa)
{
	const struct mono end = mono_add(core->now, span_s(core->snapshot->exchange_max));

	if (sa->replaced) {
		ipsec_sa_remove(core, sa, true);
		return;
	}
	sa->renegotiate = true;
	sa->soft_at = core->now;
	timer_set(core, &sa->soft, TIMER_IPSEC_SOFT, sa->self, sa->soft_at);
	if (!mono_before(end, sa->hard_at))
		return;
	sa->hard_at = end;
	timer_set(core, &sa->hard, TIMER_IPSEC_HARD, sa->self, end);
}

void
ipsec_sa_lost(struct core *core, struct ipsec_sa *sa)
{
	ipsec_sa_outbid(core, sa);
	sa->lost = true;
	sa->parts &= SA_PART_FLOW;
	if (sa->ready)
		succeed_lost(core, sa);
}

void
ipsec_sa_ready(struct core *core, struct ipsec_sa *sa)
{
	const struct connection_state *c = connection_state_find(core, sa->spec.name);

	sa->ready = true;
	sa->created = core->now;
	sa->stay_alive = c != NULL && c->active;
	core->counters.phase2_done++;
	sa->soft_at = soft_expiry(core, sa->life_secs, sa->initiator);
	sa->hard_at = mono_add(core->now, span_s(sa->life_secs));
	timer_set(core, &sa->soft, TIMER_IPSEC_SOFT, sa->self, sa->soft_at);
	timer_set(core, &sa->hard, TIMER_IPSEC_HARD, sa->self, sa->hard_at);
	if ((sa->parts & SA_PART_OUT) != 0)
		in_use(core, sa);
	else
		open_later(core, sa);
	tell_done(core, sa);
	connection_is_up(core, sa->connection);
	if (sa->lost)			/* half of it, while the exchange went on */
		succeed_lost(core, sa);
}

void
ipsec_sa_remove(struct core *core, struct ipsec_sa *sa, bool send_delete)
{
	if (send_delete)
		info_delete_ipsec(core, sa);
	if (sa->parts != 0 && !(core->shutting_down && !core->shutdown_delete)) {
		const struct kern_ask ask = {
			.verb = KERN_REMOVE, .token = handle_u64(sa->self), .parts = sa->parts,
			.id = sa->spec.id,
		};

		act_kern(core, &ask);
	}
	/* An install that was refused leaves the SPI reserved. */
	if (!sa->ready && sa->spec.in.spi != 0) {
		const struct kern_ask back = { .verb = KERN_REMOVE, .spi = sa->spec.in.spi };

		act_kern(core, &back);
	}
	unlink_maps(core, sa);
	open_now(core, sa);
	timer_clear(core, &sa->open);
	timer_clear(core, &sa->soft);
	timer_clear(core, &sa->hard);
	sa_spec_done(&sa->spec);
	snapshot_unref(sa->snapshot);
	slab_remove(core->ipsec_sas, sa->self);
}

/* The peer's NAT mapping changed: the pair follows. */
void
ipsec_sa_move(struct core *core, struct ipsec_sa *sa, const struct path *path)
{
	uint8_t room[20];
	const struct kern_ask ask = {
		.verb = KERN_MOVE, .token = handle_u64(sa->self), .id = sa->spec.id,
		.local = path->local, .remote = path->remote,
	};

	map_remove(core->by_spi, spi_key(&sa->spec.remote.addr, sa->spec.out.spi, room));
	sa->spec.local = path->local;
	sa->spec.remote = path->remote;
	if (!map_put(core->by_spi, spi_key(&sa->spec.remote.addr, sa->spec.out.spi, room),
	    handle_u64(sa->self)))
		core_refuse(core, WHY_NO_MEMORY);
	act_kern(core, &ask);
}

/* ---- expiry ---- */

static void
renew(struct core *core, struct ipsec_sa *sa)
{
	struct connection_state *c = connection_state_find(core, sa->spec.name);

	if (c == NULL || sa->replaced || (!sa->stay_alive && !sa->renegotiate)) {
		sa->fading = true;
		return;
	}
	c->failures = 0;		/* it lived to its soft expiry: old failures are forgiven */
	connection_renew(core, c);
}

void
ipsec_sa_timer(struct core *core, struct ipsec_sa *sa, enum timer_kind kind)
{
	const struct connection *c = sa->connection;
	bool again = sa->stay_alive && !sa->replaced;

	if (kind == TIMER_IPSEC_OPEN) {
		open_outbound(core, sa);
		return;
	}
	if (kind == TIMER_IPSEC_SOFT) {
		timer_clear(core, &sa->soft);
		if (sa->ready)
			renew(core, sa);
		return;
	}
	/* c points into the SA's snapshot. */
	struct snapshot *snapshot = snapshot_ref(sa->snapshot);
	ipsec_sa_remove(core, sa, true);
	if (again)
		connection_lost(core, c);
	snapshot_unref(snapshot);
}

void
ipsec_sa_outbid(struct core *core, const struct ipsec_sa *sa)
{
	if (!sa->initiator && mono_since(core->now, sa->created).us < span_s(COLLISION_SECS).us)
		connection_outbid(core, sa->connection, sa->message_id);
}

void
ipsec_sa_renegotiate(struct core *core, struct ipsec_sa *sa, uint32_t most)
{
	const struct mono end = mono_add(core->now, span_s(most));
	const struct mono settled = mono_add(sa->created, span_s(COLLISION_SECS + 1));

	sa->renegotiate = true;
	/* A pair the peer made just now could win against ours as if both had begun at once. */
	sa->soft_at = !sa->initiator && mono_before(core->now, settled) ? settled : core->now;
	timer_set(core, &sa->soft, TIMER_IPSEC_SOFT, sa->self, sa->soft_at);
	if (most == 0 || !mono_before(end, sa->hard_at))
		return;
	/* By words that hold no longer it must not go on for hours. */
	sa->hard_at = end;
	timer_set(core, &sa->hard, TIMER_IPSEC_HARD, sa->self, end);
}
