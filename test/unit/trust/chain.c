/* Whether a peer's certificates are believed, and what is said when not. */
#include "certs.h"

static const char *const just_root[] = { "root", NULL };
static const struct trust_settings no_crl = { .crl = TRUST_CRL_OFF },
    if_present = { .crl = TRUST_CRL_IF_PRESENT }, require = { .crl = TRUST_CRL_REQUIRE },
    self_signed = { .accept_self_signed = true }, extended = { .check_extended_usage = true };

enum { MANY = 16 };

struct payloads {
	struct view	v[MANY];
	size_t		n;
};

static void
payloads_done(struct payloads *p)
{
	for (size_t i = 0; i < p->n; i++)
		free((void *)(uintptr_t)p->v[i].p);
}

/* Names of certificates; NAME.crl.der and NAME.p7 are files of other encodings. */
static struct payloads
payloads_of(const char *const *names)
{
	struct payloads p = { 0 };

	for (; *names != NULL; names++) {
		size_t n = strlen(*names);
		bool list = n > 4 && strcmp(*names + n - 4, ".der") == 0;
		bool container = n > 3 && strcmp(*names + n - 3, ".p7") == 0;

		if (list || container) {
			struct view der = certs_file(*names);
			uint8_t *body = malloc(der.n + 1);
			assert_non_null(body);
			body[0] = list ? 7 : 1;
			memcpy(body + 1, der.p, der.n);
			free((void *)(uintptr_t)der.p);
			p.v[p.n++] = view_of(body, der.n + 1);
		} else {
			p.v[p.n++] = certs_body(*names);
		}
	}
	return p;
}

static struct trust_answer
ask_at(const struct trust *t, const struct payloads *p, const struct id_body *id, uint8_t auth,
    bool allow_weak, int64_t now)
{
	struct trust_ask a = { .verb = TRUST_PEER, .token = 77, .auth = auth, .allow_weak = allow_weak,
	    .id_body = view_of(id->p, id->n), .n_certs = p->n };
	struct trust_answer ret;

	memcpy(a.certs, p->v, p->n * sizeof(*p->v));
	trust_peer(t, &a, now, &ret);
	assert_int_equal(ret.token, 77);
	assert_int_equal(ret.verb, TRUST_PEER);
	/* A refusal has texts and no key; the other way round as well. */
	assert_int_equal(ret.why == WHY_NONE, ret.key.kind != PUBKEY_NONE);
	if (ret.why != WHY_NONE) {
		assert_true(ret.field[0] != '\0');
		assert_string_equal(ret.remedy, why_remedy(ret.why));
		assert_false(ret.pinned);
	} else {
		assert_string_equal(ret.field, "");
	}
	return ret;
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* gw.example.org, P-256, now. */
static struct trust_answer
ask_with(const struct trust_settings *s, const char *const *anchors, const char *const *lists,
    const char *const *sent)
{
	struct trust *t = certs_trust(s, anchors);
	struct payloads p = payloads_of(sent);
	struct id_body id = fqdn("gw.example.org");

	for (; lists != NULL && *lists != NULL; lists++)
		assert_true(certs_load(t, TRUST_CRL, *lists));
	struct trust_answer a = ask_at(t, &p, &id, AUTH_ECDSA_256, false, time(NULL));
	payloads_done(&p);
	trust_free(t);
	return a;
}

static struct trust_answer
ask(const char *const *sent)
{
	return ask_with(NULL, just_root, NULL, sent);
}

#define SAYS(a, w, f, e, g) do {					\
	const struct trust_answer says_a = (a);				\
	if (says_a.why != (w) || strcmp(says_a.field, f) != 0 ||	\
	    strstr(says_a.expected, e) == NULL || strstr(says_a.got, g) == NULL) \
		fail_msg("%s: field %s, expected %s, got %s", why_name(says_a.why), \
		    says_a.field, says_a.expected, says_a.got);		\
	} while (0)
#define PASSES(a) SAYS(a, WHY_NONE, "", "", "")

static void
chains_of_depth_one_to_five_hold(void **state)
{
	(void)state;
	PASSES(ask(LIST("leaf0")));
	PASSES(ask(LIST("leaf1", "ca1")));
	PASSES(ask(LIST("leaf2", "ca2", "ca1")));
	PASSES(ask(LIST("leaf3", "ca3", "ca2", "ca1")));
	PASSES(ask(LIST("leaf4", "ca4", "ca3", "ca2", "ca1")));
}

