/* The tables of SAs and policies. */
#include "pair.h"

static enum why
add(struct esp_plane *p, struct mono now, const struct sa_spec *spec, enum sa_part part)
{
	STR(detail, 160);

	return esp_plane_sa_add(p, now, spec, part, &detail);
}

/* Security R3: the window that is checked is the window that is reported. */
static void
r3_what_is_held_is_reported_as_it_is(void **state)
{
	struct shape shape = shape_of(suite_nth(20));
	struct pair pair;
	struct sa_spec got;

	(void)state;
	shape.encap = true;
	pair_bare(&pair, &shape);
	pair.west.spec.replay_window = 128;
	pair.west.spec.soft_secs = 100;
	pair.west.spec.hard_secs = 110;
	pair.west.spec.soft_bytes = 1 << 20;
	pair.west.spec.hard_bytes = 2 << 20;
	install(&pair.west, pair.now);
	for (unsigned part = SA_PART_IN; part <= SA_PART_OUT; part++) {
		const struct sa_spec *want = &pair.west.spec;
		bool in = part == SA_PART_IN;

		assert_int_equal(esp_plane_sa_read(pair.west.plane, 1, (enum sa_part)part, &got),
		    WHY_NONE);
		assert_int_equal(got.id, want->id);
		assert_memory_equal(&got.suite, &want->suite, sizeof(got.suite));
		assert_true(endpoint_equal(&got.local, &want->local));
		assert_true(endpoint_equal(&got.remote, &want->remote));
		assert_true(flow_equal(&got.flow, &want->flow));
		assert_true(got.encap);
		assert_int_equal(got.replay_window, 128);
		assert_int_equal(got.soft_secs, 100);
		assert_int_equal(got.hard_secs, 110);
		assert_int_equal(got.soft_bytes, 1 << 20);
		assert_int_equal(got.hard_bytes, 2 << 20);
		assert_int_equal((in ? &got.in : &got.out)->spi, (in ? &want->in : &want->out)->spi);
		assert_int_equal((in ? &got.in : &got.out)->keymat.n, want->in.keymat.n);
		assert_int_equal((in ? &got.out : &got.in)->spi, 0);
		/* R29: the length of the key, but no key. */
		for (size_t i = 0; i < want->in.keymat.n; i++)
			assert_int_equal((in ? &got.in : &got.out)->keymat.p[i], 0);
		sa_spec_done(&got);
	}
	assert_int_equal(pair.west.plane->slots[pair.west.spec.in.spi & 0xffff].sa->replay.window,
	    128);
	assert_int_equal(esp_plane_sa_read(pair.west.plane, 2, SA_PART_IN, &got), WHY_BACKEND_GONE);
	pair_done(&pair);
}

static void
what_cannot_be_held_is_refused_with_a_detail(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct sa_spec s;
	enum why why;

	(void)state;
	pair_bare(&pair, &shape);
	for (unsigned i = 0; i < 9; i++) {
		STR(detail, 160);

		assert_true(sa_spec_copy(&s, &pair.west.spec));
		if (i == 0)
			s.in.spi = 255;
		if (i == 1)
			s.local.addr = (struct addr){ 0 };
		if (i == 2)
			s.remote.addr = address("2001:db8::9");
		if (i == 3)
			s.flow.local.net = (struct range){ 0 };
		if (i == 4)
			s.replay_window = REPLAY_WINDOW_MAX + 1;
		if (i == 5)
			s.suite.cipher = ESP_DES;
		if (i == 6)
			s.in.keymat.n--;
		if (i == 7)
			s.suite.protocol = PROTO_IPSEC_AH;
		if (i == 8) {
			s.suite.mode = SA_TRANSPORT;
			s.local.addr = s.remote.addr = address("2001:db8::9");
		}
		why = esp_plane_sa_add(pair.west.plane, pair.now, &s, SA_PART_IN, &detail);
		assert_int_equal(why, i >= 5 && i <= 7 ? WHY_BACKEND_ALGORITHM : WHY_BACKEND);
		assert_true(detail.len > 0);
		if (i == 6)
			s.in.keymat.n++;
		sa_spec_done(&s);
	}
	assert_int_equal(esp_plane_sa_add(pair.west.plane, pair.now, &pair.west.spec, SA_PART_FLOW,
	    &(struct str){ .p = (char[160]){ 0 }, .cap = 160 }), WHY_BACKEND);
	assert_int_equal(esp_plane_count(pair.west.plane), 0);
	pair_done(&pair);
}

