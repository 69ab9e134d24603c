/*
 * RSA: the hash itself in a PKCS#1 block of type 1, without DigestInfo
 * (RFC 2409 section 5.1).  A signature is checked by building the one block
 * it must be and comparing all of it (security R15).
 *
 * ECDSA and DSS: r | s, each of fixed length, never DER.
 */
#include "crypto/sign.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/secret.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/sign_internal.h"

enum {
	EXPONENT_OCTETS_MAX = 8,
	DER_MAX = 160,		/* two integers of 66 octets and their heads */
	PKCS1_LEAST = 11	/* 00 01, eight FF, 00 */
};

/* Methods whose signature is r | s. */
static const struct pair_method {
	uint8_t		 method, hash;
	uint8_t		 half;		/* octets of r, and of s */
} pair_methods[] = {
	{ AUTH_DSS,	  HASH_SHA,	 20 },
	{ AUTH_ECDSA_256, HASH_SHA2_256, 32 },
	{ AUTH_ECDSA_384, HASH_SHA2_384, 48 },
	{ AUTH_ECDSA_521, HASH_SHA2_512, 66 },
};

static const struct pair_method *
pair_of(uint8_t method)
{
	for (size_t i = 0; i < COUNT(pair_methods); i++)
		if (pair_methods[i].method == method)
			return &pair_methods[i];
	return NULL;
}

uint8_t
sign_hash(uint8_t method, uint8_t negotiated)
{
	const struct pair_method *p = pair_of(method);

	return p != NULL ? p->hash : method == AUTH_RSA_SIG ? negotiated : 0;
}

bool
sign_method(uint8_t method)
{
	return method == AUTH_RSA_SIG || pair_of(method) != NULL;
}

/* ---- may it be used? ---- */

static enum why
check_rsa(const struct pubkey *k, bool weak, struct str *why)
{
	struct view n = pubkey_part(k, 0), e = pubkey_part(k, 1);
	unsigned bits = pubkey_bits(k);
	uint64_t exponent = 0;

	if (bits < (weak ? RSA_BITS_WEAK : RSA_BITS_LEAST) || bits > RSA_BITS_MAX) {
		str_addf(why, "RSA %u: the modulus must have %d to %d bits%s", bits,
		    weak ? RSA_BITS_WEAK : RSA_BITS_LEAST, RSA_BITS_MAX,
		    bits >= RSA_BITS_WEAK && bits < RSA_BITS_LEAST ?
		    " (Allow-weak=yes accepts 1024)" : "");
		return WHY_KEY_REFUSED;
	}
	if ((n.p[n.n - 1] & 1) == 0) {
		str_add(why, "the modulus is even");
		return WHY_KEY_REFUSED;
	}
	for (size_t i = 0; i < e.n && e.n <= EXPONENT_OCTETS_MAX; i++)
		exponent = exponent << 8 | e.p[i];
	if (e.n > EXPONENT_OCTETS_MAX || (exponent & 1) == 0 || exponent < (weak ? 3 : 65537)) {
		str_addf(why, "the exponent must be odd, of at most 64 bits and at least %s",
		    weak ? "3" : "65537 (Allow-weak=yes accepts 3)");
		return WHY_KEY_REFUSED;
	}
	return WHY_NONE;
}

static enum why
check_dsa(const struct pubkey *k, bool weak, struct str *why)
{
	unsigned bits = pubkey_bits(k);

	if (!weak) {
		str_add(why, "DSS signatures are made with SHA-1: Allow-weak=yes accepts them");
		return WHY_KEY_REFUSED;
	}
	/* SIG holds 20 octets each of r and s */
	if (bits < DSA_BITS_WEAK || pubkey_part(k, 1).n != 20) {
		str_addf(why, "DSA %u/%zu: p must have %d bits or more, and q 160", bits,
		    pubkey_part(k, 1).n * 8, DSA_BITS_WEAK);
		return WHY_KEY_REFUSED;
	}
	return WHY_NONE;
}

enum why
pubkey_check(const struct pubkey *k, uint8_t method, bool weak, struct str *why)
{
	char room[24];

	if (!pubkey_does(k, method)) {
		pubkey_print(why, k);
		str_addf(why, " cannot be used for %s",
		    reg_text(REG_AUTH_METHOD, method, room));
		return WHY_KEY_REFUSED;
	}
	switch ((enum pubkey_kind)k->kind) {
	case PUBKEY_RSA:
		return check_rsa(k, weak, why);
	case PUBKEY_DSA:
		return check_dsa(k, weak, why);
	case PUBKEY_ECDSA:
	case PUBKEY_NONE:
	case PUBKEY_KIND_MAX:
		break;
	}
	return WHY_NONE;
}

/* ---- a public key for libcrypto ---- */

/* Numbers of the parts, by the names libcrypto has for them. */
static const char *const part_names[PUBKEY_KIND_MAX][PUBKEY_PARTS] = {
	[PUBKEY_RSA] = { OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E },
	[PUBKEY_DSA] = { OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q, OSSL_PKEY_PARAM_FFC_G,
	    OSSL_PKEY_PARAM_PUB_KEY },
};

static const char *
curve_name(const struct pubkey *k)
{
	switch (pubkey_bits(k)) {
	case 256:
		return "P-256";
	case 384:
		return "P-384";
	default:
		return "P-521";
	}
}

static bool
push_parts(OSSL_PARAM_BLD *b, const struct pubkey *k, BIGNUM *numbers[PUBKEY_PARTS])
{
	struct view point = pubkey_part(k, 0);

	if (k->kind == PUBKEY_ECDSA)
		return OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME,
		    curve_name(k), 0) == 1 &&
		    OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) == 1;
	for (size_t i = 0; i < pubkey_parts(k->kind); i++) {
		struct view v = pubkey_part(k, i);

		numbers[i] = BN_bin2bn(v.p, (int)v.n, NULL);
		if (numbers[i] == NULL ||
		    OSSL_PARAM_BLD_push_BN(b, part_names[k->kind][i], numbers[i]) != 1)
			return false;
	}
	return true;
}

static EVP_PKEY *
pkey_of(const struct pubkey *k)
{
	static const char *const names[PUBKEY_KIND_MAX] = {
		[PUBKEY_RSA] = "RSA", [PUBKEY_ECDSA] = "EC", [PUBKEY_DSA] = "DSA",
	};
	BIGNUM *numbers[PUBKEY_PARTS] = { 0 };
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, names[k->kind], NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *ret = NULL;

	if (ctx != NULL && b != NULL && push_parts(b, k, numbers))
		params = OSSL_PARAM_BLD_to_param(b);
	if (params != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &ret, EVP_PKEY_PUBLIC_KEY, params) != 1)
		ret = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	for (size_t i = 0; i < PUBKEY_PARTS; i++)
		BN_free(numbers[i]);
	return ret;
}

/* ---- making ---- */

static enum why
make_rsa(EVP_PKEY_CTX *ctx, struct view hash, uint8_t *ret, size_t *ret_n)
{
	size_t n = SIGNATURE_MAX;

	/* No digest is named: the hash goes into the block as it is. */
	if (EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_sign(ctx, ret, &n, hash.p, hash.n) != 1)
		return WHY_NO_MEMORY;
	*ret_n = n;
	return WHY_NONE;
}

static enum why
make_pair(EVP_PKEY_CTX *ctx, size_t half, struct view hash, uint8_t *ret, size_t *ret_n)
{
	uint8_t der[DER_MAX];
	const uint8_t *p = der;
	size_t n = sizeof(der);

	if (EVP_PKEY_sign_init(ctx) != 1 || EVP_PKEY_sign(ctx, der, &n, hash.p, hash.n) != 1)
		return WHY_NO_MEMORY;
	/* DSA's has the same form. */
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
	bool ok = sig != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, (int)half) == (int)half &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + half, (int)half) == (int)half;
	ECDSA_SIG_free(sig);
	if (!ok)
		return WHY_KEY_REFUSED;
	*ret_n = 2 * half;
	return WHY_NONE;
}