static void
the_order_of_payloads_does_not_matter_nor_does_a_root_among_them(void **state)
{
	(void)state;
	PASSES(ask(LIST("ca1", "root", "ca3", "leaf3", "ca2")));
	PASSES(ask(LIST("root", "leaf0")));
	PASSES(ask(LIST("forged", "fake", "leaf0")));
}

static void
a_missing_link_names_the_issuer(void **state)
{
	(void)state;
	SAYS(ask(LIST("leaf3", "ca3", "ca1")), WHY_CERT_ISSUER, "certificate issuer",
	    "CA-directory", "/C=SE/O=Example/CN=CA 2");
	SAYS(ask(LIST("leaf1")), WHY_CERT_ISSUER, "certificate issuer", "CA-directory", "/CN=CA 1");
}

static void
an_intermediate_in_the_ca_directory_is_an_anchor(void **state)
{
	(void)state;
	PASSES(ask_with(NULL, LIST("ca2"), NULL, LIST("leaf2")));
	PASSES(ask_with(NULL, LIST("ca2"), NULL, LIST("leaf3", "ca3")));
	PASSES(ask_with(NULL, LIST("ca2", "root"), NULL, LIST("leaf2", "ca1")));
	/* also where every issuer must have a revocation list */
	PASSES(ask_with(&require, LIST("ca1"), LIST("crl_ca1"), LIST("leaf1")));
}

static void
a_cross_signed_ca_leads_to_either_root(void **state)
{
	(void)state;
	PASSES(ask_with(NULL, LIST("root2"), NULL, LIST("leaf1", "cross1")));
	PASSES(ask_with(NULL, LIST("root2"), NULL, LIST("leaf1", "ca1", "cross1")));
	PASSES(ask_with(NULL, LIST("root2"), NULL, LIST("leaf1", "cross1", "ca1")));
	PASSES(ask_with(NULL, LIST("root"), NULL, LIST("leaf1", "cross1", "ca1")));
	SAYS(ask_with(NULL, LIST("root2"), NULL, LIST("leaf1", "ca1")), WHY_CERT_ISSUER,
	    "certificate issuer", "", "Example Root");
}

static void
r20_an_issuer_of_the_right_name_and_the_wrong_key_is_refused(void **state)
{
	(void)state;
	assert_int_not_equal(ask(LIST("forged")).why, WHY_NONE);
	assert_int_not_equal(ask(LIST("forged", "fake")).why, WHY_NONE);
}

static void
a_chain_longer_than_allowed_is_refused(void **state)
{
	(void)state;
	PASSES(ask(LIST("leaf8", "ca8", "ca7", "ca6", "ca5", "ca4", "ca3", "ca2", "ca1")));
	assert_int_not_equal(ask(LIST("leaf9", "ca9", "ca8", "ca7", "ca6", "ca5", "ca4", "ca3", "ca2",
	    "ca1")).why, WHY_NONE);
}

static struct trust_answer
ask_days_from_now(const char *const *sent, int days)
{
	struct trust *t = certs_trust(NULL, just_root);
	struct payloads p = payloads_of(sent);
	struct id_body id = fqdn("gw.example.org");
	struct trust_answer a = ask_at(t, &p, &id, AUTH_ECDSA_256, false,
	    time(NULL) + (int64_t)days * 86400);

	payloads_done(&p);
	trust_free(t);
	return a;
}

static void
expiry_is_told_with_both_dates(void **state)
{
	(void)state;
	PASSES(ask_days_from_now(LIST("brief"), 9));
	SAYS(ask_days_from_now(LIST("brief"), 11), WHY_CERT_EXPIRED, "certificate validity",
	    "valid at 2", "/CN=brief");
	SAYS(ask_days_from_now(LIST("brief"), 11), WHY_CERT_EXPIRED, "certificate validity", "", " to 2");
	SAYS(ask_days_from_now(LIST("brief"), -1), WHY_CERT_EARLY, "certificate validity",
	    "valid at 2", ", /C");
	/* an issuer's counts as well */
	PASSES(ask_days_from_now(LIST("bybriefca", "briefca"), 9));
	SAYS(ask_days_from_now(LIST("bybriefca", "briefca"), 11), WHY_CERT_EXPIRED,
	    "certificate validity", "", "/CN=brief CA");
	/* and an anchor's */
	SAYS(ask_days_from_now(LIST("leaf0"), 365 * 21), WHY_CERT_EXPIRED, "certificate validity", "", "");
}

