/*
 * key_name: what the file of an identity's key is called, below the folder of
 * public keys.  As id_key_name has it; and for a distinguished name, which can
 * be no file's name, a digest of its octets:
 *
 *	asn1_dn/<SHA-256 of the DER in hexadecimal>.pem
 *
 * The octets count as the ID payload has them: the same name with other string
 * types has another file.  (spec: authentication.md 5)
 */
#ifndef CRYPTO_KEY_NAME_H
#define CRYPTO_KEY_NAME_H

#include "base/id.h"
#include "base/str.h"

enum { KEY_NAME_MAX = 256 };

/* False: this kind of identity has no such name. */
MUST_USE bool	key_name(struct str *, const struct id *);
/*
 * The name of a private key of ours below its folder: the same without folder
 * and ".pem".  False: this kind of identity has no key of its own.
 */
MUST_USE bool	key_name_private(struct str *, const struct id *);
/* The one spelling of a file's name; false if no identity has such a file. */
MUST_USE bool	key_name_read(struct str *, const char *file);

#endif
