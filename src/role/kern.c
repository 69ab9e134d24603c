/*
 * The kern role: answers `ike` about SAs and flows by kern/state.h, on the
 * back end that works here.  The xfrm back end talks to the kernel over
 * netlink.  For the user back end this role asks `esp` over its own channel
 * and sets routing rules over netlink.  All answer at once, so an ask of
 * `ike` is answered before the next one is read.
 *
 *	ike -- KERN_ASK --> kern -- KERN_ANSWER --> ike
 *	kern -- KERN_EVENT, KERN_BACKEND --> ike
 *	kern -- ESP_ASK --> esp -- ESP_ANSWER, ESP_EVENT --> kern
 *
 * What dies and what stays: if `esp` ends, its SAs are gone and are not
 * installed again (kern/state.h says why); flows are.  If `ike` ends, SAs are
 * withdrawn and flows stay until the new one had time to ask for them again.
 * If this role ends by accident, or the monitor does, its routing rules and policies
 * stay in force, and the next kern adopts or removes them.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/esp_msg.h"
#include "base/mark.h"
#include "kern/none.h"
#include "kern/probe.h"
#include "kern/state.h"
#include "kern/user.h"
#include "kern/xfrm.h"
#include "role/role.h"

enum {
	CALL_MS = 2000,		/* esp answers at once, or it is not well */
	SETTLE_S = 30,		/* for a new core to ask for its flows again */
	RETRY_S = 1,
	LOOK_S = 2,		/* what others can change is read back in 30 pieces, */
	LOOK_PIECES = 30,	/* so all of it once a minute */
	SAID_MAX = 1000
};

struct kern {
	struct role_ctx		*ctx;
	struct kern_state	*state;
	struct backend		*backend;	/* owned by the state */
	bool			 user;		/* it is the user back end */
	bool			 calling;	/* waiting for esp: events only queue up */
	bool			 withdraw;	/* the end will be one that was ordered */
	bool			 keep;		/* and yet SAs and policies are to stay */
	struct event		*changed, *settle, *retry, *look;
	struct mono		 healed;	/* when flows were placed again */
	char			 said[SAID_MAX];
};

static void
env_random(void *self, void *buf, size_t n)
{
	(void)self;
	/* At most 256 octets never come short; before that the kernel has no
	 * random numbers at all, and SPIs are the least of the worries. */
	if (getrandom(buf, n, 0) != (ssize_t)n)
		abort();
}

/* ---- to esp ---- */

/* An answer repeats verb and number of its ask, the first five octets. */
static bool
answers(struct view ask, struct view got)
{
	enum { HEAD = 5 };

	return ask.n >= HEAD && got.n >= HEAD &&
	    view_equal(view_of(ask.p, HEAD), view_of(got.p, HEAD));
}

static bool
call_esp(struct kern *k, struct view ask, struct wr *answer)
{
	const struct mono until = mono_add(role_now(), span_ms(CALL_MS));
	struct channel_in in;

	wr_view(role_body(k->ctx, ROLE_ESP), ask);
	if (!role_send(k->ctx, ROLE_ESP, MSG_ESP_ASK))
		return false;
	while (role_await(k->ctx, ROLE_ESP, MSG_ESP_ANSWER,
	    (int)(mono_since(until, role_now()).us / 1000), &in)) {
		struct view got = rd_rest(&in.body);
		if (!answers(ask, got))
			continue;	/* to an ask that was given up */
		wr_view(answer, got);
		return !answer->bad;
	}
	return false;
}

static bool
link_call(void *self, struct view ask, struct wr *answer)
{
	struct kern *k = self;

	k->calling = true;
	bool ok = call_esp(k, ask, answer);
	k->calling = false;
	return ok;
}

/* ---- to ike ---- */

static void
arm(struct event *e, int seconds)
{
	const struct timeval t = { .tv_sec = seconds };

	event_add(e, &t);
}

static void
log_missing(struct kern *k, unsigned missing, const char *detail)
{
	role_log(k->ctx, ROLE_LOG_ERROR, 0, "role kern: %u flow%s not in force (%s); trying again",
	    missing, missing == 1 ? " is" : "s are", detail);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct kern *k = arg;
	STR(detail, 200);

	(void)fd;
	(void)what;
	if (kern_state_reinstall(k->state, &detail) > 0)
		arm(k->retry, RETRY_S);
}

/* A back end that lost everything: flows stand again, or are tried again. */
static void
after_loss(struct kern *k)
{
	STR(detail, 200);
	unsigned missing = kern_state_reinstall(k->state, &detail);

	arm(k->settle, SETTLE_S);
	if (missing == 0)
		return;
	log_missing(k, missing, detail.p);
	arm(k->retry, RETRY_S);
}

