#include "role/keyring.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/str.h"
#include "crypto/key_name.h"
#include "crypto/random.h"

struct own {
	char		*name;		/* "": for every identity */
	struct sign_key	*key;
};

struct other {
	struct pubkey	 key;
	char		 name[];	/* as key_name has it */
};

struct keyring {
	struct own	 own[KEYRING_PRIVATE_MAX];
	size_t		 n_own;
	struct other	**others;
	size_t		 n_others;
	struct map	*by_name;	/* digest of the name -> index of other */
	uint8_t		 name_key[2][16];
};

struct keyring *
keyring_new(void)
{
	struct keyring *k = calloc(1, sizeof(*k));
	uint8_t key[16];

	if (k == NULL)
		return NULL;
	random_bytes(key, sizeof(key));
	random_bytes(k->name_key, sizeof(k->name_key));
	k->by_name = map_new(key);
	if (k->by_name != NULL)
		return k;
	free(k);
	return NULL;
}

void
keyring_free(struct keyring *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->n_own; i++) {
		free(k->own[i].name);
		sign_key_unref(k->own[i].key);
	}
	for (size_t i = 0; i < k->n_others; i++)
		free(k->others[i]);
	free(k->others);
	map_free(k->by_name);
	free(k);
}

/* ---- ours ---- */

static struct own *
own_find(const struct keyring *k, const char *name)
{
	for (size_t i = 0; i < k->n_own; i++)
		if (text_same(k->own[i].name, name))
			return (struct own *)&k->own[i];
	return NULL;
}

bool
keyring_add_private(struct keyring *k, const char *name, struct sign_key *key)
{
	struct own *o = own_find(k, name);

	if (o != NULL) {
		sign_key_unref(o->key);
		o->key = key;
		return true;
	}
	char *copy = k->n_own == KEYRING_PRIVATE_MAX ? NULL : strdup(name);
	if (copy == NULL) {
		sign_key_unref(key);
		return false;
	}
	k->own[k->n_own++] = (struct own){ copy, key };
	return true;
}

static const struct own *
own_of_id(const struct keyring *k, const struct id *id)
{
	STR(name, KEY_NAME_MAX);

	return id != NULL && key_name_private(&name, id) ? own_find(k, name.p) : NULL;
}

struct sign_key *
keyring_private(const struct keyring *k, const struct id *id, uint8_t method)
{
	const struct own *o = own_of_id(k, id);

	if (o != NULL && pubkey_does(sign_key_public(o->key), method))
		return o->key;
	o = own_find(k, "");
	return o != NULL && pubkey_does(sign_key_public(o->key), method) ? o->key : NULL;
}

struct sign_key *
keyring_private_any(const struct keyring *k, uint8_t method)
{
	struct sign_key *key = keyring_private(k, NULL, method);

	for (size_t i = 0; key == NULL && i < k->n_own; i++)
		if (pubkey_does(sign_key_public(k->own[i].key), method))
			key = k->own[i].key;
	return key;
}

size_t
keyring_private_count(const struct keyring *k)
{
	return k == NULL ? 0 : k->n_own;
}

/* ---- the peers' ---- */

struct digest { uint8_t b[16]; };

/* Names can be longer than the keys of a map; the name itself is compared besides. */
static struct digest
digest_of(const struct keyring *k, const char *name)
{
	struct digest d;

	for (size_t i = 0; i < 2; i++) {
		uint64_t h = siphash(k->name_key[i], view_str(name));
		memcpy(d.b + i * sizeof(h), &h, sizeof(h));
	}
	return d;
}

static struct other *
other_find(const struct keyring *k, const struct digest *d, const char *name)
{
	uint64_t at;

	if (!map_get(k->by_name, view_of(d->b, sizeof(d->b)), &at))
		return NULL;
	struct other *o = k->others[at];
	return strcmp(o->name, name) == 0 ? o : NULL;
}

static bool
others_room(struct keyring *k)
{
	if (k->n_others % 256 != 0)
		return true;
	struct other **bigger = realloc(k->others, (k->n_others + 256) * sizeof(struct other *));
	if (bigger == NULL)
		return false;
	k->others = bigger;
	return true;
}

static bool
add_public(struct keyring *k, const char *name, const struct pubkey *key)
{
	const struct digest d = digest_of(k, name);
	struct other *o = other_find(k, &d, name);
	const size_t n = strlen(name) + 1;

	if (o != NULL) {
		o->key = *key;
		return true;
	}
	if (k->n_others >= KEYRING_PUBLIC_MAX || !others_room(k))
		return false;
	o = malloc(sizeof(*o) + n);
	if (o == NULL || !map_put(k->by_name, view_of(d.b, sizeof(d.b)), k->n_others)) {
		free(o);
		return false;
	}
	o->key = *key;
	memcpy(o->name, name, n);
	k->others[k->n_others++] = o;
	return true;
}

bool
keyring_add_public(struct keyring *k, const struct id *id, const struct pubkey *key)
{
	STR(name, KEY_NAME_MAX);

	return key_name(&name, id) && add_public(k, name.p, key);
}

bool
keyring_add_file(struct keyring *k, const char *file, const struct pubkey *key)
{
	STR(name, KEY_NAME_MAX);

	return key_name_read(&name, file) && add_public(k, name.p, key);
}

const struct pubkey *
keyring_public(const struct keyring *k, const struct id *id)
{
	STR(name, KEY_NAME_MAX);

	if (k == NULL || !key_name(&name, id))
		return NULL;
	const struct digest d = digest_of(k, name.p);
	const struct other *o = other_find(k, &d, name.p);
	return o == NULL ? NULL : &o->key;
}

size_t
keyring_public_count(const struct keyring *k)
{
	return k == NULL ? 0 : k->n_others;
}
