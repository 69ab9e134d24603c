/*
 * The sandbox on Linux, from the outside in: limits, an empty root directory,
 * an account without rights, no way to gain any, no files (Landlock), and an
 * allow-list of system calls.
 */
#include "base/sanitized.h"
#include "os/sandbox.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILES_MAX = 64 };

static bool
fail(struct str *error, const char *what)
{
	str_addf(error, "%s: %s", what, strerror(errno));
	return false;
}

static void
note(struct str *notes, const char *what)
{
	if (notes->len > 0)
		str_add(notes, "; ");
	str_add(notes, what);
}

/* ---- user namespaces ---- */

/*
 * How many ids exist here (the initial namespace maps all 2^32 - 1), and
 * whether `id` is one of them.
 */
static uint64_t
mapped_ids(const char *file, uint64_t id, bool *ret_has)
{
	FILE *f = fopen(file, "re");
	uint64_t total = 0;
	unsigned long inside, outside, count;

	*ret_has = f == NULL;
	if (f == NULL)
		return UINT32_MAX;
	while (fscanf(f, "%lu %lu %lu", &inside, &outside, &count) == 3) {
		total += count;
		if (id >= inside && id - inside < count)
			*ret_has = true;
	}
	fclose(f);
	return total;
}

bool
sandbox_single_user(void)
{
	bool has;

	return mapped_ids("/proc/self/uid_map", 0, &has) == 1;
}

/* ---- limits ---- */

static bool
limit(int which, rlim_t value)
{
	struct rlimit l = { .rlim_cur = value, .rlim_max = value };

	return setrlimit((__rlimit_resource_t)which, &l) == 0;
}

static bool
has_threads(enum sandbox_profile p)
{
	return p == SANDBOX_KEYS || p == SANDBOX_ESP;
}

static bool
set_limits(enum sandbox_profile p, struct str *error)
{
	/* Secrets do not go to disk. */
	if (!limit(RLIMIT_CORE, 0) || prctl(PR_SET_DUMPABLE, 0) < 0)
		return fail(error, "core dumps");
	/* No limit on file sizes: the only file left is standard error, and a
	 * last message there is worth having. */
	if (!limit(RLIMIT_NOFILE, FILES_MAX))
		return fail(error, "limits");
	/* With threads the seccomp list allows nothing but threads anyway. */
	if (!has_threads(p) && !limit(RLIMIT_NPROC, 0))
		return fail(error, "limit on processes");
	return true;
}

/* ---- an empty root ---- */

