#include "sim/kernel.h"

#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

static struct model_sa *
find(const struct kernel *k, uint64_t id)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->sa[i]->spec.id == id)
			return k->sa[i];
	return NULL;
}

struct model_sa *
kernel_find_in(const struct kernel *k, uint32_t spi)
{
	for (size_t i = 0; i < k->n; i++)
		if ((k->sa[i]->parts & SA_PART_IN) != 0 && k->sa[i]->spec.in.spi == spi)
			return k->sa[i];
	return NULL;
}

struct model_sa *
kernel_find_out(const struct kernel *k, uint32_t spi)
{
	for (size_t i = 0; i < k->n; i++)
		if ((k->sa[i]->parts & SA_PART_OUT) != 0 && k->sa[i]->spec.out.spi == spi)
			return k->sa[i];
	return NULL;
}

static bool
selector_within(const struct selector *inner, const struct selector *outer)
{
	return range_within(&inner->net, &outer->net) &&
	    (outer->port == 0 || outer->port == inner->port);
}

static bool
flow_within(const struct flow *inner, const struct flow *outer)
{
	return selector_within(&inner->local, &outer->local) &&
	    selector_within(&inner->remote, &outer->remote) &&
	    (outer->protocol == 0 || outer->protocol == inner->protocol);
}

/* The newest one, as kernels do; an SA past its hard limit is gone. */
struct model_sa *
kernel_out(const struct kernel *k, const struct flow *flow)
{
	struct model_sa *best = NULL;

	for (size_t i = 0; i < k->n; i++) {
		struct model_sa *s = k->sa[i];

		if ((s->parts & SA_PART_OUT) != 0 &&
		    (best == NULL || s->out_order > best->out_order) &&
		    flow_within(flow, &s->spec.flow))
			best = s;
	}
	return best;
}

bool
kernel_covered(const struct kernel *k, const struct flow *flow)
{
	for (size_t i = 0; i < k->n; i++)
		if ((k->sa[i]->parts & SA_PART_FLOW) != 0 &&
		    flow_within(flow, &k->sa[i]->spec.flow))
			return true;
	return false;
}

size_t
kernel_count(const struct kernel *k, uint8_t parts)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		n += (k->sa[i]->parts & parts) == parts;
	return n;
}

size_t
kernel_flows(const struct kernel *k)
{
	return kernel_count(k, SA_PART_FLOW);
}

static void
forget(struct kernel *k, struct model_sa *s)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->sa[i] != s)
			continue;
		k->sa[i] = k->sa[--k->n];
		break;
	}
	sa_spec_done(&s->spec);
	free(s);
}

static bool
larval_take(struct kernel *k, uint32_t spi)
{
	for (size_t i = 0; i < k->n_larval; i++) {
		if (k->larval[i].spi != spi)
			continue;
		k->larval[i] = k->larval[--k->n_larval];
		return true;
	}
	return false;
}

void
kernel_clear(struct kernel *k)
{
	while (k->n > 0)
		forget(k, k->sa[0]);
	k->n_larval = 0;
}

void
kernel_done(struct kernel *k)
{
	kernel_clear(k);
	free(k->sa);
	free(k->larval);
	*k = (struct kernel){ 0 };
}

/* ---- expiry, the kernel's own clock ---- */

struct expiry {
	struct sim_event	e;
	int		host;
	uint32_t	life;
	uint64_t	id, order;
	bool		hard;
};

static void
expiry_free(struct sim_event *e)
{
	free((struct expiry *)e);
}

static void
expiry_run(struct world *w, struct sim_event *e)
{
	struct expiry *x = (struct expiry *)e;
	struct host *h = w->host[x->host];
	struct model_sa *s = find(&h->kernel, x->id);

	if (h->life != x->life || s == NULL || s->in_order != x->order)
		return;
	struct kern_event event = { .kind = x->hard ? KERN_EXPIRE_HARD : KERN_EXPIRE_SOFT,
	    .id = x->id };
	if (x->hard) {
		s->parts &= (uint8_t)~(SA_PART_IN | SA_PART_OUT);
		if (s->parts == 0)
			forget(&h->kernel, s);
	}
	h->kernel_dirty = true;
	host_kern_event(h, &event);
}

static void
expiry_arm(struct world *w, struct host *h, const struct model_sa *s, uint32_t secs, bool hard)
{
	if (secs == 0)
		return;
	struct expiry *x = sim_alloc(sizeof(*x));

	x->e.run = expiry_run;
	x->e.free = expiry_free;
	x->host = h->index;
	x->life = h->life;
	x->id = s->spec.id;
	x->order = s->in_order;
	x->hard = hard;
	queue_add(&w->queue, &x->e, mono_add(w->now, span_s(secs)));
}

