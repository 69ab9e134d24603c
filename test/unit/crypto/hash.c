#include "prove.h"

#include "crypto/hash.h"
#include "unit/crypto/hex.h"

static void
digests_are_those_of_fips_180_and_rfc_1321(void **state)
{
	static const struct { uint8_t alg; const char *want; } t[] = {
		{ HASH_MD5, "900150983cd24fb0d6963f7d28e17f72" },
		{ HASH_SHA, "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ HASH_SHA2_256,
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ HASH_SHA2_384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
		  "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7" },
		{ HASH_SHA2_512,
		  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
	};
	/* "abc", in pieces, with an empty one between */
	struct view v[] = { view_str("a"), { 0 }, view_str("bc") };

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		uint8_t got[HASH_LEN_MAX];

		assert_true(hash_views(t[i].alg, v, COUNT(v), got));
		assert_hex(got, hash_len(t[i].alg), t[i].want);
	}
}

static void
prf_is_the_hmac_of_rfc_2202_and_rfc_4231(void **state)
{
	struct key { uint8_t octet; size_t n; const char *text, *data; };
	static const struct key hi16 = { 0x0b, 16, NULL, "Hi There" };
	static const struct key hi20 = { 0x0b, 20, NULL, "Hi There" };
	static const struct key jefe = { 0, 4, "Jefe", "what do ya want for nothing?" };
	static const struct key long80 = { 0xaa, 80, NULL,
	    "Test Using Larger Than Block-Size Key - Hash Key First" };
	static const struct key long131 = { 0xaa, 131, NULL,
	    "Test Using Larger Than Block-Size Key - Hash Key First" };
	static const struct { uint8_t alg; const struct key *key; const char *want; } t[] = {
		{ HASH_MD5, &hi16, "9294727a3638bb1c13f48ef8158bfc9d" },
		{ HASH_MD5, &jefe, "750c783e6ab0b503eaa86e310a5db738" },
		{ HASH_MD5, &long80, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd" },
		{ HASH_SHA, &hi20, "b617318655057264e28bc0b6fb378c8ef146be00" },
		{ HASH_SHA, &jefe, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
		{ HASH_SHA, &long80, "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
		{ HASH_SHA2_256, &hi20,
		  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ HASH_SHA2_256, &jefe,
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ HASH_SHA2_256, &long131,
		  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
		{ HASH_SHA2_384, &hi20, "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec6"
		  "82aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6" },
		{ HASH_SHA2_384, &jefe, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47"
		  "e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649" },
		{ HASH_SHA2_384, &long131, "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f"
		  "3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952" },
		{ HASH_SHA2_512, &hi20,
		  "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
		  "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
		{ HASH_SHA2_512, &jefe,
		  "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
		  "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
		{ HASH_SHA2_512, &long131,
		  "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
		  "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		const struct key *k = t[i].key;
		uint8_t filled[131], got[HASH_LEN_MAX];
		struct view key = k->text != NULL ? view_str(k->text) : view_of(filled, k->n);
		struct view data = view_str(k->data);
		struct view halves[] = { { data.p, 3 }, { data.p + 3, data.n - 3 } };

		memset(filled, k->octet, sizeof(filled));
		assert_true(prf_views(t[i].alg, key, halves, 2, got));
		assert_hex(got, hash_len(t[i].alg), t[i].want);
	}
}

static void
an_empty_key_and_no_data_give_the_known_hmac(void **state)
{
	uint8_t got[HASH_LEN_MAX];

	(void)state;
	/* FIPS 198 construction; value as published for HMAC-SHA256("", "") */
	assert_true(prf_views(HASH_SHA2_256, (struct view){ 0 }, NULL, 0, got));
	assert_hex(got, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void
unknown_algorithms_have_no_length_and_are_refused(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < 256; alg++) {
		uint8_t got[HASH_LEN_MAX];
		struct view v = view_str("abc");
		bool known = alg == HASH_MD5 || alg == HASH_SHA || alg == HASH_SHA2_256 ||
		    alg == HASH_SHA2_384 || alg == HASH_SHA2_512;

		assert_int_equal(hash_len((uint8_t)alg) != 0, known);
		assert_int_equal(hash_views((uint8_t)alg, &v, 1, got), known);
		assert_int_equal(prf_views((uint8_t)alg, v, &v, 1, got), known);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_fips_180_and_rfc_1321),
		cmocka_unit_test(prf_is_the_hmac_of_rfc_2202_and_rfc_4231),
		cmocka_unit_test(an_empty_key_and_no_data_give_the_known_hmac),
		cmocka_unit_test(unknown_algorithms_have_no_length_and_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