/* /var/empty, if it is what its name says and nobody else can change that. */
static int
open_var_empty(void)
{
	struct stat st;
	int fd = open("/var/empty", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	bool good = fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 0 && (st.st_mode & 022) == 0;
	DIR *d = good ? fdopendir(dup(fd)) : NULL;

	good = d != NULL;
	for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			good = false;
	if (d != NULL)
		closedir(d);
	if (good)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A directory that has been removed: empty for ever, nothing can be made in it. */
static int
open_removed(void)
{
	static const char *const places[] = { "/run", "/tmp", "/dev/shm" };

	for (size_t i = 0; i < COUNT(places); i++) {
		STR(path, 64);
		str_addf(&path, "%s/isakmpd-empty-XXXXXX", places[i]);
		if (mkdtemp(path.p) == NULL)
			continue;
		int fd = open(path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rmdir(path.p);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static bool
enter_root(struct str *notes, struct str *error)
{
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_CHROOT)) {
		note(notes, "no chroot: started without the right to do it");
		return true;
	}
	int fd = open_var_empty();
	if (fd < 0)
		fd = open_removed();
	if (fd < 0)
		return fail(error, "no empty directory for chroot");
	bool ok = fchdir(fd) == 0 && chroot(".") == 0 && chdir("/") == 0;
	close(fd);
	return ok || fail(error, "chroot");
}

/* ---- account and capabilities ---- */

struct account {
	bool	found;
	bool	namespace;	/* a user namespace, where it may be missing */
	uid_t	uid;
	gid_t	gid;
};

/* Must be asked before the root changes. */
static struct account
find_account(const char *name)
{
	struct passwd *pw = getpwnam(name);
	struct account a = { 0 };
	bool has_uid, has_gid;

	if (pw != NULL && pw->pw_uid != 0)
		a = (struct account){ .found = true, .uid = pw->pw_uid, .gid = pw->pw_gid };
	a.namespace = mapped_ids("/proc/self/uid_map", a.uid, &has_uid) < UINT32_MAX;
	(void)mapped_ids("/proc/self/gid_map", a.gid, &has_gid);
	a.found = a.found && has_uid && has_gid;
	return a;
}

static bool
drop_capabilities_only(struct str *error)
{
	/* The bounding set is best effort: without CAP_SETPCAP it cannot be
	 * shrunk, and no_new_privs makes it irrelevant. */
	(void)!capng_apply(CAPNG_SELECT_BOUNDS);
	return capng_apply(CAPNG_SELECT_CAPS) == 0 || fail(error, "capabilities");
}

static bool
become(const struct sandbox_want *want, const struct account *account, struct str *notes,
    struct str *error)
{
	bool root = geteuid() == 0;

	capng_clear(CAPNG_SELECT_BOTH);
	if (want->profile == SANDBOX_KERN)
		(void)!capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	if (!root) {
		note(notes, "no account of its own: not started as root");
		capng_clear(CAPNG_SELECT_BOTH);
		return drop_capabilities_only(error);
	}
	if (account->namespace && !account->found) {
		note(notes, "no account of its own: this user namespace has none to change to");
		return drop_capabilities_only(error);
	}
	if (!account->found) {
		str_addf(error, "monitor_init: getpwnam(\"%s\") failed: make this account "
		    "(sysusers.d/isakmpd.conf, or useradd -r -d /var/empty -s /usr/sbin/nologin %s)",
		    want->account, want->account);
		return false;
	}
	int rv = capng_change_id((int)account->uid, (int)account->gid,
	    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	if (rv == 0)
		return true;
	str_addf(error, "change to account %s failed (%d): %s", want->account, rv, strerror(errno));
	return false;
}

/* ---- Landlock, by system call: older C libraries do not know it ---- */

struct landlock_attr {
	uint64_t	fs, net, scoped;
};

enum { LANDLOCK_CREATE = 444, LANDLOCK_RESTRICT = 446, LANDLOCK_VERSION = 1,
	LANDLOCK_CONNECT_TCP = 2 };

/* What each version of the interface can deny. */
static struct landlock_attr
landlock_everything(long version, size_t *ret_size)
{
	struct landlock_attr a = { .fs = (1ULL << 13) - 1 };

	*ret_size = 8;
	if (version >= 2)
		a.fs |= 1ULL << 13;		/* refer */
	if (version >= 3)
		a.fs |= 1ULL << 14;		/* truncate */
	if (version >= 4) {
		a.net = 3;			/* TCP bind, connect */
		*ret_size = 16;
	}
	if (version >= 5)
		a.fs |= 1ULL << 15;		/* ioctl on devices opened later */
	if (version >= 6) {
		a.scoped = 3;			/* abstract sockets, signals */
		*ret_size = 24;
	}
	return a;
}

static bool
enter_landlock(enum sandbox_profile p, struct str *notes, struct str *error)
{
	long version = syscall(LANDLOCK_CREATE, NULL, (size_t)0, LANDLOCK_VERSION);
	size_t size;

	if (version < 1) {
		note(notes, "no Landlock in this kernel");
		return true;
	}
	struct landlock_attr a = landlock_everything(version, &size);
	if (p == SANDBOX_FETCH)
		a.net &= ~(uint64_t)LANDLOCK_CONNECT_TCP;
	long fd = syscall(LANDLOCK_CREATE, &a, size, 0);
	if (fd < 0)
		return fail(error, "Landlock");
	long rv = syscall(LANDLOCK_RESTRICT, fd, 0);
	close((int)fd);
	return rv == 0 || fail(error, "Landlock");
}

/* ---- seccomp ---- */

#define SYS(name) SCMP_SYS(name)

/* Any compute-and-wait loop over descriptors it already has. */
static const int common[] = {
	SYS(read), SYS(write), SYS(readv), SYS(writev), SYS(close), SYS(sendmsg), SYS(recvmsg),
	SYS(poll), SYS(ppoll), SYS(epoll_wait), SYS(epoll_pwait), SYS(epoll_pwait2), SYS(epoll_ctl),
	SYS(clock_gettime), SYS(gettimeofday), SYS(time), SYS(nanosleep), SYS(clock_nanosleep),
	SYS(futex), SYS(brk), SYS(munmap), SYS(mremap), SYS(madvise), SYS(exit), SYS(exit_group),
	SYS(rt_sigreturn), SYS(rt_sigprocmask), SYS(rt_sigaction), SYS(sigaltstack), SYS(getpid),
	SYS(gettid), SYS(getrandom), SYS(restart_syscall), SYS(sched_yield), SYS(tgkill),
	SYS(membarrier),
	/* qsort() of glibc before 2.37 asks how much memory there is when a list is long. */
	SYS(sysinfo),
};
static const int ike_only[] = {
	SYS(recvmmsg), SYS(sendmmsg), SYS(recvfrom), SYS(sendto), SYS(getsockname),
};
static const int threads_only[] = {
	SYS(set_robust_list), SYS(rseq), SYS(sched_getaffinity), SYS(sched_setaffinity),
	SYS(mlock), SYS(munlock), SYS(eventfd2),
};
static const int kern_only[] = {
	SYS(sendto), SYS(recvfrom), SYS(getsockname),
};
static const int fetch_only[] = {
	SYS(sendto), SYS(recvfrom), SYS(connect),
};
static const int esp_only[] = {
	SYS(recvmmsg), SYS(sendmmsg), SYS(recvfrom), SYS(sendto),
};

static bool
allow(scmp_filter_ctx f, const int *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* A call this architecture does not have cannot be made either. */
		int rv = seccomp_rule_add(f, SCMP_ACT_ALLOW, list[i], 0);
		if (rv < 0 && rv != -EDOM && rv != -EEXIST)
			return false;
	}
	return true;
}

/* Allows a call if (argument & mask) == value. */
static bool
allow_if(scmp_filter_ctx f, int call, unsigned argument, scmp_datum_t mask, scmp_datum_t value)
{
	const struct scmp_arg_cmp c = { .arg = argument, .op = SCMP_CMP_MASKED_EQ,
	    .datum_a = mask, .datum_b = value };
	int rv = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, 1, &c);

	return rv == 0 || rv == -EDOM || rv == -EEXIST;
}

static bool
allow_memory(scmp_filter_ctx f)
{
	static const int fcntls[] = { F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_SETFL };
	bool ok = true;

	for (size_t i = 0; i < COUNT(fcntls); i++)
		ok = ok && allow_if(f, SYS(fcntl), 1, UINT32_MAX, (scmp_datum_t)fcntls[i]);
	/* No memory is ever made executable. */
	return ok && allow_if(f, SYS(mmap), 2, PROT_EXEC, 0) &&
	    allow_if(f, SYS(mprotect), 2, PROT_EXEC, 0) &&
	    /* stdio asks about the descriptors it has: fstat only */
	    allow_if(f, SYS(newfstatat), 3, UINT32_MAX, AT_EMPTY_PATH) &&
	    allow_if(f, SYS(fstat), 0, 0, 0) &&
	    /* a thread's name */
	    allow_if(f, SYS(prctl), 0, UINT32_MAX, PR_SET_NAME);
}

static bool
allow_threads(scmp_filter_ctx f)
{
	enum { THREAD = CLONE_THREAD | CLONE_VM };

	/* clone3 hides its flags behind a pointer; without it the C library uses clone. */
	return allow(f, threads_only, COUNT(threads_only)) &&
	    seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SYS(clone3), 0) == 0 &&
	    allow_if(f, SYS(clone), 0, THREAD, THREAD);
}

static bool
allow_option_level(scmp_filter_ctx f, int level)
{
	return allow_if(f, SYS(setsockopt), 1, UINT32_MAX, (scmp_datum_t)level) &&
	    allow_if(f, SYS(getsockopt), 1, UINT32_MAX, (scmp_datum_t)level);
}

/* TCP over IPv4 and IPv6, and no other kind of socket. */
static bool
allow_tcp(scmp_filter_ctx f)
{
	static const int families[] = { AF_INET, AF_INET6 };
	enum { TYPE_BITS = 15 };	/* of linux/net.h: the rest are flags */
	bool ok = true;

	for (size_t i = 0; i < COUNT(families); i++) {
		const struct scmp_arg_cmp c[] = {
			{ .arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = UINT32_MAX,
			    .datum_b = (scmp_datum_t)families[i] },
			{ .arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = TYPE_BITS,
			    .datum_b = SOCK_STREAM },
			{ .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = UINT32_MAX, .datum_b = 0 },
		};
		int rv = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, SYS(socket), COUNT(c), c);
		ok = ok && (rv == 0 || rv == -EDOM);
	}
	return ok && allow_if(f, SYS(getsockopt), 1, UINT32_MAX, SOL_SOCKET);
}

