#include "decoder.h"

#include "real.h"
#include "wire/sa.h"

/* The SA payload's body in real_first. */
static struct view
real_body(void)
{
	return view_of(real_first + HEADER_LEN + 4, 96);
}

/* Every attribute takes at least its header from the rest. */
static void
walk_attributes(struct view more)
{
	while (more.n > 0) {
		struct attribute a;
		size_t before = more.n;

		assert_int_equal(attribute_next(&more, &a), WHY_NONE);
		assert_int_equal(before - more.n, a.basic ? 4 : 4 + a.data.n);
	}
}

/* Reads everything and writes it anew. */
static void
round_trip(const struct sa_body *sa, struct view in)
{
	const struct header h = { .version = 0x10 };
	uint8_t room[4096];
	struct msg_wr m = msg_begin(room, sizeof(room), &h);
	struct pl_mark k = msg_open(&m, PL_SA);
	struct sa_wr s = sa_wr_begin(&m);
	struct view proposals = sa->proposals;
	int number = -1;

	while (proposals.n > 0) {
		struct proposal p;

		assert_int_equal(proposal_next(&proposals, number, &p), WHY_NONE);
		assert_true(view_within(p.spi, in) && view_within(p.transforms, in));
		number = p.number;
		sa_wr_proposal(&s, p.number, p.protocol, p.spi);
		struct view transforms = p.transforms;
		for (int last = -1; transforms.n > 0;) {
			struct transform t;

			assert_int_equal(transform_next(&transforms, last, &t), WHY_NONE);
			last = t.number;
			sa_wr_transform(&s, t.number, t.id);
			walk_attributes(t.attributes);
			sa_wr_raw_attributes(&s, t.attributes);
		}
	}
	sa_wr_end(&s);
	msg_close(&m, k);
	struct view out = msg_finish(&m);
	assert_int_equal(out.n, HEADER_LEN + 4 + in.n);
	assert_true(view_equal(view_of(out.p + HEADER_LEN + 4, in.n), in));
}

static bool
decode(struct view in)
{
	struct sa_body sa;

	if (sa_decode(in, &sa) != WHY_NONE || sa_check(&sa) != WHY_NONE)
		return false;
	round_trip(&sa, in);
	return true;
}

static void
a_real_sa_survives_every_cut_and_change(void **state)
{
	(void)state;
	decoder_prove(decode, real_body(), CUT_IS_REFUSED);
}

static void
transforms_and_attributes_are_read_as_offered(void **state)
{
	/* type, value */
	static const uint32_t want[][2] = {
		{ P1_ENCRYPTION_ALGORITHM, CIPHER_3DES_CBC }, { P1_HASH_ALGORITHM, HASH_SHA },
		{ P1_AUTHENTICATION_METHOD, AUTH_PRE_SHARED },
		{ P1_GROUP_DESCRIPTION, GROUP_MODP_1024 },
		{ P1_LIFE_TYPE, LIFE_SECONDS }, { P1_LIFE_DURATION, 3600 },
	};
	struct sa_body sa;
	struct proposal p;
	struct transform t;
	struct attribute a;

	(void)state;
	assert_int_equal(sa_decode(real_body(), &sa), WHY_NONE);
	assert_int_equal(proposal_next(&sa.proposals, -1, &p), WHY_NONE);
	assert_int_equal(sa.proposals.n, 0);
	assert_int_equal(p.protocol, PROTO_ISAKMP);
	assert_int_equal(p.n_transforms, 2);
	assert_int_equal(transform_next(&p.transforms, -1, &t), WHY_NONE);
	assert_int_equal(transform_next(&p.transforms, t.number, &t), WHY_NONE);
	assert_int_equal(p.transforms.n, 0);
	assert_int_equal(t.number, 2);
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_int_equal(attribute_next(&t.attributes, &a), WHY_NONE);
		assert_int_equal(a.type, want[i][0]);
		assert_int_equal(a.value, want[i][1]);
		assert_int_equal(a.basic, i < 5);
	}
	assert_int_equal(t.attributes.n, 0);
}

