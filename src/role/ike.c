/*
 * ike: the host of the core.  Datagrams, answers, orders and time go in;
 * what comes out becomes datagrams, questions to keys and kern, and lines of
 * log.  Sees hostile octets; opens nothing, holds no long-lived secret.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/preload.h"
#include "crypto/random.h"
#include "role/ike_internal.h"

enum { MARKER = 4, KEEPALIVE = 0xff, LEVEL_RARE = 10, LEVEL_LADDER = 20, LEVEL_RAW = 70 };

/* ---- datagrams in ---- */

static bool
is_keepalive(struct view v)
{
	return v.n == 1 && v.p[0] == KEEPALIVE;
}

/* Listen-on restricts by the address a datagram was sent to. */
static bool
listens(const struct ike *ike, const struct addr *local)
{
	const struct snapshot *s = ike->snapshot;

	if (s == NULL || s->n_listen_on == 0)
		return true;
	for (size_t i = 0; i < s->n_listen_on; i++)
		if (addr_equal(&s->listen_on[i], local))
			return true;
	return false;
}

static void
take_datagram(struct ike_socket *s, struct net_datagram *d)
{
	struct ike *ike = s->ike;
	struct role_ctx *ctx = ike->ctx;

	if (!listens(ike, &d->path.local.addr))
		return;
	d->path.encap = s->encap;
	if (s->encap) {
		if (is_keepalive(d->bytes))
			return;
		struct rd r = rd_of(d->bytes);
		if (rd_u32(&r) != 0 || r.bad) {
			role_log(ctx, CLASS_TRANSPORT, LEVEL_RAW, "udp_encap_handle_message: "
			    "Null-ESP marker not NULL or short message");
			return;
		}
		d->bytes = rd_rest(&r);
		if (is_keepalive(d->bytes))	/* some put the marker before it */
			return;
	}
	core_input(ike->core, role_now(), &d->path, d->bytes);
}

static void
on_datagrams(evutil_socket_t fd, short what, void *arg)
{
	struct ike_socket *s = arg;
	struct net_datagram d[NET_BATCH];

	(void)what;
	size_t n = net_receive(s->ike->batch, fd, s->port, d);
	for (size_t i = 0; i < n; i++) {
		take_datagram(s, &d[i]);
		ike_drain(s->ike);
	}
}

/* ---- effects ---- */

static struct ike_socket *
socket_for(struct ike *ike, const struct path *path)
{
	bool ip6 = path->remote.addr.family == FAMILY_IP6;

	for (size_t i = 0; i < IKE_SOCKETS; i++)
		if (ike->socket[i].fd >= 0 && ike->socket[i].ip6 == ip6 &&
		    ike->socket[i].encap == path->encap)
			return &ike->socket[i];
	return NULL;
}

static void
do_send(struct ike *ike, const struct act *a)
{
	struct ike_socket *s = socket_for(ike, &a->path);
	/* RFC 3948, 2.3: a keep-alive carries no marker. */
	size_t marker = a->path.encap && !is_keepalive(a->bytes) ? MARKER : 0;
	int error = s == NULL ? EADDRNOTAVAIL : net_send(s->fd, &a->path, marker, a->bytes);

	if (error == 0 || error == EAGAIN || error == ENOBUFS)
		return;		/* as good as lost on the way: retransmission heals it */
	STR(to, 96);
	endpoint_print(&to, &a->path.remote);
	role_log(ike->ctx, ROLE_LOG_ERROR, 0, "sendmsg (%s): %s", to.p, strerror(error));
}

static void
do_keys(struct ike *ike, const struct act *a)
{
	keys_ask_encode(role_body(ike->ctx, ROLE_KEYS), &a->keys);
	if (role_send(ike->ctx, ROLE_KEYS, MSG_KEYS_ASK) || a->keys.verb == KEYS_DROP)
		return;
	struct keys_answer none = { .verb = a->keys.verb, .token = a->keys.token,
	    .why = WHY_ROLE_GONE };
	core_keys_answer(ike->core, role_now(), &none);
}

static void
do_kern(struct ike *ike, const struct act *a)
{
	kern_ask_encode(role_body(ike->ctx, ROLE_KERN), &a->kern);
	if (role_send(ike->ctx, ROLE_KERN, MSG_KERN_ASK))
		return;
	struct kern_answer none = { .verb = a->kern.verb, .token = a->kern.token,
	    .why = WHY_ROLE_GONE, .id = a->kern.id };
	core_kern_answer(ike->core, role_now(), &none);
}

