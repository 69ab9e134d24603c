/*
 * Diffie-Hellman groups: MODP (RFC 2409, 3526), ECP (RFC 5903), Brainpool
 * (RFC 6932), X25519.  Used by the `keys` role and the simulator only.
 * Fresh short exponent per exchange; public values are checked before use
 * (security R10, R27; performance.md "Negotiation").
 */
#ifndef CRYPTO_DH_H
#define CRYPTO_DH_H

#include "base/secret.h"
#include "base/why.h"

struct dh;

/* Octets of a public value on the wire (EC: X|Y); 0: group not available.
 * Pure table: callable from any role. */
size_t		dh_public_len(uint16_t group);
/* Octets of g^xy as it enters SKEYID (EC: X only); 0: not available. */
size_t		dh_shared_len(uint16_t group);

/* A fresh key pair.  WHY_NO_MEMORY, WHY_ATTRIBUTES (group not available). */
MUST_USE enum why dh_new(uint16_t group, struct dh **ret);
void		dh_free(struct dh *);
uint16_t	dh_group(const struct dh *);
/* Our public value, exactly dh_public_len octets, left-padded with zeros. */
struct view	dh_public(const struct dh *);
/*
 * g^xy.  The peer's value must have exactly dh_public_len octets, be in
 * 2..p-2, on the curve and not at infinity, and not of low order; else
 * WHY_KEY_VALUE.
 */
MUST_USE enum why dh_shared(const struct dh *, struct view peer, struct secret *ret);

#endif
