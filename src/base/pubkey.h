/*
 * pubkey: a public key as plain numbers, the one form in which keys travel
 * between roles and through the core.  Whoever knows DER (trust, for what
 * peers sent; keys, for the operator's files) makes these; nobody else sees
 * any other form.
 *
 *	RSA	n, e
 *	ECDSA	point, uncompressed (04 | x | y); its length tells the curve
 *	DSA	p, q, g, y
 *
 * Numbers are big-endian without leading zeros.
 */
#ifndef BASE_PUBKEY_H
#define BASE_PUBKEY_H

#include "base/rd.h"
#include "base/registry.h"
#include "base/wr.h"

enum pubkey_kind {
	PUBKEY_NONE = 0,
	PUBKEY_RSA,
	PUBKEY_ECDSA,
	PUBKEY_DSA,
	PUBKEY_KIND_MAX
};

enum {
	PUBKEY_PARTS = 4,
	PUBKEY_OCTETS = 1664,	/* all parts of the largest: DSA 3072, RSA 8192 */
	RSA_BITS_MAX = 8192,
	SIGNATURE_MAX = RSA_BITS_MAX / 8	/* octets of the longest SIG */
};

struct pubkey {
	uint8_t		kind;		/* enum pubkey_kind */
	uint16_t	n[PUBKEY_PARTS];	/* octets of each part; unused ones 0 */
	uint8_t		octets[PUBKEY_OCTETS];	/* the parts one after another */
};

/* Parts a kind has; 0 for none. */
size_t		pubkey_parts(uint8_t kind);
struct view	pubkey_part(const struct pubkey *, size_t i);
/* Leading zeros are dropped.  False: an unknown kind, an empty or too long part. */
MUST_USE bool	pubkey_set(struct pubkey *ret, uint8_t kind, const struct view *parts);
bool		pubkey_equal(const struct pubkey *, const struct pubkey *);
/* Bits of the modulus, the field or p; 0 if there is no key. */
unsigned	pubkey_bits(const struct pubkey *);
/* "RSA 3072", "ECDSA P-256", "no key" */
struct str;
void		pubkey_print(struct str *, const struct pubkey *);
/* Can this kind of key (and this curve) do the method?  (RFC 4754: 9, 10, 11) */
bool		pubkey_does(const struct pubkey *, uint8_t auth_method);

/* A key of kind NONE is one octet. */
void		pubkey_encode(struct wr *, const struct pubkey *);
MUST_USE bool	pubkey_decode(struct rd *, struct pubkey *ret);

#endif
