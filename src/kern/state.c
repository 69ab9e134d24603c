#include "kern/state.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/slab.h"
#include "kern/flow_key.h"

struct held {			/* what one id has installed */
	struct sa_spec	spec;	/* without keys */
	uint8_t		parts;
	bool		orphan;	/* a flow that the core has not asked for since it lost all */
	bool		expired; /* the back end said so: the core removes it */
};

/*
 * One flow, needed by one or more ids.  The back end knows it by an id of its
 * own, for the id that asked first may be gone before the flow is.
 */
struct flow_use {
	struct sa_spec	spec;	/* as placed last; without keys */
	uint64_t	id;	/* FLOW_ID and its handle */
	uint32_t	refs;
	bool		placed;	/* the back end has it */
	bool		taken;	/* another program's stands in its place, and that was said */
};

/* No handle of the core has these bits. */
static const uint64_t FLOW_ID = UINT64_C(1) << 63;
static const uint64_t LEFT_ID = UINT64_C(1) << 62;	/* a flow that a core left behind */

struct reserved {
	uint32_t	spi;
	struct endpoint	local, remote;
};

/* Which entries of a table are to be compared with the intent. */
struct look { uint32_t at; unsigned due; };

struct kern_state {
	struct backend	*backend;
	struct look	 pairs, paths;
	uint64_t	 n_left;	/* ids with LEFT_ID so far */
	bool		 quiet;		/* what is found has been said already */
	char		 said[400];
	uint8_t		 hash_key[16];
	struct slab	*held, *flows, *reserved;
	struct map	*by_id, *by_flow, *by_spi;
};

struct octets8 { uint8_t b[8]; };

static struct view
u64_key(struct octets8 *room, uint64_t v)
{
	struct wr w = wr_of(room->b, sizeof(room->b));

	wr_u64(&w, v);
	return wr_done(&w);
}

static struct str
say(struct kern_state *s)
{
	return str_of(s->said, sizeof(s->said));
}

/* Keys have their own owner; what stays here is the rest. */
static void
keyless(struct sa_spec *ret, const struct sa_spec *spec)
{
	*ret = *spec;
	ret->in.keymat = (struct secret){ 0 };
	ret->out.keymat = (struct secret){ 0 };
}

/* ---- tables ---- */

static void *
table_find(const struct slab *slab, const struct map *map, struct view key, struct handle *ret)
{
	uint64_t v;

	if (!map_get(map, key, &v))
		return NULL;
	*ret = handle_of_u64(v);
	return slab_find(slab, *ret);
}

static void *
table_add(struct slab *slab, struct map *map, struct view key)
{
	struct handle h;
	void *p = slab_add(slab, &h);

	if (p != NULL && !map_put(map, key, handle_u64(h))) {
		slab_remove(slab, h);
		p = NULL;
	}
	return p;
}

static void
table_remove(struct slab *slab, struct map *map, struct view key)
{
	uint64_t v;

	if (!map_get(map, key, &v))
		return;
	map_remove(map, key);
	slab_remove(slab, handle_of_u64(v));
}

static struct held *
held_find(const struct kern_state *s, uint64_t id)
{
	struct octets8 room;
	struct handle h;

	return table_find(s->held, s->by_id, u64_key(&room, id), &h);
}

static struct held *
held_add(struct kern_state *s, uint64_t id)
{
	struct octets8 room;

	return table_add(s->held, s->by_id, u64_key(&room, id));
}

static void
held_remove(struct kern_state *s, uint64_t id)
{
	struct octets8 room;

	table_remove(s->held, s->by_id, u64_key(&room, id));
}

static struct flow_use *
flow_find(const struct kern_state *s, const struct flow *flow)
{
	struct flow_key key = flow_key_of(s->hash_key, flow);
	struct handle h;
	struct flow_use *f = table_find(s->flows, s->by_flow, flow_key_view(&key), &h);

	return f != NULL && flow_equal(&f->spec.flow, flow) ? f : NULL;
}

static void
flow_forget(struct kern_state *s, const struct flow *flow)
{
	struct flow_key key = flow_key_of(s->hash_key, flow);

	table_remove(s->flows, s->by_flow, flow_key_view(&key));
}

/* ---- reserved SPIs ---- */

