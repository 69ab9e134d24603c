/*
 * The command line as every role sees it.  Files are opened by the monitor
 * only; names are here for messages.
 */
#ifndef ROLE_OPTIONS_H
#define ROLE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { OPTION_PATH_MAX = 256, DEBUG_CLASSES = 11 };

struct options {
	bool		ip4, ip6;	/* families wanted; never both false */
	bool		acquire_only;	/* -a */
	bool		foreground;	/* -d */
	uint8_t		debug;		/* how often -d */
	bool		no_policy;	/* -K */
	bool		no_kernel;	/* -n */
	bool		shared_sadb;	/* Shared-SADB, as it was at the start */
	bool		nat_t;		/* false: -T */
	bool		passive;	/* -S */
	bool		verbose;	/* -v */
	bool		sandbox;	/* false: --no-sandbox */
	bool		strict;		/* --strict: --check minds warnings, too */
	bool		keylog;		/* --keylog: write a key file for tshark */
	bool		capture;	/* -L, -l */
	uint32_t	capture_kb;	/* size at which a capture stops */
	uint16_t	port, port_nat_t;
	uint8_t		level[DEBUG_CLASSES];	/* -D */
	char		config[OPTION_PATH_MAX];
	char		run_dir[OPTION_PATH_MAX];	/* of all files below but fifo */
	char		fifo[OPTION_PATH_MAX];	/* "-": standard input */
	char		pid[OPTION_PATH_MAX];
	char		report[OPTION_PATH_MAX];
	char		result[OPTION_PATH_MAX];
	char		keylog_file[OPTION_PATH_MAX];
	char		capture_file[OPTION_PATH_MAX];
	char		backend[OPTION_PATH_MAX];	/* Kernel-backend by name; "": the first that works */
	char		tun[OPTION_PATH_MAX];	/* name of the TUN device, set by the monitor; "": none */
};

#endif
