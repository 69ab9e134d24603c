/* The state of the daemon in one text, for people or machines: `S text`, `S json`. */
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "role/ike_internal.h"

/* More than these are left out, and the log says so: a status has a bound, too. */
enum { SAS_MOST = 20000, EXCHANGES_MOST = 5000, CONNECTIONS_MOST = 20000 };

static bool
same_failure(const struct ctl_failure *a, const struct failure *b)
{
	return a->why == b->why && strcmp(a->peer, b->peer) == 0 &&
	    strcmp(a->connection, b->connection) == 0 && strcmp(a->exchange, b->exchange) == 0 &&
	    strcmp(a->field, b->field) == 0 && strcmp(a->got, b->got) == 0;
}

void
ike_status_failure(struct ike *ike, const struct failure *f)
{
	struct ike_failure *last = &ike->failure[(ike->failures + IKE_FAILURES - 1) % IKE_FAILURES];

	if (ike->failures > 0 && same_failure(&last->f, f)) {
		last->at = role_now();
		last->f.count++;
		return;
	}
	struct ike_failure *n = &ike->failure[ike->failures++ % IKE_FAILURES];
	*n = (struct ike_failure){ .at = role_now(), .f = { .count = 1, .why = f->why } };
	text_copy(n->f.peer, sizeof(n->f.peer), f->peer);
	text_copy(n->f.connection, sizeof(n->f.connection), f->connection);
	text_copy(n->f.exchange, sizeof(n->f.exchange), f->exchange);
	text_copy(n->f.field, sizeof(n->f.field), f->field);
	text_copy(n->f.expected, sizeof(n->f.expected), f->expected);
	text_copy(n->f.got, sizeof(n->f.got), f->got);
	text_copy(n->f.where, sizeof(n->f.where), f->where);
	text_copy(n->f.remedy, sizeof(n->f.remedy), f->remedy);
}

/* Values of the core are collected; an array is made on the first of its kind. */
struct collect {
	struct ike		*ike;
	struct mono		 now;
	struct ctl_sa		*sas;
	struct ctl_exchange	*exchanges;
	struct ctl_connection	*connections;
	size_t			 n_sas, n_exchanges, n_connections, cap[4];
	uint64_t		*ids;		/* of the SAs, as kern knows them; 0: phase 1 */
	size_t			 n_ids;
	bool			 cut;
};

/* Room for one more, or NULL. */
static void *
grow(struct collect *c, void **array, size_t *n, size_t *cap, size_t size, size_t most)
{
	if (*n == *cap && *n < most) {
		size_t more = *cap == 0 ? 64 : *cap * 2;
		void *p = realloc(*array, more * size);
		if (p != NULL) {
			*array = p;
			*cap = more;
		}
	}
	if (*n == *cap || *n >= most) {
		c->cut = true;
		return NULL;
	}
	return (uint8_t *)*array + (*n)++ * size;
}

#define GROW(c, array, which, most)					\
	grow(c, (void **)&(c)->array, &(c)->n_##array, &(c)->cap[which],	\
	    sizeof(*(c)->array), most)

static void
collect_sa(void *self, const struct core_sa_info *i)
{
	struct collect *c = self;
	struct ctl_sa *sa = GROW(c, sas, 0, SAS_MOST);
	uint64_t *id = sa == NULL ? NULL : GROW(c, ids, 3, SAS_MOST);

	if (sa != NULL)
		ike_sa_of(c->now, i, sa);
	if (id != NULL)
		*id = i->phase == 2 ? i->spec_id : 0;
}

static void
collect_exchange(void *self, const struct core_exchange_info *i)
{
	struct collect *c = self;
	struct ctl_exchange *x = GROW(c, exchanges, 1, EXCHANGES_MOST);

	if (x != NULL)
		ike_exchange_of(c->now, i, x);
}

static void
collect_connection(void *self, const struct core_connection_info *i)
{
	struct collect *c = self;
	struct ctl_connection *out = GROW(c, connections, 2, CONNECTIONS_MOST);

	if (out != NULL)
		ike_connection_of(c->ike, c->now, i, out);
}

/* Newest first. */
static size_t
collect_failures(const struct ike *ike, struct mono now, struct ctl_failure *ret)
{
	size_t n = ike->failures < IKE_FAILURES ? (size_t)ike->failures : IKE_FAILURES;

	for (size_t i = 0; i < n; i++) {
		const struct ike_failure *f =
		    &ike->failure[(ike->failures - 1 - i) % IKE_FAILURES];
		ret[i] = f->f;
		ret[i].ago = span_secs(mono_since(now, f->at));
	}
	return n;
}

