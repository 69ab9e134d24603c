#include "kern/prefixes.h"

/* The largest prefix that begins at `first` and does not pass `last`. */
static unsigned
widest_at(const struct addr *first, const struct addr *last)
{
	unsigned bits = (unsigned)addr_len(first) * 8;

	while (bits > 0) {
		struct addr low = addr_first_of(first, bits - 1);
		struct addr high = addr_last_of(first, bits - 1);

		if (addr_compare(&low, first) != 0 || addr_compare(&high, last) > 0)
			break;
		bits--;
	}
	return bits;
}

static struct addr
next_address(const struct addr *a)
{
	struct addr r = *a;

	for (size_t i = addr_len(a); i-- > 0;)
		if (++r.b[i] != 0)
			break;
	return r;
}

size_t
range_prefixes(const struct range *range, struct prefix *ret, size_t most)
{
	struct addr at = range->first;
	size_t n = 0;

	if (addr_len(&at) == 0 || range->last.family != at.family ||
	    addr_compare(&at, &range->last) > 0)
		return 0;
	at.scope = 0;
	for (;;) {
		if (n == most)
			return 0;
		unsigned bits = widest_at(&at, &range->last);
		struct addr end = addr_last_of(&at, bits);

		ret[n++] = (struct prefix){ .addr = at, .bits = bits };
		if (addr_compare(&end, &range->last) >= 0)
			return n;
		at = next_address(&end);
	}
}
