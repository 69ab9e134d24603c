#include "base/pubkey.h"

#include "base/str.h"

static const size_t parts_of[PUBKEY_KIND_MAX] = {
	[PUBKEY_RSA] = 2, [PUBKEY_ECDSA] = 1, [PUBKEY_DSA] = 4,
};

/* Octets of an uncompressed point: 04 | x | y */
static const struct curve {
	uint16_t	 octets;
	uint16_t	 bits;
	uint8_t		 method;	/* RFC 4754: the curve belongs to the method */
} curves[] = {
	{ 1 + 2 * 32, 256, AUTH_ECDSA_256 },
	{ 1 + 2 * 48, 384, AUTH_ECDSA_384 },
	{ 1 + 2 * 66, 521, AUTH_ECDSA_521 },
};

static const struct curve *
curve_of(const struct pubkey *k)
{
	for (size_t i = 0; k->kind == PUBKEY_ECDSA && i < COUNT(curves); i++)
		if (curves[i].octets == k->n[0])
			return &curves[i];
	return NULL;
}

size_t
pubkey_parts(uint8_t kind)
{
	return kind < PUBKEY_KIND_MAX ? parts_of[kind] : 0;
}

struct view
pubkey_part(const struct pubkey *k, size_t i)
{
	size_t at = 0;

	if (i >= pubkey_parts(k->kind))
		return (struct view){ 0 };
	for (size_t j = 0; j < i; j++)
		at += k->n[j];
	return view_of(k->octets + at, k->n[i]);
}

bool
pubkey_set(struct pubkey *ret, uint8_t kind, const struct view *parts)
{
	struct pubkey k = { .kind = kind };
	struct wr w = wr_of(k.octets, sizeof(k.octets));

	if (pubkey_parts(kind) == 0)
		return false;
	for (size_t i = 0; i < pubkey_parts(kind); i++) {
		struct view v = parts[i];

		while (v.n > 0 && *v.p == 0)
			v = view_of(v.p + 1, v.n - 1);
		if (v.n == 0 || v.n > UINT16_MAX)
			return false;
		k.n[i] = (uint16_t)v.n;
		wr_view(&w, v);
	}
	if (w.bad || (kind == PUBKEY_ECDSA && curve_of(&k) == NULL))
		return false;
	*ret = k;
	return true;
}

bool
pubkey_equal(const struct pubkey *a, const struct pubkey *b)
{
	if (a->kind != b->kind)
		return false;
	for (size_t i = 0; i < pubkey_parts(a->kind); i++)
		if (!view_equal(pubkey_part(a, i), pubkey_part(b, i)))
			return false;
	return true;
}

unsigned
pubkey_bits(const struct pubkey *k)
{
	const struct curve *c = curve_of(k);
	struct view v = pubkey_part(k, 0);
	unsigned bits = (unsigned)v.n * 8;

	if (c != NULL)
		return c->bits;
	if (v.n == 0)
		return 0;
	for (uint8_t top = *v.p; (top & 0x80) == 0 && bits > 0; top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

void
pubkey_print(struct str *s, const struct pubkey *k)
{
	static const char *const names[PUBKEY_KIND_MAX] = {
		[PUBKEY_RSA] = "RSA ", [PUBKEY_ECDSA] = "ECDSA P-", [PUBKEY_DSA] = "DSA ",
	};

	if (pubkey_parts(k->kind) == 0)
		str_add(s, "no key");
	else
		str_addf(s, "%s%u", names[k->kind], pubkey_bits(k));
}

bool
pubkey_does(const struct pubkey *k, uint8_t auth_method)
{
	const struct curve *c = curve_of(k);

	switch (auth_method) {
	case AUTH_RSA_SIG:
		return k->kind == PUBKEY_RSA;
	case AUTH_DSS:
		return k->kind == PUBKEY_DSA;
	default:
		return c != NULL && c->method == auth_method;
	}
}

void
pubkey_encode(struct wr *w, const struct pubkey *k)
{
	wr_u8(w, k->kind);
	for (size_t i = 0; i < pubkey_parts(k->kind); i++) {
		wr_u16(w, k->n[i]);
		wr_view(w, pubkey_part(k, i));
	}
}

bool
pubkey_decode(struct rd *r, struct pubkey *ret)
{
	struct view parts[PUBKEY_PARTS];
	uint8_t kind = rd_u8(r);

	if (r->bad || (kind != PUBKEY_NONE && pubkey_parts(kind) == 0))
		return false;
	for (size_t i = 0; i < pubkey_parts(kind); i++) {
		parts[i] = rd_view(r, rd_u16(r));
		if (parts[i].n == 0 || *parts[i].p == 0)	/* one form only */
			return false;
	}
	if (kind == PUBKEY_NONE)
		*ret = (struct pubkey){ 0 };
	else
		return pubkey_set(ret, kind, parts);
	return true;
}
