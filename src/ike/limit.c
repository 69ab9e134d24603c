/*
 * Bounds on half-open exchanges (security R4, R26).  A responder's exchange is
 * half-open until the peer has echoed our cookie.  Sources are counted per
 * IPv4 address or IPv6 /64 under a keyed hash.  Addresses that stand in
 * [Phase 1] have a budget of their own, so a flood of strangers cannot keep
 * a known peer out.
 */
#include "ike/internal.h"

static struct view
source_key(const struct addr *a, uint8_t room[16])
{
	size_t n = a->family == FAMILY_IP6 ? 8 : addr_len(a);

	memcpy(room, a->b, n);
	return view_of(room, n);
}

/* The oldest half-open exchange of a kind, from one source if given. */
static struct exchange *
oldest(struct core *core, bool known, const struct addr *source)
{
	struct exchange *found = NULL;
	struct handle h;
	uint32_t at = 0;

	for (struct exchange *x; (x = slab_next(core->exchanges, &at, &h)) != NULL;) {
		if (!x->counted || x->known_peer != known || x->fresh)
			continue;
		if (source != NULL && addr_compare(&x->first_addr, source) != 0)
			continue;
		if (found == NULL || mono_before(x->started, found->started))
			found = x;
	}
	return found;
}

enum why
half_open_admit(struct core *core, const struct addr *source, bool known)
{
	uint8_t room[16];
	uint64_t n = 0;
	uint32_t total = known ? core->half_open_known : core->half_open_unknown;
	struct exchange *x;

	if (map_get(core->by_source, source_key(source, room), &n) &&
	    n >= core->snapshot->half_open_source) {
		/* A known peer that starts over displaces its own old attempt. */
		x = known ? oldest(core, true, source) : NULL;
		if (x == NULL)
			return WHY_LIMIT_SOURCE;
		exchange_free(core, x);
		return WHY_NONE;
	}
	if (total < core->snapshot->half_open_total)
		return WHY_NONE;
	x = oldest(core, known, NULL);
	if (x == NULL || mono_since(core->now, x->started).us < span_s(2).us)
		return WHY_LIMIT_TOTAL;
	exchange_free(core, x);
	return WHY_NONE;
}

void
half_open_count(struct core *core, struct exchange *x)
{
	uint8_t room[16];
	struct view key = source_key(&x->first_addr, room);
	uint64_t n = 0;

	(void)map_get(core->by_source, key, &n);
	if (!map_put(core->by_source, key, n + 1))
		return;
	x->counted = true;
	if (x->known_peer)
		core->half_open_known++;
	else
		core->half_open_unknown++;
}

void
half_open_release(struct core *core, struct exchange *x)
{
	uint8_t room[16];
	struct view key = source_key(&x->first_addr, room);
	uint64_t n = 0;

	if (!x->counted)
		return;
	x->counted = false;
	if (x->known_peer)
		core->half_open_known--;
	else
		core->half_open_unknown--;
	if (map_get(core->by_source, key, &n) && n > 1) {
		if (!map_put(core->by_source, key, n - 1))
			core_refuse(core, WHY_NO_MEMORY);
	} else {
		map_remove(core->by_source, key);
	}
}
