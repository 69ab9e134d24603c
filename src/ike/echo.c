/*
 * Answers to first messages of known peers without an exchange, while more come
 * from their addresses than may be half-open.
 *
 * Whoever knows the address of a peer can forge first messages from it, faster
 * than the peer's next message comes: refusing them would refuse the peer, and
 * letting the oldest give way would let its exchange give way.  So under that
 * pressure nothing is kept for the single message.  Our cookie is then the
 * anti-clogging token of RFC 2408, section 2.5.3: made from a local secret, the
 * time, the addresses and ports, and what the message says.  Who echoes it gets his
 * exchange, from the first message as we remember it.
 *
 * What is remembered is the text of first messages, which is the same in every
 * one that the same peer sends but for its cookie, and our answer to it.  A text
 * with which a peer has shown its address once, in quiet times too, is not displaced by
 * those that nobody stands for; so whoever forges ever new texts keeps a peer out only
 * until it has been here once.
 */
#include <stdlib.h>

#include "ike/internal.h"

enum {
	TEXTS_MAX = 256,		/* the first octet of a cookie names one */
	TEXT_MAX = 2048,
	SLOT_SECS = 32			/* a cookie is good for one to two of these */
};

struct text {
	struct addr	source;
	uint8_t		*first, *answer;	/* whole datagrams */
	size_t		first_n, answer_n;
	uint64_t	digest;
	bool		echoed;
};

struct echoes {
	struct snapshot	*snapshot;	/* the answers are of this one */
	struct text	text[TEXTS_MAX];
	struct map	*by_digest;
	unsigned	next;		/* where to look for room */
};

enum { KEY_ROOM = 32 };

static struct view
text_key(uint8_t room[KEY_ROOM], const struct addr *source, uint64_t digest)
{
	struct wr w = wr_of(room, KEY_ROOM);

	wr_u64(&w, digest);
	wr_view(&w, addr_view(source));
	return wr_done(&w);
}

/* The part of a datagram that is the text: all but the initiator's cookie. */
static struct view
text_of(struct view datagram)
{
	return view_of(datagram.p + COOKIE_LEN, datagram.n - COOKIE_LEN);
}

static void
text_drop(struct echoes *e, struct text *t)
{
	uint8_t room[KEY_ROOM];

	if (t->first == NULL)
		return;
	map_remove(e->by_digest, text_key(room, &t->source, t->digest));
	free(t->first);
	free(t->answer);
	*t = (struct text){ 0 };
}

void
echoes_free(struct echoes *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < TEXTS_MAX; i++)
		text_drop(e, &e->text[i]);
	map_free(e->by_digest);
	snapshot_unref(e->snapshot);
	free(e);
}

static struct echoes *
echoes_new(const struct core *core)
{
	struct echoes *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->by_digest = map_new(core->secret);
	if (e->by_digest == NULL) {
		free(e);
		return NULL;
	}
	e->snapshot = snapshot_ref(core->snapshot);
	return e;
}

/* With another configuration the answers may be others. */
static struct echoes *
echoes_now(struct core *core)
{
	struct echoes *e = core->echoes;

	if (e == NULL)
		return core->echoes = echoes_new(core);
	if (e->snapshot == core->snapshot)
		return e;
	for (size_t i = 0; i < TEXTS_MAX; i++) {
		free(e->text[i].answer);
		e->text[i].answer = NULL;
	}
	snapshot_unref(e->snapshot);
	e->snapshot = snapshot_ref(core->snapshot);
	return e;
}

static struct text *
text_find(struct echoes *e, const struct addr *source, uint64_t digest, struct view datagram)
{
	uint8_t room[KEY_ROOM];
	uint64_t at;

	if (!map_get(e->by_digest, text_key(room, source, digest), &at))
		return NULL;
	struct text *t = &e->text[at];
	return view_equal(text_of(view_of(t->first, t->first_n)), text_of(datagram)) ? t : NULL;
}

/* A free place, or that of a text that nobody stands for. */
static struct text *
text_room(struct echoes *e)
{
	struct text *t = NULL;

	for (unsigned i = 0; i < TEXTS_MAX; i++) {
		t = &e->text[e->next++ % TEXTS_MAX];
		if (!t->echoed)
			break;
	}
	text_drop(e, t);
	return t;
}

static struct text *
text_keep(struct echoes *e, const struct addr *source, uint64_t digest, struct view datagram)
{
	struct text *t = text_room(e);
	uint8_t room[KEY_ROOM];
	uint8_t *first = malloc(datagram.n);

	if (first == NULL || !map_put(e->by_digest, text_key(room, source, digest),
	    (uint64_t)(t - e->text))) {
		free(first);
		return NULL;
	}
	memcpy(first, datagram.p, datagram.n);
	*t = (struct text){ .source = *source, .first = first, .first_n = datagram.n,
	    .digest = digest };
	return t;
}

