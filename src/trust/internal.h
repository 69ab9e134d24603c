/* Shared by the files of this room only. */
#ifndef TRUST_INTERNAL_H
#define TRUST_INTERNAL_H

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "trust/bag.h"
#include "trust/book.h"
#include "trust/ocsp.h"
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
	struct url	 responder;		/* of all certificates; port 0: each names its own */
	X509_STORE	*store;			/* anchors */
	struct held	*ca, *cert;
	struct held_crl	*crl;
	size_t		 n_ca, n_cert, n_crl;
	STACK_OF(X509)	*others;		/* the rest of files in certs/: for our own chain */
	struct seen	*seen;
};

/* The body of an ID payload; false if it is none. */
MUST_USE bool	id_read(struct view body, struct id *ret);
/* A name as text, any other identity as id_print has it. */
void	id_text(struct str *, const struct id *);
bool	cert_is_current(const X509 *, int64_t now);

/* Fills the texts of a refusal. */
void	refuse(struct trust_answer *, enum why, const char *field, const char *expected,
	    const char *got);

/*
 * chain.c: does a chain from an anchor vouch for this certificate?  If not,
 * ret says why.  The chain, leaf first, is the caller's; NULL for a leaf that
 * was accepted as signed by itself.
 */
MUST_USE bool	chain_verify(const struct trust *, X509 *leaf, const struct bag *, bool allow_weak,
		    int64_t now, struct trust_answer *ret, STACK_OF(X509) **ret_chain);
bool	key_is_strong(const X509 *, bool allow_weak);
bool	signature_is_strong(const X509 *, bool allow_weak);
/* The certificate alone: key and signature good enough, meant for signing. */
MUST_USE bool	leaf_is_fit(const struct trust *, const X509 *leaf, bool allow_weak,
		    struct trust_answer *ret);

/*
 * online.c: what responders say about each certificate of a chain that is
 * trusted otherwise (security R17).  False: refused, and ret says why; or,
 * if look->wants is not empty, not known yet.
 */
MUST_USE bool	chain_online(const struct trust *, struct trust_look *, STACK_OF(X509) *chain,
		    bool allow_weak, int64_t now, struct trust_answer *ret);

/* book.c, for online.c: lines. */
MUST_USE bool	book_id_of(const X509 *, const X509 *issuer, bool allow_weak, struct book_id *ret);
/* NULL: not known; then ret_open says whether it will be. */
const struct ocsp_verdict *book_find(struct book *, const struct book_id *, int64_t now,
		    bool *ret_open);
/* False: no room or memory for another question. */
MUST_USE bool	book_want(struct book *, const struct book_id *, const X509 *, const X509 *issuer,
		    bool allow_weak, const struct url *, struct mono at);
unsigned	book_timeout(const struct book *);

#endif
