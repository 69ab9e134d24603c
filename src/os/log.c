#include "os/log.h"

#include <sys/time.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 2048 };

static const char *const classes[] = {
	"Misc", "Trpt", "Mesg", "Cryp", "Timr", "Sdep", "SA  ", "Exch", "Negt", "Plcy", "UI  ",
};

void
log_open_syslog(struct log_sink *s)
{
	openlog("isakmpd", LOG_PID | LOG_CONS, LOG_DAEMON);
	s->syslog = true;
}

void
log_stamp(struct str *s, int kind, int level)
{
	struct timeval now;
	struct tm tm;

	gettimeofday(&now, NULL);
	if (localtime_r(&now.tv_sec, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	str_addf(s, "%02d%02d%02d.%06ld ", tm.tm_hour, tm.tm_min, tm.tm_sec, (long)now.tv_usec);
	if (kind >= 0 && (size_t)kind < COUNT(classes))
		str_addf(s, "%s %02d ", classes[kind], level);
	else
		str_add(s, kind == LOG_KIND_REPORT ? "Report> " : "Default ");
}

static int
priority(int kind)
{
	switch (kind) {
	case LOG_KIND_NORMAL:
	case LOG_KIND_VERBOSE:
		return LOG_NOTICE;
	case LOG_KIND_ERROR:
		return LOG_ERR;
	case LOG_KIND_FATAL:
		return LOG_CRIT;
	case LOG_KIND_REPORT:
		return LOG_ALERT;
	default:
		return LOG_INFO;
	}
}

static bool
printable(uint8_t c)
{
	return (c >= 0x20 && c < 0x7f) || c == '\t';
}

void
log_line(const struct log_sink *sink, int kind, int level, struct view text)
{
	STR(line, TEXT_MAX + 64);

	if (!sink->syslog)
		log_stamp(&line, kind, level);
	for (size_t i = 0; i < text.n && i < TEXT_MAX; i++)
		str_char(&line, printable(text.p[i]) ? (char)text.p[i] : '?');
	if (sink->syslog) {
		syslog(priority(kind), "%s", line.p);
		return;
	}
	str_add(&line, sink->priv ? " [priv]\n" : "\n");
	/* One write per line, so that lines of several processes do not mix. */
	if (write(STDERR_FILENO, line.p, line.len) < 0)
		syslog(LOG_ALERT, "write to log file failed: %m");
}