/* At once, unless it was only just done: two programs could go on like that for ever. */
static void
heal_flows(struct kern *k)
{
	STR(detail, 200);

	if (mono_since(role_now(), k->healed).us < span_s(RETRY_S).us) {
		arm(k->retry, RETRY_S);
		return;
	}
	k->healed = role_now();
	unsigned missing = kern_state_reinstall(k->state, &detail);
	if (missing == 0)
		return;
	log_missing(k, missing, detail.p);
	arm(k->retry, RETRY_S);
}

static void
drain_events(struct kern *k)
{
	struct kern_event e;

	if (k->calling)
		return;
	while (kern_state_event(k->state, &e)) {
		if (kern_state_said(k->state)[0] != '\0')
			role_log(k->ctx, ROLE_LOG_ERROR, 0, "role kern: %s",
			    kern_state_said(k->state));
		if (e.kind == KERN_GONE)
			after_loss(k);
		if (e.kind == KERN_FLOW_LOST) {
			heal_flows(k);
			continue;
		}
		kern_event_encode(role_body(k->ctx, ROLE_IKE), &e);
		/* Without ike nobody needs it: a new one knows of nothing. */
		(void)!role_send(k->ctx, ROLE_IKE, MSG_KERN_EVENT);
	}
}

static bool
on_ask(struct kern *k, struct rd *body)
{
	struct kern_ask ask;
	struct kern_answer answer;
	struct sa_spec spec = { 0 };

	if (!kern_ask_decode(body, &ask, &spec))
		return false;
	kern_state_ask(k->state, &ask, &answer);
	sa_spec_done(&spec);
	if (kern_state_said(k->state)[0] != '\0')
		role_log(k->ctx, ROLE_LOG_VERBOSE, 0, "role kern: %s", kern_state_said(k->state));
	kern_answer_encode(role_body(k->ctx, ROLE_IKE), &answer);
	if (!role_send(k->ctx, ROLE_IKE, MSG_KERN_ANSWER))
		role_unsent(k->ctx, ROLE_IKE);
	return true;
}

static bool
on_message(struct role_ctx *ctx, enum role from, struct channel_in *in)
{
	struct kern *k = ctx->self;
	bool ok = false;

	if (from == ROLE_IKE && in->type == MSG_KERN_ASK)
		ok = on_ask(k, &in->body);
	else if (from == ROLE_IKE && in->type == MSG_KERN_KEEP)
		ok = k->keep = true;
	else if (from == ROLE_ESP && in->type == MSG_ESP_EVENT && k->user)
		ok = user_input(k->backend, rd_rest(&in->body));
	else if (from == ROLE_ESP && in->type == MSG_ESP_ANSWER)
		ok = true;		/* too late */
	else if (from == ROLE_MONITOR) {
		k->withdraw = k->withdraw || in->type == MSG_WITHDRAW;
		ok = true;
	}
	if (ok)
		drain_events(k);
	return ok;
}

static void
tell_backend(struct kern *k)
{
	struct wr *w = role_body(k->ctx, ROLE_IKE);

	wr_view(w, view_str(k->backend->ops->name));
	wr_u8(w, 0);
	wr_view(w, view_str(k->said));
	(void)!role_send(k->ctx, ROLE_IKE, MSG_KERN_BACKEND);	/* a new ike is told again */
}

/* ---- others that were started anew ---- */

static void
on_link(struct role_ctx *ctx, enum role with)
{
	struct kern *k = ctx->self;
	STR(detail, 200);

	if (with == ROLE_IKE) {
		kern_state_abandon(k->state);
		arm(k->settle, SETTLE_S);
		tell_backend(k);
	} else if (with == ROLE_ESP && k->user) {
		if (user_restarted(k->backend, ctx->tun_name, &detail) != WHY_NONE)
			role_log(ctx, ROLE_LOG_ERROR, 0, "role kern: %s", detail.p);
		drain_events(k);
	}
}

static void
on_changed(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drain_events(arg);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct kern *k = arg;

	(void)fd;
	(void)what;
	kern_state_look(k->state, LOOK_PIECES);
	drain_events(k);
	arm(k->look, LOOK_S);
}

static void
on_settle(evutil_socket_t fd, short what, void *arg)
{
	struct kern *k = arg;

	(void)fd;
	(void)what;
	unsigned flows = kern_state_settle(k->state);
	unsigned old = k->user ? user_settled(k->backend) :
	    k->backend->ops == &xfrm_ops ? xfrm_settled(k->backend) : 0;
	if (flows + old > 0)
		role_log(k->ctx, ROLE_LOG_VERBOSE, 0, "role kern: removed what nobody asked for "
		    "again: %u flows, %u %s of an earlier run", flows, old,
		    k->user ? "rules and routes" : "policies");
}

/* ---- start ---- */

