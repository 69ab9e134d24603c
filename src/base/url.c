/* RFC 3986, the part of it that leads to an http server. */
#include "base/url.h"

#include "base/addr.h"
#include "base/rd.h"

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name_octet(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
	    c == '.' || c == '_';
}

/* A name or a dotted address; or, from within brackets, an IPv6 address. */
static bool
host_is_sound(const char *host)
{
	struct addr a;

	if (host[0] == '\0' || strnlen(host, URL_HOST_MAX) == URL_HOST_MAX)
		return false;
	if (strchr(host, ':') != NULL)
		return strchr(host, '%') == NULL && addr_parse(host, &a) && a.family == FAMILY_IP6;
	for (const char *p = host; *p != '\0'; p++)
		if (!is_name_octet((uint8_t)*p))
			return false;
	return true;
}

static bool
path_is_sound(const char *path)
{
	if (path[0] != '/' || strnlen(path, URL_PATH_MAX) == URL_PATH_MAX)
		return false;
	for (const char *p = path; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || *p == '#')
			return false;
	return true;
}

bool
url_is_sound(const struct url *u)
{
	return u->port != 0 && host_is_sound(u->host) && path_is_sound(u->path);
}

/* Octets up to one of those, or all; the reader moves past them. */
static struct view
until(struct rd *r, const char *ends)
{
	size_t n = 0;

	while (n < r->n && (r->p[n] == '\0' || strchr(ends, r->p[n]) == NULL))
		n++;
	return rd_view(r, n);
}

/* False: too long, or with an octet that would end it early. */
static bool
keep(struct view v, char *ret, size_t cap)
{
	if (v.n >= cap || (v.n > 0 && memchr(v.p, '\0', v.n) != NULL))
		return false;
	if (v.n > 0)
		memcpy(ret, v.p, v.n);
	ret[v.n] = '\0';
	return true;
}

static bool
take_host(struct rd *r, char ret[URL_HOST_MAX])
{
	if (r->n == 0 || r->p[0] != '[')
		return keep(until(r, ":/?#"), ret, URL_HOST_MAX);
	(void)rd_u8(r);
	bool ok = keep(until(r, "]"), ret, URL_HOST_MAX) && strchr(ret, ':') != NULL;
	return rd_u8(r) == ']' && ok;
}

static bool
take_port(struct rd *r, uint16_t *ret)
{
	uint32_t port = 0;

	*ret = 80;
	if (r->n == 0 || r->p[0] != ':')
		return true;
	(void)rd_u8(r);
	struct view v = until(r, "/?#");
	for (size_t i = 0; i < v.n; i++) {
		if (!is_digit(v.p[i]) || i > 4)
			return false;
		port = port * 10 + (uint32_t)(v.p[i] - '0');
	}
	*ret = (uint16_t)port;
	return port > 0 && port <= UINT16_MAX;
}

static bool
take_path(struct rd *r, char ret[URL_PATH_MAX])
{
	bool bare = r->n == 0 || r->p[0] == '?';	/* "http://host?query" */

	if (!bare && r->p[0] != '/')
		return false;
	ret[0] = '/';
	return keep(rd_rest(r), ret + bare, URL_PATH_MAX - bare) && path_is_sound(ret);
}

const char *
url_parse(struct view text, struct url *ret)
{
	static const char scheme[] = "http://";
	struct rd r = rd_of(text);
	struct url u = { 0 };
	struct view begin = rd_view(&r, sizeof(scheme) - 1);

	if (r.bad || !text_same_n((const char *)begin.p, scheme, begin.n))
		return "it does not begin with http://";
	if (!take_host(&r, u.host) || !host_is_sound(u.host))
		return "its host is neither a name nor an address";
	if (!take_port(&r, &u.port))
		return "its port is not a number of 1 to 65535";
	if (!take_path(&r, u.path))
		return "its path is too long or has an octet that no path has";
	*ret = u;
	return NULL;
}

void
url_print(struct str *s, const struct url *u)
{
	bool ip6 = strchr(u->host, ':') != NULL;

	str_addf(s, ip6 ? "http://[%s]" : "http://%s", u->host);
	if (u->port != 80)
		str_addf(s, ":%u", (unsigned)u->port);
	str_add(s, u->path);
}
