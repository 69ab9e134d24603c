/*
 * A network namespace that ends with the program, made with or without root.
 */
#ifndef UNIT_KERN_OWN_NAMESPACE_H
#define UNIT_KERN_OWN_NAMESPACE_H

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static inline bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

static inline bool
own_ids(unsigned uid, unsigned gid)
{
	STR(u, 64);
	STR(g, 64);

	str_addf(&u, "0 %u 1", uid);
	str_addf(&g, "0 %u 1", gid);
	return write_file("/proc/self/setgroups", "deny") &&
	    write_file("/proc/self/uid_map", u.p) && write_file("/proc/self/gid_map", g.p);
}

/* false: this machine does not permit one. */
static inline bool
own_namespace_enter(void)
{
	unsigned uid = getuid(), gid = getgid();

	return uid == 0 ? unshare(CLONE_NEWNET) == 0 :
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && own_ids(uid, gid);
}

#endif
