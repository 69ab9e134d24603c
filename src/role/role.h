/*
 * role: what every process of the daemon has in common.  The monitor starts a
 * role by executing this program anew (own address space layout, nothing
 * inherited), with descriptor 3 as its channel to the monitor.  Over it come
 * the options, the descriptors it may use, and a channel to each role it
 * talks to; then GO.  The role prepares, enters its sandbox, says READY and
 * runs its libevent loop until the monitor closes the channel.
 *
 * A role's file is:
 *
 *	int
 *	role_keys_main(struct role_ctx *ctx)
 *	{
 *		struct keys k = { .ctx = ctx };
 *
 *		ctx->self = &k;
 *		ctx->on_message = keys_message;
 *		... threads, tables, whatever needs the world outside ...
 *		if (!role_enter(ctx))		// sandbox, then READY
 *			return 1;
 *		return role_loop(ctx);
 *	}
 *
 * Sending: `struct wr *w = role_body(ctx, ROLE_IKE); keys_answer_encode(w, &a);
 * if (!role_send(ctx, ROLE_IKE, MSG_KEYS_ANSWER)) ...`
 */
#ifndef ROLE_ROLE_H
#define ROLE_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/time.h"
#include "base/util.h"
#include "ipc/channel.h"
#include "role/messages.h"
#include "role/options.h"

struct event_base;
struct role_ctx;

/* Descriptors by purpose; -1: not given. */
enum role_fd {
	ROLE_FD_IKE4 = 0,	/* UDP, port 500 */
	ROLE_FD_IKE6,
	ROLE_FD_NATT4,		/* UDP, port 4500: what begins with the non-ESP marker */
	ROLE_FD_NATT6,
	ROLE_FD_ESPUDP4,	/* UDP, port 4500: everything else (ESP in UDP) */
	ROLE_FD_ESPUDP6,
	ROLE_FD_ESP4,		/* raw sockets, protocol 50, with packet info */
	ROLE_FD_ESP6,
	ROLE_FD_TUN,		/* IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, one queue, up */
	ROLE_FD_FIFO,		/* read-write, nonblocking */
	ROLE_FD_ROUTE4,		/* unconnected UDP, for asking which source address is used */
	ROLE_FD_ROUTE6,
	ROLE_FD_PSKS,		/* a memory file; only keys reads and writes it */
	ROLE_FD_MAX
};

struct role_link;

struct role_ctx {
	enum role	 role;
	struct event_base *base;
	struct options	 options;
	int		 fd[ROLE_FD_MAX];
	char		 tun_name[16];		/* the TUN device of the daemon, "" if none: for kern, too */
	struct role_link *link[ROLE_MAX];	/* [ROLE_MONITOR] is the monitor */
	void		*self;			/* the role's own state */

	/* Set by the role's main before role_enter. */
	/*
	 * A message that passed the channel's table.  False: its body is
	 * malformed, or out of order by a rule the table cannot express; the
	 * sender is then reported and ended.
	 */
	bool		(*on_message)(struct role_ctx *, enum role from, struct channel_in *);
	/* A channel to a role that was started anew: the old one's state is gone. */
	void		(*on_link)(struct role_ctx *, enum role with);
	/* A channel ended; on_link follows if the role is started anew.  May be NULL. */
	void		(*on_unlink)(struct role_ctx *, enum role with);

	/* Log rate limit. */
	int64_t		 log_second;
	uint32_t	 log_count, log_dropped;
	struct wr	 nowhere;	/* bodies for roles that are not there */
	bool		 stopping;
	int		 status;
};

/* ---- the roles ---- */

int	role_ike_main(struct role_ctx *);
int	role_keys_main(struct role_ctx *);
int	role_kern_main(struct role_ctx *);
int	role_esp_main(struct role_ctx *);
int	role_trust_main(struct role_ctx *);
int	role_fetch_main(struct role_ctx *);

/* The process of a role: called by cmd with the monitor's channel. */
int	role_run(enum role, int monitor_fd);

/* ---- for the roles ---- */

/*
 * Enters the sandbox of this role (os/sandbox.h) and says READY; false if it
 * cannot, which has been logged.  Nothing can be opened afterwards.  Make
 * threads after this call, not before: a sandbox holds for the thread that
 * enters it and for those it makes.
 */
MUST_USE bool	role_enter(struct role_ctx *);
/* Runs until role_stop or the monitor's end; the exit status. */
int		role_loop(struct role_ctx *);
void		role_stop(struct role_ctx *, int status);

/* True while there is a channel to that role. */
bool		role_has(const struct role_ctx *, enum role);
/* The body of the next message; if there is no channel, room that goes nowhere. */
struct wr	*role_body(struct role_ctx *, enum role to);
/* False: no such role now, or its queue is full, or the body did not fit. */
MUST_USE bool	role_send(struct role_ctx *, enum role to, uint16_t type);
/* Logs that an answer could not be sent, unless its receiver has ended: of that the
 * monitor tells, and at an ordered end nobody need be told. */
void		role_unsent(struct role_ctx *, enum role to);
/* Blocking: the next message of that type from that role; others that come
 * meanwhile are handed to on_message first.  For kern -> esp only.  False: no
 * answer in time, or the role is gone. */
MUST_USE bool	role_await(struct role_ctx *, enum role from, uint16_t type,
		    int milliseconds, struct channel_in *ret);
/* The underlying channel or NULL; for tests and special cases. */
struct channel	*role_channel(struct role_ctx *, enum role);

struct mono	role_now(void);			/* CLOCK_MONOTONIC; vDSO, no system call */

/*
 * A log line, written by the monitor in the layout of isakmpd.md 8.1.  class
 * is an enum log_class (ike/core.h) or one of the kinds below; a debug line
 * is printed if its level is at most the class's -D level.  Bounded in
 * length and in rate (debug lines only in length).
 */
enum role_log { ROLE_LOG_NORMAL = -1, ROLE_LOG_VERBOSE = -2, ROLE_LOG_ERROR = -3,
	ROLE_LOG_FATAL = -4, ROLE_LOG_REPORT = -5 };
/* For roles that know nothing of ike: its class Misc, and the level of rare events. */
enum { ROLE_DEBUG_MISC = 0, ROLE_DEBUG_RARE = 10 };
void		role_log(struct role_ctx *, int class, int level, const char *fmt, ...)
		    PRINTF_LIKE(4, 5);
/* The text as it is: long lines. */
void		role_log_text(struct role_ctx *, int class, int level, const char *text);
/* With fields for the journal, "NAME=value" and a zero octet each. */
void		role_log_fields(struct role_ctx *, int class, int level, const char *text,
		    struct view fields);

/* Encoders shared by the monitor and the roles. */
void		options_encode(struct wr *, const struct options *);
MUST_USE bool	options_decode(struct rd *, struct options *ret);
/* MSG_LEVELS: verbose and the debug levels only. */
void		levels_encode(struct wr *, const struct options *);
MUST_USE bool	levels_decode(struct rd *, struct options *ret);

#endif
