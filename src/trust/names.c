/*
 * Distinguished names as identities: what ours is, whether the peer's is the
 * one that was written down, and both as text.  Names are compared as RFC 5280
 * section 7.1 says, in libcrypto's canonical form.
 */
#include <openssl/err.h>

#include "trust/cert.h"
#include "trust/dn.h"
#include "trust/internal.h"

static X509_NAME *
name_of(const struct id *id)
{
	return id->type == ID_DER_ASN1_DN ? dn_from_der(view_of(id->data, id->n)) : NULL;
}

static bool
same_name(const struct id *a, const struct id *b)
{
	X509_NAME *one = name_of(a), *other = name_of(b);
	bool same = one != NULL && other != NULL && X509_NAME_cmp(one, other) == 0;

	X509_NAME_free(one);
	X509_NAME_free(other);
	return same;
}

/* The better the higher; 0: this certificate does not tell our name. */
static unsigned
merit(const struct held *h, const struct trust_ask *ask, const struct id *want, int64_t now)
{
	struct pubkey key;
	bool ours = cert_pubkey(h->x, &key) && pubkey_equal(&key, &ask->key) &&
	    pubkey_does(&key, ask->auth);

	if (want->n == 0 ? !ours || X509_NAME_entry_count(X509_get_subject_name(h->x)) == 0 :
	    !cert_names_id(h->x, want))
		return 0;
	return 1 + (cert_is_current(h->x, now) ? 2U : 0U) + (ours ? 4U : 0U);
}

static const struct held *
certificate_of(const struct trust *t, const struct trust_ask *ask, const struct id *want,
    int64_t now)
{
	const struct held *best = NULL;
	unsigned most = 0;

	for (size_t i = 0; i < t->n_cert; i++) {
		unsigned points = merit(&t->cert[i], ask, want, now);

		if (points > most) {
			most = points;
			best = &t->cert[i];
		}
	}
	return best;
}

/* Its subject, to the octet, as our ID. */
static bool
take_subject(const struct held *h, struct wr *room, struct id *ret, struct trust_answer *answer)
{
	const uint8_t *der = NULL;
	size_t n = 0;

	if (X509_NAME_get0_der(X509_get_subject_name(h->x), &der, &n) != 1 ||
	    id_from_wire(ID_DER_ASN1_DN, 0, 0, view_of(der, n), ret) != WHY_NONE)
		return false;
	wr_bytes(room, der, n);
	answer->own_id = wr_done(room);
	return !room->bad;
}

/* Our ID as it is to go out. */
static void
own_name(const struct trust *t, const struct trust_ask *ask, int64_t now, struct wr *room,
    struct trust_answer *ret)
{
	enum { BEFORE_DATA = 4 };	/* type, protocol, port */
	const bool from_certificate = ask->own_body.n == BEFORE_DATA;
	struct id own = { .type = ID_DER_ASN1_DN };
	const struct held *h;

	if (!from_certificate && (!id_read(ask->own_body, &own) || own.type != ID_DER_ASN1_DN))
		return;
	h = certificate_of(t, ask, &own, now);
	if ((h == NULL || !take_subject(h, room, &own, ret)) && from_certificate) {
		refuse(ret, WHY_OWN_CERT, "Name", "a certificate of our private key",
		    h == NULL ? "none in the Cert-directory" : "a subject that is too long");
		return;
	}
	struct str text = str_of(ret->own_name, sizeof(ret->own_name));
	id_text(&text, &own);
}

static void
peer_name(const struct trust_ask *ask, struct trust_answer *ret)
{
	struct str text = str_of(ret->peer_name, sizeof(ret->peer_name));
	struct id got, want;

	if (!id_read(ask->id_body, &got))
		return;
	id_text(&text, &got);
	ret->same = ask->want_body.n > 0 && id_read(ask->want_body, &want) &&
	    same_name(&got, &want);
}

/* Does one of the certificates that name us belong to the key that signs? */
static void
check(const struct trust *t, const struct trust_ask *ask, struct trust_answer *ret)
{
	enum { BEFORE_DATA = 4 };
	const bool from_certificate = ask->own_body.n == BEFORE_DATA;
	const struct held *other = NULL;
	struct pubkey key;
	struct id id;
	STR(got, 200);

	if (!from_certificate && !id_read(ask->own_body, &id))
		return;
	for (size_t i = 0; i < t->n_cert; i++) {
		const struct held *h = &t->cert[i];
		bool ours = cert_pubkey(h->x, &key) && pubkey_equal(&key, &ask->key);

		if (ours && (from_certificate || cert_names_id(h->x, &id)))
			return;
		if (other == NULL && !from_certificate && cert_names_id(h->x, &id))
			other = h;
	}
	if (other == NULL && !from_certificate)
		return;
	if (other == NULL) {
		str_add(&got, "no certificate is of our private key");
	} else {
		str_add(&got, "the certificate ");
		str_escaped(&got, view_str(other->file));
		str_add(&got, " is of another key than our private one");
	}
	refuse(ret, WHY_OWN_CERT, "Cert-directory", "a certificate of our private key", got.p);
}

void
trust_names(const struct trust *t, const struct trust_ask *ask, int64_t now, struct wr *room,
    struct trust_answer *ret)
{
	*ret = (struct trust_answer){ .verb = ask->verb, .token = ask->token };
	if (ask->verb == TRUST_CHECK)
		check(t, ask, ret);
	else if (ask->own_body.n > 0)
		own_name(t, ask, now, room, ret);
	if (ask->id_body.n > 0)
		peer_name(ask, ret);
	if (ret->why != WHY_NONE)
		text_copy(ret->remedy, sizeof(ret->remedy), why_remedy(ret->why));
	ERR_clear_error();
}
