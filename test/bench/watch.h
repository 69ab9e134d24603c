/* watch: what a daemon costs, summed over all its processes, from /proc. */
#ifndef BENCH_WATCH_H
#define BENCH_WATCH_H

#include <stdint.h>
#include <sys/types.h>

struct watch {
	unsigned	processes;
	double		cpu;		/* seconds so far, user and system */
	uint64_t	rss_kb;		/* resident, shared pages counted in each */
	uint64_t	pss_kb;		/* resident, shared pages divided */
	uint64_t	most_kb;	/* the largest VmHWM among them */
};

/* The process and all its descendants; pid 0: nothing, all zero. */
struct watch	watch_tree(pid_t);

#endif
