#include "prove.h"

#include "crypto/cipher.h"
#include "crypto/preload.h"
#include "unit/crypto/hex.h"

struct vector {
	uint8_t		 cipher;
	const char	*key, *iv, *plain, *coded;
};

static const struct vector vectors[] = {
	/* RFC 3602 section 4, cases 1, 2 and 4 (the latter two: chaining) */
	{ CIPHER_AES_CBC, "06a9214036b8a15b512e03d534120006", "3dafba429d9eb430b422da802c9fac41",
	  "53696e676c6520626c6f636b206d7367", "e353779c1079aeb82708942dbe77181a" },
	{ CIPHER_AES_CBC, "c286696d887c9aa0611bbb3e2025a45a", "562e17996d093d28ddb3ba695a2e6f58",
	  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	  "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1" },
	{ CIPHER_AES_CBC, "56e47a38c5598974bc46903dba290349", "8ce82eefbea0da3c44699ed7db51b7d9",
	  "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
	  "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
	  "c30e32ffedc0774e6aff6af0869f71aa0f3af07a9a31a9c684db207eb0ef8e4e"
	  "35907aa632c3ffdf868bb7b29d3d46ad83ce9f9a102ee99d49a53e87f4c3da55" },
	/* NIST SP 800-38A, F.2.3 and F.2.5, first block */
	{ CIPHER_AES_CBC, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
	  "000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172a",
	  "4f021db243bc633d7178183a9fa071e8" },
	{ CIPHER_AES_CBC, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
	  "000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172a",
	  "f58c4c04d6e5f1ba779eabfb5f7bfbd6" },
	/* FIPS 81 table C1; 3DES with three equal keys is DES */
	{ CIPHER_DES_CBC, "0123456789abcdef", "1234567890abcdef",
	  "4e6f77206973207468652074696d6520666f7220616c6c20",
	  "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6" },
	{ CIPHER_3DES_CBC, "0123456789abcdef0123456789abcdef0123456789abcdef", "1234567890abcdef",
	  "4e6f77206973207468652074696d6520666f7220616c6c20",
	  "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6" },
	/* SSLeay's vectors of 1995 for 3DES and Blowfish in CBC */
	{ CIPHER_3DES_CBC, "0123456789abcdeff1e0d3c2b5a49786fedcba9876543210", "fedcba9876543210",
	  "37363534333231204e6f77206973207468652074696d6520666f722000000000",
	  "3fe301c962ac01d02213763c1cbd4cdc799657c064ecf5d41c673812cfde9675" },
	{ CIPHER_BLOWFISH_CBC, "0123456789abcdeff0e1d2c3b4a59687", "fedcba9876543210",
	  "37363534333231204e6f77206973207468652074696d6520666f722000000000",
	  "6b77b4d63006dee605b156e27403979358deb9e7154616d959f1652bd5ff92cc" },
	/* RFC 2144 appendix B.1, one block with a zero IV */
	{ CIPHER_CAST_CBC, "0123456712345678234567893456789a", "0000000000000000",
	  "0123456789abcdef", "238b4fe5847e44b2" },
};

static bool
is_legacy(uint8_t cipher)
{
	return cipher != CIPHER_AES_CBC && cipher != CIPHER_3DES_CBC;
}

static bool
have(uint8_t cipher)
{
	return !is_legacy(cipher) || crypto_preload_legacy();
}

static void
ciphers_are_those_of_the_published_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		const struct vector *t = &vectors[i];
		struct hex key = hex_of(t->key), iv = hex_of(t->iv), text = hex_of(t->plain);
		struct hex coded = hex_of(t->coded);
		size_t block = cipher_block(t->cipher);

		if (!have(t->cipher)) {
			print_message("skipped: no legacy provider\n");
			continue;
		}
		assert_int_equal(block, iv.n);
		/* in place */
		assert_true(cipher_encrypt(t->cipher, hex_view(&key), iv.b, text.b, text.b, text.n));
		assert_hex(text.b, text.n, t->coded);
		assert_memory_equal(iv.b, coded.b + coded.n - block, block);

		iv = hex_of(t->iv);
		assert_true(cipher_decrypt(t->cipher, hex_view(&key), iv.b, text.b, text.b, text.n));
		assert_hex(text.b, text.n, t->plain);
		assert_memory_equal(iv.b, coded.b + coded.n - block, block);
	}
}

