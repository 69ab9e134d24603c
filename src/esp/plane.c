#include "esp/plane.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "esp/internal.h"

enum {
	SPI_SECS = 300,			/* life of a reservation */
	ACQUIRE_SECS = 1,		/* at most one per flow in so long */
	PMTU_SECS = 600			/* RFC 1191, 6.3 */
};

/* ---- pairs ---- */

static struct view
id_view(const uint64_t *id)
{
	return view_of(id, sizeof(*id));
}

static struct esp_pair *
pair_find(const struct esp_plane *p, uint64_t id)
{
	uint64_t v;

	if (!map_get(p->by_id, id_view(&id), &v))
		return NULL;
	return slab_find(p->pairs, handle_of_u64(v));
}

static struct esp_pair *
pair_need(struct esp_plane *p, uint64_t id)
{
	struct esp_pair *pair = pair_find(p, id);
	struct handle h;

	if (pair != NULL)
		return pair;
	pair = slab_add(p->pairs, &h);
	if (pair == NULL)
		return NULL;
	if (!map_put(p->by_id, id_view(&id), handle_u64(h))) {
		slab_remove(p->pairs, h);
		return NULL;
	}
	pair->self = h;
	pair->id = id;
	return pair;
}

static void
events_unlink(struct esp_plane *p, struct esp_pair *pair)
{
	if (pair->event_prev != NULL)
		pair->event_prev->event_next = pair->event_next;
	else
		p->events = pair->event_next;
	if (pair->event_next != NULL)
		pair->event_next->event_prev = pair->event_prev;
	else
		p->events_last = pair->event_prev;
	pair->event_next = pair->event_prev = NULL;
}

/* A pair lives as long as it has a direction, a policy or news. */
static void
pair_drop_if_empty(struct esp_plane *p, struct esp_pair *pair)
{
	if (pair->in != NULL || pair->out != NULL || pair->policy != NULL || pair->pending != 0)
		return;
	map_remove(p->by_id, id_view(&pair->id));
	slab_remove(p->pairs, pair->self);
}

void
plane_tell(struct esp_plane *p, struct esp_pair *pair, uint8_t pending)
{
	if (pair->pending == 0) {
		pair->event_prev = p->events_last;
		if (p->events_last != NULL)
			p->events_last->event_next = pair;
		else
			p->events = pair;
		p->events_last = pair;
	}
	pair->pending |= pending;
}

void
plane_stray(struct esp_plane *p, struct mono now, uint32_t spi, const struct endpoint *from)
{
	if (spi < 0x100 || mono_before(now, p->stray_at))
		return;
	p->stray_at = mono_add(now, span_s(1));
	p->stray_due = true;
	p->stray_spi = spi;
	p->stray_from = *from;
}

static bool
stray_event(struct esp_plane *p, struct esp_event *ret)
{
	if (!p->stray_due)
		return false;
	p->stray_due = false;
	*ret = (struct esp_event){ .kind = ESP_EVENT_STRAY, .id = p->stray_spi,
	    .remote = p->stray_from };
	return true;
}

bool
esp_plane_event(struct esp_plane *p, struct esp_event *ret)
{
	static const struct { uint8_t pending, kind, part; } kinds[] = {
		{ PENDING_HARD_IN, ESP_EVENT_HARD, SA_PART_IN },
		{ PENDING_HARD_OUT, ESP_EVENT_HARD, SA_PART_OUT },
		{ PENDING_SOFT_IN, ESP_EVENT_SOFT, SA_PART_IN },
		{ PENDING_SOFT_OUT, ESP_EVENT_SOFT, SA_PART_OUT },
		{ PENDING_ACQUIRE, ESP_EVENT_ACQUIRE, 0 },
		{ PENDING_MOVED, ESP_EVENT_MOVED, 0 },
	};
	struct esp_pair *pair = p->events;

	if (pair == NULL)
		return stray_event(p, ret);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if ((pair->pending & kinds[i].pending) == 0)
			continue;
		*ret = (struct esp_event){ .kind = kinds[i].kind, .id = pair->id,
		    .part = kinds[i].part };
		if (ret->kind == ESP_EVENT_ACQUIRE)
			ret->flow = pair->acquire;
		if (ret->kind == ESP_EVENT_MOVED)
			ret->remote = pair->moved;
		pair->pending = (uint8_t)(pair->pending & ~kinds[i].pending);
		break;
	}
	if (pair->pending == 0) {
		events_unlink(p, pair);
		pair_drop_if_empty(p, pair);
	}
	return true;
}

