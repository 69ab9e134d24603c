#include "decoder.h"

#include "real.h"
#include "wire/message.h"

static struct message msg;

static struct view
after_header(struct view datagram)
{
	struct rd r = rd_of(datagram);

	(void)rd_take(&r, HEADER_LEN);
	return rd_rest(&r);
}

/* Accepted messages are written anew from their payloads and must be the same. */
static bool
decode_as(struct view in, bool encrypted)
{
	struct header h;
	uint8_t room[512];

	if (header_decode(in, &h) != WHY_NONE ||
	    message_parse(&h, after_header(in), encrypted, &msg) != WHY_NONE)
		return false;
	struct msg_wr m = msg_begin(room, sizeof(room), &h);
	size_t octets = 0;
	for (size_t i = 0; i < msg.n; i++) {
		assert_true(view_within(msg.payload[i].whole, msg.chain));
		assert_true(view_within(msg.payload[i].body, msg.payload[i].whole));
		assert_true((msg.present & payload_bit(msg.payload[i].type)) != 0);
		msg_payload(&m, msg.payload[i].type, msg.payload[i].body);
		octets += msg.payload[i].whole.n;
	}
	if (octets == msg.chain.n && msg.chain.n == in.n - HEADER_LEN)
		assert_true(view_equal(msg_finish(&m), in));
	return true;
}

static bool
decode_clear(struct view in)
{
	return decode_as(in, false);
}

static bool
decode_encrypted(struct view in)
{
	return decode_as(in, true);
}

static void
a_real_message_survives_every_cut_and_change(void **state)
{
	(void)state;
	decoder_prove(decode_clear, view_of(real_first, sizeof(real_first)), CUT_IS_REFUSED);
	decoder_prove(decode_encrypted, view_of(real_first, sizeof(real_first)), CUT_IS_REFUSED);
}

/* Parses payload octets whose first has type `next`. */
static enum why
parse(uint8_t next, const uint8_t *p, size_t n, bool encrypted)
{
	struct header h = { .next = next, .version = 0x10 };

	return message_parse(&h, view_of(p, n), encrypted, &msg);
}

#define PARSE(next, encrypted, ...)						\
	parse(next, (const uint8_t[]){ __VA_ARGS__ },				\
	    sizeof((const uint8_t[]){ __VA_ARGS__ }), encrypted)

static void
the_index_names_payloads_in_order(void **state)
{
	struct header h;
	STR(s, 100);

	(void)state;
	assert_int_equal(header_decode(view_of(real_first, sizeof(real_first)), &h), WHY_NONE);
	assert_int_equal(message_parse(&h, after_header(view_of(real_first, sizeof(real_first))),
	    false, &msg), WHY_NONE);
	assert_int_equal(msg.n, 3);
	assert_int_equal(message_count(&msg, PL_VENDOR), 2);
	assert_ptr_equal(message_find(&msg, PL_VENDOR, 1), &msg.payload[2]);
	assert_null(message_find(&msg, PL_VENDOR, 2));
	assert_null(message_find(&msg, PL_NONCE, 0));
	assert_int_equal(msg.present, payload_bit(PL_SA) | payload_bit(PL_VENDOR));
	message_print(&s, &msg);
	assert_string_equal(s.p, "HDR, SA, VID x2");
	msg.h.flags = FLAG_ENCRYPTION;
	s = str_of(s_room, sizeof(s_room));
	message_print(&s, &msg);
	assert_string_equal(s.p, "HDR*, SA, VID x2");
}

static void
every_payload_type_has_its_verdict(void **state)
{
	(void)state;
	for (unsigned type = 1; type < 256; type++) {
		const uint8_t body[16] = { 0, 0, 0, 16 };
		enum why why = parse((uint8_t)type, body, sizeof(body), false);

		if (type == 2 || type == 3 || (type >= 22 && type < 128))
			assert_int_equal(why, WHY_PAYLOAD_TYPE);
		else if (type >= 15 && type <= 19)
			assert_int_equal(why, WHY_PAYLOAD_MALFORMED);
		else
			assert_int_equal(why, WHY_NONE);
		if (why == WHY_NONE)
			assert_int_equal(msg.n, payload_bit((uint8_t)type) != 0);
	}
}

