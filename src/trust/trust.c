#include "trust/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "trust/cert.h"
#include "trust/dn.h"
#include "trust/internal.h"

enum {
	SUBJECT_MAX = 512,
	HELD_MAX = 20000,		/* things of one kind */
	CANDIDATES_MAX = 4,		/* certificates of one message whose chain is tried */
	DAY = 86400
};

/* ---- what is held ---- */

struct trust *
trust_new(const struct trust_settings *settings)
{
	struct trust *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->settings = *settings;
	if (settings->responder[0] != '\0')
		(void)!url_parse(view_str(settings->responder), &t->responder);
	t->store = X509_STORE_new();
	t->others = sk_X509_new_null();
	t->seen = seen_new();
	if (t->store == NULL || t->others == NULL || t->seen == NULL) {
		trust_free(t);
		return NULL;
	}
	return t;
}

static void
held_free(struct held *h, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		X509_free(h[i].x);
		free(h[i].file);
		free(h[i].subject);
	}
	free(h);
}

void
trust_free(struct trust *t)
{
	if (t == NULL)
		return;
	held_free(t->ca, t->n_ca);
	held_free(t->cert, t->n_cert);
	for (size_t i = 0; i < t->n_crl; i++) {
		X509_CRL_free(t->crl[i].crl);
		free(t->crl[i].file);
		free(t->crl[i].issuer);
	}
	free(t->crl);
	sk_X509_pop_free(t->others, X509_free);
	X509_STORE_free(t->store);
	seen_free(t->seen);
	free(t);
}

static char *
name_text(const X509_NAME *name)
{
	STR(text, SUBJECT_MAX);

	dn_print(&text, name, DN_TEXT);
	return strdup(text.len == 0 ? "(no subject)" : text.p);
}

/* Room for one more; NULL without memory. */
static void *
grow(void *list, size_t n, size_t each)
{
	enum { STEP = 32 };

	if (n >= HELD_MAX)
		return NULL;
	return n % STEP != 0 ? list : realloc(list, (n + STEP) * each);
}

/* Takes x. */
static bool
hold(struct held **list, size_t *n, X509 *x, const char *file)
{
	struct held h = { .x = x, .file = strdup(file),
	    .subject = name_text(X509_get_subject_name(x)) };
	struct held *bigger = grow(*list, *n, sizeof(h));

	if (bigger != NULL)
		*list = bigger;
	if (bigger == NULL || h.file == NULL || h.subject == NULL) {
		free(h.file);
		free(h.subject);
		X509_free(x);
		return false;
	}
	bigger[(*n)++] = h;
	return true;
}

static bool
hold_crl(struct trust *t, X509_CRL *crl, const char *file)
{
	struct held_crl h = { .crl = crl, .file = strdup(file),
	    .issuer = name_text(X509_CRL_get_issuer(crl)) };
	struct held_crl *bigger = grow(t->crl, t->n_crl, sizeof(h));

	if (bigger != NULL)
		t->crl = bigger;
	if (bigger == NULL || h.file == NULL || h.issuer == NULL) {
		free(h.file);
		free(h.issuer);
		X509_CRL_free(crl);
		return false;
	}
	bigger[t->n_crl++] = h;
	return true;
}

/* ---- files ---- */

/* Nobody is there to be asked for a passphrase. */
static int
no_passphrase(char *room, int size, int writing, void *self)
{
	(void)room;
	(void)size;
	(void)writing;
	(void)self;
	return -1;
}

static bool
add_ca(struct trust *t, X509 *x, const char *file, struct str *note)
{
	if (!cert_is_ca(x)) {
		str_add(note, "not the certificate of a CA: it does not belong into the CA-directory");
		X509_free(x);
		return false;
	}
	for (size_t i = 0; i < t->n_ca; i++)
		if (X509_cmp(t->ca[i].x, x) == 0) {
			str_addf(note, "the same certificate as %s", t->ca[i].file);
			X509_free(x);
			return false;
		}
	if (X509_STORE_add_cert(t->store, x) != 1) {
		str_add(note, "out of memory");
		X509_free(x);
		return false;
	}
	return hold(&t->ca, &t->n_ca, x, file);
}

static bool
add_others(struct trust *t, BIO *in)
{
	X509 *x;

	while ((x = PEM_read_bio_X509(in, NULL, no_passphrase, NULL)) != NULL)
		if (sk_X509_num(t->others) >= HELD_MAX || sk_X509_push(t->others, x) <= 0) {
			X509_free(x);
			return false;
		}
	return true;
}

