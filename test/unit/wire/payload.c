#include "decoder.h"

#include "wire/payload.h"

static bool
decode_id(struct view in)
{
	uint8_t room[ID_DATA_MAX + 4];
	struct wr w = wr_of(room, sizeof(room));
	struct id id;

	if (id_decode(in, &id) != WHY_NONE)
		return false;
	id_encode(&w, &id);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static bool
decode_notify(struct view in)
{
	uint8_t room[256];
	struct wr w = wr_of(room, sizeof(room));
	struct notify_body n;

	if (notify_decode(in, &n) != WHY_NONE)
		return false;
	notify_encode(&w, &n);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static bool
decode_delete(struct view in)
{
	uint8_t room[256];
	struct wr w = wr_of(room, sizeof(room));
	struct delete_body d;

	if (delete_decode(in, &d) != WHY_NONE)
		return false;
	delete_encode(&w, &d);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

#define PROVE(fn, cut, ...)							\
	decoder_prove(fn, view_of(((const uint8_t[]){ __VA_ARGS__ }),		\
	    sizeof((const uint8_t[]){ __VA_ARGS__ })), cut)

static void
ids_of_every_kind_survive_every_cut_and_change(void **state)
{
	(void)state;
	PROVE(decode_id, CUT_IS_REFUSED, 1, 17, 1, 0xf4, 192, 0, 2, 1);
	PROVE(decode_id, CUT_MAY_PASS, 2, 0, 0, 0, 'g', 'w', '.', 'e', 'x');
	PROVE(decode_id, CUT_MAY_PASS, 3, 0, 0, 0, 'u', '@', 'e', 'x');
	PROVE(decode_id, CUT_IS_REFUSED, 4, 0, 0, 0, 10, 1, 0, 0, 255, 255, 0, 0);
	PROVE(decode_id, CUT_IS_REFUSED, 5, 0, 0, 0,
	    0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
	PROVE(decode_id, CUT_IS_REFUSED, 6, 0, 0, 0,
	    0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	    255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	PROVE(decode_id, CUT_IS_REFUSED, 7, 6, 0, 80, 10, 0, 0, 1, 10, 0, 0, 9);
	PROVE(decode_id, CUT_IS_REFUSED, 8, 0, 0, 0,
	    0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	    0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);
	PROVE(decode_id, CUT_MAY_PASS, 11, 0, 0, 0, 0xff, 0, 1);
}

static enum why
id_why(uint8_t type, size_t n, const char *data)
{
	static uint8_t body[4 + ID_DATA_MAX + 1];
	struct id id;

	memset(body, 0, sizeof(body));
	body[0] = type;
	if (data != NULL)
		memcpy(body + 4, data, n);
	return id_decode(view_of(body, 4 + n), &id);
}

static void
ids_of_wrong_type_length_or_range_are_refused(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++)
		if (type == 0 || type > 11)
			assert_int_equal(id_why((uint8_t)type, 4, NULL), WHY_ID_TYPE);
		else	/* three octets are an address of no kind */
			assert_int_equal(id_why((uint8_t)type, 3, NULL) == WHY_NONE,
			    type == 2 || type == 3 || type >= 9);
	assert_int_equal(id_why(ID_FQDN, 0, NULL), WHY_ID_LENGTH);
	assert_int_equal(id_why(ID_KEY_ID, ID_DATA_MAX, NULL), WHY_NONE);
	assert_int_equal(id_why(ID_KEY_ID, ID_DATA_MAX + 1, NULL), WHY_ID_LENGTH);
	assert_int_equal(id_why(ID_IPV4_ADDR_SUBNET, 8, "\x0a\0\0\0\xff\0\xff\0"), WHY_ID_RANGE);
	assert_int_equal(id_why(ID_IPV4_RANGE, 8, "\x0a\0\0\x09\x0a\0\0\x01"), WHY_ID_RANGE);
}

static void
a_notify_survives_every_cut_and_change(void **state)
{
	(void)state;
	/* INITIAL-CONTACT with both cookies (RFC 2407, 4.6.3.3) */
	PROVE(decode_notify, CUT_IS_REFUSED, 0, 0, 0, 1, 1, 16, 0x60, 2,
	    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
	/* R-U-THERE with a sequence number (RFC 3706, 5.3) */
	PROVE(decode_notify, CUT_MAY_PASS, 0, 0, 0, 1, 1, 16, 0x8d, 0x28,
	    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 0, 0x30, 0x39);
}

static void
r2_a_notify_whose_spi_overruns_it_is_refused(void **state)
{
	const uint8_t body[] = { 0, 0, 0, 1, 3, 4, 0, 14, 1, 2, 3 };
	uint8_t big[8 + 17] = { 0, 0, 0, 1, 3, 17, 0, 14 };
	struct notify_body n;

	(void)state;
	assert_int_equal(notify_decode(view_of(body, sizeof(body)), &n), WHY_PAYLOAD_SHORT);
	assert_int_equal(notify_decode(view_of(big, sizeof(big)), &n), WHY_SPI_LEN);
	big[3] = 2;
	assert_int_equal(notify_decode(view_of(big, sizeof(big)), &n), WHY_DOI);
	assert_int_equal(notify_decode(view_of(big, 7), &n), WHY_PAYLOAD_SHORT);
}

static void
a_delete_survives_every_cut_and_change(void **state)
{
	(void)state;
	PROVE(decode_delete, CUT_IS_REFUSED, 0, 0, 0, 1, 3, 4, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8);
	PROVE(decode_delete, CUT_IS_REFUSED, 0, 0, 0, 1, 1, 16, 0, 1,
	    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
}

static void
r2_spis_must_fill_a_delete_exactly(void **state)
{
	uint8_t body[] = { 0, 0, 0, 1, 3, 4, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct delete_body d;

	(void)state;
	body[6] = 0xff;			/* CVE-2004-0221: a huge count */
	assert_int_equal(delete_decode(view_of(body, sizeof(body)), &d), WHY_PAYLOAD_SHORT);
	body[6] = 0, body[7] = 1;
	assert_int_equal(delete_decode(view_of(body, sizeof(body)), &d), WHY_PAYLOAD_MALFORMED);
	body[7] = 0;
	assert_int_equal(delete_decode(view_of(body, 8), &d), WHY_PAYLOAD_MALFORMED);
	body[5] = 0;
	assert_int_equal(delete_decode(view_of(body, sizeof(body)), &d), WHY_SPI_LEN);
	body[5] = 17;
	assert_int_equal(delete_decode(view_of(body, sizeof(body)), &d), WHY_SPI_LEN);
	body[3] = 9;
	assert_int_equal(delete_decode(view_of(body, sizeof(body)), &d), WHY_DOI);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_of_every_kind_survive_every_cut_and_change),
		cmocka_unit_test(ids_of_wrong_type_length_or_range_are_refused),
		cmocka_unit_test(a_notify_survives_every_cut_and_change),
		cmocka_unit_test(r2_a_notify_whose_spi_overruns_it_is_refused),
		cmocka_unit_test(a_delete_survives_every_cut_and_change),
		cmocka_unit_test(r2_spis_must_fill_a_delete_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
