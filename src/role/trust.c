/*
 * The trust role: the only process that parses DER which a peer made.  It
 * holds the operator's certificates and revocation lists and no secret, has
 * no network and opens nothing; the monitor hands it the files.
 *
 *	ike -- TRUST_CONF --> trust -- FILES_WANTED, ... --> monitor
 *	trust -- TRUST_STATE --> ike
 *	ike -- TRUST_ASK --> trust -- TRUST_ANSWER --> ike
 *	trust -- FETCH_ASK --> fetch -- FETCH_ANSWER --> trust
 *
 * A new set is loaded beside the old one, which answers until the new one is
 * whole.  Asks that come before the first set is there wait for it, and asks
 * that need the answer of an OCSP responder wait for that or for its
 * deadline: they are made again then.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "role/fetch_msg.h"
#include "role/role.h"
#include "role/trust_msg.h"

enum {
	FILE_OCTETS_MAX = 16 * 1024 * 1024,	/* of one file: large revocation lists */
	WAITING_MAX = 256,		/* asks that are not answered yet */
	ROUNDS_MAX = 3,			/* that an ask waits for responders */
	MARGIN_MS = 250,		/* fetch gives up that much earlier and says why */
	LOOK_SECONDS = 24 * 3600,	/* how often validity is looked at */
	NAME_ROOM = 512
};

static const uint8_t files_kind[TRUST_KIND_MAX] = {
	[TRUST_CA] = FILES_CA, [TRUST_CERT] = FILES_CERTS, [TRUST_CRL] = FILES_CRLS,
};

/* An ask that cannot be answered yet. */
struct waiting {
	struct waiting	*next;
	struct book_wants wants;	/* none: it waits for the first set */
	unsigned	 rounds;
	size_t		 n;
	uint8_t		 body[];
};

struct trust_role {
	struct role_ctx	*ctx;
	struct trust	*trust;		/* answers; NULL: the first one is not there yet */
	struct trust	*loading;	/* NULL: nothing is being loaded */
	struct trust_conf conf;		/* what is, or was last, loaded */
	struct trust_conf next;		/* what is to be loaded after that */
	bool		 again;		/* next is set */
	int		 kind;		/* enum trust_kind that is being loaded */
	struct waiting	*first, **last;
	size_t		 n_waiting;
	struct event	*look;
	struct book	*book;		/* what responders said; NULL: no memory for it */
	uint32_t	 era;		/* which book: old ones may still be answered */
	struct event	*expire;
	uint8_t		 certs[TRUST_OCTETS_MAX];	/* of one answer */
};

/* ---- asks ---- */

static int64_t
now(void)
{
	return (int64_t)time(NULL);
}

static void
tell_answer(struct trust_role *t, const struct trust_answer *a)
{
	trust_answer_encode(role_body(t->ctx, ROLE_IKE), a);
	if (!role_send(t->ctx, ROLE_IKE, MSG_TRUST_ANSWER))
		role_unsent(t->ctx, ROLE_IKE);
}

/* False: without memory, or with too many that wait already. */
static bool
wait(struct trust_role *t, struct view body, const struct book_wants *wants, unsigned rounds)
{
	struct waiting *w = t->n_waiting < WAITING_MAX ? malloc(sizeof(*w) + body.n) : NULL;

	if (w == NULL)
		return false;
	*w = (struct waiting){ .n = body.n, .rounds = rounds };
	if (wants != NULL)
		w->wants = *wants;
	memcpy(w->body, body.p, body.n);
	*t->last = w;
	t->last = &w->next;
	t->n_waiting++;
	return true;
}

/* False: responders have to be asked first. */
static bool
answer_peer(struct trust_role *t, const struct trust_ask *ask, bool last, struct book_wants *ret)
{
	struct trust_answer a;
	STR(note, 600);
	struct trust_look look = { .book = t->book, .at = role_now(), .last = last, .note = &note };

	if (t->book == NULL)
		trust_peer(t->trust, ask, now(), &a);
	else if (!trust_peer_online(t->trust, ask, now(), &look, &a)) {
		*ret = look.wants;
		return false;
	}
	if (note.len > 0)
		role_log(t->ctx, ROLE_LOG_NORMAL, 0, "ocsp: %s", note.p);
	tell_answer(t, &a);
	return true;
}

static void
answer(struct trust_role *t, const struct trust_ask *ask, struct view body, unsigned rounds)
{
	struct wr room = wr_of(t->certs, sizeof(t->certs));
	struct book_wants wants;
	struct trust_answer a;

	if (ask->verb == TRUST_PEER) {
		if (!answer_peer(t, ask, rounds >= ROUNDS_MAX, &wants) &&
		    !wait(t, body, &wants, rounds + 1))
			(void)answer_peer(t, ask, true, &wants);
		return;
	}
	if (ask->verb == TRUST_OWN)
		trust_own(t->trust, ask, now(), &room, &a);
	else
		trust_names(t->trust, ask, now(), &room, &a);
	tell_answer(t, &a);
}

