/* check: `isakmpd --check` reads the configuration as the daemon would, and tells. */
#ifndef ROLE_CHECK_H
#define ROLE_CHECK_H

#include "role/options.h"

/* Prints problems as file:line:column.  0: usable; 1: errors; 2: cannot be read. */
int	role_check(const struct options *);

#endif
