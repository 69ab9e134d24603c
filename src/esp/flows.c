/*
 * The SPD: which flow a packet belongs to.  Flows between two subnets, which is
 * nearly all, are found by their hash: for each shape there is (prefix
 * lengths, with or without protocol and ports) the packet is cut to it and
 * looked up, so thousands of flows of one shape cost as much as one.  Flows
 * with ranges that are no subnet are asked one after the other.  In front of
 * both is a cache of packets.
 */
#include "esp/internal.h"

#include <assert.h>
#include <stdlib.h>

/*
 * More specific flows come first, so that a connection for one host or port
 * inside another's network has its way: leading bits that are fixed, then
 * protocol and ports.
 */
static unsigned
common_bits(const struct range *r)
{
	unsigned bits = 0;

	for (size_t i = 0; i < addr_len(&r->first); i++) {
		uint8_t diff = r->first.b[i] ^ r->last.b[i];

		if (diff == 0) {
			bits += 8;
			continue;
		}
		return bits + (unsigned)__builtin_clz(diff) - 24;
	}
	return bits;
}

static uint32_t
flow_specific(const struct flow *f)
{
	return (common_bits(&f->local.net) + common_bits(&f->remote.net)) * 4 +
	    (f->protocol != 0) + (f->local.port != 0) + (f->remote.port != 0);
}

/* Fills a shape; false: not between two subnets. */
static bool
shape_of(const struct flow *f, struct flow_shape *ret)
{
	int local = range_bits(&f->local.net), remote = range_bits(&f->remote.net);

	/* A packet does not tell of which link its addresses are. */
	if (local < 0 || remote < 0 || f->local.net.first.scope != 0 ||
	    f->local.net.last.scope != 0 || f->remote.net.first.scope != 0 ||
	    f->remote.net.last.scope != 0)
		return false;
	*ret = (struct flow_shape){ .family = f->local.net.first.family,
	    .local = (uint8_t)local, .remote = (uint8_t)remote, .protocol = f->protocol != 0,
	    .local_port = f->local.port != 0, .remote_port = f->remote.port != 0,
	    .specific = flow_specific(f) };
	return true;
}

static bool
shape_equal(const struct flow_shape *a, const struct flow_shape *b)
{
	return a->family == b->family && a->local == b->local && a->remote == b->remote &&
	    a->protocol == b->protocol && a->local_port == b->local_port &&
	    a->remote_port == b->remote_port;
}

/* Room for one more in an array of n; NULL without memory. */
static void *
more_room(void *array, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap == 0 ? 16 : *cap * 2;

	if (n < *cap)
		return array;
	void *p = reallocarray(array, more, size);
	if (p != NULL)
		*cap = more;
	return p;
}

/* One flow more of that shape; the most specific shapes come first. */
static bool
shape_enter(struct esp_plane *p, const struct flow_shape *shape)
{
	size_t at = 0;

	for (size_t i = 0; i < p->n_shapes; i++)
		if (shape_equal(&p->shapes[i], shape)) {
			p->shapes[i].n++;
			return true;
		}
	struct flow_shape *more = more_room(p->shapes, p->n_shapes, &p->cap_shapes, sizeof(*more));
	if (more == NULL)
		return false;
	p->shapes = more;
	while (at < p->n_shapes && p->shapes[at].specific > shape->specific)
		at++;
	memmove(&p->shapes[at + 1], &p->shapes[at], (p->n_shapes - at) * sizeof(*more));
	p->shapes[at] = *shape;
	p->shapes[at].n = 1;
	p->n_shapes++;
	return true;
}

static void
shape_leave(struct esp_plane *p, const struct flow_shape *shape)
{
	for (size_t i = 0; i < p->n_shapes; i++) {
		if (!shape_equal(&p->shapes[i], shape))
			continue;
		if (--p->shapes[i].n == 0) {
			p->n_shapes--;
			memmove(&p->shapes[i], &p->shapes[i + 1],
			    (p->n_shapes - i) * sizeof(*p->shapes));
		}
		return;
	}
}

