#include "neg.h"

#include "crypto/random.h"
#include "wire/payload.h"
#include "wire/sa.h"

enum { H = HASH_SHA2_256, HASH_N = 32, KEY_N = 16, BLOCK = 16, LIFE = 28800, KEY_IKE = 1,
	NONCE_MOST = 256, X509_SIGNATURE = 4 };

static const uint8_t vendor_nat_t[16] = {	/* RFC 3947, section 3.1 */
	0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45,
	0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f
};

static struct msg_wr
begin(struct neg *n, uint8_t exchange, uint32_t message_id, bool encrypted)
{
	struct header h = { .version = 0x10, .exchange = exchange, .message_id = message_id,
	    .flags = encrypted ? FLAG_ENCRYPTION : 0 };

	memcpy(h.icookie, n->icookie, COOKIE_LEN);
	memcpy(h.rcookie, n->rcookie, COOKIE_LEN);
	return msg_begin(n->out, sizeof(n->out), &h);
}

static bool
encrypt(struct neg *n, struct msg_wr *m, uint8_t *iv)
{
	n->out_n = msg_finish_padded(m, BLOCK).n;
	return n->out_n > 0 && cipher_encrypt(CIPHER_AES_CBC, view_of(n->e, KEY_N), iv,
	    n->out + HEADER_LEN, n->out + HEADER_LEN, n->out_n - HEADER_LEN);
}

/* ---- message 1: HDR, SA, VID ---- */

static void
sa1_write(const struct neg_common *c, struct neg *n, struct msg_wr *m)
{
	struct pl_mark k = msg_open(m, PL_SA);
	size_t at = m->w.len;
	struct sa_wr sa = sa_wr_begin(m);

	sa_wr_proposal(&sa, 1, PROTO_ISAKMP, (struct view){ 0 });
	sa_wr_transform(&sa, 1, KEY_IKE);
	sa_wr_attribute(&sa, P1_ENCRYPTION_ALGORITHM, CIPHER_AES_CBC);
	sa_wr_attribute(&sa, P1_KEY_LENGTH, KEY_N * 8);
	sa_wr_attribute(&sa, P1_HASH_ALGORITHM, H);
	sa_wr_attribute(&sa, P1_AUTHENTICATION_METHOD, c->auth);
	sa_wr_attribute(&sa, P1_GROUP_DESCRIPTION, c->group);
	sa_wr_attribute(&sa, P1_LIFE_TYPE, LIFE_SECONDS);
	sa_wr_attribute(&sa, P1_LIFE_DURATION, LIFE);
	sa_wr_end(&sa);
	n->sa_body_n = m->w.len - at;
	memcpy(n->sa_body, n->out + at, n->sa_body_n);
	msg_close(m, k);
}

void
neg_start(const struct neg_common *c, struct neg *n)
{
	struct addr source = n->source, inside = n->inside;

	*n = (struct neg){ .source = source, .inside = inside, .state = NEG_SENT_1 };
	random_bytes(n->icookie, sizeof(n->icookie));
	random_bytes(&n->message_id, sizeof(n->message_id));
	random_bytes(&n->spi, sizeof(n->spi));
	n->message_id |= 1;
	n->spi |= 0x100;
	struct msg_wr m = begin(n, EXCH_ID_PROT, 0, false);
	sa1_write(c, n, &m);
	if (c->encap)
		msg_payload(&m, PL_VENDOR, view_of(vendor_nat_t, sizeof(vendor_nat_t)));
	n->out_n = msg_finish(&m).n;
}

/* ---- message 3: HDR, KE, Ni, NAT-D, NAT-D ---- */

