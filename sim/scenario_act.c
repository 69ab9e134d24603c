/* What happens in a scenario: orders, faults, failures of machines. */
#include <stdlib.h>
#include <string.h>

#include "sim/pki.h"
#include "sim/scenario.h"

/* ---- net ---- */

/* `net lose|double|delay|flip PAIRS nth N[,M] [by T] [bit B]` */
static bool
net_nth(struct scenario *s, const struct words *ws, size_t i, uint8_t kind)
{
	struct fault f = { .kind = kind };
	struct pairs pairs;
	size_t at = words_find(ws, "nth"), by = words_find(ws, "by"), bit = words_find(ws, "bit");
	char list[WORD_MAX], *save = NULL;

	if (i + 1 >= ws->n || at + 1 >= ws->n || !words_pairs(s, ws->w[i + 1], &pairs))
		return scenario_fault(s, "net: a pair and nth are needed");
	if (kind == FAULT_DELAY && (by + 1 >= ws->n || !words_span(ws->w[by + 1], &f.delay)))
		return scenario_fault(s, "net delay: by how much?");
	if (kind == FAULT_FLIP && bit + 1 < ws->n)
		f.bit = (uint32_t)strtoul(ws->w[bit + 1], NULL, 10);
	text_copy(list, sizeof(list), ws->w[at + 1]);
	for (char *p = strtok_r(list, ",", &save); p != NULL; p = strtok_r(NULL, ",", &save)) {
		char *dash = strchr(p, '-');

		f.from_nth = (uint32_t)strtoul(p, NULL, 10);
		f.to_nth = dash == NULL ? f.from_nth : (uint32_t)strtoul(dash + 1, NULL, 10);
		for (size_t j = 0; j < pairs.n; j++)
			net_fault(s->w, pairs.v[j].from, pairs.v[j].to, f);
	}
	return true;
}

static bool
net_quality(struct scenario *s, struct link *l, const char *word, const char *value)
{
	if (strcmp(word, "delay") == 0)
		return words_span(value, &l->delay);
	if (strcmp(word, "jitter") == 0)
		return words_span(value, &l->jitter);
	if (strcmp(word, "loss") == 0) {
		s->w->path_faults = true;
		return words_permille(value, &l->loss);
	}
	if (strcmp(word, "dup") == 0)
		return words_permille(value, &l->dup);
	if (strcmp(word, "reorder") == 0)
		return words_permille(value, &l->reorder);
	if (strcmp(word, "flip") == 0) {
		s->w->path_faults = true;
		return words_permille(value, &l->flip);
	}
	return false;
}

/* `net loss 5% delay 40ms on PAIRS` */
bool
scenario_net(struct scenario *s, const struct words *ws, size_t i)
{
	static const struct { const char *word; uint8_t kind; } kinds[] = {
		{ "loss", FAULT_LOSE }, { "double", FAULT_DOUBLE }, { "delay", FAULT_DELAY },
		{ "flip", FAULT_FLIP },
	};
	struct pairs pairs;
	size_t on = words_find(ws, "on");

	if (words_find(ws, "nth") < ws->n) {
		for (size_t k = 0; k < COUNT(kinds); k++)
			if (i < ws->n && strcmp(ws->w[i], kinds[k].word) == 0)
				return net_nth(s, ws, i, kinds[k].kind);
		return scenario_fault(s, "net: loss, double, delay or flip expected");
	}
	if (!words_pairs(s, on + 1 < ws->n ? ws->w[on + 1] : "all", &pairs))
		return false;
	for (; i + 1 < ws->n && i < on; i += 2)
		for (size_t j = 0; j < pairs.n; j++)
			if (!net_quality(s, net_link(s->w, pairs.v[j].from, pairs.v[j].to), ws->w[i],
			    ws->w[i + 1]))
				return scenario_fault(s, "net: \"%s %s\" not understood", ws->w[i],
				    ws->w[i + 1]);
	return true;
}

static bool
act_cut(struct scenario *s, const char *text, bool cut)
{
	struct pairs pairs;

	if (!words_pairs(s, text, &pairs))
		return false;
	s->w->path_faults = true;
	for (size_t i = 0; i < pairs.n; i++) {
		net_link(s->w, pairs.v[i].from, pairs.v[i].to)->cut = cut;
		invariants_disturb(s->w->host[pairs.v[i].from], pairs.v[i].to);
	}
	return true;
}

