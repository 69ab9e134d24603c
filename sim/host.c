/*
 * A host: feeds its core with datagrams, answers and ticks, and carries out
 * what the core wants done, with latencies like those of real processes.
 */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
fill_random(void *self, void *buf, size_t n)
{
	struct host *h = self;

	prng_fill(&h->random, buf, n);
}

static bool
source_address(void *self, const struct addr *remote, struct addr *ret)
{
	const struct host *h = self;

	*ret = remote->family == FAMILY_IP6 ? h->addr6 : h->addr4;
	return true;
}

static struct host *
still(struct world *w, int host, uint32_t life)
{
	struct host *h = w->host[host];

	return h->up && h->life == life ? h : NULL;
}

/* ---- the clock ---- */

struct tick {
	struct sim_event	e;
	int		host;
	uint32_t	life;
};

static void
tick_free(struct sim_event *e)
{
	free((struct tick *)e);
}

static void
tick_run(struct world *w, struct sim_event *e)
{
	struct tick *t = (struct tick *)e;
	struct host *h = still(w, t->host, t->life);

	if (h == NULL || h->tick_at.us != e->at.us)
		return;			/* moved meanwhile */
	h->tick_at = MONO_NEVER;
	if (++h->ticks_now > 1000)
		world_fail(w, "%s: the core asks for ticks without end", h->name);
	host_before(h);
	core_tick(h->core, w->now);
	host_after(h);
}

static void
arm(struct host *h)
{
	struct mono next = core_next(h->core);

	if (next.us == MONO_NEVER.us || next.us >= h->tick_at.us)
		return;
	struct tick *t = sim_alloc(sizeof(*t));
	t->e.run = tick_run;
	t->e.free = tick_free;
	t->host = h->index;
	t->life = h->life;
	if (next.us < h->world->now.us)
		next = h->world->now;
	h->tick_at = next;
	queue_add(&h->world->queue, &t->e, next);
}

/* ---- keys ---- */

enum { COPY_ROOM = 3 * PUBLIC_MAX + 8192 };

struct keys_job {
	struct sim_event		e;
	int			host;
	uint32_t		life, keys_life;
	struct keys_ask		ask;
	struct keys_answer	answer;
	size_t			room_n;
	uint8_t			room[COPY_ROOM];
};

static void
keys_job_free(struct sim_event *e)
{
	struct keys_job *j = (struct keys_job *)e;

	keys_answer_done(&j->answer);
	free(j);
}

static struct view
keep(struct keys_job *j, struct view v)
{
	if (v.n > COPY_ROOM - j->room_n)
		abort();
	uint8_t *p = j->room + j->room_n;
	if (v.n > 0)
		memcpy(p, v.p, v.n);
	j->room_n += v.n;
	return view_of(p, v.n);
}

static void
keys_job_run(struct world *w, struct sim_event *e)
{
	struct keys_job *j = (struct keys_job *)e;
	struct host *h = still(w, j->host, j->life);

	if (h == NULL || h->keys_life != j->keys_life)
		return;
	if (!keys_side_ask(h->keys, &j->ask, &j->answer))
		return;
	if (j->answer.why == WHY_CONTRACT)
		world_fail(w, "%s: breaks the contract with keys (verb %u)", h->name, j->ask.verb);
	if (w->hooks.keys != NULL)
		w->hooks.keys(w->hooks.self, h, &j->answer);
	host_before(h);
	core_keys_answer(h->core, w->now, &j->answer);
	host_after(h);
}

/* Public-key work takes milliseconds, the rest next to nothing. */
static struct span
keys_cost(struct world *w, uint8_t verb)
{
	bool heavy = verb == KEYS_DH_NEW || verb == KEYS_SKEYID || verb == KEYS_DH_SHARED;

	return (struct span){ (heavy ? 500 : 50) +
	    (int64_t)prng_below(&w->chance, heavy ? 2000 : 100) };
}

static void
act_keys_carry(struct host *h, const struct keys_ask *ask)
{
	struct world *w = h->world;
	struct keys_job *j = sim_alloc(sizeof(*j));

	j->e.run = keys_job_run;
	j->e.free = keys_job_free;
	j->host = h->index;
	j->life = h->life;
	j->keys_life = h->keys_life;
	j->ask = *ask;
	j->ask.ni = keep(j, ask->ni);
	j->ask.nr = keep(j, ask->nr);
	j->ask.peer_public = keep(j, ask->peer_public);
	j->ask.sa_body = keep(j, ask->sa_body);
	j->ask.id_body = keep(j, ask->id_body);
	j->ask.proof = keep(j, ask->proof);

	/* One channel: answers come in the order of the asks. */
	struct mono at = mono_add(w->now, keys_cost(w, ask->verb));
	if (at.us < h->keys_free_at.us)
		at = h->keys_free_at;
	h->keys_free_at = at;
	queue_add(&w->queue, &j->e, at);
}

