/*
 * What role trust reads beside payloads of peers: messages of other roles,
 * and what role ike reads from it; the operator's files.  The first octet
 * chooses.  What a message decodes to, encodes to the same message again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cert_files.h"
#include "role/trust_msg.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { NOW = 1800000000, ROOM = 1 << 17 };

static void
same_again(const struct wr *w, struct view whole)
{
	assert(!w->bad);
	assert(view_equal(view_of(w->base, w->len), whole));
}

static void
message(uint8_t which, struct rd r)
{
	static uint8_t room[ROOM];
	static struct trust_state state;
	struct wr w = wr_of(room, sizeof(room));
	struct view whole = view_of(r.p, r.n);
	struct trust_answer answer;
	struct trust_conf conf;
	struct trust_ask ask;

	switch (which) {
	case 0:
		if (!trust_ask_decode(&r, &ask))
			return;
		trust_ask_encode(&w, &ask);
		break;
	case 1:
		if (!trust_answer_decode(&r, &answer))
			return;
		trust_answer_encode(&w, &answer);
		break;
	case 2:
		if (!trust_conf_decode(&r, &conf))
			return;
		trust_conf_encode(&w, &conf);
		break;
	default:
		if (!trust_state_decode(&r, &state))
			return;
		trust_state_encode(&w, &state);
		break;
	}
	same_again(&w, whole);
}

static void
see(void *self, const struct trust_item *item)
{
	STR(warning, 120);

	++*(size_t *)self;
	assert(item->kind >= TRUST_CA && item->kind < TRUST_KIND_MAX);
	for (const char *p = item->subject; *p != '\0'; p++)
		assert(*p >= 0x20 && *p < 0x7f);
	(void)trust_item_warning(item, NOW, &warning);
}

/* A file is loaded beside a good anchor; then everything that is held is used once. */
static void
file(enum trust_kind kind, struct rd r)
{
	const struct trust_settings s = { .crl = TRUST_CRL_REQUIRE };
	static uint8_t certs[TRUST_OCTETS_MAX];
	struct trust *t = trust_new(&s);
	struct wr room = wr_of(certs, sizeof(certs));
	struct view request[TRUST_REQUESTS_MAX];
	STR(note, 300);
	size_t n = 0;

	assert(t != NULL);
	assert(trust_add(t, TRUST_CA, "ca", view_str(cert_file_ca), &note));
	if (!trust_add(t, kind, "file", view_of(r.p, r.n), &note))
		assert(note.len > 0);
	trust_each(t, see, &n);
	assert(n == trust_count(t, TRUST_CA) + trust_count(t, TRUST_CERT) + trust_count(t, TRUST_CRL));
	(void)trust_requests(t, &room, request);
	trust_free(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rd r = rd_of(view_of(data, n));
	uint8_t which = rd_u8(&r) % 7;

	if (r.bad)
		return 0;
	if (which < 4)
		message(which, r);
	else
		file((enum trust_kind)(which - 3), r);
	return 0;
}
