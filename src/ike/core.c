/*
 * The core as a whole: made, configured, ticked, counted.  It owns every
 * slab, map and timer; the other files of this room know one idea each.
 */
#include <stdlib.h>

#include "ike/internal.h"

struct core *
core_new(const struct core_env *env, const struct core_options *options)
{
	struct core *core = calloc(1, sizeof(*core));

	if (core == NULL)
		return NULL;
	core->env = *env;
	core->options = *options;
	core->passive = options->start_passive;
	core->acts_tail = &core->acts;
	core->env.random(core->env.self, core->secret, sizeof(core->secret));
	core->draft = calloc(1, sizeof(*core->draft));
	core->exchanges = slab_new(sizeof(struct exchange), EXCHANGES_MAX);
	core->isakmp_sas = slab_new(sizeof(struct isakmp_sa), ISAKMP_SAS_MAX);
	core->ipsec_sas = slab_new(sizeof(struct ipsec_sa), IPSEC_SAS_MAX);
	core->by_cookies = map_new(core->secret);
	core->p1_by_cookies = map_new(core->secret);
	core->by_message_id = map_new(core->secret);
	core->by_source = map_new(core->secret);
	core->by_spi = map_new(core->secret);
	core->by_peer = map_new(core->secret);
	core->by_flow = map_new(core->secret);
	core->by_connection = map_new(core->secret);
	core->isakmp_kin = map_new(core->secret);
	core->ipsec_kin = map_new(core->secret);
	core->retired_kin = map_new(core->secret);
	core->running = map_new(core->secret);
	if (!acts_prepare(core) || core->draft == NULL || core->exchanges == NULL || core->isakmp_sas == NULL ||
	    core->ipsec_sas == NULL || core->by_cookies == NULL || core->p1_by_cookies == NULL ||
	    core->by_message_id == NULL || core->by_source == NULL || core->by_spi == NULL ||
	    core->by_peer == NULL || core->by_flow == NULL || core->by_connection == NULL ||
	    core->isakmp_kin == NULL || core->ipsec_kin == NULL || core->retired_kin == NULL ||
	    core->running == NULL) {
		core_free(core);
		return NULL;
	}
	return core;
}

void
core_free(struct core *core)
{
	struct handle h;
	uint32_t at;

	if (core == NULL)
		return;
	/* Children first: they look at their parents when they go. */
	free(core->cert_requests);
	core->shutting_down = true;
	at = 0;
	for (struct exchange *x; core->exchanges != NULL &&
	    (x = slab_next(core->exchanges, &at, &h)) != NULL;)
		exchange_free(core, x);
	at = 0;
	for (struct ipsec_sa *sa; core->ipsec_sas != NULL &&
	    (sa = slab_next(core->ipsec_sas, &at, &h)) != NULL;)
		ipsec_sa_remove(core, sa, false);
	at = 0;
	for (struct isakmp_sa *sa; core->isakmp_sas != NULL &&
	    (sa = slab_next(core->isakmp_sas, &at, &h)) != NULL;)
		isakmp_sa_remove(core, sa);
	acts_free(core);
	echoes_free(core->echoes);
	slab_free(core->exchanges);
	slab_free(core->isakmp_sas);
	slab_free(core->ipsec_sas);
	map_free(core->by_cookies);
	map_free(core->p1_by_cookies);
	map_free(core->by_message_id);
	map_free(core->by_source);
	map_free(core->by_spi);
	map_free(core->by_peer);
	map_free(core->by_flow);
	map_free(core->by_connection);
	map_free(core->isakmp_kin);
	map_free(core->ipsec_kin);
	map_free(core->retired_kin);
	map_free(core->running);
	heap_done(&core->timers);
	free(core->connections);
	map_free(core->first_of_peer);
	free(core->draft);
	snapshot_unref(core->snapshot);
	wipe(core->secret, sizeof(core->secret));
	free(core);
}

void
core_refuse(struct core *core, enum why why)
{
	core->counters.refused[why]++;
}

bool
bucket_take(struct core *core, double *tokens, struct mono *at, double rate, double burst)
{
	double passed = (double)mono_since(core->now, *at).us / 1e6;

	*tokens = at->us == 0 ? burst : *tokens + passed * rate;
	if (*tokens > burst)
		*tokens = burst;
	*at = core->now.us == 0 ? (struct mono){ 1 } : core->now;
	if (*tokens < 1)
		return false;
	*tokens -= 1;
	return true;
}

