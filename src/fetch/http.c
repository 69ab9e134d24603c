#include "fetch/http.h"

#include "base/rd.h"

void
http_request(struct wr *w, const struct url *u, struct view body)
{
	bool ip6 = strchr(u->host, ':') != NULL;
	STR(head, URL_HOST_MAX + URL_PATH_MAX + 300);

	str_addf(&head, "POST %s HTTP/1.0\r\nHost: ", u->path);
	str_addf(&head, ip6 ? "[%s]" : "%s", u->host);
	if (u->port != 80)
		str_addf(&head, ":%u", (unsigned)u->port);
	str_addf(&head, "\r\nContent-Type: application/ocsp-request\r\n"
	    "Accept: application/ocsp-response\r\nContent-Length: %zu\r\n\r\n", body.n);
	if (head.cut)
		w->bad = true;
	wr_bytes(w, head.p, head.len);
	wr_view(w, body);
}

/* ---- the answer ---- */

static enum http_got
refuse(struct str *reason, const char *text)
{
	str_add(reason, text);
	return HTTP_REFUSED;
}

/* The line up to CR LF; the reader moves past it.  The head ends in an empty one. */
static struct view
line(struct rd *r)
{
	size_t n = 0;

	while (n + 1 < r->n && (r->p[n] != '\r' || r->p[n + 1] != '\n'))
		n++;
	struct view v = rd_view(r, n);
	(void)rd_u16(r);
	return v;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK" */
static bool
status_is_ok(struct view v, struct str *reason)
{
	static const char begin[] = "HTTP/1.";
	struct rd r = rd_of(v);
	struct view name = rd_view(&r, sizeof(begin) - 1);
	uint8_t minor = rd_u8(&r), blank = rd_u8(&r);
	struct view code = rd_view(&r, 3);

	if (r.bad || memcmp(name.p, begin, name.n) != 0 || !is_digit(minor) || blank != ' ' ||
	    !is_digit(code.p[0]) || !is_digit(code.p[1]) || !is_digit(code.p[2]) ||
	    (r.n > 0 && r.p[0] != ' ')) {
		str_add(reason, "no HTTP status line");
		return false;
	}
	if (memcmp(code.p, "200", 3) == 0)
		return true;
	str_add(reason, "HTTP status ");
	str_escaped(reason, code);
	return false;
}

static bool
is_token(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool
is_text(struct view v, const char *text)
{
	return v.n == strlen(text) && text_same_n((const char *)v.p, text, v.n);
}

/* "name: value" without the blanks around the value. */
static bool
split(struct view v, struct view *ret_name, struct view *ret_value)
{
	struct rd r = rd_of(v);
	size_t n = 0;

	while (n < r.n && is_token(r.p[n]))
		n++;
	*ret_name = rd_view(&r, n);
	if (n == 0 || rd_u8(&r) != ':')
		return false;
	while (r.n > 0 && is_blank(r.p[0]))
		(void)rd_u8(&r);
	while (r.n > 0 && is_blank(r.p[r.n - 1]))
		r.n--;
	*ret_value = rd_rest(&r);
	for (size_t i = 0; i < ret_value->n; i++)
		if (ret_value->p[i] < ' ' && ret_value->p[i] != '\t')
			return false;
	return true;
}

static bool
take_length(struct http_reader *h, struct view v)
{
	size_t n = 0;

	if (h->has_length || v.n == 0 || v.n > 9)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (!is_digit(v.p[i]))
			return false;
		n = n * 10 + (size_t)(v.p[i] - '0');
	}
	h->has_length = true;
	h->length = n;
	return true;
}

/* The media type without its parameters. */
static bool
is_ocsp(struct view v)
{
	size_t n = 0;

	while (n < v.n && v.p[n] != ';' && !is_blank(v.p[n]))
		n++;
	return is_text(view_of(v.p, n), "application/ocsp-response");
}

/* NULL, or what is wrong. */
static const char *
field(struct http_reader *h, struct view v, bool *typed)
{
	struct view name, value;

	if (!split(v, &name, &value))
		return "an HTTP field that is none";
	if (is_text(name, "Content-Length") && !take_length(h, value))
		return "a Content-Length that is none, or two";
	if (is_text(name, "Transfer-Encoding") || is_text(name, "Content-Encoding"))
		return "an encoding that nobody asked for";
	if (is_text(name, "Content-Type")) {
		if (!is_ocsp(value))
			return "another Content-Type than application/ocsp-response";
		*typed = true;
	}
	return NULL;
}

static enum http_got
head(struct http_reader *h, struct view all, struct str *reason)
{
	struct rd r = rd_of(view_of(all.p, h->head));
	bool typed = false;

	if (!status_is_ok(line(&r), reason))
		return HTTP_REFUSED;
	for (int i = 0;; i++) {
		struct view v = line(&r);

		if (v.n == 0)
			break;
		const char *wrong = i == HTTP_FIELDS_MAX ? "too many HTTP fields" :
		    field(h, v, &typed);
		if (wrong != NULL)
			return refuse(reason, wrong);
	}
	if (!typed)
		return refuse(reason, "no Content-Type");
	if (h->length > HTTP_BODY_MAX)
		return refuse(reason, "an answer that is too long");
	return HTTP_MORE;
}

static bool
find_end(struct http_reader *h, struct view all)
{
	static const char end[] = "\r\n\r\n";
	enum { N = sizeof(end) - 1 };

	for (size_t i = h->looked; i + N <= all.n && i + N <= HTTP_HEAD_MAX; i++) {
		if (memcmp(all.p + i, end, N) == 0) {
			h->head = i + N;
			return true;
		}
		h->looked = i + 1;
	}
	return false;
}

enum http_got
http_read(struct http_reader *h, struct view all, bool closed, struct view *ret_body,
    struct str *reason)
{
	if (h->head == 0) {
		if (!find_end(h, all)) {
			if (all.n >= HTTP_HEAD_MAX)
				return refuse(reason, "an HTTP head that is too long");
			return closed ? refuse(reason, all.n == 0 ? "nothing came" :
			    "it ended within the HTTP head") : HTTP_MORE;
		}
		if (head(h, all, reason) == HTTP_REFUSED)
			return HTTP_REFUSED;
	}
	size_t n = all.n - h->head;
	if (h->has_length && n >= h->length)
		n = h->length;
	else if (n > HTTP_BODY_MAX)
		return refuse(reason, "an answer that is too long");
	else if (!closed)
		return HTTP_MORE;
	else if (h->has_length)
		return refuse(reason, "it ended within the answer");
	if (n == 0)
		return refuse(reason, "an empty answer");
	*ret_body = view_of(all.p + h->head, n);
	return HTTP_BODY;
}
