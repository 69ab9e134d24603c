/*
 * The network: links between hosts with faults, and NAT boxes in front of
 * hosts.  Nothing here looks into a datagram.
 */
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

static size_t
cell(const struct world *w, int from, int to)
{
	return (size_t)from * (size_t)w->n_hosts + (size_t)to;
}

const struct link *
net_link_look(const struct world *w, int from, int to)
{
	const struct link *l = NULL;

	if (w->link != NULL && from >= 0 && to >= 0)
		l = w->link[cell(w, from, to)];
	return l == NULL ? &w->plain : l;
}

struct link *
net_link(struct world *w, int from, int to)
{
	if (w->link == NULL)
		w->link = sim_alloc(sizeof(w->link[0]) * (size_t)w->n_hosts * (size_t)w->n_hosts);
	struct link **l = &w->link[cell(w, from, to)];
	if (*l == NULL) {
		*l = sim_alloc(sizeof(**l));
		**l = w->plain;
	}
	return *l;
}

void
net_fault(struct world *w, int from, int to, struct fault f)
{
	struct link *l = net_link(w, from, to);

	if (l->n_faults == FAULTS_MAX) {
		world_fail(w, "script: more than %d faults on one link", FAULTS_MAX);
		return;
	}
	l->fault_base[l->n_faults] = l->carried;
	l->fault[l->n_faults++] = f;
}

/* ---- who has an address ---- */

int
net_owner(const struct world *w, const struct addr *a)
{
	for (int i = 0; i < w->n_hosts; i++)
		if (addr_equal(a, &w->host[i]->addr4) || addr_equal(a, &w->host[i]->addr6))
			return i;
	return NOBODY;
}

static int
nat_owner(const struct world *w, const struct addr *a)
{
	for (int i = 0; i < w->n_nats; i++)
		if (addr_equal(a, &w->nat[i].public4))
			return i;
	return NOBODY;
}

static bool
mapping_live(const struct world *w, const struct nat *nat, const struct mapping *m)
{
	return mono_since(w->now, m->last).us <= nat->expiry.us;
}

static struct mapping *
mapping_outside(const struct world *w, const struct nat *nat, uint16_t port)
{
	for (size_t i = 0; i < nat->n; i++)
		if (nat->map[i].outside == port && mapping_live(w, nat, &nat->map[i]))
			return &nat->map[i];
	return NULL;
}

/* A host behind a box is reached by others through a mapping only. */
int
net_reach(const struct world *w, int from, const struct endpoint *to)
{
	int box = nat_owner(w, &to->addr);

	if (box != NOBODY) {
		struct mapping *m = mapping_outside(w, &w->nat[box], to->port);

		return m == NULL ? NOBODY : net_owner(w, &m->inside.addr);
	}
	int owner = net_owner(w, &to->addr);
	if (owner == NOBODY)
		return NOBODY;
	if (w->host[owner]->nat != NOBODY && to->addr.family == FAMILY_IP4 &&
	    (from == NOBODY || w->host[from]->nat != w->host[owner]->nat))
		return NOBODY;
	return owner;
}

int
net_nat(struct world *w, const char *name, const struct addr *public4, struct span expiry)
{
	w->nat = sim_grow(w->nat, sizeof(w->nat[0]) * (size_t)(w->n_nats + 1));
	struct nat *n = &w->nat[w->n_nats];
	*n = (struct nat){ .public4 = *public4, .expiry = expiry, .next_port = 20000 };
	text_copy(n->name, sizeof(n->name), name);
	return w->n_nats++;
}

/* The box lost its table, as after a reboot: the same hosts get new ports. */
void
net_nat_rebind(struct world *w, int nat)
{
	w->nat[nat].n = 0;
	w->nat[nat].next_port = (uint16_t)(w->nat[nat].next_port + 100);
}

static uint16_t
nat_out(struct world *w, struct nat *nat, const struct endpoint *inside, uint16_t for_port)
{
	for (size_t i = 0; i < nat->n; i++) {
		struct mapping *m = &nat->map[i];

		if (!endpoint_equal(&m->inside, inside) || !mapping_live(w, nat, m))
			continue;
		m->last = w->now;
		return m->outside;
	}
	if (nat->n == nat->cap) {
		nat->cap = nat->cap == 0 ? 8 : nat->cap * 2;
		nat->map = sim_grow(nat->map, nat->cap * sizeof(nat->map[0]));
	}
	nat->map[nat->n] = (struct mapping){ .inside = *inside, .outside = nat->next_port++,
	    .for_port = for_port, .last = w->now };
	return nat->map[nat->n++].outside;
}

/* ---- travelling ---- */

static void
datagram_free(struct sim_event *e)
{
	struct datagram *d = (struct datagram *)e;

	free(d->bytes);
	free(d);
}

