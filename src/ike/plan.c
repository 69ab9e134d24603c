/*
 * What a reload will do, told before it is done.  The deeds are those of
 * connection.c, by the same comparisons.
 */
#include "ike/internal.h"

enum { LINES_MOST = 100 };	/* of one plan; the counts are always complete */

struct plan {
	struct core	*core;
	unsigned	 same, changed, fresh, removed, lines;
};

static const char *const changes[] = {
	[CONNECTION_SAME] = "nothing", [CONNECTION_OTHER_PEER] = "another peer",
	[CONNECTION_OTHER_IDS] = "identities", [CONNECTION_PEER_CHANGED] = "its peer's section",
	[CONNECTION_OTHER_SUITES] = "suites", [CONNECTION_OTHER_LIST] = "its list in [Phase 2]",
};

static void
line(struct plan *p, const char *name, const char *what, const char *detail, const char *then)
{
	if (p->lines++ < LINES_MOST)
		tell(p->core, CLASS_NORMAL, 0, "isakmpd: plan: connection %s %s%s: %s", name, what,
		    detail, then);
}

static void
compare(struct plan *p, const struct connection *old, const struct connection *now)
{
	enum connection_change change = connection_compare(old, now);
	STR(detail, 64);

	if (change == CONNECTION_SAME) {
		p->same++;
		return;
	}
	p->changed++;
	str_addf(&detail, " (%s)", changes[change]);
	line(p, now->name, "changed", detail.p, change == CONNECTION_OTHER_LIST ?
	    "its SAs stay" : connection_can_renew(old, now) ?
	    "renegotiated, its SAs stay until then" : "its SAs are removed, and negotiated anew");
}

void
reload_plan(struct core *core, const struct snapshot *old, const struct snapshot *fresh)
{
	struct plan p = { .core = core };

	if (old == NULL)
		return;
	for (size_t i = 0; i < old->n_connections; i++) {
		const struct connection *was = &old->connections[i];
		const struct connection *now = snapshot_connection(fresh, was->name);

		if (now != NULL) {
			compare(&p, was, now);
			continue;
		}
		p.removed++;
		line(&p, was->name, "removed", "", "its SAs are deleted");
	}
	for (size_t i = 0; i < fresh->n_connections; i++) {
		const struct connection *now = &fresh->connections[i];

		if (snapshot_connection(old, now->name) != NULL)
			continue;
		p.fresh++;
		line(&p, now->name, "new", "", now->active ? "negotiated and kept up" : "accepted");
	}
	if (p.lines > LINES_MOST)
		tell(core, CLASS_NORMAL, 0, "isakmpd: plan: and %u more", p.lines - LINES_MOST);
	/* Also when nothing changes: who ordered it sees that it was taken. */
	tell(core, CLASS_NORMAL, 0, "isakmpd: plan: connections: %u stay as they are, "
	    "%u changed, %u new, %u removed", p.same, p.changed, p.fresh, p.removed);
}