static void
an_sa_is_added_once_and_deleted_once(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct sa_spec other;

	(void)state;
	pair_init(&pair, &shape);
	assert_int_equal(esp_plane_count(pair.west.plane), 2);
	assert_int_equal(add(pair.west.plane, pair.now, &pair.west.spec, SA_PART_IN),
	    WHY_BACKEND_EXISTS);
	assert_int_equal(add(pair.west.plane, pair.now, &pair.west.spec, SA_PART_OUT),
	    WHY_BACKEND_EXISTS);
	/* Another pair with the same inbound SPI. */
	assert_true(sa_spec_copy(&other, &pair.west.spec));
	other.id = 2;
	assert_int_equal(add(pair.west.plane, pair.now, &other, SA_PART_IN), WHY_BACKEND_EXISTS);
	/* Outbound SPIs are the peers' choice and may be equal. */
	assert_int_equal(add(pair.west.plane, pair.now, &other, SA_PART_OUT), WHY_NONE);
	assert_int_equal(esp_plane_sa_delete(pair.west.plane, 2, SA_PART_OUT), WHY_NONE);
	assert_int_equal(esp_plane_sa_delete(pair.west.plane, 1, SA_PART_IN), WHY_NONE);
	assert_int_equal(esp_plane_sa_delete(pair.west.plane, 1, SA_PART_IN), WHY_BACKEND_GONE);
	assert_int_equal(esp_plane_sa_delete(pair.west.plane, 1, SA_PART_OUT), WHY_NONE);
	assert_int_equal(esp_plane_flow_delete(pair.west.plane, 1), WHY_NONE);
	assert_int_equal(esp_plane_flow_delete(pair.west.plane, 1), WHY_BACKEND_GONE);
	assert_int_equal(esp_plane_count(pair.west.plane), 0);
	assert_int_equal(slab_count(pair.west.plane->pairs), 0);
	assert_int_equal(pair.west.plane->n_groups, 0);
	assert_int_equal(map_count(pair.west.plane->by_id), 0);
	assert_int_equal(map_count(pair.west.plane->by_flow), 0);
	assert_int_equal(add(pair.west.plane, pair.now, &pair.west.spec, SA_PART_IN), WHY_NONE);
	sa_spec_done(&other);
	pair_done(&pair);
}

/* RFC 4303, 2.1; security R4: reservations end, and there is a bound. */
static void
spis_are_unique_bounded_and_come_back(void **state)
{
	static uint8_t seen[ESP_SAS_MAX];
	struct esp_config config = { 0 };
	struct esp_plane *p = esp_plane_new(&config);
	struct mono now = { 0 };
	uint32_t spi;

	(void)state;
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < ESP_SAS_MAX; i++) {
		assert_int_equal(esp_plane_get_spi(p, now, &spi), WHY_NONE);
		assert_true(spi >= 256);
		assert_int_equal(seen[spi & 0xffff]++, 0);
	}
	uint32_t last = spi;
	assert_int_equal(esp_plane_get_spi(p, now, &spi), WHY_BACKEND);
	assert_int_equal(esp_plane_spi_release(p, last), WHY_NONE);
	assert_int_equal(esp_plane_spi_release(p, last), WHY_BACKEND_GONE);
	assert_int_equal(esp_plane_spi_release(p, 0), WHY_BACKEND_GONE);
	assert_int_equal(esp_plane_get_spi(p, now, &spi), WHY_NONE);
	assert_int_equal(esp_plane_get_spi(p, now, &spi), WHY_BACKEND);
	assert_int_equal(esp_plane_get_spi(p, mono_add(now, span_s(300)), &spi), WHY_NONE);
	esp_plane_free(p);
}

static void
a_reserved_spi_can_be_used_by_its_owner_only(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	uint32_t spi;

	(void)state;
	pair_bare(&pair, &shape);
	assert_int_equal(esp_plane_get_spi(pair.west.plane, pair.now, &spi), WHY_NONE);
	pair.west.spec.in.spi = spi ^ 0x10000;
	if (pair.west.spec.in.spi >> 16 != 0)
		assert_int_equal(add(pair.west.plane, pair.now, &pair.west.spec, SA_PART_IN),
		    WHY_BACKEND_EXISTS);
	pair.west.spec.in.spi = spi;
	assert_int_equal(add(pair.west.plane, pair.now, &pair.west.spec, SA_PART_IN), WHY_NONE);
	assert_int_equal(esp_plane_spi_release(pair.west.plane, spi), WHY_BACKEND_GONE);
	pair_done(&pair);
}

