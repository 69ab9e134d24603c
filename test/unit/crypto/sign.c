#include "prove.h"

#include <openssl/bn.h>
#include <stdio.h>

#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/preload.h"
#include "crypto/sign.h"
#include "unit/crypto/hex.h"

enum { FILE_ROOM = 16384 };

static struct view
file(const char *name)
{
	static char room[FILE_ROOM];
	STR(path, 300);

	str_addf(&path, "%s/keys/%s", VECTORS, name);
	FILE *f = fopen(path.p, "r");
	if (f == NULL)
		fail_msg("%s", path.p);
	size_t n = fread(room, 1, sizeof(room), f);
	fclose(f);
	return view_of(room, n);
}

static struct sign_key *
private_of(const char *name)
{
	STR(why, 300);
	struct sign_key *k = sign_key_read(file(name), &why);

	if (k == NULL)
		fail_msg("%s: %s", name, why.p);
	return k;
}

static struct pubkey
public_of(const char *name)
{
	struct pubkey k;
	STR(why, 300);

	if (!pubkey_read(file(name), &k, &why))
		fail_msg("%s: %s", name, why.p);
	return k;
}

static const struct pair {
	const char	*private, *public, *other;
	uint8_t		 method, negotiated;
} pairs[] = {
	{ "rsa2048-a.pem", "rsa2048-a.pub", "rsa2048-b.pub", AUTH_RSA_SIG, HASH_MD5 },
	{ "rsa2048-a.pem", "rsa2048-a.pub", "rsa2048-b.pub", AUTH_RSA_SIG, HASH_SHA },
	{ "rsa2048-a.pem", "rsa2048-a.pub", "rsa2048-b.pub", AUTH_RSA_SIG, HASH_SHA2_512 },
	{ "rsa3072.pem", "rsa3072.pub", "rsa4096.pub", AUTH_RSA_SIG, HASH_SHA2_256 },
	{ "rsa4096.pem", "rsa4096.pub", "rsa3072.pub", AUTH_RSA_SIG, HASH_SHA2_384 },
	{ "rsa8192.pem", "rsa8192.pub", "rsa4096.pub", AUTH_RSA_SIG, HASH_SHA2_256 },
	{ "rsa1024.pem", "rsa1024.pub", "rsa2048-a.pub", AUTH_RSA_SIG, HASH_SHA2_512 },
	{ "rsa2048-e3.pem", "rsa2048-e3.pub", "rsa2048-a.pub", AUTH_RSA_SIG, HASH_SHA2_256 },
	{ "ec256-a.pem", "ec256-a.pub", "ec256-b.pub", AUTH_ECDSA_256, HASH_SHA2_512 },
	{ "ec384-a.pem", "ec384-a.pub", "ec384-b.pub", AUTH_ECDSA_384, HASH_SHA },
	{ "ec521-a.pem", "ec521-a.pub", "ec521-b.pub", AUTH_ECDSA_521, HASH_MD5 },
	{ "dsa1024.pem", "dsa1024.pub", "rsa2048-a.pub", AUTH_DSS, HASH_SHA2_256 },
};

static struct view
some_hash(const struct pair *p)
{
	static uint8_t hash[HASH_LEN_MAX];

	for (size_t i = 0; i < sizeof(hash); i++)
		hash[i] = (uint8_t)(i * 7 + 1);
	return view_of(hash, hash_len(sign_hash(p->method, p->negotiated)));
}

static void
what_a_key_signs_its_public_half_verifies(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct sign_key *k = private_of(pairs[i].private);
		struct pubkey pub = public_of(pairs[i].public);
		uint8_t sig[SIGNATURE_MAX];
		size_t n = 0;

		assert_true(pubkey_equal(&pub, sign_key_public(k)));
		assert_int_equal(sign_make(k, pairs[i].method, some_hash(&pairs[i]), sig, &n), WHY_NONE);
		assert_int_equal(sign_check(&pub, pairs[i].method, some_hash(&pairs[i]), view_of(sig, n)),
		    WHY_NONE);
		sign_key_unref(k);
	}
}

