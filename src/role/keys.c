/*
 * The keys role: the only process that sees pre-shared keys, Diffie-Hellman
 * exponents and SKEYIDs.  It answers `ike` by the contract of keys_state.h,
 * with the public-key work on worker threads, so answers come in the order
 * the work ends; and it reads the configuration file, keeps the secrets and
 * passes the rest on.
 *
 *	monitor -- CONF_FILE + fd --> keys -- CONF_BEGIN, CONF_TEXT*, PSK_INFO*,
 *	                                      CONF_END --> ike
 *	ike -- CONF_TAKE --> keys: only now the file's keys count
 *	ike -- KEY_FILES --> keys -- FILES_WANTED --> monitor -- FILE + fd --> keys
 *	ike -- KEYS_ASK --> keys -- KEYS_ANSWER --> ike
 *	ike -- PSK_SET --> keys -- PSK_INFO --> ike
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/redact.h"
#include "conf/store.h"
#include "crypto/preload.h"
#include "role/keys_conf.h"
#include "role/identities.h"
#include "role/keys_files.h"
#include "role/keys_pool.h"
#include "role/keys_state.h"
#include "role/role.h"

enum {
	PIECE = 60000,			/* octets of text in one message */
	LATER_MS = 10,			/* a full channel is tried again after this */
	LATER_MAX = 64 * 1024 * 1024,	/* octets that may wait for it */
	FILE_NAME_MAX = 512
};

/* A message to `ike` for which the channel has no room yet. */
struct later {
	struct later	*next;
	uint16_t	 type;
	size_t		 n;
	uint8_t		 body[];
};

/* A signature that is asked for while the key files are being read. */
struct held {
	struct held	*next;
	size_t		 n;
	uint8_t		 body[];
};

struct keys {
	struct role_ctx		*ctx;
	struct keys_state	*state;
	struct keys_pool	*pool;
	struct event		*finished, *retry;
	struct later		*first, **last;
	size_t			 waiting;	/* octets in the queue */
	char			 file[FILE_NAME_MAX];
	struct keys_keep	 keep;
	struct keys_files	 files;
	struct wanted		*wanted;	/* questions that wait for them, too */
	size_t			n_wanted;
	struct held		*held, **held_last;	/* asks that wait for key files */
	bool			 is_read;	/* a file was passed on and is not decided on */
	struct psk_log		 read;		/* its keys */
	int			 next_fd;	/* a file that waits for that, or -1 */
	char			*next_why;	/* ... or why there is none, or NULL */
};

/* ---- what goes to ike besides answers, in order ---- */

static void
later_clear(struct keys *k)
{
	while (k->first != NULL) {
		struct later *l = k->first;

		k->first = l->next;
		free(l);
	}
	k->last = &k->first;
	k->waiting = 0;
}

static bool
send_now(struct keys *k, uint16_t type, struct view body)
{
	wr_view(role_body(k->ctx, ROLE_IKE), body);
	return role_send(k->ctx, ROLE_IKE, type);
}

static void
retry_soon(struct keys *k)
{
	const struct timeval t = { .tv_usec = LATER_MS * 1000 };

	event_add(k->retry, &t);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct keys *k = arg;

	(void)fd;
	(void)what;
	if (!role_has(k->ctx, ROLE_IKE)) {
		later_clear(k);
		return;
	}
	while (k->first != NULL && send_now(k, k->first->type,
	    view_of(k->first->body, k->first->n))) {
		struct later *l = k->first;

		k->first = l->next;
		if (k->first == NULL)
			k->last = &k->first;
		k->waiting -= l->n;
		free(l);
	}
	if (k->first != NULL)
		retry_soon(k);
}

static bool
send_in_order(struct keys *k, uint16_t type, struct view body)
{
	if (!role_has(k->ctx, ROLE_IKE))
		return false;
	if (k->first == NULL && send_now(k, type, body))
		return true;
	struct later *l = k->waiting + body.n > LATER_MAX ? NULL : malloc(sizeof(*l) + body.n);
	if (l == NULL) {
		role_log(k->ctx, ROLE_LOG_ERROR, 0, "role keys: no room for a message to ike");
		return false;
	}
	*l = (struct later){ .type = type, .n = body.n };
	if (body.n > 0)
		memcpy(l->body, body.p, body.n);
	*k->last = l;
	k->last = &l->next;
	k->waiting += body.n;
	retry_soon(k);
	return true;
}

/* ---- asks ---- */