/* ---- timers ---- */

void
timer_set(struct core *core, struct timer *t, enum timer_kind kind, struct handle owner,
    struct mono at)
{
	t->kind = kind;
	t->owner = owner;
	if (!heap_set(&core->timers, &t->d, at))
		core_refuse(core, WHY_NO_MEMORY);
}

void
timer_clear(struct core *core, struct timer *t)
{
	heap_clear(&core->timers, &t->d);
}

static void
shutdown_end(struct core *core)
{
	timer_clear(core, &core->shutdown);
	act_done(core);
}

static void
timer_fire(struct core *core, struct timer *t)
{
	enum timer_kind kind = t->kind;
	struct handle owner = t->owner;

	switch (kind) {
	case TIMER_EXCHANGE_RESEND:
	case TIMER_EXCHANGE_END: {
		struct exchange *x = exchange_find(core, owner);

		if (x != NULL)
			exchange_timer(core, x, kind);
		break;
	}
	case TIMER_ISAKMP_SOFT:
	case TIMER_ISAKMP_HARD:
	case TIMER_ISAKMP_DPD:
	case TIMER_ISAKMP_KEEPALIVE: {
		struct isakmp_sa *sa = isakmp_sa_find(core, owner);

		if (sa != NULL)
			isakmp_sa_timer(core, sa, kind);
		break;
	}
	case TIMER_IPSEC_OPEN:
	case TIMER_IPSEC_SOFT:
	case TIMER_IPSEC_HARD: {
		struct ipsec_sa *sa = ipsec_sa_find(core, owner);

		if (sa != NULL)
			ipsec_sa_timer(core, sa, kind);
		break;
	}
	case TIMER_CONNECTION:
		connection_timer(core, owner.slot);
		break;
	case TIMER_SHUTDOWN:
		shutdown_end(core);
		break;
	}
}

void
core_tick(struct core *core, struct mono now)
{
	struct deadline *d;

	core->now = now;
	while ((d = heap_first(&core->timers)) != NULL && mono_reached(now, d->at)) {
		struct timer *t = (struct timer *)d;

		heap_clear(&core->timers, d);
		timer_fire(core, t);
	}
}

struct mono
core_next(const struct core *core)
{
	struct deadline *d = heap_first(&core->timers);

	return d == NULL ? MONO_NEVER : d->at;
}

/* ---- answers from the other roles ---- */

/* What keys said of a key, or at least which it was. */
static void
key_print(struct str *s, const struct keys_answer *a)
{
	if (a->detail[0] != '\0') {
		str_escaped(s, view_str(a->detail));
	} else if (a->key.kind != PUBKEY_NONE) {
		str_add(s, "one that does not match the key we have, ");
		pubkey_print(s, &a->key);
	}
}

void
core_keys_answer(struct core *core, struct mono now, struct keys_answer *a)
{
	struct exchange *x = exchange_find(core, handle_of_u64(a->token));

	core->now = now;
	if (x == NULL)			/* it timed out meanwhile; fine */
		return;
	const struct event e = { .keys = a };
	if (exchange_row(x, ON_KEYS, a->verb) == NULL)
		return;
	if (a->why == WHY_AUTH_HASH && x->p1 != NULL && exchange_wait_again(core, x))
		return;
	if (a->why != WHY_NONE) {
		STR(detail, sizeof(a->detail) + 64);

		key_print(&detail, a);
		if (x->p1 != NULL)
			x->p1->key_detail = detail.len > 0 ? detail.p : NULL;
		exchange_fail_local(core, x, certs_why(x, a->why));
	} else {
		exchange_run(core, x, ON_KEYS, &e);
	}
}