/* ---- policies ---- */

/* A policy is told at most once a second that its SA is missing. */
void
plane_acquire(struct esp_plane *p, struct mono now, struct esp_group *g,
    const struct ip_info *ip)
{
	struct esp_pair *pair = g->policies;

	if (pair == NULL || !mono_reached(now, g->acquire_again))
		return;
	g->acquire_again = mono_add(now, span_s(ACQUIRE_SECS));
	pair->acquire = ip_flow(ip, true);
	plane_tell(p, pair, PENDING_ACQUIRE);
}

static bool
flow_sane(const struct flow *f)
{
	return f->local.net.first.family != FAMILY_NONE &&
	    f->local.net.first.family == f->remote.net.first.family &&
	    f->local.net.first.family == f->local.net.last.family &&
	    f->remote.net.first.family == f->remote.net.last.family;
}

enum why
esp_plane_flow_add(struct esp_plane *p, const struct sa_spec *spec, struct str *detail)
{
	if (!flow_sane(&spec->flow)) {
		str_add(detail, "flow without addresses, or of two families");
		return WHY_BACKEND;
	}
	struct esp_pair *pair = pair_need(p, spec->id);
	if (pair == NULL)
		return WHY_NO_MEMORY;
	if (pair->policy != NULL) {
		bool same = flow_equal(&pair->policy->flow, &spec->flow);

		str_add(detail, same ? "" : "another flow with this id");
		return same ? WHY_NONE : WHY_BACKEND_EXISTS;
	}
	struct esp_group *g = flows_need(p, &spec->flow);
	if (g == NULL) {
		str_add(detail, "too many flows");
		pair_drop_if_empty(p, pair);
		return WHY_BACKEND;
	}
	pair->policy = g;
	pair->policy_next = g->policies;
	if (g->policies != NULL)
		g->policies->policy_prev = pair;
	g->policies = pair;
	p->flow_gen++;
	return WHY_NONE;
}

static void
policy_remove(struct esp_plane *p, struct esp_pair *pair)
{
	struct esp_group *g = pair->policy;

	if (pair->policy_prev != NULL)
		pair->policy_prev->policy_next = pair->policy_next;
	else
		g->policies = pair->policy_next;
	if (pair->policy_next != NULL)
		pair->policy_next->policy_prev = pair->policy_prev;
	pair->policy = NULL;
	pair->policy_next = pair->policy_prev = NULL;
	p->flow_gen++;
	flows_drop_if_empty(p, g);
}

enum why
esp_plane_flow_delete(struct esp_plane *p, uint64_t id)
{
	struct esp_pair *pair = pair_find(p, id);

	if (pair == NULL || pair->policy == NULL)
		return WHY_BACKEND_GONE;
	policy_remove(p, pair);
	pair_drop_if_empty(p, pair);
	return WHY_NONE;
}

/* ---- SPIs ---- */

static struct esp_slot *
slot_of(const struct esp_plane *p, uint32_t spi)
{
	return &p->slots[spi & (ESP_SAS_MAX - 1)];
}

static bool
slot_free(const struct esp_slot *s, struct mono now)
{
	return s->spi == 0 || (s->sa == NULL && mono_reached(now, s->until));
}

/*
 * The low half is the place in the array, taken in turn, so that one is not
 * used again soon; the high half is random and never zero.
 */
enum why
esp_plane_get_spi(struct esp_plane *p, struct mono now, uint32_t *ret)
{
	uint16_t hi = 0;

	for (uint32_t i = 0; i < ESP_SAS_MAX; i++) {
		uint32_t place = p->slot_next++ & (ESP_SAS_MAX - 1);
		struct esp_slot *s = &p->slots[place];

		if (!slot_free(s, now))
			continue;
		while (hi == 0)
			random_bytes(&hi, sizeof(hi));
		*s = (struct esp_slot){ .spi = (uint32_t)hi << 16 | place,
		    .until = mono_add(now, span_s(SPI_SECS)) };
		*ret = s->spi;
		return WHY_NONE;
	}
	return WHY_BACKEND;
}