static void
revoked_ones_are_refused_with_serial_and_date(void **state)
{
	(void)state;
	PASSES(ask_with(&if_present, just_root, LIST("crl_root"), LIST("leaf0")));
	SAYS(ask_with(&if_present, just_root, LIST("crl_root_leaf0"), LIST("leaf0")), WHY_CERT_REVOKED,
	    "revocation list", "", "serial 65 since 2");
	SAYS(ask_with(&require, just_root, LIST("crl_root_leaf0"), LIST("leaf0")), WHY_CERT_REVOKED,
	    "revocation list", "", "/CN=leaf0");
	PASSES(ask_with(&no_crl, just_root, LIST("crl_root_leaf0"), LIST("leaf0")));
	/* an intermediate one */
	SAYS(ask_with(&if_present, just_root, LIST("crl_root_ca1"), LIST("leaf1", "ca1")),
	    WHY_CERT_REVOKED, "revocation list", "", "/CN=CA 1");
	SAYS(ask_with(&if_present, just_root, LIST("crl_ca1_leaf1"), LIST("leaf1", "ca1")),
	    WHY_CERT_REVOKED, "revocation list", "", "/CN=leaf1");
}

static void
a_list_is_wanted_of_each_issuer_or_of_those_that_have_one(void **state)
{
	(void)state;
	PASSES(ask_with(&if_present, just_root, LIST("crl_root"), LIST("leaf1", "ca1")));
	SAYS(ask_with(&require, just_root, LIST("crl_root"), LIST("leaf1", "ca1")), WHY_CRL_MISSING,
	    "revocation list", "one of every issuer", "/CN=CA 1");
	PASSES(ask_with(&require, just_root, LIST("crl_root", "crl_ca1"), LIST("leaf1", "ca1")));
	SAYS(ask_with(&require, just_root, NULL, LIST("leaf0")), WHY_CRL_MISSING, "revocation list",
	    "one of every issuer", "/CN=Example Root");
}

static void
a_stale_list_counts_as_none_and_says_since_when(void **state)
{
	struct trust *t = certs_trust(&if_present, just_root);
	struct payloads p = payloads_of(LIST("leaf0"));
	struct id_body id = fqdn("gw.example.org");
	int64_t now = time(NULL);

	(void)state;
	assert_true(certs_load(t, TRUST_CRL, "crl_brief"));
	PASSES(ask_at(t, &p, &id, AUTH_ECDSA_256, false, now + 9 * 86400));
	SAYS(ask_at(t, &p, &id, AUTH_ECDSA_256, false, now + 11 * 86400), WHY_CRL_STALE,
	    "revocation list", "a current one at 2", ", next 2");
	payloads_done(&p);
	trust_free(t);
}

static void
a_list_with_a_wrong_signature_is_refused(void **state)
{
	(void)state;
	assert_int_not_equal(ask_with(&require, just_root, LIST("crl_fake"), LIST("leaf0")).why, WHY_NONE);
}

static void
lists_of_the_peer_help_but_never_replace_newer_ones_of_ours(void **state)
{
	(void)state;
	PASSES(ask_with(&require, just_root, NULL, LIST("leaf0", "crl_root.der")));
	SAYS(ask_with(&if_present, just_root, NULL, LIST("leaf0", "crl_root_leaf0.der")),
	    WHY_CERT_REVOKED, "revocation list", "", "/CN=leaf0");
	/* crl_root is older than crl_root_leaf0, and both are current */
	SAYS(ask_with(&if_present, just_root, LIST("crl_root_leaf0"), LIST("leaf0", "crl_root.der")),
	    WHY_CERT_REVOKED, "revocation list", "", "/CN=leaf0");
}

static void
containers_are_opened(void **state)
{
	(void)state;
	PASSES(ask(LIST("chain2.p7")));
	PASSES(ask(LIST("leaf3", "ca3", "chain2.p7")));
	SAYS(ask(LIST("withcrl.p7")), WHY_CERT_REVOKED, "revocation list", "", "/CN=leaf0");
}

