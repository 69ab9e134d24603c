/*
 * The rules of the user back end under a real kernel, in a network namespace
 * that ends with this program.  Three TUN devices stand for the links:
 * lan0 (10.1.0.1/24, our side), wan0 (192.0.2.1/24, default route) and
 * ipsec0.  A packet written to one comes out of another before write returns,
 * so nothing here waits.
 */
#include "prove.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mark.h"
#include "kern/user_routes.h"
#include "own_namespace.h"
#include "specs.h"

enum { PACKET = 2048, PAYLOAD = 16, MAGIC = 0x5a, SKIP = 77 };

static void
run(const char *command)
{
	int status = system(command);

	if (status != 0)
		print_error("%s: status %d\n", command, status);
	assert_int_equal(status, 0);
}

static int
tun_make(const char *name)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };

	if (fd < 0)
		return -1;
	text_copy(ifr.ifr_name, sizeof(ifr.ifr_name), name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
strict_reverse_path(bool on)
{
	assert_true(write_file("/proc/sys/net/ipv4/conf/all/rp_filter", on ? "1" : "0"));
}

/* ---- the little network ---- */

struct net {
	int	lan, wan, tun;
	struct user_routes *routes;
};

static struct user_routes *
routes_make(void)
{
	const struct user_routes_options options = { .table = ROUTES_TABLE,
	    .priority = ROUTES_PRIORITY, .mark = OUTER_MARK, .mtu = ROUTES_MTU, .port = 500,
	    .port_nat_t = 4500, .hash_key = { 1 } };
	STR(detail, 200);
	struct user_routes *u = user_routes_new(&options, &detail);

	if (u == NULL)
		print_error("%s\n", detail.p);
	assert_non_null(u);
	return u;
}

static void
device(struct user_routes *u, const char *name)
{
	STR(detail, 200);
	enum why why = user_routes_device(u, name, &detail);

	if (why != WHY_NONE)
		print_error("%s\n", detail.p);
	assert_int_equal(why, WHY_NONE);
}

static int
net_setup(void **state)
{
	struct net *n = calloc(1, sizeof(*n));

	assert_non_null(n);
	n->lan = tun_make("lan0");
	n->wan = tun_make("wan0");
	n->tun = tun_make("ipsec0");
	assert_true(n->lan >= 0 && n->wan >= 0 && n->tun >= 0);
	run("ip link set lan0 up && ip addr add 10.1.0.1/24 dev lan0 && "
	    "ip -6 addr add 2001:db8:1::1/64 dev lan0 nodad");
	run("ip link set wan0 up && ip addr add 192.0.2.1/24 dev wan0 && "
	    "ip -6 addr add 2001:db8::1/64 dev wan0 nodad");
	run("ip route add default dev wan0 && ip -6 route add default dev wan0");
	n->routes = routes_make();
	device(n->routes, "ipsec0");
	strict_reverse_path(false);
	*state = n;
	return 0;
}

static int
net_teardown(void **state)
{
	struct net *n = *state;

	user_routes_free(n->routes, true);
	close(n->lan);
	close(n->wan);
	if (n->tun >= 0)
		close(n->tun);
	free(n);
	return 0;
}

static void
add(struct net *n, const struct sa_spec *spec)
{
	STR(detail, 200);
	enum why why = user_routes_add(n->routes, spec, &detail);

	if (why != WHY_NONE)
		print_error("%s\n", detail.p);
	assert_int_equal(why, WHY_NONE);
}

/* The flow of the usual spec, without keys. */
static struct sa_spec
flow_spec(const char *local, unsigned local_bits, const char *remote, unsigned remote_bits)
{
	struct sa_spec s = { .id = 1, .suite = { .protocol = PROTO_IPSEC_ESP, .mode = SA_TUNNEL },
	    .local = { addr_make("192.0.2.1"), 0 }, .remote = { addr_make("192.0.2.2"), 0 } };

	s.flow.local.net = subnet_make(local, local_bits);
	s.flow.remote.net = subnet_make(remote, remote_bits);
	return s;
}

/* ---- packets ---- */

static uint16_t
internet_sum(struct view v)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < v.n; i++)
		sum += i % 2 == 0 ? (uint32_t)v.p[i] << 8 : v.p[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

struct packet {
	const char	*from, *to;
	uint16_t	 sport, dport;
	bool		 fragment;	/* not the first one */
};

/* UDP with a payload of MAGIC; checksum 0 (absent) in IPv4, computed in IPv6. */
static size_t
packet_write(uint8_t room[PACKET], const struct packet *p)
{
	struct addr from = addr_make(p->from), to = addr_make(p->to);
	struct wr w = wr_of(room, PACKET);
	uint16_t n = 8 + PAYLOAD;

	if (from.family == FAMILY_IP4) {
		wr_u16(&w, 0x4500);
		wr_u16(&w, (uint16_t)(20 + n));
		wr_u16(&w, 7);
		wr_u16(&w, p->fragment ? 100 : 0);
		wr_u16(&w, 64 << 8 | IPPROTO_UDP);
		wr_u16(&w, 0);
		wr_view(&w, addr_view(&from));
		wr_view(&w, addr_view(&to));
		wr_patch_u16(&w, 10, internet_sum(wr_done(&w)));
	} else {
		wr_u32(&w, 6u << 28);
		wr_u16(&w, n);
		wr_u16(&w, IPPROTO_UDP << 8 | 64);
		wr_view(&w, addr_view(&from));
		wr_view(&w, addr_view(&to));
	}
	size_t udp = w.len;
	wr_u16(&w, p->sport);
	wr_u16(&w, p->dport);
	wr_u16(&w, n);
	wr_u16(&w, 0);
	for (int i = 0; i < PAYLOAD; i++)
		wr_u8(&w, MAGIC);
	if (from.family == FAMILY_IP6) {
		/* the pseudo header of RFC 8200, 8.1 */
		uint8_t pseudo[40 + 8 + PAYLOAD];
		struct wr s = wr_of(pseudo, sizeof(pseudo));
		wr_view(&s, addr_view(&from));
		wr_view(&s, addr_view(&to));
		wr_u32(&s, n);
		wr_u32(&s, IPPROTO_UDP);
		wr_bytes(&s, room + udp, n);
		wr_patch_u16(&w, udp + 6, internet_sum(wr_done(&s)));
	}
	assert_false(w.bad);
	return w.len;
}

static void
inject(int fd, const struct packet *p)
{
	uint8_t room[PACKET];
	size_t n = packet_write(room, p);

	assert_int_equal(write(fd, room, n), n);
}

/* Our next packet out of a device, or nothing; ret_from gets its source. */
static bool
came_out(int fd, struct addr *ret_from)
{
	uint8_t room[PACKET];
	ssize_t n;
	bool found = false;

	while ((n = read(fd, room, sizeof(room))) > 0) {
		bool six = room[0] >> 4 == 6;
		bool ours = n > PAYLOAD && room[n - 1] == MAGIC && room[n - PAYLOAD] == MAGIC &&
		    (six ? room[6] : room[9]) == IPPROTO_UDP;
		if (ours && !found)
			assert_true(addr_from_octets(view_of(room + (six ? 8 : 12), six ? 16 : 4),
			    ret_from));
		found |= ours;
	}
	return found;
}

enum where { NOWHERE = 0, LAN = 1, WAN = 2, TUN = 4 };

static unsigned
where(struct net *n)
{
	struct addr from;

	return (came_out(n->lan, &from) ? LAN : 0u) | (came_out(n->wan, &from) ? WAN : 0u) |
	    (n->tun >= 0 && came_out(n->tun, &from) ? TUN : 0u);
}

static unsigned
forwarded(struct net *n, int in, const char *from, const char *to)
{
	struct packet p = { .from = from, .to = to, .sport = 1000, .dport = 2000 };

	(void)where(n);
	inject(in, &p);
	return where(n);
}

/* Sends from a socket of this machine; NULL: no source chosen. */
static unsigned
sent(struct net *n, const char *from, const char *to, uint32_t mark, struct addr *ret_from)
{
	struct addr dst = addr_make(to);
	int af = dst.family == FAMILY_IP4 ? AF_INET : AF_INET6;
	int fd = socket(af, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(2000) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(2000) };
	const struct sockaddr *sa = af == AF_INET ? (struct sockaddr *)&in4 : (struct sockaddr *)&in6;
	socklen_t sa_n = af == AF_INET ? sizeof(in4) : sizeof(in6);
	uint8_t payload[PAYLOAD];

	assert_true(fd >= 0);
	(void)where(n);
	if (from != NULL) {
		struct addr src = addr_make(from);
		memcpy(&in4.sin_addr, src.b, 4);
		memcpy(&in6.sin6_addr, src.b, 16);
		in4.sin_port = in6.sin6_port = 0;
		assert_int_equal(bind(fd, sa, sa_n), 0);
		in4.sin_port = in6.sin6_port = htons(2000);
	}
	if (mark != 0)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
	memcpy(&in4.sin_addr, dst.b, 4);
	memcpy(&in6.sin6_addr, dst.b, 16);
	memset(payload, MAGIC, sizeof(payload));
	(void)!sendto(fd, payload, sizeof(payload), 0, sa, sa_n);
	close(fd);
	if (came_out(n->tun, ret_from))
		return TUN;
	return came_out(n->wan, ret_from) ? WAN : came_out(n->lan, ret_from) ? LAN : NOWHERE;
}

/* ---- what is to be true ---- */

static void
a_flow_goes_into_the_tunnel_and_the_rest_does_not(void **state)
{
	struct net *n = *state;
	struct sa_spec spec = flow_spec("10.1.0.0", 24, "10.2.0.0", 24);

	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.5"), WAN);
	add(n, &spec);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.5"), TUN);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.3.0.5"), WAN);
	assert_int_equal(user_routes_delete(n->routes, &spec.flow), WHY_NONE);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.5"), WAN);
	assert_int_equal(user_routes_count(n->routes), 0);
}

