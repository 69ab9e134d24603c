/*
 * Main mode and quick mode with every fault in every place: each datagram
 * lost, doubled, delayed or overtaken, each pair lost, and each side
 * restarted after each datagram; with PFS and without, begun by one side and
 * by both at once.  All invariants of the simulator are checked on the way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/template.h"

enum kind { LOSE, DOUBLE, DELAY, LOSE_TWO, RESTART };

struct trial {
	enum kind	kind;
	unsigned	nth, second;	/* datagrams of the whole run, from 1 */
	struct span	by;
	int		victim;		/* RESTART */
	bool		pfs, both;
	struct span	bound;		/* both ends pass packets by then */
};

struct stand {
	struct trial	t;
	struct world	*w;
	struct plan	plan;
	unsigned	seen;
	bool		restart_due;
};

static enum fate
fate(void *self, struct world *w, struct datagram *d, struct span *delay)
{
	struct stand *s = self;

	(void)w;
	(void)d;
	s->seen++;
	switch (s->t.kind) {
	case LOSE:
		return s->seen == s->t.nth ? FATE_LOSE : FATE_PASS;
	case LOSE_TWO:
		return s->seen == s->t.nth || s->seen == s->t.second ? FATE_LOSE : FATE_PASS;
	case DOUBLE:
		if (s->seen != s->t.nth)
			return FATE_PASS;
		if (s->t.by.us > 0) {
			/* The copy comes late; it is counted as a datagram of its own. */
			struct path path = d->path;
			struct datagram *copy = sim_alloc(sizeof(*copy));

			*copy = *d;
			copy->path = path;
			copy->bytes = sim_alloc(d->n);
			memcpy(copy->bytes, d->bytes, d->n);
			queue_add(&w->queue, &copy->e, mono_add(w->now, s->t.by));
			return FATE_PASS;
		}
		return FATE_DOUBLE;
	case DELAY:
		if (s->seen == s->t.nth)
			delay->us += s->t.by.us;
		return FATE_PASS;
	case RESTART:
		if (s->seen == s->t.nth)
			s->restart_due = true;
		return FATE_PASS;
	}
	return FATE_PASS;
}

/* The restart comes between two events, after the datagram left. */
static void
after(void *self, struct world *w)
{
	struct stand *s = self;
	struct host *h = w->host[s->t.victim];

	if (!s->restart_due)
		return;
	s->restart_due = false;
	host_kill(h);
	if (!host_start(h))
		abort();
}

static bool
passes(void *self, struct world *w)
{
	struct stand *s = self;
	struct flow there = plan_flow(&s->plan, 0, 1, 1), back = plan_flow(&s->plan, 1, 0, 1);

	return kernel_carry(w, w->host[0], &there, 100) && kernel_carry(w, w->host[1], &back, 100);
}

struct tally { unsigned ready, all; };

static void
count(void *self, const struct core_sa_info *i)
{
	struct tally *t = self;

	if (i->phase == 2) {
		t->all++;
		t->ready += i->ready && !i->replaced;
	}
}

static void
describe(const struct trial *t, char *ret, size_t n)
{
	static const char *const kinds[] = { "lose", "double", "delay", "lose two", "restart" };

	snprintf(ret, n, "%s %u,%u by %.3f victim %d%s%s", kinds[t->kind], t->nth, t->second,
	    (double)t->by.us / 1e6, t->victim, t->pfs ? " pfs" : "", t->both ? " both" : "");
}

