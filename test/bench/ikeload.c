/*
 * ikeload - an IKEv1 initiator as load: many source addresses, a window of
 * negotiations side by side, main mode with a pre-shared key or a certificate,
 * and quick mode.
 *
 *	ikeload -p PID -c 500 -t 5 192.0.2.1
 *
 * Every address of a range that the kernel holds as local is one initiator
 * (ip route add local 10.64.0.0/10 dev lo).  It prints one JSON object: how
 * many were done in which time, and what the process PID with its children
 * spent and holds.  Nothing of the daemon under test is assumed but the
 * protocol.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "crypto/dh_test.h"
#include "crypto/random.h"
#include "neg.h"
#include "watch.h"

enum { TRIES = 6, SOCKETS = 2, BATCH = 32, SOURCES_MOST = 200000,
	SPIN_MS = 50 };

/* One source address and what it is doing. */
struct slot {
	struct neg	*neg;		/* NULL: rests */
	double		started, resend_at;
	unsigned	sends;
};

struct load {
	struct neg_common	c;
	int			fd[SOCKETS];	/* 500, 4500 */
	uint32_t		first_source, first_inside;
	struct slot		*slot;
	unsigned		sources, next, window, running;
	bool			remove;		/* DELETE as soon as it is done */
	unsigned		most;		/* begin no more than these; 0: no bound */
	unsigned		begun, done, failed, resent;
	double			retry;		/* seconds until a message is sent again */
	double			pace;		/* per second; 0: as the window allows */
	double			*took;		/* of each that was done, up to TOOK_MAX */
};

enum { TOOK_MAX = 200000 };

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int
open_socket(uint16_t port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), on = 1, room = 8 << 20;

	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

/* ---- datagrams ---- */

static void
send_out(const struct load *l, const struct neg *n)
{
	uint32_t marker = 0;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(n->float_now ? 4500 : 500) };
	struct iovec iov[] = {
		{ &marker, n->float_now ? sizeof(marker) : 0 },
		{ (void *)(uintptr_t)n->out, n->out_n },
	};
	union { char room[CMSG_SPACE(sizeof(struct in_pktinfo))]; struct cmsghdr align; } control = { 0 };
	struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = iov, .msg_iovlen = 2,
	    .msg_control = control.room, .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct in_pktinfo info = { 0 };

	if (n->out_n == 0)
		return;
	memcpy(&to.sin_addr, l->c.responder.b, 4);
	memcpy(&info.ipi_spec_dst, n->source.b, 4);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	if (sendmsg(l->fd[n->float_now], &m, 0) < 0 && errno != EAGAIN && errno != ENOBUFS)
		die("sendmsg");
}

static struct addr
addr_at(uint32_t first, unsigned i)
{
	struct addr a = { .family = FAMILY_IP4 };
	uint32_t v = htonl(first + i);

	memcpy(a.b, &v, 4);
	return a;
}

static void
begin_one(struct load *l, unsigned i)
{
	struct slot *s = &l->slot[i];

	if (s->neg == NULL && (s->neg = calloc(1, sizeof(*s->neg))) == NULL)
		die("calloc");
	s->neg->source = addr_at(l->first_source, i);
	s->neg->inside = addr_at(l->first_inside, i);
	neg_start(&l->c, s->neg);
	s->started = now();
	s->resend_at = s->started + l->retry;
	s->sends = 1;
	l->begun++;
	l->running++;
	send_out(l, s->neg);
}

static void
end_one(struct load *l, struct slot *s)
{
	l->running--;
	free(s->neg);
	s->neg = NULL;
}

static void
finished(struct load *l, struct slot *s)
{
	if (l->took != NULL && l->done < TOOK_MAX)
		l->took[l->done] = now() - s->started;
	l->done++;
	if (l->remove)
		for (int isakmp = 0; isakmp < 2; isakmp++) {
			neg_delete(&l->c, s->neg, isakmp);
			send_out(l, s->neg);
		}
	end_one(l, s);
}

static void
take(struct load *l, const struct msghdr *m, bool float_port, struct view v)
{
	struct in_pktinfo info = { 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)m, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			memcpy(&info, CMSG_DATA(c), sizeof(info));
	uint32_t i = ntohl(info.ipi_addr.s_addr) - l->first_source;
	if (i >= l->sources || l->slot[i].neg == NULL)
		return;
	struct slot *s = &l->slot[i];
	if (float_port) {
		struct rd r = rd_of(v);

		if (rd_u32(&r) != 0 || r.bad)
			return;
		v = rd_rest(&r);
	}
	if (!neg_input(&l->c, s->neg, v))
		return;
	s->sends = 1;
	s->resend_at = now() + l->retry;
	send_out(l, s->neg);
	if (s->neg->state == NEG_DONE)
		finished(l, s);
}

