/*
 * dn: distinguished names as text.  Names are compared as libcrypto's
 * canonical DER (security R11); text is for logs, for the configuration and
 * for policies, and never decides anything by being parsed.
 */
#ifndef TRUST_DN_H
#define TRUST_DN_H

#include <openssl/x509.h>

#include "base/str.h"

enum dn_style {
	/* /C=SE/O=A\/B/CN=x; '/', '+', '"' and '\' in values have a backslash, so
	 * that two names never look alike; nothing is left out. */
	DN_TEXT,
	/* What isakmpd.conf and policies were written with: X509_NAME_oneline of
	 * OpenSSL 3, 255 octets, attributes that do not fit are dropped. */
	DN_ONELINE
};

void		dn_print(struct str *, const X509_NAME *, enum dn_style);
/* DER, all of it, as a name; NULL if it is none. */
MUST_USE X509_NAME *dn_from_der(struct view);
/* Whether an operator who wrote this text, in either style, meant that name. */
bool		dn_is_text(const X509_NAME *, const char *text);

#endif
