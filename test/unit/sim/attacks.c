/*
 * What a stranger on the network can do to two daemons with a tunnel between
 * them: nothing (security R1, R25, R26).
 */
#include "stand.h"

#include "wire/payload.h"

struct stand {
	struct world	*w;
	struct plan	plan;
	struct host	*west, *east;
	/* The hook keeps a copy of the n-th datagram from `of` and, if told, loses it. */
	int		of;
	unsigned	nth, seen;
	bool		lose;
	uint8_t		kept[4096];
	size_t		kept_n;
	struct path	kept_path;
	/* Or flips a bit of the n-th of all. */
	unsigned	flip_nth;
	uint32_t	flip_bit;
};

static enum fate
hook(void *self, struct world *w, struct datagram *d, struct span *delay)
{
	struct stand *s = self;

	(void)w;
	(void)delay;
	if (s->flip_nth != 0 && ++s->seen == s->flip_nth && d->n > 0) {
		d->bytes[s->flip_bit / 8 % d->n] ^= (uint8_t)(1u << s->flip_bit % 8);
		return FATE_PASS;
	}
	if (s->nth == 0 || d->from != s->of || ++s->seen != s->nth || d->n > sizeof(s->kept))
		return FATE_PASS;
	memcpy(s->kept, d->bytes, d->n);
	s->kept_n = d->n;
	s->kept_path = d->path;
	return s->lose ? FATE_LOSE : FATE_PASS;
}

static void
stand_begin(struct stand *s)
{
	*s = (struct stand){ .w = world_new(7), .of = NOBODY };
	s->west = world_add(s->w, "west");
	s->east = world_add(s->w, "east");
	s->plan = plan_new(s->w);
	s->w->hooks = (struct hooks){ .self = s, .datagram = hook };
}

static void
stand_end(struct stand *s)
{
	world_end(s->w, &s->plan);
}

static void
keep_next(struct stand *s, int of, bool lose)
{
	s->of = of;
	s->nth = 1;
	s->seen = 0;
	s->lose = lose;
}

static bool
passes(void *self, struct world *w)
{
	struct stand *s = self;
	struct flow there = plan_flow(&s->plan, 0, 1, 1), back = plan_flow(&s->plan, 1, 0, 1);

	return kernel_carry(w, s->west, &there, 100) && kernel_carry(w, s->east, &back, 100);
}

static void
tunnel_up(struct stand *s)
{
	assert_true(plan_start(&s->plan));
	world_connect(s->w, s->west);
	assert_true(world_run_until(s->w, passes, s, mono_add(s->w->now, span_s(5))));
	world_pass(s->w, 1000);
}

/* Everything of a host that an attack must not change. */
struct picture {
	uint32_t	isakmp_sas, ipsec_sas;
	size_t		kernel;
	uint32_t	spi_in, spi_out;
	uint8_t		cookies[16];
	struct endpoint	remote;
};

static void
look(void *self, const struct core_sa_info *i)
{
	struct picture *p = self;

	if (i->phase == 1) {
		memcpy(p->cookies, i->cookies, 16);
		p->remote = i->remote;
	} else {
		p->spi_in = i->spi_in;
		p->spi_out = i->spi_out;
	}
}

static struct picture
picture_of(const struct host *h)
{
	struct core_counters c = core_count(h->core);
	struct picture p;

	memset(&p, 0, sizeof(p));
	p.isakmp_sas = c.isakmp_sas;
	p.ipsec_sas = c.ipsec_sas;
	p.kernel = kernel_count(&h->kernel, SA_PART_IN | SA_PART_OUT);
	core_each_sa(h->core, look, &p);
	return p;
}

