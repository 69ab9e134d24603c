/* Large TCP packets, cut and joined; checksums are checked by the definition of RFC 1071. */
#include "prove.h"

#include "esp/offload.h"

enum { PAYLOAD = 5000, MSS = 1400, HEAD4 = 20 + 32, HEAD6 = 40 + 32, ROOM = 8192, SEGMENTS = 4,
	SEQ = 0xfffffa00 };

/* Two octets at a time, as the RFC's first paragraph says. */
static unsigned
plain_sum(const uint8_t *p, size_t n, unsigned sum)
{
	for (size_t i = 0; i < n; i += 2) {
		sum += (unsigned)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0u);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static bool
tcp_is_right(const uint8_t *p, size_t n, bool six)
{
	size_t ip_n = six ? 40 : 20;
	unsigned sum = plain_sum(p + (six ? 8 : 12), six ? 32 : 8, 6 + (unsigned)(n - ip_n));

	return plain_sum(p + ip_n, n - ip_n, sum) == 0xffff &&
	    (six || plain_sum(p, 20, 0) == 0xffff);
}

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* A packet as the stack hands it over: TCP with timestamps, PSH and ACK. */
static size_t
large(uint8_t *p, bool six)
{
	size_t ip_n = six ? 40 : 20, n = ip_n + 32 + PAYLOAD;

	memset(p, 0, ROOM);
	if (six) {
		p[0] = 0x60;
		p[4] = (uint8_t)((n - 40) >> 8);
		p[5] = (uint8_t)(n - 40);
		p[6] = 6;
		p[7] = 64;
		p[8] = p[24] = 0xfd;
		p[23] = 1;
		p[39] = 2;
	} else {
		p[0] = 0x45;
		p[2] = (uint8_t)(n >> 8);
		p[3] = (uint8_t)n;
		p[5] = 7;
		p[6] = 0x40;
		p[8] = 64;
		p[9] = 6;
		put32(p + 12, 0x0a010002);
		put32(p + 16, 0x0a020002);
	}
	uint8_t *t = p + ip_n;
	t[0] = 0x13;
	t[3] = 80;
	put32(t + 4, SEQ);
	put32(t + 8, 4711);
	t[12] = 8 << 4;
	t[13] = 0x18;
	t[14] = 0x7f;
	memcpy(t + 20, "\x01\x01\x08\x0a" "abcdefgh", 12);
	for (size_t i = 0; i < PAYLOAD; i++)
		t[32 + i] = (uint8_t)(i * 7 + i / 251);
	return n;
}

static unsigned
cut_all(const uint8_t *whole, size_t n, uint8_t room[][ROOM], struct esp_buf *ret)
{
	struct tcp_cut cut;
	unsigned k = 0;

	assert_true(tcp_cut_begin(view_of(whole, n), MSS, &cut));
	for (;; k++) {
		struct esp_buf b = { .room = room[k], .cap = ROOM, .off = ESP_HEADROOM };

		if (!tcp_cut_next(&cut, &b))
			return k;
		assert_true(k < SEGMENTS);
		ret[k] = b;
	}
}

static void
prove_both_ways(bool six)
{
	static uint8_t whole[ROOM], room[SEGMENTS + 1][ROOM];
	struct esp_buf b[SEGMENTS];
	struct tcp_join join;
	struct view v, payload;
	size_t n = large(whole, six), head = six ? HEAD6 : HEAD4, ip_n = head - 32, at = MSS;

	assert_int_equal(cut_all(whole, n, room, b), SEGMENTS);
	for (unsigned i = 0; i < SEGMENTS; i++) {
		uint8_t seq[4];

		v = buf_view(&b[i]);
		put32(seq, (uint32_t)(SEQ + i * MSS));
		assert_int_equal(v.n, head + (i < 3 ? MSS : PAYLOAD - 3 * MSS));
		assert_memory_equal(v.p + ip_n + 4, seq, 4);
		assert_memory_equal(v.p + head, whole + head + i * MSS, v.n - head);
		assert_int_equal(v.p[ip_n + 13], i < 3 ? 0x10 : 0x18);
		assert_true(tcp_is_right(v.p, v.n, six));
		if (!six)
			assert_int_equal(v.p[5], 7 + i);
	}
	assert_true(tcp_join_begin(&join, &b[0]));
	for (unsigned i = 1; i < SEGMENTS; i++) {
		assert_true(tcp_join_add(&join, buf_view(&b[i]), &payload));
		assert_memory_equal(payload.p, whole + head + at, payload.n);
		at += payload.n;
	}
	assert_int_equal(at, PAYLOAD);
	assert_true(join.closed);
	tcp_join_end(&join);
	v = buf_view(&join.first);
	/* Its headers are the whole's, but for the checksums: a seed in TCP's place. */
	memcpy(whole + ip_n + 16, v.p + ip_n + 16, 2);
	if (!six)
		memcpy(whole + 10, v.p + 10, 2);
	assert_memory_equal(v.p, whole, head);
	struct esp_buf all = { .room = whole, .cap = ROOM, .n = n };
	assert_true(checksum_finish(&all, ip_n, 16));
	assert_true(tcp_is_right(whole, n, six));
}

static void
what_is_cut_is_right_and_joins_again(void **state)
{
	(void)state;
	prove_both_ways(false);
	prove_both_ways(true);
}

static void
only_the_next_segment_of_the_same_stream_joins(void **state)
{
	static uint8_t whole[ROOM], room[SEGMENTS + 1][ROOM];
	static const size_t places[] = { 1, 8, 15, 19, 22, 31, 34, 49 };	/* tos, ttl, addresses, ports, ack, window, options */
	struct esp_buf b[SEGMENTS];
	struct tcp_join join;
	struct view payload;

	(void)state;
	cut_all(whole, large(whole, false), room, b);
	assert_true(tcp_join_begin(&join, &b[0]));
	assert_false(tcp_join_add(&join, buf_view(&b[2]), &payload));
	for (size_t i = 0; i < COUNT(places); i++) {
		buf_at(&b[1])[places[i]] ^= 1;
		assert_false(tcp_join_add(&join, buf_view(&b[1]), &payload));
		buf_at(&b[1])[places[i]] ^= 1;
	}
	assert_true(tcp_join_add(&join, buf_view(&b[1]), &payload));
	assert_false(tcp_join_add(&join, buf_view(&b[1]), &payload));
	/* The last one is shorter and pushed: nothing comes behind it. */
	assert_true(tcp_join_begin(&join, &b[3]));
	assert_true(join.closed);
}

static void
a_wrong_checksum_never_joins(void **state)
{
	static uint8_t whole[ROOM], room[SEGMENTS + 1][ROOM];
	struct esp_buf b[SEGMENTS];
	struct tcp_join join;
	struct view payload;

	(void)state;
	cut_all(whole, large(whole, false), room, b);
	assert_true(tcp_join_begin(&join, &b[0]));
	buf_at(&b[1])[HEAD4 + 100] ^= 4;
	assert_false(tcp_join_add(&join, buf_view(&b[1]), &payload));
	buf_at(&b[0])[HEAD4 + 100] ^= 4;
	assert_false(tcp_join_begin(&join, &b[0]));
}

static void
no_octets_make_it_read_or_write_outside(void **state)
{
	static uint8_t whole[ROOM];
	uint8_t room[256];
	struct tcp_cut cut;
	struct tcp_join join;
	struct esp_buf b;
	size_t n = large(whole, false);

	(void)state;
	for (size_t i = 0; i < HEAD4; i++)
		for (unsigned v = 0; v < 256; v++) {
			uint8_t was = whole[i];

			whole[i] = (uint8_t)v;
			b = (struct esp_buf){ .room = room, .cap = sizeof(room), .off = ESP_HEADROOM };
			if (tcp_cut_begin(view_of(whole, n), 64, &cut))
				assert_true(!tcp_cut_next(&cut, &b) || b.n <= sizeof(room) - ESP_HEADROOM);
			b = (struct esp_buf){ .room = whole, .cap = ROOM, .n = n };
			(void)!tcp_join_begin(&join, &b);
			whole[i] = was;
		}
	for (size_t len = 0; len < HEAD4 + 1; len++)
		assert_false(tcp_cut_begin(view_of(whole, len), MSS, &cut));
	assert_false(tcp_cut_begin(view_of(whole, n), 0, &cut));
	b = (struct esp_buf){ .room = room, .cap = sizeof(room), .n = 20 };
	assert_false(checksum_finish(&b, 21, 0));
	assert_false(checksum_finish(&b, 19, 0));
	assert_false(checksum_finish(&b, 10, 9));
	assert_false(checksum_finish(&b, 0, SIZE_MAX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_cut_is_right_and_joins_again),
		cmocka_unit_test(only_the_next_segment_of_the_same_stream_joins),
		cmocka_unit_test(a_wrong_checksum_never_joins),
		cmocka_unit_test(no_octets_make_it_read_or_write_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