/* Make before break: the new SA sends at once, the old one still receives. */
static void
the_newest_sa_sends_and_older_ones_step_in(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct side west2, east2;
	struct packet p, old;

	(void)state;
	pair_init(&pair, &shape);
	packet_make(&old, &pair.west.spec, 100, 253);
	assert_int_equal(packet_out(&pair.west, pair.now, &old), WHY_NONE);
	west2 = (struct side){ pair.west.plane, spec_west(&shape, 2) };
	east2 = (struct side){ pair.east.plane, spec_mirror(&west2.spec) };
	install(&east2, pair.now);
	install(&west2, pair.now);
	for (unsigned i = 0; i < 2; i++) {
		packet_make(&p, &pair.west.spec, 100, 253);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		struct rd r = rd_of(buf_view(&p.b));
		assert_int_equal(rd_u32(&r),
		    i == 0 ? west2.spec.out.spi : pair.west.spec.out.spi);
		assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
		if (i == 0)
			assert_int_equal(esp_plane_sa_delete(west2.plane, 2, SA_PART_OUT), 0);
	}
	assert_int_equal(packet_in(&pair.east, pair.now, &old), WHY_NONE);
	/* The policy holds as long as one of the two asks for it. */
	assert_int_equal(esp_plane_flow_delete(pair.west.plane, 1), WHY_NONE);
	packet_make(&p, &pair.west.spec, 100, 253);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
	assert_int_equal(esp_plane_flow_delete(pair.west.plane, 2), WHY_NONE);
	packet_make(&p, &pair.west.spec, 100, 253);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NO_POLICY);
	sa_spec_done(&west2.spec);
	sa_spec_done(&east2.spec);
	pair_done(&pair);
}

static uint32_t
spi_for(struct esp_plane *plane, struct mono now, const struct sa_spec *from)
{
	struct packet p;
	struct side side = { .plane = plane };

	packet_make(&p, from, 100, IPPROTO_UDP_);
	if (packet_out(&side, now, &p) != WHY_NONE)
		return 0;
	struct rd r = rd_of(buf_view(&p.b));
	return rd_u32(&r);
}

static void
the_most_specific_flow_takes_a_packet(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct esp_config config = { 0 };
	struct esp_plane *plane = esp_plane_new(&config);
	struct mono now = { 0 };
	struct side s[4];
	struct sa_spec from = spec_west(&shape, 9);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		s[i] = (struct side){ plane, spec_west(&shape, i + 1) };
		if (i == 0)
			s[i].spec.flow.remote.net = range_of("0.0.0.0", "255.255.255.255");
		if (i == 2)
			s[i].spec.flow.remote.net = range_of("10.2.0.5", "10.2.0.5");
		if (i == 3) {
			s[i].spec.flow.protocol = IPPROTO_UDP_;
			s[i].spec.flow.remote.port = 53;
		}
	}
	/* Whatever the order in which they came. */
	install(&s[2], now);
	install(&s[0], now);
	install(&s[3], now);
	install(&s[1], now);
	from.flow.remote.net.first = address("172.16.0.1");
	assert_int_equal(spi_for(plane, now, &from), s[0].spec.out.spi);
	from.flow.remote.net.first = address("10.2.0.4");
	assert_int_equal(spi_for(plane, now, &from), s[3].spec.out.spi);
	from.flow.remote.net.first = address("10.2.0.5");
	assert_int_equal(spi_for(plane, now, &from), s[2].spec.out.spi);
	assert_int_equal(esp_plane_flow_delete(plane, 3), WHY_NONE);
	assert_int_equal(spi_for(plane, now, &from), s[3].spec.out.spi);
	assert_int_equal(esp_plane_flow_delete(plane, 4), WHY_NONE);
	assert_int_equal(spi_for(plane, now, &from), s[1].spec.out.spi);
	/* A specific flow without SA does not fall back to a wider one. */
	assert_int_equal(esp_plane_sa_delete(plane, 2, SA_PART_OUT), WHY_NONE);
	assert_int_equal(spi_for(plane, now, &from), 0);
	assert_int_equal(esp_plane_refused(plane, WHY_NO_SA), 1);
	for (unsigned i = 0; i < 4; i++)
		sa_spec_done(&s[i].spec);
	sa_spec_done(&from);
	esp_plane_free(plane);
}

