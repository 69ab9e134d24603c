/* Shared by the files of this room only. */
#ifndef TRUST_INTERNAL_H
#define TRUST_INTERNAL_H

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "trust/bag.h"
#include "trust/trust.h"

/* A certificate of the operator's. */
struct held {
	X509	*x;
	char	*file, *subject;
};

struct held_crl {
	X509_CRL *crl;
	char	*file, *issuer;
};

struct trust {
	struct trust_settings settings;
	X509_STORE	*store;			/* anchors */
	struct held	*ca, *cert;
	struct held_crl	*crl;
	size_t		 n_ca, n_cert, n_crl;
	STACK_OF(X509)	*others;		/* the rest of files in certs/: for our own chain */
};

/* Fills the texts of a refusal. */
void	refuse(struct trust_answer *, enum why, const char *field, const char *expected,
	    const char *got);

/* chain.c: does a chain from an anchor vouch for this certificate?  If not, ret says why. */
MUST_USE bool	chain_verify(const struct trust *, X509 *leaf, const struct bag *, bool allow_weak,
		    int64_t now, struct trust_answer *ret);
/* The certificate alone: key and signature good enough, meant for signing. */
MUST_USE bool	leaf_is_fit(const struct trust *, const X509 *leaf, bool allow_weak,
		    struct trust_answer *ret);

#endif