static bool
receive(struct load *l, int which)
{
	static uint8_t room[BATCH][NEG_OUT_MAX];
	static union { char room[64]; struct cmsghdr align; } control[BATCH];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];

	for (size_t i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ room[i], sizeof(room[i]) };
		m[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1,
		    .msg_control = control[i].room, .msg_controllen = sizeof(control[i].room) } };
	}
	int n = recvmmsg(l->fd[which], m, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		take(l, &m[i].msg_hdr, which == 1, view_of(room[i], m[i].msg_len));
	return n > 0;
}

/* ---- the window ---- */

static void
resend_late(struct load *l, double t)
{
	for (unsigned i = 0; i < l->sources; i++) {
		struct slot *s = &l->slot[i];

		if (s->neg == NULL || t < s->resend_at)
			continue;
		if (s->sends++ >= TRIES) {
			l->failed++;
			end_one(l, s);
			continue;
		}
		l->resent++;
		s->resend_at = t + l->retry;
		send_out(l, s->neg);
	}
}

static void
fill_window(struct load *l, double since)
{
	unsigned looked = 0;
	double t = now();

	while (l->running < l->window && (l->most == 0 || l->begun < l->most) &&
	    looked++ < l->sources &&
	    (l->pace <= 0 || (double)l->begun < (t - since) * l->pace + 1)) {
		if (l->slot[l->next].neg == NULL)
			begin_one(l, l->next);
		l->next = (l->next + 1) % l->sources;
	}
}

/* Until `most` are done, or until the time is over: then the rest is left. */
static void
run(struct load *l, double seconds)
{
	double start = now(), late = start;
	struct pollfd p[SOCKETS] = { { l->fd[0], POLLIN, 0 }, { l->fd[1], POLLIN, 0 } };

	for (;;) {
		double t = now();

		if (seconds > 0 && t - start >= seconds)
			return;
		if (l->most > 0 && l->done + l->failed >= l->most)
			return;
		fill_window(l, start);
		if (t - late > 0.02) {
			late = t;
			resend_late(l, t);
		}
		(void)poll(p, SOCKETS, l->pace > 0 ? 1 : SPIN_MS);
		for (int i = 0; i < SOCKETS; i++)
			while (receive(l, i))
				;
	}
}

/* What began in the measured time may end; so that no half-open ones are left. */
static void
let_finish(struct load *l)
{
	double end = now() + 3;

	l->most = l->begun > 0 ? l->begun : 1;
	while (l->running > 0 && now() < end)
		run(l, 0.05);
}

/* ---- the report ---- */

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
share(struct load *l, unsigned n, double part)
{
	if (n > TOOK_MAX)
		n = TOOK_MAX;
	if (n == 0)
		return 0;
	qsort(l->took, n, sizeof(*l->took), compare);
	unsigned i = (unsigned)((double)n * part);
	return l->took[i < n ? i : n - 1] * 1e3;
}

static double
cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU microseconds for the key pair and the shared secret of one handshake. */
static double
key_work(const struct neg_common *c)
{
	double start = cpu_now(), t;
	unsigned n = 0;

	do {
		struct secret s = { 0 };
		struct dh *d;

		if (dh_new(c->group, &d) != WHY_NONE || dh_shared(d, dh_public(c->dh), &s) != WHY_NONE)
			die("key work");
		secret_done(&s);
		dh_free(d);
		n++;
	} while ((t = cpu_now() - start) < 0.5);
	return t * 1e6 / n;
}

static int
usage(void)
{
	fputs("usage: ikeload [-p PID] [-g GROUP] [-F] [-E] [-D] [-s SOURCES] [-c WINDOW] [-n COUNT]\n"
	    "               [-A rsa|ecdsa -K KEY.pem -C CERT.der -I NAME]\n"
	    "               [-t SECONDS] [-w WARM-UP] [-r PER-SECOND] [-o FIRST] [-R MS] [-k] RESPONDER\n"
	    "  -g 2, 14, 19, ...; -F with PFS; -E as behind a NAT; -D delete when done\n"
	    "  -R until a message is sent again; -o number of the first source; -k only measure the key work of a group\n"
	    "  -A authenticate by RSA, or ECDSA on P-256, as NAME\n", stderr);
	return 2;
}

static void
defaults(struct load *l)
{
	static const char psk[] = "a long secret of the load";
	struct addr net;

	l->c.psk = view_str(psk);
	l->c.group = GROUP_MODP_2048;
	l->c.auth = AUTH_PRE_SHARED;
	(void)!addr_parse("10.1.0.0", &net);
	l->c.behind = (struct range){ net, addr_last_of(&net, 24) };
	l->first_source = (10u << 24 | 64u << 16) + 1;
	l->first_inside = (10u << 24 | 128u << 16) + 1;
	l->sources = 100;
	l->window = 32;
	l->retry = 2;
}

/* A small file, which is kept. */
static struct view
file_read(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t room = 65536;
	uint8_t *p = malloc(room);

	if (f == NULL || p == NULL)
		die(path);
	size_t n = fread(p, 1, room, f);
	fclose(f);
	return view_of(p, n);
}