static void
answer(struct keys *k, struct keys_answer *a)
{
	keys_answer_encode(role_body(k->ctx, ROLE_IKE), a);
	if (!role_send(k->ctx, ROLE_IKE, MSG_KEYS_ANSWER))
		role_unsent(k->ctx, ROLE_IKE);
	keys_answer_done(a);
}

static void
on_finished(evutil_socket_t fd, short what, void *arg)
{
	struct keys *k = arg;
	struct keys_job *job;

	(void)fd;
	(void)what;
	keys_pool_rest(k->pool);
	while ((job = keys_pool_take(k->pool)) != NULL) {
		struct keys_answer a = { 0 };

		if (keys_job_end(k->state, job, &a))
			answer(k, &a);
	}
}

/* Gives the job to a worker, or fails it at once. */
static void
start_job(struct keys *k, const struct keys_ask *ask)
{
	struct keys_answer a = { 0 };
	struct keys_job *job = keys_job_begin(k->state, ask, &a);

	if (job != NULL && keys_pool_add(k->pool, job))
		return;
	if (job != NULL) {
		keys_job_fail(job, WHY_LIMIT_TOTAL);
		(void)keys_job_end(k->state, job, &a);
	}
	answer(k, &a);
}

static void
held_clear(struct keys *k)
{
	while (k->held != NULL) {
		struct held *h = k->held;

		k->held = h->next;
		wipe(h, sizeof(*h) + h->n);
		free(h);
	}
	k->held_last = &k->held;
}

/* At most one per token, and tokens have a bound. */
static bool
hold(struct keys *k, struct view body)
{
	struct held *h = malloc(sizeof(*h) + body.n);

	if (h == NULL)
		return false;
	*h = (struct held){ .n = body.n };
	if (body.n > 0)
		memcpy(h->body, body.p, body.n);
	*k->held_last = h;
	k->held_last = &h->next;
	return true;
}

/* ---- is there a key? ---- */

/* A question that came while the files are being read. */
struct wanted {
	struct wanted	*next;
	uint32_t	 number;
	struct identity	 identity;
};

static void
tell_key(struct keys *k, uint32_t number, const struct identity *i)
{
	struct identity_answer a = { .number = number };
	struct str detail = str_of(a.detail, sizeof(a.detail));

	a.why = identity_key(keys_state_ring(k->state), i, &a.key, &detail);
	identity_answer_encode(role_body(k->ctx, ROLE_IKE), &a);
	if (!role_send(k->ctx, ROLE_IKE, MSG_KEY_HELD))
		role_unsent(k->ctx, ROLE_IKE);
}

static bool
on_key_wanted(struct keys *k, struct rd *body)
{
	struct identity i;
	uint32_t number;

	if (!identity_ask_decode(body, &number, &i))
		return false;
	if (k->files.loading == NULL) {
		tell_key(k, number, &i);
		return true;
	}
	struct wanted *w = k->n_wanted < IDENTITIES_MAX ? malloc(sizeof(*w)) : NULL;
	if (w == NULL)
		return true;	/* it is only a warning that is missing */
	*w = (struct wanted){ .next = k->wanted, .number = number, .identity = i };
	k->wanted = w;
	k->n_wanted++;
	return true;
}

static void
wanted_clear(struct keys *k, bool tell)
{
	while (k->wanted != NULL) {
		struct wanted *w = k->wanted;

		k->wanted = w->next;
		if (tell)
			tell_key(k, w->number, &w->identity);
		free(w);
	}
	k->n_wanted = 0;
}

/* The keys are there: now the signatures. */
static void
on_ring(void *self, struct keyring *ring)
{
	struct keys *k = self;
	struct held *h = k->held;

	keys_state_ring_set(k->state, ring);
	wanted_clear(k, true);
	k->held = NULL;
	k->held_last = &k->held;
	while (h != NULL) {
		struct held *next = h->next;
		struct rd body = rd_of(view_of(h->body, h->n));
		struct keys_ask ask;

		/* Its token may have been dropped meanwhile. */
		if (keys_ask_decode(&body, &ask) &&
		    keys_state_check(k->state, &ask) == KEYS_STEP_JOB)
			start_job(k, &ask);
		wipe(h, sizeof(*h) + h->n);
		free(h);
		h = next;
	}
}

/* What is answered with a key of the operator's files. */
static bool
needs_files(const struct keys_ask *a)
{
	return a->verb == KEYS_AUTH_OWN || a->verb == KEYS_AUTH_PEER ||
	    (a->verb == KEYS_SKEYID && sign_method(a->auth));
}