/* The peer's end as it is; ours as behind a NAT. */
static void
nat_d_write(const struct neg_common *c, struct neg *n, struct msg_wr *m)
{
	uint8_t digest[HASH_LEN_MAX], port[2] = { 500 >> 8, 500 & 0xff };
	const struct view v[] = {
		view_of(n->icookie, COOKIE_LEN), view_of(n->rcookie, COOKIE_LEN),
		addr_view(&c->responder), view_of(port, 2),
	};

	if (!hash_views(H, v, COUNT(v), digest))
		m->w.bad = true;
	msg_payload(m, PL_NAT_D, view_of(digest, HASH_N));
	digest[0] ^= 1;
	msg_payload(m, PL_NAT_D, view_of(digest, HASH_N));
}

static bool
take_2(const struct neg_common *c, struct neg *n, const struct message *in)
{
	if (message_find(in, PL_SA, 0) == NULL)
		return false;
	memcpy(n->rcookie, in->h.rcookie, COOKIE_LEN);
	struct msg_wr m = begin(n, EXCH_ID_PROT, 0, false);
	msg_payload(&m, PL_KEY_EXCH, dh_public(c->dh));
	msg_payload(&m, PL_NONCE, view_of(c->nonce, NEG_NONCE));
	if (c->encap)
		nat_d_write(c, n, &m);
	n->out_n = msg_finish(&m).n;
	n->state = NEG_SENT_3;
	return true;
}

/* ---- message 5: HDR*, IDii, HASH_I; or HDR*, IDii, CERT, SIG_I ---- */

/* SKEYID and its children, RFC 2409 section 5; Ka is the head of SKEYID_e. */
static bool
derive(const struct neg_common *c, struct neg *n, struct view nr, struct view gxy)
{
	static const uint8_t number[] = { 0, 1, 2 };
	uint8_t *out[] = { n->d, n->a, n->e };
	const struct view nonces[] = { view_of(c->nonce, NEG_NONCE), nr };
	const struct view ends[] = { dh_public(c->dh), view_of(n->gxr, n->gxr_n) };
	uint8_t digest[HASH_LEN_MAX];
	uint8_t both[2 * NONCE_MOST];
	struct wr w = wr_of(both, sizeof(both));
	bool ok;

	wr_view(&w, nonces[0]);
	wr_view(&w, nonces[1]);
	ok = (c->key == NULL ? prf_views(H, c->psk, nonces, 2, n->skeyid) :
	    prf_views(H, wr_done(&w), &gxy, 1, n->skeyid)) && hash_views(H, ends, 2, digest);

	for (size_t i = 0; ok && i < 3; i++) {
		const struct view v[] = {
			view_of(i == 0 ? NULL : out[i - 1], i == 0 ? 0 : HASH_N), gxy,
			view_of(n->icookie, COOKIE_LEN), view_of(n->rcookie, COOKIE_LEN),
			view_of(&number[i], 1),
		};
		ok = prf_views(H, view_of(n->skeyid, HASH_N), v, COUNT(v), out[i]);
	}
	memcpy(n->iv, digest, BLOCK);
	return ok;
}

static bool
auth_hash(const struct neg_common *c, const struct neg *n, bool initiators, struct view id,
    uint8_t *ret)
{
	struct view gxi = dh_public(c->dh), gxr = view_of(n->gxr, n->gxr_n);
	struct view cky_i = view_of(n->icookie, COOKIE_LEN), cky_r = view_of(n->rcookie, COOKIE_LEN);
	const struct view v[] = {
		initiators ? gxi : gxr, initiators ? gxr : gxi,
		initiators ? cky_i : cky_r, initiators ? cky_r : cky_i,
		view_of(n->sa_body, n->sa_body_n), id,
	};

	return prf_views(H, view_of(n->skeyid, HASH_N), v, COUNT(v), ret);
}

/* CERT and SIG: the methods here all take HASH_I of the negotiated hash. */
static bool
proof_signed(const struct neg_common *c, struct msg_wr *m, struct view hash)
{
	uint8_t body[1 + NEG_OUT_MAX], signature[SIGNATURE_MAX];
	struct wr w = wr_of(body, sizeof(body));
	size_t len = 0;

	wr_u8(&w, X509_SIGNATURE);
	wr_view(&w, c->cert);
	if (w.bad || sign_make(c->key, c->auth, hash, signature, &len) != WHY_NONE)
		return false;
	msg_payload(m, PL_CERT, wr_done(&w));
	msg_payload(m, PL_SIG, view_of(signature, len));
	return true;
}