/* `pki ca|cert|crl NAME ...` */
bool
scenario_pki(struct scenario *s, const struct words *ws, size_t i)
{
	STR(line, 800);
	STR(why, 200);

	words_rest(ws, i, &line);
	return pki_make(s->w->pki, world_date(s->w), line.p, &why) ||
	    scenario_fault(s, "pki: %s", why.p);
}

static bool
act_rebind(struct scenario *s, const char *name)
{
	for (int i = 0; i < s->w->n_nats; i++) {
		if (strcmp(s->w->nat[i].name, name) != 0)
			continue;
		net_nat_rebind(s->w, i);
		for (int j = 0; j < s->w->n_hosts; j++)
			if (s->w->host[j]->nat == i)
				invariants_disturb(s->w->host[j], NOBODY);
		return true;
	}
	return scenario_fault(s, "no NAT box \"%s\"", name);
}

/* ---- orders ---- */

static bool
act_connect(struct scenario *s, struct host *h, const struct words *ws, size_t i)
{
	enum why why;

	if (i >= ws->n)
		return scenario_fault(s, "c: which connection?");
	host_before(h);
	why = core_connect(h->core, s->w->now, ws->w[i]);
	host_after(h);
	if (i + 2 < ws->n && strcmp(ws->w[i + 1], "gives") == 0)
		return strcmp(why_name(why), ws->w[i + 2]) == 0 ||
		    scenario_fault(s, "c %s gave %s", ws->w[i], why_name(why));
	return why == WHY_NONE || scenario_fault(s, "c %s: %s", ws->w[i], why_text(why));
}

static bool
act_teardown(struct scenario *s, struct host *h, const struct words *ws, size_t i)
{
	int phase = 0;

	if (i < ws->n && strcmp(ws->w[i], "main") == 0)
		phase = 1;
	else if (i < ws->n && strcmp(ws->w[i], "quick") == 0)
		phase = 2;
	i += phase != 0;
	if (i >= ws->n)
		return scenario_fault(s, "t: which connection?");
	invariants_disturb(h, NOBODY);
	host_before(h);
	unsigned n = core_teardown(h->core, s->w->now, phase, ws->w[i]);
	host_after(h);
	return n > 0 || scenario_fault(s, "t %s: nothing was torn down", ws->w[i]);
}

static bool
act_refuse(struct scenario *s, struct host *h, const struct words *ws, size_t i)
{
	static const char *const verbs[] = { "any", "get_spi", "install", "remove", "query", "move" };
	struct kernel *k = &h->kernel;

	k->refuse_verb = 0;
	for (size_t v = 0; i < ws->n && v < COUNT(verbs); v++) {
		if (strcmp(verbs[v], ws->w[i]) != 0)
			continue;
		k->refuse_verb = (uint8_t)v;
		i++;
		break;
	}
	k->refuse_in = i < ws->n ? (uint32_t)strtoul(ws->w[i], NULL, 10) : 1;
	k->refuse_why = i + 1 < ws->n && strcmp(ws->w[i + 1], "ALGORITHM") == 0 ?
	    WHY_BACKEND_ALGORITHM : WHY_BACKEND;
	return k->refuse_in > 0 || scenario_fault(s, "refuse: which call from now?");
}

static bool
act_acquire(struct scenario *s, struct host *h, const struct words *ws, size_t i)
{
	struct host *peer = i < ws->n ? world_find(s->w, ws->w[i]) : NULL;

	if (peer == NULL)
		return scenario_fault(s, "acquire: with whom?");
	struct kern_event e = { .kind = KERN_ACQUIRE,
	    .flow = plan_flow(&s->plan, h->index, peer->index, 1) };
	for (size_t j = 0; j < h->kernel.n; j++)
		if (flow_equal(&h->kernel.sa[j]->spec.flow, &e.flow))
			e.id = h->kernel.sa[j]->spec.id;
	/* The packet: from the first to the first address. */
	e.flow.local.net.last = e.flow.local.net.first;
	e.flow.remote.net.last = e.flow.remote.net.first;
	host_kern_event(h, &e);
	return true;
}

/* `ping PEER [N] [of OCTETS] [every T]`: packets in the first flow with the peer. */
struct ping {
	struct sim_event	e;
	int		host;
	struct flow	flow;
	uint32_t	left, octets;
	struct span	every;
};

static void
ping_free(struct sim_event *e)
{
	free((struct ping *)e);
}

