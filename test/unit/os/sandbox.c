/*
 * Each role, in its sandbox, tries what it must not: it dies by SIGSYS, or,
 * where a file is concerned before seccomp, is refused.
 */
#include "prove.h"

#include "base/sanitized.h"
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIED_BY_SIGSYS = 1000, NOT_ENTERED = 77 };

static const enum sandbox_profile roles[] = { SANDBOX_IKE, SANDBOX_KEYS, SANDBOX_KERN, SANDBOX_ESP,
    SANDBOX_TRUST, SANDBOX_FETCH };

/* An account that every system has, so that the test needs none made. */
static const char *const account = "nobody";

/* Enters the sandbox in a child and does it there: exit status, or DIED_BY_SIGSYS. */
static int
inside_with(enum sandbox_profile p, bool seccomp, int (*what)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		STR(notes, 1024);
		STR(error, 512);
		struct sandbox_want want = { .profile = p, .account = account, .seccomp = seccomp };
		if (!sandbox_enter(&want, &notes, &error)) {
			fprintf(stderr, "sandbox: %s\n", error.p);
			_exit(NOT_ENTERED);
		}
		_exit(what());
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return DIED_BY_SIGSYS;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int
inside(enum sandbox_profile p, int (*what)(void))
{
	return inside_with(p, true, what);
}

static int nothing(void) { return 0; }
static int open_file(void) { return open("/etc/passwd", O_RDONLY) < 0 ? 1 : 0; }
static int make_file(void) { return open("/x", O_WRONLY | O_CREAT, 0600) < 0 ? 1 : 0; }
static int make_socket(void) { return socket(AF_INET, SOCK_STREAM, 0) < 0 ? 1 : 0; }
static int make_netlink(void) { return socket(AF_NETLINK, SOCK_RAW, 0) < 0 ? 1 : 0; }
static int bind_any(void) { struct sockaddr_in a = { .sin_family = AF_INET }; return bind(0, (struct sockaddr *)&a, sizeof(a)); }
static int become_root(void) { return setuid(0); }
static int trace(void) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0; }
static int fork_once(void) { return syscall(SYS_fork) < 0; }
static int unlink_file(void) { return unlink("/etc/passwd"); }
static int rename_host(void) { return sethostname("x", 1); }
static int kill_parent(void) { return kill(getppid(), 0); }

static int
execute(void)
{
	char *argv[] = { (char *)"true", NULL };

	return execv("/bin/true", argv);
}

static int
connect_out(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(80) };

	return connect(3, (struct sockaddr *)&a, sizeof(a)) < 0;
}

static int
executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0) == MAP_FAILED;
}

static void
dies_doing(int (*what)(void), const char *name)
{
	for (size_t i = 0; i < COUNT(roles); i++) {
		int got = inside(roles[i], what);
		if (got != DIED_BY_SIGSYS)
			fail_msg("role profile %d survived %s: %d", (int)roles[i], name, got);
	}
}

#define SKIP_WITHOUT_SECCOMP()						\
	do {								\
		if (SANITIZED) {					\
			print_message("skipped: a sanitizer build has a reduced sandbox\n"); \
			skip();						\
		}							\
	} while (0)

#define DIES(what)							\
	static void							\
	every_role_dies_at_##what(void **state)				\
	{								\
		(void)state;						\
		SKIP_WITHOUT_SECCOMP();					\
		dies_doing(what, #what);				\
	}

DIES(open_file)
DIES(make_file)
DIES(make_netlink)
DIES(bind_any)
DIES(become_root)
DIES(trace)
DIES(fork_once)
DIES(unlink_file)
DIES(rename_host)
DIES(kill_parent)
DIES(execute)
DIES(executable_memory)

static void
every_role_lives_when_it_does_nothing_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(roles); i++)
		assert_int_equal(inside(roles[i], nothing), 0);
}

/* fetch excepted: that is what it is for. */
static void
every_other_role_dies_at_make_socket(void **state)
{
	(void)state;
	SKIP_WITHOUT_SECCOMP();
	for (size_t i = 0; i < COUNT(roles); i++)
		if (roles[i] != SANDBOX_FETCH)
			assert_int_equal(inside(roles[i], make_socket), DIED_BY_SIGSYS);
}