/* What can be wrong with a signature; each must fail for every method (R20). */
static void
refuses(const struct pubkey *pub, uint8_t method, struct view hash, struct view sig)
{
	assert_int_equal(sign_check(pub, method, hash, sig), WHY_SIGNATURE);
}

static void
r20_one_pair(const struct pair *p)
{
	struct sign_key *k = private_of(p->private);
	struct pubkey pub = public_of(p->public), other = public_of(p->other);
	uint8_t sig[SIGNATURE_MAX + 1], changed[HASH_LEN_MAX];
	struct view hash = some_hash(p);
	size_t n = 0;

	assert_int_equal(sign_make(k, p->method, hash, sig, &n), WHY_NONE);
	if (pubkey_does(&other, p->method))
		refuses(&other, p->method, hash, view_of(sig, n));
	else
		assert_int_equal(sign_check(&other, p->method, hash, view_of(sig, n)), WHY_KEY_REFUSED);
	memcpy(changed, hash.p, hash.n);
	for (size_t i = 0; i < hash.n; i++) {
		changed[i] ^= 1;
		refuses(&pub, p->method, view_of(changed, hash.n), view_of(sig, n));
		changed[i] ^= 1;
	}
	for (size_t cut = 0; cut < n; cut += cut < 4 || cut > n - 4 ? 1 : n / 16)
		refuses(&pub, p->method, hash, view_of(sig, cut));
	sig[n] = 0;
	refuses(&pub, p->method, hash, view_of(sig, n + 1));
	for (size_t i = 0; i < n; i += n / 16) {
		sig[i] ^= 0x40;
		refuses(&pub, p->method, hash, view_of(sig, n));
		sig[i] ^= 0x40;
	}
	memset(sig, 0, n);
	refuses(&pub, p->method, hash, view_of(sig, n));
	memset(sig, 0xff, n);
	refuses(&pub, p->method, hash, view_of(sig, n));
	sign_key_unref(k);
}

static void
r20_wrong_key_wrong_hash_cut_longer_changed_and_empty_signatures_fail_for_every_method(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++)
		if (strcmp(pairs[i].private, "rsa8192.pem") != 0)
			r20_one_pair(&pairs[i]);
}

static void
a_hash_of_another_length_than_the_method_has_is_refused(void **state)
{
	static const uint8_t zero[HASH_LEN_MAX + 1];
	struct sign_key *k = private_of("ec256-a.pem");
	struct pubkey pub = public_of("ec256-a.pub");
	uint8_t sig[SIGNATURE_MAX];
	size_t n;

	(void)state;
	for (size_t i = 0; i <= sizeof(zero); i++) {
		if (i == 32)
			continue;
		assert_int_equal(sign_make(k, AUTH_ECDSA_256, view_of(zero, i), sig, &n), WHY_KEY_REFUSED);
		assert_int_equal(sign_check(&pub, AUTH_ECDSA_256, view_of(zero, i), view_of(sig, 64)),
		    WHY_KEY_REFUSED);
	}
	sign_key_unref(k);
}

static void
a_curve_signs_for_its_own_method_only(void **state)
{
	static const uint8_t zero[HASH_LEN_MAX];
	struct sign_key *k = private_of("ec384-a.pem");
	uint8_t sig[SIGNATURE_MAX];
	size_t n;

	(void)state;
	for (unsigned m = 0; m < 256; m++) {
		uint8_t hash = sign_hash((uint8_t)m, HASH_SHA2_256);
		enum why why = sign_make(k, (uint8_t)m, view_of(zero, hash_len(hash)), sig, &n);

		assert_int_equal(why, m == AUTH_ECDSA_384 ? WHY_NONE : WHY_KEY_REFUSED);
	}
	sign_key_unref(k);
}

/* ---- vectors ---- */

/* The value of a name in a block of an "[block]", "name = value" file. */
static struct hex
vector(const char *path, const char *block, const char *name)
{
	FILE *f = fopen(path, "r");
	struct hex ret = { .n = 0 };
	char line[4096];
	bool here = false;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		char *value = strstr(line, " = ");

		if (line[0] == '[')
			here = strncmp(line + 1, block, strlen(block)) == 0 &&
			    line[1 + strlen(block)] == ']';
		if (!here || value == NULL)
			continue;
		*value = '\0';
		if (strcmp(line, name) == 0)
			ret = hex_of(value + 3);
	}
	fclose(f);
	if (ret.n == 0)
		fail_msg("%s: no %s in [%s]", path, name, block);
	return ret;
}

