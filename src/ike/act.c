/*
 * The queue of effects.  Every node owns what its act points to, so a host
 * may drain whenever it likes; nodes that held secrets are wiped.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/internal.h"

struct act_node {
	struct act_node	*next;
	struct act	 act;
	struct failure	*failure;
	struct sa_spec	 spec;
	bool		 has_spec;
	struct trust_ask *trust;
	size_t		 room_n;
	uint8_t		 room[];	/* bytes, text, or what a keys ask points to */
};

/*
 * Nodes that carry nothing besides their act are kept for the day without
 * memory: what lets go of something in another process must not get lost.
 */
enum { SPARES_MOST = 64 };

static void
spare_add(struct core *core, struct act_node *n)
{
	*n = (struct act_node){ .next = core->spares };
	core->spares = n;
	core->n_spares++;
}

static struct act_node *
spare_take(struct core *core)
{
	struct act_node *n = core->spares;

	if (n == NULL)
		return NULL;
	core->spares = n->next;
	core->n_spares--;
	n->next = NULL;
	return n;
}

MUST_USE bool
acts_prepare(struct core *core)
{
	while (core->n_spares < SPARES_MOST) {
		struct act_node *n = calloc(1, sizeof(*n));

		if (n == NULL)
			return false;
		spare_add(core, n);
	}
	return true;
}

static void
node_free(struct core *core, struct act_node *n)
{
	if (n == NULL)
		return;
	if (n->has_spec)
		sa_spec_done(&n->spec);
	free(n->failure);
	free(n->trust);
	if (n->room_n == 0 && core->n_spares < SPARES_MOST) {
		spare_add(core, n);
		return;
	}
	wipe(n->room, n->room_n);
	free(n);
}

static struct act_node *
node_new(struct core *core, enum act_kind kind, size_t room)
{
	struct act_node *n = calloc(1, sizeof(*n) + room);

	if (n == NULL && room == 0)
		n = spare_take(core);
	if (n == NULL) {
		core_refuse(core, WHY_NO_MEMORY);
		return NULL;
	}
	n->act.kind = kind;
	n->room_n = room;
	return n;
}

static void
node_push(struct core *core, struct act_node *n)
{
	*core->acts_tail = n;
	core->acts_tail = &n->next;
}

bool
core_act(struct core *core, struct act *ret)
{
	node_free(core, core->act_out);
	struct act_node *n = core->act_out = core->acts;
	if (n == NULL)
		return false;
	core->acts = n->next;
	if (core->acts == NULL)
		core->acts_tail = &core->acts;
	*ret = n->act;
	return true;
}

void
acts_free(struct core *core)
{
	struct act a;

	while (core_act(core, &a))
		;
	node_free(core, core->act_out);
	core->act_out = NULL;
	for (struct act_node *n; (n = spare_take(core)) != NULL;)
		free(n);
}

void
act_send(struct core *core, const struct path *path, struct view bytes)
{
	struct act_node *n = node_new(core, ACT_SEND, bytes.n);

	if (n == NULL)
		return;
	memcpy(n->room, bytes.p, bytes.n);
	n->act.path = *path;
	n->act.bytes = view_of(n->room, bytes.n);
	core->counters.datagrams_out++;
	core->counters.octets_out += bytes.n;
	node_push(core, n);
}

static struct view
keep(struct act_node *n, size_t *at, struct view v)
{
	if (v.n == 0)
		return (struct view){ 0 };
	memcpy(n->room + *at, v.p, v.n);
	struct view kept = view_of(n->room + *at, v.n);
	*at += v.n;
	return kept;
}

