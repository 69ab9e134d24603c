/*
 * url: where something can be fetched from.  http only; what is taken is
 * printable ASCII without blanks, so it can go into a request line and into
 * a log as it is.
 */
#ifndef BASE_URL_H
#define BASE_URL_H

#include "base/str.h"

enum { URL_HOST_MAX = 254, URL_PATH_MAX = 768, URL_TEXT_MAX = 1100 };

struct url {
	char		host[URL_HOST_MAX];	/* a name, or an address without brackets */
	uint16_t	port;
	char		path[URL_PATH_MAX];	/* begins with '/', with its query */
};

/* NULL, or what is wrong with it; then ret stays. */
MUST_USE const char *url_parse(struct view text, struct url *ret);
/* Whether such a host, port and path can have come from url_parse. */
MUST_USE bool	url_is_sound(const struct url *);
/* "http://[2001:db8::1]:8080/ocsp"; the port where it is not 80. */
void		url_print(struct str *, const struct url *);

#endif
