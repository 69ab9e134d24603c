#include "certs.h"

#include "trust/seen.h"

static struct view
der_of(const X509 *x)
{
	uint8_t *p = NULL;
	int n = i2d_X509(x, &p);

	assert_true(n > 0);
	return view_of(p, (size_t)n);
}

static void
what_was_kept_is_found_by_its_octets(void **state)
{
	struct seen *s = seen_new();
	X509 *a = certs_x509("names"), *b = certs_x509("longsan");
	struct view of_a = der_of(a), of_b = der_of(b);

	(void)state;
	assert_non_null(s);
	assert_null(seen_find(s, of_a));
	seen_keep(s, a);
	X509 *found = seen_find(s, of_a);
	assert_ptr_equal(found, a);
	X509_free(found);
	assert_null(seen_find(s, of_b));
	assert_null(seen_find(s, view_of(of_a.p, of_a.n - 1)));
	assert_null(seen_find(s, view_of(of_a.p, 0)));
	seen_free(s);
	X509_free(a);
	X509_free(b);
	OPENSSL_free((void *)(uintptr_t)of_a.p);
	OPENSSL_free((void *)(uintptr_t)of_b.p);
}

static void
every_changed_octet_is_another_certificate(void **state)
{
	struct seen *s = seen_new();
	X509 *a = certs_x509("names");
	struct view der = der_of(a);
	uint8_t *changed = (uint8_t *)(uintptr_t)der.p;

	(void)state;
	assert_non_null(s);
	seen_keep(s, a);
	for (size_t i = 0; i < der.n; i++) {
		changed[i] ^= 1;
		assert_null(seen_find(s, der));
		changed[i] ^= 1;
	}
	X509 *found = seen_find(s, der);
	assert_ptr_equal(found, a);
	X509_free(found);
	seen_free(s);
	X509_free(a);
	OPENSSL_free(changed);
}

static void
keeping_it_again_changes_nothing(void **state)
{
	struct seen *s = seen_new();
	X509 *a = certs_x509("names"), *same = certs_x509("names");
	struct view der = der_of(a);

	(void)state;
	assert_non_null(s);
	seen_keep(s, a);
	seen_keep(s, a);
	seen_keep(s, same);
	X509 *found = seen_find(s, der);
	assert_ptr_equal(found, same);
	X509_free(found);
	seen_free(s);
	X509_free(a);
	X509_free(same);
	OPENSSL_free((void *)(uintptr_t)der.p);
}

static enum why
judged(const struct trust *t, const struct id_body *id, const struct view *certs, size_t n,
    int64_t now)
{
	struct trust_ask ask = { .verb = TRUST_PEER, .auth = AUTH_ECDSA_256, .n_certs = n,
	    .id_body = view_of(id->p, id->n) };
	struct trust_answer a;

	memcpy(ask.certs, certs, n * sizeof(*certs));
	trust_peer(t, &ask, now, &a);
	assert_int_equal(a.key.kind == PUBKEY_NONE, a.why != WHY_NONE);
	return a.why;
}

/* Reading them is spared the second time; the judgement is not. */
static void
what_was_trusted_before_is_judged_anew(void **state)
{
	static const char *const root[] = { "root", NULL };
	const int64_t now = (int64_t)time(NULL), century = (int64_t)100 * 365 * 86400;
	struct trust *t = certs_trust(NULL, root);
	const struct id_body id = id_of(ID_FQDN, "gw.example.org", 14);
	const struct view leaf0 = certs_body("leaf0");
	const struct view chain[] = { certs_body("leaf2"), certs_body("ca2"), certs_body("ca1") };

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(judged(t, &id, &leaf0, 1, now), WHY_NONE);
		assert_int_equal(judged(t, &id, chain, 3, now), WHY_NONE);
	}
	assert_int_equal(judged(t, &id, &leaf0, 1, now + century), WHY_CERT_EXPIRED);
	assert_int_equal(judged(t, &id, chain, 1, now), WHY_CERT_ISSUER);
	assert_true(certs_load(t, TRUST_CRL, "crl_root_leaf0"));
	assert_int_equal(judged(t, &id, &leaf0, 1, now), WHY_CERT_REVOKED);
	trust_free(t);
	free((void *)(uintptr_t)leaf0.p);
	for (size_t i = 0; i < COUNT(chain); i++)
		free((void *)(uintptr_t)chain[i].p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_kept_is_found_by_its_octets),
		cmocka_unit_test(every_changed_octet_is_another_certificate),
		cmocka_unit_test(keeping_it_again_changes_nothing),
		cmocka_unit_test(what_was_trusted_before_is_judged_anew),
	};

	return cmocka_run_group_tests(tests, certs_make, certs_remove);
}