static void
ping_run(struct world *w, struct sim_event *e)
{
	struct ping *p = (struct ping *)e;

	if (w->host[p->host]->up && !kernel_carry(w, w->host[p->host], &p->flow, p->octets))
		kernel_stray(w, w->host[p->host], &p->flow);
	if (--p->left == 0)
		return;
	struct ping *next = sim_alloc(sizeof(*next));
	*next = *p;
	queue_add(&w->queue, &next->e, mono_add(w->now, p->every));
}

static bool
act_ping(struct scenario *s, struct host *h, const struct words *ws, size_t i)
{
	struct host *peer = i < ws->n ? world_find(s->w, ws->w[i]) : NULL;
	size_t of = words_find(ws, "of"), every = words_find(ws, "every");
	struct span span = span_s(1);

	if (peer == NULL || (every + 1 < ws->n && !words_span(ws->w[every + 1], &span)))
		return scenario_fault(s, "ping: whom?");
	struct ping *p = sim_alloc(sizeof(*p));
	p->e.run = ping_run;
	p->e.free = ping_free;
	p->host = h->index;
	p->flow = plan_flow(&s->plan, h->index, peer->index, 1);
	p->left = i + 1 < ws->n && i + 1 != of && i + 1 != every ?
	    (uint32_t)strtoul(ws->w[i + 1], NULL, 10) : 1;
	p->octets = of + 1 < ws->n ? (uint32_t)strtoul(ws->w[of + 1], NULL, 10) : 100;
	p->every = span;
	if (p->left == 0)
		p->left = 1;
	queue_add(&s->w->queue, &p->e, s->w->now);
	return true;
}

static bool
act_conf(struct scenario *s, struct host *h, const struct words *ws, size_t i)
{
	for (; i < ws->n; i++) {
		char name[WORD_MAX];
		char *value;

		text_copy(name, sizeof(name), ws->w[i]);
		value = strchr(name, '=');
		if (value == NULL)
			return scenario_fault(s, "conf: \"%s\" is not option=value", name);
		*value++ = '\0';
		if (!plan_set(&s->plan, h->index, name, value))
			return scenario_fault(s, "conf: no option \"%s\"", name);
	}
	return true;
}

/* `set [section] Tag=value` */
static bool
act_set(struct scenario *s, struct host *h, const struct words *ws, size_t i)
{
	char section[WORD_MAX];
	STR(line, 160);
	size_t n;

	if (i + 1 >= ws->n || ws->w[i][0] != '[')
		return scenario_fault(s, "set: [section] Tag=value expected");
	text_copy(section, sizeof(section), ws->w[i] + 1);
	n = strlen(section);
	if (n > 0 && section[n - 1] == ']')
		section[n - 1] = '\0';
	words_rest(ws, i + 1, &line);
	return plan_line(&s->plan, h->index, section, line.p) ||
	    scenario_fault(s, "set: too many lines");
}

static bool
act_reload(struct scenario *s, struct host *h)
{
	return plan_configure_one(&s->plan, h->index) ||
	    scenario_fault(s, "%s: the new configuration is refused", h->name);
}

static void
act_mark(struct scenario *s, struct host *h)
{
	s->n_marked = 0;
	for (size_t i = 0; i < h->kernel.n && s->n_marked < COUNT(s->marked); i++)
		if ((h->kernel.sa[i]->parts & SA_PART_IN) != 0)
			s->marked[s->n_marked++] = h->kernel.sa[i]->spec.in.spi;
}

static bool
act_role(struct scenario *s, struct host *h, const char *role)
{
	bool keys = strcmp(role, "keys") == 0, kern = strcmp(role, "kern") == 0;

	if (strcmp(role, "trust") == 0) {
		host_trust_dies(h);
		return true;
	}
	if (!keys && !kern)
		return scenario_fault(s, "role: keys, kern or trust");
	host_role_restart(h, keys, kern);
	return true;
}

static bool
act_start(struct scenario *s, struct host *h)
{
	if (!plan_configure_one(&s->plan, h->index))
		return scenario_fault(s, "%s: the configuration is refused", h->name);
	return host_start(h) || scenario_fault(s, "%s: does not start", h->name);
}

static bool
act_kernel_gone(struct host *h)
{
	struct kern_event e = { .kind = KERN_GONE };

	kernel_clear(&h->kernel);
	invariants_disturb(h, NOBODY);
	host_kern_event(h, &e);
	return true;
}