static bool
add_certificate(struct trust *t, enum trust_kind kind, const char *file, BIO *in, struct str *note)
{
	X509 *x = PEM_read_bio_X509(in, NULL, no_passphrase, NULL);

	if (x == NULL || (X509_get_extension_flags(x) & EXFLAG_INVALID) != 0) {
		str_add(note, x == NULL ? "no PEM certificate in it" :
		    "its extensions cannot be read");
		X509_free(x);
		return false;
	}
	if (i2d_X509(x, NULL) > CERT_OCTETS_MAX) {
		str_addf(note, "longer than %d octets: it can neither be sent nor taken from a peer",
		    CERT_OCTETS_MAX);
		X509_free(x);
		return false;
	}
	if (kind == TRUST_CA) {
		if (!add_ca(t, x, file, note))
			return false;
		x = PEM_read_bio_X509(in, NULL, no_passphrase, NULL);
		if (x != NULL)
			str_add(note, "only the first certificate in it counts");
		X509_free(x);
		return true;
	}
	if (!hold(&t->cert, &t->n_cert, x, file) || !add_others(t, in)) {
		str_add(note, "out of memory");
		return false;
	}
	return true;
}

static bool
add_crls(struct trust *t, const char *file, BIO *in, struct str *note)
{
	size_t before = t->n_crl;
	X509_CRL *crl;

	while ((crl = PEM_read_bio_X509_CRL(in, NULL, no_passphrase, NULL)) != NULL)
		if (!hold_crl(t, crl, file)) {
			str_add(note, "out of memory");
			return false;
		}
	if (t->n_crl > before)
		return true;
	str_add(note, "no PEM revocation list in it");
	return false;
}

bool
trust_add(struct trust *t, enum trust_kind kind, const char *file, struct view text,
    struct str *note)
{
	BIO *in = text.n <= INT32_MAX ? BIO_new_mem_buf(text.n == 0 ? "" : (const void *)text.p,
	    (int)text.n) : NULL;
	bool ok = false;

	if (in == NULL)
		str_add(note, "out of memory");
	else if (kind == TRUST_CRL)
		ok = add_crls(t, file, in, note);
	else
		ok = add_certificate(t, kind, file, in, note);
	BIO_free(in);
	ERR_clear_error();
	return ok;
}

size_t
trust_count(const struct trust *t, enum trust_kind kind)
{
	return kind == TRUST_CA ? t->n_ca : kind == TRUST_CERT ? t->n_cert : t->n_crl;
}

static void
each_held(const struct held *h, size_t n, uint8_t kind,
    void (*fn)(void *self, const struct trust_item *), void *self)
{
	for (size_t i = 0; i < n; i++) {
		const struct trust_item item = { .kind = kind, .file = h[i].file,
		    .subject = h[i].subject, .from = asn1_seconds(X509_get0_notBefore(h[i].x)),
		    .until = asn1_seconds(X509_get0_notAfter(h[i].x)) };

		fn(self, &item);
	}
}

void
trust_each(const struct trust *t, void (*fn)(void *self, const struct trust_item *), void *self)
{
	each_held(t->ca, t->n_ca, TRUST_CA, fn, self);
	each_held(t->cert, t->n_cert, TRUST_CERT, fn, self);
	for (size_t i = 0; i < t->n_crl; i++) {
		const struct held_crl *h = &t->crl[i];
		const struct trust_item item = { .kind = TRUST_CRL, .file = h->file,
		    .subject = h->issuer, .from = asn1_seconds(X509_CRL_get0_lastUpdate(h->crl)),
		    .until = asn1_seconds(X509_CRL_get0_nextUpdate(h->crl)) };

		fn(self, &item);
	}
}

bool
trust_item_warning(const struct trust_item *item, int64_t now, struct str *ret)
{
	bool list = item->kind == TRUST_CRL;

	if (item->from > now) {
		str_add(ret, "is not yet valid (until ");
		seconds_print(ret, item->from);
	} else if (item->until == 0) {
		return false;
	} else if (item->until <= now) {
		str_add(ret, list ? "is out of date (since " : "has expired (");
		seconds_print(ret, item->until);
	} else if (!list && item->until - now <= (int64_t)TRUST_WARN_DAYS * DAY) {
		str_addf(ret, "expires in %d days (", (int)((item->until - now) / DAY));
		seconds_print(ret, item->until);
	} else {
		return false;
	}
	str_char(ret, ')');
	return true;
}

/* ---- the peer's key ---- */