enum why
esp_plane_spi_release(struct esp_plane *p, uint32_t spi)
{
	struct esp_slot *s = slot_of(p, spi);

	if (spi == 0 || s->spi != spi || s->sa != NULL)
		return WHY_BACKEND_GONE;
	*s = (struct esp_slot){ 0 };
	return WHY_NONE;
}

/* ---- SAs ---- */

static void
sa_free(struct esp_sa *sa)
{
	if (sa == NULL)
		return;
	esp_cipher_free(sa->cipher);
	replay_done(&sa->replay);
	free(sa);
}

static void
group_link(struct esp_group *g, struct esp_sa *sa)
{
	sa->group = g;
	sa->older = g->newest;
	if (g->newest != NULL)
		g->newest->newer = sa;
	g->newest = sa;
}

static void
group_unlink(struct esp_plane *p, struct esp_sa *sa)
{
	struct esp_group *g = sa->group;

	if (sa->newer != NULL)
		sa->newer->older = sa->older;
	else
		g->newest = sa->older;
	if (sa->older != NULL)
		sa->older->newer = sa->newer;
	flows_drop_if_empty(p, g);
}

/* Takes an SA out of every table and frees it; the pair may stay. */
static void
sa_remove(struct esp_plane *p, struct esp_sa *sa)
{
	heap_clear(&p->deadlines, &sa->deadline);
	if (sa->inbound) {
		*slot_of(p, sa->spi) = (struct esp_slot){ 0 };
		sa->pair->in = NULL;
	} else {
		group_unlink(p, sa);
		sa->pair->out = NULL;
	}
	p->n_sas--;
	sa_free(sa);
}

void
plane_hard(struct esp_plane *p, struct esp_sa *sa)
{
	struct esp_pair *pair = sa->pair;
	bool inbound = sa->inbound;

	sa_remove(p, sa);
	plane_tell(p, pair, inbound ? PENDING_HARD_IN : PENDING_HARD_OUT);
}

static void
sa_soft(struct esp_plane *p, struct esp_sa *sa)
{
	if (sa->soft_told)
		return;
	sa->soft_told = true;
	plane_tell(p, sa->pair, sa->inbound ? PENDING_SOFT_IN : PENDING_SOFT_OUT);
}

static const struct sa_half *
half_of(const struct sa_spec *spec, enum sa_part part)
{
	return part == SA_PART_IN ? &spec->in : &spec->out;
}

static enum why
spec_check(const struct sa_spec *spec, enum sa_part part, struct str *detail)
{
	if (part != SA_PART_IN && part != SA_PART_OUT)
		str_add(detail, "not one direction");
	else if (half_of(spec, part)->spi < 256)
		str_add(detail, "SPI below 256 (RFC 4303, 2.1)");
	else if (spec->local.addr.family == FAMILY_NONE ||
	    spec->local.addr.family != spec->remote.addr.family)
		str_add(detail, "outer addresses missing, or of two families");
	else if (!flow_sane(&spec->flow))
		str_add(detail, "flow without addresses, or of two families");
	else if (spec->replay_window > REPLAY_WINDOW_MAX)
		str_addf(detail, "replay window above %d", REPLAY_WINDOW_MAX);
	else if (spec->suite.mode == SA_TRANSPORT &&
	    spec->flow.local.net.first.family != spec->local.addr.family)
		str_add(detail, "transport mode with a flow of another family");
	else
		return WHY_NONE;
	return WHY_BACKEND;
}

static struct mono
sa_deadline(const struct esp_sa *sa)
{
	struct mono soft = MONO_NEVER, hard = MONO_NEVER;

	if (sa->soft_secs > 0 && !sa->seconds_soft_told)
		soft = mono_add(sa->added, span_s(sa->soft_secs));
	if (sa->hard_secs > 0)
		hard = mono_add(sa->added, span_s(sa->hard_secs));
	return mono_min(soft, hard);
}