static struct reserved *
reserved_find(const struct kern_state *s, uint32_t spi)
{
	struct octets8 room;
	struct handle h;

	return table_find(s->reserved, s->by_spi, u64_key(&room, spi), &h);
}

static void
reserved_forget(struct kern_state *s, uint32_t spi)
{
	struct octets8 room;

	table_remove(s->reserved, s->by_spi, u64_key(&room, spi));
}

static void
release_spi(struct kern_state *s, uint32_t spi)
{
	struct reserved *r = reserved_find(s, spi);

	if (r == NULL)
		return;
	struct sa_spec spec = { .local = r->local, .remote = r->remote, .in.spi = spi };
	(void)s->backend->ops->sa_delete(s->backend, &spec, SA_PART_IN);
	reserved_forget(s, spi);
}

static enum why
ask_get_spi(struct kern_state *s, const struct kern_ask *a, uint32_t *ret, struct str *detail)
{
	struct octets8 room;
	uint32_t spi;
	enum why why = s->backend->ops->get_spi(s->backend, &a->local, &a->remote, &spi, detail);

	if (why != WHY_NONE)
		return why;
	struct reserved *r = reserved_find(s, spi);
	if (r == NULL)			/* else the back end let an old one lapse */
		r = table_add(s->reserved, s->by_spi, u64_key(&room, spi));
	if (r == NULL) {
		struct sa_spec spec = { .local = a->local, .remote = a->remote, .in.spi = spi };
		(void)s->backend->ops->sa_delete(s->backend, &spec, SA_PART_IN);
		str_add(detail, "too many SPIs wait for their SA");
		return WHY_NO_MEMORY;
	}
	*r = (struct reserved){ .spi = spi, .local = a->local, .remote = a->remote };
	*ret = spi;
	return WHY_NONE;
}

/* ---- reading back ---- */

static void
differ(struct str *detail, const char *what, uint64_t wanted, uint64_t got)
{
	str_addf(detail, "%s: wanted %llu, the back end holds %llu", what,
	    (unsigned long long)wanted, (unsigned long long)got);
}

static bool
same_suite(const struct sa_suite *a, const struct sa_suite *b)
{
	return a->protocol == b->protocol && a->cipher == b->cipher && a->auth == b->auth &&
	    a->mode == b->mode && a->key_bits == b->key_bits && a->esn == b->esn;
}

static bool
compare_suite(const struct sa_suite *want, const struct sa_suite *got, struct str *detail)
{
	if (same_suite(want, got))
		return true;
	str_add(detail, "suite: wanted ");
	sa_suite_print(detail, want);
	str_add(detail, ", the back end holds ");
	sa_suite_print(detail, got);
	return false;
}

static bool
compare_endpoint(const char *what, const struct endpoint *want, const struct endpoint *got,
    bool port, struct str *detail)
{
	if (addr_compare(&want->addr, &got->addr) == 0 && (!port || want->port == got->port))
		return true;
	str_addf(detail, "%s: wanted ", what);
	endpoint_print(detail, want);
	str_add(detail, ", the back end holds ");
	endpoint_print(detail, got);
	return false;
}

static bool
compare_flow(const struct flow *want, const struct flow *got, struct str *detail)
{
	if (flow_equal(want, got))
		return true;
	str_add(detail, "selectors: wanted ");
	flow_print(detail, want);
	str_add(detail, ", the back end holds ");
	flow_print(detail, got);
	return false;
}

static const struct sa_half *
half_of(const struct sa_spec *spec, enum sa_part part)
{
	return part == SA_PART_IN ? &spec->in : &spec->out;
}

static size_t
octets_of_key(const struct sa_suite *suite)
{
	struct sa_lengths l;

	return sa_suite_lengths(suite, &l) ? l.key + l.salt + l.auth : 0;
}

/* Security R3: what protects must be what was meant, in every field. */
static bool
as_meant(const struct sa_spec *want, const struct sa_spec *got, enum sa_part part,
    struct str *detail)
{
	const struct sa_half *w = half_of(want, part), *g = half_of(got, part);
	size_t key = octets_of_key(&want->suite);	/* a spec that is held has none */

