#include "decoder.h"

#include "base/pubkey.h"
#include "base/str.h"
#include "base/trust_ask.h"

static uint8_t room[64 * 1024];

static bool
decode_pubkey(struct view in)
{
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct pubkey k;

	if (!pubkey_decode(&r, &k) || !rd_end(&r))
		return false;
	pubkey_encode(&w, &k);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static bool
decode_ask(struct view in)
{
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct trust_ask a;

	if (!trust_ask_decode(&r, &a))
		return false;
	assert_true(a.n_certs <= TRUST_CERTS_MAX && view_within(a.id_body, in));
	for (size_t i = 0; i < a.n_certs; i++)
		assert_true(view_within(a.certs[i], in));
	trust_ask_encode(&w, &a);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static bool
decode_answer(struct view in)
{
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct trust_answer a;

	if (!trust_answer_decode(&r, &a))
		return false;
	assert_true(a.why < WHY_MAX && strlen(a.got) < sizeof(a.got));
	trust_answer_encode(&w, &a);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static struct pubkey
rsa(size_t bits, uint8_t top)
{
	static uint8_t n[1100];
	static const uint8_t e[] = { 1, 0, 1 };
	struct pubkey k;

	memset(n, 0xa5, sizeof(n));
	n[0] = top;
	const struct view parts[] = { view_of(n, bits / 8), view_of(e, sizeof(e)) };
	assert_true(pubkey_set(&k, PUBKEY_RSA, parts));
	return k;
}

static struct pubkey
point(size_t n)
{
	static uint8_t p[200];
	struct pubkey k = { 0 };

	memset(p, 0x5a, sizeof(p));
	p[0] = 4;
	const struct view parts[] = { view_of(p, n) };
	(void)!pubkey_set(&k, PUBKEY_ECDSA, parts);
	return k;
}

static void
every_octet_of_an_encoded_key_is_checked(void **state)
{
	struct pubkey k = rsa(1024, 0xff), p = point(65), none = { 0 };
	uint8_t buf[2048];
	struct wr w = wr_of(buf, sizeof(buf));

	(void)state;
	pubkey_encode(&w, &k);
	decoder_prove(decode_pubkey, wr_done(&w), CUT_IS_REFUSED);
	w = wr_of(buf, sizeof(buf));
	pubkey_encode(&w, &p);
	decoder_prove(decode_pubkey, wr_done(&w), CUT_IS_REFUSED);
	w = wr_of(buf, sizeof(buf));
	pubkey_encode(&w, &none);
	assert_int_equal(w.len, 1);
	decoder_prove(decode_pubkey, wr_done(&w), CUT_IS_REFUSED);
}

static void
every_octet_of_a_question_to_trust_and_of_its_answer_is_checked(void **state)
{
	uint8_t buf[4096];
	struct wr w = wr_of(buf, sizeof(buf));
	struct trust_ask a = { .verb = TRUST_PEER, .token = 7, .peer = "peer-berlin",
	    .auth = AUTH_RSA_SIG, .allow_weak = true, .id_body = view_str("\1abcd"),
	    .want_body = view_str("\11want"), .own_body = view_str("\11own"),
	    .key = point(65), .n_certs = 2,
	    .certs = { view_str("\4first"), view_str("\4second") } };
	struct trust_answer r = { .verb = TRUST_OWN, .token = 8, .why = WHY_ID_OTHER,
	    .key = point(97), .pinned = true, .own_name = "/CN=a", .peer_name = "/CN=b",
	    .own_id = view_str("\60\0"), .same = true, .field = "f", .expected = "e", .got = "g",
	    .remedy = "r", .n_certs = 1, .certs = { view_str("\4leaf") } };

	(void)state;
	trust_ask_encode(&w, &a);
	decoder_prove(decode_ask, wr_done(&w), CUT_IS_REFUSED);
	w = wr_of(buf, sizeof(buf));
	trust_answer_encode(&w, &r);
	decoder_prove(decode_answer, wr_done(&w), CUT_IS_REFUSED);
}

static void
more_certificates_than_agreed_do_not_fit(void **state)
{
	struct trust_ask a = { .verb = TRUST_PEER, .n_certs = TRUST_CERTS_MAX };
	static uint8_t big[TRUST_OCTETS_MAX / TRUST_CERTS_MAX + 1];
	struct wr w = wr_of(room, sizeof(room));

	(void)state;
	for (size_t i = 0; i < TRUST_CERTS_MAX; i++)
		a.certs[i] = view_of(big, sizeof(big));
	trust_ask_encode(&w, &a);
	struct rd r = rd_of(wr_done(&w));
	assert_false(trust_ask_decode(&r, &a));
	w = wr_of(room, sizeof(room));
	a.n_certs = TRUST_CERTS_MAX + 1;
	trust_ask_encode(&w, &a);
	assert_true(w.bad);
}

static void
bits_are_counted_without_leading_zeros(void **state)
{
	struct pubkey k = rsa(2048, 0x80);

	(void)state;
	assert_int_equal(pubkey_bits(&k), 2048);
	k = rsa(2048, 0x40);
	assert_int_equal(pubkey_bits(&k), 2047);
	k = rsa(2048, 0x01);
	assert_int_equal(pubkey_bits(&k), 2041);
	k = rsa(2048, 0x00);
	assert_int_equal(pubkey_bits(&k), 2040);
	k = (struct pubkey){ 0 };
	assert_int_equal(pubkey_bits(&k), 0);
	k = rsa(RSA_BITS_MAX, 0xff);
	assert_int_equal(pubkey_bits(&k), RSA_BITS_MAX);
}

static void
a_curve_belongs_to_exactly_one_method(void **state)
{
	static const struct { size_t octets; uint8_t method; const char *text; } t[] = {
		{ 65, AUTH_ECDSA_256, "ECDSA P-256" }, { 97, AUTH_ECDSA_384, "ECDSA P-384" },
		{ 133, AUTH_ECDSA_521, "ECDSA P-521" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct pubkey k = point(t[i].octets);
		STR(text, 40);

		for (unsigned m = 0; m < 256; m++)
			assert_int_equal(pubkey_does(&k, (uint8_t)m), m == t[i].method);
		pubkey_print(&text, &k);
		assert_string_equal(text.p, t[i].text);
	}
	struct pubkey k = point(64);
	assert_int_equal(k.kind, PUBKEY_NONE);
	k = rsa(2048, 0xff);
	for (unsigned m = 0; m < 256; m++)
		assert_int_equal(pubkey_does(&k, (uint8_t)m), m == AUTH_RSA_SIG);
}

static void
keys_are_equal_part_by_part(void **state)
{
	struct pubkey a = rsa(2048, 0xff), b = rsa(2048, 0xfe), c = rsa(2048, 0xff), p = point(65);

	(void)state;
	assert_true(pubkey_equal(&a, &c));
	assert_false(pubkey_equal(&a, &b));
	assert_false(pubkey_equal(&a, &p));
}

static void
empty_and_oversized_parts_are_no_key(void **state)
{
	static uint8_t big[PUBKEY_OCTETS + 1] = { 1 };
	const struct view none[] = { { 0 }, view_str("e") }, zero[] = { view_of("\0\0", 2), view_str("e") },
	    large[] = { view_of(big, sizeof(big)), view_str("e") };
	struct pubkey k;

	(void)state;
	assert_false(pubkey_set(&k, PUBKEY_RSA, none));
	assert_false(pubkey_set(&k, PUBKEY_RSA, zero));
	assert_false(pubkey_set(&k, PUBKEY_RSA, large));
	assert_false(pubkey_set(&k, PUBKEY_NONE, none));
	assert_false(pubkey_set(&k, PUBKEY_KIND_MAX, none));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_octet_of_an_encoded_key_is_checked),
		cmocka_unit_test(every_octet_of_a_question_to_trust_and_of_its_answer_is_checked),
		cmocka_unit_test(more_certificates_than_agreed_do_not_fit),
		cmocka_unit_test(bits_are_counted_without_leading_zeros),
		cmocka_unit_test(a_curve_belongs_to_exactly_one_method),
		cmocka_unit_test(keys_are_equal_part_by_part),
		cmocka_unit_test(empty_and_oversized_parts_are_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
