/*
 * sniff - show what passes on an interface, in the words of IPsec.
 *
 *	sniff [-n count] [-oqx] [-t seconds] [-w file.pcap] interface
 *
 * Prints "ready" once it sees everything, then one line per IP packet, and at
 * its end (TERM, INT, after `count` ESP packets or `seconds`) a last line
 *	ike N esp N udp-esp N keepalive N clear N
 * `clear` counts what is neither IKE nor ESP nor the link's own housekeeping.
 * -o looks at packets sent only, -q prints clear packets only, -x adds the first octets of ESP packets, -w
 * keeps everything in a capture file of link type Ethernet.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_ESP = 50, IP_ICMP6 = 58 };

enum kind { IKE, ESP, UDP_ESP, KEEPALIVE, CLEAR, HOUSE, KINDS };

struct bytes {
	const uint8_t	*p;
	size_t		 n;
};

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "sniff: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint32_t
get(struct bytes b, size_t at, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | (at + i < b.n ? b.p[at + i] : 0);
	return v;
}

static struct bytes
from(struct bytes b, size_t at)
{
	return at >= b.n ? (struct bytes){ b.p, 0 } : (struct bytes){ b.p + at, b.n - at };
}

static const char *
exchange_name(uint32_t type)
{
	switch (type) {
	case 2: return "main mode";
	case 4: return "aggressive mode";
	case 5: return "informational";
	case 6: return "transaction";
	case 32: return "quick mode";
	}
	return "exchange?";
}

static void
say_esp(FILE *out, struct bytes b, const char *name, bool hex)
{
	fprintf(out, "%s spi 0x%08x seq %u, %zu octets", name, get(b, 0, 4), get(b, 4, 4), b.n);
	if (hex) {
		fprintf(out, " ");
		for (size_t i = 8; i < b.n && i < 24; i++)
			fprintf(out, "%s%02x", i % 4 ? "" : " ", b.p[i]);
		fprintf(out, " ...");
	}
}

static void
say_ike(FILE *out, struct bytes b)
{
	fprintf(out, "ISAKMP %s%s, message id %08x, %zu octets", exchange_name(get(b, 18, 1)),
	    get(b, 19, 1) & 1 ? ", encrypted" : "", get(b, 20, 4), b.n);
}

/* On port 4500 the marker and keep-alive of RFC 3948 apply. */
static enum kind
udp(FILE *out, struct bytes b, bool hex)
{
	uint32_t source = get(b, 0, 2), dest = get(b, 2, 2);
	struct bytes body = from(b, 8);

	if (source == 4500 || dest == 4500) {
		if (body.n == 1 && body.p[0] == 0xff) {
			fprintf(out, "NAT keep-alive");
			return KEEPALIVE;
		}
		if (body.n >= 4 && get(body, 0, 4) == 0) {
			say_ike(out, from(body, 4));
			fprintf(out, " (port 4500)");
			return IKE;
		}
		say_esp(out, body, "ESP in UDP", hex);
		return UDP_ESP;
	}
	if (source == 500 || dest == 500) {
		say_ike(out, body);
		return IKE;
	}
	fprintf(out, "UDP %u > %u, %zu octets", source, dest, body.n);
	return CLEAR;
}

/* An error about a protected packet shows nothing of what is inside. */
static enum kind
icmp_error(struct bytes quoted, size_t protocol_at, size_t header)
{
	struct bytes ports = from(quoted, header);
	uint32_t protocol = get(quoted, protocol_at, 1);
	uint32_t source = get(ports, 0, 2), dest = get(ports, 2, 2);

	if (protocol == IP_ESP)
		return HOUSE;
	if (protocol == IP_UDP && (source == 500 || source == 4500 || dest == 500 || dest == 4500))
		return HOUSE;
	return CLEAR;
}

static enum kind
transport(FILE *out, uint32_t protocol, struct bytes b, bool hex)
{
	switch (protocol) {
	case IP_ESP:
		say_esp(out, b, "ESP", hex);
		return ESP;
	case IP_UDP:
		return udp(out, b, hex);
	case IP_TCP:
		fprintf(out, "TCP %u > %u", get(b, 0, 2), get(b, 2, 2));
		return CLEAR;
	case IP_ICMP:
		fprintf(out, "ICMP type %u code %u", get(b, 0, 1), get(b, 1, 1));
		if (get(b, 0, 1) == 3 || get(b, 0, 1) == 11)
			return icmp_error(from(b, 8), 9, (get(b, 8, 1) & 15) * 4);
		return CLEAR;
	case IP_ICMP6: {
		uint32_t type = get(b, 0, 1);

		fprintf(out, "ICMPv6 type %u", type);
		if (type >= 1 && type <= 4)
			return icmp_error(from(b, 8), 6, 40);
		return type >= 130 && type <= 143 ? HOUSE : CLEAR;
	}
	}
	fprintf(out, "protocol %u", protocol);
	return protocol == 0 ? HOUSE : CLEAR;
}