static bool
take_4(const struct neg_common *c, struct neg *n, const struct message *in)
{
	const struct payload *ke = message_find(in, PL_KEY_EXCH, 0);
	const struct payload *nr = message_find(in, PL_NONCE, 0);
	struct secret gxy = { 0 };
	struct id id = id_from_addr(&n->source);
	uint8_t body[64], hash[HASH_LEN_MAX];
	struct wr w = wr_of(body, sizeof(body));

	if (ke == NULL || nr == NULL || ke->body.n > sizeof(n->gxr) ||
	    dh_shared(c->dh, ke->body, &gxy) != WHY_NONE)
		return false;
	memcpy(n->gxr, ke->body.p, ke->body.n);
	n->gxr_n = ke->body.n;
	bool ok = derive(c, n, nr->body, secret_view(&gxy));
	secret_done(&gxy);
	if (c->key == NULL) {
		id_encode(&w, &id);
	} else {
		wr_u32(&w, (uint32_t)ID_FQDN << 24);
		wr_view(&w, view_str(c->name));
	}
	if (!ok || w.bad || !auth_hash(c, n, true, wr_done(&w), hash))
		return false;
	struct msg_wr m = begin(n, EXCH_ID_PROT, 0, true);
	msg_payload(&m, PL_ID, wr_done(&w));
	if (c->key == NULL)
		msg_payload(&m, PL_HASH, view_of(hash, HASH_N));
	else if (!proof_signed(c, &m, view_of(hash, HASH_N)))
		return false;
	n->state = NEG_SENT_5;
	n->float_now = c->encap;
	return encrypt(n, &m, n->iv);
}

/* ---- quick mode: HDR*, HASH(1), SA, Ni [, KE], IDci, IDcr ---- */

static void
sa2_write(const struct neg_common *c, struct neg *n, struct msg_wr *m)
{
	struct pl_mark k = msg_open(m, PL_SA);
	struct sa_wr sa = sa_wr_begin(m);

	sa_wr_proposal(&sa, 1, PROTO_IPSEC_ESP, view_of(&n->spi, sizeof(n->spi)));
	sa_wr_transform(&sa, 1, ESP_AES);
	sa_wr_attribute(&sa, P2_SA_LIFE_TYPE, LIFE_SECONDS);
	sa_wr_attribute(&sa, P2_SA_LIFE_DURATION, LIFE);
	sa_wr_attribute(&sa, P2_ENCAPSULATION_MODE,
	    c->encap ? ENCAP_UDP_ENCAP_TUNNEL : ENCAP_TUNNEL);
	sa_wr_attribute(&sa, P2_AUTHENTICATION_ALGORITHM, AUTHALG_HMAC_SHA2_256);
	sa_wr_attribute(&sa, P2_KEY_LENGTH, KEY_N * 8);
	if (c->pfs)
		sa_wr_attribute(&sa, P2_GROUP_DESCRIPTION, c->group);
	sa_wr_end(&sa);
	msg_close(m, k);
}

static void
id_payload(struct msg_wr *m, const struct id *id)
{
	struct pl_mark k = msg_open(m, PL_ID);

	id_encode(&m->w, id);
	msg_close(m, k);
}

/* Room for a HASH payload in front; filled when the rest is written. */
static bool
hash_1_fill(struct neg *n, struct msg_wr *m, uint32_t message_id)
{
	uint8_t id[4], hash[HASH_LEN_MAX];
	struct wr w = wr_of(id, sizeof(id));
	size_t at = HEADER_LEN + 4, rest = at + HASH_N;

	wr_u32(&w, message_id);
	const struct view v[] = { wr_done(&w), view_of(n->out + rest, m->w.len - rest) };
	if (m->w.bad || !prf_views(H, view_of(n->a, HASH_N), v, 2, hash))
		return false;
	memcpy(n->out + at, hash, HASH_N);
	return true;
}