static struct selector
selector_cut(const struct addr *a, unsigned bits, bool has_port, uint16_t port)
{
	return (struct selector){ .net = { addr_first_of(a, bits), addr_last_of(a, bits) },
	    .port = has_port ? port : 0 };
}

/* The flow of that shape the packet would belong to; false: none can have it. */
static bool
shape_cut(const struct flow_shape *s, const struct ip_info *ip, struct flow *ret)
{
	if (s->family != ip->src.family ||
	    ((s->local_port || s->remote_port) && !ip->has_ports))
		return false;
	*ret = (struct flow){ .protocol = s->protocol ? ip->protocol : 0,
	    .local = selector_cut(&ip->src, s->local, s->local_port, ip->sport),
	    .remote = selector_cut(&ip->dst, s->remote, s->remote_port, ip->dport) };
	/* A flow without the protocol or port, though it is zero in the packet, has another shape. */
	return (!s->protocol || ret->protocol != 0) && (!s->local_port || ret->local.port != 0) &&
	    (!s->remote_port || ret->remote.port != 0);
}

/*
 * Groups are found by a keyed hash of their flow.  Should two flows ever have
 * the same one, the second is not in the map but among the odd ones, and has
 * a group per add.
 */
static uint64_t
flow_hash(const struct esp_plane *p, const struct flow *f)
{
	uint8_t room[128];
	struct wr w = wr_of(room, sizeof(room));

	flow_encode(&w, f);
	return siphash(p->flow_key, wr_done(&w));
}

static struct view
hash_view(const uint64_t *h)
{
	return view_of(h, sizeof(*h));
}

static struct esp_group *
group_find(const struct esp_plane *p, const struct flow *f)
{
	uint64_t h = flow_hash(p, f), v;

	if (!map_get(p->by_flow, hash_view(&h), &v))
		return NULL;
	struct esp_group *g = (struct esp_group *)(uintptr_t)v;
	return flow_equal(&g->flow, f) ? g : NULL;
}

