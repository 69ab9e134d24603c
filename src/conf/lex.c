#include "conf/lex.h"

bool
lex_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

bool
lex_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

uint8_t
lex_octet(struct view t, size_t at)
{
	uint8_t c = t.p[at];

	if (c == '\\' && at + 1 < t.n && t.p[at + 1] == '\n')
		return ' ';
	if (c == '\n' && at > 0 && t.p[at - 1] == '\\')
		return ' ';
	return c;
}

static struct piece
between(size_t from, size_t to)
{
	return (struct piece){ from, to - from };
}

/* Without blanks at both ends; never shorter than `keep` octets at the end. */
static struct piece
trim(struct view t, struct piece p, size_t keep, bool (*white)(uint8_t))
{
	while (p.n > 0 && lex_blank(lex_octet(t, p.at))) {
		p.at++;
		p.n--;
	}
	while (p.n > keep && white(lex_octet(t, p.at + p.n - 1)))
		p.n--;
	return p;
}

static size_t
find(struct view t, struct piece p, uint8_t c)
{
	size_t i = p.at;

	while (i < p.at + p.n && lex_octet(t, i) != c)
		i++;
	return i;
}

static void
header(struct view t, struct piece body, struct lex_line *l)
{
	size_t end = body.at + body.n;
	size_t close = find(t, body, ']');

	l->kind = close == end ? LINE_HEADER_OPEN : LINE_HEADER;
	l->name = between(body.at + 1, close);
	if (close < end)
		l->rest = trim(t, between(close + 1, end), 0, lex_space);
}

static void
assignment(struct view t, struct piece body, size_t equals, struct lex_line *l)
{
	size_t end = body.at + body.n, stop = body.at;

	while (stop < equals && !lex_blank(lex_octet(t, stop)))
		stop++;
	l->kind = stop == body.at ? LINE_NO_TAG : LINE_ASSIGNMENT;
	l->tag = between(body.at, stop);
	l->dropped = trim(t, between(stop, equals), 0, lex_blank);
	/* A value of one white-space character keeps it. */
	l->value = trim(t, between(equals + 1, end), 1, lex_space);
}

static void
classify(struct view t, struct lex_line *l)
{
	struct piece body = trim(t, l->all, 0, lex_space);
	bool indented = body.at > l->all.at;
	size_t end = l->all.at + l->all.n;

	l->kind = LINE_OTHER;
	if (body.n == 0) {
		l->kind = LINE_BLANK;
		return;
	}
	uint8_t first = lex_octet(t, body.at);
	body.n = end - body.at;
	if (first == '#' || first == ';') {
		l->kind = indented ? LINE_LATE_COMMENT : LINE_COMMENT;
		return;
	}
	if (memchr(t.p + l->all.at, '\0', l->all.n) != NULL) {
		l->kind = LINE_NUL;
		return;
	}
	if (first == '[') {
		header(t, body, l);
		return;
	}
	size_t equals = find(t, body, '=');
	if (equals < end)
		assignment(t, body, equals, l);
}

/* "\" then white space then LF looks like a continuation and is none. */
static bool
late_backslash(struct view t, struct piece all)
{
	size_t n = all.n;

	while (n > 0 && lex_space(lex_octet(t, all.at + n - 1)))
		n--;
	return n > 0 && n < all.n && t.p[all.at + n - 1] == '\\';
}

bool
lex_marked(struct view t)
{
	static const uint8_t mark[LEX_MARK] = { 0xef, 0xbb, 0xbf };

	return t.n >= sizeof(mark) && memcmp(t.p, mark, sizeof(mark)) == 0;
}

bool
lex_next(struct lex *x, struct lex_line *ret)
{
	if (x->at == 0 && lex_marked(x->text))
		x->at = LEX_MARK;
	struct lex_line l = { .all.at = x->at, .first = x->line + 1 };
	size_t i = x->at;

	if (i >= x->text.n)
		return false;
	for (; i < x->text.n; i++) {
		if (x->text.p[i] != '\n')
			continue;
		x->line++;
		if (lex_octet(x->text, i) == '\n')
			break;
	}
	if (i == x->text.n && x->text.p[i - 1] != '\n')
		x->line++;		/* the last line has no LF */
	l.all.n = i - x->at;
	l.last = x->line;
	x->at = i < x->text.n ? i + 1 : i;
	classify(x->text, &l);
	l.late_backslash = l.kind != LINE_BLANK && late_backslash(x->text, l.all);
	*ret = l;
	return true;
}
