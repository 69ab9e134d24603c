#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include <stddef.h>

/* Fills buf from the operating system's generator; ends the process if there
 * is none: no key, nonce or cookie may ever be made without it. */
void	random_bytes(void *buf, size_t n);

#endif