bool
id_read(struct view body, struct id *ret)
{
	struct rd r = rd_of(body);
	uint8_t type = rd_u8(&r);
	uint8_t protocol = rd_u8(&r);
	uint16_t port = rd_u16(&r);
	struct view data = rd_rest(&r);

	return !r.bad && id_from_wire(type, protocol, port, data, ret) == WHY_NONE;
}

void
id_text(struct str *s, const struct id *id)
{
	X509_NAME *name = id->type == ID_DER_ASN1_DN ? dn_from_der(view_of(id->data, id->n)) : NULL;

	if (name != NULL)
		dn_print(s, name, DN_TEXT);
	else
		id_print(s, id);
	X509_NAME_free(name);
	ERR_clear_error();
}

static bool
is_the_same(const X509 *x, const struct bag *b)
{
	for (int i = 0; i < sk_X509_num(b->certs); i++)
		if (X509_cmp(x, sk_X509_value(b->certs, i)) == 0)
			return true;
	return false;
}

static void
refuse_kind(const X509 *x, const struct trust_ask *ask, struct trust_answer *ret)
{
	STR(got, 200);

	cert_key_print(&got, x);
	str_add(&got, " in ");
	cert_subject_print(&got, x);
	refuse(ret, WHY_CERT_ALGORITHM, "certificate key",
	    ask->auth == AUTH_RSA_SIG ? "RSA" : ask->auth == AUTH_ECDSA_256 ? "EC P-256" :
	    ask->auth == AUTH_ECDSA_384 ? "EC P-384" : ask->auth == AUTH_ECDSA_521 ? "EC P-521" :
	    "a key for the chosen method", got.p);
}

/*
 * A certificate in certs/ for this ID is trusted as it is, and nothing else
 * is for that ID: a pin.  With several, the one that the peer sent, else the
 * first whose key can do the method.  False: there is none.
 */
static bool
pinned_key(const struct trust *t, const struct trust_ask *ask, const struct id *id,
    const struct bag *b, struct trust_answer *ret)
{
	const X509 *unfit = NULL;
	bool found = false;

	for (size_t i = 0; i < t->n_cert; i++) {
		const X509 *x = t->cert[i].x;
		struct pubkey key;

		if (!cert_names_id(x, id))
			continue;
		if (!cert_pubkey(x, &key) || !pubkey_does(&key, ask->auth)) {
			unfit = x;
			continue;
		}
		bool sent = is_the_same(x, b);
		if (!found || sent)
			ret->key = key;
		found = true;
		if (sent)
			break;
	}
	ret->pinned = found;
	if (!found && unfit != NULL)
		refuse_kind(unfit, ask, ret);
	return found || unfit != NULL;
}

static bool
usable_key(const X509 *x, const struct trust_ask *ask, struct trust_answer *ret)
{
	struct pubkey key;

	if (!cert_pubkey(x, &key) || !pubkey_does(&key, ask->auth)) {
		refuse_kind(x, ask, ret);
		return false;
	}
	ret->key = key;
	return true;
}

/* The certificate to talk about when none names the ID: the first that is no CA. */
static const X509 *
likely_leaf(const struct bag *b)
{
	for (int i = 0; i < sk_X509_num(b->certs); i++)
		if (!cert_is_ca(sk_X509_value(b->certs, i)))
			return sk_X509_value(b->certs, i);
	return sk_X509_value(b->certs, 0);
}

static void
no_candidate(const struct bag *b, const struct id *id, struct trust_answer *ret)
{
	STR(wanted, 200);
	STR(got, 200);

	id_text(&wanted, id);
	if (sk_X509_num(b->certs) > 0) {
		cert_names_print(&got, likely_leaf(b));
		refuse(ret, WHY_CERT_ID, "subjectAltName", wanted.p, got.p);
	} else if (b->worst != WHY_NONE) {
		str_addf(&got, "%zu octets %s", b->worst_n, b->worst == WHY_CERT_SYNTAX ?
		    "that are none, or more than are taken" : "with a key that is not taken");
		refuse(ret, b->worst, "CERT payload", "an X.509 certificate for signatures", got.p);
	} else {
		if (b->ignored > 0)
			str_addf(&got, "%u CERT payloads of other encodings", b->ignored);
		refuse(ret, WHY_CERT_NONE, "certificate", wanted.p,
		    got.len > 0 ? got.p : "no CERT payload");
	}
}

/* look NULL: nobody is asked. */
static bool
holds(const struct trust *t, const struct trust_ask *ask, X509 *x, const struct bag *b, int64_t now,
    struct trust_look *look, struct trust_answer *ret)
{
	STACK_OF(X509) *chain = NULL;

