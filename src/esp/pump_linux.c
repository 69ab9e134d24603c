/*
 * Linux: one system call per batch of datagrams (recvmmsg, sendmmsg), and one
 * datagram per run of equal packets to one peer (UDP_SEGMENT), because the
 * calls cost more than the octets.
 *
 * TCP crosses the TUN device in large packets, cut and joined here (offload.h).
 *
 * Datagrams are received in runs too (UDP_GRO), over IPv4.  Where the port is
 * shared with IKE the kernel may join an IKE message to the ESP packets that
 * came before it, and that message is lost here; our own IKE has no UDP
 * checksum, which the kernel never joins, and the first of another
 * implementation that comes so ends the joining (decisions/0013).
 */
#include "esp/pump.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* After the C library's headers, which they then leave alone. */
#include <linux/errqueue.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include "base/rd.h"
#include "esp/ip.h"
#include "esp/offload.h"

enum {
	BATCH = 64,			/* packets */
	RUNS = 8,			/* runs of datagrams received at a time: the cache's size */
	ROUNDS = 4,			/* batches until others get their turn */
	PACKET_MAX = 65536,
	/* Not a power of two, or all packets would share the cache's sets. */
	SLOT = ESP_HEADROOM + PACKET_MAX + ESP_TAILROOM + 1216,
	CONTROL = 256,
	SEGMENTS_MAX = 64,		/* of one UDP_SEGMENT datagram: UDP_MAX_SEGMENTS */
	SEGMENTED_MAX = 65000,		/* octets of it, below any header's 65535 */
	BUFFER = 4 << 20,		/* of a socket, each way */
	SEND_WAIT_MS = 10,
	VNET_HEADER_MAX = 32,
	VNET_HEADER_RUN = ESP_LEAST_ICV + ESP_LEAST_HEADER,	/* room before a packet in a run */
	TCP_CHECKSUM_AT = 16,
	ERRORS_EVERY = 16		/* events of a socket between two looks at its errors */
};

/* One datagram to send: one packet, or a run of equally long ones. */
struct datagram {
	struct sockaddr_storage to;
	const struct esp_sent	*sent;
	unsigned		 first, n;	/* packets */
	size_t			 segment, total;	/* octets */
	bool			 closed;	/* a shorter packet ended the run */
	union {
		struct cmsghdr	 align;
		uint8_t		 room[CONTROL];
	} control;
};

struct esp_pump {
	struct esp_plane	*plane;
	struct pump_fds		 fd;
	struct pump_counts	 counts;
	uint16_t		 port[PUMP_SOCKETS];	/* local */
	int			 df[PUMP_SOCKETS];	/* -1: not known */
	unsigned		 turns[PUMP_SOCKETS];
	bool			 segment;		/* UDP_SEGMENT works */
	bool			 runs[PUMP_SOCKETS];	/* UDP_GRO is on */
	bool			 came_in_runs;		/* of late */
	size_t			 vnet;			/* octets of a TUN packet's header */
	bool			 offload;		/* TUN packets may be large, checksums ours */
	uint8_t			*slots;			/* BATCH + 1 of SLOT octets */
	uint8_t			*slot[BATCH + 1];	/* in them; the last is the one being cut */
	/* outbound */
	struct esp_buf		 out[BATCH];
	struct esp_sent		 sent[BATCH];
	unsigned		 n_out;
	struct datagram		*datagrams;		/* BATCH */
	struct mmsghdr		 msgs[BATCH];
	struct iovec		 iov[BATCH];
	/* inbound */
	struct tcp_join		 join;
	struct iovec		*joined;		/* BATCH */
	struct sockaddr_storage	 from[BATCH];
	union {
		struct cmsghdr	 align;
		uint8_t		 room[CONTROL];
	} *control;					/* BATCH */
};

static bool
is_ip6(enum pump_socket s)
{
	return s == PUMP_UDP6 || s == PUMP_RAW6;
}

static bool
is_udp(enum pump_socket s)
{
	return s == PUMP_UDP4 || s == PUMP_UDP6;
}

