#include "sim/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/pki.h"

/*
 * A run has a weather that changes: calm hours without loss, in which tunnels
 * must not break at all, and storms.  After the last storm everything that is
 * kept up must come back by itself.
 */
struct run {
	struct world	*w;
	struct plan	 plan;
	struct prng	 chance;
	bool		 storm, nat, certificates;
};

/* Every second spoke behind a box of its own. */
static void
put_nats(struct run *r)
{
	for (int i = 1; i < r->w->n_hosts; i += 2) {
		STR(public4, 32);
		struct addr a;

		str_addf(&public4, "203.0.113.%d", i % 250 + 1);
		if (!addr_parse(public4.p, &a))
			abort();
		r->w->host[i]->nat = net_nat(r->w, "box", &a, span_s(60));
		plan_set(&r->plan, i, "seen", public4.p);
	}
	for (int i = 0; i < r->w->n_hosts; i++)
		plan_set(&r->plan, i, "ids", "fqdn");
}

/* Every host has a certificate of one of two authorities below a root. */
static void
put_certificates(struct run *r)
{
	static const char *const authorities[] = { "ca root", "ca first by root", "ca second by root",
	    "crl list by root", "crl list1 by first", "crl list2 by second" };
	struct world *w = r->w;
	STR(why, 200);

	for (size_t i = 0; i < COUNT(authorities); i++)
		if (!pki_make(w->pki, world_date(w), authorities[i], &why))
			abort();
	for (int i = 0; i < w->n_hosts; i++) {
		const char *name = w->host[i]->name, *by = i % 2 == 0 ? "first" : "second";
		const char *key = i % 2 == 0 ? "ec256-a" : "ec256-b";
		STR(line, 200);
		STR(file, 60);

		str_addf(&line, "cert %s by %s key %s san DNS:%s.example.net", name, by, key, name);
		if (!pki_make(w->pki, world_date(w), line.p, &why))
			abort();
		str_addf(&file, "%s+%s", name, by);
		plan_set(&r->plan, i, "auth", "ECDSA_256");
		plan_set(&r->plan, i, "ids", "fqdn");
		plan_set(&r->plan, i, "pub", "none");
		plan_set(&r->plan, i, "key", key);
		plan_set(&r->plan, i, "ca", "root");
		plan_set(&r->plan, i, "crls", "list,list1,list2");
		plan_set(&r->plan, i, "certs", file.p);
	}
}

static void
choose_options(struct run *r, int hosts)
{
	static const char *const groups[] = { "X25519", "ECP_256", "X25519" };
	static const char *const p1lives[] = { "3600,60:86400", "300,60:86400", "180,60:86400" };
	static const char *const p2lives[] = { "1200,60:86400", "120,60:86400", "90,60:86400" };
	const char *group = groups[prng_below(&r->chance, COUNT(groups))];
	bool pfs = prng_chance(&r->chance, 500);
	bool six = prng_chance(&r->chance, 200);
	bool both = prng_chance(&r->chance, 500);
	bool nat = r->plan.topology == TOPOLOGY_STAR && prng_chance(&r->chance, 300);
	unsigned conns = hosts > 20 ? 1 : 1 + (unsigned)prng_below(&r->chance, 3);
	STR(conns_text, 8);
	const char *p2 = p2lives[prng_below(&r->chance, hosts > 20 ? 1 : COUNT(p2lives))];
	const char *p1 = p1lives[prng_below(&r->chance, hosts > 20 ? 1 : COUNT(p1lives))];

	str_addf(&conns_text, "%u", conns);
	r->nat = nat;
	if (nat)
		put_nats(r);
	for (int i = 0; i < r->w->n_hosts; i++) {
		plan_set(&r->plan, i, "conns", conns_text.p);
		plan_set(&r->plan, i, "group", group);
		plan_set(&r->plan, i, "pfs", pfs ? group : "none");
		plan_set(&r->plan, i, "family", six && !nat ? "6" : "4");
		plan_set(&r->plan, i, "p1life", p1);
		plan_set(&r->plan, i, "p2life", p2);
		plan_set(&r->plan, i, "dpd", nat || prng_chance(&r->chance, 500) ? "20" : "0");
		/* One side at least keeps each tunnel up; nobody reaches into a NAT. */
		plan_set(&r->plan, i, "active", i > 0 || (both && !nat) ? "yes" : "no");
	}
}