/* `pair-lost PEER`: another program took the SAs in use with that peer, not the flow. */
static bool
act_pair_lost(struct scenario *s, struct host *h, const struct words *ws, size_t i)
{
	struct host *peer = i < ws->n ? world_find(s->w, ws->w[i]) : NULL;

	if (peer == NULL)
		return scenario_fault(s, "pair-lost: with whom?");
	struct flow flow = plan_flow(&s->plan, h->index, peer->index, 1);
	struct model_sa *sa = kernel_out(&h->kernel, &flow);
	if (sa == NULL)
		return scenario_fault(s, "pair-lost: there is none");
	struct kern_event e = { .kind = KERN_LOST, .id = sa->spec.id };
	sa->parts &= SA_PART_FLOW;
	invariants_disturb(h, NOBODY);
	host_kern_event(h, &e);
	return true;
}

static bool
act_running(struct scenario *s, struct host *h, const struct words *ws, size_t i)
{
	const char *verb = ws->w[i];
	const char *arg = i + 1 < ws->n ? ws->w[i + 1] : "";

	if (!h->up)
		return scenario_fault(s, "%s is down", h->name);
	if (strcmp(verb, "c") == 0)
		return act_connect(s, h, ws, i + 1);
	if (strcmp(verb, "t") == 0)
		return act_teardown(s, h, ws, i + 1);
	if (strcmp(verb, "refuse") == 0)
		return act_refuse(s, h, ws, i + 1);
	if (strcmp(verb, "acquire") == 0)
		return act_acquire(s, h, ws, i + 1);
	if (strcmp(verb, "ping") == 0)
		return act_ping(s, h, ws, i + 1);
	if (strcmp(verb, "reload") == 0)
		return act_reload(s, h);
	if (strcmp(verb, "role") == 0)
		return act_role(s, h, arg);
	if (strcmp(verb, "backend-gone") == 0)
		return act_kernel_gone(h);
	if (strcmp(verb, "pair-lost") == 0)
		return act_pair_lost(s, h, ws, i + 1);
	host_before(h);
	if (strcmp(verb, "T") == 0) {
		invariants_disturb(h, NOBODY);
		core_teardown_all(h->core, s->w->now);
	} else if (strcmp(verb, "M") == 0) {
		invariants_disturb(h, NOBODY);
		core_passive(h->core, s->w->now, strcmp(arg, "passive") == 0);
	} else if (strcmp(verb, "shutdown") == 0) {
		invariants_disturb(h, NOBODY);
		core_shutdown(h->core, s->w->now, strcmp(arg, "quietly") != 0);
	} else {
		host_after(h);
		return scenario_fault(s, "\"%s\" is no action", verb);
	}
	host_after(h);
	return true;
}

static bool
act_host(struct scenario *s, struct host *h, const struct words *ws, size_t i)
{
	const char *verb = ws->w[i];

	if (strcmp(verb, "conf") == 0)
		return act_conf(s, h, ws, i + 1);
	if (strcmp(verb, "set") == 0)
		return act_set(s, h, ws, i + 1);
	if (strcmp(verb, "kill") == 0) {
		host_kill(h);
		return true;
	}
	if (strcmp(verb, "start") == 0)
		return act_start(s, h);
	if (strcmp(verb, "restart") == 0) {
		host_kill(h);
		return act_start(s, h);
	}
	if (strcmp(verb, "mark") == 0) {
		act_mark(s, h);
		return true;
	}
	if (strcmp(verb, "disturbed") == 0) {
		invariants_disturb(h, NOBODY);
		return true;
	}
	return act_running(s, h, ws, i);
}

bool
scenario_act(struct scenario *s, const struct words *ws, size_t i)
{
	struct hosts hosts;

	if (i + 1 >= ws->n)
		return scenario_fault(s, "an action is missing");
	if (strcmp(ws->w[i], "net") == 0)
		return scenario_net(s, ws, i + 1);
	if (strcmp(ws->w[i], "cut") == 0 || strcmp(ws->w[i], "heal") == 0)
		return act_cut(s, ws->w[i + 1], ws->w[i][0] == 'c');
	if (strcmp(ws->w[i], "pki") == 0)
		return scenario_pki(s, ws, i + 1);
	if (strcmp(ws->w[i], "rebind") == 0)
		return act_rebind(s, ws->w[i + 1]);
	if (!words_hosts(s, ws->w[i], &hosts))
		return false;
	for (size_t j = 0; j < hosts.n; j++)
		if (!act_host(s, s->w->host[hosts.v[j]], ws, i + 1))
			return false;
	return true;
}
