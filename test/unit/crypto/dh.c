#include "prove.h"

#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/evp.h>

#include "crypto/dh.h"
#include "crypto/dh_test.h"
#include "crypto/preload.h"
#include "unit/crypto/hex.h"

static const uint16_t all_groups[] = {
	GROUP_MODP_768, GROUP_MODP_1024, GROUP_MODP_1536, GROUP_MODP_2048, GROUP_MODP_3072,
	GROUP_MODP_4096, GROUP_MODP_6144, GROUP_MODP_8192, GROUP_ECP_256, GROUP_ECP_384,
	GROUP_ECP_521, GROUP_ECP_192, GROUP_ECP_224, GROUP_BP_224, GROUP_BP_256, GROUP_BP_384,
	GROUP_BP_512, GROUP_X25519,
};

static const struct pair {
	uint16_t	 group;
	const char	*a, *public_a, *b, *public_b, *shared;
} pairs[] = {
	/* RFC 5903 section 8.1 to 8.3 */
	{ GROUP_ECP_256,
	  "C88F01F5 10D9AC3F 70A292DA A2316DE5 44E9AAB8 AFE84049 C62A9C57 862D1433",
	  "DAD0B653 94221CF9 B051E1FE CA5787D0 98DFE637 FC90B9EF 945D0C37 72581180"
	  "5271A046 1CDB8252 D61F1C45 6FA3E59A B1F45B33 ACCF5F58 389E0577 B8990BB3",
	  "C6EF9C5D 78AE012A 011164AC B397CE20 88685D8F 06BF9BE0 B283AB46 476BEE53",
	  "D12DFB52 89C8D4F8 1208B702 70398C34 2296970A 0BCCB74C 736FC755 4494BF63"
	  "56FBF3CA 366CC23E 8157854C 13C58D6A AC23F046 ADA30F83 53E74F33 039872AB",
	  "D6840F6B 42F6EDAF D13116E0 E1256520 2FEF8E9E CE7DCE03 812464D0 4B9442DE" },
	{ GROUP_ECP_384,
	  "099F3C70 34D4A2C6 99884D73 A375A67F 7624EF7C 6B3C0F16 0647B674"
	  "14DCE655 E35B5380 41E649EE 3FAEF896 783AB194",
	  "667842D7 D180AC2C DE6F74F3 7551F557 55C7645C 20EF73E3 1634FE72"
	  "B4C55EE6 DE3AC808 ACB4BDB4 C88732AE E95F41AA"
	  "9482ED1F C0EEB9CA FC498462 5CCFC23F 65032149 E0E144AD A0241815"
	  "35A0F38E EB9FCFF3 C2C947DA E69B4C63 4573A81C",
	  "41CB0779 B4BDB85D 47846725 FBEC3C94 30FAB46C C8DC5060 855CC9BD"
	  "A0AA2942 E0308312 916B8ED2 960E4BD5 5A7448FC",
	  "E558DBEF 53EECDE3 D3FCCFC1 AEA08A89 A987475D 12FD950D 83CFA417"
	  "32BC509D 0D1AC43A 0336DEF9 6FDA41D0 774A3571"
	  "DCFBEC7A ACF31964 72169E83 8430367F 66EEBE3C 6E70C416 DD5F0C68"
	  "759DD1FF F83FA401 42209DFF 5EAAD96D B9E6386C",
	  "11187331 C279962D 93D60424 3FD592CB 9D0A926F 422E4718 7521287E"
	  "7156C5C4 D6031355 69B9E9D0 9CF5D4A2 70F59746" },
	{ GROUP_ECP_521,
	  "0037ADE9 319A89F4 DABDB3EF 411AACCC A5123C61 ACAB57B5 393DCE47 608172A0"
	  "95AA85A3 0FE1C295 2C6771D9 37BA9777 F5957B26 39BAB072 462F68C2 7A57382D 4A52",
	  "0015417E 84DBF28C 0AD3C278 713349DC 7DF153C8 97A1891B D98BAB43 57C9ECBE"
	  "E1E3BF42 E00B8E38 0AEAE57C 2D107564 94188594 2AF5A7F4 601723C4 195D176C ED3E"
	  "017CAE20 B6641D2E EB695786 D8C94614 6239D099 E18E1D5A 514C739D 7CB4A10A"
	  "D8A78801 5AC405D7 799DC75E 7B7D5B6C F2261A6A 7F150743 8BF01BEB 6CA3926F 9582",
	  "0145BA99 A847AF43 793FDD0E 872E7CDF A16BE30F DC780F97 BCCC3F07 8380201E"
	  "9C677D60 0B343757 A3BDBF2A 3163E4C2 F869CCA7 458AA4A4 EFFC311F 5CB15168 5EB9",
	  "00D0B397 5AC4B799 F5BEA16D 5E13E9AF 971D5E9B 984C9F39 728B5E57 39735A21"
	  "9B97C356 436ADC6E 95BB0352 F6BE64A6 C2912D4E F2D0433C ED2B6171 640012D9 460F"
	  "015C6822 6383956E 3BD066E7 97B623C2 7CE0EAC2 F551A10C 2C724D98 52077B87"
	  "220B6536 C5C408A1 D2AEBB8E 86D678AE 49CB5709 1F473229 6579AB44 FCD17F0F C56A",
	  "01144C7D 79AE6956 BC8EDB8E 7C787C45 21CB086F A64407F9 7894E5E6 B2D79B04"
	  "D1427E73 CA4BAA24 0A347868 59810C06 B3C715A3 A8CC3151 F2BEE417 996D19F3 DDEA" },
	/* RFC 6954 appendix A.1 */
	{ GROUP_BP_224,
	  "7C4B7A2C8A4BAD1FBB7D79CC0955DB7C6A4660CA64CC4778159B495E",
	  "B104A67A6F6E85E14EC1825E1539E8ECDBBF584922367DD88C6BDCF2"
	  "46D782E7FDB5F60CD8404301AC5949C58EDB26BC68BA07695B750A94",
	  "63976D4AAE6CD0F6DD18DEFEF55D96569D0507C03E74D6486FFA28FB",
	  "2A97089A9296147B71B21A4B574E1278245B536F14D8C2B9D07A874E"
	  "9B900D7C77A709A797276B8CA1BA61BB95B546FC29F862E44D59D25B",
	  "312DFD98783F9FB77B9704945A73BEB6DCCBE3B65D0F967DCAB574EB" },
	/* RFC 7027 appendix A.1 to A.3 (the same as RFC 6954, A.2 to A.4) */
	{ GROUP_BP_256,
	  "81DB1EE100150FF2EA338D708271BE38300CB54241D79950F77B063039804F1D",
	  "44106E913F92BC02A1705D9953A8414DB95E1AAA49E81D9E85F929A8E3100BE5"
	  "8AB4846F11CACCB73CE49CBDD120F5A900A69FD32C272223F789EF10EB089BDC",
	  "55E40BC41E37E3E2AD25C3C6654511FFA8474A91A0032087593852D3E7D76BD3",
	  "8D2D688C6CF93E1160AD04CC4429117DC2C41825E1E9FCA0ADDD34E6F1B39F7B"
	  "990C57520812BE512641E47034832106BC7D3E8DD0E4C7F1136D7006547CEC6A",
	  "89AFC39D41D3B327814B80940B042590F96556EC91E6AE7939BCE31F3A18BF2B" },
	{ GROUP_BP_384,
	  "1E20F5E048A5886F1F157C74E91BDE2B98C8B52D58E5003D57053FC4B0BD65D6"
	  "F15EB5D1EE1610DF870795143627D042",
	  "68B665DD91C195800650CDD363C625F4E742E8134667B767B1B476793588F885"
	  "AB698C852D4A6E77A252D6380FCAF068"
	  "55BC91A39C9EC01DEE36017B7D673A931236D2F1F5C83942D049E3FA20607493"
	  "E0D038FF2FD30C2AB67D15C85F7FAA59",
	  "032640BC6003C59260F7250C3DB58CE647F98E1260ACCE4ACDA3DD869F74E01F"
	  "8BA5E0324309DB6A9831497ABAC96670",
	  "4D44326F269A597A5B58BBA565DA5556ED7FD9A8A9EB76C25F46DB69D19DC8CE"
	  "6AD18E404B15738B2086DF37E71D1EB4"
	  "62D692136DE56CBE93BF5FA3188EF58BC8A3A0EC6C1E151A21038A42E9185329"
	  "B5B275903D192F8D4E1F32FE9CC78C48",
	  "0BD9D3A7EA0B3D519D09D8E48D0785FB744A6B355E6304BC51C229FBBCE239BB"
	  "ADF6403715C35D4FB2A5444F575D4F42" },
	{ GROUP_BP_512,
	  "16302FF0DBBB5A8D733DAB7141C1B45ACBC8715939677F6A56850A38BD87BD59"
	  "B09E80279609FF333EB9D4C061231FB26F92EEB04982A5F1D1764CAD57665422",
	  "0A420517E406AAC0ACDCE90FCD71487718D3B953EFD7FBEC5F7F27E28C614999"
	  "9397E91E029E06457DB2D3E640668B392C2A7E737A7F0BF04436D11640FD09FD"
	  "72E6882E8DB28AAD36237CD25D580DB23783961C8DC52DFA2EC138AD472A0FCE"
	  "F3887CF62B623B2A87DE5C588301EA3E5FC269B373B60724F5E82A6AD147FDE7",
	  "230E18E1BCC88A362FA54E4EA3902009292F7F8033624FD471B5D8ACE49D12CF"
	  "ABBC19963DAB8E2F1EBA00BFFB29E4D72D13F2224562F405CB80503666B25429",
	  "9D45F66DE5D67E2E6DB6E93A59CE0BB48106097FF78A081DE781CDB31FCE8CCB"
	  "AAEA8DD4320C4119F1E9CD437A2EAB3731FA9668AB268D871DEDA55A5473199F"
	  "2FDC313095BCDD5FB3A91636F07A959C8E86B5636A1E930E8396049CB481961D"
	  "365CC11453A06C719835475B12CB52FC3C383BCE35E27EF194512B71876285FA",
	  "A7927098655F1F9976FA50A9D566865DC530331846381C87256BAF3226244B76"
	  "D36403C024D7BBF0AA0803EAFF405D3D24F11A9B5C0BEF679FE1454B21C4CD1F" },
	/* RFC 7748 section 6.1 */
	{ GROUP_X25519,
	  "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
	  "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
	  "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
	  "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
	  "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742" },
};

