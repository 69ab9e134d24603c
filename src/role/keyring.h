/*
 * The key pairs of this host and the raw public keys of its peers, as the
 * operator's files had them.  A ring is filled once, then only read; new
 * files make a new ring.
 */
#ifndef ROLE_KEYRING_H
#define ROLE_KEYRING_H

#include "base/id.h"
#include "crypto/sign.h"

enum { KEYRING_PRIVATE_MAX = 256, KEYRING_PUBLIC_MAX = 100 * 1000 };

struct keyring;

struct keyring	*keyring_new(void);		/* NULL without memory */
void		 keyring_free(struct keyring *);

/*
 * The key for the identity whose text is `name` (an address, a domain name,
 * user@domain), or with "" the one for all that have none of their own.
 * Takes the key, also when it fails.  A later one of the same name wins.
 */
MUST_USE bool	 keyring_add_private(struct keyring *, const char *name, struct sign_key *);
MUST_USE bool	 keyring_add_public(struct keyring *, const struct id *, const struct pubkey *);
/* The same for a file below the folder of public keys; false also if it is no name for one. */
MUST_USE bool	 keyring_add_file(struct keyring *, const char *file, const struct pubkey *);

/* A key of ours for this identity that can do the method: its own first.
 * NULL if there is none; borrowed. */
struct sign_key	*keyring_private(const struct keyring *, const struct id *own, uint8_t auth_method);
/* Any key of ours that can do the method: the one for all, if it can. */
struct sign_key	*keyring_private_any(const struct keyring *, uint8_t auth_method);
/* What the operator has for this peer; NULL if nothing; borrowed. */
const struct pubkey *keyring_public(const struct keyring *, const struct id *peer);
size_t		 keyring_private_count(const struct keyring *);
size_t		 keyring_public_count(const struct keyring *);

#endif
