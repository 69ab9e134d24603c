/*
 * What a role that was taken over can send: any message, in any order, to
 * any other role.  The table decides first; what passes is decoded as its
 * receiver would.
 */
#include <stdlib.h>

#include "base/ask.h"
#include "base/esp_msg.h"
#include "role/fetch_msg.h"
#include "role/identities.h"
#include "role/role.h"
#include "role/trust_msg.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
decode_monitor(uint16_t type, struct rd body)
{
	struct options o;

	if (type == MSG_OPTIONS)
		(void)!options_decode(&body, &o);
	else if (type == MSG_LEVELS)
		(void)!levels_decode(&body, &o);
}

static void
decode_keys(uint16_t type, struct rd body)
{
	if (type == MSG_KEYS_ASK) {
		struct keys_ask a;
		(void)!keys_ask_decode(&body, &a);
	} else if (type == MSG_KEYS_ANSWER) {
		struct keys_answer a = { 0 };
		(void)!keys_answer_decode(&body, &a);
		keys_answer_done(&a);
	} else if (type == MSG_KEY_WANTED) {
		struct identity i;
		uint32_t number;
		(void)!identity_ask_decode(&body, &number, &i);
	} else if (type == MSG_KEY_HELD) {
		struct identity_answer a;
		(void)!identity_answer_decode(&body, &a);
	}
}

static void
decode_kern(uint16_t type, struct rd body)
{
	struct sa_spec spec = { 0 };
	struct kern_ask ask;
	struct kern_answer answer;
	struct kern_event event;

	if (type == MSG_KERN_ASK)
		(void)!kern_ask_decode(&body, &ask, &spec);
	else if (type == MSG_KERN_ANSWER)
		(void)!kern_answer_decode(&body, &answer);
	else if (type == MSG_KERN_EVENT)
		(void)!kern_event_decode(&body, &event);
	sa_spec_done(&spec);
}

static void
decode_esp(uint16_t type, struct rd body)
{
	struct sa_spec spec = { 0 };
	struct esp_ask ask;
	struct esp_answer answer;
	struct esp_event event;

	if (type == MSG_ESP_ASK)
		(void)!esp_ask_decode(&body, &ask, &spec);
	else if (type == MSG_ESP_ANSWER)
		(void)!esp_answer_decode(&body, &answer, &spec);
	else if (type == MSG_ESP_EVENT)
		(void)!esp_event_decode(&body, &event);
	sa_spec_done(&spec);
}

static void
decode_fetch(uint16_t type, struct rd body)
{
	struct fetch_ask ask;
	struct fetch_answer answer;

	if (type == MSG_FETCH_ASK)
		(void)!fetch_ask_decode(&body, &ask);
	else if (type == MSG_FETCH_ANSWER)
		(void)!fetch_answer_decode(&body, &answer);
}

static void
decode_trust(uint16_t type, struct rd body)
{
	static struct trust_state state;
	struct trust_ask ask;
	struct trust_answer answer;
	struct trust_conf conf;

	if (type == MSG_TRUST_ASK)
		(void)!trust_ask_decode(&body, &ask);
	else if (type == MSG_TRUST_ANSWER)
		(void)!trust_answer_decode(&body, &answer);
	else if (type == MSG_TRUST_CONF)
		(void)!trust_conf_decode(&body, &conf);
	else if (type == MSG_TRUST_STATE)
		(void)!trust_state_decode(&body, &state);
}

static const struct {
	enum role a, b;
	void	(*decode)(uint16_t, struct rd);
} channels[] = {
	{ ROLE_MONITOR, ROLE_IKE, decode_monitor },
	{ ROLE_IKE, ROLE_KEYS, decode_keys },
	{ ROLE_IKE, ROLE_KERN, decode_kern },
	{ ROLE_KERN, ROLE_ESP, decode_esp },
	{ ROLE_IKE, ROLE_TRUST, decode_trust },
	{ ROLE_TRUST, ROLE_FETCH, decode_fetch },
};

/* octet: channel; then messages: octet side and descriptor, u16 type, u16 length, body */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rd r = rd_of(view_of(data, n));
	size_t which = rd_u8(&r) % COUNT(channels);
	struct channel_state state[3] = { { 0, 0 }, { PHASE_START, 0 }, { PHASE_START, 0 } };
	enum channel_side side = SIDE_A;
	const struct channel_table *t = role_table(channels[which].a, channels[which].b, &side);

	while (r.n > 0 && !r.bad) {
		uint8_t flags = rd_u8(&r);
		uint16_t type = rd_u16(&r);
		uint16_t length = rd_u16(&r);
		struct rd body = rd_sub(&r, length);
		uint8_t from = (flags & 1) != 0 ? SIDE_B : SIDE_A;
		if (body.bad)
			break;
		if (channel_check(t, &state[from], from, type, body.n, (flags & 2) != 0) == NULL)
			channels[which].decode(type, body);
	}
	return 0;
}