void
act_keys(struct core *core, const struct keys_ask *ask)
{
	size_t room = ask->ni.n + ask->nr.n + ask->peer_public.n + ask->sa_body.n +
	    ask->id_body.n + ask->proof.n;
	struct act_node *n = node_new(core, ACT_KEYS, room);
	size_t at = 0;

	core->ask_lost |= n == NULL;
	if (n == NULL)
		return;
	n->act.keys = *ask;
	n->act.keys.ni = keep(n, &at, ask->ni);
	n->act.keys.nr = keep(n, &at, ask->nr);
	n->act.keys.peer_public = keep(n, &at, ask->peer_public);
	n->act.keys.sa_body = keep(n, &at, ask->sa_body);
	n->act.keys.id_body = keep(n, &at, ask->id_body);
	n->act.keys.proof = keep(n, &at, ask->proof);
	node_push(core, n);
}

void
act_kern(struct core *core, const struct kern_ask *ask)
{
	struct act_node *n = node_new(core, ACT_KERN, 0);

	core->ask_lost |= n == NULL;
	if (n == NULL)
		return;
	n->act.kern = *ask;
	if (ask->spec != NULL) {
		if (!sa_spec_copy(&n->spec, ask->spec)) {
			node_free(core, n);
			core->ask_lost = true;
			core_refuse(core, WHY_NO_MEMORY);
			return;
		}
		n->has_spec = true;
		n->act.kern.spec = &n->spec;
	}
	node_push(core, n);
}

void
act_trust(struct core *core, const struct trust_ask *ask)
{
	size_t room = ask->id_body.n + ask->want_body.n + ask->own_body.n, at = 0;

	for (size_t i = 0; i < ask->n_certs; i++)
		room += ask->certs[i].n;
	struct act_node *n = node_new(core, ACT_TRUST, room);
	if (n != NULL)
		n->trust = malloc(sizeof(*n->trust));
	core->ask_lost |= n == NULL || n->trust == NULL;
	if (n == NULL)
		return;
	if (n->trust == NULL) {
		node_free(core, n);
		core_refuse(core, WHY_NO_MEMORY);
		return;
	}
	*n->trust = *ask;
	n->trust->id_body = keep(n, &at, ask->id_body);
	n->trust->want_body = keep(n, &at, ask->want_body);
	n->trust->own_body = keep(n, &at, ask->own_body);
	for (size_t i = 0; i < ask->n_certs; i++)
		n->trust->certs[i] = keep(n, &at, ask->certs[i]);
	n->act.trust = n->trust;
	node_push(core, n);
}

void
act_done(struct core *core)
{
	struct act_node *n = node_new(core, ACT_DONE, 0);

	if (n != NULL)
		node_push(core, n);
}

static void
push_text(struct core *core, enum act_kind kind, int class, int level, const char *text)
{
	size_t size = strlen(text) + 1;
	struct act_node *n = node_new(core, kind, size);

	if (n == NULL)
		return;
	memcpy(n->room, text, size);
	n->act.text = (const char *)n->room;
	n->act.class = class;
	n->act.level = level;
	node_push(core, n);
}

void
tell(struct core *core, int class, int level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (class >= 0 && (core->level[class] == 0 || level > core->level[class]))
		return;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	push_text(core, ACT_LOG, class, level, text);
}

/* isakmpd.md section 9: the flag is gone, lengths stay as they were sent. */
void
act_capture(struct core *core, bool out, const struct path *path, struct view head,
    struct view rest)
{
	enum { FLAGS_AT = 19 };		/* in the header, RFC 2408 section 3.1 */

	if (!core->capture || head.n < HEADER_LEN)
		return;
	struct act_node *n = node_new(core, ACT_CAPTURE, head.n + rest.n);
	if (n == NULL)
		return;
	memcpy(n->room, head.p, head.n);
	if (rest.n > 0)
		memcpy(n->room + head.n, rest.p, rest.n);
	n->room[FLAGS_AT] &= (uint8_t)~FLAG_ENCRYPTION;
	n->act.path = *path;
	n->act.out = out;
	n->act.bytes = view_of(n->room, head.n + rest.n);
	node_push(core, n);
}

