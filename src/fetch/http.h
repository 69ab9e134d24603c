/*
 * http: one question to one server, as little of HTTP/1.0 as that takes
 * (RFC 1945).  What comes back is a stranger's: everything is bounded, and
 * what is odd is refused, not guessed.
 *
 * Knows no sockets.
 */
#ifndef FETCH_HTTP_H
#define FETCH_HTTP_H

#include "base/str.h"
#include "base/url.h"
#include "base/wr.h"

enum {
	HTTP_HEAD_MAX = 8 * 1024,	/* status line and fields */
	HTTP_FIELDS_MAX = 64,
	HTTP_BODY_MAX = 48 * 1024,
	HTTP_ROOM = HTTP_HEAD_MAX + HTTP_BODY_MAX + 1	/* for what is received: one more shows excess */
};

/* POST of an OCSP request (RFC 6960 appendix A.1). */
void		http_request(struct wr *, const struct url *, struct view body);

enum http_got {
	HTTP_MORE,		/* go on reading */
	HTTP_BODY,		/* here it is */
	HTTP_REFUSED		/* the reason says why */
};

/* What is remembered between two readings; zeroed at first. */
struct http_reader {
	size_t	looked;		/* octets in which the head does not end */
	size_t	head;		/* its octets; 0: not known */
	bool	has_length;
	size_t	length;		/* of the body */
};

/*
 * Looks at everything that has come so far, at most HTTP_ROOM octets; closed:
 * nothing follows.  ret_body lies in `all`.  reason: printable.
 */
enum http_got	http_read(struct http_reader *, struct view all, bool closed,
		    struct view *ret_body, struct str *reason);

#endif
