/* What happens to packets, between two planes. */
#include "pair.h"

static size_t
inner_header(const struct packet *p)
{
	return buf_view(&p->b).p[0] >> 4 == 4 ? IP4_HEADER : IP6_HEADER;
}

/* Sends one packet of n octets and compares what arrives. */
static void
carry(struct pair *pair, size_t n)
{
	struct packet p, sent;

	packet_make(&p, &pair->west.spec, n, 253);	/* RFC 3692: for experiments */
	if (p.b.room[p.b.off] >> 4 == 4)
		set_df(&p, false);
	sent = p;
	sent.b.room = sent.room;
	size_t header = inner_header(&p);
	assert_int_equal(packet_out(&pair->west, pair->now, &p), WHY_NONE);
	assert_false(p.sent.reply);
	assert_true(endpoint_equal(&p.sent.path.remote, &pair->west.spec.remote));
	assert_int_equal(p.sent.path.encap, pair->west.spec.encap);
	assert_int_equal(packet_in(&pair->east, pair->now, &p), WHY_NONE);
	assert_int_equal(p.b.n, n);
	/* Transport mode makes the header anew: same ends, same length. */
	if (pair->west.spec.suite.mode == SA_TUNNEL)
		header = 0;
	else
		assert_int_equal(inner_header(&p), inner_header(&sent));
	assert_memory_equal(buf_at(&p.b) + header, buf_at(&sent.b) + header, n - header);
}

static void
every_suite_carries_every_kind_of_packet(void **state)
{
	static const size_t more[] = { 0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 255, 256, 511, 1023,
	    1400, 1439, 1440 };

	(void)state;
	for (unsigned i = 0; i < SUITES; i++)
	for (unsigned bits = 0; bits < 32; bits++) {
		struct shape shape = { .suite = suite_nth(i), .outer6 = bits & 1,
		    .inner6 = bits & 2, .encap = bits & 4 };
		struct pair pair;

		shape.suite.mode = bits & 8 ? SA_TRANSPORT : SA_TUNNEL;
		shape.suite.esn = bits & 16;
		if (shape.suite.mode == SA_TRANSPORT && shape.inner6 != shape.outer6)
			continue;
		pair_init(&pair, &shape);
		for (size_t k = 0; k < COUNT(more); k++) {
			size_t n = (shape.inner6 ? IP6_HEADER : IP4_HEADER) + more[k];

			if (!shape.inner6 || n <= IP6_LEAST_MTU)
				carry(&pair, n);
		}
		pair_done(&pair);
	}
}

static void
every_length_up_to_1500_is_carried(void **state)
{
	static const unsigned suites[] = { 0, 12, 37, 40, 43 };

	(void)state;
	for (size_t i = 0; i < COUNT(suites); i++) {
		struct shape shape = shape_of(suite_nth(suites[i]));
		struct pair pair;

		pair_init(&pair, &shape);
		for (size_t n = IP4_HEADER; n <= 1500; n++)
			carry(&pair, n);
		pair_done(&pair);
	}
}

static void
no_octet_of_the_text_shows_on_the_wire(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SUITES; i++) {
		struct shape shape = shape_of(suite_nth(i));
		struct pair pair;
		struct packet p;

		if (shape.suite.cipher == ESP_NULL || shape.suite.cipher == ESP_AES_GMAC)
			continue;
		pair_init(&pair, &shape);
		packet_make(&p, &pair.west.spec, 200, 253);
		memset(buf_at(&p.b) + IP4_HEADER, 'A', 180);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		assert_null(memmem(buf_at(&p.b), p.b.n, "AAAA", 4));
		pair_done(&pair);
	}
}

static void
each_bit_of_a_packet_is_protected(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SUITES; i++) {
		struct shape shape = shape_of(suite_nth(i));
		struct pair pair;
		struct packet p, changed;
		struct sa_usage usage;

		pair_init(&pair, &shape);
		packet_make(&p, &pair.west.spec, 61, IPPROTO_UDP_);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		for (size_t at = 0; at < p.b.n * 8; at++) {
			changed = p;
			changed.b.room = changed.room;
			buf_at(&changed.b)[at / 8] ^= (uint8_t)(1 << at % 8);
			enum why why = packet_in(&pair.east, pair.now, &changed);
			assert_int_not_equal(why, WHY_NONE);
			if (at < 32)
				assert_int_equal(why, WHY_ESP_UNKNOWN_SPI);
			else if (at >= 64)
				assert_int_equal(why, WHY_ESP_AUTH);
		}
		assert_int_equal(esp_plane_query(pair.east.plane, pair.now, 1, &usage), WHY_NONE);
		assert_int_equal(usage.in_packets, 0);
		assert_int_equal(usage.in_idle, UINT32_MAX);
		assert_true(usage.in_refused > 0);
		/* The packet itself still passes, so nothing was moved by the rest. */
		assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
		pair_done(&pair);
	}
}

