/*
 * The esp role: a loop around the data plane (esp/plane.h) and its pump.  It
 * sees ESP packets and what `kern` asks for, and knows nothing of IKE.
 */
#include "role/role.h"

#include <event2/event.h>

#include "base/esp_msg.h"
#include "crypto/preload.h"
#include "crypto/esp_cipher.h"
#include "esp/pump.h"

enum { REPORT_SECS = 30 };

struct source {
	struct esp_role	*role;
	int		 socket;	/* enum pump_socket; PUMP_SOCKETS: the TUN device */
	struct event	*event;
};

struct esp_role {
	struct role_ctx	 *ctx;
	struct esp_plane *plane;
	struct esp_pump	 *pump;
	struct source	  source[PUMP_SOCKETS + 1];
	struct event	 *tick, *report;
	uint64_t	  reported[WHY_MAX], lost, strays;
	unsigned	  events_lost;
};

static const struct { uint8_t socket, fd; } sockets[] = {
	{ PUMP_UDP4, ROLE_FD_ESPUDP4 }, { PUMP_UDP6, ROLE_FD_ESPUDP6 },
	{ PUMP_RAW4, ROLE_FD_ESP4 }, { PUMP_RAW6, ROLE_FD_ESP6 },
};

/* ---- news for kern ---- */

static void
tell_events(struct esp_role *e)
{
	struct esp_event event;

	while (esp_plane_event(e->plane, &event)) {
		esp_event_encode(role_body(e->ctx, ROLE_KERN), &event);
		if (!role_send(e->ctx, ROLE_KERN, MSG_ESP_EVENT))
			e->events_lost++;
	}
}

static void
arm_tick(struct esp_role *e, struct mono now)
{
	struct mono at = esp_plane_next(e->plane);
	struct timeval tv = { 0 };

	if (at.us == MONO_NEVER.us) {
		event_del(e->tick);
		return;
	}
	if (mono_before(now, at)) {
		/* One microsecond more, so that the moment has come by then. */
		int64_t us = mono_since(at, now).us + 1;

		tv.tv_sec = us / 1000000;
		tv.tv_usec = us % 1000000;
	}
	event_add(e->tick, &tv);
}

static void
on_tick(evutil_socket_t fd, short what, void *self)
{
	struct esp_role *e = self;
	struct mono now = role_now();

	(void)fd;
	(void)what;
	esp_plane_tick(e->plane, now);
	tell_events(e);
	arm_tick(e, now);
}

/* ---- packets ---- */

static void
on_packets(evutil_socket_t fd, short what, void *self)
{
	struct source *s = self;
	struct esp_role *e = s->role;
	struct mono now = role_now();

	(void)fd;
	(void)what;
	if (s->socket == PUMP_SOCKETS)
		esp_pump_tun(e->pump, now);
	else
		esp_pump_socket(e->pump, (enum pump_socket)s->socket, now);
	tell_events(e);
}

/*
 * Refusals are counted per reason; anybody can cause them, so there is one
 * line per reason and half a minute.
 */
static void
on_report(evutil_socket_t fd, short what, void *self)
{
	struct esp_role *e = self;
	uint64_t lost = esp_pump_counts(e->pump)->lost;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < WHY_MAX; i++) {
		uint64_t n = esp_plane_refused(e->plane, (enum why)i);
		uint64_t more = n - e->reported[i];

		e->reported[i] = n;
		if (more > 0 && why_log((enum why)i) != LOG_NEVER)
			role_log(e->ctx, ROLE_LOG_NORMAL, 0, "esp: %llu packet%s refused: %s",
			    (unsigned long long)more, more == 1 ? "" : "s", why_text((enum why)i));
	}
	if (lost != e->lost)
		role_log(e->ctx, ROLE_LOG_VERBOSE, 0,
		    "esp: %llu packets lost because a queue of the kernel was full",
		    (unsigned long long)(lost - e->lost));
	e->lost = lost;
	uint64_t strays = esp_pump_counts(e->pump)->strays;
	if (strays != e->strays)
		role_log(e->ctx, ROLE_LOG_VERBOSE, 0, "esp: the kernel joined an IKE message to ESP "
		    "packets, and it is lost; from now on they are received one by one");
	e->strays = strays;
	if (e->events_lost > 0)
		role_log(e->ctx, ROLE_LOG_ERROR, 0, "esp: %u events did not reach kern",
		    e->events_lost);
	e->events_lost = 0;
}

