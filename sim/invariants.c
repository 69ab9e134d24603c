/*
 * What must hold at every moment, whatever the network does.  Each check
 * names the host and the thing; the first one that fails ends the run.
 */
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

enum {
	SWEEP_SECS = 10,
	STRANGERS_MAX = 4096,
	LATE_SECS = 1		/* an exchange may outlive its deadline by this */
};

/* ---- no send loop ---- */

static struct rate *
rate_of(struct host *h, const struct addr *to)
{
	for (size_t i = 0; i < h->n_rates; i++)
		if (addr_equal(&h->rate[i].to, to))
			return &h->rate[i];
	h->rate = sim_grow(h->rate, (h->n_rates + 1) * sizeof(h->rate[0]));
	h->rate[h->n_rates] = (struct rate){ .to = *to };
	return &h->rate[h->n_rates++];
}

static void
check_rate(struct host *h, const struct addr *to)
{
	struct world *w = h->world;
	struct rate *r = rate_of(h, to);
	int64_t second = w->now.us / 1000000, minute = second / 60;

	if (r->second != second) {
		r->second = second;
		r->in_second = 0;
	}
	if (r->minute != minute) {
		r->minute = minute;
		r->in_minute = 0;
	}
	r->in_second++;
	r->in_minute++;
	if (r->in_second > w->sends_per_second || r->in_minute > w->sends_per_minute) {
		STR(text, 64);

		addr_print(&text, to);
		world_fail(w, "%s: send loop: %u datagrams in a second, %u in a minute to %s", h->name,
		    r->in_second, r->in_minute, text.p);
	}
}

/* ---- no amplification (security R25) ---- */

static const uint8_t no_cookie[8];

static struct stranger *
stranger_of(struct host *h, const struct addr *source, const uint8_t *icookie, bool ours)
{
	for (size_t i = 0; i < h->n_strangers; i++) {
		struct stranger *s = &h->stranger[i];

		if (memcmp(s->icookie, icookie, 8) == 0 && addr_equal(&s->source, source))
			return s;
	}
	if (h->stranger == NULL)
		h->stranger = sim_alloc(STRANGERS_MAX * sizeof(h->stranger[0]));
	struct stranger *s = &h->stranger[h->next_stranger];
	h->next_stranger = (h->next_stranger + 1) % STRANGERS_MAX;
	if (h->n_strangers < STRANGERS_MAX)
		h->n_strangers++;
	*s = (struct stranger){ .source = *source, .ours = ours };
	memcpy(s->icookie, icookie, 8);
	return s;
}

static void
check_amplification(struct host *h, const struct stranger *s, const char *what)
{
	STR(text, 64);

	if (s->out <= s->in && s->answers <= s->questions)
		return;
	addr_print(&text, &s->source);
	world_fail(h->world, "%s: R25: %s: %llu octets (%llu datagrams) out for %llu (%llu) in from %s",
	    h->name, what, (unsigned long long)s->out, (unsigned long long)s->answers,
	    (unsigned long long)s->in, (unsigned long long)s->questions, text.p);
}

void
invariants_sent(struct host *h, const struct path *path, struct view v)
{
	if (v.n < 28) {
		check_rate(h, &path->remote.addr);
		return;
	}
	struct stranger *s = stranger_of(h, &path->remote.addr, v.p, true);
	bool clear_info = v.p[18] == EXCH_INFO && (v.p[19] & 1) == 0;

	/* One answer to one first message cannot become a loop; that it is one, is checked below. */
	if (s->ours || s->echoed || clear_info)
		check_rate(h, &path->remote.addr);
	if (s->ours && clear_info && memcmp(v.p + 8, no_cookie, 8) == 0) {
		struct stranger *all = stranger_of(h, &path->remote.addr, no_cookie, false);

		all->out += v.n;
		all->answers++;
		check_amplification(h, all, "notifications in clear");
		return;
	}
	if (s->ours || s->echoed)
		return;
	if (memcmp(v.p + 8, no_cookie, 8) != 0 && !clear_info)
		memcpy(s->rcookie, v.p + 8, 8);
	s->out += v.n;
	s->answers++;
	check_amplification(h, s, "cookie not yet echoed");
}

