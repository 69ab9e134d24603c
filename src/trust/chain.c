/*
 * Chains: libcrypto builds and verifies them; here are the limits it works
 * within and the reasons it gives, in our words.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "trust/cert.h"
#include "trust/internal.h"

enum {
	ATTEMPTS_MAX = 6,		/* at a chain, with fewer certificates each */
	STRENGTH_LEAST = 112,		/* bits: RSA 2048, SHA-224 */
	WEAK_RSA_BITS_LEAST = 1024,
	WEAK_STRENGTH_LEAST = 80
};

void
refuse(struct trust_answer *a, enum why why, const char *field, const char *expected,
    const char *got)
{
	a->why = why;
	text_copy(a->field, sizeof(a->field), field);
	text_copy(a->expected, sizeof(a->expected), expected);
	text_copy(a->got, sizeof(a->got), got);
}

/* ---- algorithms ---- */

bool
key_is_strong(const X509 *x, bool allow_weak)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);

	if (key == NULL || EVP_PKEY_get_bits(key) > KEY_BITS_MAX)
		return false;
	if (EVP_PKEY_get_security_bits(key) >= STRENGTH_LEAST)
		return true;
	return allow_weak && EVP_PKEY_get_security_bits(key) >= WEAK_STRENGTH_LEAST &&
	    EVP_PKEY_get_bits(key) >= WEAK_RSA_BITS_LEAST;
}

bool
signature_is_strong(const X509 *x, bool allow_weak)
{
	int digest = NID_undef, kind = NID_undef, strength = 0;
	uint32_t flags = 0;

	if (X509_get_signature_info((X509 *)(uintptr_t)x, &digest, &kind, &strength, &flags) != 1 ||
	    (flags & X509_SIG_INFO_VALID) == 0)
		return false;
	return strength >= STRENGTH_LEAST || (allow_weak && digest == NID_sha1);
}

static bool
refuse_key(const X509 *x, bool allow_weak, struct trust_answer *ret)
{
	STR(got, 200);

	cert_key_print(&got, x);
	str_add(&got, " in ");
	cert_subject_print(&got, x);
	refuse(ret, WHY_CERT_ALGORITHM, "certificate key", allow_weak ?
	    "RSA of 1024 to 8192 bits, or P-256, P-384, P-521" :
	    "RSA of 2048 to 8192 bits, or P-256, P-384, P-521", got.p);
	return false;
}

static bool
refuse_signature(const X509 *x, bool allow_weak, struct trust_answer *ret)
{
	STR(got, 200);

	str_addf(&got, "%s in ", OBJ_nid2ln(X509_get_signature_nid(x)));
	cert_subject_print(&got, x);
	refuse(ret, WHY_CERT_ALGORITHM, "certificate signature", allow_weak ?
	    "SHA-1 or better" : "SHA-256 or better", got.p);
	return false;
}

bool
leaf_is_fit(const struct trust *t, const X509 *leaf, bool allow_weak, struct trust_answer *ret)
{
	STR(got, 200);

	if (!key_is_strong(leaf, allow_weak))
		return refuse_key(leaf, allow_weak, ret);
	cert_subject_print(&got, leaf);
	if (!cert_may_sign(leaf)) {
		refuse(ret, WHY_CERT_USAGE, "key usage",
		    "digitalSignature or nonRepudiation", got.p);
		return false;
	}
	if (t->settings.check_extended_usage && !cert_is_for_ike(leaf)) {
		refuse(ret, WHY_CERT_USAGE, "extended key usage",
		    "ipsecIKE, iKEIntermediate, serverAuth, clientAuth or any", got.p);
		return false;
	}
	return true;
}

/* The last one is the anchor: the operator vouches for it, not its signature. */
static bool
chain_is_strong(const STACK_OF(X509) *chain, bool allow_weak, struct trust_answer *ret)
{
	int n = sk_X509_num(chain);

	for (int i = 0; i < n; i++) {
		const X509 *x = sk_X509_value(chain, i);

		if (!key_is_strong(x, allow_weak))
			return refuse_key(x, allow_weak, ret);
		if (i < n - 1 && !signature_is_strong(x, allow_weak))
			return refuse_signature(x, allow_weak, ret);
	}
	return true;
}

/* ---- what libcrypto found ---- */

struct check {
	uint8_t	crl;		/* enum trust_crl */
	int	error;		/* the first one, X509_V_* */
	int	depth;
	X509	*at;		/* referenced */
	X509_CRL *list;		/* referenced; NULL: none concerned */
	STACK_OF(X509) *chain;	/* referenced; NULL: none was built */
};

/*
 * An anchor need not be a root.  Then libcrypto looks for a list of somebody
 * above it; but who stands in the CA-directory is not judged by others.
 */
