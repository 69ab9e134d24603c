/*
 * What a failure record says when the place that failed had nothing better
 * to say: every record names a field, what was expected of it, what came,
 * where that is configured, and what to do.
 */
#include <stdio.h>

#include "ike/internal.h"

static bool
is(const char *text)
{
	return text[0] != '\0';
}

static void
fill(struct failure *f, const char *field, const char *expected, const char *got)
{
	if (!is(f->field))
		text_copy(f->field, sizeof(f->field), field);
	if (!is(f->expected))
		text_copy(f->expected, sizeof(f->expected), expected);
	if (!is(f->got))
		text_copy(f->got, sizeof(f->got), got);
}

static void
fill_number(struct failure *f, const char *field, const char *expected, uint32_t got)
{
	STR(text, 24);

	str_addf(&text, "%u", (unsigned)got);
	fill(f, field, expected, text.p);
}

static void
fill_cookies(struct failure *f, const struct header *h)
{
	STR(text, 40);

	str_hex(&text, view_of(h->icookie, COOKIE_LEN));
	str_char(&text, ' ');
	str_hex(&text, view_of(h->rcookie, COOKIE_LEN));
	fill(f, "cookies", "those of a negotiation or an ISAKMP SA that is here", text.p);
}

/* What the header of the datagram at hand says. */
static void
from_header(struct failure *f, enum why why, const struct header *h)
{
	char room[24];

	switch (why) {
	case WHY_MAJOR_VERSION:
		fill_number(f, "version", "1 (IKEv1)", h->version >> 4);
		break;
	case WHY_MINOR_VERSION:
		fill_number(f, "version", "0 behind the point", h->version & 15);
		break;
	case WHY_EXCHANGE_TYPE:
	case WHY_EXCHANGE_UNSUPPORTED:
		fill(f, "EXCHANGE_TYPE", "ID_PROT (main mode), QUICK_MODE or INFO",
		    reg_text(REG_EXCHANGE, h->exchange, room));
		break;
	case WHY_FLAGS:
		fill_number(f, "flags", "those of this step of the exchange", h->flags);
		break;
	case WHY_CLEARTEXT:
		fill(f, "flags", "ENCRYPTION", "a message in clear");
		break;
	case WHY_MESSAGE_ID:
		fill_number(f, "message ID", "0 in phase 1, another in phase 2", h->message_id);
		break;
	case WHY_INVALID_COOKIE:
		fill_cookies(f, h);
		break;
	default:
		break;
	}
}

/* Limits are values of the configuration, and where one is reached that is what came. */
static void
where_general(struct failure *f, const struct snapshot *s, uint32_t line)
{
	struct str text = str_of(f->where, sizeof(f->where));

	if (line != 0)
		str_addf(&text, "%s:%u ", s->file, (unsigned)line);
	str_add(&text, "[General]");
}

static void
from_limits(struct failure *f, enum why why, const struct snapshot *s)
{
	STR(most, 60);

	switch (why) {
	case WHY_LIMIT_SOURCE:
		str_addf(&most, "%u at most", (unsigned)s->half_open_source);
		fill(f, "Half-open-per-source", most.p, "one more");
		where_general(f, s, s->half_open_source_line);
		break;
	case WHY_LIMIT_TOTAL:
		str_addf(&most, "%u at most", (unsigned)s->half_open_total);
		fill(f, "Half-open-total", most.p, "one more");
		where_general(f, s, s->half_open_total_line);
		break;
	case WHY_LIMIT_SA:
		str_addf(&most, "%u at a time at most", (unsigned)QUICK_PER_SA);
		fill(f, "quick modes", most.p, "one more");
		break;
	case WHY_NO_MEMORY:
		fill(f, "memory", "enough for one more", "none");
		break;
	default:
		break;
	}
}

static void
from_group(struct failure *f, const struct exchange *x)
{
	uint16_t group = x->p1 != NULL ? x->p1->params.group : x->p2 != NULL ? x->p2->group : 0;
	STR(want, 120);
	char room[24];

	str_addf(&want, "a public value of %s, not 0, 1 or p-1, and on its curve",
	    reg_text(REG_GROUP, group, room));
	fill(f, "KEY_EXCH", want.p, "one that is not");
}