/* path is now seen from the receiver: swapped, with its inside address. */
static void
datagram_arrive(struct world *w, struct sim_event *e)
{
	struct datagram *d = (struct datagram *)e;
	int to = net_reach(w, d->from, &d->path.remote);
	int box = nat_owner(w, &d->path.remote.addr);
	struct path path = { .local = d->path.remote, .remote = d->path.local,
	    .encap = d->path.encap };

	if (to == NOBODY || !w->host[to]->up)
		return;
	if (box != NOBODY)
		path.local = mapping_outside(w, &w->nat[box], d->path.remote.port)->inside;

	struct host *h = w->host[to];
	/* The marker of the NAT-T port is added and removed outside of the core:
	 * what comes to the wrong port is not IKE to its receiver (RFC 3948, 2.2). */
	if (path.local.port != (path.encap ? h->options.port_nat_t : h->options.port))
		return;
	if (path.encap && d->n == 1)
		return;			/* a keep-alive ends in the host's socket layer */
	host_input(h, &path, view_of(d->bytes, d->n));
}

static struct datagram *
datagram_new(int from, const struct path *path, struct view v)
{
	struct datagram *d = sim_alloc(sizeof(*d));

	d->e.run = datagram_arrive;
	d->e.free = datagram_free;
	d->from = from;
	d->path = *path;
	d->n = v.n;
	d->bytes = sim_alloc(v.n);
	if (v.n > 0)
		memcpy(d->bytes, v.p, v.n);
	return d;
}

/* What the scripted faults of a link say to its n-th datagram. */
static enum fate
fate_of_faults(const struct link *l, struct datagram *d, struct span *delay)
{
	enum fate fate = FATE_DEFAULT;

	for (size_t i = 0; i < l->n_faults; i++) {
		const struct fault *f = &l->fault[i];
		uint32_t nth = l->carried - l->fault_base[i];

		if (nth < f->from_nth || nth > f->to_nth)
			continue;
		switch ((enum fault_kind)f->kind) {
		case FAULT_LOSE:
			return FATE_LOSE;
		case FAULT_DOUBLE:
			fate = FATE_DOUBLE;
			break;
		case FAULT_DELAY:
			delay->us += f->delay.us;
			break;
		case FAULT_FLIP:
			d->bytes[f->bit / 8 % d->n] ^= (uint8_t)(1u << f->bit % 8);
			break;
		}
	}
	return fate;
}

static enum fate
fate_of_chance(struct world *w, const struct link *l, struct datagram *d, struct span *delay)
{
	enum fate fate = FATE_PASS;

	delay->us += (int64_t)prng_below(&w->chance, (uint64_t)l->jitter.us);
	if (prng_chance(&w->chance, l->loss))
		return FATE_LOSE;
	if (prng_chance(&w->chance, l->dup))
		fate = FATE_DOUBLE;
	if (prng_chance(&w->chance, l->reorder))
		delay->us += 20000 + (int64_t)prng_below(&w->chance, 400000);
	if (d->n > 0 && prng_chance(&w->chance, l->flip))
		d->bytes[prng_below(&w->chance, d->n)] ^=
		    (uint8_t)(1u << prng_below(&w->chance, 8));
	return fate;
}

void
net_send(struct world *w, int from, const struct path *path, struct view v)
{
	struct datagram *d = datagram_new(from, path, v);
	int to = net_reach(w, from, &d->path.remote);
	const struct link *look = net_link_look(w, from, to);
	struct span delay = look->delay;
	enum fate fate = FATE_DEFAULT;

	w->datagrams++;
	if (from != NOBODY && w->host[from]->nat != NOBODY && path->local.addr.family == FAMILY_IP4) {
		struct nat *nat = &w->nat[w->host[from]->nat];

		if (to == NOBODY || w->host[to]->nat != w->host[from]->nat) {
			d->path.local.port = nat_out(w, nat, &path->local, path->remote.port);
			d->path.local.addr = nat->public4;
		}
	}
	if (look != &w->plain)
		net_link(w, from, to)->carried++;
	if (look->cut)
		fate = FATE_LOSE;
	if (fate == FATE_DEFAULT && w->hooks.datagram != NULL)
		fate = w->hooks.datagram(w->hooks.self, w, d, &delay);
	if (fate == FATE_DEFAULT && d->n > 0)
		fate = fate_of_faults(look, d, &delay);
	if (fate == FATE_DEFAULT)
		fate = fate_of_chance(w, look, d, &delay);
	if (fate == FATE_LOSE) {
		world_trace(w, from == NOBODY ? NULL : w->host[from], "   (lost, %zu octets)", d->n);
		/* A lost DELETE is never repeated (RFC 2408, 4.8): the two ends
		 * may differ until the next exchange. */
		if (from != NOBODY && to != NOBODY && d->n >= 28 && d->bytes[18] == EXCH_INFO) {
			invariants_disturb(w->host[from], to);
			invariants_disturb(w->host[to], from);
		}
		datagram_free(&d->e);
		return;
	}
	if (fate == FATE_DOUBLE) {
		struct datagram *twin = datagram_new(from, &d->path, view_of(d->bytes, d->n));

		queue_add(&w->queue, &twin->e, mono_add(w->now, span_ms(delay.us / 1000 + 3)));
	}
	queue_add(&w->queue, &d->e, mono_add(w->now, delay));
}
