#include "prove.h"

#include <stdio.h>

#include "crypto/dh.h"
#include "crypto/hash.h"
#include "role/keys_state.h"
#include "unit/crypto/hex.h"

/* --- vectors: "[block]" and "name = value" --- */

struct block {
	char	name[64];
	char	method[16], hash[16];
	struct hex psk, ni, nr, gxy, gxi, gxr, cookies, sa, id_i, id_r;
	struct hex skeyid, d, a, e, hash_i, hash_r;
};

static void
block_field(struct block *b, const char *name, const char *value)
{
	const struct { const char *name; struct hex *to; } fields[] = {
		{ "psk", &b->psk }, { "Ni", &b->ni }, { "Nr", &b->nr }, { "gxy", &b->gxy },
		{ "gxi", &b->gxi }, { "gxr", &b->gxr }, { "SAi_b", &b->sa },
		{ "IDii_b", &b->id_i }, { "IDir_b", &b->id_r }, { "SKEYID", &b->skeyid },
		{ "SKEYID_d", &b->d }, { "SKEYID_a", &b->a }, { "SKEYID_e", &b->e },
		{ "HASH_I", &b->hash_i }, { "HASH_R", &b->hash_r },
	};
	struct hex h = hex_of(value);

	for (size_t i = 0; i < COUNT(fields); i++)
		if (strcmp(name, fields[i].name) == 0)
			*fields[i].to = h;
	if (strncmp(name, "CKY_", 4) == 0) {	/* CKY_I comes first */
		memcpy(b->cookies.b + b->cookies.n, h.b, h.n);
		b->cookies.n += h.n;
	}
	if (strcmp(name, "method") == 0)
		memcpy(b->method, value, strnlen(value, sizeof(b->method) - 1));
	if (strcmp(name, "hash") == 0)
		memcpy(b->hash, value, strnlen(value, sizeof(b->hash) - 1));
}

/* The next block, or false at the end. */
static bool
block_next(FILE *f, struct block *b)
{
	char line[4096];
	bool any = false;
	long at = ftell(f);

	memset(b, 0, sizeof(*b));
	while (fgets(line, sizeof(line), f) != NULL) {
		char *value = strstr(line, " = ");

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '[') {
			if (any) {
				assert_int_equal(fseek(f, at, SEEK_SET), 0);
				return true;
			}
			any = true;
			memcpy(b->name, line, strnlen(line, sizeof(b->name) - 1));
		} else if (value != NULL && line[0] != '#') {
			*value = '\0';
			block_field(b, line, value + 3);
		}
		at = ftell(f);
	}
	return any;
}

static uint8_t
hash_of_name(const char *name)
{
	static const struct { const char *name; uint8_t hash; } t[] = {
		{ "md5", HASH_MD5 }, { "sha1", HASH_SHA }, { "sha256", HASH_SHA2_256 },
		{ "sha384", HASH_SHA2_384 }, { "sha512", HASH_SHA2_512 },
	};

	for (size_t i = 0; i < COUNT(t); i++)
		if (strcmp(name, t[i].name) == 0)
			return t[i].hash;
	fail_msg("unknown hash %s", name);
	return 0;
}

#define assert_secret(s, h) do {					\
	assert_int_equal((s).n, (h).n);					\
	assert_memory_equal((s).p, (h).b, (h).n);			\
} while (0)

static void
check_hash(const struct block *b, uint8_t hash, bool initiators)
{
	const struct hex *want = initiators ? &b->hash_i : &b->hash_r;
	const struct hex *id = initiators ? &b->id_i : &b->id_r;
	uint8_t got[PRF_MAX];

	assert_int_equal(hash_len(hash), want->n);
	assert_true(keying_hash(hash, hex_view(&b->skeyid), initiators, hex_view(&b->gxi),
	    hex_view(&b->gxr), b->cookies.b, hex_view(&b->sa), hex_view(id), got));
	assert_memory_equal(got, want->b, want->n);
}