/* The cookie for whoever began with this text and this cookie, from there, lately. */
static void
cookie_make(const struct core *core, const struct text *t, const uint8_t *icookie,
    const struct path *path, unsigned slots_ago, uint8_t ret[COOKIE_LEN])
{
	uint8_t room[96];
	struct wr w = wr_of(room, sizeof(room));

	wr_bytes(&w, "echo", 4);
	wr_u64(&w, (uint64_t)(core->now.us / 1000000 / SLOT_SECS) - slots_ago);
	wr_u64(&w, t->digest);
	wr_bytes(&w, icookie, COOKIE_LEN);
	wr_view(&w, addr_view(&path->remote.addr));
	wr_u16(&w, path->remote.port);
	wr_view(&w, addr_view(&path->local.addr));
	wr_u16(&w, path->local.port);

	struct wr out = wr_of(ret, COOKIE_LEN);
	wr_u64(&out, siphash(core->secret, wr_done(&w)));
	ret[0] = (uint8_t)(t - core->echoes->text);
	ret[1] |= 1;		/* a cookie is never zero */
}

/* Makes the exchange that `datagram` begins, with this cookie; NULL: it was refused. */
static struct exchange *
begin(struct core *core, const struct header *h, const struct path *path,
    struct view datagram, const uint8_t *rcookie)
{
	const struct peer *peer = snapshot_peer_for(core->snapshot, &path->remote.addr);
	struct message m;
	enum why why = message_parse(h, view_of(datagram.p + HEADER_LEN, datagram.n - HEADER_LEN),
	    false, &m);

	if (why != WHY_NONE) {
		core_refuse(core, why);
		return NULL;
	}
	struct exchange *x = main_mode_responder(core, h, path, peer, rcookie);
	if (x == NULL)
		return NULL;
	struct handle handle = x->self;
	x->known_peer = true;
	input_first(core, x, &m, path, datagram);
	x = exchange_find(core, handle);
	return x != NULL && x->state == MM_R_SENT_SA && x->out != NULL ? x : NULL;
}

/* The answer to a new text: an exchange makes it, and is let go. */
static void
answer_new(struct core *core, struct text *t, const struct header *h, const struct path *path,
    struct view datagram)
{
	uint8_t rcookie[COOKIE_LEN];

	cookie_make(core, t, h->icookie, path, 0, rcookie);
	struct exchange *x = begin(core, h, path, datagram, rcookie);
	if (x != NULL && (t->answer = malloc(x->out_n)) != NULL) {
		memcpy(t->answer, x->out, x->out_n);
		t->answer_n = x->out_n;
	}
	if (x != NULL)
		exchange_free(core, x);
	if (t->answer == NULL)
		text_drop(core->echoes, t);
}

void
echo_answer(struct core *core, const struct header *h, const struct path *path,
    struct view datagram)
{
	struct echoes *e = echoes_now(core);

	if (e == NULL || datagram.n > TEXT_MAX) {
		core_refuse(core, WHY_LIMIT_SOURCE);
		return;
	}
	uint64_t digest = siphash(core->secret, text_of(datagram));
	struct text *t = text_find(e, &path->remote.addr, digest, datagram);
	if (t == NULL)
		t = text_keep(e, &path->remote.addr, digest, datagram);
	if (t == NULL || t->answer == NULL) {
		if (t != NULL)
			answer_new(core, t, h, path, datagram);
		return;
	}
	uint8_t *cookies = t->answer;
	memcpy(cookies, h->icookie, COOKIE_LEN);
	cookie_make(core, t, h->icookie, path, 0, cookies + COOKIE_LEN);
	act_send(core, path, view_of(t->answer, t->answer_n));
}

void
echo_remember(struct core *core, struct exchange *x, struct view datagram)
{
	struct echoes *e = datagram.n > TEXT_MAX ? NULL : echoes_now(core);
	uint64_t digest = siphash(core->secret, text_of(datagram));

	if (e != NULL && (text_find(e, &x->first_addr, digest, datagram) != NULL ||
	    text_keep(e, &x->first_addr, digest, datagram) != NULL))
		x->p1->text = digest;
}

void
echo_shown(struct core *core, const struct exchange *x)
{
	uint8_t room[KEY_ROOM];
	uint64_t at;

	if (core->echoes != NULL && x->p1->text != 0 &&
	    map_get(core->echoes->by_digest, text_key(room, &x->first_addr, x->p1->text), &at))
		core->echoes->text[at].echoed = true;
}

/* Whose cookie comes back as we made it. */
static struct text *
echoed_by(struct core *core, const struct header *h, const struct path *path)
{
	struct echoes *e = core->echoes;
	struct text *t = e == NULL ? NULL : &e->text[h->rcookie[0]];
	uint8_t want[COOKIE_LEN];

	if (t == NULL || t->first == NULL || addr_compare(&t->source, &path->remote.addr) != 0)
		return NULL;
	for (unsigned ago = 0; ago < 2; ago++) {
		cookie_make(core, t, h->icookie, path, ago, want);
		if (view_equal(view_of(want, COOKIE_LEN), view_of(h->rcookie, COOKIE_LEN)))
			return t;
	}
	return NULL;
}

struct exchange *
echo_returned(struct core *core, const struct header *h, const struct path *path)
{
	struct text *t = echoed_by(core, h, path);
	uint8_t room[TEXT_MAX];
	struct header first;

	if (t == NULL)
		return NULL;
	t->echoed = true;
	memcpy(room, t->first, t->first_n);
	memcpy(room, h->icookie, COOKIE_LEN);
	struct view datagram = view_of(room, t->first_n);
	if (header_decode(datagram, &first) != WHY_NONE)
		return NULL;
	core->mute = true;	/* the peer has that answer */
	struct exchange *x = begin(core, &first, path, datagram, h->rcookie);
	core->mute = false;
	return x;
}
