/*
 * The model kernel of one simulated host: it records every SA and flow it is
 * asked for, may be told to refuse, expires SAs by itself and can answer what
 * would happen to a packet now.
 */
#ifndef SIM_KERNEL_H
#define SIM_KERNEL_H

#include "base/ask.h"
#include "base/time.h"

struct world;
struct host;

struct model_sa {
	struct sa_spec	spec;		/* keys included */
	uint8_t		parts;		/* enum sa_part held now */
	struct mono	half_since;	/* when it last held exactly one direction */
	uint64_t	in_order, out_order;	/* of installation, over the whole world */
	struct sa_usage	usage;
	struct mono	in_used, out_used;	/* MONO_NEVER: never */
};

struct model_larval {
	uint32_t	spi;
	struct mono	since;
};

struct kernel {
	struct model_sa		**sa;
	size_t			  n, cap;
	struct model_larval	 *larval;
	size_t			  n_larval, cap_larval;
	uint64_t		  installs, removals, asks;
	/* Refuse the n-th ask from now (1: the next) with this verb, 0: any verb. */
	uint32_t		  refuse_in;
	uint8_t			  refuse_verb;
	enum why		  refuse_why;
};

/* Answers one ask; *ret is complete except for verb and token. */
void	kernel_ask(struct world *, struct host *, const struct kern_ask *,
	    struct kern_answer *ret);
/* Forgets everything, as after a reboot. */
void	kernel_clear(struct kernel *);
void	kernel_done(struct kernel *);
/* The SA whose outgoing half a packet of this flow would use, or NULL. */
struct model_sa *kernel_out(const struct kernel *, const struct flow *);
struct model_sa *kernel_find_in(const struct kernel *, uint32_t spi);
struct model_sa *kernel_find_out(const struct kernel *, uint32_t spi);
/* True if a policy covers the flow, so that nothing leaves in clear. */
bool	kernel_covered(const struct kernel *, const struct flow *);
/* Carries one packet of n octets from host to host in the newest SA of the flow. */
bool	kernel_carry(struct world *, struct host *from, const struct flow *, uint32_t octets);
/* The other host tells its core of a packet of this flow that it has no SA for. */
void	kernel_stray(struct world *, struct host *from, const struct flow *);
size_t	kernel_count(const struct kernel *, uint8_t parts);	/* SAs that hold all these parts */
size_t	kernel_flows(const struct kernel *);

#endif
