/*
 * schema: turns the text store into the typed snapshot.  Finds every problem
 * in one pass.  Has no access to the system: what depends on the machine
 * comes through struct conf_env.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "conf/snapshot.h"
#include "conf/store.h"

struct conf_interface_address {
	struct addr	addr;
	uint8_t		bits;		/* prefix length */
};

struct conf_env {
	void		*self;
	const char	*file;		/* name for messages: "isakmpd.conf" */
	/*
	 * The addresses of interface `name`, or, where name is "default", of the
	 * interface with the default route of that family, in the system's
	 * order.  How many there are (at most `most` are written); 0: no such
	 * interface.  NULL: nothing can be resolved.
	 */
	size_t		(*addresses)(void *self, const char *name, enum family,
			    struct conf_interface_address *ret, size_t most);
	/*
	 * A number that is another one when the pre-shared key of this section
	 * is; NULL, where the text itself shows the key.
	 */
	uint64_t	(*psk_mark)(void *self, const char *section);
	bool		 secrets_hidden;	/* the text went through redact_text: judge no keys */
};

/*
 * A snapshot with one reference, or NULL if there is any error (see
 * problems.errors, which counts from before the call, too).
 */
MUST_USE struct snapshot *snapshot_build(const struct store *, const struct conf_env *,
		    struct problems *);

#endif
