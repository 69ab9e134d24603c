/* Random faults over virtual hours: long runs that a seed repeats exactly. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include "sim/template.h"

struct random_plan {
	uint64_t	seed;
	int		hosts;		/* 0: chosen by the seed, 2..12 */
	struct span	how_long;	/* virtual */
	bool		verbose;
	int		shape;		/* -1: by the seed; 0 star, 1 mesh */
	bool		certificates;	/* in place of secrets; and trust may die */
};

struct random_result {
	bool		ok;
	char		text[700];	/* what broke */
	uint64_t	events, datagrams, phase1, phase2;
};

struct random_result	random_run(const struct random_plan *);

#endif
