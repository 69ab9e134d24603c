#include "role/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/files.h"
#include "os/sandbox.h"
#include "role/monitor_internal.h"

enum {
	CHANNEL_FD = 3,			/* the monitor's channel in a role */
	START_SECONDS = 30,		/* until all roles are ready */
	DRAIN_SECONDS = 3,		/* for DELETEs at the end (isakmpd.md section 20) */
	END_SECONDS = 2,		/* for one role to end by itself */
	BATCH = 256,
	LAST_WORDS = 64
};

extern char **environ;

/* ike first, so that kern still removes what ike asks it to. */
static const enum role end_order[] = { ROLE_IKE, ROLE_KERN, ROLE_KEYS, ROLE_TRUST,
	ROLE_FETCH, ROLE_ESP };

static void end_begin(struct monitor *, int status);
static void end_next(struct monitor *);
static bool on_fetch_wanted(struct monitor *, struct rd *);
static void fetch_start(struct child *);

void
monitor_log(struct monitor *m, int kind, const char *fmt, ...)
{
	char text[1024];
	struct log_sink own = m->log;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	own.priv = true;
	log_line(&own, kind, 0, view_str(text));
}

static void
arm(struct monitor *m, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	event_add(m->timer, &tv);
}

/* ---- talking to a role ---- */

struct wr *
monitor_body(struct monitor *m, enum role r)
{
	m->nowhere = (struct wr){ .bad = true };
	return m->child[r].channel == NULL ? &m->nowhere : channel_body(m->child[r].channel);
}

bool
monitor_send(struct monitor *m, enum role r, uint16_t type, int fd)
{
	struct child *c = &m->child[r];

	if (c->channel == NULL)
		return false;
	bool ok = channel_send(c->channel, type, fd);
	if (channel_waiting(c->channel))
		event_add(c->wr, NULL);
	return ok;
}

static void
child_kill(struct child *c, const char *why)
{
	if (c->pid <= 0)
		return;
	if (c->killed[0] == '\0')
		text_copy(c->killed, sizeof(c->killed), why);
	kill(c->pid, SIGKILL);
}

static void
child_close(struct child *c)
{
	if (c->rd != NULL)
		event_free(c->rd);
	if (c->wr != NULL)
		event_free(c->wr);
	if (c->grace != NULL)
		event_del(c->grace);
	c->rd = c->wr = NULL;
	monitor_files_forget(c);
	channel_free(c->channel);
	c->channel = NULL;
}

/* ---- messages from roles ---- */

/* The text; after a zero octet the fields of a record. */
static bool
on_log(struct monitor *m, enum role from, struct rd *r)
{
	int kind = (int8_t)rd_u8(r), level = rd_u8(r);
	struct view v = rd_rest(r), fields = { 0 };
	const uint8_t *end = v.n == 0 ? NULL : memchr(v.p, '\0', v.n);

	if (kind < LOG_KIND_REPORT || kind >= DEBUG_CLASSES)
		return false;
	if (end != NULL) {
		size_t n = (size_t)(end - v.p);
		fields = view_of(end + 1, v.n - n - 1);
		v = view_of(v.p, n);
	}
	log_record(&m->log, role_name(from), kind, level, v, fields);
	return true;
}

static void
everyone_ready(struct monitor *m)
{
	if (m->state != MONITOR_STARTING)
		return;
	/* fetch comes and goes with the configuration: nobody waits for it */
	for (int i = ROLE_IKE; i < ROLE_MAX; i++)
		if (i != ROLE_FETCH && m->child[i].wanted && !m->child[i].ready)
			return;
	m->state = MONITOR_RUNNING;
	event_del(m->timer);
	if (m->status_pipe >= 0) {
		(void)!write(m->status_pipe, "", 1);
		close(m->status_pipe);
		m->status_pipe = -1;
	}
}

/* A role says that another one broke the contract between them. */
static bool
on_broken(struct monitor *m, enum role from, struct rd *r)
{
	uint8_t who = rd_u8(r);
	enum channel_side side;
	STR(why, 200);

	/* Web servers talk to fetch: it ends nobody. */
	if (from == ROLE_FETCH || who == ROLE_MONITOR || who >= ROLE_MAX || role_table(from, (enum role)who, &side) == NULL)
		return false;
	str_addf(&why, "role %s complained: ", role_name(from));
	str_escaped(&why, rd_rest(r));
	child_kill(&m->child[who], why.p);
	return true;
}

