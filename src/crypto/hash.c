/*
 * Digests and HMAC over libcrypto's EVP.  The algorithms are fetched once
 * per process; what the fetch leaves behind never changes again, so threads
 * share it without a lock.
 */
#include "crypto/hash.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "base/secret.h"

enum { HASH_BLOCK_MAX = 128 };

struct alg {
	uint8_t		 id;
	uint8_t		 len;
	uint8_t		 block;		/* HMAC's B, RFC 2104 */
	const char	*name;
};

static const struct alg algs[] = {
	{ HASH_MD5,		16,	64,	"MD5" },
	{ HASH_SHA,		20,	64,	"SHA1" },
	{ HASH_SHA2_256,	32,	64,	"SHA2-256" },
	{ HASH_SHA2_384,	48,	128,	"SHA2-384" },
	{ HASH_SHA2_512,	64,	128,	"SHA2-512" },
};

/* Written once under `once`, constant from then on. */
static EVP_MD *fetched[COUNT(algs)];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
fetch_all(void)
{
	for (size_t i = 0; i < COUNT(algs); i++)
		fetched[i] = EVP_MD_fetch(NULL, algs[i].name, NULL);
}

static const struct alg *
find(uint8_t id)
{
	for (size_t i = 0; i < COUNT(algs); i++)
		if (algs[i].id == id)
			return &algs[i];
	return NULL;
}

static const EVP_MD *
md_of(const struct alg *a)
{
	(void)pthread_once(&once, fetch_all);
	return fetched[a - algs];
}

size_t
hash_len(uint8_t hash_alg)
{
	const struct alg *a = find(hash_alg);

	return a == NULL ? 0 : a->len;
}

static bool
update_views(EVP_MD_CTX *ctx, const struct view *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].n > 0 && EVP_DigestUpdate(ctx, v[i].p, v[i].n) != 1)
			return false;
	return true;
}

/* One digest: the block `pad` (may be empty), then the views. */
static bool
digest(EVP_MD_CTX *ctx, const EVP_MD *md, struct view pad, const struct view *v,
    size_t n, uint8_t *ret)
{
	return EVP_DigestInit_ex(ctx, md, NULL) == 1 && update_views(ctx, &pad, 1) &&
	    update_views(ctx, v, n) && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
}

bool
hash_views(uint8_t hash_alg, const struct view *v, size_t n, uint8_t ret[HASH_LEN_MAX])
{
	const struct alg *a = find(hash_alg);
	const EVP_MD *md = a == NULL ? NULL : md_of(a);

	if (md == NULL)
		return false;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && digest(ctx, md, (struct view){ 0 }, v, n, ret);
	EVP_MD_CTX_free(ctx);
	return ok;
}

/* RFC 2104: H(K ^ opad, H(K ^ ipad, text)); `key` fills the block. */
static bool
hmac(EVP_MD_CTX *ctx, const struct alg *a, const EVP_MD *md,
    uint8_t key[HASH_BLOCK_MAX], const struct view *v, size_t n, uint8_t *ret)
{
	uint8_t inner[HASH_LEN_MAX];
	struct view pad = view_of(key, a->block), text = view_of(inner, a->len);

	for (size_t i = 0; i < a->block; i++)
		key[i] ^= 0x36;
	bool ok = digest(ctx, md, pad, v, n, inner);
	for (size_t i = 0; i < a->block; i++)
		key[i] ^= 0x36 ^ 0x5c;
	ok = ok && digest(ctx, md, pad, &text, 1, ret);
	wipe(inner, sizeof(inner));
	return ok;
}

bool
prf_views(uint8_t hash_alg, struct view key, const struct view *v, size_t n,
    uint8_t ret[HASH_LEN_MAX])
{
	const struct alg *a = find(hash_alg);
	const EVP_MD *md = a == NULL ? NULL : md_of(a);
	uint8_t block[HASH_BLOCK_MAX] = { 0 };
	bool ok = true;

	if (md == NULL)
		return false;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		return false;
	if (key.n > a->block)
		ok = digest(ctx, md, (struct view){ 0 }, &key, 1, block);
	else if (key.n > 0)
		memcpy(block, key.p, key.n);
	ok = ok && hmac(ctx, a, md, block, v, n, ret);
	wipe(block, sizeof(block));
	EVP_MD_CTX_free(ctx);
	return ok;
}