static void
wrong_usage_is_refused(void **state)
{
	(void)state;
	SAYS(ask(LIST("nosign")), WHY_CERT_USAGE, "key usage", "digitalSignature", "/CN=nosign");
	PASSES(ask(LIST("nonrepudiation")));
	SAYS(ask(LIST("byleaf", "nosan")), WHY_CERT_USAGE, "certificate usage", "a CA",
	    "/CN=gw.example.org");
	assert_int_not_equal(ask(LIST("bynocertsign", "nocertsign")).why, WHY_NONE);
	assert_int_equal(ask(LIST("critical")).why, WHY_CERT_CHAIN);
}

static void
extended_usage_counts_only_when_asked_for(void **state)
{
	(void)state;
	PASSES(ask(LIST("codesigning")));
	SAYS(ask_with(&extended, just_root, NULL, LIST("codesigning")), WHY_CERT_USAGE,
	    "extended key usage", "ipsecIKE", "/CN=codesigning");
	PASSES(ask_with(&extended, just_root, NULL, LIST("ikeusage")));
	PASSES(ask_with(&extended, just_root, NULL, LIST("leaf0")));
}

static void
constraints_of_issuers_hold(void **state)
{
	(void)state;
	assert_int_equal(ask(LIST("bybelow", "below", "short")).why, WHY_CERT_CHAIN);
	assert_int_equal(ask(LIST("outside", "constrained")).why, WHY_CERT_CHAIN);
	struct trust *t = certs_trust(NULL, just_root);
	struct payloads p = payloads_of(LIST("inside", "constrained"));
	struct id_body id = fqdn("gw.allowed.org");
	PASSES(ask_at(t, &p, &id, AUTH_ECDSA_256, false, time(NULL)));
	payloads_done(&p);
	trust_free(t);
}

static struct trust_answer
ask_key(const char *name, uint8_t auth, bool allow_weak)
{
	struct trust *t = certs_trust(NULL, LIST("root", "rsaroot"));
	struct payloads p = payloads_of(LIST(name));
	struct id_body id = fqdn("gw.example.org");
	struct trust_answer a = ask_at(t, &p, &id, auth, allow_weak, time(NULL));

	payloads_done(&p);
	trust_free(t);
	return a;
}

static void
keys_and_signatures_are_strong_or_the_peer_is_allowed_to_be_weak(void **state)
{
	(void)state;
	PASSES(ask_key("rsa2048", AUTH_RSA_SIG, false));
	PASSES(ask_key("p384", AUTH_ECDSA_384, false));
	PASSES(ask_key("p521", AUTH_ECDSA_521, false));
	PASSES(ask_key("sha384", AUTH_ECDSA_256, false));
	SAYS(ask_key("rsa1024", AUTH_RSA_SIG, false), WHY_CERT_ALGORITHM, "certificate key",
	    "RSA of 2048", "RSA 1024 in /CN=rsa1024");
	PASSES(ask_key("rsa1024", AUTH_RSA_SIG, true));
	SAYS(ask_key("sha1", AUTH_ECDSA_256, false), WHY_CERT_ALGORITHM, "certificate signature",
	    "SHA-256", "SHA1 in /CN=sha1");
	PASSES(ask_key("sha1", AUTH_ECDSA_256, true));
	SAYS(ask_key("md5", AUTH_ECDSA_256, false), WHY_CERT_ALGORITHM, "certificate signature", "", "/CN=md5");
	SAYS(ask_key("md5", AUTH_ECDSA_256, true), WHY_CERT_ALGORITHM, "certificate signature", "", "/CN=md5");
}

static void
the_key_must_fit_the_method(void **state)
{
	(void)state;
	SAYS(ask_key("rsa2048", AUTH_ECDSA_256, true), WHY_CERT_ALGORITHM, "certificate key", "EC P-256",
	    "RSA 2048 in /CN=rsa2048");
	SAYS(ask_key("p384", AUTH_ECDSA_256, true), WHY_CERT_ALGORITHM, "certificate key", "EC P-256",
	    "secp384r1");
	SAYS(ask_key("ed", AUTH_ECDSA_256, true), WHY_CERT_ALGORITHM, "certificate key", "", "ED25519");
	SAYS(ask_key("k256", AUTH_ECDSA_256, true), WHY_CERT_ALGORITHM, "certificate key", "", "secp256k1");
	assert_int_equal(ask_key("p521", AUTH_PRE_SHARED, true).why, WHY_CERT_ALGORITHM);
}