static void
assert_same(const struct picture *a, const struct picture *b)
{
	assert_int_equal(a->isakmp_sas, b->isakmp_sas);
	assert_int_equal(a->ipsec_sas, b->ipsec_sas);
	assert_int_equal(a->kernel, b->kernel);
	assert_int_equal(a->spi_in, b->spi_in);
	assert_int_equal(a->spi_out, b->spi_out);
	assert_memory_equal(a->cookies, b->cookies, 16);
	assert_true(endpoint_equal(&a->remote, &b->remote));
}

/* As if `from` had sent it to `to`. */
static void
inject(struct stand *s, const struct host *from, const struct host *to, struct view v)
{
	struct path path = { .local = { from->addr4, 500 }, .remote = { to->addr4, 500 } };

	net_send(s->w, NOBODY, &path, v);
	world_pass(s->w, 50);
}

static struct msg_wr
clear_info(uint8_t *room, size_t cap, const uint8_t *cookies)
{
	struct header h = { .version = 0x10, .exchange = EXCH_INFO, .message_id = 0x01020304 };

	memcpy(h.icookie, cookies, 8);
	memcpy(h.rcookie, cookies + 8, 8);
	return msg_begin(room, cap, &h);
}

static void
inject_delete(struct stand *s, uint8_t protocol, struct view spi, const uint8_t *cookies)
{
	uint8_t room[256];
	struct msg_wr m = clear_info(room, sizeof(room), cookies);
	struct delete_body d = { .doi = 1, .protocol = protocol, .spi_len = (uint8_t)spi.n, .n = 1,
	    .spis = spi };
	struct pl_mark mark = msg_open(&m, PL_DELETE);

	delete_encode(&m.w, &d);
	msg_close(&m, mark);
	inject(s, s->east, s->west, msg_finish(&m));
}

static void
inject_notify(struct stand *s, uint16_t type, struct view data, const uint8_t *cookies)
{
	uint8_t room[256];
	struct msg_wr m = clear_info(room, sizeof(room), cookies);
	struct notify_body n = { .doi = 1, .protocol = PROTO_ISAKMP, .type = type,
	    .spi = view_of(cookies, 16), .data = data };
	struct pl_mark mark = msg_open(&m, PL_NOTIFY);

	notify_encode(&m.w, &n);
	msg_close(&m, mark);
	inject(s, s->east, s->west, msg_finish(&m));
}

static void
r1_clear_text_delete_changes_nothing(void **state)
{
	struct stand s;

	(void)state;
	stand_begin(&s);
	tunnel_up(&s);
	struct picture before = picture_of(s.west);
	uint8_t spi[4] = { (uint8_t)(before.spi_out >> 24), (uint8_t)(before.spi_out >> 16),
	    (uint8_t)(before.spi_out >> 8), (uint8_t)before.spi_out };

	inject_delete(&s, PROTO_IPSEC_ESP, view_of(spi, 4), before.cookies);
	inject_delete(&s, PROTO_ISAKMP, view_of(before.cookies, 16), before.cookies);
	struct picture after = picture_of(s.west);
	assert_same(&before, &after);
	assert_true(passes(&s, s.w));
	stand_end(&s);
}

static void
r1_clear_text_notifications_change_nothing(void **state)
{
	static const uint16_t types[] = { N_INITIAL_CONTACT, N_INVALID_SPI, N_INVALID_COOKIE,
	    N_NO_PROPOSAL_CHOSEN, N_AUTHENTICATION_FAILED, N_STATUS_DPD_R_U_THERE,
	    N_STATUS_DPD_R_U_THERE_ACK, N_RESPONDER_LIFETIME };
	static const uint8_t sequence[4] = { 0, 0, 0, 9 };
	struct stand s;

	(void)state;
	stand_begin(&s);
	tunnel_up(&s);
	struct picture before = picture_of(s.west);

	for (size_t i = 0; i < COUNT(types); i++) {
		uint64_t sent = s.west->sent_octets;

		inject_notify(&s, types[i], view_of(sequence, 4), before.cookies);
		struct picture after = picture_of(s.west);
		assert_same(&before, &after);
		/* A notification is never answered with one, and a probe in clear not at all. */
		assert_int_equal(s.west->sent_octets, sent);
	}
	world_pass(s.w, 120000);
	assert_true(passes(&s, s.w));
	stand_end(&s);
}

