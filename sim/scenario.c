#include "sim/scenario.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
scenario_fault(struct scenario *s, const char *fmt, ...)
{
	va_list ap;

	if (s->fault[0] != '\0')
		return false;
	va_start(ap, fmt);
	vsnprintf(s->fault, sizeof(s->fault), fmt, ap);
	va_end(ap);
	return false;
}

static struct mono
instant(struct span since_start)
{
	return mono_add((struct mono){ 1000000 }, since_start);
}

/* ---- declarations ---- */

/* `peers west east spoke*20` */
static bool
line_peers(struct scenario *s, const struct words *ws)
{
	for (size_t i = 1; i < ws->n; i++) {
		char name[WORD_MAX];
		char *star;

		text_copy(name, sizeof(name), ws->w[i]);
		star = strchr(name, '*');
		if (star == NULL) {
			world_add(s->w, name);
			continue;
		}
		*star++ = '\0';
		for (unsigned long k = 1, n = strtoul(star, NULL, 10); k <= n && k <= 250; k++) {
			STR(numbered, 32);

			str_addf(&numbered, "%s%lu", name, k);
			world_add(s->w, numbered.p);
		}
	}
	s->plan = plan_new(s->w);
	s->planned = true;
	return s->w->n_hosts > 0 || scenario_fault(s, "peers: names expected");
}

static bool
line_topology(struct scenario *s, const struct words *ws)
{
	if (ws->n < 2)
		return scenario_fault(s, "topology: star or mesh");
	s->plan.topology = strcmp(ws->w[1], "star") == 0 ? TOPOLOGY_STAR : TOPOLOGY_MESH;
	return true;
}

/* `nat box public 203.0.113.1 expiry 60s hosts west` */
static bool
line_nat(struct scenario *s, const struct words *ws)
{
	size_t at = words_find(ws, "public"), exp = words_find(ws, "expiry"),
	    who = words_find(ws, "hosts");
	struct addr a;
	struct span expiry = span_s(60);
	struct hosts hosts;

	if (at + 1 >= ws->n || who + 1 >= ws->n || !addr_parse(ws->w[at + 1], &a) ||
	    (exp + 1 < ws->n && !words_span(ws->w[exp + 1], &expiry)))
		return scenario_fault(s, "nat NAME public ADDRESS [expiry T] hosts HOSTS");
	if (!words_hosts(s, ws->w[who + 1], &hosts))
		return false;
	int nat = net_nat(s->w, ws->w[1], &a, expiry);
	for (size_t i = 0; i < hosts.n; i++) {
		s->w->host[hosts.v[i]]->nat = nat;
		plan_set(&s->plan, hosts.v[i], "seen", ws->w[at + 1]);
	}
	return true;
}

/* `bound sends 40 per second`, `bound larval 60s`: tighter invariants. */
static bool
line_bound(struct scenario *s, const struct words *ws)
{
	if (ws->n >= 3 && strcmp(ws->w[1], "sends") == 0)
		s->w->sends_per_second = (uint32_t)strtoul(ws->w[2], NULL, 10);
	else if (ws->n >= 3 && strcmp(ws->w[1], "larval") == 0)
		return words_span(ws->w[2], &s->w->larval_most);
	else if (ws->n >= 3 && strcmp(ws->w[1], "half") == 0)
		return words_span(ws->w[2], &s->w->half_most);
	else
		return scenario_fault(s, "bound: sends, larval or half");
	return true;
}

static bool
start(struct scenario *s)
{
	if (s->started)
		return true;
	s->started = true;
	if (!s->planned)
		return scenario_fault(s, "peers come first");
	return plan_start(&s->plan) || scenario_fault(s, "a host does not start");
}

/* ---- time ---- */

static bool
line_at(struct scenario *s, const struct words *ws)
{
	struct span t;

	if (ws->n < 3 || !words_span(ws->w[1], &t))
		return scenario_fault(s, "at T ACTION");
	if (!start(s))
		return false;
	if (instant(t).us < s->w->now.us && span_secs(t) != 0)
		return scenario_fault(s, "it is already %.3f s",
		    (double)(s->w->now.us - 1000000) / 1e6);
	if (!world_run(s->w, instant(t)))
		return false;
	return scenario_act(s, ws, 2);
}

static bool
line_run(struct scenario *s, const struct words *ws)
{
	struct span t;

	if (ws->n < 2 || !words_span(ws->w[1], &t))
		return scenario_fault(s, "run T");
	return start(s) && world_run(s->w, mono_add(s->w->now, t));
}

/* ---- expectations ---- */

struct expectation {
	struct scenario		*s;
	const struct words	*ws;
	size_t			 from;
	struct hosts		 hosts;
	bool			 nonsense;
	char			 missing[200];
};

/* All conditions, separated by commas at word ends, on all hosts. */
static bool
holds(void *self, struct world *w)
{
	struct expectation *x = self;
	struct words ws = *x->ws;

	for (size_t i = x->from; i < ws.n; ) {
		size_t end = i;
		bool comma = false;

		while (end < ws.n && !comma) {
			size_t n = strlen(ws.w[end]);

			comma = n > 0 && ws.w[end][n - 1] == ',';
			if (comma)
				ws.w[end][n - 1] = '\0';
			end++;
		}
		for (size_t h = 0; h < x->hosts.n; h++) {
			bool ok = false;

			if (!scenario_condition(x->s, &ws, i, end, w->host[x->hosts.v[h]], &ok)) {
				x->nonsense = true;
				return true;
			}
			if (ok)
				continue;
			struct str text = str_of(x->missing, sizeof(x->missing));
			str_addf(&text, "%s:", w->host[x->hosts.v[h]]->name);
			for (size_t k = i; k < end; k++)
				str_addf(&text, " %s", ws.w[k]);
			return false;
		}
		i = end;
	}
	return true;
}

