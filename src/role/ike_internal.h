/* Shared by the ike role's files only. */
#ifndef ROLE_IKE_INTERNAL_H
#define ROLE_IKE_INTERNAL_H

#include <event2/event.h>

#include "base/map.h"
#include "conf/schema.h"
#include "conf/store.h"
#include "ctl/capture.h"
#include "ctl/failed.h"
#include "ctl/fifo.h"
#include "ctl/status.h"
#include "ike/core.h"
#include "os/net.h"
#include "role/role.h"

enum {
	IKE_SOCKETS = 4,
	IKE_ADDRESSES = 512,	/* of interfaces, for names in the configuration */
	IKE_TEXT = 512 * 1024,	/* octets of one report */
	IKE_FAILURES = 32	/* records kept for the status */
};

struct ike;
struct trust_conf;
struct trust_state;
struct ike_identities;

struct ike_socket {
	struct ike	*ike;
	int		 fd;
	uint16_t	 port;
	bool		 encap, ip6;
	struct event	*ev;
};

/* A configuration text that is coming in from `keys`, piece by piece. */
struct ike_text {
	char		 name[OPTION_PATH_MAX];
	uint8_t		*p;		/* NULL: none is coming */
	size_t		 n, want;
};

struct ike {
	struct role_ctx	*ctx;
	struct core	*core;
	struct snapshot	*snapshot;	/* the one the core runs on, or NULL */
	struct store	*store;
	struct ike_text	 text;
	bool		 conf_asked;	/* a file is wanted and has not come */
	struct map	*psk_places;	/* ike_psk.c: digest of a section -> place in psks */
	struct ike_psk	*psks;
	size_t		 n_psks, cap_psks;
	uint8_t		 psk_key[2][16];
	uint64_t	 psk_versions;	/* given so far */
	bool		 psk_loading;	/* versions are those of the file at hand */
	uint64_t	 configurations;	/* snapshots made so far */
	bool		 configured;	/* the first configuration has been taken */
	bool		 holding;	/* and the core does not have it yet */
	bool		 changed;	/* FIFO C: a new snapshot is due */
	bool		 lists_changed;	/* ... and the lists of connections are in it */
	struct ike_socket socket[IKE_SOCKETS];
	struct net_batch *batch;
	struct event	*timer, *apply, *fifo, *hold;
	struct fifo_lines lines;
	uint8_t		 saved_level[DEBUG_CLASSES];	/* D T */
	bool		 levels_saved;
	bool		 capturing;	/* the monitor takes records */
	uint16_t	 packets;	/* captured, for their numbers */
	struct failed	 failed;
	struct mono	 started;
	char		 backend[64];	/* escaped; "" until it is known */
	struct ike_failure {
		struct mono	   at;
		struct ctl_failure f;
	}		 failure[IKE_FAILURES];	/* a ring */
	uint64_t	 failures;	/* ever put into it */
	struct ike_status_wait *waiting;	/* a status that waits for counters, or NULL */
	uint16_t	 status_serial;
	uint8_t		 record[CAPTURE_RECORD_MAX];
	struct net_interface_address address[IKE_ADDRESSES];
	size_t		 n_addresses;
	struct net_interfaces *interfaces;	/* NULL: addresses stay as they were at the start */
	struct event	*on_interfaces, *look;
	struct trust_conf *trust_conf;	/* what the trust role was told; NULL: nothing yet */
	struct ike_identities *identities;	/* what was looked at after the last load */
	struct trust_state *trust_state;	/* what it holds; NULL: not known */
};

/* ike.c */
/* Carries out what the core wants done, and sets the timer anew. */
void	ike_drain(struct ike *);
void	ike_shutdown(struct ike *);
bool	ike_source(void *self, const struct addr *remote, struct addr *ret);

void	ike_fifo_start(struct ike *);

/* ike_conf.c */
/* Has the file read; the first time, and anew. */
void	ike_conf_ask(struct ike *);
void	ike_reload(struct ike *);
bool	ike_conf_message(struct ike *, struct channel_in *);
/* Makes the store's present content the configuration; false: it is kept as it was. */
bool	ike_apply(struct ike *);
void	ike_conf_begin(struct ike *);	/* the first configuration waits no longer */
void	ike_apply_soon(struct ike *, bool lists);
/* If changes by FIFO wait, now. */
void	ike_apply_pending(struct ike *);
void	ike_set_level(struct ike *, int class, int level);
void	ike_levels_changed(struct ike *);