static int make_tcp6(void) { return socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) < 0; }
static int make_udp(void) { return socket(AF_INET, SOCK_DGRAM, 0) < 0; }
static int make_raw(void) { return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0; }
static int make_unix(void) { return socket(AF_UNIX, SOCK_STREAM, 0) < 0; }
static int make_sctp(void) { return socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP) < 0; }
static int listen_any(void) { return listen(0, 1) < 0; }
static int set_option(void) { return setsockopt(0, IPPROTO_IP, IP_TTL, NULL, 0) < 0; }

/* As far as a refused connection: nobody listens on port 1. */
static int
connect_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(1),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), error = 0;
	socklen_t n = sizeof(error);

	return fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 || errno != ECONNREFUSED ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0;
}

static void
fetch_may_connect_by_tcp_and_nothing_else(void **state)
{
	static int (*const never[])(void) = { make_udp, make_raw, make_unix, make_sctp, make_netlink,
	    bind_any, listen_any, set_option };

	(void)state;
	SKIP_WITHOUT_SECCOMP();
	assert_int_equal(inside(SANDBOX_FETCH, make_socket), 0);
	assert_int_equal(inside(SANDBOX_FETCH, make_tcp6), 0);
	assert_int_equal(inside(SANDBOX_FETCH, connect_tcp), 0);
	for (size_t i = 0; i < COUNT(never); i++)
		if (inside(SANDBOX_FETCH, never[i]) != DIED_BY_SIGSYS)
			fail_msg("it survived what it must not do, number %zu", i);
}

static int
by_first_octet(const void *a, const void *b)
{
	return *(const unsigned char *)a - *(const unsigned char *)b;
}

/* glibc sorts long lists in another way than short ones. */
static int
sort_a_long_list(void)
{
	enum { N = 4096, EACH = 16 };
	unsigned char *list = calloc(N, EACH);

	if (list == NULL)
		return 1;
	for (size_t i = 0; i < N; i++)
		list[i * EACH] = (unsigned char)(i * 7919 % 251);
	qsort(list, N, EACH, by_first_octet);
	int rv = list[0] > list[(N - 1) * EACH];
	free(list);
	return rv;
}

static void
every_role_may_sort_a_long_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(roles); i++)
		assert_int_equal(inside(roles[i], sort_a_long_list), 0);
}

static void
only_ike_may_ask_for_a_route_by_connect(void **state)
{
	(void)state;
	SKIP_WITHOUT_SECCOMP();
	assert_int_equal(inside(SANDBOX_KEYS, connect_out), DIED_BY_SIGSYS);
	assert_int_equal(inside(SANDBOX_KERN, connect_out), DIED_BY_SIGSYS);
	assert_int_equal(inside(SANDBOX_ESP, connect_out), DIED_BY_SIGSYS);
	assert_int_equal(inside(SANDBOX_TRUST, connect_out), DIED_BY_SIGSYS);
	assert_int_not_equal(inside(SANDBOX_IKE, connect_out), DIED_BY_SIGSYS);
}

/* The fences behind seccomp hold by themselves. */
static void
files_are_out_of_reach_without_seccomp_too(void **state)
{
	(void)state;
	SKIP_WITHOUT_SECCOMP();
	for (size_t i = 0; i < COUNT(roles); i++) {
		assert_int_equal(inside_with(roles[i], false, open_file), 1);
		assert_int_equal(inside_with(roles[i], false, make_file), 1);
	}
}

static int
is_root_still(void)
{
	return geteuid() == 0 || getegid() == 0 || setuid(0) == 0;
}

static void
a_role_started_by_root_is_not_root(void **state)
{
	(void)state;
	if (geteuid() != 0 || sandbox_single_user()) {
		print_message("skipped: not root, or one user id only\n");
		skip();
	}
	for (size_t i = 0; i < COUNT(roles); i++)
		assert_int_equal(inside_with(roles[i], false, is_root_still), 0);
}