static bool
allow_for(scmp_filter_ctx f, enum sandbox_profile p)
{
	if (!allow(f, common, COUNT(common)) || !allow_memory(f))
		return false;
	if (has_threads(p) && !allow_threads(f))
		return false;
	switch (p) {
	case SANDBOX_IKE:
		/* connect: on a datagram socket it only looks up a route; there
		 * is no way to get a socket of another kind. */
		return allow(f, ike_only, COUNT(ike_only)) &&
		    allow_if(f, SYS(connect), 0, 0, 0);
	case SANDBOX_KEYS:
		return allow_if(f, SYS(lseek), 0, 0, 0);
	case SANDBOX_KERN:
		return allow(f, kern_only, COUNT(kern_only));
	case SANDBOX_ESP:
		return allow(f, esp_only, COUNT(esp_only)) && allow_option_level(f, IPPROTO_IP) &&
		    allow_option_level(f, IPPROTO_IPV6) && allow_option_level(f, IPPROTO_UDP);
	case SANDBOX_TRUST:
		return true;
	case SANDBOX_FETCH:
		return allow(f, fetch_only, COUNT(fetch_only)) && allow_tcp(f);
	case SANDBOX_MONITOR:
	case SANDBOX_MAX:
		break;
	}
	return false;
}

/* What the monitor, and whatever it starts, never has a reason to do. */
static const int monitor_never[] = {
	SYS(ptrace), SYS(process_vm_readv), SYS(process_vm_writev), SYS(kexec_load),
	SYS(init_module), SYS(finit_module), SYS(delete_module), SYS(mount), SYS(umount2),
	SYS(pivot_root), SYS(swapon), SYS(swapoff), SYS(reboot), SYS(settimeofday),
	SYS(clock_settime), SYS(bpf), SYS(perf_event_open), SYS(keyctl), SYS(add_key),
	SYS(request_key), SYS(userfaultfd), SYS(setns), SYS(unshare), SYS(acct), SYS(quotactl),
	SYS(personality), SYS(open_by_handle_at), SYS(iopl), SYS(ioperm),
};

