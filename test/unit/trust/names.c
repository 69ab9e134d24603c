/* Distinguished names as identities: ours to the octet, the peer's compared. */
#include "certs.h"

static const char *const just_root[] = { "root", NULL };
static uint8_t room[4096];

struct part { const char *type, *value; int set; };

/* An ID payload with the name that libcrypto makes of these, as strings of that type. */
static struct id_body
name_id(int string_type, const struct part *parts, size_t n)
{
	X509_NAME *name = X509_NAME_new();
	uint8_t *der = NULL;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(X509_NAME_add_entry_by_txt(name, parts[i].type,
		    strcmp(parts[i].type, "C") == 0 ? V_ASN1_PRINTABLESTRING : string_type,
		    (const uint8_t *)parts[i].value, -1, -1, parts[i].set), 1);
	int octets = i2d_X509_NAME(name, &der);
	assert_true(octets > 0);
	struct id_body b = id_of(ID_DER_ASN1_DN, der, (size_t)octets);
	OPENSSL_free(der);
	X509_NAME_free(name);
	return b;
}

#define NAME(type, ...)	name_id(type, (const struct part[]){ __VA_ARGS__ },	\
	sizeof((const struct part[]){ __VA_ARGS__ }) / sizeof(struct part))

static struct view
octets(const struct id_body *b)
{
	return view_of(b->p, b->n);
}

static struct pubkey
key_of(const char *name)
{
	X509 *x = certs_x509(name);
	struct pubkey key;

	assert_true(cert_pubkey(x, &key));
	X509_free(x);
	return key;
}

static struct trust *
three(void)
{
	struct trust *t = certs_trust(NULL, just_root);

	assert_true(certs_load(t, TRUST_CERT, "p384"));
	assert_true(certs_load(t, TRUST_CERT, "names"));
	assert_true(certs_load(t, TRUST_CERT, "rsa2048"));
	return t;
}

static struct trust_answer
asked(const struct trust *t, const struct trust_ask *ask)
{
	struct trust_answer a;
	struct wr w = wr_of(room, sizeof(room));

	trust_names(t, ask, time(NULL), &w, &a);
	assert_int_equal(a.verb, ask->verb);
	assert_int_equal(a.token, ask->token);
	return a;
}

static bool
is_subject_of(struct view der, const char *name)
{
	X509 *x = certs_x509(name);
	const uint8_t *p = NULL;
	size_t n = 0;

	assert_int_equal(X509_NAME_get0_der(X509_get_subject_name(x), &p, &n), 1);
	bool same = view_equal(der, view_of(p, n));
	X509_free(x);
	return same;
}

/* ---- ours ---- */

static void
our_name_goes_out_as_our_certificate_has_it(void **state)
{
	struct trust *t = three();
	struct id_body written = NAME(V_ASN1_PRINTABLESTRING, { "C", "SE", 0 }, { "O", "EXAMPLE", 0 },
	    { "CN", "cn.example.org", 0 });
	struct trust_ask ask = { .verb = TRUST_NAMES, .token = 9, .auth = AUTH_ECDSA_256,
	    .own_body = octets(&written), .key = key_of("names") };
	struct trust_answer a = asked(t, &ask);

	(void)state;
	assert_int_equal(a.why, WHY_NONE);
	assert_true(is_subject_of(a.own_id, "names"));
	assert_false(view_equal(a.own_id, view_of(written.p + 4, written.n - 4)));
	assert_string_equal(a.own_name, "/C=SE/O=Example/CN=cn.example.org");
	assert_string_equal(a.peer_name, "");
	/* A name that no certificate has is ours all the same: for raw keys. */
	struct id_body raw = NAME(V_ASN1_UTF8STRING, { "O", "A/B", 0 }, { "CN", "x+y", 0 });
	ask.own_body = octets(&raw);
	a = asked(t, &ask);
	assert_int_equal(a.why, WHY_NONE);
	assert_int_equal(a.own_id.n, 0);
	assert_string_equal(a.own_name, "/O=A\\/B/CN=x\\+y");
	trust_free(t);
}

static void
our_name_is_left_to_the_certificate_of_our_key(void **state)
{
	static const struct { const char *cert; uint8_t auth; } t[] = {
		{ "names", AUTH_ECDSA_256 }, { "p384", AUTH_ECDSA_384 }, { "rsa2048", AUTH_RSA_SIG },
	};
	static const uint8_t from_certificate[] = { ID_DER_ASN1_DN, 0, 0, 0 };
	struct trust_ask ask = { .verb = TRUST_NAMES,
	    .own_body = view_of(from_certificate, sizeof(from_certificate)) };
	struct trust *all = three();

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		ask.key = key_of(t[i].cert);
		ask.auth = t[i].auth;
		struct trust_answer a = asked(all, &ask);
		assert_int_equal(a.why, WHY_NONE);
		assert_true(is_subject_of(a.own_id, t[i].cert));
		ask.auth = AUTH_ECDSA_521;
		a = asked(all, &ask);
		assert_int_equal(a.why, WHY_OWN_CERT);
		assert_int_equal(a.own_id.n, 0);
		assert_string_equal(a.field, "Name");
	}
	ask.key = (struct pubkey){ 0 };		/* we have none */
	assert_int_equal(asked(all, &ask).why, WHY_OWN_CERT);
	trust_free(all);
}

/* ---- the peer's ---- */

static bool
is_wanted(struct view got, struct view want)
{
	struct trust *t = certs_trust(NULL, just_root);
	const struct trust_ask ask = { .verb = TRUST_NAMES, .id_body = got, .want_body = want };
	struct trust_answer a = asked(t, &ask);

	assert_int_equal(a.why, WHY_NONE);
	trust_free(t);
	return a.same;
}

