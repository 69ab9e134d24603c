#include "kern/none.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/slab.h"
#include "kern/flow_key.h"

enum {
	NONE_SAS_MAX = 1 << 18,
	NONE_SPI_TRIES = 64,
	NONE_EVENTS_MAX = 64,
	SPI_LEAST = 0x100		/* RFC 4303, 2.1: 1..255 are reserved */
};

struct none_entry {
	struct sa_spec	spec;
	struct sa_usage	usage;
	uint8_t		part;		/* enum sa_part; 0: a reserved SPI */
	bool		has_usage;
};

struct none {
	struct backend	 base;
	struct none_env	 env;
	uint8_t		 hash_key[16];
	struct slab	*sas, *flows;
	struct map	*by_spi;	/* direction, SPI -> handle in sas */
	struct map	*by_flow;	/* flow key -> handle in flows */
	unsigned	 n_reserved;
	struct kern_event events[NONE_EVENTS_MAX];
	unsigned	 n_events;
};

struct spi_key { uint8_t b[5]; };

static struct none *
none_of(const struct backend *b)
{
	return (struct none *)(uintptr_t)b;
}

/* Inbound SPIs are unique among ours; outbound ones are, per receiver. */
static struct view
spi_key(struct spi_key *room, enum sa_part part, uint32_t spi)
{
	struct wr w = wr_of(room->b, sizeof(room->b));

	wr_u8(&w, (uint8_t)part);
	wr_u32(&w, spi);
	return wr_done(&w);
}

/* Outbound: the SPI, and the address of the receiver who chose it. */
struct out_key { uint8_t b[32]; };

static struct view
out_key(struct out_key *room, const struct endpoint *remote, uint32_t spi)
{
	struct wr w = wr_of(room->b, sizeof(room->b));

	wr_u8(&w, SA_PART_OUT);
	wr_u32(&w, spi);
	wr_view(&w, addr_view(&remote->addr));
	return wr_done(&w);
}

struct sa_key {
	struct spi_key	in;
	struct out_key	out;
};

static struct view
sa_key(struct sa_key *room, const struct sa_spec *spec, enum sa_part part)
{
	if (part == SA_PART_IN)
		return spi_key(&room->in, part, spec->in.spi);
	return out_key(&room->out, &spec->remote, spec->out.spi);
}

static struct none_entry *
sa_entry(const struct none *n, struct view key, struct handle *ret)
{
	uint64_t v;

	if (!map_get(n->by_spi, key, &v))
		return NULL;
	*ret = handle_of_u64(v);
	return slab_find(n->sas, *ret);
}

static struct none_entry *
sa_place(struct none *n, struct view key, struct handle *ret)
{
	struct none_entry *e = slab_add(n->sas, ret);

	if (e == NULL)
		return NULL;
	if (!map_put(n->by_spi, key, handle_u64(*ret))) {
		slab_remove(n->sas, *ret);
		return NULL;
	}
	return e;
}

static void
sa_drop(struct none *n, struct view key, struct handle h, struct none_entry *e)
{
	if (e->part == 0)
		n->n_reserved--;
	sa_spec_done(&e->spec);
	map_remove(n->by_spi, key);
	slab_remove(n->sas, h);
}

static enum why
none_probe(struct str *detail)
{
	str_add(detail, "keeps SAs in memory only; no packet is protected");
	return WHY_NONE;
}

static void
empty_slabs(struct none *n)
{
	struct none_entry *e;
	struct handle h;
	uint32_t at = 0;

	while (n->sas != NULL && (e = slab_next(n->sas, &at, &h)) != NULL)
		sa_spec_done(&e->spec);
	at = 0;
	while (n->flows != NULL && (e = slab_next(n->flows, &at, &h)) != NULL)
		sa_spec_done(&e->spec);
	slab_free(n->sas);
	slab_free(n->flows);
	map_free(n->by_spi);
	map_free(n->by_flow);
	n->sas = n->flows = NULL;
	n->by_spi = n->by_flow = NULL;
	n->n_reserved = 0;
}

