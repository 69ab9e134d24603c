/*
 * What the trust role asks the fetch role, and what it hears: bodies of
 * MSG_FETCH_ASK and MSG_FETCH_ANSWER.  Octets go both ways unread.
 */
#ifndef ROLE_FETCH_MSG_H
#define ROLE_FETCH_MSG_H

#include "base/url.h"
#include "base/wr.h"
#include "base/rd.h"

enum { FETCH_REASON_MAX = 160, FETCH_LEFT_MAX_MS = 60 * 1000 };

struct fetch_ask {
	uint32_t	era;		/* given back, as is the token: which book */
	uint64_t	token;
	uint32_t	left_ms;	/* for all of it */
	struct url	url;
	struct view	body;
};

struct fetch_answer {
	uint32_t	era;
	uint64_t	token;
	bool		ok;
	char		reason[FETCH_REASON_MAX];	/* printable, if not ok */
	struct view	body;				/* if ok */
};

void		fetch_ask_encode(struct wr *, const struct fetch_ask *);
MUST_USE bool	fetch_ask_decode(struct rd *, struct fetch_ask *ret);
void		fetch_answer_encode(struct wr *, const struct fetch_answer *);
MUST_USE bool	fetch_answer_decode(struct rd *, struct fetch_answer *ret);

#endif