static void
skeyids_and_hashes_are_those_of_the_vectors(void **state)
{
	FILE *f = fopen(VECTORS "/ikev1/phase1.txt", "r");
	struct block b;
	unsigned derived = 0, hashed = 0;

	(void)state;
	assert_non_null(f);
	while (block_next(f, &b)) {
		struct keying k;
		uint8_t hash = hash_of_name(b.hash);

		if (b.hash_i.n > 0) {	/* RFC 2409 section 5: any method */
			check_hash(&b, hash, true);
			check_hash(&b, hash, false);
			hashed++;
		}
		struct view psk = hex_view(&b.psk);
		bool signs = strcmp(b.method, "sig") == 0;

		if (!signs && strcmp(b.method, "psk") != 0)
			continue;
		assert_true(keying_derive(hash, signs ? NULL : &psk, hex_view(&b.ni),
		    hex_view(&b.nr), hex_view(&b.gxy), b.cookies.b, &k));
		assert_secret(k.skeyid, b.skeyid);
		assert_secret(k.d, b.d);
		assert_secret(k.a, b.a);
		assert_secret(k.e, b.e);
		keying_done(&k);
		derived++;
	}
	fclose(f);
	assert_int_equal(derived, 12);	/* NIST's and one per hash, either way */
	assert_true(hashed >= 5);
}

static void
unknown_hashes_derive_nothing(void **state)
{
	struct view v = view_str("12345678");
	uint8_t cookies[16] = { 0 };
	struct keying k;

	(void)state;
	assert_false(keying_derive(HASH_TIGER, &v, v, v, v, cookies, &k));
	assert_false(keying_derive(0, &v, v, v, v, cookies, &k));
}

/* --- the contract --- */

static const uint8_t nonce_i[16] = "initiator nonce", nonce_r[32] = "responder nonce";
static const uint8_t cookies_ab[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18 };
static const uint8_t sa_body[24] = "SA body", id_i[8] = "id of i", id_r[9] = "id of r!";

struct side {
	struct keys_state	*ks;
	uint8_t			 public_value[PUBLIC_MAX];
	size_t			 public_n;
};

static enum why
dh_start(struct side *s, uint64_t token, uint16_t group)
{
	struct keys_ask a = { .verb = KEYS_DH_NEW, .token = token, .group = group };
	struct keys_answer ret = { 0 };

	keys_state_ask(s->ks, &a, &ret);
	assert_int_equal(ret.verb, KEYS_DH_NEW);
	assert_true(ret.token == token);
	if (ret.why == WHY_NONE) {
		memcpy(s->public_value, ret.public_value, ret.public_n);
		s->public_n = ret.public_n;
	}
	keys_answer_done(&ret);
	return ret.why;
}

static struct keys_ask
skeyid_ask(uint64_t token, bool initiator, const char *peer, const struct side *other)
{
	struct keys_ask a = { .verb = KEYS_SKEYID, .token = token, .initiator = initiator,
	    .hash = HASH_SHA2_256, .auth = AUTH_PRE_SHARED,
	    .ni = view_of(nonce_i, sizeof(nonce_i)), .nr = view_of(nonce_r, sizeof(nonce_r)),
	    .peer_public = view_of(other->public_value, other->public_n) };

	memcpy(a.cookies, cookies_ab, 16);
	memcpy(a.peer, peer, strlen(peer));
	return a;
}

static enum why
ask(struct keys_state *ks, const struct keys_ask *a)
{
	struct keys_answer ret = { 0 };

	keys_state_ask(ks, a, &ret);
	keys_answer_done(&ret);
	return ret.why;
}

static struct keys_ask
auth_ask(uint8_t verb, uint64_t token, struct view id, struct view got)
{
	return (struct keys_ask){ .verb = verb, .token = token,
	    .sa_body = view_of(sa_body, sizeof(sa_body)), .id_body = id, .proof = got };
}

