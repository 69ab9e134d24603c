/*
 * weather - a switch in bad weather, for the soak with real daemons.
 *
 *	weather [-s seed] [-o status] interface...
 *
 * Carries Ethernet frames between its interfaces, as a switch does, and loses,
 * copies and delays some of them.  It reads orders from standard input, one a line:
 *
 *	loss N copy N late N delay N	chances in thousand; delay is at most N ms
 *	cut NAME | join NAME		one interface of the switch, or `all`
 *	open NAME | shut NAME		clear text from there is expected, and counted as `open`
 *
 * Everything that enters the switch is looked at, also what is then lost: what is neither
 * IKE nor ESP nor the link's own housekeeping is printed as `clear ...`, and an
 * ESP sequence number that its sender has used before under the same SPI as
 * `again ...`: with a counter mode that would give the traffic away.
 * The counts go to the status file five times a second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/rd.h"

enum {
	PORTS_MAX = 8, MACS_MAX = 64, HELD_MAX = 4096, FRAME_MAX = 65536 + 64,
	SPIS_MAX = 4096, WINDOW = 4096,
	IP_ICMP = 1, IP_UDP = 17, IP_ESP = 50, IP_ICMP6 = 58,
	IKE_PORT = 500, NAT_T_PORT = 4500
};

struct port {
	const char	*name;
	int		 fd;
	bool		 cut, open;
};

struct held {			/* a frame on its way */
	uint64_t	 due;	/* microseconds */
	struct held	*next;
	int		 from;
	size_t		 n;
	uint8_t		 frame[];
};

struct spi {			/* which numbers one SA has used */
	uint32_t	to, spi, top;
	uint64_t	used[WINDOW / 64];
};

struct counts {
	uint64_t	frames, lost, copied, late, ike, esp, udp_esp, house, clear, open, again;
};

struct weather {
	struct port	port[PORTS_MAX];
	int		n_ports;
	struct { uint8_t mac[ETH_ALEN]; int port; } mac[MACS_MAX];
	size_t		n_macs;
	struct held	*held;
	size_t		n_held;
	struct spi	*spi;
	size_t		n_spis;
	uint64_t	random;
	unsigned	loss, copy, late, delay;
	struct counts	c;
};

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "weather: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t
draw(struct weather *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return below == 0 ? 0 : (w->random >> 11) % below;
}

static bool
chance(struct weather *w, unsigned permille)
{
	return draw(w, 1000) < permille;
}

/* ---- what is it? ---- */

static struct spi *
spi_find(struct weather *w, uint32_t to, uint32_t number)
{
	size_t have = w->n_spis < SPIS_MAX ? w->n_spis : SPIS_MAX;

	/* The youngest are wanted most. */
	for (size_t i = 0; i < have; i++) {
		struct spi *s = &w->spi[(w->n_spis - 1 - i) % SPIS_MAX];

		if (s->to == to && s->spi == number)
			return s;
	}
	struct spi *s = &w->spi[w->n_spis++ % SPIS_MAX];
	*s = (struct spi){ .to = to, .spi = number };
	return s;
}

/* RFC 4303, section 2.2: a number is used once under one SA. */
static bool
number_is_new(struct spi *s, uint32_t number)
{
	if (number + WINDOW <= s->top)
		return true;	/* too long ago to tell */
	for (; s->top < number && number - s->top <= WINDOW; s->top++)
		s->used[(s->top + 1) % WINDOW / 64] &= ~(UINT64_C(1) << (s->top + 1) % 64);
	if (number > s->top) {
		memset(s->used, 0, sizeof(s->used));
		s->top = number;
	}
	uint64_t *word = &s->used[number % WINDOW / 64], bit = UINT64_C(1) << number % 64;
	bool is_new = (*word & bit) == 0;
	*word |= bit;
	return is_new;
}

static void
see_esp(struct weather *w, uint32_t to, struct rd r)
{
	uint32_t spi = rd_u32(&r);
	uint32_t number = rd_u32(&r);

	if (r.bad || number_is_new(spi_find(w, to, spi), number))
		return;
	w->c.again++;
	printf("again: to %08x, SPI 0x%08x, number %u\n", to, spi, number);
}