static void
published_key_pairs_give_the_published_secrets(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		const struct pair *t = &pairs[i];
		struct hex a = hex_of(t->a), b = hex_of(t->b);
		struct dh *da, *db;
		struct secret s = { 0 };

		assert_int_equal(dh_from_private(t->group, hex_view(&a), &da), WHY_NONE);
		assert_int_equal(dh_from_private(t->group, hex_view(&b), &db), WHY_NONE);
		assert_hex(dh_public(da).p, dh_public(da).n, t->public_a);
		assert_hex(dh_public(db).p, dh_public(db).n, t->public_b);
		assert_int_equal(dh_shared(da, dh_public(db), &s), WHY_NONE);
		assert_hex(s.p, s.n, t->shared);
		assert_int_equal(dh_shared(db, dh_public(da), &s), WHY_NONE);
		assert_hex(s.p, s.n, t->shared);
		secret_done(&s);
		dh_free(da);
		dh_free(db);
	}
}

static void
fresh_pairs_of_every_group_agree_and_differ_from_each_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(all_groups); i++) {
		uint16_t g = all_groups[i];
		struct dh *a, *b;
		struct secret sa = { 0 }, sb = { 0 };

		assert_int_equal(dh_new(g, &a), WHY_NONE);
		assert_int_equal(dh_new(g, &b), WHY_NONE);
		assert_int_equal(dh_group(a), g);
		assert_int_equal(dh_public(a).n, dh_public_len(g));
		assert_false(view_equal(dh_public(a), dh_public(b)));
		assert_int_equal(dh_shared(a, dh_public(b), &sa), WHY_NONE);
		assert_int_equal(dh_shared(b, dh_public(a), &sb), WHY_NONE);
		assert_int_equal(sa.n, dh_shared_len(g));
		assert_true(ct_equal(secret_view(&sa), secret_view(&sb)));
		secret_done(&sa);
		secret_done(&sb);
		dh_free(a);
		dh_free(b);
	}
}

