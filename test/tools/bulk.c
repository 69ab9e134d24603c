/*
 * bulk - send octets over TCP and prove that they arrived.
 *
 *	bulk [-t seconds] recv address port
 *	bulk [-t seconds] send address port octets
 *
 * The sender announces a length in eight octets, then sends that much of a
 * pseudo-random stream.  The receiver answers with the number of octets it
 * got and their checksum.  Both print one line and exit 0 only if the two
 * agree.  -t is the limit for the whole run, 30 seconds unless given.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

/* FNV-1a over 64-bit words: quick, and any lost, doubled or moved octet shows. */
struct sum {
	uint64_t	value;
	uint8_t		rest[8];
	size_t		n;
};

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "bulk: %s: %s\n", what, strerror(errno));
	exit(1);
}

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: bulk [-t seconds] recv address port\n"
	    "       bulk [-t seconds] send address port octets\n");
	exit(2);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
sum_add(struct sum *s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		s->rest[s->n++] = p[i];
		if (s->n == sizeof s->rest) {
			uint64_t word;

			memcpy(&word, s->rest, sizeof word);
			s->value = (s->value ^ word) * 1099511628211u;
			s->n = 0;
		}
	}
}

static uint64_t
sum_end(struct sum *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->value = (s->value ^ s->rest[i]) * 1099511628211u;
	s->n = 0;
	return s->value;
}

/* xorshift64*: a stream without repeats that no compression could shrink. */
static void
fill(uint64_t *state, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		*state ^= *state >> 12;
		*state ^= *state << 25;
		*state ^= *state >> 27;
		uint64_t word = *state * 2685821657736338717u;
		memcpy(p + i, &word, n - i < 8 ? n - i : 8);
	}
}

static void
write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

		if (w == -1 && errno == EINTR)
			continue;
		if (w <= 0)
			die("send");
		p += w;
		n -= (size_t)w;
	}
}

/* False at the end of the stream. */
static bool
read_all(int fd, uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t r = recv(fd, p, n, 0);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			die("receive");
		if (r == 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

static void
put64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static struct addrinfo *
address_of(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *ret;
	int e = getaddrinfo(host, port, &hints, &ret);

	if (e != 0) {
		fprintf(stderr, "bulk: %s port %s: %s\n", host, port, gai_strerror(e));
		exit(2);
	}
	return ret;
}

static void
report(const char *verb, uint64_t octets, uint64_t sum, double seconds)
{
	printf("%s %llu octets in %.2f s, %.1f Mbit/s, checksum %016llx\n", verb,
	    (unsigned long long)octets, seconds,
	    seconds > 0 ? (double)octets * 8 / seconds / 1e6 : 0.0,
	    (unsigned long long)sum);
	fflush(stdout);
}

static int
receive(const struct addrinfo *a)
{
	static uint8_t buf[CHUNK];
	int s = socket(a->ai_family, a->ai_socktype, 0), on = 1;

	if (s == -1)
		die("socket");
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(s, a->ai_addr, a->ai_addrlen) == -1)
		die("bind");
	if (listen(s, 1) == -1)
		die("listen");
	puts("listening");
	fflush(stdout);
	int fd = accept(s, NULL, NULL);
	if (fd == -1)
		die("accept");

	uint8_t header[16];
	if (!read_all(fd, header, 8))
		die("no length came");
	uint64_t want = get64(header), got = 0;
	struct sum sum = { .value = 14695981039346656037u };
	double start = now();
	while (got < want) {
		size_t room = want - got < sizeof buf ? (size_t)(want - got) : sizeof buf;
		ssize_t r = recv(fd, buf, room, 0);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			die("receive");
		if (r == 0)
			break;
		sum_add(&sum, buf, (size_t)r);
		got += (uint64_t)r;
	}
	double seconds = now() - start;
	uint64_t value = sum_end(&sum);
	put64(header, got);
	put64(header + 8, value);
	write_all(fd, header, sizeof header);
	close(fd);
	report("received", got, value, seconds);
	return got == want ? 0 : 1;
}

/* The receiver may still be starting: refused is not final within the limit. */
static int
connected(const struct addrinfo *a)
{
	for (;;) {
		int fd = socket(a->ai_family, a->ai_socktype, 0);

		if (fd == -1)
			die("socket");
		if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			return fd;
		if (errno != ECONNREFUSED)
			die("connect");
		close(fd);
		poll(NULL, 0, 50);
	}
}

static int
transmit(const struct addrinfo *a, uint64_t octets)
{
	static uint8_t buf[CHUNK];
	uint8_t header[16];
	uint64_t state = 0x9e3779b97f4a7c15u;
	struct sum sum = { .value = 14695981039346656037u };
	int fd = connected(a);
	double start = now();

	put64(header, octets);
	write_all(fd, header, 8);
	for (uint64_t left = octets; left > 0;) {
		size_t n = left < sizeof buf ? (size_t)left : sizeof buf;

		fill(&state, buf, n);
		sum_add(&sum, buf, n);
		write_all(fd, buf, n);
		left -= n;
	}
	uint64_t value = sum_end(&sum);
	if (!read_all(fd, header, sizeof header)) {
		fprintf(stderr, "bulk: the receiver closed without an answer\n");
		return 1;
	}
	report("sent", octets, value, now() - start);
	if (get64(header) != octets || get64(header + 8) != value) {
		fprintf(stderr, "bulk: the receiver got %llu octets, checksum %016llx\n",
		    (unsigned long long)get64(header),
		    (unsigned long long)get64(header + 8));
		return 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	unsigned limit = 30;
	int c;

	while ((c = getopt(argc, argv, "t:")) != -1) {
		if (c != 't')
			usage();
		limit = (unsigned)strtoul(optarg, NULL, 10);
	}
	argc -= optind;
	argv += optind;
	alarm(limit);		/* its default action ends us with a status */
	bool receiver = argc == 3 && strcmp(argv[0], "recv") == 0;
	if (!receiver && !(argc == 4 && strcmp(argv[0], "send") == 0))
		usage();
	struct addrinfo *a = address_of(argv[1], argv[2]);
	int status = receiver ? receive(a) : transmit(a, strtoull(argv[3], NULL, 10));
	freeaddrinfo(a);
	return status;
}