void
invariants_received(struct host *h, const struct path *path, struct view v)
{
	struct stranger *all = stranger_of(h, &path->remote.addr, no_cookie, false);

	all->in += v.n;
	all->questions++;
	if (v.n < 28 || memcmp(v.p, no_cookie, 8) == 0)
		return;
	struct stranger *s = stranger_of(h, &path->remote.addr, v.p, false);
	s->in += v.n;
	s->questions++;
	if (memcmp(s->rcookie, no_cookie, 8) != 0 && memcmp(s->rcookie, v.p + 8, 8) == 0)
		s->echoed = true;
}

/* ---- no SA without authentication ---- */

static bool
is_authenticated(const struct host *h, const struct addr *a)
{
	for (size_t i = 0; i < h->n_authenticated; i++)
		if (addr_equal(&h->authenticated[i], a))
			return true;
	return false;
}

static void
note_authenticated(void *self, const struct core_sa_info *i)
{
	struct host *h = self;

	if (i->phase == 2 && i->ready && !is_authenticated(h, &i->remote.addr))
		world_fail(h->world, "%s: IPsec SA %s with a peer that was never authenticated",
		    h->name, i->name);
	if (i->phase != 1 || !i->ready)
		return;
	if (!i->authenticated)
		world_fail(h->world, "%s: ISAKMP SA with %s is ready, but was not authenticated",
		    h->name, i->name);
	if (is_authenticated(h, &i->remote.addr))
		return;
	h->authenticated = sim_grow(h->authenticated,
	    (h->n_authenticated + 1) * sizeof(h->authenticated[0]));
	h->authenticated[h->n_authenticated++] = i->remote.addr;
}

static void
note_phase1(void *self, const struct core_sa_info *i)
{
	if (i->phase == 1)
		note_authenticated(self, i);
}

void
invariants_install(struct host *h, const struct sa_spec *spec, uint8_t parts)
{
	STR(text, 64);

	(void)parts;
	if (h->core != NULL)
		core_each_sa(h->core, note_phase1, h);
	if (is_authenticated(h, &spec->remote.addr))
		return;
	addr_print(&text, &spec->remote.addr);
	world_fail(h->world, "%s: installs %s with %s, which was never authenticated", h->name,
	    spec->name, text.p);
}

/* ---- both kernels mean the same ---- */

static bool
selector_equal(const struct selector *a, const struct selector *b)
{
	return range_equal(&a->net, &b->net) && a->port == b->port;
}

static bool
mirrored(const struct sa_spec *a, const struct sa_spec *b)
{
	return a->flow.protocol == b->flow.protocol &&
	    selector_equal(&a->flow.local, &b->flow.remote) &&
	    selector_equal(&a->flow.remote, &b->flow.local);
}

static bool
suite_equal(const struct sa_suite *a, const struct sa_suite *b)
{
	return a->protocol == b->protocol && a->cipher == b->cipher && a->auth == b->auth &&
	    a->mode == b->mode && a->key_bits == b->key_bits && a->esn == b->esn;
}

/* `out` at the sender, `in` at the receiver: one SA of the wire. */
static void
check_same(struct world *w, const struct host *from, const struct sa_spec *out,
    const struct host *to, const struct sa_spec *in)
{
	const char *what = NULL;

	if (!view_equal(secret_view(&out->out.keymat), secret_view(&in->in.keymat)))
		what = "keys";
	else if (!suite_equal(&out->suite, &in->suite))
		what = "suites";
	else if (out->encap != in->encap)
		what = "encapsulation";
	else if (!mirrored(out, in) && !(out->encap && out->suite.mode == SA_TRANSPORT))
		what = "flows";
	if (what != NULL)
		world_fail(w, "SA %08x from %s to %s: their %s differ", out->out.spi, from->name,
		    to->name, what);
}

void
invariants_installed(struct host *h, const struct model_sa *s)
{
	struct world *w = h->world;

	if ((s->parts & SA_PART_OUT) != 0) {
		int peer = world_spi_host(w, s->spec.out.spi);
		struct model_sa *other = peer == NOBODY ? NULL :
		    kernel_find_in(&w->host[peer]->kernel, s->spec.out.spi);

		if (peer == NOBODY || peer == h->index)
			world_fail(w, "%s: sends to SPI %08x, which nobody chose", h->name,
			    s->spec.out.spi);
		else if (other != NULL)
			check_same(w, h, &s->spec, w->host[peer], &other->spec);
	}
	if ((s->parts & SA_PART_IN) == 0)
		return;
	if (world_spi_host(w, s->spec.in.spi) != h->index)
		world_fail(w, "%s: installs SPI %08x, which it did not choose", h->name,
		    s->spec.in.spi);
	for (int i = 0; i < w->n_hosts; i++) {
		struct model_sa *other = kernel_find_out(&w->host[i]->kernel, s->spec.in.spi);

		if (other != NULL && i != h->index)
			check_same(w, w->host[i], &other->spec, h, &s->spec);
	}
}

