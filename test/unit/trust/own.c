/* What we send of ourselves, what we ask for, and what the files say. */
#include "certs.h"

static const char *const just_root[] = { "root", NULL };
static uint8_t room[60000];

static struct trust *
own_trust(uint8_t send)
{
	const struct trust_settings s = { .send = send };

	return certs_trust(&s, just_root);
}

static struct trust_answer
own(const struct trust *t, const char *key_of, const char *name, const struct view *requests, size_t n)
{
	struct id_body id = fqdn(name);
	struct trust_ask a = { .verb = TRUST_OWN, .token = 5, .id_body = view_of(id.p, id.n), .n_certs = n };
	struct trust_answer ret;
	struct wr w = wr_of(room, sizeof(room));
	X509 *x = certs_x509(key_of);

	assert_true(cert_pubkey(x, &a.key));
	X509_free(x);
	if (n > 0)
		memcpy(a.certs, requests, n * sizeof(*requests));
	trust_own(t, &a, time(NULL), &w, &ret);
	assert_int_equal(ret.token, 5);
	assert_int_equal(ret.why, WHY_NONE);
	return ret;
}

static bool
is_body_of(struct view got, const char *name)
{
	struct view want = certs_body(name);
	bool same = view_equal(got, want);

	free((void *)(uintptr_t)want.p);
	return same;
}

static void
our_certificate_has_our_id_and_our_key(void **state)
{
	struct trust *t = own_trust(TRUST_SEND_ALWAYS);

	(void)state;
	assert_true(certs_load(t, TRUST_CERT, "p384"));		/* same ID, another key */
	assert_true(certs_load(t, TRUST_CERT, "names"));	/* same key, another ID */
	assert_int_equal(own(t, "leaf0", "gw.example.org", NULL, 0).n_certs, 0);
	assert_true(certs_load(t, TRUST_CERT, "leaf0"));
	struct trust_answer a = own(t, "leaf0", "gw.example.org", NULL, 0);
	assert_int_equal(a.n_certs, 1);
	assert_true(is_body_of(a.certs[0], "leaf0"));
	a = own(t, "leaf0", "second.example.org", NULL, 0);
	assert_int_equal(a.n_certs, 1);
	assert_true(is_body_of(a.certs[0], "names"));
	trust_free(t);
}

static void
the_chain_goes_out_leaf_first_and_without_the_root(void **state)
{
	struct trust *t = own_trust(TRUST_SEND_ALWAYS);

	(void)state;
	/* one file with the leaf and both intermediates */
	assert_true(certs_load(t, TRUST_CERT, "full2"));
	struct trust_answer a = own(t, "leaf2", "gw.example.org", NULL, 0);
	assert_int_equal(a.n_certs, 3);
	assert_true(is_body_of(a.certs[0], "leaf2"));
	assert_true(is_body_of(a.certs[1], "ca2"));
	assert_true(is_body_of(a.certs[2], "ca1"));
	trust_free(t);
}

static size_t
request_of(uint8_t *body, uint8_t encoding, const char *ca)
{
	X509 *x = certs_x509(ca);
	uint8_t *p = body + 1;

	body[0] = encoding;
	size_t n = 1 + (size_t)i2d_X509_NAME(X509_get_subject_name(x), &p);
	X509_free(x);
	return n;
}

static void
a_request_chooses_among_our_certificates(void **state)
{
	struct trust *t = own_trust(TRUST_SEND_ALWAYS);
	uint8_t by_root[300], by_fake_ca1[300], strange[] = { 200, 1, 2 }, any[] = { 4 }, bad[] = { 4, 0x30, 9 };
	struct view r[4] = { view_of(by_root, request_of(by_root, 4, "root")),
	    view_of(by_fake_ca1, request_of(by_fake_ca1, 4, "ca1")) };

	(void)state;
	assert_true(certs_load(t, TRUST_CERT, "leaf0"));
	assert_true(certs_load(t, TRUST_CERT, "full2"));
	struct trust_answer a = own(t, "leaf0", "gw.example.org", &r[1], 1);
	assert_true(is_body_of(a.certs[0], "leaf2"));
	a = own(t, "leaf0", "gw.example.org", &r[0], 1);
	assert_true(is_body_of(a.certs[0], "leaf0"));
	/* what cannot be satisfied or understood hinders nothing */
	r[0] = view_of(strange, 3);
	r[2] = view_of(any, 1);
	r[3] = view_of(bad, 3);
	a = own(t, "leaf0", "gw.example.org", &r[3], 1);
	assert_true(is_body_of(a.certs[0], "leaf0"));
	a = own(t, "leaf0", "gw.example.org", r, 4);
	assert_true(a.n_certs > 0);
	trust_free(t);
}

