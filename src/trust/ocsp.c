#include "trust/ocsp.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/rand.h>

#include "trust/cert.h"
#include "trust/internal.h"

/* ---- the question ---- */

/*
 * The certificate's ID.  SHA-1 names it here and proves nothing: every
 * responder knows it (RFC 5019 2.1.1), and the answer is signed.
 */
static OCSP_CERTID *
id_of(const X509 *x, const X509 *issuer)
{
	return OCSP_cert_to_id(EVP_sha1(), x, issuer);
}

bool
ocsp_request(const X509 *x, const X509 *issuer, uint8_t nonce[OCSP_NONCE],
    uint8_t room[OCSP_REQUEST_MAX], size_t *ret_n)
{
	OCSP_REQUEST *q = OCSP_REQUEST_new();
	OCSP_CERTID *id = id_of(x, issuer);
	uint8_t *p = room;
	bool ok = false;

	if (q != NULL && id != NULL && RAND_bytes(nonce, OCSP_NONCE) == 1 &&
	    OCSP_request_add0_id(q, id) != NULL) {
		id = NULL;		/* it is the request's now */
		int n = OCSP_request_add1_nonce(q, nonce, OCSP_NONCE) == 1 ?
		    i2d_OCSP_REQUEST(q, NULL) : -1;
		ok = n > 0 && n <= OCSP_REQUEST_MAX && i2d_OCSP_REQUEST(q, &p) == n;
		*ret_n = ok ? (size_t)n : 0;
	}
	OCSP_CERTID_free(id);
	OCSP_REQUEST_free(q);
	ERR_clear_error();
	return ok;
}

bool
ocsp_responder(const X509 *x, struct url *ret)
{
	STACK_OF(OPENSSL_STRING) *all = X509_get1_ocsp((X509 *)(uintptr_t)x);
	bool found = false;

	for (int i = 0; !found && i < sk_OPENSSL_STRING_num(all); i++)
		found = url_parse(view_str(sk_OPENSSL_STRING_value(all, i)), ret) == NULL;
	X509_email_free(all);
	ERR_clear_error();
	return found;
}

/* ---- the answer ---- */

struct judge {
	const X509	*x, *issuer;
	const uint8_t	*nonce;
	bool		 allow_weak;
	const struct url *url;
	int64_t		 now;
	struct ocsp_verdict *ret;
};

static void
by_whom(const struct judge *j, struct str *got)
{
	str_add(got, ", ");
	cert_subject_print(got, j->x);
	str_add(got, ", by ");
	url_print(got, j->url);
}

/* False always. */
static bool
say(const struct judge *j, enum why why, const char *expected, const char *what)
{
	struct str got = str_of(j->ret->got, sizeof(j->ret->got));

	j->ret->why = why;
	text_copy(j->ret->expected, sizeof(j->ret->expected), expected);
	str_add(&got, what);
	by_whom(j, &got);
	return false;
}

void
ocsp_no_answer(const struct url *url, const char *reason, unsigned seconds, int64_t now,
    struct ocsp_verdict *ret)
{
	struct ocsp_verdict v = { .why = WHY_OCSP_UNREACHABLE, .until = now + OCSP_FAILED_S };
	struct str expected = str_of(v.expected, sizeof(v.expected));
	struct str got = str_of(v.got, sizeof(v.got));

	str_addf(&expected, "an answer within %u s", seconds);
	url_print(&got, url);
	if (got.len > 120)
		str_addf(&expected, " (%s)", reason);
	else
		str_addf(&got, ": %s", reason);
	*ret = v;
}