static struct esp_sa *
sa_of_spec(const struct sa_spec *spec, enum sa_part part, struct mono now)
{
	struct esp_sa *sa = calloc(1, sizeof(*sa));

	if (sa == NULL)
		return NULL;
	sa->suite = spec->suite;
	sa->spi = half_of(spec, part)->spi;
	sa->inbound = part == SA_PART_IN;
	sa->encap = spec->encap;
	sa->four = spec->local.addr.family == FAMILY_IP4;
	sa->local = spec->local;
	sa->remote = spec->remote;
	sa->flow = spec->flow;
	sa->window_meant = spec->replay_window;
	sa->soft_secs = spec->soft_secs;
	sa->hard_secs = spec->hard_secs;
	sa->soft_bytes = spec->soft_bytes;
	sa->hard_bytes = spec->hard_bytes;
	sa->added = now;
	sa->last_use = (struct mono){ -1 };
	if (sa->inbound &&
	    !replay_init(&sa->replay, spec->replay_window, spec->suite.esn)) {
		free(sa);
		return NULL;
	}
	return sa;
}

/* Enters a complete SA into the tables, or frees it. */
static enum why
sa_enter(struct esp_plane *p, struct esp_pair *pair, struct esp_sa *sa)
{
	struct mono at = sa_deadline(sa);
	struct esp_group *g = sa->inbound ? NULL : flows_need(p, &sa->flow);

	if ((!sa->inbound && g == NULL) ||
	    (at.us != MONO_NEVER.us && !heap_set(&p->deadlines, &sa->deadline, at))) {
		if (g != NULL)
			flows_drop_if_empty(p, g);
		sa_free(sa);
		return WHY_NO_MEMORY;
	}
	sa->deadline.what = (uint64_t)(uintptr_t)sa;
	sa->pair = pair;
	if (sa->inbound) {
		*slot_of(p, sa->spi) = (struct esp_slot){ .sa = sa, .spi = sa->spi };
		pair->in = sa;
	} else {
		group_link(g, sa);
		pair->out = sa;
	}
	p->n_sas++;
	return WHY_NONE;
}

enum why
esp_plane_sa_add(struct esp_plane *p, struct mono now, const struct sa_spec *spec,
    enum sa_part part, struct str *detail)
{
	enum why why = spec_check(spec, part, detail);

	if (why != WHY_NONE)
		return why;
	const struct sa_half *half = half_of(spec, part);
	const struct esp_slot *slot = slot_of(p, half->spi);
	struct esp_pair *pair = pair_find(p, spec->id);
	bool inbound = part == SA_PART_IN;
	if ((inbound && slot->spi != half->spi && !slot_free(slot, now)) ||
	    (inbound && slot->spi == half->spi && slot->sa != NULL) ||
	    (pair != NULL && (inbound ? pair->in : pair->out) != NULL)) {
		str_addf(detail, "SPI %08x or this id is in use", (unsigned)half->spi);
		return WHY_BACKEND_EXISTS;
	}
	struct esp_sa *sa = sa_of_spec(spec, part, now);
	if (sa == NULL)
		return WHY_NO_MEMORY;
	why = esp_cipher_new(&spec->suite, secret_view(&half->keymat), !inbound, &sa->cipher);
	if (why != WHY_NONE) {
		sa_suite_print(detail, &spec->suite);
		str_addf(detail, " with %zu octets of key", half->keymat.n);
		sa_free(sa);
		return why;
	}
	sa->len = esp_cipher_lengths(sa->cipher);
	pair = pair_need(p, spec->id);
	if (pair == NULL) {
		sa_free(sa);
		return WHY_NO_MEMORY;
	}
	why = sa_enter(p, pair, sa);
	if (why != WHY_NONE)
		pair_drop_if_empty(p, pair);
	return why;
}

static struct esp_sa *
sa_find(const struct esp_plane *p, uint64_t id, enum sa_part part)
{
	struct esp_pair *pair = pair_find(p, id);

	return pair == NULL ? NULL : part == SA_PART_IN ? pair->in :
	    part == SA_PART_OUT ? pair->out : NULL;
}

enum why
esp_plane_sa_read(const struct esp_plane *p, uint64_t id, enum sa_part part,
    struct sa_spec *ret)
{
	const struct esp_sa *sa = sa_find(p, id, part);
	struct sa_spec s = { .id = id };

