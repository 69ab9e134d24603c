/*
 * Our own certificate: which one, and with which others, goes out for our ID
 * and key to a peer that asks for certain authorities.  (spec 6.3)
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "trust/cert.h"
#include "trust/dn.h"
#include "trust/internal.h"

struct chain {
	X509	*x[TRUST_DEPTH_MAX + 2];	/* borrowed, leaf first */
	size_t	 n;
};

static bool
is_issuer(X509 *of, X509 *by)
{
	return X509_check_issued(by, of) == X509_V_OK && X509_cmp(of, by) != 0;
}

static X509 *
issuer_of(const struct trust *t, X509 *x)
{
	for (int i = 0; i < sk_X509_num(t->others); i++)
		if (is_issuer(x, sk_X509_value(t->others, i)))
			return sk_X509_value(t->others, i);
	for (size_t i = 0; i < t->n_ca; i++)
		if (is_issuer(x, t->ca[i].x))
			return t->ca[i].x;
	for (size_t i = 0; i < t->n_cert; i++)
		if (cert_is_ca(t->cert[i].x) && is_issuer(x, t->cert[i].x))
			return t->cert[i].x;
	return NULL;
}

/* Up to the root, or as far as there are certificates. */
static struct chain
chain_of(const struct trust *t, X509 *leaf)
{
	struct chain c = { .x = { leaf }, .n = 1 };

	while (c.n < COUNT(c.x) && !cert_is_self_issued(c.x[c.n - 1])) {
		X509 *next = issuer_of(t, c.x[c.n - 1]);

		if (next == NULL)
			break;
		c.x[c.n++] = next;
	}
	return c;
}

/* Does the chain lead to an authority that was asked for?  An empty request means any. */
static bool
chain_answers(const struct chain *c, struct view request)
{
	struct rd r = rd_of(request);
	uint8_t encoding = rd_u8(&r);
	struct view der = rd_rest(&r);
	bool found = false;

	if (encoding != CERT_ENC_X509_SIGNATURE && encoding != CERT_ENC_PKCS7)
		return false;
	if (der.n == 0)
		return true;
	X509_NAME *name = dn_from_der(der);
	for (size_t i = 0; name != NULL && !found && i < c->n; i++)
		found = X509_NAME_cmp(X509_get_issuer_name(c->x[i]), name) == 0;
	X509_NAME_free(name);
	ERR_clear_error();
	return found;
}

bool
cert_is_current(const X509 *x, int64_t now)
{
	return asn1_seconds(X509_get0_notBefore(x)) <= now &&
	    asn1_seconds(X509_get0_notAfter(x)) > now;
}

/* The better the higher; 0: not ours. */
static unsigned
merit(const struct trust *t, const struct held *h, const struct trust_ask *ask,
    const struct id *id, int64_t now)
{
	struct pubkey key;
	struct chain c;
	unsigned points = 1;

	if (!cert_pubkey(h->x, &key) || !pubkey_equal(&key, &ask->key) || !cert_names_id(h->x, id))
		return 0;
	c = chain_of(t, h->x);
	for (size_t i = 0; i < ask->n_certs; i++)
		if (chain_answers(&c, ask->certs[i])) {
			points += 2;
			break;
		}
	return points + (cert_is_current(h->x, now) ? 4 : 0);
}

static void
add_body(struct wr *room, X509 *x, struct trust_answer *ret)
{
	int n = i2d_X509(x, NULL);
	size_t at = room->len;

	if (n <= 0 || (size_t)n > CERT_OCTETS_MAX || ret->n_certs == TRUST_CERTS_MAX)
		return;
	wr_u8(room, CERT_ENC_X509_SIGNATURE);
	uint8_t *p = wr_room(room, (size_t)n);
	if (p == NULL)
		return;
	(void)i2d_X509(x, &p);
	ret->certs[ret->n_certs++] = view_of(room->base + at, room->len - at);
}

void
trust_own(const struct trust *t, const struct trust_ask *ask, int64_t now, struct wr *room,
    struct trust_answer *ret)
{
	struct trust_answer a = { .verb = ask->verb, .token = ask->token };
	struct rd r = rd_of(ask->id_body);
	uint8_t type = rd_u8(&r);
	uint8_t protocol = rd_u8(&r);
	uint16_t port = rd_u16(&r);
	struct view data = rd_rest(&r);
	const struct held *best = NULL;
	unsigned most = 0;
	struct id id;

	bool wanted = t->settings.send == TRUST_SEND_ALWAYS ||
	    (t->settings.send == TRUST_SEND_IF_ASKED && ask->n_certs > 0);
	if (!r.bad && wanted && id_from_wire(type, protocol, port, data, &id) == WHY_NONE)
		for (size_t i = 0; i < t->n_cert; i++) {
			unsigned points = merit(t, &t->cert[i], ask, &id, now);

			if (points > most) {
				most = points;
				best = &t->cert[i];
			}
		}
	if (best != NULL) {
		struct chain c = chain_of(t, best->x);

		/* Not the root: who trusts it has it. */
		for (size_t i = 0; i < c.n; i++)
			if (i == 0 || !cert_is_self_issued(c.x[i]))
				add_body(room, c.x[i], &a);
	}
	*ret = a;
}

size_t
trust_requests(const struct trust *t, struct wr *room, struct view ret[TRUST_REQUESTS_MAX])
{
	size_t n = 0;

	if (t->n_ca == 0)
		return 0;
	for (size_t i = 0; t->n_ca <= TRUST_REQUESTS_MAX && i < t->n_ca; i++) {
		const uint8_t *der = NULL;
		size_t octets = 0, at = room->len;

		if (X509_NAME_get0_der(X509_get_subject_name(t->ca[i].x), &der, &octets) != 1)
			continue;
		wr_u8(room, CERT_ENC_X509_SIGNATURE);
		wr_bytes(room, der, octets);
		if (!room->bad)
			ret[n++] = view_of(room->base + at, room->len - at);
	}
	if (n > 0 && !room->bad)
		return n;
	*room = wr_of(room->base, room->cap);
	wr_u8(room, CERT_ENC_X509_SIGNATURE);
	ret[0] = wr_done(room);
	return room->bad ? 0 : 1;
}