static bool
phase2_iv(const struct neg *n, uint32_t message_id, uint8_t *ret)
{
	uint8_t id[4], digest[HASH_LEN_MAX];
	struct wr w = wr_of(id, sizeof(id));

	wr_u32(&w, message_id);
	const struct view v[] = { view_of(n->iv, BLOCK), wr_done(&w) };
	bool ok = hash_views(H, v, 2, digest);
	memcpy(ret, digest, BLOCK);
	return ok;
}

static bool
quick_1(const struct neg_common *c, struct neg *n)
{
	static const uint8_t zero[HASH_N];
	struct id ours = id_from_addr(&n->inside);
	struct id theirs = id_from_subnet(&c->behind.first, (unsigned)range_bits(&c->behind));
	struct msg_wr m = begin(n, EXCH_QUICK_MODE, n->message_id, true);

	msg_payload(&m, PL_HASH, view_of(zero, HASH_N));
	sa2_write(c, n, &m);
	msg_payload(&m, PL_NONCE, view_of(c->nonce, NEG_NONCE));
	if (c->pfs)
		msg_payload(&m, PL_KEY_EXCH, dh_public(c->dh));
	id_payload(&m, &ours);
	id_payload(&m, &theirs);
	n->state = NEG_SENT_QM;
	return hash_1_fill(n, &m, n->message_id) && phase2_iv(n, n->message_id, n->qm_iv) &&
	    encrypt(n, &m, n->qm_iv);
}

static bool
take_6(const struct neg_common *c, struct neg *n, const struct message *in)
{
	const struct payload *id = message_find(in, PL_ID, 0), *hash = message_find(in, PL_HASH, 0);
	uint8_t want[HASH_LEN_MAX];

	/* Who could encrypt it has done the key work; checking would be work of ours only. */
	if (c->key != NULL)
		return id != NULL && message_find(in, PL_CERT, 0) != NULL &&
		    message_find(in, PL_SIG, 0) != NULL && quick_1(c, n);
	return id != NULL && hash != NULL && auth_hash(c, n, false, id->body, want) &&
	    view_equal(hash->body, view_of(want, HASH_N)) && quick_1(c, n);
}

/* ---- quick mode, message 3: HDR*, HASH(3) ---- */

static bool
take_qm_2(const struct neg_common *c, struct neg *n, const struct message *in)
{
	const struct payload *hash = message_find(in, PL_HASH, 0), *sa = message_find(in, PL_SA, 0);
	const struct payload *nr = message_find(in, PL_NONCE, 0);
	uint8_t room[5] = { 0 }, want[HASH_LEN_MAX];
	struct wr w = wr_of(room + 1, 4);
	struct sa_body body;
	struct proposal p;

	wr_u32(&w, n->message_id);
	/* Whoever leaves our KE unanswered does less work than was asked for. */
	if (hash == NULL || sa == NULL || nr == NULL ||
	    (message_find(in, PL_KEY_EXCH, 0) != NULL) != c->pfs || sa_decode(sa->body, &body) != WHY_NONE ||
	    proposal_next(&body.proposals, -1, &p) != WHY_NONE || p.spi.n != 4)
		return false;
	struct view ni = view_of(c->nonce, NEG_NONCE);
	const uint8_t *rest = hash->body.p + hash->body.n;
	const struct view two[] = {
		wr_done(&w), ni, view_of(rest, (size_t)(in->chain.p + in->chain.n - rest)),
	};
	if (!prf_views(H, view_of(n->a, HASH_N), two, 3, want) ||
	    !view_equal(hash->body, view_of(want, HASH_N)))
		return false;
	memcpy(&n->peer_spi, p.spi.p, 4);
	const struct view three[] = { view_of(room, 5), ni, nr->body };
	if (!prf_views(H, view_of(n->a, HASH_N), three, 3, want))
		return false;
	struct msg_wr m = begin(n, EXCH_QUICK_MODE, n->message_id, true);
	msg_payload(&m, PL_HASH, view_of(want, HASH_N));
	n->state = NEG_DONE;
	return encrypt(n, &m, n->qm_iv);
}