static void
drop(struct keys_state *ks, uint64_t token)
{
	struct keys_ask a = { .verb = KEYS_DROP, .token = token };

	assert_int_equal(keys_state_check(ks, &a), KEYS_STEP_SILENT);
	assert_int_equal(ask(ks, &a), WHY_NONE);
}

static struct side
side_new(void)
{
	struct side s = { .ks = keys_state_new() };

	assert_non_null(s.ks);
	assert_true(keys_state_psk_set(s.ks, "Peer-A", view_str("correct horse battery")));
	return s;
}

/* Both sides up to SKEYID, token 7 at i and token 9 at r. */
static void
reach_skeyid(struct side *i, struct side *r, uint16_t group)
{
	*i = side_new();
	*r = side_new();
	assert_int_equal(dh_start(i, 7, group), WHY_NONE);
	assert_int_equal(dh_start(r, 9, group), WHY_NONE);
}

static void
reach_keyed(struct side *i, struct side *r)
{
	reach_skeyid(i, r, GROUP_ECP_256);
	struct keys_ask ai = skeyid_ask(7, true, "peer-a", r);
	struct keys_ask ar = skeyid_ask(9, false, "PEER-A", i);
	assert_int_equal(ask(i->ks, &ai), WHY_NONE);
	assert_int_equal(ask(r->ks, &ar), WHY_NONE);
}

static void
free_both(struct side *i, struct side *r)
{
	keys_state_free(i->ks);
	keys_state_free(r->ks);
}

static void
two_sides_with_the_same_key_authenticate_each_other_in_every_group(void **state)
{
	static const uint16_t groups[] = { GROUP_MODP_1024, GROUP_MODP_2048, GROUP_ECP_256,
	    GROUP_ECP_521, GROUP_BP_384, GROUP_X25519 };
	struct side i, r;

	(void)state;
	for (size_t g = 0; g < COUNT(groups); g++) {
		struct keys_answer ki = { 0 }, kr = { 0 }, hi = { 0 }, hr = { 0 };

		reach_skeyid(&i, &r, groups[g]);
		struct keys_ask ai = skeyid_ask(7, true, "peer-a", &r);
		struct keys_ask ar = skeyid_ask(9, false, "peer-a", &i);
		keys_state_ask(i.ks, &ai, &ki);
		keys_state_ask(r.ks, &ar, &kr);
		assert_int_equal(ki.why, WHY_NONE);
		assert_int_equal(kr.why, WHY_NONE);
		assert_int_equal(ki.skeyid_d.n, 32);
		assert_true(ct_equal(secret_view(&ki.skeyid_d), secret_view(&kr.skeyid_d)));
		assert_true(ct_equal(secret_view(&ki.skeyid_a), secret_view(&kr.skeyid_a)));
		assert_true(ct_equal(secret_view(&ki.skeyid_e), secret_view(&kr.skeyid_e)));
		assert_null(ki.shared.p);	/* g^xy itself stays here */

		struct keys_ask own = auth_ask(KEYS_AUTH_OWN, 7, view_of(id_i, 8), (struct view){ 0 });
		keys_state_ask(i.ks, &own, &hi);
		assert_int_equal(hi.why, WHY_NONE);
		struct keys_ask peer = auth_ask(KEYS_AUTH_PEER, 9, view_of(id_i, 8),
		    view_of(hi.proof, hi.proof_n));
		assert_int_equal(ask(r.ks, &peer), WHY_NONE);
		own = auth_ask(KEYS_AUTH_OWN, 9, view_of(id_r, 9), (struct view){ 0 });
		keys_state_ask(r.ks, &own, &hr);
		peer = auth_ask(KEYS_AUTH_PEER, 7, view_of(id_r, 9), view_of(hr.proof, hr.proof_n));
		assert_int_equal(ask(i.ks, &peer), WHY_NONE);

		drop(i.ks, 7);
		drop(r.ks, 9);
		assert_int_equal(keys_state_count(i.ks), 0);
		keys_answer_done(&ki);
		keys_answer_done(&kr);
		free_both(&i, &r);
	}
}

