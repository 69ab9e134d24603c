/*
 * Our user-space ESP and the kernel's, packet by packet: every suite that
 * both know, tunnel and transport mode, ESP alone and in UDP, over and inside
 * IPv4 and IPv6, in both directions.  Needs a kernel with ESP.
 *
 * The kernel's side is this network namespace, 192.0.2.1; ours is a plane
 * without a TUN device that sits in another namespace, 192.0.2.2.
 */
#include "prove.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kern/xfrm.h"
#include "os/net.h"
#include "unit/esp/pair.h"

enum { INNER_PORT = 7000, PORT = 4500, WAIT_MS = 5000, WORDS = 200 };

struct world {
	struct backend	*kernel;
	int		 raw4, raw6, udp4, udp6;	/* ours */
	int		 encap4, encap6;		/* the kernel's: it takes ESP off them */
};

static struct world world;

/* ---- two namespaces and a cable ---- */

static void
run(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

/* A process that only holds the other namespace. */
static pid_t
other_namespace(void)
{
	int ready[2];
	char c;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(ready[0]);
		if (unshare(CLONE_NEWNET) != 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void
enter(int fd)
{
	assert_int_equal(setns(fd, CLONE_NEWNET), 0);
}

static int
open_namespace(pid_t pid)
{
	STR(path, 64);

	str_addf(&path, "/proc/%d/ns/net", (int)pid);
	int fd = open(path.p, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int
made(int fd, const struct str *error)
{
	if (fd < 0)
		fail_msg("%s", error->p);
	return fd;
}

static void
make_world(void)
{
	static const uint8_t key[16];
	STR(error, 200);
	STR(cable, 128);
	int here = open_namespace(getpid());
	pid_t pid = other_namespace();
	int there = open_namespace(pid);

	str_addf(&cable, "ip link add v0 type veth peer name v1 netns %d", (int)pid);
	run(cable.p);
	run("ip link set lo up && ip link set v0 up && ip addr add 192.0.2.1/24 dev v0 &&"
	    " ip addr add 2001:db8::1/64 dev v0 nodad && ip addr add 10.1.0.0/32 dev lo &&"
	    " ip addr add fd01::/128 dev lo nodad");
	enter(there);
	run("ip link set lo up && ip link set v1 up && ip addr add 192.0.2.2/24 dev v1 &&"
	    " ip addr add 2001:db8::2/64 dev v1 nodad");
	world.raw4 = made(net_raw_esp(FAMILY_IP4, &error), &error);
	world.raw6 = made(net_raw_esp(FAMILY_IP6, &error), &error);
	world.udp4 = made(net_udp(FAMILY_IP4, PORT, false, &error), &error);
	world.udp6 = made(net_udp(FAMILY_IP6, PORT, false, &error), &error);
	enter(here);
	run("ip route add 10.2.0.0/24 via 192.0.2.2 src 10.1.0.0 &&"
	    " ip -6 route add fd02::/64 via 2001:db8::2 src fd01::");
	world.encap4 = made(net_udp(FAMILY_IP4, PORT, false, &error), &error);
	world.encap6 = made(net_udp(FAMILY_IP6, PORT, false, &error), &error);
	assert_true(net_kernel_esp(world.encap4, &error) && net_kernel_esp(world.encap6, &error));
	world.kernel = xfrm_new(key, false, &error);
	assert_non_null(world.kernel);
	close(here);
	close(there);
	/* The namespace lives on with its sockets. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- one SA pair on both ---- */

static struct sockaddr_storage
socket_address(const struct addr *a, uint16_t port, socklen_t *ret_n)
{
	struct sockaddr_storage s = { 0 };

	if (a->family == FAMILY_IP6) {
		struct sockaddr_in6 *p = (struct sockaddr_in6 *)&s;
		p->sin6_family = AF_INET6;
		p->sin6_port = htons(port);
		memcpy(&p->sin6_addr, a->b, 16);
		*ret_n = sizeof(*p);
	} else {
		struct sockaddr_in *p = (struct sockaddr_in *)&s;
		p->sin_family = AF_INET;
		p->sin_port = htons(port);
		memcpy(&p->sin_addr, a->b, 4);
		*ret_n = sizeof(*p);
	}
	return s;
}

/* Somebody on the kernel's side of the tunnel. */
static int
inner_socket(const struct addr *a)
{
	socklen_t n;
	struct sockaddr_storage s = socket_address(a, INNER_PORT, &n);
	int fd = socket(a->family == FAMILY_IP6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&s, n), 0);
	return fd;
}

static int
our_socket(const struct shape *shape)
{
	if (shape->encap)
		return shape->outer6 ? world.udp6 : world.udp4;
	return shape->outer6 ? world.raw6 : world.raw4;
}

static void
name_of(struct str *s, const struct shape *shape)
{
	sa_suite_print(s, &shape->suite);
	str_addf(s, "%s, %s in %s", shape->encap ? " in UDP" : "", shape->inner6 ? "IPv6" : "IPv4",
	    shape->outer6 ? "IPv6" : "IPv4");
}

static void
words(uint8_t *p, uint8_t first)
{
	for (size_t i = 0; i < WORDS; i++)
		p[i] = (uint8_t)(first + i * 3);
}

/* What arrives from the wire, without an IPv4 header; its octets, 0 if nothing comes. */
static size_t
from_wire(const struct shape *shape, uint8_t *room, size_t cap, size_t *ret_skip)
{
	struct pollfd f = { .fd = our_socket(shape), .events = POLLIN };

	if (poll(&f, 1, WAIT_MS) != 1)
		return 0;
	ssize_t n = recv(f.fd, room, cap, 0);
	assert_true(n > 0);
	*ret_skip = !shape->encap && !shape->outer6 ? (size_t)(room[0] & 15) * 4 : 0;
	return (size_t)n - *ret_skip;
}

static void
kernel_seals_and_we_open(const struct shape *shape, struct side *ours, struct mono at,
    int inner, const char *name)
{
	const struct addr *to = &ours->spec.flow.local.net.first;
	uint8_t sent[WORDS];
	struct packet p;
	size_t skip = 0;
	socklen_t n;
	struct sockaddr_storage a = socket_address(to, INNER_PORT, &n);
	struct path path = { .local = ours->spec.local, .remote = ours->spec.remote,
	    .encap = shape->encap };
	struct esp_came came = { .path = &path };

	words(sent, 1);
	if (sendto(inner, sent, sizeof(sent), 0, (struct sockaddr *)&a, n) != WORDS)
		fail_msg("%s: the kernel does not send: %s", name, strerror(errno));
	size_t got = from_wire(shape, p.room + ESP_HEADROOM, sizeof(p.room) - ESP_HEADROOM, &skip);
	if (got == 0)
		fail_msg("%s: nothing comes from the kernel", name);
	p.b = (struct esp_buf){ .room = p.room, .cap = sizeof(p.room),
	    .off = ESP_HEADROOM + skip, .n = got };
	enum why why = esp_plane_in(ours->plane, at, &came, &p.b);
	if (why != WHY_NONE)
		fail_msg("%s: we do not open it: %s", name, why_text(why));
	size_t header = shape->inner6 || (shape->suite.mode == SA_TRANSPORT && shape->outer6) ?
	    IP6_HEADER : IP4_HEADER;
	assert_int_equal(p.b.n, header + 8 + WORDS);
	assert_memory_equal(buf_at(&p.b) + header + 8, sent, WORDS);
}

/* A UDP packet from our inside to the kernel's. */
static void
make_inner(struct packet *p, const struct sa_spec *spec)
{
	const struct addr *src = &spec->flow.local.net.first, *dst = &spec->flow.remote.net.first;
	size_t header = src->family == FAMILY_IP6 ? IP6_HEADER : IP4_HEADER;
	uint8_t room[8 + WORDS];
	struct wr w = wr_of(room, sizeof(room));

	wr_u16(&w, INNER_PORT);
	wr_u16(&w, INNER_PORT);
	wr_u16(&w, sizeof(room));
	wr_u16(&w, 0);
	words(room + 8, 77);
	uint8_t pseudo[4] = { 0, IPPROTO_UDP, 0, sizeof(room) };
	uint16_t sum = checksum_end(checksum_add(checksum_add(checksum_add(checksum_add(0,
	    addr_view(src)), addr_view(dst)), view_of(pseudo, sizeof(pseudo))),
	    view_of(room, sizeof(room))));
	room[6] = (uint8_t)(sum >> 8);
	room[7] = (uint8_t)sum;
	p->b = (struct esp_buf){ .room = p->room, .cap = sizeof(p->room),
	    .off = ESP_HEADROOM + header, .n = sizeof(room) };
	memcpy(buf_at(&p->b), room, sizeof(room));
	assert_true(ip_push_header(&p->b, src, dst, IPPROTO_UDP, 0));
}

static void
we_seal_and_the_kernel_opens(const struct shape *shape, struct side *ours, struct mono at,
    int inner, const char *name)
{
	struct pollfd f = { .fd = inner, .events = POLLIN };
	uint8_t wanted[WORDS], got[2 * WORDS];
	struct packet p;
	socklen_t n;
	struct sockaddr_storage a = socket_address(&ours->spec.remote.addr,
	    shape->encap ? PORT : 0, &n);

	words(wanted, 77);
	make_inner(&p, &ours->spec);
	enum why why = packet_out(ours, at, &p);
	if (why != WHY_NONE)
		fail_msg("%s: we do not seal: %s", name, why_text(why));
	assert_int_equal(sendto(our_socket(shape), buf_at(&p.b), p.b.n, 0, (struct sockaddr *)&a, n),
	    p.b.n);
	if (poll(&f, 1, WAIT_MS) != 1)
		fail_msg("%s: the kernel does not open it", name);
	assert_int_equal(recv(inner, got, sizeof(got), 0), WORDS);
	assert_memory_equal(got, wanted, WORDS);
}

/* The kernel has what `west` of the pair is, we are east. */
struct trial {
	const struct shape *shape;
	struct sa_spec	west;
	struct side	ours;
	int		inner;
	char		name[160];
};

static const struct mono now = { 1000000 };

static void
trial_begin(struct trial *t, const struct shape *shape, uint64_t id, uint32_t window)
{
	struct esp_config config = { 0 };
	const struct backend_ops *ops = world.kernel->ops;
	struct str name = str_of(t->name, sizeof(t->name));
	STR(detail, 160);

	t->shape = shape;
	t->west = spec_west(shape, id);
	if (window != 0)
		t->west.replay_window = window;
	t->ours = (struct side){ .plane = esp_plane_new(&config), .spec = spec_mirror(&t->west) };
	t->inner = inner_socket(&t->west.flow.local.net.first);
	name_of(&name, shape);
	install(&t->ours, now);
	if (ops->sa_add(world.kernel, &t->west, SA_PART_IN, &detail) != WHY_NONE ||
	    ops->sa_add(world.kernel, &t->west, SA_PART_OUT, &detail) != WHY_NONE ||
	    ops->flow_add(world.kernel, &t->west, &detail) != WHY_NONE)
		fail_msg("%s: %s", name.p, detail.p);
}

static void
trial_end(struct trial *t)
{
	const struct backend_ops *ops = world.kernel->ops;

	assert_int_equal(ops->sa_delete(world.kernel, &t->west, SA_PART_OUT), WHY_NONE);
	assert_int_equal(ops->sa_delete(world.kernel, &t->west, SA_PART_IN), WHY_NONE);
	assert_int_equal(ops->flow_delete(world.kernel, &t->west), WHY_NONE);
	close(t->inner);
	esp_plane_free(t->ours.plane);
	sa_spec_done(&t->west);
	sa_spec_done(&t->ours.spec);
}

static void
try(const struct shape *shape, uint64_t id)
{
	struct trial t;

	trial_begin(&t, shape, id, 0);
	kernel_seals_and_we_open(shape, &t.ours, now, t.inner, t.name);
	we_seal_and_the_kernel_opens(shape, &t.ours, now, t.inner, t.name);
	trial_end(&t);
}

/* One of ours, and the same again, and an older one: the window has two ends. */
static void
the_kernel_refuses_what_came_before(struct trial *t, uint32_t window)
{
	struct packet *first = calloc(1, sizeof(*first)), *p = calloc(1, sizeof(*p));
	struct sa_usage usage;
	socklen_t n;
	struct sockaddr_storage a = socket_address(&t->ours.spec.remote.addr, 0, &n);
	uint8_t got[2 * WORDS];

	assert_true(first != NULL && p != NULL);
	/* The first is kept back until the window has passed it. */
	make_inner(first, &t->ours.spec);
	assert_int_equal(packet_out(&t->ours, now, first), WHY_NONE);
	for (uint32_t i = 0; i <= window; i++) {
		make_inner(p, &t->ours.spec);
		assert_int_equal(packet_out(&t->ours, now, p), WHY_NONE);
		assert_int_equal(sendto(our_socket(t->shape), buf_at(&p->b), p->b.n, 0,
		    (struct sockaddr *)&a, n), p->b.n);
		assert_int_equal(recv(t->inner, got, sizeof(got), 0), WORDS);
	}
	assert_int_equal(sendto(our_socket(t->shape), buf_at(&p->b), p->b.n, 0,
	    (struct sockaddr *)&a, n), p->b.n);
	assert_int_equal(sendto(our_socket(t->shape), buf_at(&first->b), first->b.n, 0,
	    (struct sockaddr *)&a, n), first->b.n);
	struct pollfd f = { .fd = t->inner, .events = POLLIN };
	assert_int_equal(poll(&f, 1, 200), 0);
	assert_int_equal(world.kernel->ops->query(world.kernel, &t->west, &usage), WHY_NONE);
	assert_int_equal(usage.in_packets, window + 1);
	assert_int_equal(usage.in_refused, 2);
	free(first);
	free(p);
}

static void
the_kernel_refuses_what_its_replay_window_says(void **state)
{
	static const uint32_t windows[] = { 32, 64, 256 };
	struct shape shape = shape_of(gcm128);
	struct trial t;

	(void)state;
	for (size_t i = 0; i < COUNT(windows); i++) {
		trial_begin(&t, &shape, 2000 + i, windows[i]);
		the_kernel_refuses_what_came_before(&t, windows[i]);
		trial_end(&t);
	}
}

static void
every_suite_passes_in_both_directions(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SUITES; i++) {
		struct shape shape = shape_of(suite_nth(i));

		try(&shape, i + 1);
		shape.suite.mode = SA_TRANSPORT;
		try(&shape, i + 1);
		shape.suite.mode = SA_TUNNEL;
		shape.suite.esn = true;
		try(&shape, i + 1);
	}
	print_message("           %u suites, tunnel, transport and with 64-bit numbers\n", SUITES);
}

static void
every_shape_of_a_packet_passes_in_both_directions(void **state)
{
	static const uint8_t modes[] = { SA_TUNNEL, SA_TRANSPORT };
	/* AES-CBC with SHA2-256, AES-GCM */
	static const unsigned suites[] = { 12, 40 };

	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		struct shape shape = { .suite = suite_nth(suites[i >> 4 & 1]), .outer6 = (i & 1) != 0,
		    .inner6 = (i & 2) != 0, .encap = (i & 4) != 0 };

		shape.suite.mode = modes[i >> 3 & 1];
		if (shape.suite.mode == SA_TRANSPORT && shape.inner6 != shape.outer6)
			continue;
		try(&shape, 1000 + i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_suite_passes_in_both_directions),
		cmocka_unit_test(every_shape_of_a_packet_passes_in_both_directions),
		cmocka_unit_test(the_kernel_refuses_what_its_replay_window_says),
	};
	STR(detail, 160);

	if (unshare(CLONE_NEWNET) != 0) {
		printf("skipped: no network namespace: %s\n", strerror(errno));
		return 77;
	}
	if (xfrm_ops.probe(&detail) != WHY_NONE) {
		printf("skipped: %s\n", detail.p);
		return 77;
	}
	make_world();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	world.kernel->ops->free(world.kernel);
	return failed;
}
