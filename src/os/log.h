/*
 * log: where lines go, in the layout of isakmpd.md section 8.1: standard
 * error, syslog, or, if standard error is the journal of systemd, the journal
 * itself with a field for each part of a line.  Only the monitor writes; roles
 * send it their lines.
 */
#ifndef OS_LOG_H
#define OS_LOG_H

#include "base/str.h"

enum log_kind { LOG_KIND_NORMAL = -1, LOG_KIND_VERBOSE = -2, LOG_KIND_ERROR = -3,
	LOG_KIND_FATAL = -4, LOG_KIND_REPORT = -5 };	/* 0..10: a debug class */

enum { LOG_TEXT_MAX = 2048 };		/* octets of a line's text; the rest is cut */

struct log_sink {
	bool	syslog;
	bool	errors_too;	/* errors go to standard error besides: somebody is looking */
	bool	priv;		/* add " [priv]": what the monitor itself says */
	int	journal;	/* socket, or -1 */
};

/* Standard error, or the journal behind it. */
void	log_open_stderr(struct log_sink *);
void	log_open_syslog(struct log_sink *);
/* Control characters in the text become '?', so that nobody forges a line. */
void	log_line(const struct log_sink *, int kind, int level, struct view text);
/*
 * The same with fields for the journal, "NAME=value" each and ended by a zero
 * octet.  Names get the prefix ISAKMPD_; what is no name is left out.
 */
void	log_record(const struct log_sink *, const char *role, int kind, int level,
	    struct view text, struct view fields);
/* "HHMMSS.uuuuuu <prefix> ": local time and the class. */
void	log_stamp(struct str *, int kind, int level);

#endif