enum kind { HOUSE, IKE, ESP, UDP_ESP, CLEAR };

static bool
is_ours(uint16_t source, uint16_t dest)
{
	return source == IKE_PORT || source == NAT_T_PORT || dest == IKE_PORT || dest == NAT_T_PORT;
}

static enum kind
kind_udp(struct weather *w, uint32_t to, struct rd r)
{
	uint16_t source = rd_u16(&r);
	uint16_t dest = rd_u16(&r);

	(void)rd_take(&r, 4);
	if (r.bad || !is_ours(source, dest))
		return CLEAR;
	if (source != NAT_T_PORT && dest != NAT_T_PORT)
		return IKE;
	struct rd body = r;
	uint32_t marker = rd_u32(&body);	/* RFC 3948, section 2.2 */
	if (body.bad || marker == 0)
		return IKE;
	see_esp(w, to, r);
	return UDP_ESP;
}

/* An error about a protected packet shows nothing of what is inside. */
static enum kind
kind_icmp(struct rd r)
{
	uint8_t type = rd_u8(&r);

	(void)rd_take(&r, 7);
	uint8_t ihl = rd_u8(&r) & 15;
	(void)rd_take(&r, 8);
	uint8_t protocol = rd_u8(&r);
	(void)rd_take(&r, ihl < 5 ? 10 : ihl * 4u - 10);
	if (r.bad || (type != 3 && type != 11))
		return CLEAR;
	if (protocol == IP_ESP)
		return HOUSE;
	uint16_t source = rd_u16(&r);
	uint16_t dest = rd_u16(&r);
	return protocol == IP_UDP && is_ours(source, dest) ? HOUSE : CLEAR;
}

static enum kind
kind_ip(struct weather *w, struct rd r)
{
	uint8_t ihl = rd_u8(&r) & 15;

	(void)rd_u8(&r);
	uint16_t total = rd_u16(&r);
	(void)rd_u16(&r);
	uint16_t fragment = rd_u16(&r) & 0x1fff;
	(void)rd_u8(&r);
	uint8_t protocol = rd_u8(&r);
	(void)rd_take(&r, 6);
	uint32_t to = rd_u32(&r);
	if (r.bad || ihl < 5 || total < ihl * 4)
		return CLEAR;
	(void)rd_take(&r, ihl * 4u - 20);
	struct rd body = rd_sub(&r, total - ihl * 4u);
	if (fragment != 0)
		return protocol == IP_ESP || protocol == IP_UDP ? HOUSE : CLEAR;
	switch (protocol) {
	case IP_ESP:
		see_esp(w, to, body);
		return ESP;
	case IP_UDP:
		return kind_udp(w, to, body);
	case IP_ICMP:
		return kind_icmp(body);
	}
	return CLEAR;
}

/* Neighbours are asked for and groups joined (RFC 4861, 2710) on any link. */
static enum kind
kind_ip6(struct rd r)
{
	(void)rd_take(&r, 6);
	uint8_t next = rd_u8(&r);
	(void)rd_take(&r, 33);
	if (next == 0) {	/* hop by hop */
		next = rd_u8(&r);
		uint8_t more = rd_u8(&r);
		(void)rd_take(&r, 6 + more * 8u);
	}
	uint8_t type = rd_u8(&r);
	return !r.bad && next == IP_ICMP6 && type >= 130 && type <= 143 ? HOUSE : CLEAR;
}

static void
print_frame(struct view v)
{
	printf("clear:");
	for (size_t i = 0; i < v.n && i < 64; i++)
		printf("%s%02x", i % 4 == 2 ? " " : "", v.p[i]);
	printf(" (%zu)\n", v.n);
}

static void
see(struct weather *w, struct view frame, bool expected)
{
	struct rd r = rd_of(frame);
	enum kind kind = HOUSE;

	(void)rd_take(&r, 2u * ETH_ALEN);
	uint16_t type = rd_u16(&r);
	if (type == ETH_P_IP)
		kind = kind_ip(w, r);
	if (type == ETH_P_IPV6)
		kind = kind_ip6(r);
	switch (kind) {
	case HOUSE: w->c.house++; break;
	case IKE: w->c.ike++; break;
	case ESP: w->c.esp++; break;
	case UDP_ESP: w->c.udp_esp++; break;
	case CLEAR:
		if (expected) {
			w->c.open++;
			break;
		}
		w->c.clear++;
		print_frame(frame);
	}
}