#define SAME(a, b)	do {							\
	struct id_body a_ = (a), b_ = (b);					\
	assert_true(is_wanted(octets(&a_), octets(&b_)));			\
	assert_true(is_wanted(octets(&b_), octets(&a_)));			\
} while (0)
#define OTHER(a, b)	do {							\
	struct id_body a_ = (a), b_ = (b);					\
	assert_false(is_wanted(octets(&a_), octets(&b_)));			\
	assert_false(is_wanted(octets(&b_), octets(&a_)));			\
} while (0)

/* RFC 5280, 7.1 */
static void
names_compare_by_what_they_say(void **state)
{
	const struct id_body gw = NAME(V_ASN1_UTF8STRING, { "C", "SE", 0 }, { "O", "Example AB", 0 },
	    { "CN", "gw", 0 });

	(void)state;
	SAME(gw, gw);
	SAME(gw, NAME(V_ASN1_PRINTABLESTRING, { "C", "se", 0 }, { "O", "EXAMPLE  ab ", 0 }, { "CN", "GW", 0 }));
	SAME(gw, NAME(V_ASN1_T61STRING, { "C", "SE", 0 }, { "O", "Example AB", 0 }, { "CN", "gw", 0 }));
	OTHER(gw, NAME(V_ASN1_UTF8STRING, { "C", "SE", 0 }, { "O", "Example AB", 0 }, { "CN", "gw2", 0 }));
	OTHER(gw, NAME(V_ASN1_UTF8STRING, { "C", "SE", 0 }, { "O", "Example AB", 0 }));
	OTHER(gw, NAME(V_ASN1_UTF8STRING, { "C", "SE", 0 }, { "O", "Example AB", 0 }, { "CN", "gw", 0 },
	    { "OU", "x", 0 }));
	OTHER(gw, NAME(V_ASN1_UTF8STRING, { "O", "Example AB", 0 }, { "C", "SE", 0 }, { "CN", "gw", 0 }));
	OTHER(gw, NAME(V_ASN1_UTF8STRING, { "C", "SE", 0 }, { "O", "Example AB", 0 }, { "CN", "gw", -1 }));
	OTHER(gw, NAME(V_ASN1_UTF8STRING, { "C", "SE", 0 }, { "O", "ExampleAB", 0 }, { "CN", "gw", 0 }));
	OTHER(NAME(V_ASN1_UTF8STRING, { "O", "A/CN=x", 0 }),
	    NAME(V_ASN1_UTF8STRING, { "O", "A", 0 }, { "CN", "x", 0 }));
}

static void
what_is_no_name_is_nobody_s(void **state)
{
	const struct id_body gw = NAME(V_ASN1_UTF8STRING, { "C", "SE", 0 }, { "CN", "gw", 0 });
	struct id_body bad = gw;
	struct id_body other = fqdn("gw");
	struct trust *t = three();

	(void)state;
	for (bad.n = 0; bad.n < gw.n; bad.n++)
		assert_false(is_wanted(octets(&bad), octets(&gw)));
	for (size_t at = 4; at < gw.n; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			bad = gw;
			bad.p[at] ^= (uint8_t)(1U << bit);
			const struct trust_ask ask = { .verb = TRUST_NAMES, .id_body = octets(&bad),
			    .want_body = octets(&gw), .own_body = octets(&bad), .auth = AUTH_ECDSA_256 };
			struct trust_answer a = asked(t, &ask);
			for (const char *p = a.peer_name; *p != '\0'; p++)
				assert_true(*p >= 0x20 && *p < 0x7f);
		}
	assert_false(is_wanted(octets(&other), octets(&gw)));
	assert_false(is_wanted(octets(&other), octets(&other)));
	bad = (struct id_body){ .p = { ID_DER_ASN1_DN }, .n = 4 };
	assert_false(is_wanted(octets(&bad), octets(&bad)));
	trust_free(t);
}

/* ---- at load ---- */

static void
a_certificate_of_another_key_is_found_at_load(void **state)
{
	struct trust *t = three();
	const struct id_body subject = NAME(V_ASN1_UTF8STRING, { "C", "SE", 0 }, { "O", "Example", 0 },
	    { "CN", "cn.example.org", 0 });
	const struct id_body host = fqdn("first.example.org"), nobody = fqdn("nobody.example.org");
	const struct id_body from_certificate = { .p = { ID_DER_ASN1_DN }, .n = 4 };
	const struct { struct id_body id; const char *key; enum why why; } rows[] = {
		{ subject, "names", WHY_NONE }, { host, "names", WHY_NONE },
		{ subject, "p384", WHY_OWN_CERT }, { host, "p384", WHY_OWN_CERT },
		{ nobody, "p384", WHY_NONE },	/* a raw key does without */
		{ from_certificate, "p384", WHY_NONE }, { from_certificate, "p521", WHY_OWN_CERT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct trust_ask ask = { .verb = TRUST_CHECK, .own_body = octets(&rows[i].id),
		    .key = key_of(rows[i].key) };
		struct trust_answer a = asked(t, &ask);

		assert_int_equal(a.why, rows[i].why);
		if (a.why != WHY_NONE && rows[i].id.n > 4)
			assert_string_equal(a.got, "the certificate names.pem is of another key than our private one");
	}
	trust_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_name_goes_out_as_our_certificate_has_it),
		cmocka_unit_test(our_name_is_left_to_the_certificate_of_our_key),
		cmocka_unit_test(names_compare_by_what_they_say),
		cmocka_unit_test(what_is_no_name_is_nobody_s),
		cmocka_unit_test(a_certificate_of_another_key_is_found_at_load),
	};

	return cmocka_run_group_tests(tests, certs_make, certs_remove);
}