static bool
settled(struct stand *s, char *why, size_t n)
{
	struct world *w = s->w;

	for (int i = 0; i < 2; i++) {
		struct tally t = { 0 };
		struct core_counters c = core_count(w->host[i]->core);

		core_each_sa(w->host[i]->core, count, &t);
		if (t.ready != 1 || t.all != 1) {
			snprintf(why, n, "%s ends with %u ready IPsec SAs of %u", w->host[i]->name,
			    t.ready, t.all);
			return false;
		}
		if (c.exchanges != 0) {
			snprintf(why, n, "%s ends with %u exchanges", w->host[i]->name, c.exchanges);
			return false;
		}
		/* A copy that is later than the grace of its SA is one of an unknown SA. */
		if (s->t.kind != RESTART && w->host[i]->n_failures !=
		    (s->t.by.us > span_s(25).us ? host_failures(w->host[i], WHY_INVALID_COOKIE) : 0)) {
			snprintf(why, n, "%s wrote a failure record: %s", w->host[i]->name,
			    why_name(w->host[i]->failure[0].why));
			return false;
		}
	}
	return passes(s, w);
}

static bool
run(const struct trial *t, bool verbose)
{
	struct stand s = { .t = *t, .w = world_new(4711 + t->nth * 131 + t->second) };
	char name[128], why[256] = "packets do not pass";
	bool ok;

	s.w->verbose = verbose;
	world_add(s.w, "west");
	world_add(s.w, "east");
	s.plan = plan_new(s.w);
	for (int i = 0; i < 2; i++) {
		plan_set(&s.plan, i, "pfs", t->pfs ? "X25519" : "none");
		plan_set(&s.plan, i, "active", t->both || i == 0 ? "yes" : "no");
		plan_set(&s.plan, i, "dpd", t->kind == RESTART ? "10" : "0");
	}
	s.w->hooks = (struct hooks){ .self = &s, .datagram = fate, .after = after };
	s.w->half_most = s.w->larval_most = span_s(125);
	ok = plan_start(&s.plan) &&
	    world_run_until(s.w, passes, &s, mono_add(s.w->now, t->bound));
	/* Late copies arrive, everything ends; replaced SAs go after their grace. */
	if (ok)
		ok = world_run(s.w, mono_add(s.w->now, span_s(400))) && settled(&s, why, sizeof(why)) &&
		    invariants_quiet(s.w);
	if (!ok) {
		describe(t, name, sizeof(name));
		printf("FAILED %s: %s\n", name, world_ok(s.w) ? why : s.w->violation);
	}
	plan_done(&s.plan);
	world_free(s.w);
	return ok;
}

struct score { unsigned runs, failed, only; };

static void
tried(struct score *s, const struct trial *t)
{
	s->runs++;
	if (s->only != 0 && s->runs != s->only)
		return;
	if (!run(t, s->only != 0)) {
		s->failed++;
		printf("repeat: scenario_every_fault %u\n", s->runs);
	}
}

static void
each_place(struct score *score, bool pfs, bool both)
{
	static const int64_t late_ms[] = { 3, 100, 1000, 3000, 10000, 40000, 130000 };
	unsigned messages = both ? 20 : 9;
	struct trial t = { .pfs = pfs, .both = both, .bound = span_s(10) };

	for (t.nth = 1; t.nth <= messages; t.nth++) {
		t.kind = LOSE;
		tried(score, &t);
		for (size_t i = 0; i < COUNT(late_ms); i++) {
			t.by = span_ms(late_ms[i]);
			t.kind = DOUBLE;
			tried(score, &t);
			t.kind = DELAY;
			tried(score, &t);
		}
		t.by = (struct span){ 0 };
	}
	t.kind = LOSE_TWO;
	t.bound = span_s(30);
	for (t.nth = 1; t.nth <= messages + 1; t.nth++)
		for (t.second = t.nth + 1; t.second <= messages + 4; t.second++)
			tried(score, &t);
	t.second = 0;
	t.kind = RESTART;
	t.bound = span_s(both ? 30 : 150);
	for (t.nth = 1; t.nth <= messages; t.nth++)
		for (t.victim = 0; t.victim < 2; t.victim++)
			tried(score, &t);
}

int
main(int argc, char **argv)
{
	struct score score = { .only = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0 };

	for (unsigned i = 0; i < 4; i++)
		each_place(&score, (i & 1) != 0, (i & 2) != 0);
	printf("%u runs, %u failed\n", score.runs, score.failed);
	return score.failed != 0;
}