/* RFC 6960 4.2.2.2: the issuer itself, or whom it made a responder. */
static X509_STORE *
issuer_alone(const struct judge *j)
{
	X509_STORE *s = X509_STORE_new();
	X509_VERIFY_PARAM *p = s == NULL ? NULL : X509_STORE_get0_param(s);

	if (p == NULL || X509_STORE_add_cert(s, (X509 *)(uintptr_t)j->issuer) != 1 ||
	    X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN) != 1) {
		X509_STORE_free(s);
		return NULL;
	}
	X509_VERIFY_PARAM_set_depth(p, 1);
	X509_VERIFY_PARAM_set_time(p, (time_t)j->now);
	/* Strength is judged by is_strong, in our words. */
	X509_VERIFY_PARAM_set_auth_level(p, 0);
	return s;
}

static bool
digest_is_strong(const OCSP_BASICRESP *basic, bool allow_weak)
{
	const X509_ALGOR *algorithm = OCSP_resp_get0_tbs_sigalg(basic);
	int digest = NID_undef, kind = NID_undef;

	if (OBJ_find_sigid_algs(OBJ_obj2nid(algorithm->algorithm), &digest, &kind) != 1)
		return false;
	switch (digest) {
	case NID_sha256:
	case NID_sha384:
	case NID_sha512:
		return true;
	case NID_sha1:
		return allow_weak;
	default:
		return digest == NID_undef && kind == NID_ED25519;
	}
}

static bool
is_strong(const struct judge *j, OCSP_BASICRESP *basic, STACK_OF(X509) *issuers)
{
	X509 *signer = NULL;

	if (!digest_is_strong(basic, j->allow_weak))
		return false;
	return OCSP_resp_get0_signer(basic, &signer, issuers) == 1 &&
	    (X509_cmp(signer, j->issuer) == 0 || (key_is_strong(signer, j->allow_weak) &&
	    signature_is_strong(signer, j->allow_weak)));
}

static bool
is_signed(const struct judge *j, OCSP_BASICRESP *basic)
{
	X509_STORE *store = issuer_alone(j);
	STACK_OF(X509) *issuers = sk_X509_new_null();
	bool ok = false, strong = false;

	if (store == NULL || issuers == NULL ||
	    sk_X509_push(issuers, (X509 *)(uintptr_t)j->issuer) <= 0)
		(void)say(j, WHY_NO_MEMORY, "", "out of memory");
	else
		ok = OCSP_basic_verify(basic, issuers, store, OCSP_NOEXPLICIT) == 1;
	if (ok)
		strong = is_strong(j, basic, issuers);
	sk_X509_free(issuers);
	X509_STORE_free(store);
	if (!ok && j->ret->why != WHY_NO_MEMORY)
		return say(j, WHY_OCSP_SIGNER, "signed by the issuer, or by whom it made a responder",
		    "another signature, or a wrong one");
	if (ok && !strong)
		return say(j, WHY_CERT_ALGORITHM, "a signature with SHA-256 or better",
		    "OCSP answer with a weak signature");
	return ok;
}

/* A missing nonce passes, another one does not. */
static bool
has_nonce(const struct judge *j, OCSP_BASICRESP *basic)
{
	OCSP_REQUEST *q = OCSP_REQUEST_new();
	bool ok = q != NULL && OCSP_request_add1_nonce(q, (uint8_t *)(uintptr_t)j->nonce,
	    OCSP_NONCE) == 1 && OCSP_check_nonce(q, basic) != 0;

	OCSP_REQUEST_free(q);
	return ok || say(j, WHY_OCSP_STALE, "an answer to our question",
	    "the answer to another one (its nonce differs)");
}

static bool
is_current(const struct judge *j, const ASN1_GENERALIZEDTIME *this, const ASN1_GENERALIZEDTIME *next)
{
	int64_t from = asn1_seconds(this), due = next == NULL ? 0 : asn1_seconds(next);
	STR(expected, 120);
	STR(got, 120);

	j->ret->until = next == NULL ? 0 : due < j->now + OCSP_KEEP_S ? due : j->now + OCSP_KEEP_S;
	if (next == NULL)
		due = from + OCSP_MAX_AGE_S;
	if (from != 0 && from <= j->now + OCSP_TOLERANCE_S && due >= from &&
	    due >= j->now - OCSP_TOLERANCE_S)
		return true;
	str_add(&expected, "a current one at ");
	seconds_print(&expected, j->now);
	str_add(&got, "of ");
	asn1_time_print(&got, this);
	if (next != NULL) {
		str_add(&got, " to ");
		asn1_time_print(&got, next);
	}
	return say(j, WHY_OCSP_STALE, expected.p, got.p);
}

