#include "os/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static const char *const classes[] = {
	"Misc", "Trpt", "Mesg", "Cryp", "Timr", "Sdep", "SA  ", "Exch", "Negt", "Plcy", "UI  ",
};
static const char *const names[] = {
	"Misc", "Transport", "Message", "Crypto", "Timer", "Sysdep", "SA", "Exchange",
	"Negotiation", "Policy", "UI",
};

/* systemd names the device and inode of the stream it gave us (JOURNAL_STREAM). */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && (unsigned long long)st.st_dev == device &&
	    (unsigned long long)st.st_ino == inode;
}

void
log_open_stderr(struct log_sink *s)
{
	const struct sockaddr_un to = { .sun_family = AF_UNIX,
	    .sun_path = "/run/systemd/journal/socket" };

	*s = (struct log_sink){ .journal = -1 };
	openlog("isakmpd", LOG_PID, LOG_DAEMON);	/* for what cannot be written */
	if (!stderr_is_journal())
		return;
	s->journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->journal >= 0 && connect(s->journal, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		close(s->journal);
		s->journal = -1;
	}
}

void
log_open_syslog(struct log_sink *s)
{
	if (s->journal >= 0)
		close(s->journal);
	s->journal = -1;
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

static void
add_printable(struct str *s, struct view text)
{
	for (size_t i = 0; i < text.n && i < LOG_TEXT_MAX; i++)
		str_char(s, printable(text.p[i]) ? (char)text.p[i] : '?');
}

/* ---- the journal: NAME=value and a newline each ---- */

static void
add_field(struct str *s, const char *name, struct view value)
{
	str_addf(s, "%s=", name);
	add_printable(s, value);
	str_char(s, '\n');
}

static bool
is_name(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((v.p[i] < 'A' || v.p[i] > 'Z') && v.p[i] != '_')
			return false;
	return v.n > 0 && v.n <= 32;
}

static void
add_fields(struct str *s, struct view fields)
{
	while (fields.n > 0) {
		const uint8_t *end = memchr(fields.p, '\0', fields.n);
		size_t n = end == NULL ? fields.n : (size_t)(end - fields.p);
		const uint8_t *equals = memchr(fields.p, '=', n);
		size_t name_n = equals == NULL ? 0 : (size_t)(equals - fields.p);
		struct view name = view_of(fields.p, name_n);

		if (is_name(name)) {
			STR(full, 48);
			str_add(&full, "ISAKMPD_");
			add_printable(&full, name);
			add_field(s, full.p, view_of(equals + 1, n - name_n - 1));
		}
		fields = end == NULL ? (struct view){ 0 } :
		    view_of(end + 1, fields.n - n - 1);
	}
}

static bool
to_journal(const struct log_sink *sink, const char *role, int kind, int level,
    struct view text, struct view fields)
{
	STR(s, 3 * LOG_TEXT_MAX);
	STR(number, 16);

	str_addf(&number, "%d", priority(kind));
	add_field(&s, "MESSAGE", text);
	add_field(&s, "PRIORITY", view_str(number.p));
	add_field(&s, "SYSLOG_IDENTIFIER", view_str("isakmpd"));
	add_field(&s, "SYSLOG_FACILITY", view_str("3"));
	add_field(&s, "ISAKMPD_ROLE", view_str(role));
	if (kind >= 0 && (size_t)kind < COUNT(classes)) {
		number = str_of(number.p, number.cap);
		str_addf(&number, "%d", level);
		add_field(&s, "ISAKMPD_CLASS", view_str(names[kind]));
		add_field(&s, "ISAKMPD_LEVEL", view_str(number.p));
	}
	add_fields(&s, fields);
	return !s.cut && send(sink->journal, s.p, s.len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)s.len;
}

/* ---- lines ---- */

static bool
to_stderr(const struct log_sink *sink, int kind, int level, struct view text)
{
	STR(line, LOG_TEXT_MAX + 64);

	log_stamp(&line, kind, level);
	add_printable(&line, text);
	str_add(&line, sink->priv ? " [priv]\n" : "\n");
	/* One write per line, so that lines of several processes do not mix. */
	if (write(STDERR_FILENO, line.p, line.len) >= 0)
		return true;
	syslog(LOG_ALERT, "write to log file failed: %m");
	return false;
}

void
log_record(const struct log_sink *sink, const char *role, int kind, int level,
    struct view text, struct view fields)
{
	STR(line, LOG_TEXT_MAX + 1);

	if (sink->journal >= 0 && to_journal(sink, role, kind, level, text, fields))
		return;
	/* A line that nobody could write goes to syslog: isakmpd.md 8.1 */
	if ((!sink->syslog || (sink->errors_too && (kind == LOG_KIND_ERROR || kind == LOG_KIND_FATAL))) &&
	    to_stderr(sink, kind, level, text) && !sink->syslog)
		return;
	add_printable(&line, text);
	syslog(priority(kind), "%s", line.p);
}

void
log_line(const struct log_sink *sink, int kind, int level, struct view text)
{
	log_record(sink, "monitor", kind, level, text, (struct view){ 0 });
}
