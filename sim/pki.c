#include "sim/pki.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/queue.h"

enum {
	NAME_ROOM = 64,
	WORDS = 40,
	DAY = 86400,
	/* RFC 2408 3.9 */
	ENCODING_PKCS7 = 1, ENCODING_X509 = 4, ENCODING_CRL = 7
};

struct made {
	char		name[NAME_ROOM];
	EVP_PKEY	*key;
	X509		*x;		/* one of the two */
	X509_CRL	*crl;
	char		*pem;
	uint8_t		*body;
	size_t		body_n;
};

struct pki {
	struct made	*v;
	size_t		n;
	long		serial;
};

struct pki *
pki_new(void)
{
	struct pki *p = sim_alloc(sizeof(*p));

	p->serial = 1000;
	return p;
}

static void
made_done(struct made *m)
{
	EVP_PKEY_free(m->key);
	X509_free(m->x);
	X509_CRL_free(m->crl);
	free(m->pem);
	free(m->body);
}

void
pki_free(struct pki *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		made_done(&p->v[i]);
	free(p->v);
	free(p);
}

static struct made *
find(const struct pki *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].name, name) == 0)
			return &p->v[i];
	return NULL;
}

/* ---- the words of a line ---- */

struct line {
	char	room[1024];
	char	*w[WORDS];
	size_t	n;
	int64_t	now;
};

static bool
line_read(struct line *l, const char *text, int64_t now)
{
	char *save = NULL;

	*l = (struct line){ .now = now };
	if (strlen(text) >= sizeof(l->room))
		return false;
	strcpy(l->room, text);
	for (char *w = strtok_r(l->room, " ", &save); w != NULL && l->n < WORDS;
	    w = strtok_r(NULL, " ", &save))
		l->w[l->n++] = w;
	return l->n >= 2 && l->n % 2 == 0 && strlen(l->w[1]) < NAME_ROOM;
}

static const char *
word(const struct line *l, const char *name, const char *otherwise)
{
	for (size_t i = 2; i + 1 < l->n; i += 2)
		if (strcmp(l->w[i], name) == 0)
			return l->w[i + 1];
	return otherwise;
}

/* "-1d", "300s", "2h", "90" */
static time_t
moment(const struct line *l, const char *name, const char *otherwise)
{
	char *end;
	int64_t n = strtoll(word(l, name, otherwise), &end, 10);

	n *= *end == 'd' ? DAY : *end == 'h' ? 3600 : *end == 'm' ? 60 : 1;
	return (time_t)(l->now + n);
}

/* ---- keys and names ---- */

static EVP_PKEY *
key_of(const struct pki *p, const struct line *l)
{
	const char *file = word(l, "key", NULL);
	const struct made *twin = find(p, word(l, "twin", ""));
	STR(path, 300);

	if (twin != NULL)
		return EVP_PKEY_up_ref(twin->key) == 1 ? twin->key : NULL;
	if (file == NULL)
		return EVP_EC_gen("P-256");
	str_addf(&path, "%s/keys/%s.pem", VECTORS, file);
	FILE *f = fopen(path.p, "r");
	if (f == NULL)
		return NULL;
	EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	return key;
}

static bool
name_of(const struct pki *p, const struct line *l, X509 *x)
{
	const struct made *same = find(p, word(l, "twin", word(l, "as", "")));
	X509_NAME *name = same != NULL ? X509_NAME_dup(X509_get_subject_name(same->x)) :
	    X509_NAME_new();
	int type = strcmp(word(l, "strings", "utf8"), "printable") == 0 ? V_ASN1_PRINTABLESTRING :
	    MBSTRING_ASC;
	bool ok = name != NULL && (same != NULL ||
	    (X509_NAME_add_entry_by_txt(name, "O", type, (const uint8_t *)"Simulated", -1,
	    -1, 0) == 1 && X509_NAME_add_entry_by_txt(name, "CN", type,
	    (const uint8_t *)l->w[1], -1, -1, 0) == 1));

	ok = ok && X509_set_subject_name(x, name) == 1;
	X509_NAME_free(name);
	return ok;
}

/* ---- certificates ---- */

static bool
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	if (strcmp(value, "none") == 0)
		return true;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
	bool ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static bool
pad(X509 *x, size_t n)
{
	char *text = sim_alloc(n + 1);

	memset(text, 'a', n);
	bool ok = n == 0 || extend(x, x, NID_netscape_comment, text);
	free(text);
	return ok;
}