static void
what_is_too_large_leaves_a_reason(void **state)
{
	(void)state;
	assert_int_equal(ask(LIST("large")).why, WHY_CERT_SYNTAX);
	assert_int_equal(ask(LIST("huge")).why, WHY_CERT_ALGORITHM);
	PASSES(ask(LIST("large", "huge", "leaf0")));
}

static struct trust_answer
ask_id(const char *name, struct id_body id)
{
	struct trust *t = certs_trust(NULL, just_root);
	struct payloads p = payloads_of(LIST(name));
	struct trust_answer a = ask_at(t, &p, &id, AUTH_ECDSA_256, false, time(NULL));

	payloads_done(&p);
	trust_free(t);
	return a;
}

static struct id_body
subject_of(const char *name)
{
	X509 *x = certs_x509(name);
	uint8_t *der = NULL;
	int n = i2d_X509_NAME(X509_get_subject_name(x), &der);
	assert_true(n > 0);
	struct id_body b = id_of(ID_DER_ASN1_DN, der, (size_t)n);

	OPENSSL_free(der);
	X509_free(x);
	return b;
}

static void
a_wrong_name_tells_what_was_wanted_and_what_is_there(void **state)
{
	(void)state;
	SAYS(ask_id("names", fqdn("gw.example.org")), WHY_CERT_ID, "subjectAltName", "gw.example.org",
	    "DNS:first.example.org, DNS:Second.Example.org, IP:192.0.2.1, IP:2001:db8::1, "
	    "email:Admin@Example.org");
	SAYS(ask_id("leaf0", subject_of("leaf1")), WHY_CERT_ID, "subjectAltName",
	    "/C=SE/O=Example/CN=leaf1", "/C=SE/O=Example/CN=leaf0");
	PASSES(ask_id("leaf0", subject_of("leaf0")));
	PASSES(ask_id("names", fqdn("second.example.org")));
	PASSES(ask_id("names", id_of(ID_IPV4_ADDR, "\300\0\2\1", 4)));
	PASSES(ask_id("names", id_of(ID_USER_FQDN, "Admin@example.org", 17)));
	assert_int_equal(ask_id("names", id_of(ID_KEY_ID, "group", 5)).why, WHY_CERT_ID);
}

static void
an_id_that_is_none_is_refused(void **state)
{
	(void)state;
	assert_int_equal(ask_id("names", id_of(0, "", 0)).why, WHY_ID_TYPE);
	assert_int_equal(ask_id("names", id_of(ID_IPV4_ADDR, "abc", 3)).why, WHY_ID_TYPE);
	assert_int_equal(ask_id("names", id_of(ID_DER_ASN1_DN, "0\1", 2)).why, WHY_CERT_ID);
}

static void
without_certificates_that_is_said(void **state)
{
	static const uint8_t key_exchange[] = { 5, 0x30, 0 };
	struct trust *t = certs_trust(NULL, just_root);
	struct payloads none = { 0 }, other = { .v = { view_of(key_exchange, 3) }, .n = 1 };
	struct id_body id = fqdn("gw.example.org");

	(void)state;
	SAYS(ask_at(t, &none, &id, AUTH_RSA_SIG, false, time(NULL)), WHY_CERT_NONE, "certificate",
	    "gw.example.org", "no CERT payload");
	SAYS(ask_at(t, &other, &id, AUTH_RSA_SIG, false, time(NULL)), WHY_CERT_NONE, "certificate",
	    "gw.example.org", "1 CERT payloads of other encodings");
	trust_free(t);
}

/* ---- signed by themselves ---- */

static void
a_self_signed_certificate_is_accepted_only_when_that_is_set(void **state)
{
	(void)state;
	SAYS(ask(LIST("self")), WHY_CERT_ISSUER, "certificate issuer", "CA-directory",
	    "/CN=self (signed by itself)");
	PASSES(ask_with(&self_signed, just_root, NULL, LIST("self")));
	/* not a way round a CA that is not known */
	assert_int_not_equal(ask_with(&self_signed, just_root, NULL, LIST("forged", "fake")).why, WHY_NONE);
	assert_int_not_equal(ask_with(&self_signed, just_root, NULL, LIST("leaf1")).why, WHY_NONE);
}

