#include "trust/seen.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/map.h"

struct seen {
	struct slot {
		X509		*x;
		unsigned char	*der;	/* libcrypto's memory */
		size_t		 n;
	} slot[SEEN_MAX];
};

struct seen *
seen_new(void)
{
	return calloc(1, sizeof(struct seen));
}

static void
slot_clear(struct slot *s)
{
	X509_free(s->x);
	OPENSSL_free(s->der);
	*s = (struct slot){ 0 };
}

void
seen_free(struct seen *s)
{
	for (size_t i = 0; s != NULL && i < SEEN_MAX; i++)
		slot_clear(&s->slot[i]);
	free(s);
}

/* Nobody can choose what is kept, so the hash needs no secret. */
static size_t
index_of(struct view der)
{
	static const uint8_t key[16];

	return siphash(key, der) % SEEN_MAX;
}

X509 *
seen_find(const struct seen *s, struct view der)
{
	const struct slot *at = &s->slot[index_of(der)];

	if (at->x == NULL || !view_equal(view_of(at->der, at->n), der) || X509_up_ref(at->x) != 1)
		return NULL;
	return at->x;
}

void
seen_keep(struct seen *s, X509 *x)
{
	struct slot one = { 0 };
	int n = i2d_X509(x, &one.der);

	if (n <= 0)
		return;
	one.n = (size_t)n;
	struct slot *at = &s->slot[index_of(view_of(one.der, one.n))];
	if (at->x != x && X509_up_ref(x) == 1) {
		slot_clear(at);
		one.x = x;
		*at = one;
	} else {
		OPENSSL_free(one.der);
	}
}
