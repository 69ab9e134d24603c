/* isakmpd: the command line, and then the monitor or one role. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/version.h"
#include "ctl/fifo.h"
#include "role/check.h"
#include "role/monitor.h"
#include "role/role.h"

enum { CHANNEL_FD = 3 };
enum long_option { LONG_HELP = 256, LONG_VERSION, LONG_CHECK, LONG_STRICT, LONG_NO_SANDBOX, LONG_RUN_DIR,
	LONG_KEYLOG };

static const char usage[] =
"usage: isakmpd [-46adKLnSTv] [-c config-file] [-D class=level] [-f fifo] [-i pid-file]\n"
"               [-l packetlog-file] [-N udpencap-port] [-p listen-port] [-R report-file]\n"
"               [--check [--strict]] [--keylog[=file]] [--run-dir dir] [--help] [--version]\n";

static const char help[] =
"  -4, -6           IPv4 only, IPv6 only; both is the default\n"
"  -a               negotiate and install SAs, but no flows\n"
"  -c file          configuration (/etc/isakmpd/isakmpd.conf)\n"
"  -d               stay in the foreground, log to standard error\n"
"  -D class=level   debug level of a class 0..10, or A for all; may be repeated\n"
"  -f path          command FIFO (isakmpd.fifo in the run directory), - for standard input\n"
"  -i path          PID file (isakmpd.pid in the run directory)\n"
"  -K               no KeyNote policy (needed: this version has no policy checking)\n"
"  -L               capture packets in clear (isakmpd.pcap in the run directory)\n"
"  -l path          the same, to that file in the run directory\n"
"  -n               touch no kernel: negotiate only\n"
"  -N port          port of NAT traversal, ours and the peers' (4500)\n"
"  -p port          IKE port, ours and the peers' (500)\n"
"  -R path          report written on SIGUSR1 (isakmpd.report in the run directory)\n"
"  -S               start passive, send no DELETEs at the end\n"
"  -T               no NAT traversal\n"
"  -v               tell of every negotiation that is done\n"
"  --check          read the configuration, print problems as file:line:column, and end:\n"
"                   0 usable, 1 warnings and --strict, 2 errors or not readable\n"
"  --strict         with --check: warnings count\n"
"  -h, --help       this text\n"
"  --keylog[=file]  write session keys for protocol analysers (isakmpd.keys in the run\n"
"                   directory): for debugging only\n"
"  --run-dir dir    directory of PID, report, result and key file, and FIFO (/var/run)\n"
"  --no-sandbox     leave all processes their rights: for debugging only\n";

/* What the command line says, before defaults are filled in. */
struct command {
	struct options	 o;
	const char	*run_dir, *config, *fifo, *pid, *report, *keylog, *capture;
	bool		 ip4, ip6, check;
};

static void
refuse(const char *text)
{
	fprintf(stderr, "isakmpd: %s\n", text);
	exit(1);
}

static void
path_too_long(const char *path)
{
	fprintf(stderr, "isakmpd: %s: path too long\n", path);
	exit(1);
}

/* Numbers as C writes them, or the name of a UDP service. */
static uint16_t
parse_port(const char *text, uint16_t standard)
{
	char *end;

	if (text[0] < '0' || text[0] > '9') {
		struct servent *s = getservbyname(text, "udp");
		if (s != NULL)
			return ntohs((uint16_t)s->s_port);
		fprintf(stderr, "text2port: service \"%s\" unknown\n", text);
		exit(1);
	}
	errno = 0;
	unsigned long n = strtoul(text, &end, 0);
	if (errno != 0 || *end != '\0' || n < 1 || n > 65535) {
		fprintf(stderr, "text2port: port %s out of range\n", text);
		exit(1);
	}
	/* Other low ports belong to other services. */
	if (n < 1024 && n != standard && n != 500) {
		fprintf(stderr, "isakmpd: Disallowed port %lu: 500, or 1024 and above\n", n);
		exit(1);
	}
	return (uint16_t)n;
}

static void
parse_debug(struct options *o, const char *text)
{
	static struct fifo_command c;
	STR(error, 256);

	if (!fifo_debug_option(text, &c, &error))
		refuse(error.p);
	for (int i = 0; i < DEBUG_CLASSES; i++)
		if (c.verb == FIFO_DEBUG_ALL || c.class == i)
			o->level[i] = (uint8_t)(c.level > 255 ? 255 : c.level < 0 ? 0 : c.level);
}

