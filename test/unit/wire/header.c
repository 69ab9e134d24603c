#include "decoder.h"

#include "real.h"
#include "wire/message.h"

static bool
decode(struct view in)
{
	struct header h;
	uint8_t room[HEADER_LEN];
	struct wr w = wr_of(room, sizeof(room));

	if (header_decode(in, &h) != WHY_NONE)
		return false;
	header_encode(&w, &h);
	assert_true(view_equal(wr_done(&w), view_of(in.p, HEADER_LEN)));
	assert_true(header_check(&h) < WHY_MAX);
	return true;
}

static void
a_real_header_survives_every_cut_and_change(void **state)
{
	(void)state;
	decoder_prove(decode, view_of(real_first, sizeof(real_first)), CUT_IS_REFUSED);
}

static void
fields_stand_where_rfc_2408_draws_them(void **state)
{
	struct header h;

	(void)state;
	assert_int_equal(header_decode(view_of(real_first, sizeof(real_first)), &h), WHY_NONE);
	assert_int_equal(h.icookie[0], 0xa1);
	assert_true(cookie_is_zero(h.rcookie));
	assert_false(cookie_is_zero(h.icookie));
	assert_int_equal(h.next, PL_SA);
	assert_int_equal(h.version, 0x10);
	assert_int_equal(h.exchange, EXCH_ID_PROT);
	assert_int_equal(h.length, sizeof(real_first));
}

static void
a_length_other_than_the_datagrams_is_refused(void **state)
{
	uint8_t m[sizeof(real_first) + 1] = { 0 };
	struct header h;

	(void)state;
	memcpy(m, real_first, sizeof(real_first));
	assert_int_equal(header_decode(view_of(m, sizeof(m)), &h), WHY_MESSAGE_LENGTH);
	assert_int_equal(header_decode(view_of(m, 27), &h), WHY_MESSAGE_LENGTH);
	assert_int_equal(header_decode(view_of(NULL, 0), &h), WHY_MESSAGE_LENGTH);
}

static struct header
good(void)
{
	return (struct header){ .icookie = { 1 }, .rcookie = { 2 }, .next = PL_SA,
	    .version = 0x10, .exchange = EXCH_ID_PROT };
}

static void
each_check_of_the_header_has_its_own_reason(void **state)
{
	struct header h = good();

	(void)state;
	assert_int_equal(header_check(&h), WHY_NONE);
	h = good(); h.next = 22;
	assert_int_equal(header_check(&h), WHY_PAYLOAD_TYPE);
	h = good(); h.next = 132;	/* private use, as fragments of others have */
	assert_int_equal(header_check(&h), WHY_NONE);
	h = good(); h.version = 0x20;
	assert_int_equal(header_check(&h), WHY_MAJOR_VERSION);
	h = good(); h.version = 0x11;
	assert_int_equal(header_check(&h), WHY_MINOR_VERSION);
	h = good(); h.flags = 8;
	assert_int_equal(header_check(&h), WHY_FLAGS);
	h = good(); h.flags = 7;
	assert_int_equal(header_check(&h), WHY_NONE);
	h = good(); h.rcookie[0] = 0; h.message_id = 1;
	assert_int_equal(header_check(&h), WHY_MESSAGE_ID);
	h.exchange = EXCH_INFO;
	assert_int_equal(header_check(&h), WHY_NONE);
}

static void
exchange_types_0_and_7_to_31_never_pass_and_32_needs_a_responder_cookie(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		struct header h = good();
		bool never = type == 0 || (type >= 7 && type <= 31);

		h.exchange = (uint8_t)type;
		assert_int_equal(header_check(&h), never ? WHY_EXCHANGE_TYPE : WHY_NONE);
		h.rcookie[0] = 0;
		assert_int_equal(header_check(&h),
		    never || type >= 32 ? WHY_EXCHANGE_TYPE : WHY_NONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_header_survives_every_cut_and_change),
		cmocka_unit_test(fields_stand_where_rfc_2408_draws_them),
		cmocka_unit_test(a_length_other_than_the_datagrams_is_refused),
		cmocka_unit_test(each_check_of_the_header_has_its_own_reason),
		cmocka_unit_test(exchange_types_0_and_7_to_31_never_pass_and_32_needs_a_responder_cookie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
