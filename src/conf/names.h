/*
 * names: the sections that exist without being written (isakmpd-conf.md
 * section 8): defaults, main mode transforms, quick mode suites with their
 * protocols and transforms.  Made when looked up, never stored.
 *
 * Extension: the group part GRP31 (X25519), which other daemons speak in
 * IKEv1 although IANA gave the number to IKEv2 only.
 */
#ifndef CONF_NAMES_H
#define CONF_NAMES_H

#include "base/str.h"
#include "base/util.h"

enum {
	NAMES_TAGS_MAX = 8,
	NAMES_PHASE1 = 1890,		/* names of the original */
	NAMES_PHASE1_X25519 = 1995,	/* and those with GRP31, which follow */
	NAMES_PHASE1_ALL = 3990,	/* and those with ECDSA, which come last */
	NAMES_SUITES = 3648,
	NAMES_SUITES_ALL = 3840
};

/* Values of [General] that were in the file when it was loaded; NULL: not set. */
struct names_defaults {
	const char	*phase1_lifetime, *phase2_lifetime, *phase1_id;
};

struct names_section {
	unsigned	 n;
	struct {
		const char	*tag, *value;
	} v[NAMES_TAGS_MAX];
	char		 room[96];	/* values may point here: do not copy */
};

/* The tags of a built-in section; false if there is none of that name. */
bool	names_section(const struct names_defaults *, const char *name,
	    struct names_section *ret);
/* The i-th predefined name; false past the end (the _ALL counts). */
bool	names_phase1_nth(unsigned i, struct str *);
bool	names_suite_nth(unsigned i, struct str *);
/* The i-th built-in section that is none of the above ("General", ...), or NULL. */
const char *names_fixed_nth(unsigned i);

#endif