/* ---- carrying ---- */

static int
port_of(struct weather *w, const uint8_t *mac)
{
	for (size_t i = 0; i < w->n_macs; i++)
		if (memcmp(w->mac[i].mac, mac, ETH_ALEN) == 0)
			return w->mac[i].port;
	return -1;
}

static void
learn(struct weather *w, const uint8_t *mac, int port)
{
	if (port_of(w, mac) >= 0 || w->n_macs == MACS_MAX)
		return;
	memcpy(w->mac[w->n_macs].mac, mac, ETH_ALEN);
	w->mac[w->n_macs++].port = port;
}

/* With the header that says which checksum the kernel has left open. */
static void
deliver(struct weather *w, const struct held *h)
{
	int to = port_of(w, h->frame + sizeof(struct virtio_net_hdr));

	for (int i = 0; i < w->n_ports; i++)
		if (i != h->from && (to < 0 || to == i) && !w->port[i].cut && !w->port[h->from].cut &&
		    write(w->port[i].fd, h->frame, h->n) < 0)
			w->c.lost++;
}

static void
hold(struct weather *w, int from, struct view frame)
{
	struct held **at = &w->held, *h;
	uint64_t wait = draw(w, (uint64_t)w->delay * 1000 + 1);

	if (chance(w, w->late)) {
		w->c.late++;
		wait += 50000 + draw(w, 400000);
	}
	h = w->n_held >= HELD_MAX ? NULL : malloc(sizeof(*h) + frame.n);
	if (h == NULL) {
		w->c.lost++;
		return;
	}
	*h = (struct held){ .due = now_us() + wait, .from = from, .n = frame.n };
	memcpy(h->frame, frame.p, frame.n);
	while (*at != NULL && (*at)->due <= h->due)
		at = &(*at)->next;
	h->next = *at;
	*at = h;
	w->n_held++;
}

static void
release(struct weather *w)
{
	uint64_t now = now_us();

	for (struct held *h; (h = w->held) != NULL && h->due <= now;) {
		deliver(w, h);
		w->held = h->next;
		w->n_held--;
		free(h);
	}
}

static void
take(struct weather *w, int from)
{
	static uint8_t room[FRAME_MAX];
	struct sockaddr_ll ll;
	socklen_t len = sizeof(ll);
	ssize_t n = recvfrom(w->port[from].fd, room, sizeof(room), 0, (struct sockaddr *)&ll, &len);
	const size_t front = sizeof(struct virtio_net_hdr);

	if (n < (ssize_t)(front + ETH_HLEN) || ll.sll_pkttype == PACKET_OUTGOING)
		return;
	struct view frame = view_of(room, (size_t)n);
	see(w, view_of(room + front, (size_t)n - front), w->port[from].open);
	learn(w, room + front + ETH_ALEN, from);
	w->c.frames++;
	if (chance(w, w->loss)) {
		w->c.lost++;
		return;
	}
	hold(w, from, frame);
	if (chance(w, w->copy)) {
		w->c.copied++;
		hold(w, from, frame);
	}
}

/* ---- orders and status ---- */

static void
obey_port(struct weather *w, const char *what, const char *name)
{
	for (int i = 0; i < w->n_ports; i++) {
		struct port *p = &w->port[i];

		if (strcmp(name, "all") != 0 && strcmp(name, p->name) != 0)
			continue;
		if (strcmp(what, "cut") == 0 || strcmp(what, "join") == 0)
			p->cut = what[0] == 'c';
		if (strcmp(what, "open") == 0 || strcmp(what, "shut") == 0)
			p->open = what[0] == 'o';
	}
}

