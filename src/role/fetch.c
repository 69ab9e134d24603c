/*
 * The fetch role: asks web servers that certificates or the operator name,
 * and hands back octets that it does not read.  It holds nothing.  It is
 * there only while the configuration wants OCSP.
 *
 *	trust -- FETCH_ASK --> fetch -- FETCH_ANSWER --> trust
 *
 * Names are resolved by libevent's resolver: it reads /etc/resolv.conf and
 * /etc/hosts before the sandbox closes and needs no file afterwards.  No
 * redirection is followed.  Every job ends at its deadline, whatever the
 * other side does; the rest is bounded by fetch/http.h.
 */
#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "fetch/http.h"
#include "role/fetch_msg.h"
#include "role/role.h"

enum {
	JOBS_MAX = 32,		/* twice what trust has under way: it gives up first */
	ADDRESSES_MAX = 6,
	REQUEST_MAX = 8192
};

struct fetch;
struct job;

/* Outlives a job that ends first: the resolver calls back in any case. */
struct lookup {
	struct job	*job;			/* NULL: has ended */
	struct evdns_getaddrinfo_request *request;
};

struct job {
	struct fetch	*f;
	uint32_t	 era;
	uint64_t	 token;
	struct url	 url;
	struct mono	 until;
	struct event	*timer;
	struct lookup	*lookup;		/* NULL: not being resolved */
	struct sockaddr_storage to[ADDRESSES_MAX];
	size_t		 n_to, next_to;
	int		 fd;			/* -1: none */
	struct event	*io;
	uint8_t		 request[REQUEST_MAX];
	size_t		 n, sent;
	struct http_reader reader;
	size_t		 have;
	char		 state[FETCH_REASON_MAX];	/* what it is at, for its end */
	uint8_t		 room[HTTP_ROOM];
};

struct fetch {
	struct role_ctx	*ctx;
	struct evdns_base *dns;
	struct job	*job[JOBS_MAX];
};

static void connect_next(struct job *);

/* ---- the end of a job ---- */

static void
hang_up(struct job *j)
{
	if (j->io != NULL)
		event_free(j->io);
	j->io = NULL;
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

static void
job_free(struct job *j)
{
	if (j == NULL)
		return;
	hang_up(j);
	if (j->timer != NULL)
		event_free(j->timer);
	if (j->lookup != NULL) {
		j->lookup->job = NULL;
		evdns_getaddrinfo_cancel(j->lookup->request);
	}
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (j->f->job[i] == j)
			j->f->job[i] = NULL;
	free(j);
}

static void
tell(struct fetch *f, const struct fetch_answer *a)
{
	fetch_answer_encode(role_body(f->ctx, ROLE_TRUST), a);
	if (!role_send(f->ctx, ROLE_TRUST, MSG_FETCH_ANSWER) && role_has(f->ctx, ROLE_TRUST))
		role_log(f->ctx, ROLE_LOG_ERROR, 0, "role fetch: trust does not take answers");
}

static void
job_failed(struct job *j, const char *reason)
{
	struct fetch_answer a = { .era = j->era, .token = j->token };
	struct str s = str_of(a.reason, sizeof(a.reason));

	str_escaped(&s, view_str(reason));
	tell(j->f, &a);
	job_free(j);
}

static void
job_done(struct job *j, struct view body)
{
	const struct fetch_answer a = { .era = j->era, .token = j->token, .ok = true, .body = body };

	tell(j->f, &a);
	job_free(j);
}

static struct timeval
time_until(struct mono until, unsigned parts)
{
	int64_t us = mono_since(until, role_now()).us / (parts == 0 ? 1 : parts);

	if (us < 1000)
		us = 1000;
	return (struct timeval){ .tv_sec = us / 1000000, .tv_usec = us % 1000000 };
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct job *j = arg;
	const struct timeval rest = time_until(j->until, 1);
	STR(reason, FETCH_REASON_MAX);

	(void)fd;
	(void)what;
	/* The loop counts in ticks of a coarse clock and may come a little early. */
	if (!mono_reached(role_now(), j->until) && event_add(j->timer, &rest) == 0)
		return;
	str_addf(&reason, "%s took too long", j->state);
	job_failed(j, reason.p);
}

/* ---- one connection ---- */

static void
sockaddr_of(const struct addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){ 0 };
	if (a->family == FAMILY_IP4) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		memcpy(&in4->sin_addr, a->b, 4);
	} else {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, a->b, 16);
	}
}

