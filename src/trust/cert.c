#include "trust/cert.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>
#include <time.h>

#include "trust/dn.h"

/* ---- reading ---- */

enum { EXPONENT_BITS_MAX = 64 };

/* A key so large that one verification with it is an attack. */
static bool
key_is_bounded(const X509 *x)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	BIGNUM *e = NULL;

	/* A kind that libcrypto does not know verifies nothing. */
	if (key == NULL)
		return true;
	if (EVP_PKEY_get_bits(key) > KEY_BITS_MAX)
		return false;
	bool ok = !EVP_PKEY_is_a(key, "RSA") ||
	    (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
	    BN_is_odd(e) && BN_num_bits(e) <= EXPONENT_BITS_MAX);
	BN_free(e);
	return ok;
}

enum why
cert_from_der(struct view der, X509 **ret)
{
	const uint8_t *p = der.p;

	if (der.n == 0 || der.n > CERT_OCTETS_MAX)
		return WHY_CERT_SYNTAX;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);
	/* All of it; and libcrypto must understand its extensions, too. */
	bool ok = x != NULL && p == der.p + der.n &&
	    (X509_get_extension_flags(x) & EXFLAG_INVALID) == 0;
	enum why why = !ok ? WHY_CERT_SYNTAX : key_is_bounded(x) ? WHY_NONE : WHY_CERT_ALGORITHM;
	ERR_clear_error();
	if (why != WHY_NONE) {
		X509_free(x);
		return why;
	}
	*ret = x;
	return WHY_NONE;
}

/* ---- the key ---- */

struct number {
	uint8_t	octets[KEY_BITS_MAX / 8];
	size_t	n;
};

/* least: octets to pad to. */
static bool
number_of(const EVP_PKEY *key, const char *parameter, size_t least, struct number *ret)
{
	BIGNUM *b = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, parameter, &b) == 1 &&
	    (size_t)BN_num_bytes(b) <= sizeof(ret->octets);

	if (ok) {
		ret->n = (size_t)BN_num_bytes(b);
		if (ret->n < least)
			ret->n = least;
		ok = BN_bn2binpad(b, ret->octets, (int)ret->n) == (int)ret->n;
	}
	BN_free(b);
	return ok;
}

static bool
numbers_of(const EVP_PKEY *key, uint8_t kind, const char *const *names, size_t n,
    struct pubkey *ret)
{
	struct number number[PUBKEY_PARTS];
	struct view parts[PUBKEY_PARTS];

	for (size_t i = 0; i < n; i++) {
		if (!number_of(key, names[i], 0, &number[i]))
			return false;
		parts[i] = view_of(number[i].octets, number[i].n);
	}
	return pubkey_set(ret, kind, parts);
}

/* A point of one of the three curves of RFC 4754; libcrypto has checked that it is on it. */
static bool
point_of(const EVP_PKEY *key, struct pubkey *ret)
{
	static const struct { const char *name; size_t octets; } curves[] = {
		{ SN_X9_62_prime256v1, 32 }, { SN_secp384r1, 48 }, { SN_secp521r1, 66 },
	};
	struct number x, y;
	uint8_t room[1 + 2 * 66];
	struct wr w = wr_of(room, sizeof(room));
	char name[80] = "";
	size_t octets = 0;

	if (EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) != 1)
		return false;
	for (size_t i = 0; i < COUNT(curves); i++)
		if (strcmp(name, curves[i].name) == 0)
			octets = curves[i].octets;
	if (octets == 0 || !number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, octets, &x) ||
	    !number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, octets, &y))
		return false;
	wr_u8(&w, 4);
	wr_bytes(&w, x.octets, x.n);
	wr_bytes(&w, y.octets, y.n);
	struct view point = wr_done(&w);
	return !w.bad && point.n == 1 + 2 * octets && pubkey_set(ret, PUBKEY_ECDSA, &point);
}