/* --- MODP against the RFCs' primes --- */

static const struct modp {
	uint16_t	 group;
	const char	*name;		/* OpenSSL's own name of the RFC 3526 group */
	const char	*hex;		/* RFC 2409 section 6.1, 6.2 */
} modps[] = {
	{ GROUP_MODP_768, NULL,
	  "FFFFFFFF FFFFFFFF C90FDAA2 2168C234 C4C6628B 80DC1CD1 29024E08 8A67CC74"
	  "020BBEA6 3B139B22 514A0879 8E3404DD EF9519B3 CD3A431B 302B0A6D F25F1437"
	  "4FE1356D 6D51C245 E485B576 625E7EC6 F44C42E9 A63A3620 FFFFFFFF FFFFFFFF" },
	{ GROUP_MODP_1024, NULL,
	  "FFFFFFFF FFFFFFFF C90FDAA2 2168C234 C4C6628B 80DC1CD1 29024E08 8A67CC74"
	  "020BBEA6 3B139B22 514A0879 8E3404DD EF9519B3 CD3A431B 302B0A6D F25F1437"
	  "4FE1356D 6D51C245 E485B576 625E7EC6 F44C42E9 A637ED6B 0BFF5CB6 F406B7ED"
	  "EE386BFB 5A899FA5 AE9F2411 7C4B1FE6 49286651 ECE65381 FFFFFFFF FFFFFFFF" },
	{ GROUP_MODP_1536, "modp_1536", NULL },
	{ GROUP_MODP_2048, "modp_2048", NULL },
	{ GROUP_MODP_3072, "modp_3072", NULL },
	{ GROUP_MODP_4096, "modp_4096", NULL },
	{ GROUP_MODP_6144, "modp_6144", NULL },
	{ GROUP_MODP_8192, "modp_8192", NULL },
};

