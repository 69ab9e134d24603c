/*
 * flood - first messages of IKE and garbage from sources that are not ours.
 *
 *	flood -k first -r 100000 -t 10 192.0.2.1
 *
 * Kinds: `first` are good first messages, each from another source and with
 * another cookie; `same` the same from few sources; `known` the same from the sources
 * that -s names: peers of the one that is flooded, as far as it can see; `garbage` is a
 * good header with random octets behind it; `noise` is random octets; `mixed` all in turn.
 * Other sources are drawn from 172.16.0.0/12.  Needs a raw socket.  Prints what was sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "crypto/random.h"
#include "neg.h"

enum { BATCH = 64, IP_N = 20, UDP_N = 8, PACKET_MAX = 1024, FEW = 16 };
enum { SOURCES_MAX = 64 };
enum kind { FIRST, SAME, GARBAGE, NOISE, KNOWN, KINDS };

/* Addresses that may be forged as those of known peers. */
struct sources {
	uint32_t	v[SOURCES_MAX];
	size_t		n;
};

struct packet {
	uint8_t	room[PACKET_MAX];
	size_t	n;
};

static uint64_t state = 88172645463325252u;

/* xorshift64: fast, and good enough for noise. */
static uint64_t
draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* IPv4 and UDP without checksum, which IPv4 allows; the kernel makes the header's. */
static void
wrap(struct packet *p, uint32_t source, struct in_addr to, const void *body, size_t n)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
	    .saddr = htonl(source), .daddr = to.s_addr };
	struct udphdr udp = { .uh_sport = htons(500), .uh_dport = htons(500),
	    .uh_ulen = htons((uint16_t)(UDP_N + n)) };

	memcpy(p->room, &ip, IP_N);
	memcpy(p->room + IP_N, &udp, UDP_N);
	memcpy(p->room + IP_N + UDP_N, body, n);
	p->n = IP_N + UDP_N + n;
}

static void
random_fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)draw();
}

static void
make(struct packet *p, enum kind kind, const struct sources *known, const struct neg *first,
    struct in_addr to)
{
	uint8_t body[512];
	uint32_t source = (172u << 24 | 16u << 16) + (uint32_t)(draw() & 0xfffff);
	size_t n = first->out_n;

	memcpy(body, first->out, n);
	random_fill(body, COOKIE_LEN);
	if (kind == SAME)
		source = (172u << 24 | 16u << 16) + (uint32_t)(draw() % FEW);
	if (kind == KNOWN)
		source = known->v[draw() % known->n];
	if (kind == GARBAGE)
		random_fill(body + HEADER_LEN, n - HEADER_LEN);
	if (kind == NOISE) {
		n = 1 + draw() % 400;
		random_fill(body, n);
	}
	wrap(p, source, to, body, n);
}

static enum kind
kind_named(const char *name)
{
	static const char *const names[] = { "first", "same", "garbage", "noise", "known", "mixed" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum kind)i;
	fprintf(stderr, "flood: no kind %s\n", name);
	exit(2);
}

/* What is next in turn; `known` only where there are such sources. */
static enum kind
kind_next(enum kind kind, const struct sources *known)
{
	static unsigned turn;

	return kind != KINDS ? kind : (enum kind)(turn++ % (known->n > 0 ? KINDS : KNOWN));
}

static unsigned
send_batch(int fd, struct in_addr to, enum kind kind, const struct sources *known,
    const struct neg *first)
{
	static struct packet packet[BATCH];
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = to };
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];

	for (size_t i = 0; i < BATCH; i++) {
		make(&packet[i], kind_next(kind, known), known, first, to);
		iov[i] = (struct iovec){ packet[i].room, packet[i].n };
		m[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &sin, .msg_namelen = sizeof(sin),
		    .msg_iov = &iov[i], .msg_iovlen = 1 } };
	}
	int n = sendmmsg(fd, m, BATCH, 0);
	if (n < 0 && errno != ENOBUFS && errno != EAGAIN) {
		perror("flood: sendmmsg");
		exit(1);
	}
	return n < 0 ? 0 : (unsigned)n;
}

/* "ADDRESS" or "ADDRESS+N": so many from there on. */
static bool
sources_add(struct sources *s, char *arg)
{
	char *plus = strchr(arg, '+');
	unsigned long n = plus == NULL ? 1 : strtoul(plus + 1, NULL, 10);
	struct in_addr a;

	if (plus != NULL)
		*plus = '\0';
	if (inet_pton(AF_INET, arg, &a) != 1 || n > SOURCES_MAX - s->n)
		return false;
	for (unsigned long i = 0; i < n; i++)
		s->v[s->n++] = ntohl(a.s_addr) + (uint32_t)i;
	return true;
}

int
main(int argc, char **argv)
{
	enum kind kind = KINDS;
	struct sources known = { 0 };
	double rate = 100000, seconds = 5;
	struct neg_common c = { .group = GROUP_MODP_2048, .encap = true };
	struct neg first = { 0 };
	struct in_addr to;
	unsigned long sent = 0;
	int o;

	while ((o = getopt(argc, argv, "k:r:s:t:")) != -1)
		switch (o) {
		case 'k': kind = kind_named(optarg); break;
		case 'r': rate = strtod(optarg, NULL); break;
		case 's':
			if (!sources_add(&known, optarg))
				goto usage;
			break;
		case 't': seconds = strtod(optarg, NULL); break;
		default: goto usage;
		}
	if (optind + 1 != argc || inet_pton(AF_INET, argv[optind], &to) != 1 ||
	    (kind == KNOWN && known.n == 0))
		goto usage;
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0) {
		perror("flood: socket");
		return 1;
	}
	random_bytes(&state, sizeof(state));
	state |= 1;
	neg_start(&c, &first);
	double start = now(), t;
	while ((t = now() - start) < seconds) {
		if ((double)sent < t * rate)
			sent += send_batch(fd, to, kind, &known, &first);
		else
			usleep(200);
	}
	printf("{\"sent\": %lu, \"seconds\": %.2f, \"rate\": %.0f}\n", sent, t, (double)sent / t);
	return 0;
usage:
	fputs("usage: flood [-k KIND] [-r PER-SECOND] [-s SOURCE[+N]]... [-t SECONDS] ADDRESS\n",
	    stderr);
	return 2;
}