/* ---- what arrives ---- */

static bool
is_ours(const struct neg *n, const struct header *h)
{
	uint8_t exchange = n->state == NEG_SENT_QM ? EXCH_QUICK_MODE : EXCH_ID_PROT;
	bool encrypted = n->state >= NEG_SENT_5;

	return n->state != NEG_IDLE && n->state != NEG_DONE && h->exchange == exchange &&
	    memcmp(h->icookie, n->icookie, COOKIE_LEN) == 0 &&
	    (n->state == NEG_SENT_1 || memcmp(h->rcookie, n->rcookie, COOKIE_LEN) == 0) &&
	    ((h->flags & FLAG_ENCRYPTION) != 0) == encrypted &&
	    h->message_id == (exchange == EXCH_QUICK_MODE ? n->message_id : 0);
}

bool
neg_input(const struct neg_common *c, struct neg *n, struct view datagram)
{
	uint8_t clear[NEG_OUT_MAX], iv[CIPHER_BLOCK_MAX];
	struct header h;
	struct message in;
	bool encrypted = n->state >= NEG_SENT_5;
	uint8_t *kept = n->state == NEG_SENT_QM ? n->qm_iv : n->iv;

	if (header_decode(datagram, &h) != WHY_NONE || !is_ours(n, &h) ||
	    datagram.n > sizeof(clear))
		return false;
	size_t len = datagram.n - HEADER_LEN;
	memcpy(clear, datagram.p + HEADER_LEN, len);
	memcpy(iv, kept, BLOCK);
	if (encrypted && !cipher_decrypt(CIPHER_AES_CBC, view_of(n->e, KEY_N), iv, clear, clear, len))
		return false;
	if (message_parse(&h, view_of(clear, len), encrypted, &in) != WHY_NONE)
		return false;
	if (encrypted)
		memcpy(kept, iv, BLOCK);
	switch (n->state) {
	case NEG_SENT_1:
		return take_2(c, n, &in);
	case NEG_SENT_3:
		return take_4(c, n, &in);
	case NEG_SENT_5:
		return take_6(c, n, &in);
	case NEG_SENT_QM:
		return take_qm_2(c, n, &in);
	case NEG_IDLE:
	case NEG_DONE:
		break;
	}
	return false;
}

void
neg_delete(const struct neg_common *c, struct neg *n, bool isakmp)
{
	static const uint8_t zero[HASH_N];
	uint8_t cookies[2 * COOKIE_LEN], iv[CIPHER_BLOCK_MAX];
	uint32_t id;

	(void)c;
	random_bytes(&id, sizeof(id));
	id |= 1;
	memcpy(cookies, n->icookie, COOKIE_LEN);
	memcpy(cookies + COOKIE_LEN, n->rcookie, COOKIE_LEN);
	const struct delete_body d = {
		.doi = DOI_IPSEC_NUMBER, .protocol = isakmp ? PROTO_ISAKMP : PROTO_IPSEC_ESP,
		.spi_len = isakmp ? sizeof(cookies) : sizeof(n->spi), .n = 1,
		.spis = isakmp ? view_of(cookies, sizeof(cookies)) : view_of(&n->spi, sizeof(n->spi)),
	};
	struct msg_wr m = begin(n, EXCH_INFO, id, true);
	msg_payload(&m, PL_HASH, view_of(zero, HASH_N));
	struct pl_mark k = msg_open(&m, PL_DELETE);
	delete_encode(&m.w, &d);
	msg_close(&m, k);
	if (!hash_1_fill(n, &m, id) || !phase2_iv(n, id, iv) || !encrypt(n, &m, iv))
		n->out_n = 0;
}