static struct backend *
make_user(struct kern *k, const uint8_t hash_key[16], struct str *error)
{
	const struct user_link link = { .self = k, .call = link_call };
	struct user_routes_options options = { .table = ROUTES_TABLE,
	    .priority = ROUTES_PRIORITY, .mark = OUTER_MARK, .mtu = ROUTES_MTU,
	    .port = k->ctx->options.port, .port_nat_t = k->ctx->options.port_nat_t };

	memcpy(options.hash_key, hash_key, sizeof(options.hash_key));
	struct user_routes *routes = user_routes_new(&options, error);
	if (routes == NULL)
		return NULL;
	if (user_routes_device(routes, k->ctx->tun_name, error) != WHY_NONE) {
		user_routes_free(routes, false);
		return NULL;
	}
	k->user = true;
	return user_new(&link, routes);
}

static struct backend *
make_backend(struct kern *k, const uint8_t hash_key[16], struct str *error)
{
	const struct none_env env = { .random = env_random };
	struct str said = str_of(k->said, sizeof(k->said));
	const struct backend_ops *ops = kern_probe(kern_backends,
	    k->ctx->options.no_kernel ? "none" : k->ctx->options.backend, &said);

	if (ops == NULL) {
		str_add(error, k->said);
		str_add(error, "; with -n the daemon negotiates and protects nothing");
		return NULL;
	}
	if (ops == &none_ops)
		return none_new(&env);
	if (ops == &xfrm_ops)
		return xfrm_new(hash_key, k->ctx->options.shared_sadb, error);
	if (k->ctx->tun_name[0] == '\0') {
		str_add(error, "user: the monitor has no TUN device");
		return NULL;
	}
	return make_user(k, hash_key, error);
}

static bool
make_state(struct kern *k, struct str *error)
{
	uint8_t hash_key[16];

	env_random(NULL, hash_key, sizeof(hash_key));
	k->backend = make_backend(k, hash_key, error);
	if (k->backend == NULL) {
		if (error->len == 0)
			str_add(error, why_text(WHY_NO_MEMORY));
		return false;
	}
	k->state = kern_state_new(k->backend, hash_key);
	if (k->state == NULL)
		str_add(error, why_text(WHY_NO_MEMORY));
	return k->state != NULL;
}

static bool
make_events(struct kern *k)
{
	int fd = k->backend->ops->fd(k->backend);

	k->settle = evtimer_new(k->ctx->base, on_settle, k);
	k->retry = evtimer_new(k->ctx->base, on_retry, k);
	k->look = evtimer_new(k->ctx->base, on_look, k);
	if (k->settle == NULL || k->retry == NULL || k->look == NULL)
		return false;
	if (k->backend->ops->flow_check != NULL)
		arm(k->look, LOOK_S);
	if (fd < 0)
		return true;
	k->changed = event_new(k->ctx->base, fd, EV_READ | EV_PERSIST, on_changed, k);
	return k->changed != NULL && event_add(k->changed, NULL) == 0;
}

static bool
start(struct kern *k)
{
	STR(error, SAID_MAX);

	if (make_state(k, &error) && make_events(k))
		return role_enter(k->ctx);
	struct wr *w = role_body(k->ctx, ROLE_MONITOR);
	wr_view(w, view_str("IPsec back end: "));
	wr_view(w, view_str(error.len > 0 ? error.p : why_text(WHY_NO_MEMORY)));
	(void)!role_send(k->ctx, ROLE_MONITOR, MSG_FATAL);
	return false;
}

/*
 * At an end that was ordered nothing stays, unless the order was to leave all as it is
 * for who comes next; only a kernel can do that.  At any other end, because the monitor died
 * or this role did wrong, flows stay in force without SAs: they block, as they are to.
 */
static void
finish(struct kern *k)
{
	if (k->changed != NULL)
		event_free(k->changed);
	if (k->settle != NULL)
		event_free(k->settle);
	if (k->retry != NULL)
		event_free(k->retry);
	if (k->look != NULL)
		event_free(k->look);
	bool xfrm = k->state != NULL && k->backend->ops == &xfrm_ops;
	bool keep = xfrm && k->withdraw && k->keep;

	if (xfrm)
		(void)xfrm_settled(k->backend);
	if (keep)
		role_log(k->ctx, ROLE_LOG_NORMAL, 0, "role kern: SAs and policies stay in the kernel");
	else if (k->state != NULL && !k->withdraw)
		kern_state_abandon(k->state);
	kern_state_free(k->state, k->withdraw && !keep);
}

int
role_kern_main(struct role_ctx *ctx)
{
	struct kern k = { .ctx = ctx };
	int status = 1;

	ctx->self = &k;
	ctx->on_message = on_message;
	ctx->on_link = on_link;
	if (start(&k)) {
		tell_backend(&k);
		arm(k.settle, SETTLE_S);
		status = role_loop(ctx);
	}
	finish(&k);
	return status;
}