static void
change_weather(struct run *r)
{
	struct world *w = r->w;

	r->storm = !r->storm && prng_chance(&r->chance, 600);
	w->path_faults = w->stormy = r->storm;
	for (int i = 0; i < w->n_hosts; i++)
		for (int j = 0; j < w->n_hosts; j++) {
			if (i == j || !plan_talks(&r->plan, i, j))
				continue;
			struct link *l = net_link(w, i, j);

			l->delay = span_ms(1 + (int64_t)prng_below(&r->chance, 150));
			l->jitter = span_ms((int64_t)prng_below(&r->chance, 30));
			l->loss = r->storm ? (unsigned)prng_below(&r->chance, 300) : 0;
			l->dup = (unsigned)prng_below(&r->chance, r->storm ? 200 : 20);
			l->reorder = (unsigned)prng_below(&r->chance, r->storm ? 200 : 20);
			l->flip = r->storm ? (unsigned)prng_below(&r->chance, 30) : 0;
			l->cut = false;
		}
	/* What the storm broke has a while to be noticed and mended: an exchange
	 * whose datagrams it took gives up later. */
	w->settle = span_s(60);
	for (int i = 0; i < w->n_hosts; i++)
		invariants_disturb(w->host[i], NOBODY);
	w->settle = span_s(r->nat ? 45 : 5);
}

static void
strike(struct run *r)
{
	struct world *w = r->w;
	int a = (int)prng_below(&r->chance, (uint64_t)w->n_hosts);
	int b = (int)prng_below(&r->chance, (uint64_t)w->n_hosts);
	struct host *h = w->host[a];

	if (!h->up) {
		world_trace(w, h, "=== start");
		host_start(h);
		return;
	}
	switch (prng_below(&r->chance, 10)) {
	case 0:
		world_trace(w, h, "=== restart");
		host_kill(h);
		host_start(h);
		break;
	case 1:
		if (a == b || !r->storm)
			break;
		world_trace(w, h, "=== cut from %s", w->host[b]->name);
		net_link(w, a, b)->cut = net_link(w, b, a)->cut = true;
		invariants_disturb(h, b);
		break;
	case 2:
		world_trace(w, h, "=== keys role restarts");
		host_role_restart(h, true, false);
		break;
	case 3:
		world_trace(w, h, "=== kern role restarts");
		host_role_restart(h, false, true);
		break;
	case 4:
		world_trace(w, h, "=== T, then HUP");
		invariants_disturb(h, NOBODY);
		host_before(h);
		core_teardown_all(h->core, w->now);
		host_after(h);
		/* What was torn down stays down until it is wanted again. */
		plan_configure_one(&r->plan, a);
		break;
	case 5:
		h->kernel.refuse_in = 1 + (uint32_t)prng_below(&r->chance, 6);
		h->kernel.refuse_verb = prng_chance(&r->chance, 500) ? KERN_INSTALL : KERN_GET_SPI;
		world_trace(w, h, "=== kernel will refuse call %u", h->kernel.refuse_in);
		invariants_disturb(h, NOBODY);
		break;
	case 6:
		world_trace(w, h, "=== reload");
		plan_configure_one(&r->plan, a);
		break;
	case 7:
		if (h->nat == NOBODY)
			break;
		world_trace(w, h, "=== its NAT box forgets");
		net_nat_rebind(w, h->nat);
		/* The hub learns the new port from the next message. */
		invariants_disturb(h, NOBODY);
		break;
	case 8:
		world_trace(w, h, "=== kill");
		host_kill(h);
		break;
	default:
		if (!r->certificates)
			break;		/* nothing: time passes */
		world_trace(w, h, "=== trust role dies");
		host_trust_dies(h);
		break;
	}
}

static void
traffic(struct run *r)
{
	struct world *w = r->w;

	for (int i = 0; i < w->n_hosts; i++) {
		int j = (int)prng_below(&r->chance, (uint64_t)w->n_hosts);
		struct flow f = plan_flow(&r->plan, i, j, 1);

		if (w->host[i]->up && plan_talks(&r->plan, i, j))
			kernel_carry(w, w->host[i], &f, 1000);
	}
}