void
core_kern_answer(struct core *core, struct mono now, const struct kern_answer *a)
{
	core->now = now;
	if (a->verb == KERN_QUERY) {
		dpd_query_answer(core, a);
		return;
	}
	if ((a->token & SA_TOKEN) != 0) {
		struct ipsec_sa *sa = ipsec_sa_find(core, handle_of_u64(a->token & ~SA_TOKEN));

		if (sa != NULL && a->verb == KERN_INSTALL)
			ipsec_sa_opened(core, sa, a);
		return;
	}
	struct exchange *x = exchange_find(core, handle_of_u64(a->token));
	const struct event e = { .kern = a };
	if (x == NULL || exchange_row(x, ON_KERN, a->verb) == NULL) {
		/* Nobody waits any more: what was reserved goes back. */
		if (a->verb == KERN_GET_SPI && a->why == WHY_NONE) {
			const struct kern_ask back = { .verb = KERN_REMOVE, .spi = a->spi };

			act_kern(core, &back);
		}
		if (a->verb == KERN_INSTALL && a->why != WHY_NONE && x == NULL)
			connection_flow_refused(core, a);
		return;
	}
	if (a->why != WHY_NONE) {
		STR(suite, 80);

		sa_suite_print(&suite, &x->p2->suite);
		fail_field(core, "back end", x->connection != NULL ? &x->connection->where : NULL);
		if (a->verb == KERN_GET_SPI)
			fail_expected(core, "an SPI reserved");
		else
			fail_expected(core, "the SA pair installed: %s", suite.p);
		fail_got(core, "%s", a->detail);
		fail_classic(core, a->verb == KERN_GET_SPI ? "pf_key_v2_get_spi: GETSPI: %s" :
		    x->p2->installed_in ? "pf_key_v2_set_spi: ADD: %s" :
		    "pf_key_v2_set_spi: UPDATE: %s", a->detail);
		exchange_fail_local(core, x, a->why);
		return;
	}
	exchange_run(core, x, ON_KERN, &e);
}

void
core_kern_event(struct core *core, struct mono now, const struct kern_event *ev)
{
	struct ipsec_sa *sa = ipsec_sa_find(core, handle_of_u64(ev->id));

	core->now = now;
	switch (ev->kind) {
	case KERN_ACQUIRE:
		if (ev->id == 0) {
			connection_acquired(core, &ev->flow);
			return;
		}
		for (size_t i = 0; i < core->n_connections; i++) {
			struct connection_state *c = &core->connections[i];

			if (c->connection != NULL && c->flow && ev->id == c->flow_id) {
				c->failures = c->failures > 1 ? 1 : c->failures;
				connection_try(core, c);
				return;
			}
		}
		if (sa != NULL && sa->connection != NULL) {
			struct connection_state *c =
			    connection_state_find(core, sa->connection->name);

			if (c != NULL)
				connection_try(core, c);
		}
		break;
	case KERN_EXPIRE_SOFT:
		if (sa != NULL)
			ipsec_sa_timer(core, sa, TIMER_IPSEC_SOFT);
		break;
	case KERN_EXPIRE_HARD:
		if (sa != NULL)
			ipsec_sa_timer(core, sa, TIMER_IPSEC_HARD);
		break;
	case KERN_GONE:
		core_role_restarted(core, now, false, true);
		break;
	case KERN_LOST:
		if (sa != NULL)
			ipsec_sa_lost(core, sa);
		break;
	case KERN_STRAY:
		info_stray(core, (uint32_t)ev->id, &ev->flow.remote.net.first);
		break;
	}
}

void
core_role_restarted(struct core *core, struct mono now, bool keys, bool kern)
{
	struct handle h;
	uint32_t at = 0;

	core->now = now;
	for (struct exchange *x; (x = slab_next(core->exchanges, &at, &h)) != NULL;) {
		bool phase2 = !is_phase1(x);
		bool needs_keys = x->state != X_DONE && (!phase2 || x->p2->keys_asked);
		bool needs_kern = x->state != X_DONE && phase2;

		if (!(keys && needs_keys) && !(kern && needs_kern))
			continue;
		/* The peer may have its pair complete. */
		if (kern && needs_kern && !x->initiator)
			connection_outbid(core, x->connection, x->message_id);
		fail_field(core, "process", NULL);
		fail_expected(core, "%s at work until the negotiation is done",
		    keys && needs_keys ? "keys" : "kern");
		fail_got(core, "it ended");
		exchange_fail_local(core, x, WHY_ROLE_GONE);
	}
	if (!kern)
		return;
	/*
	 * The data plane lost its SAs.  Putting the old keys back would start
	 * their counters anew (fatal for AES-GCM), so every pair is negotiated
	 * again; the peer is told that the old ones are gone.
	 */
	for (size_t i = 0; i < core->n_connections; i++)
		core->connections[i].flow = false;
	at = 0;
	for (struct ipsec_sa *sa; (sa = slab_next(core->ipsec_sas, &at, &h)) != NULL;) {
		struct snapshot *held = snapshot_ref(sa->snapshot);
		const struct connection *c = sa->connection;

		sa->parts = 0;
		ipsec_sa_outbid(core, sa);
		ipsec_sa_remove(core, sa, true);
		connection_lost(core, c);
		snapshot_unref(held);
	}
	for (size_t i = 0; i < core->n_connections; i++)
		if (core->connections[i].active)
			connection_flow(core, &core->connections[i], true);
}