	if (part == SA_PART_IN && want->replay_window != got->replay_window) {
		differ(detail, "replay window", want->replay_window, got->replay_window);
		return false;
	}
	if (w->spi != g->spi) {
		differ(detail, "SPI", w->spi, g->spi);
		return false;
	}
	if (key != g->keymat.n) {
		differ(detail, "octets of key", key, g->keymat.n);
		return false;
	}
	if (want->encap != got->encap) {
		differ(detail, "UDP encapsulation", want->encap, got->encap);
		return false;
	}
	return compare_suite(&want->suite, &got->suite, detail) &&
	    compare_flow(&want->flow, &got->flow, detail) &&
	    compare_endpoint("local address", &want->local, &got->local, want->encap, detail) &&
	    compare_endpoint("remote address", &want->remote, &got->remote, want->encap, detail);
}

/* ---- installing ---- */

/* Reads an SA back; BACKEND_DIFFERS with both values. */
static enum why
sa_check(struct kern_state *s, const struct sa_spec *spec, enum sa_part part, struct str *detail)
{
	struct sa_spec got = { 0 };
	enum why why = s->backend->ops->sa_read(s->backend, spec, part, &got, detail);

	if (why == WHY_NONE && !as_meant(spec, &got, part, detail))
		why = WHY_BACKEND_DIFFERS;
	sa_spec_done(&got);
	return why;
}

/*
 * Shared-SADB: what another daemon has put there is as good as ours, if it is
 * what ours would be.  Anything else under its SPI stays untouched and is a refusal.
 */
static enum why
sa_take(struct kern_state *s, const struct sa_spec *spec, enum sa_part part, struct str *detail)
{
	const struct backend_ops *ops = s->backend->ops;
	STR(differs, 240);

	if (!spec->shared || ops->sa_take == NULL)
		return WHY_BACKEND_EXISTS;
	enum why why = sa_check(s, spec, part, &differs);
	if (why == WHY_NONE)
		why = ops->sa_take(s->backend, spec, part, &differs);
	if (why != WHY_NONE) {
		str_addf(detail, "; it is not the one that is meant: %s", differs.p);
		return WHY_BACKEND_EXISTS;
	}
	*detail = str_of(detail->p, detail->cap);
	struct str line = say(s);
	str_addf(&line, "%s SA 0x%08x of connection %s was there already: taken as ours (Shared-SADB)",
	    part == SA_PART_IN ? "inbound" : "outbound", (unsigned)half_of(spec, part)->spi,
	    spec->name);
	return WHY_NONE;
}

static enum why
sa_place(struct kern_state *s, const struct sa_spec *spec, enum sa_part part, struct str *detail)
{
	const struct backend_ops *ops = s->backend->ops;
	enum why why = ops->sa_add(s->backend, spec, part, detail);

	if (why == WHY_BACKEND_EXISTS)
		return sa_take(s, spec, part, detail);
	if (why != WHY_NONE)
		return why;
	why = sa_check(s, spec, part, detail);
	if (why != WHY_NONE)
		(void)ops->sa_delete(s->backend, spec, part);
	return why;
}

/* What a policy of the back end is made of, besides the flow. */
static bool
same_template(const struct sa_spec *a, const struct sa_spec *b)
{
	return endpoint_equal(&a->local, &b->local) && endpoint_equal(&a->remote, &b->remote) &&
	    a->suite.protocol == b->suite.protocol && a->suite.mode == b->suite.mode &&
	    a->encap == b->encap;
}

static enum why
flow_check(struct kern_state *s, const struct sa_spec *spec, struct str *detail)
{
	const struct backend_ops *ops = s->backend->ops;

	return ops->flow_check == NULL ? WHY_NONE : ops->flow_check(s->backend, spec, detail);
}

static enum why
flow_place(struct kern_state *s, struct flow_use *f, const struct sa_spec *spec,
    struct str *detail)
{
	struct sa_spec as;

	keyless(&as, spec);
	as.id = f->id;
	enum why why = s->backend->ops->flow_add(s->backend, &as, detail);
	if (why != WHY_NONE)
		return why;
	why = flow_check(s, &as, detail);
	if (why != WHY_NONE) {
		(void)s->backend->ops->flow_delete(s->backend, &as);
		f->placed = false;
		return why;
	}
	f->spec = as;
	f->placed = true;
	return WHY_NONE;
}

static struct flow_use *
flow_make(struct kern_state *s, const struct flow *flow)
{
	struct flow_key key = flow_key_of(s->hash_key, flow);
	struct flow_use *f = table_add(s->flows, s->by_flow, flow_key_view(&key));
	uint64_t handle;

	if (f == NULL)
		return NULL;
	(void)map_get(s->by_flow, flow_key_view(&key), &handle);
	f->id = FLOW_ID | handle;
	return f;
}

