/*
 * ISAKMP SAs: made when phase 1 is done, found by cookies or by peer, renewed
 * before they expire, replaced by newer ones.  Spec: isakmpd.md 14 and 16.
 *
 * When both ends finish a main mode at the same time there are two SAs; both
 * work, and both ends keep the one with the larger initiator cookie as theirs
 * (doc/decisions/0008-collisions.md).
 */
#include <stdlib.h>

#include "ike/internal.h"

enum { COLLISION_SECS = 10, PROOF_SECS = 5, AGAIN_SECS = 20 };

struct isakmp_sa *
isakmp_sa_find(struct core *core, struct handle h)
{
	return slab_find(core->isakmp_sas, h);
}

static struct view
cookie_key(const uint8_t *icookie, const uint8_t *rcookie, uint8_t room[2 * COOKIE_LEN])
{
	memcpy(room, icookie, COOKIE_LEN);
	memcpy(room + COOKIE_LEN, rcookie, COOKIE_LEN);
	return view_of(room, 2 * COOKIE_LEN);
}

struct isakmp_sa *
isakmp_sa_by_cookies(struct core *core, const uint8_t *icookie, const uint8_t *rcookie)
{
	uint8_t room[2 * COOKIE_LEN];
	uint64_t v;

	return map_get(core->by_cookies, cookie_key(icookie, rcookie, room), &v) ?
	    isakmp_sa_find(core, handle_of_u64(v)) : NULL;
}

bool
same_peer_name(const struct peer *a, const struct peer *b)
{
	return a == b || (a != NULL && b != NULL && text_same(a->name, b->name));
}

uint64_t
identity_hash(const struct core *core, const struct id *id)
{
	uint8_t room[ID_DATA_MAX + 4];
	struct wr w = wr_of(room, sizeof(room));

	id_encode(&w, id);
	return siphash(core->secret, wr_done(&w));
}

struct view
peer_key(const struct core *core, const struct peer *peer, uint64_t identity,
    uint8_t room[KIN_KEY])
{
	struct wr w = wr_of(room, KIN_KEY);

	wr_u64(&w, name_hash(core, peer->name));
	wr_u64(&w, peer->address.family == FAMILY_NONE ? identity : 0);
	return wr_done(&w);
}

struct isakmp_sa *
isakmp_sa_for_peer(struct core *core, const struct peer *peer)
{
	uint8_t room[16];
	uint64_t v;

	if (!map_get(core->by_peer, peer_key(core, peer, 0, room), &v))
		return NULL;
	return isakmp_sa_find(core, handle_of_u64(v));
}

/* ---- message IDs ---- */

static bool
is_used(const struct isakmp_sa *sa, uint32_t id)
{
	for (size_t i = 0; i < sa->n_message_ids; i++)
		if (sa->message_ids[i] == id)
			return true;
	return false;
}

static bool
remember(struct core *core, struct isakmp_sa *sa, uint32_t id)
{
	size_t cap = sa->cap_message_ids == 0 ? 16 : sa->cap_message_ids * 2;

	if (sa->n_message_ids == sa->cap_message_ids) {
		uint32_t *more = cap > MESSAGE_IDS_MAX ? NULL :
		    realloc(sa->message_ids, cap * sizeof(*more));

		if (more == NULL)
			return false;
		sa->message_ids = more;
		sa->cap_message_ids = cap;
	}
	sa->message_ids[sa->n_message_ids++] = id;
	/* Time for a new SA, long before this one hears nothing any more. */
	if (sa->n_message_ids == MESSAGE_IDS_MAX / 2)
		timer_set(core, &sa->soft, TIMER_ISAKMP_SOFT, sa->self, core->now);
	return true;
}

/*
 * All of an SA's life, for a message that could be forgotten could be
 * replayed: nothing else in IKEv1 dates it.
 */
bool
isakmp_sa_use_message_id(struct core *core, struct isakmp_sa *sa, uint32_t id)
{
	return !is_used(sa, id) && remember(core, sa, id);
}