static void
lifetimes_in_octets_are_told_soft_then_hard(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;
	struct esp_event e;

	(void)state;
	pair_bare(&pair, &shape);
	pair.west.spec.soft_bytes = pair.east.spec.soft_bytes = 900;
	pair.west.spec.hard_bytes = pair.east.spec.hard_bytes = 1000;
	install(&pair.west, pair.now);
	install(&pair.east, pair.now);
	for (unsigned i = 1; i <= 10; i++) {
		packet_make(&p, &pair.west.spec, 100, 253);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
		assert_int_equal(esp_plane_event(pair.west.plane, &e), i == 9);
		if (i == 9)
			assert_int_equal(e.kind, ESP_EVENT_SOFT);
		assert_int_equal(esp_plane_event(pair.east.plane, &e), i == 9);
		if (i == 9)
			assert_int_equal(e.part, SA_PART_IN);
	}
	packet_make(&p, &pair.west.spec, 100, 253);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NO_SA);
	assert_true(esp_plane_event(pair.west.plane, &e));
	assert_int_equal(e.kind, ESP_EVENT_HARD);
	assert_int_equal(e.id, 1);
	assert_int_equal(e.part, SA_PART_OUT);
	assert_int_equal(esp_plane_sa_delete(pair.west.plane, 1, SA_PART_OUT), WHY_BACKEND_GONE);
	pair_done(&pair);
}

static void
lifetimes_in_seconds_are_told_soft_then_hard(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct esp_event e;

	(void)state;
	pair_bare(&pair, &shape);
	pair.west.spec.soft_secs = 90;
	pair.west.spec.hard_secs = 100;
	assert_int_equal(esp_plane_next(pair.west.plane).us, INT64_MAX);
	install(&pair.west, pair.now);
	assert_int_equal(esp_plane_next(pair.west.plane).us, pair.now.us + 90000000);
	esp_plane_tick(pair.west.plane, mono_add(pair.now, span_s(89)));
	assert_false(esp_plane_event(pair.west.plane, &e));
	esp_plane_tick(pair.west.plane, mono_add(pair.now, span_s(90)));
	assert_true(esp_plane_event(pair.west.plane, &e));
	assert_int_equal(e.kind, ESP_EVENT_SOFT);
	assert_true(esp_plane_event(pair.west.plane, &e));
	assert_false(esp_plane_event(pair.west.plane, &e));
	assert_int_equal(esp_plane_next(pair.west.plane).us, pair.now.us + 100000000);
	esp_plane_tick(pair.west.plane, mono_add(pair.now, span_s(100)));
	assert_true(esp_plane_event(pair.west.plane, &e));
	assert_int_equal(e.kind, ESP_EVENT_HARD);
	assert_true(esp_plane_event(pair.west.plane, &e));
	assert_false(esp_plane_event(pair.west.plane, &e));
	assert_int_equal(esp_plane_count(pair.west.plane), 0);
	assert_int_equal(esp_plane_next(pair.west.plane).us, INT64_MAX);
	pair_done(&pair);
}

static void
use_is_counted_per_direction(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;
	struct sa_usage u;

	(void)state;
	pair_init(&pair, &shape);
	assert_int_equal(esp_plane_query(pair.west.plane, pair.now, 1, &u), WHY_NONE);
	assert_int_equal(u.in_idle, UINT32_MAX);
	assert_int_equal(u.out_idle, UINT32_MAX);
	packet_make(&p, &pair.west.spec, 100, 253);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
	assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
	assert_int_equal(esp_plane_query(pair.west.plane, mono_add(pair.now, span_s(7)), 1, &u), 0);
	assert_int_equal(u.out_packets, 1);
	assert_int_equal(u.out_bytes, 100);
	assert_int_equal(u.out_idle, 7);
	assert_int_equal(u.in_idle, UINT32_MAX);
	assert_int_equal(esp_plane_query(pair.east.plane, pair.now, 1, &u), WHY_NONE);
	assert_int_equal(u.in_packets, 1);
	assert_int_equal(u.in_bytes, 100);
	assert_int_equal(u.in_idle, 0);
	assert_int_equal(esp_plane_query(pair.east.plane, pair.now, 99, &u), WHY_BACKEND_GONE);
	pair_done(&pair);
}