static void
a_self_signed_certificate_has_its_own_signature_verified(void **state)
{
	struct trust *t = certs_trust(&self_signed, just_root);
	struct payloads p = payloads_of(LIST("self"));
	struct id_body id = fqdn("gw.example.org");
	int64_t now = time(NULL);

	(void)state;
	PASSES(ask_at(t, &p, &id, AUTH_ECDSA_256, false, now));
	assert_int_equal(ask_at(t, &p, &id, AUTH_ECDSA_256, false, now - 86400).why, WHY_CERT_EARLY);
	assert_int_equal(ask_at(t, &p, &id, AUTH_ECDSA_256, false, now + (int64_t)86400 * 3651).why,
	    WHY_CERT_EXPIRED);
	/* every octet of the signature, which ends the certificate */
	uint8_t *der = (uint8_t *)(uintptr_t)p.v[0].p;
	for (size_t i = p.v[0].n - 40; i < p.v[0].n; i++) {
		der[i] ^= 1;
		assert_int_not_equal(ask_at(t, &p, &id, AUTH_ECDSA_256, false, now).why, WHY_NONE);
		der[i] ^= 1;
	}
	payloads_done(&p);
	p = payloads_of(LIST("selfmd5"));
	assert_int_equal(ask_at(t, &p, &id, AUTH_RSA_SIG, true, now).why, WHY_CERT_ALGORITHM);
	payloads_done(&p);
	trust_free(t);
}

/* ---- pins ---- */

static void
a_certificate_in_our_directory_is_trusted_as_it_is_and_alone(void **state)
{
	struct trust *t = certs_trust(NULL, just_root);
	struct payloads none = { 0 }, chain = payloads_of(LIST("rsa2048"));
	struct id_body id = fqdn("gw.example.org");
	int64_t now = time(NULL);

	(void)state;
	assert_true(certs_load(t, TRUST_CERT, "forged"));	/* of no CA that we know */
	struct trust_answer a = ask_at(t, &none, &id, AUTH_ECDSA_256, false, now);
	PASSES(a);
	assert_true(a.pinned);
	/* a good chain for the same ID is no way round the pin */
	SAYS(ask_at(t, &chain, &id, AUTH_RSA_SIG, false, now), WHY_CERT_ALGORITHM, "certificate key",
	    "RSA", "/CN=forged");
	/* and it is no anchor */
	id = fqdn("first.example.org");
	assert_int_equal(ask_at(t, &none, &id, AUTH_ECDSA_256, false, now).why, WHY_CERT_NONE);
	payloads_done(&chain);
	trust_free(t);
}

static void
of_several_pins_the_one_sent_counts(void **state)
{
	struct trust *t = certs_trust(NULL, just_root);
	struct payloads p = payloads_of(LIST("p384")), none = { 0 };
	struct id_body id = fqdn("gw.example.org");
	struct pubkey want;
	X509 *x = certs_x509("p384");

	(void)state;
	assert_true(certs_load(t, TRUST_CERT, "leaf0"));
	assert_true(certs_load(t, TRUST_CERT, "p384"));
	assert_true(cert_pubkey(x, &want));
	struct trust_answer a = ask_at(t, &p, &id, AUTH_ECDSA_384, false, time(NULL));
	assert_true(a.pinned && pubkey_equal(&a.key, &want));
	a = ask_at(t, &none, &id, AUTH_ECDSA_384, false, time(NULL));
	assert_true(a.pinned && pubkey_equal(&a.key, &want));
	X509_free(x);
	payloads_done(&p);
	trust_free(t);
}

static void
a_certificate_seen_once_is_not_remembered(void **state)
{
	struct trust *t = certs_trust(NULL, just_root);
	struct payloads p = payloads_of(LIST("leaf0")), none = { 0 };
	struct id_body id = fqdn("gw.example.org");

	(void)state;
	PASSES(ask_at(t, &p, &id, AUTH_ECDSA_256, false, time(NULL)));
	assert_int_equal(ask_at(t, &none, &id, AUTH_ECDSA_256, false, time(NULL)).why, WHY_CERT_NONE);
	payloads_done(&p);
	trust_free(t);
}

/* ---- damaged ones ---- */

