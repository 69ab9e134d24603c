#include "conf/snapshot.h"

#include "base/arena.h"

struct snapshot *
snapshot_ref(struct snapshot *s)
{
	s->refs++;
	return s;
}

void
snapshot_unref(struct snapshot *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	arena_free(s->arena);		/* which holds *s, too */
}

/*
 * Prefixes nest or are apart, and entries are sorted by first address with
 * wider ones first: so the last entry that begins at or before the address
 * holds it, or one of those around that entry does, or none.
 */
static const struct phase1_entry *
entry_for(const struct snapshot *s, const struct addr *a)
{
	size_t low = 0, high = s->n_phase1;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (addr_compare(&s->phase1[middle].net.first, a) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (uint32_t at = (uint32_t)low; at != 0; at = s->phase1[at - 1].parent)
		if (range_has(&s->phase1[at - 1].net, a))
			return &s->phase1[at - 1];
	return NULL;
}

const struct peer *
snapshot_peer_for(const struct snapshot *s, const struct addr *a)
{
	const struct phase1_entry *e = entry_for(s, a);

	return e == NULL ? s->default_peer : e->peer;
}

/* As in sorting by strcasecmp, independent of the locale. */
static int
name_compare(const char *a, const char *b)
{
	for (;; a++, b++) {
		unsigned char x = (unsigned char)*a, y = (unsigned char)*b;

		x = x >= 'A' && x <= 'Z' ? (unsigned char)(x + 32) : x;
		y = y >= 'A' && y <= 'Z' ? (unsigned char)(y + 32) : y;
		if (x != y)
			return x < y ? -1 : 1;
		if (x == '\0')
			return 0;
	}
}

const struct peer *
snapshot_peer(const struct snapshot *s, const char *name)
{
	size_t low = 0, high = s->n_peers;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = name_compare(name, s->peers_by_name[middle]->name);

		if (order == 0)
			return s->peers_by_name[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct connection *
snapshot_connection(const struct snapshot *s, const char *name)
{
	size_t low = 0, high = s->n_connections;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = name_compare(name, s->connections_by_name[middle]->name);

		if (order == 0)
			return s->connections_by_name[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