static bool
is_anchors_list(X509_STORE_CTX *ctx, int error)
{
	return (error == X509_V_ERR_UNABLE_TO_GET_CRL ||
	    error == X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER) &&
	    X509_STORE_CTX_get_error_depth(ctx) > 0 &&
	    X509_STORE_CTX_get_error_depth(ctx) == sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;
}

static int
on_verdict(int ok, X509_STORE_CTX *ctx)
{
	struct check *c = X509_STORE_CTX_get_app_data(ctx);
	int error = X509_STORE_CTX_get_error(ctx);
	X509_CRL *list = X509_STORE_CTX_get0_current_crl(ctx);

	if (ok)
		return 1;
	if (error == X509_V_ERR_UNABLE_TO_GET_CRL && c->crl == TRUST_CRL_IF_PRESENT)
		return 1;
	if (is_anchors_list(ctx, error))
		return 1;
	if (c->error == X509_V_OK) {
		c->error = error;
		c->depth = X509_STORE_CTX_get_error_depth(ctx);
		c->at = X509_STORE_CTX_get_current_cert(ctx);
		if (c->at != NULL && X509_up_ref(c->at) != 1)
			c->at = NULL;
		c->list = list != NULL && X509_CRL_up_ref(list) == 1 ? list : NULL;
	}
	return 0;
}

static const struct verdict {
	int		error;
	enum why	why;
} verdicts[] = {
	{ X509_V_ERR_OUT_OF_MEM, WHY_NO_MEMORY },
	{ X509_V_ERR_CERT_HAS_EXPIRED, WHY_CERT_EXPIRED },
	{ X509_V_ERR_CERT_NOT_YET_VALID, WHY_CERT_EARLY },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, WHY_CERT_ISSUER },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, WHY_CERT_ISSUER },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, WHY_CERT_ISSUER },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, WHY_CERT_ISSUER },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, WHY_CERT_ISSUER },
	{ X509_V_ERR_CERT_UNTRUSTED, WHY_CERT_ISSUER },
	{ X509_V_ERR_CERT_REVOKED, WHY_CERT_REVOKED },
	{ X509_V_ERR_UNABLE_TO_GET_CRL, WHY_CRL_MISSING },
	{ X509_V_ERR_CRL_HAS_EXPIRED, WHY_CRL_STALE },
	{ X509_V_ERR_CRL_NOT_YET_VALID, WHY_CRL_STALE },
	{ X509_V_ERR_INVALID_CA, WHY_CERT_USAGE },
	{ X509_V_ERR_INVALID_PURPOSE, WHY_CERT_USAGE },
	{ X509_V_ERR_KEYUSAGE_NO_CERTSIGN, WHY_CERT_USAGE },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, WHY_CERT_ALGORITHM },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, WHY_CERT_ALGORITHM },
	{ X509_V_ERR_CA_MD_TOO_WEAK, WHY_CERT_ALGORITHM },
};

static enum why
why_of(int error)
{
	for (size_t i = 0; i < COUNT(verdicts); i++)
		if (verdicts[i].error == error)
			return verdicts[i].why;
	return WHY_CERT_CHAIN;
}

static void
validity_print(struct str *s, const X509 *x)
{
	str_add(s, "valid ");
	asn1_time_print(s, X509_get0_notBefore(x));
	str_add(s, " to ");
	asn1_time_print(s, X509_get0_notAfter(x));
}

static void
serial_print(struct str *s, const X509 *x)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);

	str_add(s, "serial ");
	str_hex(s, view_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
}

static void
revocation_print(struct str *s, const struct check *c)
{
	X509_REVOKED *r = NULL;

	serial_print(s, c->at);
	if (c->list != NULL && X509_CRL_get0_by_cert(c->list, &r, c->at) > 0) {
		str_add(s, " since ");
		asn1_time_print(s, X509_REVOKED_get0_revocationDate(r));
	}
	str_add(s, ", ");
	cert_subject_print(s, c->at);
}

static void
list_print(struct str *s, const struct check *c)
{
	if (c->list != NULL) {
		str_add(s, "issued ");
		asn1_time_print(s, X509_CRL_get0_lastUpdate(c->list));
		if (X509_CRL_get0_nextUpdate(c->list) != NULL) {
			str_add(s, ", next ");
			asn1_time_print(s, X509_CRL_get0_nextUpdate(c->list));
		}
		str_add(s, ", by ");
	}
	cert_issuer_print(s, c->at);
}

