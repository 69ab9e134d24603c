/*
 * espline: one end of a tunnel with fixed keys, made of the data plane and
 * its pump alone.  To measure it, and to look at it without IKE.
 *
 *	espline SIDE LOCAL REMOTE MODE CIPHER
 *		SIDE	a or b: which keys, and 10.1.0.0/24 or 10.2.0.0/24 inside
 *		MODE	udp or raw
 *		CIPHER	gcm, cbc, null
 *
 * Prints the name of its TUN device; addresses and routes are the caller's.
 * Ends on SIGTERM, or when standard input is closed, with its counters.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "esp/plane.h"
#include "esp/pump.h"
#include "os/net.h"

enum { PORT = 4500, SPI = 0x00010001 };

static volatile sig_atomic_t stopped;

static void
stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static void
die(const char *what)
{
	fprintf(stderr, "espline: %s\n", what);
	exit(1);
}

static struct mono
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct mono){ t.tv_sec * 1000000 + t.tv_nsec / 1000 };
}

static struct range
network(const char *first, const char *last)
{
	struct range r;

	if (!addr_parse(first, &r.first) || !addr_parse(last, &r.last))
		die("network");
	return r;
}

static struct sa_suite
suite(const char *name)
{
	struct sa_suite s = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_AES_GCM_16,
	    .mode = SA_TUNNEL, .key_bits = 128 };

	if (strcmp(name, "gcm") != 0) {
		s.cipher = strcmp(name, "cbc") == 0 ? ESP_AES : ESP_NULL;
		s.auth = AUTHALG_HMAC_SHA2_256;
	}
	if (s.cipher == ESP_NULL)
		s.key_bits = 0;
	return s;
}

static void
install(struct esp_plane *p, char **argv)
{
	bool a = argv[1][0] == 'a';
	struct sa_spec s = { .id = 1, .encap = strcmp(argv[4], "udp") == 0,
	    .suite = suite(argv[5]), .replay_window = 1024 };
	uint8_t key[2][128];
	struct sa_lengths l;
	STR(detail, 160);

	if (!addr_parse(argv[2], &s.local.addr) || !addr_parse(argv[3], &s.remote.addr))
		die("address");
	s.local.port = s.remote.port = s.encap ? PORT : 0;
	s.flow.local.net = network(a ? "10.1.0.0" : "10.2.0.0", a ? "10.1.0.255" : "10.2.0.255");
	s.flow.remote.net = network(a ? "10.2.0.0" : "10.1.0.0", a ? "10.2.0.255" : "10.1.0.255");
	memset(key[0], 1, sizeof(key[0]));
	memset(key[1], 2, sizeof(key[1]));
	s.in.spi = a ? SPI : SPI + 1;
	s.out.spi = a ? SPI + 1 : SPI;
	if (!sa_suite_lengths(&s.suite, &l) ||
	    !secret_set(&s.in.keymat, view_of(key[a], l.key + l.salt + l.auth)) ||
	    !secret_set(&s.out.keymat, view_of(key[!a], l.key + l.salt + l.auth)) ||
	    esp_plane_sa_add(p, now(), &s, SA_PART_IN, &detail) != WHY_NONE ||
	    esp_plane_sa_add(p, now(), &s, SA_PART_OUT, &detail) != WHY_NONE ||
	    esp_plane_flow_add(p, &s, &detail) != WHY_NONE)
		die(detail.p);
	sa_spec_done(&s);
}

static void
report(const struct esp_plane *p, const struct esp_pump *pump)
{
	const struct pump_counts *c = esp_pump_counts(pump);
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	fprintf(stderr, "espline: %llu sent, %llu received, %llu written, %llu lost, "
	    "%ld.%03ld s user, %ld.%03ld s system\n", (unsigned long long)c->sent,
	    (unsigned long long)c->received, (unsigned long long)c->written,
	    (unsigned long long)c->lost, (long)u.ru_utime.tv_sec, (long)u.ru_utime.tv_usec / 1000,
	    (long)u.ru_stime.tv_sec, (long)u.ru_stime.tv_usec / 1000);
	for (unsigned i = 0; i < WHY_MAX; i++)
		if (esp_plane_refused(p, (enum why)i) > 0)
			fprintf(stderr, "espline: %llu refused: %s\n",
			    (unsigned long long)esp_plane_refused(p, (enum why)i),
			    why_text((enum why)i));
}

static void
run(struct esp_pump *pump, const struct pump_fds *fds)
{
	struct pollfd f[PUMP_SOCKETS + 2] = { { .fd = fds->tun, .events = POLLIN },
	    { .fd = 0, .events = 0 } };

	for (int i = 0; i < PUMP_SOCKETS; i++)
		f[i + 2] = (struct pollfd){ .fd = fds->socket[i], .events = POLLIN };
	while (!stopped && (f[1].revents & POLLHUP) == 0) {
		if (poll(f, PUMP_SOCKETS + 2, -1) <= 0)
			continue;
		struct mono t = now();
		if (f[0].revents != 0)
			esp_pump_tun(pump, t);
		for (unsigned i = 0; i < PUMP_SOCKETS; i++)
			if (f[i + 2].revents != 0)
				esp_pump_socket(pump, (enum pump_socket)i, t);
	}
}

int
main(int argc, char **argv)
{
	struct pump_fds fds = { .socket = { -1, -1, -1, -1 } };
	struct esp_config config = { 0 };
	char name[16] = "";
	STR(error, 200);

	if (argc != 6)
		die("usage: espline a|b LOCAL REMOTE udp|raw gcm|cbc|null");
	bool six = strchr(argv[2], ':') != NULL, udp = strcmp(argv[4], "udp") == 0;
	enum family family = six ? FAMILY_IP6 : FAMILY_IP4;
	fds.tun = net_tun(name, &error);
	if (udp)
		fds.socket[six ? PUMP_UDP6 : PUMP_UDP4] = net_udp(family, PORT, false, &error);
	else
		fds.socket[six ? PUMP_RAW6 : PUMP_RAW4] = net_raw_esp(family, &error);
	struct esp_plane *plane = esp_plane_new(&config);
	struct esp_pump *pump = plane == NULL || error.len > 0 ? NULL :
	    esp_pump_new(plane, &fds, &error);
	if (pump == NULL)
		die(error.p);
	install(plane, argv);
	signal(SIGTERM, stop);
	printf("%s\n", name);
	fflush(stdout);
	run(pump, &fds);
	report(plane, pump);
	esp_pump_free(pump);
	esp_plane_free(plane);
	return 0;
}
