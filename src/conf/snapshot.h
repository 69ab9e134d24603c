/*
 * The configuration as the core sees it: typed, resolved, immutable,
 * reference-counted.  Built from the text store by conf/schema; holds no
 * secret (`has_psk` only).  Spec: isakmpd-conf.md sections 4 to 6 and 8.
 */
#ifndef CONF_SNAPSHOT_H
#define CONF_SNAPSHOT_H

#include "base/id.h"
#include "base/sa_spec.h"

enum { CONF_ANY = -1 };

/* Where a value was written: for failure records.  line 0: built in or by FIFO. */
struct where {
	const char	*section;	/* lives as long as the snapshot */
	uint32_t	 line;
};

/* offer/accept values (isakmpd-conf.md 2.1): offer, and least..most accepted. */
struct accept {
	bool		present;
	bool		any;		/* ANY: accepts everything, cannot be offered */
	uint32_t	offer, least, most;
};

/* Lines of tags in the section at hand; 0: not written there. */
struct p1_lines {
	uint32_t	cipher, key_bits, hash, auth, group;
	struct where	life;		/* LIFE_DURATION of the seconds, in its own section */
};

struct p1_transform {
	struct where	where;
	struct p1_lines	lines;
	int32_t		cipher, hash, auth, group;	/* numbers, or CONF_ANY */
	struct accept	key_bits, life_secs, life_kb;
};

struct peer {
	struct where	 where;
	const char	*name;		/* section */
	uint32_t	 index;		/* in snapshot.peers */
	struct addr	 address;	/* FAMILY_NONE: none configured */
	uint32_t	 address_line;
	uint16_t	 port;		/* 0: the daemon's default */
	struct addr	 local_address;	/* FAMILY_NONE: any */
	bool		 is_default;	/* reached by [Phase 1]:Default */
	uint8_t		 exchange;	/* enum exchange_type: EXCH_ID_PROT */
	struct where	 exchange_where;
	const char	*configuration;	/* section of the ISAKMP-configuration */
	struct where	 transforms_where;	/* the list of them */
	struct p1_transform *transforms;
	size_t		 n_transforms;	/* 0: everything is refused */
	bool		 has_psk;
	uint32_t	 psk_line;
	uint64_t	 psk_mark;	/* another one when the key is; says nothing else of it */
	struct id	 own_id;	/* type 0: the local address; a DN of no octets: that of
					 * our certificate */
	struct id	 remote_id;	/* type 0: see any_id */
	const char	*own_name, *remote_name;	/* of DNs, as written; else "" */
	uint32_t	 own_id_line, remote_id_line;
	bool		 any_id;	/* no Remote-ID and no address to compare with */
	uint32_t	 dpd_interval;	/* seconds; 0: off */
	bool		 force_encap;	/* our tag Force-encapsulation: pretend a NAT */
	bool		 nat_t;		/* false: -T, or our tag NAT-T=no in the peer section */
	bool		 allow_weak;	/* our tag Allow-weak=yes */
};

struct p2_lines {
	uint32_t	id, key_bits, auth, group, mode;
	struct where	life;
};

struct p2_transform {
	struct where	where;
	struct p2_lines	lines;
	uint8_t		transform_id;	/* enum esp_id for ESP */
	uint8_t		auth;		/* enum ipsec_auth, AUTHALG_NONE */
	uint8_t		mode;		/* enum sa_mode */
	uint16_t	group;		/* enum dh_group, GROUP_NONE: no PFS */
	struct accept	key_bits, life_secs, life_kb;
};

struct p2_protocol {
	struct where	 where;
	uint8_t		 protocol;	/* enum protocol */
	uint32_t	 replay_window;
	struct p2_transform *transforms;
	size_t		 n_transforms;
};

struct p2_suite {
	struct where	 where;
	const char	*name;
	struct p2_protocol *protocols;
	size_t		 n_protocols;
};

struct connection {
	struct where	 where;
	const char	*name;
	uint32_t	 index;		/* in snapshot.connections */
	const struct peer *peer;
	struct where	 suites_where;	/* the list of them */
	struct p2_suite	*suites;
	size_t		 n_suites;
	struct id	 local_id, remote_id;	/* type 0: not given */
	uint32_t	 local_id_line, remote_id_line;
	struct id	 nat_id;	/* type 0: none */
	bool		 active;	/* in Connections: kept up */
	bool		 passive;	/* may be accepted */
	bool		 any_suite;	/* our tag Accept-any-suite: as responder, also other suites */
};

