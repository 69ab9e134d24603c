/*
 * What an IPsec SA pair is meant to be: the words in which `ike` tells `kern`,
 * `kern` a back end, and the user back end the `esp` role.  Encoded between
 * processes with wr/rd; a struct is never sent as memory.
 */
#ifndef BASE_SA_SPEC_H
#define BASE_SA_SPEC_H

#include "base/id.h"
#include "base/rd.h"
#include "base/secret.h"
#include "base/wr.h"

enum sa_mode { SA_TUNNEL = 1, SA_TRANSPORT = 2 };

/* What a phase 2 negotiation chose. */
struct sa_suite {
	uint8_t		protocol;	/* enum protocol: PROTO_IPSEC_ESP */
	uint8_t		cipher;		/* enum esp_id */
	uint8_t		auth;		/* enum ipsec_auth, AUTHALG_NONE with GCM/GMAC */
	uint8_t		mode;		/* enum sa_mode */
	uint16_t	key_bits;	/* cipher key without salt; 0 where fixed or none */
	bool		esn;		/* 64-bit sequence numbers */
};

struct sa_half {
	uint32_t	spi;		/* chosen by the receiver */
	struct secret	keymat;		/* cipher key, salt, authentication key (isakmpd.md 15) */
};

enum { SA_NAME_MAX = 128 };

struct sa_spec {
	uint64_t	id;		/* the pair, for later asks and events */
	char		name[SA_NAME_MAX];	/* connection, for people */
	struct sa_suite	suite;
	struct endpoint	local, remote;	/* outer addresses; ports only with encap */
	bool		encap;		/* ESP in UDP, RFC 3948 */
	struct flow	flow;		/* what the SA may carry */
	struct sa_half	in, out;
	uint32_t	replay_window;	/* packets; 0: no protection */
	bool		shared;		/* Shared-SADB: the same SA of another daemon is taken */
	uint32_t	soft_secs, hard_secs;	/* since installation; 0: none */
	uint64_t	soft_bytes, hard_bytes;	/* 0: none */
};

/* Which parts of a spec an ask is about. */
enum sa_part { SA_PART_IN = 1, SA_PART_OUT = 2, SA_PART_FLOW = 4 };

/* Counters and times that a back end keeps per direction. */
struct sa_usage {
	uint64_t	in_packets, in_bytes, out_packets, out_bytes;
	uint64_t	in_refused;		/* integrity, replay, selectors */
	uint32_t	in_idle, out_idle;	/* seconds since last use; UINT32_MAX: never */
};

/*
 * The algorithm table is total: any suite, legal or not, gets an answer
 * (security R9).  Octets; false if the tuple is not allowed.
 */
struct sa_lengths {
	size_t	key, salt, auth;	/* parts of KEYMAT */
	size_t	iv, block, icv;		/* on the wire */
};
MUST_USE bool	sa_suite_lengths(const struct sa_suite *, struct sa_lengths *ret);
/* "ESP AES_GCM_16-128 tunnel", "ESP AES-256 HMAC_SHA2_256 transport" */
void		sa_suite_print(struct str *, const struct sa_suite *);

void		sa_spec_done(struct sa_spec *);		/* wipes keys */
/* Deep copy; false without memory. */
MUST_USE bool	sa_spec_copy(struct sa_spec *ret, const struct sa_spec *);
/* With all secrets: only ever on a channel between roles. */
void		sa_spec_encode(struct wr *, const struct sa_spec *);
MUST_USE bool	sa_spec_decode(struct rd *, struct sa_spec *ret);
void		sa_usage_encode(struct wr *, const struct sa_usage *);
struct sa_usage	sa_usage_decode(struct rd *);
void		endpoint_encode(struct wr *, const struct endpoint *);
struct endpoint	endpoint_decode(struct rd *);	/* sets rd.bad on a bad family */
void		flow_encode(struct wr *, const struct flow *);
struct flow	flow_decode(struct rd *);

#endif
