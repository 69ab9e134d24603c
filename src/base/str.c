#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct str
str_of(char *room, size_t cap)
{
	room[0] = '\0';
	return (struct str){ .p = room, .cap = cap };
}

void
str_char(struct str *s, char c)
{
	if (s->cap - s->len < 2) {
		s->cut = true;
		return;
	}
	s->p[s->len++] = c;
	s->p[s->len] = '\0';
}

void
str_add(struct str *s, const char *t)
{
	size_t n = strlen(t);

	if (n > s->cap - s->len - 1) {
		n = s->cap - s->len - 1;
		s->cut = true;
	}
	memcpy(s->p + s->len, t, n);
	s->len += n;
	s->p[s->len] = '\0';
}

void
str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;
	size_t room = s->cap - s->len;

	va_start(ap, fmt);
	int n = vsnprintf(s->p + s->len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		s->cut = true;
		s->len += strlen(s->p + s->len);
		return;
	}
	s->len += (size_t)n;
}

void
str_hex(struct str *s, struct view v)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < v.n && !s->cut; i++) {
		str_char(s, digits[v.p[i] >> 4]);
		str_char(s, digits[v.p[i] & 15]);
	}
}

void
str_escaped(struct str *s, struct view v)
{
	for (size_t i = 0; i < v.n && !s->cut; i++) {
		if (v.p[i] >= 0x20 && v.p[i] < 0x7f && v.p[i] != '\\')
			str_char(s, (char)v.p[i]);
		else
			str_addf(s, "\\x%02x", v.p[i]);
	}
}

void
text_copy(char *dst, size_t cap, const char *src)
{
	struct str s = str_of(dst, cap);

	str_add(&s, src);
}

static unsigned char
lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

bool
text_same_n(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (lower((unsigned char)a[i]) != lower((unsigned char)b[i]))
			return false;
		if (a[i] == '\0')
			return true;
	}
	return true;
}

bool
text_same(const char *a, const char *b)
{
	return text_same_n(a, b, (size_t)-1);
}