static int
effective_capabilities(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { 0 } };

	if (syscall(SYS_capget, &h, d) < 0)
		return 100;
	if (d[0].effective == 0 && d[1].effective == 0 && d[0].permitted == 0)
		return 0;
	return d[0].effective == 1U << CAP_NET_ADMIN && d[0].permitted == 1U << CAP_NET_ADMIN &&
	    d[1].effective == 0 ? 1 : 2;
}

static void
only_kern_keeps_a_capability_and_it_is_net_admin(void **state)
{
	(void)state;
	assert_int_equal(inside_with(SANDBOX_IKE, false, effective_capabilities), 0);
	assert_int_equal(inside_with(SANDBOX_KEYS, false, effective_capabilities), 0);
	assert_int_equal(inside_with(SANDBOX_ESP, false, effective_capabilities), 0);
	assert_int_equal(inside_with(SANDBOX_TRUST, false, effective_capabilities), 0);
	assert_int_equal(inside_with(SANDBOX_FETCH, false, effective_capabilities), 0);
	assert_int_equal(inside_with(SANDBOX_KERN, false, effective_capabilities),
	    geteuid() == 0 ? 1 : 0);
}

static void *
add_one(void *arg)
{
	int *n = arg;
	char *p = malloc(100000);

	*n += p != NULL;
	free(p);
	return NULL;
}

static int
work_on_threads(void)
{
	pthread_t t[4];
	int n[4] = { 0 }, sum = 0;

	for (int i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, add_one, &n[i]) != 0)
			return 1;
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		sum += n[i];
	}
	return sum == 4 ? 0 : 2;
}

static void
keys_and_esp_may_make_threads_and_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(inside(SANDBOX_KEYS, work_on_threads), 0);
	assert_int_equal(inside(SANDBOX_ESP, work_on_threads), 0);
}

static int
dumps_core(void)
{
	struct rlimit l;

	getrlimit(RLIMIT_CORE, &l);
	return l.rlim_max != 0;
}

static void
no_role_can_leave_a_core_dump(void **state)
{
	(void)state;
	SKIP_WITHOUT_SECCOMP();
	for (size_t i = 0; i < COUNT(roles); i++)
		assert_int_equal(inside_with(roles[i], false, dumps_core), 0);
}

static int
trace_refused(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 && errno == EPERM ? 0 : 1;
}

static void
the_monitor_cannot_trace(void **state)
{
	(void)state;
	SKIP_WITHOUT_SECCOMP();
	assert_int_equal(inside(SANDBOX_MONITOR, trace_refused), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_role_lives_when_it_does_nothing_wrong),
		cmocka_unit_test(every_role_dies_at_open_file),
		cmocka_unit_test(every_role_dies_at_make_file),
		cmocka_unit_test(every_other_role_dies_at_make_socket),
		cmocka_unit_test(fetch_may_connect_by_tcp_and_nothing_else),
		cmocka_unit_test(every_role_dies_at_make_netlink),
		cmocka_unit_test(every_role_dies_at_bind_any),
		cmocka_unit_test(every_role_dies_at_become_root),
		cmocka_unit_test(every_role_dies_at_trace),
		cmocka_unit_test(every_role_dies_at_fork_once),
		cmocka_unit_test(every_role_dies_at_unlink_file),
		cmocka_unit_test(every_role_dies_at_rename_host),
		cmocka_unit_test(every_role_dies_at_kill_parent),
		cmocka_unit_test(every_role_dies_at_execute),
		cmocka_unit_test(every_role_dies_at_executable_memory),
		cmocka_unit_test(every_role_may_sort_a_long_list),
		cmocka_unit_test(only_ike_may_ask_for_a_route_by_connect),
		cmocka_unit_test(files_are_out_of_reach_without_seccomp_too),
		cmocka_unit_test(a_role_started_by_root_is_not_root),
		cmocka_unit_test(only_kern_keeps_a_capability_and_it_is_net_admin),
		cmocka_unit_test(keys_and_esp_may_make_threads_and_nothing_else),
		cmocka_unit_test(no_role_can_leave_a_core_dump),
		cmocka_unit_test(the_monitor_cannot_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
