/* Between sign.c and sign_key.c only: a private key is libcrypto's object. */
#ifndef CRYPTO_SIGN_INTERNAL_H
#define CRYPTO_SIGN_INTERNAL_H

#include <openssl/evp.h>

struct sign_key;

EVP_PKEY	*sign_key_pkey(const struct sign_key *);

#endif
