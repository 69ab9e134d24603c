/*
 * The state of the daemon for people (text) and machines (JSON): the same
 * values as in the SA table and the log, in one place.  No member can hold a
 * key.
 */
#ifndef CTL_STATUS_H
#define CTL_STATUS_H

#include "ctl/result.h"

/* One failure record as it was logged; texts escaped, "" where there is nothing. */
struct ctl_failure {
	int64_t		ago;		/* seconds since it happened last */
	uint64_t	count;		/* how often in a row */
	enum why	why;
	char		peer[160], connection[SA_NAME_MAX], exchange[32], field[64];
	char		expected[200], got[200], where[160], remedy[240];
};

/* A certificate or revocation list of the operator's; texts escaped. */
struct ctl_certificate {
	const char	*kind;		/* "ca", "certificate", "crl" */
	const char	*file, *subject;	/* of a CRL: the issuer */
	int64_t		 from, until;	/* seconds since 1970; until 0: open */
	int64_t		 left;		/* seconds until then; negative: over */
};

struct ctl_status {
	const char		*version, *backend;	/* "user"; "" if none is chosen yet */
	int64_t			 uptime;		/* seconds */
	bool			 passive;
	const struct ctl_sa	*sas;
	size_t			 n_sas;
	const struct ctl_exchange *exchanges;
	size_t			 n_exchanges;
	const struct ctl_connection *connections;
	size_t			 n_connections;
	const struct ctl_failure *failures;	/* newest first */
	size_t			 n_failures;
	const struct ctl_certificate *certificates;
	size_t			 n_certificates;
};

/* Once, while files can still be opened: the JSON library takes its seed. */
void	 status_prepare(void);
/* A text to free(); NULL without memory. */
char	*status_text(const struct ctl_status *);
/* One JSON object and a newline, to free(); NULL without memory. */
char	*status_json(const struct ctl_status *);

#endif