/* The line of the group that both sides agreed on. */
static void
where_group(struct core *core, struct failure *f, const struct exchange *x)
{
	struct where w = { 0 };

	for (size_t i = 0; x->p1 != NULL && i < x->peer->n_transforms && w.section == NULL; i++)
		if (x->peer->transforms[i].group == x->p1->params.group)
			w = where_in(&x->peer->transforms[i].where, x->peer->transforms[i].lines.group);
	if (x->p2 != NULL && x->connection != NULL)
		w = x->connection->suites_where;
	if (!is(f->where) && w.section != NULL && w.line != 0 && core->snapshot != NULL) {
		struct str s = str_of(f->where, sizeof(f->where));

		str_addf(&s, "%s:%u [%s]", core->snapshot->file, (unsigned)w.line, w.section);
	}
}

static void
from_exchange(struct failure *f, enum why why, const struct exchange *x)
{
	STR(want, 80);

	switch (why) {
	case WHY_HASH:
		str_addf(&want, "HASH(%u) made with the keys of this ISAKMP SA", x->step);
		fill(f, "HASH", want.p, "another");
		break;
	case WHY_KEY_VALUE:
		from_group(f, x);
		break;
	case WHY_NO_ANSWER:
	case WHY_TIMEOUT:
		fill(f, "message", "the next one", "nothing in time");
		break;
	default:
		break;
	}
}

/* The address is what one looks at when nothing comes from there. */
static void
where_fill(struct core *core, struct failure *f, const struct peer *peer,
    const struct connection *connection)
{
	const struct snapshot *s = core->snapshot;
	struct where w = connection != NULL ? connection->where : peer != NULL ? peer->where :
	    (struct where){ 0 };

	if (is(f->where) || w.section == NULL)
		return;
	struct str text = str_of(f->where, sizeof(f->where));
	if (connection == NULL && peer->address_line != 0 && (f->why == WHY_NO_ANSWER ||
	    f->why == WHY_PEER_DEAD || f->why == WHY_TIMEOUT))
		w.line = peer->address_line;
	if (w.line != 0 && s != NULL)
		str_addf(&text, "%s:%u ", s->file, (unsigned)w.line);
	str_addf(&text, "[%s]", w.section);
}

void
fail_complete(struct core *core, struct failure *f, const struct exchange *x,
    const struct peer *peer, const struct connection *connection)
{
	if (x != NULL)
		from_exchange(f, f->why, x);
	if (x != NULL && f->why == WHY_KEY_VALUE)
		where_group(core, f, x);
	if (core->at_hand != NULL)
		from_header(f, f->why, core->at_hand);
	if (core->snapshot != NULL)
		from_limits(f, f->why, core->snapshot);
	if (f->why == WHY_HASH)
		fill(f, "HASH", "HASH(1) made with the keys of this ISAKMP SA", "another");
	/* What is left is about a message that does not follow the RFCs. */
	if (why_log(f->why) == LOG_LIMITED)
		fill(f, "message", "one that follows RFC 2407 to 2409", why_text(f->why));
	where_fill(core, f, peer, connection);
	if (!is(f->remedy))
		text_copy(f->remedy, sizeof(f->remedy), why_remedy(f->why));
}

/* ---- one negotiation, one record ---- */

/*
 * A message that is refused comes again and again.  Who sends it is told each
 * time, for the answer may have been lost; the operator is told once.
 */
static uint64_t
told_key(const struct core *core, const struct exchange *x, const struct path *path)
{
	uint8_t room[64];
	struct wr w = wr_of(room, sizeof(room));
	const struct header *h = core->at_hand;

	wr_bytes(&w, x != NULL ? x->icookie : h->icookie, COOKIE_LEN);
	wr_u32(&w, x != NULL ? x->message_id : h->message_id);
	if (path != NULL)
		wr_view(&w, addr_view(&path->remote.addr));
	return siphash(core->secret, wr_done(&w));
}

bool
fail_told(struct core *core, const struct exchange *x, const struct path *path)
{
	if (x == NULL && core->at_hand == NULL)
		return false;
	uint64_t key = told_key(core, x, path);
	for (size_t i = 0; i < COUNT(core->told); i++)
		if (core->told[i].at.us != 0 && core->told[i].key == key &&
		    mono_since(core->now, core->told[i].at).us < span_s(TOLD_SECS).us)
			return x == NULL || x->fresh;
	core->told[core->next_told] = (struct told){ key, core->now };
	core->next_told = (core->next_told + 1) % COUNT(core->told);
	return false;
}