struct phase1_entry {
	struct range	 net;		/* one address, or a prefix (Beyond 4.2) */
	const struct peer *peer;
	uint32_t	 parent;	/* entry whose prefix encloses this one, plus 1; 0: none */
};

/* The words of CRL-policy, Send-certificates and OCSP, in the order of conf/x509.c. */
enum crl_policy { CRL_IF_PRESENT, CRL_OFF, CRL_REQUIRE };
enum send_certificates { SEND_ALWAYS, SEND_IF_ASKED, SEND_NEVER };
enum ocsp_policy { OCSP_OFF, OCSP_IF_AVAILABLE, OCSP_REQUIRE };
enum { OCSP_TIMEOUT_S = 5, OCSP_TIMEOUT_MAX_S = 30 };

struct x509_conf {
	const char	*ca, *certs, *crls;	/* directories */
	bool		 given;			/* one of them is in the file */
	uint8_t		 crl_policy;		/* enum crl_policy */
	uint8_t		 send;			/* enum send_certificates */
	bool		 accept_self_signed, check_extended_usage;
	uint8_t		 ocsp;			/* enum ocsp_policy */
	uint8_t		 ocsp_timeout;		/* seconds */
	const char	*ocsp_responder;	/* URL; "": each certificate's own */
};

enum { LOG_CLASSES = 11 };

/* Paths; "" only where no built-in value is. */
struct key_files {
	const char	*private_key, *private_folder, *public_folder;
};

struct snapshot {
	uint32_t	 refs;
	const char	*file;		/* name for messages, e.g. "isakmpd.conf" */
	uint32_t	 retransmits;	/* [General]:Retransmits */
	uint32_t	 exchange_max;	/* seconds */
	uint32_t	 check_interval, nat_keepalive;	/* seconds */
	uint32_t	 half_open_source, half_open_total;	/* bounds (isakmpd.md 23 Beyond) */
	uint32_t	 half_open_source_line, half_open_total_line;	/* 0: built in */
	uint32_t	 first_retransmit_ms;
	uint32_t	 capture_kb;	/* our tag Capture-size: where a capture stops */
	bool		 acquire_only, delete_sas, renegotiate_on_hup, use_keynote;
	bool		 shared_sadb;	/* all replay windows are 0 then */
	struct peer	*peers;
	size_t		 n_peers;
	const struct peer *default_peer;	/* [Phase 1]:Default, or NULL */
	struct phase1_entry *phase1;	/* sorted by first address, wider ones first */
	size_t		 n_phase1;
	uint32_t	 phase1_line, phase2_line;	/* of [Phase 1] and [Phase 2] */
	struct connection *connections;	/* active ones first, in list order */
	size_t		 n_connections;
	struct addr	*listen_on;	/* resolved by the host; empty: all */
	size_t		 n_listen_on;
	const char	*kernel_backend;	/* our tag: "auto", "user", "none", "xfrm", "pfkey" */
	const char	*key_log;	/* our tag: path for the key file, or NULL */
	const char	*acquire_suites;	/* Default-phase-2-suites */
	const char	*policy_file;
	struct x509_conf x509;
	struct key_files key_files;
	int16_t		 log_level[LOG_CLASSES];	/* Loglevel; -1: not set */
	bool		 log_verbose;	/* Logverbose */
	bool		 listen_all;	/* no Listen-on at all */
	const struct peer **peers_by_name;	/* sorted, for snapshot_peer */
	const struct connection **connections_by_name;
	struct arena	*arena;		/* owns everything above */
};

struct snapshot	*snapshot_ref(struct snapshot *);
void		 snapshot_unref(struct snapshot *);
/* The most specific [Phase 1] entry, else Default, else NULL. */
const struct peer *snapshot_peer_for(const struct snapshot *, const struct addr *);
/* Names compare ignoring ASCII case; NULL if there is none. */
const struct peer *snapshot_peer(const struct snapshot *, const char *name);
const struct connection *snapshot_connection(const struct snapshot *, const char *name);

#endif