	if (sa == NULL)
		return WHY_BACKEND_GONE;
	s.suite = sa->suite;
	s.local = sa->local;
	s.remote = sa->remote;
	s.encap = sa->encap;
	s.flow = sa->flow;
	/* The window that is really checked, not what was asked for (security R3). */
	s.replay_window = sa->inbound ? sa->replay.window : sa->window_meant;
	s.soft_secs = sa->soft_secs;
	s.hard_secs = sa->hard_secs;
	s.soft_bytes = sa->soft_bytes;
	s.hard_bytes = sa->hard_bytes;
	struct sa_half *half = sa->inbound ? &s.in : &s.out;
	half->spi = sa->spi;
	if (!secret_room(&half->keymat, sa->len->key + sa->len->salt + sa->len->auth))
		return WHY_NO_MEMORY;
	*ret = s;
	return WHY_NONE;
}

enum why
esp_plane_sa_delete(struct esp_plane *p, uint64_t id, enum sa_part part)
{
	struct esp_sa *sa = sa_find(p, id, part);

	if (sa == NULL)
		return WHY_BACKEND_GONE;
	struct esp_pair *pair = sa->pair;
	sa_remove(p, sa);
	pair_drop_if_empty(p, pair);
	return WHY_NONE;
}

static uint32_t
idle_secs(const struct esp_sa *sa, struct mono now)
{
	int64_t secs;

	if (sa == NULL || sa->last_use.us < 0)
		return UINT32_MAX;
	secs = span_secs(mono_since(now, sa->last_use));
	return secs < 0 ? 0 : secs >= UINT32_MAX ? UINT32_MAX - 1 : (uint32_t)secs;
}

enum why
esp_plane_query(const struct esp_plane *p, struct mono now, uint64_t id, struct sa_usage *ret)
{
	const struct esp_pair *pair = pair_find(p, id);
	struct sa_usage u = { 0 };

	if (pair == NULL || (pair->in == NULL && pair->out == NULL))
		return WHY_BACKEND_GONE;
	if (pair->in != NULL) {
		u.in_packets = pair->in->packets;
		u.in_bytes = pair->in->bytes;
		u.in_refused = pair->in->refused;
	}
	if (pair->out != NULL) {
		u.out_packets = pair->out->packets;
		u.out_bytes = pair->out->bytes;
	}
	u.in_idle = idle_secs(pair->in, now);
	u.out_idle = idle_secs(pair->out, now);
	*ret = u;
	return WHY_NONE;
}

static void
sa_move(struct esp_sa *sa, const struct endpoint *local, const struct endpoint *remote)
{
	if (sa == NULL)
		return;
	sa->local = *local;
	sa->remote = *remote;
	sa->four = local->addr.family == FAMILY_IP4;
	sa->inner_max = 0;
}

enum why
esp_plane_move(struct esp_plane *p, uint64_t id, const struct endpoint *local,
    const struct endpoint *remote)
{
	struct esp_pair *pair = pair_find(p, id);

	if (pair == NULL || (pair->in == NULL && pair->out == NULL))
		return WHY_BACKEND_GONE;
	if (local->addr.family == FAMILY_NONE || local->addr.family != remote->addr.family)
		return WHY_BACKEND;
	sa_move(pair->in, local, remote);
	sa_move(pair->out, local, remote);
	pair->moved = (struct endpoint){ 0 };
	return WHY_NONE;
}

/* ---- life ---- */

bool
plane_use(struct esp_plane *p, struct mono now, struct esp_sa *sa, size_t bytes)
{
	if (sa->hard_bytes > 0 && sa->bytes + bytes > sa->hard_bytes) {
		plane_hard(p, sa);
		return false;
	}
	sa->packets++;
	sa->bytes += bytes;
	sa->last_use = now;
	if (sa->soft_bytes > 0 && sa->bytes >= sa->soft_bytes)
		sa_soft(p, sa);
	uint64_t last = sa->suite.esn ? UINT64_MAX : UINT32_MAX;
	if (!sa->inbound && last - sa->seq < SEQUENCE_SOFT)
		sa_soft(p, sa);
	return true;
}

void
esp_plane_tick(struct esp_plane *p, struct mono now)
{
	struct deadline *d;

	while ((d = heap_first(&p->deadlines)) != NULL && mono_reached(now, d->at)) {
		struct esp_sa *sa = (struct esp_sa *)(uintptr_t)d->what;

		if (sa->hard_secs > 0 &&
		    mono_reached(now, mono_add(sa->added, span_s(sa->hard_secs)))) {
			plane_hard(p, sa);
			continue;
		}
		sa->seconds_soft_told = true;
		sa_soft(p, sa);
		struct mono at = sa_deadline(sa);
		/* Setting an entry that is in the heap moves it and needs no memory. */
		if (at.us == MONO_NEVER.us || !heap_set(&p->deadlines, &sa->deadline, at))
			heap_clear(&p->deadlines, &sa->deadline);
	}
}

