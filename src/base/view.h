/*
 * view: borrowed bytes.  A view never owns; whoever hands one out says how
 * long it lives.
 */
#ifndef BASE_VIEW_H
#define BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const uint8_t	*p;
	size_t		 n;		/* octets */
};

static inline struct view
view_of(const void *p, size_t n)
{
	return (struct view){ .p = p, .n = n };
}

static inline struct view
view_str(const char *s)
{
	return (struct view){ .p = (const uint8_t *)s, .n = strlen(s) };
}

/* Equal length and octets.  Not constant time: never for secrets. */
static inline bool
view_equal(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif
