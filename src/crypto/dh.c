/*
 * Key agreement on libcrypto's big numbers and curves.
 *
 * Why not EVP_PKEY: building EVP objects costs as much as a P-256
 * multiplication, its test of a MODP value's subgroup costs several times
 * the exchange itself, and a half-open exchange would keep kilobytes.  A
 * struct dh is two octet strings; group parameters are made once and shared
 * by all threads, read-only.
 *
 * The MODP groups are safe primes, so the only small subgroups are {1} and
 * {1, p-1}, and exponents are fresh: the range check is the check that
 * matters.  All multiplications and exponentiations by a private value are
 * libcrypto's constant-time ones.
 */
#include "crypto/dh.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>

#include "crypto/dh_test.h"
#include "crypto/random.h"

enum { PRIVATE_MAX = 66 };	/* P-521's scalar, the longest */

enum kind { MODP, CURVE, MONTGOMERY };

struct group {
	uint16_t	id;
	uint8_t		kind;
	uint16_t	field;		/* octets of a field element */
	uint16_t	private_len;	/* octets of a private value */
	int		nid;		/* CURVE */
	BIGNUM		*(*prime)(BIGNUM *);	/* MODP */
};

/*
 * MODP exponents have at least twice the bits of the group's strength
 * (RFC 3526 section 8), rounded up to whole 64-bit words because the
 * constant-time exponentiation costs by the word.
 */
static const struct group groups[] = {
	{ GROUP_MODP_768,  MODP, 96,   24, 0, BN_get_rfc2409_prime_768 },
	{ GROUP_MODP_1024, MODP, 128,  24, 0, BN_get_rfc2409_prime_1024 },
	{ GROUP_MODP_1536, MODP, 192,  32, 0, BN_get_rfc3526_prime_1536 },
	{ GROUP_MODP_2048, MODP, 256,  32, 0, BN_get_rfc3526_prime_2048 },
	{ GROUP_MODP_3072, MODP, 384,  40, 0, BN_get_rfc3526_prime_3072 },
	{ GROUP_MODP_4096, MODP, 512,  48, 0, BN_get_rfc3526_prime_4096 },
	{ GROUP_MODP_6144, MODP, 768,  48, 0, BN_get_rfc3526_prime_6144 },
	{ GROUP_MODP_8192, MODP, 1024, 56, 0, BN_get_rfc3526_prime_8192 },
	{ GROUP_ECP_256,   CURVE, 32, 32, NID_X9_62_prime256v1, NULL },
	{ GROUP_ECP_384,   CURVE, 48, 48, NID_secp384r1, NULL },
	{ GROUP_ECP_521,   CURVE, 66, 66, NID_secp521r1, NULL },
	{ GROUP_ECP_192,   CURVE, 24, 24, NID_X9_62_prime192v1, NULL },
	{ GROUP_ECP_224,   CURVE, 28, 28, NID_secp224r1, NULL },
	{ GROUP_BP_224,    CURVE, 28, 28, NID_brainpoolP224r1, NULL },
	{ GROUP_BP_256,    CURVE, 32, 32, NID_brainpoolP256r1, NULL },
	{ GROUP_BP_384,    CURVE, 48, 48, NID_brainpoolP384r1, NULL },
	{ GROUP_BP_512,    CURVE, 64, 64, NID_brainpoolP512r1, NULL },
	{ GROUP_X25519,    MONTGOMERY, 32, 32, 0, NULL },
};

struct params {
	/* MODP */
	BIGNUM		*p, *p_minus_1, *two;
	BN_MONT_CTX	*mont;
	/* CURVE */
	EC_GROUP	*curve;
	const BIGNUM	*order;
};

struct dh {
	const struct group	*g;
	uint8_t			 private_value[PRIVATE_MAX];	/* g->private_len octets */
	uint8_t			 public_value[];		/* dh_public_len octets */
};

/* Written once under `once`, constant from then on. */
static struct params params[COUNT(groups)];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
modp_prepare(const struct group *g, struct params *ret)
{
	struct params q = { .p = g->prime(NULL), .p_minus_1 = BN_new(), .two = BN_new(),
	    .mont = BN_MONT_CTX_new() };
	BN_CTX *ctx = BN_CTX_new();

	if (ctx != NULL && q.p != NULL && q.p_minus_1 != NULL && q.two != NULL &&
	    q.mont != NULL && BN_sub(q.p_minus_1, q.p, BN_value_one()) == 1 &&
	    BN_set_word(q.two, 2) == 1 && BN_MONT_CTX_set(q.mont, q.p, ctx) == 1) {
		*ret = q;
	} else {
		BN_free(q.p);
		BN_free(q.p_minus_1);
		BN_free(q.two);
		BN_MONT_CTX_free(q.mont);
	}
	BN_CTX_free(ctx);
}

static void
prepare(void)
{
	for (size_t i = 0; i < COUNT(groups); i++) {
		if (groups[i].kind == MODP) {
			modp_prepare(&groups[i], &params[i]);
		} else if (groups[i].kind == CURVE) {
			params[i].curve = EC_GROUP_new_by_curve_name(groups[i].nid);
			if (params[i].curve != NULL)
				params[i].order = EC_GROUP_get0_order(params[i].curve);
		}
	}
}

static const struct group *
find(uint16_t id)
{
	for (size_t i = 0; i < COUNT(groups); i++)
		if (groups[i].id == id)
			return &groups[i];
	return NULL;
}

static const struct params *
params_of(const struct group *g)
{
	(void)pthread_once(&once, prepare);
	return &params[g - groups];
}

static size_t
public_len(const struct group *g)
{
	return g->kind == CURVE ? (size_t)g->field * 2 : g->field;
}

size_t
dh_public_len(uint16_t group)
{
	const struct group *g = find(group);

	return g == NULL ? 0 : public_len(g);
}

size_t
dh_shared_len(uint16_t group)
{
	const struct group *g = find(group);

	return g == NULL ? 0 : g->field;
}

/* --- MODP: RFC 2409 section 6, RFC 3526 --- */

/* base ^ private mod p, padded to the field. */
static bool
modp_power(const struct group *g, const BIGNUM *base, const uint8_t *private_value,
    uint8_t *ret)
{
	const struct params *q = params_of(g);
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *x = BN_bin2bn(private_value, g->private_len, NULL);
	BIGNUM *r = BN_new();
	bool ok = false;

	if (ctx != NULL && x != NULL && r != NULL) {
		BN_set_flags(x, BN_FLG_CONSTTIME);
		ok = BN_mod_exp_mont_consttime(r, base, x, q->p, ctx, q->mont) == 1 &&
		    BN_bn2binpad(r, ret, g->field) == g->field;
	}
	BN_clear_free(x);
	BN_clear_free(r);
	BN_CTX_free(ctx);
	return ok;
}

static enum why
modp_public(const struct group *g, const uint8_t *private_value, uint8_t *ret)
{
	const struct params *q = params_of(g);

	if (q->p == NULL || !modp_power(g, q->two, private_value, ret))
		return WHY_NO_MEMORY;
	return WHY_NONE;
}

static enum why
modp_shared(const struct group *g, const uint8_t *private_value, const uint8_t *peer,
    uint8_t *ret)
{
	const struct params *q = params_of(g);
	BIGNUM *y = BN_bin2bn(peer, g->field, NULL);
	enum why why = WHY_NONE;

	if (y == NULL || q->p == NULL)
		why = WHY_NO_MEMORY;
	else if (BN_cmp(y, BN_value_one()) <= 0 || BN_cmp(y, q->p_minus_1) >= 0)
		why = WHY_KEY_VALUE;
	else if (!modp_power(g, y, private_value, ret))
		why = WHY_NO_MEMORY;
	BN_free(y);
	return why;
}

/* --- Curves: RFC 5903 section 7, RFC 6932 section 2: x | y; shared is x --- */

static bool
point_octets(const struct group *g, const EC_POINT *point, bool with_y, uint8_t *ret,
    BN_CTX *ctx)
{
	BIGNUM *x = BN_new(), *y = BN_new();
	bool ok = x != NULL && y != NULL && EC_POINT_get_affine_coordinates(
	    params_of(g)->curve, point, x, y, ctx) == 1 &&
	    BN_bn2binpad(x, ret, g->field) == g->field &&
	    (!with_y || BN_bn2binpad(y, ret + g->field, g->field) == g->field);

	BN_clear_free(x);
	BN_clear_free(y);
	return ok;
}

/* private * point, or private * generator if point is NULL. */
static enum why
curve_multiply(const struct group *g, const uint8_t *private_value, const EC_POINT *point,
    uint8_t *ret, BN_CTX *ctx)
{
	const EC_GROUP *curve = params_of(g)->curve;
	BIGNUM *k = BN_bin2bn(private_value, g->private_len, NULL);
	EC_POINT *r = EC_POINT_new(curve);
	enum why why = WHY_NO_MEMORY;

	if (k != NULL && r != NULL) {
		BN_set_flags(k, BN_FLG_CONSTTIME);
		if (EC_POINT_mul(curve, r, point == NULL ? k : NULL, point,
		    point == NULL ? NULL : k, ctx) == 1)
			why = EC_POINT_is_at_infinity(curve, r) ? WHY_KEY_VALUE :
			    point_octets(g, r, point == NULL, ret, ctx) ? WHY_NONE :
			    WHY_NO_MEMORY;
	}
	BN_clear_free(k);
	EC_POINT_clear_free(r);
	return why;
}

static enum why
curve_public(const struct group *g, const uint8_t *private_value, uint8_t *ret)
{
	if (params_of(g)->curve == NULL)
		return WHY_NO_MEMORY;
	BN_CTX *ctx = BN_CTX_new();
	enum why why = ctx == NULL ? WHY_NO_MEMORY :
	    curve_multiply(g, private_value, NULL, ret, ctx);
	BN_CTX_free(ctx);
	return why;
}

/*
 * The peer's point; NULL if it is not one.  libcrypto checks that it is on
 * the curve but takes coordinates modulo the prime, so the range is ours to
 * check.  Infinity has no such encoding; all these curves have cofactor 1,
 * so there is no smaller subgroup.
 */
static EC_POINT *
curve_point(const struct group *g, const uint8_t *peer, BN_CTX *ctx)
{
	const EC_GROUP *curve = params_of(g)->curve;
	BIGNUM *x = BN_bin2bn(peer, g->field, NULL);
	BIGNUM *y = BN_bin2bn(peer + g->field, g->field, NULL);
	EC_POINT *point = EC_POINT_new(curve);
	const BIGNUM *prime = EC_GROUP_get0_field(curve);

	if (point != NULL && (x == NULL || y == NULL ||
	    BN_cmp(x, prime) >= 0 || BN_cmp(y, prime) >= 0 ||
	    EC_POINT_set_affine_coordinates(curve, point, x, y, ctx) != 1 ||
	    EC_POINT_is_on_curve(curve, point, ctx) != 1 ||
	    EC_POINT_is_at_infinity(curve, point))) {
		EC_POINT_free(point);
		point = NULL;
	}
	BN_free(x);
	BN_free(y);
	return point;
}

static enum why
curve_shared(const struct group *g, const uint8_t *private_value, const uint8_t *peer,
    uint8_t *ret)
{
	if (params_of(g)->curve == NULL)
		return WHY_NO_MEMORY;
	BN_CTX *ctx = BN_CTX_new();
	if (ctx == NULL)
		return WHY_NO_MEMORY;
	EC_POINT *point = curve_point(g, peer, ctx);
	enum why why = point == NULL ? WHY_KEY_VALUE :
	    curve_multiply(g, private_value, point, ret, ctx);
	EC_POINT_free(point);
	BN_CTX_free(ctx);
	return why;
}

/* --- X25519: RFC 7748 --- */

static enum why
x25519_public(const uint8_t *private_value, uint8_t *ret)
{
	size_t n = 32;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL,
	    private_value, 32);
	bool ok = key != NULL && EVP_PKEY_get_raw_public_key(key, ret, &n) == 1 && n == 32;

	EVP_PKEY_free(key);
	return ok ? WHY_NONE : WHY_NO_MEMORY;
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

/* Our pair from both halves: from the private one alone, libcrypto would
 * compute the public one again. */
static EVP_PKEY *
x25519_pair(const struct dh *d)
{
	OSSL_PARAM halves[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY,
		    (void *)(uintptr_t)d->private_value, 32),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
		    (void *)(uintptr_t)d->public_value, 32),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, halves) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static enum why
x25519_shared(const struct dh *d, const uint8_t *peer, uint8_t *ret)
{
	size_t n = 32;
	EVP_PKEY *own = x25519_pair(d);
	EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, 32);
	EVP_PKEY_CTX *ctx = own == NULL ? NULL : EVP_PKEY_CTX_new(own, NULL);
	enum why why = WHY_NO_MEMORY;

	/* A point of low order gives zero, which derive refuses; RFC 7748, 6.1 */
	if (other != NULL && ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer_ex(ctx, other, 0) == 1)
		why = EVP_PKEY_derive(ctx, ret, &n) == 1 && n == 32 &&
		    !all_zero(ret, 32) ? WHY_NONE : WHY_KEY_VALUE;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(own);
	EVP_PKEY_free(other);
	return why;
}

/* --- all groups --- */

