#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "os/files.h"
#include "role/monitor_internal.h"

enum { OUT_MAX = 64 * 1024 * 1024 };

/* isakmpd.md 4.1: read at start, upon SIGHUP and FIFO R; and for a keys role started anew. */
void
monitor_send_conf(struct monitor *m)
{
	STR(error, 600);
	bool missing = false;

	if (!m->child[ROLE_KEYS].ready) {
		m->conf_wanted = true;
		return;
	}
	m->conf_wanted = false;
	/* isakmpd.md 3.3: nothing else is opened, whatever the command line says. */
	const char *const roots[] = { "/etc/isakmpd", "/var/run", m->options.run_dir };
	int fd = files_open_below(m->options.config, roots, COUNT(roots), FILES_RULE_SECRET,
	    &missing, &error);
	struct wr *w = monitor_body(m, ROLE_KEYS);
	if (fd >= 0) {
		wr_view(w, view_str(m->options.config));
		(void)monitor_send(m, ROLE_KEYS, MSG_CONF_FILE, fd);
		close(fd);
		return;
	}
	if (!missing)
		monitor_log(m, LOG_KIND_ERROR, "%s", error.p);
	/* A missing file is normal: everything may come by the FIFO. */
	wr_view(w, view_str(missing ? "" : error.p));
	(void)monitor_send(m, ROLE_KEYS, MSG_CONF_NONE, -1);
}

static struct out *
out_of(struct monitor *m, struct rd *r)
{
	uint8_t which = rd_u8(r);

	return which >= OUT_RESULT && which < OUT_END ? &m->out[which] : NULL;
}

static void
out_failed(struct monitor *m, struct out *o)
{
	if (!o->bad)
		monitor_log(m, LOG_KIND_ERROR, "%s/%s: %s", m->options.run_dir, o->name,
		    strerror(errno));
	o->bad = true;
}

bool
monitor_out_begin(struct monitor *m, struct rd *r)
{
	struct out *o = out_of(m, r);

	if (o == NULL)
		return false;
	if (o->fd >= 0)		/* one that was given up half way */
		close(o->fd);
	o->written = 0;
	o->bad = false;
	o->fd = files_begin(m->run_dir, o->name);
	if (o->fd < 0)
		out_failed(m, o);
	return true;
}

bool
monitor_out_data(struct monitor *m, struct rd *r)
{
	struct out *o = out_of(m, r);
	struct view v = rd_rest(r);

	if (o == NULL || (o->fd < 0 && !o->bad) || v.n > OUT_MAX - o->written)
		return false;
	o->written += v.n;
	while (v.n > 0 && !o->bad) {
		ssize_t n = write(o->fd, v.p, v.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			out_failed(m, o);
			break;
		}
		v = view_of(v.p + n, v.n - (size_t)n);
	}
	return true;
}

bool
monitor_out_end(struct monitor *m, struct rd *r)
{
	struct out *o = out_of(m, r);

	if (o == NULL || (o->fd < 0 && !o->bad))
		return false;
	if (o->fd >= 0 && close(o->fd) < 0)
		out_failed(m, o);
	o->fd = -1;
	if (o->bad)
		files_abort(m->run_dir, o->name);
	else if (!files_commit(m->run_dir, o->name))
		out_failed(m, o);
	o->bad = false;
	return true;
}

/* A role died while writing, or the daemon ends. */
void
monitor_out_forget(struct monitor *m)
{
	for (int i = OUT_RESULT; i < OUT_END; i++) {
		struct out *o = &m->out[i];
		if (o->fd >= 0) {
			close(o->fd);
			files_abort(m->run_dir, o->name);
		}
		o->fd = -1;
		o->bad = false;
	}
}

void
monitor_keylog(struct monitor *m, struct view line)
{
	if (m->keylog < 0)
		return;
	if (write(m->keylog, line.p, line.n) != (ssize_t)line.n ||
	    write(m->keylog, "\n", 1) != 1)
		monitor_log(m, LOG_KIND_ERROR, "%s: %s", m->options.keylog_file, strerror(errno));
}
