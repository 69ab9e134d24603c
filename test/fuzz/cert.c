/*
 * Everything that a peer can have in CERT and CERT_REQ payloads, as role
 * trust takes it: an ID payload (octet length, octets), then payload bodies
 * (u16 length, octets).  The first octet chooses question, policy and method.
 *
 * The anchor and the pinned certificate are those of corpus/cert; mutations
 * of a good chain start from there.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cert_files.h"
#include "trust/trust.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { NOW = 1800000000 };

static struct trust *
loaded(uint8_t which)
{
	const struct trust_settings s = { .crl = which % 3, .accept_self_signed = (which & 8) != 0,
	    .check_extended_usage = (which & 16) != 0 };
	struct trust *t = trust_new(&s);
	STR(note, 200);

	if (t != NULL && (!trust_add(t, TRUST_CA, "ca", view_str(cert_file_ca), &note) ||
	    !trust_add(t, TRUST_CERT, "pin", view_str(cert_file_own), &note))) {
		trust_free(t);
		t = NULL;
	}
	return t;
}

static void
peer(const struct trust *t, const struct trust_ask *ask)
{
	struct trust_answer a;
	uint8_t room[65536];
	struct wr w = wr_of(room, sizeof(room));

	trust_peer(t, ask, NOW, &a);
	assert((a.why == WHY_NONE) == (a.key.kind != PUBKEY_NONE));
	assert(a.why != WHY_NONE || pubkey_does(&a.key, ask->auth));
	assert(memchr(a.got, '\0', sizeof(a.got)) != NULL);
	for (const char *p = a.got; *p != '\0'; p++)
		assert(*p >= 0x20 && *p < 0x7f);
	trust_answer_encode(&w, &a);
	assert(!w.bad);
}

static void
own(const struct trust *t, const struct trust_ask *ask)
{
	static uint8_t certs[TRUST_OCTETS_MAX], room[65536];
	struct wr c = wr_of(certs, sizeof(certs)), w = wr_of(room, sizeof(room));
	struct trust_answer a;

	trust_own(t, ask, NOW, &c, &a);
	trust_answer_encode(&w, &a);
	assert(!w.bad);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t methods[] = { AUTH_RSA_SIG, AUTH_ECDSA_256, AUTH_ECDSA_384, AUTH_DSS };
	struct rd r = rd_of(view_of(data, n));
	uint8_t which = rd_u8(&r);
	struct trust_ask ask = { .verb = (which & 128) != 0 ? TRUST_OWN : TRUST_PEER,
	    .auth = methods[which / 32 % 4], .allow_weak = (which & 4) != 0 };
	struct trust *t = loaded(which);

	assert(t != NULL);
	ask.id_body = rd_view(&r, rd_u8(&r));
	while (!r.bad && r.n > 0 && ask.n_certs < TRUST_CERTS_MAX) {
		size_t length = rd_u16(&r);
		struct view body = rd_view(&r, length < r.n ? length : r.n);

		ask.certs[ask.n_certs++] = body;
	}
	if (!r.bad && ask.verb == TRUST_PEER)
		peer(t, &ask);
	else if (!r.bad)
		own(t, &ask);
	trust_free(t);
	return 0;
}