bool
cert_pubkey(const X509 *x, struct pubkey *ret)
{
	static const char *const rsa[] = { OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E };
	static const char *const dsa[] = { OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q,
	    OSSL_PKEY_PARAM_FFC_G, OSSL_PKEY_PARAM_PUB_KEY };
	const EVP_PKEY *key = X509_get0_pubkey(x);
	bool ok = false;

	if (key == NULL)
		ok = false;
	else if (EVP_PKEY_is_a(key, "RSA"))
		ok = numbers_of(key, PUBKEY_RSA, rsa, COUNT(rsa), ret);
	else if (EVP_PKEY_is_a(key, "EC"))
		ok = point_of(key, ret);
	else if (EVP_PKEY_is_a(key, "DSA"))
		ok = numbers_of(key, PUBKEY_DSA, dsa, COUNT(dsa), ret);
	ERR_clear_error();
	return ok;
}

void
cert_key_print(struct str *s, const X509 *x)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	char group[80] = "";

	if (key == NULL) {
		str_add(s, "a key of unknown kind");
		ERR_clear_error();
	} else if (EVP_PKEY_is_a(key, "EC") &&
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1) {
		str_addf(s, "EC %s", group);
	} else {
		str_addf(s, "%s %d", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
	}
}

/* ---- names ---- */

/* Host names: equal but for ASCII case. */
static bool
same_host(struct view a, struct view b)
{
	return a.n == b.n && a.n > 0 && memchr(a.p, '\0', a.n) == NULL &&
	    text_same_n((const char *)a.p, (const char *)b.p, a.n);
}

/* The domain ignores case, the user does not. */
static bool
same_mailbox(struct view a, struct view b)
{
	const uint8_t *at = a.n == 0 ? NULL : memchr(a.p, '@', a.n);
	size_t user = at == NULL ? 0 : (size_t)(at - a.p);

	if (at == NULL || a.n != b.n)
		return false;
	return view_equal(view_of(a.p, user), view_of(b.p, user)) &&
	    same_host(view_of(a.p + user, a.n - user), view_of(b.p + user, b.n - user));
}

static struct view
view_of_string(const ASN1_STRING *s)
{
	int n = ASN1_STRING_length(s);

	return view_of(ASN1_STRING_get0_data(s), n < 0 ? 0 : (size_t)n);
}

/* The type of a name is what the certificate says, never guessed (R11). */
static bool
entry_is(const GENERAL_NAME *g, uint8_t id_type, struct view want)
{
	switch (id_type) {
	case ID_IPV4_ADDR:
	case ID_IPV6_ADDR:
		return g->type == GEN_IPADD && want.n > 0 &&
		    view_equal(view_of_string(g->d.iPAddress), want);
	case ID_FQDN:
		return g->type == GEN_DNS && memchr(want.p, '*', want.n) == NULL &&
		    same_host(view_of_string(g->d.dNSName), want);
	case ID_USER_FQDN:
		return g->type == GEN_EMAIL && same_mailbox(view_of_string(g->d.rfc822Name), want);
	default:
		return false;
	}
}

static GENERAL_NAMES *
alternatives(const X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	ERR_clear_error();
	return names;
}

static bool
subject_is(const X509 *x, struct view der)
{
	X509_NAME *want = dn_from_der(der);
	/* An empty subject names nobody. */
	bool same = want != NULL && X509_NAME_entry_count(want) > 0 &&
	    X509_NAME_cmp(X509_get_subject_name(x), want) == 0;

	X509_NAME_free(want);
	ERR_clear_error();
	return same;
}

bool
cert_names_id(const X509 *x, const struct id *id)
{
	struct view want = view_of(id->data, id->n);
	bool found = false;

	if (id->type == ID_DER_ASN1_DN)
		return subject_is(x, want);
	if (want.n == 0)
		return false;
	GENERAL_NAMES *names = alternatives(x);
	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++)
		found = entry_is(sk_GENERAL_NAME_value(names, i), id->type, want);
	GENERAL_NAMES_free(names);
	return found;
}