/* Where an odd group of that rank goes: before its equals, behind those that are more specific. */
static size_t
odd_place(const struct esp_plane *p, uint32_t specific)
{
	size_t low = 0, high = p->n_odd;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (p->odd[mid]->specific > specific)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
odd_enter(struct esp_plane *p, struct esp_group *g)
{
	struct esp_group **more = more_room(p->odd, p->n_odd, &p->cap_odd,
	    sizeof(struct esp_group *));

	if (more == NULL)
		return false;
	p->odd = more;
	size_t at = odd_place(p, g->specific);
	memmove(&p->odd[at + 1], &p->odd[at], (p->n_odd - at) * sizeof(struct esp_group *));
	p->odd[at] = g;
	p->n_odd++;
	return true;
}

static void
odd_leave(struct esp_plane *p, const struct esp_group *g)
{
	size_t at;

	for (at = odd_place(p, g->specific); p->odd[at] != g; at++)
		assert(at + 1 < p->n_odd);
	p->n_odd--;
	memmove(&p->odd[at], &p->odd[at + 1], (p->n_odd - at) * sizeof(struct esp_group *));
}

static bool
group_enter(struct esp_plane *p, struct esp_group *g)
{
	uint64_t h = flow_hash(p, &g->flow), v;
	struct flow_shape shape;
	bool mapped = !map_get(p->by_flow, hash_view(&h), &v);

	if (mapped && !map_put(p->by_flow, hash_view(&h), (uint64_t)(uintptr_t)g))
		return false;
	g->shaped = mapped && shape_of(&g->flow, &shape);
	if (g->shaped ? shape_enter(p, &shape) : odd_enter(p, g))
		return true;
	if (mapped)
		map_remove(p->by_flow, hash_view(&h));
	return false;
}

/* An allocated group in its place of the SPD. */
struct esp_group *
flows_need(struct esp_plane *p, const struct flow *f)
{
	struct esp_group *g = group_find(p, f);

	if (g != NULL)
		return g;
	g = p->n_groups == ESP_FLOWS_MAX ? NULL : calloc(1, sizeof(*g));
	if (g == NULL)
		return NULL;
	g->flow = *f;
	g->specific = flow_specific(f);
	g->born = ++p->groups_born;
	if (!group_enter(p, g)) {
		free(g);
		return NULL;
	}
	p->n_groups++;
	p->flow_gen++;
	return g;
}

void
flows_drop_if_empty(struct esp_plane *p, struct esp_group *g)
{
	uint64_t h = flow_hash(p, &g->flow);
	struct flow_shape shape;

	if (g->policies != NULL || g->newest != NULL)
		return;
	if (group_find(p, &g->flow) == g)
		map_remove(p->by_flow, hash_view(&h));
	if (!g->shaped)
		odd_leave(p, g);
	else if (shape_of(&g->flow, &shape))
		shape_leave(p, &shape);
	p->n_groups--;
	p->flow_gen++;
	free(g);
}

static bool
cache_hit(const struct esp_plane *p, const struct flow_cache *c, const struct ip_info *ip)
{
	return c->gen == p->flow_gen && c->protocol == ip->protocol &&
	    c->ports == ip->has_ports && c->sport == ip->sport && c->dport == ip->dport &&
	    addr_equal(&c->src, &ip->src) && addr_equal(&c->dst, &ip->dst);
}

/* Only a cache: whoever finds collisions gets the walk, not another answer. */
static size_t
cache_place(const struct ip_info *ip)
{
	struct rd src = rd_of(addr_view(&ip->src)), dst = rd_of(addr_view(&ip->dst));
	uint32_t h = (uint32_t)ip->sport << 16 ^ ip->dport ^ (uint32_t)ip->protocol << 8;

	while (src.n >= 4)
		h = (h ^ rd_u32(&src)) * 0x9e3779b1;
	while (dst.n >= 4)
		h = (h ^ rd_u32(&dst)) * 0x85ebca6b;
	return (h ^ h >> 16) & (FLOW_CACHE - 1);
}

/* Of two that match: the more specific one, then the newer one. */
static struct esp_group *
better(struct esp_group *a, struct esp_group *b)
{
	if (a == NULL || b == NULL)
		return a == NULL ? b : a;
	if (a->specific != b->specific)
		return a->specific > b->specific ? a : b;
	return a->born > b->born ? a : b;
}

static struct esp_group *
find_shaped(const struct esp_plane *p, const struct ip_info *ip)
{
	struct esp_group *best = NULL;
	struct flow f;

	for (size_t i = 0; i < p->n_shapes; i++) {
		if (best != NULL && p->shapes[i].specific < best->specific)
			break;
		struct esp_group *g = shape_cut(&p->shapes[i], ip, &f) ? group_find(p, &f) : NULL;
		if (g != NULL && g->policies != NULL)
			best = better(best, g);
	}
	return best;
}

static struct esp_group *
find_odd(const struct esp_plane *p, const struct ip_info *ip)
{
	for (size_t i = 0; i < p->n_odd; i++)
		if (p->odd[i]->policies != NULL && ip_matches(ip, &p->odd[i]->flow, true))
			return p->odd[i];
	return NULL;
}

struct esp_group *
plane_policy(struct esp_plane *p, const struct ip_info *ip)
{
	struct flow_cache *c = &p->cache[cache_place(ip)];

	if (cache_hit(p, c, ip))
		return c->group;
	struct esp_group *g = better(find_shaped(p, ip), find_odd(p, ip));
	*c = (struct flow_cache){ .gen = p->flow_gen, .protocol = ip->protocol,
	    .ports = ip->has_ports, .sport = ip->sport, .dport = ip->dport, .src = ip->src,
	    .dst = ip->dst, .group = g };
	return g;
}
