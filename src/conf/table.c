#include "conf/table.h"

#include <stdlib.h>

#include "base/str.h"

struct table_slot {
	uint64_t	 hash;
	const char	*key;		/* NULL: free */
	void		*value;
};

/* FNV-1a over lower case, mixed once more for the low bits. */
static uint64_t
hash_of(struct view key)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < key.n; i++) {
		uint8_t c = key.p[i];

		h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 0x100000001b3u;
	}
	return h ^ h >> 32;
}

void
table_done(struct table *t)
{
	if (t == NULL)
		return;
	free(t->v);
	*t = (struct table){ 0 };
}

static bool
same(const struct table_slot *s, uint64_t hash, struct view key)
{
	/* Nearly always written alike: the octets first, the letters' case only then. */
	return s->hash == hash && strlen(s->key) == key.n &&
	    (memcmp(s->key, key.p, key.n) == 0 ||
	    text_same_n(s->key, (const char *)key.p, key.n));
}

/* Where the key stands, or the free slot where it would. */
static size_t
find(const struct table *t, uint64_t hash, struct view key)
{
	size_t i = hash & (t->size - 1);

	while (t->v[i].key != NULL && !same(&t->v[i], hash, key))
		i = (i + 1) & (t->size - 1);
	return i;
}

/* All keys of a table differ: to move one, none need be looked at. */
static void
move_into(struct table *t, const struct table_slot *s)
{
	size_t i = s->hash & (t->size - 1);

	while (t->v[i].key != NULL)
		i = (i + 1) & (t->size - 1);
	t->v[i] = *s;
}

static bool
grow(struct table *t)
{
	struct table bigger = { .size = t->size == 0 ? 16 : t->size * 2, .n = t->n };

	bigger.v = calloc(bigger.size, sizeof(*bigger.v));
	if (bigger.v == NULL)
		return false;
	for (size_t i = 0; i < t->size; i++)
		if (t->v[i].key != NULL)
			move_into(&bigger, &t->v[i]);
	free(t->v);
	*t = bigger;
	return true;
}

bool
table_put(struct table *t, const char *key, void *value)
{
	if (t->n >= t->size / 2 && !grow(t))
		return false;
	uint64_t hash = hash_of(view_str(key));
	t->v[find(t, hash, view_str(key))] =
	    (struct table_slot){ .hash = hash, .key = key, .value = value };
	t->n++;
	return true;
}

void *
table_get(const struct table *t, struct view key)
{
	if (t->size == 0)
		return NULL;
	const struct table_slot *s = &t->v[find(t, hash_of(key), key)];
	return s->key == NULL ? NULL : s->value;
}

void
table_remove(struct table *t, const char *key)
{
	struct view k = view_str(key);

	if (t->size == 0)
		return;
	size_t mask = t->size - 1, hole = find(t, hash_of(k), k);
	if (t->v[hole].key == NULL)
		return;
	/* Later entries of the same run move up, so that no search stops early. */
	for (size_t i = (hole + 1) & mask; t->v[i].key != NULL; i = (i + 1) & mask) {
		size_t home = t->v[i].hash & mask;

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			t->v[hole] = t->v[i];
			hole = i;
		}
	}
	t->v[hole] = (struct table_slot){ 0 };
	t->n--;
}
