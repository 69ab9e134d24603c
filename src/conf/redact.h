/*
 * redact: hides the secrets of a configuration file, so that a role which
 * must not hold them can still parse it and name lines and columns.
 */
#ifndef CONF_REDACT_H
#define CONF_REDACT_H

#include "base/secret.h"
#include "base/util.h"
#include "base/view.h"

/*
 * Writes file.n octets: the same text, with 'x' for every octet of a secret
 * value, and of whatever nobody needs to read and where a secret may have
 * slipped in: comments, text after a header, lines that are no assignment.
 * Newlines and continuations stay, so every place stays true, and the
 * result parses to the same sections, tags and values otherwise.
 */
void		redact_text(struct view file, uint8_t *ret);

enum psk_fault { PSK_OK, PSK_EMPTY, PSK_NOT_HEX, PSK_TOO_LONG, PSK_NO_MEMORY };

/*
 * The octets an Authentication value stands for: after "0x" hex digits (an
 * odd one counts as if a 0 stood before), else the text itself.
 */
MUST_USE enum psk_fault psk_octets(const char *value, struct secret *ret);
const char	*psk_fault_text(enum psk_fault);
/* A rough upper estimate of the bits an attacker has to guess (security R23). */
unsigned	psk_bits(struct view octets);

#endif