/* ---- orders ---- */

void
core_passive(struct core *core, struct mono now, bool passive)
{
	struct handle h;
	uint32_t at = 0;

	core->now = now;
	if (core->passive == passive)
		return;
	core->passive = passive;
	tell(core, CLASS_NORMAL, 0, "isakmpd: %s mode", passive ? "passive" : "active");
	if (passive)
		return;
	for (size_t i = 0; i < core->n_connections; i++)
		if (core->connections[i].active)
			connection_try(core, &core->connections[i]);
	for (struct isakmp_sa *sa; (sa = slab_next(core->isakmp_sas, &at, &h)) != NULL;) {
		sa->dpd_tries = 0;
		if (sa->traits.dpd && sa->peer->dpd_interval > 0)
			timer_set(core, &sa->dpd, TIMER_ISAKMP_DPD, sa->self,
			    mono_add(core->now, span_s(sa->peer->dpd_interval)));
	}
}

unsigned
core_teardown_all(struct core *core, struct mono now)
{
	struct handle h;
	uint32_t at = 0;
	unsigned n = 0;

	core->now = now;
	for (size_t i = 0; i < core->n_connections; i++) {
		struct connection_state *c = &core->connections[i];

		c->active = c->wants = false;
		timer_clear(core, &c->check);
		connection_flow(core, c, false);
	}
	for (struct exchange *x; (x = slab_next(core->exchanges, &at, &h)) != NULL;)
		if (x->p2 != NULL && x->state != X_DONE)
			exchange_fail(core, x, WHY_REPLACED);
	at = 0;
	for (struct ipsec_sa *sa; (sa = slab_next(core->ipsec_sas, &at, &h)) != NULL; n++)
		ipsec_sa_remove(core, sa, true);
	if (n > 0)
		tell(core, CLASS_NORMAL, 0,
		    "isakmpd: %u SAs torn down; their connections stay down until c, R or HUP", n);
	return n;
}

static bool
text_is_address_of(const char *text, const struct path *path)
{
	struct addr a;

	return addr_parse(text, &a) && addr_compare(&a, &path->remote.addr) == 0;
}

static unsigned
teardown_phase1(struct core *core, const char *name)
{
	struct handle h;
	uint32_t at = 0;
	unsigned n = 0;

	for (struct isakmp_sa *sa; (sa = slab_next(core->isakmp_sas, &at, &h)) != NULL;) {
		if (!text_is_address_of(name, &sa->path) && !text_same(name, sa->peer->name))
			continue;
		info_delete_isakmp(core, sa);
		isakmp_sa_remove(core, sa);
		n++;
	}
	return n;
}

static unsigned
teardown_phase2(struct core *core, const char *name)
{
	struct connection_state *c = connection_state_find(core, name);
	struct handle h;
	uint32_t at = 0;
	unsigned n = 0;

	if (c != NULL) {
		c->active = c->wants = false;
		timer_clear(core, &c->check);
		connection_flow(core, c, false);
	}
	for (struct exchange *x; (x = slab_next(core->exchanges, &at, &h)) != NULL;)
		if (x->p2 != NULL && x->state != X_DONE && x->connection != NULL &&
		    text_same(x->connection->name, name))
			exchange_fail(core, x, WHY_REPLACED);
	at = 0;
	for (struct ipsec_sa *sa; (sa = slab_next(core->ipsec_sas, &at, &h)) != NULL;) {
		struct path path = { .remote = sa->spec.remote };

		if (!text_is_address_of(name, &path) && !text_same(name, sa->spec.name))
			continue;
		ipsec_sa_remove(core, sa, true);
		n++;
	}
	return n;
}

