#include "prove.h"

#include "crypto/esp_cipher.h"

/* A packet as the RFCs and the draft print it, in hex. */
struct vector {
	const char	*from;
	uint8_t		 cipher;
	uint16_t	 key_bits;
	bool		 esn;
	const char	*keymat;	/* key and salt */
	const char	*esp;		/* SPI, sequence number as sent */
	uint32_t	 seq_hi;
	const char	*iv, *plain, *sealed, *icv;	/* icv NULL: not part of the vector */
};

/*
 * RFC 3602 section 4, cases 5 to 8 (their packets have no integrity), RFC
 * 3686 section 6, and draft-mcgrew-gcm-test-01, which has the packets for
 * RFC 4106 and RFC 4543.
 */
static const struct vector vectors[] = {
	{ "RFC 3602 case 5", ESP_AES, 128, false, "90d382b410eeba7ad938c46cec1a82bf",
	  "0000432100000001", 0, "e96e8c08ab465763fd098d45dd3ff893",
	  "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	  "202122232425262728292a2b2c2d2e2f30313233343536370102030405060708090a0b0c0d0e0e01",
	  "f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db08"
	  "0b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6", NULL },
	{ "RFC 3602 case 6", ESP_AES, 128, false, "90d382b410eeba7ad938c46cec1a82bf",
	  "0000432100000008", 0, "69d08df7d203329db093fc4924e5bd80",
	  "0800b5e8a80a0500a69c083d0b660e0077777777777777777777777701020201",
	  "f51995881ec4e0c4488987ce742e8109689bb379d2d750c0d915dca346a89f75", NULL },
	{ "RFC 3602 case 7", ESP_AES, 128, false, "0123456789abcdef0123456789abcdef",
	  "0000876500000002", 0, "f4e765244f6407adf13dc1380f673f37",
	  "45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a2040008090a0b0c0d0e0f"
	  "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020304"
	  "05060708090a0a04",
	  "773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8e4ecaec78ac53aad7a0f022b"
	  "859243c647752e94a859352b8a4d4d2decd136e5c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5"
	  "a100b842f1c22f0d", NULL },
	{ "RFC 3602 case 8", ESP_AES, 128, false, "0123456789abcdef0123456789abcdef",
	  "0000876500000005", 0, "85d47224b5f3dd5d2101d4ea8dffab22",
	  "45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300ffffffffffffffff"
	  "ffffffffffffffffffffffffffffffffffffffffffffffff0102030405060708090a0a04",
	  "15b92683819596a8047232cc00f7048fe45318e11f8a0f62ede3c3fc61203bb50f980a08c9843fd3a1b06d5c"
	  "07ff9639b7eb7dfb3512e5de435e7207ed971ef3d2726d9b5ef6affc6d17a0decbb13892", NULL },
	{ "RFC 3686 #1", ESP_AES_CTR, 128, false, "ae6852f8121067cc4bf7a5765577f39e00000030",
	  "0000000100000001", 0, "0000000000000000", "53696e676c6520626c6f636b206d7367",
	  "e4095d4fb7a7b3792d6175a3261311b8", NULL },
	{ "RFC 3686 #2", ESP_AES_CTR, 128, false, "7e24067817fae0d743d6ce1f32539163006cb6db",
	  "0000000100000001", 0, "c0543b59da48d90b",
	  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	  "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28", NULL },
	{ "RFC 3686 #3", ESP_AES_CTR, 128, false, "7691be035e5020a8ac6e618529f9a0dc00e0017b",
	  "0000000100000001", 0, "27777f3f4a1786f0",
	  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223",
	  "c1cf48a89f2ffdd9cf4652e9efdb72d74540a42bde6d7836d59a5ceaaef3105325b2072f", NULL },
	{ "GCM test 1", ESP_AES_GCM_16, 128, true, "4c80cdefbb5d10da906ac73c3613a6342e443b68",
	  "0000432100000000", 0x87654321, "4956ed7e3b244cfe",
	  "45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f75"
	  "6470037369700963796265726369747902646b000021000101020201",
	  "fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1"
	  "f4a13c5d15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732",
	  "459018148f6cbe722fd04796562dfdb4" },
	{ "GCM test 2", ESP_AES_GCM_16, 128, false, "feffe9928665731c6d6a8f9467308308cafebabe",
	  "0000a5f80000000a", 0, "facedbaddecaf888",
	  "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d00100000100000000000003736970"
	  "0963796265726369747902646b00000100010001",
	  "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c3de81827c10e9a4f51330d0e"
	  "ec416642cfbb85a5b47e48a4ec3b9ba95d918bd1", "83b70d3aa8bc6ee4c309e9d85a41ad4a" },
	{ "GCM test 3", ESP_AES_GCM_16, 256, false,
	  "abbccddef00112233445566778899aababbccddef00112233445566778899aab11223344",
	  "4a2cbfe300000002", 0, "0102030405060708",
	  "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b4"
	  "0101040201020201",
	  "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f054565"
	  "9f14e99def842d8e", "b335f4eecfdbf831824b4c4915956c96" },
	{ "GCM test 7", ESP_AES_GCM_16, 192, false,
	  "feffe9928665731c6d6a8f9467308308feffe9928665731ccafebabe", "0000a5f80000000a", 0,
	  "facedbaddecaf888",
	  "45000028a4ad4000400678800a01038f0a010612802306b8cb712602dd6bb03e501016d075680001",
	  "a5b1f8066029aea40e598b8122de02420938b3ab33f828e687b8858b5bfbdbd0315b27452144cc77",
	  "95457b9652037f5318027b5b4cd7a636" },
	{ "GCM test 9", ESP_AES_GCM_16, 256, true,
	  "abbccddef00112233445566778899aababbccddef00112233445566778899aab73616c74",
	  "17405e67dd0db99b", 0x156f3126, "616e640169766563",
	  "45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb71260250101f646d540001",
	  "f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde98ef67549d524a3018d9a57ff4d3a31ce673119e",
	  "451626c2415771e3b7eebca614c89b35" },
	{ "GCM test 12", ESP_AES_GCM_16, 128, false, "7d773d00c144c525ac619d18c84a3f47d9664267",
	  "335467aeffffffff", 0, "43457e9182443bc6", "01020201", "437f866b",
	  "cb3f699fe9b0822bac961c4504bef270" },
	{ "GMAC", ESP_AES_GMAC, 128, false, "4c80cdefbb5d10da906ac73c3613a63422433c64",
	  "0000432100000007", 0, "0000000000000000",
	  "45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364"
	  "65666768696a6b6c6d6e6f707172737401020201",
	  "45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364"
	  "65666768696a6b6c6d6e6f707172737401020201", "f2a9a836e155106aa8dcd618e4099aaa" },
};