static void
every_payload_has_a_least_length(void **state)
{
	/* isakmpd.md 12.1, generic header included */
	static const struct { uint8_t type, least; } want[] = {
		{ 1, 8 }, { 4, 4 }, { 5, 8 }, { 6, 5 }, { 7, 5 }, { 8, 4 }, { 9, 4 }, { 10, 4 },
		{ 11, 12 }, { 12, 12 }, { 13, 4 }, { 14, 8 }, { 20, 4 }, { 21, 8 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(want); i++)
		for (uint8_t n = 0; n <= want[i].least; n++) {
			uint8_t body[16] = { 0, 0, 0, n };

			assert_int_equal(parse(want[i].type, body, n < 4 ? 4 : n, false) == WHY_NONE,
			    n == want[i].least);
		}
}

static void
a_skipped_private_payload_stays_in_the_chain(void **state)
{
	(void)state;
	assert_int_equal(PARSE(132, false, 10, 0, 0, 6, 1, 2, 0, 0, 0, 5, 7), WHY_NONE);
	assert_int_equal(msg.n, 1);
	assert_int_equal(msg.payload[0].type, PL_NONCE);
	assert_int_equal(msg.chain.n, 11);
}

static void
what_follows_the_last_payload_is_padding_only_when_encrypted(void **state)
{
	(void)state;
	assert_int_equal(PARSE(PL_NONCE, true, 0, 0, 0, 5, 7, 0xff, 3), WHY_NONE);
	assert_int_equal(msg.chain.n, 5);
	assert_int_equal(PARSE(PL_NONCE, false, 0, 0, 0, 5, 7, 0xff, 3), WHY_MESSAGE_LENGTH);
	assert_int_equal(msg.n, 0);
}

static void
broken_chains_are_refused_with_a_reason(void **state)
{
	(void)state;
	assert_int_equal(PARSE(PL_NONCE, false, 0, 0, 0), WHY_PAYLOAD_SHORT);
	assert_int_equal(PARSE(PL_NONCE, false, 0, 1, 0, 5, 7), WHY_RESERVED);
	assert_int_equal(PARSE(PL_NONCE, false, 0, 0, 0, 6, 7), WHY_PAYLOAD_SHORT);
	assert_int_equal(PARSE(PL_NONCE, false, 10, 0, 0, 5, 7), WHY_PAYLOAD_SHORT);
	/* r2: a payload of no length would make a walk stand still */
	assert_int_equal(PARSE(PL_NONCE, false, 10, 0, 0, 0), WHY_PAYLOAD_MALFORMED);
}

static void
r2_more_payloads_than_the_bound_are_refused(void **state)
{
	uint8_t chain[4 * (PAYLOADS_MAX + 1)];

	(void)state;
	for (size_t i = 0; i < sizeof(chain); i += 4) {
		chain[i] = PL_VENDOR;
		chain[i + 1] = chain[i + 2] = 0;
		chain[i + 3] = 4;
	}
	chain[sizeof(chain) - 8] = PL_NONE;
	assert_int_equal(parse(PL_VENDOR, chain, sizeof(chain) - 4, false), WHY_NONE);
	assert_int_equal(msg.n, PAYLOADS_MAX);
	chain[sizeof(chain) - 8] = PL_VENDOR;
	chain[sizeof(chain) - 4] = PL_NONE;
	assert_int_equal(parse(PL_VENDOR, chain, sizeof(chain), false), WHY_PAYLOAD_COUNT);
}

static void
a_written_message_is_padded_to_the_block_after_its_header(void **state)
{
	const struct header h = { .version = 0x10, .exchange = EXCH_INFO, .next = 77 };
	uint8_t room[128];
	struct msg_wr m = msg_begin(room, sizeof(room), &h);
	struct header back;

	(void)state;
	msg_payload(&m, PL_HASH, view_str("0123456789"));
	struct view v = msg_finish_padded(&m, 16);
	assert_int_equal(v.n, HEADER_LEN + 16);
	assert_int_equal(header_decode(v, &back), WHY_NONE);
	assert_int_equal(back.next, PL_HASH);
	assert_int_equal(back.version, 0x10);
	v = msg_finish_padded(&m, 16);
	assert_int_equal(v.n, HEADER_LEN + 16);
	assert_int_equal(message_parse(&back, after_header(v), true, &msg), WHY_NONE);
	assert_int_equal(msg.chain.n, 14);
}

static void
a_message_that_does_not_fit_is_empty(void **state)
{
	const struct header h = { .version = 0x10 };

	(void)state;
	for (size_t cap = 0; cap < HEADER_LEN + 9; cap++) {
		uint8_t *room = malloc(cap + 1);
		struct msg_wr m = msg_begin(room, cap, &h);
		struct pl_mark k = msg_open(&m, PL_NONCE);

		wr_zero(&m.w, 5);
		msg_close(&m, k);
		assert_int_equal(msg_finish_padded(&m, 8).n, 0);
		free(room);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_message_survives_every_cut_and_change),
		cmocka_unit_test(the_index_names_payloads_in_order),
		cmocka_unit_test(every_payload_type_has_its_verdict),
		cmocka_unit_test(every_payload_has_a_least_length),
		cmocka_unit_test(a_skipped_private_payload_stays_in_the_chain),
		cmocka_unit_test(what_follows_the_last_payload_is_padding_only_when_encrypted),
		cmocka_unit_test(broken_chains_are_refused_with_a_reason),
		cmocka_unit_test(r2_more_payloads_than_the_bound_are_refused),
		cmocka_unit_test(a_written_message_is_padded_to_the_block_after_its_header),
		cmocka_unit_test(a_message_that_does_not_fit_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