/* ---- no half-made thing stays ---- */

static void
check_halves(struct host *h)
{
	struct world *w = h->world;
	const struct kernel *k = &h->kernel;

	for (size_t i = 0; i < k->n; i++) {
		const struct model_sa *s = k->sa[i];
		uint8_t both = s->parts & (SA_PART_IN | SA_PART_OUT);

		if (both == SA_PART_OUT)
			world_fail(w, "%s: %s has an outgoing SA without an incoming one", h->name,
			    s->spec.name);
		if (both == SA_PART_IN && mono_since(w->now, s->half_since).us > w->half_most.us)
			world_fail(w, "%s: %s kept an incoming SA without an outgoing one", h->name,
			    s->spec.name);
	}
	for (size_t i = 0; i < k->n_larval; i++)
		if (mono_since(w->now, k->larval[i].since).us > w->larval_most.us)
			world_fail(w, "%s: SPI %08x was reserved and forgotten", h->name,
			    k->larval[i].spi);
}

bool
invariants_quiet(struct world *w)
{
	for (int i = 0; i < w->n_hosts; i++) {
		const struct kernel *k = &w->host[i]->kernel;

		if (k->n_larval > 0)
			world_fail(w, "%s: %zu SPIs are reserved at the end", w->host[i]->name, k->n_larval);
		for (size_t j = 0; j < k->n; j++) {
			uint8_t both = k->sa[j]->parts & (SA_PART_IN | SA_PART_OUT);

			if (both == SA_PART_IN || both == SA_PART_OUT)
				world_fail(w, "%s: %s is half installed at the end", w->host[i]->name,
				    k->sa[j]->spec.name);
		}
	}
	return world_ok(w);
}

/* ---- every exchange ends; memory is bounded ---- */

static void
check_exchange(void *self, const struct core_exchange_info *x)
{
	struct host *h = self;
	struct world *w = h->world;

	if (x->deadline.us == MONO_NEVER.us)
		world_fail(w, "%s: exchange %s (%s) has no deadline", h->name, x->name, x->state);
	else if (mono_since(w->now, x->deadline).us > span_s(LATE_SECS).us)
		world_fail(w, "%s: exchange %s (%s) outlives its deadline", h->name, x->name, x->state);
	else if (mono_since(x->deadline, w->now).us > span_s(700).us)
		world_fail(w, "%s: exchange %s (%s) may take forever", h->name, x->name, x->state);
}

static void
count_connection(void *self, const struct core_connection_info *c)
{
	(void)c;
	++*(uint32_t *)self;
}

static void
check_bounds(struct host *h)
{
	struct core_counters c = core_count(h->core);
	uint32_t n = 0;

	core_each_connection(h->core, count_connection, &n);
	if (c.ipsec_sas > 16 * n + 16)
		world_fail(h->world, "%s: %u IPsec SAs for %u connections", h->name, c.ipsec_sas, n);
	if (c.isakmp_sas > 16 * n + 64)
		world_fail(h->world, "%s: %u ISAKMP SAs for %u connections", h->name, c.isakmp_sas, n);
	if (c.exchanges > 16 * n + 1200)
		world_fail(h->world, "%s: %u exchanges for %u connections", h->name, c.exchanges, n);
	/* Each exchange that runs may hold one token; drops may be under way. */
	if (keys_side_count(h->keys) > 2 * (size_t)c.exchanges + 16)
		world_fail(h->world, "%s: %zu key tokens for %u exchanges", h->name,
		    keys_side_count(h->keys), c.exchanges);
	if (c.half_open > c.exchanges)
		world_fail(h->world, "%s: %u half-open of %u exchanges", h->name, c.half_open, c.exchanges);
}

/* ---- tunnels stay fine: make before break ---- */

