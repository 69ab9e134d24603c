#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

void
wipe(void *p, size_t n)
{
	if (p != NULL && n > 0)
		explicit_bzero(p, n);
}

bool
secret_room(struct secret *ret, size_t n)
{
	struct secret s = { 0 };

	if (n > SECRET_MAX)
		return false;
	if (n > 0) {
		s.p = calloc(1, n);
		if (s.p == NULL)
			return false;
		s.n = n;
	}
	secret_done(ret);
	*ret = s;
	return true;
}

bool
secret_set(struct secret *ret, struct view v)
{
	struct secret s = { 0 };

	if (!secret_room(&s, v.n))
		return false;
	if (v.n > 0)
		memcpy(s.p, v.p, v.n);
	secret_done(ret);
	*ret = s;
	return true;
}

void
secret_take(struct secret *ret, struct secret *from)
{
	if (ret == from)
		return;
	secret_done(ret);
	*ret = *from;
	*from = (struct secret){ 0 };
}

void
secret_done(struct secret *s)
{
	if (s == NULL)
		return;
	wipe(s->p, s->n);
	free(s->p);
	*s = (struct secret){ 0 };
}

struct view
secret_view(const struct secret *s)
{
	return view_of(s->p, s->n);
}

bool
ct_equal(struct view a, struct view b)
{
	volatile uint8_t diff = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		diff = (uint8_t)(diff | (a.p[i] ^ b.p[i]));
	return diff == 0;
}