/* A real DELETE of the peer, lost on the way, then replayed with each bit
 * flipped: only the true one has an effect. */
static void
r1_every_flipped_bit_of_a_delete_is_ignored(void **state)
{
	struct stand s;

	(void)state;
	stand_begin(&s);
	tunnel_up(&s);
	keep_next(&s, s.east->index, true);
	invariants_disturb(s.east, NOBODY);
	host_before(s.east);
	assert_true(core_teardown(s.east->core, s.w->now, 2, "tunnel") > 0);
	host_after(s.east);
	world_pass(s.w, 100);
	assert_true(s.kept_n > HEADER_LEN);
	struct picture before = picture_of(s.west);

	for (uint32_t bit = 0; bit < s.kept_n * 8; bit++) {
		uint8_t copy[4096];

		memcpy(copy, s.kept, s.kept_n);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		inject(&s, s.east, s.west, view_of(copy, s.kept_n));
		struct picture after = picture_of(s.west);
		assert_same(&before, &after);
	}
	inject(&s, s.east, s.west, view_of(s.kept, s.kept_n));
	world_pass(s.w, 50);
	assert_null(kernel_find_in(&s.west->kernel, before.spi_in));
	stand_end(&s);
}

static void
a_replayed_delete_is_refused_for_its_message_id(void **state)
{
	struct stand s;

	(void)state;
	stand_begin(&s);
	plan_set(&s.plan, 0, "active", "yes");
	assert_true(plan_start(&s.plan));
	assert_true(world_run_until(s.w, passes, &s, mono_add(s.w->now, span_s(5))));
	world_pass(s.w, 1000);
	keep_next(&s, s.east->index, false);
	invariants_disturb(s.east, NOBODY);
	host_before(s.east);
	core_teardown(s.east->core, s.w->now, 2, "tunnel");
	host_after(s.east);
	world_pass(s.w, 100);
	assert_true(s.kept_n > HEADER_LEN);
	/* West keeps it up, so there is a new SA, which the old message does not touch. */
	assert_true(world_run_until(s.w, passes, &s, mono_add(s.w->now, span_s(10))));
	world_pass(s.w, 1000);
	struct picture before = picture_of(s.west);
	inject(&s, s.east, s.west, view_of(s.kept, s.kept_n));
	struct picture after = picture_of(s.west);
	assert_same(&before, &after);
	stand_end(&s);
}

/* ---- floods ---- */

static void
accept_anybody(struct stand *s)
{
	plan_line(&s->plan, 1, "Phase 1", "Default=peer-any");
	plan_line(&s->plan, 1, "peer-any", "Phase=1");
	plan_line(&s->plan, 1, "peer-any", "Configuration=mm");
	plan_line(&s->plan, 1, "peer-any", "Authentication=somethingelse");
}

/* West's first message, from any source and with any cookie. */
static void
learn_first_message(struct stand *s)
{
	keep_next(s, s->west->index, false);
	tunnel_up(s);
	assert_true(s->kept_n > HEADER_LEN);
	assert_int_equal(s->kept[18], EXCH_ID_PROT);
}

static void
flood_one(struct stand *s, unsigned source, uint32_t cookie)
{
	struct path path = { .remote = { s->east->addr4, 500 } };
	uint8_t copy[4096];
	STR(text, 32);

	str_addf(&text, "100.64.%u.%u", source / 200 % 250, source % 200 + 1);
	assert_true(addr_parse(text.p, &path.local.addr));
	path.local.port = 500;
	memcpy(copy, s->kept, s->kept_n);
	copy[0] = (uint8_t)(0x80 | cookie >> 24);
	copy[1] = (uint8_t)(cookie >> 16);
	copy[2] = (uint8_t)(cookie >> 8);
	copy[3] = (uint8_t)cookie;
	net_send(s->w, NOBODY, &path, view_of(copy, s->kept_n));
}

