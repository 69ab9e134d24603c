#include "os/net.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* After the C library's headers, which they then leave alone. */
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/udp.h>
#include <linux/xfrm.h>

#include "base/mark.h"

enum { RECEIVE_BUFFER = 1024 * 1024, CONTROL = 128 };

static int
give_up(int fd, struct str *error, const char *what)
{
	str_addf(error, "%s: %s", what, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool
on(int fd, int level, int option)
{
	int one = 1;

	return setsockopt(fd, level, option, &one, sizeof(one)) == 0;
}

/*
 * IKE itself passes any IPsec policy in clear.  A kernel without IPsec has
 * no such option, and no policy either; so failure means nothing.
 */
static void
bypass_policy(int fd, bool ip6)
{
	struct xfrm_userpolicy_info p = { .action = XFRM_POLICY_ALLOW };

	p.sel.family = ip6 ? AF_INET6 : AF_INET;
	for (uint8_t dir = XFRM_POLICY_IN; dir <= XFRM_POLICY_OUT; dir++) {
		p.dir = dir;
		(void)setsockopt(fd, ip6 ? IPPROTO_IPV6 : IPPROTO_IP,
		    ip6 ? IPV6_XFRM_POLICY : IP_XFRM_POLICY, &p, sizeof(p));
	}
}

/* Options of every socket that carries our own traffic. */
static bool
prepare(int fd, bool ip6)
{
	int size = RECEIVE_BUFFER, mark = OUTER_MARK;

	/* Best effort: rights and kernels differ. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	bypass_policy(fd, ip6);
	if (ip6)
		return on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
	return on(fd, IPPROTO_IP, IP_PKTINFO);
}

static socklen_t
wildcard(enum family family, uint16_t port, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (family == FAMILY_IP6) {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)ret;
		a->sin6_family = AF_INET6;
		a->sin6_port = htons(port);
		return sizeof(*a);
	}
	struct sockaddr_in *a = (struct sockaddr_in *)ret;
	a->sin_family = AF_INET;
	a->sin_port = htons(port);
	return sizeof(*a);
}

int
net_udp(enum family family, uint16_t port, bool shared, struct str *error)
{
	bool ip6 = family == FAMILY_IP6;
	struct sockaddr_storage any;
	socklen_t n = wildcard(family, port, &any);
	int fd = socket(ip6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return give_up(fd, error, "UDP socket");
	if (!prepare(fd, ip6) || (ip6 && !on(fd, IPPROTO_IPV6, IPV6_V6ONLY)) ||
	    (shared && !on(fd, SOL_SOCKET, SO_REUSEPORT)))
		return give_up(fd, error, "UDP socket options");
	/* Large IKE messages may be fragmented; nobody probes paths with them. */
	int dont = IP_PMTUDISC_DONT;
	(void)setsockopt(fd, ip6 ? IPPROTO_IPV6 : IPPROTO_IP,
	    ip6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &dont, sizeof(dont));
	if (bind(fd, (struct sockaddr *)&any, n) < 0) {
		str_addf(error, "UDP port %u (%s): %s", port, ip6 ? "IPv6" : "IPv4", strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

bool
net_steer_esp(int first, struct str *error)
{
	/* The program sees the datagram from behind the UDP header. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 4, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = COUNT(code), .filter = code };

	int one = 1;

	/* Without a checksum no receiver joins our IKE to ESP packets (UDP_GRO); IPv6 has no such. */
	(void)setsockopt(first, SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one));
	if (setsockopt(first, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) == 0)
		return true;
	str_addf(error, "sharing the NAT-T port: %s", strerror(errno));
	return false;
}

bool
net_kernel_esp(int fd, struct str *error)
{
	int kind = UDP_ENCAP_ESPINUDP;

	if (setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &kind, sizeof(kind)) == 0)
		return true;
	str_addf(error, "ESP in UDP by the kernel: %s", strerror(errno));
	return false;
}

int
net_raw_esp(enum family family, struct str *error)
{
	bool ip6 = family == FAMILY_IP6;
	int fd = socket(ip6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    IPPROTO_ESP);

	if (fd < 0 || !prepare(fd, ip6))
		return give_up(fd, error, ip6 ? "raw ESP socket (IPv6)" : "raw ESP socket (IPv4)");
	return fd;
}

static bool
interface_up(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };

	if (fd < 0)
		return false;
	text_copy(r.ifr_name, sizeof(r.ifr_name), name);
	bool ok = ioctl(fd, SIOCGIFFLAGS, &r) == 0;
	r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
	ok = ok && ioctl(fd, SIOCSIFFLAGS, &r) == 0;
	close(fd);
	return ok;
}

int
net_tun(char ret_name[16], struct str *error)
{
	struct ifreq r = { .ifr_name = "ipsec%d" };	/* the next free number */
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	r.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	if (fd < 0)
		return give_up(fd, error, "/dev/net/tun");
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		return give_up(fd, error, "TUN device");
	if (!interface_up(r.ifr_name))
		return give_up(fd, error, "TUN device up");
	text_copy(ret_name, 16, r.ifr_name);
	return fd;
}

/* ---- addresses ---- */

static socklen_t
to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	socklen_t n = wildcard(a->family == FAMILY_IP6 ? FAMILY_IP6 : FAMILY_IP4, port, ret);

	if (a->family == FAMILY_IP6) {
		struct sockaddr_in6 *s = (struct sockaddr_in6 *)ret;
		memcpy(&s->sin6_addr, a->b, 16);
		s->sin6_scope_id = a->scope;
	} else {
		memcpy(&((struct sockaddr_in *)ret)->sin_addr, a->b, 4);
	}
	return n;
}

static bool
from_sockaddr(const struct sockaddr_storage *s, struct endpoint *ret)
{
	struct endpoint e = { 0 };

	if (s->ss_family == AF_INET6) {
		const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)s;
		e.addr.family = FAMILY_IP6;
		memcpy(e.addr.b, &a->sin6_addr, 16);
		e.addr.scope = IN6_IS_ADDR_LINKLOCAL(&a->sin6_addr) ? a->sin6_scope_id : 0;
		e.port = ntohs(a->sin6_port);
	} else if (s->ss_family == AF_INET) {
		const struct sockaddr_in *a = (const struct sockaddr_in *)s;
		e.addr.family = FAMILY_IP4;
		memcpy(e.addr.b, &a->sin_addr, 4);
		e.port = ntohs(a->sin_port);
	} else {
		return false;
	}
	*ret = e;
	return true;
}

