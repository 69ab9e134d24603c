/*
 * An allocation that fails at the n-th call, for every n until a tunnel comes
 * up without meeting it: the daemon survives, no invariant breaks, a later
 * attempt succeeds, and what the core took it gives back.  The linker lets
 * this file stand before malloc; only what happens inside of a core counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/pki.h"
#include "sim/template.h"

void	*__real_malloc(size_t);
void	*__real_calloc(size_t, size_t);
void	*__real_realloc(void *, size_t);
void	*__wrap_malloc(size_t);
void	*__wrap_calloc(size_t, size_t);
void	*__wrap_realloc(void *, size_t);

static struct {
	bool		inside;		/* of the victim's core */
	unsigned long	calls, fail_at, fail_more;	/* fails calls fail_at .. fail_at + fail_more */
	int		victim;
	bool		met;		/* one has just failed */
} gate;

static bool
refused(void)
{
	if (!gate.inside)
		return false;
	gate.calls++;
	if (gate.fail_at == 0 || gate.calls < gate.fail_at ||
	    gate.calls > gate.fail_at + gate.fail_more)
		return false;
	gate.met = true;
	return true;
}

void *
__wrap_malloc(size_t n)
{
	return refused() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return refused() ? NULL : __real_realloc(p, n);
}

static void
enter(void *self, struct host *h)
{
	(void)self;
	gate.inside = h->index == gate.victim;
}

static void
leave(void *self, struct host *h)
{
	(void)self;
	gate.inside = false;
	/* What was under way at that moment may break, nothing later. */
	if (gate.met)
		invariants_disturb(h, NOBODY);
	gate.met = false;
}

static bool
passes(void *self, struct world *w)
{
	struct plan *p = self;
	struct flow there = plan_flow(p, 0, 1, 1), back = plan_flow(p, 1, 0, 1);

	return kernel_carry(w, w->host[0], &there, 100) && kernel_carry(w, w->host[1], &back, 100);
}

/* How the two authenticate each other. */
enum way { SECRET, KEYS, CERTIFICATES, NAMES, WAYS };	/* NAMES: certificates, called by subjects */

static void
certificates(struct world *w)
{
	static const char *const lines[] = { "ca root", "ca sub by root",
	    "cert west by sub key ec256-a san DNS:west.example.net",
	    "cert east by root key ec256-b san DNS:east.example.net", "crl list by root" };
	STR(why, 200);

	for (size_t i = 0; i < COUNT(lines); i++)
		if (!pki_make(w->pki, world_date(w), lines[i], &why))
			abort();
}

static void
authenticate(struct world *w, struct plan *plan, enum way way)
{
	if (way == SECRET)
		return;
	if (way >= CERTIFICATES)
		certificates(w);
	for (int i = 0; i < 2; i++) {
		plan_set(plan, i, "auth", "ECDSA_256");
		plan_set(plan, i, "ids", way == NAMES ? "dn" : "fqdn");
		plan_set(plan, i, "key", i == 0 ? "ec256-a" : "ec256-b");
		if (way < CERTIFICATES)
			continue;
		plan_set(plan, i, "pub", "none");
		plan_set(plan, i, "ca", "root");
		plan_set(plan, i, "crls", "list");
		plan_set(plan, i, "certs", i == 0 ? "west+sub" : "east");
	}
	if (way == NAMES)
		plan_line(plan, 0, "id-west", "Name=%fromcert");
}

static bool
run(enum way way, int victim, unsigned long fail_at, unsigned long more, bool verbose)
{
	struct world *w = world_new(99);
	bool ok;

	w->verbose = verbose;

	world_add(w, "west");
	world_add(w, "east");
	struct plan plan = plan_new(w);
	for (int i = 0; i < 2; i++) {
		plan_set(&plan, i, "active", "yes");
		plan_set(&plan, i, "dpd", "10");
		plan_set(&plan, i, "p2life", "100,60:86400");
		plan_set(&plan, i, "p1life", "200,60:86400");
	}
	authenticate(w, &plan, way);
	w->path_faults = true;
	w->settle = span_s(40);		/* longer than a replaced pair stays */
	ok = plan_start(&plan);
	gate.victim = victim;
	gate.calls = 0;
	gate.fail_at = fail_at;
	gate.fail_more = more;
	w->hooks = (struct hooks){ .enter = enter, .leave = leave };
	if (ok)
		ok = world_run(w, mono_add(w->now, span_s(130)));
	gate.fail_at = 0;
	if (ok)
		ok = world_run_until(w, passes, &plan, mono_add(w->now, span_s(300)));
	if (ok)
		ok = world_run(w, mono_add(w->now, span_s(120)));
	if (!ok)
		printf("FAILED %s\nrepeat: scenario_every_allocation %d %d %lu %lu\n",
		    world_ok(w) ? "the tunnel does not come back" : w->violation, way, victim, fail_at,
		    more);
	gate.inside = false;
	plan_done(&plan);
	world_free(w);
	return ok;
}

/* How many calls a run without failure makes. */
static unsigned long
calls_of(enum way way, int victim)
{
	run(way, victim, 0, 0, false);
	return gate.calls;
}

static unsigned long
all_of(enum way way, int victim, unsigned long *runs)
{
	unsigned long failed = 0, calls = calls_of(way, victim);

	/* Names are certificates and a few calls more: every third will do. */
	for (unsigned long n = 1; n <= calls; n += way == NAMES ? 3 : 1) {
		failed += !run(way, victim, n, 0, false);
		++*runs;
		if (n % 7 == 0) {
			failed += !run(way, victim, n, 20, false);
			++*runs;
		}
	}
	return failed;
}

int
main(int argc, char **argv)
{
	unsigned long failed = 0, runs = 0;

	if (argc > 4)
		return !run((enum way)atoi(argv[1]), atoi(argv[2]), strtoul(argv[3], NULL, 10),
		    strtoul(argv[4], NULL, 10), true);
	for (int way = SECRET; way < WAYS; way++)
		for (int victim = 0; victim < 2; victim++)
			failed += all_of((enum way)way, victim, &runs);
	printf("%lu runs, %lu failed\n", runs, failed);
	return failed != 0;
}
