/*
 * libcrypto reads its configuration and its modules from files, and builds
 * tables when first used.  A role calls this before its sandbox closes; who
 * has no sandbox need not call it.
 */
#ifndef CRYPTO_PRELOAD_H
#define CRYPTO_PRELOAD_H

#include <stdbool.h>

#include "base/util.h"

/* Hashes, AES and 3DES, random.  False: a basic algorithm is missing. */
MUST_USE bool	crypto_preload(void);
/* Also the Diffie-Hellman groups: for `keys` and the simulator. */
MUST_USE bool	crypto_preload_dh(void);
/* Also OpenSSL's legacy provider (DES, Blowfish, CAST); only if a
 * configuration asks for one of them.  False: it is not installed. */
MUST_USE bool	crypto_preload_legacy(void);

#endif
