/*
 * Key material: RFC 2409 sections 5 and 5.5, appendix B.  SKEYID itself stays
 * in `keys`; here are its children and what is made of them.
 */
#include "ike/internal.h"

void
p1_keys_done(struct p1_keys *k)
{
	secret_done(&k->skeyid_d);
	secret_done(&k->skeyid_a);
	secret_done(&k->cipher_key);
	wipe(k, sizeof(*k));
}

/*
 * Appendix B: Ka is SKEYID_e if that is long enough, else
 *   K1 = prf(SKEYID_e, 0), K2 = prf(SKEYID_e, K1), ...
 */
static bool
cipher_key(const struct p1_params *p, struct view skeyid_e, struct secret *ret)
{
	size_t want = cipher_key_len(p->cipher, p->key_bits), n = hash_len(p->hash);
	uint8_t room[CIPHER_KEY_MAX + HASH_LEN_MAX];
	uint8_t zero = 0;
	size_t have = 0;
	bool ok = true;

	if (want == 0 || n == 0)
		return false;
	if (skeyid_e.n >= want)
		return secret_set(ret, view_of(skeyid_e.p, want));
	struct view in = view_of(&zero, 1);
	while (ok && have < want) {
		ok = prf_views(p->hash, skeyid_e, &in, 1, room + have);
		in = view_of(room + have, n);
		have += n;
	}
	ok = ok && secret_set(ret, view_of(room, want));
	wipe(room, sizeof(room));
	return ok;
}

/* The first IV: hash(g^xi | g^xr), cut to the cipher's block. */
bool
keymat_phase1(struct exchange *x, struct view skeyid_e)
{
	struct p1 *p1 = x->p1;
	struct view own = view_of(p1->public_value, p1->public_n);
	struct view peer = view_of(p1->peer_public, p1->peer_public_n);
	const struct view parts[] = { x->initiator ? own : peer, x->initiator ? peer : own };
	uint8_t digest[HASH_LEN_MAX];

	if (!cipher_key(&p1->params, skeyid_e, &p1->keys.cipher_key) ||
	    !hash_views(p1->params.hash, parts, 2, digest))
		return false;
	memcpy(x->iv, digest, cipher_block(p1->params.cipher));
	p1->have_keys = true;
	return true;
}

/* hash(last phase 1 block | M-ID) */
bool
keymat_phase2_iv(const struct p1_params *p, const uint8_t *last_block, uint32_t message_id,
    uint8_t ret[CIPHER_BLOCK_MAX])
{
	uint8_t id[4], digest[HASH_LEN_MAX];
	struct wr w = wr_of(id, sizeof(id));
	size_t block = cipher_block(p->cipher);

	wr_u32(&w, message_id);
	const struct view parts[] = { view_of(last_block, block), wr_done(&w) };
	if (!hash_views(p->hash, parts, 2, digest))
		return false;
	memcpy(ret, digest, block);
	return true;
}

bool
keymat_hash(const struct p1_params *p, const struct p1_keys *k, const struct view *parts,
    size_t n, uint8_t ret[PRF_MAX])
{
	return prf_views(p->hash, secret_view(&k->skeyid_a), parts, n, ret);
}

/*
 * KEYMAT = K1 | K2 | ...
 *   K1 = prf(SKEYID_d, [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b)
 *   K2 = prf(SKEYID_d, K1 | [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b)
 */
bool
keymat_phase2(const struct p1_params *p, const struct p1_keys *k, const struct p2 *p2,
    uint32_t spi, struct secret *ret)
{
	struct sa_lengths len;
	uint8_t head[5], room[SECRET_MAX];
	struct wr w = wr_of(head, sizeof(head));
	size_t n = hash_len(p->hash), have = 0;
	bool ok = true;

	if (!sa_suite_lengths(&p2->suite, &len))
		return false;
	size_t want = len.key + len.salt + len.auth;
	if (n == 0 || want + HASH_LEN_MAX > sizeof(room))
		return false;
	wr_u8(&w, p2->suite.protocol);
	wr_u32(&w, spi);
	struct view previous = { 0 };
	while (ok && have < want) {
		const struct view parts[] = {
			previous, secret_view(&p2->shared), wr_done(&w),
			view_of(p2->ni, p2->ni_n), view_of(p2->nr, p2->nr_n),
		};

		ok = prf_views(p->hash, secret_view(&k->skeyid_d), parts, COUNT(parts), room + have);
		previous = view_of(room + have, n);
		have += n;
	}
	ok = ok && secret_set(ret, view_of(room, want));
	wipe(room, sizeof(room));
	return ok;
}