static void
entry_print(struct str *s, const GENERAL_NAME *g)
{
	struct view v;
	struct addr a;

	switch (g->type) {
	case GEN_DNS:
		str_add(s, "DNS:");
		str_escaped(s, view_of_string(g->d.dNSName));
		break;
	case GEN_EMAIL:
		str_add(s, "email:");
		str_escaped(s, view_of_string(g->d.rfc822Name));
		break;
	case GEN_IPADD:
		v = view_of_string(g->d.iPAddress);
		str_add(s, "IP:");
		if (addr_from_octets(v, &a))
			addr_print(s, &a);
		else
			str_hex(s, v);
		break;
	default:
		str_add(s, "other");
		break;
	}
}

void
cert_names_print(struct str *s, const X509 *x)
{
	enum { SHOWN = 8 };
	GENERAL_NAMES *names = alternatives(x);
	int n = sk_GENERAL_NAME_num(names);

	for (int i = 0; i < n && i < SHOWN; i++) {
		entry_print(s, sk_GENERAL_NAME_value(names, i));
		str_add(s, ", ");
	}
	if (n > SHOWN)
		str_addf(s, "%d more, ", n - SHOWN);
	GENERAL_NAMES_free(names);
	cert_subject_print(s, x);
}

void
cert_subject_print(struct str *s, const X509 *x)
{
	const X509_NAME *name = X509_get_subject_name(x);

	if (X509_NAME_entry_count(name) == 0)
		str_add(s, "(no subject)");
	else
		dn_print(s, name, DN_TEXT);
}

void
cert_issuer_print(struct str *s, const X509 *x)
{
	dn_print(s, X509_get_issuer_name(x), DN_TEXT);
}

/* ---- what it may be used for ---- */

bool
cert_may_sign(const X509 *x)
{
	X509 *copy = (X509 *)(uintptr_t)x;	/* libcrypto remembers the flags in it */
	uint32_t flags = X509_get_extension_flags(copy);

	return (flags & EXFLAG_KUSAGE) == 0 ||
	    (X509_get_key_usage(copy) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
}

static bool
usage_is_for_ike(const ASN1_OBJECT *usage)
{
	static const char *const good[] = {
		"1.3.6.1.5.5.7.3.17",	/* id-kp-ipsecIKE */
		"1.3.6.1.5.5.8.2.2",	/* iKEIntermediate, of old drafts */
		"2.5.29.37.0",		/* anyExtendedKeyUsage */
		"1.3.6.1.5.5.7.3.1",	/* serverAuth */
		"1.3.6.1.5.5.7.3.2",	/* clientAuth */
	};
	char number[80];

	if (OBJ_obj2txt(number, sizeof(number), usage, 1) <= 0)
		return false;
	for (size_t i = 0; i < COUNT(good); i++)
		if (strcmp(number, good[i]) == 0)
			return true;
	return false;
}

bool
cert_is_for_ike(const X509 *x)
{
	int critical;
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(x, NID_ext_key_usage, &critical, NULL);
	/* -1: there is none; -2: more than one */
	bool good = usages == NULL && critical == -1;

	for (int i = 0; !good && i < sk_ASN1_OBJECT_num(usages); i++)
		good = usage_is_for_ike(sk_ASN1_OBJECT_value(usages, i));
	EXTENDED_KEY_USAGE_free(usages);
	ERR_clear_error();
	return good;
}

bool
cert_is_ca(const X509 *x)
{
	/* 1: basicConstraints; 3: a self-signed certificate of version 1 */
	int kind = X509_check_ca((X509 *)(uintptr_t)x);

	return kind == 1 || kind == 3;
}

bool
cert_is_self_issued(const X509 *x)
{
	return (X509_get_extension_flags((X509 *)(uintptr_t)x) & EXFLAG_SI) != 0;
}

/* ---- time ---- */

int64_t
asn1_seconds(const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	return t != NULL && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

void
seconds_print(struct str *s, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		str_add(s, "unknown");
	else
		str_addf(s, "%04d-%02d-%02d %02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
		    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
asn1_time_print(struct str *s, const ASN1_TIME *t)
{
	int64_t seconds = asn1_seconds(t);

	if (seconds == 0)
		str_add(s, "unknown");
	else
		seconds_print(s, seconds);
}
