/* A range of addresses as the fewest prefixes that cover it exactly. */
#ifndef KERN_PREFIXES_H
#define KERN_PREFIXES_H

#include "base/addr.h"

struct prefix {
	struct addr	addr;		/* host bits are zero */
	unsigned	bits;
};

/*
 * Writes at most `most` prefixes in ascending order; returns how many, or 0
 * if they do not fit or the range has no family.
 */
size_t	range_prefixes(const struct range *, struct prefix *ret, size_t most);

#endif