uint32_t
isakmp_sa_new_message_id(struct core *core, struct isakmp_sa *sa, uint32_t above)
{
	enum { ROOM = 1 << 16 };	/* fewer left would not be random any more */
	uint32_t id;

	if (above > UINT32_MAX - ROOM)
		above = 0;
	do {
		core->env.random(core->env.self, &id, sizeof(id));
		if (id <= above)
			id = above + 1 + id % (UINT32_MAX - above);
	} while (id == 0 || is_used(sa, id));
	(void)!remember(core, sa, id);
	return id;
}

/* ---- life ---- */

/* Soft expiry: 85 to 95 % of the life; the initiator of the SA goes first. */
struct mono
soft_expiry(struct core *core, uint32_t life_secs, bool initiator)
{
	int64_t life = span_s(life_secs).us;
	uint8_t r;

	core->env.random(core->env.self, &r, 1);
	int64_t at = life * (initiator ? 85 : 90) / 100 + life * 5 / 100 * r / 255;
	int64_t room = span_s(10).us;
	if (life > 4 * room && life - at < room)
		at = life - room;
	return mono_add(core->now, (struct span){ at });
}

static void
timers_start(struct core *core, struct isakmp_sa *sa)
{
	sa->soft_at = soft_expiry(core, sa->params.life_secs, sa->initiator);
	sa->hard_at = mono_add(core->now, span_s(sa->params.life_secs));
	timer_set(core, &sa->soft, TIMER_ISAKMP_SOFT, sa->self, sa->soft_at);
	timer_set(core, &sa->hard, TIMER_ISAKMP_HARD, sa->self, sa->hard_at);
	if (sa->traits.dpd && sa->peer->dpd_interval > 0)
		timer_set(core, &sa->dpd, TIMER_ISAKMP_DPD, sa->self,
		    mono_add(core->now, span_s(sa->peer->dpd_interval)));
	if (sa->traits.nat_t && sa->traits.we_are_natted)
		timer_set(core, &sa->keepalive, TIMER_ISAKMP_KEEPALIVE, sa->self,
		    mono_add(core->now, span_s(core->snapshot->nat_keepalive)));
}

static void
retire(struct core *core, struct isakmp_sa *sa)
{
	struct mono grace = mono_add(core->now, span_s(GRACE_SECS));

	sa->replaced = true;
	timer_clear(core, &sa->soft);
	timer_clear(core, &sa->dpd);
	if (mono_before(grace, sa->hard_at))
		timer_set(core, &sa->hard, TIMER_ISAKMP_HARD, sa->self, grace);
}

/* Of two SAs with one peer: does `a` stay in use? */
static bool
preferred(const struct isakmp_sa *a, const struct isakmp_sa *b)
{
	int64_t apart = mono_since(a->created, b->created).us;

	if (a->initiator != b->initiator && apart < span_s(COLLISION_SECS).us &&
	    apart > -span_s(COLLISION_SECS).us)
		return memcmp(a->icookie, b->icookie, COOKIE_LEN) > 0;
	return apart >= 0;
}

/*
 * Message 6 may be lost for good: then the peer has no such SA, and goes on
 * with the old one.  So as responder we leave the old one in use until
 * something authenticated came over the new one; R_U_THERE asks for it
 * soon.  A peer without DPD cannot be asked: its new SA counts as it is.
 */
static void
await_proof(struct core *core, struct isakmp_sa *sa, struct isakmp_sa *old)
{
	old->successor = sa->self;
	timer_set(core, &sa->dpd, TIMER_ISAKMP_DPD, sa->self,
	    mono_add(core->now, span_s(PROOF_SECS)));
}

static void
settle(struct core *core, struct isakmp_sa *sa)
{
	uint8_t room[16];
	struct view key = peer_key(core, sa->peer, sa->identity, room);
	struct isakmp_sa *old = NULL;
	uint64_t v;

	if (map_get(core->by_peer, key, &v))
		old = isakmp_sa_find(core, handle_of_u64(v));
	if (old != NULL && old != sa && sa->unproven) {
		await_proof(core, sa, old);
		return;
	}
	if (old != NULL && old != sa && !preferred(sa, old)) {
		retire(core, sa);
		return;
	}
	if (old != NULL && old != sa)
		retire(core, old);
	if (!map_put(core->by_peer, key, handle_u64(sa->self)))
		core_refuse(core, WHY_NO_MEMORY);
}

