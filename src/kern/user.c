#include "kern/user.h"

#include <stdlib.h>

#include "base/esp_msg.h"

enum { USER_EVENTS_MAX = 256 };

struct user {
	struct backend	 base;
	struct user_link link;
	struct user_routes *routes;
	uint32_t	 seq;
	bool		 gone;		/* KERN_GONE is due, before anything else */
	struct esp_event events[USER_EVENTS_MAX];
	unsigned	 first, n;	/* a ring */
};

static struct user *
user_of(struct backend *b)
{
	return (struct user *)b;
}

/* ---- asks ---- */

/*
 * One ask, one answer.  ret->spec points to spec_room or is NULL; the caller
 * ends spec_room.  Whatever held key octets is wiped.
 */
static enum why
call(struct user *u, struct esp_ask *ask, struct esp_answer *ret, struct sa_spec *spec_room,
    struct str *detail)
{
	uint8_t out[ESP_MSG_MAX], in[ESP_MSG_MAX];
	struct wr w = wr_of(out, sizeof(out)), answer = wr_of(in, sizeof(in));
	enum why why = WHY_NONE;

	ask->seq = ++u->seq;
	esp_ask_encode(&w, ask);
	struct rd r = { .bad = true };
	if (!w.bad && u->link.call(u->link.self, wr_done(&w), &answer))
		r = rd_of(wr_done(&answer));
	if (w.bad) {
		str_add(detail, "the ask is too long");
		why = WHY_BACKEND;
	} else if (r.bad) {
		str_add(detail, "the data plane does not answer");
		why = WHY_ROLE_GONE;
	} else if (!esp_answer_decode(&r, ret, spec_room)) {
		str_add(detail, "the data plane's answer is malformed");
		why = WHY_CONTRACT;
	} else if (ret->seq != ask->seq || ret->verb != ask->verb) {
		sa_spec_done(spec_room);
		str_add(detail, "the data plane answered something else");
		why = WHY_CONTRACT;
	} else if (ret->why != WHY_NONE) {
		str_add(detail, ret->detail);
		why = ret->why;
	}
	wipe(out, w.len);
	wipe(in, answer.len);
	return why;
}

/* For asks whose answer is only a reason. */
static enum why
tell(struct user *u, struct esp_ask *ask, struct str *detail)
{
	struct esp_answer answer;
	struct sa_spec spec = { 0 };
	enum why why = call(u, ask, &answer, &spec, detail);

	sa_spec_done(&spec);
	return why;
}

static enum why
user_probe(struct str *detail)
{
	return user_routes_probe(detail);
}

static enum why
user_get_spi(struct backend *b, const struct endpoint *local, const struct endpoint *remote,
    uint32_t *ret, struct str *detail)
{
	struct esp_ask ask = { .verb = ESP_GET_SPI };
	struct esp_answer answer;
	struct sa_spec spec = { 0 };
	enum why why = call(user_of(b), &ask, &answer, &spec, detail);

	(void)local;		/* the data plane has one space of SPIs */
	(void)remote;
	sa_spec_done(&spec);
	if (why != WHY_NONE)
		return why;
	if (answer.spi < 0x100) {	/* RFC 4303, 2.1 */
		str_add(detail, "the data plane chose a reserved SPI");
		return WHY_CONTRACT;
	}
	*ret = answer.spi;
	return WHY_NONE;
}

/* The data plane gets the key of the direction it is to hold, no other. */
static void
one_direction(struct sa_spec *ret, const struct sa_spec *spec, enum sa_part part)
{
	*ret = *spec;
	if (part != SA_PART_IN)
		ret->in.keymat = (struct secret){ 0 };
	if (part != SA_PART_OUT)
		ret->out.keymat = (struct secret){ 0 };
}

static enum why
user_sa_add(struct backend *b, const struct sa_spec *spec, enum sa_part part, struct str *detail)
{
	struct sa_spec one;	/* borrows the key */
	struct esp_ask ask = { .verb = ESP_SA_ADD, .part = (uint8_t)part, .spec = &one };

	one_direction(&one, spec, part);
	return tell(user_of(b), &ask, detail);
}

