/*
 * cert: one certificate, what it says and whom it names.  libcrypto parses
 * it; what is looked at afterwards is bounded.
 */
#ifndef TRUST_CERT_H
#define TRUST_CERT_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/id.h"
#include "base/pubkey.h"
#include "base/str.h"

enum {
	CERT_OCTETS_MAX = 16 * 1024,	/* DER of one certificate */
	KEY_BITS_MAX = 8192		/* of RSA and DSA keys (security R15) */
};

/*
 * DER, all of it.  WHY_CERT_SYNTAX; WHY_CERT_ALGORITHM for a key that would
 * be too dear even to look at.
 */
MUST_USE enum why cert_from_der(struct view, X509 **ret);
/* The key as numbers; false: of a kind or size that IKE has no use for. */
MUST_USE bool	cert_pubkey(const X509 *, struct pubkey *ret);
/* "RSA 1024", "ED25519": for texts about keys that were refused. */
void		cert_key_print(struct str *, const X509 *);
/*
 * Whether the certificate names this ID: its subject if it is a DN, else any
 * entry of its subjectAltName of the same type and length (RFC 4945 3.1).
 * Never the common name; a wildcard matches nothing.
 */
bool		cert_names_id(const X509 *, const struct id *);
/* "DNS:gw.example.org, IP:192.0.2.1, /C=SE/CN=gw" */
void		cert_names_print(struct str *, const X509 *);
void		cert_subject_print(struct str *, const X509 *);
void		cert_issuer_print(struct str *, const X509 *);
/* RFC 4945 5.1.3.2: without a key usage, or with one for signatures. */
bool		cert_may_sign(const X509 *);
/* RFC 4945 5.1.3.12, only if asked for: an extended usage that includes IKE, or none. */
bool		cert_is_for_ike(const X509 *);
bool		cert_is_ca(const X509 *);
bool		cert_is_self_issued(const X509 *);
/* Seconds since 1970; 0 for a time that cannot be read. */
int64_t		asn1_seconds(const ASN1_TIME *);
/* "2026-11-21 20:15:00Z" */
void		asn1_time_print(struct str *, const ASN1_TIME *);
void		seconds_print(struct str *, int64_t seconds);

#endif