/* ---- identities: kept as octets, for a struct id is half a kilobyte ---- */

static bool
keep(struct view v, uint8_t **ret, size_t *ret_n)
{
	*ret = malloc(v.n > 0 ? v.n : 1);
	if (*ret == NULL)
		return false;
	if (v.n > 0)
		memcpy(*ret, v.p, v.n);
	*ret_n = v.n;
	return true;
}

static bool
ids_keep(struct isakmp_sa *sa, const struct p1 *p1)
{
	return keep(view_of(p1->own_id_body, p1->own_id_n), &sa->own_id, &sa->own_id_n) &&
	    keep(view_of(p1->peer_id_body, p1->peer_id_n), &sa->peer_id, &sa->peer_id_n);
}

static void
id_kept(const uint8_t *p, size_t n, struct id *ret)
{
	if (ret == NULL)
		return;
	*ret = (struct id){ 0 };
	(void)!id_decode(view_of(p, n), ret);	/* it was decoded before */
}

void
isakmp_sa_ids(const struct isakmp_sa *sa, struct id *ret_own, struct id *ret_peer)
{
	id_kept(sa->own_id, sa->own_id_n, ret_own);
	id_kept(sa->peer_id, sa->peer_id_n, ret_peer);
}

bool
isakmp_sa_same_identity(const struct isakmp_sa *a, const struct isakmp_sa *b)
{
	struct id ia, ib;

	isakmp_sa_ids(a, NULL, &ia);
	isakmp_sa_ids(b, NULL, &ib);
	return id_equal(&ia, &ib);
}

static void
tell_done(struct core *core, const struct isakmp_sa *sa)
{
	struct id own, peer;
	const struct id *i = sa->initiator ? &own : &peer, *r = sa->initiator ? &peer : &own;
	STR(it, 255);
	STR(rt, 255);
	STR(src, 64);
	STR(dst, 64);
	char room[3][24];

	isakmp_sa_ids(sa, &own, &peer);
	names_print(&it, i, sa->initiator ? sa->own_name : sa->peer_name);
	names_print(&rt, r, sa->initiator ? sa->peer_name : sa->own_name);
	addr_print(&src, &sa->path.local.addr);
	addr_print(&dst, &sa->path.remote.addr);
	tell(core, CLASS_VERBOSE, 0,
	    "isakmpd: phase 1 done%s: initiator id %s, responder id %s, src: %s dst: %s "
	    "peer %s, %s %u bits, %s, %s%s", sa->initiator ? "" : " (as responder)", it.p, rt.p,
	    src.p, dst.p, sa->peer->name, reg_text(REG_CIPHER, sa->params.cipher, room[0]),
	    sa->params.key_bits, reg_text(REG_HASH, sa->params.hash, room[1]),
	    reg_text(REG_GROUP, sa->params.group, room[2]),
	    traits_encap(&sa->traits) ? ", NAT-T" : "");
}

/* The peer believes that there is an SA now; here is none, and who waits for it is told. */
static void
unmade(struct core *core, const struct exchange *x, enum why why)
{
	fail_expected(core, "an ISAKMP SA");
	fail_record(core, why, x, &x->path, x->peer, NULL, NULL);
	if (x->initiator)
		connections_phase1_failed(core, x->peer);
}