static EVP_PKEY *
evp_params(const char *name)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
		    (char *)(uintptr_t)name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *pkey = NULL;

	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEY_PARAMETERS, params), 1);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static struct hex
prime_of(const struct modp *m)
{
	struct hex h = { .n = 0 };

	if (m->hex != NULL)
		return hex_of(m->hex);
	EVP_PKEY *pkey = evp_params(m->name);
	BIGNUM *p = NULL;
	assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_FFC_P, &p), 1);
	h.n = (size_t)BN_bn2bin(p, h.b);
	BN_free(p);
	EVP_PKEY_free(pkey);
	return h;
}

/* b + v for a small v of either sign. */
static void
add_small(struct hex *h, int v)
{
	for (size_t i = h->n; i > 0 && v != 0; i--) {
		int sum = h->b[i - 1] + v;

		h->b[i - 1] = (uint8_t)(sum & 0xff);
		v = sum < 0 ? -1 : sum > 0xff ? 1 : 0;
	}
}

/* 2^bits mod p is 2^bits - p, p's two's complement: this pins prime and generator. */
static void
modp_primes_and_generator_are_those_of_the_rfcs(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(modps); i++) {
		struct hex p = prime_of(&modps[i]);
		uint8_t exponent[2] = { (uint8_t)(p.n * 8 >> 8), (uint8_t)(p.n * 8) };
		struct dh *d;

		assert_int_equal(dh_public_len(modps[i].group), p.n);
		assert_int_equal(dh_from_private(modps[i].group, view_of(exponent, 2), &d),
		    WHY_NONE);
		for (size_t k = 0; k < p.n; k++)
			p.b[k] = (uint8_t)~p.b[k];
		add_small(&p, 1);
		assert_memory_equal(dh_public(d).p, p.b, p.n);
		dh_free(d);
	}
}

/* An independent implementation of the same exchange, with zero padding. */
static void
modp_agrees_with_evp(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(modps); i++) {
		uint8_t public_value[1024], shared[1024];
		size_t n = sizeof(public_value);
		struct secret s = { 0 };
		EVP_PKEY *key = NULL, *ours;
		struct dh *d;

		if (modps[i].name == NULL)
			continue;
		EVP_PKEY *params = evp_params(modps[i].name);
		EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(params, NULL);
		assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
		assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
		EVP_PKEY_CTX_free(ctx);
		assert_int_equal(EVP_PKEY_get_octet_string_param(key,
		    OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, public_value, n, &n), 1);

		assert_int_equal(dh_new(modps[i].group, &d), WHY_NONE);
		assert_int_equal(dh_shared(d, view_of(public_value, n), &s), WHY_NONE);

		ours = EVP_PKEY_new();
		assert_int_equal(EVP_PKEY_copy_parameters(ours, params), 1);
		assert_int_equal(EVP_PKEY_set1_encoded_public_key(ours, dh_public(d).p,
		    dh_public(d).n), 1);
		ctx = EVP_PKEY_CTX_new(key, NULL);
		assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
		assert_int_equal(EVP_PKEY_CTX_set_dh_pad(ctx, 1), 1);
		assert_int_equal(EVP_PKEY_derive_set_peer_ex(ctx, ours, 0), 1);
		n = sizeof(shared);
		assert_int_equal(EVP_PKEY_derive(ctx, shared, &n), 1);
		assert_int_equal(n, s.n);
		assert_memory_equal(shared, s.p, n);

		EVP_PKEY_CTX_free(ctx);
		EVP_PKEY_free(ours);
		EVP_PKEY_free(key);
		EVP_PKEY_free(params);
		secret_done(&s);
		dh_free(d);
	}
}

