#include "role/messages.h"

#include "base/esp_msg.h"
#include "base/str.h"

enum { A = SIDE_A, B = SIDE_B, MOST = CHANNEL_BODY_MAX, LINE = 2048 };

#define ROW(type, from, least, most, fd, when, then, once) \
	{ type, #type, from, least, most, fd, when, then, once }

/*
 * monitor (A)                                   role (B)
 *   OPTIONS, FD*, LINK*, GO      ->
 *                                <-   LOG*, READY
 *   SIGNAL*, LINK*, CONF*        ->
 *                                <-   LOG*, BROKEN, CONF_WANTED, RESULT_*, ... DONE
 */
static const struct channel_row monitor_rows[] = {
	ROW(MSG_OPTIONS,	A, 1, 4096,	false, PHASE_START, 0, true),
	ROW(MSG_FD,		A, 1, 1,	true,  PHASE_START, 0, false),
	ROW(MSG_LINK,		A, 1, 1,	true,  PHASE_ANY, 0, false),
	ROW(MSG_GO,		A, 0, 0,	false, PHASE_START, PHASE_RUN, true),
	ROW(MSG_SIGNAL,		A, 1, 1,	false, PHASE_RUN, 0, false),
	ROW(MSG_CONF_FILE,	A, 0, 512,	true,  PHASE_RUN, 0, false),
	ROW(MSG_CONF_NONE,	A, 0, 1024,	false, PHASE_RUN, 0, false),
	ROW(MSG_LOG,		B, 2, 2 * LINE,	false, PHASE_ANY, 0, false),
	ROW(MSG_READY,		B, 0, 0,	false, PHASE_START, PHASE_RUN, true),
	ROW(MSG_BROKEN,		B, 1, 256,	false, PHASE_ANY, 0, false),
	ROW(MSG_CONF_WANTED,	B, 0, 0,	false, PHASE_RUN, 0, false),
	ROW(MSG_RESULT_BEGIN,	B, 1, 1,	false, PHASE_RUN, 0, false),
	ROW(MSG_RESULT_DATA,	B, 1, MOST,	false, PHASE_RUN, 0, false),
	ROW(MSG_RESULT_END,	B, 1, 1,	false, PHASE_RUN, 0, false),
	ROW(MSG_KEYLOG,		B, 0, LINE,	false, PHASE_RUN, 0, false),
	ROW(MSG_DONE,		B, 0, 0,	false, PHASE_RUN, 0, true),
	ROW(MSG_FATAL,		B, 0, LINE,	false, PHASE_ANY, 0, true),
	ROW(MSG_LEVELS,		A | B, 12, 12,	false, PHASE_RUN, 0, false),
	ROW(MSG_CAPTURE_START,	B, 0, 4096,	false, PHASE_RUN, 0, false),
	ROW(MSG_CAPTURE_STOP,	B, 0, 0,	false, PHASE_RUN, 0, false),
	ROW(MSG_CAPTURE,	B, 1, MOST,	false, PHASE_RUN, 0, false),
	ROW(MSG_CAPTURE_STATE,	A, 1, 1,	false, PHASE_RUN, 0, false),
	ROW(MSG_WITHDRAW,	A, 0, 0,	false, PHASE_RUN, 0, true),
	ROW(MSG_FILES_WANTED,	B, 2, 1024,	false, PHASE_RUN, 0, false),
	ROW(MSG_FILES_NEXT,	B, 0, 0,	false, PHASE_RUN, 0, false),
	ROW(MSG_FILE,		A, 1, 512,	true,  PHASE_RUN, 0, false),
	ROW(MSG_FILES_MORE,	A, 0, 0,	false, PHASE_RUN, 0, false),
	ROW(MSG_FILES_END,	A, 2, 1024,	false, PHASE_RUN, 0, false),
	ROW(MSG_FETCH_WANTED,	B, 1, 1,	false, PHASE_RUN, 0, false),
};

static const struct channel_row keys_rows[] = {
	ROW(MSG_KEYS_ASK,	A, 1, MOST,	false, PHASE_ANY, 0, false),
	ROW(MSG_PSK_SET,	A, 2, 4096,	false, PHASE_ANY, 0, false),
	ROW(MSG_KEY_FILES,	A, 6, 1024,	false, PHASE_ANY, 0, false),
	ROW(MSG_KEY_WANTED,	A, 9, 1024,	false, PHASE_ANY, 0, false),
	ROW(MSG_KEY_HELD,	B, 9, 4096,	false, PHASE_ANY, 0, false),
	ROW(MSG_CONF_TAKE,	A, 1, 1,	false, PHASE_ANY, 0, false),
	ROW(MSG_KEYS_ANSWER,	B, 1, 16384,	false, PHASE_ANY, 0, false),
	/* Texts do not nest: BEGIN, TEXT*, END. */
	ROW(MSG_CONF_BEGIN,	B, 4, 1024,	false, PHASE_START, PHASE_RUN, false),
	ROW(MSG_CONF_TEXT,	B, 0, MOST,	false, PHASE_RUN, 0, false),
	ROW(MSG_CONF_END,	B, 1, 1024,	false, PHASE_RUN, PHASE_START, false),
	ROW(MSG_PSK_INFO,	B, 2, 1024,	false, PHASE_ANY, 0, false),
};

static const struct channel_row kern_rows[] = {
	ROW(MSG_KERN_ASK,	A, 1, 16384,	false, PHASE_ANY, 0, false),
	ROW(MSG_KERN_KEEP,	A, 0, 0,	false, PHASE_ANY, 0, false),
	ROW(MSG_KERN_ANSWER,	B, 1, 2048,	false, PHASE_ANY, 0, false),
	ROW(MSG_KERN_EVENT,	B, 1, 2048,	false, PHASE_ANY, 0, false),
	ROW(MSG_KERN_BACKEND,	B, 1, 2048,	false, PHASE_ANY, 0, false),
};

static const struct channel_row esp_rows[] = {
	ROW(MSG_ESP_ASK,	A, 1, ESP_MSG_MAX, false, PHASE_ANY, 0, false),
	ROW(MSG_ESP_ANSWER,	B, 1, ESP_MSG_MAX, false, PHASE_ANY, 0, false),
	ROW(MSG_ESP_EVENT,	B, 1, ESP_MSG_MAX, false, PHASE_ANY, 0, false),
};

static const struct channel_row trust_rows[] = {
	ROW(MSG_TRUST_ASK,	A, 1, MOST,	false, PHASE_ANY, 0, false),
	ROW(MSG_TRUST_CONF,	A, 1, 4096,	false, PHASE_ANY, 0, false),
	ROW(MSG_TRUST_ANSWER,	B, 1, MOST,	false, PHASE_ANY, 0, false),
	ROW(MSG_TRUST_STATE,	B, 1, MOST,	false, PHASE_ANY, 0, false),
};

static const struct channel_row fetch_rows[] = {
	ROW(MSG_FETCH_ASK,	A, 1, 8192,	false, PHASE_ANY, 0, false),
	ROW(MSG_FETCH_ANSWER,	B, 1, MOST,	false, PHASE_ANY, 0, false),
};

static const struct channel_table
	monitor_table = { "monitor", monitor_rows, COUNT(monitor_rows) },
	keys_table = { "ike-keys", keys_rows, COUNT(keys_rows) },
	kern_table = { "ike-kern", kern_rows, COUNT(kern_rows) },
	trust_table = { "ike-trust", trust_rows, COUNT(trust_rows) },
	fetch_table = { "trust-fetch", fetch_rows, COUNT(fetch_rows) },
	esp_table = { "kern-esp", esp_rows, COUNT(esp_rows) };

static const struct pair {
	enum role		   a, b;
	const struct channel_table *table;
} pairs[] = {
	{ ROLE_MONITOR, ROLE_IKE, &monitor_table },
	{ ROLE_MONITOR, ROLE_KEYS, &monitor_table },
	{ ROLE_MONITOR, ROLE_KERN, &monitor_table },
	{ ROLE_MONITOR, ROLE_ESP, &monitor_table },
	{ ROLE_MONITOR, ROLE_TRUST, &monitor_table },
	{ ROLE_MONITOR, ROLE_FETCH, &monitor_table },
	{ ROLE_IKE, ROLE_KEYS, &keys_table },
	{ ROLE_IKE, ROLE_KERN, &kern_table },
	{ ROLE_KERN, ROLE_ESP, &esp_table },
	{ ROLE_IKE, ROLE_TRUST, &trust_table },
	{ ROLE_TRUST, ROLE_FETCH, &fetch_table },
};

const struct channel_table *
role_table(enum role mine, enum role other, enum channel_side *ret_mine)
{
	for (size_t i = 0; i < COUNT(pairs); i++) {
		if (pairs[i].a == mine && pairs[i].b == other) {
			*ret_mine = SIDE_A;
			return pairs[i].table;
		}
		if (pairs[i].b == mine && pairs[i].a == other) {
			*ret_mine = SIDE_B;
			return pairs[i].table;
		}
	}
	return NULL;
}

static const char *const names[ROLE_MAX] = {
	[ROLE_MONITOR] = "monitor", [ROLE_IKE] = "ike", [ROLE_KEYS] = "keys",
	[ROLE_KERN] = "kern", [ROLE_ESP] = "esp", [ROLE_TRUST] = "trust",
	[ROLE_FETCH] = "fetch",
};

const char *
role_name(enum role r)
{
	return r < ROLE_MAX ? names[r] : "unknown";
}

enum role
role_of_name(const char *name)
{
	for (int i = 0; i < ROLE_MAX; i++)
		if (strcmp(names[i], name) == 0)
			return (enum role)i;
	return ROLE_MAX;
}