static bool
on_ask(struct keys *k, struct rd *body)
{
	struct view whole = view_of(body->p, body->n);
	struct keys_ask ask;
	struct keys_answer a = { 0 };

	if (!keys_ask_decode(body, &ask))
		return false;
	enum keys_step step = keys_state_check(k->state, &ask);
	if (step == KEYS_STEP_JOB && k->files.loading != NULL && needs_files(&ask) && hold(k, whole))
		return true;
	switch (step) {
	case KEYS_STEP_REFUSED:
		role_log(k->ctx, ROLE_LOG_ERROR, 0, "role keys: ask %u: %s", ask.verb,
		    why_text(WHY_CONTRACT));
		return false;
	case KEYS_STEP_JOB:
		start_job(k, &ask);
		return true;
	case KEYS_STEP_NOW:
		keys_state_ask(k->state, &ask, &a);
		answer(k, &a);
		return true;
	case KEYS_STEP_SILENT:
		keys_state_ask(k->state, &ask, &a);
		keys_answer_done(&a);
		return true;
	}
	return false;
}

/* ---- keys by configuration and by order ---- */

static void
send_psk_info(struct keys *k, const struct psk_note *n)
{
	uint8_t room[1024];
	struct wr w = wr_of(room, sizeof(room));
	bool held = n->fault == PSK_OK;

	wr_u16(&w, (uint16_t)strlen(n->section));
	wr_view(&w, view_str(n->section));
	wr_u16(&w, held ? (uint16_t)n->octets : 0);
	wr_u16(&w, n->line > UINT16_MAX ? UINT16_MAX : (uint16_t)n->line);
	wr_u8(&w, held && n->weak);
	wr_u64(&w, held ? n->mark : 0);
	if (w.bad)	/* a name too long for a peer section: no ask can name it */
		return;
	(void)send_in_order(k, MSG_PSK_INFO, wr_done(&w));
}

static void
on_psk_of_file(void *self, const struct psk_note *n)
{
	struct keys *k = self;

	if (n->fault != PSK_OK) {
		STR(section, 160);

		str_escaped(&section, view_str(n->section));
		role_log(k->ctx, ROLE_LOG_ERROR, 0, "%s:%u: error: [%s]:Authentication: %s",
		    k->file, n->line, section.p, psk_fault_text(n->fault));
	}
	send_psk_info(k, n);	/* ike warns of weak ones */
}

/* A text without NUL, terminated, or NULL; the caller wipes and frees it. */
static char *
text_of(struct view v)
{
	if (v.n > 0 && memchr(v.p, '\0', v.n) != NULL)
		return NULL;
	char *text = malloc(v.n + 1);
	if (text == NULL)
		return NULL;
	if (v.n > 0)
		memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	return text;
}

static void
text_drop(char *text)
{
	if (text != NULL)
		wipe(text, strlen(text));
	free(text);
}

static bool
on_psk_set(struct keys *k, struct rd *body)
{
	size_t section_n = rd_u16(body);
	struct view section_view = rd_view(body, section_n), value_view = rd_rest(body);
	struct psk_note n;

	if (!rd_end(body) || section_n == 0 || section_n > STORE_NAME_MAX)
		return false;
	char *section = text_of(section_view), *value = text_of(value_view);
	bool ok = section != NULL && value != NULL;
	if (ok) {
		keys_conf_set(k->state, &k->keep, section, value, &n);
		if (n.fault != PSK_OK && n.fault != PSK_EMPTY) {
			STR(name, 160);

			str_escaped(&name, section_view);
			role_log(k->ctx, ROLE_LOG_ERROR, 0, "[%s]:Authentication: %s", name.p,
			    psk_fault_text(n.fault));
		}
		send_psk_info(k, &n);
	}
	text_drop(section);
	text_drop(value);
	return ok;
}

/* ---- the configuration file ---- */

struct text {
	uint8_t	*p;
	size_t	 n, cap;
};

static void
text_done(struct text *t)
{
	wipe(t->p, t->n);
	free(t->p);
	*t = (struct text){ 0 };
}

/* Never by realloc, which would leave a copy behind. */
static bool
text_grow(struct text *t)
{
	struct text bigger = { .n = t->n, .cap = t->cap == 0 ? 65536 : t->cap * 2 };

	bigger.p = malloc(bigger.cap);
	if (bigger.p == NULL)
		return false;
	if (t->n > 0)
		memcpy(bigger.p, t->p, t->n);
	text_done(t);
	*t = bigger;
	return true;
}

