#include "certs.h"

static bool
names(const X509 *x, uint8_t type, const void *data, size_t n)
{
	struct id id = { .type = type, .n = n };

	memcpy(id.data, data, n);
	return cert_names_id(x, &id);
}

static bool
names_text(const X509 *x, uint8_t type, const char *text)
{
	return names(x, type, text, strlen(text));
}

static void
every_entry_of_the_alternative_name_counts(void **state)
{
	static const uint8_t ip4[] = { 192, 0, 2, 1 }, other4[] = { 192, 0, 2, 2 };
	static const uint8_t ip6[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };
	X509 *x = certs_x509("names"), *y = certs_x509("longsan");

	(void)state;
	assert_true(names_text(x, ID_FQDN, "first.example.org"));
	assert_true(names_text(x, ID_FQDN, "second.example.org"));
	assert_true(names_text(x, ID_FQDN, "SECOND.EXAMPLE.ORG"));
	assert_true(names(x, ID_IPV4_ADDR, ip4, 4));
	assert_true(names(x, ID_IPV6_ADDR, ip6, 16));
	assert_true(names_text(x, ID_USER_FQDN, "Admin@example.ORG"));
	assert_false(names(x, ID_IPV4_ADDR, other4, 4));
	/* an extension of more than 127 octets */
	assert_true(names_text(y, ID_FQDN, "last.example.org"));
	X509_free(x);
	X509_free(y);
}

static void
what_is_only_similar_does_not_count(void **state)
{
	static const uint8_t ip4[] = { 192, 0, 2, 1 };
	X509 *x = certs_x509("names"), *y = certs_x509("nosan");

	(void)state;
	assert_false(names_text(x, ID_FQDN, "first.example.org.evil.example"));
	assert_false(names_text(x, ID_FQDN, "first.example.or"));
	assert_false(names_text(x, ID_FQDN, "first"));
	assert_false(names_text(x, ID_FQDN, ""));
	assert_false(names_text(x, ID_USER_FQDN, "admin@example.org"));	/* another user */
	assert_false(names_text(x, ID_USER_FQDN, "first.example.org"));	/* another type */
	assert_false(names_text(x, ID_FQDN, "Admin@Example.org"));
	assert_false(names_text(x, ID_KEY_ID, "first.example.org"));
	assert_false(names(x, ID_IPV4_ADDR, ip4, 3));
	assert_false(names(x, ID_FQDN, ip4, 4));
	/* wildcards are for web servers */
	assert_false(names_text(x, ID_FQDN, "a.wild.example.org"));
	assert_false(names_text(x, ID_FQDN, "*.wild.example.org"));
	/* the common name is no host name */
	assert_false(names_text(x, ID_FQDN, "cn.example.org"));
	assert_false(names_text(y, ID_FQDN, "gw.example.org"));
	X509_free(x);
	X509_free(y);
}

/* NAME.pem with one text within replaced by another of the same length. */
static X509 *
changed(const char *name, const char *from, const char *to, size_t n)
{
	struct view body = certs_body(name);
	uint8_t *der = (uint8_t *)(uintptr_t)body.p + 1;
	X509 *x = NULL;
	size_t at = 0;

	while (at + n < body.n - 1 && memcmp(der + at, from, n) != 0)
		at++;
	memcpy(der + at, to, n);
	assert_int_equal(cert_from_der(view_of(der, body.n - 1), &x), WHY_NONE);
	free(der - 1);
	return x;
}

static void
r11_a_name_with_nul_inside_is_not_the_name_before_it(void **state)
{
	X509 *x = changed("leaf0", "gw.example.org", "gw.exa\0ple.org", 14);

	(void)state;
	assert_false(names_text(x, ID_FQDN, "gw.exa"));
	assert_false(names(x, ID_FQDN, "gw.exa\0ple.org", 14));
	STR(text, 200);
	cert_names_print(&text, x);
	assert_non_null(strstr(text.p, "DNS:gw.exa\\x00ple.org"));
	X509_free(x);
}

static void
a_subject_is_compared_as_canonical_der(void **state)
{
	X509 *x = certs_x509("leaf0");
	uint8_t *der = NULL;
	int n = i2d_X509_NAME(X509_get_subject_name(x), &der);

	(void)state;
	assert_true(n > 0);
	assert_true(names(x, ID_DER_ASN1_DN, der, (size_t)n));
	/* E -> e in "Example": case is folded */
	for (int i = 0; i < n; i++)
		if (der[i] == 'E' && der[i + 1] == 'x')
			der[i] = 'e';
	assert_true(names(x, ID_DER_ASN1_DN, der, (size_t)n));
	assert_false(names(x, ID_DER_ASN1_DN, der, (size_t)n - 1));
	assert_false(names(x, ID_DER_ASN1_DN, "0\0", 2));	/* the empty name */
	der[n - 1] = '1';
	assert_false(names(x, ID_DER_ASN1_DN, der, (size_t)n));
	OPENSSL_free(der);
	X509_free(x);
}