/* The whole of it against the formulas, with a key pair of the test's own. */
static void
the_state_computes_what_rfc_2409_says(void **state)
{
	struct side s = side_new(), other = { 0 };
	struct dh *d;
	struct secret gxy = { 0 };
	struct keying want;
	struct keys_answer k = { 0 }, h = { 0 };
	uint8_t hash[PRF_MAX];

	(void)state;
	assert_int_equal(dh_new(GROUP_MODP_1536, &d), WHY_NONE);
	assert_int_equal(dh_start(&s, 1, GROUP_MODP_1536), WHY_NONE);
	other.public_n = dh_public(d).n;
	memcpy(other.public_value, dh_public(d).p, other.public_n);
	struct view own = view_of(s.public_value, s.public_n);
	assert_int_equal(dh_shared(d, own, &gxy), WHY_NONE);
	struct keys_ask a = skeyid_ask(1, false, "peer-a", &other);
	a.hash = HASH_SHA;
	keys_state_ask(s.ks, &a, &k);
	struct view psk = view_str("correct horse battery");
	assert_true(keying_derive(HASH_SHA, &psk, a.ni, a.nr,
	    secret_view(&gxy), cookies_ab, &want));
	assert_true(ct_equal(secret_view(&want.d), secret_view(&k.skeyid_d)));
	assert_true(ct_equal(secret_view(&want.a), secret_view(&k.skeyid_a)));
	assert_true(ct_equal(secret_view(&want.e), secret_view(&k.skeyid_e)));

	/* we are the responder: HASH_R, and g^xr is ours */
	struct keys_ask b = auth_ask(KEYS_AUTH_OWN, 1, view_of(id_r, 9), (struct view){ 0 });
	keys_state_ask(s.ks, &b, &h);
	assert_true(keying_hash(HASH_SHA, secret_view(&want.skeyid), false, dh_public(d), own,
	    cookies_ab, b.sa_body, b.id_body, hash));
	assert_int_equal(h.proof_n, 20);
	assert_memory_equal(h.proof, hash, 20);
	keying_done(&want);
	keys_answer_done(&k);
	secret_done(&gxy);
	dh_free(d);
	keys_state_free(s.ks);
}

static void
quick_mode_gets_the_shared_secret_once(void **state)
{
	struct side i = side_new(), r = side_new();
	struct keys_answer ai = { 0 }, ar = { 0 };

	(void)state;
	assert_int_equal(dh_start(&i, 1, GROUP_X25519), WHY_NONE);
	assert_int_equal(dh_start(&r, 1, GROUP_X25519), WHY_NONE);
	struct keys_ask a = { .verb = KEYS_DH_SHARED, .token = 1,
	    .peer_public = view_of(r.public_value, r.public_n) };
	struct keys_ask b = { .verb = KEYS_DH_SHARED, .token = 1,
	    .peer_public = view_of(i.public_value, i.public_n) };
	keys_state_ask(i.ks, &a, &ai);
	keys_state_ask(r.ks, &b, &ar);
	assert_int_equal(ai.why, WHY_NONE);
	assert_int_equal(ai.shared.n, 32);
	assert_true(ct_equal(secret_view(&ai.shared), secret_view(&ar.shared)));
	assert_int_equal(ask(i.ks, &a), WHY_CONTRACT);
	drop(i.ks, 1);
	keys_answer_done(&ai);
	keys_answer_done(&ar);
	free_both(&i, &r);
}