/* ---- asks ---- */

static enum why
get_spi(struct world *w, struct host *h, const struct kern_ask *ask, struct kern_answer *ret)
{
	struct kernel *k = &h->kernel;

	(void)ask;
	if (k->n_larval == k->cap_larval) {
		k->cap_larval = k->cap_larval == 0 ? 8 : k->cap_larval * 2;
		k->larval = sim_grow(k->larval, k->cap_larval * sizeof(k->larval[0]));
	}
	ret->spi = world_spi(w, h->index);
	k->larval[k->n_larval++] = (struct model_larval){ .spi = ret->spi, .since = w->now };
	return WHY_NONE;
}

static void
check_keys(struct world *w, struct host *h, const struct sa_spec *s, const struct sa_half *half,
    const char *what)
{
	struct sa_lengths l;

	if (!sa_suite_lengths(&s->suite, &l))
		world_fail(w, "%s: installs a suite that is not allowed", h->name);
	else if (half->keymat.n != l.key + l.salt + l.auth)
		world_fail(w, "%s: %s half has %zu octets of key material, want %zu", h->name, what,
		    half->keymat.n, l.key + l.salt + l.auth);
	if (half->spi < 0x100)
		world_fail(w, "%s: %s SPI %u is reserved (RFC 4303, 2.1)", h->name, what, half->spi);
}

/* The parts the model already has keep their place; new ones are copied in. */
static bool
merge(struct model_sa *s, const struct sa_spec *spec, uint8_t parts)
{
	struct sa_spec fresh;

	if (!sa_spec_copy(&fresh, spec))
		return false;
	if ((parts & SA_PART_IN) == 0 && (s->parts & SA_PART_IN) != 0) {
		fresh.in.spi = s->spec.in.spi;
		secret_done(&fresh.in.keymat);
		secret_take(&fresh.in.keymat, &s->spec.in.keymat);
	}
	if ((parts & SA_PART_OUT) == 0 && (s->parts & SA_PART_OUT) != 0) {
		fresh.out.spi = s->spec.out.spi;
		secret_done(&fresh.out.keymat);
		secret_take(&fresh.out.keymat, &s->spec.out.keymat);
	}
	sa_spec_done(&s->spec);
	s->spec = fresh;
	s->parts |= parts;
	return true;
}

static enum why
install(struct world *w, struct host *h, const struct kern_ask *ask)
{
	struct kernel *k = &h->kernel;
	struct model_sa *s = find(k, ask->spec->id);
	bool in = (ask->parts & SA_PART_IN) != 0, out = (ask->parts & SA_PART_OUT) != 0;

	if (in)
		check_keys(w, h, ask->spec, &ask->spec->in, "incoming");
	if (out)
		check_keys(w, h, ask->spec, &ask->spec->out, "outgoing");
	if ((in && kernel_find_in(k, ask->spec->in.spi) != NULL) ||
	    (out && kernel_find_out(k, ask->spec->out.spi) != NULL))
		return WHY_BACKEND_EXISTS;
	if (in || out)
		invariants_install(h, ask->spec, ask->parts);
	if (s == NULL) {
		if (k->n == k->cap) {
			k->cap = k->cap == 0 ? 8 : k->cap * 2;
			k->sa = sim_grow(k->sa, k->cap * sizeof(k->sa[0]));
		}
		s = sim_alloc(sizeof(*s));
		s->in_used = s->out_used = MONO_NEVER;
		s->spec.id = ask->spec->id;
		k->sa[k->n++] = s;
	}
	if (!merge(s, ask->spec, ask->parts))
		return WHY_NO_MEMORY;
	if (in) {
		larval_take(k, ask->spec->in.spi);
		s->half_since = w->now;
		s->in_order = ++w->orders;
		expiry_arm(w, h, s, ask->spec->soft_secs, false);
		expiry_arm(w, h, s, ask->spec->hard_secs, true);
	}
	if (out)
		s->out_order = ++w->orders;
	k->installs++;
	if (in || out)
		invariants_installed(h, s);
	return WHY_NONE;
}

static enum why
remove_parts(struct world *w, struct host *h, const struct kern_ask *ask)
{
	struct model_sa *s = find(&h->kernel, ask->id);

	if (ask->spi != 0)
		larval_take(&h->kernel, ask->spi);
	h->kernel.removals++;
	if (s == NULL)
		return WHY_NONE;
	s->parts &= (uint8_t)~ask->parts;
	s->half_since = w->now;
	if (s->parts == 0)
		forget(&h->kernel, s);
	return WHY_NONE;
}

static uint32_t
idle(struct mono now, struct mono used)
{
	return used.us == MONO_NEVER.us ? UINT32_MAX : (uint32_t)span_secs(mono_since(now, used));
}