static bool
on_levels(struct monitor *m, enum role from, struct rd *r)
{
	if (from != ROLE_IKE || !levels_decode(r, &m->options))
		return false;
	for (int i = ROLE_KEYS; i < ROLE_MAX; i++) {
		if (m->child[i].channel == NULL)
			continue;
		levels_encode(monitor_body(m, (enum role)i), &m->options);
		(void)monitor_send(m, (enum role)i, MSG_LEVELS, -1);
	}
	return true;
}

/* What only ike may say. */
static bool
on_ike_message(struct monitor *m, struct channel_in *in)
{
	switch (in->type) {
	case MSG_CONF_WANTED:
		monitor_send_conf(m);
		return true;
	case MSG_RESULT_BEGIN:
		return monitor_out_begin(m, &in->body);
	case MSG_RESULT_DATA:
		return monitor_out_data(m, &in->body);
	case MSG_RESULT_END:
		return monitor_out_end(m, &in->body);
	case MSG_KEYLOG:
		monitor_keylog(m, rd_rest(&in->body));
		return true;
	case MSG_CAPTURE_START:
		return monitor_capture_start(m, &in->body);
	case MSG_CAPTURE_STOP:
		monitor_capture_stop(m);
		return true;
	case MSG_CAPTURE:
		return monitor_capture(m, rd_rest(&in->body));
	case MSG_FETCH_WANTED:
		return on_fetch_wanted(m, &in->body);
	case MSG_DONE:
		monitor_capture_stop(m);
		end_begin(m, m->status);
		return true;
	default:
		return false;
	}
}

static bool
on_message(struct monitor *m, enum role from, struct channel_in *in)
{
	struct child *c = &m->child[from];

	switch (in->type) {
	case MSG_LOG:
		return on_log(m, from, &in->body);
	case MSG_READY:
		c->ready = true;
		if (from == ROLE_KEYS && m->conf_wanted)
			monitor_send_conf(m);
		if (from == ROLE_IKE)
			monitor_capture_tell(m);
		everyone_ready(m);
		return true;
	case MSG_BROKEN:
		return on_broken(m, from, &in->body);
	case MSG_LEVELS:
		return on_levels(m, from, &in->body);
	case MSG_FILES_WANTED:
		return monitor_files_wanted(c, &in->body);
	case MSG_FILES_NEXT:
		return monitor_files_next(c);
	case MSG_FATAL: {
		struct view text = rd_rest(&in->body);
		if (from == ROLE_FETCH) {
			log_line(&m->log, LOG_KIND_ERROR, 0, text);
			child_kill(c, "it cannot go on");
			return true;
		}
		if (m->state != MONITOR_ENDING)		/* one reason is enough */
			log_line(&m->log, LOG_KIND_FATAL, 0, text);
		end_begin(m, 1);
		return true;
	}
	default:
		return from == ROLE_IKE && on_ike_message(m, in);
	}
}

/* Everything that waits; false if the channel is of no more use. */
static bool
child_read(struct child *c)
{
	struct channel_in in;

	for (int i = 0; i < BATCH && c->channel != NULL; i++) {
		enum channel_got got = channel_next(c->channel, &in);
		if (got == CHANNEL_EMPTY)
			return true;
		if (got == CHANNEL_BROKEN)
			child_kill(c, channel_complaint(c->channel));
		if (got != CHANNEL_MESSAGE)
			return false;
		bool ok = on_message(c->m, c->role, &in);
		if (in.fd >= 0)
			close(in.fd);
		if (!ok && c->channel != NULL)
			channel_refuse(c->channel, "malformed message to the monitor");
	}
	return c->channel != NULL;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (!child_read(c) && c->channel != NULL) {
		/* Its end comes as SIGCHLD; if not, a role without monitor has no use. */
		struct timeval tv = { .tv_sec = END_SECONDS };
		child_close(c);
		event_add(c->grace, &tv);
	}
}

static void
on_grace(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (c->pid == 0 && c->role == ROLE_FETCH)
		fetch_start(c);
	else if (c->channel == NULL)
		child_kill(c, "it closed its channel and stayed");
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (channel_flush(c->channel) && channel_waiting(c->channel))
		event_add(c->wr, NULL);
}

/* ---- starting a role ---- */

