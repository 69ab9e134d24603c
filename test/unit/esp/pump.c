/* Pumps between two "devices" (socket pairs) over real sockets on loopback. */
#include "pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "esp/pump.h"

enum { PACKETS = 200, BURST = 40, RUN = 12, INNER = 300 };

struct end {
	struct side	 side;
	struct esp_pump	*pump;
	int		 host;		/* where the machine behind the device is */
	struct pump_fds	 fds;
};

static struct mono now = { 1000000 };

static int
bound(int family, int type, int protocol, const char *text, uint16_t *ret_port)
{
	int fd = socket(family, type | SOCK_NONBLOCK, protocol);
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr *a = family == AF_INET6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
	socklen_t n = family == AF_INET6 ? sizeof(six) : sizeof(four);

	if (fd < 0)
		return -1;
	if (family == AF_INET6)
		inet_pton(AF_INET6, text, &six.sin6_addr);
	else
		inet_pton(AF_INET, text, &four.sin_addr);
	if (bind(fd, a, n) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, a, &n), 0);
	*ret_port = ntohs(family == AF_INET6 ? six.sin6_port : four.sin_port);
	return fd;
}

/* False: no such socket here. */
static bool
end_open(struct end *e, enum pump_socket s, const char *text, struct endpoint *ret)
{
	bool six = s == PUMP_UDP6 || s == PUMP_RAW6, udp = s == PUMP_UDP4 || s == PUMP_UDP6;
	int device[2];

	e->fds = (struct pump_fds){ .tun = -1, .socket = { -1, -1, -1, -1 } };
	ret->addr = address(text);
	e->fds.socket[s] = bound(six ? AF_INET6 : AF_INET, udp ? SOCK_DGRAM : SOCK_RAW,
	    udp ? 0 : IPPROTO_ESP, text, &ret->port);
	if (!udp)
		ret->port = 0;
	if (e->fds.socket[s] < 0)
		return false;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, device), 0);
	e->fds.tun = device[0];
	e->host = device[1];
	return true;
}

static void
end_close(struct end *e)
{
	esp_pump_free(e->pump);
	for (unsigned i = 0; i < PUMP_SOCKETS; i++)
		if (e->fds.socket[i] >= 0)
			close(e->fds.socket[i]);
	if (e->fds.tun >= 0) {
		close(e->fds.tun);
		close(e->host);
	}
}

/* Reads one inner packet behind the far pump, driving that pump meanwhile. */
static ssize_t
arrived(struct end *e, enum pump_socket s, uint8_t *room, size_t cap)
{
	for (unsigned i = 0; i < 1000; i++) {
		ssize_t n = recv(e->host, room, cap, MSG_DONTWAIT);
		struct pollfd f = { .fd = e->fds.socket[s], .events = POLLIN };

		if (n >= 0)
			return n;
		if (poll(&f, 1, 10) > 0)
			esp_pump_socket(e->pump, s, now);
	}
	return -1;
}

