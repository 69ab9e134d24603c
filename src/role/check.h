/* check: `isakmpd --check` reads the configuration as the daemon would, and tells. */
#ifndef ROLE_CHECK_H
#define ROLE_CHECK_H

#include "conf/snapshot.h"
#include "role/options.h"

/*
 * Prints problems as file:line:column.  0: usable; 1: usable, but there are
 * warnings and options.strict; 2: errors, or it cannot be read.
 */
int	role_check(const struct options *);

/*
 * The private keys and certificates of our identities: prints a warning for
 * each that cannot sign, or whose certificate is of another key; how many.
 */
size_t	check_keys(const char *file, const struct snapshot *);

/*
 * Before the daemon starts: reads the configuration once, prints every error
 * on stderr, and takes over what must be known before any role exists
 * (Kernel-backend, Key-log).  False: it must not start.  A missing file is no
 * error: the daemon then runs on built-in values.
 */
bool	role_prepare(struct options *);

#endif