/* Phase 1 is done: the exchange's keys become an SA. */
void
isakmp_sa_made(struct core *core, struct exchange *x)
{
	const struct keys_ask drop = { .verb = KEYS_DROP, .token = handle_u64(x->self) };
	const struct peer *peer = snapshot_peer(core->snapshot, x->peer->name);
	struct p1 *p1 = x->p1;
	uint8_t room[2 * COOKIE_LEN];
	struct handle h;
	struct isakmp_sa *sa;

	act_keys(core, &drop);
	p1->keys_asked = false;
	timer_set(core, &x->end, TIMER_EXCHANGE_END, x->self, mono_add(core->now, span_s(GRACE_SECS)));
	sa = peer == NULL ? NULL : slab_add(core->isakmp_sas, &h);
	if (sa == NULL) {
		unmade(core, x, peer == NULL ? WHY_CONFIG : WHY_NO_MEMORY);
		return;
	}
	sa->self = h;
	sa->snapshot = snapshot_ref(core->snapshot);
	sa->peer = peer;
	sa->initiator = x->initiator;
	memcpy(sa->icookie, x->icookie, COOKIE_LEN);
	memcpy(sa->rcookie, x->rcookie, COOKIE_LEN);
	sa->path = x->path;
	sa->params = p1->params;
	secret_take(&sa->keys.skeyid_d, &p1->keys.skeyid_d);
	secret_take(&sa->keys.skeyid_a, &p1->keys.skeyid_a);
	secret_take(&sa->keys.cipher_key, &p1->keys.cipher_key);
	memcpy(sa->keys.iv, x->iv, sizeof(sa->keys.iv));
	sa->traits = p1->traits;
	sa->identity = identity_hash(core, &p1->peer_id);
	sa->created = sa->last_heard = core->now;
	core->env.random(core->env.self, &sa->dpd_out, sizeof(sa->dpd_out));
	sa->dpd_out &= 0x7fffffff;
	x->isakmp_sa = h;
	uint8_t kin[KIN_KEY];
	(void)peer_key(core, peer, sa->identity, kin);
	sa->own_name = p1->own_name;
	sa->peer_name = p1->peer_name;
	p1->own_name = p1->peer_name = NULL;
	if (!ids_keep(sa, p1) || !kin_enter(core->isakmp_kin, &sa->of_peer, kin, sa) ||
	    !map_put(core->by_cookies, cookie_key(sa->icookie, sa->rcookie, room), handle_u64(h))) {
		isakmp_sa_remove(core, sa);
		unmade(core, x, WHY_NO_MEMORY);
		return;
	}
	timers_start(core, sa);
	if (sa->hard.d.index == 0) {	/* nothing may be without an end */
		isakmp_sa_remove(core, sa);
		unmade(core, x, WHY_NO_MEMORY);
		return;
	}
	core->counters.phase1_done++;
	if (p1->initial_contact)
		isakmp_sa_initial_contact(core, sa, x->started);
	sa->unproven = !sa->initiator && sa->traits.dpd;
	settle(core, sa);
	tell_done(core, sa);
	connections_phase1_ready(core, sa->peer, h);
}

void
isakmp_sa_remove(struct core *core, struct isakmp_sa *sa)
{
	uint8_t room[16];
	struct view key = peer_key(core, sa->peer, sa->identity, room);
	struct handle self = sa->self;
	uint64_t v;

	/* Quick modes without their SA cannot go on. */
	sa->going = true;
	while (sa->children != NULL) {
		if (sa->children->state == X_DONE)
			exchange_free(core, sa->children);
		else
			exchange_fail(core, sa->children, WHY_REPLACED);
	}
	if (map_get(core->by_peer, key, &v) && v == handle_u64(self)) {
		map_remove(core->by_peer, key);
		if (isakmp_sa_find(core, sa->successor) != NULL &&
		    !map_put(core->by_peer, key, handle_u64(sa->successor)))
			core_refuse(core, WHY_NO_MEMORY);
	}
	map_remove(core->by_cookies, cookie_key(sa->icookie, sa->rcookie, room));
	kin_leave(core->isakmp_kin, &sa->of_peer);
	timer_clear(core, &sa->soft);
	timer_clear(core, &sa->hard);
	timer_clear(core, &sa->dpd);
	timer_clear(core, &sa->keepalive);
	p1_keys_done(&sa->keys);
	free(sa->message_ids);
	free(sa->own_id);
	free(sa->peer_id);
	free(sa->own_name);
	free(sa->peer_name);
	snapshot_unref(sa->snapshot);
	slab_remove(core->isakmp_sas, self);
}

/* ---- what happens to it ---- */

static void
moved(struct core *core, struct isakmp_sa *sa, const struct path *path)
{
	struct endpoint old = sa->path.remote;
	STR(from, 80);
	STR(to, 80);

	endpoint_print(&from, &old);
	endpoint_print(&to, &path->remote);
	tell(core, CLASS_NORMAL, 0, "isakmpd: peer %s moved from %s to %s", sa->peer->name, from.p, to.p);
	sa->path = *path;
	for (struct ipsec_sa *p2 = ipsec_sa_of_peer(core, sa->peer, sa->identity); p2 != NULL;
	    p2 = ipsec_sa_next_of_peer(p2))
		if (p2->spec.encap && endpoint_equal(&p2->spec.remote, &old))
			ipsec_sa_move(core, p2, path);
}