static const struct grant {
	enum role	role;
	enum role_fd	fd;
} grants[] = {
	{ ROLE_IKE, ROLE_FD_IKE4 }, { ROLE_IKE, ROLE_FD_IKE6 },
	{ ROLE_IKE, ROLE_FD_NATT4 }, { ROLE_IKE, ROLE_FD_NATT6 },
	{ ROLE_IKE, ROLE_FD_FIFO }, { ROLE_IKE, ROLE_FD_ROUTE4 }, { ROLE_IKE, ROLE_FD_ROUTE6 },
	{ ROLE_KEYS, ROLE_FD_PSKS },
	{ ROLE_ESP, ROLE_FD_ESPUDP4 }, { ROLE_ESP, ROLE_FD_ESPUDP6 },
	{ ROLE_ESP, ROLE_FD_ESP4 }, { ROLE_ESP, ROLE_FD_ESP6 }, { ROLE_ESP, ROLE_FD_TUN },
};

/* In the new process: nothing but exec. */
static _Noreturn void
become_role(enum role r, int fd, bool stop)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE };
	STR(title, 32);
	char option[] = "--role", name[16];
	char *argv[] = { title.p, option, name, NULL };
	sigset_t none;

	str_addf(&title, "isakmpd: %s", role_name(r));
	text_copy(name, sizeof(name), role_name(r));
	/* A role ends when its channel to the monitor does, not by signals that
	 * a terminal or a service manager sends to the whole group. */
	for (size_t i = 0; i < COUNT(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (stop)
		raise(SIGSTOP);
	if (fd == CHANNEL_FD ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, CHANNEL_FD) < 0)
		_exit(126);
	execve("/proc/self/exe", argv, environ);
	_exit(127);
}

static bool
child_fork(struct child *c)
{
	struct monitor *m = c->m;
	enum channel_side side = SIDE_A;
	const struct channel_table *table = role_table(ROLE_MONITOR, c->role, &side);
	int pair[2];

	if (!channel_pair(pair))
		return false;
	pid_t pid = fork();
	if (pid == 0)
		become_role(c->role, pair[1], c->role != ROLE_FETCH &&
		    m->state == MONITOR_STARTING && m->options.debug >= 2);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return false;
	}
	c->pid = pid;
	c->ready = c->leaving = false;
	c->killed[0] = '\0';
	c->channel = channel_new(pair[0], table, side);
	if (c->channel == NULL)
		return false;
	c->rd = event_new(m->base, pair[0], EV_READ | EV_PERSIST, on_readable, c);
	c->wr = event_new(m->base, pair[0], EV_WRITE, on_writable, c);
	if (c->grace == NULL)
		c->grace = event_new(m->base, -1, 0, on_grace, c);
	return c->grace != NULL && c->rd != NULL && c->wr != NULL && event_add(c->rd, NULL) == 0;
}

static bool
child_grant(struct child *c)
{
	struct monitor *m = c->m;

	options_encode(monitor_body(m, c->role), &m->options);
	if (!monitor_send(m, c->role, MSG_OPTIONS, -1))
		return false;
	for (size_t i = 0; i < COUNT(grants); i++) {
		int fd = m->fd[grants[i].fd];
		if (grants[i].role != c->role || fd < 0)
			continue;
		wr_u8(monitor_body(m, c->role), (uint8_t)grants[i].fd);
		if (!monitor_send(m, c->role, MSG_FD, fd))
			return false;
	}
	return true;
}

static bool
link_end(struct monitor *m, enum role to, enum role with, int fd)
{
	wr_u8(monitor_body(m, to), (uint8_t)with);
	bool ok = monitor_send(m, to, MSG_LINK, fd);
	close(fd);
	return ok;
}

/* A fresh channel between two roles that run, if they talk at all. */
static bool
link_roles(struct monitor *m, enum role a, enum role b)
{
	enum channel_side side;
	int pair[2];

	if (role_table(a, b, &side) == NULL || m->child[a].channel == NULL ||
	    m->child[b].channel == NULL)
		return true;
	if (!channel_pair(pair))
		return false;
	bool ok = link_end(m, a, b, pair[0]);
	return link_end(m, b, a, pair[1]) && ok;
}

static bool
child_go(struct child *c)
{
	(void)monitor_body(c->m, c->role);
	return monitor_send(c->m, c->role, MSG_GO, -1);
}

