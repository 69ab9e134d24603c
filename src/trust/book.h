/*
 * book: what responders said, and what is to be asked of them.  A line is
 * about one certificate of one issuer: wanted, then asked, then known until
 * its answer ends.  Everything is bounded: lines, questions under way, and
 * the time until a line is known, whatever responders do.
 *
 * Filled by trust_peer_begin (trust.h), emptied by whoever fetches.  Knows no
 * network and no clock.
 */
#ifndef TRUST_BOOK_H
#define TRUST_BOOK_H

#include "base/time.h"
#include "base/url.h"

enum {
	BOOK_LINES_MAX = 1024,
	BOOK_AT_ONCE = 16,		/* questions under way */
	BOOK_ID = 32
};

struct book;

/* Which line. */
struct book_id { uint8_t b[BOOK_ID]; };

/* One question for a responder. */
struct book_question {
	uint64_t	 token;
	const struct url *url;		/* borrowed until the line is known */
	struct view	 body;		/* the same */
	int64_t		 left_ms;	/* until nobody waits for it any more */
};

/* Who waits for what. */
enum { BOOK_WANTS_MAX = 10 };

struct book_wants {
	size_t		n;
	struct book_id	id[BOOK_WANTS_MAX];
};

/* NULL: no memory.  Each line is known after so many seconds. */
struct book	*book_new(unsigned timeout_s);
void		 book_free(struct book *);

/* The next question to be fetched; false: none now. */
MUST_USE bool	 book_next(struct book *, struct mono at, struct book_question *ret);
/* What a responder answered; a token that is gone is ignored. */
void		 book_answer(struct book *, uint64_t token, struct view answer, int64_t now);
/* There is no answer, for this reason: escaped text. */
void		 book_failed(struct book *, uint64_t token, const char *reason, int64_t now);
/* Who fetched is gone: what was under way is asked once more, then given up. */
void		 book_fetch_gone(struct book *, int64_t now);
/* Gives up what took too long; when to call again, MONO_NEVER: not by itself. */
struct mono	 book_expire(struct book *, struct mono at, int64_t now);
/* Whether everything is known that was waited for. */
bool		 book_settled(const struct book *, const struct book_wants *);

#endif
