/* [X509-certificates] (isakmpd-conf.md 4.5) and our own tags there. */
#include "base/url.h"
#include "conf/build.h"

#define SECTION "X509-certificates"

static const char *
directory(struct build *b, const char *tag, bool *ret_given)
{
	struct value v;

	if (!get(b, SECTION, tag, &v))
		return "";
	*ret_given = *ret_given || !v.built_in;
	return keep_text(b, v.text);
}

/* One of a few words; the first is the default. */
static uint8_t
word(struct build *b, const char *tag, const char *const *words, size_t n)
{
	struct value v;

	if (!get(b, SECTION, tag, &v))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (text_same(words[i], v.text))
			return (uint8_t)i;
	SHOW(shown, view_str(v.text));
	STR(advice, 160);
	suggest_of(b, view_str(v.text), words, n, &advice);
	if (advice.len == 0)
		str_addf(&advice, "%s, %s or %s", words[0], words[1], words[2]);
	complain(b, PROBLEM_ERROR, ref_value(SECTION, tag, &v), advice.p,
	    "%s cannot be \"%s\"", tag, shown.p);
	return 0;
}

/* "" where there is none, or with a problem. */
static const char *
responder(struct build *b, const struct x509_conf *x)
{
	struct value v;
	struct url u;

	if (!get(b, SECTION, "OCSP-responder", &v))
		return "";
	SHOW(shown, view_str(v.text));
	const char *wrong = url_parse(view_str(v.text), &u);
	if (wrong != NULL) {
		complain(b, PROBLEM_ERROR, ref_value(SECTION, "OCSP-responder", &v),
		    "write it as http://host:port/path", "\"%s\": %s", shown.p, wrong);
		return "";
	}
	if (x->ocsp == OCSP_OFF)
		complain(b, PROBLEM_WARNING, ref_value(SECTION, "OCSP-responder", &v),
		    "set OCSP to if-available or require", "no effect: OCSP is off");
	return keep_text(b, v.text);
}

void
build_x509(struct build *b)
{
	static const char *const policies[] = { "if-present", "off", "require" };
	static const char *const ocsp[] = { "off", "if-available", "require" };
	static const char *const when[] = { "always", "if-asked", "never" };
	struct x509_conf *x = &b->snap->x509;
	struct value v;

	x->ca = directory(b, "CA-directory", &x->given);
	x->certs = directory(b, "Cert-directory", &x->given);
	x->crls = directory(b, "CRL-directory", &x->given);
	/* Presence counts, whatever the value (isakmpd-conf.md 4.5). */
	x->accept_self_signed = get(b, SECTION, "Accept-self-signed", &v);
	if (x->accept_self_signed)
		complain(b, PROBLEM_WARNING, ref_value(SECTION, "Accept-self-signed", &v),
		    "copy the peer's certificate to the Cert-directory instead",
		    "whoever makes a certificate can claim every identity");
	x->check_extended_usage = get_yes(b, SECTION, "Check-extended-usage", false);
	x->crl_policy = word(b, "CRL-policy", policies, COUNT(policies));
	x->send = word(b, "Send-certificates", when, COUNT(when));
	x->ocsp = word(b, "OCSP", ocsp, COUNT(ocsp));
	x->ocsp_responder = responder(b, x);
	x->ocsp_timeout = (uint8_t)get_number(b, SECTION, "OCSP-timeout", OCSP_TIMEOUT_S, 1,
	    OCSP_TIMEOUT_MAX_S);
}