static size_t
unhex(const char *hex, uint8_t *ret)
{
	size_t n = 0;
	int high = -1;

	for (; *hex != '\0'; hex++) {
		int d = *hex >= '0' && *hex <= '9' ? *hex - '0' :
		    *hex >= 'a' && *hex <= 'f' ? *hex - 'a' + 10 : -1;

		if (d < 0)
			continue;
		if (high < 0) {
			high = d;
			continue;
		}
		ret[n++] = (uint8_t)(high << 4 | d);
		high = -1;
	}
	assert_int_equal(high, -1);
	return n;
}

/* The suite of a vector; those without integrity get HMAC-SHA1 with a zero key. */
static struct sa_suite
vector_suite(const struct vector *v)
{
	return (struct sa_suite){ .protocol = PROTO_IPSEC_ESP, .cipher = v->cipher,
	    .auth = v->icv == NULL ? AUTHALG_HMAC_SHA : AUTHALG_NONE, .mode = SA_TUNNEL,
	    .key_bits = v->key_bits, .esn = v->esn };
}

static struct esp_cipher *
vector_cipher(const struct vector *v, bool seal)
{
	struct sa_suite suite = vector_suite(v);
	uint8_t keymat[128] = { 0 };
	size_t n = unhex(v->keymat, keymat) + (v->icv == NULL ? 20 : 0);
	struct esp_cipher *c;

	assert_int_equal(esp_cipher_new(&suite, view_of(keymat, n), seal, &c), WHY_NONE);
	return c;
}

