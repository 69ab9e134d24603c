/* edit: how far two names are apart, for "did you mean". */
#ifndef CONF_EDIT_H
#define CONF_EDIT_H

#include "base/util.h"
#include "base/view.h"

/*
 * Insertions, deletions, replacements and swaps of neighbours that turn one
 * name into the other, ignoring ASCII case; `most` if that many or more.
 */
unsigned	edit_distance(struct view a, struct view b, unsigned most);

/* The nearest of many candidates. */
struct nearest {
	struct view	wanted;
	unsigned	distance;	/* of `best`, or where to stop */
	unsigned char	count[32];	/* letters of `wanted`, by their low bits */
	char		best[128];	/* "" until one is near enough */
};
struct nearest	nearest_to(struct view wanted);
void		nearest_try(struct nearest *, const char *candidate);

#endif