static void
read_key(struct load *l, const char *path)
{
	STR(why, 200);

	l->c.key = sign_key_read(file_read(path), &why);
	if (l->c.key == NULL) {
		fprintf(stderr, "ikeload: %s: %s\n", path, why.p);
		exit(2);
	}
}

static void
prepare(struct load *l)
{
	/* On a curve the multiplication costs the same for every scalar. */
	static const uint8_t tiny[1] = { 3 }, scalar[32] = { [31] = 3 };
	struct view x = l->c.group == GROUP_X25519 ? view_of(scalar, 32) : view_of(tiny, 1);

	if (dh_from_private(l->c.group, x, &l->c.dh) != WHY_NONE) {
		fputs("ikeload: no such group\n", stderr);
		exit(2);
	}
	random_bytes(l->c.nonce, sizeof(l->c.nonce));
}

int
main(int argc, char **argv)
{
	struct load l = { 0 };
	pid_t pid = 0;
	double seconds = 0, warm = 0;
	bool key_only = false, watch_only = false;
	uint32_t first = 0;
	int o;

	defaults(&l);
	while ((o = getopt(argc, argv, "p:g:FEDs:c:n:t:w:r:o:kmR:A:K:C:I:")) != -1)
		switch (o) {
		case 'p': pid = (pid_t)atoi(optarg); break;
		case 'g': l.c.group = (uint16_t)atoi(optarg); break;
		case 'F': l.c.pfs = true; break;
		case 'E': l.c.encap = true; break;
		case 'D': l.remove = true; break;
		case 's': l.sources = (unsigned)atoi(optarg); break;
		case 'c': l.window = (unsigned)atoi(optarg); break;
		case 'n': l.most = (unsigned)atoi(optarg); break;
		case 't': seconds = strtod(optarg, NULL); break;
		case 'w': warm = strtod(optarg, NULL); break;
		case 'r': l.pace = strtod(optarg, NULL); break;
		case 'o': first = (uint32_t)atoi(optarg); break;
		case 'R': l.retry = strtod(optarg, NULL) / 1e3; break;
		case 'k': key_only = true; break;
		case 'm': watch_only = true; break;
		case 'A': l.c.auth = strcmp(optarg, "rsa") == 0 ? AUTH_RSA_SIG : AUTH_ECDSA_256; break;
		case 'K': read_key(&l, optarg); break;
		case 'C': l.c.cert = file_read(optarg); break;
		case 'I': l.c.name = optarg; break;
		default: return usage();
		}
	if (watch_only) {
		struct watch w = watch_tree(pid);

		printf("{\"cpu\": %.4f, \"rss_kb\": %" PRIu64 ", \"pss_kb\": %" PRIu64
		    ", \"most_kb\": %" PRIu64 "}\n", w.cpu, w.rss_kb, w.pss_kb, w.most_kb);
		return w.processes == 0;
	}
	prepare(&l);
	if (key_only) {
		printf("{\"group\": %u, \"key_work_us\": %.1f}\n", l.c.group, key_work(&l.c));
		return 0;
	}
	if (optind + 1 != argc || !addr_parse(argv[optind], &l.c.responder) ||
	    l.sources == 0 || l.sources > SOURCES_MOST || (l.most == 0 && seconds <= 0) ||
	    (l.c.auth != AUTH_PRE_SHARED) != (l.c.key != NULL && l.c.cert.n > 0 && l.c.name != NULL))
		return usage();
	l.first_source += first;
	l.first_inside += first;
	l.slot = calloc(l.sources, sizeof(*l.slot));
	l.took = calloc(TOOK_MAX, sizeof(*l.took));
	if (l.slot == NULL || l.took == NULL)
		die("calloc");
	l.fd[0] = open_socket(500);
	l.fd[1] = open_socket(4500);
	if (warm > 0) {
		run(&l, warm);
		l.begun = l.running;
		l.done = l.failed = l.resent = 0;
	}
	struct watch before = watch_tree(pid);
	double start = now();
	run(&l, seconds);
	double took = now() - start;
	struct watch after = watch_tree(pid);
	unsigned done = l.done, failed = l.failed;
	double median = share(&l, done, 0.5), late = share(&l, done, 0.99);
	let_finish(&l);
	double cpu = after.cpu - before.cpu;
	printf("{\"done\": %u, \"failed\": %u, \"resent\": %u, \"seconds\": %.3f, \"rate\": %.1f, "
	    "\"cpu\": %.3f, \"per_cpu\": %.1f, \"us\": %.1f, \"median_ms\": %.2f, \"p99_ms\": %.2f, "
	    "\"rss_kb\": %" PRIu64 ", \"pss_kb\": %" PRIu64 ", \"pss_before_kb\": %" PRIu64 "}\n",
	    done, failed, l.resent, took, done / took, cpu, cpu > 0 ? done / cpu : 0,
	    done > 0 ? cpu * 1e6 / done : 0, median, late, after.rss_kb, after.pss_kb, before.pss_kb);
	dh_free(l.c.dh);
	free(l.slot);
	free(l.took);
	return done == 0;
}
