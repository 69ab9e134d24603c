#include "role/role.h"

#include <assert.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/codec.h"
#include "os/sandbox.h"

enum {
	START_TIMEOUT_MS = 20000,	/* the monitor has this long to say GO */
	BATCH = 64,			/* messages per wake-up, so that no channel starves others */
	LOG_PER_SECOND = 100,
	LOG_TEXT_MAX = 1900
};

struct role_link {
	struct role_ctx	*ctx;
	enum role	 with;
	struct channel	*channel;
	struct event	*rd, *wr;
};

struct mono
role_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct mono){ (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 };
}

/* ---- links ---- */

static void
link_free(struct role_link *l)
{
	if (l == NULL)
		return;
	if (l->rd != NULL)
		event_free(l->rd);
	if (l->wr != NULL)
		event_free(l->wr);
	channel_free(l->channel);
	free(l);
}

static void
link_gone(struct role_ctx *ctx, struct role_link *l)
{
	enum role with = l->with;

	if (ctx->link[with] == l)
		ctx->link[with] = NULL;
	link_free(l);
	if (with == ROLE_MONITOR) {
		role_stop(ctx, ctx->status);
		return;
	}
	if (ctx->on_unlink != NULL)
		ctx->on_unlink(ctx, with);
}

static void
report_broken(struct role_ctx *ctx, enum role who, const char *complaint)
{
	struct wr *w = role_body(ctx, ROLE_MONITOR);

	wr_u8(w, (uint8_t)who);
	wr_view(w, view_str(complaint));
	(void)!role_send(ctx, ROLE_MONITOR, MSG_BROKEN);
	role_log(ctx, ROLE_LOG_ERROR, 0, "role %s: %s from role %s", role_name(ctx->role),
	    complaint, role_name(who));
}

static bool on_link_message(struct role_ctx *, struct channel_in *);

static bool
dispatch(struct role_ctx *ctx, enum role from, struct channel_in *in)
{
	bool ok;

	if (from == ROLE_MONITOR && in->type == MSG_LINK)
		ok = on_link_message(ctx, in);
	else if (from == ROLE_MONITOR && in->type == MSG_LEVELS)
		ok = levels_decode(&in->body, &ctx->options);
	else
		ok = ctx->on_message != NULL && ctx->on_message(ctx, from, in);
	if (in->fd >= 0)
		close(in->fd);
	in->fd = -1;
	return ok;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct role_link *l = arg;
	struct role_ctx *ctx = l->ctx;
	struct channel_in in;

	(void)fd;
	(void)what;
	for (int i = 0; i < BATCH && !ctx->stopping; i++) {
		enum channel_got got = channel_next(l->channel, &in);
		if (got == CHANNEL_MESSAGE) {
			if (!dispatch(ctx, l->with, &in))
				channel_refuse(l->channel, "malformed message");
			continue;
		}
		if (got == CHANNEL_BROKEN && l->with != ROLE_MONITOR)
			report_broken(ctx, l->with, channel_complaint(l->channel));
		if (got != CHANNEL_EMPTY)
			link_gone(ctx, l);
		return;
	}
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct role_link *l = arg;

	(void)fd;
	(void)what;
	/* A channel that is gone shows itself on the reading side. */
	if (channel_flush(l->channel) && channel_waiting(l->channel))
		event_add(l->wr, NULL);
}

/* Takes fd. */
static struct role_link *
link_new(struct role_ctx *ctx, enum role with, int fd)
{
	enum channel_side mine = SIDE_A;
	const struct channel_table *table = role_table(ctx->role, with, &mine);
	struct role_link *l = table == NULL ? NULL : calloc(1, sizeof(*l));

	if (l == NULL) {
		close(fd);
		return NULL;
	}
	l->ctx = ctx;
	l->with = with;
	l->channel = channel_new(fd, table, mine);
	if (l->channel != NULL) {
		l->rd = event_new(ctx->base, fd, EV_READ | EV_PERSIST, on_readable, l);
		l->wr = event_new(ctx->base, fd, EV_WRITE, on_writable, l);
	}
	if (l->rd == NULL || l->wr == NULL || event_add(l->rd, NULL) < 0) {
		link_free(l);
		return NULL;
	}
	return l;
}