static void
keys_come_out_as_numbers(void **state)
{
	static const struct { const char *name; const char *text; uint8_t method; } t[] = {
		{ "leaf0", "ECDSA P-256", AUTH_ECDSA_256 }, { "p384", "ECDSA P-384", AUTH_ECDSA_384 },
		{ "p521", "ECDSA P-521", AUTH_ECDSA_521 }, { "rsa2048", "RSA 2048", AUTH_RSA_SIG },
		{ "rsa1024", "RSA 1024", AUTH_RSA_SIG },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		X509 *x = certs_x509(t[i].name);
		struct pubkey k;
		STR(text, 40);

		assert_true(cert_pubkey(x, &k));
		pubkey_print(&text, &k);
		assert_string_equal(text.p, t[i].text);
		assert_true(pubkey_does(&k, t[i].method));
		X509_free(x);
	}
}

/* The modulus, as the openssl command shows it. */
static void
the_numbers_are_those_that_openssl_shows(void **state)
{
	X509 *x = certs_x509("rsa2048");
	char command[256], want[1200] = "";
	struct pubkey k;
	STR(got, 1200);

	(void)state;
	assert_true(cert_pubkey(x, &k));
	str_add(&got, "Modulus=");
	str_hex(&got, pubkey_part(&k, 0));
	snprintf(command, sizeof(command), "openssl x509 -in %s/rsa2048.pem -noout -modulus", certs_dir);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(want, sizeof(want), f));
	pclose(f);
	want[strcspn(want, "\n")] = '\0';
	assert_true(text_same(got.p, want));
	X509_free(x);
}

static void
keys_without_a_method_give_no_numbers(void **state)
{
	static const char *const names_of[] = { "ed", "k256" };

	(void)state;
	for (size_t i = 0; i < COUNT(names_of); i++) {
		X509 *x = certs_x509(names_of[i]);
		struct pubkey k;

		assert_false(cert_pubkey(x, &k));
		X509_free(x);
	}
}

static enum why
why_read(const char *name)
{
	struct view body = certs_body(name);
	X509 *x = NULL;
	enum why why = cert_from_der(view_of(body.p + 1, body.n - 1), &x);

	X509_free(x);
	free((void *)(uintptr_t)body.p);
	return why;
}

static void
r15_r16_what_is_too_large_is_not_even_looked_at(void **state)
{
	(void)state;
	assert_int_equal(why_read("leaf0"), WHY_NONE);
	assert_int_equal(why_read("large"), WHY_CERT_SYNTAX);
	assert_int_equal(why_read("huge"), WHY_CERT_ALGORITHM);
	assert_int_equal(why_read("evenexponent"), WHY_CERT_ALGORITHM);
	assert_int_equal(why_read("longexponent"), WHY_CERT_ALGORITHM);
}

static void
a_certificate_is_all_of_its_der(void **state)
{
	struct view body = certs_body("leaf0");
	uint8_t *more = malloc(body.n);
	X509 *x = NULL;

	(void)state;
	assert_non_null(more);
	for (size_t n = 0; n < body.n - 1; n++)
		assert_int_equal(cert_from_der(view_of(body.p + 1, n), &x), WHY_CERT_SYNTAX);
	memcpy(more, body.p + 1, body.n - 1);
	more[body.n - 1] = 0;
	assert_int_equal(cert_from_der(view_of(more, body.n), &x), WHY_CERT_SYNTAX);
	free(more);
	free((void *)(uintptr_t)body.p);
}

static void
usages_are_those_of_rfc_4945(void **state)
{
	static const struct { const char *name; bool sign, ike; } t[] = {
		{ "leaf0", true, true }, { "nosign", false, true }, { "nonrepudiation", true, true },
		{ "codesigning", true, false }, { "ikeusage", true, true }, { "root", false, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		X509 *x = certs_x509(t[i].name);

		assert_int_equal(cert_may_sign(x), t[i].sign);
		assert_int_equal(cert_is_for_ike(x), t[i].ike);
		X509_free(x);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry_of_the_alternative_name_counts),
		cmocka_unit_test(what_is_only_similar_does_not_count),
		cmocka_unit_test(r11_a_name_with_nul_inside_is_not_the_name_before_it),
		cmocka_unit_test(a_subject_is_compared_as_canonical_der),
		cmocka_unit_test(keys_come_out_as_numbers),
		cmocka_unit_test(the_numbers_are_those_that_openssl_shows),
		cmocka_unit_test(keys_without_a_method_give_no_numbers),
		cmocka_unit_test(r15_r16_what_is_too_large_is_not_even_looked_at),
		cmocka_unit_test(a_certificate_is_all_of_its_der),
		cmocka_unit_test(usages_are_those_of_rfc_4945),
	};

	return cmocka_run_group_tests(tests, certs_make, certs_remove);
}