/*
 * Only what passed the SA's hash comes here.  With NAT-T the peer's mapping
 * may change; the newest authenticated message tells where it is now.
 */
void
isakmp_sa_heard(struct core *core, struct isakmp_sa *sa, const struct path *path)
{
	sa->last_heard = core->now;
	if (sa->unproven) {
		sa->unproven = false;
		settle(core, sa);
	}
	if (sa->traits.nat_t && traits_encap(&sa->traits) && path->encap &&
	    !endpoint_equal(&path->remote, &sa->path.remote))
		moved(core, sa, path);
}

/*
 * Whose main mode was done before that instant.  An IPsec SA is as old as the
 * ISAKMP SA it was made under: the peer may restart, and begin anew, while
 * the last message of a quick mode of its former life is under way.
 */
static bool
made_before(const struct ipsec_sa *p2, const struct isakmp_sa *parent, struct mono before)
{
	return mono_before(parent != NULL ? parent->created : p2->created, before);
}

void
isakmp_sa_initial_contact(struct core *core, struct isakmp_sa *sa, struct mono before)
{
	unsigned n = 0;

	for (struct ipsec_sa *p2 = ipsec_sa_of_peer(core, sa->peer, sa->identity), *next;
	    p2 != NULL; p2 = next) {
		next = ipsec_sa_next_of_peer(p2);
		if (!made_before(p2, isakmp_sa_find(core, p2->isakmp_sa), before))
			continue;
		ipsec_sa_remove(core, p2, false);
		n++;
	}
	/* Its quick modes go with one, but no other ISAKMP SA. */
	for (struct kin *k = kin_first(core->isakmp_kin, sa->of_peer.key), *next; k != NULL;
	    k = next) {
		struct isakmp_sa *old = k->owner;

		next = k->next;
		if (old == sa || !isakmp_sa_same_identity(old, sa) ||
		    !mono_before(old->created, before))
			continue;
		isakmp_sa_remove(core, old);
		n++;
	}
	if (n > 0)
		tell(core, CLASS_NORMAL, 0,
		    "isakmpd: peer %s starts anew (INITIAL-CONTACT): %u old SAs removed", sa->peer->name, n);
}

static void
keepalive(struct core *core, struct isakmp_sa *sa)
{
	static const uint8_t octet = 0xff;

	if (!core->passive)
		act_send(core, &sa->path, view_of(&octet, 1));
	timer_set(core, &sa->keepalive, TIMER_ISAKMP_KEEPALIVE, sa->self,
	    mono_add(core->now, span_s(core->snapshot->nat_keepalive)));
}

/* Is anything kept up with this peer by us? */
static bool
is_needed(struct core *core, const struct isakmp_sa *sa)
{
	for (struct connection_state *c = connection_of_peer(core, sa->peer); c != NULL;
	    c = connection_of_same(core, c))
		if (c->active && same_peer_name(c->connection->peer, sa->peer))
			return true;
	return false;
}

void
isakmp_sa_timer(struct core *core, struct isakmp_sa *sa, enum timer_kind kind)
{
	switch (kind) {
	case TIMER_ISAKMP_SOFT:
		if (sa->replaced || !is_needed(core, sa)) {
			sa->fading = true;
			break;
		}
		/* Until a new one has taken its place, or this one is over. */
		timer_set(core, &sa->soft, TIMER_ISAKMP_SOFT, sa->self,
		    mono_add(core->now, span_s(AGAIN_SECS)));
		if (!phase1_running(core, sa->peer))
			(void)main_mode_start(core, sa->peer);
		break;
	case TIMER_ISAKMP_HARD:
		info_delete_isakmp(core, sa);
		isakmp_sa_remove(core, sa);
		break;
	case TIMER_ISAKMP_DPD:
		dpd_timer(core, sa);
		break;
	case TIMER_ISAKMP_KEEPALIVE:
		keepalive(core, sa);
		break;
	default:
		break;
	}
}