static void
explain(const struct check *c, int64_t now, struct trust_answer *ret)
{
	enum why why = why_of(c->error);
	STR(got, 200);
	STR(expected, 120);
	const char *field = "certificate";

	if (c->at == NULL) {
		refuse(ret, why, field, "a chain that libcrypto verifies", X509_verify_cert_error_string(c->error));
		return;
	}
	if (why == WHY_CERT_EXPIRED || why == WHY_CERT_EARLY) {
		field = "certificate validity";
		str_add(&expected, "valid at ");
		seconds_print(&expected, now);
		validity_print(&got, c->at);
		str_add(&got, ", ");
		cert_subject_print(&got, c->at);
	} else if (why == WHY_CERT_ISSUER) {
		field = "certificate issuer";
		str_add(&expected, "an issuer in the CA-directory");
		cert_issuer_print(&got, c->at);
		if (cert_is_self_issued(c->at))
			str_add(&got, " (signed by itself)");
	} else if (why == WHY_CERT_REVOKED) {
		field = "revocation list";
		str_add(&expected, "a certificate that is not on the issuer's list");
		revocation_print(&got, c);
	} else if (why == WHY_CRL_MISSING || why == WHY_CRL_STALE) {
		field = "revocation list";
		str_add(&expected, why == WHY_CRL_MISSING ? "one of every issuer" : "a current one at ");
		if (why == WHY_CRL_STALE)
			seconds_print(&expected, now);
		list_print(&got, c);
	} else {
		if (why == WHY_CERT_USAGE) {
			field = "certificate usage";
			str_add(&expected, "a CA that may sign certificates");
		} else if (c->error == X509_V_ERR_CERT_CHAIN_TOO_LONG) {
			str_addf(&expected, "at most %d certificates between the anchor and the peer's",
			    TRUST_DEPTH_MAX);
		} else {
			str_add(&expected, "a chain that libcrypto verifies");
		}
		str_addf(&got, "%s: ", X509_verify_cert_error_string(c->error));
		cert_subject_print(&got, c->at);
	}
	refuse(ret, why, field, expected.p, got.p);
}

/* ---- revocation lists ---- */

static bool
is_newer_than_ours(const struct trust *t, X509_CRL *crl)
{
	int64_t from = asn1_seconds(X509_CRL_get0_lastUpdate(crl));

	for (size_t i = 0; i < t->n_crl; i++)
		if (X509_NAME_cmp(X509_CRL_get_issuer(t->crl[i].crl), X509_CRL_get_issuer(crl)) == 0 &&
		    asn1_seconds(X509_CRL_get0_lastUpdate(t->crl[i].crl)) >= from)
			return false;
	return true;
}

/*
 * Ours and the peer's.  A peer's list counts only if it is newer than ours of
 * the same issuer: a revoked peer would gladly send the one of last week.
 */