unsigned
core_teardown(struct core *core, struct mono now, int phase, const char *name)
{
	core->now = now;
	return phase == 1 ? teardown_phase1(core, name) : teardown_phase2(core, name);
}

bool
core_delete_sa(struct core *core, struct mono now, const uint8_t cookies[16], bool quick,
    uint32_t message_id)
{
	struct isakmp_sa *sa = isakmp_sa_by_cookies(core, cookies, cookies + COOKIE_LEN);
	struct handle h;
	uint32_t at = 0;

	core->now = now;
	if (!quick) {
		if (sa == NULL)
			return false;
		info_delete_isakmp(core, sa);
		isakmp_sa_remove(core, sa);
		return true;
	}
	for (struct ipsec_sa *p2; (p2 = slab_next(core->ipsec_sas, &at, &h)) != NULL;)
		if (p2->message_id == message_id &&
		    memcmp(p2->cookies, cookies, sizeof(p2->cookies)) == 0) {
			ipsec_sa_remove(core, p2, true);
			return true;
		}
	return false;
}

void
core_shutdown(struct core *core, struct mono now, bool send_delete)
{
	struct handle h;
	uint32_t at = 0;

	core->now = now;
	if (core->shutting_down)
		return;
	core->shutdown_delete = send_delete;
	tell(core, CLASS_NORMAL, 0, "isakmpd: shutting down...");
	core->shutting_down = true;
	for (size_t i = 0; i < core->n_connections; i++) {
		core->connections[i].active = core->connections[i].wants = false;
		timer_clear(core, &core->connections[i].check);
		if (send_delete)
			connection_flow(core, &core->connections[i], false);
	}
	for (struct exchange *x; (x = slab_next(core->exchanges, &at, &h)) != NULL;)
		exchange_fail(core, x, WHY_SHUTDOWN);
	if (send_delete) {
		at = 0;
		for (struct ipsec_sa *sa; (sa = slab_next(core->ipsec_sas, &at, &h)) != NULL;)
			ipsec_sa_remove(core, sa, true);
		at = 0;
		for (struct isakmp_sa *sa; (sa = slab_next(core->isakmp_sas, &at, &h)) != NULL;) {
			info_delete_isakmp(core, sa);
			isakmp_sa_remove(core, sa);
		}
	}
	/* The acts are in order: the host sees DONE after the last DELETE. */
	timer_set(core, &core->shutdown, TIMER_SHUTDOWN, (struct handle){ 0 }, core->now);
}

/* ---- looking in ---- */

struct core_counters
core_count(const struct core *core)
{
	struct core_counters c = core->counters;

	c.isakmp_sas = slab_count(core->isakmp_sas);
	c.exchanges = slab_count(core->exchanges);
	c.ipsec_sas = slab_count(core->ipsec_sas);
	c.half_open = core->stages[STAGE_HALF_OPEN][0].n + core->stages[STAGE_HALF_OPEN][1].n;
	return c;
}

bool
core_is_passive(const struct core *core)
{
	return core->passive;
}

void
core_log_level(struct core *core, int class, int level)
{
	if (class >= 0 && class < CLASS_MAX)
		core->level[class] = level;
}

void
core_capture(struct core *core, bool on)
{
	core->capture = on;
}

