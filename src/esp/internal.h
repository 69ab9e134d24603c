/* What the files of the data plane share; nobody else includes this. */
#ifndef ESP_INTERNAL_H
#define ESP_INTERNAL_H

#include "base/heap.h"
#include "base/map.h"
#include "base/slab.h"
#include "crypto/esp_cipher.h"
#include "esp/ip.h"
#include "esp/plane.h"
#include "esp/replay.h"

enum {
	ESP_HEADER = 8,			/* SPI, sequence number */
	ESP_TRAILER = 2,		/* pad length, next header */
	UDP_HEADER = 8,
	FLOW_CACHE = 1024,		/* a power of two */
	PMTU_PATHS = 64,
	SEQUENCE_SOFT = 1 << 24		/* numbers left when a new SA is asked for */
};

/* One direction of an SA pair. */
struct esp_sa {
	struct esp_cipher	*cipher;
	struct esp_pair		*pair;
	const struct sa_lengths	*len;
	struct sa_suite		 suite;
	uint32_t		 spi;
	bool			 inbound, encap, four;	/* four: outer family */
	struct endpoint		 local, remote;
	struct flow		 flow;
	uint64_t		 seq;		/* outbound: last number used */
	struct replay		 replay;	/* inbound; kept for sa_read outbound */
	uint32_t		 window_meant;	/* outbound: the spec's own word */
	uint32_t		 soft_secs, hard_secs;
	uint64_t		 soft_bytes, hard_bytes;
	struct deadline		 deadline;
	struct mono		 added, last_use;	/* last_use.us < 0: never */
	uint64_t		 packets, bytes, refused;
	bool			 soft_told, seconds_soft_told;
	/* Outbound: the largest inner packet for the path's MTU of that time. */
	uint32_t		 mtu_gen;
	size_t			 mtu, inner_max;
	struct esp_group	*group;		/* outbound */
	struct esp_sa		*older, *newer;	/* in the group */
};

/* All flows with the same selectors, and the outbound SAs that can carry them. */
struct esp_group {
	struct flow		 flow;
	uint32_t		 specific;	/* order in the SPD: larger first ... */
	uint64_t		 born;		/* ... then the newer one */
	bool			 shaped;	/* found by its shape; else it is among the odd ones */
	struct esp_pair		*policies;	/* newest first; none: not a policy (any more) */
	struct esp_sa		*newest;
	struct mono		 acquire_again;
};

/* Pending events of a pair, as bits. */
enum {
	PENDING_ACQUIRE = 1,
	PENDING_SOFT_IN = 2,
	PENDING_SOFT_OUT = 4,
	PENDING_HARD_IN = 8,
	PENDING_HARD_OUT = 16,
	PENDING_MOVED = 32
};

/* What belongs to one sa_spec.id. */
struct esp_pair {
	struct handle		 self;
	uint64_t		 id;
	struct esp_sa		*in, *out;
	struct esp_group	*policy;	/* where its flow is, or NULL */
	struct esp_pair		*policy_next, *policy_prev;
	uint8_t			 pending;
	struct esp_pair		*event_next, *event_prev;
	struct flow		 acquire;	/* PENDING_ACQUIRE: the packet */
	struct endpoint		 moved;		/* PENDING_MOVED, and the last one told */
};

struct esp_slot {
	struct esp_sa	*sa;
	uint32_t	 spi;		/* 0: free */
	struct mono	 until;		/* of a reservation */
};

/* What flows that are found alike have in common; bits of a prefix, and what is given. */
struct flow_shape {
	uint8_t		family, local, remote;
	bool		protocol, local_port, remote_port;
	uint32_t	specific;
	uint32_t	n;		/* flows of it */
};

struct flow_cache {
	uint32_t		 gen;
	uint8_t			 protocol;
	bool			 ports;
	uint16_t		 sport, dport;
	struct addr		 src, dst;
	struct esp_group	*group;
};

struct pmtu {
	struct addr	remote;		/* FAMILY_NONE: unused */
	uint32_t	mtu;
	struct mono	until;
};

struct esp_plane {
	struct esp_config	 config;
	struct slab		*pairs;
	struct map		*by_id, *by_flow;
	uint8_t			 flow_key[16];
	struct esp_slot		*slots;		/* ESP_SAS_MAX, by the low half of the SPI */
	uint32_t		 slot_next, n_sas;
	struct flow_shape	*shapes;	/* by `specific` */
	size_t			 n_shapes, cap_shapes;
	struct esp_group	**odd;		/* groups without a shape, by `specific` */
	size_t			 n_odd, cap_odd;
	size_t			 n_groups;	/* of both kinds */
	uint64_t		 groups_born;
	uint32_t		 flow_gen;	/* changes when the SPD does */
	struct flow_cache	*cache;
	struct esp_pair		*events, *events_last;
	struct heap		 deadlines;
	struct pmtu		 pmtu[PMTU_PATHS];
	uint32_t		 pmtu_gen;
	struct mono		 pmtu_until;	/* the earliest end of one */
	struct mono		 icmp_at;	/* rate limit of ICMP errors */
	uint32_t		 icmp_left;
	struct mono		 stray_at;	/* when one may be told again */
	bool			 stray_due;
	uint32_t		 stray_spi;
	struct endpoint		 stray_from;
	uint64_t		 refused[WHY_MAX];
};

/* ---- flows.c ---- */

/* The group of a flow, made if there is none; NULL: no memory or too many. */
struct esp_group *flows_need(struct esp_plane *, const struct flow *);
void		flows_drop_if_empty(struct esp_plane *, struct esp_group *);
/* The policy for an outbound packet, or NULL. */
struct esp_group *plane_policy(struct esp_plane *, const struct ip_info *);

/* ---- plane.c ---- */

void		plane_tell(struct esp_plane *, struct esp_pair *, uint8_t pending);
/*
 * Counts a packet about to pass; false if that ends the SA (bytes).  The SA
 * may be gone afterwards.
 */
MUST_USE bool	plane_use(struct esp_plane *, struct mono now, struct esp_sa *, size_t bytes);
/* Takes an SA away whose life is over, and tells. */
void		plane_hard(struct esp_plane *, struct esp_sa *);
void		plane_acquire(struct esp_plane *, struct mono now, struct esp_group *,
		    const struct ip_info *);
/* Largest inner packet that fits the path as ESP. */
size_t		plane_inner_max(struct esp_plane *, struct mono now, struct esp_sa *);
/* A packet for no SA: the peer may still have one that went here. */
void		plane_stray(struct esp_plane *, struct mono now, uint32_t spi,
		    const struct endpoint *from);
enum why	plane_refuse(struct esp_plane *, struct esp_sa *, enum why);

#endif