/* The parts of a record by name, for those who do not want to take its line apart. */
static void
record_fields(struct str *s, const struct failure *f)
{
	const struct { const char *name, *value; } parts[] = {
		{ "WHY", why_name(f->why) }, { "PEER", f->peer }, { "CONNECTION", f->connection },
		{ "EXCHANGE", f->exchange }, { "FIELD", f->field }, { "EXPECTED", f->expected },
		{ "GOT", f->got }, { "CONFIG", f->where }, { "REMEDY", f->remedy },
	};

	for (size_t i = 0; i < COUNT(parts); i++)
		if (parts[i].value[0] != '\0') {
			str_addf(s, "%s=%s", parts[i].name, parts[i].value);
			str_char(s, '\0');
		}
}

static void
do_failure(struct ike *ike, const struct failure *f)
{
	STR(line, 1800);
	STR(fields, 1600);

	ike_capture_failure(ike, f);
	ike_status_failure(ike, f);
	failure_print(&line, f);
	record_fields(&fields, f);
	role_log_fields(ike->ctx, ROLE_LOG_ERROR, 0, line.p, view_of(fields.p, fields.len));
}

static void
do_keylog(struct ike *ike, const char *text)
{
	if (!ike->ctx->options.keylog)
		return;
	wr_view(role_body(ike->ctx, ROLE_MONITOR), view_str(text));
	(void)!role_send(ike->ctx, ROLE_MONITOR, MSG_KEYLOG);
}

static void
do_done(struct ike *ike)
{
	(void)role_body(ike->ctx, ROLE_MONITOR);
	(void)!role_send(ike->ctx, ROLE_MONITOR, MSG_DONE);
}

static void
carry_out(struct ike *ike, const struct act *a)
{
	switch (a->kind) {
	case ACT_SEND:
		do_send(ike, a);
		break;
	case ACT_KEYS:
		do_keys(ike, a);
		break;
	case ACT_TRUST:
		ike_trust_ask(ike, a->trust);
		break;
	case ACT_KERN:
		do_kern(ike, a);
		break;
	case ACT_LOG:
		role_log_text(ike->ctx, a->class, a->level, a->text);
		break;
	case ACT_FAILURE:
		do_failure(ike, a->failure);
		break;
	case ACT_TRACE:
		role_log_text(ike->ctx, CLASS_MESSAGE, LEVEL_LADDER, a->text);
		break;
	case ACT_KEYLOG:
		do_keylog(ike, a->text);
		break;
	case ACT_CAPTURE:
		ike_capture(ike, a);
		break;
	case ACT_DONE:
		do_done(ike);
		break;
	}
}

void
ike_drain(struct ike *ike)
{
	struct act a;

	while (core_act(ike->core, &a))
		carry_out(ike, &a);

	struct mono next = core_next(ike->core), now = role_now();
	if (next.us == INT64_MAX) {
		event_del(ike->timer);
		return;
	}
	int64_t us = mono_reached(now, next) ? 0 : next.us - now.us;
	struct timeval tv = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };
	event_add(ike->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct ike *ike = arg;

	(void)fd;
	(void)what;
	core_tick(ike->core, role_now());
	ike_drain(ike);
}

static void
on_apply(evutil_socket_t fd, short what, void *arg)
{
	struct ike *ike = arg;

	(void)fd;
	(void)what;
	ike_apply_pending(ike);
	ike_drain(ike);
}

void
ike_shutdown(struct ike *ike)
{
	const struct snapshot *s = ike->snapshot;
	bool deletes = !ike->ctx->options.passive && (s == NULL || s->delete_sas);

	if (!deletes) {
		(void)role_body(ike->ctx, ROLE_KERN);
		(void)!role_send(ike->ctx, ROLE_KERN, MSG_KERN_KEEP);	/* a dead one keeps nothing */
	}
	core_shutdown(ike->core, role_now(), deletes);
}

/* ---- messages ---- */

static bool
on_keys_message(struct ike *ike, struct channel_in *in)
{
	if (in->type != MSG_KEYS_ANSWER)
		return ike_conf_message(ike, in);
	struct keys_answer *a = calloc(1, sizeof(*a));
	if (a == NULL)
		return true;	/* the exchange times out */
	bool ok = keys_answer_decode(&in->body, a) && rd_end(&in->body);
	if (ok)
		core_keys_answer(ike->core, role_now(), a);
	keys_answer_done(a);
	wipe(a, sizeof(*a));
	free(a);
	return ok;
}

