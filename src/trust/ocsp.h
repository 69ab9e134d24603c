/*
 * ocsp: what to ask a responder about one certificate, and what its answer
 * is worth (RFC 6960).  libcrypto reads the answer and checks its signature;
 * who may have signed it, about whom, and when, is decided here.
 *
 * Knows neither network nor clock.
 */
#ifndef TRUST_OCSP_H
#define TRUST_OCSP_H

#include <openssl/x509.h>

#include "base/str.h"
#include "base/url.h"
#include "base/why.h"

enum {
	OCSP_REQUEST_MAX = 1024,
	OCSP_ANSWER_MAX = 48 * 1024,	/* what is read of an answer */
	OCSP_NONCE = 16,
	OCSP_TOLERANCE_S = 300,		/* clocks that differ */
	OCSP_MAX_AGE_S = 24 * 3600,	/* of an answer that does not say when the next one is due */
	OCSP_KEEP_S = 7 * 24 * 3600,	/* however far away that is */
	OCSP_HOLD_S = 10,		/* how long any verdict stands, so that who waits can read it */
	OCSP_FAILED_S = 30		/* until a responder is asked again after it failed */
};

/* What is known about one certificate. */
struct ocsp_verdict {
	enum why why;			/* WHY_NONE: good */
	bool	proven;			/* by an answer that is signed, current and about it */
	int64_t	until;			/* seconds since 1970; nobody is asked before */
	char	expected[120], got[200];	/* escaped */
};

/* A question as DER, with a nonce; false: no memory, or it does not fit. */
MUST_USE bool	ocsp_request(const X509 *, const X509 *issuer, uint8_t nonce[OCSP_NONCE],
		    uint8_t room[OCSP_REQUEST_MAX], size_t *ret_n);
/*
 * What this answer says about the certificate.  An answer without a nonce is
 * as good as its dates (RFC 6960 4.4.1: responders may sign ahead of time);
 * one with another nonce is none.
 */
void		ocsp_judge(const X509 *, const X509 *issuer, const uint8_t nonce[OCSP_NONCE],
		    bool allow_weak, const struct url *, struct view answer, int64_t now,
		    struct ocsp_verdict *ret);
/* There is no answer, for this reason. */
void		ocsp_no_answer(const struct url *, const char *reason, unsigned seconds, int64_t now,
		    struct ocsp_verdict *ret);
/* The first responder with http that the certificate names. */
MUST_USE bool	ocsp_responder(const X509 *, struct url *ret);

#endif