struct mono
esp_plane_next(const struct esp_plane *p)
{
	const struct deadline *d = heap_first(&p->deadlines);

	return d == NULL ? MONO_NEVER : d->at;
}

/* ---- path MTU ---- */

static void
pmtu_expire(struct esp_plane *p, struct mono now)
{
	if (!mono_reached(now, p->pmtu_until))
		return;
	p->pmtu_until = MONO_NEVER;
	for (size_t i = 0; i < PMTU_PATHS; i++) {
		struct pmtu *m = &p->pmtu[i];

		if (m->remote.family == FAMILY_NONE)
			continue;
		if (mono_reached(now, m->until))
			*m = (struct pmtu){ 0 };
		else
			p->pmtu_until = mono_min(p->pmtu_until, m->until);
	}
	p->pmtu_gen++;
}

/* The entry of an address, or else a free one, or else the oldest. */
static struct pmtu *
pmtu_place(struct esp_plane *p, const struct addr *remote)
{
	struct pmtu *best = &p->pmtu[0];

	for (size_t i = 0; i < PMTU_PATHS; i++) {
		struct pmtu *m = &p->pmtu[i];

		if (m->remote.family != FAMILY_NONE && addr_equal(&m->remote, remote))
			return m;
		if (m->remote.family == FAMILY_NONE ||
		    (best->remote.family != FAMILY_NONE && mono_before(m->until, best->until)))
			best = m;
	}
	return best;
}

void
esp_plane_pmtu(struct esp_plane *p, struct mono now, const struct addr *remote, uint32_t mtu)
{
	/* Nobody can make paths useless: no link is smaller than these. */
	uint32_t least = remote->family == FAMILY_IP6 ? IP6_LEAST_MTU : 576;
	struct pmtu *m;

	if (remote->family == FAMILY_NONE || mtu >= p->config.mtu)
		return;
	m = pmtu_place(p, remote);
	*m = (struct pmtu){ .remote = *remote, .mtu = mtu < least ? least : mtu,
	    .until = mono_add(now, span_s(PMTU_SECS)) };
	p->pmtu_until = mono_min(p->pmtu_until, m->until);
	p->pmtu_gen++;
}

static size_t
pmtu_of(const struct esp_plane *p, const struct addr *remote)
{
	for (size_t i = 0; i < PMTU_PATHS; i++)
		if (p->pmtu[i].remote.family != FAMILY_NONE &&
		    addr_equal(&p->pmtu[i].remote, remote))
			return p->pmtu[i].mtu;
	return p->config.mtu;
}

/*
 * Tunnel: the whole inner packet is text.  Transport: its header is the
 * outer one, whose options are not kept, so the sum is the same with the
 * header on the other side.
 */
size_t
plane_inner_max(struct esp_plane *p, struct mono now, struct esp_sa *sa)
{
	pmtu_expire(p, now);
	if (sa->inner_max > 0 && sa->mtu_gen == p->pmtu_gen)
		return sa->inner_max;
	size_t align = sa->len->block < 4 ? 4 : sa->len->block;
	size_t header = sa->four ? IP4_HEADER : IP6_HEADER;
	size_t room = pmtu_of(p, &sa->remote.addr) - header - (sa->encap ? UDP_HEADER : 0) -
	    ESP_HEADER - sa->len->iv - sa->len->icv;
	room = room / align * align - ESP_TRAILER;
	sa->inner_max = room + (sa->suite.mode == SA_TRANSPORT ? header : 0);
	sa->mtu_gen = p->pmtu_gen;
	return sa->inner_max;
}

/* ---- the plane ---- */

enum why
plane_refuse(struct esp_plane *p, struct esp_sa *sa, enum why why)
{
	p->refused[why]++;
	if (sa != NULL)
		sa->refused++;
	return why;
}

uint64_t
esp_plane_refused(const struct esp_plane *p, enum why why)
{
	return why < WHY_MAX ? p->refused[why] : 0;
}

uint32_t
esp_plane_count(const struct esp_plane *p)
{
	return p->n_sas;
}