/* ---- trust ---- */

enum {
	TRUST_ROOM = 65536,
	TRUST_LOADS_MS = 20,		/* until its certificates are there */
	TRUST_BACK_MS = 300		/* from its end to the next start */
};

/* An ask or its answer, as it goes through the channel. */
struct trust_job {
	struct sim_event		e;
	int			host;
	uint32_t		life, trust_life;
	size_t			n;
	uint8_t			body[TRUST_ROOM];
};

static void
trust_job_free(struct sim_event *e)
{
	free((struct trust_job *)e);
}

static struct trust_job *
trust_job(const struct host *h, void (*run)(struct world *, struct sim_event *))
{
	struct trust_job *j = sim_alloc(sizeof(*j));

	j->e.run = run;
	j->e.free = trust_job_free;
	j->host = h->index;
	j->life = h->life;
	j->trust_life = h->trust_life;
	return j;
}

static struct host *
trust_job_host(struct world *w, const struct trust_job *j)
{
	struct host *h = still(w, j->host, j->life);

	return h != NULL && h->trust_life == j->trust_life ? h : NULL;
}

static void
trust_job_run(struct world *w, struct sim_event *e)
{
	struct trust_job *j = (struct trust_job *)e;
	struct host *h = trust_job_host(w, j);
	struct rd r = rd_of(view_of(j->body, j->n));
	struct trust_answer a, read;
	struct trust_ask ask;

	if (h == NULL)
		return;
	if (!trust_ask_decode(&r, &ask))
		abort();
	trust_side_ask(w, h->trust, &ask, &a);
	struct trust_job *back = trust_job(h, NULL);
	struct wr out = wr_of(back->body, sizeof(back->body));
	trust_answer_encode(&out, &a);
	r = rd_of(wr_done(&out));
	if (out.bad || !trust_answer_decode(&r, &read))
		world_fail(w, "%s: an answer of trust does not fit its channel", h->name);
	else {
		host_before(h);
		core_trust_answer(h->core, w->now, &read);
		host_after(h);
	}
	free(back);
}

static void
act_trust_carry(struct host *h, const struct trust_ask *ask)
{
	struct world *w = h->world;

	if (h->trust == NULL) {
		const struct trust_answer gone = { .verb = ask->verb, .token = ask->token,
		    .why = WHY_ROLE_GONE };

		core_trust_answer(h->core, w->now, &gone);
		return;
	}
	struct trust_job *j = trust_job(h, trust_job_run);
	struct wr out = wr_of(j->body, sizeof(j->body));
	trust_ask_encode(&out, ask);
	if (out.bad)
		world_fail(w, "%s: an ask of trust does not fit its channel", h->name);
	j->n = out.len;
	/* A chain is a few verifications. */
	struct mono at = mono_add(w->now, (struct span){ 300 + (int64_t)prng_below(&w->chance, 1500) });
	if (at.us < h->trust_free_at.us)
		at = h->trust_free_at;
	h->trust_free_at = at;
	queue_add(&w->queue, &j->e, at);
}

/* Its certificates are there: it tells, and answers what waited. */
static void
trust_loaded_run(struct world *w, struct sim_event *e)
{
	struct host *h = trust_job_host(w, (struct trust_job *)e);

	if (h == NULL)
		return;
	host_before(h);
	trust_side_tell(h->trust, h->core);
	host_after(h);
}

static void
trust_load(struct host *h, const struct snapshot *s)
{
	struct world *w = h->world;

	trust_side_free(h->trust);
	h->trust = trust_side_new(w, h->text, s);
	if (h->trust == NULL)
		abort();
	struct mono there = mono_add(w->now, span_ms(TRUST_LOADS_MS));
	queue_add(&w->queue, &trust_job(h, trust_loaded_run)->e, there);
	if (h->trust_free_at.us < there.us)
		h->trust_free_at = there;
}

static void
trust_back_run(struct world *w, struct sim_event *e)
{
	struct host *h = trust_job_host(w, (struct trust_job *)e);
	struct snapshot *s = h == NULL ? NULL : config_snapshot(h->text, false);

	if (s != NULL)
		trust_load(h, s);
	snapshot_unref(s);
}

void
host_trust_dies(struct host *h)
{
	struct world *w = h->world;

	if (!h->up)
		return;
	h->trust_life++;
	trust_side_free(h->trust);
	h->trust = NULL;
	host_before(h);
	core_trust_gone(h->core, w->now);
	host_after(h);
	queue_add(&w->queue, &trust_job(h, trust_back_run)->e, mono_add(w->now, span_ms(TRUST_BACK_MS)));
}

