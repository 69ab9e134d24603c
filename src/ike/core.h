/*
 * The IKE core: a function of (state, input, now, random octets).  It reads
 * no clock, opens no socket, calls no host.  Inputs come in as calls; what it
 * wants done comes out of core_act as values.
 *
 * All pointers handed in are borrowed for the call, except a snapshot, of
 * which the core takes a reference.
 */
#ifndef IKE_CORE_H
#define IKE_CORE_H

#include "base/addr.h"
#include "base/ask.h"
#include "base/trust_ask.h"
#include "base/time.h"
#include "base/why.h"
#include "conf/snapshot.h"

struct core;

/* Given once, when the core is made. */
struct core_env {
	void	*self;
	void	(*random)(void *self, void *buf, size_t n);
	/* The local address from which packets to `remote` leave; false: no route. */
	bool	(*source)(void *self, const struct addr *remote, struct addr *ret);
	/* Whether this machine has that address now; NULL: it has every one. */
	bool	(*has_address)(void *self, const struct addr *);
};

struct core_options {
	uint16_t	port, port_nat_t;	/* ours, and assumed of peers: 500, 4500 */
	bool		nat_t;			/* false: -T */
	bool		start_passive;		/* -S */
	bool		keylog;			/* make ACT_KEYLOG lines */
};

struct core	*core_new(const struct core_env *, const struct core_options *);
void		 core_free(struct core *);

/* ---- inputs ---- */

/* A new configuration.  Untouched connections keep their SAs (design section 7). */
void	core_configure(struct core *, struct mono now, struct snapshot *);
/* Before it, when a file was read anew: what `c` and `t` said counts no more. */
void	core_forget_orders(struct core *);
/* Every phase 2 SA is renewed now (Renegotiate-on-HUP). */
void	core_renegotiate(struct core *, struct mono now);
/* A datagram from the IKE port, or from the NAT-T port without its marker. */
void	core_input(struct core *, struct mono now, const struct path *, struct view datagram);
/* Takes the secrets out of the answer. */
void	core_keys_answer(struct core *, struct mono now, struct keys_answer *);
void	core_kern_answer(struct core *, struct mono now, const struct kern_answer *);
void	core_trust_answer(struct core *, struct mono now, const struct trust_answer *);
/* The trust role ended: who waits for it goes on without certificates. */
void	core_trust_gone(struct core *, struct mono now);
/* The CERT_REQ payloads to send from now on; copied. */
void	core_cert_requests(struct core *, const struct view *bodies, size_t n);
void	core_kern_event(struct core *, struct mono now, const struct kern_event *);
/* The keys or kern role was started anew: exchanges waiting for it fail, and
 * with `kern` everything installed is installed again. */
void	core_role_restarted(struct core *, struct mono now, bool keys, bool kern);
void	core_tick(struct core *, struct mono now);
/* When to call core_tick next; MONO_NEVER if nothing is due. */
struct mono core_next(const struct core *);

/* ---- orders (FIFO, signals) ---- */

/* `c name`: keep this connection up from now on.  WHY_NOT_CONFIGURED. */
enum why core_connect(struct core *, struct mono now, const char *name);
/* `t [main|quick] name-or-address`; how many SAs were torn down. */
unsigned core_teardown(struct core *, struct mono now, int phase, const char *name);
/* `T`: every phase 2 SA. */
unsigned core_teardown_all(struct core *, struct mono now);
/* `d cookies msgid`: one SA; msgid 0 and !quick is the ISAKMP SA.  False: no such SA. */
bool	core_delete_sa(struct core *, struct mono now, const uint8_t cookies[16], bool quick,
	    uint32_t message_id);
/* `M active|passive` */
void	core_passive(struct core *, struct mono now, bool passive);
/* DELETEs for everything unless !send_delete, then ACT_DONE once all are out. */
void	core_shutdown(struct core *, struct mono now, bool send_delete);

/* ---- effects ---- */

enum act_kind {
	ACT_SEND = 1,		/* path, bytes */
	ACT_KEYS,		/* keys_ask */
	ACT_KERN,		/* kern_ask */
	ACT_TRUST,		/* trust_ask */
	ACT_LOG,		/* class, level, text; class -1: a normal message, -2: only with -v */
	ACT_FAILURE,		/* failure: one record at the default log level */
	ACT_TRACE,		/* text: a rung of the exchange ladder */
	ACT_KEYLOG,		/* text: a line for the key file; wiped after draining */
	ACT_CAPTURE,		/* path, out, bytes: a message in clear, ENCRYPTION flag off */
	ACT_DONE		/* shutdown is complete */
};

enum log_class {
	CLASS_NORMAL = -1, CLASS_VERBOSE = -2,
	CLASS_MISC = 0, CLASS_TRANSPORT, CLASS_MESSAGE, CLASS_CRYPTO, CLASS_TIMER,
	CLASS_SYSDEP, CLASS_SA, CLASS_EXCHANGE, CLASS_NEGOTIATION, CLASS_POLICY, CLASS_UI,
	CLASS_MAX
};