static void
rsa_signatures_of_the_vectors_are_made_and_verified(void **state)
{
	static const char path[] = VECTORS "/ikev1/phase1.txt";
	static const char *const blocks[] = { "gen-sig-md5", "gen-sig-sha1", "gen-sig-sha256",
	    "gen-sig-sha384", "gen-sig-sha512" };
	struct sign_key *k = private_of("vectors-rsa.pem");
	uint8_t sig[SIGNATURE_MAX];
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(blocks); i++) {
		struct hex hash = vector(path, blocks[i], "HASH_I");
		struct hex want = vector(path, blocks[i], "SIG_I_rsa");

		assert_int_equal(sign_make(k, AUTH_RSA_SIG, hex_view(&hash), sig, &n), WHY_NONE);
		assert_int_equal(n, want.n);
		assert_memory_equal(sig, want.b, want.n);
		assert_int_equal(sign_check(sign_key_public(k), AUTH_RSA_SIG, hex_view(&hash),
		    hex_view(&want)), WHY_NONE);
	}
	sign_key_unref(k);
}

static void
rfc4754_signatures_are_verified(void **state)
{
	static const char path[] = VECTORS "/ikev1/ecdsa-rfc4754.txt";
	static const struct { const char *block; uint8_t method; } t[] = {
		{ "ecdsa-256", AUTH_ECDSA_256 }, { "ecdsa-384", AUTH_ECDSA_384 },
		{ "ecdsa-521", AUTH_ECDSA_521 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct hex x = vector(path, t[i].block, "gwx"), y = vector(path, t[i].block, "gwy");
		struct hex sig = vector(path, t[i].block, "sig"), msg = vector(path, t[i].block, "msg");
		uint8_t point[256] = { 4 }, hash[HASH_LEN_MAX];
		struct view text = hex_view(&msg);
		struct pubkey k;

		memcpy(point + 1, x.b, x.n);
		memcpy(point + 1 + x.n, y.b, y.n);
		const struct view part = view_of(point, 1 + x.n + y.n);
		assert_true(pubkey_set(&k, PUBKEY_ECDSA, &part));
		uint8_t alg = sign_hash(t[i].method, HASH_MD5);
		assert_true(hash_views(alg, &text, 1, hash));
		assert_int_equal(sign_check(&k, t[i].method, view_of(hash, hash_len(alg)), hex_view(&sig)),
		    WHY_NONE);
		hash[0] ^= 1;
		refuses(&k, t[i].method, view_of(hash, hash_len(alg)), hex_view(&sig));
	}
}

static void
the_hash_belongs_to_the_method_only_where_the_rfcs_say_so(void **state)
{
	(void)state;
	assert_int_equal(sign_hash(AUTH_RSA_SIG, HASH_MD5), HASH_MD5);
	assert_int_equal(sign_hash(AUTH_RSA_SIG, HASH_SHA2_512), HASH_SHA2_512);
	assert_int_equal(sign_hash(AUTH_DSS, HASH_SHA2_512), HASH_SHA);
	assert_int_equal(sign_hash(AUTH_ECDSA_256, HASH_SHA), HASH_SHA2_256);
	assert_int_equal(sign_hash(AUTH_ECDSA_384, HASH_SHA), HASH_SHA2_384);
	assert_int_equal(sign_hash(AUTH_ECDSA_521, HASH_SHA), HASH_SHA2_512);
	assert_int_equal(sign_hash(AUTH_PRE_SHARED, HASH_SHA), 0);
	assert_int_equal(sign_hash(AUTH_ECDSA_SIG, HASH_SHA), 0);
	assert_false(sign_method(AUTH_PRE_SHARED));
	assert_true(sign_method(AUTH_DSS));
}

/* ---- PKCS#1 as lenient programs accept it (R15) ---- */

static void
r15_a_cube_root_is_no_signature(void **state)
{
	/* With exponent 3 anybody makes a number whose cube begins as a block does
	 * (Bleichenbacher 2006); only the whole block counts. */
	struct pubkey pub = public_of("rsa2048-e3.pub");
	uint8_t sig[256] = { 0 }, hash[32] = { 0x11 };

	(void)state;
	refuses(&pub, AUTH_RSA_SIG, view_of(hash, sizeof(hash)), view_of(sig, sizeof(sig)));
	sig[255] = 1;
	refuses(&pub, AUTH_RSA_SIG, view_of(hash, sizeof(hash)), view_of(sig, sizeof(sig)));
	memset(sig + 170, 0x5f, 86);
	refuses(&pub, AUTH_RSA_SIG, view_of(hash, sizeof(hash)), view_of(sig, sizeof(sig)));
}

static void
r15_a_digest_info_around_the_hash_is_refused(void **state)
{
	/* What PKCS#1 signing with a named digest makes: SHA-256's DigestInfo. */
	static const uint8_t head[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	    0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
	struct sign_key *k = private_of("rsa2048-a.pem");
	uint8_t hash[32], wrapped[sizeof(head) + 32], sig[SIGNATURE_MAX];
	size_t n;

	(void)state;
	memset(hash, 0x33, sizeof(hash));
	memcpy(wrapped, head, sizeof(head));
	memcpy(wrapped + sizeof(head), hash, sizeof(hash));
	assert_int_equal(sign_make(k, AUTH_RSA_SIG, view_of(wrapped, sizeof(wrapped)), sig, &n), WHY_NONE);
	refuses(sign_key_public(k), AUTH_RSA_SIG, view_of(hash, sizeof(hash)), view_of(sig, n));
	/* nor a shorter or longer hash that begins or ends alike */
	refuses(sign_key_public(k), AUTH_RSA_SIG, view_of(wrapped, sizeof(wrapped) - 1), view_of(sig, n));
	refuses(sign_key_public(k), AUTH_RSA_SIG, view_of(wrapped + 1, sizeof(wrapped) - 1),
	    view_of(sig, n));
	sign_key_unref(k);
}

static void
r15_a_signature_plus_the_modulus_is_refused(void **state)
{
	struct sign_key *k = private_of("rsa2048-a.pem");
	uint8_t hash[32] = { 7 }, sig[SIGNATURE_MAX], sum[SIGNATURE_MAX];
	struct view modulus = pubkey_part(sign_key_public(k), 0);
	unsigned carry = 0;
	size_t n;

	(void)state;
	/* the same number modulo n, in as many octets where it fits */
	for (unsigned i = 0; i < 256; i++) {
		hash[1] = (uint8_t)i;
		assert_int_equal(sign_make(k, AUTH_RSA_SIG, view_of(hash, sizeof(hash)), sig, &n), WHY_NONE);
		carry = 0;
		for (size_t j = n; j-- > 0; carry >>= 8) {
			carry += (unsigned)sig[j] + modulus.p[j];
			sum[j] = (uint8_t)carry;
		}
		if (carry == 0)
			break;
	}
	assert_int_equal(carry, 0);
	refuses(sign_key_public(k), AUTH_RSA_SIG, view_of(hash, sizeof(hash)), view_of(sum, n));
	sign_key_unref(k);
}

/* The smallest number whose cube is not below. */
static void
cube_root(const BIGNUM *of, BIGNUM *ret)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *cube = BN_new();

	assert_true(ctx != NULL && cube != NULL);
	BN_zero(ret);
	for (int bit = BN_num_bits(of) / 3 + 1; bit >= 0; bit--) {
		assert_int_equal(BN_set_bit(ret, bit), 1);
		assert_int_equal(BN_sqr(cube, ret, ctx), 1);
		assert_int_equal(BN_mul(cube, cube, ret, ctx), 1);
		if (BN_cmp(cube, of) >= 0)
			assert_int_equal(BN_clear_bit(ret, bit), 1);
	}
	assert_int_equal(BN_add_word(ret, 1), 1);
	BN_free(cube);
	BN_CTX_free(ctx);
}

/*
 * Bleichenbacher 2006, with exponent 3 and no private key: a block that
 * begins as it must, has the hash in it, and ends in octets that nobody
 * looks at.  With the padding shortened, and with the hash at the end of
 * nothing but zeros as well.
 */
static void
r15_a_block_with_octets_behind_the_hash_is_refused(void **state)
{
	struct pubkey pub = public_of("rsa2048-e3.pub");
	BIGNUM *block = BN_new(), *root = BN_new();
	uint8_t hash[32], octets[256], sig[256];

	(void)state;
	assert_true(block != NULL && root != NULL);
	memset(hash, 0x5a, sizeof(hash));
	for (size_t padding = 0; padding < 40; padding += 8) {
		memset(octets, 0, sizeof(octets));
		octets[1] = 1;
		memset(octets + 2, 0xff, padding);
		memcpy(octets + 3 + padding, hash, sizeof(hash));
		assert_non_null(BN_bin2bn(octets, sizeof(octets), block));
		cube_root(block, root);
		assert_int_equal(BN_bn2binpad(root, sig, sizeof(sig)), sizeof(sig));
		/* It is a forgery: its cube begins with the block. */
		BN_CTX *ctx = BN_CTX_new();
		uint8_t cube[256];
		assert_int_equal(BN_sqr(block, root, ctx), 1);
		assert_int_equal(BN_mul(block, block, root, ctx), 1);
		assert_int_equal(BN_bn2binpad(block, cube, sizeof(cube)), sizeof(cube));
		BN_CTX_free(ctx);
		assert_memory_equal(cube, octets, 3 + padding + sizeof(hash));
		refuses(&pub, AUTH_RSA_SIG, view_of(hash, sizeof(hash)), view_of(sig, sizeof(sig)));
	}
	BN_free(block);
	BN_free(root);
}

/* ---- r and s (FIPS 186-4 section 4.7, RFC 4754 section 7) ---- */

/* The order of the group: SEC 2 for the curves, q of the key for DSS. */
static struct hex
order_of(const struct pubkey *k, uint8_t method)
{
	switch (method) {
	case AUTH_ECDSA_256:
		return hex_of("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
	case AUTH_ECDSA_384:
		return hex_of("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
		    "581a0db248b0a77aecec196accc52973");
	case AUTH_ECDSA_521:
		return hex_of("01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		    "fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409");
	default: {
		struct hex q = { .n = pubkey_part(k, 1).n };

		memcpy(q.b, pubkey_part(k, 1).p, q.n);
		return q;
	}
	}
}

/* Adds the order to one half, if there is room for the sum. */
static bool
plus_order(uint8_t *half, const struct hex *order)
{
	unsigned carry = 0;

	for (size_t i = order->n; i-- > 0; carry >>= 8) {
		carry += (unsigned)half[i] + order->b[i];
		half[i] = (uint8_t)carry;
	}
	return carry == 0;
}

static void
r20_halves_that_are_zero_or_not_below_the_order_are_refused(void **state)
{
	static const struct { const char *private; uint8_t method; } t[] = {
		{ "ec256-a.pem", AUTH_ECDSA_256 }, { "ec384-a.pem", AUTH_ECDSA_384 },
		{ "ec521-a.pem", AUTH_ECDSA_521 }, { "dsa1024.pem", AUTH_DSS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct sign_key *k = private_of(t[i].private);
		const struct pubkey *pub = sign_key_public(k);
		struct hex order = order_of(pub, t[i].method);
		uint8_t hash[HASH_LEN_MAX], good[SIGNATURE_MAX], sig[SIGNATURE_MAX];
		struct view h = view_of(hash, hash_len(sign_hash(t[i].method, HASH_SHA2_256)));
		size_t n;

		memset(hash, 0x77, sizeof(hash));
		assert_int_equal(sign_make(k, t[i].method, h, good, &n), WHY_NONE);
		assert_int_equal(n, 2 * order.n);
		for (size_t at = 0; at <= order.n; at += order.n) {	/* r, then s */
			struct view v = view_of(sig, n);

			memcpy(sig, good, n);
			memset(sig + at, 0, order.n);
			refuses(pub, t[i].method, h, v);
			sig[at + order.n - 1] = 1;
			refuses(pub, t[i].method, h, v);
			memcpy(sig + at, order.b, order.n);
			refuses(pub, t[i].method, h, v);
			sig[at + order.n - 1] ^= 1;
			refuses(pub, t[i].method, h, v);
			memset(sig + at, 0xff, order.n);
			refuses(pub, t[i].method, h, v);
			/* The same number modulo the order. */
			memcpy(sig, good, n);
			if (plus_order(sig + at, &order))
				refuses(pub, t[i].method, h, v);
		}
		memset(sig, 0, n);
		sig[order.n - 1] = sig[n - 1] = 1;
		refuses(pub, t[i].method, h, view_of(sig, n));
		sign_key_unref(k);
	}
}

/* The hash of another algorithm, also where one begins with the other. */
static void
r20_a_signature_over_a_hash_of_another_length_is_refused(void **state)
{
	static const uint8_t lengths[] = { 16, 20, 32, 48, 64 };
	struct sign_key *k = private_of("rsa2048-a.pem");
	uint8_t hash[HASH_LEN_MAX], sig[SIGNATURE_MAX];
	size_t n;

	(void)state;
	memset(hash, 0x21, sizeof(hash));
	for (size_t i = 0; i < sizeof(lengths); i++) {
		assert_int_equal(sign_make(k, AUTH_RSA_SIG, view_of(hash, lengths[i]), sig, &n), WHY_NONE);
		for (size_t j = 0; j < sizeof(lengths); j++)
			assert_int_equal(sign_check(sign_key_public(k), AUTH_RSA_SIG,
			    view_of(hash, lengths[j]), view_of(sig, n)),
			    i == j ? WHY_NONE : WHY_SIGNATURE);
	}
	sign_key_unref(k);
}

/* ---- which keys may be used ---- */

static void
keys_are_allowed_by_kind_size_and_exponent(void **state)
{
	static const struct { const char *file; uint8_t method; bool strong, weak; const char *says; } t[] = {
		{ "rsa2048-a.pub", AUTH_RSA_SIG, true, true, "" },
		{ "rsa8192.pub", AUTH_RSA_SIG, true, true, "" },
		{ "rsa1024.pub", AUTH_RSA_SIG, false, true, "Allow-weak=yes accepts 1024" },
		{ "rsa2048-e3.pub", AUTH_RSA_SIG, false, true, "Allow-weak=yes accepts 3" },
		{ "dsa1024.pub", AUTH_DSS, false, true, "SHA-1" },
		{ "ec256-a.pub", AUTH_ECDSA_256, true, true, "" },
		{ "ec256-a.pub", AUTH_ECDSA_384, false, false, "ECDSA P-256 cannot be used for ECDSA_384" },
		{ "ec521-a.pub", AUTH_RSA_SIG, false, false, "ECDSA P-521 cannot be used for RSA_SIG" },
		{ "rsa2048-a.pub", AUTH_ECDSA_256, false, false, "RSA 2048 cannot be used for ECDSA_256" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct pubkey k = public_of(t[i].file);
		STR(why, 300);

		assert_int_equal(pubkey_check(&k, t[i].method, false, &why),
		    t[i].strong ? WHY_NONE : WHY_KEY_REFUSED);
		assert_non_null(strstr(why.p, t[i].says));
		assert_int_equal(pubkey_check(&k, t[i].method, true, &why),
		    t[i].weak ? WHY_NONE : WHY_KEY_REFUSED);
	}
}

static enum why
check_rsa_numbers(size_t n, uint8_t last, struct view e, bool weak)
{
	static uint8_t modulus[2048];
	struct pubkey k;
	STR(why, 300);

	memset(modulus, 0xc7, sizeof(modulus));
	modulus[n - 1] = last;
	const struct view parts[] = { view_of(modulus, n), e };
	assert_true(pubkey_set(&k, PUBKEY_RSA, parts));
	return pubkey_check(&k, AUTH_RSA_SIG, weak, &why);
}

static void
odd_numbers_in_a_certificate_do_not_reach_the_arithmetic(void **state)
{
	const struct view f4 = view_of("\1\0\1", 3), one = view_of("\1", 1), three = view_of("\3", 1),
	    even = view_of("\1\0\0", 3), eight = view_of("\xff\xff\xff\xff\xff\xff\xff\xff", 8),
	    nine = view_of("\1\0\0\0\0\0\0\0\1", 9);

	(void)state;
	assert_int_equal(check_rsa_numbers(256, 1, f4, false), WHY_NONE);
	assert_int_equal(check_rsa_numbers(256, 2, f4, true), WHY_KEY_REFUSED);	/* even modulus */
	assert_int_equal(check_rsa_numbers(256, 1, one, true), WHY_KEY_REFUSED);
	assert_int_equal(check_rsa_numbers(256, 1, three, false), WHY_KEY_REFUSED);
	assert_int_equal(check_rsa_numbers(256, 1, three, true), WHY_NONE);
	assert_int_equal(check_rsa_numbers(256, 1, even, true), WHY_KEY_REFUSED);
	assert_int_equal(check_rsa_numbers(256, 1, eight, false), WHY_NONE);
	assert_int_equal(check_rsa_numbers(256, 1, nine, true), WHY_KEY_REFUSED);
	assert_int_equal(check_rsa_numbers(127, 1, f4, true), WHY_KEY_REFUSED);
	assert_int_equal(check_rsa_numbers(128, 1, f4, false), WHY_KEY_REFUSED);
	assert_int_equal(check_rsa_numbers(1024, 1, f4, false), WHY_NONE);
	assert_int_equal(check_rsa_numbers(1025, 1, f4, true), WHY_KEY_REFUSED);
}

static void
a_point_that_is_not_on_its_curve_is_no_key(void **state)
{
	struct pubkey k = public_of("ec256-a.pub");
	uint8_t point[65], zero[32] = { 0 }, sig[64] = { [31] = 1, [63] = 1 };

	(void)state;
	memcpy(point, pubkey_part(&k, 0).p, sizeof(point));
	point[64] ^= 1;
	const struct view part = view_of(point, sizeof(point));
	assert_true(pubkey_set(&k, PUBKEY_ECDSA, &part));
	assert_int_equal(sign_check(&k, AUTH_ECDSA_256, view_of(zero, 32), view_of(sig, 64)),
	    WHY_KEY_REFUSED);
	memset(point + 1, 0, 64);
	assert_true(pubkey_set(&k, PUBKEY_ECDSA, &part));
	assert_int_equal(sign_check(&k, AUTH_ECDSA_256, view_of(zero, 32), view_of(sig, 64)),
	    WHY_KEY_REFUSED);
}

/* ---- files ---- */

static void
both_pem_kinds_of_a_key_are_read_and_are_the_same_key(void **state)
{
	struct sign_key *a = private_of("rsa2048-a.pem"), *b = private_of("rsa2048-a.pkcs1.pem");
	struct pubkey c = public_of("rsa2048-a.pub"), d = public_of("rsa2048-a.pkcs1.pub");

	(void)state;
	assert_true(pubkey_equal(sign_key_public(a), sign_key_public(b)));
	assert_true(pubkey_equal(sign_key_public(a), &c));
	assert_true(pubkey_equal(&c, &d));
	sign_key_unref(a);
	sign_key_unref(b);
	a = private_of("ec256-params.pem");	/* EC PARAMETERS first, as ecparam writes it */
	assert_int_equal(pubkey_bits(sign_key_public(a)), 256);
	sign_key_unref(a);
}

static void
a_private_key_file_that_cannot_be_used_says_why(void **state)
{
	static const struct { const char *file, *says; } t[] = {
		{ "ed25519.pem", "ED25519 keys cannot be used: IKEv1 has no authentication method" },
		{ "secp256k1.pem", "EC keys on secp256k1 cannot be used" },
		{ "rsa-pss.pem", "RSA-PSS keys cannot be used" },
		{ "encrypted.pem", "the key is encrypted" },
		{ "encrypted.pkcs1.pem", "the key is encrypted" },
		{ "rsa8200.pem", "RSA has at most 8192 bits" },
		{ "rsa2048-a.pub", "this is a public key" },
		{ "README.md", "no PEM key" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		STR(why, 300);

		assert_null(sign_key_read(file(t[i].file), &why));
		if (strstr(why.p, t[i].says) == NULL)
			fail_msg("%s: %s", t[i].file, why.p);
	}
}

static void
a_public_key_file_that_cannot_be_used_says_why(void **state)
{
	static const struct { const char *file, *says; } t[] = {
		{ "ed25519.pub", "ED25519 keys cannot be used" },
		{ "rsa2048-a.pem", "this is a private key" },
		{ "rsa2048-a.pkcs1.pem", "this is a private key" },
		{ "README.md", "no PEM key" },
	};
	struct pubkey k;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		STR(why, 300);

		assert_false(pubkey_read(file(t[i].file), &k, &why));
		if (strstr(why.p, t[i].says) == NULL)
			fail_msg("%s: %s", t[i].file, why.p);
	}
}

static void
a_cut_or_changed_key_file_is_refused_or_read_but_never_signs_wrongly(void **state)
{
	static const char *const names[] = { "ec256-a.pem", "ec256-a.pub" };
	uint8_t work[2048];

	(void)state;
	for (size_t f = 0; f < COUNT(names); f++) {
		struct view whole = file(names[f]);
		struct pubkey k;

		assert_true(whole.n < sizeof(work));
		memcpy(work, whole.p, whole.n);
		for (size_t n = 0; n < whole.n; n++) {
			STR(why, 300);

			sign_key_unref(sign_key_read(view_of(work, n), &why));
			(void)!pubkey_read(view_of(work, n), &k, &why);
		}
		for (size_t i = 0; i < whole.n; i++) {
			STR(why, 300);

			work[i] ^= 1;
			struct sign_key *s = sign_key_read(view_of(work, whole.n), &why);
			if (s == NULL)
				assert_true(why.len > 0);
			sign_key_unref(s);
			(void)!pubkey_read(view_of(work, whole.n), &k, &why);
			work[i] ^= 1;
		}
	}
}

static int
setup(void **state)
{
	(void)state;
	return crypto_preload() ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_key_signs_its_public_half_verifies),
		cmocka_unit_test(r20_wrong_key_wrong_hash_cut_longer_changed_and_empty_signatures_fail_for_every_method),
		cmocka_unit_test(a_hash_of_another_length_than_the_method_has_is_refused),
		cmocka_unit_test(a_curve_signs_for_its_own_method_only),
		cmocka_unit_test(rsa_signatures_of_the_vectors_are_made_and_verified),
		cmocka_unit_test(rfc4754_signatures_are_verified),
		cmocka_unit_test(the_hash_belongs_to_the_method_only_where_the_rfcs_say_so),
		cmocka_unit_test(r15_a_cube_root_is_no_signature),
		cmocka_unit_test(r15_a_digest_info_around_the_hash_is_refused),
		cmocka_unit_test(r15_a_signature_plus_the_modulus_is_refused),
		cmocka_unit_test(r15_a_block_with_octets_behind_the_hash_is_refused),
		cmocka_unit_test(r20_halves_that_are_zero_or_not_below_the_order_are_refused),
		cmocka_unit_test(r20_a_signature_over_a_hash_of_another_length_is_refused),
		cmocka_unit_test(keys_are_allowed_by_kind_size_and_exponent),
		cmocka_unit_test(odd_numbers_in_a_certificate_do_not_reach_the_arithmetic),
		cmocka_unit_test(a_point_that_is_not_on_its_curve_is_no_key),
		cmocka_unit_test(both_pem_kinds_of_a_key_are_read_and_are_the_same_key),
		cmocka_unit_test(a_private_key_file_that_cannot_be_used_says_why),
		cmocka_unit_test(a_public_key_file_that_cannot_be_used_says_why),
		cmocka_unit_test(a_cut_or_changed_key_file_is_refused_or_read_but_never_signs_wrongly),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