static void
every_truncation_of_a_packet_is_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SUITES; i++) {
		struct shape shape = shape_of(suite_nth(i));
		struct pair pair;
		struct packet p, cut;

		pair_init(&pair, &shape);
		packet_make(&p, &pair.west.spec, 60, IPPROTO_UDP_);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		for (size_t n = 0; n < p.b.n; n++) {
			cut = p;
			cut.b.room = cut.room;
			cut.b.n = n;
			assert_int_not_equal(packet_in(&pair.east, pair.now, &cut), WHY_NONE);
		}
		pair_done(&pair);
	}
}

static void
duplicates_and_packets_left_of_the_window_are_refused(void **state)
{
	enum { N = 70 };
	static struct packet p[N], copy;
	struct shape shape = shape_of(gcm128);
	struct pair pair;

	(void)state;
	pair_init(&pair, &shape);
	for (unsigned i = 0; i < N; i++) {
		packet_make(&p[i], &pair.west.spec, 100, 253);
		assert_int_equal(packet_out(&pair.west, pair.now, &p[i]), WHY_NONE);
	}
	/* Number N is the top; N - 63 is the last one in the window of 64. */
	copy = p[N - 1];
	copy.b.room = copy.room;
	assert_int_equal(packet_in(&pair.east, pair.now, &p[N - 1]), WHY_NONE);
	assert_int_equal(packet_in(&pair.east, pair.now, &copy), WHY_ESP_REPLAY);
	assert_int_equal(packet_in(&pair.east, pair.now, &p[N - 65]), WHY_ESP_REPLAY);
	assert_int_equal(packet_in(&pair.east, pair.now, &p[N - 64]), WHY_NONE);
	assert_int_equal(packet_in(&pair.east, pair.now, &p[N - 10]), WHY_NONE);
	assert_int_equal(esp_plane_refused(pair.east.plane, WHY_ESP_REPLAY), 2);
	pair_done(&pair);
}

/* A forged packet with a high number must not push the window forward. */
static void
only_authentic_packets_move_the_window(void **state)
{
	struct shape shape = shape_of(suite_nth(12));
	struct pair pair;
	struct packet p, forged;

	(void)state;
	pair_init(&pair, &shape);
	packet_make(&p, &pair.west.spec, 100, 253);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
	forged = p;
	forged.b.room = forged.room;
	buf_at(&forged.b)[4] = 0x7f;
	assert_int_equal(packet_in(&pair.east, pair.now, &forged), WHY_ESP_AUTH);
	assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
	pair_done(&pair);
}

/* RFC 4301, 5.2: an authentic packet outside the SA's selectors is dropped. */
static void
packets_outside_the_selectors_are_refused(void **state)
{
	static const char *const local[] = { "10.1.0.255", "10.1.1.0", "10.0.255.255", "10.2.0.1" };
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct sa_usage usage;

	(void)state;
	pair_bare(&pair, &shape);
	/* West may send anything; east takes UDP to port 53 from 10.1.0.0/24 only. */
	pair.west.spec.flow.local.net = range_of("0.0.0.0", "255.255.255.255");
	pair.west.spec.flow.remote.net = range_of("0.0.0.0", "255.255.255.255");
	pair.east.spec.flow.protocol = IPPROTO_UDP_;
	pair.east.spec.flow.local.port = 53;
	install(&pair.west, pair.now);
	install(&pair.east, pair.now);
	for (size_t i = 0; i < COUNT(local); i++) {
		struct sa_spec from;
		struct packet p;

		assert_true(sa_spec_copy(&from, &pair.west.spec));
		from.flow.local.net.first = address(local[i]);
		from.flow.remote.net.first = address("10.2.0.9");
		packet_make(&p, &from, 100, IPPROTO_UDP_);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		assert_int_equal(packet_in(&pair.east, pair.now, &p),
		    i == 0 ? WHY_NONE : WHY_ESP_SELECTOR);
		/* Another protocol, another port, a fragment without ports. */
		from.flow.local.net.first = address("10.1.0.1");
		packet_make(&p, &from, 100, IPPROTO_TCP_);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_ESP_SELECTOR);
		packet_make(&p, &from, 100, IPPROTO_UDP_);
		buf_at(&p.b)[IP4_HEADER + 3] = 54;
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_ESP_SELECTOR);
		packet_make(&p, &from, 100, IPPROTO_UDP_);
		buf_at(&p.b)[6] = 0;
		buf_at(&p.b)[7] = 5;
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_ESP_SELECTOR);
		sa_spec_done(&from);
	}
	assert_int_equal(esp_plane_query(pair.east.plane, pair.now, 1, &usage), WHY_NONE);
	assert_int_equal(usage.in_packets, 1);
	assert_int_equal(usage.in_refused, COUNT(local) - 1 + 3 * COUNT(local));
	pair_done(&pair);
}

