/*
 * Which pre-shared keys changed, without knowing any: `keys` gives a mark for
 * each that it holds (messages.h), and what the configuration shows is a
 * version that grows when the mark does.  So a key that alone is new makes
 * its peer another one, whether it came by the file or by an order.
 */
#include <stdlib.h>

#include "crypto/random.h"
#include "role/ike_internal.h"

enum { PSKS_MAX = 1000 * 1000 };

/*
 * An order takes a moment to reach `keys` and come back as a mark.  Until
 * then it counts as a change; if it was none, and nobody saw it, it is undone.
 */
struct ike_psk {
	uint64_t mark, version;
	uint64_t coming;	/* mark in the file that is being read */
	uint64_t next;		/* version, should that file be taken */
	uint64_t before;	/* version before the orders that are under way */
	uint64_t seen;		/* ike->configurations at the first of them */
	unsigned orders;	/* under way */
};

struct view
ike_psk_key(const struct ike *ike, const char *section, uint8_t room[16])
{
	char low[STORE_NAME_MAX];
	size_t n = 0;

	for (; section[n] != '\0' && n < sizeof(low); n++)
		low[n] = section[n] >= 'A' && section[n] <= 'Z' ? (char)(section[n] + 32) :
		    section[n];
	for (size_t i = 0; i < 2; i++) {
		uint64_t h = siphash(ike->psk_key[i], view_of(low, n));
		memcpy(room + i * sizeof(h), &h, sizeof(h));
	}
	return view_of(room, 16);
}

bool
ike_psk_prepare(struct ike *ike)
{
	uint8_t key[16];

	random_bytes(key, sizeof(key));
	random_bytes(ike->psk_key, sizeof(ike->psk_key));
	ike->psk_places = map_new(key);
	return ike->psk_places != NULL;
}

void
ike_psk_done(struct ike *ike)
{
	map_free(ike->psk_places);
	free(ike->psks);
}

static struct ike_psk *
find(const struct ike *ike, const char *section)
{
	uint8_t room[16];
	uint64_t at;

	return map_get(ike->psk_places, ike_psk_key(ike, section, room), &at) ?
	    &ike->psks[at] : NULL;
}

/* NULL without memory: then a change of this key is not seen. */
static struct ike_psk *
find_or_add(struct ike *ike, const char *section)
{
	struct ike_psk *k = find(ike, section);
	uint8_t room[16];

	if (k != NULL)
		return k;
	if (ike->n_psks == ike->cap_psks) {
		size_t cap = ike->cap_psks == 0 ? 64 : ike->cap_psks * 2;
		k = cap > PSKS_MAX ? NULL : realloc(ike->psks, cap * sizeof(*k));
		if (k == NULL)
			return NULL;
		ike->psks = k;
		ike->cap_psks = cap;
	}
	if (!map_put(ike->psk_places, ike_psk_key(ike, section, room), ike->n_psks))
		return NULL;
	k = &ike->psks[ike->n_psks++];
	*k = (struct ike_psk){ 0 };
	return k;
}

uint64_t
ike_psk_version(void *self, const char *section)
{
	const struct ike *ike = self;
	const struct ike_psk *k = find(ike, section);

	return k == NULL ? 0 : ike->psk_loading ? k->next : k->version;
}

void
ike_psk_ordered(struct ike *ike, const char *section)
{
	struct ike_psk *k = find_or_add(ike, section);

	if (k == NULL)
		return;
	if (k->orders++ == 0) {
		k->before = k->version;
		k->seen = ike->configurations;
	}
	k->version = ++ike->psk_versions;
}

/* The answer to an order; true if what was configured meanwhile is to be looked at again. */
static void
answered(struct ike *ike, struct ike_psk *k, uint64_t mark)
{
	if (k->orders > 0 && --k->orders > 0)
		return;
	if (k->mark == mark && k->seen == ike->configurations)
		k->version = k->before;
	k->mark = mark;
}

void
ike_psk_marked(struct ike *ike, const char *section, uint64_t mark)
{
	struct ike_psk *k = find_or_add(ike, section);

	if (k == NULL)
		return;
	if (ike->text.p != NULL)
		k->coming = mark;
	else
		answered(ike, k, mark);
}

void
ike_psk_file_begins(struct ike *ike)
{
	for (size_t i = 0; i < ike->n_psks; i++)
		ike->psks[i].coming = 0;
}

void
ike_psk_file_judge(struct ike *ike)
{
	for (size_t i = 0; i < ike->n_psks; i++) {
		struct ike_psk *k = &ike->psks[i];

		k->next = k->coming == k->mark && k->orders == 0 ? k->version :
		    ++ike->psk_versions;
	}
	ike->psk_loading = true;
}

void
ike_psk_file_end(struct ike *ike, bool taken)
{
	ike->psk_loading = false;
	for (size_t i = 0; taken && i < ike->n_psks; i++) {
		ike->psks[i].version = ike->psks[i].next;
		ike->psks[i].mark = ike->psks[i].coming;
	}
}

unsigned
ike_psk_keys_restarted(struct ike *ike)
{
	unsigned lost = 0;

	for (size_t i = 0; i < ike->n_psks; i++) {
		lost += ike->psks[i].orders;
		ike->psks[i].orders = 0;
	}
	return lost;
}
