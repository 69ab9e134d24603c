/*
 * dn: a distinguished name that the operator wrote, /C=SE/O=Example/CN=gw, as
 * DER.  One way only: no DER is ever read here (security R11).
 *
 *	name	= 1*( "/" rdn )
 *	rdn	= attribute *( "+" attribute )
 *	attribute = type "=" value
 *	type	= short name / dotted numbers
 *	value	= text; \/ \+ \" \\ are that character, \xHH is that octet
 *
 * A "/" or "+" that no "type=" follows may stand for itself.  String types
 * are those that openssl req chooses; names in other ones are equal to it as
 * trust compares them.  (spec: authentication.md 6.5)
 */
#ifndef CONF_DN_H
#define CONF_DN_H

#include <stddef.h>

#include "base/util.h"
#include "base/wr.h"

struct dn_fault {
	size_t	at;		/* octet of the text */
	char	text[120];	/* what is wrong; escaped */
	char	advice[120];	/* "" if there is none */
};

/* Writes the Name; false, with the first fault, if the text is none. */
MUST_USE bool	dn_encode(const char *text, struct wr *, struct dn_fault *ret);

#endif
