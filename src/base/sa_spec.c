#include "base/sa_spec.h"

#include <string.h>

/* ---- the algorithm table, isakmpd.md section 15 ---- */

enum auth_rule { AUTH_REQUIRED, AUTH_FORBIDDEN };
enum key_rule { KEY_FIXED, KEY_AES };

static const struct {
	uint8_t		cipher, key_rule, auth_rule;
	uint8_t		key;		/* octets where fixed */
	uint8_t		salt, iv, block, icv;
} ciphers[] = {
	/* RFC 2451, 2410 */
	{ ESP_3DES,	  KEY_FIXED, AUTH_REQUIRED, 24, 0, 8, 8, 0 },
	{ ESP_NULL,	  KEY_FIXED, AUTH_REQUIRED, 0, 0, 0, 1, 0 },
	/* RFC 3602, 3686 */
	{ ESP_AES,	  KEY_AES, AUTH_REQUIRED, 0, 0, 16, 16, 0 },
	{ ESP_AES_CTR,	  KEY_AES, AUTH_REQUIRED, 0, 4, 8, 1, 0 },
	/* RFC 4106, 4543: they authenticate by themselves */
	{ ESP_AES_GCM_16, KEY_AES, AUTH_FORBIDDEN, 0, 4, 8, 1, 16 },
	{ ESP_AES_GMAC,	  KEY_AES, AUTH_FORBIDDEN, 0, 4, 8, 1, 16 },
};

static const struct {
	uint8_t	auth, key, icv;
} auths[] = {
	{ AUTHALG_HMAC_MD5,	 16, 12 },	/* RFC 2403 */
	{ AUTHALG_HMAC_SHA,	 20, 12 },	/* RFC 2404 */
	{ AUTHALG_HMAC_SHA2_256, 32, 16 },	/* RFC 4868 */
	{ AUTHALG_HMAC_SHA2_384, 48, 24 },
	{ AUTHALG_HMAC_SHA2_512, 64, 32 },
};

/* Octets of an AES key; without a KEY_LENGTH it has 128 bits. */
static bool
aes_key(uint16_t bits, size_t *ret)
{
	if (bits == 0)
		bits = 128;
	if (bits != 128 && bits != 192 && bits != 256)
		return false;
	*ret = bits / 8;
	return true;
}

static bool
cipher_lengths(const struct sa_suite *s, struct sa_lengths *l, bool *auth_due)
{
	for (size_t i = 0; i < COUNT(ciphers); i++) {
		if (ciphers[i].cipher != s->cipher)
			continue;
		l->key = ciphers[i].key;
		l->salt = ciphers[i].salt;
		l->iv = ciphers[i].iv;
		l->block = ciphers[i].block;
		l->icv = ciphers[i].icv;
		*auth_due = ciphers[i].auth_rule == AUTH_REQUIRED;
		return ciphers[i].key_rule == KEY_AES ? aes_key(s->key_bits, &l->key) :
		    s->key_bits == 0;
	}
	return false;
}

static bool
auth_lengths(uint8_t auth, struct sa_lengths *l)
{
	for (size_t i = 0; i < COUNT(auths); i++)
		if (auths[i].auth == auth) {
			l->auth = auths[i].key;
			l->icv = auths[i].icv;
			return true;
		}
	return false;
}

bool
sa_suite_lengths(const struct sa_suite *s, struct sa_lengths *ret)
{
	struct sa_lengths l = { 0 };
	bool auth_due;

	if (s->protocol != PROTO_IPSEC_ESP ||
	    (s->mode != SA_TUNNEL && s->mode != SA_TRANSPORT) ||
	    !cipher_lengths(s, &l, &auth_due))
		return false;
	if (auth_due ? !auth_lengths(s->auth, &l) : s->auth != AUTHALG_NONE)
		return false;
	*ret = l;
	return true;
}