int
net_route_socket(enum family family)
{
	int fd = socket(family == FAMILY_IP6 ? AF_INET6 : AF_INET,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* Looks up the route our own sockets take. */
	if (fd >= 0)
		(void)prepare(fd, family == FAMILY_IP6);
	return fd;
}

bool
net_source(int route_fd, const struct addr *remote, struct addr *ret)
{
	struct sockaddr_storage to, none = { .ss_family = AF_UNSPEC }, from = { 0 };
	socklen_t n = to_sockaddr(remote, 500, &to), from_n = sizeof(from);
	struct endpoint e;

	if (route_fd < 0)
		return false;
	/* Forget the last one first: a bound source would stay. */
	(void)connect(route_fd, (struct sockaddr *)&none, sizeof(none));
	if (connect(route_fd, (struct sockaddr *)&to, n) < 0 ||
	    getsockname(route_fd, (struct sockaddr *)&from, &from_n) < 0 ||
	    !from_sockaddr(&from, &e) || addr_is_any(&e.addr))
		return false;
	*ret = e.addr;
	return true;
}

static uint8_t
mask_bits(const struct sockaddr *mask)
{
	struct endpoint e;
	struct sockaddr_storage s = { 0 };

	if (mask == NULL)
		return 0;
	memcpy(&s, mask, mask->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
	    sizeof(struct sockaddr_in));
	int bits = from_sockaddr(&s, &e) ? addr_mask_bits(&e.addr) : 0;
	return bits < 0 ? 0 : (uint8_t)bits;
}

size_t
net_addresses(struct net_interface_address *ret, size_t most)
{
	struct ifaddrs *list;
	size_t n = 0;

	if (getifaddrs(&list) < 0)
		return 0;
	for (struct ifaddrs *i = list; i != NULL && n < most; i = i->ifa_next) {
		struct sockaddr_storage s = { 0 };
		struct endpoint e;
		if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0 ||
		    (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&s, i->ifa_addr, i->ifa_addr->sa_family == AF_INET6 ?
		    sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
		if (!from_sockaddr(&s, &e))
			continue;
		ret[n].addr = e.addr;
		ret[n].bits = mask_bits(i->ifa_netmask);
		text_copy(ret[n].name, sizeof(ret[n].name), i->ifa_name);
		n++;
	}
	freeifaddrs(list);
	return n;
}

/* ---- datagrams ---- */

union control {
	struct cmsghdr	hdr;
	uint8_t		room[CONTROL];
};

struct net_batch {
	struct mmsghdr	 msg[NET_BATCH];
	struct iovec	 iov[NET_BATCH];
	struct sockaddr_storage from[NET_BATCH];
	union control	 control[NET_BATCH];
	uint8_t		 bytes[NET_BATCH][NET_DATAGRAM_MAX];
};

struct net_batch *
net_batch_new(void)
{
	return calloc(1, sizeof(struct net_batch));
}

void
net_batch_free(struct net_batch *b)
{
	free(b);
}

/* The address a datagram was sent to. */
static bool
local_address(struct msghdr *m, struct addr *ret)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo p;
			memcpy(&p, CMSG_DATA(h), sizeof(p));
			*ret = (struct addr){ .family = FAMILY_IP4 };
			memcpy(ret->b, &p.ipi_addr, 4);
			return true;
		}
		if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo p;
			memcpy(&p, CMSG_DATA(h), sizeof(p));
			*ret = (struct addr){ .family = FAMILY_IP6 };
			memcpy(ret->b, &p.ipi6_addr, 16);
			if (IN6_IS_ADDR_LINKLOCAL(&p.ipi6_addr))
				ret->scope = (uint32_t)p.ipi6_ifindex;
			return true;
		}
	}
	return false;
}