/* ---- kern ---- */

struct kern_job {
	struct sim_event		e;
	int			host;
	uint32_t		life, kern_life;
	bool			answered;
	struct kern_ask		ask;
	struct sa_spec		spec;
	struct kern_answer	answer;
};

static void
kern_job_free(struct sim_event *e)
{
	struct kern_job *j = (struct kern_job *)e;

	sa_spec_done(&j->spec);
	free(j);
}

static void
kern_reply_run(struct world *w, struct sim_event *e)
{
	struct kern_job *j = (struct kern_job *)e;
	struct host *h = still(w, j->host, j->life);

	if (h == NULL || h->kern_life != j->kern_life)
		return;
	host_before(h);
	core_kern_answer(h->core, w->now, &j->answer);
	host_after(h);
}

/* The kernel changes at one moment, the core hears of it at a later one. */
static void
kern_job_run(struct world *w, struct sim_event *e)
{
	struct kern_job *j = (struct kern_job *)e;
	struct host *h = still(w, j->host, j->life);

	if (h == NULL || h->kern_life != j->kern_life)
		return;
	struct kern_job *reply = sim_alloc(sizeof(*reply));
	reply->e.run = kern_reply_run;
	reply->e.free = kern_job_free;
	reply->host = j->host;
	reply->life = j->life;
	reply->kern_life = j->kern_life;
	reply->answer.verb = j->ask.verb;
	reply->answer.token = j->ask.token;
	kernel_ask(w, h, &j->ask, &reply->answer);
	queue_add(&w->queue, &reply->e,
	    mono_add(w->now, (struct span){ 50 + (int64_t)prng_below(&w->chance, 200) }));
}

static void
act_kern_carry(struct host *h, const struct kern_ask *ask)
{
	struct world *w = h->world;
	struct kern_job *j = sim_alloc(sizeof(*j));

	j->e.run = kern_job_run;
	j->e.free = kern_job_free;
	j->host = h->index;
	j->life = h->life;
	j->kern_life = h->kern_life;
	j->ask = *ask;
	if (ask->spec != NULL) {
		if (!sa_spec_copy(&j->spec, ask->spec))
			abort();
		j->ask.spec = &j->spec;
	}
	struct mono at = mono_add(w->now, (struct span){ 50 + (int64_t)prng_below(&w->chance, 200) });
	if (at.us < h->kern_free_at.us)
		at = h->kern_free_at;
	h->kern_free_at = at;
	queue_add(&w->queue, &j->e, at);
}

void
host_kern_event(struct host *h, const struct kern_event *event)
{
	if (!h->up)
		return;
	host_before(h);
	core_kern_event(h->core, h->world->now, event);
	host_after(h);
}

/* ---- effects ---- */

static void
act_send_carry(struct host *h, const struct act *a)
{
	struct path path = a->path;

	/* Without a local address the system chooses one. */
	if (addr_is_any(&path.local.addr))
		path.local.addr = path.remote.addr.family == FAMILY_IP6 ? h->addr6 : h->addr4;
	if (path.local.port == 0)
		path.local.port = path.encap ? h->options.port_nat_t : h->options.port;
	h->sent++;
	h->sent_octets += a->bytes.n;
	if (a->bytes.n > 1)
		invariants_sent(h, &path, a->bytes);
	net_send(h->world, h->index, &path, a->bytes);
}

static void
keep_failure(struct host *h, const struct failure *f)
{
	STR(line, 1400);

	h->failure[h->n_failures++ % FAILURES_KEPT] = *f;
	failure_print(&line, f);
	world_trace(h->world, h, "! %s", line.p);
	/* Where the network itself is bad, giving up is no fault of the core. */
	if (h->world->path_faults && (f->why == WHY_NO_ANSWER || f->why == WHY_PEER_DEAD ||
	    f->why == WHY_TIMEOUT))
		invariants_disturb(h, NOBODY);
}

static void
carry(struct host *h, const struct act *a)
{
	if (h->world->hooks.act != NULL)
		h->world->hooks.act(h->world->hooks.self, h, a);
	switch (a->kind) {
	case ACT_SEND:
		act_send_carry(h, a);
		break;
	case ACT_KEYS:
		act_keys_carry(h, &a->keys);
		break;
	case ACT_KERN:
		act_kern_carry(h, &a->kern);
		break;
	case ACT_TRUST:
		act_trust_carry(h, a->trust);
		break;
	case ACT_FAILURE:
		keep_failure(h, a->failure);
		break;
	case ACT_TRACE:
		world_trace(h->world, h, "%s", a->text);
		break;
	case ACT_LOG:
		h->log_lines++;
		world_trace(h->world, h, "# %s", a->text);
		break;
	case ACT_KEYLOG:
		h->keylog_lines++;
		break;
	case ACT_CAPTURE:
		h->captures++;
		break;
	case ACT_DONE:
		h->done = true;
		break;
	}
}