static bool
make_slabs(struct none *n)
{
	n->sas = slab_new(sizeof(struct none_entry), NONE_SAS_MAX);
	n->flows = slab_new(sizeof(struct none_entry), NONE_SAS_MAX);
	n->by_spi = map_new(n->hash_key);
	n->by_flow = map_new(n->hash_key);
	return n->sas != NULL && n->flows != NULL && n->by_spi != NULL && n->by_flow != NULL;
}

static void
none_free(struct backend *b)
{
	struct none *n = none_of(b);

	if (n == NULL)
		return;
	empty_slabs(n);
	free(n);
}

struct backend *
none_new(const struct none_env *env)
{
	struct none *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->base.ops = &none_ops;
	n->env = *env;
	n->env.random(n->env.self, n->hash_key, sizeof(n->hash_key));
	if (!make_slabs(n)) {
		none_free(&n->base);
		return NULL;
	}
	return &n->base;
}

static uint32_t
random_spi(struct none *n)
{
	uint8_t room[4];

	n->env.random(n->env.self, room, sizeof(room));
	struct rd r = rd_of(view_of(room, sizeof(room)));
	return rd_u32(&r);
}

static enum why
none_get_spi(struct backend *b, const struct endpoint *local, const struct endpoint *remote,
    uint32_t *ret, struct str *detail)
{
	struct none *n = none_of(b);

	for (unsigned i = 0; i < NONE_SPI_TRIES; i++) {
		uint32_t spi = random_spi(n);
		struct spi_key room;
		struct view key = spi_key(&room, SA_PART_IN, spi);
		struct handle h;

		if (spi < SPI_LEAST || sa_entry(n, key, &h) != NULL)
			continue;
		struct none_entry *e = sa_place(n, key, &h);
		if (e == NULL)
			return WHY_NO_MEMORY;
		e->spec.local = *local;
		e->spec.remote = *remote;
		e->spec.in.spi = spi;
		n->n_reserved++;
		*ret = spi;
		return WHY_NONE;
	}
	str_add(detail, "no free SPI found");
	return WHY_BACKEND;
}

/* An SA of one direction keeps the key of that direction only. */
static bool
keep_direction(struct sa_spec *spec, enum sa_part part)
{
	struct sa_half *mine = part == SA_PART_IN ? &spec->in : &spec->out;
	struct sa_half *other = part == SA_PART_IN ? &spec->out : &spec->in;

	secret_done(&other->keymat);
	return mine->keymat.n > 0;
}

static enum why
none_sa_add(struct backend *b, const struct sa_spec *spec, enum sa_part part, struct str *detail)
{
	struct none *n = none_of(b);
	struct sa_key room;
	struct view key = sa_key(&room, spec, part);
	struct sa_lengths lengths;
	struct handle h;

	if (!sa_suite_lengths(&spec->suite, &lengths)) {
		str_add(detail, "no such suite: ");
		sa_suite_print(detail, &spec->suite);
		return WHY_BACKEND_ALGORITHM;
	}
	struct none_entry *e = sa_entry(n, key, &h);
	if (e != NULL && e->part != 0) {
		str_add(detail, "this SPI is in use");
		return WHY_BACKEND_EXISTS;
	}
	struct sa_spec copy = { 0 };
	if (!sa_spec_copy(&copy, spec))
		return WHY_NO_MEMORY;
	if (!keep_direction(&copy, part)) {
		sa_spec_done(&copy);
		str_add(detail, "no key given");
		return WHY_BACKEND;
	}
	if (e == NULL && (e = sa_place(n, key, &h)) == NULL) {
		sa_spec_done(&copy);
		return WHY_NO_MEMORY;
	}
	if (part == SA_PART_IN && e->spec.in.spi != 0)
		n->n_reserved--;
	sa_spec_done(&e->spec);
	e->spec = copy;			/* ownership of the key moves here */
	e->part = (uint8_t)part;
	return WHY_NONE;
}