static bool
on_backend(struct ike *ike, struct channel_in *in)
{
	STR(name, 64);
	STR(others, 512);
	struct view v = rd_rest(&in->body);
	const uint8_t *end = v.n == 0 ? NULL : memchr(v.p, 0, v.n);
	size_t n = end == NULL ? v.n : (size_t)(end - v.p);

	str_escaped(&name, view_of(v.p, n));
	if (end != NULL)
		str_escaped(&others, view_of(end + 1, v.n - n - 1));
	text_copy(ike->backend, sizeof(ike->backend), name.p);
	role_log(ike->ctx, ROLE_LOG_NORMAL, 0, "IPsec back end: %s%s%s%s", name.p,
	    others.len > 0 ? " (" : "", others.p, others.len > 0 ? ")" : "");
	return true;
}

static bool
on_kern_message(struct ike *ike, struct channel_in *in)
{
	if (in->type == MSG_KERN_BACKEND)
		return on_backend(ike, in);
	if (in->type == MSG_KERN_ANSWER) {
		struct kern_answer a = { 0 };
		if (!kern_answer_decode(&in->body, &a) || !rd_end(&in->body))
			return false;
		if (!ike_status_answer(ike, &a))
			core_kern_answer(ike->core, role_now(), &a);
		return true;
	}
	struct kern_event e = { 0 };
	if (!kern_event_decode(&in->body, &e) || !rd_end(&in->body))
		return false;
	core_kern_event(ike->core, role_now(), &e);
	return true;
}

static bool
on_signal_message(struct ike *ike, struct channel_in *in)
{
	uint8_t number = rd_u8(&in->body);

	switch (number) {
	case SIGTERM:
		ike_shutdown(ike);
		return true;
	case SIGHUP:
		role_log(ike->ctx, ROLE_LOG_NORMAL, 0, "SIGHUP received");
		ike_reload(ike);
		return true;
	case SIGUSR1:
		role_log(ike->ctx, ROLE_LOG_NORMAL, 0, "SIGUSR1 received");
		ike_report_file(ike);
		return true;
	default:
		return false;
	}
}

static bool
on_message(struct role_ctx *ctx, enum role from, struct channel_in *in)
{
	struct ike *ike = ctx->self;
	bool ok = false;

	if (from == ROLE_KEYS)
		ok = on_keys_message(ike, in);
	else if (from == ROLE_KERN)
		ok = on_kern_message(ike, in);
	else if (from == ROLE_TRUST)
		ok = ike_trust_message(ike, in);
	else if (from == ROLE_MONITOR && in->type == MSG_SIGNAL)
		ok = on_signal_message(ike, in);
	else if (from == ROLE_MONITOR && in->type == MSG_CAPTURE_STATE)
		ok = ike_capture_state(ike, &in->body);
	ike_drain(ike);
	return ok;
}

/* It holds the pre-shared keys that the one before it did; what was on its way is lost. */
static void
keys_anew(struct ike *ike)
{
	unsigned lost = ike_psk_keys_restarted(ike);

	free(ike->text.p);
	ike->text = (struct ike_text){ 0 };
	if (lost > 0)
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "role ike: %u pre-shared keys set by order "
		    "may be lost: set them again", lost);
	if (ike->conf_asked)
		ike_conf_ask(ike);
	if (ike->snapshot != NULL)
		ike_keys_files(ike, ike->snapshot);
}

/* A role was started anew; what we asked the old one is not answered any more. */
static void
on_link(struct role_ctx *ctx, enum role with)
{
	struct ike *ike = ctx->self;

	core_role_restarted(ike->core, role_now(), with == ROLE_KEYS, with == ROLE_KERN);
	if (with == ROLE_KEYS)
		keys_anew(ike);
	if (with == ROLE_TRUST)
		ike_trust_anew(ike);
	ike_drain(ike);
}

/* ---- start ---- */

static void
env_random(void *self, void *buf, size_t n)
{
	(void)self;
	random_bytes(buf, n);
}

bool
ike_source(void *self, const struct addr *remote, struct addr *ret)
{
	struct ike *ike = self;
	enum role_fd fd = remote->family == FAMILY_IP6 ? ROLE_FD_ROUTE6 : ROLE_FD_ROUTE4;

	return net_source(ike->ctx->fd[fd], remote, ret);
}

