/* The keys role of a simulated host: its real state without its process. */
#include "role/keys_state.h"

#include <stdlib.h>

#include "conf/redact.h"
#include "conf/store.h"
#include "sim/world.h"

struct keys_side {
	struct keys_state *state;
};

struct keys_side *
keys_side_new(void)
{
	struct keys_side *k = sim_alloc(sizeof(*k));

	k->state = keys_state_new();
	if (k->state == NULL)
		abort();
	return k;
}

void
keys_side_free(struct keys_side *k)
{
	if (k == NULL)
		return;
	keys_state_free(k->state);
	free(k);
}

static bool
take_psk(void *self, const char *section, const char *value)
{
	struct keys_side *k = self;
	struct secret octets = { 0 };

	if (psk_octets(value, &octets) == PSK_OK &&
	    !keys_state_psk_set(k->state, section, secret_view(&octets)))
		abort();
	secret_done(&octets);
	return true;
}

bool
keys_side_configure(struct keys_side *k, const char *text)
{
	struct problems list = { 0 };
	struct store *store = store_new();
	bool ok = store != NULL && store_load(store, view_str(text), &list);

	keys_state_psk_clear_all(k->state);
	if (ok)
		store_each_secret(store, take_psk, k);
	store_free(store);
	problems_done(&list);
	return ok;
}

bool
keys_side_ask(struct keys_side *k, const struct keys_ask *ask, struct keys_answer *ret)
{
	bool silent = keys_state_check(k->state, ask) == KEYS_STEP_SILENT;

	ret->verb = ask->verb;
	ret->token = ask->token;
	keys_state_ask(k->state, ask, ret);
	return !silent;
}

size_t
keys_side_count(const struct keys_side *k)
{
	return k == NULL ? 0 : keys_state_count(k->state);
}