static enum why
none_sa_read(struct backend *b, const struct sa_spec *spec, enum sa_part part,
    struct sa_spec *ret, struct str *detail)
{
	struct sa_key room;
	struct handle h;
	struct none_entry *e = sa_entry(none_of(b), sa_key(&room, spec, part), &h);

	if (e == NULL || e->part != part) {
		str_add(detail, "no such SA");
		return WHY_BACKEND_GONE;
	}
	return sa_spec_copy(ret, &e->spec) ? WHY_NONE : WHY_NO_MEMORY;
}

static enum why
none_sa_delete(struct backend *b, const struct sa_spec *spec, enum sa_part part)
{
	struct none *n = none_of(b);
	struct sa_key room;
	struct view key = sa_key(&room, spec, part);
	struct handle h;
	struct none_entry *e = sa_entry(n, key, &h);

	if (e == NULL)
		return WHY_BACKEND_GONE;
	sa_drop(n, key, h, e);
	return WHY_NONE;
}

static struct none_entry *
flow_entry(const struct none *n, const struct flow *flow, struct flow_key *key, struct handle *ret)
{
	uint64_t v;

	*key = flow_key_of(n->hash_key, flow);
	if (!map_get(n->by_flow, flow_key_view(key), &v))
		return NULL;
	*ret = handle_of_u64(v);
	return slab_find(n->flows, *ret);
}

static void
keyless_copy(struct sa_spec *ret, const struct sa_spec *spec)
{
	*ret = *spec;
	ret->in.keymat = (struct secret){ 0 };
	ret->out.keymat = (struct secret){ 0 };
}

static enum why
none_flow_add(struct backend *b, const struct sa_spec *spec, struct str *detail)
{
	struct none *n = none_of(b);
	struct flow_key key;
	struct handle h;
	struct none_entry *e = flow_entry(n, &spec->flow, &key, &h);

	(void)detail;
	if (e == NULL) {
		e = slab_add(n->flows, &h);
		if (e == NULL)
			return WHY_NO_MEMORY;
		if (!map_put(n->by_flow, flow_key_view(&key), handle_u64(h))) {
			slab_remove(n->flows, h);
			return WHY_NO_MEMORY;
		}
	}
	keyless_copy(&e->spec, spec);
	e->part = SA_PART_FLOW;
	return WHY_NONE;
}

static enum why
none_flow_delete(struct backend *b, const struct sa_spec *spec)
{
	struct none *n = none_of(b);
	struct flow_key key;
	struct handle h;

	if (flow_entry(n, &spec->flow, &key, &h) == NULL)
		return WHY_BACKEND_GONE;
	map_remove(n->by_flow, flow_key_view(&key));
	slab_remove(n->flows, h);
	return WHY_NONE;
}

static enum why
none_query(struct backend *b, const struct sa_spec *spec, struct sa_usage *ret)
{
	struct sa_key room;
	struct handle h;
	struct none_entry *in = sa_entry(none_of(b), sa_key(&room, spec, SA_PART_IN), &h);

	if (in == NULL || in->part != SA_PART_IN)
		return WHY_BACKEND_GONE;
	*ret = in->has_usage ? in->usage :
	    (struct sa_usage){ .in_idle = UINT32_MAX, .out_idle = UINT32_MAX };
	return WHY_NONE;
}

/* The outbound SA is found by the peer's address, so it gets a new key. */
static enum why
move_out(struct none *n, const struct sa_spec *spec, const struct endpoint *local,
    const struct endpoint *remote)
{
	struct out_key old_room, new_room;
	struct view old = out_key(&old_room, &spec->remote, spec->out.spi);
	struct view new = out_key(&new_room, remote, spec->out.spi);
	struct handle h, other;
	struct none_entry *e = sa_entry(n, old, &h);

	if (e == NULL)
		return WHY_BACKEND_GONE;
	if (!view_equal(old, new)) {
		if (sa_entry(n, new, &other) != NULL)
			return WHY_BACKEND_EXISTS;
		if (!map_put(n->by_spi, new, handle_u64(h)))
			return WHY_NO_MEMORY;
		map_remove(n->by_spi, old);
	}
	e->spec.local = *local;
	e->spec.remote = *remote;
	return WHY_NONE;
}