static enum kind
packet(FILE *out, struct bytes b, bool hex)
{
	char source[INET6_ADDRSTRLEN], dest[INET6_ADDRSTRLEN];
	uint32_t type = get(b, 12, 2);
	struct bytes ip = from(b, 14);

	if (type == ETH_P_IP && ip.n >= 20) {
		size_t header = (get(ip, 0, 1) & 15) * 4, total = get(ip, 2, 2);

		inet_ntop(AF_INET, ip.p + 12, source, sizeof source);
		inet_ntop(AF_INET, ip.p + 16, dest, sizeof dest);
		fprintf(out, "%s > %s  ", source, dest);
		if (total < ip.n)
			ip.n = total;	/* without the padding of short frames */
		if ((get(ip, 6, 2) & 0x1fff) != 0) {
			fprintf(out, "fragment of protocol %u", get(ip, 9, 1));
			return get(ip, 9, 1) == IP_ESP || get(ip, 9, 1) == IP_UDP ? HOUSE : CLEAR;
		}
		return transport(out, get(ip, 9, 1), from(ip, header), hex);
	}
	if (type == ETH_P_IPV6 && ip.n >= 40) {
		size_t header = 40;
		uint32_t next = get(ip, 6, 1);

		inet_ntop(AF_INET6, ip.p + 8, source, sizeof source);
		inet_ntop(AF_INET6, ip.p + 24, dest, sizeof dest);
		fprintf(out, "%s > %s  ", source, dest);
		if (next == 0) {		/* hop-by-hop, as multicast reports have */
			next = get(ip, 40, 1);
			header += 8 + get(ip, 41, 1) * 8;
		}
		return transport(out, next, from(ip, header), hex);
	}
	fprintf(out, "type 0x%04x", type);
	return HOUSE;
}

static void
pcap_u32(FILE *f, uint32_t v)
{
	fwrite(&v, sizeof v, 1, f);
}

static FILE *
pcap_open(const char *name)
{
	FILE *f = fopen(name, "w");

	if (f == NULL)
		die(name);
	pcap_u32(f, 0xa1b2c3d4);
	pcap_u32(f, 0x00040002);	/* version 2.4 in two 16-bit fields */
	pcap_u32(f, 0);
	pcap_u32(f, 0);
	pcap_u32(f, 65535);
	pcap_u32(f, 1);			/* Ethernet */
	fflush(f);
	return f;
}

static void
pcap_add(FILE *f, struct bytes b)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	pcap_u32(f, (uint32_t)t.tv_sec);
	pcap_u32(f, (uint32_t)(t.tv_nsec / 1000));
	pcap_u32(f, (uint32_t)b.n);
	pcap_u32(f, (uint32_t)b.n);
	fwrite(b.p, 1, b.n, f);
	fflush(f);
}

static int
open_on(const char *interface)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int s = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), room = 8 << 20;

	if (s == -1)
		die("socket");
	ll.sll_ifindex = (int)if_nametoindex(interface);
	if (ll.sll_ifindex == 0)
		die(interface);
	/* Refused to the root of a user namespace: then the default must do. */
	if (setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) == -1)
		setsockopt(s, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	if (bind(s, (struct sockaddr *)&ll, sizeof ll) == -1)
		die("bind");
	return s;
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: sniff [-n count] [-oqx] [-t seconds] [-w file] interface\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	static uint8_t frame[65536 + 64];
	unsigned long count = 0, seen[KINDS] = { 0 };
	double limit = 0, start = seconds();
	bool sent_only = false, hex = false, quiet = false;
	FILE *pcap = NULL;
	int c;

	while ((c = getopt(argc, argv, "n:oqt:w:x")) != -1) {
		switch (c) {
		case 'n': count = strtoul(optarg, NULL, 10); break;
		case 'o': sent_only = true; break;
		case 'q': quiet = true; break;
		case 't': limit = strtod(optarg, NULL); break;
		case 'w': pcap = pcap_open(optarg); break;
		case 'x': hex = true; break;
		default: usage();
		}
	}
	if (optind + 1 != argc)
		usage();
	int s = open_on(argv[optind]);
	struct sigaction sa = { .sa_handler = on_signal };
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	static char line[512];	/* flushed at exit, after main has returned */
	FILE *out = quiet ? fmemopen(line, sizeof line, "w") : stdout;
	if (out == NULL)
		die("memory");

	bool drain = false;
	while (limit == 0 || seconds() - start < limit) {
		struct pollfd p = { .fd = s, .events = POLLIN };
		struct sockaddr_ll ll;
		socklen_t len = sizeof ll;

		/* What the socket holds already was seen before the signal. */
		drain = drain || stop;
		if (poll(&p, 1, drain ? 0 : 100) <= 0) {
			if (drain)
				break;
			continue;
		}
		ssize_t n = recvfrom(s, frame, sizeof frame, 0, (struct sockaddr *)&ll, &len);
		if (n <= 0 || (sent_only && ll.sll_pkttype != PACKET_OUTGOING))
			continue;
		struct bytes b = { frame, (size_t)n };
		if (pcap != NULL)
			pcap_add(pcap, b);
		if (quiet)
			rewind(out);
		enum kind kind = packet(out, b, hex);
		seen[kind]++;
		putc('\n', out);
		if (quiet && kind == CLEAR && fputc('\0', out) == 0 && fflush(out) == 0)
			fputs(line, stdout);
		if (count != 0 && seen[ESP] + seen[UDP_ESP] >= count)
			break;
	}
	printf("ike %lu esp %lu udp-esp %lu keepalive %lu clear %lu\n", seen[IKE], seen[ESP],
	    seen[UDP_ESP], seen[KEEPALIVE], seen[CLEAR]);
	if (pcap != NULL)
		fclose(pcap);
	return 0;
}
