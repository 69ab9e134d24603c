/*
 * str: a string builder over the caller's room.  It truncates, marks that it
 * did, and always leaves a terminated string.  Nobody does arithmetic on the
 * return value of the printf family (security R14).
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"
#include "base/view.h"

struct str {
	char	*p;
	size_t	 len, cap;	/* cap counts the terminator */
	bool	 cut;		/* something did not fit */
};

/* cap must be at least 1. */
struct str	str_of(char *room, size_t cap);
void		str_add(struct str *, const char *s);
void		str_addf(struct str *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void		str_char(struct str *, char c);
/* Lower case hex, no separators. */
void		str_hex(struct str *, struct view);
/*
 * Octets that came from outside: printable ASCII as it is, everything else
 * and backslash as \xNN.  (isakmpd.md 8.4 Beyond)
 */
void		str_escaped(struct str *, struct view);

#define STR(name, size)							\
	char name##_room[size];						\
	struct str name = str_of(name##_room, sizeof(name##_room))

/* Copies with truncation; dst is always terminated. */
void		text_copy(char *dst, size_t cap, const char *src);
/* ASCII only, independent of the locale. */
bool		text_same(const char *a, const char *b);	/* ignores case */
bool		text_same_n(const char *a, const char *b, size_t n);

#endif
