/* Sockets on loopback only. */
#include "prove.h"

#include "os/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct addr
ip(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage s;
	socklen_t n = sizeof(s);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&s, &n), 0);
	return ntohs(s.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&s)->sin6_port :
	    ((struct sockaddr_in *)&s)->sin_port);
}

/* A wildcard socket on a port the system chooses. */
static int
open_udp(enum family f)
{
	STR(error, 200);
	int fd = net_udp(f, 0, false, &error);

	if (fd < 0) {
		print_message("skipped: %s\n", error.p);
		skip();
	}
	return fd;
}

static size_t
receive(struct net_batch *b, int fd, uint16_t port, struct net_datagram *ret)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, 2000) <= 0)
		return 0;
	return net_receive(b, fd, port, ret);
}

static void
local_address_is_known_and_answers_leave_from_it(enum family f, const char *here, const char *there)
{
	int a = open_udp(f), b = open_udp(f);
	struct net_batch *batch = net_batch_new();
	struct net_datagram d[NET_BATCH];
	struct path p = { .local = { ip(there), port_of(a) }, .remote = { ip(here), port_of(b) } };

	assert_non_null(batch);
	int rv = net_send(a, &p, 0, view_str("hello"));
	if (rv != 0) {
		print_message("skipped: cannot send from %s: %s\n", there, strerror(rv));
		skip();
	}
	assert_int_equal(receive(batch, b, p.remote.port, d), 1);
	assert_true(view_equal(d[0].bytes, view_str("hello")));
	assert_true(addr_equal(&d[0].path.local.addr, &p.remote.addr));
	assert_int_equal(d[0].path.local.port, p.remote.port);
	assert_true(endpoint_equal(&d[0].path.remote, &p.local));

	/* The path as it came is the path to answer on. */
	assert_int_equal(net_send(b, &d[0].path, 4, view_str("back")), 0);
	assert_int_equal(receive(batch, a, p.local.port, d), 1);
	assert_int_equal(d[0].bytes.n, 8);
	assert_memory_equal(d[0].bytes.p, "\0\0\0\0back", 8);
	assert_true(addr_equal(&d[0].path.remote.addr, &p.remote.addr));
	assert_true(addr_equal(&d[0].path.local.addr, &p.local.addr));
	net_batch_free(batch);
	close(a);
	close(b);
}

static void
ip4_tells_the_local_address_and_answers_from_it(void **state)
{
	(void)state;
	local_address_is_known_and_answers_leave_from_it(FAMILY_IP4, "127.0.0.1", "127.1.2.3");
}

static void
ip6_tells_the_local_address_and_answers_from_it(void **state)
{
	(void)state;
	local_address_is_known_and_answers_leave_from_it(FAMILY_IP6, "::1", "::1");
}

static void
sending_without_local_address_lets_the_system_choose(void **state)
{
	int a = open_udp(FAMILY_IP4), b = open_udp(FAMILY_IP4);
	struct net_batch *batch = net_batch_new();
	struct net_datagram d[NET_BATCH];
	struct path p = { .remote = { ip("127.0.0.1"), port_of(b) } };

	(void)state;
	assert_int_equal(net_send(a, &p, 0, view_str("x")), 0);
	assert_int_equal(receive(batch, b, p.remote.port, d), 1);
	struct addr loop = ip("127.0.0.1");
	assert_true(addr_equal(&d[0].path.remote.addr, &loop));
	net_batch_free(batch);
	close(a);
	close(b);
}

static void
a_batch_holds_many_datagrams_and_no_more_than_it_can(void **state)
{
	int a = open_udp(FAMILY_IP4), b = open_udp(FAMILY_IP4);
	struct net_batch *batch = net_batch_new();
	struct net_datagram d[NET_BATCH];
	struct path p = { .remote = { ip("127.0.0.1"), port_of(b) } };
	size_t got = 0;

	(void)state;
	for (uint8_t i = 0; i < NET_BATCH + 5; i++)
		assert_int_equal(net_send(a, &p, 0, view_of(&i, 1)), 0);
	while (got < NET_BATCH + 5) {
		size_t n = receive(batch, b, p.remote.port, d);
		assert_true(n > 0 && n <= NET_BATCH);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(d[i].bytes.p[0], got++);
	}
	assert_int_equal(net_receive(batch, b, p.remote.port, d), 0);
	net_batch_free(batch);
	close(a);
	close(b);
}