static void
a_flow_of_ip6_goes_into_the_tunnel(void **state)
{
	struct net *n = *state;
	struct sa_spec spec = flow_spec("2001:db8:1::", 64, "2001:db8:2::", 64);

	add(n, &spec);
	assert_int_equal(forwarded(n, n->lan, "2001:db8:1::5", "2001:db8:2::5"), TUN);
	assert_int_equal(forwarded(n, n->lan, "2001:db8:1::5", "2001:db8:3::5"), WAN);
	assert_int_equal(forwarded(n, n->tun, "2001:db8:2::5", "2001:db8:1::5"), LAN);
	assert_int_equal(forwarded(n, n->wan, "2001:db8:2::5", "2001:db8:1::5"), NOWHERE);
}

static void
packets_of_this_machine_get_a_source_inside_the_flow(void **state)
{
	struct net *n = *state;
	struct sa_spec spec = flow_spec("10.1.0.0", 24, "10.2.0.0", 24);
	struct sa_spec six = flow_spec("2001:db8:1::", 64, "2001:db8:2::", 64);
	struct addr from, want = addr_make("10.1.0.1"), want6 = addr_make("2001:db8:1::1");

	add(n, &spec);
	add(n, &six);
	assert_int_equal(sent(n, NULL, "10.2.0.5", 0, &from), TUN);
	assert_true(addr_equal(&from, &want));
	assert_int_equal(sent(n, "10.1.0.1", "10.2.0.5", 0, &from), TUN);
	assert_int_equal(sent(n, "192.0.2.1", "10.2.0.5", 0, &from), WAN);
	assert_int_equal(sent(n, NULL, "2001:db8:2::5", 0, &from), TUN);
	assert_true(addr_equal(&from, &want6));
	assert_int_equal(sent(n, "2001:db8::1", "2001:db8:2::5", 0, &from), WAN);
}