static void
when_to_send_is_settled(void **state)
{
	static const uint8_t any[] = { 4 };
	const struct view r = view_of(any, 1);
	static const struct { uint8_t send; size_t unasked, asked; } cases[] = {
		{ TRUST_SEND_ALWAYS, 1, 1 }, { TRUST_SEND_IF_ASKED, 0, 1 }, { TRUST_SEND_NEVER, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct trust *t = own_trust(cases[i].send);

		assert_true(certs_load(t, TRUST_CERT, "leaf0"));
		assert_int_equal(own(t, "leaf0", "gw.example.org", NULL, 0).n_certs, cases[i].unasked);
		assert_int_equal(own(t, "leaf0", "gw.example.org", &r, 1).n_certs, cases[i].asked);
		trust_free(t);
	}
}

static void
each_anchor_is_asked_for_by_name_or_any_when_there_are_many(void **state)
{
	static const char *const eleven[] = { "root", "root2", "rsaroot", "ca1", "ca2", "ca3", "ca4",
	    "ca5", "ca6", "ca7", "ca8" };
	struct trust *t = own_trust(TRUST_SEND_ALWAYS);
	struct view r[TRUST_REQUESTS_MAX];
	struct wr w = wr_of(room, sizeof(room));
	uint8_t want[300];

	(void)state;
	assert_int_equal(trust_requests(t, &w, r), 1);
	assert_true(view_equal(r[0], view_of(want, request_of(want, 4, "root"))));
	for (size_t i = 1; i < COUNT(eleven); i++) {
		assert_true(certs_load(t, TRUST_CA, eleven[i]));
		w = wr_of(room, sizeof(room));
		assert_int_equal(trust_requests(t, &w, r), i < 10 ? i + 1 : 1);
	}
	assert_int_equal(r[0].n, 1);
	assert_int_equal(r[0].p[0], 4);
	trust_free(t);
	t = certs_trust(NULL, just_root + 1);
	w = wr_of(room, sizeof(room));
	assert_int_equal(trust_requests(t, &w, r), 0);
	trust_free(t);
}

static void
what_does_not_belong_into_a_directory_is_left_out_with_a_reason(void **state)
{
	static const struct { enum trust_kind kind; const char *file; const char *note; } t[] = {
		{ TRUST_CA, "leaf0.pem", "not the certificate of a CA" },
		{ TRUST_CA, "root.pem", "the same certificate as root.pem" },
		{ TRUST_CA, "crl_root.pem", "no PEM certificate" },
		{ TRUST_CA, "crl_root.der", "no PEM certificate" },
		{ TRUST_CERT, "host.key", "no PEM certificate" },
		{ TRUST_CRL, "root.pem", "no PEM revocation list" },
	};
	struct trust *trust = certs_trust(NULL, just_root);

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct view text = certs_file(t[i].file);
		STR(note, 200);

		assert_false(trust_add(trust, t[i].kind, t[i].file, text, &note));
		assert_non_null(strstr(note.p, t[i].note));
		free((void *)(uintptr_t)text.p);
	}
	STR(note, 200);
	assert_false(trust_add(trust, TRUST_CA, "empty", (struct view){ 0 }, &note));
	assert_int_equal(trust_count(trust, TRUST_CA), 1);
	assert_int_equal(trust_count(trust, TRUST_CERT), 0);
	assert_int_equal(trust_count(trust, TRUST_CRL), 0);
	trust_free(trust);
}

static void
only_the_first_certificate_of_a_file_is_an_anchor(void **state)
{
	struct trust *t = certs_trust(NULL, just_root + 1);
	struct view a = certs_file("root.pem"), b = certs_file("root2.pem");
	uint8_t *both = malloc(a.n + b.n);
	STR(note, 200);

	(void)state;
	assert_non_null(both);
	memcpy(both, a.p, a.n);
	memcpy(both + a.n, b.p, b.n);
	assert_true(trust_add(t, TRUST_CA, "both", view_of(both, a.n + b.n), &note));
	assert_non_null(strstr(note.p, "only the first certificate"));
	assert_int_equal(trust_count(t, TRUST_CA), 1);
	free(both);
	free((void *)(uintptr_t)a.p);
	free((void *)(uintptr_t)b.p);
	trust_free(t);
}

struct seen { unsigned n; char text[8][100]; int64_t now; };

static void
see(void *self, const struct trust_item *item)
{
	struct seen *s = self;
	struct str out = str_of(s->text[s->n], sizeof(s->text[0]));

	str_addf(&out, "%d %s %s ", item->kind, item->file, item->subject);
	(void)trust_item_warning(item, s->now, &out);
	s->n++;
}

static void
expiry_is_warned_of_a_month_ahead(void **state)
{
	struct trust *t = certs_trust(NULL, just_root);
	struct seen s = { .now = time(NULL) };

	(void)state;
	assert_true(certs_load(t, TRUST_CERT, "brief"));
	assert_true(certs_load(t, TRUST_CRL, "crl_brief"));
	trust_each(t, see, &s);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.text[0], "1 root.pem /C=SE/O=Example/CN=Example Root ");
	assert_non_null(strstr(s.text[1], "2 brief.pem /CN=brief expires in "));
	assert_string_equal(s.text[2], "3 crl_brief.pem /C=SE/O=Example/CN=Example Root ");
	s.n = 0;
	s.now += 11 * 86400;
	trust_each(t, see, &s);
	assert_non_null(strstr(s.text[1], "has expired (2"));
	assert_non_null(strstr(s.text[2], "is out of date (since 2"));
	s.n = 0;
	s.now -= 12 * 86400;
	trust_each(t, see, &s);
	assert_non_null(strstr(s.text[0], "is not yet valid (until 2"));
	trust_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_certificate_has_our_id_and_our_key),
		cmocka_unit_test(the_chain_goes_out_leaf_first_and_without_the_root),
		cmocka_unit_test(a_request_chooses_among_our_certificates),
		cmocka_unit_test(when_to_send_is_settled),
		cmocka_unit_test(each_anchor_is_asked_for_by_name_or_any_when_there_are_many),
		cmocka_unit_test(what_does_not_belong_into_a_directory_is_left_out_with_a_reason),
		cmocka_unit_test(only_the_first_certificate_of_a_file_is_an_anchor),
		cmocka_unit_test(expiry_is_warned_of_a_month_ahead),
	};

	return cmocka_run_group_tests(tests, certs_make, certs_remove);
}