	if (!usable_key(x, ask, ret) || !chain_verify(t, x, b, ask->allow_weak, now, ret, &chain))
		return false;
	bool ok = look == NULL || t->settings.ocsp == TRUST_OCSP_OFF ||
	    chain_online(t, look, chain, ask->allow_weak, now, ret);
	/* The last one is the anchor, or nobody vouched for it. */
	for (int i = 0; ok && i < sk_X509_num(chain) - 1; i++)
		seen_keep(t->seen, sk_X509_value(chain, i));
	sk_X509_pop_free(chain, X509_free);
	return ok;
}

/* The first one that names the ID and has a chain; else why the first one that names it has not. */
static bool
validated_key(const struct trust *t, const struct trust_ask *ask, const struct id *id,
    const struct bag *b, int64_t now, struct trust_look *look, struct trust_answer *ret)
{
	struct trust_answer first = { 0 };
	unsigned tried = 0;

	for (int i = 0; i < sk_X509_num(b->certs) && tried < CANDIDATES_MAX; i++) {
		X509 *x = sk_X509_value(b->certs, i);
		struct trust_answer one = { .verb = ret->verb, .token = ret->token };

		if (!cert_names_id(x, id))
			continue;
		if (holds(t, ask, x, b, now, look, &one)) {
			(void)usable_key(x, ask, &one);
			*ret = one;
			return true;
		}
		if (look != NULL && look->wants.n > 0)
			return false;
		if (tried++ == 0)
			first = one;
	}
	if (tried == 0) {
		no_candidate(b, id, ret);
		return false;
	}
	*ret = first;
	ret->key = (struct pubkey){ 0 };
	return false;
}

static void
peer(const struct trust *t, const struct trust_ask *ask, int64_t now, struct trust_look *look,
    struct trust_answer *ret)
{
	struct trust_answer a = { .verb = ask->verb, .token = ask->token };
	struct str name = str_of(a.peer_name, sizeof(a.peer_name));
	struct id id = { 0 };
	struct bag b;

	if (!id_read(ask->id_body, &id))
		refuse(&a, WHY_ID_TYPE, "ID", "", "");
	else if (!bag_init(&b, t->seen, ask->certs, ask->n_certs))
		refuse(&a, WHY_NO_MEMORY, "certificate", "", "");
	else {
		if (!pinned_key(t, ask, &id, &b, &a))
			(void)validated_key(t, ask, &id, &b, now, look, &a);
		bag_done(&b);
	}
	if (id.type == ID_DER_ASN1_DN)
		id_text(&name, &id);
	if (a.why != WHY_NONE)
		text_copy(a.remedy, sizeof(a.remedy), why_remedy(a.why));
	*ret = a;
}

void
trust_peer(const struct trust *t, const struct trust_ask *ask, int64_t now,
    struct trust_answer *ret)
{
	peer(t, ask, now, NULL, ret);
}

bool
trust_peer_online(const struct trust *t, const struct trust_ask *ask, int64_t now,
    struct trust_look *look, struct trust_answer *ret)
{
	struct trust_answer a;

	look->wants.n = 0;
	peer(t, ask, now, look, &a);
	if (look->wants.n > 0)
		return false;
	*ret = a;
	return true;
}

/* ---- before a sandbox closes ---- */

bool
trust_preload(void)
{
	static const char *const digests[] = { "SHA1", "SHA224", "SHA256", "SHA384", "SHA512" };
	static const char *const keys[] = { "RSA", "EC", "DSA", "ED25519", "RSA-PSS" };
	time_t now = 0;
	struct tm tm;

	tzset();			/* gmtime_r would look for the zone file */
	(void)gmtime_r(&now, &tm);
	if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS |
	    OPENSSL_INIT_ADD_ALL_DIGESTS, NULL) != 1)
		return false;
	for (size_t i = 0; i < COUNT(digests); i++) {
		EVP_MD *md = EVP_MD_fetch(NULL, digests[i], NULL);

		if (md == NULL)
			return false;
		EVP_MD_free(md);
	}
	for (size_t i = 0; i < COUNT(keys); i++) {
		EVP_KEYMGMT *k = EVP_KEYMGMT_fetch(NULL, keys[i], NULL);

		if (k == NULL && i < 2)
			return false;
		EVP_KEYMGMT_free(k);
	}
	uint8_t nonce[16];	/* its generator is made when it is first used */
	if (RAND_bytes(nonce, sizeof(nonce)) != 1)
		return false;
	ERR_clear_error();
	return true;
}