static void
without_an_sa_nothing_leaves_and_one_acquire_a_second_is_told(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;
	struct esp_event e;
	STR(detail, 160);

	(void)state;
	pair_bare(&pair, &shape);
	assert_int_equal(esp_plane_flow_add(pair.west.plane, &pair.west.spec, &detail), 0);
	for (unsigned i = 0; i < 1000; i++) {
		packet_make(&p, &pair.west.spec, 100, IPPROTO_UDP_);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NO_SA);
		assert_false(p.sent.reply);
	}
	assert_true(esp_plane_event(pair.west.plane, &e));
	assert_int_equal(e.kind, ESP_EVENT_ACQUIRE);
	assert_int_equal(e.id, 1);
	assert_true(addr_equal(&e.flow.local.net.first, &pair.west.spec.flow.local.net.first));
	assert_int_equal(e.flow.local.port, 1234);
	assert_int_equal(e.flow.remote.port, 53);
	assert_int_equal(e.flow.protocol, IPPROTO_UDP_);
	assert_false(esp_plane_event(pair.west.plane, &e));
	packet_make(&p, &pair.west.spec, 100, IPPROTO_UDP_);
	assert_int_equal(packet_out(&pair.west, mono_add(pair.now, span_s(1)), &p), WHY_NO_SA);
	assert_true(esp_plane_event(pair.west.plane, &e));
	assert_int_equal(esp_plane_refused(pair.west.plane, WHY_NO_SA), 1001);
	pair_done(&pair);
}

/* Every way an SA can go away leaves the flow closed. */
static void
when_the_sa_goes_the_flow_stays_closed(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;

	(void)state;
	for (unsigned how = 0; how < 3; how++) {
		pair_bare(&pair, &shape);
		pair.west.spec.hard_secs = how == 1 ? 10 : 0;
		pair.west.spec.hard_bytes = how == 2 ? 150 : 0;
		install(&pair.west, pair.now);
		packet_make(&p, &pair.west.spec, 100, 253);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		if (how == 0)
			assert_int_equal(esp_plane_sa_delete(pair.west.plane, 1, SA_PART_OUT), 0);
		if (how == 1)
			esp_plane_tick(pair.west.plane, mono_add(pair.now, span_s(10)));
		packet_make(&p, &pair.west.spec, 100, 253);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NO_SA);
		pair_done(&pair);
	}
}

/* The header checks out, and it quotes the packet it is about. */
static void
icmp_check(const struct packet *p, const struct addr *to, uint8_t type, uint8_t code,
    uint32_t rest, const uint8_t *quoted)
{
	struct ip_info ip;
	struct view v = buf_view(&p->b);
	size_t header = v.p[0] >> 4 == 4 ? IP4_HEADER : IP6_HEADER;
	struct rd r = rd_of(v);

	assert_true(ip_parse(v, &ip));
	assert_int_equal(ip.total_n, v.n);
	assert_true(addr_equal(&ip.dst, to));
	assert_int_equal(ip.protocol, header == IP4_HEADER ? IPPROTO_ICMP_ : IPPROTO_ICMPV6_);
	if (header == IP4_HEADER) {
		assert_int_equal(checksum_end(checksum_add(0, view_of(v.p, header))), 0);
		assert_int_equal(checksum_end(checksum_add(0,
		    view_of(v.p + header, v.n - header))), 0);
	} else {
		/* RFC 8200, 8.1: pseudo-header of both addresses, length, 58 */
		uint8_t more[8] = { 0, 0, (uint8_t)((v.n - header) >> 8),
		    (uint8_t)(v.n - header), 0, 0, 0, 58 };
		uint32_t sum = checksum_add(0, view_of(v.p + 8, 32));

		sum = checksum_add(sum, view_of(more, 8));
		assert_int_equal(checksum_end(checksum_add(sum,
		    view_of(v.p + header, v.n - header))), 0);
	}
	rd_view(&r, header);
	assert_int_equal(rd_u8(&r), type);
	assert_int_equal(rd_u8(&r), code);
	rd_u16(&r);
	assert_int_equal(rd_u32(&r), rest);
	assert_memory_equal(rd_rest(&r).p, quoted, 28);
}

