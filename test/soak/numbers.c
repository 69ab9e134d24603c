/*
 * numbers - numbered packets between hosts, all the time, for the soak.
 *
 *	numbers [-p port] [-r per-second] [-o status] address...
 *
 * Sends to every address and listens to all of them, until it is ended.
 * Five times a second the status file has one line for each address:
 *
 *	ADDRESS sent N received N twice N recent N gap MS top N
 *
 * `twice` counts packets that came again, `recent` those of the last second,
 * `gap` is the longest silence since USR1 came or the start, the present one included,
 * `top` the highest number that came: where none is lost it grows as `received` does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/rd.h"
#include "base/wr.h"

enum { PEERS_MAX = 8, WINDOW = 65536, LEAST = 16, MOST = 1200, SLOTS = 10 };

struct peer {
	const char		*name;
	struct sockaddr_in	 to;
	uint32_t		 next;
	uint64_t		 sent, received, twice;
	uint32_t		 run, top;	/* the sender's, and its highest number */
	uint8_t			 seen[WINDOW / 8];
	uint64_t		 last, gap;	/* microseconds */
	unsigned		 slot[SLOTS];	/* arrivals by tenth of a second */
	uint64_t		 slot_no;
};

struct numbers {
	int		fd;
	struct peer	peer[PEERS_MAX];
	size_t		n_peers;
	uint32_t	run;
	const char	*status;
};

static volatile sig_atomic_t restarted;

static void
on_usr1(int sig)
{
	(void)sig;
	restarted = 1;
}

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "numbers: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
send_next(struct numbers *s, struct peer *p)
{
	uint8_t room[MOST] = { 0 };
	struct wr w = wr_of(room, sizeof(room));
	size_t n = LEAST + (size_t)p->next * 37 % (MOST - LEAST);

	wr_u32(&w, s->run);
	wr_u32(&w, p->next++);
	/* Refused while there is no tunnel: that is what it is to be. */
	if (sendto(s->fd, room, n, 0, (struct sockaddr *)&p->to, sizeof(p->to)) >= 0)
		p->sent++;
}

static void
slot_turn(struct peer *p, uint64_t now)
{
	uint64_t no = now / 100000;

	for (unsigned i = 0; i < SLOTS && p->slot_no < no; i++)
		p->slot[++p->slot_no % SLOTS] = 0;
	p->slot_no = no;
}

static void
silence(struct peer *p, uint64_t now)
{
	if (now - p->last > p->gap)
		p->gap = now - p->last;
}

static bool
number_is_new(struct peer *p, uint32_t run, uint32_t number)
{
	if (run != p->run) {
		p->run = run;
		p->top = 0;
		memset(p->seen, 0, sizeof(p->seen));
	}
	if (number + WINDOW <= p->top)
		return true;
	for (; p->top < number; p->top++)
		p->seen[(p->top + 1) % WINDOW / 8] &= (uint8_t)~(1u << (p->top + 1) % 8);
	uint8_t *octet = &p->seen[number % WINDOW / 8], bit = (uint8_t)(1u << number % 8);
	bool is_new = (*octet & bit) == 0;
	*octet |= bit;
	return is_new;
}

static void
take(struct numbers *s)
{
	uint8_t room[MOST];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(s->fd, room, sizeof(room), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

	if (n < LEAST)
		return;
	struct rd r = rd_of(view_of(room, (size_t)n));
	uint32_t run = rd_u32(&r);
	uint32_t number = rd_u32(&r);
	for (size_t i = 0; i < s->n_peers; i++) {
		struct peer *p = &s->peer[i];
		uint64_t now = now_us();

		if (p->to.sin_addr.s_addr != from.sin_addr.s_addr)
			continue;
		silence(p, now);
		p->last = now;
		p->received++;
		slot_turn(p, now);
		p->slot[p->slot_no % SLOTS]++;
		if (!number_is_new(p, run, number)) {
			p->twice++;
			printf("twice: %u from %s\n", number, p->name);
		}
	}
}

static void
write_status(struct numbers *s)
{
	char other[512];
	uint64_t now = now_us();

	(void)snprintf(other, sizeof(other), "%s.new", s->status);
	FILE *f = fopen(other, "w");
	if (f == NULL)
		die(other);
	for (size_t i = 0; i < s->n_peers; i++) {
		struct peer *p = &s->peer[i];
		unsigned recent = 0;

		if (restarted)
			p->gap = 0;
		silence(p, now);
		slot_turn(p, now);
		for (unsigned j = 0; j < SLOTS; j++)
			recent += p->slot[j];
		fprintf(f, "%s sent %" PRIu64 " received %" PRIu64 " twice %" PRIu64 " recent %u gap %" PRIu64
		    " top %" PRIu32 "\n", p->name, p->sent, p->received, p->twice, recent, p->gap / 1000,
		    p->top);
	}
	restarted = 0;
	if (fclose(f) != 0 || rename(other, s->status) != 0)
		die(s->status);
}

static _Noreturn void
run(struct numbers *s, double rate)
{
	uint64_t step = (uint64_t)(1e6 / rate), due = now_us(), told = 0;

	for (;;) {
		uint64_t now = now_us();
		struct pollfd p = { .fd = s->fd, .events = POLLIN };

		for (; due <= now; due += step)
			for (size_t i = 0; i < s->n_peers; i++)
				send_next(s, &s->peer[i]);
		if (poll(&p, 1, (int)((due - now) / 1000 + 1)) > 0)
			take(s);
		if (s->status != NULL && now - told > 200000) {
			told = now;
			write_status(s);
		}
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in me = { .sin_family = AF_INET };
	struct numbers s = { .run = (uint32_t)now_us() };
	struct sigaction sa = { .sa_handler = on_usr1 };
	uint16_t port = 5002;
	double rate = 20;
	int o;

	while ((o = getopt(argc, argv, "o:p:r:")) != -1)
		switch (o) {
		case 'o': s.status = optarg; break;
		case 'p': port = (uint16_t)strtoul(optarg, NULL, 10); break;
		case 'r': rate = strtod(optarg, NULL); break;
		default: return 2;
		}
	if (optind == argc || argc - optind > PEERS_MAX || rate <= 0) {
		fputs("usage: numbers [-p port] [-r per-second] [-o status] address...\n", stderr);
		return 2;
	}
	me.sin_port = htons(port);
	if ((s.fd = socket(AF_INET, SOCK_DGRAM, 0)) < 0 ||
	    bind(s.fd, (struct sockaddr *)&me, sizeof(me)) < 0)
		die("socket");
	for (; optind < argc; optind++) {
		struct peer *p = &s.peer[s.n_peers++];

		*p = (struct peer){ .name = argv[optind], .to = me, .next = 1, .last = now_us() };
		if (inet_pton(AF_INET, p->name, &p->to.sin_addr) != 1)
			die(p->name);
	}
	sigaction(SIGUSR1, &sa, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	run(&s, rate);
}