static bool
read_all(int fd, struct text *ret, struct str *why)
{
	for (;;) {
		if (ret->n == ret->cap && !text_grow(ret)) {
			str_add(why, "out of memory");
			return false;
		}
		ssize_t n = read(fd, ret->p + ret->n, ret->cap - ret->n);
		if (n == 0)
			return true;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			str_add(why, "cannot be read");
			return false;
		}
		ret->n += (size_t)n;
		if (ret->n > STORE_FILE_MAX) {
			str_add(why, "the file is too long");
			return false;
		}
	}
}

static void
conf_begin(struct keys *k, size_t octets)
{
	uint8_t room[1024];
	struct wr w = wr_of(room, sizeof(room));

	wr_u32(&w, (uint32_t)octets);
	wr_view(&w, view_str(k->file));
	(void)send_in_order(k, MSG_CONF_BEGIN, wr_done(&w));
}

static void
conf_end(struct keys *k, bool complete, const char *why)
{
	uint8_t room[512];
	struct wr w = wr_of(room, sizeof(room));

	wr_u8(&w, complete ? 1 : 0);
	wr_bytes(&w, why, strnlen(why, sizeof(room) - 1));
	(void)send_in_order(k, MSG_CONF_END, wr_done(&w));
}

static bool
conf_pass_on(struct keys *k, struct view text)
{
	uint8_t *redacted = malloc(text.n == 0 ? 1 : text.n);
	bool ok = redacted != NULL;

	if (!ok)
		return false;
	redact_text(text, redacted);
	for (size_t at = 0; ok && at < text.n; at += PIECE)
		ok = send_in_order(k, MSG_CONF_TEXT, view_of(redacted + at,
		    text.n - at < PIECE ? text.n - at : PIECE));
	free(redacted);
	return ok;
}

static void
conf_take(struct keys *k, struct view text)
{
	STR(why, 400);

	conf_begin(k, text.n);
	bool ok = conf_pass_on(k, text);
	if (!ok)
		str_add(&why, "no memory to pass the configuration on");
	/* Also when it fails, ike gets the text: it can name what else is wrong. */
	psk_log_done(&k->read);
	ok = ok && keys_conf_read(k->state, text, on_psk_of_file, k, &k->read, &why);
	k->is_read = ok;
	conf_end(k, ok, why.p);
}

static void
conf_read(struct keys *k, int fd)
{
	struct text text = { 0 };
	STR(why, 400);

	if (!read_all(fd, &text, &why)) {
		conf_begin(k, 0);
		conf_end(k, false, why.p);
		text_done(&text);
		return;
	}
	conf_take(k, view_of(text.p, text.n));
	text_done(&text);
}

/* No file (why is empty) or an unreadable one: what is held stays. */
static void
conf_none(struct keys *k, const char *why)
{
	conf_begin(k, 0);
	conf_end(k, false, why);
}

static void
next_drop(struct keys *k)
{
	if (k->next_fd >= 0)
		close(k->next_fd);
	free(k->next_why);
	k->next_fd = -1;
	k->next_why = NULL;
}

/*
 * While ike has not decided on one file the next one waits, or its decision
 * would be about another than it saw.  Only the last that came matters.
 */
static void
conf_next(struct keys *k)
{
	int fd = k->next_fd;
	char *why = k->next_why;

	k->next_fd = -1;
	k->next_why = NULL;
	if (fd >= 0) {
		conf_read(k, fd);
		close(fd);
	} else if (why != NULL) {
		conf_none(k, why);
		free(why);
	}
}

static bool
on_conf_none(struct keys *k, struct rd *body)
{
	char *why = text_of(rd_rest(body));

	if (why == NULL)
		return false;
	next_drop(k);
	k->next_why = why;
	if (!k->is_read)
		conf_next(k);
	return true;
}

static bool
on_conf_file(struct keys *k, struct channel_in *in)
{
	char *name = text_of(rd_rest(&in->body));

	if (name == NULL)
		return false;
	text_copy(k->file, sizeof(k->file), name);
	free(name);
	next_drop(k);
	k->next_fd = in->fd;
	in->fd = -1;
	if (!k->is_read)
		conf_next(k);
	return true;
}

/* ike has made a configuration of the rest, or it has not. */
static bool
on_conf_take(struct keys *k, struct rd *body)
{
	uint8_t take = rd_u8(body);
	struct view log = view_of(k->read.p, k->read.n);

	if (!rd_end(body) || take > 1)
		return false;
	if (take == 1 && k->is_read && (!psk_log_apply(log, k->state) ||
	    !keys_keep_replace(&k->keep, k->state, log)))
		role_log(k->ctx, ROLE_LOG_ERROR, 0, "%s: not all pre-shared keys are held: "
		    "out of memory", k->file);
	psk_log_done(&k->read);
	k->is_read = false;
	conf_next(k);
	return true;
}

