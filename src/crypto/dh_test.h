/* For tests with published key pairs; nothing in the daemon uses this. */
#ifndef CRYPTO_DH_TEST_H
#define CRYPTO_DH_TEST_H

#include "crypto/dh.h"

/* A key pair with a chosen private value (big-endian; X25519: 32 octets as
 * in RFC 7748).  WHY_KEY_VALUE if it is too long or not in the group's range. */
MUST_USE enum why dh_from_private(uint16_t group, struct view private_value, struct dh **ret);

#endif