static void
the_writer_makes_what_the_rfc_draws(void **state)
{
	/* RFC 2407, 4.6.1: quick mode, ESP AES-128 and HMAC-SHA, a second proposal NULL */
	static const uint8_t want[] = {
		0, 0, 0, 1, 0, 0, 0, 1,
		2, 0, 0, 52, 1, 3, 4, 2, 0xde, 0xad, 0xbe, 0xef,
		3, 0, 0, 24, 1, 12, 0, 0, 0x80, 6, 0, 128, 0x80, 5, 0, 2,
		0, 2, 0, 4, 0, 1, 0, 0,
		0, 0, 0, 16, 2, 3, 0, 0, 0x80, 5, 0, 2, 0x80, 4, 0, 1,
		0, 0, 0, 24, 2, 3, 4, 1, 1, 2, 3, 4,
		0, 0, 0, 12, 1, 11, 0, 0, 0x80, 5, 0, 2,
	};
	const struct header h = { .version = 0x10 };
	uint8_t room[256];
	struct msg_wr m = msg_begin(room, sizeof(room), &h);
	struct pl_mark k = msg_open(&m, PL_SA);
	struct sa_wr s = sa_wr_begin(&m);

	(void)state;
	sa_wr_proposal(&s, 1, PROTO_IPSEC_ESP, view_of("\xde\xad\xbe\xef", 4));
	sa_wr_transform(&s, 1, ESP_AES);
	sa_wr_attribute(&s, P2_KEY_LENGTH, 128);
	sa_wr_attribute(&s, P2_AUTHENTICATION_ALGORITHM, AUTHALG_HMAC_SHA);
	sa_wr_attribute(&s, P2_SA_LIFE_DURATION, 65536);
	sa_wr_transform(&s, 2, ESP_3DES);
	sa_wr_attribute(&s, P2_AUTHENTICATION_ALGORITHM, AUTHALG_HMAC_SHA);
	sa_wr_attribute(&s, P2_ENCAPSULATION_MODE, ENCAP_TUNNEL);
	sa_wr_proposal(&s, 2, PROTO_IPSEC_ESP, view_of("\1\2\3\4", 4));
	sa_wr_transform(&s, 1, ESP_NULL);
	sa_wr_attribute(&s, P2_AUTHENTICATION_ALGORITHM, AUTHALG_HMAC_SHA);
	sa_wr_end(&s);
	msg_close(&m, k);
	struct view out = msg_finish(&m);
	assert_int_equal(out.n, HEADER_LEN + 4 + sizeof(want));
	assert_memory_equal(out.p + HEADER_LEN + 4, want, sizeof(want));
	assert_true(decode(view_of(want, sizeof(want))));
	decoder_prove(decode, view_of(want, sizeof(want)), CUT_IS_REFUSED);
}

static enum why
check_changed(size_t at, uint8_t value)
{
	uint8_t body[96];
	struct sa_body sa;

	memcpy(body, real_body().p, sizeof(body));
	body[at] = value;
	enum why why = sa_decode(view_of(body, sizeof(body)), &sa);
	return why != WHY_NONE ? why : sa_check(&sa);
}

static void
each_fault_has_its_own_reason(void **state)
{
	(void)state;
	assert_int_equal(check_changed(0, 0), WHY_NONE);
	assert_int_equal(check_changed(3, 0), WHY_DOI);
	assert_int_equal(check_changed(3, 2), WHY_DOI);
	assert_int_equal(check_changed(7, 2), WHY_SITUATION);
	assert_int_equal(check_changed(8, 3), WHY_PAYLOAD_TYPE);	/* proposal links transform */
	assert_int_equal(check_changed(8, 2), WHY_PROPOSAL_SYNTAX);	/* and nothing follows */
	assert_int_equal(check_changed(9, 1), WHY_RESERVED);
	assert_int_equal(check_changed(11, 89), WHY_PAYLOAD_SHORT);
	assert_int_equal(check_changed(11, 87), WHY_PROPOSAL_SYNTAX);	/* an octet too many */
	assert_int_equal(check_changed(13, 0), WHY_PROTOCOL_ID);
	assert_int_equal(check_changed(13, 5), WHY_PROTOCOL_ID);
	assert_int_equal(check_changed(14, 17), WHY_SPI_LEN);
	assert_int_equal(check_changed(15, 1), WHY_PROPOSAL_SYNTAX);	/* transforms uncounted */
	assert_int_equal(check_changed(15, 3), WHY_PAYLOAD_SHORT);	/* ... and missing */
	assert_int_equal(check_changed(16, 2), WHY_PAYLOAD_TYPE);	/* transform links proposal */
	assert_int_equal(check_changed(16, 0), WHY_PROPOSAL_SYNTAX);
	assert_int_equal(check_changed(20, 2), WHY_PROPOSAL_SYNTAX);	/* transform numbers equal */
	assert_int_equal(check_changed(21, 2), WHY_TRANSFORM_ID);
	assert_int_equal(check_changed(22, 1), WHY_RESERVED);
	assert_int_equal(check_changed(25, 99), WHY_ATTRIBUTES);
	assert_int_equal(check_changed(51, 5), WHY_PAYLOAD_SHORT);	/* LIFE_DURATION too long */
}