static void
a_packet_without_policy_is_prohibited_and_its_sender_told(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p, sent;
	struct sa_spec other;
	unsigned told = 0;

	(void)state;
	for (unsigned six = 0; six < 2; six++) {
		shape.inner6 = six;
		pair_init(&pair, &shape);
		assert_true(sa_spec_copy(&other, &pair.west.spec));
		other.flow.remote.net.first = address(six ? "fd03::1" : "10.3.0.1");
		told = 0;
		for (unsigned i = 0; i < 1000; i++) {
			packet_make(&p, &other, 100, IPPROTO_UDP_);
			sent = p;
			assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NO_POLICY);
			if (!p.sent.reply)
				continue;
			if (told++ == 0)
				icmp_check(&p, &other.flow.local.net.first, six ? 1 : 3,
				    six ? 1 : 13, 0, sent.room + sent.b.off);
		}
		assert_int_equal(told, 100);
		sa_spec_done(&other);
		pair_done(&pair);
	}
}

static void
no_error_is_sent_about_errors_fragments_and_groups(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;
	struct sa_spec other;

	(void)state;
	pair_init(&pair, &shape);
	assert_true(sa_spec_copy(&other, &pair.west.spec));
	other.flow.remote.net.first = address("10.3.0.1");
	packet_make(&p, &other, 100, IPPROTO_ICMP_);
	buf_at(&p.b)[IP4_HEADER] = 3;
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NO_POLICY);
	assert_false(p.sent.reply);
	packet_make(&p, &other, 100, IPPROTO_ICMP_);
	buf_at(&p.b)[IP4_HEADER] = 8;
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NO_POLICY);
	assert_true(p.sent.reply);
	packet_make(&p, &other, 100, IPPROTO_UDP_);
	buf_at(&p.b)[7] = 9;
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NO_POLICY);
	assert_false(p.sent.reply);
	other.flow.remote.net.first = address("224.0.0.1");
	packet_make(&p, &other, 100, IPPROTO_UDP_);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NO_POLICY);
	assert_false(p.sent.reply);
	other.flow.remote.net.first = address("10.3.0.1");
	other.flow.local.net.first = address("0.0.0.0");
	packet_make(&p, &other, 100, IPPROTO_UDP_);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NO_POLICY);
	assert_false(p.sent.reply);
	sa_spec_done(&other);
	pair_done(&pair);
}

static size_t
on_the_wire(const struct packet *p)
{
	return p->b.n + (p->sent.path.encap ? 8 : 0) +
	    (p->sent.path.remote.addr.family == FAMILY_IP4 ? 20 : 40);
}

/* The largest packet fits the link exactly or nearly; one octet more is told. */
static void
what_does_not_fit_the_path_goes_back_with_the_right_size(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SUITES; i++)
	for (unsigned bits = 0; bits < 16; bits++) {
		struct shape shape = { .suite = suite_nth(i), .outer6 = bits & 1,
		    .inner6 = bits & 2, .encap = bits & 4 };
		struct pair pair;
		struct packet p, sent;

		shape.suite.mode = bits & 8 ? SA_TRANSPORT : SA_TUNNEL;
		if (bits & 8 && shape.inner6 != shape.outer6)
			continue;
		pair_init(&pair, &shape);
		packet_make(&p, &pair.west.spec, 1500, IPPROTO_UDP_);
		sent = p;
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_ESP_TOO_BIG);
		assert_true(p.sent.reply);
		struct rd r = rd_of(buf_view(&p.b));
		rd_view(&r, (shape.inner6 ? IP6_HEADER : IP4_HEADER) + 4);
		uint32_t mtu = rd_u32(&r);
		icmp_check(&p, &pair.west.spec.flow.local.net.first, shape.inner6 ? 2 : 3,
		    shape.inner6 ? 0 : 4, mtu, sent.room + sent.b.off);
		packet_make(&p, &pair.west.spec, mtu, IPPROTO_UDP_);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		assert_true(on_the_wire(&p) <= 1500);
		assert_true(on_the_wire(&p) > 1500 - 16);
		assert_true(p.sent.df);
		packet_make(&p, &pair.west.spec, mtu + 1, IPPROTO_UDP_);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_ESP_TOO_BIG);
		pair_done(&pair);
	}
}

