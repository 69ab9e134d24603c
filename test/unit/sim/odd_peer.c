/*
 * Oddities of peers that nobody's configuration can bring about: the lines
 * that the original logged for them, and what comes of it.
 */
#include "stand.h"

#include "ike/internal.h"

struct stand {
	struct world	*w;
	struct plan	plan;
	struct host	*west, *east;
	char		log[65536];
	struct str	lines;
};

static void
see(void *self, struct host *h, const struct act *a)
{
	struct stand *s = self;

	if (a->kind == ACT_LOG && a->class < 0) {
		str_addf(&s->lines, "%s: %s\n", h->name, a->text);
	} else if (a->kind == ACT_FAILURE) {
		str_addf(&s->lines, "%s: ", h->name);
		failure_print(&s->lines, a->failure);
		str_add(&s->lines, "\n");
	}
}

static struct stand *
stand_new(void)
{
	struct stand *s = test_calloc(1, sizeof(*s));

	s->w = world_new(3);
	s->lines = str_of(s->log, sizeof(s->log));
	s->west = world_add(s->w, "west");
	s->east = world_add(s->w, "east");
	s->plan = plan_new(s->w);
	s->w->hooks = (struct hooks){ .self = s, .act = see };
	assert_true(plan_start(&s->plan));
	return s;
}

static void
stand_free(struct stand *s)
{
	world_end(s->w, &s->plan);
	test_free(s);
}

/* Section 8.3: protocol and port other than 0 and 0, or UDP and 500. */
static void
an_identity_with_an_odd_port_is_dubious_and_accepted(void **state)
{
	static const struct { uint8_t protocol; uint16_t port; bool dubious; } t[] = {
		{ 0, 0, false }, { 17, 500, false }, { 17, 4500, true }, { 17, 0, true }, { 6, 500, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct stand *s = stand_new();
		struct id *id = &s->west->core->snapshot->peers[0].own_id;

		*id = id_from_addr(&s->west->addr4);
		id->protocol = t[i].protocol;
		id->port = t[i].port;
		world_connect(s->w, s->west);
		world_pass(s->w, 3000);
		assert_int_equal(core_count(s->east->core).ipsec_sas, 1);
		assert_int_equal(t[i].dubious, strstr(s->log,
		    "ipsec_validate_id_information: dubious ID information accepted") != NULL);
		stand_free(s);
	}
}

/* What west offers without PFS, and a KEY_EXCH payload beside it. */
static void
a_key_without_a_group_is_refused_with_its_line(void **state)
{
	struct stand *s = stand_new();
	struct header h = { .version = 0x10, .exchange = EXCH_QUICK_MODE, .message_id = 1 };
	uint8_t room[4096];
	struct message m;

	(void)state;
	plan_set(&s->plan, 0, "pfs", "none");
	plan_set(&s->plan, 1, "pfs", "none");
	assert_true(plan_configure(&s->plan));
	struct core *from = s->west->core, *to = s->east->core;
	struct exchange *offers = exchange_new(from, EXCH_QUICK_MODE, true,
	    &from->snapshot->peers[0], &from->snapshot->connections[0]);
	struct exchange *chooses = exchange_new(to, EXCH_QUICK_MODE, false,
	    &to->snapshot->peers[0], &to->snapshot->connections[0]);
	assert_non_null(offers);
	assert_non_null(chooses);
	offers->p2->spi_in = 0x12345678;
	struct msg_wr w = msg_begin(room, sizeof(room), &h);
	assert_int_equal(p2_offer(from, offers, &w), WHY_NONE);
	struct view bytes = msg_finish(&w);
	assert_int_equal(header_decode(bytes, &h), WHY_NONE);
	assert_int_equal(message_parse(&h, view_of(bytes.p + HEADER_LEN, bytes.n - HEADER_LEN), false,
	    &m), WHY_NONE);
	struct view body = message_find(&m, PL_SA, 0)->body;
	assert_int_equal(p2_choose(to, chooses, body, true), WHY_PFS);
	assert_string_equal(to->draft->classic, "responder_recv_HASH_SA_NONCE: KEY_EXCH payload "
	    "without a group desc. attribute");
	assert_int_equal(p2_choose(to, chooses, body, false), WHY_NONE);
	exchange_free(from, offers);
	exchange_free(to, chooses);
	stand_free(s);
}

/* Four octets of nonce where RFC 2409 section 5 wants eight. */
static enum fate
shorten_nonce(void *self, struct world *w, struct datagram *d, struct span *delay)
{
	static uint8_t room[8192];
	struct stand *s = self;
	struct message m;
	struct header h;

	(void)delay;
	if (w->host[d->from] != s->west || header_decode(view_of(d->bytes, d->n), &h) != WHY_NONE ||
	    (h.flags & FLAG_ENCRYPTION) != 0 || message_parse(&h, view_of(d->bytes + HEADER_LEN,
	    d->n - HEADER_LEN), false, &m) != WHY_NONE)
		return FATE_PASS;
	struct msg_wr out = msg_begin(room, sizeof(room), &h);
	for (size_t i = 0; i < m.n; i++)
		msg_payload(&out, m.payload[i].type, m.payload[i].type == PL_NONCE ?
		    view_of(m.payload[i].body.p, 4) : m.payload[i].body);
	struct view bytes = msg_finish(&out);
	assert_true(bytes.n > 0 && bytes.n <= d->n);
	memcpy(d->bytes, bytes.p, bytes.n);
	d->n = bytes.n;
	return FATE_PASS;
}

static void
a_step_that_fails_is_named(void **state)
{
	struct stand *s = stand_new();

	(void)state;
	s->w->hooks.datagram = shorten_nonce;
	world_connect(s->w, s->west);
	world_pass(s->w, 3000);
	if (strstr(s->log, "east: exchange_run: doi->responder (main/3) failed: ") == NULL)
		fail_msg("%s", s->log);
	stand_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_identity_with_an_odd_port_is_dubious_and_accepted),
		cmocka_unit_test(a_step_that_fails_is_named),
		cmocka_unit_test(a_key_without_a_group_is_refused_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
