/*
 * Questions the core asks other roles, and their answers, as values.  The
 * token names the exchange or SA that asked; an answer for a token that is
 * gone is dropped.
 *
 * The keys contract (design section 3): per token dh_new, then skeyid (or
 * dh_shared for quick mode), then auth_own and auth_peer, then drop; each
 * once, but a wrong HASH of the peer may be followed by another, for anybody on
 * the way can spoil one.  Anything else ends the sender.
 */
#ifndef BASE_ASK_H
#define BASE_ASK_H

#include "base/pubkey.h"
#include "base/sa_spec.h"
#include "base/secret.h"
#include "base/why.h"

enum {
	PUBLIC_MAX = 1024,	/* octets of a DH public value: MODP-8192 */
	NONCE_MAX = 256,
	PRF_MAX = 64,		/* octets of the longest hash */
	KEYS_PEER_TRIES = 8,	/* HASHes of a peer that may be wrong, the last one included */
	NAME_MAX_OCTETS = 128	/* section names between roles */
};

enum keys_verb {
	KEYS_DH_NEW = 1,	/* group -> public */
	KEYS_SKEYID,		/* peer's public, PSK of a peer section, nonces, cookies -> SKEYID_d/a/e;
				 * for signatures also our key for IDs without one of their own */
	KEYS_AUTH_OWN,		/* SAi_b, own ID_b -> our HASH or SIG */
	KEYS_AUTH_PEER,		/* SAi_b, peer's ID_b, received HASH or SIG -> right or wrong */
	KEYS_DH_SHARED,		/* peer's public -> g^xy (quick mode with PFS) */
	KEYS_DROP,		/* no answer */
	KEYS_VERB_MAX
};

struct keys_ask {
	uint8_t		verb;		/* enum keys_verb */
	uint64_t	token;
	/* DH_NEW */
	uint16_t	group;		/* enum dh_group */
	/* SKEYID (RFC 2409 section 5) */
	bool		initiator;	/* our role: orders publics and nonces */
	uint8_t		hash;		/* enum hash_alg: prf is its HMAC */
	uint8_t		auth;		/* enum auth_method: what AUTH_OWN, AUTH_PEER will be */
	char		peer[NAME_MAX_OCTETS];	/* section whose Authentication is meant */
	uint8_t		cookies[16];	/* CKY-I | CKY-R */
	struct view	ni, nr;		/* nonce bodies */
	/* SKEYID, DH_SHARED: peer's public value */
	struct view	peer_public;
	/* AUTH_OWN, AUTH_PEER */
	struct view	sa_body, id_body;	/* SAi_b, IDii_b or IDir_b */
	bool		allow_weak;		/* keys that only an opt-in accepts */
	/* AUTH_PEER */
	struct view	proof;		/* body of HASH or SIG */
	struct pubkey	key;		/* what a certificate says; an operator's file wins */
};

struct keys_answer {
	uint8_t		verb;
	uint64_t	token;
	enum why	why;		/* WHY_NONE, KEY_VALUE, NO_KEY, AUTH_HASH, SIGNATURE ... */
	char		detail[160];	/* AUTH_OWN, AUTH_PEER: more on it; for the failure record */
	size_t		public_n;	/* DH_NEW */
	uint8_t		public_value[PUBLIC_MAX];
	struct secret	skeyid_d, skeyid_a, skeyid_e;	/* SKEYID */
	struct secret	shared;		/* DH_SHARED */
	size_t		proof_n;	/* AUTH_OWN: body of HASH or SIG */
	uint8_t		proof[SIGNATURE_MAX];
	struct pubkey	key;		/* the key that made or verified a signature, or will make it */
};

void		keys_answer_done(struct keys_answer *);

enum kern_verb {
	KERN_GET_SPI = 1,	/* -> an inbound ESP SPI, reserved */
	KERN_INSTALL,		/* parts of a spec: all or nothing, read back (R3) */
	KERN_REMOVE,		/* parts of a spec, by id; what is not there is no error */
	KERN_QUERY,		/* -> usage */
	KERN_MOVE,		/* the peer's outer endpoint changed (NAT remapping) */
	KERN_VERB_MAX
};

struct kern_ask {
	uint8_t			 verb;		/* enum kern_verb */
	uint64_t		 token;
	uint8_t			 parts;		/* enum sa_part, or-ed */
	uint64_t		 id;		/* REMOVE, QUERY, MOVE: sa_spec.id */
	struct endpoint		 local, remote;	/* GET_SPI, MOVE */
	const struct sa_spec	*spec;		/* INSTALL; borrowed until the act is drained */
	uint32_t		 spi;		/* REMOVE of a reserved SPI never installed; else 0 */
};

struct kern_answer {
	uint8_t		verb;
	uint64_t	token;
	enum why	why;
	char		detail[160];	/* what the back end said; for the failure record */
	uint32_t	spi;		/* GET_SPI */
	uint64_t	id;		/* QUERY */
	struct sa_usage	usage;
};

enum kern_event_kind {
	KERN_ACQUIRE = 1,	/* a packet matched a flow without SA; id 0: a flow of others */
	KERN_EXPIRE_SOFT,
	KERN_EXPIRE_HARD,
	KERN_GONE,		/* the back end lost everything it held: install again */
	KERN_LOST,		/* another program took or changed an SA of this pair */
	KERN_FLOW_LOST,		/* the same with a flow; kern heals it and tells nobody */
	KERN_STRAY		/* id: an SPI nobody has, in packets from flow.remote; rate-limited */
};
enum { KERN_EVENT_MAX = KERN_STRAY + 1 };

struct kern_event {
	uint8_t		kind;		/* enum kern_event_kind */
	uint64_t	id;		/* sa_spec.id; STRAY: the SPI */
	struct flow	flow;		/* ACQUIRE: the packet; STRAY: from whom */
};

/* Codecs for the channels.  Decoders check every length; views borrow the message. */
void		keys_ask_encode(struct wr *, const struct keys_ask *);
MUST_USE bool	keys_ask_decode(struct rd *, struct keys_ask *ret);
void		keys_answer_encode(struct wr *, const struct keys_answer *);
MUST_USE bool	keys_answer_decode(struct rd *, struct keys_answer *ret);
void		kern_ask_encode(struct wr *, const struct kern_ask *);
/* spec_room receives the spec of an INSTALL; free it with sa_spec_done. */
MUST_USE bool	kern_ask_decode(struct rd *, struct kern_ask *ret, struct sa_spec *spec_room);
void		kern_answer_encode(struct wr *, const struct kern_answer *);
MUST_USE bool	kern_answer_decode(struct rd *, struct kern_answer *ret);
void		kern_event_encode(struct wr *, const struct kern_event *);
MUST_USE bool	kern_event_decode(struct rd *, struct kern_event *ret);

#endif
