/*
 * Responders are asked only about chains that are trusted without them, so
 * no stranger makes us fetch anything (security R17).  Anchors, pins and
 * certificates that signed themselves have nobody who could revoke them.
 */
#include "trust/cert.h"
#include "trust/internal.h"

enum said { SAID_GOOD, SAID_NO, SAID_LATER };

static enum said
refused(const struct ocsp_verdict *v, struct trust_answer *ret)
{
	refuse(ret, v->why, "OCSP answer", v->expected, v->got);
	return SAID_NO;
}

static enum said
without(const struct trust *t, struct trust_look *look, const X509 *x,
    const struct ocsp_verdict *v, struct trust_answer *ret)
{
	if (t->settings.ocsp == TRUST_OCSP_REQUIRE)
		return refused(v, ret);
	str_add(look->note, look->note->len > 0 ? "; " : "");
	cert_subject_print(look->note, x);
	str_addf(look->note, " passes without an OCSP answer: %s: %s", why_text(v->why), v->got);
	return SAID_GOOD;
}

static enum said
nobody_named(const struct trust *t, const X509 *x, struct trust_answer *ret)
{
	STR(got, 200);

	if (t->settings.ocsp != TRUST_OCSP_REQUIRE)
		return SAID_GOOD;
	cert_subject_print(&got, x);
	refuse(ret, WHY_OCSP_NONE, "OCSP responder", "one named by the certificate, or OCSP-responder",
	    got.p);
	return SAID_NO;
}

static enum said
later(struct trust_look *look, const struct book_id *id)
{
	look->wants.id[look->wants.n++] = *id;
	return SAID_LATER;
}

static enum said
one(const struct trust *t, struct trust_look *look, const X509 *x, const X509 *issuer,
    bool allow_weak, int64_t now, struct trust_answer *ret)
{
	struct url url = t->responder;
	struct ocsp_verdict none;
	struct book_id id;
	bool open = false;

	if (url.port == 0 && !ocsp_responder(x, &url))
		return nobody_named(t, x, ret);
	if (!book_id_of(x, issuer, allow_weak, &id)) {
		refuse(ret, WHY_NO_MEMORY, "OCSP answer", "", "");
		return SAID_NO;
	}
	const struct ocsp_verdict *v = book_find(look->book, &id, now, &open);
	if (v == NULL && !look->last && look->wants.n < BOOK_WANTS_MAX &&
	    (open || book_want(look->book, &id, x, issuer, allow_weak, &url, look->at)))
		return later(look, &id);
	if (v == NULL) {
		ocsp_no_answer(&url, "too many questions wait", book_timeout(look->book), now, &none);
		v = &none;
	}
	if (v->why == WHY_NONE)
		return SAID_GOOD;
	return v->proven ? refused(v, ret) : without(t, look, x, v, ret);
}

bool
chain_online(const struct trust *t, struct trust_look *look, STACK_OF(X509) *chain,
    bool allow_weak, int64_t now, struct trust_answer *ret)
{
	for (int i = 0; i + 1 < sk_X509_num(chain); i++)
		if (one(t, look, sk_X509_value(chain, i), sk_X509_value(chain, i + 1), allow_weak,
		    now, ret) == SAID_NO) {
			look->wants.n = 0;	/* no answer changes that */
			return false;
		}
	return look->wants.n == 0;
}
