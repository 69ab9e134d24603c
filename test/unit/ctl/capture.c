#include "prove.h"

#include "ctl/capture.h"

/* 28 octets of a header: enough for a message. */
static const uint8_t message[28] = { 1, 2, 3, 4, 5, 6, 7, 8, [16] = 0, 0x10, 2, 0,
    [27] = 28 };
static uint8_t room[CAPTURE_RECORD_MAX];

static struct endpoint
at(const char *text, uint16_t port)
{
	struct endpoint e = { .port = port };

	assert_true(addr_parse(text, &e.addr));
	return e;
}

static struct view
recorded(const char *from, uint16_t from_port, const char *to, uint16_t to_port)
{
	struct capture_packet p = { .secs = 1000000000, .usecs = 123456, .number = 7,
	    .from = at(from, from_port), .to = at(to, to_port),
	    .message = view_of(message, sizeof(message)) };
	struct wr w = wr_of(room, sizeof(room));

	capture_record(&w, &p);
	assert_false(w.bad);
	return wr_done(&w);
}

static uint32_t
host_u32(struct view v, size_t where)
{
	uint32_t n;

	assert_true(where + 4 <= v.n);
	memcpy(&n, v.p + where, 4);
	return n;
}

/* RFC 1071: over everything, its own field included, the sum is all ones. */
static uint32_t
folded(struct view v, uint32_t n)
{
	for (size_t i = 0; i < v.n; i++)
		n += i % 2 == 0 ? (uint32_t)v.p[i] << 8 : v.p[i];
	while (n >> 16 != 0)
		n = (n & 0xffff) + (n >> 16);
	return n;
}

static void
the_header_is_that_of_a_classic_capture_with_link_type_108(void **state)
{
	uint8_t own[CAPTURE_HEADER];
	struct wr w = wr_of(own, sizeof(own));
	uint16_t version[2];

	(void)state;
	capture_header(&w);
	assert_int_equal(wr_done(&w).n, 24);
	assert_int_equal(host_u32(wr_done(&w), 0), 0xa1b2c3d4);
	memcpy(version, own + 4, sizeof(version));
	assert_int_equal(version[0], 2);
	assert_int_equal(version[1], 4);
	assert_int_equal(host_u32(wr_done(&w), 8), 0);
	assert_int_equal(host_u32(wr_done(&w), 12), 0);
	assert_int_equal(host_u32(wr_done(&w), 16), 65536);
	assert_int_equal(host_u32(wr_done(&w), 20), 108);
	assert_true(capture_compatible(view_of(own, sizeof(own))));
	/* one of another link type, of the other byte order, or cut */
	for (size_t i = 0; i < sizeof(own); i++) {
		own[i] ^= 1;
		assert_false(capture_compatible(view_of(own, sizeof(own))));
		assert_false(capture_compatible(view_of(own, i)));
		own[i] ^= 1;
	}
}

static void
an_ip4_record_has_family_2_ip_and_udp(void **state)
{
	struct view v = recorded("192.0.2.1", 500, "198.51.100.2", 1500);
	static const uint8_t ip[] = { 0, 0, 0, 2, 0x45, 0, 0, 56, 0, 7, 0, 0, 64, 17 };
	static const uint8_t ends[] = { 192, 0, 2, 1, 198, 51, 100, 2,
	    500 >> 8, 500 & 255, 1500 >> 8, 1500 & 255, 0, 36 };

	(void)state;
	assert_int_equal(v.n, 16 + 4 + 20 + 8 + 28);
	assert_int_equal(host_u32(v, 0), 1000000000);
	assert_int_equal(host_u32(v, 4), 123456);
	assert_int_equal(host_u32(v, 8), 60);
	assert_int_equal(host_u32(v, 12), 60);
	assert_memory_equal(v.p + 16, ip, sizeof(ip));
	assert_memory_equal(v.p + 32, ends, sizeof(ends));
	assert_int_equal(folded(view_of(v.p + 20, 20), 0), 0xffff);
	/* the pseudo header: addresses, protocol, UDP length */
	assert_int_equal(folded(view_of(v.p + 32, v.n - 32), 17 + 36), 0xffff);
	assert_memory_equal(v.p + 48, message, sizeof(message));
}

static void
an_ip6_record_has_family_24(void **state)
{
	struct view v = recorded("2001:db8::1", 500, "2001:db8::2", 500);
	static const uint8_t ip[] = { 0, 0, 0, 24, 0x60, 0, 0, 0, 0, 36, 17, 64, 0x20, 1, 0xd, 0xb8 };

	(void)state;
	assert_int_equal(v.n, 16 + 4 + 40 + 8 + 28);
	assert_memory_equal(v.p + 16, ip, sizeof(ip));
	assert_int_equal(folded(view_of(v.p + 28, v.n - 28), 17 + 36), 0xffff);
	assert_memory_equal(v.p + 68, message, sizeof(message));
}

static void
a_nat_t_port_on_either_side_means_a_marker(void **state)
{
	static const uint16_t ports[][2] = { { 4500, 4500 }, { 4500, 31000 }, { 31000, 4500 } };

	(void)state;
	for (size_t i = 0; i < COUNT(ports); i++) {
		struct view v = recorded("192.0.2.1", ports[i][0], "192.0.2.2", ports[i][1]);

		assert_int_equal(v.n, 16 + 4 + 20 + 8 + 4 + 28);
		assert_int_equal(host_u32(v, 16 + 4 + 20 + 8), 0);
		assert_memory_equal(v.p + 52, message, sizeof(message));
		assert_int_equal(folded(view_of(v.p + 32, v.n - 32), 17 + 40), 0xffff);
	}
}

static void
what_is_too_large_is_not_recorded(void **state)
{
	static const uint8_t large[CAPTURE_PACKET_MAX];
	struct capture_packet p = { .from = at("192.0.2.1", 500), .to = at("192.0.2.2", 500),
	    .message = view_of(large, CAPTURE_PACKET_MAX - 32) };
	struct wr w = wr_of(room, sizeof(room));

	(void)state;
	capture_record(&w, &p);
	assert_false(w.bad);
	p.message.n++;
	w = wr_of(room, sizeof(room));
	capture_record(&w, &p);
	assert_true(w.bad);
	assert_int_equal(w.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_is_that_of_a_classic_capture_with_link_type_108),
		cmocka_unit_test(an_ip4_record_has_family_2_ip_and_udp),
		cmocka_unit_test(an_ip6_record_has_family_24),
		cmocka_unit_test(a_nat_t_port_on_either_side_means_a_marker),
		cmocka_unit_test(what_is_too_large_is_not_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