static void
waiting_clear(struct trust_role *t)
{
	while (t->first != NULL) {
		struct waiting *w = t->first;

		t->first = w->next;
		free(w);
	}
	t->last = &t->first;
	t->n_waiting = 0;
}

/* Makes every ask again that has what it waited for; those that do not stay in order. */
static void
waiting_answer(struct trust_role *t)
{
	struct waiting *all = t->first;

	if (t->trust == NULL)
		return;
	t->first = NULL;
	t->last = &t->first;
	t->n_waiting = 0;
	while (all != NULL) {
		struct waiting *w = all;
		struct rd r = rd_of(view_of(w->body, w->n));
		struct trust_ask ask;

		all = w->next;
		if (t->book != NULL && !book_settled(t->book, &w->wants)) {
			w->next = NULL;
			*t->last = w;
			t->last = &w->next;
			t->n_waiting++;
			continue;
		}
		if (trust_ask_decode(&r, &ask))
			answer(t, &ask, view_of(w->body, w->n), w->rounds);
		free(w);
	}
}

static void fetch_more(struct trust_role *);

static bool
on_ask(struct trust_role *t, struct rd body)
{
	struct view whole = view_of(body.p, body.n);
	struct trust_ask ask;

	if (!trust_ask_decode(&body, &ask))
		return false;
	if (t->trust == NULL) {
		(void)!wait(t, whole, NULL, 0);		/* else the exchange times out */
		return true;
	}
	answer(t, &ask, whole, 0);
	fetch_more(t);
	return true;
}

/* ---- responders ---- */

static void
expire_at(struct trust_role *t, struct mono at)
{
	int64_t us = mono_since(at, role_now()).us;
	struct timeval tv = { 0 };

	event_del(t->expire);
	if (at.us == MONO_NEVER.us)
		return;
	if (us > 0)
		tv = (struct timeval){ .tv_sec = us / 1000000, .tv_usec = us % 1000000 };
	event_add(t->expire, &tv);
}

static void
fetch_one(struct trust_role *t, const struct book_question *q)
{
	struct fetch_ask a = { .era = t->era, .token = q->token, .url = *q->url, .body = q->body };
	int64_t left = q->left_ms > 2 * MARGIN_MS ? q->left_ms - MARGIN_MS : q->left_ms;

	a.left_ms = left < 1 ? 1 : (uint32_t)left;
	fetch_ask_encode(role_body(t->ctx, ROLE_FETCH), &a);
	if (!role_send(t->ctx, ROLE_FETCH, MSG_FETCH_ASK))
		book_failed(t->book, q->token, "the process that fetches takes no question", now());
}

/* Sends what can be sent, and sees to it that nobody waits longer than allowed. */
static void
fetch_more(struct trust_role *t)
{
	struct book_question q;

	if (t->book == NULL)
		return;
	while (role_has(t->ctx, ROLE_FETCH) && book_next(t->book, role_now(), &q))
		fetch_one(t, &q);
	expire_at(t, book_expire(t->book, role_now(), now()));
}

/* Something became known. */
static void
settle(struct trust_role *t)
{
	waiting_answer(t);
	fetch_more(t);
}

static void
on_expire(evutil_socket_t fd, short what, void *arg)
{
	struct trust_role *t = arg;

	(void)fd;
	(void)what;
	if (t->book != NULL)
		(void)book_expire(t->book, role_now(), now());
	settle(t);
}

static bool
on_fetched(struct trust_role *t, struct rd *body)
{
	struct fetch_answer a;

	if (!fetch_answer_decode(body, &a))
		return false;
	if (a.era != t->era || t->book == NULL)
		return true;		/* before a reload */
	if (a.ok)
		book_answer(t->book, a.token, a.body, now());
	else
		book_failed(t->book, a.token, a.reason, now());
	settle(t);
	return true;
}

static void
book_anew(struct trust_role *t)
{
	book_free(t->book);
	t->book = book_new(t->conf.settings.ocsp_timeout);
	t->era++;
}

/* ---- loading ---- */

static const char *const kind_names[TRUST_KIND_MAX] = {
	[TRUST_CA] = "CA certificate", [TRUST_CERT] = "certificate", [TRUST_CRL] = "revocation list",
};

