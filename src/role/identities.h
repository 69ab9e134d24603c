/*
 * identities: what we call ourselves to peers that want a signature of ours.
 * Whether each has a private key, and certificates of it that key, is looked
 * at when a configuration is loaded and by `isakmpd --check`, so that nobody
 * learns it from the first negotiation.
 */
#ifndef ROLE_IDENTITIES_H
#define ROLE_IDENTITIES_H

#include "base/ask.h"
#include "conf/snapshot.h"
#include "role/keyring.h"

enum { IDENTITIES_MAX = 64 };	/* looked at: more kinds of us are not likely */

/*
 * One of them, as the keys role is asked for it.  Type 0: an address of this
 * machine, chosen when a peer is talked to; a name of no octets: that of our
 * certificate.
 */
struct identity {
	char		peer[NAME_MAX_OCTETS];	/* the first section it is of */
	uint32_t	line;			/* of its ID; 0: not in the file */
	char		name[200];		/* as text */
	uint8_t		auth;			/* enum auth_method */
	bool		allow_weak;
	struct id	id;
};

/* Each once; how many. */
size_t		identities_of(const struct snapshot *, struct identity ret[IDENTITIES_MAX]);
/* WHY_NONE and the public part of its key; else why there is none, with more on it. */
MUST_USE enum why identity_key(const struct keyring *, const struct identity *, struct pubkey *ret,
		    struct str *detail);
/* The line for the log: "no private key for RSA_SIG as gw.example.org: ..." */
void		identity_print(struct str *, const struct identity *, enum why, const char *detail,
		    const struct key_files *);

/* Between ike and keys: what is asked, with a number, and the answer. */
void		identity_ask_encode(struct wr *, uint32_t number, const struct identity *);
MUST_USE bool	identity_ask_decode(struct rd *, uint32_t *ret_number, struct identity *ret);

struct identity_answer {
	uint32_t	number;
	enum why	why;
	struct pubkey	key;
	char		detail[160];
};

void		identity_answer_encode(struct wr *, const struct identity_answer *);
MUST_USE bool	identity_answer_decode(struct rd *, struct identity_answer *ret);

#endif
