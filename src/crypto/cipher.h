/* The phase 1 ciphers, all CBC (RFC 2409 appendix B, RFC 3602, RFC 2451). */
#ifndef CRYPTO_CIPHER_H
#define CRYPTO_CIPHER_H

#include "base/registry.h"
#include "base/view.h"
#include "base/util.h"

enum { CIPHER_BLOCK_MAX = 16, CIPHER_KEY_MAX = 56 };

/* Octets of a block; 0 for a cipher we do not have. */
size_t		cipher_block(uint8_t cipher);
/*
 * Key octets for a negotiated KEY_LENGTH in bits (0: no attribute; AES then
 * means 128, isakmpd.md 14.2 Beyond).  0: not allowed for this cipher.
 */
size_t		cipher_key_len(uint8_t cipher, uint32_t key_bits);
/*
 * CBC over len octets (a multiple of the block), in place allowed
 * (in == out).  iv is read and then replaced by the last ciphertext block.
 * False: unknown cipher, bad length, no memory, provider missing.
 */
MUST_USE bool	cipher_encrypt(uint8_t cipher, struct view key, uint8_t *iv,
		    const uint8_t *in, uint8_t *out, size_t len);
MUST_USE bool	cipher_decrypt(uint8_t cipher, struct view key, uint8_t *iv,
		    const uint8_t *in, uint8_t *out, size_t len);

#endif