/* `exchanges phase1 = 1`: how many of a phase any host has completed, at most. */
static bool
expect_exchanges(struct scenario *s, const struct words *ws)
{
	uint64_t most = 0;

	if (ws->n < 5)
		return scenario_fault(s, "exchanges phase1|phase2 = N");
	for (int i = 0; i < s->w->n_hosts; i++) {
		if (s->w->host[i]->core == NULL)
			continue;
		struct core_counters c = core_count(s->w->host[i]->core);
		uint64_t n = strcmp(ws->w[2], "phase1") == 0 ? c.phase1_done : c.phase2_done;

		most = n > most ? n : most;
	}
	uint64_t want = strtoull(ws->w[4], NULL, 10);
	bool ok = strcmp(ws->w[3], "<=") == 0 ? most <= want : most == want;
	return ok || scenario_fault(s, "%s: %llu exchanges, not %s %s", ws->w[2],
	    (unsigned long long)most, ws->w[3], ws->w[4]);
}

/* `expect [within T|for T] HOSTS: condition, condition` */
static bool
line_expect(struct scenario *s, const struct words *ws)
{
	struct expectation x = { .s = s, .ws = ws, .from = 1 };
	struct mono limit = s->w->now;
	bool throughout = false;
	struct span t;

	if (!start(s))
		return false;
	if (ws->n > 2 && strcmp(ws->w[1], "exchanges") == 0)
		return expect_exchanges(s, ws);
	if (ws->n > 1 && strcmp(ws->w[1], "quiet") == 0)
		return invariants_quiet(s->w);
	if (ws->n > 4 && (strcmp(ws->w[1], "within") == 0 || strcmp(ws->w[1], "for") == 0)) {
		if (!words_span(ws->w[2], &t))
			return scenario_fault(s, "\"%s\" is no time", ws->w[2]);
		throughout = ws->w[1][0] == 'f';
		limit = mono_add(s->w->now, t);
		x.from = 3;
	}
	if (x.from + 1 >= ws->n || !words_hosts(s, ws->w[x.from], &x.hosts))
		return scenario_fault(s, "expect HOSTS: CONDITION, ...");
	x.from++;
	if (throughout) {
		while (holds(&x, s->w) && !x.nonsense && world_ok(s->w) && s->w->now.us < limit.us) {
			const struct sim_event *e = queue_first(&s->w->queue);

			world_run(s->w, e == NULL || e->at.us > limit.us ? limit : e->at);
		}
		return !x.nonsense && world_ok(s->w) && (holds(&x, s->w) ||
		    scenario_fault(s, "ceased to hold: %s", x.missing));
	}
	bool ok = world_run_until(s->w, holds, &x, limit);
	if (x.nonsense || !world_ok(s->w))
		return false;
	return ok || scenario_fault(s, "does not hold: %s", x.missing);
}

/* ---- the file ---- */

static bool
on_hosts(struct scenario *s, const struct words *ws)
{
	struct words moved = { 0 };

	/* `conf HOSTS ...` and `set HOSTS ...` are actions before the start. */
	if (ws->n < 3)
		return scenario_fault(s, "%s HOSTS ...", ws->w[0]);
	moved = *ws;
	memcpy(moved.w[0], ws->w[1], WORD_MAX);
	memcpy(moved.w[1], ws->w[0], WORD_MAX);
	return scenario_act(s, &moved, 0);
}

static bool
run_line(struct scenario *s, const char *line)
{
	struct words ws;

	words_split(&ws, line);
	if (ws.n == 0)
		return true;
	const char *verb = ws.w[0];
	if (strcmp(verb, "peers") != 0 && !s->planned)
		return scenario_fault(s, "peers come first");
	if (strcmp(verb, "peers") == 0)
		return line_peers(s, &ws);
	if (strcmp(verb, "topology") == 0)
		return line_topology(s, &ws);
	if (strcmp(verb, "conf") == 0 || strcmp(verb, "set") == 0)
		return on_hosts(s, &ws);
	if (strcmp(verb, "nat") == 0)
		return line_nat(s, &ws);
	if (strcmp(verb, "pki") == 0)
		return scenario_pki(s, &ws, 1);
	if (strcmp(verb, "net") == 0)
		return scenario_net(s, &ws, 1);
	if (strcmp(verb, "bound") == 0)
		return line_bound(s, &ws);
	if (strcmp(verb, "start") == 0)
		return start(s);
	if (strcmp(verb, "at") == 0)
		return line_at(s, &ws);
	if (strcmp(verb, "run") == 0)
		return line_run(s, &ws);
	if (strcmp(verb, "expect") == 0)
		return line_expect(s, &ws);
	return scenario_fault(s, "\"%s\" not understood", verb);
}

struct scenario_result
scenario_run(const char *file, const char *text, uint64_t seed, bool verbose)
{
	struct scenario *s = sim_alloc(sizeof(*s));
	struct scenario_result ret = { .ok = true };
	char *copy = sim_copy_text(text), *rest = copy, *line;

	s->file = file;
	s->w = world_new(seed);
	s->w->verbose = verbose;
	while (ret.ok && (line = strsep(&rest, "\n")) != NULL) {
		s->line++;
		if (run_line(s, line))
			continue;
		struct str out = str_of(ret.text, sizeof(ret.text));
		str_addf(&out, "%s:%u: %s%s(at %.3f s, seed %llu)", file, s->line,
		    world_ok(s->w) ? s->fault : s->w->violation, " ",
		    (double)(s->w->now.us - 1000000) / 1e6, (unsigned long long)seed);
		ret.ok = false;
	}
	free(copy);
	plan_done(&s->plan);
	world_free(s->w);
	free(s);
	return ret;
}