static void
say_status(const struct judge *j, int status, int reason, const ASN1_GENERALIZEDTIME *since)
{
	STR(got, 120);

	j->ret->proven = true;
	j->ret->why = WHY_NONE;
	if (status == V_OCSP_CERTSTATUS_GOOD)
		return;
	str_add(&got, "serial ");
	const ASN1_INTEGER *serial = X509_get0_serialNumber(j->x);
	str_hex(&got, view_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
	if (status == V_OCSP_CERTSTATUS_REVOKED) {
		str_add(&got, " since ");
		asn1_time_print(&got, since);
		if (reason >= 0)
			str_addf(&got, " (%s)", OCSP_crl_reason_str(reason));
		(void)say(j, WHY_CERT_REVOKED, "not revoked", got.p);
	} else {
		(void)say(j, WHY_OCSP_UNKNOWN, "a certificate that the responder knows", got.p);
	}
}

static bool
judge_basic(const struct judge *j, OCSP_BASICRESP *basic)
{
	ASN1_GENERALIZEDTIME *since = NULL, *this = NULL, *next = NULL;
	OCSP_CERTID *id = id_of(j->x, j->issuer);
	int status = -1, reason = -1;

	bool found = id != NULL && OCSP_resp_find_status(basic, id, &status, &reason, &since, &this,
	    &next) == 1;
	OCSP_CERTID_free(id);
	if (!found)
		return say(j, WHY_OCSP_ANSWER, "an answer about this certificate",
		    "one about others only");
	if (!is_signed(j, basic) || !has_nonce(j, basic) || !is_current(j, this, next))
		return false;
	say_status(j, status, reason, since);
	return true;
}

static void
judge_answer(const struct judge *j, struct view answer)
{
	const uint8_t *p = answer.p;
	OCSP_RESPONSE *r = answer.n == 0 || answer.n > OCSP_ANSWER_MAX ? NULL :
	    d2i_OCSP_RESPONSE(NULL, &p, (long)answer.n);
	OCSP_BASICRESP *basic = NULL;

	if (r == NULL || p != answer.p + answer.n) {
		(void)say(j, WHY_OCSP_ANSWER, "an OCSP response in DER", "octets that are none");
	} else if (OCSP_response_status(r) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
		STR(got, 80);

		str_addf(&got, "the responder says %s",
		    OCSP_response_status_str(OCSP_response_status(r)));
		(void)say(j, WHY_OCSP_ANSWER, "an answer", got.p);
	} else {
		basic = OCSP_response_get1_basic(r);
		if (basic == NULL)
			(void)say(j, WHY_OCSP_ANSWER, "a basic OCSP response", "one that cannot be read");
		else
			(void)judge_basic(j, basic);
	}
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(r);
	ERR_clear_error();
}

void
ocsp_judge(const X509 *x, const X509 *issuer, const uint8_t nonce[OCSP_NONCE], bool allow_weak,
    const struct url *url, struct view answer, int64_t now, struct ocsp_verdict *ret)
{
	struct ocsp_verdict v = { 0 };
	const struct judge j = { .x = x, .issuer = issuer, .nonce = nonce, .allow_weak = allow_weak,
	    .url = url, .now = now, .ret = &v };

	judge_answer(&j, answer);
	if (!v.proven)
		v.until = now + OCSP_FAILED_S;
	else if (v.until < now + OCSP_HOLD_S)
		v.until = now + OCSP_HOLD_S;
	*ret = v;
}