/* Every pair that talks can exchange packets. */
static bool
all_pass(void *self, struct world *w)
{
	struct run *r = self;

	for (int i = 0; i < w->n_hosts; i++)
		for (int j = 0; j < w->n_hosts; j++) {
			struct flow f = plan_flow(&r->plan, i, j, 1);

			if (plan_talks(&r->plan, i, j) && !kernel_carry(w, w->host[i], &f, 100))
				return false;
		}
	return true;
}

static void
say_who_is_down(struct run *r, struct str *out)
{
	for (int i = 0; i < r->w->n_hosts; i++)
		for (int j = 0; j < r->w->n_hosts; j++) {
			struct flow f = plan_flow(&r->plan, i, j, 1);

			if (!plan_talks(&r->plan, i, j) ||
			    kernel_carry(r->w, r->w->host[i], &f, 100))
				continue;
			str_addf(out, "%s to %s still does not pass 1300 s after the last fault",
			    r->w->host[i]->name, r->w->host[j]->name);
			return;
		}
}

static void
calm_down(struct run *r)
{
	struct world *w = r->w;

	r->storm = true;		/* so that the next weather is calm */
	change_weather(r);
	for (int i = 0; i < w->n_hosts; i++) {
		w->host[i]->kernel.refuse_in = 0;
		if (!w->host[i]->up)
			host_start(w->host[i]);
	}
	for (int i = 0; i < w->n_hosts; i++)
		for (int j = 0; j < w->n_hosts; j++)
			if (i != j && plan_talks(&r->plan, i, j)) {
				struct link *l = net_link(w, i, j);

				l->dup = l->reorder = 0;
			}
}

static void
count_done(const struct world *w, struct random_result *ret)
{
	for (int i = 0; i < w->n_hosts; i++) {
		if (w->host[i]->core == NULL)
			continue;
		struct core_counters c = core_count(w->host[i]->core);

		ret->phase1 += c.phase1_done;
		ret->phase2 += c.phase2_done;
	}
}

struct random_result
random_run(const struct random_plan *p)
{
	struct random_result ret = { .ok = true };
	struct run r = { .w = world_new(p->seed), .chance = { p->seed ^ 0xfa0175u } };
	int hosts = p->hosts > 0 ? p->hosts : (int)(2 + prng_below(&r.chance, 10));
	struct str out = str_of(ret.text, sizeof(ret.text));

	r.w->verbose = p->verbose;
	/* What a storm or a fault broke is noticed by the last retransmission
	 * (15 s) or by DPD (20 s idle, then 25 s of probes): until then a
	 * tunnel may still break, after that it may not. */
	r.w->settle = span_s(50);
	for (int i = 0; i < hosts; i++) {
		STR(name, 32);

		str_addf(&name, "h%d", i);
		world_add(r.w, name.p);
	}
	r.plan = plan_new(r.w);
	bool mesh = p->shape < 0 ? prng_chance(&r.chance, 400) : p->shape == 1;
	r.plan.topology = mesh ? TOPOLOGY_MESH : TOPOLOGY_STAR;
	choose_options(&r, hosts);
	r.certificates = p->certificates;
	if (r.certificates)
		put_certificates(&r);
	if (r.nat)
		r.w->settle = span_s(45);
	ret.ok = plan_start(&r.plan);

	struct mono end = mono_add(r.w->now, p->how_long);
	while (ret.ok && r.w->now.us < end.us && world_ok(r.w)) {
		world_run(r.w, mono_add(r.w->now, span_s(5 + (int64_t)prng_below(&r.chance, 40))));
		traffic(&r);
		if (prng_chance(&r.chance, 60))
			change_weather(&r);
		if (prng_chance(&r.chance, r.storm ? 250 : 60))
			strike(&r);
	}
	if (ret.ok && world_ok(r.w)) {
		calm_down(&r);
		/* Longer than an IPsec SA lives: a lost DELETE leaves the peer with
		 * one that nobody answers until it is renewed. */
		if (!world_run_until(r.w, all_pass, &r, mono_add(r.w->now, span_s(1300))) &&
		    world_ok(r.w)) {
			say_who_is_down(&r, &out);
			ret.ok = false;
		}
	}
	if (!world_ok(r.w)) {
		str_add(&out, r.w->violation);
		ret.ok = false;
	}
	ret.events = r.w->events;
	ret.datagrams = r.w->datagrams;
	count_done(r.w, &ret);
	plan_done(&r.plan);
	world_free(r.w);
	return ret;
}