static void
published_packets_seal_and_open_to_their_octets(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		const struct vector *v = &vectors[i];
		uint8_t packet[512], plain[256], sealed[256], icv[64];
		struct esp_cipher *out = vector_cipher(v, true), *in = vector_cipher(v, false);
		size_t head = unhex(v->esp, packet);

		head += unhex(v->iv, packet + head);
		assert_int_equal(head, 8 + esp_cipher_lengths(out)->iv);
		size_t n = unhex(v->plain, plain);
		assert_int_equal(unhex(v->sealed, sealed), n);
		memcpy(packet + head, plain, n);
		assert_true(esp_cipher_seal(out, v->seq_hi, packet, n));
		if (memcmp(packet + head, sealed, n) != 0)
			fail_msg("%s", v->from);
		if (v->icv != NULL) {
			size_t icv_n = unhex(v->icv, icv);

			assert_int_equal(icv_n, esp_cipher_lengths(out)->icv);
			assert_memory_equal(packet + head + n, icv, icv_n);
		}
		assert_true(esp_cipher_open(in, v->seq_hi, packet, n));
		assert_memory_equal(packet + head, plain, n);
		esp_cipher_free(out);
		esp_cipher_free(in);
	}
}

/*
 * With NULL encryption the ICV is the plain HMAC over SPI, number and text.
 * Only vectors whose keys are as long as ESP's can be used.
 */