static bool
over(enum pump_socket s, const char *west_text, const char *east_text)
{
	static const size_t sizes[] = { 1200, 1200, 1200, 700, 1200, 100, 1200, 21 };
	bool encap = s == PUMP_UDP4 || s == PUMP_UDP6;
	struct shape shape = { .suite = gcm128, .encap = encap };
	struct end west = { 0 }, east = { 0 };
	struct pair pair;
	struct endpoint a, b;
	uint8_t room[4096];
	STR(error, 200);

	if (!end_open(&west, s, west_text, &a) || !end_open(&east, s, east_text, &b)) {
		end_close(&west);
		return false;
	}
	pair_bare(&pair, &shape);
	pair.west.spec.local = pair.east.spec.remote = a;
	pair.west.spec.remote = pair.east.spec.local = b;
	install(&pair.west, now);
	install(&pair.east, now);
	west.pump = esp_pump_new(pair.west.plane, &west.fds, &error);
	east.pump = esp_pump_new(pair.east.plane, &east.fds, &error);
	assert_non_null(west.pump);
	assert_non_null(east.pump);
	/* In bursts that fit the sockets' queues. */
	for (unsigned first = 0; first < PACKETS; first += BURST) {
		for (unsigned i = first; i < first + BURST; i++) {
			struct packet p;

			packet_make(&p, &pair.west.spec, sizes[i % COUNT(sizes)], 253);
			set_df(&p, i % 50 != 7);
			buf_at(&p.b)[4] = (uint8_t)i;	/* ID: to see the order */
			assert_int_equal(send(west.host, buf_at(&p.b), p.b.n, 0), (ssize_t)p.b.n);
		}
		esp_pump_tun(west.pump, now);
		for (unsigned i = first; i < first + BURST; i++) {
			ssize_t n = arrived(&east, s, room, sizeof(room));

			assert_int_equal(n, sizes[i % COUNT(sizes)]);
			assert_int_equal(room[4], (uint8_t)i);
		}
	}
	assert_int_equal(esp_pump_counts(west.pump)->sent, PACKETS);
	assert_int_equal(esp_pump_counts(west.pump)->lost, 0);
	assert_int_equal(esp_pump_counts(east.pump)->written, PACKETS);
	/* And what no policy protects comes back as an error, not out of the other side. */
	struct packet p;
	struct sa_spec other;

	assert_true(sa_spec_copy(&other, &pair.west.spec));
	other.flow.remote.net.first = address("10.9.9.9");
	packet_make(&p, &other, 100, 253);
	assert_int_equal(send(west.host, buf_at(&p.b), p.b.n, 0), 100);
	esp_pump_tun(west.pump, now);
	assert_true(recv(west.host, room, sizeof(room), MSG_DONTWAIT) > 0);
	assert_int_equal(room[9], IPPROTO_ICMP);
	assert_int_equal(esp_pump_counts(west.pump)->sent, PACKETS);
	sa_spec_done(&other);
	end_close(&west);
	end_close(&east);
	pair_done(&pair);
	return true;
}

static void
esp_in_udp_over_ip4_arrives_whole_and_in_order(void **state)
{
	(void)state;
	assert_true(over(PUMP_UDP4, "127.0.0.1", "127.0.0.2"));
}

static void
esp_in_udp_over_ip6_arrives_whole_and_in_order(void **state)
{
	(void)state;
	if (!over(PUMP_UDP6, "::1", "::1")) {
		print_message("skipped: no IPv6 loopback\n");
		skip();
	}
}

static void
esp_over_ip4_arrives_whole_and_in_order(void **state)
{
	(void)state;
	if (!over(PUMP_RAW4, "127.0.0.1", "127.0.0.2")) {
		print_message("skipped: no right to open raw sockets\n");
		skip();
	}
}

/* One datagram of several equal ones, as a network card or our own sender makes them. */
static bool
send_run(int fd, const struct endpoint *to, const uint8_t *run, size_t n, uint16_t segment)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(to->port) };
	struct iovec iov = { (void *)(uintptr_t)run, n };
	union {
		struct cmsghdr	align;
		uint8_t		room[CMSG_SPACE(sizeof(segment))];
	} control = { 0 };
	struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };

	memcpy(&a.sin_addr, to->addr.b, 4);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(c), &segment, sizeof(segment));
	return sendmsg(fd, &m, 0) == (ssize_t)n;
}

/* RUN packets of west sealed behind each other, one of them replaced by IKE; their inner ones. */
static uint16_t
make_run(struct pair *pair, int ike, uint8_t *run, uint8_t inner[RUN][INNER])
{
	size_t segment = 0;

	for (int i = 0; i < RUN; i++) {
		struct packet p;

		packet_make(&p, &pair->west.spec, INNER, 253);
		buf_at(&p.b)[INNER - 1] = (uint8_t)i;
		memcpy(inner[i], buf_at(&p.b), INNER);
		assert_int_equal(packet_out(&pair->west, now, &p), WHY_NONE);
		segment = p.b.n;
		memcpy(run + (size_t)i * segment, buf_at(&p.b), segment);
		if (i == ike)
			memset(run + (size_t)i * segment, 0, 4);
	}
	return (uint16_t)segment;
}

