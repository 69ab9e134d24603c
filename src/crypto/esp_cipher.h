/*
 * The ESP transforms over one packet, in place: AES-GCM (RFC 4106), AES-GMAC
 * (RFC 4543), AES-CBC (RFC 3602), AES-CTR (RFC 3686), 3DES-CBC (RFC 2451),
 * NULL (RFC 2410), with HMAC-MD5-96, SHA1-96 (RFC 2403, 2404) and SHA2
 * (RFC 4868).
 *
 * One object is one direction of one SA.  Keys are scheduled once; a packet
 * costs no allocation.  Not for two threads at a time.
 */
#ifndef CRYPTO_ESP_CIPHER_H
#define CRYPTO_ESP_CIPHER_H

#include "base/sa_spec.h"
#include "base/why.h"

struct esp_cipher;

/*
 * keymat must have exactly the octets of sa_suite_lengths, in its order.
 * BACKEND_ALGORITHM: not an ESP suite that we have, or wrong length.
 */
MUST_USE enum why esp_cipher_new(const struct sa_suite *, struct view keymat, bool seal,
		    struct esp_cipher **ret);
void		esp_cipher_free(struct esp_cipher *);	/* wipes keys */
const struct sa_lengths *esp_cipher_lengths(const struct esp_cipher *);

/*
 * A fresh IV for a packet with this sequence number: the number itself where
 * a counter is safe and fast (one key seals one SA's packets, each number
 * once), unpredictable octets for CBC.
 */
void		esp_cipher_iv(struct esp_cipher *, uint64_t seq, uint8_t *iv);
/*
 * `esp` is a packet as it stands on the wire: SPI, sequence number, IV, text
 * of text_n octets (a multiple of the block), ICV.  Seal expects everything
 * but the ICV filled in; open checks the ICV first and then decrypts.  seq_hi
 * is the half of an extended sequence number that is not sent (RFC 4303,
 * 2.2.1); unused without ESN.  False: the ICV is wrong (open), or libcrypto
 * failed; the text is then undefined.
 */
MUST_USE bool	esp_cipher_seal(struct esp_cipher *, uint32_t seq_hi, uint8_t *esp, size_t text_n);
MUST_USE bool	esp_cipher_open(struct esp_cipher *, uint32_t seq_hi, uint8_t *esp, size_t text_n);

/*
 * Uses every transform once, so that libcrypto needs no files later; before
 * a sandbox closes.  False: one is missing in this libcrypto.
 */
MUST_USE bool	esp_cipher_preload(void);

#endif
