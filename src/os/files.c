#include "os/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY(var, name)						\
	STR(var, 300);							\
	str_addf(&var, ".%s.new", name)

int
files_directory(const char *path, struct str *error)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		str_addf(error, "%s: %s", path, strerror(errno));
	return fd;
}

bool
files_within(int directory, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	struct stat wanted, got;
	STR(parent, 300);

	if (slash == NULL || slash[1] == '\0' || slash[1] == '.' || strlen(slash + 1) > 200)
		return false;
	for (const char *p = path; p < slash; p++)
		str_char(&parent, *p);
	if (parent.cut || fstat(directory, &wanted) < 0 ||
	    stat(slash == path ? "/" : parent.p, &got) < 0 ||
	    wanted.st_dev != got.st_dev || wanted.st_ino != got.st_ino)
		return false;
	*ret_name = slash + 1;
	return true;
}

/* isakmpd.md section 5: asked of the open descriptor, so there is no race. */
static bool
is_secret(int fd, const char *path, struct str *error)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		str_addf(error, "check_file_secrecy_fd: stat %s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		str_addf(error, "check_file_secrecy_fd: not loading %s - not a regular file", path);
		return false;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		str_addf(error, "check_file_secrecy_fd: not loading %s - file owner is not process user "
		    "(it is %u, expected 0 or %u: chown root %s)", path, (unsigned)st.st_uid,
		    (unsigned)geteuid(), path);
		return false;
	}
	if ((st.st_mode & 077) != 0) {
		str_addf(error, "check_file_secrecy_fd: not loading %s - too open permissions "
		    "(mode %03o, expected 600 or less: chmod 600 %s)", path,
		    (unsigned)st.st_mode & 07777, path);
		return false;
	}
	return true;
}

int
files_open_secret(const char *path, bool *ret_missing, struct str *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*ret_missing = fd < 0 && errno == ENOENT;
	if (fd < 0) {
		str_addf(error, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (is_secret(fd, path, error))
		return fd;
	close(fd);
	return -1;
}

/* The real name of a root is a prefix of whole components. */
static bool
lies_below(const char *real, const char *root)
{
	char room[PATH_MAX];
	size_t n;

	if (realpath(root, room) == NULL)
		return false;
	n = strlen(room);
	if (n == 1)	/* "/" */
		return true;
	return strncmp(real, room, n) == 0 && (real[n] == '/' || real[n] == '\0');
}

static bool
is_trusted(int fd, const char *path, struct str *error)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		str_addf(error, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		str_addf(error, "not loading %s - not a regular file", path);
	else if ((st.st_mode & 022) != 0)
		str_addf(error, "not loading %s - writable by group or others (chmod go-w %s)",
		    path, path);
	else
		return true;
	return false;
}

int
files_open_below(const char *path, const char *const *roots, size_t n_roots,
    enum files_rule rule, bool *ret_missing, struct str *error)
{
	char real[PATH_MAX];
	bool below = false;
	int fd;

	*ret_missing = false;
	if (realpath(path, real) == NULL) {
		*ret_missing = errno == ENOENT || errno == ENOTDIR;
		str_addf(error, "%s: %s", path, strerror(errno));
		return -1;
	}
	for (size_t i = 0; i < n_roots && !below; i++)
		below = lies_below(real, roots[i]);
	if (!below) {
		str_addf(error, "m_priv_getfd: illegal path \"%s\": not loading %s - it lies outside %s",
		    path, path, roots[0]);
		return -1;
	}
	if (rule == FILES_RULE_SECRET)
		return files_open_secret(real, ret_missing, error);
	fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0) {
		str_addf(error, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (is_trusted(fd, path, error))
		return fd;
	close(fd);
	return -1;
}

/* ---- directories ---- */

void
file_list_done(struct file_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->name[i]);
	free(l->name);
	*l = (struct file_list){ 0 };
}

static bool
list_add(struct file_list *l, const char *prefix, const char *name)
{
	char **bigger;
	size_t n = strlen(prefix), m = strlen(name);

	if (l->n % 64 == 0) {
		bigger = realloc(l->name, (l->n + 64) * sizeof(*bigger));
		if (bigger == NULL)
			return false;
		l->name = bigger;
	}
	char *s = malloc(n + m + 1);
	if (s == NULL)
		return false;
	memcpy(s, prefix, n);
	memcpy(s + n, name, m + 1);
	l->name[l->n++] = s;
	return true;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
files_list(const char *directory, const char *prefix, struct file_list *l,
    bool *ret_missing, struct str *error)
{
	DIR *d = opendir(directory);
	const struct dirent *e;
	size_t first = l->n;
	bool ok = true;

	*ret_missing = d == NULL && (errno == ENOENT || errno == ENOTDIR);
	if (d == NULL) {
		str_addf(error, "%s: %s", directory, strerror(errno));
		return false;
	}
	while (ok && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		ok = l->n < FILES_LIST_MAX && list_add(l, prefix, e->d_name);
	}
	closedir(d);
	if (!ok)
		str_addf(error, "%s: too many files, or no memory for their names", directory);
	else if (l->n > first)
		qsort(l->name + first, l->n - first, sizeof(*l->name), by_name);
	return ok;
}

int
files_begin(int directory, const char *name)
{
	TEMPORARY(temporary, name);

	/* A left-over of a daemon that died. */
	(void)unlinkat(directory, temporary.p, 0);
	return openat(directory, temporary.p,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool
files_commit(int directory, const char *name)
{
	TEMPORARY(temporary, name);

	return renameat(directory, temporary.p, directory, name) == 0;
}

void
files_abort(int directory, const char *name)
{
	TEMPORARY(temporary, name);

	(void)unlinkat(directory, temporary.p, 0);
}

int
files_append(int directory, const char *name)
{
	struct stat st;
	int fd = openat(directory, name,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

int
files_fifo(const char *path, struct str *error)
{
	struct stat st;

	if (lstat(path, &st) == 0) {
		if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
			str_addf(error, "ui_init: could not create FIFO \"%s\": %s", path,
			    strerror(EEXIST));
			return -1;
		}
		(void)unlink(path);
	}
	if (mkfifo(path, 0600) < 0) {
		str_addf(error, "ui_init: could not create FIFO \"%s\": %s", path, strerror(errno));
		return -1;
	}
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		str_addf(error, "ui_init: could not open FIFO \"%s\": %s", path, strerror(errno));
	return fd;
}

int
files_memory(const char *label)
{
	return memfd_create(label, MFD_CLOEXEC);
}

bool
files_pid(int directory, const char *name, int pid)
{
	int fd;

	(void)unlinkat(directory, name, 0);
	fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	bool ok = dprintf(fd, "%d\n", pid) > 0;
	return close(fd) == 0 && ok;
}