static void
runs_of_a_suite(struct sa_suite suite)
{
	struct shape shape = { .suite = suite, .encap = true };
	static uint8_t run[RUN * 4 * INNER], inner[RUN][INNER];
	struct end west = { 0 }, east = { 0 };
	struct endpoint a, b;
	struct pair pair;
	uint8_t room[4096];
	unsigned passed = 0;
	STR(error, 200);

	assert_true(end_open(&west, PUMP_UDP4, "127.0.0.1", &a));
	assert_true(end_open(&east, PUMP_UDP4, "127.0.0.2", &b));
	pair_bare(&pair, &shape);
	pair.west.spec.local = pair.east.spec.remote = a;
	pair.west.spec.remote = pair.east.spec.local = b;
	if (suite.mode == SA_TRANSPORT) {
		pair.west.spec.flow.local.net = pair.east.spec.flow.remote.net =
		    (struct range){ a.addr, a.addr };
		pair.west.spec.flow.remote.net = pair.east.spec.flow.local.net =
		    (struct range){ b.addr, b.addr };
	}
	install(&pair.west, now);
	install(&pair.east, now);
	east.pump = esp_pump_new(pair.east.plane, &east.fds, &error);
	assert_non_null(east.pump);
	/* Whole, with IKE in the middle, and whole again. */
	for (int round = 0; round < 3; round++) {
		int ike = round == 1 ? RUN / 2 : -1;
		uint16_t segment = make_run(&pair, ike, run, inner);

		assert_true(send_run(west.fds.socket[PUMP_UDP4], &b, run, (size_t)segment * RUN, segment));
		for (int i = 0; i < RUN; i++) {
			if (i == ike)
				continue;
			assert_int_equal(arrived(&east, PUMP_UDP4, room, sizeof(room)), INNER);
			/* In transport mode the header is made anew. */
			size_t from = suite.mode == SA_TRANSPORT ? IP4_HEADER : 0;
			assert_memory_equal(room + from, inner[i] + from, INNER - from);
			passed++;
		}
	}
	assert_int_equal(esp_pump_counts(east.pump)->written, passed);
	assert_int_equal(esp_pump_counts(east.pump)->received, 3 * RUN);
	assert_int_equal(esp_pump_counts(east.pump)->strays, 1);
	end_close(&west);
	end_close(&east);
	pair_done(&pair);
}

static void
runs_of_datagrams_are_taken_apart_whatever_the_suite(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SUITES; i++)
		for (unsigned transport = 0; transport < 2; transport++) {
			struct sa_suite suite = suite_nth(i);

			suite.mode = transport ? SA_TRANSPORT : SA_TUNNEL;
			runs_of_a_suite(suite);
		}
}

static void
a_pump_without_a_socket_loses_packets_and_says_so(void **state)
{
	struct shape shape = { .suite = gcm128, .outer6 = true };
	struct end west = { 0 };
	struct endpoint a;
	struct pair pair;
	struct packet p;
	STR(error, 200);

	(void)state;
	assert_true(end_open(&west, PUMP_UDP4, "127.0.0.1", &a));
	pair_init(&pair, &shape);
	west.pump = esp_pump_new(pair.west.plane, &west.fds, &error);
	assert_non_null(west.pump);
	packet_make(&p, &pair.west.spec, 100, 253);
	assert_int_equal(send(west.host, buf_at(&p.b), p.b.n, 0), 100);
	esp_pump_tun(west.pump, now);
	assert_int_equal(esp_pump_counts(west.pump)->lost, 1);
	end_close(&west);
	pair_done(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(esp_in_udp_over_ip4_arrives_whole_and_in_order),
		cmocka_unit_test(esp_in_udp_over_ip6_arrives_whole_and_in_order),
		cmocka_unit_test(esp_over_ip4_arrives_whole_and_in_order),
		cmocka_unit_test(runs_of_datagrams_are_taken_apart_whatever_the_suite),
		cmocka_unit_test(a_pump_without_a_socket_loses_packets_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
