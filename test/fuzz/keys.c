/*
 * The keys contract against a sequence of asks in any order, as a taken-over
 * `ike` could send them: u16 length and an encoded ask, again and again; and
 * the keys of a configuration file.  The first octet chooses.
 */
#include <assert.h>

#include "base/rd.h"
#include "role/keys_conf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
note(void *self, const struct psk_note *n)
{
	(void)self;
	assert(n->section != NULL);
}

/* What the contract promises of any single ask. */
static void
one(struct keys_state *ks, const struct keys_ask *ask)
{
	struct keys_answer a = { 0 };
	enum keys_step step = keys_state_check(ks, ask);
	size_t before = keys_state_count(ks);

	keys_state_ask(ks, ask, &a);
	assert((step == KEYS_STEP_REFUSED) == (a.why == WHY_CONTRACT));
	if (step == KEYS_STEP_REFUSED)
		assert(keys_state_count(ks) == before);
	if (a.why != WHY_NONE)
		assert(a.public_n == 0 && a.proof_n == 0 && a.shared.n == 0 && a.skeyid_d.n == 0);
	keys_answer_done(&a);
}

static void
asks(struct keys_state *ks, struct rd r)
{
	/* The dear groups would only slow this down. */
	static const uint16_t groups[] = { GROUP_X25519, GROUP_ECP_256, 0 };

	for (int i = 0; i < 64 && r.n > 0; i++) {
		struct rd body = rd_sub(&r, rd_u16(&r));
		struct keys_ask ask;

		if (!keys_ask_decode(&body, &ask))
			continue;
		ask.group = groups[ask.group % COUNT(groups)];
		ask.token %= 4;
		one(ks, &ask);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rd r = rd_of(view_of(data, n));
	uint8_t which = rd_u8(&r);
	struct keys_state *ks = keys_state_new();
	struct psk_log log = { 0 };
	STR(why, 256);

	if (ks == NULL)
		return 0;
	if (which % 2 == 0) {
		if (keys_state_psk_set(ks, "p", view_str("key")))
			asks(ks, r);
	} else if (which % 4 == 1) {
		bool ok = keys_conf_read(ks, rd_rest(&r), note, NULL, &log, &why);

		assert(ok == (why.len == 0) && keys_state_psk_count(ks) == 0);
		ok = ok && psk_log_apply(view_of(log.p, log.n), ks);
		assert(ok == (why.len == 0));
	} else {
		(void)!psk_log_apply(rd_rest(&r), ks);
	}
	psk_log_done(&log);
	keys_state_free(ks);
	return 0;
}