static bool
extensions(const struct line *l, X509 *x, X509 *issuer)
{
	bool ca = strcmp(l->w[0], "ca") == 0;
	STR(basic, 80);
	STR(usage, 200);

	str_add(&basic, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (strcmp(word(l, "pathlen", ""), "") != 0)
		str_addf(&basic, ",pathlen:%s", word(l, "pathlen", ""));
	if (strcmp(word(l, "usage", ""), "none") == 0)
		str_add(&usage, "none");
	else
		str_addf(&usage, "critical,%s", word(l, "usage", ca ? "keyCertSign,cRLSign" :
		    "digitalSignature"));
	return extend(x, issuer, NID_basic_constraints, basic.p) &&
	    extend(x, issuer, NID_key_usage, usage.p) &&
	    extend(x, issuer, NID_subject_key_identifier, "hash") &&
	    extend(x, issuer, NID_ext_key_usage, word(l, "eku", "none")) &&
	    extend(x, issuer, NID_name_constraints, word(l, "names", "none")) &&
	    extend(x, issuer, NID_subject_alt_name, word(l, "san", "none")) &&
	    pad(x, strtoul(word(l, "pad", "0"), NULL, 10));
}

static const EVP_MD *
hash_of(const struct line *l)
{
	return EVP_get_digestbyname(word(l, "hash", "sha256"));
}

static bool
certificate(struct pki *p, const struct line *l, struct made *m, struct str *why)
{
	const char *by = word(l, "by", NULL);
	const struct made *issuer = by == NULL ? m : find(p, by);

	m->x = X509_new();
	m->key = key_of(p, l);
	if (m->x == NULL || m->key == NULL || issuer == NULL || issuer->key == NULL) {
		str_add(why, "no key, or no such issuer");
		return false;
	}
	bool ok = X509_set_version(m->x, 2) == 1 && name_of(p, l, m->x) &&
	    ASN1_INTEGER_set(X509_get_serialNumber(m->x), p->serial++) == 1 &&
	    X509_set_issuer_name(m->x, X509_get_subject_name(issuer->x)) == 1 &&
	    ASN1_TIME_set(X509_getm_notBefore(m->x), moment(l, "from", "-1d")) != NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(m->x), moment(l, "until", "3650d")) != NULL &&
	    X509_set_pubkey(m->x, m->key) == 1 && extensions(l, m->x, issuer->x) &&
	    X509_sign(m->x, issuer->key, hash_of(l)) > 0;
	if (!ok)
		str_addf(why, "libcrypto: %s", ERR_reason_error_string(ERR_peek_last_error()));
	return ok;
}

/* ---- revocation lists ---- */

static bool
revoke(const struct pki *p, X509_CRL *crl, const char *names, time_t at)
{
	char room[256], *save = NULL;
	ASN1_TIME *when = ASN1_TIME_set(NULL, at);
	bool ok = when != NULL && strlen(names) < sizeof(room);

	strcpy(room, ok ? names : "");
	for (char *n = strtok_r(room, ",", &save); ok && n != NULL; n = strtok_r(NULL, ",", &save)) {
		const struct made *m = find(p, n);
		X509_REVOKED *r = X509_REVOKED_new();

		ok = m != NULL && m->x != NULL && r != NULL &&
		    X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(m->x)) == 1 &&
		    X509_REVOKED_set_revocationDate(r, when) == 1 &&
		    X509_CRL_add0_revoked(crl, r) == 1;
		if (!ok)
			X509_REVOKED_free(r);
	}
	ASN1_TIME_free(when);
	return ok;
}

static bool
list(const struct pki *p, const struct line *l, struct made *m, struct str *why)
{
	const struct made *issuer = find(p, word(l, "by", ""));
	ASN1_TIME *from = ASN1_TIME_set(NULL, moment(l, "from", "-1d"));
	ASN1_TIME *until = ASN1_TIME_set(NULL, moment(l, "until", "3650d"));

	m->crl = X509_CRL_new();
	bool ok = m->crl != NULL && issuer != NULL && issuer->x != NULL && from != NULL &&
	    until != NULL && X509_CRL_set_version(m->crl, 1) == 1 &&
	    X509_CRL_set_issuer_name(m->crl, X509_get_subject_name(issuer->x)) == 1 &&
	    X509_CRL_set1_lastUpdate(m->crl, from) == 1 &&
	    X509_CRL_set1_nextUpdate(m->crl, until) == 1 &&
	    revoke(p, m->crl, word(l, "revokes", ""), moment(l, "from", "-1d")) &&
	    X509_CRL_sort(m->crl) == 1 && X509_CRL_sign(m->crl, issuer->key, hash_of(l)) > 0;
	if (!ok)
		str_add(why, "no such issuer, or nothing of that name to revoke");
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	return ok;
}

/* ---- what is handed out ---- */