void
act_keylog(struct core *core, struct str *line)
{
	if (core->options.keylog)
		push_text(core, ACT_KEYLOG, CLASS_NORMAL, 0, line->p);
	wipe(line->p, line->cap);
}

/*
 * A rung of the ladder: "out main/1 HDR, SA, VID x5 10.9.0.1:500 -> 10.9.0.2:500".
 * The star of an encrypted message stands for what was inside.
 */
void
act_trace(struct core *core, bool out, const struct exchange *x, const char *kind,
    unsigned step, const struct message *m, struct view clear, const struct path *path)
{
	enum { LADDER = 20 };
	struct message own;
	STR(s, 400);

	if (core->level[CLASS_MESSAGE] < LADDER)
		return;
	if (m == NULL) {
		struct header h;

		if (header_decode(clear, &h) != WHY_NONE)
			return;
		if (message_parse(&h, view_of(clear.p + HEADER_LEN, clear.n - HEADER_LEN),
		    true, &own) != WHY_NONE)
			return;
		m = &own;
	}
	str_addf(&s, "%s %s/%u ", out ? "out" : "in",
	    x != NULL ? exchange_kind(x) : kind, step);
	message_print(&s, m);
	str_char(&s, ' ');
	endpoint_print(&s, out ? &path->local : &path->remote);
	str_add(&s, " -> ");
	endpoint_print(&s, out ? &path->remote : &path->local);
	push_text(core, ACT_TRACE, CLASS_MESSAGE, 20, s.p);
}

static void
record_push(struct core *core, const struct failure *f)
{
	struct act_node *n = node_new(core, ACT_FAILURE, 0);

	if (n == NULL)
		return;
	n->failure = malloc(sizeof(*f));
	if (n->failure == NULL) {
		node_free(core, n);
		core_refuse(core, WHY_NO_MEMORY);
		return;
	}
	*n->failure = *f;
	n->act.failure = n->failure;
	node_push(core, n);
}

/* ---- failure records ---- */

static struct failure *
draft(struct core *core)
{
	if (!core->draft_used) {
		*core->draft = (struct failure){ 0 };
		core->draft_used = true;
	}
	return core->draft;
}

#define FORMAT(room, fmt)						\
	do {								\
		va_list ap;						\
		va_start(ap, fmt);					\
		if (vsnprintf(room, sizeof(room), fmt, ap) < 0)		\
			(room)[0] = '\0';				\
		va_end(ap);						\
	} while (0)

void
fail_field(struct core *core, const char *field, const struct where *where)
{
	struct failure *f = draft(core);

	text_copy(f->field, sizeof(f->field), field);
	if (where != NULL && where->section != NULL) {
		struct str s = str_of(f->where, sizeof(f->where));

		if (where->line != 0)
			str_addf(&s, "%s:%u ", core->snapshot->file, (unsigned)where->line);
		str_addf(&s, "[%s]", where->section);
	}
}

void
fail_expected(struct core *core, const char *fmt, ...)
{
	FORMAT(draft(core)->expected, fmt);
}

void
fail_got(struct core *core, const char *fmt, ...)
{
	FORMAT(draft(core)->got, fmt);
}

void
fail_classic(struct core *core, const char *fmt, ...)
{
	FORMAT(draft(core)->classic, fmt);
}

void
fail_remedy(struct core *core, const char *fmt, ...)
{
	FORMAT(draft(core)->remedy, fmt);
}

static void
describe(struct core *core, struct failure *f, const struct exchange *x,
    const struct path *path, const struct peer *peer, const struct connection *connection,
    const char *step)
{
	struct str s = str_of(f->peer, sizeof(f->peer));

	if (path != NULL)
		endpoint_print(&s, &path->remote);
	if (peer != NULL)
		str_addf(&s, "%s(%s)", s.len > 0 ? " " : "", peer->name);
	if (connection != NULL)
		text_copy(f->connection, sizeof(f->connection), connection->name);
	if (x != NULL) {
		s = str_of(f->exchange, sizeof(f->exchange));
		str_addf(&s, "%s/%u %s", exchange_kind(x), x->step,
		    x->initiator ? "initiator" : "responder");
	} else if (step != NULL) {
		text_copy(f->exchange, sizeof(f->exchange), step);
	}
	fail_complete(core, f, x, peer, connection);
}