/* ---- asks of kern ---- */

static bool
esp_message(struct role_ctx *ctx, enum role from, struct channel_in *in)
{
	struct esp_role *e = ctx->self;
	struct sa_spec asked = { 0 }, held = { 0 };
	struct esp_answer answer;
	struct mono now = role_now();
	struct esp_ask ask;

	if (from != ROLE_KERN || in->type != MSG_ESP_ASK)
		return from == ROLE_MONITOR;
	if (!esp_ask_decode(&in->body, &ask, &asked))
		return false;
	esp_plane_ask(e->plane, now, &ask, &answer, &held);
	esp_answer_encode(role_body(ctx, ROLE_KERN), &answer);
	if (!role_send(ctx, ROLE_KERN, MSG_ESP_ANSWER))
		role_log(ctx, ROLE_LOG_ERROR, 0, "esp: an answer did not reach kern");
	sa_spec_done(&asked);
	sa_spec_done(&held);
	tell_events(e);
	arm_tick(e, now);
	return true;
}

/* A new kern knows nothing of what the old one installed, and installs anew. */
static void
esp_link(struct role_ctx *ctx, enum role with)
{
	struct esp_role *e = ctx->self;

	if (with != ROLE_KERN)
		return;
	if (esp_plane_count(e->plane) > 0)
		role_log(ctx, ROLE_LOG_NORMAL, 0, "esp: kern was started anew; its SAs are dropped");
	esp_plane_clear(e->plane);
	arm_tick(e, role_now());
}

/* ---- start and end ---- */

static bool
watch(struct esp_role *e, int socket, int fd)
{
	struct source *s = &e->source[socket];

	s->role = e;
	s->socket = socket;
	if (fd < 0)
		return true;
	s->event = event_new(e->ctx->base, fd, EV_READ | EV_PERSIST, on_packets, s);
	return s->event != NULL && event_add(s->event, NULL) == 0;
}

static bool
esp_start(struct esp_role *e, struct str *error)
{
	struct pump_fds fds = { .tun = e->ctx->fd[ROLE_FD_TUN] };
	struct esp_config config = { 0 };
	struct timeval every = { .tv_sec = REPORT_SECS };

	if (!esp_cipher_preload()) {
		str_add(error, "libcrypto lacks an ESP algorithm");
		return false;
	}
	for (size_t i = 0; i < COUNT(sockets); i++)
		fds.socket[sockets[i].socket] = e->ctx->fd[sockets[i].fd];
	e->plane = esp_plane_new(&config);
	e->pump = e->plane == NULL ? NULL : esp_pump_new(e->plane, &fds, error);
	if (e->pump == NULL)
		return false;
	bool ok = watch(e, PUMP_SOCKETS, fds.tun);
	for (int i = 0; i < PUMP_SOCKETS; i++)
		ok = watch(e, i, fds.socket[i]) && ok;
	e->tick = event_new(e->ctx->base, -1, 0, on_tick, e);
	e->report = event_new(e->ctx->base, -1, EV_PERSIST, on_report, e);
	ok = ok && e->tick != NULL && e->report != NULL && event_add(e->report, &every) == 0;
	if (!ok)
		str_add(error, "event loop");
	return ok;
}

static void
esp_end(struct esp_role *e)
{
	for (size_t i = 0; i < COUNT(e->source); i++)
		if (e->source[i].event != NULL)
			event_free(e->source[i].event);
	if (e->tick != NULL)
		event_free(e->tick);
	if (e->report != NULL)
		event_free(e->report);
	esp_pump_free(e->pump);
	esp_plane_free(e->plane);
}

int
role_esp_main(struct role_ctx *ctx)
{
	struct esp_role e = { .ctx = ctx };
	int status = 1;
	STR(error, 200);

	ctx->self = &e;
	ctx->on_message = esp_message;
	ctx->on_link = esp_link;
	/* libcrypto reads its configuration once; inside the sandbox it could not. */
	if (!crypto_preload())
		str_add(&error, "libcrypto");
	if (error.len > 0 || !esp_start(&e, &error))
		role_log(ctx, ROLE_LOG_FATAL, 0, "esp: %s", error.p);
	else if (role_enter(ctx))
		status = role_loop(ctx);
	ctx->self = NULL;
	esp_end(&e);
	return status;
}