/* All roles, and every channel before anybody is told to go. */
static bool
start_all(struct monitor *m)
{
	for (int i = ROLE_IKE; i < ROLE_MAX; i++)
		if (m->child[i].wanted && (!child_fork(&m->child[i]) || !child_grant(&m->child[i])))
			return false;
	for (int a = ROLE_IKE; a < ROLE_MAX; a++)
		for (int b = a + 1; b < ROLE_MAX; b++)
			if (!link_roles(m, (enum role)a, (enum role)b))
				return false;
	for (int i = ROLE_IKE; i < ROLE_MAX; i++)
		if (m->child[i].wanted && !child_go(&m->child[i]))
			return false;
	return true;
}

static bool
start_again(struct child *c)
{
	if (!child_fork(c) || !child_grant(c))
		return false;
	for (int i = ROLE_IKE; i < ROLE_MAX; i++)
		if (i != (int)c->role && !link_roles(c->m, c->role, (enum role)i))
			return false;
	return child_go(c);
}

/* ---- fetch, which comes and goes ---- */

static void
fetch_start(struct child *c)
{
	struct monitor *m = c->m;

	if (c->wanted && c->pid == 0 && m->state != MONITOR_ENDING && !start_again(c))
		monitor_log(m, LOG_KIND_ERROR, "role fetch cannot be started: %s", strerror(errno));
}

/* One that runs is replaced: it read the list of name servers when it began. */
static bool
on_fetch_wanted(struct monitor *m, struct rd *r)
{
	struct child *c = &m->child[ROLE_FETCH];
	const struct timeval tv = { .tv_sec = END_SECONDS };

	c->wanted = rd_bool(r);
	if (!rd_end(r))
		return false;
	if (c->pid == 0) {
		fetch_start(c);
	} else {
		c->leaving = true;
		child_close(c);
		event_add(c->grace, &tv);
	}
	return true;
}

/*
 * The servers it talks to are strangers, and without it certificates are
 * judged as OCSP= says: its end is never that of the daemon.
 */
static void
fetch_ended(struct child *c, const char *what)
{
	const struct timeval later = { .tv_sec = RESTARTS_SPAN_S };

	if (c->leaving || !c->wanted) {
		fetch_start(c);
	} else if (restart_allowed(&c->restarts, role_now())) {
		monitor_log(c->m, LOG_KIND_ERROR, "%s; it is started anew, and what it fetched is "
		    "fetched once more", what);
		fetch_start(c);
	} else {
		monitor_log(c->m, LOG_KIND_ERROR, "%s; more than %d times in %d s: no OCSP for "
		    "so long", what, RESTARTS_MAX, RESTARTS_SPAN_S);
		event_add(c->grace, &later);
	}
}

/* ---- the end of a role ---- */