/* RFC 4301, 8.1: DF is taken over; what may be cut is cut outside. */
static void
the_outer_df_is_the_inner_one(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;

	(void)state;
	pair_init(&pair, &shape);
	packet_make(&p, &pair.west.spec, 100, 253);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
	assert_true(p.sent.df);
	packet_make(&p, &pair.west.spec, 100, 253);
	set_df(&p, false);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
	assert_false(p.sent.df);
	packet_make(&p, &pair.west.spec, 1500, 253);
	set_df(&p, false);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
	assert_false(p.sent.df);
	assert_true(on_the_wire(&p) > 1500);
	pair_done(&pair);
}

static void
a_learned_path_mtu_counts_until_it_is_old(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;
	struct mono now;

	(void)state;
	pair_init(&pair, &shape);
	now = pair.now;
	packet_make(&p, &pair.west.spec, 1400, 253);
	assert_int_equal(packet_out(&pair.west, now, &p), WHY_NONE);
	esp_plane_pmtu(pair.west.plane, now, &pair.west.spec.remote.addr, 1300);
	packet_make(&p, &pair.west.spec, 1400, 253);
	assert_int_equal(packet_out(&pair.west, now, &p), WHY_ESP_TOO_BIG);
	/* More than the link, and other paths, change nothing; nonsense is bounded. */
	esp_plane_pmtu(pair.west.plane, now, &pair.west.spec.remote.addr, 9000);
	for (uint8_t i = 3; i < 60; i++) {
		struct addr a = pair.west.spec.remote.addr;

		a.b[3] = i;
		esp_plane_pmtu(pair.west.plane, now, &a, 0);
	}
	packet_make(&p, &pair.west.spec, 1200, 253);
	assert_int_equal(packet_out(&pair.west, now, &p), WHY_NONE);
	esp_plane_pmtu(pair.west.plane, now, &pair.west.spec.remote.addr, 1);
	packet_make(&p, &pair.west.spec, 400, 253);
	assert_int_equal(packet_out(&pair.west, now, &p), WHY_NONE);
	now = mono_add(now, span_s(600));
	packet_make(&p, &pair.west.spec, 1400, 253);
	assert_int_equal(packet_out(&pair.west, now, &p), WHY_NONE);
	pair_done(&pair);
}

static struct esp_sa *
half(struct side *side, bool inbound)
{
	struct esp_slot *s = &side->plane->slots[side->spec.in.spi & (ESP_SAS_MAX - 1)];

	return inbound ? s->sa : s->sa->pair->out;
}

static void
the_last_sequence_number_ends_the_sa(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;
	struct esp_event e;

	(void)state;
	pair_init(&pair, &shape);
	half(&pair.west, false)->seq = UINT32_MAX - 2;
	for (unsigned i = 0; i < 2; i++) {
		packet_make(&p, &pair.west.spec, 100, 253);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
	}
	packet_make(&p, &pair.west.spec, 100, 253);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_ESP_SEQUENCE);
	packet_make(&p, &pair.west.spec, 100, 253);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NO_SA);
	assert_true(esp_plane_event(pair.west.plane, &e));
	assert_int_equal(e.kind, ESP_EVENT_HARD);
	assert_int_equal(e.part, SA_PART_OUT);
	assert_true(esp_plane_event(pair.west.plane, &e));
	assert_int_equal(e.kind, ESP_EVENT_SOFT);
	pair_done(&pair);
}

static void
extended_sequence_numbers_go_on_behind_32_bits(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SUITES; i++) {
		struct shape shape = shape_of(suite_nth(i));
		struct pair pair;
		struct packet p;

		shape.suite.esn = true;
		pair_init(&pair, &shape);
		half(&pair.west, false)->seq = UINT32_MAX - 20;
		half(&pair.east, true)->replay.top = UINT32_MAX - 20;
		for (unsigned k = 0; k < 100; k++)
			carry(&pair, 60);
		/* An SA without them cannot read what is sent beyond. */
		packet_make(&p, &pair.west.spec, 100, 253);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		half(&pair.east, true)->replay.top = 0;
		assert_int_not_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
		pair_done(&pair);
	}
}

/* Seals any text under west's outbound SA, as another implementation might. */
static void
text_out(struct pair *pair, struct packet *p, uint32_t seq, const void *text, size_t n)
{
	struct esp_cipher *c;
	size_t iv = esp_cipher_lengths(half(&pair->west, false)->cipher)->iv;
	size_t icv = esp_cipher_lengths(half(&pair->west, false)->cipher)->icv;
	struct wr w;

	p->b = (struct esp_buf){ .room = p->room, .cap = sizeof(p->room), .off = ESP_HEADROOM,
	    .n = 8 + iv + n + icv };
	p->sent = (struct esp_sent){ .path = { pair->west.spec.local, pair->west.spec.remote,
	    pair->west.spec.encap } };
	assert_int_equal(esp_cipher_new(&pair->west.spec.suite,
	    secret_view(&pair->west.spec.out.keymat), true, &c), WHY_NONE);
	w = wr_of(buf_at(&p->b), p->b.n);
	wr_u32(&w, pair->west.spec.out.spi);
	wr_u32(&w, seq);
	wr_zero(&w, iv);
	wr_bytes(&w, text, n);
	assert_true(esp_cipher_seal(c, 0, buf_at(&p->b), n));
	esp_cipher_free(c);
}