static enum why
none_move(struct backend *b, const struct sa_spec *spec, const struct endpoint *local,
    const struct endpoint *remote)
{
	struct none *n = none_of(b);
	struct sa_key room;
	struct handle h;
	struct none_entry *in = sa_entry(n, sa_key(&room, spec, SA_PART_IN), &h);

	if (in == NULL || in->part != SA_PART_IN)
		return WHY_BACKEND_GONE;
	enum why why = move_out(n, spec, local, remote);
	if (why != WHY_NONE)
		return why;
	in->spec.local = *local;
	in->spec.remote = *remote;
	return WHY_NONE;
}

static int
none_fd(struct backend *b)
{
	(void)b;
	return -1;
}

static bool
none_event(struct backend *b, struct kern_event *ret)
{
	struct none *n = none_of(b);

	if (n->n_events == 0)
		return false;
	*ret = n->events[0];
	n->n_events--;
	memmove(&n->events[0], &n->events[1], n->n_events * sizeof(n->events[0]));
	return true;
}

const struct backend_ops none_ops = {
	.name = "none",
	.probe = none_probe,
	.free = none_free,
	.get_spi = none_get_spi,
	.sa_add = none_sa_add,
	.sa_read = none_sa_read,
	.sa_delete = none_sa_delete,
	.flow_add = none_flow_add,
	.flow_delete = none_flow_delete,
	.query = none_query,
	.move = none_move,
	.fd = none_fd,
	.event = none_event,
};

void
none_each_sa(const struct backend *b, void (*each)(void *self, const struct none_sa *),
    void *self)
{
	const struct none_entry *e;
	struct handle h;
	uint32_t at = 0;

	while ((e = slab_next(none_of(b)->sas, &at, &h)) != NULL) {
		struct none_sa sa = { .spec = &e->spec, .part = (enum sa_part)e->part };

		if (e->part != 0)
			each(self, &sa);
	}
}

void
none_each_flow(const struct backend *b, void (*each)(void *self, const struct sa_spec *),
    void *self)
{
	const struct none_entry *e;
	struct handle h;
	uint32_t at = 0;

	while ((e = slab_next(none_of(b)->flows, &at, &h)) != NULL)
		each(self, &e->spec);
}

unsigned
none_count_sas(const struct backend *b)
{
	return slab_count(none_of(b)->sas) - none_of(b)->n_reserved;
}

unsigned
none_count_flows(const struct backend *b)
{
	return slab_count(none_of(b)->flows);
}

unsigned
none_count_reserved(const struct backend *b)
{
	return none_of(b)->n_reserved;
}

bool
none_set_usage(struct backend *b, uint64_t id, const struct sa_usage *usage)
{
	struct none_entry *e;
	struct handle h;
	uint32_t at = 0;

	while ((e = slab_next(none_of(b)->sas, &at, &h)) != NULL)
		if (e->part == SA_PART_IN && e->spec.id == id) {
			e->usage = *usage;
			e->has_usage = true;
			return true;
		}
	return false;
}

bool
none_raise(struct backend *b, const struct kern_event *event)
{
	struct none *n = none_of(b);

	if (n->n_events == NONE_EVENTS_MAX)
		return false;
	n->events[n->n_events++] = *event;
	return true;
}

void
none_lose_all(struct backend *b)
{
	struct none *n = none_of(b);
	struct none_entry *e;
	struct handle h;
	uint32_t at = 0;

	while ((e = slab_next(n->sas, &at, &h)) != NULL) {
		struct sa_key room;
		enum sa_part part = e->part == SA_PART_OUT ? SA_PART_OUT : SA_PART_IN;

		sa_drop(n, sa_key(&room, &e->spec, part), h, e);
	}
	at = 0;
	while ((e = slab_next(n->flows, &at, &h)) != NULL)
		(void)none_flow_delete(b, &e->spec);

	/* What happened before no longer matters. */
	n->events[0] = (struct kern_event){ .kind = KERN_GONE };
	n->n_events = 1;
}