static void
describe_end(struct child *c, int status, struct str *s)
{
	str_addf(s, "role %s (pid %d) ended", role_name(c->role), (int)c->pid);
	if (WIFSIGNALED(status))
		str_addf(s, " by signal %d (%s)%s", WTERMSIG(status), strsignal(WTERMSIG(status)),
		    WTERMSIG(status) == SIGSYS ? ": it tried something its sandbox forbids" : "");
	else
		str_addf(s, " with status %d", WEXITSTATUS(status));
	if (c->killed[0] != '\0' && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		str_addf(s, ": %s", c->killed);
}

static const char *const consequences[ROLE_MAX] = {
	[ROLE_IKE] = "ALL SAs ARE LOST; it is started anew and negotiates again",
	[ROLE_KEYS] = "running negotiations fail; it is started anew",
	[ROLE_KERN] = "it is started anew, and what is installed is installed again",
	[ROLE_TRUST] = "negotiations that wait for it fail; it is started anew",
	[ROLE_ESP] = "traffic stops until SAs are installed again; it is started anew",
};

static void
child_ended(struct child *c, int status)
{
	struct monitor *m = c->m;
	STR(what, 400);

	/* Last words.  What a dead sender left is finite, and so are we. */
	for (int i = 0; i < LAST_WORDS && c->channel != NULL; i++)
		if (!child_read(c))
			break;
	describe_end(c, status, &what);
	child_close(c);		/* and no grace any more */
	c->pid = 0;
	c->ready = false;
	if (c->role == ROLE_IKE)
		monitor_out_forget(m);
	if (m->state == MONITOR_ENDING) {
		if (WIFSIGNALED(status))
			monitor_log(m, LOG_KIND_ERROR, "%s", what.p);
		end_next(m);
		return;
	}
	if (c->role == ROLE_FETCH) {
		fetch_ended(c, what.p);
		return;
	}
	if (m->state != MONITOR_RUNNING) {
		monitor_log(m, LOG_KIND_FATAL, "%s: the daemon cannot go on", what.p);
		end_begin(m, 1);
		return;
	}
	if (!restart_allowed(&c->restarts, role_now())) {
		monitor_log(m, LOG_KIND_FATAL, "%s; more than %d times in %d s: the daemon ends",
		    what.p, RESTARTS_MAX, RESTARTS_SPAN_S);
		end_begin(m, 1);
		return;
	}
	monitor_log(m, LOG_KIND_ERROR, "%s; %s", what.p, consequences[c->role]);
	if (!start_again(c)) {
		monitor_log(m, LOG_KIND_FATAL, "role %s cannot be started: %s", role_name(c->role),
		    strerror(errno));
		end_begin(m, 1);
	}
}

/* ---- the end of the daemon ---- */

/* Only who was told to end takes the fences away: after any other end nothing passes in clear. */
static void
end_role(struct child *c)
{
	if (c->role == ROLE_KERN && c->m->status == 0 && c->ready) {
		(void)monitor_body(c->m, ROLE_KERN);
		(void)monitor_send(c->m, ROLE_KERN, MSG_WITHDRAW, -1);
	}
	child_close(c);
}

/* The next role that still runs loses its channel and thereby ends. */
static void
end_next(struct monitor *m)
{
	while (m->stage < COUNT(end_order)) {
		struct child *c = &m->child[end_order[m->stage]];
		if (c->pid > 0) {
			if (c->channel != NULL)
				end_role(c);
			arm(m, END_SECONDS);
			return;
		}
		m->stage++;
	}
	event_base_loopbreak(m->base);
}

static void
end_begin(struct monitor *m, int status)
{
	if (status != 0)
		m->status = status;
	if (m->state == MONITOR_ENDING)
		return;
	m->state = MONITOR_ENDING;
	m->stage = 0;
	/* Not from here: we may be within a handler of the channel that is to be closed. */
	struct timeval now = { 0 };
	event_add(m->timer, &now);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct monitor *m = arg;

	(void)fd;
	(void)what;
	if (m->state == MONITOR_STARTING) {
		monitor_log(m, LOG_KIND_FATAL, "not all roles are ready after %d s", START_SECONDS);
		end_begin(m, 1);
	} else if (m->state == MONITOR_DRAINING) {
		monitor_log(m, LOG_KIND_NORMAL, "not everything was sent within %d s", DRAIN_SECONDS);
		end_begin(m, 0);
	} else if (m->state == MONITOR_ENDING) {
		if (m->stage < COUNT(end_order) && m->child[end_order[m->stage]].pid > 0 &&
		    m->child[end_order[m->stage]].channel == NULL)
			child_kill(&m->child[end_order[m->stage]], "it did not end by itself");
		else
			end_next(m);
	}
}

static void
reap(struct monitor *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = ROLE_IKE; i < ROLE_MAX; i++)
			if (m->child[i].pid == pid)
				child_ended(&m->child[i], status);
}

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	struct monitor *m = arg;
	bool stop = number == SIGTERM || number == SIGINT;

	(void)what;
	if (number == SIGCHLD) {
		reap(m);
		return;
	}
	if (stop && (m->state == MONITOR_STARTING || !m->child[ROLE_IKE].ready)) {
		end_begin(m, 0);
		return;
	}
	if (m->state == MONITOR_ENDING)
		return;
	if (stop && m->state != MONITOR_DRAINING) {
		m->state = MONITOR_DRAINING;
		arm(m, DRAIN_SECONDS);
	}
	wr_u8(monitor_body(m, ROLE_IKE), (uint8_t)(stop ? SIGTERM : number));
	(void)monitor_send(m, ROLE_IKE, MSG_SIGNAL, -1);
}

/* ---- start ---- */

static bool
make_events(struct monitor *m)
{
	static const int numbers[SIGNALS] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD };

	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	m->base = event_base_new();
	if (m->base == NULL)
		return false;
	m->timer = event_new(m->base, -1, 0, on_timer, m);
	for (int i = 0; i < SIGNALS; i++) {
		m->signal[i] = evsignal_new(m->base, numbers[i], on_signal, m);
		if (m->signal[i] == NULL || event_add(m->signal[i], NULL) < 0)
			return false;
	}
	return m->timer != NULL;
}

/*
 * daemon(3), except that the first process waits until the roles are ready,
 * so that whoever started it learns of a failure.
 */