enum why
sign_make(const struct sign_key *k, uint8_t method, struct view hash,
    uint8_t ret[SIGNATURE_MAX], size_t *ret_n)
{
	const struct pair_method *pair = pair_of(method);

	if (!pubkey_does(sign_key_public(k), method) || hash.n == 0 || hash.n > HASH_LEN_MAX ||
	    (pair != NULL && hash.n != hash_len(pair->hash)))
		return WHY_KEY_REFUSED;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, sign_key_pkey(k), NULL);
	if (ctx == NULL)
		return WHY_NO_MEMORY;
	enum why why = pair == NULL ? make_rsa(ctx, hash, ret, ret_n) :
	    make_pair(ctx, pair->half, hash, ret, ret_n);
	EVP_PKEY_CTX_free(ctx);
	return why;
}

/* ---- checking ---- */

static enum why
check_rsa_block(EVP_PKEY_CTX *ctx, size_t modulus, struct view hash, struct view signature)
{
	uint8_t got[SIGNATURE_MAX], want[SIGNATURE_MAX];
	struct wr w = wr_of(want, sizeof(want));
	size_t n = sizeof(got);

	if (signature.n != modulus || hash.n + PKCS1_LEAST > modulus)
		return WHY_SIGNATURE;
	if (EVP_PKEY_verify_recover_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) != 1)
		return WHY_NO_MEMORY;
	if (EVP_PKEY_verify_recover(ctx, got, &n, signature.p, signature.n) != 1)
		return WHY_SIGNATURE;
	wr_u8(&w, 0);
	wr_u8(&w, 1);
	uint8_t *padding = wr_room(&w, modulus - hash.n - 3);
	if (padding != NULL)
		memset(padding, 0xff, modulus - hash.n - 3);
	wr_u8(&w, 0);
	wr_view(&w, hash);
	return !w.bad && ct_equal(wr_done(&w), view_of(got, n)) ? WHY_NONE : WHY_SIGNATURE;
}

static size_t
pair_der(size_t half, struct view signature, uint8_t ret[DER_MAX])
{
	BIGNUM *r = BN_bin2bn(signature.p, (int)half, NULL);
	BIGNUM *s = BN_bin2bn(signature.p + half, (int)half, NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	uint8_t *p = ret;
	int n = 0;

	if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL;
		if (i2d_ECDSA_SIG(sig, NULL) <= DER_MAX)
			n = i2d_ECDSA_SIG(sig, &p);
	}
	ECDSA_SIG_free(sig);
	BN_free(r);
	BN_free(s);
	return n < 0 ? 0 : (size_t)n;
}

static enum why
check_pair(EVP_PKEY_CTX *ctx, size_t half, struct view hash, struct view signature)
{
	uint8_t der[DER_MAX];

	if (signature.n != 2 * half)
		return WHY_SIGNATURE;
	size_t n = pair_der(half, signature, der);
	if (n == 0 || EVP_PKEY_verify_init(ctx) != 1)
		return WHY_NO_MEMORY;
	return EVP_PKEY_verify(ctx, der, n, hash.p, hash.n) == 1 ? WHY_NONE : WHY_SIGNATURE;
}

enum why
sign_check(const struct pubkey *k, uint8_t method, struct view hash, struct view signature)
{
	const struct pair_method *pair = pair_of(method);

	if (!pubkey_does(k, method) || hash.n == 0 || hash.n > HASH_LEN_MAX ||
	    (pair != NULL && hash.n != hash_len(pair->hash)))
		return WHY_KEY_REFUSED;
	EVP_PKEY *pkey = pkey_of(k);
	if (pkey == NULL)
		return WHY_KEY_REFUSED;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	enum why why = ctx == NULL ? WHY_NO_MEMORY :
	    pair == NULL ? check_rsa_block(ctx, pubkey_part(k, 0).n, hash, signature) :
	    check_pair(ctx, pair->half, hash, signature);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return why;
}