static enum why
make_public(const struct group *g, const uint8_t *private_value, uint8_t *ret)
{
	switch ((enum kind)g->kind) {
	case MODP:
		return modp_public(g, private_value, ret);
	case CURVE:
		return curve_public(g, private_value, ret);
	case MONTGOMERY:
		return x25519_public(private_value, ret);
	}
	return WHY_ATTRIBUTES;
}

static struct dh *
allocate(const struct group *g)
{
	struct dh *d = calloc(1, sizeof(*d) + public_len(g));

	if (d != NULL)
		d->g = g;
	return d;
}

/* A scalar in 1..order-1. */
static bool
scalar_in_range(const struct group *g, const uint8_t *scalar)
{
	BIGNUM *k = BN_bin2bn(scalar, g->private_len, NULL);
	bool ok = k != NULL && !BN_is_zero(k) && BN_cmp(k, params_of(g)->order) < 0;

	BN_clear_free(k);
	return ok;
}

static bool
draw_private(const struct group *g, uint8_t *ret)
{
	random_bytes(ret, g->private_len);
	if (g->kind == MODP) {
		/* A fixed length: no exponent is short by chance. */
		ret[0] |= 0x80;
		return true;
	}
	if (g->kind == MONTGOMERY)
		return true;	/* any 32 octets; the function clamps */

	/* Uniform by drawing again.  Each draw succeeds with more than one
	 * chance in two, so 200 failures mean there is no memory. */
	int spare = g->private_len * 8 - BN_num_bits(params_of(g)->order);
	for (int tries = 0; tries < 200; tries++) {
		ret[0] = (uint8_t)(ret[0] & (0xff >> spare));
		if (scalar_in_range(g, ret))
			return true;
		random_bytes(ret, g->private_len);
	}
	return false;
}

enum why
dh_new(uint16_t group, struct dh **ret)
{
	const struct group *g = find(group);

	if (g == NULL)
		return WHY_ATTRIBUTES;
	if (g->kind == CURVE && params_of(g)->curve == NULL)
		return WHY_ATTRIBUTES;	/* a libcrypto built without it */
	struct dh *d = allocate(g);
	if (d == NULL)
		return WHY_NO_MEMORY;
	enum why why = WHY_NO_MEMORY;
	if (draw_private(g, d->private_value))
		why = make_public(g, d->private_value, d->public_value);
	if (why != WHY_NONE) {
		dh_free(d);
		return why;
	}
	*ret = d;
	return WHY_NONE;
}

enum why
dh_from_private(uint16_t group, struct view private_value, struct dh **ret)
{
	const struct group *g = find(group);

	if (g == NULL)
		return WHY_ATTRIBUTES;
	if (private_value.n > g->private_len)
		return WHY_KEY_VALUE;
	struct dh *d = allocate(g);
	if (d == NULL)
		return WHY_NO_MEMORY;
	memcpy(d->private_value + g->private_len - private_value.n, private_value.p,
	    private_value.n);
	enum why why = g->kind == CURVE && !scalar_in_range(g, d->private_value) ?
	    WHY_KEY_VALUE : make_public(g, d->private_value, d->public_value);
	if (why != WHY_NONE) {
		dh_free(d);
		return why;
	}
	*ret = d;
	return WHY_NONE;
}

void
dh_free(struct dh *d)
{
	if (d == NULL)
		return;
	wipe(d->private_value, sizeof(d->private_value));
	free(d);
}

uint16_t
dh_group(const struct dh *d)
{
	return d->g->id;
}

struct view
dh_public(const struct dh *d)
{
	return view_of(d->public_value, public_len(d->g));
}

static enum why
make_shared(const struct dh *d, const uint8_t *peer, uint8_t *ret)
{
	switch ((enum kind)d->g->kind) {
	case MODP:
		return modp_shared(d->g, d->private_value, peer, ret);
	case CURVE:
		return curve_shared(d->g, d->private_value, peer, ret);
	case MONTGOMERY:
		return x25519_shared(d, peer, ret);
	}
	return WHY_ATTRIBUTES;
}

enum why
dh_shared(const struct dh *d, struct view peer, struct secret *ret)
{
	struct secret s = { 0 };

	if (peer.n != public_len(d->g))
		return WHY_KEY_VALUE;
	if (!secret_room(&s, d->g->field))
		return WHY_NO_MEMORY;
	enum why why = make_shared(d, peer.p, s.p);
	if (why == WHY_NONE)
		secret_take(ret, &s);
	secret_done(&s);
	return why;
}