/* Every verb in every state: all but the drawn arrows are refused. */
static void
any_other_order_is_refused_and_changes_nothing(void **state)
{
	static const struct { uint8_t step, verb; bool allowed; } t[] = {
		{ 0, KEYS_DH_NEW, true }, { 0, KEYS_SKEYID, false }, { 0, KEYS_AUTH_OWN, false },
		{ 0, KEYS_AUTH_PEER, false }, { 0, KEYS_DH_SHARED, false },
		{ 1, KEYS_DH_NEW, false }, { 1, KEYS_SKEYID, true }, { 1, KEYS_AUTH_OWN, false },
		{ 1, KEYS_AUTH_PEER, false }, { 1, KEYS_DH_SHARED, true },
		{ 2, KEYS_DH_NEW, false }, { 2, KEYS_SKEYID, false }, { 2, KEYS_AUTH_OWN, true },
		{ 2, KEYS_AUTH_PEER, true }, { 2, KEYS_DH_SHARED, false },
	};
	struct side i, r;

	(void)state;
	for (size_t n = 0; n < COUNT(t); n++) {
		if (t[n].step == 2) {
			reach_keyed(&i, &r);
		} else {
			reach_skeyid(&i, &r, GROUP_ECP_256);
			if (t[n].step == 0)
				drop(i.ks, 7);
		}
		struct keys_ask a = skeyid_ask(7, true, "peer-a", &r);
		a.verb = t[n].verb;
		a.group = GROUP_ECP_256;
		size_t before = keys_state_count(i.ks);
		assert_int_equal(keys_state_check(i.ks, &a) != KEYS_STEP_REFUSED, t[n].allowed);
		assert_int_equal(ask(i.ks, &a) != WHY_CONTRACT, t[n].allowed);
		if (!t[n].allowed)
			assert_int_equal(keys_state_count(i.ks), before);
		free_both(&i, &r);
	}
}

static void
verbs_that_do_not_exist_are_refused(void **state)
{
	struct side i, r;

	(void)state;
	reach_keyed(&i, &r);
	for (unsigned verb = 0; verb < 256; verb++) {
		struct keys_ask a = { .verb = (uint8_t)verb, .token = 1000 };

		if (verb == 0 || verb >= KEYS_VERB_MAX) {
			assert_int_equal(ask(i.ks, &a), WHY_CONTRACT);
			a.token = 7;
			assert_int_equal(ask(i.ks, &a), WHY_CONTRACT);
		}
	}
	free_both(&i, &r);
}

static void
each_hash_is_made_once_and_checked_a_few_times(void **state)
{
	struct side i, r;
	struct view none = { 0 };

	(void)state;
	reach_keyed(&i, &r);
	struct keys_ask own = auth_ask(KEYS_AUTH_OWN, 7, view_of(id_i, 8), none);
	struct keys_ask peer = auth_ask(KEYS_AUTH_PEER, 7, view_of(id_r, 9), none);
	/* A few that somebody spoilt on the way, but no guessing. */
	for (unsigned n = 0; n < 8; n++)
		assert_int_equal(ask(i.ks, &peer), WHY_AUTH_HASH);
	assert_int_equal(ask(i.ks, &peer), WHY_CONTRACT);
	assert_int_equal(ask(i.ks, &own), WHY_NONE);
	assert_int_equal(ask(i.ks, &own), WHY_CONTRACT);
	free_both(&i, &r);
}

static void
wrong_hashes_are_wrong_whatever_their_length(void **state)
{
	struct side i, r;

	(void)state;
	for (size_t cut = 0; cut <= 33; cut++) {
		uint8_t got[PRF_MAX] = { 0 };
		struct keys_answer h = { 0 };

		reach_keyed(&i, &r);
		struct keys_ask own = auth_ask(KEYS_AUTH_OWN, 9, view_of(id_r, 9), (struct view){ 0 });
		keys_state_ask(r.ks, &own, &h);
		memcpy(got, h.proof, h.proof_n);
		if (cut == 32)
			got[31] ^= 1;		/* all but one bit right */
		struct keys_ask peer = auth_ask(KEYS_AUTH_PEER, 7, view_of(id_r, 9),
		    view_of(got, cut));
		assert_int_equal(ask(i.ks, &peer), WHY_AUTH_HASH);
		free_both(&i, &r);
	}
}