static void
a_source_that_comes_later_is_used(void **state)
{
	struct net *n = *state;
	struct sa_spec spec = flow_spec("10.9.0.0", 24, "10.2.0.0", 24);
	struct addr from, want = addr_make("10.9.0.1");

	add(n, &spec);
	assert_int_equal(sent(n, NULL, "10.2.0.5", 0, &from), WAN);
	run("ip addr add 10.9.0.1/24 dev lan0");
	user_routes_input(n->routes);
	assert_int_equal(sent(n, NULL, "10.2.0.5", 0, &from), TUN);
	assert_true(addr_equal(&from, &want));
	run("ip addr del 10.9.0.1/24 dev lan0");
	user_routes_input(n->routes);
	assert_int_equal(sent(n, NULL, "10.2.0.5", 0, &from), WAN);
	run("ip addr add 10.9.0.1/24 dev lan0");
	user_routes_input(n->routes);
	assert_int_equal(sent(n, NULL, "10.2.0.5", 0, &from), TUN);
}

static void
nothing_passes_in_clear_when_the_device_is_gone(void **state)
{
	struct net *n = *state;
	struct sa_spec spec = flow_spec("10.1.0.0", 24, "10.2.0.0", 24);
	struct sa_spec six = flow_spec("2001:db8:1::", 64, "2001:db8:2::", 64);
	struct addr from;

	add(n, &spec);
	add(n, &six);
	close(n->tun);
	n->tun = -1;
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.5") & WAN, 0);
	assert_int_equal(forwarded(n, n->lan, "2001:db8:1::5", "2001:db8:2::5") & WAN, 0);
	assert_int_equal(sent(n, NULL, "10.2.0.5", 0, &from), NOWHERE);
	assert_int_equal(sent(n, NULL, "2001:db8:2::5", 0, &from), NOWHERE);
	assert_int_equal(sent(n, "10.1.0.1", "10.2.0.5", 0, &from), NOWHERE);

	/* a new device, under another name */
	n->tun = tun_make("ipsec7");
	assert_true(n->tun >= 0);
	device(n->routes, "ipsec7");
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.5"), TUN);
	assert_int_equal(forwarded(n, n->lan, "2001:db8:1::5", "2001:db8:2::5"), TUN);
	assert_int_equal(forwarded(n, n->tun, "10.2.0.5", "10.1.0.5"), LAN);
	assert_int_equal(sent(n, NULL, "10.2.0.5", 0, &from), TUN);
}