/* ---- traffic counters: what `kern` has to be asked for ---- */

/*
 * A status that waits for them.  It is written when all have come, when they
 * are late, or when the next order is read, whichever is first.
 */
struct ike_status_wait {
	struct collect	 c;
	struct event	*late;
	bool		 json;
	uint16_t	 serial;	/* in tokens: answers to an earlier one do not count */
	size_t		 due;
};

enum { USAGE_MS = 1000, USAGE_MOST = 4096 };

#define STATUS_TOKEN	(1ull << 63)	/* the core's own queries never have it */

static void
status_write(struct ike *ike, struct collect *c, bool json)
{
	struct ctl_failure *failures = calloc(IKE_FAILURES, sizeof(*failures));
	struct ctl_certificate *certificates = NULL;
	size_t n_certificates = ike_trust_certificates(ike, &certificates);
	const struct ctl_status st = { .version = VERSION, .backend = ike->backend,
	    .uptime = span_secs(mono_since(c->now, ike->started)),
	    .passive = core_is_passive(ike->core),
	    .sas = c->sas, .n_sas = c->n_sas, .exchanges = c->exchanges,
	    .n_exchanges = c->n_exchanges, .connections = c->connections,
	    .n_connections = c->n_connections, .failures = failures,
	    .n_failures = failures == NULL ? 0 : collect_failures(ike, c->now, failures),
	    .certificates = certificates, .n_certificates = n_certificates };
	char *text = json ? status_json(&st) : status_text(&st);

	if (text != NULL)
		ike_out(ike, OUT_RESULT, view_str(text));
	if (text == NULL || c->cut)
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "ui_report_sa: the status is %s",
		    text == NULL ? "not written: out of memory" : "cut: there is too much");
	free(text);
	free(failures);
	free(certificates);
}

static void
collect_free(struct collect *c)
{
	free(c->sas);
	free(c->exchanges);
	free(c->connections);
	free(c->ids);
}

void
ike_status_finish(struct ike *ike)
{
	struct ike_status_wait *w = ike->waiting;

	if (w == NULL)
		return;
	ike->waiting = NULL;
	status_write(ike, &w->c, w->json);
	if (w->late != NULL)
		event_free(w->late);
	collect_free(&w->c);
	free(w);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ike_status_finish(arg);
}

static bool
ask_usage(struct ike *ike, struct ike_status_wait *w, size_t i)
{
	const struct kern_ask ask = { .verb = KERN_QUERY, .id = w->c.ids[i],
	    .token = STATUS_TOKEN | (uint64_t)w->serial << 32 | i };

	kern_ask_encode(role_body(ike->ctx, ROLE_KERN), &ask);
	return role_send(ike->ctx, ROLE_KERN, MSG_KERN_ASK);
}

bool
ike_status_answer(struct ike *ike, const struct kern_answer *a)
{
	struct ike_status_wait *w = ike->waiting;
	uint32_t i = (uint32_t)a->token;

	if (a->verb != KERN_QUERY || (a->token & STATUS_TOKEN) == 0)
		return false;
	if (w == NULL || (uint16_t)(a->token >> 32) != w->serial || i >= w->c.n_sas)
		return true;
	w->c.sas[i].has_usage = a->why == WHY_NONE;
	w->c.sas[i].usage = a->usage;
	if (--w->due == 0)
		ike_status_finish(ike);
	return true;
}

void
ike_status(struct ike *ike, bool json)
{
	struct ike_status_wait *w = calloc(1, sizeof(*w));
	const struct timeval late = { .tv_sec = USAGE_MS / 1000 };

	ike_status_finish(ike);
	if (w == NULL) {
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "ui_report_sa: the status is not written: "
		    "out of memory");
		return;
	}
	w->c = (struct collect){ .ike = ike, .now = role_now() };
	w->json = json;
	w->serial = ++ike->status_serial;
	core_each_sa(ike->core, collect_sa, &w->c);
	core_each_exchange(ike->core, collect_exchange, &w->c);
	core_each_connection(ike->core, collect_connection, &w->c);
	w->late = event_new(ike->ctx->base, -1, 0, on_late, ike);
	ike->waiting = w;
	for (size_t i = 0; w->late != NULL && i < w->c.n_ids && w->due < USAGE_MOST; i++)
		if (w->c.ids[i] != 0 && ask_usage(ike, w, i))
			w->due++;
	if (w->due == 0)
		ike_status_finish(ike);
	else
		event_add(w->late, &late);
}
