#include "role/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "conf/schema.h"
#include "os/files.h"
#include "os/net.h"
#include "role/role.h"

enum { USABLE = 0, WARNINGS = 1, UNUSABLE = 2, ADDRESSES = 512 };

struct interfaces {
	struct net_interface_address v[ADDRESSES];
	size_t	n;
};

static size_t
env_addresses(void *self, const char *name, enum family family,
    struct conf_interface_address *ret, size_t most)
{
	const struct interfaces *all = self;
	bool any = strcmp(name, "default") == 0;	/* some interface is good enough to check with */
	size_t n = 0;

	for (size_t i = 0; i < all->n && n < most; i++)
		if (all->v[i].addr.family == family && (any || strcmp(all->v[i].name, name) == 0))
			ret[n++] = (struct conf_interface_address){ .addr = all->v[i].addr,
			    .bits = all->v[i].bits };
	return n;
}

/* The whole file, or NULL with the reason printed; to be wiped: it holds keys. */
static uint8_t *
read_file(const char *path, size_t *ret_n, bool *missing)
{
	STR(error, 600);
	int fd = files_open_secret(path, missing, &error);
	uint8_t *p = fd < 0 ? NULL : malloc(STORE_FILE_MAX);
	size_t n = 0;

	if (p == NULL) {
		if (!*missing)
			fprintf(stderr, "%s\n", fd < 0 ? error.p : "out of memory");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	while (n < STORE_FILE_MAX) {
		ssize_t got = read(fd, p + n, STORE_FILE_MAX - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	*ret_n = n;
	return p;
}

/* The file as the daemon would load it; the snapshot is NULL if it would not. */
struct loaded {
	struct problems	 problems;
	struct store	*store;
	struct snapshot	*snapshot;
};

static void
load(struct loaded *l, const char *file, struct view text, struct interfaces *interfaces)
{
	struct conf_env env = { .self = interfaces, .file = file, .addresses = env_addresses };

	*l = (struct loaded){ .store = store_new() };
	if (l->store != NULL && store_load(l->store, text, &l->problems))
		l->snapshot = snapshot_build(l->store, &env, &l->problems);
}

static void
loaded_done(struct loaded *l)
{
	snapshot_unref(l->snapshot);
	store_free(l->store);
	problems_done(&l->problems);
}

static void
problems_print(FILE *to, const char *file, const struct problems *problems,
    bool warnings)
{
	for (size_t i = 0; i < problems->n; i++) {
		STR(line, 1024);

		if (!warnings && problems->v[i].severity != PROBLEM_ERROR)
			continue;
		problem_print(&line, file, &problems->v[i]);
		fprintf(to, "%s\n", line.p);
	}
	if (problems->dropped > 0)
		fprintf(to, "%s: %zu more problems\n", file, problems->dropped);
}

/* The daemon would refuse it, too. */
static bool
policy_missing(const struct options *o, const struct snapshot *s)
{
	if (s == NULL || !s->use_keynote || o->no_policy)
		return false;
	printf("%s: error: KeyNote policy checking is not part of this version (start with -K, or "
	    "set Use-Keynote=no in [General])\n", o->config);
	return true;
}

static int
check_text(const struct options *o, struct view text, struct interfaces *interfaces)
{
	const char *file = o->config;
	struct loaded l;

	load(&l, file, text, interfaces);
	problems_print(stdout, file, &l.problems, true);
	l.problems.errors += policy_missing(o, l.snapshot);
	bool usable = l.snapshot != NULL && l.problems.errors == 0;
	if (usable)
		l.problems.warnings += check_keys(file, l.snapshot);
	if (usable)
		printf("%s: usable: %zu peers, %zu connections, %zu warnings\n", file,
		    l.snapshot->n_peers, l.snapshot->n_connections, l.problems.warnings);
	else
		printf("%s: not usable: %zu errors, %zu warnings\n", file, l.problems.errors,
		    l.problems.warnings);
	int status = !usable ? UNUSABLE : o->strict && l.problems.warnings > 0 ? WARNINGS : USABLE;
	loaded_done(&l);
	return status;
}

static bool
adopt(struct options *o, const struct loaded *l)
{
	const struct snapshot *s = l->snapshot;

	if (s == NULL) {
		problems_print(stderr, o->config, &l->problems, false);
		fprintf(stderr, "isakmpd: not started: %s has %zu errors\n", o->config,
		    l->problems.errors);
		return false;
	}
	o->capture_kb = s->capture_kb;
	o->shared_sadb = s->shared_sadb;
	if (s->kernel_backend != NULL && strcmp(s->kernel_backend, "none") == 0)
		o->no_kernel = true;
	else if (s->kernel_backend != NULL && strcmp(s->kernel_backend, "auto") != 0)
		text_copy(o->backend, sizeof(o->backend), s->kernel_backend);
	if (s->key_log != NULL && !o->keylog) {
		o->keylog = true;
		text_copy(o->keylog_file, sizeof(o->keylog_file), s->key_log);
	}
	return true;
}

static bool
prepare(struct options *o)
{
	struct interfaces *interfaces = calloc(1, sizeof(*interfaces));
	bool missing = false, good = true;
	size_t n = 0;
	uint8_t *p = read_file(o->config, &n, &missing);
	struct loaded l;

	if (p != NULL && interfaces != NULL) {
		interfaces->n = net_addresses(interfaces->v, ADDRESSES);
		load(&l, o->config, view_of(p, n), interfaces);
		good = adopt(o, &l);
		loaded_done(&l);
	} else {
		good = p == NULL && missing;
	}
	if (p != NULL)
		wipe(p, n);
	free(p);
	free(interfaces);
	return good;
}

/*
 * The file holds keys, and the caller becomes the monitor: a child reads it
 * and hands back the options alone, so no key ever enters the monitor.
 */
bool
role_prepare(struct options *o)
{
	static uint8_t room[16384];
	int pipe_fd[2], status;
	size_t n = 0;

	if (pipe(pipe_fd) != 0) {
		perror("pipe");
		return false;
	}
	pid_t pid = fork();
	if (pid == 0) {
		struct wr w = wr_of(room, sizeof(room));
		bool good = prepare(o);

		options_encode(&w, o);
		struct view v = wr_done(&w);
		_exit(good && v.n > 0 && write(pipe_fd[1], v.p, v.n) == (ssize_t)v.n ? 0 : 1);
	}
	close(pipe_fd[1]);
	for (ssize_t got = 1; pid > 0 && got > 0 && n < sizeof(room); n += got > 0 ? (size_t)got : 0)
		got = read(pipe_fd[0], room + n, sizeof(room) - n);
	close(pipe_fd[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return false;
	struct rd r = rd_of(view_of(room, n));
	return options_decode(&r, o) && rd_end(&r);
}

int
role_check(const struct options *o)
{
	struct interfaces *interfaces = calloc(1, sizeof(*interfaces));
	size_t n = 0;
	bool missing = false;
	uint8_t *p = read_file(o->config, &n, &missing);
	int status = UNUSABLE;

	if (missing)
		fprintf(stderr, "%s does not exist\n", o->config);
	if (p != NULL && interfaces != NULL) {
		interfaces->n = net_addresses(interfaces->v, ADDRESSES);
		status = check_text(o, view_of(p, n), interfaces);
	}
	if (p != NULL)
		wipe(p, n);
	free(p);
	free(interfaces);
	return status;
}