static void
flows_may_come_before_the_device(void **state)
{
	struct net *n = *state;
	struct sa_spec spec = flow_spec("10.1.0.0", 24, "10.2.0.0", 24);

	user_routes_free(n->routes, true);
	n->routes = routes_make();
	add(n, &spec);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.5"), NOWHERE);
	device(n->routes, "ipsec0");
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.5"), TUN);
	assert_int_equal(forwarded(n, n->tun, "10.2.0.5", "10.1.0.5"), LAN);
}

static void
clear_text_that_pretends_to_come_from_remote_is_refused(void **state)
{
	struct net *n = *state;
	struct sa_spec spec = flow_spec("10.1.0.0", 24, "10.2.0.0", 24);

	assert_int_equal(forwarded(n, n->wan, "10.2.0.5", "10.1.0.5"), LAN);
	add(n, &spec);
	assert_int_equal(forwarded(n, n->wan, "10.2.0.5", "10.1.0.5"), NOWHERE);
	assert_int_equal(forwarded(n, n->wan, "198.51.100.1", "10.1.0.5"), LAN);
	assert_int_equal(forwarded(n, n->tun, "10.2.0.5", "10.1.0.5"), LAN);
}

static void
the_reverse_path_check_passes_what_came_out_of_the_tunnel(void **state)
{
	struct net *n = *state;
	struct sa_spec spec = flow_spec("10.1.0.0", 24, "10.2.0.0", 24);

	strict_reverse_path(true);
	add(n, &spec);
	assert_int_equal(forwarded(n, n->tun, "10.2.0.5", "10.1.0.5"), LAN);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.5"), TUN);
	assert_int_equal(forwarded(n, n->wan, "198.51.100.1", "10.1.0.5"), LAN);
}