static void
dummies_vanish_and_flow_padding_is_cut_off(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p, inner;
	uint8_t text[300] = { 0 };

	(void)state;
	pair_init(&pair, &shape);
	/* RFC 4303, 2.6: next header 59 */
	memset(text, 0x55, 40);
	text[40] = 0;
	text[41] = 59;
	text_out(&pair, &p, 1, text, 42);
	assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
	assert_int_equal(p.b.n, 0);
	/* 2.7: the inner packet says its own length */
	packet_make(&inner, &pair.west.spec, 100, 253);
	memset(text, 0xaa, sizeof(text));
	memcpy(text, buf_at(&inner.b), 100);
	text[298] = 0;
	text[299] = 4;
	text_out(&pair, &p, 2, text, 300);
	assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
	assert_int_equal(p.b.n, 100);
	assert_memory_equal(buf_at(&p.b), buf_at(&inner.b), 100);
	pair_done(&pair);
}

static void
authentic_nonsense_is_refused(void **state)
{
	static const struct { const char *what; size_t n; uint8_t pad, next; bool packet; } bad[] = {
		{ "padding longer than the text", 2, 1, 4, false },
		{ "padding longer than the text", 102, 200, 4, true },
		{ "padding that does not count", 110, 8, 4, true },
		{ "nothing inside", 2, 0, 4, false },
		{ "half an IPv4 header", 12, 0, 4, false },
		{ "IPv4 called IPv6", 102, 0, 41, true },
		{ "TCP in tunnel mode", 102, 0, 6, true },
		{ "another ESP in tunnel mode", 102, 0, 50, true },
	};
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p, inner;
	struct esp_event e;

	(void)state;
	pair_init(&pair, &shape);
	for (size_t i = 0; i < COUNT(bad); i++) {
		uint8_t text[300];

		memset(text, 0xee, sizeof(text));
		packet_make(&inner, &pair.west.spec, 100, 253);
		if (bad[i].packet)
			memcpy(text, buf_at(&inner.b), 100);
		text[bad[i].n - 2] = bad[i].pad;
		text[bad[i].n - 1] = bad[i].next;
		text_out(&pair, &p, (uint32_t)i + 1, text, bad[i].n);
		enum why why = packet_in(&pair.east, pair.now, &p);
		if (why != WHY_ESP_PADDING && why != WHY_ESP_SELECTOR)
			fail_msg("%s: %s", bad[i].what, why_text(why));
	}
	assert_false(esp_plane_event(pair.east.plane, &e));
	pair_done(&pair);
}

/* RFC 6040, 4.2, figure 4 */
static void
congestion_marks_are_combined(void **state)
{
	/* by inner (Not-ECT, ECT(1), ECT(0), CE) and outer; -1: dropped */
	static const int want[4][4] = { { 0, 0, 0, -1 }, { 1, 1, 1, 3 }, { 2, 1, 2, 3 },
	    { 3, 3, 3, 3 } };
	struct pair pair;
	struct packet p;

	(void)state;
	for (unsigned six = 0; six < 2; six++)
	for (unsigned inner = 0; inner < 4; inner++)
	for (unsigned outer = 0; outer < 4; outer++) {
		struct shape shape = shape_of(gcm128);
		struct ip_info ip;

		shape.inner6 = six;
		pair_init(&pair, &shape);
		packet_make(&p, &pair.west.spec, 100, 253);
		uint8_t tos = (uint8_t)(0xb8 | inner), *h = buf_at(&p.b);
		if (six) {
			h[0] = (uint8_t)(0x60 | tos >> 4);
			h[1] = (uint8_t)(tos << 4);
		} else {
			h[1] = tos;
			set_df(&p, true);
		}
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		assert_int_equal(p.sent.tos, tos);
		p.sent.tos = (uint8_t)outer;
		enum why why = packet_in(&pair.east, pair.now, &p);
		assert_int_equal(why == WHY_NONE ? 0 : -1, want[inner][outer] < 0 ? -1 : 0);
		if (why == WHY_NONE) {
			assert_true(ip_parse(buf_view(&p.b), &ip));
			assert_int_equal(ip.tos, 0xb8 | want[inner][outer]);
			if (!six)
				assert_int_equal(checksum_end(checksum_add(0,
				    view_of(buf_at(&p.b), IP4_HEADER))), 0);
		}
		pair_done(&pair);
	}
}