/* ---- addresses ---- */

static socklen_t
to_sockaddr(const struct endpoint *e, bool udp, struct sockaddr_storage *ret)
{
	if (e->addr.family == FAMILY_IP6) {
		struct sockaddr_in6 a = { .sin6_family = AF_INET6,
		    .sin6_port = htons(udp ? e->port : 0), .sin6_scope_id = e->addr.scope };

		memcpy(&a.sin6_addr, e->addr.b, 16);
		memcpy(ret, &a, sizeof(a));
		return sizeof(a);
	}
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(udp ? e->port : 0) };
	memcpy(&a.sin_addr, e->addr.b, 4);
	memcpy(ret, &a, sizeof(a));
	return sizeof(a);
}

static struct endpoint
from_sockaddr(const struct sockaddr_storage *s)
{
	struct endpoint e = { 0 };
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	if (s->ss_family == AF_INET6) {
		memcpy(&six, s, sizeof(six));
		e.addr.family = FAMILY_IP6;
		memcpy(e.addr.b, &six.sin6_addr, 16);
		e.addr.scope = IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr) ? six.sin6_scope_id : 0;
		e.port = ntohs(six.sin6_port);
	} else if (s->ss_family == AF_INET) {
		memcpy(&four, s, sizeof(four));
		e.addr.family = FAMILY_IP4;
		memcpy(e.addr.b, &four.sin_addr, 4);
		e.port = ntohs(four.sin_port);
	}
	return e;
}

/* ---- errors of sockets: path MTU ---- */

static void
error_read(struct esp_pump *p, struct mono now, struct msghdr *m)
{
	struct endpoint remote = from_sockaddr(m->msg_name);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		struct sock_extended_err e;
		bool ours = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);

		if (!ours || c->cmsg_len < CMSG_LEN(sizeof(e)))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		if (e.ee_errno == EMSGSIZE)
			esp_plane_pmtu(p->plane, now, &remote.addr, e.ee_info);
	}
}

static void
errors_drain(struct esp_pump *p, enum pump_socket s, struct mono now)
{
	union {
		struct cmsghdr align;
		uint8_t room[CONTROL * 2];
	} control;
	struct sockaddr_storage name;
	uint8_t data[64];

	for (unsigned i = 0; i < BATCH; i++) {
		struct iovec iov = { data, sizeof(data) };
		struct msghdr m = { .msg_name = &name, .msg_namelen = sizeof(name),
		    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		    .msg_controllen = sizeof(control) };

		name.ss_family = AF_UNSPEC;
		if (recvmsg(p->fd.socket[s], &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return;
		error_read(p, now, &m);
	}
}

/* ---- to the TUN device ---- */

static void
tun_write(struct esp_pump *p, struct esp_buf *b)
{
	uint8_t *header = buf_push(b, p->vnet);

	if (header == NULL)
		return;
	memset(header, 0, p->vnet);
	if (write(p->fd.tun, header, b->n) == (ssize_t)b->n)
		p->counts.written++;
	else
		p->counts.lost++;
}

/* What was joined, as one packet. */
static void
tun_flush(struct esp_pump *p)
{
	struct tcp_join *j = &p->join;
	unsigned n = j->n;

	j->n = 0;
	if (n == 1)
		tun_write(p, &j->first);
	if (n < 2)
		return;
	tcp_join_end(j);
	const struct virtio_net_hdr h = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = j->six ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (uint16_t)j->head_n, .gso_size = (uint16_t)j->mss,
		.csum_start = (uint16_t)j->ip_n, .csum_offset = TCP_CHECKSUM_AT,
	};
	uint8_t *header = buf_push(&j->first, p->vnet);
	if (header == NULL)
		return;
	memset(header, 0, p->vnet);
	memcpy(header, &h, sizeof(h));
	p->joined[0] = (struct iovec){ header, j->first.n };
	if (writev(p->fd.tun, p->joined, (int)n) == (ssize_t)(j->total_n + p->vnet))
		p->counts.written += n;
	else
		p->counts.lost += n;
}

/* Writes it, or keeps it for a while: until tun_flush the slot stays as it is. */
static void
tun_put(struct esp_pump *p, struct esp_buf *b)
{
	struct view payload;

	if (!p->offload) {
		tun_write(p, b);
		return;
	}
	if (p->join.n > 0 && p->join.n < BATCH && tcp_join_add(&p->join, buf_view(b), &payload)) {
		p->joined[p->join.n - 1] = (struct iovec){ (void *)(uintptr_t)payload.p, payload.n };
		return;
	}
	tun_flush(p);
	if (!tcp_join_begin(&p->join, b))
		tun_write(p, b);
}

/* ---- to the sockets ---- */

static enum pump_socket
socket_for(const struct esp_sent *s)
{
	bool six = s->path.remote.addr.family == FAMILY_IP6;

	return s->path.encap ? (six ? PUMP_UDP6 : PUMP_UDP4) : (six ? PUMP_RAW6 : PUMP_RAW4);
}

static void
control_add(struct msghdr *m, int level, int type, const void *data, size_t n)
{
	struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), data, n);
	m->msg_controllen += CMSG_SPACE(n);
}