static void
warn(void *self, const struct trust_item *item)
{
	struct trust_role *t = self;
	STR(file, 200);
	STR(warning, 120);

	if (!trust_item_warning(item, now(), &warning))
		return;
	str_escaped(&file, view_str(item->file));
	role_log(t->ctx, ROLE_LOG_NORMAL, 0, "%s %s/%s (%s) %s", kind_names[item->kind],
	    t->conf.path[item->kind], file.p, item->subject, warning.p);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval day = { .tv_sec = LOOK_SECONDS };
	struct trust_role *t = arg;

	(void)fd;
	(void)what;
	if (t->trust != NULL)
		trust_each(t->trust, warn, t);
	event_add(t->look, &day);
}

static void
tell_item(void *self, const struct trust_item *item)
{
	struct trust_state *s = self;

	s->count[item->kind]++;
	if (s->n_items == TRUST_ITEMS_MAX)
		return;
	struct trust_state_item *i = &s->item[s->n_items++];
	*i = (struct trust_state_item){ .kind = item->kind, .from = item->from, .until = item->until };
	struct str file = str_of(i->file, sizeof(i->file));
	str_escaped(&file, view_str(item->file));
	text_copy(i->subject, sizeof(i->subject), item->subject);
}

/* What ike needs of it: what to ask peers for, and what to show. */
static void
tell_state(struct trust_role *t)
{
	struct trust_state *s = calloc(1, sizeof(*s));
	struct wr room = wr_of(t->certs, sizeof(t->certs));

	if (s == NULL)
		return;
	s->n_requests = trust_requests(t->trust, &room, s->request);
	trust_each(t->trust, tell_item, s);
	trust_state_encode(role_body(t->ctx, ROLE_IKE), s);
	if (!role_send(t->ctx, ROLE_IKE, MSG_TRUST_STATE))
		role_log(t->ctx, ROLE_LOG_ERROR, 0, "role trust: ike does not take what is held");
	free(s);
}

static void load_begin(struct trust_role *);

static void
load_end(struct trust_role *t)
{
	trust_free(t->trust);
	t->trust = t->loading;
	t->loading = NULL;
	book_anew(t);
	if (t->again) {
		load_begin(t);
		return;
	}
	/* Who uses no certificates need not be told so. */
	bool any = trust_count(t->trust, TRUST_CA) + trust_count(t->trust, TRUST_CERT) > 0;
	role_log(t->ctx, any ? (int)ROLE_LOG_VERBOSE : ROLE_DEBUG_MISC, any ? 0 : ROLE_DEBUG_RARE,
	    "trust: %zu CA certificates, %zu certificates, "
	    "%zu revocation lists", trust_count(t->trust, TRUST_CA),
	    trust_count(t->trust, TRUST_CERT), trust_count(t->trust, TRUST_CRL));
	on_look(-1, 0, t);
	tell_state(t);
	settle(t);
}

/* The next directory, or the end. */
static void
load_next(struct trust_role *t)
{
	while (++t->kind < TRUST_KIND_MAX) {
		if (t->conf.path[t->kind][0] == '\0')
			continue;
		struct wr *w = role_body(t->ctx, ROLE_MONITOR);
		wr_u8(w, files_kind[t->kind]);
		wr_view(w, view_str(t->conf.path[t->kind]));
		if (role_send(t->ctx, ROLE_MONITOR, MSG_FILES_WANTED))
			return;
	}
	load_end(t);
}

static void
load_begin(struct trust_role *t)
{
	t->again = false;
	t->conf = t->next;
	t->loading = trust_new(&t->conf.settings);
	t->kind = 0;
	if (t->loading == NULL)
		role_log(t->ctx, ROLE_LOG_ERROR, 0, "role trust: no memory for certificates: "
		    "what was held stays");
	else
		load_next(t);
}

static bool
on_conf(struct trust_role *t, struct rd *body)
{
	if (!trust_conf_decode(body, &t->next))
		return false;
	t->again = true;
	if (t->loading == NULL)
		load_begin(t);
	return true;
}

/* ---- files ---- */

static uint8_t *
read_all(int fd, size_t *ret_n, struct str *why)
{
	size_t n = 0, cap = 16384;
	uint8_t *p = malloc(cap);

	while (p != NULL) {
		if (n == cap) {
			uint8_t *bigger = cap < FILE_OCTETS_MAX ? realloc(p, cap * 2) : NULL;
			if (bigger == NULL)
				break;
			p = bigger;
			cap *= 2;
		}
		ssize_t got = read(fd, p + n, cap - n);
		if (got == 0) {
			*ret_n = n;
			return p;
		}
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			str_add(why, strerror(errno));
			free(p);
			return NULL;
		}
		n += (size_t)got;
	}
	free(p);
	str_add(why, "too long, or no memory for it");
	return NULL;
}