/* ike_interfaces.c: the machine's addresses, now and when they change */
MUST_USE bool ike_interfaces_prepare(struct ike *);
void	ike_interfaces_done(struct ike *);
/* True if they are others than before. */
bool	ike_interfaces_read(struct ike *);
bool	ike_has_address(void *self, const struct addr *);

/* ike_psk.c */
MUST_USE bool ike_psk_prepare(struct ike *);
void	ike_psk_done(struct ike *);
struct view ike_psk_key(const struct ike *, const char *section, uint8_t room[16]);
/* For struct conf_env: what it shows of the key of a section. */
uint64_t ike_psk_version(void *self, const char *section);
/* An order to set or remove it went to keys. */
void	ike_psk_ordered(struct ike *, const char *section);
/* What keys says of it: in a file, or in answer to an order. */
void	ike_psk_marked(struct ike *, const char *section, uint64_t mark);
void	ike_psk_file_begins(struct ike *);
/* The file is here: a snapshot of it can be made. */
void	ike_psk_file_judge(struct ike *);
void	ike_psk_file_end(struct ike *, bool taken);
/* How many orders it has not answered. */
unsigned ike_psk_keys_restarted(struct ike *);

/* ike_keys.c */
/* Key files are read again: from these paths, or only if the paths are others. */
void	ike_keys_files(struct ike *, const struct snapshot *);
void	ike_keys_paths(struct ike *, const struct snapshot *);

/* ike_identities.c */
/* After files were told to keys and trust: asks, and logs what is missing. */
void	ike_identities_check(struct ike *);
bool	ike_identities_sign(const struct ike *);	/* does any peer want a signature of ours? */
void	ike_identities_certificates(struct ike *);	/* they are loaded */
bool	ike_identities_key(struct ike *, struct rd *);	/* MSG_KEY_HELD */
void	ike_identities_checked(struct ike *, const struct trust_answer *);

/* ike_trust.c */
/* After a new snapshot; files: the directories are read again in any case. */
void	ike_trust_configure(struct ike *, bool files);
void	ike_trust_ask(struct ike *, const struct trust_ask *);
/* The trust role was started anew. */
void	ike_trust_anew(struct ike *);
bool	ike_trust_message(struct ike *, struct channel_in *);
/* What it holds, as an array to free(); how many. */
size_t	ike_trust_certificates(const struct ike *, struct ctl_certificate **ret);
void	ike_trust_done(struct ike *);

/* ike_fifo.c */
void	ike_fifo_readable(evutil_socket_t, short, void *);

/* ike_capture.c */
void	ike_capture(struct ike *, const struct act *);
void	ike_capture_failure(struct ike *, const struct failure *);
void	ike_capture_start(struct ike *, const char *path);	/* p on */
void	ike_capture_stop(struct ike *);				/* p off */
void	ike_capture_failed(struct ike *);			/* p failed */
bool	ike_capture_state(struct ike *, struct rd *);

/* ike_report.c */
/* Writes one of the monitor's files. */
void	ike_out(struct ike *, enum out_file, struct view);
void	ike_result_table(struct ike *);		/* S */
/* ike_status.c */
void	ike_status_failure(struct ike *, const struct failure *);
void	ike_status(struct ike *, bool json);		/* S text, S json */
/* A status that waits for the counters is written as it is. */
void	ike_status_finish(struct ike *);
/* False: the answer was for the core. */
bool	ike_status_answer(struct ike *, const struct kern_answer *);

/* ike_report.c */
struct ctl_timer ike_timer_of(struct mono now, struct mono at);
void	ike_sa_of(struct mono now, const struct core_sa_info *, struct ctl_sa *ret);
void	ike_exchange_of(struct mono now, const struct core_exchange_info *,
	    struct ctl_exchange *ret);
void	ike_connection_of(const struct ike *, struct mono now,
	    const struct core_connection_info *, struct ctl_connection *ret);
void	ike_result_text(struct ike *, const char *text);	/* C get */
void	ike_report_log(struct ike *);		/* r */
void	ike_report_file(struct ike *);		/* SIGUSR1 */

#endif
