/*
 * CBC ciphers over libcrypto's EVP.  AES and 3DES come from the default
 * provider and are fetched once; the old ones come from the legacy provider
 * in a library context of its own, loaded when the first of them is asked
 * for.  Both are constant after that and shared by threads.
 */
#include "crypto/cipher.h"

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <pthread.h>

#include "base/secret.h"

struct alg {
	uint8_t		 cipher;
	uint8_t		 block;
	bool		 legacy;
	uint16_t	 least, most, step;	/* KEY_LENGTH in bits; least 0: no attribute allowed */
	uint16_t	 unsaid;		/* bits without a KEY_LENGTH attribute */
	uint8_t		 key_octets;		/* on the key; parity bits count */
	const char	*name;			/* NULL: by key length */
};

static const struct alg algs[] = {
	/* RFC 3602: 128 bits unless said otherwise */
	{ CIPHER_AES_CBC,	16, false, 128, 256, 64, 128, 0,  "AES" },
	{ CIPHER_3DES_CBC,	8,  false, 0,   0,   0,  0,   24, "DES-EDE3-CBC" },
	{ CIPHER_DES_CBC,	8,  true,  0,   0,   0,  0,   8,  "DES-CBC" },
	/* RFC 2451: both 128 bits unless said otherwise.  CAST below 96 bits
	 * is a weaker cipher of 12 rounds (RFC 2144). */
	{ CIPHER_BLOWFISH_CBC,	8,  true,  96,  448, 8,  128, 0,  "BF-CBC" },
	{ CIPHER_CAST_CBC,	8,  true,  96,  128, 8,  128, 0,  "CAST5-CBC" },
};

/* Written once, constant from then on. */
static EVP_CIPHER *aes[3], *triple_des, *old[COUNT(algs)];
static pthread_once_t once = PTHREAD_ONCE_INIT, legacy_once = PTHREAD_ONCE_INIT;

static void
fetch_default(void)
{
	aes[0] = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
	aes[1] = EVP_CIPHER_fetch(NULL, "AES-192-CBC", NULL);
	aes[2] = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	triple_des = EVP_CIPHER_fetch(NULL, "DES-EDE3-CBC", NULL);
}

static void
fetch_legacy(void)
{
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();

	if (ctx == NULL)
		return;
	if (OSSL_PROVIDER_load(ctx, "legacy") == NULL) {
		OSSL_LIB_CTX_free(ctx);
		return;
	}
	for (size_t i = 0; i < COUNT(algs); i++)
		if (algs[i].legacy)
			old[i] = EVP_CIPHER_fetch(ctx, algs[i].name, NULL);
}

static const struct alg *
find(uint8_t cipher)
{
	for (size_t i = 0; i < COUNT(algs); i++)
		if (algs[i].cipher == cipher)
			return &algs[i];
	return NULL;
}

static const EVP_CIPHER *
evp_of(const struct alg *a, size_t key_octets)
{
	if (a->legacy) {
		(void)pthread_once(&legacy_once, fetch_legacy);
		return old[a - algs];
	}
	(void)pthread_once(&once, fetch_default);
	if (a->cipher == CIPHER_3DES_CBC)
		return triple_des;
	return aes[key_octets / 8 - 2];
}

size_t
cipher_block(uint8_t cipher)
{
	const struct alg *a = find(cipher);

	return a == NULL ? 0 : a->block;
}

size_t
cipher_key_len(uint8_t cipher, uint32_t key_bits)
{
	const struct alg *a = find(cipher);

	if (a == NULL)
		return 0;
	if (a->least == 0)
		return key_bits == 0 ? a->key_octets : 0;
	if (key_bits == 0)
		key_bits = a->unsaid;
	if (key_bits < a->least || key_bits > a->most || key_bits % a->step != 0)
		return 0;
	return key_bits / 8;
}

static bool
key_fits(const struct alg *a, size_t n)
{
	if (n == 0 || n > CIPHER_KEY_MAX)
		return false;
	return cipher_key_len(a->cipher, a->least == 0 ? 0 : (uint32_t)n * 8) == n;
}

static bool
run(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *evp, struct view key, const uint8_t *iv,
    const uint8_t *in, uint8_t *out, size_t len, int encrypt)
{
	int done = 0;

	/* The key length of BF and CAST must be known before the key. */
	return EVP_CipherInit_ex2(ctx, evp, NULL, NULL, encrypt, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_key_length(ctx, (int)key.n) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	    EVP_CipherInit_ex2(ctx, NULL, key.p, iv, encrypt, NULL) == 1 &&
	    EVP_CipherUpdate(ctx, out, &done, in, (int)len) == 1 && (size_t)done == len;
}

static bool
cbc(uint8_t cipher, struct view key, uint8_t *iv, const uint8_t *in, uint8_t *out,
    size_t len, int encrypt)
{
	const struct alg *a = find(cipher);
	uint8_t last[CIPHER_BLOCK_MAX];

	if (a == NULL || !key_fits(a, key.n) || len % a->block != 0 || len > INT32_MAX)
		return false;
	if (len == 0)
		return true;
	const EVP_CIPHER *evp = evp_of(a, key.n);
	if (evp == NULL)
		return false;
	if (!encrypt)		/* in place, the ciphertext is gone afterwards */
		memcpy(last, in + len - a->block, a->block);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok = ctx != NULL && run(ctx, evp, key, iv, in, out, len, encrypt);
	EVP_CIPHER_CTX_free(ctx);
	if (ok)
		memcpy(iv, encrypt ? out + len - a->block : last, a->block);
	return ok;
}

bool
cipher_encrypt(uint8_t cipher, struct view key, uint8_t *iv, const uint8_t *in,
    uint8_t *out, size_t len)
{
	return cbc(cipher, key, iv, in, out, len, 1);
}

bool
cipher_decrypt(uint8_t cipher, struct view key, uint8_t *iv, const uint8_t *in,
    uint8_t *out, size_t len)
{
	return cbc(cipher, key, iv, in, out, len, 0);
}