static void
control_source(struct msghdr *m, const struct addr *local)
{
	if (local->family == FAMILY_IP6) {
		struct in6_pktinfo i = { .ipi6_ifindex = local->scope };

		memcpy(&i.ipi6_addr, local->b, 16);
		control_add(m, IPPROTO_IPV6, IPV6_PKTINFO, &i, sizeof(i));
	} else {
		struct in_pktinfo i = { 0 };

		memcpy(&i.ipi_spec_dst, local->b, 4);
		control_add(m, IPPROTO_IP, IP_PKTINFO, &i, sizeof(i));
	}
}

static void
datagram_message(struct esp_pump *p, struct datagram *d, enum pump_socket s, struct msghdr *m)
{
	int tos = d->sent->tos;

	*m = (struct msghdr){ .msg_name = &d->to, .msg_iov = &p->iov[d->first],
	    .msg_iovlen = d->n, .msg_control = d->control.room };
	m->msg_namelen = to_sockaddr(&d->sent->path.remote, is_udp(s), &d->to);
	memset(d->control.room, 0, sizeof(d->control.room));
	control_source(m, &d->sent->path.local.addr);
	if (tos != 0)
		control_add(m, is_ip6(s) ? IPPROTO_IPV6 : IPPROTO_IP,
		    is_ip6(s) ? IPV6_TCLASS : IP_TOS, &tos, sizeof(tos));
	if (d->n > 1) {
		uint16_t segment = (uint16_t)d->segment;

		control_add(m, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
	}
}

static bool
same_way(const struct esp_sent *a, const struct esp_sent *b)
{
	return a->tos == b->tos && a->df == b->df && a->fits && b->fits &&
	    endpoint_equal(&a->path.remote, &b->path.remote) &&
	    endpoint_equal(&a->path.local, &b->path.local);
}

/* Whether packet i goes into the same datagram: UDP_SEGMENT cuts all alike but the last. */
static bool
joins(const struct esp_pump *p, const struct datagram *d, unsigned i)
{
	size_t n = p->out[i].n;

	return p->segment && !d->closed && d->sent->path.encap && d->n < SEGMENTS_MAX &&
	    n <= d->segment && d->total + n <= SEGMENTED_MAX && same_way(d->sent, &p->sent[i]);
}

/*
 * RFC 4301, 8.1: the outer DF.  It is an option of the socket, so it changes
 * between datagrams only where traffic of both kinds is mixed.
 */
static void
set_df(struct esp_pump *p, enum pump_socket s, bool df)
{
	int how = is_ip6(s) ? (df ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT) :
	    (df ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);

	if (p->df[s] == df)
		return;
	if (setsockopt(p->fd.socket[s], is_ip6(s) ? IPPROTO_IPV6 : IPPROTO_IP,
	    is_ip6(s) ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &how, sizeof(how)) == 0)
		p->df[s] = df;
}

/* The packets of a run one by one, where the kernel does not take them together. */
static void
send_singly(struct esp_pump *p, const struct datagram *d, enum pump_socket s, struct mono now)
{
	for (unsigned i = d->first; i < d->first + d->n; i++) {
		struct datagram one = { .sent = d->sent, .first = i, .n = 1 };
		struct msghdr m;

		datagram_message(p, &one, s, &m);
		if (sendmsg(p->fd.socket[s], &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			p->counts.sent++;
		else if (errno == EMSGSIZE)
			errors_drain(p, s, now);
		else
			p->counts.lost++;
	}
}

/* The kernel's queue is full: a moment is worth it, more would stall everything. */
static bool
wait_writable(struct esp_pump *p, enum pump_socket s)
{
	struct pollfd f = { .fd = p->fd.socket[s], .events = POLLOUT };

	return poll(&f, 1, SEND_WAIT_MS) > 0 && (f.revents & POLLOUT) != 0;
}

/* What to do with the datagram that was not taken; true: try it once more. */
static bool
send_failed(struct esp_pump *p, const struct datagram *d, enum pump_socket s, struct mono now,
    int error, bool again)
{
	if (error == EINTR)
		return true;
	if (error == EAGAIN || error == ENOBUFS) {
		if (!again && wait_writable(p, s))
			return true;
		p->counts.lost += d->n;
		return false;
	}
	if (d->n > 1) {
		/* EIO: no checksum offload on that way, which UDP_SEGMENT needs. */
		if (error == EIO)
			p->segment = false;
		send_singly(p, d, s, now);
		return false;
	}
	errors_drain(p, s, now);
	/* An ICMP error about an earlier packet is reported to a later one. */
	if (error != EMSGSIZE && !again)
		return true;
	if (error != EMSGSIZE)
		p->counts.lost++;
	return false;
}

static void
send_datagrams(struct esp_pump *p, unsigned n, enum pump_socket s, struct mono now)
{
	bool again = false;
	unsigned i = 0;

	if (p->fd.socket[s] < 0) {
		p->counts.lost += n;
		return;
	}
	for (unsigned k = 0; k < n; k++)
		datagram_message(p, &p->datagrams[k], s, &p->msgs[k].msg_hdr);
	set_df(p, s, p->datagrams[0].sent->df);
	while (i < n) {
		int sent = sendmmsg(p->fd.socket[s], &p->msgs[i], n - i,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		for (int k = 0; k < sent; k++)
			p->counts.sent += p->datagrams[i++].n;
		if (sent > 0) {
			again = false;
			continue;
		}
		again = send_failed(p, &p->datagrams[i], s, now, errno, again);
		i += !again;
	}
}

/* Sends what was sealed, in order, joined to datagrams. */
static void
flush(struct esp_pump *p, struct mono now)
{
	enum pump_socket s = PUMP_SOCKETS;
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_out; i++) {
		const struct esp_sent *sent = &p->sent[i];
		struct datagram *d = n > 0 ? &p->datagrams[n - 1] : NULL;

		p->iov[i] = (struct iovec){ buf_at(&p->out[i]), p->out[i].n };
		if (d != NULL && joins(p, d, i)) {
			d->n++;
			d->total += p->out[i].n;
			d->closed = p->out[i].n < d->segment;
			continue;
		}
		if (d != NULL && (socket_for(sent) != s || d->sent->df != sent->df)) {
			send_datagrams(p, n, s, now);
			n = 0;
		}
		s = socket_for(sent);
		d = &p->datagrams[n++];
		d->sent = sent;
		d->first = i;
		d->n = 1;
		d->segment = d->total = p->out[i].n;
		d->closed = false;
	}
	if (n > 0)
		send_datagrams(p, n, s, now);
	p->n_out = 0;
}

/* ---- from the TUN device ---- */

/* One packet into the next slot, and what the device says of it; false if none waits. */
static bool
tun_read(struct esp_pump *p, struct esp_buf *ret, struct virtio_net_hdr *ret_header)
{
	uint8_t header[VNET_HEADER_MAX] = { 0 };
	uint8_t *slot = p->slot[p->n_out];
	struct iovec iov[2] = { { header, p->vnet }, { slot + ESP_HEADROOM, PACKET_MAX } };
	ssize_t n;

	do
		n = readv(p->fd.tun, p->vnet > 0 ? iov : iov + 1, p->vnet > 0 ? 2 : 1);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)p->vnet)
		return false;
	*ret = (struct esp_buf){ .room = slot, .cap = SLOT, .off = ESP_HEADROOM,
	    .n = (size_t)n - p->vnet };
	memcpy(ret_header, header, sizeof(*ret_header));
	return true;
}

/* The packet in the next slot: sealed, it waits there for flush. */
static void
tun_take(struct esp_pump *p, struct mono now)
{
	struct esp_buf *b = &p->out[p->n_out];
	struct esp_sent *sent = &p->sent[p->n_out];

	if (esp_plane_out(p->plane, now, b, sent) == WHY_NONE)
		p->n_out++;
	else if (sent->reply)
		tun_write(p, b);
	if (p->n_out == BATCH)
		flush(p, now);
}

/* A large one: its slot goes aside, the segments take its place and the next ones. */
static void
tun_take_large(struct esp_pump *p, struct mono now, struct view packet, size_t mss)
{
	uint8_t *whole = p->slot[p->n_out];
	struct tcp_cut cut;

	if (!tcp_cut_begin(packet, mss, &cut))
		return;
	p->slot[p->n_out] = p->slot[BATCH];
	p->slot[BATCH] = whole;
	for (;;) {
		p->out[p->n_out] = (struct esp_buf){ .room = p->slot[p->n_out], .cap = SLOT,
		    .off = ESP_HEADROOM };
		if (!tcp_cut_next(&cut, &p->out[p->n_out]))
			return;
		tun_take(p, now);
	}
}

void
esp_pump_tun(struct esp_pump *p, struct mono now)
{
	bool more = true;

	for (unsigned round = 0; round < ROUNDS && more; round++) {
		for (unsigned i = 0; i < BATCH && more; i++) {
			struct esp_buf *b = &p->out[p->n_out];
			struct virtio_net_hdr h;

			more = tun_read(p, b, &h);
			if (!more)
				break;
			if (p->offload && h.gso_type != VIRTIO_NET_HDR_GSO_NONE)
				tun_take_large(p, now, buf_view(b), h.gso_size);
			else if (!p->offload || (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0 ||
			    checksum_finish(b, h.csum_start, h.csum_offset))
				tun_take(p, now);
		}
		flush(p, now);
	}
}

/* ---- from the sockets ---- */

/* What is known of a datagram besides its octets; *segment stays if it is no run. */
static void
came_control(struct msghdr *m, struct path *path, uint8_t *tos, size_t *segment)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo i;

			memcpy(&i, CMSG_DATA(c), sizeof(i));
			path->local.addr = (struct addr){ .family = FAMILY_IP4 };
			memcpy(path->local.addr.b, &i.ipi_addr, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo i;

			memcpy(&i, CMSG_DATA(c), sizeof(i));
			path->local.addr = (struct addr){ .family = FAMILY_IP6 };
			memcpy(path->local.addr.b, &i.ipi6_addr, 16);
			if (IN6_IS_ADDR_LINKLOCAL(&i.ipi6_addr))
				path->local.addr.scope = i.ipi6_ifindex;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			*tos = *CMSG_DATA(c);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			int class;

			memcpy(&class, CMSG_DATA(c), sizeof(class));
			*tos = (uint8_t)class;
		} else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			int n;

			memcpy(&n, CMSG_DATA(c), sizeof(n));
			if (n > 0)
				*segment = (size_t)n;
		}
	}
}

