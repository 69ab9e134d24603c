/*
 * A role as a process of its own, with the test as its monitor.  Each step
 * asserts; a role that does not answer within PROCESS_WAIT_MS fails the test.
 */
#ifndef UNIT_ROLE_PROCESS_H
#define UNIT_ROLE_PROCESS_H

#include "prove.h"

#include <sys/wait.h>
#include <unistd.h>

#include "role/role.h"

enum { PROCESS_WAIT_MS = 60000 };

struct process {
	enum role	 role;
	pid_t		 pid;
	struct channel	*monitor;	/* the monitor's end */
};

/* Our end, as `mine`, of a channel to the role `other`; takes fd. */
static inline struct channel *
near_end(enum role mine, enum role other, int fd)
{
	enum channel_side side;
	const struct channel_table *table = role_table(mine, other, &side);
	struct channel *c;

	assert_non_null(table);
	c = channel_new(fd, table, side);
	assert_non_null(c);
	return c;
}

/* Starts the role and tells it its options. */
static inline struct process
process_fork(enum role role, const struct options *o)
{
	struct process p = { .role = role };
	int pair[2];

	assert_true(channel_pair(pair));
	p.pid = fork();
	assert_true(p.pid >= 0);
	if (p.pid == 0) {
		/* As after exec: no end of anybody else's channel stays open. */
		enum { CHANNEL_FD = 3 };
		if (pair[1] != CHANNEL_FD && dup2(pair[1], CHANNEL_FD) < 0)
			_exit(1);
		(void)close_range(CHANNEL_FD + 1, UINT32_MAX, 0);
		exit(role_run(role, CHANNEL_FD));
	}
	close(pair[1]);
	p.monitor = near_end(ROLE_MONITOR, role, pair[0]);
	options_encode(channel_body(p.monitor), o);
	assert_true(channel_send(p.monitor, MSG_OPTIONS, -1));
	return p;
}

/* A descriptor for the role; the test's own copy stays open. */
static inline void
process_give(struct process *p, enum role_fd purpose, int fd)
{
	wr_u8(channel_body(p->monitor), (uint8_t)purpose);
	assert_true(channel_send(p->monitor, MSG_FD, fd));
	assert_true(channel_flush(p->monitor));
}

/* One end of a channel with another role; takes fd. */
static inline void
process_give_link(struct process *p, enum role with, int fd)
{
	wr_u8(channel_body(p->monitor), (uint8_t)with);
	assert_true(channel_send(p->monitor, MSG_LINK, fd));
	assert_true(channel_flush(p->monitor));
	close(fd);
}

/* A channel between the role and the test, which plays `mine`. */
static inline struct channel *
process_link(struct process *p, enum role mine)
{
	int pair[2];

	assert_true(channel_pair(pair));
	process_give_link(p, mine, pair[1]);
	return near_end(mine, p->role, pair[0]);
}

/* All is given; `want` is what the role says next, log lines apart. */
static inline void
process_go(struct process *p, uint16_t want)
{
	struct channel_in in;

	(void)channel_body(p->monitor);
	assert_true(channel_send(p->monitor, MSG_GO, -1));
	do {
		assert_int_equal(channel_wait(p->monitor, PROCESS_WAIT_MS, &in), CHANNEL_MESSAGE);
	} while (in.type == MSG_LOG);
	assert_int_equal(in.type, want);
}

/* The role ends when its monitor does, and leaks nothing. */
static inline void
process_end(struct process *p)
{
	int status;

	channel_free(p->monitor);
	p->monitor = NULL;
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#endif