static socklen_t
sockaddr_len(const struct sockaddr_storage *to)
{
	return to->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

/* This address leads nowhere: the next, or the end. */
static void
connect_failed(struct job *j, const char *why)
{
	hang_up(j);
	if (j->next_to < j->n_to)
		connect_next(j);
	else
		job_failed(j, why);
}

static void
on_answer(struct job *j)
{
	struct view body;
	STR(reason, FETCH_REASON_MAX);
	ssize_t got = recv(j->fd, j->room + j->have, sizeof(j->room) - j->have, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got < 0) {
		job_failed(j, strerror(errno));
		return;
	}
	j->have += (size_t)got;
	switch (http_read(&j->reader, view_of(j->room, j->have), got == 0, &body, &reason)) {
	case HTTP_BODY:
		job_done(j, body);
		return;
	case HTTP_REFUSED:
		job_failed(j, reason.p);
		return;
	case HTTP_MORE:
		break;
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	on_answer(arg);
}

static void
on_sendable(struct job *j)
{
	ssize_t n = send(j->fd, j->request + j->sent, j->n - j->sent, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		job_failed(j, strerror(errno));
		return;
	}
	if (n > 0)
		j->sent += (size_t)n;
	if (j->sent < j->n) {
		event_add(j->io, NULL);
		return;
	}
	event_free(j->io);
	j->io = event_new(j->f->ctx->base, j->fd, EV_READ | EV_PERSIST, on_readable, j);
	if (j->io == NULL || event_add(j->io, NULL) < 0)
		job_failed(j, "out of memory");
	else
		text_copy(j->state, sizeof(j->state), "the answer");
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct job *j = arg;
	int error = 0;
	socklen_t n = sizeof(error);

	if ((what & EV_TIMEOUT) != 0)
		connect_failed(j, "the connection took too long");
	else if (j->sent == 0 && (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 || error != 0))
		connect_failed(j, strerror(error != 0 ? error : errno));
	else
		on_sendable(j);
}

static void
connect_next(struct job *j)
{
	const struct sockaddr_storage *to = &j->to[j->next_to++];
	/* No address has all the time while there are others. */
	struct timeval tv = time_until(j->until, (unsigned)(j->n_to - j->next_to + 1));

	text_copy(j->state, sizeof(j->state), "the connection");
	j->fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (j->fd < 0 || (connect(j->fd, (const struct sockaddr *)to, sockaddr_len(to)) < 0 &&
	    errno != EINPROGRESS)) {
		connect_failed(j, strerror(errno));
		return;
	}
	j->io = event_new(j->f->ctx->base, j->fd, EV_WRITE, on_writable, j);
	if (j->io == NULL || event_add(j->io, &tv) < 0)
		job_failed(j, "out of memory");
}

/* ---- names ---- */

static void
on_addresses(int result, struct evutil_addrinfo *all, void *arg)
{
	struct lookup *l = arg;
	struct job *j = l->job;
	STR(reason, FETCH_REASON_MAX);

	free(l);
	if (j != NULL) {
		j->lookup = NULL;
		for (const struct evutil_addrinfo *a = all; a != NULL && j->n_to < ADDRESSES_MAX;
		    a = a->ai_next)
			if ((a->ai_family == AF_INET || a->ai_family == AF_INET6) &&
			    a->ai_addrlen <= sizeof(j->to[0])) {
				struct sockaddr_storage *to = &j->to[j->n_to++];
				memcpy(to, a->ai_addr, a->ai_addrlen);
				if (a->ai_family == AF_INET)
					((struct sockaddr_in *)to)->sin_port = htons(j->url.port);
				else
					((struct sockaddr_in6 *)to)->sin6_port = htons(j->url.port);
			}
	}
	if (all != NULL)
		evutil_freeaddrinfo(all);
	if (j == NULL)
		return;
	if (result == 0 && j->n_to > 0) {
		connect_next(j);
		return;
	}
	str_addf(&reason, "its name leads nowhere: %s", evutil_gai_strerror(result));
	job_failed(j, reason.p);
}

static void
resolve(struct job *j)
{
	const struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
	    .ai_protocol = IPPROTO_TCP };
	struct lookup *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		job_failed(j, "out of memory");
		return;
	}
	l->job = j;
	j->lookup = l;
	text_copy(j->state, sizeof(j->state), "the name server");
	struct evdns_getaddrinfo_request *r = evdns_getaddrinfo(j->f->dns, j->url.host, NULL, &hints,
	    on_addresses, l);
	if (r != NULL)		/* else it has called back already */
		l->request = r;
}

