/*
 * What the keys role wants to find again when it is started anew: its
 * pre-shared keys, those of the file and those set by order, in a memory file
 * that the monitor made and holds open without reading it.  It is a log of
 * (section, key); a later record counts more, an empty key removes.
 *
 *	header	magic, start, octets, key of the marks
 *	log	u16 n, u16 m, n octets of section, m of key; ...
 *
 * The header is written last, in one piece: a role that dies in between
 * leaves the log as it was.
 */
#ifndef ROLE_KEYS_KEEP_H
#define ROLE_KEYS_KEEP_H

#include "role/keys_state.h"

/* A log in memory; wiped when it goes.  All zero: empty. */
struct psk_log {
	uint8_t	*p;
	size_t	 n, cap;
};

/* False without memory. */
MUST_USE bool	psk_log_add(struct psk_log *, const char *section, struct view key);
void		psk_log_done(struct psk_log *);
/* Its keys take the place of all that are held; false: no memory for all of them. */
MUST_USE bool	psk_log_apply(struct view log, struct keys_state *);

struct keys_keep {
	int	 fd;		/* -1: nothing survives */
	uint64_t start, n;	/* of the log in the file */
	uint64_t compact_at;	/* octets of log at which it is written anew */
};

/*
 * Takes what an earlier process left into the state; in an empty file begins
 * with nothing.  How many keys there are now; -1: the file is of no use.
 */
int64_t		keys_keep_open(struct keys_keep *, int fd, struct keys_state *);
/* One key more, or one less.  False: it was not written, and will not survive. */
MUST_USE bool	keys_keep_add(struct keys_keep *, const struct keys_state *,
		    const char *section, struct view key);
/* This log instead of everything. */
MUST_USE bool	keys_keep_replace(struct keys_keep *, const struct keys_state *, struct view log);

#endif
