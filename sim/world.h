/*
 * The simulated world: a virtual clock, a network, and hosts that each run a
 * real core, real key state and a model kernel.  Everything that happens is
 * an event; a run is determined by its seed and its script.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "ike/core.h"
#include "sim/kernel.h"
#include "sim/prng.h"
#include "sim/queue.h"

struct keys_side;
struct pki;
struct trust_side;

enum {
	SPI_FIRST = 0x10000000, SPI_STEP = 16,
	HOST_NAME_MAX_SIM = 32,
	FAILURES_KEPT = 64,
	NOBODY = -1
};

/* ---- network ---- */

enum fate {
	FATE_DEFAULT,		/* let the link decide */
	FATE_PASS,
	FATE_LOSE,
	FATE_DOUBLE
};

/* A datagram on its way; path is as the sender of the moment wrote it. */
struct datagram {
	struct sim_event	e;
	int		from;		/* host; NOBODY: made by the script */
	struct path	path;		/* local: source, remote: destination */
	size_t		n;
	uint8_t		*bytes;
};

enum fault_kind { FAULT_LOSE = 1, FAULT_DOUBLE, FAULT_DELAY, FAULT_FLIP };

/* A fault for the nth datagrams of a link, counted from the moment of its making. */
struct fault {
	uint8_t		kind;
	uint32_t	from_nth, to_nth;	/* 1 is the first; inclusive */
	struct span	delay;
	uint32_t	bit;			/* FLIP: which one, modulo the size */
};

enum { FAULTS_MAX = 16 };

struct link {
	struct span	delay, jitter;
	unsigned	loss, dup, reorder, flip;	/* permille */
	bool		cut;
	uint32_t	carried;		/* datagrams so far */
	uint32_t	fault_base[FAULTS_MAX];
	struct fault	fault[FAULTS_MAX];
	size_t		n_faults;
};

struct mapping {
	struct endpoint	inside;
	uint16_t	outside;		/* port of the box's public address */
	uint16_t	for_port;		/* destination port it was made for */
	struct mono	last;
};

struct nat {
	char		name[HOST_NAME_MAX_SIM];
	struct addr	public4;
	struct span	expiry;
	struct mapping	*map;
	size_t		n, cap;
	uint16_t	next_port;
};

/* ---- hosts ---- */

struct probe_state {		/* packets of one flow from this host to a peer */
	struct flow	flow;
	int		peer;
	bool		fine;		/* they arrive, and from now on always must */
	struct mono	not_before;	/* after a disturbance: when `fine` may begin again */
};

/* Octets each way of a source that has not yet echoed our cookie (R25). */
struct stranger {
	struct addr	source;
	uint8_t		icookie[8], rcookie[8];	/* icookie zero: all of the source together */
	bool		ours;		/* we sent first */
	bool		echoed;
	uint64_t	in, out, answers, questions;
};

struct rate {			/* datagrams to one address */
	struct addr	to;
	int64_t		second, minute;
	uint32_t	in_second, in_minute;
};

struct host {
	int		 index;
	char		 name[HOST_NAME_MAX_SIM];
	struct world	*world;
	struct addr	 addr4, addr6;
	int		 nat;			/* index of the box in front, or NOBODY */
	bool		 up;
	uint32_t	 life;			/* counts starts; old events do not reach a new life */
	uint32_t	 kern_life, keys_life, trust_life;	/* the same for the roles */
	struct core	*core;
	struct keys_side *keys;
	struct trust_side *trust;	/* NULL: the role has died and is not back */
	struct kernel	 kernel;
	char		*text;			/* isakmpd.conf */
	struct core_options options;
	struct prng	 random;
	struct mono	 tick_at, keys_free_at, kern_free_at, trust_free_at;
	uint32_t	 ticks_now;		/* without time moving */

	uint64_t	 sent, received, sent_octets, received_octets;
	struct failure	 failure[FAILURES_KEPT];
	uint32_t	 n_failures;		/* all; the last FAILURES_KEPT are kept */
	bool		 done;			/* ACT_DONE came */
	uint32_t	 keylog_lines, log_lines, captures;

	/* invariants.c */
	struct addr	*authenticated;		/* remotes with an authenticated ISAKMP SA once */
	size_t		 n_authenticated;
	struct probe_state *probe;
	size_t		 n_probes;
	struct stranger	*stranger;
	size_t		 n_strangers, next_stranger;
	struct rate	*rate;
	size_t		 n_rates;
	bool		 dirty;			/* its core was called */
	bool		 kernel_dirty;		/* an SA or flow came or went */
};

struct hooks {
	void		*self;
	/* Sees each datagram as it leaves and may change it or add to its delay. */
	enum fate	(*datagram)(void *self, struct world *, struct datagram *, struct span *delay);
	/* Around every call of a core. */
	void		(*enter)(void *self, struct host *);
	void		(*leave)(void *self, struct host *);
	/* After every event. */
	void		(*after)(void *self, struct world *);
	/* What a core wants done, and what it is told of keys, before it happens. */
	void		(*act)(void *self, struct host *, const struct act *);
	void		(*keys)(void *self, struct host *, const struct keys_answer *);
};

