/*
 * Chooses the back end: the first of the list that works here, or the one
 * asked for by name ([General]:Kernel-backend); says which and why not the
 * others.
 */
#ifndef KERN_PROBE_H
#define KERN_PROBE_H

#include "kern/backend.h"

/*
 * The back ends of this build in the order of preference (design section 8:
 * the kernel's own ESP before ours, nothing last); ends with NULL.
 */
extern const struct backend_ops *const kern_backends[];

/*
 * wanted: a name, or NULL or "" for the first that works.  `none` protects
 * nothing, so it is taken only when asked for.  said gets why the others were
 * not taken, "xfrm: kernel has no ESP"; NULL if none fits, then the whole story.
 */
const struct backend_ops *kern_probe(const struct backend_ops *const *list, const char *wanted,
		    struct str *said);

#endif