static enum why
flow_need(struct kern_state *s, const struct sa_spec *spec, struct str *detail)
{
	struct flow_use *f = flow_find(s, &spec->flow);
	enum why why = WHY_NONE;

	if (f == NULL && (f = flow_make(s, &spec->flow)) == NULL)
		return WHY_NO_MEMORY;
	if (!f->placed || !same_template(&f->spec, spec))
		why = flow_place(s, f, spec, detail);
	if (why != WHY_NONE) {
		if (f->refs == 0)
			flow_forget(s, &spec->flow);
		return why;
	}
	f->refs++;
	return WHY_NONE;
}

static enum why
flow_release(struct kern_state *s, const struct flow *flow)
{
	struct flow_use *f = flow_find(s, flow);
	enum why why = WHY_NONE;

	if (f == NULL || --f->refs > 0)
		return WHY_NONE;
	if (f->placed)
		why = s->backend->ops->flow_delete(s->backend, &f->spec);
	flow_forget(s, flow);
	return why;
}

/* Not there is as good as deleted; and a data plane that ended took its SAs along. */
static enum why
deleted(enum why why)
{
	return why == WHY_BACKEND_GONE || why == WHY_ROLE_GONE ? WHY_NONE : why;
}

/*
 * Takes parts of a spec out of the back end; goes through with all of them
 * and reports the first refusal.  What is not there is no error.  The flow
 * goes last: until then nothing of it passes in clear.
 */
static enum why
take_out(struct kern_state *s, const struct sa_spec *spec, uint8_t parts)
{
	static const enum sa_part order[] = { SA_PART_OUT, SA_PART_IN };
	enum why first = WHY_NONE;

	for (size_t i = 0; i < COUNT(order); i++) {
		if ((parts & order[i]) == 0)
			continue;
		enum why why = deleted(s->backend->ops->sa_delete(s->backend, spec, order[i]));
		if (first == WHY_NONE)
			first = why;
	}
	if ((parts & SA_PART_FLOW) != 0) {
		enum why why = deleted(flow_release(s, &spec->flow));
		if (first == WHY_NONE)
			first = why;
	}
	return first;
}

/* Places the parts in order; on failure takes back what it had placed. */
static enum why
put_in(struct kern_state *s, const struct sa_spec *spec, uint8_t parts, struct str *detail)
{
	enum why why = WHY_NONE;
	uint8_t done = 0;

	if ((parts & SA_PART_IN) != 0 &&
	    (why = sa_place(s, spec, SA_PART_IN, detail)) == WHY_NONE)
		done |= SA_PART_IN;
	if (why == WHY_NONE && (parts & SA_PART_OUT) != 0 &&
	    (why = sa_place(s, spec, SA_PART_OUT, detail)) == WHY_NONE)
		done |= SA_PART_OUT;
	if (why == WHY_NONE && (parts & SA_PART_FLOW) != 0)
		why = flow_need(s, spec, detail);
	if (why != WHY_NONE)
		(void)take_out(s, spec, done);	/* the first reason is the one to tell */
	return why;
}

/* Whether the keys are what the suite needs: no shorter, no longer, not absent. */
static enum why
check_keys(const struct sa_spec *spec, uint8_t parts, struct str *detail)
{
	struct sa_lengths l;

	if ((parts & (SA_PART_IN | SA_PART_OUT)) == 0)
		return WHY_NONE;
	if (!sa_suite_lengths(&spec->suite, &l)) {
		str_add(detail, "no such suite: ");
		sa_suite_print(detail, &spec->suite);
		return WHY_BACKEND_ALGORITHM;
	}
	for (unsigned part = SA_PART_IN; part <= SA_PART_OUT; part <<= 1)
		if ((parts & part) != 0 && half_of(spec, (enum sa_part)part)->keymat.n !=
		    l.key + l.salt + l.auth) {
			differ(detail, "octets of key", l.key + l.salt + l.auth,
			    half_of(spec, (enum sa_part)part)->keymat.n);
			return WHY_BACKEND;
		}
	return WHY_NONE;
}

