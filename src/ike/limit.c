/*
 * Bounds on phase 1 exchanges that others began and that are not
 * authenticated (security R4, R26).  They pass two stages: half-open until the
 * peer has echoed our cookie, for until then its address may be forged; and
 * proven until it has authenticated, for it costs us public-key work.
 *
 * Sources are counted per IPv4 address or IPv6 /64 under a keyed hash.
 * Addresses that stand in [Phase 1] have a budget of their own, so a flood of
 * strangers cannot keep a known peer out (doc/decisions/0011-proven-but-strange.md);
 * what comes from them past it is answered without an exchange (echo.c).
 */
#include "ike/internal.h"

enum { PROVEN_PER_SOURCE = 4 };	/* times as many as half-open: many may share a NAT */

/* Which gives way to others once it has lasted so long: a proven one may wait for our own work. */
static const int64_t evict_after_secs[STAGE_MAX] = {
	[STAGE_HALF_OPEN] = 2, [STAGE_PROVEN] = 15,
};

static struct view
source_key(enum stage stage, const struct addr *a, uint8_t room[17])
{
	size_t n = a->family == FAMILY_IP6 ? 8 : addr_len(a);

	room[0] = (uint8_t)stage;
	memcpy(room + 1, a->b, n);
	return view_of(room, n + 1);
}

static struct stage_list *
list_of(struct core *core, enum stage stage, bool known)
{
	return &core->stages[stage][known];
}

/* The oldest in a list, from one source if given. */
static struct exchange *
oldest(const struct stage_list *list, enum stage stage, const struct addr *source)
{
	uint8_t room[2][17];
	struct exchange *x = list->first;

	while (x != NULL && source != NULL && !view_equal(source_key(stage, source, room[0]),
	    source_key(stage, &x->first_addr, room[1])))
		x = x->newer;
	return x;
}

/* Nobody waits for a half-open one; of the others' end there is a record. */
static void
evict(struct core *core, struct exchange *x, enum why why)
{
	if (x->stage == STAGE_HALF_OPEN)
		exchange_free(core, x);
	else
		exchange_fail(core, x, why);
}

enum why
stage_admit(struct core *core, enum stage stage, const struct addr *source, bool known)
{
	struct stage_list *list = list_of(core, stage, known);
	uint64_t most = core->snapshot->half_open_source, n = 0;
	uint8_t room[17];
	struct exchange *x;

	if (stage == STAGE_PROVEN)
		most *= PROVEN_PER_SOURCE;
	if (map_get(core->by_source, source_key(stage, source, room), &n) && n >= most) {
		/* Who is half-open may be forged, and then displaces the one who is not. */
		x = stage == STAGE_PROVEN ? oldest(list, stage, source) : NULL;
		if (x == NULL)
			return WHY_LIMIT_SOURCE;
		evict(core, x, WHY_LIMIT_SOURCE);
		return WHY_NONE;
	}
	if (list->n < core->snapshot->half_open_total)
		return WHY_NONE;
	x = oldest(list, stage, NULL);
	if (x == NULL || mono_since(core->now, x->started).us < span_s(evict_after_secs[stage]).us)
		return WHY_LIMIT_TOTAL;
	evict(core, x, WHY_LIMIT_TOTAL);
	return WHY_NONE;
}

bool
stage_enter(struct core *core, struct exchange *x, enum stage stage)
{
	struct stage_list *list = list_of(core, stage, x->known_peer);
	uint8_t room[17];
	struct view key = source_key(stage, &x->first_addr, room);
	uint64_t n = 0;

	(void)map_get(core->by_source, key, &n);
	if (!map_put(core->by_source, key, n + 1))
		return false;
	stage_leave(core, x);
	x->stage = stage;
	x->older = list->last;
	x->newer = NULL;
	*(list->last != NULL ? &list->last->newer : &list->first) = x;
	list->last = x;
	list->n++;
	return true;
}

void
stage_leave(struct core *core, struct exchange *x)
{
	struct stage_list *list = list_of(core, x->stage, x->known_peer);
	uint8_t room[17];
	struct view key = source_key(x->stage, &x->first_addr, room);
	uint64_t n = 0;

	if (x->stage == STAGE_NONE)
		return;
	*(x->older != NULL ? &x->older->newer : &list->first) = x->newer;
	*(x->newer != NULL ? &x->newer->older : &list->last) = x->older;
	x->older = x->newer = NULL;
	list->n--;
	x->stage = STAGE_NONE;
	if (map_get(core->by_source, key, &n) && n > 1) {
		if (!map_put(core->by_source, key, n - 1))
			core_refuse(core, WHY_NO_MEMORY);
	} else {
		map_remove(core->by_source, key);
	}
}
