/*
 * trust: whom to believe.  Holds the operator's certificates - anchors (ca/),
 * own and pinned ones (certs/) and revocation lists (crls/) - and answers
 * the questions of base/trust_ask.h.  libcrypto parses every DER and
 * verifies every chain; this decides what it must verify, within limits.
 *
 * Knows no files, clocks or channels: texts, times and questions are handed
 * in.  Holds no secret.  (spec: authentication.md section 6)
 */
#ifndef TRUST_TRUST_H
#define TRUST_TRUST_H

#include "base/str.h"
#include "base/trust_ask.h"
#include "trust/book.h"

enum trust_crl {
	TRUST_CRL_OFF,		/* lists are not looked at */
	TRUST_CRL_IF_PRESENT,	/* an issuer with a list: it must be current and not name the certificate */
	TRUST_CRL_REQUIRE	/* and every issuer must have one */
};

enum trust_ocsp {
	TRUST_OCSP_OFF,		/* nobody is asked */
	TRUST_OCSP_IF_AVAILABLE, /* a valid answer must be good; without one it passes, with a log line */
	TRUST_OCSP_REQUIRE	/* every certificate needs a good answer */
};

enum trust_send { TRUST_SEND_ALWAYS, TRUST_SEND_IF_ASKED, TRUST_SEND_NEVER };

struct trust_settings {
	uint8_t	crl;			/* enum trust_crl */
	uint8_t	send;			/* enum trust_send */
	bool	accept_self_signed;	/* a peer's certificate that it signed itself */
	bool	check_extended_usage;	/* RFC 4945 5.1.3.12 */
	uint8_t	ocsp;			/* enum trust_ocsp */
	uint8_t	ocsp_timeout;		/* seconds, for one question */
	char	responder[URL_TEXT_MAX]; /* whom to ask instead of whom certificates name; or "" */
};

enum trust_kind { TRUST_CA = 1, TRUST_CERT, TRUST_CRL, TRUST_KIND_MAX };

enum {
	TRUST_REQUESTS_MAX = 10,	/* more anchors than that: one request for any (spec 6.3) */
	TRUST_DEPTH_MAX = 8,		/* intermediate certificates of a chain */
	TRUST_WARN_DAYS = 30,		/* how long ahead expiry is warned of */
	TRUST_OCSP_TIMEOUT_MAX = 30	/* seconds */
};

/* One thing that was loaded. */
struct trust_item {
	uint8_t		 kind;		/* enum trust_kind */
	const char	*file;
	const char	*subject;	/* of a CRL: its issuer; as text */
	int64_t		 from, until;	/* seconds since 1970; until 0: open */
};

struct trust;

/*
 * Everything that libcrypto reads from files or makes when first used; before
 * a sandbox closes.  False: something basic is missing.
 */
MUST_USE bool	trust_preload(void);
/* NULL: no memory. */
struct trust	*trust_new(const struct trust_settings *);
void		trust_free(struct trust *);
/*
 * The text of one file of the operator's.  True if something was taken from
 * it; note says what is wrong or odd with it, if anything.
 *
 *	CA	the first certificate is an anchor; it must be one of a CA
 *	CERT	the first one belongs to us or is pinned; others only complete
 *		our chain
 *	CRL	every list
 */
MUST_USE bool	trust_add(struct trust *, enum trust_kind, const char *file, struct view text,
		    struct str *note);
/* Calls fn for everything that is held, in the order it was added. */
void		trust_each(const struct trust *, void (*fn)(void *self, const struct trust_item *),
		    void *self);
size_t		trust_count(const struct trust *, enum trust_kind);
/*
 * "expires in 12 days (2026-12-01 10:00:00Z)", "has expired (...)", "is not
 * yet valid (...)", or false when there is nothing to say.
 */
bool		trust_item_warning(const struct trust_item *, int64_t now, struct str *ret);

/* TRUST_PEER, without OCSP.  Texts in the answer are escaped. */
void		trust_peer(const struct trust *, const struct trust_ask *, int64_t now,
		    struct trust_answer *ret);
/* What trust_peer_online works with besides. */
struct trust_look {
	struct book	*book;
	struct mono	 at;
	bool		 last;		/* what is not known now counts as no answer */
	struct str	*note;		/* what passed without an answer, for the log */
	struct book_wants wants;	/* out */
};
/*
 * TRUST_PEER, with OCSP if the settings say so.  False: there is no answer
 * yet; the lines of look->wants were put on the book, and the same ask is to
 * be made again when they are settled.
 */
MUST_USE bool	trust_peer_online(const struct trust *, const struct trust_ask *, int64_t now,
		    struct trust_look *, struct trust_answer *ret);
/* TRUST_OWN.  The certificates of the answer are written into room. */
void		trust_own(const struct trust *, const struct trust_ask *, int64_t now,
		    struct wr *room, struct trust_answer *ret);
/*
 * TRUST_NAMES.  Our octets are written into room: if a certificate of ours has
 * our name, its subject to the octet, whatever the string types.
 *
 * TRUST_CHECK.  OWN_CERT, and got says which certificate, if there are any for
 * our ID and none is of our key.
 */
void		trust_names(const struct trust *, const struct trust_ask *, int64_t now,
		    struct wr *room, struct trust_answer *ret);
/*
 * The CERT_REQ payloads to send: one per anchor, or one for any.  Writes
 * bodies into room; how many.  0: there is no anchor.
 */
size_t		trust_requests(const struct trust *, struct wr *room,
		    struct view ret[TRUST_REQUESTS_MAX]);

#endif
