#include "os/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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
		str_addf(error, "check_file_secrecy_fd: not loading %s - file owner is not process user",
		    path);
		return false;
	}
	if ((st.st_mode & 077) != 0) {
		str_addf(error, "check_file_secrecy_fd: not loading %s - too open permissions "
		    "(chmod 600 %s)", path, path);
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