static const struct {
	uint8_t		auth;
	const char	*key, *data, *icv;
} macs[] = {
	/* RFC 4868, 2.7.2.1, test case AUTH256-1 and -2 */
	{ AUTHALG_HMAC_SHA2_256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  "4869205468657265", "198a607eb44bfbc69903a0f1cf2bbdc5" },
	{ AUTHALG_HMAC_SHA2_256, "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
	  "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "167f928588c5cc2eef8e3093caa0e87c" },
	/* 2.7.2.2, AUTH384-1 and -2 */
	{ AUTHALG_HMAC_SHA2_384, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
	  "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  "4869205468657265", "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973" },
	{ AUTHALG_HMAC_SHA2_384, "4a6566654a6566654a6566654a6566654a6566654a656665"
	  "4a6566654a6566654a6566654a6566654a6566654a656665",
	  "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "2c7353974f1842fd66d53c452ca42122b28c0b594cfb184d" },
	/* 2.7.2.3, AUTH512-1 and -2 */
	{ AUTHALG_HMAC_SHA2_512, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
	  "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  "4869205468657265", "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8" },
	{ AUTHALG_HMAC_SHA2_512, "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665"
	  "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
	  "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "cb370917ae8a7ce28cfd1d8f4705d6141c173b2a9362c15df235dfb251b15454" },
	/* RFC 2202, section 2 (MD5) and 3 (SHA1), test case 1, cut to 96 bits; and case 3 */
	{ AUTHALG_HMAC_MD5, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
	  "9294727a3638bb1c13f48ef8" },
	{ AUTHALG_HMAC_SHA, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
	  "b617318655057264e28bc0b6" },
	{ AUTHALG_HMAC_SHA, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
	  "dddddddddddd", "125d7342b9ac11cd91a39af4" },
};

static void
integrity_values_are_those_of_the_hmac_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(macs); i++) {
		struct sa_suite suite = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_NULL,
		    .auth = macs[i].auth, .mode = SA_TRANSPORT };
		uint8_t key[64], packet[128], icv[64];
		size_t key_n = unhex(macs[i].key, key), n = unhex(macs[i].data, packet);
		size_t icv_n = unhex(macs[i].icv, icv);
		struct esp_cipher *c;

		assert_int_equal(esp_cipher_new(&suite, view_of(key, key_n), true, &c), WHY_NONE);
		assert_int_equal(esp_cipher_lengths(c)->icv, icv_n);
		assert_true(esp_cipher_seal(c, 0, packet, n - 8));
		assert_memory_equal(packet + n, icv, icv_n);
		esp_cipher_free(c);
	}
}

/* RFC 4303, 2.2.1: the unsent half is authenticated behind the text. */
static void
the_unsent_half_of_an_extended_number_is_authenticated(void **state)
{
	struct sa_suite suite = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_NULL,
	    .auth = AUTHALG_HMAC_SHA2_256, .mode = SA_TUNNEL };
	uint8_t key[32] = { 7 }, plain[64] = { 1, 2, 3 }, with_esn[64] = { 1, 2, 3 };
	struct esp_cipher *c, *esn;

	(void)state;
	assert_int_equal(esp_cipher_new(&suite, view_of(key, 32), true, &c), WHY_NONE);
	suite.esn = true;
	assert_int_equal(esp_cipher_new(&suite, view_of(key, 32), true, &esn), WHY_NONE);
	/* The same octets under the HMAC: once as text, once as the high half. */
	memcpy(plain + 16, "\x00\x00\x12\x34", 4);
	assert_true(esp_cipher_seal(c, 0, plain, 12));
	assert_true(esp_cipher_seal(esn, 0x1234, with_esn, 8));
	assert_memory_equal(plain + 20, with_esn + 16, 16);
	assert_true(esp_cipher_open(esn, 0x1234, with_esn, 8));
	assert_false(esp_cipher_open(esn, 0x1235, with_esn, 8));
	esp_cipher_free(c);
	esp_cipher_free(esn);
}

static void
cbc_ivs_never_repeat_and_counter_ivs_are_the_number(void **state)
{
	struct sa_suite cbc = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_AES,
	    .auth = AUTHALG_HMAC_SHA, .mode = SA_TUNNEL, .key_bits = 128 };
	struct sa_suite gcm = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_AES_GCM_16,
	    .mode = SA_TUNNEL, .key_bits = 128 };
	uint8_t key[64] = { 1 }, ivs[100][16], iv[16];
	struct esp_cipher *c;

	(void)state;
	assert_int_equal(esp_cipher_new(&cbc, view_of(key, 36), true, &c), WHY_NONE);
	for (size_t i = 0; i < COUNT(ivs); i++) {
		esp_cipher_iv(c, i, ivs[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(ivs[i], ivs[j], 16);
	}
	esp_cipher_free(c);
	assert_int_equal(esp_cipher_new(&gcm, view_of(key, 20), true, &c), WHY_NONE);
	esp_cipher_iv(c, 0x0102030405060708, iv);
	assert_memory_equal(iv, "\1\2\3\4\5\6\7\10", 8);
	esp_cipher_free(c);
}

/* Security R9: whatever the tuple and the length of the keys, there is an answer. */
static void
every_tuple_of_numbers_gets_an_answer(void **state)
{
	static const uint16_t bits[] = { 0, 1, 64, 128, 192, 255, 256, 512, 65535 };
	uint8_t key[256] = { 1 };
	unsigned taken = 0;

	(void)state;
	for (unsigned cipher = 0; cipher < 256; cipher++)
	for (unsigned auth = 0; auth < 12; auth++)
	for (size_t b = 0; b < COUNT(bits); b++)
	for (unsigned mode = 0; mode < 4; mode++) {
		struct sa_suite s = { .protocol = PROTO_IPSEC_ESP, .cipher = (uint8_t)cipher,
		    .auth = (uint8_t)auth, .mode = (uint8_t)mode, .key_bits = bits[b] };
		struct sa_lengths l = { 0 };
		bool legal = sa_suite_lengths(&s, &l);
		size_t right = l.key + l.salt + l.auth;
		struct esp_cipher *c = NULL;
		enum why why = esp_cipher_new(&s, view_of(key, right), true, &c);

		assert_int_equal(why, legal ? WHY_NONE : WHY_BACKEND_ALGORITHM);
		esp_cipher_free(c);
		taken += legal;
		if (!legal)
			continue;
		assert_int_equal(esp_cipher_new(&s, view_of(key, right + 1), true, &c),
		    WHY_BACKEND_ALGORITHM);
		assert_int_equal(esp_cipher_new(&s, view_of(key, right - 1), true, &c),
		    WHY_BACKEND_ALGORITHM);
	}
	assert_true(taken > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_packets_seal_and_open_to_their_octets),
		cmocka_unit_test(integrity_values_are_those_of_the_hmac_vectors),
		cmocka_unit_test(the_unsent_half_of_an_extended_number_is_authenticated),
		cmocka_unit_test(cbc_ivs_never_repeat_and_counter_ivs_are_the_number),
		cmocka_unit_test(every_tuple_of_numbers_gets_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