static bool
enter_seccomp(enum sandbox_profile p, struct str *error)
{
	bool monitor = p == SANDBOX_MONITOR;
	scmp_filter_ctx f = seccomp_init(monitor ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
	bool ok = f != NULL;

	if (ok && monitor) {
		for (size_t i = 0; i < COUNT(monitor_never); i++)
			(void)!seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), monitor_never[i], 0);
	} else if (ok) {
		ok = allow_for(f, p);
	}
	int rv = ok ? seccomp_load(f) : -EINVAL;
	if (f != NULL)
		seccomp_release(f);
	if (rv == 0)
		return true;
	errno = -rv;
	return fail(error, "seccomp");
}

/*
 * A sanitizer reads /proc, starts helpers and traces its own process when it
 * looks for leaks at the end; so its builds keep the account, and nothing else.
 */
static bool
enter_reduced(const struct sandbox_want *want, struct str *notes, struct str *error)
{
	struct account account = find_account(want->account);

	note(notes, "REDUCED SANDBOX: this is a sanitizer build, no chroot, no Landlock, no seccomp");
	if (!become(want, &account, notes, error))
		return false;
	return prctl(PR_SET_DUMPABLE, 1) == 0 || fail(error, "sanitizer");
}

static bool
enter_role(const struct sandbox_want *want, struct str *notes, struct str *error)
{
	struct account account = find_account(want->account);

	/* One arena: others ask /proc how to shrink, and there are no files here. */
	(void)mallopt(M_ARENA_MAX, 1);
	if (!set_limits(want->profile, error) || !enter_root(notes, error) ||
	    !become(want, &account, notes, error))
		return false;
	/* Changing the account made it readable again. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return fail(error, "core dumps");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(error, "no_new_privs");
	return enter_landlock(want->profile, notes, error);
}

bool
sandbox_enter(const struct sandbox_want *want, struct str *notes, struct str *error)
{
	if (want->profile == SANDBOX_MONITOR) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return fail(error, "no_new_privs");
	} else if (SANITIZED) {
		return enter_reduced(want, notes, error);
	} else if (!enter_role(want, notes, error)) {
		return false;
	}
	if (!want->seccomp || SANITIZED) {
		note(notes, "NO SECCOMP: it was switched off");
		return true;
	}
	return enter_seccomp(want->profile, error);
}