static void
raw_and_encapsulated_packets_are_not_mixed_up(void **state)
{
	(void)state;
	for (unsigned encap = 0; encap < 2; encap++) {
		struct shape shape = shape_of(gcm128);
		struct pair pair;
		struct packet p;

		shape.encap = encap;
		pair_init(&pair, &shape);
		packet_make(&p, &pair.west.spec, 100, 253);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		p.sent.path.encap = !encap;
		assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_ESP_UNKNOWN_SPI);
		pair_done(&pair);
	}
}

/* The peer may have an SA that went here: one packet a second is told. */
static void
packets_for_an_spi_that_nobody_has_are_told_seldom(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;
	struct esp_event e;

	(void)state;
	pair_init(&pair, &shape);
	for (unsigned second = 0; second < 2; second++) {
		for (unsigned i = 0; i < 100; i++) {
			packet_make(&p, &pair.west.spec, 100, 253);
			assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
			buf_at(&p.b)[2] ^= 0x55;
			assert_int_equal(packet_in(&pair.east, mono_add(pair.now, span_s(second)), &p),
			    WHY_ESP_UNKNOWN_SPI);
		}
		assert_true(esp_plane_event(pair.east.plane, &e));
		assert_int_equal(e.kind, ESP_EVENT_STRAY);
		assert_int_equal(e.id, pair.west.spec.out.spi ^ 0x5500);
		assert_true(addr_equal(&e.remote.addr, &pair.west.spec.local.addr));
		assert_false(esp_plane_event(pair.east.plane, &e));
	}
	pair_done(&pair);
}

/* RFC 3947, 4: told once; the SA follows when it is moved. */
static void
a_peer_behind_a_nat_is_followed_when_told(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;
	struct esp_event e;
	struct endpoint elsewhere = { .addr = address("198.51.100.7"), .port = 31000 };

	(void)state;
	shape.encap = true;
	pair_init(&pair, &shape);
	for (unsigned i = 0; i < 3; i++) {
		packet_make(&p, &pair.west.spec, 100, 253);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		p.sent.path.local = elsewhere;
		if (i == 0) {
			/* Not authentic: nothing is told. */
			struct packet forged = p;

			forged.b.room = forged.room;
			buf_at(&forged.b)[20] ^= 1;
			assert_int_equal(packet_in(&pair.east, pair.now, &forged), WHY_ESP_AUTH);
			assert_false(esp_plane_event(pair.east.plane, &e));
		}
		assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
		assert_int_equal(esp_plane_event(pair.east.plane, &e), i == 0);
	}
	assert_int_equal(e.kind, ESP_EVENT_MOVED);
	assert_true(endpoint_equal(&e.remote, &elsewhere));
	assert_int_equal(esp_plane_move(pair.east.plane, 1, &pair.east.spec.local, &elsewhere), 0);
	packet_make(&p, &pair.east.spec, 100, 253);
	assert_int_equal(packet_out(&pair.east, pair.now, &p), WHY_NONE);
	assert_true(endpoint_equal(&p.sent.path.remote, &elsewhere));
	pair_done(&pair);
}

/*
 * RFC 3948, 3.1.2: the peer computed its checksum over its own private
 * address; behind the NAT it must be right for the address we see.
 */
static void
transport_mode_behind_a_nat_gets_right_checksums(void **state)
{
	static const struct { uint8_t protocol; size_t at; } uppers[] = {
		{ IPPROTO_TCP_, 16 }, { IPPROTO_UDP_, 6 } };
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;

	(void)state;
	shape.suite.mode = SA_TRANSPORT;
	shape.encap = true;
	for (size_t i = 0; i < COUNT(uppers); i++)
	for (size_t n = 41; n < 43; n++) {
		pair_init(&pair, &shape);
		packet_make(&p, &pair.west.spec, 20 + n, uppers[i].protocol);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
		uint8_t pseudo[4] = { 0, uppers[i].protocol, 0, (uint8_t)n };
		uint32_t sum = checksum_add(0, view_of(buf_at(&p.b) + 12, 8));
		sum = checksum_add(checksum_add(sum, view_of(pseudo, 4)),
		    view_of(buf_at(&p.b) + 20, n));
		assert_int_equal(checksum_end(sum), 0);
		/* UDP without a checksum stays without. */
		packet_make(&p, &pair.west.spec, 20 + n, IPPROTO_UDP_);
		memset(buf_at(&p.b) + 26, 0, 2);
		assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		assert_int_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
		assert_memory_equal(buf_at(&p.b) + 26, "\0\0", 2);
		pair_done(&pair);
	}
}