static bool
go_background(struct monitor *m)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	pid_t pid = fork();
	if (pid < 0)
		return false;
	if (pid > 0) {
		char c;
		close(ends[1]);
		ssize_t n = read(ends[0], &c, 1);
		_exit(n == 1 ? 0 : 1);
	}
	close(ends[0]);
	m->status_pipe = ends[1];
	if (setsid() < 0 || chdir("/") < 0)
		return false;
	m->log.errors_too = false;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return false;
	for (int i = 0; i <= 2; i++)
		if (dup2(null, i) < 0)
			return false;
	close(null);
	return true;
}

/* -dd: everybody stands still until SIGCONT, so that a debugger can be attached. */
static void
stop_for_debugger(struct monitor *m)
{
	for (int i = ROLE_IKE; i < ROLE_MAX; i++)
		if (m->child[i].pid > 0)
			(void)waitpid(m->child[i].pid, NULL, WUNTRACED);
	monitor_log(m, LOG_KIND_NORMAL, "stopped for a debugger (-dd): SIGCONT to process %d goes on",
	    (int)getpid());
	raise(SIGSTOP);
	for (int i = ROLE_IKE; i < ROLE_MAX; i++)
		if (m->child[i].pid > 0)
			kill(m->child[i].pid, SIGCONT);
}

static bool
start(struct monitor *m)
{
	STR(notes, 256);
	STR(error, 256);
	struct sandbox_want want = { .profile = SANDBOX_MONITOR, .seccomp = m->options.sandbox };

	if (!monitor_open_files(m))
		return false;
	if (!m->options.foreground && !go_background(m)) {
		monitor_log(m, LOG_KIND_FATAL, "daemon: %s", strerror(errno));
		return false;
	}
	m->pid_made = files_pid(m->run_dir, m->pid_name, (int)getpid());
	if (!m->pid_made) {
		monitor_log(m, LOG_KIND_FATAL, "%s: %s", m->options.pid, strerror(errno));
		return false;
	}
	if (!monitor_open_sockets(m))
		return false;
	if (!m->options.sandbox)
		monitor_log(m, LOG_KIND_ERROR, "THE SANDBOX IS OFF: for debugging only");
	else if (!sandbox_enter(&want, &notes, &error)) {
		monitor_log(m, LOG_KIND_FATAL, "sandbox: %s", error.p);
		return false;
	}
	if (!make_events(m) || !start_all(m)) {
		monitor_log(m, LOG_KIND_FATAL, "cannot start the roles: %s", strerror(errno));
		return false;
	}
	if (m->options.debug >= 2)
		stop_for_debugger(m);
	arm(m, START_SECONDS);
	return true;
}

static void
finish(struct monitor *m)
{
	for (int i = ROLE_IKE; i < ROLE_MAX; i++) {
		struct child *c = &m->child[i];
		child_close(c);
		if (c->grace != NULL)
			event_free(c->grace);
		if (c->pid > 0) {
			kill(c->pid, SIGKILL);
			(void)waitpid(c->pid, NULL, 0);
		}
	}
	for (int i = 0; i < SIGNALS; i++)
		if (m->signal[i] != NULL)
			event_free(m->signal[i]);
	if (m->timer != NULL)
		event_free(m->timer);
	if (m->base != NULL)
		event_base_free(m->base);
	monitor_close(m);
}

int
monitor_run(struct options *options)
{
	struct monitor *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return 1;
	m->options = *options;
	log_open_stderr(&m->log);
	if (!m->options.foreground) {
		log_open_syslog(&m->log);
		m->log.errors_too = true;
	}
	m->run_dir = m->keylog = m->status_pipe = -1;
	for (int i = 0; i < OUT_END; i++)
		m->out[i].fd = -1;
	m->capture.fd = -1;
	for (int i = 0; i < ROLE_FD_MAX; i++)
		m->fd[i] = -1;
	for (int i = 0; i < ROLE_MAX; i++) {
		m->child[i].m = m;
		m->child[i].role = (enum role)i;
	}
	m->child[ROLE_IKE].wanted = m->child[ROLE_KEYS].wanted = m->child[ROLE_KERN].wanted =
	    m->child[ROLE_TRUST].wanted = true;

	monitor_log(m, LOG_KIND_NORMAL, "isakmpd: starting");
	m->status = 0;
	if (start(m))
		event_base_dispatch(m->base);
	else
		m->status = 1;
	monitor_log(m, LOG_KIND_NORMAL, "isakmpd: exit");
	finish(m);
	int status = m->status;
	free(m);
	return status;
}