void
sa_suite_print(struct str *s, const struct sa_suite *suite)
{
	char room[24];
	size_t octets = 0;
	bool aes = suite->cipher == ESP_AES || suite->cipher == ESP_AES_CTR ||
	    suite->cipher == ESP_AES_GCM_16 || suite->cipher == ESP_AES_GMAC;

	str_add(s, suite->protocol == PROTO_IPSEC_ESP ? "ESP " :
	    suite->protocol == PROTO_IPSEC_AH ? "AH " : "");
	str_add(s, reg_text(REG_ESP, suite->cipher, room));
	if (aes && aes_key(suite->key_bits, &octets))
		str_addf(s, "-%u", (unsigned)octets * 8);
	else if (suite->key_bits != 0)
		str_addf(s, "-%u", suite->key_bits);
	if (suite->auth != AUTHALG_NONE)
		str_addf(s, " %s", reg_text(REG_IPSEC_AUTH, suite->auth, room));
	str_add(s, suite->mode == SA_TUNNEL ? " tunnel" :
	    suite->mode == SA_TRANSPORT ? " transport" : " <no mode>");
	if (suite->esn)
		str_add(s, " esn");
}

/* ---- ownership ---- */

void
sa_spec_done(struct sa_spec *s)
{
	if (s == NULL)
		return;
	secret_done(&s->in.keymat);
	secret_done(&s->out.keymat);
	*s = (struct sa_spec){ 0 };
}

bool
sa_spec_copy(struct sa_spec *ret, const struct sa_spec *from)
{
	struct sa_spec s = *from;

	s.in.keymat = s.out.keymat = (struct secret){ 0 };
	if (!secret_set(&s.in.keymat, secret_view(&from->in.keymat)) ||
	    !secret_set(&s.out.keymat, secret_view(&from->out.keymat))) {
		sa_spec_done(&s);
		return false;
	}
	*ret = s;
	return true;
}

/* ---- codecs ---- */

static void
addr_encode(struct wr *w, const struct addr *a)
{
	wr_u8(w, a->family);
	wr_view(w, addr_view(a));
	wr_u32(w, a->scope);
}

static struct addr
addr_decode(struct rd *r)
{
	struct addr a = { .family = rd_u8(r) };

	if (a.family != FAMILY_NONE && a.family != FAMILY_IP4 && a.family != FAMILY_IP6)
		r->bad = true;
	if (r->bad)
		return (struct addr){ 0 };
	rd_copy(r, a.b, addr_len(&a));
	a.scope = rd_u32(r);
	return a;
}

void
endpoint_encode(struct wr *w, const struct endpoint *e)
{
	addr_encode(w, &e->addr);
	wr_u16(w, e->port);
}

struct endpoint
endpoint_decode(struct rd *r)
{
	struct endpoint e = { .addr = addr_decode(r) };

	e.port = rd_u16(r);
	return e;
}

static void
selector_encode(struct wr *w, const struct selector *s)
{
	addr_encode(w, &s->net.first);
	addr_encode(w, &s->net.last);
	wr_u16(w, s->port);
}

static struct selector
selector_decode(struct rd *r)
{
	struct selector s = { .net.first = addr_decode(r) };

	s.net.last = addr_decode(r);
	s.port = rd_u16(r);
	if (s.net.first.family != s.net.last.family ||
	    addr_compare(&s.net.first, &s.net.last) > 0)
		r->bad = true;
	return s;
}

void
flow_encode(struct wr *w, const struct flow *f)
{
	selector_encode(w, &f->local);
	selector_encode(w, &f->remote);
	wr_u8(w, f->protocol);
}

struct flow
flow_decode(struct rd *r)
{
	struct flow f = { .local = selector_decode(r) };

	f.remote = selector_decode(r);
	f.protocol = rd_u8(r);
	if (f.local.net.first.family != f.remote.net.first.family)
		r->bad = true;
	return f;
}

