/*
 * bag: what a peer sent in its CERT payloads, as certificates and revocation
 * lists.  None of it is trusted; all of it is bounded.
 */
#ifndef TRUST_BAG_H
#define TRUST_BAG_H

#include <openssl/x509.h>

#include "base/str.h"
#include "base/why.h"
#include "trust/seen.h"

enum {
	BAG_CERTS_MAX = 32,
	BAG_CRLS_MAX = 16,
	/* RFC 2408 3.9, certificate encodings */
	CERT_ENC_PKCS7 = 1,
	CERT_ENC_X509_SIGNATURE = 4,
	CERT_ENC_CRL = 7
};

struct bag {
	const struct seen	*seen;	/* what need not be read again */
	STACK_OF(X509)		*certs;	/* in the order they came */
	STACK_OF(X509_CRL)	*crls;
	unsigned		 ignored;	/* payloads of other encodings */
	enum why		 worst;	/* why the first one that was left out was */
	size_t			 worst_n;	/* and its octets */
};

/* False: no memory.  Payloads that cannot be read are left out. */
MUST_USE bool	bag_init(struct bag *, const struct seen *, const struct view *bodies, size_t n);
void		bag_done(struct bag *);

#endif