static bool
body(struct made *m, bool spoilt)
{
	int n = m->x != NULL ? i2d_X509(m->x, NULL) : i2d_X509_CRL(m->crl, NULL);

	if (n <= 0)
		return false;
	m->body_n = (size_t)n + 1;
	m->body = sim_alloc(m->body_n);
	m->body[0] = m->x != NULL ? ENCODING_X509 : ENCODING_CRL;
	uint8_t *at = m->body + 1;
	(void)(m->x != NULL ? i2d_X509(m->x, &at) : i2d_X509_CRL(m->crl, &at));
	if (!spoilt)
		return true;
	m->body[m->body_n - 1] ^= 1;
	const uint8_t *again = m->body + 1;
	X509 *x = d2i_X509(NULL, &again, n);
	X509_free(m->x);
	m->x = x;
	return x != NULL;
}

static bool
pem(struct made *m)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *p;

	if (out == NULL || (m->x != NULL ? PEM_write_bio_X509(out, m->x) :
	    PEM_write_bio_X509_CRL(out, m->crl)) != 1) {
		BIO_free(out);
		return false;
	}
	size_t n = (size_t)BIO_get_mem_data(out, &p);
	m->pem = sim_alloc(n + 1);
	memcpy(m->pem, p, n);
	BIO_free(out);
	return true;
}

bool
pki_make(struct pki *p, int64_t now, const char *text, struct str *why)
{
	struct made m = { 0 };
	struct line l;
	bool ok;

	if (!line_read(&l, text, now)) {
		str_add(why, "ca, cert or crl, a name, and pairs of words expected");
		return false;
	}
	text_copy(m.name, sizeof(m.name), l.w[1]);
	ok = strcmp(l.w[0], "crl") == 0 ? list(p, &l, &m, why) : certificate(p, &l, &m, why);
	ok = ok && body(&m, strcmp(word(&l, "spoilt", "no"), "yes") == 0) && pem(&m);
	ERR_clear_error();
	if (!ok) {
		made_done(&m);
		return false;
	}
	struct made *old = find(p, m.name);
	if (old != NULL) {
		made_done(old);
		*old = m;
		return true;
	}
	p->v = sim_grow(p->v, (p->n + 1) * sizeof(p->v[0]));
	p->v[p->n++] = m;
	return true;
}

struct view
pki_pem(const struct pki *p, const char *name)
{
	const struct made *m = find(p, name);

	return m == NULL ? (struct view){ 0 } : view_of(m->pem, strlen(m->pem));
}

struct view
pki_body(const struct pki *p, const char *name)
{
	const struct made *m = find(p, name);

	return m == NULL ? (struct view){ 0 } : view_of(m->body, m->body_n);
}

/* Kept without being a certificate. */
static void
keep(struct pki *p, const char *name, struct view body)
{
	struct made m = { .body_n = body.n, .body = sim_alloc(body.n), .pem = sim_copy_text("") };

	text_copy(m.name, sizeof(m.name), name);
	memcpy(m.body, body.p, body.n);
	p->v = sim_grow(p->v, (p->n + 1) * sizeof(p->v[0]));
	p->v[p->n++] = m;
}

void
pki_body_set(struct pki *p, const char *name, struct view body)
{
	struct made *m = find(p, name);

	if (m == NULL) {
		keep(p, name, body);
		return;
	}
	uint8_t *copy = sim_alloc(body.n);
	memcpy(copy, body.p, body.n);
	free(m->body);
	m->body = copy;
	m->body_n = body.n;
}

static bool
contained(const struct pki *p, PKCS7 *c, const char *names)
{
	char room[256], *save = NULL;
	bool ok = strlen(names) < sizeof(room);

	strcpy(room, ok ? names : "");
	for (char *n = strtok_r(room, ":", &save); ok && n != NULL; n = strtok_r(NULL, ":", &save)) {
		const struct made *m = find(p, n);

		ok = m != NULL && (m->x != NULL ? PKCS7_add_certificate(c, m->x) :
		    PKCS7_add_crl(c, m->crl)) == 1;
	}
	return ok;
}

/* Kept under its names, so that it lives as long as the others. */
struct view
pki_container(struct pki *p, const char *names)
{
	PKCS7 *c = PKCS7_new();
	int n = 0;

	if (find(p, names) == NULL && strlen(names) < NAME_ROOM && c != NULL &&
	    PKCS7_set_type(c, NID_pkcs7_signed) == 1 && PKCS7_content_new(c, NID_pkcs7_data) == 1 &&
	    contained(p, c, names))
		n = i2d_PKCS7(c, NULL);
	if (n > 0) {
		uint8_t *body = sim_alloc((size_t)n + 1), *at = body + 1;

		body[0] = ENCODING_PKCS7;
		(void)i2d_PKCS7(c, &at);
		keep(p, names, view_of(body, (size_t)n + 1));
		free(body);
	}
	PKCS7_free(c);
	ERR_clear_error();
	return pki_body(p, names);
}