/* 2^16 modulo a prime of 2048 bits is itself. */
static void
short_secrets_keep_their_leading_zeros(void **state)
{
	struct dh *d;
	struct secret s = { 0 };
	uint8_t x = 16, y[256] = { [255] = 2 }, want[256] = { [253] = 1 };

	(void)state;
	assert_int_equal(dh_from_private(GROUP_MODP_2048, view_of(&x, 1), &d), WHY_NONE);
	assert_memory_equal(dh_public(d).p, want, 256);
	assert_int_equal(dh_shared(d, view_of(y, 256), &s), WHY_NONE);
	assert_int_equal(s.n, 256);
	assert_memory_equal(s.p, want, 256);
	secret_done(&s);
	dh_free(d);
}

/* --- R10 --- */

static void
refused(const struct dh *d, struct view peer)
{
	struct secret s = { 0 };

	assert_int_equal(dh_shared(d, peer, &s), WHY_KEY_VALUE);
	assert_null(s.p);
}

static void
r10_modp_refuses_all_but_2_to_p_minus_2(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(modps); i++) {
		struct hex p = prime_of(&modps[i]), v;
		struct secret s = { 0 };
		struct dh *d;

		assert_int_equal(dh_new(modps[i].group, &d), WHY_NONE);
		for (int off = -1; off <= 1; off++) {
			v = p;
			add_small(&v, off);
			refused(d, hex_view(&v));
		}
		memset(v.b, 0xff, v.n);
		refused(d, hex_view(&v));
		memset(v.b, 0, v.n);
		refused(d, hex_view(&v));
		v.b[v.n - 1] = 1;
		refused(d, hex_view(&v));
		/* the least and the greatest that are allowed */
		v.b[v.n - 1] = 2;
		assert_int_equal(dh_shared(d, hex_view(&v), &s), WHY_NONE);
		v = p;
		add_small(&v, -2);
		assert_int_equal(dh_shared(d, hex_view(&v), &s), WHY_NONE);
		secret_done(&s);
		dh_free(d);
	}
}

static void
r10_every_group_refuses_every_other_length(void **state)
{
	static const uint8_t zeros[1100];

	(void)state;
	for (size_t i = 0; i < COUNT(all_groups); i++) {
		struct dh *d, *peer;
		uint8_t room[1100] = { 0 };

		assert_int_equal(dh_new(all_groups[i], &d), WHY_NONE);
		assert_int_equal(dh_new(all_groups[i], &peer), WHY_NONE);
		struct view good = dh_public(peer);
		memcpy(room, good.p, good.n);
		for (size_t n = 0; n < sizeof(room); n++)
			if (n != good.n) {
				refused(d, view_of(room, n));
				refused(d, view_of(zeros, n));
			}
		refused(d, (struct view){ 0 });
		/* SEC 1 encodings are not what IKE sends */
		room[0] = 4;
		memcpy(room + 1, good.p, good.n);
		refused(d, view_of(room, good.n + 1));
		dh_free(d);
		dh_free(peer);
	}
}

static void
r10_curves_refuse_what_is_not_a_point(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(all_groups); i++) {
		uint16_t g = all_groups[i];
		struct dh *d, *peer;
		struct hex v = { .n = dh_public_len(g) };
		size_t field = dh_shared_len(g);

		if (v.n != 2 * field)
			continue;
		assert_int_equal(dh_new(g, &d), WHY_NONE);
		assert_int_equal(dh_new(g, &peer), WHY_NONE);
		refused(d, hex_view(&v));	/* 0, 0: a common encoding of infinity */
		memset(v.b, 0xff, v.n);
		refused(d, hex_view(&v));	/* beyond the prime */
		v.n = dh_public(peer).n;
		for (size_t at = 0; at < v.n; at += 7) {	/* each bit matters */
			memcpy(v.b, dh_public(peer).p, v.n);
			v.b[at] = (uint8_t)(v.b[at] ^ 1u << (at % 8));
			refused(d, hex_view(&v));
		}
		/* x with y = 0 has order two, on none of these curves */
		memcpy(v.b, dh_public(peer).p, v.n);
		memset(v.b + field, 0, field);
		refused(d, hex_view(&v));
		dh_free(d);
		dh_free(peer);
	}
}