/* RFC 3948, 2: non-ESP marker, keep-alive, ESP. */
static void
a_shared_port_tells_ike_from_esp(void **state)
{
	STR(error, 200);
	int first = net_udp(FAMILY_IP4, 0, true, &error), from = open_udp(FAMILY_IP4);
	struct net_batch *batch = net_batch_new();
	struct net_datagram d[NET_BATCH];
	static const struct { const char *bytes; size_t n; bool ike; } sent[] = {
		{ "\0\0\0\0isakmp", 10, true },
		{ "\0\0\0\1esp", 7, false },
		{ "\xff", 1, true },
		{ "\0\0\0", 3, true },
		{ "\1\0\0\0esp", 7, false },
		{ "\0\0\0\0", 4, true },
		{ "\xff\xff\xff\xff", 4, false },
	};

	(void)state;
	assert_true(first >= 0);
	struct path p = { .remote = { ip("127.0.0.1"), port_of(first) } };
	int second = net_udp(FAMILY_IP4, p.remote.port, true, &error);
	assert_true(second >= 0);
	assert_true(net_steer_esp(first, &error));
	for (size_t i = 0; i < COUNT(sent); i++) {
		assert_int_equal(net_send(from, &p, 0, view_of(sent[i].bytes, sent[i].n)), 0);
		int to = sent[i].ike ? first : second, other = sent[i].ike ? second : first;
		assert_int_equal(receive(batch, to, p.remote.port, d), 1);
		assert_true(view_equal(d[0].bytes, view_of(sent[i].bytes, sent[i].n)));
		assert_int_equal(net_receive(batch, other, p.remote.port, d), 0);
	}
	net_batch_free(batch);
	close(first);
	close(second);
	close(from);
}

static void
a_port_in_use_is_an_error_with_its_number(void **state)
{
	int a = open_udp(FAMILY_IP4);
	STR(error, 200);
	STR(number, 16);

	(void)state;
	str_addf(&number, "%u", port_of(a));
	assert_int_equal(net_udp(FAMILY_IP4, port_of(a), false, &error), -1);
	assert_non_null(strstr(error.p, number.p));
	close(a);
}

static void
the_source_of_a_loopback_route_is_loopback_each_time(void **state)
{
	int fd = net_route_socket(FAMILY_IP4);
	struct addr want = ip("127.0.0.1"), to = ip("127.0.0.9"), got;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(net_source(fd, &to, &got));
		assert_true(addr_equal(&got, &want));
	}
	assert_false(net_source(-1, &to, &got));
	close(fd);
}

static void
loopback_is_among_the_addresses(void **state)
{
	static struct net_interface_address all[512];
	size_t n = net_addresses(all, COUNT(all));
	struct addr loop = ip("127.0.0.1");
	bool found = false;

	(void)state;
	for (size_t i = 0; i < n; i++)
		if (addr_equal(&all[i].addr, &loop)) {
			found = true;
			assert_int_equal(all[i].bits, 8);
		}
	if (!found) {
		print_message("skipped: lo is down\n");
		skip();
	}
	assert_int_equal(net_addresses(all, 1), 1);
}

/* Both ways of asking agree, for the kernel knows only one answer. */
static void
interfaces_can_be_asked_again_by_old_sockets(void **state)
{
	static struct net_interface_address want[512], got[512];
	size_t n = net_addresses(want, COUNT(want)), m = 0;
	struct net_interfaces *ni = net_interfaces_new();

	(void)state;
	assert_non_null(ni);
	for (int round = 0; round < 3; round++) {
		assert_true(net_interfaces_read(ni, got, COUNT(got), &m));
		assert_int_equal(m, n);
		for (size_t i = 0; i < n; i++) {
			bool found = false;

			for (size_t k = 0; k < m; k++)
				found |= addr_equal(&want[i].addr, &got[k].addr) &&
				    want[i].bits == got[k].bits &&
				    strcmp(want[i].name, got[k].name) == 0;
			assert_true(found);
		}
	}
	assert_true(net_interfaces_read(ni, got, 1, &m));
	assert_true(m <= 1);
	assert_false(net_interfaces_changed(ni));
	net_interfaces_free(ni);
	net_interfaces_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip4_tells_the_local_address_and_answers_from_it),
		cmocka_unit_test(ip6_tells_the_local_address_and_answers_from_it),
		cmocka_unit_test(sending_without_local_address_lets_the_system_choose),
		cmocka_unit_test(a_batch_holds_many_datagrams_and_no_more_than_it_can),
		cmocka_unit_test(a_shared_port_tells_ike_from_esp),
		cmocka_unit_test(a_port_in_use_is_an_error_with_its_number),
		cmocka_unit_test(the_source_of_a_loopback_route_is_loopback_each_time),
		cmocka_unit_test(loopback_is_among_the_addresses),
		cmocka_unit_test(interfaces_can_be_asked_again_by_old_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