static void
from_tunnel_to_tunnel(void **state)
{
	struct net *n = *state;
	struct sa_spec one = flow_spec("10.1.0.0", 16, "10.2.0.0", 24);
	struct sa_spec two = flow_spec("10.2.0.0", 24, "10.1.9.0", 24);

	strict_reverse_path(true);
	add(n, &one);
	add(n, &two);
	assert_int_equal(forwarded(n, n->tun, "10.2.0.5", "10.1.9.5"), TUN);
	assert_int_equal(forwarded(n, n->tun, "10.1.9.5", "10.2.0.5"), TUN);
}

/* A socket of this machine that hears a UDP port. */
static int
listener(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(port) };

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in4, sizeof(in4)), 0);
	return fd;
}

static void
a_flow_that_contains_the_peer_does_not_swallow_its_own_tunnel(void **state)
{
	static const struct { const char *remote; unsigned bits; } remotes[] = {
		{ "192.0.2.2", 32 }, { "0.0.0.0", 0 },
	};
	struct net *n = *state;
	int heard = listener(4500), other = listener(9);
	char octets[64];
	struct addr from;

	strict_reverse_path(true);
	for (size_t i = 0; i < COUNT(remotes); i++) {
		struct sa_spec spec = flow_spec("192.0.2.1", 32, remotes[i].remote, remotes[i].bits);
		struct packet in = { .from = "192.0.2.2", .to = "192.0.2.1", .sport = 4500,
		    .dport = 4500 };

		add(n, &spec);
		assert_int_equal(sent(n, NULL, "192.0.2.2", 0, &from), TUN);
		assert_int_equal(sent(n, "192.0.2.1", "192.0.2.2", 0, &from), TUN);
		assert_int_equal(sent(n, NULL, "192.0.2.2", OUTER_MARK, &from), WAN);
		assert_int_equal(sent(n, "192.0.2.1", "192.0.2.2", OUTER_MARK, &from), WAN);
		inject(n->wan, &in);
		assert_int_equal(recv(heard, octets, sizeof(octets), 0), PAYLOAD);
		/* and anything else of the peer in clear is not heard */
		in.dport = 9;
		inject(n->wan, &in);
		assert_int_equal(recv(other, octets, sizeof(octets), 0), -1);
		assert_int_equal(user_routes_delete(n->routes, &spec.flow), WHY_NONE);
	}
	close(heard);
	close(other);
}

static void
a_peer_that_moves_keeps_its_tunnel(void **state)
{
	struct net *n = *state;
	struct sa_spec spec = flow_spec("192.0.2.1", 32, "192.0.2.0", 24);
	struct packet in = { .from = "192.0.2.77", .to = "192.0.2.1", .sport = 4500,
	    .dport = 4500 };
	int heard = listener(4500);
	char octets[64];

	strict_reverse_path(true);
	add(n, &spec);
	unsigned count = user_routes_count(n->routes);
	spec.remote.addr = addr_make("192.0.2.77");
	add(n, &spec);
	assert_int_equal(user_routes_count(n->routes), count);
	inject(n->wan, &in);
	assert_int_equal(recv(heard, octets, sizeof(octets), 0), PAYLOAD);
	close(heard);
}

static void
with_everything_in_the_tunnel_the_lan_still_reaches_us(void **state)
{
	struct net *n = *state;
	struct sa_spec spec = flow_spec("10.1.0.0", 24, "0.0.0.0", 0);
	struct packet in = { .from = "10.1.0.5", .to = "10.1.0.1", .sport = 9, .dport = 53 };
	int heard = listener(53);
	char octets[64];
	struct addr from;

	add(n, &spec);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "198.51.100.1"), TUN);
	inject(n->lan, &in);
	assert_int_equal(recv(heard, octets, sizeof(octets), 0), PAYLOAD);
	assert_int_equal(sent(n, "10.1.0.1", "10.1.0.5", 0, &from), LAN);
	in.to = "192.0.2.1";
	inject(n->lan, &in);
	assert_int_equal(recv(heard, octets, sizeof(octets), 0), PAYLOAD);
	assert_int_equal(sent(n, "192.0.2.1", "10.1.0.5", 0, &from), LAN);
	close(heard);
}