static STACK_OF(X509_CRL) *
lists(const struct trust *t, const struct bag *b)
{
	STACK_OF(X509_CRL) *all = sk_X509_CRL_new_null();
	bool ok = all != NULL;

	for (size_t i = 0; ok && i < t->n_crl; i++)
		ok = sk_X509_CRL_push(all, t->crl[i].crl) > 0;
	for (int i = 0; ok && i < sk_X509_CRL_num(b->crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(b->crls, i);

		if (is_newer_than_ours(t, crl))
			ok = sk_X509_CRL_push(all, crl) > 0;
	}
	if (ok)
		return all;
	sk_X509_CRL_free(all);
	return NULL;
}

/* ---- verifying ---- */

/*
 * The documented exception: a leaf that signed itself.  Its own signature is
 * verified all the same, and so are its dates and strength.
 */
static bool
self_signed_passes(const struct trust *t, X509 *leaf, bool allow_weak, int64_t now,
    struct trust_answer *ret)
{
	time_t at = (time_t)now;
	struct check c = { .at = leaf };
	EVP_PKEY *key = X509_get0_pubkey(leaf);

	if (!t->settings.accept_self_signed || !cert_is_self_issued(leaf) || key == NULL)
		return false;
	if (X509_cmp_time(X509_get0_notBefore(leaf), &at) >= 0)
		c.error = X509_V_ERR_CERT_NOT_YET_VALID;
	else if (X509_cmp_time(X509_get0_notAfter(leaf), &at) <= 0)
		c.error = X509_V_ERR_CERT_HAS_EXPIRED;
	else if (X509_verify(leaf, key) != 1)
		c.error = X509_V_ERR_CERT_SIGNATURE_FAILURE;
	if (c.error != X509_V_OK) {
		explain(&c, now, ret);
		return false;
	}
	if (!signature_is_strong(leaf, allow_weak))
		return refuse_signature(leaf, allow_weak, ret);
	*ret = (struct trust_answer){ .verb = ret->verb, .token = ret->token };
	return true;
}

static void
set_limits(const struct trust *t, X509_STORE_CTX *ctx, int64_t now)
{
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST;

	if (t->settings.crl != TRUST_CRL_OFF)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	(void)X509_VERIFY_PARAM_set_flags(p, flags);
	X509_VERIFY_PARAM_set_depth(p, TRUST_DEPTH_MAX);
	X509_VERIFY_PARAM_set_time(p, (time_t)now);
	/* Strength is judged by chain_is_strong, which can name what it refuses. */
	X509_VERIFY_PARAM_set_auth_level(p, 0);
}

static bool
verify(const struct trust *t, X509_STORE_CTX *ctx, struct check *c, X509 *leaf, bool allow_weak,
    int64_t now, struct trust_answer *ret)
{
	if (X509_STORE_CTX_set_app_data(ctx, c) != 1) {	/* it is all that on_verdict has */
		refuse(ret, WHY_NO_MEMORY, "certificate", "", "");
		return false;
	}
	X509_STORE_CTX_set_verify_cb(ctx, on_verdict);
	set_limits(t, ctx, now);
	int rv = X509_verify_cert(ctx);
	if (rv == 1 && c->error == X509_V_OK) {
		c->chain = X509_STORE_CTX_get1_chain(ctx);
		return chain_is_strong(X509_STORE_CTX_get0_chain(ctx), allow_weak, ret);
	}
	if (c->error == X509_V_OK)	/* it did not even begin */
		c->error = X509_V_ERR_OUT_OF_MEM;
	explain(c, now, ret);
	return c->error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT &&
	    self_signed_passes(t, leaf, allow_weak, now, ret);
}

/* One attempt with these untrusted certificates. */
static bool
attempt(const struct trust *t, struct check *c, X509 *leaf, STACK_OF(X509) *untrusted,
    STACK_OF(X509_CRL) *crls, bool allow_weak, int64_t now, struct trust_answer *ret)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool ok = false;

	if (ctx == NULL || X509_STORE_CTX_init(ctx, t->store, leaf, untrusted) != 1) {
		refuse(ret, WHY_NO_MEMORY, "certificate", "", "");
	} else {
		X509_STORE_CTX_set0_crls(ctx, crls);
		ok = verify(t, ctx, c, leaf, allow_weak, now, ret);
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

/* False: nothing is left to be tried without. */
static bool
leave_out(STACK_OF(X509) *untrusted, const struct check *c, const X509 *leaf)
{
	bool dead_end = why_of(c->error) == WHY_CERT_ISSUER && c->at != NULL && c->at != leaf;

	for (int i = 0; dead_end && i < sk_X509_num(untrusted); i++)
		if (sk_X509_value(untrusted, i) == c->at) {
			(void)sk_X509_delete(untrusted, i);
			return true;
		}
	return false;
}

/*
 * libcrypto follows the first issuer that fits and does not turn back.  With
 * a CA that is signed by two others that may lead nowhere; then once more
 * without the certificate at the dead end.
 */
static bool
attempts(const struct trust *t, X509 *leaf, STACK_OF(X509) *untrusted, STACK_OF(X509_CRL) *crls,
    bool allow_weak, int64_t now, struct trust_answer *ret, STACK_OF(X509) **ret_chain)
{
	bool ok = false, more = true;

	for (int i = 0; more && i < ATTEMPTS_MAX; i++) {
		struct check c = { .crl = t->settings.crl };
		struct trust_answer one = *ret;

		ok = attempt(t, &c, leaf, untrusted, crls, allow_weak, now, &one);
		more = !ok && leave_out(untrusted, &c, leaf);
		if (ok || i == 0)	/* what is told is what the peer meant */
			*ret = one;
		X509_free(c.at);
		X509_CRL_free(c.list);
		if (ok) {
			*ret_chain = c.chain;
			return true;
		}
		sk_X509_pop_free(c.chain, X509_free);
	}
	return false;
}

bool
chain_verify(const struct trust *t, X509 *leaf, const struct bag *b, bool allow_weak,
    int64_t now, struct trust_answer *ret, STACK_OF(X509) **ret_chain)
{
	struct trust_answer a = { .verb = ret->verb, .token = ret->token };
	STACK_OF(X509_CRL) *crls;
	STACK_OF(X509) *untrusted;
	bool ok = false;

	*ret_chain = NULL;
	if (!leaf_is_fit(t, leaf, allow_weak, ret))
		return false;
	crls = lists(t, b);
	untrusted = sk_X509_dup(b->certs);
	if (crls == NULL || untrusted == NULL)
		refuse(&a, WHY_NO_MEMORY, "certificate", "", "");
	else
		ok = attempts(t, leaf, untrusted, crls, allow_weak, now, &a, ret_chain);
	if (ok)
		a = (struct trust_answer){ .verb = ret->verb, .token = ret->token };
	*ret = a;
	sk_X509_CRL_free(crls);
	sk_X509_free(untrusted);
	return ok;
}