/* A coordinate that is right modulo p but not below it is another encoding. */
static void
r10_curves_refuse_coordinates_beyond_the_prime(void **state)
{
	/* P-521 has room above p: x + p still fits 66 octets */
	struct hex base = hex_of(pairs[2].public_a), x = { .n = 66 };
	struct dh *d;

	(void)state;
	assert_int_equal(dh_new(GROUP_ECP_521, &d), WHY_NONE);
	memcpy(x.b, base.b, 66);
	/* p = 2^521 - 1: x + p = x - 1 + 2^521 */
	add_small(&x, -1);
	x.b[0] = (uint8_t)(x.b[0] + 2);
	memcpy(base.b, x.b, 66);
	refused(d, hex_view(&base));
	dh_free(d);
}

static void
r10_x25519_refuses_points_of_low_order(void **state)
{
	/* RFC 7748 section 6.1 demands the check; the points are those of
	 * order 1, 2, 4 and 8 and their other encodings. */
	static const char *const low[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	struct dh *d;

	(void)state;
	assert_int_equal(dh_new(GROUP_X25519, &d), WHY_NONE);
	for (size_t i = 0; i < COUNT(low); i++) {
		struct hex v = hex_of(low[i]);

		refused(d, hex_view(&v));
		v.b[31] |= 0x80;	/* the top bit is ignored, RFC 7748 section 5 */
		refused(d, hex_view(&v));
	}
	dh_free(d);
}

static void
a_refused_value_leaves_the_pair_usable(void **state)
{
	struct dh *a, *b;
	struct secret s = { 0 };
	uint8_t zeros[64] = { 0 };

	(void)state;
	assert_int_equal(dh_new(GROUP_ECP_256, &a), WHY_NONE);
	assert_int_equal(dh_new(GROUP_ECP_256, &b), WHY_NONE);
	refused(a, view_of(zeros, 64));
	assert_int_equal(dh_shared(a, dh_public(b), &s), WHY_NONE);
	secret_done(&s);
	dh_free(a);
	dh_free(b);
}

static void
the_table_of_lengths_is_total(void **state)
{
	(void)state;
	for (unsigned g = 0; g < 65536; g++) {
		bool known = false;
		struct dh *d;

		for (size_t i = 0; i < COUNT(all_groups); i++)
			known = known || all_groups[i] == g;
		assert_int_equal(dh_public_len((uint16_t)g) != 0, known);
		assert_int_equal(dh_shared_len((uint16_t)g) != 0, known);
		if (!known)
			assert_int_equal(dh_new((uint16_t)g, &d), WHY_ATTRIBUTES);
	}
	assert_int_equal(dh_public_len(GROUP_MODP_8192), 1024);
	assert_int_equal(dh_public_len(GROUP_ECP_521), 132);
	assert_int_equal(dh_shared_len(GROUP_ECP_521), 66);
	assert_int_equal(dh_public_len(GROUP_X25519), 32);
}

static void
scalars_outside_the_order_are_refused(void **state)
{
	/* The order of P-256, FIPS 186 */
	struct hex order = hex_of("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
	struct dh *d;

	(void)state;
	assert_int_equal(dh_from_private(GROUP_ECP_256, hex_view(&order), &d), WHY_KEY_VALUE);
	memset(order.b, 0, 32);
	assert_int_equal(dh_from_private(GROUP_ECP_256, hex_view(&order), &d), WHY_KEY_VALUE);
	order.n = 33;
	assert_int_equal(dh_from_private(GROUP_ECP_256, hex_view(&order), &d), WHY_KEY_VALUE);
	dh_free(NULL);
	assert_true(crypto_preload_dh());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_key_pairs_give_the_published_secrets),
		cmocka_unit_test(fresh_pairs_of_every_group_agree_and_differ_from_each_other),
		cmocka_unit_test(modp_primes_and_generator_are_those_of_the_rfcs),
		cmocka_unit_test(modp_agrees_with_evp),
		cmocka_unit_test(short_secrets_keep_their_leading_zeros),
		cmocka_unit_test(r10_modp_refuses_all_but_2_to_p_minus_2),
		cmocka_unit_test(r10_every_group_refuses_every_other_length),
		cmocka_unit_test(r10_curves_refuse_what_is_not_a_point),
		cmocka_unit_test(r10_curves_refuse_coordinates_beyond_the_prime),
		cmocka_unit_test(r10_x25519_refuses_points_of_low_order),
		cmocka_unit_test(a_refused_value_leaves_the_pair_usable),
		cmocka_unit_test(the_table_of_lengths_is_total),
		cmocka_unit_test(scalars_outside_the_order_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