static void
a_flow_of_one_port_takes_fragments_along(void **state)
{
	struct net *n = *state;
	struct sa_spec spec = flow_spec("10.1.0.0", 24, "10.2.0.0", 24);
	struct packet p = { .from = "10.1.0.5", .to = "10.2.0.5", .sport = 1000, .dport = 53 };

	spec.flow.protocol = IPPROTO_UDP;
	spec.flow.remote.port = 53;
	add(n, &spec);
	inject(n->lan, &p);
	assert_int_equal(where(n), TUN);
	p.dport = 54;
	inject(n->lan, &p);
	assert_int_equal(where(n), WAN);
	p.fragment = true;
	inject(n->lan, &p);
	assert_int_equal(where(n), TUN);

	/* the same the other way round, in clear */
	p = (struct packet){ .from = "10.2.0.5", .to = "10.1.0.5", .sport = 53, .dport = 9 };
	inject(n->wan, &p);
	assert_int_equal(where(n), NOWHERE);
	p.sport = 54;
	inject(n->wan, &p);
	assert_int_equal(where(n), LAN);
	p.fragment = true;
	inject(n->wan, &p);
	assert_int_equal(where(n), NOWHERE);
}

static void
a_range_is_covered_exactly(void **state)
{
	struct net *n = *state;
	struct sa_spec spec = flow_spec("10.1.0.0", 24, "10.2.0.0", 24);

	spec.flow.remote.net = (struct range){ addr_make("10.2.0.3"), addr_make("10.2.0.9") };
	add(n, &spec);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.2"), WAN);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.3"), TUN);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.9"), TUN);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.10"), WAN);
}

static void
deleting_a_flow_leaves_a_wider_one_in_force(void **state)
{
	struct net *n = *state;
	struct sa_spec narrow = flow_spec("10.1.0.0", 24, "10.2.0.0", 24);
	struct sa_spec wide = flow_spec("0.0.0.0", 0, "10.2.0.0", 24);

	add(n, &narrow);
	add(n, &wide);
	assert_int_equal(user_routes_delete(n->routes, &wide.flow), WHY_NONE);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.5"), TUN);
	assert_int_equal(forwarded(n, n->wan, "10.2.0.5", "10.1.0.5"), NOWHERE);
	add(n, &wide);
	assert_int_equal(user_routes_delete(n->routes, &narrow.flow), WHY_NONE);
	assert_int_equal(forwarded(n, n->lan, "10.3.0.5", "10.2.0.5"), TUN);
	assert_int_equal(forwarded(n, n->wan, "10.2.0.5", "10.1.0.5"), NOWHERE);
}

/* All rules and all routes of both families, as the ip program prints them. */
static void
listing(char *ret, size_t cap)
{
	FILE *f = popen("ip -4 rule; ip -6 rule; ip -4 route show table all; "
	    "ip -6 route show table all", "r");

	assert_non_null(f);
	size_t n = fread(ret, 1, cap - 1, f);
	ret[n] = '\0';
	assert_int_equal(pclose(f), 0);
}

static void
what_an_earlier_run_left_stays_in_force_until_it_is_swept(void **state)
{
	static char before[65536], after[65536];
	struct net *n = *state;
	struct sa_spec kept = flow_spec("10.1.0.0", 24, "10.2.0.0", 24);
	struct sa_spec dropped = flow_spec("10.1.0.0", 24, "10.3.0.0", 24);
	struct sa_spec six = flow_spec("2001:db8:1::", 64, "2001:db8:2::", 64);

	/* somebody else's, within our band and tables */
	run("ip rule add pref 15400 from 10.77.0.0/16 lookup main && "
	    "ip route add 10.78.0.0/16 dev wan0 table 50500 proto static");
	listing(before, sizeof(before));
	add(n, &kept);
	add(n, &dropped);
	add(n, &six);
	user_routes_free(n->routes, false);	/* as if it had been killed */
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.3.0.5"), TUN);

	n->routes = routes_make();
	device(n->routes, "ipsec0");
	add(n, &kept);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.3.0.5"), TUN);
	assert_true(user_routes_sweep(n->routes) > 0);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.3.0.5"), WAN);
	assert_int_equal(forwarded(n, n->lan, "2001:db8:1::5", "2001:db8:2::5"), WAN);
	assert_int_equal(forwarded(n, n->lan, "10.1.0.5", "10.2.0.5"), TUN);
	assert_int_equal(forwarded(n, n->tun, "10.2.0.5", "10.1.0.5"), LAN);
	assert_int_equal(user_routes_sweep(n->routes), 0);
	assert_int_equal(user_routes_delete(n->routes, &kept.flow), WHY_NONE);
	listing(after, sizeof(after));
	assert_string_equal(before, after);
	run("ip rule del pref 15400 && ip route flush table 50500");
}