size_t
net_receive(struct net_batch *b, int fd, uint16_t local_port, struct net_datagram *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < NET_BATCH; i++) {
		b->iov[i] = (struct iovec){ .iov_base = b->bytes[i], .iov_len = NET_DATAGRAM_MAX };
		b->msg[i] = (struct mmsghdr){ .msg_hdr = {
		    .msg_name = &b->from[i], .msg_namelen = sizeof(b->from[i]),
		    .msg_iov = &b->iov[i], .msg_iovlen = 1,
		    .msg_control = &b->control[i], .msg_controllen = sizeof(b->control[i]) } };
	}
	int got = recvmmsg(fd, b->msg, NET_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++) {
		struct net_datagram d = { 0 };
		struct msghdr *m = &b->msg[i].msg_hdr;
		if ((m->msg_flags & MSG_TRUNC) != 0 || !from_sockaddr(&b->from[i], &d.path.remote) ||
		    !local_address(m, &d.path.local.addr))
			continue;
		d.path.local.port = local_port;
		d.bytes = view_of(b->bytes[i], b->msg[i].msg_len);
		ret[n++] = d;
	}
	return n;
}

/* Packet info that makes `a` the source address. */
static void
control_source(struct msghdr *m, union control *c, const struct addr *a)
{
	memset(c, 0, sizeof(*c));
	m->msg_control = c->room;
	m->msg_controllen = sizeof(c->room);
	struct cmsghdr *h = CMSG_FIRSTHDR(m);
	if (a->family == FAMILY_IP6) {
		struct in6_pktinfo p = { .ipi6_ifindex = a->scope };
		memcpy(&p.ipi6_addr, a->b, 16);
		h->cmsg_level = IPPROTO_IPV6;
		h->cmsg_type = IPV6_PKTINFO;
		h->cmsg_len = CMSG_LEN(sizeof(p));
		memcpy(CMSG_DATA(h), &p, sizeof(p));
		m->msg_controllen = CMSG_SPACE(sizeof(p));
	} else {
		struct in_pktinfo p = { 0 };
		memcpy(&p.ipi_spec_dst, a->b, 4);
		h->cmsg_level = IPPROTO_IP;
		h->cmsg_type = IP_PKTINFO;
		h->cmsg_len = CMSG_LEN(sizeof(p));
		memcpy(CMSG_DATA(h), &p, sizeof(p));
		m->msg_controllen = CMSG_SPACE(sizeof(p));
	}
}

int
net_send(int fd, const struct path *path, size_t marker, struct view bytes)
{
	uint8_t zero[4] = { 0 };
	struct iovec iov[2] = {
		{ .iov_base = zero, .iov_len = marker <= sizeof(zero) ? marker : sizeof(zero) },
		{ .iov_base = (void *)(uintptr_t)bytes.p, .iov_len = bytes.n },
	};
	struct sockaddr_storage to;
	union control control;
	struct msghdr m = { .msg_name = &to, .msg_iov = iov, .msg_iovlen = 2 };

	m.msg_namelen = to_sockaddr(&path->remote.addr, path->remote.port, &to);
	if (path->local.addr.family != FAMILY_NONE)
		control_source(&m, &control, &path->local.addr);
	while (sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}