static void
obey(struct weather *w, char *line)
{
	char *save = NULL, *key, *value;

	for (; (key = strtok_r(line, " \n", &save)) != NULL; line = NULL) {
		if ((value = strtok_r(NULL, " \n", &save)) == NULL)
			return;
		unsigned n = (unsigned)strtoul(value, NULL, 10);
		if (strcmp(key, "loss") == 0)
			w->loss = n;
		else if (strcmp(key, "copy") == 0)
			w->copy = n;
		else if (strcmp(key, "late") == 0)
			w->late = n;
		else if (strcmp(key, "delay") == 0)
			w->delay = n;
		else
			obey_port(w, key, value);
	}
}

static void
read_orders(struct weather *w)
{
	char line[256];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (n <= 0)
		exit(0);	/* who gives the orders is gone */
	line[n] = '\0';
	obey(w, line);
}

static void
write_status(const struct weather *w, const char *name)
{
	const struct counts *c = &w->c;
	char other[512];

	(void)snprintf(other, sizeof(other), "%s.new", name);
	FILE *f = fopen(other, "w");
	if (f == NULL)
		die(other);
	fprintf(f, "frames %" PRIu64 " lost %" PRIu64 " copied %" PRIu64 " late %" PRIu64 " ike %" PRIu64
	    " esp %" PRIu64 " udp-esp %" PRIu64 " house %" PRIu64 " clear %" PRIu64 " open %" PRIu64
	    " again %" PRIu64 "\n", c->frames, c->lost, c->copied, c->late, c->ike, c->esp, c->udp_esp, c->house, c->clear, c->open,
	    c->again);
	if (fclose(f) != 0 || rename(other, name) != 0)
		die(name);
}

static int
open_on(const char *interface)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL)), on = 1, room = 8 << 20;

	if (fd == -1)
		die("socket");
	ll.sll_ifindex = (int)if_nametoindex(interface);
	if (ll.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&ll, sizeof(ll)) == -1)
		die(interface);
	struct packet_mreq all = { .mr_ifindex = ll.sll_ifindex, .mr_type = PACKET_MR_PROMISC };
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) == -1 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) == -1)
		die("setsockopt");
	/* Refused to the root of a user namespace: then the default must do. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) == -1)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

static int
until_next(const struct weather *w)
{
	uint64_t now = now_us();

	if (w->held == NULL)
		return 100;
	if (w->held->due <= now)
		return 0;
	return w->held->due - now > 100000 ? 100 : (int)((w->held->due - now) / 1000 + 1);
}

static _Noreturn void
run(struct weather *w, const char *status)
{
	uint64_t told = 0;

	for (;;) {
		struct pollfd p[PORTS_MAX + 1] = { { .fd = STDIN_FILENO, .events = POLLIN } };

		for (int i = 0; i < w->n_ports; i++)
			p[i + 1] = (struct pollfd){ .fd = w->port[i].fd, .events = POLLIN };
		if (poll(p, (nfds_t)w->n_ports + 1, until_next(w)) < 0 && errno != EINTR)
			die("poll");
		for (int i = 0; i < w->n_ports; i++)
			if (p[i + 1].revents != 0)
				take(w, i);
		if (p[0].revents != 0)
			read_orders(w);
		release(w);
		if (status != NULL && now_us() - told > 200000) {
			told = now_us();
			write_status(w, status);
		}
	}
}

int
main(int argc, char **argv)
{
	struct weather w = { .random = 88172645463325252u };
	const char *status = NULL;
	int o;

	while ((o = getopt(argc, argv, "o:s:")) != -1)
		switch (o) {
		case 'o': status = optarg; break;
		case 's': w.random ^= strtoull(optarg, NULL, 10) * 0x9e3779b97f4a7c15u; break;
		default: goto usage;
		}
	if (optind == argc || argc - optind > PORTS_MAX)
		goto usage;
	w.random |= 1;
	if ((w.spi = calloc(SPIS_MAX, sizeof(*w.spi))) == NULL)
		die("memory");
	for (; optind < argc; optind++)
		w.port[w.n_ports++] = (struct port){ .name = argv[optind], .fd = open_on(argv[optind]) };
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	run(&w, status);
usage:
	fputs("usage: weather [-s seed] [-o status] interface...\n", stderr);
	return 2;
}