void
host_before(struct host *h)
{
	if (h->world->hooks.enter != NULL)
		h->world->hooks.enter(h->world->hooks.self, h);
}

void
host_after(struct host *h)
{
	struct act a;
	unsigned n = 0;

	for (;;) {
		bool more = core_act(h->core, &a);

		if (h->world->hooks.leave != NULL)
			h->world->hooks.leave(h->world->hooks.self, h);
		if (!more)
			break;
		carry(h, &a);
		if (++n > 20000) {
			world_fail(h->world, "%s: effects without end", h->name);
			break;
		}
		if (h->world->hooks.enter != NULL)
			h->world->hooks.enter(h->world->hooks.self, h);
	}
	h->dirty = true;
	arm(h);
}

void
host_input(struct host *h, const struct path *path, struct view v)
{
	h->received++;
	h->received_octets += v.n;
	invariants_received(h, path, v);
	host_before(h);
	core_input(h->core, h->world->now, path, v);
	host_after(h);
}

/* ---- life ---- */

bool
host_configure(struct host *h, const char *text)
{
	struct snapshot *s = config_snapshot(text, false);

	if (s == NULL)
		return false;
	if (h->text != text) {
		free(h->text);
		h->text = sim_copy_text(text);
	}
	if (h->up) {
		if (!keys_side_configure(h->keys, text))
			abort();
		if (h->trust != NULL)
			trust_load(h, s);
		host_before(h);
		core_forget_orders(h->core);
		core_configure(h->core, h->world->now, s);
		host_after(h);
	}
	snapshot_unref(s);
	return true;
}

bool
host_start(struct host *h)
{
	struct core_env env = { .self = h, .random = fill_random, .source = source_address };
	struct snapshot *s = config_snapshot(h->text, false);

	if (h->up || s == NULL)
		return false;
	h->core = core_new(&env, &h->options);
	h->keys = keys_side_new();
	if (h->core == NULL || h->keys == NULL || !keys_side_configure(h->keys, h->text))
		abort();
	if (h->world->verbose)
		core_log_level(h->core, CLASS_MESSAGE, 20);
	h->up = true;
	h->life++;
	h->tick_at = MONO_NEVER;
	h->done = false;
	trust_load(h, s);
	host_before(h);
	core_configure(h->core, h->world->now, s);
	host_after(h);
	snapshot_unref(s);
	return true;
}

void
host_kill(struct host *h)
{
	if (!h->up)
		return;
	h->up = false;
	h->life++;
	core_free(h->core);
	keys_side_free(h->keys);
	trust_side_free(h->trust);
	h->core = NULL;
	h->keys = NULL;
	h->trust = NULL;
	kernel_clear(&h->kernel);
	invariants_host_gone(h);
}

/* With `kern` gone the user back end's SAs are gone as well. */
void
host_role_restart(struct host *h, bool keys, bool kern)
{
	if (!h->up)
		return;
	if (keys) {
		h->keys_life++;
		keys_side_free(h->keys);
		h->keys = keys_side_new();
		if (h->keys == NULL || !keys_side_configure(h->keys, h->text))
			abort();
	}
	if (kern) {
		h->kern_life++;
		kernel_clear(&h->kernel);
		invariants_disturb(h, NOBODY);
	}
	host_before(h);
	core_role_restarted(h->core, h->world->now, keys, kern);
	host_after(h);
}

void
host_free(struct host *h)
{
	if (h == NULL)
		return;
	host_kill(h);
	kernel_done(&h->kernel);
	free(h->text);
	free(h->authenticated);
	free(h->probe);
	free(h->stranger);
	free(h->rate);
	free(h);
}

const struct failure *
host_failure(const struct host *h, enum why why)
{
	uint32_t kept = h->n_failures < FAILURES_KEPT ? h->n_failures : FAILURES_KEPT;

	for (uint32_t i = 1; i <= kept; i++) {
		const struct failure *f = &h->failure[(h->n_failures - i) % FAILURES_KEPT];

		if (why == WHY_NONE || f->why == why)
			return f;
	}
	return NULL;
}

uint32_t
host_failures(const struct host *h, enum why why)
{
	uint32_t kept = h->n_failures < FAILURES_KEPT ? h->n_failures : FAILURES_KEPT;
	uint32_t n = 0;

	for (uint32_t i = 1; i <= kept; i++)
		n += h->failure[(h->n_failures - i) % FAILURES_KEPT].why == why;
	return n;
}