static enum why
check_install(const struct kern_state *s, const struct kern_ask *a, struct str *detail)
{
	const uint8_t all = SA_PART_IN | SA_PART_OUT | SA_PART_FLOW;

	if (a->spec == NULL || a->parts == 0 || (a->parts & ~all) != 0)
		return WHY_CONTRACT;
	const struct held *h = held_find(s, a->spec->id);
	if (h != NULL && (h->parts & a->parts & (SA_PART_IN | SA_PART_OUT)) != 0) {
		str_add(detail, "this id has its SA already");
		return WHY_BACKEND_EXISTS;
	}
	if (h != NULL && (h->parts & (SA_PART_IN | SA_PART_OUT)) != 0 &&
	    (h->spec.in.spi != a->spec->in.spi || h->spec.out.spi != a->spec->out.spi)) {
		str_add(detail, "this id has other SPIs");
		return WHY_BACKEND_EXISTS;
	}
	if (h != NULL && (h->parts & SA_PART_FLOW) != 0 &&
	    !flow_equal(&h->spec.flow, &a->spec->flow)) {
		str_add(detail, "this id has another flow");
		return WHY_BACKEND_EXISTS;
	}
	return check_keys(a->spec, a->parts, detail);
}

static enum why
ask_install(struct kern_state *s, const struct kern_ask *a, struct str *detail)
{
	enum why why = check_install(s, a, detail);

	if (why != WHY_NONE)
		return why;
	struct held *h = held_find(s, a->spec->id);
	bool fresh = h == NULL;
	if (fresh && (h = held_add(s, a->spec->id)) == NULL)
		return WHY_NO_MEMORY;
	/* A flow that this id has is counted once. */
	uint8_t parts = a->parts & (uint8_t)~h->parts;
	why = put_in(s, a->spec, parts, detail);
	if (why != WHY_NONE) {
		if (fresh)
			held_remove(s, a->spec->id);
		return why;
	}
	if ((parts & SA_PART_IN) != 0)
		reserved_forget(s, a->spec->in.spi);	/* it is an SA now */
	keyless(&h->spec, a->spec);
	h->parts |= parts;
	h->orphan = false;
	h->expired = false;
	return WHY_NONE;
}

/* ---- the other asks ---- */

static enum why
ask_remove(struct kern_state *s, const struct kern_ask *a)
{
	struct held *h = held_find(s, a->id);
	enum why why = WHY_NONE;

	if (a->spi != 0)
		release_spi(s, a->spi);
	if (h == NULL)
		return WHY_NONE;
	uint8_t parts = h->parts & a->parts;
	why = take_out(s, &h->spec, parts);
	h->parts &= (uint8_t)~parts;
	if (h->parts == 0)
		held_remove(s, a->id);
	return why;
}

static enum why
ask_query(struct kern_state *s, const struct kern_ask *a, struct sa_usage *ret)
{
	const struct held *h = held_find(s, a->id);

	if (h == NULL || (h->parts & (SA_PART_IN | SA_PART_OUT)) == 0)
		return WHY_BACKEND_GONE;
	return s->backend->ops->query(s->backend, &h->spec, ret);
}

static enum why
ask_move(struct kern_state *s, const struct kern_ask *a, struct str *detail)
{
	struct held *h = held_find(s, a->id);

	if (h == NULL || (h->parts & (SA_PART_IN | SA_PART_OUT)) == 0)
		return WHY_BACKEND_GONE;
	enum why why = s->backend->ops->move(s->backend, &h->spec, &a->local, &a->remote);
	if (why != WHY_NONE)
		return why;
	h->spec.local = a->local;
	h->spec.remote = a->remote;
	/* The flow follows the SA that carries it, whoever placed it. */
	struct flow_use *f = flow_find(s, &h->spec.flow);
	if (f != NULL && f->placed && !same_template(&f->spec, &h->spec))
		why = flow_place(s, f, &h->spec, detail);
	return why;
}

