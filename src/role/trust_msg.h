/*
 * What `ike` tells the trust role to load, and what it hears when that is
 * done: bodies of MSG_TRUST_CONF and MSG_TRUST_STATE.
 */
#ifndef ROLE_TRUST_MSG_H
#define ROLE_TRUST_MSG_H

#include "conf/snapshot.h"
#include "role/options.h"
#include "trust/trust.h"

struct trust_conf {
	struct trust_settings settings;
	bool	given;			/* the operator named a directory: say so if it is missing */
	char	path[TRUST_KIND_MAX][OPTION_PATH_MAX];	/* by enum trust_kind; [0] is not used */
};

enum {
	TRUST_ITEMS_MAX = 64,		/* told to `ike`; there may be more */
	TRUST_ITEM_TEXT = 200
};

struct trust_state_item {
	uint8_t	kind;			/* enum trust_kind */
	int64_t	from, until;
	char	file[TRUST_ITEM_TEXT], subject[TRUST_ITEM_TEXT];	/* escaped */
};

struct trust_state {
	uint32_t	count[TRUST_KIND_MAX];	/* everything that is held, by kind */
	size_t		n_requests;
	struct view	request[TRUST_REQUESTS_MAX];	/* CERT_REQ bodies; borrow the message */
	size_t		n_items;
	struct trust_state_item item[TRUST_ITEMS_MAX];
};

/* What the configuration says of certificates. */
void		trust_conf_of(const struct x509_conf *, struct trust_conf *ret);
void		trust_conf_encode(struct wr *, const struct trust_conf *);
MUST_USE bool	trust_conf_decode(struct rd *, struct trust_conf *ret);
void		trust_state_encode(struct wr *, const struct trust_state *);
MUST_USE bool	trust_state_decode(struct rd *, struct trust_state *ret);

#endif