static void
parse_letter(struct command *c, int letter)
{
	switch (letter) {
	case '4':
		c->ip4 = true;
		break;
	case '6':
		c->ip6 = true;
		break;
	case 'a':
		c->o.acquire_only = true;
		break;
	case 'c':
		c->config = optarg;
		break;
	case 'd':
		c->o.foreground = true;
		c->o.debug++;
		break;
	case 'D':
		parse_debug(&c->o, optarg);
		break;
	case 'f':
		c->fifo = optarg;
		break;
	case 'i':
		c->pid = optarg;
		break;
	case 'K':
		c->o.no_policy = true;
		break;
	case 'L':
		c->o.capture = true;
		break;
	case 'l':
		c->o.capture = true;
		c->capture = optarg;
		break;
	case 'n':
		c->o.no_kernel = true;
		break;
	case 'N':
		c->o.port_nat_t = parse_port(optarg, 4500);
		break;
	case 'p':
		c->o.port = parse_port(optarg, 500);
		break;
	case 'R':
		c->report = optarg;
		break;
	case 'S':
		c->o.passive = true;
		break;
	case 'T':
		c->o.nat_t = false;
		break;
	case 'v':
		c->o.verbose = true;
		break;
	case LONG_STRICT:
		c->o.strict = true;
		break;
	case LONG_CHECK:
		c->check = true;
		break;
	case LONG_KEYLOG:
		c->o.keylog = true;
		c->keylog = optarg;
		break;
	case LONG_NO_SANDBOX:
		c->o.sandbox = false;
		break;
	case LONG_RUN_DIR:
		c->run_dir = optarg;
		break;
	case 'h':
	case LONG_HELP:
		printf("%s%s", usage, help);
		exit(0);
	case LONG_VERSION:
		printf("isakmpd %s\n", VERSION);
		exit(0);
	default:
		fputs(usage, stderr);
		exit(1);
	}
}

/* The daemon changes to /, so names must not depend on where it was started. */
static void
set_path(char *ret, const char *path)
{
	char cwd[OPTION_PATH_MAX];
	struct str s = str_of(ret, OPTION_PATH_MAX);

	if (path[0] != '/' && strcmp(path, "-") != 0) {
		if (getcwd(cwd, sizeof(cwd)) == NULL)
			path_too_long(path);
		str_addf(&s, "%s/", cwd);
	}
	str_add(&s, path);
	if (s.cut)
		path_too_long(path);
}

static void
set_run_path(const struct options *o, char *ret, const char *given, const char *name)
{
	struct str s = str_of(ret, OPTION_PATH_MAX);

	if (given != NULL) {
		set_path(ret, given);
		return;
	}
	str_addf(&s, "%s/%s", o->run_dir, name);
	if (s.cut)
		path_too_long(o->run_dir);
}

static void
parse(int argc, char **argv, struct command *c)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, LONG_HELP },
		{ "version", no_argument, NULL, LONG_VERSION },
		{ "check", no_argument, NULL, LONG_CHECK },
		{ "strict", no_argument, NULL, LONG_STRICT },
		{ "keylog", optional_argument, NULL, LONG_KEYLOG },
		{ "no-sandbox", no_argument, NULL, LONG_NO_SANDBOX },
		{ "run-dir", required_argument, NULL, LONG_RUN_DIR },
		{ NULL, 0, NULL, 0 },
	};
	int letter;

	c->o = (struct options){ .nat_t = true, .sandbox = true, .port = 500, .port_nat_t = 4500,
	    .capture_kb = 65536 };
	while ((letter = getopt_long(argc, argv, "46ac:dD:f:hi:KnN:p:Ll:R:STv", longs, NULL)) != -1)
		parse_letter(c, letter);
	if (optind != argc) {
		fputs(usage, stderr);
		exit(1);
	}
	if (c->o.strict && !c->check)
		refuse("--strict goes with --check");
	struct options *o = &c->o;
	o->ip4 = c->ip4 || !c->ip6;
	o->ip6 = c->ip6 || !c->ip4;
	if (o->nat_t && o->port == o->port_nat_t)
		refuse("-p and -N must differ");
	set_path(o->run_dir, c->run_dir == NULL ? "/var/run" : c->run_dir);
	set_path(o->config, c->config == NULL ? "/etc/isakmpd/isakmpd.conf" : c->config);
	set_run_path(o, o->fifo, c->fifo, "isakmpd.fifo");
	set_run_path(o, o->pid, c->pid, "isakmpd.pid");
	set_run_path(o, o->report, c->report, "isakmpd.report");
	set_run_path(o, o->result, NULL, "isakmpd.result");
	set_run_path(o, o->capture_file, c->capture, "isakmpd.pcap");
	set_run_path(o, o->keylog_file, c->keylog, "isakmpd.keys");
}

/* Nothing inherited but standard descriptors, and those must be there. */
static void
tidy_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd < 0 || close_range(3, ~0U, 0) < 0)
		refuse("cannot set up descriptors");
}

int
main(int argc, char **argv)
{
	static struct command c;

	/* How the monitor starts a role. */
	if (argc == 3 && strcmp(argv[1], "--role") == 0) {
		enum role r = role_of_name(argv[2]);
		if (r == ROLE_MONITOR || r == ROLE_MAX || fcntl(CHANNEL_FD, F_GETFD) < 0)
			refuse("--role is for the daemon itself");
		return role_run(r, CHANNEL_FD);
	}
	tidy_descriptors();
	parse(argc, argv, &c);
	if (c.check)
		return role_check(&c.o);
	return role_prepare(&c.o) ? monitor_run(&c.o) : 1;
}