static void
r26_one_source_holds_ten_half_open_exchanges(void **state)
{
	struct stand s;

	(void)state;
	stand_begin(&s);
	accept_anybody(&s);
	learn_first_message(&s);
	for (uint32_t i = 0; i < 200; i++) {
		flood_one(&s, 1, i);
		world_pass(s.w, 20);
		assert_true(core_count(s.east->core).half_open <= 10);
	}
	assert_true(core_count(s.east->core).half_open > 0);
	assert_true(passes(&s, s.w));
	world_pass(s.w, 150000);
	assert_int_equal(core_count(s.east->core).half_open, 0);
	assert_int_equal(core_count(s.east->core).exchanges, 0);
	stand_end(&s);
}

static void
r26_a_flood_neither_grows_nor_locks_out_an_established_peer(void **state)
{
	struct stand s;
	uint32_t cookie = 0;

	(void)state;
	stand_begin(&s);
	accept_anybody(&s);
	for (int i = 0; i < 2; i++) {
		plan_set(&s.plan, i, "p2life", "90,60:86400");
		plan_set(&s.plan, i, "p1life", "120,60:86400");
		plan_set(&s.plan, i, "active", i == 0 ? "yes" : "no");
	}
	learn_first_message(&s);
	uint64_t done = core_count(s.east->core).phase2_done;
	for (unsigned second = 0; second < 240; second++) {
		for (unsigned i = 0; i < 40; i++, cookie++)
			flood_one(&s, cookie, cookie);
		world_pass(s.w, 1000);
		assert_true(core_count(s.east->core).half_open <= 1000);
		assert_true(core_count(s.east->core).exchanges <= 1200);
	}
	assert_true(core_count(s.east->core).half_open > 100);
	/* Both phases were renewed in the middle of it, without a gap. */
	assert_true(core_count(s.east->core).phase2_done >= done + 2);
	assert_true(passes(&s, s.w));

	/* And a configured peer that lost everything is let in at once. */
	host_kill(s.west);
	assert_true(host_start(s.west));
	assert_true(world_run_until(s.w, passes, &s, mono_add(s.w->now, span_s(10))));
	world_pass(s.w, 150000);
	assert_int_equal(core_count(s.east->core).half_open, 0);
	stand_end(&s);
}

static void
r25_a_first_message_is_answered_once_and_never_unasked(void **state)
{
	struct stand s;

	(void)state;
	stand_begin(&s);
	accept_anybody(&s);
	learn_first_message(&s);
	uint64_t sent = s.east->sent, octets = s.east->sent_octets;
	flood_one(&s, 5, 5);
	world_pass(s.w, 200000);
	assert_true(s.east->sent - sent <= 1);
	assert_true(s.east->sent_octets - octets <= s.kept_n);
	/* Its repetitions are answered too, but not forever (isakmpd.md 12.4). */
	for (unsigned i = 0; i < 50; i++) {
		flood_one(&s, 6, 6);
		world_pass(s.w, 100);
	}
	assert_true(s.east->sent - sent <= 1 + 10);
	stand_end(&s);
}

static void
r25_rubbish_of_every_length_gets_no_more_back_than_it_brings(void **state)
{
	struct prng chance = { 5 };
	struct stand s;

	(void)state;
	stand_begin(&s);
	tunnel_up(&s);
	for (size_t n = 0; n < 400; n++) {
		uint8_t bytes[400];

		prng_fill(&chance, bytes, n);
		if (n >= HEADER_LEN) {		/* half of it looks like IKE */
			bytes[17] = 0x10;
			bytes[24] = bytes[25] = 0;
			bytes[26] = (uint8_t)(n >> 8);
			bytes[27] = (uint8_t)n;
			if (n % 2 == 0)
				memset(bytes + 8, 0, 8);
		}
		inject(&s, s.east, s.west, view_of(bytes, n));
	}
	assert_true(passes(&s, s.w));
	assert_int_equal(core_count(s.west->core).isakmp_sas, 1);
	stand_end(&s);
}