/* A new channel to another role; the old one, if any, is dead. */
static bool
on_link_message(struct role_ctx *ctx, struct channel_in *in)
{
	uint8_t with = rd_u8(&in->body);

	if (with == ROLE_MONITOR || with >= ROLE_MAX || in->fd < 0)
		return false;
	struct role_link *old = ctx->link[with];
	ctx->link[with] = link_new(ctx, (enum role)with, in->fd);
	in->fd = -1;
	if (old != NULL) {
		link_free(old);
		if (ctx->on_unlink != NULL)
			ctx->on_unlink(ctx, (enum role)with);
	}
	if (ctx->link[with] == NULL)
		return false;
	if (ctx->on_link != NULL)
		ctx->on_link(ctx, (enum role)with);
	return true;
}

bool
role_has(const struct role_ctx *ctx, enum role r)
{
	return r < ROLE_MAX && ctx->link[r] != NULL;
}

struct channel *
role_channel(struct role_ctx *ctx, enum role r)
{
	return role_has(ctx, r) ? ctx->link[r]->channel : NULL;
}

struct wr *
role_body(struct role_ctx *ctx, enum role to)
{
	if (!role_has(ctx, to)) {
		ctx->nowhere = (struct wr){ .bad = true };
		return &ctx->nowhere;
	}
	return channel_body(ctx->link[to]->channel);
}

bool
role_send(struct role_ctx *ctx, enum role to, uint16_t type)
{
	if (!role_has(ctx, to))
		return false;
	struct role_link *l = ctx->link[to];
	bool ok = channel_send(l->channel, type, -1);
	if (channel_waiting(l->channel))
		event_add(l->wr, NULL);
	return ok;
}

void
role_unsent(struct role_ctx *ctx, enum role to)
{
	if (role_has(ctx, to) && channel_flush(ctx->link[to]->channel))
		role_log(ctx, ROLE_LOG_ERROR, 0, "role %s: %s does not take answers",
		    role_name(ctx->role), role_name(to));
}

bool
role_await(struct role_ctx *ctx, enum role from, uint16_t type, int milliseconds,
    struct channel_in *ret)
{
	int64_t until = role_now().us + (int64_t)milliseconds * 1000;

	while (role_has(ctx, from)) {
		struct channel *c = ctx->link[from]->channel;
		int64_t left = (until - role_now().us) / 1000;
		if (left < 0)
			return false;
		if (channel_wait(c, (int)left, ret) != CHANNEL_MESSAGE)
			return false;
		if (ret->type == type)
			return true;
		if (!dispatch(ctx, from, ret)) {
			channel_refuse(c, "malformed message");
			return false;
		}
	}
	return false;
}

/* ---- log ---- */

/* True if this line may go out; counts what may not. */
static bool
log_allowed(struct role_ctx *ctx)
{
	int64_t second = role_now().us / 1000000;

	if (second != ctx->log_second) {
		uint32_t dropped = ctx->log_dropped;
		ctx->log_second = second;
		ctx->log_count = 0;
		ctx->log_dropped = 0;
		if (dropped > 0)
			role_log(ctx, ROLE_LOG_NORMAL, 0, "role %s: %u log lines suppressed",
			    role_name(ctx->role), dropped);
	}
	if (ctx->log_count >= LOG_PER_SECOND) {
		ctx->log_dropped++;
		return false;
	}
	ctx->log_count++;
	return true;
}

void
role_log_text(struct role_ctx *ctx, int class, int level, const char *text)
{
	role_log_fields(ctx, class, level, text, (struct view){ 0 });
}