static enum why
user_sa_read(struct backend *b, const struct sa_spec *spec, enum sa_part part,
    struct sa_spec *ret, struct str *detail)
{
	struct esp_ask ask = { .verb = ESP_SA_READ, .part = (uint8_t)part, .id = spec->id };
	struct esp_answer answer;
	struct sa_spec held = { 0 };
	enum why why = call(user_of(b), &ask, &answer, &held, detail);

	if (why == WHY_NONE && answer.spec == NULL) {
		str_add(detail, "the data plane's answer is malformed");
		why = WHY_CONTRACT;
	}
	if (why != WHY_NONE) {
		sa_spec_done(&held);
		return why;
	}
	*ret = held;		/* ownership moves */
	return WHY_NONE;
}

static enum why
user_sa_delete(struct backend *b, const struct sa_spec *spec, enum sa_part part)
{
	STR(detail, ESP_DETAIL_MAX);
	struct esp_ask ask = { .verb = ESP_SA_DELETE, .part = (uint8_t)part, .id = spec->id };

	if (spec->id == 0)	/* reserved, never installed */
		ask.spi = spec->in.spi;
	return tell(user_of(b), &ask, &detail);
}

/*
 * Routes first: from then on the packets end in the data plane, which lets
 * nothing pass that it has no flow for.
 */
static enum why
user_flow_add(struct backend *b, const struct sa_spec *spec, struct str *detail)
{
	struct user *u = user_of(b);
	struct sa_spec bare;
	struct esp_ask ask = { .verb = ESP_FLOW_ADD, .spec = &bare };
	bool fresh = u->routes != NULL && !user_routes_has(u->routes, &spec->flow);

	if (u->routes != NULL) {
		enum why why = user_routes_add(u->routes, spec, detail);
		if (why != WHY_NONE)
			return why;
	}
	one_direction(&bare, spec, SA_PART_FLOW);
	enum why why = tell(u, &ask, detail);
	if (why != WHY_NONE && fresh)	/* else they keep clear text in */
		(void)user_routes_delete(u->routes, &spec->flow);
	return why;
}

static enum why
user_flow_delete(struct backend *b, const struct sa_spec *spec)
{
	STR(detail, ESP_DETAIL_MAX);
	struct user *u = user_of(b);
	struct esp_ask ask = { .verb = ESP_FLOW_DELETE, .id = spec->id };
	enum why why = tell(u, &ask, &detail);

	if (u->routes != NULL)
		(void)user_routes_delete(u->routes, &spec->flow);
	return why;
}

static enum why
user_query(struct backend *b, const struct sa_spec *spec, struct sa_usage *ret)
{
	STR(detail, ESP_DETAIL_MAX);
	struct esp_ask ask = { .verb = ESP_QUERY, .id = spec->id };
	struct esp_answer answer;
	struct sa_spec none = { 0 };
	enum why why = call(user_of(b), &ask, &answer, &none, &detail);

	sa_spec_done(&none);
	if (why == WHY_NONE)
		*ret = answer.usage;
	return why;
}

static enum why
user_move(struct backend *b, const struct sa_spec *spec, const struct endpoint *local,
    const struct endpoint *remote)
{
	STR(detail, ESP_DETAIL_MAX);
	struct esp_ask ask = { .verb = ESP_MOVE, .id = spec->id, .local = *local,
	    .remote = *remote };

	return tell(user_of(b), &ask, &detail);
}

/* ---- events ---- */

/*
 * Authenticated packets come from a new place: the NAT in front of the peer
 * has a new mapping (RFC 3947, 7).  Only with UDP encapsulation, and only
 * the remote side changes.
 */
