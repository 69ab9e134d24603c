/*
 * log: where lines go, standard error or syslog, in the layout of isakmpd.md
 * section 8.1.  Only the monitor writes; roles send it their lines.
 */
#ifndef OS_LOG_H
#define OS_LOG_H

#include "base/str.h"

enum log_kind { LOG_KIND_NORMAL = -1, LOG_KIND_VERBOSE = -2, LOG_KIND_ERROR = -3,
	LOG_KIND_FATAL = -4, LOG_KIND_REPORT = -5 };	/* 0..10: a debug class */

struct log_sink {
	bool	syslog;
	bool	priv;		/* add " [priv]": what the monitor itself says */
};

void	log_open_syslog(struct log_sink *);
/* Control characters in the text become '?', so that nobody forges a line. */
void	log_line(const struct log_sink *, int kind, int level, struct view text);
/* "HHMMSS.uuuuuu <prefix> ": local time and the class. */
void	log_stamp(struct str *, int kind, int level);

#endif
