/*
 * template: the isakmpd.conf of each simulated host, written from a few
 * options, so that a scenario says only what matters to it.
 */
#ifndef SIM_TEMPLATE_H
#define SIM_TEMPLATE_H

#include "sim/world.h"

enum { OPTION_TEXT = 120, OPTIONS_MAX = 48, LINES_MAX = 48 };

/* Options of one host.  Names and defaults: option_defaults in template.c. */
struct host_options {
	struct { char name[24], value[OPTION_TEXT]; } v[OPTIONS_MAX];
	size_t	n;
	/* Verbatim lines that win over the template: "[section]", "Tag=value". */
	struct { char section[64], line[160]; } line[LINES_MAX];
	size_t	n_lines;
};

enum topology { TOPOLOGY_MESH, TOPOLOGY_STAR };

struct plan {
	struct world		*w;
	enum topology		topology;	/* STAR: host 0 is the hub */
	struct host_options	*options;	/* by host index */
};

struct plan	plan_new(struct world *);	/* after all hosts were added */
void		plan_done(struct plan *);
/* False: no option of that name, or no room. */
bool		plan_set(struct plan *, int host, const char *name, const char *value);
bool		plan_line(struct plan *, int host, const char *section, const char *line);
const char	*plan_get(const struct plan *, int host, const char *name);
bool		plan_talks(const struct plan *, int a, int b);
/* The name of the k-th connection (from 1) of `host` with `peer`. */
void		plan_connection(const struct plan *, int host, int peer, unsigned k, struct str *);
unsigned	plan_connections(const struct plan *, int host, int peer);
/* The flow that this connection protects. */
struct flow	plan_flow(const struct plan *, int host, int peer, unsigned k);
/* The text; the caller frees it. */
char		*plan_text(const struct plan *, int host);
/* Writes and loads the text of every host (reloads those that run). */
bool		plan_configure(struct plan *);
bool		plan_configure_one(struct plan *, int host);
bool		plan_start(struct plan *);	/* and starts all that are down */

#endif