/* Through the verbs of the channel, as `kern` does it. */
static void
asks_do_what_they_say(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct esp_answer a = { 0 };
	struct sa_spec room = { 0 };
	struct esp_plane *w;

	(void)state;
	pair_bare(&pair, &shape);
	w = pair.west.plane;
	esp_plane_ask(w, pair.now, &(struct esp_ask){ .verb = ESP_GET_SPI, .seq = 5 }, &a, &room);
	assert_int_equal(a.why, WHY_NONE);
	assert_int_equal(a.seq, 5);
	assert_int_equal(a.verb, ESP_GET_SPI);
	esp_plane_ask(w, pair.now, &(struct esp_ask){ .verb = ESP_SA_DELETE, .part = SA_PART_IN,
	    .spi = a.spi }, &a, &room);
	assert_int_equal(a.why, WHY_NONE);
	for (unsigned part = 1; part <= 2; part++) {
		esp_plane_ask(w, pair.now, &(struct esp_ask){ .verb = ESP_SA_ADD,
		    .part = (uint8_t)part, .spec = &pair.west.spec }, &a, &room);
		assert_int_equal(a.why, WHY_NONE);
		esp_plane_ask(w, pair.now, &(struct esp_ask){ .verb = ESP_SA_ADD,
		    .part = (uint8_t)part, .spec = &pair.west.spec }, &a, &room);
		assert_int_equal(a.why, WHY_BACKEND_EXISTS);
		assert_true(strlen(a.detail) > 0);
		esp_plane_ask(w, pair.now, &(struct esp_ask){ .verb = ESP_SA_READ,
		    .part = (uint8_t)part, .id = 1 }, &a, &room);
		assert_int_equal(a.why, WHY_NONE);
		assert_ptr_equal(a.spec, &room);
		assert_int_equal(strlen(a.detail), 0);
		sa_spec_done(&room);
	}
	esp_plane_ask(w, pair.now, &(struct esp_ask){ .verb = ESP_FLOW_ADD,
	    .spec = &pair.west.spec }, &a, &room);
	assert_int_equal(a.why, WHY_NONE);
	esp_plane_ask(w, pair.now, &(struct esp_ask){ .verb = ESP_QUERY, .id = 1 }, &a, &room);
	assert_int_equal(a.why, WHY_NONE);
	esp_plane_ask(w, pair.now, &(struct esp_ask){ .verb = ESP_MOVE, .id = 1,
	    .local = pair.west.spec.local, .remote = pair.east.spec.local }, &a, &room);
	assert_int_equal(a.why, WHY_NONE);
	esp_plane_ask(w, pair.now, &(struct esp_ask){ .verb = ESP_FLOW_DELETE, .id = 1 }, &a, &room);
	assert_int_equal(a.why, WHY_NONE);
	esp_plane_ask(w, pair.now, &(struct esp_ask){ .verb = ESP_FLOW_DELETE, .id = 1 }, &a, &room);
	assert_int_equal(a.why, WHY_BACKEND_GONE);
	esp_plane_clear(w);
	assert_int_equal(esp_plane_count(w), 0);
	assert_int_equal(slab_count(w->pairs), 0);
	pair_done(&pair);
}

static void
ten_thousand_pairs_come_and_go(void **state)
{
	enum { N = 10000 };
	struct shape shape = shape_of(gcm128);
	struct esp_config config = { 0 };
	struct esp_plane *plane = esp_plane_new(&config);
	struct mono now = { 0 };
	struct sa_spec s = spec_west(&shape, 1);
	STR(detail, 160);

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		s.id = i + 1;
		s.in.spi = 0x10000 + i;
		s.flow.remote.net.first.b[1] = s.flow.remote.net.last.b[1] = (uint8_t)(i >> 8);
		s.flow.remote.net.first.b[2] = s.flow.remote.net.last.b[2] = (uint8_t)i;
		s.hard_secs = i % 50 + 1;
		assert_int_equal(add(plane, now, &s, SA_PART_IN), WHY_NONE);
		assert_int_equal(add(plane, now, &s, SA_PART_OUT), WHY_NONE);
		assert_int_equal(esp_plane_flow_add(plane, &s, &detail), WHY_NONE);
	}
	assert_int_equal(esp_plane_count(plane), 2 * N);
	esp_plane_tick(plane, mono_add(now, span_s(25)));
	assert_int_equal(esp_plane_count(plane), N);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(esp_plane_flow_delete(plane, i + 1), WHY_NONE);
	esp_plane_clear(plane);
	assert_int_equal(plane->n_groups, 0);
	assert_null(plane->events);
	sa_spec_done(&s);
	esp_plane_free(plane);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r3_what_is_held_is_reported_as_it_is),
		cmocka_unit_test(what_cannot_be_held_is_refused_with_a_detail),
		cmocka_unit_test(an_sa_is_added_once_and_deleted_once),
		cmocka_unit_test(spis_are_unique_bounded_and_come_back),
		cmocka_unit_test(a_reserved_spi_can_be_used_by_its_owner_only),
		cmocka_unit_test(the_newest_sa_sends_and_older_ones_step_in),
		cmocka_unit_test(the_most_specific_flow_takes_a_packet),
		cmocka_unit_test(lifetimes_in_octets_are_told_soft_then_hard),
		cmocka_unit_test(lifetimes_in_seconds_are_told_soft_then_hard),
		cmocka_unit_test(use_is_counted_per_direction),
		cmocka_unit_test(asks_do_what_they_say),
		cmocka_unit_test(ten_thousand_pairs_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