static void
each_isakmp(const struct core *core, void (*each)(void *, const struct core_sa_info *),
    void *self)
{
	struct handle h;
	uint32_t at = 0;

	for (struct isakmp_sa *sa; (sa = slab_next(core->isakmp_sas, &at, &h)) != NULL;) {
		struct core_sa_info i = {
			.phase = 1, .ready = true, .initiator = sa->initiator,
			.replaced = sa->replaced, .stay_alive = sa->stay_alive,
			.fading = sa->fading, .nat_t = traits_encap(&sa->traits),
			.dpd = sa->traits.dpd && sa->peer->dpd_interval > 0,
			.nat_keepalive = sa->traits.nat_t && sa->traits.we_are_natted,
			.local = sa->path.local, .remote = sa->path.remote,
			.life_secs = sa->params.life_secs, .life_kb = sa->params.life_kb,
			.soft_at = sa->soft_at, .hard_at = sa->hard_at,
			.p1_cipher = sa->params.cipher, .p1_hash = sa->params.hash,
			.p1_auth = sa->params.auth, .p1_group = sa->params.group,
			.p1_key_bits = sa->params.key_bits,
			.isakmp_sa = handle_u64(sa->self), .authenticated = true,
		};

		isakmp_sa_ids(sa, &i.local_id, &i.remote_id);
		i.local_name = sa->own_name != NULL ? sa->own_name : "";
		i.remote_name = sa->peer_name != NULL ? sa->peer_name : "";
		text_copy(i.name, sizeof(i.name), sa->peer->name);
		memcpy(i.cookies, sa->icookie, COOKIE_LEN);
		memcpy(i.cookies + COOKIE_LEN, sa->rcookie, COOKIE_LEN);
		each(self, &i);
	}
}

static void
each_ipsec(const struct core *core, void (*each)(void *, const struct core_sa_info *),
    void *self)
{
	struct handle h;
	uint32_t at = 0;

	for (struct ipsec_sa *sa; (sa = slab_next(core->ipsec_sas, &at, &h)) != NULL;) {
		struct core_sa_info i = {
			.phase = 2, .ready = sa->ready, .initiator = sa->initiator,
			.local_name = "", .remote_name = "",
			.replaced = sa->replaced, .stay_alive = sa->stay_alive,
			.on_demand = sa->on_demand, .fading = sa->fading, .nat_t = sa->nat_t,
			.local = sa->spec.local, .remote = sa->spec.remote,
			.local_id = id_from_range(&sa->spec.flow.local.net),
			.remote_id = id_from_range(&sa->spec.flow.remote.net),
			.message_id = sa->message_id, .life_secs = sa->life_secs,
			.life_kb = (uint32_t)(sa->life_kb > UINT32_MAX ? UINT32_MAX : sa->life_kb),
			.soft_at = sa->soft_at, .hard_at = sa->hard_at,
			.spec_id = sa->spec.id, .suite = sa->spec.suite,
			.spi_in = sa->spec.in.spi, .spi_out = sa->spec.out.spi,
			.pfs_group = sa->group, .flow = sa->spec.flow,
			.isakmp_sa = handle_u64(sa->isakmp_sa), .authenticated = true,
		};

		text_copy(i.name, sizeof(i.name), sa->spec.name);
		memcpy(i.cookies, sa->cookies, sizeof(i.cookies));
		each(self, &i);
	}
}

void
core_each_sa(const struct core *core, void (*each)(void *, const struct core_sa_info *),
    void *self)
{
	each_isakmp(core, each, self);
	each_ipsec(core, each, self);
}

void
core_each_exchange(const struct core *core,
    void (*each)(void *self, const struct core_exchange_info *), void *self)
{
	struct handle h;
	uint32_t at = 0;

	for (struct exchange *x; (x = slab_next(core->exchanges, &at, &h)) != NULL;) {
		struct core_exchange_info i = {
			.phase = is_phase1(x) ? 1 : 2, .type = x->type, .initiator = x->initiator,
			.local = x->path.local, .remote = x->path.remote,
			.message_id = x->message_id, .deadline = x->end.d.at,
		};

		text_copy(i.name, sizeof(i.name),
		    x->connection != NULL ? x->connection->name : x->peer->name);
		text_copy(i.state, sizeof(i.state), exchange_state_name(x->state));
		memcpy(i.cookies, x->icookie, COOKIE_LEN);
		memcpy(i.cookies + COOKIE_LEN, x->rcookie, COOKIE_LEN);
		each(self, &i);
	}
}

void
core_each_connection(const struct core *core,
    void (*each)(void *self, const struct core_connection_info *), void *self)
{
	for (size_t i = 0; i < core->n_connections; i++) {
		const struct connection_state *c = &core->connections[i];

		if (c->connection == NULL)
			continue;
		const struct core_connection_info info = {
			.name = c->connection->name, .active = c->active,
			.next_check = c->check.d.index != 0 ? c->check.d.at : MONO_NEVER,
			.up = ipsec_sa_for_connection((struct core *)(uintptr_t)core,
			    c->connection) != NULL,
		};
		each(self, &info);
	}
}