/*
 * Every failure is one of these: the same in log, status and JSON (design
 * section 5).  Texts are already escaped; empty where there is nothing to say.
 */
struct failure {
	enum why	why;
	char		classic[200];	/* the line people grep for (isakmpd.md 8.3), or "" */
	char		lines[200];	/* more of them, of what followed from it */
	char		peer[160];	/* address and section: "192.0.2.9:500 (peer-berlin)" */
	char		connection[SA_NAME_MAX];
	char		exchange[32];	/* "main/5 responder" */
	char		field[64];	/* "ENCRYPTION_ALGORITHM", "Remote-ID" */
	char		expected[200], got[200];
	char		where[160];	/* "isakmpd.conf:12 [mm-strong]" */
	char		remedy[240];
	/* The messages it belongs to, as in their headers. */
	bool		has_messages;
	uint8_t		icookie[8];
	uint32_t	message_id;
};
/* One line: "<classic>: <lines>: peer=... exchange=... why ... expected ... got ... config ...; do: ..." */
void	failure_print(struct str *, const struct failure *);

struct act {
	enum act_kind	kind;
	struct path	path;			/* SEND, CAPTURE */
	struct view	bytes;			/* SEND, CAPTURE */
	bool		out;			/* CAPTURE: we sent it */
	struct keys_ask	keys;			/* KEYS */
	struct kern_ask	kern;			/* KERN */
	const struct trust_ask *trust;		/* TRUST */
	int		class, level;		/* LOG */
	const char	*text;			/* LOG, TRACE, KEYLOG */
	const struct failure *failure;		/* FAILURE */
};

/* The next effect; false if there is none.  Pointers in *ret live until the next
 * call of any function of this core. */
bool	core_act(struct core *, struct act *ret);

/* ---- looking in (reports, status, invariants) ---- */

/* One phase 1 SA or exchange, or one phase 2 SA, as plain values. */
struct core_sa_info {
	int		phase;
	bool		ready, initiator, replaced, stay_alive, on_demand, nat_t, dpd,
			nat_keepalive, fading;
	char		name[SA_NAME_MAX];	/* connection (phase 2) or peer section (phase 1) */
	struct endpoint	local, remote;
	struct id	local_id, remote_id;
	const char	*local_name, *remote_name;	/* phase 1: distinguished names; else "" */
	uint8_t		cookies[16];		/* phase 1, and phase 2's ISAKMP SA */
	uint32_t	message_id;		/* phase 2 */
	uint32_t	life_secs, life_kb;
	struct mono	soft_at, hard_at;	/* MONO_NEVER: none */
	uint8_t		p1_cipher, p1_hash, p1_auth;	/* phase 1 */
	uint16_t	p1_group, p1_key_bits;
	uint64_t	spec_id;		/* phase 2 */
	struct sa_suite	suite;			/* phase 2 */
	uint32_t	spi_in, spi_out;
	uint16_t	pfs_group;
	struct flow	flow;
	uint64_t	isakmp_sa;		/* phase 2: handle of the ISAKMP SA it was made under */
	bool		authenticated;		/* phase 1 was, by HASH_I/HASH_R */
};
/* Calls `each` for every SA; it must not call the core. */
void	core_each_sa(const struct core *, void (*each)(void *self, const struct core_sa_info *),
	    void *self);

struct core_exchange_info {
	int		phase;
	uint8_t		type;			/* enum exchange_type */
	bool		initiator;
	char		name[SA_NAME_MAX];
	char		state[32];
	struct endpoint	local, remote;
	uint8_t		cookies[16];
	uint32_t	message_id;
	struct mono	deadline;
};
void	core_each_exchange(const struct core *,
	    void (*each)(void *self, const struct core_exchange_info *), void *self);

struct core_connection_info {
	const char	*name;
	bool		active;
	struct mono	next_check;
	bool		up;			/* has a ready phase 2 SA */
};
void	core_each_connection(const struct core *,
	    void (*each)(void *self, const struct core_connection_info *), void *self);

/* Counts for bounds and metrics. */
struct core_counters {
	uint64_t	datagrams_in, datagrams_out, octets_in, octets_out;
	uint64_t	refused[WHY_MAX];
	uint64_t	phase1_done, phase2_done;
	uint32_t	isakmp_sas, exchanges, half_open, ipsec_sas;
};
struct core_counters core_count(const struct core *);
bool	core_is_passive(const struct core *);
/* True while a -D level would print; the host tells the core so that texts
 * nobody reads are not made.  0 switches a class off. */
void	core_log_level(struct core *, int class, int level);
/* From now on every message is told as ACT_CAPTURE, too; off at the start. */
void	core_capture(struct core *, bool on);

#endif