/* A raw IPv4 socket hands out the header too. */
static bool
strip_ip4(struct esp_buf *b)
{
	struct rd r = rd_of(buf_view(b));

	return buf_pull(b, (size_t)(rd_u8(&r) & 0x0f) * 4);
}

static void
runs_off(struct esp_pump *p, enum pump_socket s)
{
	int zero = 0;

	if (setsockopt(p->fd.socket[s], IPPROTO_UDP, UDP_GRO, &zero, sizeof(zero)) == 0)
		p->runs[s] = false;
}

/* Four zero octets where the SPI would be: IKE (RFC 3948, 2.2). */
static bool
is_ike(const struct esp_buf *b)
{
	struct rd r = rd_of(buf_view(b));

	return rd_u32(&r) == 0 && !r.bad;
}

/* One packet of a run that is not the first: before it lies what was opened before. */
static void
take_next(struct esp_pump *p, enum pump_socket s, struct mono now, const struct esp_came *came,
    struct esp_buf *b)
{
	if (is_ike(b)) {
		p->counts.strays++;
		runs_off(p, s);
		return;
	}
	/* In transport mode a header comes before it, which may be longer than ESP's was. */
	bool aside = esp_plane_is_transport(p->plane, buf_view(b));
	if (aside) {
		memcpy(p->slot[BATCH] + ESP_HEADROOM, buf_at(b), b->n);
		*b = (struct esp_buf){ .room = p->slot[BATCH], .cap = SLOT,
		    .off = ESP_HEADROOM, .n = b->n };
	}
	if (esp_plane_in(p->plane, now, came, b) == WHY_NONE && b->n > 0)
		tun_put(p, b);
	if (aside)
		tun_flush(p);
}