static void
proposal_numbers_may_repeat_but_not_fall(void **state)
{
	uint8_t two[] = {
		2, 0, 0, 16, 5, 4, 0, 1, 0, 0, 0, 8, 1, 2, 0, 0,
		0, 0, 0, 16, 5, 4, 0, 1, 0, 0, 0, 8, 1, 2, 0, 0,
	};
	struct sa_body sa = { .proposals = { two, sizeof(two) } };

	(void)state;
	assert_int_equal(sa_check(&sa), WHY_NONE);
	two[20] = 4;
	assert_int_equal(sa_check(&sa), WHY_PROPOSAL_SYNTAX);
	two[20] = 6;
	assert_int_equal(sa_check(&sa), WHY_NONE);
}

static void
transform_ids_have_a_range_per_protocol(void **state)
{
	(void)state;
	for (unsigned protocol = 1; protocol <= 4; protocol++)
		for (unsigned id = 0; id < 256; id++) {
			uint8_t one[] = {
				0, 0, 0, 16, 1, (uint8_t)protocol, 0, 1,
				0, 0, 0, 8, 1, (uint8_t)id, 0, 0,
			};
			struct sa_body sa = { .proposals = { one, sizeof(one) } };
			bool exists = protocol == 1 ? id == 1 :
			    protocol == 2 ? id >= 2 && id <= 8 :
			    protocol == 3 ? (id >= 1 && id <= 23) || (id >= 249 && id <= 253) :
			    id >= 1 && id <= 4;

			assert_int_equal(sa_check(&sa), exists ? WHY_NONE : WHY_TRANSFORM_ID);
		}
}

static void
attribute_numbers_of_any_length_are_read(void **state)
{
	static const struct { uint8_t octets[12]; size_t n; uint32_t value; } cases[] = {
		{ { 0x80, 1, 0xff, 0xff }, 4, 0xffff },
		{ { 0, 1, 0, 0 }, 4, 0 },
		{ { 0, 1, 0, 1, 9 }, 5, 9 },
		{ { 0, 1, 0, 3, 1, 2, 3 }, 7, 0x010203 },
		{ { 0, 1, 0, 4, 0xff, 0xff, 0xff, 0xff }, 8, UINT32_MAX },
		{ { 0, 1, 0, 5, 0, 0, 0, 0, 7 }, 9, 7 },
		{ { 0, 1, 0, 5, 1, 0, 0, 0, 0 }, 9, UINT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct view more = view_of(cases[i].octets, cases[i].n);
		struct attribute a;

		assert_int_equal(attribute_next(&more, &a), WHY_NONE);
		assert_int_equal(a.value, cases[i].value);
		assert_int_equal(more.n, 0);
	}
}

static void
the_largest_proposal_has_255_transforms_and_not_one_more(void **state)
{
	const struct header h = { .version = 0x10 };
	static uint8_t room[16384];
	struct msg_wr m = msg_begin(room, sizeof(room), &h);
	struct pl_mark k = msg_open(&m, PL_SA);
	struct sa_wr s = sa_wr_begin(&m);

	(void)state;
	sa_wr_proposal(&s, 1, PROTO_ISAKMP, view_of(NULL, 0));
	for (unsigned i = 0; i < 255; i++)
		sa_wr_transform(&s, (uint8_t)i, 1);
	struct sa_wr full = s;
	struct msg_wr copy = m;
	full.m = &copy;
	sa_wr_end(&s);
	msg_close(&m, k);
	struct view out = msg_finish(&m);
	assert_true(decode(view_of(out.p + HEADER_LEN + 4, out.n - HEADER_LEN - 4)));
	sa_wr_transform(&full, 255, 1);
	assert_true(copy.w.bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_sa_survives_every_cut_and_change),
		cmocka_unit_test(transforms_and_attributes_are_read_as_offered),
		cmocka_unit_test(the_writer_makes_what_the_rfc_draws),
		cmocka_unit_test(each_fault_has_its_own_reason),
		cmocka_unit_test(proposal_numbers_may_repeat_but_not_fall),
		cmocka_unit_test(transform_ids_have_a_range_per_protocol),
		cmocka_unit_test(attribute_numbers_of_any_length_are_read),
		cmocka_unit_test(the_largest_proposal_has_255_transforms_and_not_one_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