static void
r20_our_own_hash_sent_back_does_not_authenticate_the_peer(void **state)
{
	struct side i, r;
	struct keys_answer h = { 0 };

	(void)state;
	reach_keyed(&i, &r);
	struct keys_ask own = auth_ask(KEYS_AUTH_OWN, 7, view_of(id_i, 8), (struct view){ 0 });
	keys_state_ask(i.ks, &own, &h);
	struct keys_ask peer = auth_ask(KEYS_AUTH_PEER, 7, view_of(id_i, 8),
	    view_of(h.proof, h.proof_n));
	assert_int_equal(ask(i.ks, &peer), WHY_AUTH_HASH);
	free_both(&i, &r);
}

/* The same secret, nonces and cookies, and other Diffie-Hellman values; then nothing but zeros. */
static void
r20_a_hash_of_an_earlier_exchange_does_not_authenticate_the_peer(void **state)
{
	static const uint8_t zero[PRF_MAX];
	struct side i, r, later_i, later_r;
	struct keys_answer old = { 0 }, now = { 0 };

	(void)state;
	reach_keyed(&i, &r);
	reach_keyed(&later_i, &later_r);
	struct keys_ask own = auth_ask(KEYS_AUTH_OWN, 9, view_of(id_r, 9), (struct view){ 0 });
	keys_state_ask(r.ks, &own, &old);
	keys_state_ask(later_r.ks, &own, &now);
	assert_int_equal(old.proof_n, now.proof_n);
	struct keys_ask peer = auth_ask(KEYS_AUTH_PEER, 7, view_of(id_r, 9),
	    view_of(old.proof, old.proof_n));
	assert_int_equal(ask(later_i.ks, &peer), WHY_AUTH_HASH);
	peer.proof = view_of(zero, now.proof_n);
	assert_int_equal(ask(later_i.ks, &peer), WHY_AUTH_HASH);
	peer.proof = view_of(now.proof, now.proof_n);
	assert_int_equal(ask(later_i.ks, &peer), WHY_NONE);
	free_both(&i, &r);
	free_both(&later_i, &later_r);
}

static void
different_keys_do_not_authenticate(void **state)
{
	struct side i, r;
	struct keys_answer h = { 0 };

	(void)state;
	reach_skeyid(&i, &r, GROUP_ECP_256);
	assert_true(keys_state_psk_set(r.ks, "peer-A", view_str("correct horse batterz")));
	struct keys_ask ai = skeyid_ask(7, true, "peer-a", &r);
	struct keys_ask ar = skeyid_ask(9, false, "peer-a", &i);
	assert_int_equal(ask(i.ks, &ai), WHY_NONE);
	assert_int_equal(ask(r.ks, &ar), WHY_NONE);
	struct keys_ask own = auth_ask(KEYS_AUTH_OWN, 9, view_of(id_r, 9), (struct view){ 0 });
	keys_state_ask(r.ks, &own, &h);
	struct keys_ask peer = auth_ask(KEYS_AUTH_PEER, 7, view_of(id_r, 9),
	    view_of(h.proof, h.proof_n));
	assert_int_equal(ask(i.ks, &peer), WHY_AUTH_HASH);
	free_both(&i, &r);
}