static void
the_end_leaves_no_trace(void **state)
{
	static char before[65536], after[65536];
	struct net *n = *state;
	struct sa_spec specs[] = {
		flow_spec("10.1.0.0", 24, "10.2.0.0", 24),
		flow_spec("10.1.0.0", 24, "0.0.0.0", 0),
		flow_spec("192.0.2.1", 32, "192.0.2.2", 32),
		flow_spec("2001:db8:1::", 64, "2001:db8:2::", 64),
		flow_spec("2001:db8:1::", 64, "::", 0),
	};

	listing(before, sizeof(before));
	specs[0].flow.protocol = IPPROTO_TCP;
	specs[0].flow.local.port = 80;
	for (size_t i = 0; i < COUNT(specs); i++)
		add(n, &specs[i]);
	user_routes_free(n->routes, true);
	listing(after, sizeof(after));
	assert_string_equal(before, after);
	n->routes = routes_make();
	assert_int_equal(user_routes_sweep(n->routes), 0);
}

static void
the_probe_finds_what_it_needs(void **state)
{
	STR(detail, 200);

	(void)state;
	assert_int_equal(user_routes_probe(&detail), WHY_NONE);
}

/* ---- a namespace of our own ---- */

static const char *
own_namespace(void)
{
	if (!own_namespace_enter())
		return "no network namespace permitted";
	if (system("ip link set lo up 2>/dev/null") != 0)
		return "no ip program";
	int tun = tun_make("kern-try");
	if (tun < 0)
		return "no TUN device";
	close(tun);
	if (!write_file("/proc/sys/net/ipv4/ip_forward", "1") ||
	    !write_file("/proc/sys/net/ipv6/conf/all/forwarding", "1") ||
	    !write_file("/proc/sys/net/ipv4/conf/all/rp_filter", "0") ||
	    !write_file("/proc/sys/net/ipv4/conf/default/rp_filter", "0"))
		return "forwarding cannot be switched on";
	return NULL;
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
	const struct CMUnitTest tests[] = {
		T(a_flow_goes_into_the_tunnel_and_the_rest_does_not),
		T(a_flow_of_ip6_goes_into_the_tunnel),
		T(packets_of_this_machine_get_a_source_inside_the_flow),
		T(a_source_that_comes_later_is_used),
		T(nothing_passes_in_clear_when_the_device_is_gone),
		T(flows_may_come_before_the_device),
		T(clear_text_that_pretends_to_come_from_remote_is_refused),
		T(the_reverse_path_check_passes_what_came_out_of_the_tunnel),
		T(from_tunnel_to_tunnel),
		T(a_flow_that_contains_the_peer_does_not_swallow_its_own_tunnel),
		T(a_peer_that_moves_keeps_its_tunnel),
		T(with_everything_in_the_tunnel_the_lan_still_reaches_us),
		T(a_flow_of_one_port_takes_fragments_along),
		T(a_range_is_covered_exactly),
		T(deleting_a_flow_leaves_a_wider_one_in_force),
		T(what_an_earlier_run_left_stays_in_force_until_it_is_swept),
		T(the_end_leaves_no_trace),
		T(the_probe_finds_what_it_needs),
	};
#undef T
	const char *missing = own_namespace();

	if (missing != NULL) {
		printf("skipped: %s\n", missing);
		return SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
