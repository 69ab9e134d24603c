/*
 * The pre-shared keys of a configuration file: found, judged and put into
 * the keys' state.  Beside the keys role, nobody sees them.
 */
#ifndef ROLE_KEYS_CONF_H
#define ROLE_KEYS_CONF_H

#include "base/str.h"
#include "conf/redact.h"
#include "role/keys_keep.h"
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
	uint64_t	 mark;		/* keys_state_mark */
	uint32_t	 line;		/* in the file; 0: set at run time */
};

bool	psk_is_weak(struct view octets);
/*
 * One value as the operator wrote it ("C set"); an empty one removes.  A bad
 * one removes too, for the configuration has it now.  ret_note.section is
 * the argument.
 */
void	keys_conf_set(struct keys_state *, struct keys_keep *, const char *section,
	    const char *value, struct psk_note *ret_note);
/*
 * All keys of a file, to be applied once the rest of it has been accepted
 * (psk_log_apply).  If one of them is bad, why says so and the result is
 * false.  Either way each key is noted.  The state is only asked for marks.
 */
MUST_USE bool keys_conf_read(const struct keys_state *, struct view text,
	    void (*note)(void *self, const struct psk_note *), void *self, struct psk_log *ret,
	    struct str *why);

#endif
