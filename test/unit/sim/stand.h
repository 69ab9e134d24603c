/* What every stand of this room, a small world with a plan, does. */
#ifndef UNIT_SIM_STAND_H
#define UNIT_SIM_STAND_H

#include "prove.h"

#include "sim/template.h"

/* Frees the world and its plan.  No invariant may have been violated in it. */
static inline void
world_end(struct world *w, struct plan *plan)
{
	if (!world_ok(w))
		print_message("%s\n", w->violation);
	assert_true(world_ok(w));
	plan_done(plan);
	world_free(w);
}

static inline void
world_pass(struct world *w, int64_t ms)
{
	world_run(w, mono_add(w->now, span_ms(ms)));
}

/* The host is told to bring its connection up. */
static inline void
world_connect(struct world *w, struct host *h)
{
	host_before(h);
	assert_int_equal(core_connect(h->core, w->now, "tunnel"), WHY_NONE);
	host_after(h);
}

#endif