/*
 * Whoever sends can cause it as often as he likes: a reason of that kind, a
 * datagram from nobody we know, a first message, whose source may be forged,
 * or a complaint.
 */
static bool
by_stranger(enum why why, const struct exchange *x, const struct path *path,
    const struct peer *peer)
{
	if (why_log(why) == LOG_LIMITED)
		return true;
	return x != NULL ? x->p1 != NULL && (x->fresh || x->stage == STAGE_HALF_OPEN) :
	    path != NULL && (peer == NULL || why == WHY_PEER_REFUSED);
}

/*
 * What the original logged besides, once a message was refused.  Nobody is
 * told of a reason without a notification; its name is then that of number 0.
 */
static void
lines_of_refusal(struct failure *f, enum why why, const struct path *path)
{
	struct str s = str_of(f->lines, sizeof(f->lines));
	STR(remote, 80);

	if (why == WHY_NO_PROPOSAL && f->classic[0] != 'm')
		str_add(&s, "message_negotiate_sa: no compatible proposal found");
	if (path == NULL)
		return;
	addr_print(&remote, &path->remote.addr);
	str_addf(&s, "%sdropped message from %s port %u due to notification type %s",
	    s.len > 0 ? ": " : "", remote.p, (unsigned)path->remote.port,
	    why_notify(why) == N_NONE ? "<Unknown 0>" : reg_name(REG_NOTIFY, why_notify(why)));
}

void
fail_record(struct core *core, enum why why, const struct exchange *x, const struct path *path,
    const struct peer *peer, const struct connection *connection, const char *step)
{
	struct failure *f = draft(core);

	core->draft_used = false;
	core_refuse(core, why);
	if (why_log(why) == LOG_NEVER || fail_told(core, x, path))
		return;
	if (by_stranger(why, x, path, peer) &&
	    !bucket_take(core, &core->log_bucket.tokens, &core->log_bucket.at, 5, 20)) {
		core->log_suppressed++;
		return;
	}
	if (core->log_suppressed > 0) {
		tell(core, CLASS_NORMAL, 0, "%llu further refusals were not logged",
		    (unsigned long long)core->log_suppressed);
		core->log_suppressed = 0;
	}
	f->why = why;
	if (x != NULL || core->at_hand != NULL) {
		f->has_messages = true;
		memcpy(f->icookie, x != NULL ? x->icookie : core->at_hand->icookie, COOKIE_LEN);
		f->message_id = x != NULL ? x->message_id : core->at_hand->message_id;
	}
	/* What is too short for a header is a refused message as well. */
	if ((core->at_hand != NULL || why == WHY_MESSAGE_LENGTH) && why != WHY_PEER_REFUSED)
		lines_of_refusal(f, why, x != NULL ? &x->path : path);
	describe(core, f, x, path, peer, connection, step);
	record_push(core, f);
}

static void
part(struct str *s, const char *name, const char *value)
{
	if (value[0] != '\0')
		str_addf(s, " %s=\"%s\"", name, value);
}

void
failure_print(struct str *s, const struct failure *f)
{
	if (f->classic[0] != '\0')
		str_addf(s, "%s: ", f->classic);
	if (f->lines[0] != '\0')
		str_addf(s, "%s: ", f->lines);
	str_addf(s, "%s [%s]", why_text(f->why), why_name(f->why));
	part(s, "peer", f->peer);
	part(s, "connection", f->connection);
	part(s, "exchange", f->exchange);
	part(s, "field", f->field);
	part(s, "expected", f->expected);
	part(s, "got", f->got);
	part(s, "config", f->where);
	part(s, "do", f->remedy);
}
