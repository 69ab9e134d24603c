/*
 * isakmpd-sim [--seed N] [-v] FILE...
 * isakmpd-sim --random RUNS [--seed N] [--hosts H] [--hours T] [--shape star|mesh] [--certificates] [-v]
 *
 * Scenarios and random runs; exit status 1 if one fails, with what is needed
 * to repeat it.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/queue.h"
#include "sim/random.h"
#include "sim/scenario.h"

static int
usage(void)
{
	fputs("usage: isakmpd-sim [--seed N] [-v] FILE...\n"
	    "       isakmpd-sim --random RUNS [--seed N] [--hosts H] [--hours T]\n"
	    "                   [--shape star|mesh] [--certificates] [-v]\n", stderr);
	return 2;
}

static char *
read_file(const char *name)
{
	FILE *f = fopen(name, "r");
	char *text = NULL;
	size_t n = 0;

	if (f == NULL) {
		perror(name);
		return NULL;
	}
	for (;;) {
		text = sim_grow(text, n + 4097);
		size_t got = fread(text + n, 1, 4096, f);

		n += got;
		if (got == 0 || n > (1u << 20))
			break;
	}
	text[n] = '\0';
	fclose(f);
	return text;
}

static int
run_file(const char *name, uint64_t seed, bool verbose)
{
	char *text = read_file(name);

	if (text == NULL)
		return 1;
	struct scenario_result r = scenario_run(name, text, seed, verbose);
	free(text);
	if (r.ok)
		printf("ok %s\n", name);
	else
		printf("FAILED %s\nrepeat: isakmpd-sim --seed %" PRIu64 " -v %s\n", r.text, seed, name);
	return !r.ok;
}

static int
run_random(struct random_plan p, unsigned runs)
{
	for (unsigned i = 0; i < runs; i++, p.seed++) {
		struct random_result r = random_run(&p);

		printf("seed %" PRIu64 ": %s, %" PRIu64 " events, %" PRIu64 " datagrams, %" PRIu64
		    " phase 1, %" PRIu64 " phase 2\n", p.seed, r.ok ? "ok" : "FAILED", r.events,
		    r.datagrams, r.phase1, r.phase2);
		fflush(stdout);
		if (r.ok)
			continue;
		printf("%s\nrepeat: isakmpd-sim --random 1 --seed %" PRIu64 " --hosts %d --hours %g%s%s -v\n",
		    r.text, p.seed, p.hosts, (double)p.how_long.us / 3.6e9,
		    p.shape < 0 ? "" : p.shape == 1 ? " --shape mesh" : " --shape star",
		    p.certificates ? " --certificates" : "");
		return 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "random", required_argument, NULL, 'r' },
		{ "hosts", required_argument, NULL, 'n' },
		{ "hours", required_argument, NULL, 't' },
		{ "shape", required_argument, NULL, 'h' },
		{ "certificates", no_argument, NULL, 'c' },
		{ 0 }
	};
	struct random_plan p = { .seed = 1, .how_long = span_s(3600), .shape = -1 };
	unsigned runs = 0;
	int c, bad = 0;

	while ((c = getopt_long(argc, argv, "v", options, NULL)) != -1)
		switch (c) {
		case 's':
			p.seed = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			runs = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			p.hosts = atoi(optarg);
			break;
		case 't':
			p.how_long = (struct span){ (int64_t)(strtod(optarg, NULL) * 3.6e9) };
			break;
		case 'h':
			p.shape = strcmp(optarg, "mesh") == 0;
			break;
		case 'c':
			p.certificates = true;
			break;
		case 'v':
			p.verbose = true;
			break;
		default:
			return usage();
		}
	if (runs > 0)
		return run_random(p, runs);
	if (optind == argc || p.hosts < 0)
		return usage();
	for (int i = optind; i < argc; i++)
		bad |= run_file(argv[i], p.seed, p.verbose);
	return bad;
}
