#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 64, LEAST = 64 };

struct node {
	struct node	*next;
	uint64_t	 hash, value;
	size_t		 n;
	uint8_t		 key[];
};

struct map {
	struct node	**buckets;
	size_t		  size, count;
	uint8_t		  secret[16];
};

static uint64_t
rotl(uint64_t v, unsigned b)
{
	return v << b | v >> (64 - b);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1]; v[1] = rotl(v[1], 13) ^ v[0]; v[0] = rotl(v[0], 32);
	v[2] += v[3]; v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3]; v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1]; v[1] = rotl(v[1], 17) ^ v[2]; v[2] = rotl(v[2], 32);
}

static uint64_t
le64(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

uint64_t
siphash(const uint8_t key[16], struct view in)
{
	uint64_t k0 = le64(key, 8), k1 = le64(key + 8, 8);
	uint64_t v[4] = {
		k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
		k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u,
	};
	size_t whole = in.n / 8;

	for (size_t i = 0; i <= whole; i++) {
		uint64_t m = i < whole ? le64(in.p + 8 * i, 8) :
		    (in.n % 8 == 0 ? 0 : le64(in.p + 8 * i, in.n % 8)) | (uint64_t)in.n << 56;

		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *
map_new(const uint8_t key[16])
{
	struct map *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->buckets = calloc(LEAST, sizeof(struct node *));
	if (m->buckets == NULL) {
		free(m);
		return NULL;
	}
	m->size = LEAST;
	memcpy(m->secret, key, 16);
	return m;
}

void
map_free(struct map *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->size; i++) {
		struct node *next;

		for (struct node *n = m->buckets[i]; n != NULL; n = next) {
			next = n->next;
			free(n);
		}
	}
	free(m->buckets);
	free(m);
}

static struct node **
find(const struct map *m, struct view key, uint64_t hash)
{
	struct node **at = &m->buckets[hash & (m->size - 1)];

	while (*at != NULL && !((*at)->hash == hash &&
	    view_equal(view_of((*at)->key, (*at)->n), key)))
		at = &(*at)->next;
	return at;
}

static void
grow(struct map *m)
{
	size_t size = m->size * 2;
	struct node **buckets = calloc(size, sizeof(struct node *));

	if (buckets == NULL)
		return;		/* longer chains, still correct */
	for (size_t i = 0; i < m->size; i++) {
		struct node *next;

		for (struct node *n = m->buckets[i]; n != NULL; n = next) {
			next = n->next;
			n->next = buckets[n->hash & (size - 1)];
			buckets[n->hash & (size - 1)] = n;
		}
	}
	free(m->buckets);
	m->buckets = buckets;
	m->size = size;
}

bool
map_put(struct map *m, struct view key, uint64_t value)
{
	uint64_t hash = siphash(m->secret, key);
	struct node **at = find(m, key, hash);

	assert(key.n <= KEY_MAX);
	if (*at != NULL) {
		(*at)->value = value;
		return true;
	}
	struct node *n = malloc(sizeof(*n) + key.n);
	if (n == NULL)
		return false;
	*n = (struct node){ .hash = hash, .value = value, .n = key.n };
	if (key.n > 0)
		memcpy(n->key, key.p, key.n);
	*at = n;
	if (++m->count > m->size)
		grow(m);
	return true;
}

bool
map_get(const struct map *m, struct view key, uint64_t *ret)
{
	struct node *n = *find(m, key, siphash(m->secret, key));

	if (n == NULL)
		return false;
	*ret = n->value;
	return true;
}

void
map_remove(struct map *m, struct view key)
{
	struct node **at = find(m, key, siphash(m->secret, key));
	struct node *n = *at;

	if (n == NULL)
		return;
	*at = n->next;
	free(n);
	m->count--;
}

size_t
map_count(const struct map *m)
{
	return m->count;
}