void
kern_state_ask(struct kern_state *s, const struct kern_ask *a, struct kern_answer *ret)
{
	*ret = (struct kern_answer){ .verb = a->verb, .token = a->token, .id = a->id };
	struct str detail = str_of(ret->detail, sizeof(ret->detail));

	s->said[0] = '\0';
	switch ((enum kern_verb)a->verb) {
	case KERN_GET_SPI:
		ret->why = ask_get_spi(s, a, &ret->spi, &detail);
		break;
	case KERN_INSTALL:
		ret->why = ask_install(s, a, &detail);
		if (a->spec != NULL)
			ret->id = a->spec->id;
		break;
	case KERN_REMOVE:
		ret->why = ask_remove(s, a);
		break;
	case KERN_QUERY:
		ret->why = ask_query(s, a, &ret->usage);
		break;
	case KERN_MOVE:
		ret->why = ask_move(s, a, &detail);
		break;
	case KERN_VERB_MAX:
	default:	/* a number from a channel need not be an enumerator */
		ret->why = WHY_CONTRACT;
		break;
	}
}

/* ---- a back end that lost everything ---- */

/* Of every id only its flow stays, until the core asks again or kern_state_settle. */
static void
orphan_all(struct kern_state *s)
{
	struct held *h;
	struct handle handle;
	uint32_t at = 0;

	while ((h = slab_next(s->held, &at, &handle)) != NULL) {
		h->parts &= SA_PART_FLOW;
		h->orphan = true;
		if (h->parts == 0)
			held_remove(s, h->spec.id);
	}
}

/* SAs and reserved SPIs died with it; flows are still wanted. */
static void
forget_lost(struct kern_state *s)
{
	struct flow_use *f;
	struct reserved *r;
	struct handle handle;
	uint32_t at = 0;

	orphan_all(s);
	while ((r = slab_next(s->reserved, &at, &handle)) != NULL)
		reserved_forget(s, r->spi);
	at = 0;
	while ((f = slab_next(s->flows, &at, &handle)) != NULL)
		f->placed = false;
}

/*
 * A new core numbers its SAs from the beginning, as the old one did: what is
 * left must not answer to its ids, or a removal of its own would open the road.
 */
static void
leave_ids(struct kern_state *s)
{
	struct held *h;
	struct handle handle;
	uint32_t at = 0;

	while ((h = slab_next(s->held, &at, &handle)) != NULL) {
		struct octets8 old, new;
		uint64_t id = LEFT_ID | ++s->n_left;

		if ((h->spec.id & LEFT_ID) != 0 ||
		    !map_put(s->by_id, u64_key(&new, id), handle_u64(handle)))
			continue;
		map_remove(s->by_id, u64_key(&old, h->spec.id));
		h->spec.id = id;
	}
}

void
kern_state_abandon(struct kern_state *s)
{
	struct held *h;
	struct reserved *r;
	struct handle handle;
	uint32_t at = 0;

	while ((h = slab_next(s->held, &at, &handle)) != NULL)
		(void)take_out(s, &h->spec, h->parts & (SA_PART_IN | SA_PART_OUT));
	at = 0;
	while ((r = slab_next(s->reserved, &at, &handle)) != NULL)
		release_spi(s, r->spi);
	orphan_all(s);
	leave_ids(s);
}

unsigned
kern_state_settle(struct kern_state *s)
{
	struct held *h;
	struct handle handle;
	uint32_t at = 0;
	unsigned n = 0;

	while ((h = slab_next(s->held, &at, &handle)) != NULL) {
		if (!h->orphan)
			continue;
		(void)take_out(s, &h->spec, h->parts);
		held_remove(s, h->spec.id);
		n++;
	}
	return n;
}

unsigned
kern_state_reinstall(struct kern_state *s, struct str *detail)
{
	struct flow_use *f;
	struct handle h;
	uint32_t at = 0;
	unsigned missing = 0;

	while ((f = slab_next(s->flows, &at, &h)) != NULL) {
		if (f->placed)
			continue;
		struct sa_spec spec = f->spec;	/* without keys */
		*detail = str_of(detail->p, detail->cap);
		if (flow_place(s, f, &spec, detail) != WHY_NONE)
			missing++;
	}
	return missing;
}

/* An id of the core that has the flow which the back end calls `id`; 0: none any more. */
static uint64_t
flow_owner(const struct kern_state *s, uint64_t id)
{
	const struct flow_use *f = slab_find(s->flows, handle_of_u64(id & ~FLOW_ID));
	const struct held *h;
	struct handle handle;
	uint32_t at = 0;

	if ((id & FLOW_ID) == 0 || f == NULL)
		return 0;
	while ((h = slab_next(s->held, &at, &handle)) != NULL)
		if ((h->parts & SA_PART_FLOW) != 0 && (h->spec.id & LEFT_ID) == 0 &&
		    flow_equal(&h->spec.flow, &f->spec.flow))
			return h->spec.id;
	return 0;
}