static enum why
query(struct world *w, struct host *h, const struct kern_ask *ask, struct kern_answer *ret)
{
	struct model_sa *s = find(&h->kernel, ask->id);

	ret->id = ask->id;
	if (s == NULL)
		return WHY_BACKEND_GONE;
	ret->usage = s->usage;
	ret->usage.in_idle = idle(w->now, s->in_used);
	ret->usage.out_idle = idle(w->now, s->out_used);
	return WHY_NONE;
}

static bool
refuses(struct kernel *k, const struct kern_ask *ask, struct kern_answer *ret)
{
	if (k->refuse_in == 0 || (k->refuse_verb != 0 && k->refuse_verb != ask->verb))
		return false;
	if (--k->refuse_in > 0)
		return false;
	ret->why = k->refuse_why == WHY_NONE ? WHY_BACKEND : k->refuse_why;
	text_copy(ret->detail, sizeof(ret->detail), "model kernel was told to refuse");
	return true;
}

void
kernel_ask(struct world *w, struct host *h, const struct kern_ask *ask, struct kern_answer *ret)
{
	struct model_sa *s;

	h->kernel.asks++;
	h->kernel_dirty |= ask->verb != KERN_QUERY;
	if (refuses(&h->kernel, ask, ret)) {
		invariants_disturb(h, NOBODY);
		return;
	}
	switch ((enum kern_verb)ask->verb) {
	case KERN_GET_SPI:
		ret->why = get_spi(w, h, ask, ret);
		break;
	case KERN_INSTALL:
		ret->why = install(w, h, ask);
		break;
	case KERN_REMOVE:
		ret->why = remove_parts(w, h, ask);
		break;
	case KERN_QUERY:
		ret->why = query(w, h, ask, ret);
		break;
	case KERN_MOVE:
		s = find(&h->kernel, ask->id);
		ret->why = s == NULL ? WHY_BACKEND_GONE : WHY_NONE;
		if (s != NULL) {
			s->spec.local = ask->local;
			s->spec.remote = ask->remote;
		}
		break;
	case KERN_VERB_MAX:
		ret->why = WHY_CONTRACT;
		break;
	}
}

/* ---- traffic ---- */

static void
limit_bytes(struct host *h, struct model_sa *s, uint64_t before, uint64_t after)
{
	struct kern_event event = { .id = s->spec.id };

	if (s->spec.hard_bytes != 0 && after >= s->spec.hard_bytes) {
		event.kind = KERN_EXPIRE_HARD;
		s->parts &= (uint8_t)~(SA_PART_IN | SA_PART_OUT);
		if (s->parts == 0)
			forget(&h->kernel, s);
		h->kernel_dirty = true;
		host_kern_event(h, &event);
	} else if (s->spec.soft_bytes != 0 && before < s->spec.soft_bytes &&
	    after >= s->spec.soft_bytes) {
		event.kind = KERN_EXPIRE_SOFT;
		host_kern_event(h, &event);
	}
}

bool
kernel_carry(struct world *w, struct host *from, const struct flow *flow, uint32_t octets)
{
	struct model_sa *out = kernel_out(&from->kernel, flow);

	if (out == NULL)
		return false;
	int to = net_reach(w, from->index, &out->spec.remote);
	uint32_t spi = out->spec.out.spi;
	uint64_t before = out->usage.out_bytes;

	out->usage.out_packets++;
	out->usage.out_bytes += octets;
	out->out_used = w->now;
	limit_bytes(from, out, before, before + octets);
	if (to == NOBODY || net_link_look(w, from->index, to)->cut || !w->host[to]->up)
		return false;
	struct model_sa *in = kernel_find_in(&w->host[to]->kernel, spi);
	if (in == NULL)
		return false;
	before = in->usage.in_bytes;
	in->usage.in_packets++;
	in->usage.in_bytes += octets;
	in->in_used = w->now;
	limit_bytes(w->host[to], in, before, before + octets);
	return true;
}

void
kernel_stray(struct world *w, struct host *from, const struct flow *flow)
{
	struct model_sa *out = kernel_out(&from->kernel, flow);
	int to = out == NULL ? NOBODY : net_reach(w, from->index, &out->spec.remote);

	if (to == NOBODY || net_link_look(w, from->index, to)->cut || !w->host[to]->up ||
	    kernel_find_in(&w->host[to]->kernel, out->spec.out.spi) != NULL)
		return;
	struct kern_event event = { .kind = KERN_STRAY, .id = out->spec.out.spi };
	event.flow.remote.net = (struct range){ out->spec.local.addr, out->spec.local.addr };
	event.flow.local.net = event.flow.remote.net;
	host_kern_event(w->host[to], &event);
}
