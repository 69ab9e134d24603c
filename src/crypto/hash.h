/*
 * Hashes and the prf of phase 1 (HMAC of the negotiated hash, RFC 2409
 * section 4).  Pure computation: `ike` may use this.
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/registry.h"
#include "base/view.h"
#include "base/util.h"

enum { HASH_LEN_MAX = 64 };

/* Octets of a digest; 0 for an algorithm we do not have (TIGER, unknown). */
size_t		hash_len(uint8_t hash_alg);
/* Digest of the concatenation of n views.  False: unknown algorithm or no memory. */
MUST_USE bool	hash_views(uint8_t hash_alg, const struct view *v, size_t n,
		    uint8_t ret[HASH_LEN_MAX]);
/* HMAC over the concatenation of n views; hash_len octets to ret. */
MUST_USE bool	prf_views(uint8_t hash_alg, struct view key, const struct view *v,
		    size_t n, uint8_t ret[HASH_LEN_MAX]);

#endif