struct world {
	struct mono	 now;
	uint64_t	 seed;
	struct prng	 chance;
	struct queue	 queue;
	struct host	**host;
	int		 n_hosts;
	struct link	 plain;			/* every link that nobody touched */
	struct link	**link;			/* n_hosts x n_hosts, made when touched */
	struct nat	*nat;
	int		 n_nats;
	struct pki	*pki;			/* what certificates there are */
	uint64_t	 orders;		/* of SA installations */
	struct hooks	 hooks;
	bool		 verbose;
	bool		 check;			/* invariants are checked */
	struct mono	 swept;			/* when every host was last checked */
	int		 *spi_host;		/* whose incoming SPI: by its running number */
	size_t		 n_spis, cap_spis;
	bool		 path_faults;		/* random faults are on: failures may be theirs */
	bool		 stormy;		/* so many that tunnels may break */
	uint32_t	 sends_per_second, sends_per_minute;	/* bounds per destination */
	struct span	 larval_most, half_most;
	struct span	 settle;		/* after a disturbance tunnels may be broken so long */
	uint64_t	 events, datagrams;
	char		 violation[512];	/* the first broken invariant, or "" */
};

struct world	*world_new(uint64_t seed);
void		 world_free(struct world *);
/* A host that is not yet started; its text is set by host_configure. */
struct host	*world_add(struct world *, const char *name);
struct host	*world_find(struct world *, const char *name);
/* A fresh SPI for this host, unique in the world and never reused, and whose it is. */
uint32_t	 world_spi(struct world *, int host);
int		 world_spi_host(const struct world *, uint32_t spi);
/* Runs events up to and including `until`; false once an invariant broke. */
bool		 world_run(struct world *, struct mono until);
/* As world_run, but stops early as soon as `until` holds; true if it came to hold. */
bool		 world_run_until(struct world *, bool (*holds)(void *self, struct world *),
		    void *self, struct mono limit);
void		 world_fail(struct world *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void		 world_trace(struct world *, const struct host *, const char *fmt, ...)
		    PRINTF_LIKE(3, 4);
static inline bool world_ok(const struct world *w) { return w->violation[0] == '\0'; }

/* ---- host.c ---- */
/* Takes a copy of the text; reports problems to stderr and returns false.
 * A running host gets it as a reload. */
bool	host_configure(struct host *, const char *text);
bool	host_start(struct host *);
void	host_kill(struct host *);		/* as by SIGKILL and a reboot */
void	host_free(struct host *);
void	host_input(struct host *, const struct path *, struct view);
void	host_role_restart(struct host *, bool keys, bool kern);
/* trust ends, and is back a little later. */
void	host_trust_dies(struct host *);
void	host_kern_event(struct host *, const struct kern_event *);
/* Around a call of the core that the script makes itself; after host_after
 * the effects are carried out and the clock is armed. */
void	host_before(struct host *);
void	host_after(struct host *);
const struct failure *host_failure(const struct host *, enum why);	/* the newest, or NULL */
uint32_t host_failures(const struct host *, enum why);

/* ---- net.c ---- */
struct link	*net_link(struct world *, int from, int to);	/* to change it */
const struct link *net_link_look(const struct world *, int from, int to);
void		 net_fault(struct world *, int from, int to, struct fault);
int		 net_nat(struct world *, const char *name, const struct addr *public4,
		    struct span expiry);
void		 net_nat_rebind(struct world *, int nat);
/* Puts a datagram on the wire; takes a copy. */
void		 net_send(struct world *, int from, const struct path *, struct view);
/* Who would get what `from` sends to this endpoint, or NOBODY; ports 0: any. */
int		 net_reach(const struct world *, int from, const struct endpoint *);
int		 net_owner(const struct world *, const struct addr *);

/* ---- keys.c ---- */
struct keys_side *keys_side_new(void);
void		 keys_side_free(struct keys_side *);
/* Tells it the pre-shared keys of the text. */
bool		 keys_side_configure(struct keys_side *, const char *text);
/* False: no answer is due (KEYS_DROP). */
bool		 keys_side_ask(struct keys_side *, const struct keys_ask *, struct keys_answer *ret);

size_t		 keys_side_count(const struct keys_side *);	/* live tokens */

/* ---- trust.c ---- */
/* From the certificates that the text names: "#trust ca|cert|crl NAME[+NAME...]". */
struct trust_side *trust_side_new(const struct world *, const char *text, const struct snapshot *);
void		 trust_side_free(struct trust_side *);
void		 trust_side_ask(struct world *, struct trust_side *, const struct trust_ask *,
		    struct trust_answer *ret);
/* What peers are to be asked for. */
void		 trust_side_tell(struct trust_side *, struct core *);
/* How many of ca, certs and crls together. */
size_t		 trust_side_count(const struct trust_side *);

/* Seconds since 1970 by the virtual clock. */
enum { WORLD_BEGAN = 2051222400 };	/* 2035-01-01 00:00:00Z */
static inline int64_t
world_date(const struct world *w)
{
	return WORLD_BEGAN + (w->now.us - 1000000) / 1000000;
}

/* ---- config.c ---- */
/* NULL with the problems on stderr (unless quiet). */
struct snapshot	*config_snapshot(const char *text, bool quiet);

/* ---- invariants.c ---- */
void	invariants_sent(struct host *, const struct path *, struct view);
void	invariants_received(struct host *, const struct path *, struct view);
/* Before and after the kernel takes an SA. */
void	invariants_install(struct host *, const struct sa_spec *, uint8_t parts);
void	invariants_installed(struct host *, const struct model_sa *);
/* What changed since the last call; everything every few virtual seconds. */
void	invariants_check(struct world *);
void	invariants_sweep(struct world *);
void	invariants_host_gone(struct host *);
/* Tunnels of this host (with that peer; NOBODY: all) may break now. */
void	invariants_disturb(struct host *, int peer);
/* Nothing half-made is left anywhere: for the end of a run. */
bool	invariants_quiet(struct world *);

#endif