static void
r16_no_change_of_an_octet_is_believed_or_ends_the_process(void **state)
{
	static const char *const sent[] = { "leaf1", "ca1", "chain2.p7", "crl_root.der", NULL };
	struct trust *t = certs_trust(NULL, LIST("root", "ca2"));
	struct id_body id = fqdn("gw.example.org");

	(void)state;
	for (size_t which = 0; sent[which] != NULL; which++) {
		struct payloads p = payloads_of(which < 2 ? LIST("leaf1", "ca1") :
		    LIST(sent[which], "leaf1", "ca1"));
		size_t target = which < 2 ? which : 0;
		uint8_t *body = (uint8_t *)(uintptr_t)p.v[target].p;

		for (size_t i = 1; i < p.v[target].n; i++)
			for (unsigned bit = 0; bit < 8; bit += which < 2 ? 3 : 7) {
				body[i] ^= (uint8_t)(1u << bit);
				struct trust_answer a = ask_at(t, &p, &id, AUTH_ECDSA_256, false, time(NULL));
				/* in a chain of two, every octet is signed or a signature */
				if (which < 2)
					assert_int_not_equal(a.why, WHY_NONE);
				body[i] ^= (uint8_t)(1u << bit);
			}
		payloads_done(&p);
	}
	trust_free(t);
}

static void
r16_every_truncation_is_refused(void **state)
{
	struct trust *t = certs_trust(NULL, just_root);
	struct payloads p = payloads_of(LIST("leaf0"));
	struct id_body id = fqdn("gw.example.org");
	size_t n = p.v[0].n;

	(void)state;
	for (size_t cut = 0; cut < n; cut++) {
		p.v[0].n = cut;
		assert_int_not_equal(ask_at(t, &p, &id, AUTH_ECDSA_256, false, time(NULL)).why, WHY_NONE);
	}
	p.v[0].n = n;
	payloads_done(&p);
	trust_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_of_depth_one_to_five_hold),
		cmocka_unit_test(the_order_of_payloads_does_not_matter_nor_does_a_root_among_them),
		cmocka_unit_test(a_missing_link_names_the_issuer),
		cmocka_unit_test(an_intermediate_in_the_ca_directory_is_an_anchor),
		cmocka_unit_test(a_cross_signed_ca_leads_to_either_root),
		cmocka_unit_test(r20_an_issuer_of_the_right_name_and_the_wrong_key_is_refused),
		cmocka_unit_test(a_chain_longer_than_allowed_is_refused),
		cmocka_unit_test(expiry_is_told_with_both_dates),
		cmocka_unit_test(revoked_ones_are_refused_with_serial_and_date),
		cmocka_unit_test(a_list_is_wanted_of_each_issuer_or_of_those_that_have_one),
		cmocka_unit_test(a_stale_list_counts_as_none_and_says_since_when),
		cmocka_unit_test(a_list_with_a_wrong_signature_is_refused),
		cmocka_unit_test(lists_of_the_peer_help_but_never_replace_newer_ones_of_ours),
		cmocka_unit_test(containers_are_opened),
		cmocka_unit_test(wrong_usage_is_refused),
		cmocka_unit_test(extended_usage_counts_only_when_asked_for),
		cmocka_unit_test(constraints_of_issuers_hold),
		cmocka_unit_test(keys_and_signatures_are_strong_or_the_peer_is_allowed_to_be_weak),
		cmocka_unit_test(the_key_must_fit_the_method),
		cmocka_unit_test(what_is_too_large_leaves_a_reason),
		cmocka_unit_test(a_wrong_name_tells_what_was_wanted_and_what_is_there),
		cmocka_unit_test(an_id_that_is_none_is_refused),
		cmocka_unit_test(without_certificates_that_is_said),
		cmocka_unit_test(a_self_signed_certificate_is_accepted_only_when_that_is_set),
		cmocka_unit_test(a_self_signed_certificate_has_its_own_signature_verified),
		cmocka_unit_test(a_certificate_in_our_directory_is_trusted_as_it_is_and_alone),
		cmocka_unit_test(of_several_pins_the_one_sent_counts),
		cmocka_unit_test(a_certificate_seen_once_is_not_remembered),
		cmocka_unit_test(r16_no_change_of_an_octet_is_believed_or_ends_the_process),
		cmocka_unit_test(r16_every_truncation_is_refused),
	};

	return cmocka_run_group_tests(tests, certs_make, certs_remove);
}