static void
follow(struct user *u, const struct esp_event *e)
{
	STR(detail, ESP_DETAIL_MAX);
	struct sa_spec spec = { .id = e->id }, held = { 0 };

	if (user_sa_read(&u->base, &spec, SA_PART_OUT, &held, &detail) != WHY_NONE)
		return;
	if (held.encap && held.remote.addr.family == e->remote.addr.family)
		(void)user_move(&u->base, &spec, &held.local, &e->remote);
	sa_spec_done(&held);
}

/* Events may arrive while an ask waits for its answer, so they only queue up here. */
bool
user_input(struct backend *b, struct view event)
{
	struct user *u = user_of(b);
	struct rd r = rd_of(event);
	struct esp_event e;

	if (!esp_event_decode(&r, &e))
		return false;
	/* What does not fit is lost: ACQUIRE comes again, and the core has clocks too. */
	if (u->n == USER_EVENTS_MAX)
		return true;
	u->events[(u->first + u->n) % USER_EVENTS_MAX] = e;
	u->n++;
	return true;
}

enum why
user_restarted(struct backend *b, const char *name, struct str *detail)
{
	struct user *u = user_of(b);

	u->first = u->n = 0;	/* what the old one said does not matter any more */
	u->gone = true;
	if (u->routes == NULL || name[0] == '\0')
		return WHY_NONE;
	return user_routes_device(u->routes, name, detail);
}

/* True if this one is for the core. */
static bool
translate(struct user *u, const struct esp_event *e, struct kern_event *ret)
{
	static const uint8_t kinds[ESP_EVENT_MAX] = { [ESP_EVENT_ACQUIRE] = KERN_ACQUIRE,
	    [ESP_EVENT_SOFT] = KERN_EXPIRE_SOFT, [ESP_EVENT_HARD] = KERN_EXPIRE_HARD,
	    [ESP_EVENT_STRAY] = KERN_STRAY };

	if (e->kind == ESP_EVENT_MOVED) {
		follow(u, e);
		return false;
	}
	*ret = (struct kern_event){ .kind = kinds[e->kind], .id = e->id, .flow = e->flow };
	if (e->kind == ESP_EVENT_STRAY) {
		ret->flow.remote.net = (struct range){ e->remote.addr, e->remote.addr };
		ret->flow.local.net = ret->flow.remote.net;	/* of one family */
	}
	return true;
}

static int
user_fd(struct backend *b)
{
	struct user *u = user_of(b);

	return u->routes == NULL ? -1 : user_routes_fd(u->routes);
}

static bool
user_event(struct backend *b, struct kern_event *ret)
{
	struct user *u = user_of(b);

	if (u->routes != NULL)
		user_routes_input(u->routes);
	if (u->gone) {
		u->gone = false;
		*ret = (struct kern_event){ .kind = KERN_GONE };
		return true;
	}
	while (u->n > 0) {
		struct esp_event e = u->events[u->first];

		u->first = (u->first + 1) % USER_EVENTS_MAX;
		u->n--;
		if (translate(u, &e, ret))
			return true;
	}
	return false;
}

/* ---- life ---- */

static void
user_free(struct backend *b)
{
	struct user *u = user_of(b);

	if (u == NULL)
		return;
	user_routes_free(u->routes, !b->stay);
	free(u);
}

struct backend *
user_new(const struct user_link *link, struct user_routes *routes)
{
	struct user *u = calloc(1, sizeof(*u));

	if (u == NULL) {
		user_routes_free(routes, true);
		return NULL;
	}
	u->base.ops = &user_ops;
	u->link = *link;
	u->routes = routes;
	return &u->base;
}

unsigned
user_settled(struct backend *b)
{
	struct user *u = user_of(b);

	return u->routes == NULL ? 0 : user_routes_sweep(u->routes);
}

const struct backend_ops user_ops = {
	.name = "user",
	.probe = user_probe,
	.free = user_free,
	.get_spi = user_get_spi,
	.sa_add = user_sa_add,
	.sa_read = user_sa_read,
	.sa_delete = user_sa_delete,
	.flow_add = user_flow_add,
	.flow_delete = user_flow_delete,
	.query = user_query,
	.move = user_move,
	.fd = user_fd,
	.event = user_event,
};