/* What fails leaves nothing but drop, and says why. */
static void
bad_asks_say_why_and_spend_the_token(void **state)
{
	static const uint8_t zeros[PUBLIC_MAX], long_nonce[257];
	struct side i, r;

	(void)state;
	for (int n = 0; n < 9; n++) {
		enum why want = WHY_NONE;

		reach_skeyid(&i, &r, GROUP_ECP_256);
		struct keys_ask a = skeyid_ask(7, true, "peer-a", &r);
		switch (n) {
		case 0: memcpy(a.peer, "peer-b", 7); want = WHY_NO_KEY; break;
		case 1: a.peer[0] = '\0'; want = WHY_NO_KEY; break;
		case 2: a.peer_public.n--; want = WHY_KEY_VALUE; break;
		case 3: a.peer_public = view_of(zeros, 64); want = WHY_KEY_VALUE; break;
		case 4: a.auth = AUTH_RSA_ENC; want = WHY_ATTRIBUTES; break;
		case 5: a.hash = HASH_TIGER; want = WHY_ATTRIBUTES; break;
		case 6: a.ni.n = 7; want = WHY_NONCE_LENGTH; break;
		case 7: a.nr = view_of(long_nonce, 257); want = WHY_NONCE_LENGTH; break;
		case 8: a.verb = KEYS_DH_SHARED; a.peer_public.n = 0; want = WHY_KEY_VALUE; break;
		}
		assert_int_equal(ask(i.ks, &a), want);
		a = skeyid_ask(7, true, "peer-a", &r);
		assert_int_equal(ask(i.ks, &a), WHY_CONTRACT);
		drop(i.ks, 7);
		assert_int_equal(keys_state_count(i.ks), 0);
		assert_int_equal(dh_start(&i, 7, GROUP_ECP_256), WHY_NONE);
		free_both(&i, &r);
	}
}

static void
a_group_that_is_not_there_leaves_no_token(void **state)
{
	struct side s = side_new();

	(void)state;
	assert_int_equal(dh_start(&s, 1, 3), WHY_ATTRIBUTES);
	assert_int_equal(dh_start(&s, 1, 0), WHY_ATTRIBUTES);
	assert_int_equal(keys_state_count(s.ks), 0);
	drop(s.ks, 1);
	assert_int_equal(dh_start(&s, 1, GROUP_ECP_256), WHY_NONE);
	keys_state_free(s.ks);
}

static void
r26_tokens_have_a_bound_and_drop_makes_room(void **state)
{
	struct side s = side_new();
	struct keys_job **jobs = calloc(KEYS_TOKENS_MAX, sizeof(struct keys_job *));
	struct keys_answer ret = { 0 };

	(void)state;
	assert_non_null(jobs);
	for (size_t t = 0; t < KEYS_TOKENS_MAX; t++) {
		struct keys_ask a = { .verb = KEYS_DH_NEW, .token = t, .group = GROUP_ECP_256 };

		jobs[t] = keys_job_begin(s.ks, &a, &ret);
		assert_non_null(jobs[t]);
	}
	assert_int_equal(dh_start(&s, KEYS_TOKENS_MAX, GROUP_ECP_256), WHY_LIMIT_TOTAL);
	drop(s.ks, 5);
	assert_int_equal(dh_start(&s, KEYS_TOKENS_MAX, GROUP_ECP_256), WHY_NONE);
	keys_state_free(s.ks);
	for (size_t t = 0; t < KEYS_TOKENS_MAX; t++)
		keys_job_free(jobs[t]);
	free(jobs);
}

static void
a_token_that_is_being_worked_on_takes_nothing_but_drop(void **state)
{
	struct side s = side_new();
	struct keys_ask a = { .verb = KEYS_DH_NEW, .token = 3, .group = GROUP_ECP_256 };
	struct keys_answer ret = { 0 };
	struct keys_job *job = keys_job_begin(s.ks, &a, &ret), *again;

	(void)state;
	assert_non_null(job);
	for (uint8_t verb = KEYS_DH_NEW; verb < KEYS_VERB_MAX; verb++) {
		struct keys_ask b = { .verb = verb, .token = 3, .group = GROUP_ECP_256 };

		if (verb != KEYS_DROP)
			assert_int_equal(ask(s.ks, &b), WHY_CONTRACT);
	}
	/* dropped and taken up anew: the old job's end does not touch the new */
	drop(s.ks, 3);
	again = keys_job_begin(s.ks, &a, &ret);
	assert_non_null(again);
	keys_job_run(job);
	assert_false(keys_job_end(s.ks, job, &ret));
	keys_job_run(again);
	assert_true(keys_job_end(s.ks, again, &ret));
	assert_int_equal(ret.why, WHY_NONE);
	assert_int_equal(ret.public_n, 64);
	keys_state_free(s.ks);
}

/* --- keys --- */