static void
two_calls_chain_like_one(void **state)
{
	const struct vector *t = &vectors[2];
	struct hex key = hex_of(t->key), iv = hex_of(t->iv), text = hex_of(t->plain);
	uint8_t out[64];

	(void)state;
	assert_true(cipher_encrypt(t->cipher, hex_view(&key), iv.b, text.b, out, 16));
	assert_true(cipher_encrypt(t->cipher, hex_view(&key), iv.b, text.b + 16, out + 16, 48));
	assert_hex(out, 64, t->coded);
}

static void
key_lengths_follow_the_attribute(void **state)
{
	(void)state;
	/* RFC 3602: without the attribute AES means 128 bits */
	assert_int_equal(cipher_key_len(CIPHER_AES_CBC, 0), 16);
	assert_int_equal(cipher_key_len(CIPHER_AES_CBC, 128), 16);
	assert_int_equal(cipher_key_len(CIPHER_AES_CBC, 192), 24);
	assert_int_equal(cipher_key_len(CIPHER_AES_CBC, 256), 32);
	assert_int_equal(cipher_key_len(CIPHER_AES_CBC, 160), 0);
	assert_int_equal(cipher_key_len(CIPHER_AES_CBC, 512), 0);
	/* RFC 2409 appendix A: no key length with a fixed-length cipher */
	assert_int_equal(cipher_key_len(CIPHER_3DES_CBC, 0), 24);
	assert_int_equal(cipher_key_len(CIPHER_3DES_CBC, 192), 0);
	assert_int_equal(cipher_key_len(CIPHER_BLOWFISH_CBC, 448), 56);
	assert_int_equal(cipher_key_len(CIPHER_BLOWFISH_CBC, 449), 0);
	assert_int_equal(cipher_key_len(CIPHER_BLOWFISH_CBC, 88), 0);
	assert_int_equal(cipher_key_len(CIPHER_CAST_CBC, 96), 12);
	assert_int_equal(cipher_key_len(CIPHER_CAST_CBC, 136), 0);
	assert_int_equal(cipher_key_len(0, 128), 0);
	assert_int_equal(cipher_key_len(CIPHER_AES_CBC, UINT32_MAX), 0);
}

static void
every_cipher_number_and_key_length_gets_an_answer(void **state)
{
	static const uint8_t key[80] = { 1 };
	uint8_t iv[CIPHER_BLOCK_MAX] = { 0 }, text[16] = { 0 };

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		for (size_t n = 0; n <= sizeof(key); n++) {
			uint32_t bits = c == CIPHER_3DES_CBC || c == CIPHER_DES_CBC ? 0 :
			    (uint32_t)n * 8;
			bool fits = n > 0 && cipher_key_len((uint8_t)c, bits) == n;

			if (!have((uint8_t)c))
				continue;
			assert_int_equal(cipher_encrypt((uint8_t)c, view_of(key, n), iv,
			    text, text, 16), fits);
			assert_int_equal(cipher_decrypt((uint8_t)c, view_of(key, n), iv,
			    text, text, 16), fits);
		}
	}
}

static void
lengths_that_are_not_whole_blocks_are_refused(void **state)
{
	static const uint8_t key[16] = { 1 };
	uint8_t iv[16] = { 0 }, text[32] = { 0 };

	(void)state;
	for (size_t n = 0; n <= 32; n++) {
		assert_int_equal(cipher_encrypt(CIPHER_AES_CBC, view_of(key, 16), iv, text,
		    text, n), n % 16 == 0);
		assert_int_equal(cipher_decrypt(CIPHER_AES_CBC, view_of(key, 16), iv, text,
		    text, n), n % 16 == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ciphers_are_those_of_the_published_vectors),
		cmocka_unit_test(two_calls_chain_like_one),
		cmocka_unit_test(key_lengths_follow_the_attribute),
		cmocka_unit_test(every_cipher_number_and_key_length_gets_an_answer),
		cmocka_unit_test(lengths_that_are_not_whole_blocks_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
