/*
 * The pre-shared keys of a configuration file: found, judged and put into
 * the keys' state.  Beside the keys role, nobody sees them.
 */
#ifndef ROLE_KEYS_CONF_H
#define ROLE_KEYS_CONF_H

#include "base/str.h"
#include "conf/redact.h"
#include "role/keys_state.h"

enum {
	/* R23: below either, a key can be guessed from one recorded exchange. */
	PSK_OCTETS_LEAST = 16,
	PSK_BITS_LEAST = 80
};

struct psk_note {
	const char	*section;
	enum psk_fault	 fault;		/* what follows is of PSK_OK only */
	size_t		 octets;
	bool		 weak;
	uint32_t	 line;		/* in the file; 0: set at run time */
};

bool	psk_is_weak(struct view octets);
/* One value as the operator wrote it ("C set"); an empty one removes.  A bad
 * one removes too, for the configuration has it now.  ret_note.section is
 * the argument. */
void	keys_conf_set(struct keys_state *, const char *section, const char *value,
	    struct psk_note *ret_note);
/*
 * All keys of a file take the place of all that were held, or, if one of
 * them is bad, nothing changes, why says so and the result is false.  Either
 * way each key is noted.
 */
MUST_USE bool keys_conf_load(struct keys_state *, struct view text,
	    void (*note)(void *self, const struct psk_note *), void *self, struct str *why);

#endif