void
role_log_fields(struct role_ctx *ctx, int class, int level, const char *text, struct view fields)
{
	size_t n = strnlen(text, LOG_TEXT_MAX);

	if (class >= 0) {
		if (class >= DEBUG_CLASSES || level < 0 || level > ctx->options.level[class] ||
		    ctx->options.level[class] == 0)
			return;
	} else if (class == ROLE_LOG_VERBOSE && !ctx->options.verbose) {
		return;
	} else if (class != ROLE_LOG_REPORT && !log_allowed(ctx)) {
		return;
	}
	struct wr *w = role_body(ctx, ROLE_MONITOR);
	wr_u8(w, (uint8_t)(int8_t)class);
	wr_u8(w, (uint8_t)level);
	wr_bytes(w, text, n);
	if (fields.n > 0) {
		wr_u8(w, 0);
		wr_view(w, fields);
	}
	(void)!role_send(ctx, ROLE_MONITOR, MSG_LOG);	/* a full queue loses lines, not the role */
}

void
role_log(struct role_ctx *ctx, int class, int level, const char *fmt, ...)
{
	char text[LOG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	role_log_text(ctx, class, level, text);
}

/* ---- start ---- */

static const uint8_t profiles[ROLE_MAX] = {
	[ROLE_MONITOR] = SANDBOX_MONITOR, [ROLE_IKE] = SANDBOX_IKE, [ROLE_KEYS] = SANDBOX_KEYS,
	[ROLE_KERN] = SANDBOX_KERN, [ROLE_ESP] = SANDBOX_ESP,
	[ROLE_TRUST] = SANDBOX_TRUST, [ROLE_FETCH] = SANDBOX_FETCH,
};

bool
role_enter(struct role_ctx *ctx)
{
	STR(notes, 1024);
	STR(error, 512);
	struct sandbox_want want = { .profile = profiles[ctx->role], .account = "_isakmpd",
	    .seccomp = ctx->options.sandbox };

	if (ctx->options.sandbox && !sandbox_enter(&want, &notes, &error)) {
		struct wr *w = role_body(ctx, ROLE_MONITOR);
		wr_view(w, view_str("sandbox: "));
		wr_view(w, view_str(error.p));
		(void)!role_send(ctx, ROLE_MONITOR, MSG_FATAL);
		return false;
	}
	if (!ctx->options.sandbox)
		str_add(&notes, "NO SANDBOX: this process keeps all rights it was started with");
	if (notes.len > 0)
		role_log(ctx, ROLE_LOG_NORMAL, 0, "role %s: %s", role_name(ctx->role), notes.p);
	(void)role_body(ctx, ROLE_MONITOR);
	return role_send(ctx, ROLE_MONITOR, MSG_READY);
}

int
role_loop(struct role_ctx *ctx)
{
	if (!ctx->stopping)
		event_base_dispatch(ctx->base);
	return ctx->status;
}

void
role_stop(struct role_ctx *ctx, int status)
{
	ctx->status = status;
	ctx->stopping = true;
	event_base_loopbreak(ctx->base);
}

static bool
start_options(struct role_ctx *ctx, struct rd *body)
{
	if (!options_decode(body, &ctx->options))
		return false;
	text_copy(ctx->tun_name, sizeof(ctx->tun_name), ctx->options.tun);
	return true;
}

static bool
start_fd(struct role_ctx *ctx, struct channel_in *in)
{
	uint8_t purpose = rd_u8(&in->body);

	if (purpose >= ROLE_FD_MAX || ctx->fd[purpose] >= 0)
		return false;
	ctx->fd[purpose] = in->fd;
	in->fd = -1;
	return rd_end(&in->body);
}

/* Everything up to GO.  False: the monitor is gone or talks nonsense. */
static bool
start_receive(struct role_ctx *ctx)
{
	struct channel_in in;

	for (;;) {
		bool ok = false;
		if (channel_wait(ctx->link[ROLE_MONITOR]->channel, START_TIMEOUT_MS, &in) !=
		    CHANNEL_MESSAGE)
			return false;
		if (in.type == MSG_GO)
			return true;
		if (in.type == MSG_OPTIONS)
			ok = start_options(ctx, &in.body);
		else if (in.type == MSG_FD)
			ok = start_fd(ctx, &in);
		else if (in.type == MSG_LINK)
			ok = on_link_message(ctx, &in);
		if (in.fd >= 0)
			close(in.fd);
		if (!ok)
			return false;
	}
}

static int
role_main(struct role_ctx *ctx)
{
	switch (ctx->role) {
	case ROLE_IKE:
		return role_ike_main(ctx);
	case ROLE_KEYS:
		return role_keys_main(ctx);
	case ROLE_KERN:
		return role_kern_main(ctx);
	case ROLE_ESP:
		return role_esp_main(ctx);
	case ROLE_TRUST:
		return role_trust_main(ctx);
	case ROLE_FETCH:
		return role_fetch_main(ctx);
	case ROLE_MONITOR:
	case ROLE_MAX:
		break;
	}
	return 1;
}

/* What fails in libevent fails its caller, who says so in words of ours; a file as
 * standard input, which epoll does not take, is no failure. */
static void
event_log(int severity, const char *text)
{
	(void)severity;
	(void)text;
}

int
role_run(enum role role, int monitor_fd)
{
	struct role_ctx *ctx = calloc(1, sizeof(*ctx));
	int status = 1;

	if (ctx == NULL)
		return 1;
	ctx->role = role;
	for (int i = 0; i < ROLE_FD_MAX; i++)
		ctx->fd[i] = -1;
	(void)prctl(PR_SET_NAME, "isakmpd");	/* it was started by a name of /proc */
	tzset();		/* local time for reports; the file is out of reach later */
	event_set_log_callback(event_log);
	ctx->base = event_base_new();
	if (ctx->base != NULL)
		ctx->link[ROLE_MONITOR] = link_new(ctx, ROLE_MONITOR, monitor_fd);
	if (ctx->link[ROLE_MONITOR] != NULL && start_receive(ctx))
		status = role_main(ctx);
	/* What was logged last should still arrive. */
	if (role_has(ctx, ROLE_MONITOR))
		(void)!channel_flush(ctx->link[ROLE_MONITOR]->channel);
	for (int i = 0; i < ROLE_MAX; i++)
		link_free(ctx->link[i]);
	if (ctx->base != NULL)
		event_base_free(ctx->base);
	free(ctx);
	return status;
}

/* ---- options ---- */

void
levels_encode(struct wr *w, const struct options *o)
{
	wr_u8(w, o->verbose ? 1 : 0);
	wr_bytes(w, o->level, sizeof(o->level));
}

bool
levels_decode(struct rd *r, struct options *ret)
{
	ret->verbose = rd_u8(r) != 0;
	rd_copy(r, ret->level, sizeof(ret->level));
	return rd_end(r);
}

#define OPTION_FLAGS(X)							\
	X(ip4) X(ip6) X(acquire_only) X(foreground) X(no_policy)	\
	X(no_kernel) X(shared_sadb) X(nat_t) X(passive) X(verbose) X(sandbox) X(keylog) \
	X(capture)

#define OPTION_TEXTS(X)							\
	X(config) X(run_dir) X(fifo) X(pid) X(report) X(result) X(keylog_file) \
	X(capture_file) X(backend) X(tun)

void
options_encode(struct wr *w, const struct options *o)
{
#define X(name) wr_u8(w, o->name ? 1 : 0);
	OPTION_FLAGS(X)
#undef X
	wr_u8(w, o->debug);
	wr_u32(w, o->capture_kb);
	wr_u16(w, o->port);
	wr_u16(w, o->port_nat_t);
	wr_bytes(w, o->level, sizeof(o->level));
#define X(name) text_encode(w, o->name, sizeof(o->name));
	OPTION_TEXTS(X)
#undef X
}

bool
options_decode(struct rd *r, struct options *ret)
{
	struct options o = { 0 };

#define X(name) o.name = rd_u8(r) != 0;
	OPTION_FLAGS(X)
#undef X
	o.debug = rd_u8(r);
	o.capture_kb = rd_u32(r);
	o.port = rd_u16(r);
	o.port_nat_t = rd_u16(r);
	rd_copy(r, o.level, sizeof(o.level));
#define X(name) text_decode(r, o.name, sizeof(o.name));
	OPTION_TEXTS(X)
#undef X
	if (!rd_end(r))
		return false;
	*ret = o;
	return true;
}
