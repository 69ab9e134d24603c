#include "trust/bag.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>

#include "base/rd.h"
#include "trust/cert.h"

static void
left_out(struct bag *b, enum why why, size_t octets)
{
	if (b->worst != WHY_NONE)
		return;
	b->worst = why;
	b->worst_n = octets;
}

/* Takes x, which had so many octets. */
static void
add_cert(struct bag *b, X509 *x, size_t octets)
{
	if (sk_X509_num(b->certs) < BAG_CERTS_MAX && sk_X509_push(b->certs, x) > 0)
		return;
	left_out(b, WHY_CERT_CHAIN, octets);
	X509_free(x);
}

static void
add_der(struct bag *b, struct view der)
{
	X509 *x = seen_find(b->seen, der);
	enum why why = x != NULL ? WHY_NONE : cert_from_der(der, &x);

	if (why == WHY_NONE)
		add_cert(b, x, der.n);
	else
		left_out(b, why, der.n);
}

static void
add_crl(struct bag *b, struct view der)
{
	const uint8_t *p = der.p;
	X509_CRL *crl = sk_X509_CRL_num(b->crls) < BAG_CRLS_MAX ?
	    d2i_X509_CRL(NULL, &p, (long)der.n) : NULL;

	if (crl != NULL && p == der.p + der.n && sk_X509_CRL_push(b->crls, crl) > 0)
		return;
	left_out(b, WHY_CERT_SYNTAX, der.n);
	X509_CRL_free(crl);
}

/* A certificate out of a container, through the same door as all others. */
static void
add_again(struct bag *b, const X509 *x)
{
	uint8_t *der = NULL;
	int n = i2d_X509((X509 *)(uintptr_t)x, &der);

	if (n > 0)
		add_der(b, view_of(der, (size_t)n));
	else
		left_out(b, WHY_CERT_SYNTAX, 0);
	OPENSSL_free(der);
}

/* SignedData without content: a bag.  Its signatures, if any, mean nothing to us. */
static void
add_pkcs7(struct bag *b, struct view der)
{
	const uint8_t *p = der.p;
	PKCS7 *c = d2i_PKCS7(NULL, &p, (long)der.n);
	bool ok = c != NULL && p == der.p + der.n && PKCS7_type_is_signed(c) && c->d.sign != NULL;

	if (!ok)
		left_out(b, WHY_CERT_SYNTAX, der.n);
	for (int i = 0; ok && i < sk_X509_num(c->d.sign->cert) && i < BAG_CERTS_MAX; i++)
		add_again(b, sk_X509_value(c->d.sign->cert, i));
	for (int i = 0; ok && i < sk_X509_CRL_num(c->d.sign->crl) && i < BAG_CRLS_MAX; i++) {
		X509_CRL *crl = sk_X509_CRL_value(c->d.sign->crl, i);

		if (X509_CRL_up_ref(crl) == 1 && sk_X509_CRL_push(b->crls, crl) <= 0)
			X509_CRL_free(crl);
	}
	PKCS7_free(c);
}

bool
bag_init(struct bag *b, const struct seen *seen, const struct view *bodies, size_t n)
{
	*b = (struct bag){ .seen = seen, .certs = sk_X509_new_null(), .crls = sk_X509_CRL_new_null() };
	if (b->certs == NULL || b->crls == NULL) {
		bag_done(b);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		struct rd r = rd_of(bodies[i]);
		uint8_t encoding = rd_u8(&r);
		struct view der = rd_rest(&r);

		if (encoding == CERT_ENC_X509_SIGNATURE)
			add_der(b, der);
		else if (encoding == CERT_ENC_PKCS7)
			add_pkcs7(b, der);
		else if (encoding == CERT_ENC_CRL)
			add_crl(b, der);
		else
			b->ignored++;
	}
	ERR_clear_error();
	return true;
}

void
bag_done(struct bag *b)
{
	sk_X509_pop_free(b->certs, X509_free);
	sk_X509_CRL_pop_free(b->crls, X509_CRL_free);
	*b = (struct bag){ 0 };
}
