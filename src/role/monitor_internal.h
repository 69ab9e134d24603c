/* Shared by the monitor's files only. */
#ifndef ROLE_MONITOR_INTERNAL_H
#define ROLE_MONITOR_INTERNAL_H

#include <event2/event.h>
#include <sys/types.h>

#include "os/files.h"
#include "os/log.h"
#include "role/restart.h"
#include "role/role.h"

enum { SIGNALS = 5 };

struct monitor;

/* A request for files that is being answered; path NULL: none. */
struct files_request {
	uint8_t		 kind;
	char		*path;
	struct file_list list;
	size_t		 next;
};

struct child {
	struct monitor	*m;
	enum role	 role;
	bool		 wanted;
	bool		 ready;
	bool		 leaving;		/* told to end; fetch only */
	pid_t		 pid;			/* 0: does not run */
	struct channel	*channel;		/* NULL: closed */
	struct event	*rd, *wr, *grace;
	struct restarts	 restarts;
	struct files_request files;
	char		 killed[200];		/* why we ended it, or "" */
};

struct out {
	const char	*name;			/* in the run directory */
	int		 fd;			/* -1: not being written */
	size_t		 written;
	bool		 bad;
};

struct monitor {
	struct options	 options;
	struct log_sink	 log;
	struct event_base *base;
	struct event	*signal[SIGNALS], *timer;
	struct child	 child[ROLE_MAX];
	int		 fd[ROLE_FD_MAX];	/* kept for roles that start anew */
	int		 run_dir, keylog;
	struct out	 out[OUT_END];
	struct {
		int	 fd;		/* -1: no capture */
		uint64_t octets;
	} capture;
	const char	*pid_name;
	bool		 fifo_made, pid_made;
	bool		 conf_wanted;
	struct wr	 nowhere;		/* bodies for roles that do not run */
	int		 status_pipe;		/* the waiting parent of a daemon, or -1 */

	enum { MONITOR_STARTING, MONITOR_RUNNING, MONITOR_DRAINING, MONITOR_ENDING } state;
	unsigned	 stage;			/* ENDING: which role is being ended */
	int		 status;
};

void	monitor_log(struct monitor *, int kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The next message's body; send it with monitor_send. */
struct wr *monitor_body(struct monitor *, enum role);
bool	monitor_send(struct monitor *, enum role, uint16_t type, int fd);

/* monitor_open.c: sockets, TUN, FIFO, PID file */
MUST_USE bool monitor_open_files(struct monitor *);
MUST_USE bool monitor_open_sockets(struct monitor *);
void	monitor_close(struct monitor *);

/* monitor_out.c: configuration, result files, key file */
void	monitor_send_conf(struct monitor *);
bool	monitor_out_begin(struct monitor *, struct rd *);
bool	monitor_out_data(struct monitor *, struct rd *);
bool	monitor_out_end(struct monitor *, struct rd *);
void	monitor_keylog(struct monitor *, struct view line);
void	monitor_out_forget(struct monitor *);

/* monitor_files.c: keys and certificates, for the roles that read them */
bool	monitor_files_wanted(struct child *, struct rd *);
bool	monitor_files_next(struct child *);
void	monitor_files_forget(struct child *);

/* monitor_capture.c */
bool	monitor_capture_start(struct monitor *, struct rd *);
bool	monitor_capture(struct monitor *, struct view record);
void	monitor_capture_stop(struct monitor *);
/* ike is there: begins what the command line asked for, and says what is. */
void	monitor_capture_tell(struct monitor *);

#endif
