#include "role/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "conf/schema.h"
#include "os/files.h"
#include "os/net.h"

enum { USABLE = 0, ERRORS = 1, UNREADABLE = 2, ADDRESSES = 512 };

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
read_file(const char *path, size_t *ret_n)
{
	bool missing;
	STR(error, 600);
	int fd = files_open_secret(path, &missing, &error);
	uint8_t *p = fd < 0 ? NULL : malloc(STORE_FILE_MAX);
	size_t n = 0;

	if (p == NULL) {
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

static int
check_text(const char *file, struct view text, struct interfaces *interfaces)
{
	struct problems problems = { 0 };
	struct conf_env env = { .self = interfaces, .file = file, .addresses = env_addresses };
	struct store *store = store_new();
	struct snapshot *s = NULL;

	if (store != NULL && store_load(store, text, &problems))
		s = snapshot_build(store, &env, &problems);
	for (size_t i = 0; i < problems.n; i++) {
		STR(line, 1024);
		problem_print(&line, file, &problems.v[i]);
		printf("%s\n", line.p);
	}
	if (problems.dropped > 0)
		printf("%s: %zu more problems\n", file, problems.dropped);
	if (s != NULL)
		printf("%s: usable: %zu peers, %zu connections, %zu warnings\n", file, s->n_peers,
		    s->n_connections, problems.warnings);
	else
		printf("%s: not usable: %zu errors, %zu warnings\n", file, problems.errors,
		    problems.warnings);
	int status = s == NULL || problems.errors > 0 ? ERRORS : USABLE;
	snapshot_unref(s);
	store_free(store);
	problems_done(&problems);
	return status;
}

int
role_check(const struct options *o)
{
	struct interfaces *interfaces = calloc(1, sizeof(*interfaces));
	size_t n = 0;
	uint8_t *p = read_file(o->config, &n);
	int status = UNREADABLE;

	if (p != NULL && interfaces != NULL) {
		interfaces->n = net_addresses(interfaces->v, ADDRESSES);
		status = check_text(o->config, view_of(p, n), interfaces);
	}
	if (p != NULL)
		wipe(p, n);
	free(p);
	free(interfaces);
	return status;
}
