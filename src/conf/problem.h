/*
 * problem: what is wrong with a configuration.  Everything is collected in
 * one pass, each with its place, the offending text and a suggestion.  Texts
 * are escaped and never hold the value of a secret tag.
 */
#ifndef CONF_PROBLEM_H
#define CONF_PROBLEM_H

#include <stdint.h>

#include "base/str.h"
#include "base/util.h"

enum severity { PROBLEM_WARNING = 1, PROBLEM_ERROR };

enum { PROBLEMS_MAX = 1000 };	/* kept; the rest is only counted */

struct problem {
	enum severity	 severity;
	uint32_t	 line, column;	/* from 1; 0: built in, or set at run time */
	const char	*text;
	const char	*suggestion;	/* "" if there is none */
};

struct problems {
	struct problem	*v;
	size_t		 n, cap;
	size_t		 errors, warnings;	/* all, also those not kept */
	size_t		 dropped;
	struct arena	*arena;
};

struct problem_place { uint32_t line, column; };

/* A zeroed struct is an empty list. */
void	problems_done(struct problems *);
void	problem_add(struct problems *, enum severity, struct problem_place,
	    const char *suggestion, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* "isakmpd.conf:12:3: error: text (suggestion)" */
void	problem_print(struct str *, const char *file, const struct problem *);

#endif