static void
transport_mode_carries_whole_packets_between_its_two_ends_only(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;
	struct sa_spec other;

	(void)state;
	shape.suite.mode = SA_TRANSPORT;
	pair_bare(&pair, &shape);
	pair.west.spec.flow.remote.net = range_of("192.0.2.0", "192.0.2.255");
	install(&pair.west, pair.now);
	assert_true(sa_spec_copy(&other, &pair.west.spec));
	other.flow.remote.net.first = address("192.0.2.9");
	packet_make(&p, &other, 100, 253);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_ESP_SELECTOR);
	other.flow.remote.net.first = pair.west.spec.remote.addr;
	packet_make(&p, &other, 100, 253);
	buf_at(&p.b)[6] = 0x20;
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_ESP_SELECTOR);
	packet_make(&p, &other, 100, 253);
	assert_int_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
	sa_spec_done(&other);
	pair_done(&pair);
}

static void
garbage_from_the_device_and_the_net_is_refused(void **state)
{
	struct shape shape = shape_of(gcm128);
	struct pair pair;
	struct packet p;
	uint32_t x = 1;

	(void)state;
	pair_init(&pair, &shape);
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = i % 200;

		p.b = (struct esp_buf){ .room = p.room, .cap = sizeof(p.room),
		    .off = ESP_HEADROOM, .n = n };
		for (size_t k = 0; k < n; k++)
			buf_at(&p.b)[k] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
		if (n > 0)
			buf_at(&p.b)[0] = (uint8_t)(i % 2 ? 0x45 : 0x60);
		assert_int_not_equal(packet_out(&pair.west, pair.now, &p), WHY_NONE);
		p.b = (struct esp_buf){ .room = p.room, .cap = sizeof(p.room),
		    .off = ESP_HEADROOM, .n = n };
		p.sent.path = (struct path){ pair.west.spec.local, pair.west.spec.remote, false };
		if (n >= 4)
			memcpy(buf_at(&p.b), "\x00\x02\x00\x01", 4);
		assert_int_not_equal(packet_in(&pair.east, pair.now, &p), WHY_NONE);
	}
	pair_done(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_suite_carries_every_kind_of_packet),
		cmocka_unit_test(every_length_up_to_1500_is_carried),
		cmocka_unit_test(no_octet_of_the_text_shows_on_the_wire),
		cmocka_unit_test(each_bit_of_a_packet_is_protected),
		cmocka_unit_test(every_truncation_of_a_packet_is_refused),
		cmocka_unit_test(duplicates_and_packets_left_of_the_window_are_refused),
		cmocka_unit_test(only_authentic_packets_move_the_window),
		cmocka_unit_test(packets_outside_the_selectors_are_refused),
		cmocka_unit_test(without_an_sa_nothing_leaves_and_one_acquire_a_second_is_told),
		cmocka_unit_test(when_the_sa_goes_the_flow_stays_closed),
		cmocka_unit_test(a_packet_without_policy_is_prohibited_and_its_sender_told),
		cmocka_unit_test(no_error_is_sent_about_errors_fragments_and_groups),
		cmocka_unit_test(what_does_not_fit_the_path_goes_back_with_the_right_size),
		cmocka_unit_test(the_outer_df_is_the_inner_one),
		cmocka_unit_test(a_learned_path_mtu_counts_until_it_is_old),
		cmocka_unit_test(the_last_sequence_number_ends_the_sa),
		cmocka_unit_test(extended_sequence_numbers_go_on_behind_32_bits),
		cmocka_unit_test(dummies_vanish_and_flow_padding_is_cut_off),
		cmocka_unit_test(authentic_nonsense_is_refused),
		cmocka_unit_test(congestion_marks_are_combined),
		cmocka_unit_test(raw_and_encapsulated_packets_are_not_mixed_up),
		cmocka_unit_test(packets_for_an_spi_that_nobody_has_are_told_seldom),
		cmocka_unit_test(a_peer_behind_a_nat_is_followed_when_told),
		cmocka_unit_test(transport_mode_behind_a_nat_gets_right_checksums),
		cmocka_unit_test(transport_mode_carries_whole_packets_between_its_two_ends_only),
		cmocka_unit_test(garbage_from_the_device_and_the_net_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
