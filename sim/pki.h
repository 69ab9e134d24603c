/*
 * pki: authorities of simulated hosts.  Certificates, revocation lists and
 * containers are made when a scenario says so, with dates of the virtual
 * clock; what they say wrong is what the scenario wants wrong.
 *
 *	ca NAME [by ISSUER] ...		a CA; without an issuer it signs itself
 *	cert NAME [by ISSUER] ...	what a host has
 *	crl NAME by ISSUER [revokes NAME,NAME] ...
 *
 * and then pairs of words:
 *
 *	key FILE	private key: FILE.pem of test/vectors/keys; else a new P-256 one
 *	as NAME		the same subject as another, and nothing else of it
 *	twin NAME	subject and key of another: signed by two issuers
 *	strings printable	of the subject, in place of UTF8String
 *	san TEXT	subjectAltName, as openssl(1) writes it: DNS:x,IP:192.0.2.1
 *	from T, until T	relative to now: -1d, 300s, 10d; else -1d and 3650d
 *	usage TEXT	keyUsage; else what belongs to the kind, "none": no such extension
 *	eku TEXT	extendedKeyUsage
 *	names TEXT	nameConstraints
 *	pathlen N	of a CA
 *	hash NAME	sha256
 *	pad N		a comment of that many octets
 *	spoilt yes	the last octet of the signature is another one
 */
#ifndef SIM_PKI_H
#define SIM_PKI_H

#include "base/str.h"
#include "base/view.h"

struct pki;

struct pki	*pki_new(void);
void		 pki_free(struct pki *);
/* One line as above; the same name again replaces it.  False: why says what is wrong. */
MUST_USE bool	 pki_make(struct pki *, int64_t now, const char *line, struct str *why);
/* PEM, as it would be in a file; empty: there is none of that name. */
struct view	 pki_pem(const struct pki *, const char *name);
/* The body of a CERT payload: encoding and DER; empty: there is none of that name. */
struct view	 pki_body(const struct pki *, const char *name);
/* Octets of a test as the body of that name, which is no file. */
void		 pki_body_set(struct pki *, const char *name, struct view body);
/* The same with all of NAME:NAME:... in one PKCS#7 container; empty: no. */
struct view	 pki_container(struct pki *, const char *names);

#endif
