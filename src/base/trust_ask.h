/*
 * What the core asks the role that knows certificates (trust), and its
 * answers.  The core hands over the octets of CERT and CERT_REQ payloads as
 * they came and never looks into them; what comes back is a public key as
 * numbers, or a why with its texts.
 *
 *	TRUST_PEER	peer's ID and CERT payloads -> the key that belongs to the ID
 *	TRUST_OWN	our ID and key, the peer's CERT_REQ payloads -> what to send
 *
 *	TRUST_NAMES	our ID, the peer's and its Remote-ID, those that are
 *			distinguished names -> our ID's octets, both as text, and
 *			whether the peer's is the Remote-ID
 *
 *	TRUST_CHECK	our ID and the key that signs for it -> whether the
 *			certificates that name it are of that key
 *
 * All are questions without state: no order, nothing to drop.  An answer
 * for a token that is gone is dropped by the core.
 */
#ifndef BASE_TRUST_ASK_H
#define BASE_TRUST_ASK_H

#include "base/ask.h"
#include "base/pubkey.h"

enum {
	TRUST_CERTS_MAX = 16,		/* CERT or CERT_REQ payloads of one message */
	TRUST_OCTETS_MAX = 48 * 1024,	/* together */
	TRUST_NAME_MAX = 2100		/* text of the longest name in an ID payload */
};

enum trust_verb {
	TRUST_PEER = 1,
	TRUST_OWN,
	TRUST_NAMES,
	TRUST_CHECK,
	TRUST_VERB_MAX
};

struct trust_ask {
	uint8_t		verb;		/* enum trust_verb */
	uint64_t	token;
	char		peer[NAME_MAX_OCTETS];	/* peer section, for texts and settings */
	uint8_t		auth;		/* enum auth_method: the key must be able to do it */
	bool		allow_weak;	/* the peer section's Allow-weak */
	struct view	id_body;	/* PEER, NAMES: the peer's ID payload; OWN: ours */
	struct view	want_body;	/* NAMES: Remote-ID */
	struct view	own_body;	/* NAMES, CHECK: ours; without a name: that of our certificate.
					 * Of the three, those that are not at issue are empty */
	struct pubkey	key;		/* OWN, NAMES, CHECK: our key, which the certificate must be of */
	size_t		n_certs;
	struct view	certs[TRUST_CERTS_MAX];	/* bodies: encoding, then data.
						 * PEER: CERT; OWN: CERT_REQ */
};

struct trust_answer {
	uint8_t		verb;
	uint64_t	token;
	enum why	why;		/* PEER: WHY_NONE with a key, or why there is none */
	struct pubkey	key;		/* PEER */
	bool		pinned;		/* PEER: it was in certs/, not validated by a chain */
	/* Names as text, escaped; "" where there is nothing to tell. */
	char		own_name[TRUST_NAME_MAX];	/* NAMES */
	char		peer_name[TRUST_NAME_MAX];	/* PEER, NAMES */
	struct view	own_id;		/* NAMES: our identification data; empty: as it was asked.
					 * Borrows the message */
	bool		same;		/* NAMES: the peer's ID is the Remote-ID */
	/* For the failure record; already escaped; "" where there is nothing to say. */
	char		field[64], expected[200], got[200], remedy[240];
	size_t		n_certs;	/* OWN: CERT bodies to send, leaf first; 0: none */
	struct view	certs[TRUST_CERTS_MAX];	/* borrow the message */
};

void		trust_ask_encode(struct wr *, const struct trust_ask *);
MUST_USE bool	trust_ask_decode(struct rd *, struct trust_ask *ret);
void		trust_answer_encode(struct wr *, const struct trust_answer *);
MUST_USE bool	trust_answer_decode(struct rd *, struct trust_answer *ret);

#endif
