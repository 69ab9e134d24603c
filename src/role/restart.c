#include "role/restart.h"

bool
restart_allowed(struct restarts *r, struct mono now)
{
	struct mono *oldest = &r->at[r->n % RESTARTS_MAX];

	if (r->n >= RESTARTS_MAX &&
	    mono_before(now, mono_add(*oldest, span_s(RESTARTS_SPAN_S))))
		return false;
	*oldest = now;
	r->n++;
	return true;
}