static void
suite_encode(struct wr *w, const struct sa_suite *s)
{
	wr_u8(w, s->protocol);
	wr_u8(w, s->cipher);
	wr_u8(w, s->auth);
	wr_u8(w, s->mode);
	wr_u16(w, s->key_bits);
	wr_u8(w, s->esn);
}

static struct sa_suite
suite_decode(struct rd *r)
{
	struct sa_suite s = { 0 };

	s.protocol = rd_u8(r);
	s.cipher = rd_u8(r);
	s.auth = rd_u8(r);
	s.mode = rd_u8(r);
	s.key_bits = rd_u16(r);
	s.esn = rd_bool(r);
	return s;
}

static void
half_encode(struct wr *w, const struct sa_half *h)
{
	wr_u32(w, h->spi);
	wr_u16(w, (uint16_t)h->keymat.n);
	wr_view(w, secret_view(&h->keymat));
}

static struct sa_half
half_decode(struct rd *r)
{
	struct sa_half h = { .spi = rd_u32(r) };
	size_t n = rd_u16(r);

	if (!secret_set(&h.keymat, rd_view(r, n)))
		r->bad = true;
	return h;
}

static void
name_encode(struct wr *w, const char name[SA_NAME_MAX])
{
	size_t n = strnlen(name, SA_NAME_MAX - 1);

	wr_u8(w, (uint8_t)n);
	wr_bytes(w, name, n);
}

static void
name_decode(struct rd *r, char ret[SA_NAME_MAX])
{
	size_t n = rd_u8(r);

	if (n >= SA_NAME_MAX) {
		r->bad = true;
		return;
	}
	rd_copy(r, ret, n);
	ret[n] = '\0';
	if (strlen(ret) != n)
		r->bad = true;
}

void
sa_spec_encode(struct wr *w, const struct sa_spec *s)
{
	wr_u64(w, s->id);
	name_encode(w, s->name);
	suite_encode(w, &s->suite);
	endpoint_encode(w, &s->local);
	endpoint_encode(w, &s->remote);
	wr_u8(w, s->encap);
	flow_encode(w, &s->flow);
	half_encode(w, &s->in);
	half_encode(w, &s->out);
	wr_u32(w, s->replay_window);
	wr_u8(w, s->shared);
	wr_u32(w, s->soft_secs);
	wr_u32(w, s->hard_secs);
	wr_u64(w, s->soft_bytes);
	wr_u64(w, s->hard_bytes);
}

bool
sa_spec_decode(struct rd *r, struct sa_spec *ret)
{
	struct sa_spec s = { .id = rd_u64(r) };

	name_decode(r, s.name);
	s.suite = suite_decode(r);
	s.local = endpoint_decode(r);
	s.remote = endpoint_decode(r);
	s.encap = rd_bool(r);
	s.flow = flow_decode(r);
	s.in = half_decode(r);
	s.out = half_decode(r);
	s.replay_window = rd_u32(r);
	s.shared = rd_bool(r);
	s.soft_secs = rd_u32(r);
	s.hard_secs = rd_u32(r);
	s.soft_bytes = rd_u64(r);
	s.hard_bytes = rd_u64(r);
	if (r->bad) {
		sa_spec_done(&s);
		return false;
	}
	*ret = s;
	return true;
}

void
sa_usage_encode(struct wr *w, const struct sa_usage *u)
{
	wr_u64(w, u->in_packets);
	wr_u64(w, u->in_bytes);
	wr_u64(w, u->out_packets);
	wr_u64(w, u->out_bytes);
	wr_u64(w, u->in_refused);
	wr_u32(w, u->in_idle);
	wr_u32(w, u->out_idle);
}

struct sa_usage
sa_usage_decode(struct rd *r)
{
	struct sa_usage u = { 0 };

	u.in_packets = rd_u64(r);
	u.in_bytes = rd_u64(r);
	u.out_packets = rd_u64(r);
	u.out_bytes = rd_u64(r);
	u.in_refused = rd_u64(r);
	u.in_idle = rd_u32(r);
	u.out_idle = rd_u32(r);
	return u;
}