static struct probe_state *
probe_of(struct host *h, const struct flow *flow)
{
	for (size_t i = 0; i < h->n_probes; i++)
		if (flow_equal(&h->probe[i].flow, flow))
			return &h->probe[i];
	h->probe = sim_grow(h->probe, (h->n_probes + 1) * sizeof(h->probe[0]));
	h->probe[h->n_probes] = (struct probe_state){ .flow = *flow, .peer = NOBODY };
	return &h->probe[h->n_probes++];
}

/* NULL: a packet of the flow arrives and is accepted; else what becomes of it. */
static const char *
packet(struct host *h, const struct probe_state *p, int *ret_peer)
{
	struct world *w = h->world;
	const struct model_sa *out = kernel_out(&h->kernel, &p->flow);

	if (out == NULL)
		return "has no outgoing SA";
	int to = net_reach(w, h->index, &out->spec.remote);
	if (to == NOBODY || !w->host[to]->up)
		return "is sent to an address where nobody is";
	*ret_peer = to;
	if (kernel_find_in(&w->host[to]->kernel, out->spec.out.spi) == NULL)
		return "arrives with an SPI the peer does not have";
	return NULL;
}

static void
check_probe(struct host *h, struct probe_state *p)
{
	struct world *w = h->world;
	int peer = p->peer;
	const char *fault = packet(h, p, &peer);
	STR(text, 160);

	if (fault == NULL) {
		p->peer = peer;
		if (mono_reached(w->now, p->not_before))
			p->fine = true;
		return;
	}
	p->fine &= !w->stormy;
	if (!p->fine)
		return;
	flow_print(&text, &p->flow);
	const struct model_sa *out = kernel_out(&h->kernel, &p->flow);
	world_fail(w, "%s: the tunnel was fine, now a packet of %s (SPI %08x) %s", h->name, text.p,
	    out == NULL ? 0 : out->spec.out.spi, fault);
}

static void
check_probes(struct host *h)
{
	struct world *w = h->world;

	for (size_t i = 0; i < h->kernel.n; i++)
		if ((h->kernel.sa[i]->parts & SA_PART_OUT) != 0)
			probe_of(h, &h->kernel.sa[i]->spec.flow);
	for (size_t i = 0; i < h->n_probes; i++) {
		check_probe(h, &h->probe[i]);

		/* What changed here may be what the other side sends to. */
		int peer = h->probe[i].peer;
		for (size_t j = 0; peer != NOBODY && j < w->host[peer]->n_probes; j++)
			if (w->host[peer]->probe[j].peer == h->index)
				check_probe(w->host[peer], &w->host[peer]->probe[j]);
	}
}

static void
disturb_one(struct host *h, int peer)
{
	for (size_t i = 0; i < h->n_probes; i++) {
		struct probe_state *p = &h->probe[i];

		if (peer != NOBODY && p->peer != peer)
			continue;
		p->fine = false;
		p->not_before = mono_add(h->world->now, h->world->settle);
	}
}

void
invariants_disturb(struct host *h, int peer)
{
	disturb_one(h, peer);
	for (int i = 0; i < h->world->n_hosts; i++)
		if (peer == NOBODY || peer == i)
			disturb_one(h->world->host[i], h->index);
}

void
invariants_host_gone(struct host *h)
{
	invariants_disturb(h, NOBODY);
	h->n_probes = 0;
	h->n_authenticated = 0;
	h->n_strangers = h->next_stranger = 0;
}

/* ---- all of it ---- */

static void
check_host(struct host *h)
{
	if (h->core != NULL) {
		core_each_sa(h->core, note_authenticated, h);	/* phase 1 comes first */
		core_each_exchange(h->core, check_exchange, h);
		check_bounds(h);
	}
	check_halves(h);
	h->dirty = false;
}

void
invariants_sweep(struct world *w)
{
	w->swept = w->now;
	for (int i = 0; i < w->n_hosts && world_ok(w); i++) {
		check_host(w->host[i]);
		check_probes(w->host[i]);
		w->host[i]->kernel_dirty = false;
	}
}

void
invariants_check(struct world *w)
{
	if (mono_since(w->now, w->swept).us > span_s(SWEEP_SECS).us) {
		invariants_sweep(w);
		return;
	}
	for (int i = 0; i < w->n_hosts && world_ok(w); i++) {
		if (w->host[i]->dirty)
			check_host(w->host[i]);
		if (w->host[i]->kernel_dirty)
			check_probes(w->host[i]);
		w->host[i]->kernel_dirty = false;
	}
}