/* ---- what others do to ours ---- */

/* True if the pair is not what was meant: then nothing of it stays but its flow. */
static bool
pair_lost(struct kern_state *s, struct held *h, struct kern_event *ret)
{
	static const enum sa_part parts[] = { SA_PART_IN, SA_PART_OUT };
	enum why why = WHY_NONE;
	STR(detail, 240);

	for (size_t i = 0; i < COUNT(parts) && why == WHY_NONE && !h->expired; i++)
		if ((h->parts & parts[i]) != 0)
			why = sa_check(s, &h->spec, parts[i], &detail);
	if (why != WHY_BACKEND_GONE && why != WHY_BACKEND_DIFFERS)
		return false;
	if (!s->quiet) {
		struct str line = say(s);
		str_addf(&line, "%s an SA of connection %s (%s); it is negotiated anew",
		    why == WHY_BACKEND_GONE ? "something else has removed" :
		    "something else has changed", h->spec.name, detail.p);
	}
	*ret = (struct kern_event){ .kind = KERN_LOST, .id = h->spec.id };
	(void)take_out(s, &h->spec, h->parts & (SA_PART_IN | SA_PART_OUT));
	h->parts &= SA_PART_FLOW;
	if (h->parts == 0)
		held_remove(s, ret->id);
	return true;
}

/* What another program has put in its place is that one's: it is told, and stays. */
static bool
flow_taken(struct kern_state *s, struct flow_use *f, const char *detail)
{
	struct str line = say(s);

	if (f->taken)
		return false;
	f->taken = true;
	str_addf(&line, "another program has replaced the flow of connection %s (%s); "
	    "what it has put there stays", f->spec.name, detail);
	return true;
}

/* True if something is to be told; flows that are not placed any more are to be healed. */
static bool
flow_lost(struct kern_state *s, struct flow_use *f, struct kern_event *ret)
{
	STR(detail, 240);
	enum why why = f->placed ? flow_check(s, &f->spec, &detail) : WHY_NONE;

	*ret = (struct kern_event){ .kind = KERN_FLOW_LOST, .id = f->id };
	if (why == WHY_BACKEND_EXISTS)
		return flow_taken(s, f, detail.p);
	f->taken = false;
	if (why != WHY_BACKEND_GONE && why != WHY_BACKEND_DIFFERS)
		return false;
	struct str line = say(s);
	str_addf(&line, "something else has %s the flow of connection %s (%s); it is put in force again",
	    why == WHY_BACKEND_GONE ? "removed" : "changed", f->spec.name, detail.p);
	f->placed = false;
	return true;
}

/* The next entry that is due; NULL: none is.  At the end of the table it begins anew. */
static void *
look_next(const struct slab *slab, struct look *l)
{
	struct handle h;
	void *p = NULL;

	if (l->due > 0) {
		l->due--;
		p = slab_next(slab, &l->at, &h);
	}
	if (p == NULL)
		*l = (struct look){ 0 };
	return p;
}

static bool
look(struct kern_state *s, struct kern_event *ret)
{
	struct held *h;
	struct flow_use *f;

	while ((h = look_next(s->held, &s->pairs)) != NULL)
		if (pair_lost(s, h, ret))
			return true;
	s->quiet = false;
	while ((f = look_next(s->flows, &s->paths)) != NULL)
		if (flow_lost(s, f, ret))
			return true;
	return false;
}

void
kern_state_look(struct kern_state *s, unsigned share)
{
	if (s->backend->ops->flow_check == NULL)
		return;
	s->pairs.due = slab_count(s->held) / share + 1;
	s->paths.due = slab_count(s->flows) / share + 1;
}

const char *
kern_state_said(const struct kern_state *s)
{
	return s->said;
}

/* Each pair is looked at, for some may have come after it. */
static void
all_pairs_lost(struct kern_state *s)
{
	unsigned n = slab_count(s->held);
	struct str line = say(s);

	s->pairs = (struct look){ .due = n + 1 };
	s->quiet = n > 0;
	if (n > 0)
		str_add(&line, "something else has removed all IPsec SAs of this machine; "
		    "ours are negotiated anew");
}