static void
section_names_ignore_ascii_case_and_nothing_else(void **state)
{
	struct side i, r;
	char name[NAME_MAX_OCTETS];

	(void)state;
	reach_skeyid(&i, &r, GROUP_ECP_256);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_true(keys_state_psk_set(i.ks, name, view_str("long name")));
	assert_int_equal(keys_state_psk_count(i.ks), 2);
	assert_true(keys_state_psk_set(i.ks, "PEER-a", view_str("second")));
	assert_int_equal(keys_state_psk_count(i.ks), 2);
	assert_true(keys_state_psk_set(i.ks, "peer_a", view_str("third")));
	assert_int_equal(keys_state_psk_count(i.ks), 3);

	memset(name, 'N', sizeof(name) - 1);
	struct keys_ask a = skeyid_ask(7, true, name, &r);
	assert_int_equal(ask(i.ks, &a), WHY_NONE);
	free_both(&i, &r);
}

static void
a_removed_key_is_gone_for_the_next_exchange(void **state)
{
	struct side i, r;

	(void)state;
	reach_skeyid(&i, &r, GROUP_ECP_256);
	assert_true(keys_state_psk_set(i.ks, "peer-a", (struct view){ 0 }));
	assert_true(keys_state_psk_set(i.ks, "never-there", (struct view){ 0 }));
	assert_int_equal(keys_state_psk_count(i.ks), 0);
	struct keys_ask a = skeyid_ask(7, true, "peer-a", &r);
	assert_int_equal(ask(i.ks, &a), WHY_NO_KEY);
	keys_state_psk_clear_all(r.ks);
	a = skeyid_ask(9, false, "peer-a", &i);
	assert_int_equal(ask(r.ks, &a), WHY_NO_KEY);
	free_both(&i, &r);
}

static void
thousands_of_keys_are_kept_apart(void **state)
{
	struct side s = side_new();

	(void)state;
	for (unsigned n = 0; n < 20000; n++) {
		STR(name, 32);

		str_addf(&name, "peer-%u", n);
		assert_true(keys_state_psk_set(s.ks, name.p, view_str(name.p)));
	}
	assert_int_equal(keys_state_psk_count(s.ks), 20001);
	keys_state_psk_clear_all(s.ks);
	assert_int_equal(keys_state_psk_count(s.ks), 0);
	keys_state_free(s.ks);
	keys_state_free(NULL);
	keys_job_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(skeyids_and_hashes_are_those_of_the_vectors),
		cmocka_unit_test(unknown_hashes_derive_nothing),
		cmocka_unit_test(two_sides_with_the_same_key_authenticate_each_other_in_every_group),
		cmocka_unit_test(the_state_computes_what_rfc_2409_says),
		cmocka_unit_test(quick_mode_gets_the_shared_secret_once),
		cmocka_unit_test(any_other_order_is_refused_and_changes_nothing),
		cmocka_unit_test(verbs_that_do_not_exist_are_refused),
		cmocka_unit_test(each_hash_is_made_once_and_checked_a_few_times),
		cmocka_unit_test(wrong_hashes_are_wrong_whatever_their_length),
		cmocka_unit_test(r20_our_own_hash_sent_back_does_not_authenticate_the_peer),
		cmocka_unit_test(r20_a_hash_of_an_earlier_exchange_does_not_authenticate_the_peer),
		cmocka_unit_test(different_keys_do_not_authenticate),
		cmocka_unit_test(bad_asks_say_why_and_spend_the_token),
		cmocka_unit_test(a_group_that_is_not_there_leaves_no_token),
		cmocka_unit_test(r26_tokens_have_a_bound_and_drop_makes_room),
		cmocka_unit_test(a_token_that_is_being_worked_on_takes_nothing_but_drop),
		cmocka_unit_test(section_names_ignore_ascii_case_and_nothing_else),
		cmocka_unit_test(a_removed_key_is_gone_for_the_next_exchange),
		cmocka_unit_test(thousands_of_keys_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