static bool
open_sockets(struct ike *ike)
{
	static const struct { enum role_fd fd; bool encap, ip6; } all[IKE_SOCKETS] = {
		{ ROLE_FD_IKE4, false, false }, { ROLE_FD_IKE6, false, true },
		{ ROLE_FD_NATT4, true, false }, { ROLE_FD_NATT6, true, true },
	};
	const struct options *o = &ike->ctx->options;

	for (size_t i = 0; i < IKE_SOCKETS; i++) {
		struct ike_socket *s = &ike->socket[i];
		*s = (struct ike_socket){ .ike = ike, .fd = ike->ctx->fd[all[i].fd],
		    .port = all[i].encap ? o->port_nat_t : o->port,
		    .encap = all[i].encap, .ip6 = all[i].ip6 };
		if (s->fd < 0)
			continue;
		s->ev = event_new(ike->ctx->base, s->fd, EV_READ | EV_PERSIST, on_datagrams, s);
		if (s->ev == NULL || event_add(s->ev, NULL) < 0)
			return false;
	}
	return true;
}

/* Orders are about the configuration, so they are read once there is one. */
static bool
open_fifo(struct ike *ike)
{
	int fd = ike->ctx->fd[ROLE_FD_FIFO];

	if (fd < 0)
		return true;
	ike->fifo = event_new(ike->ctx->base, fd, EV_READ | EV_PERSIST, ike_fifo_readable, ike);
	return ike->fifo != NULL;
}

void
ike_fifo_start(struct ike *ike)
{
	if (ike->fifo == NULL || event_pending(ike->fifo, EV_READ, NULL))
		return;
	/* Standard input may be a file, which cannot be waited for: then all its
	 * orders are there already. */
	if (event_add(ike->fifo, NULL) < 0)
		ike_fifo_readable(ike->ctx->fd[ROLE_FD_FIFO], 0, ike);
}

static bool
prepare(struct ike *ike)
{
	const struct options *o = &ike->ctx->options;
	struct core_env env = { .self = ike, .random = env_random, .source = ike_source,
	    .has_address = ike_has_address };
	struct core_options core = { .port = o->port, .port_nat_t = o->port_nat_t,
	    .nat_t = o->nat_t, .start_passive = o->passive, .keylog = o->keylog };

	ike->started = role_now();
	status_prepare();
	ike->batch = net_batch_new();
	ike->core = core_new(&env, &core);
	ike->store = store_new();
	ike->timer = event_new(ike->ctx->base, -1, 0, on_timer, ike);
	ike->apply = event_new(ike->ctx->base, -1, 0, on_apply, ike);
	if (ike->batch == NULL || ike->core == NULL || ike->store == NULL || ike->timer == NULL ||
	    ike->apply == NULL)
		return false;
	for (int i = 0; i < DEBUG_CLASSES; i++)
		core_log_level(ike->core, i, o->level[i]);
	core_capture(ike->core, true);	/* a failed negotiation must still be there */
	return ike_interfaces_prepare(ike) && ike_psk_prepare(ike) && crypto_preload() && open_sockets(ike) && open_fifo(ike);
}

static void
ike_free(struct ike *ike)
{
	for (size_t i = 0; i < IKE_SOCKETS; i++)
		if (ike->socket[i].ev != NULL)
			event_free(ike->socket[i].ev);
	if (ike->fifo != NULL)
		event_free(ike->fifo);
	if (ike->timer != NULL)
		event_free(ike->timer);
	if (ike->apply != NULL)
		event_free(ike->apply);
	if (ike->hold != NULL)
		event_free(ike->hold);
	core_free(ike->core);
	snapshot_unref(ike->snapshot);
	store_free(ike->store);
	net_batch_free(ike->batch);
	free(ike->text.p);
	ike_status_finish(ike);
	ike_psk_done(ike);
	ike_trust_done(ike);
	ike_interfaces_done(ike);
	failed_done(&ike->failed);
	wipe(ike, sizeof(*ike));
	free(ike);
}

int
role_ike_main(struct role_ctx *ctx)
{
	struct ike *ike = calloc(1, sizeof(*ike));
	int status = 1;

	if (ike == NULL)
		return 1;
	ike->ctx = ctx;
	ctx->self = ike;
	ctx->on_message = on_message;
	ctx->on_link = on_link;
	if (!prepare(ike)) {
		role_log(ctx, ROLE_LOG_FATAL, 0, "role ike: cannot start: out of memory, or no libcrypto");
	} else if (role_enter(ctx)) {
		ike_conf_ask(ike);
		status = role_loop(ctx);
	}
	ike_free(ike);
	return status;
}