static bool
all_flows_lost(struct kern_state *s)
{
	struct flow_use *f;
	struct handle handle;
	uint32_t at = 0;
	unsigned n = 0;

	while ((f = slab_next(s->flows, &at, &handle)) != NULL) {
		n += f->placed;
		f->placed = false;
	}
	struct str line = say(s);
	if (n > 0)
		str_addf(&line, "something else has removed all IPsec policies of this machine; "
		    "%u flow%s put in force again", n, n == 1 ? " is" : "s are");
	return n > 0;
}

/* What the back end tells; false: it is of no interest to the core. */
static bool
take(struct kern_state *s, struct kern_event *e)
{
	STR(detail, 160);
	struct held *h;
	struct flow_use *f;

	switch ((enum kern_event_kind)e->kind) {
	case KERN_GONE:
		forget_lost(s);
		(void)kern_state_reinstall(s, &detail);	/* the rest is tried again later */
		return true;
	case KERN_ACQUIRE:
		return e->id == 0 || (e->id = flow_owner(s, e->id)) != 0;
	case KERN_EXPIRE_HARD:
		if ((h = held_find(s, e->id)) != NULL)
			h->expired = true;
		return true;
	case KERN_EXPIRE_SOFT:
	case KERN_STRAY:
		return true;
	case KERN_LOST:
		if (e->id == 0)
			all_pairs_lost(s);
		return e->id != 0 && (h = held_find(s, e->id)) != NULL && pair_lost(s, h, e);
	case KERN_FLOW_LOST:
		if (e->id == 0)
			return all_flows_lost(s);
		f = slab_find(s->flows, handle_of_u64(e->id & ~FLOW_ID));
		return f != NULL && flow_lost(s, f, e);
	}
	return false;
}

bool
kern_state_event(struct kern_state *s, struct kern_event *ret)
{
	struct kern_event e;

	s->said[0] = '\0';
	/* First what the back end has to tell: an SA that expired is no loss. */
	while (s->backend->ops->event(s->backend, &e))
		if (take(s, &e)) {
			*ret = e;
			return true;
		}
	return look(s, ret);
}

/* ---- life ---- */

struct backend *
kern_state_backend(const struct kern_state *s)
{
	return s->backend;
}

struct kern_state_counts
kern_state_count(const struct kern_state *s)
{
	struct kern_state_counts c = { .held = slab_count(s->held),
	    .flows = slab_count(s->flows), .reserved = slab_count(s->reserved) };
	const struct flow_use *f;
	struct handle h;
	uint32_t at = 0;

	while ((f = slab_next(s->flows, &at, &h)) != NULL)
		c.flows_missing += !f->placed;
	return c;
}

static void
withdraw_all(struct kern_state *s)
{
	struct held *h;
	struct reserved *r;
	struct handle handle;
	uint32_t at = 0;

	while ((h = slab_next(s->held, &at, &handle)) != NULL)
		(void)take_out(s, &h->spec, h->parts);
	at = 0;
	while ((r = slab_next(s->reserved, &at, &handle)) != NULL)
		release_spi(s, r->spi);
}

void
kern_state_free(struct kern_state *s, bool withdraw)
{
	if (s == NULL)
		return;
	if (withdraw)
		withdraw_all(s);
	s->backend->stay = !withdraw;
	s->backend->ops->free(s->backend);
	slab_free(s->held);
	slab_free(s->flows);
	slab_free(s->reserved);
	map_free(s->by_id);
	map_free(s->by_flow);
	map_free(s->by_spi);
	free(s);
}

struct kern_state *
kern_state_new(struct backend *backend, const uint8_t hash_key[16])
{
	struct kern_state *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		backend->ops->free(backend);
		return NULL;
	}
	s->backend = backend;
	memcpy(s->hash_key, hash_key, sizeof(s->hash_key));
	s->held = slab_new(sizeof(struct held), KERN_HELD_MAX);
	s->flows = slab_new(sizeof(struct flow_use), KERN_HELD_MAX);
	s->reserved = slab_new(sizeof(struct reserved), KERN_RESERVED_MAX);
	s->by_id = map_new(hash_key);
	s->by_flow = map_new(hash_key);
	s->by_spi = map_new(hash_key);
	if (s->held == NULL || s->flows == NULL || s->reserved == NULL || s->by_id == NULL ||
	    s->by_flow == NULL || s->by_spi == NULL) {
		kern_state_free(s, false);
		return NULL;
	}
	return s;
}