/* ---- jobs ---- */

static struct job *
job_new(struct fetch *f, const struct fetch_ask *a)
{
	size_t i = 0;

	while (i < JOBS_MAX && f->job[i] != NULL)
		i++;
	struct job *j = i == JOBS_MAX ? NULL : calloc(1, sizeof(*j));
	if (j == NULL)
		return NULL;
	struct timeval tv = { .tv_sec = a->left_ms / 1000,
	    .tv_usec = (suseconds_t)(a->left_ms % 1000) * 1000 };
	struct wr w = wr_of(j->request, sizeof(j->request));
	f->job[i] = j;
	j->f = f;
	j->fd = -1;
	j->era = a->era;
	j->token = a->token;
	j->url = a->url;
	j->until = mono_add(role_now(), span_ms(a->left_ms));
	j->timer = event_new(f->ctx->base, -1, 0, on_deadline, j);
	http_request(&w, &a->url, a->body);
	j->n = wr_done(&w).n;
	if (j->timer == NULL || event_add(j->timer, &tv) < 0 || j->n == 0) {
		job_free(j);
		return NULL;
	}
	return j;
}

static bool
on_ask(struct fetch *f, struct rd *body)
{
	struct fetch_ask a;
	struct addr literal;

	if (!fetch_ask_decode(body, &a))
		return false;
	struct job *j = job_new(f, &a);
	if (j == NULL) {
		const struct fetch_answer no = { .era = a.era, .token = a.token,
		    .reason = "too many questions at once" };
		tell(f, &no);
	} else if (addr_parse(j->url.host, &literal)) {
		sockaddr_of(&literal, j->url.port, &j->to[j->n_to++]);
		connect_next(j);
	} else {
		resolve(j);
	}
	return true;
}

/* ---- the role ---- */

static bool
on_message(struct role_ctx *ctx, enum role from, struct channel_in *in)
{
	return from == ROLE_TRUST && in->type == MSG_FETCH_ASK && on_ask(ctx->self, &in->body);
}

/* Nobody waits for these any more. */
static void
on_unlink(struct role_ctx *ctx, enum role with)
{
	struct fetch *f = ctx->self;

	for (size_t i = 0; with == ROLE_TRUST && i < JOBS_MAX; i++)
		job_free(f->job[i]);
}

/* What the resolver says of name servers stands in the reason of each answer. */
static void
unheard(int severity, const char *text)
{
	(void)severity;
	(void)text;
}

static bool
prepare(struct fetch *f)
{
	struct role_ctx *ctx = f->ctx;

	event_set_log_callback(unheard);
	if (evutil_secure_rng_init() < 0)
		return false;
	f->dns = evdns_base_new(ctx->base, 0);
	if (f->dns == NULL)
		return false;
	int rv = evdns_base_resolv_conf_parse(f->dns, DNS_OPTION_NAMESERVERS | DNS_OPTION_HOSTSFILE,
	    "/etc/resolv.conf");
	if (rv != 0)
		role_log(ctx, ROLE_LOG_NORMAL, 0, "role fetch: no name server in /etc/resolv.conf: "
		    "only addresses, /etc/hosts and a name server on this machine are of use");
	return evdns_base_set_option(f->dns, "timeout:", "2") == 0 &&
	    evdns_base_set_option(f->dns, "attempts:", "2") == 0 &&
	    evdns_base_set_option(f->dns, "getaddrinfo-allow-skew:", "1") == 0;
}

static int
run(struct fetch *f)
{
	struct role_ctx *ctx = f->ctx;

	ctx->on_message = on_message;
	ctx->on_unlink = on_unlink;
	if (!prepare(f)) {
		wr_view(role_body(ctx, ROLE_MONITOR), view_str("fetch: out of memory"));
		(void)!role_send(ctx, ROLE_MONITOR, MSG_FATAL);
		return 1;
	}
	if (!role_enter(ctx))
		return 1;
	return role_loop(ctx);
}

int
role_fetch_main(struct role_ctx *ctx)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return 1;
	f->ctx = ctx;
	ctx->self = f;
	int status = run(f);
	ctx->on_message = NULL;
	for (size_t i = 0; i < JOBS_MAX; i++)
		job_free(f->job[i]);
	if (f->dns != NULL) {
		evdns_base_free(f->dns, 1);
		event_base_loop(ctx->base, EVLOOP_NONBLOCK);	/* it calls back */
	}
	ctx->self = NULL;
	free(f);
	return status;
}