static void
take(struct esp_pump *p, enum pump_socket s, struct mono now, unsigned i)
{
	struct mmsghdr *m = &p->msgs[i];
	struct path path = { .remote = from_sockaddr(&p->from[i]), .encap = is_udp(s) };
	struct esp_came came = { .path = &path };
	size_t left = m->msg_len, segment = left;
	struct esp_buf b = { .room = p->slot[i], .cap = SLOT, .off = ESP_HEADROOM };

	if ((m->msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return;
	path.local.port = p->port[s];
	if (!is_udp(s))
		path.remote.port = 0;
	came_control(&m->msg_hdr, &path, &came.tos, &segment);
	p->came_in_runs = p->came_in_runs || segment < left;
	b.n = segment < left ? segment : left;
	left -= b.n;
	p->counts.received++;
	struct esp_buf first = b;
	if ((s != PUMP_RAW4 || strip_ip4(&first)) &&
	    esp_plane_in(p->plane, now, &came, &first) == WHY_NONE && first.n > 0)
		tun_put(p, &first);
	while (left > 0) {
		b.off += segment;
		b.n = segment < left ? segment : left;
		left -= b.n;
		p->counts.received++;
		struct esp_buf next = b;
		take_next(p, s, now, &came, &next);
	}
}

static int
receive(struct esp_pump *p, enum pump_socket s, unsigned most)
{
	for (unsigned i = 0; i < most; i++) {
		p->iov[i] = (struct iovec){ p->slot[i] + ESP_HEADROOM, PACKET_MAX };
		p->msgs[i].msg_hdr = (struct msghdr){ .msg_name = &p->from[i],
		    .msg_namelen = sizeof(p->from[i]), .msg_iov = &p->iov[i], .msg_iovlen = 1,
		    .msg_control = &p->control[i], .msg_controllen = sizeof(p->control[i]) };
	}
	return recvmmsg(p->fd.socket[s], p->msgs, most, MSG_DONTWAIT, NULL);
}

void
esp_pump_socket(struct esp_pump *p, enum pump_socket s, struct mono now)
{
	unsigned most = p->came_in_runs ? RUNS : BATCH;
	int n = (int)most;

	p->came_in_runs = false;
	for (unsigned round = 0; round < ROUNDS && n == (int)most; round++) {
		n = receive(p, s, most);
		for (int i = 0; i < n; i++)
			take(p, s, now, (unsigned)i);
		tun_flush(p);
	}
	if (n <= 0 || ++p->turns[s] % ERRORS_EVERY == 0)
		errors_drain(p, s, now);
}

/* ---- setting up ---- */

static bool
on(int fd, int level, int option)
{
	int one = 1;

	return setsockopt(fd, level, option, &one, sizeof(one)) == 0;
}

static bool
prepare_socket(struct esp_pump *p, enum pump_socket s, struct str *error)
{
	int fd = p->fd.socket[s], size = BUFFER;
	int level = is_ip6(s) ? IPPROTO_IPV6 : IPPROTO_IP;
	struct sockaddr_storage name = { 0 };
	socklen_t n = sizeof(name);

	p->df[s] = -1;
	if (fd < 0)
		return true;
	if (!on(fd, level, is_ip6(s) ? IPV6_RECVPKTINFO : IP_PKTINFO) ||
	    !on(fd, level, is_ip6(s) ? IPV6_RECVTCLASS : IP_RECVTOS) ||
	    !on(fd, level, is_ip6(s) ? IPV6_RECVERR : IP_RECVERR) ||
	    getsockname(fd, (struct sockaddr *)&name, &n) < 0) {
		str_addf(error, "options of an ESP socket: %s", strerror(errno));
		return false;
	}
	/* Best effort: rights differ. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	p->port[s] = is_udp(s) ? from_sockaddr(&name).port : 0;
	return true;
}

static bool
prepare_tun(struct esp_pump *p, struct str *error)
{
	unsigned features = 0;
	int size = 0;

	if (p->fd.tun < 0)
		return true;
	/* Something else than a TUN device (a test's socket) has no header. */
	if (ioctl(p->fd.tun, TUNGETFEATURES, &features) < 0)
		return true;
	struct ifreq request = { 0 };
	if (ioctl(p->fd.tun, TUNGETIFF, &request) < 0) {
		str_addf(error, "TUN device: %s", strerror(errno));
		return false;
	}
	if ((request.ifr_flags & IFF_VNET_HDR) == 0)
		return true;
	if (ioctl(p->fd.tun, TUNGETVNETHDRSZ, &size) < 0 || size < 0 || size > VNET_HEADER_MAX) {
		str_add(error, "TUN device with an unknown packet header");
		return false;
	}
	p->vnet = (size_t)size;
	/* Best effort: without it every packet crosses the device by itself. */
	p->offload = p->vnet >= sizeof(struct virtio_net_hdr) &&
	    ioctl(p->fd.tun, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) == 0;
	return true;
}

struct esp_pump *
esp_pump_new(struct esp_plane *plane, const struct pump_fds *fds, struct str *error)
{
	struct esp_pump *p = calloc(1, sizeof(*p));
	bool ok = p != NULL;

	if (ok) {
		p->plane = plane;
		p->fd = *fds;
		p->segment = true;
		p->slots = malloc((size_t)(BATCH + 1) * SLOT);
		p->datagrams = calloc(BATCH, sizeof(*p->datagrams));
		p->control = calloc(BATCH, sizeof(*p->control));
		p->joined = calloc(BATCH, sizeof(*p->joined));
		ok = p->slots != NULL && p->datagrams != NULL && p->control != NULL &&
		    p->joined != NULL;
	}
	if (!ok)
		str_add(error, why_text(WHY_NO_MEMORY));
	for (size_t i = 0; ok && i <= BATCH; i++)
		p->slot[i] = p->slots + i * SLOT;
	for (enum pump_socket s = 0; s < PUMP_SOCKETS && ok; s++)
		ok = prepare_socket(p, s, error);
	ok = ok && prepare_tun(p, error);
	if (ok && p->fd.socket[PUMP_UDP4] >= 0 && p->vnet <= VNET_HEADER_RUN)
		p->runs[PUMP_UDP4] = on(p->fd.socket[PUMP_UDP4], IPPROTO_UDP, UDP_GRO);
	if (ok)
		return p;
	esp_pump_free(p);
	return NULL;
}

void
esp_pump_free(struct esp_pump *p)
{
	if (p == NULL)
		return;
	free(p->slots);
	free(p->datagrams);
	free(p->control);
	free(p->joined);
	free(p);
}

const struct pump_counts *
esp_pump_counts(const struct esp_pump *p)
{
	return &p->counts;
}