struct esp_plane *
esp_plane_new(const struct esp_config *config)
{
	struct esp_plane *p = calloc(1, sizeof(*p));
	uint8_t key[16];

	if (p == NULL)
		return NULL;
	random_bytes(key, sizeof(key));
	random_bytes(p->flow_key, sizeof(p->flow_key));
	p->config = *config;
	if (p->config.mtu < IP6_LEAST_MTU)
		p->config.mtu = ESP_MTU_DEFAULT;
	p->pairs = slab_new(sizeof(struct esp_pair), ESP_PAIRS_MAX);
	p->by_id = map_new(key);
	p->by_flow = map_new(key);
	p->slots = calloc(ESP_SAS_MAX, sizeof(*p->slots));
	p->cache = calloc(FLOW_CACHE, sizeof(*p->cache));
	wipe(key, sizeof(key));
	p->flow_gen = 1;
	p->pmtu_gen = 1;
	p->pmtu_until = MONO_NEVER;
	random_bytes(&p->slot_next, sizeof(p->slot_next));
	if (p->pairs == NULL || p->by_id == NULL || p->by_flow == NULL || p->slots == NULL ||
	    p->cache == NULL) {
		esp_plane_free(p);
		return NULL;
	}
	return p;
}

void
esp_plane_clear(struct esp_plane *p)
{
	struct esp_pair *pair;
	struct handle h;
	uint32_t at = 0;

	while ((pair = slab_next(p->pairs, &at, &h)) != NULL) {
		if (pair->in != NULL)
			sa_remove(p, pair->in);
		if (pair->out != NULL)
			sa_remove(p, pair->out);
		if (pair->policy != NULL)
			policy_remove(p, pair);
		if (pair->pending != 0) {
			pair->pending = 0;
			events_unlink(p, pair);
		}
		pair_drop_if_empty(p, pair);
	}
	memset(p->slots, 0, ESP_SAS_MAX * sizeof(*p->slots));
}

void
esp_plane_free(struct esp_plane *p)
{
	if (p == NULL)
		return;
	if (p->pairs != NULL && p->by_id != NULL && p->by_flow != NULL && p->slots != NULL)
		esp_plane_clear(p);
	slab_free(p->pairs);
	map_free(p->by_id);
	map_free(p->by_flow);
	free(p->slots);
	free(p->cache);
	free(p->odd);
	free(p->shapes);
	heap_done(&p->deadlines);
	free(p);
}

void
esp_plane_ask(struct esp_plane *p, struct mono now, const struct esp_ask *a,
    struct esp_answer *ret, struct sa_spec *spec_room)
{
	struct str detail = str_of(ret->detail, sizeof(ret->detail));

	*spec_room = (struct sa_spec){ 0 };
	ret->verb = a->verb;
	ret->seq = a->seq;
	ret->spi = 0;
	ret->usage = (struct sa_usage){ 0 };
	ret->spec = NULL;
	ret->why = WHY_CONTRACT;
	switch ((enum esp_verb)a->verb) {
	case ESP_GET_SPI:
		ret->why = esp_plane_get_spi(p, now, &ret->spi);
		break;
	case ESP_SA_ADD:
		ret->why = esp_plane_sa_add(p, now, a->spec, (enum sa_part)a->part, &detail);
		break;
	case ESP_SA_READ:
		ret->why = esp_plane_sa_read(p, a->id, (enum sa_part)a->part, spec_room);
		ret->spec = ret->why == WHY_NONE ? spec_room : NULL;
		break;
	case ESP_SA_DELETE:
		ret->why = a->id == 0 ? esp_plane_spi_release(p, a->spi) :
		    esp_plane_sa_delete(p, a->id, (enum sa_part)a->part);
		break;
	case ESP_FLOW_ADD:
		ret->why = esp_plane_flow_add(p, a->spec, &detail);
		break;
	case ESP_FLOW_DELETE:
		ret->why = esp_plane_flow_delete(p, a->id);
		break;
	case ESP_QUERY:
		ret->why = esp_plane_query(p, now, a->id, &ret->usage);
		break;
	case ESP_MOVE:
		ret->why = esp_plane_move(p, a->id, &a->local, &a->remote);
		break;
	case ESP_VERB_MAX:
	case ESP_EVENT:
		break;
	}
}
