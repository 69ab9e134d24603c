/*
 * seen: certificates of peers that were trusted once, as libcrypto has read
 * them, by their octets.  Reading one costs more than verifying it, and a peer
 * sends the same with every negotiation.  Only the reading is spared: chain,
 * dates and revocation are looked at each time.  Strangers cannot fill it.
 */
#ifndef TRUST_SEEN_H
#define TRUST_SEEN_H

#include <openssl/x509.h>

#include "base/util.h"
#include "base/view.h"

enum { SEEN_MAX = 256 };	/* certificates at most; a few kilobytes each */

struct seen;

struct seen	*seen_new(void);	/* NULL: no memory */
void		 seen_free(struct seen *);
/* The certificate of exactly these octets, with a reference for the caller, or NULL. */
X509		*seen_find(const struct seen *, struct view der);
/* May take the place of another one; without memory nothing happens. */
void		 seen_keep(struct seen *, X509 *);

#endif
