#include "crypto/preload.h"

#include <openssl/rand.h>

#include "crypto/cipher.h"
#include "crypto/dh.h"
#include "crypto/hash.h"

static bool
cipher_works(uint8_t cipher)
{
	static const uint8_t key[CIPHER_KEY_MAX] = { 0 };
	uint8_t iv[CIPHER_BLOCK_MAX] = { 0 }, block[CIPHER_BLOCK_MAX] = { 0 };

	return cipher_encrypt(cipher, view_of(key, cipher_key_len(cipher, 0)), iv,
	    block, block, cipher_block(cipher));
}

bool
crypto_preload(void)
{
	uint8_t digest[HASH_LEN_MAX], seed[1];
	struct view nothing = { 0 };

	return hash_views(HASH_SHA2_256, &nothing, 1, digest) &&
	    cipher_works(CIPHER_AES_CBC) && cipher_works(CIPHER_3DES_CBC) &&
	    RAND_priv_bytes(seed, sizeof(seed)) == 1;
}

bool
crypto_preload_dh(void)
{
	/* One of each family: field arithmetic, curves, X25519. */
	static const uint16_t groups[] = { GROUP_MODP_1024, GROUP_ECP_256, GROUP_X25519 };

	for (size_t i = 0; i < COUNT(groups); i++) {
		struct dh *d;

		if (dh_new(groups[i], &d) != WHY_NONE)
			return false;
		dh_free(d);
	}
	return crypto_preload();
}

bool
crypto_preload_legacy(void)
{
	return cipher_works(CIPHER_BLOWFISH_CBC);
}