/* ---- malleability ---- */

/* Without NAT-T every flip heals; with it, one in NAT-D makes the ends believe
 * in different NATs, which whoever can change datagrams may do to anybody. */
static void
flip_everywhere(const char *natt, bool heals)
{
	uint32_t longest = 460;

	for (unsigned nth = 1; nth <= 9; nth++)
		for (uint32_t octet = 0; octet < longest; octet += nth % 2 == 0 ? 3 : 2) {
			struct stand s;

			stand_begin(&s);
			plan_set(&s.plan, 0, "active", "yes");
			plan_set(&s.plan, 0, "natt", natt);
			plan_set(&s.plan, 1, "natt", natt);
			s.w->path_faults = true;
			s.flip_nth = nth;
			s.flip_bit = octet * 8 + (octet + nth) % 8;
			assert_true(plan_start(&s.plan));
			bool up = world_run_until(s.w, passes, &s, mono_add(s.w->now, span_s(400)));
			if ((heals && !up) || !world_ok(s.w))
				print_message("datagram %u, octet %u\n", nth, octet);
			assert_true(up || !heals);
			stand_end(&s);
		}
}

static void
a_bit_flipped_in_any_octet_never_makes_two_different_tunnels(void **state)
{
	(void)state;
	flip_everywhere("no", true);
	flip_everywhere("yes", false);
}

/* A half-done main mode is not disturbed by what a stranger sends under its
 * initiator cookie (isakmpd.md 12.4: blind adoption of a cookie). */
static void
a_stranger_cannot_take_over_an_exchange_by_its_initiator_cookie(void **state)
{
	struct stand s;

	(void)state;
	stand_begin(&s);
	net_link(s.w, 0, 1)->delay = net_link(s.w, 1, 0)->delay = span_ms(200);
	assert_true(plan_start(&s.plan));
	keep_next(&s, s.west->index, false);
	host_before(s.west);
	core_connect(s.west->core, s.w->now, "tunnel");
	host_after(s.west);
	world_pass(s.w, 50);
	assert_true(s.kept_n > HEADER_LEN);

	uint8_t forged[HEADER_LEN + 8] = { 0 };
	memcpy(forged, s.kept, HEADER_LEN);
	memset(forged + 8, 0xaa, 8);
	forged[16] = PL_KEY_EXCH;
	forged[24] = forged[25] = forged[26] = 0;
	forged[27] = sizeof(forged);
	forged[HEADER_LEN + 3] = 8;
	inject(&s, s.east, s.west, view_of(forged, sizeof(forged)));
	assert_true(world_run_until(s.w, passes, &s, mono_add(s.w->now, span_s(5))));
	stand_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r1_clear_text_delete_changes_nothing),
		cmocka_unit_test(r1_clear_text_notifications_change_nothing),
		cmocka_unit_test(r1_every_flipped_bit_of_a_delete_is_ignored),
		cmocka_unit_test(a_replayed_delete_is_refused_for_its_message_id),
		cmocka_unit_test(r26_one_source_holds_ten_half_open_exchanges),
		cmocka_unit_test(r26_a_flood_neither_grows_nor_locks_out_an_established_peer),
		cmocka_unit_test(r25_a_first_message_is_answered_once_and_never_unasked),
		cmocka_unit_test(r25_rubbish_of_every_length_gets_no_more_back_than_it_brings),
		cmocka_unit_test(a_bit_flipped_in_any_octet_never_makes_two_different_tunnels),
		cmocka_unit_test(a_stranger_cannot_take_over_an_exchange_by_its_initiator_cookie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