/* ---- the role ---- */

static bool
on_message(struct role_ctx *ctx, enum role from, struct channel_in *in)
{
	struct keys *k = ctx->self;

	if (from == ROLE_MONITOR && in->type == MSG_CONF_FILE)
		return on_conf_file(k, in);
	if (from == ROLE_MONITOR && in->type == MSG_CONF_NONE)
		return on_conf_none(k, &in->body);
	if (from == ROLE_MONITOR && (in->type == MSG_FILE || in->type == MSG_FILES_MORE ||
	    in->type == MSG_FILES_END))
		return keys_files_message(&k->files, in);
	if (from == ROLE_IKE && in->type == MSG_KEY_FILES)
		return keys_files_wanted(&k->files, &in->body);
	if (from == ROLE_IKE && in->type == MSG_KEY_WANTED)
		return on_key_wanted(k, &in->body);
	if (from == ROLE_IKE && in->type == MSG_KEYS_ASK)
		return on_ask(k, &in->body);
	if (from == ROLE_IKE && in->type == MSG_PSK_SET)
		return on_psk_set(k, &in->body);
	if (from == ROLE_IKE && in->type == MSG_CONF_TAKE)
		return on_conf_take(k, &in->body);
	return false;
}

/* A new ike knows no token of the old one. */
static void
on_unlink(struct role_ctx *ctx, enum role with)
{
	struct keys *k = ctx->self;

	if (with != ROLE_IKE)
		return;
	keys_state_drop_all(k->state);
	held_clear(k);
	wanted_clear(k, false);
	later_clear(k);
	psk_log_done(&k->read);
	k->is_read = false;
	next_drop(k);		/* a new ike asks again */
}

/* What an earlier process of this role held. */
static void
take_up(struct keys *k)
{
	int64_t n = keys_keep_open(&k->keep, k->ctx->fd[ROLE_FD_PSKS], k->state);

	if (n > 0)
		role_log(k->ctx, ROLE_LOG_NORMAL, 0, "role keys: %lld pre-shared keys are held again",
		    (long long)n);
	if (n < 0)
		role_log(k->ctx, ROLE_LOG_ERROR, 0, "role keys: the pre-shared keys are lost: "
		    "reload the configuration (SIGHUP)");
}

static int
cannot_start(struct keys *k, const char *what)
{
	wr_view(role_body(k->ctx, ROLE_MONITOR), view_str(what));
	(void)!role_send(k->ctx, ROLE_MONITOR, MSG_FATAL);
	return 1;
}

static int
run(struct keys *k)
{
	/* libcrypto's files and tables, while there are files */
	if (!crypto_preload_dh())
		return cannot_start(k, "keys: libcrypto lacks a basic algorithm");
	unsigned threads = keys_pool_processors();
	k->state = keys_state_new();
	k->retry = event_new(k->ctx->base, -1, 0, on_retry, k);
	if (k->state == NULL || k->retry == NULL)
		return cannot_start(k, "keys: out of memory");
	k->ctx->on_message = on_message;
	k->ctx->on_unlink = on_unlink;
	take_up(k);
	if (!role_enter(k->ctx))
		return 1;

	/* Threads begin inside the sandbox: Landlock would not reach older ones. */
	k->pool = keys_pool_new(threads, KEYS_TOKENS_MAX);
	if (k->pool != NULL)
		k->finished = event_new(k->ctx->base, keys_pool_fd(k->pool),
		    EV_READ | EV_PERSIST, on_finished, k);
	if (k->finished == NULL || event_add(k->finished, NULL) < 0)
		return cannot_start(k, "keys: no threads");
	return role_loop(k->ctx);
}

int
role_keys_main(struct role_ctx *ctx)
{
	struct keys k = { .ctx = ctx, .next_fd = -1 };

	k.last = &k.first;
	k.held_last = &k.held;
	k.files = (struct keys_files){ .ctx = ctx, .done = on_ring, .self = &k };
	ctx->self = &k;
	int status = run(&k);
	if (k.finished != NULL)
		event_free(k.finished);
	if (k.retry != NULL)
		event_free(k.retry);
	held_clear(&k);
	wanted_clear(&k, false);
	keys_files_free(&k.files);
	later_clear(&k);
	psk_log_done(&k.read);
	next_drop(&k);
	keys_state_free(k.state);	/* before the jobs it points at */
	keys_pool_free(k.pool);
	return status;
}
