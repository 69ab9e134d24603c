/*
 * Signatures of phase 1: RFC 2409 section 5.1 (RSA, DSS) and RFC 4754 (ECDSA).
 * A private key stays inside its object; a public key is a struct pubkey.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "base/pubkey.h"
#include "base/why.h"

enum {
	RSA_BITS_LEAST = 2048,
	RSA_BITS_WEAK = 1024,		/* by opt-in */
	DSA_BITS_WEAK = 1024		/* DSS is by opt-in altogether */
};

/*
 * The hash with which HASH_I and HASH_R are made for a method: its own for
 * ECDSA and DSS, else the negotiated one.  0: no method that signs.
 */
uint8_t		sign_hash(uint8_t auth_method, uint8_t negotiated);
/* The method signs, and this program can do it. */
bool		sign_method(uint8_t auth_method);

struct sign_key;
struct str;

/*
 * The first private key of a PEM text: PKCS#1, SEC1, DSA or PKCS#8, not
 * encrypted.  NULL with the reason.  It is tried out before it is returned.
 */
struct sign_key	*sign_key_read(struct view pem, struct str *why);
struct sign_key	*sign_key_ref(struct sign_key *);	/* any thread */
void		 sign_key_unref(struct sign_key *);	/* any thread */
const struct pubkey *sign_key_public(const struct sign_key *);

/* The first public key of a PEM text: SubjectPublicKeyInfo or PKCS#1. */
MUST_USE bool	pubkey_read(struct view pem, struct pubkey *ret, struct str *why);

/*
 * May this key be used for the method?  WHY_KEY_REFUSED with the reason: the
 * wrong kind or curve, RSA outside 2048..8192 bits (from 1024 if weak),
 * an exponent that is even, longer than 64 bits, or below 65537 (3 if weak).
 */
MUST_USE enum why pubkey_check(const struct pubkey *, uint8_t auth_method, bool weak,
		    struct str *why);

/* SIG over a hash of sign_hash's length.  Any thread.  WHY_NO_MEMORY, WHY_KEY_REFUSED. */
MUST_USE enum why sign_make(const struct sign_key *, uint8_t auth_method, struct view hash,
		    uint8_t ret[SIGNATURE_MAX], size_t *ret_n);
/*
 * Any thread.  WHY_SIGNATURE: it is not one of this key over this hash;
 * WHY_KEY_REFUSED: the numbers are no key (a point off its curve).  Call
 * pubkey_check before.
 */
MUST_USE enum why sign_check(const struct pubkey *, uint8_t auth_method, struct view hash,
		    struct view signature);

#endif