static bool
on_file(struct trust_role *t, struct channel_in *in)
{
	uint8_t kind = rd_u8(&in->body);
	struct view name = rd_rest(&in->body);
	char plain[NAME_ROOM];
	STR(shown, 300);
	STR(note, 300);
	size_t n = 0;

	if (t->loading == NULL || t->kind >= TRUST_KIND_MAX || kind != files_kind[t->kind] ||
	    name.n == 0 || name.n >= sizeof(plain))
		return false;
	memcpy(plain, name.p, name.n);
	plain[name.n] = '\0';
	uint8_t *text = read_all(in->fd, &n, &note);
	if (text != NULL)
		(void)!trust_add(t->loading, (enum trust_kind)t->kind, plain, view_of(text, n), &note);
	free(text);
	str_escaped(&shown, name);
	if (note.len > 0)
		role_log(t->ctx, ROLE_LOG_NORMAL, 0, "x509_read_from_dir: %s/%s: %s",
		    t->conf.path[t->kind], shown.p, note.p);
	return true;
}

static bool
on_files_more(struct trust_role *t)
{
	(void)role_body(t->ctx, ROLE_MONITOR);
	return t->loading != NULL && role_send(t->ctx, ROLE_MONITOR, MSG_FILES_NEXT);
}

static bool
on_files_end(struct trust_role *t, struct rd *body)
{
	uint8_t kind = rd_u8(body);
	uint8_t result = rd_u8(body);
	STR(why, 600);

	if (t->loading == NULL || t->kind >= TRUST_KIND_MAX || kind != files_kind[t->kind] ||
	    result >= FILES_RESULT_MAX)
		return false;
	str_escaped(&why, rd_rest(body));
	if (result == FILES_REFUSED || (result == FILES_MISSING && t->conf.given))
		role_log(t->ctx, ROLE_LOG_NORMAL, 0, "x509_read_from_dir: %s", why.p);
	else if (result == FILES_MISSING)
		role_log(t->ctx, ROLE_DEBUG_MISC, ROLE_DEBUG_RARE, "x509_read_from_dir: %s", why.p);
	load_next(t);
	return true;
}

/* ---- the role ---- */

static bool
on_message(struct role_ctx *ctx, enum role from, struct channel_in *in)
{
	struct trust_role *t = ctx->self;

	if (from == ROLE_IKE && in->type == MSG_TRUST_ASK)
		return on_ask(t, in->body);
	if (from == ROLE_IKE && in->type == MSG_TRUST_CONF)
		return on_conf(t, &in->body);
	if (from == ROLE_FETCH && in->type == MSG_FETCH_ANSWER)
		return on_fetched(t, &in->body);
	if (from == ROLE_MONITOR && in->type == MSG_FILE)
		return on_file(t, in);
	if (from == ROLE_MONITOR && in->type == MSG_FILES_MORE)
		return on_files_more(t);
	if (from == ROLE_MONITOR && in->type == MSG_FILES_END)
		return on_files_end(t, &in->body);
	return false;
}

/* A new ike knows nothing of what the old one asked. */
static void
on_unlink(struct role_ctx *ctx, enum role with)
{
	struct trust_role *t = ctx->self;

	if (with == ROLE_IKE)
		waiting_clear(t);
	if (with == ROLE_FETCH && t->book != NULL) {
		book_fetch_gone(t->book, now());
		settle(t);
	}
}

static void
on_link(struct role_ctx *ctx, enum role with)
{
	if (with == ROLE_FETCH)
		fetch_more(ctx->self);
}

static int
run(struct trust_role *t)
{
	struct role_ctx *ctx = t->ctx;

	t->look = event_new(ctx->base, -1, 0, on_look, t);
	t->expire = event_new(ctx->base, -1, 0, on_expire, t);
	if (t->look == NULL || t->expire == NULL || !trust_preload()) {
		wr_view(role_body(ctx, ROLE_MONITOR), view_str("trust: out of memory, or libcrypto "
		    "lacks a basic algorithm"));
		(void)!role_send(ctx, ROLE_MONITOR, MSG_FATAL);
		return 1;
	}
	ctx->on_message = on_message;
	ctx->on_unlink = on_unlink;
	ctx->on_link = on_link;
	if (!role_enter(ctx))
		return 1;
	return role_loop(ctx);
}

int
role_trust_main(struct role_ctx *ctx)
{
	struct trust_role *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return 1;
	t->ctx = ctx;
	t->last = &t->first;
	ctx->self = t;
	int status = run(t);
	if (t->look != NULL)
		event_free(t->look);
	if (t->expire != NULL)
		event_free(t->expire);
	waiting_clear(t);
	book_free(t->book);
	trust_free(t->trust);
	trust_free(t->loading);
	free(t);
	return status;
}
