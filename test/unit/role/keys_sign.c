/* Authentication by public key: what keys signs, verifies and refuses. */
#include "prove.h"

#include <stdio.h>

#include "base/str.h"
#include "crypto/hash.h"
#include "role/keyring.h"
#include "role/keys_state.h"

static const uint8_t nonce_i[16] = "initiator nonce", nonce_r[32] = "responder nonce";
static const uint8_t cookies[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18 };
static const uint8_t sa_body[24] = "SA body";
/* ID payload bodies: type, protocol, port, data */
static const uint8_t id_west[] = { ID_FQDN, 0, 0, 0, 'w', 'e', 's', 't', '.', 'x' };
static const uint8_t id_west_upper[] = { ID_FQDN, 17, 1, 244, 'W', 'E', 'S', 'T', '.', 'X' };
static const uint8_t id_east[] = { ID_IPV4_ADDR, 0, 0, 0, 192, 0, 2, 2 };
static const uint8_t id_other[] = { ID_FQDN, 0, 0, 0, 'o', 't', 'h', 'e', 'r' };

#define VIEW(a) view_of(a, sizeof(a))

static struct view
file(const char *name)
{
	static char room[16384];
	STR(path, 300);

	str_addf(&path, "%s/keys/%s", VECTORS, name);
	FILE *f = fopen(path.p, "r");
	if (f == NULL)
		fail_msg("%s", path.p);
	size_t n = fread(room, 1, sizeof(room), f);
	fclose(f);
	return view_of(room, n);
}

static struct pubkey
public_of(const char *name)
{
	struct pubkey k;
	STR(why, 300);

	assert_true(pubkey_read(file(name), &k, &why));
	return k;
}

static void
ring_private(struct keyring *ring, const char *id, const char *name)
{
	STR(why, 300);
	struct sign_key *k = sign_key_read(file(name), &why);

	assert_non_null(k);
	assert_true(keyring_add_private(ring, id, k));
}

static void
ring_public(struct keyring *ring, const char *id_name, const char *name)
{
	struct pubkey k = public_of(name);
	struct id id;

	assert_true(id_of_key_name(id_name, &id));
	assert_true(keyring_add_public(ring, &id, &k));
}

/* West begins, east answers; token 7 at both. */
struct pair {
	struct keys_state	*west, *east;
	uint8_t			 method, hash;
	bool			 weak;
};

static void
ask(struct keys_state *ks, const struct keys_ask *a, struct keys_answer *ret)
{
	*ret = (struct keys_answer){ 0 };
	keys_state_ask(ks, a, ret);
}

static struct keys_answer
dh(struct keys_state *ks)
{
	const struct keys_ask a = { .verb = KEYS_DH_NEW, .token = 7, .group = GROUP_ECP_256 };
	struct keys_answer ret;

	ask(ks, &a, &ret);
	assert_int_equal(ret.why, WHY_NONE);
	return ret;
}

static void
key(const struct pair *p, struct keys_state *ks, bool initiator, const struct keys_answer *other)
{
	struct keys_ask a = { .verb = KEYS_SKEYID, .token = 7, .initiator = initiator,
	    .hash = p->hash, .auth = p->method, .ni = VIEW(nonce_i), .nr = VIEW(nonce_r),
	    .peer_public = view_of(other->public_value, other->public_n) };
	struct keys_answer ret;

	memcpy(a.cookies, cookies, sizeof(cookies));
	ask(ks, &a, &ret);
	assert_int_equal(ret.why, WHY_NONE);
	keys_answer_done(&ret);
}

/* Rings are taken. */
static struct pair
pair_keyed(struct keyring *west, struct keyring *east, uint8_t method, uint8_t hash, bool weak)
{
	struct pair p = { keys_state_new(), keys_state_new(), method, hash, weak };

	assert_true(p.west != NULL && p.east != NULL);
	keys_state_ring_set(p.west, west);
	keys_state_ring_set(p.east, east);
	struct keys_answer w = dh(p.west), e = dh(p.east);
	key(&p, p.west, true, &e);
	key(&p, p.east, false, &w);
	return p;
}

static void
pair_done(struct pair *p)
{
	keys_state_free(p->west);
	keys_state_free(p->east);
}

static struct keys_answer
own(const struct pair *p, struct keys_state *ks, struct view id)
{
	const struct keys_ask a = { .verb = KEYS_AUTH_OWN, .token = 7, .allow_weak = p->weak,
	    .sa_body = VIEW(sa_body), .id_body = id };
	struct keys_answer ret;

	ask(ks, &a, &ret);
	return ret;
}

static enum why
peer(const struct pair *p, struct keys_state *ks, struct view id, struct view proof,
    const struct pubkey *certified, struct keys_answer *ret)
{
	struct keys_ask a = { .verb = KEYS_AUTH_PEER, .token = 7, .allow_weak = p->weak,
	    .sa_body = VIEW(sa_body), .id_body = id, .proof = proof };

	if (certified != NULL)
		a.key = *certified;
	ask(ks, &a, ret);
	return ret->why;
}

static const struct method {
	const char	*west, *east;	/* names of key files */
	uint8_t		 method, hash;
	size_t		 octets;	/* of SIG */
	bool		 weak;
} methods[] = {
	{ "rsa2048-a", "rsa2048-b", AUTH_RSA_SIG, HASH_SHA2_256, 256, false },
	{ "rsa4096", "rsa3072", AUTH_RSA_SIG, HASH_SHA, 512, false },
	{ "rsa1024", "rsa2048-e3", AUTH_RSA_SIG, HASH_MD5, 128, true },
	{ "ec256-a", "ec256-b", AUTH_ECDSA_256, HASH_SHA, 64, false },
	{ "ec384-a", "ec384-b", AUTH_ECDSA_384, HASH_SHA2_256, 96, false },
	{ "ec521-a", "ec521-b", AUTH_ECDSA_521, HASH_SHA2_512, 132, false },
	{ "dsa1024", "dsa1024-b", AUTH_DSS, HASH_SHA2_256, 40, true },
};

static void
names(const struct method *m, char west[2][64], char east[2][64])
{
	snprintf(west[0], 64, "%s.pem", m->west);
	snprintf(west[1], 64, "%s.pub", m->west);
	snprintf(east[0], 64, "%s.pem", m->east);
	snprintf(east[1], 64, "%s.pub", m->east);
}

/* Each has its own private key and the other's public one. */
static struct pair
pair_of(const struct method *m)
{
	struct keyring *w = keyring_new(), *e = keyring_new();
	char west[2][64], east[2][64];

	assert_true(w != NULL && e != NULL);
	names(m, west, east);
	ring_private(w, "", west[0]);
	ring_public(w, "ipv4/192.0.2.2", east[1]);
	ring_private(e, "", east[0]);
	ring_public(e, "fqdn/west.x", west[1]);
	return pair_keyed(w, e, m->method, m->hash, m->weak);
}

static void
two_sides_with_each_others_public_keys_authenticate_with_every_method(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(methods); i++) {
		struct pair p = pair_of(&methods[i]);
		struct keys_answer w = own(&p, p.west, VIEW(id_west)), ret;

		assert_int_equal(w.why, WHY_NONE);
		assert_int_equal(w.proof_n, methods[i].octets);
		assert_true(pubkey_does(&w.key, methods[i].method));
		assert_int_equal(peer(&p, p.east, VIEW(id_west), view_of(w.proof, w.proof_n), NULL, &ret),
		    WHY_NONE);
		assert_true(pubkey_equal(&ret.key, &w.key));
		struct keys_answer e = own(&p, p.east, VIEW(id_east));
		assert_int_equal(e.why, WHY_NONE);
		assert_int_equal(peer(&p, p.west, VIEW(id_east), view_of(e.proof, e.proof_n), NULL, &ret),
		    WHY_NONE);
		pair_done(&p);
	}
}

/* R20: what must not authenticate anybody, with every method. */
enum lie { OWN_BACK, EMPTY, CUT, LONGER, CHANGED, OTHER_EXCHANGE, OTHER_KEY, OTHER_SIGNER, LIES };

static void
lie_of(enum lie lie, const struct method *m, struct pair *p, uint8_t *sig, size_t *n)
{
	struct keys_answer a = own(p, p->west, VIEW(id_west));

	assert_int_equal(a.why, WHY_NONE);
	memcpy(sig, a.proof, a.proof_n);
	*n = a.proof_n;
	if (lie == OWN_BACK) {
		/* east's own signature, reflected to it under west's ID */
		a = own(p, p->east, VIEW(id_east));
		assert_int_equal(a.why, WHY_NONE);
		memcpy(sig, a.proof, a.proof_n);
		*n = a.proof_n;
	} else if (lie == EMPTY) {
		*n = 0;
	} else if (lie == CUT) {
		(*n)--;
	} else if (lie == LONGER) {
		sig[(*n)++] = 0;
	} else if (lie == CHANGED) {
		sig[*n / 2] ^= 1;
	} else if (lie == OTHER_EXCHANGE) {
		struct pair q = pair_of(m);	/* other DH values: another transcript */

		a = own(&q, q.west, VIEW(id_west));
		memcpy(sig, a.proof, a.proof_n);
		pair_done(&q);
	}
}

/*
 * West signs, of the right exchange and under the right ID, with the key of
 * another peer whom east trusts as well.
 */
static struct pair
pair_of_other_signer(const struct method *m)
{
	struct keyring *w = keyring_new(), *e = keyring_new();
	char west[2][64], east[2][64];

	assert_true(w != NULL && e != NULL);
	names(m, west, east);
	ring_private(w, "", east[0]);
	ring_private(e, "", east[0]);
	ring_public(e, "fqdn/west.x", west[1]);
	ring_public(e, "fqdn/other", east[1]);
	return pair_keyed(w, e, m->method, m->hash, m->weak);
}

static void
r20_reflected_replayed_cut_empty_and_foreign_signatures_fail_with_every_method(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(methods); i++)
		for (int lie = 0; lie < LIES; lie++) {
			struct pair p = lie == OTHER_SIGNER ? pair_of_other_signer(&methods[i]) :
			    pair_of(&methods[i]);
			uint8_t sig[SIGNATURE_MAX + 8];
			struct keys_answer ret;
			size_t n;

			lie_of((enum lie)lie, &methods[i], &p, sig, &n);
			if (lie == OTHER_KEY) {
				struct keyring *ring = keyring_new();
				char west[2][64], east[2][64];

				names(&methods[i], west, east);
				ring_public(ring, "fqdn/west.x", east[1]);
				keys_state_ring_set(p.east, ring);
			}
			assert_int_equal(peer(&p, p.east, VIEW(id_west), view_of(sig, n), NULL, &ret),
			    WHY_SIGNATURE);
			pair_done(&p);
		}
}

static void
r20_a_signature_counts_for_the_id_it_was_made_with_only(void **state)
{
	struct pair p = pair_of(&methods[0]);
	struct keys_answer w = own(&p, p.west, VIEW(id_west)), ret;

	(void)state;
	/* the same identity in other letters finds the key, but other octets were signed */
	assert_int_equal(peer(&p, p.east, VIEW(id_west_upper), view_of(w.proof, w.proof_n), NULL, &ret),
	    WHY_SIGNATURE);
	pair_done(&p);
	p = pair_of(&methods[0]);
	w = own(&p, p.west, VIEW(id_west_upper));
	assert_int_equal(peer(&p, p.east, VIEW(id_west_upper), view_of(w.proof, w.proof_n), NULL, &ret),
	    WHY_NONE);
	pair_done(&p);
	p = pair_of(&methods[0]);
	w = own(&p, p.west, VIEW(id_other));
	assert_int_equal(peer(&p, p.east, VIEW(id_other), view_of(w.proof, w.proof_n), NULL, &ret),
	    WHY_NO_PUBKEY);
	pair_done(&p);
}

static void
an_id_without_a_key_is_told_from_a_wrong_signature_and_spends_the_token(void **state)
{
	struct pair p = pair_of(&methods[3]);
	struct keys_answer ret;
	uint8_t sig[64] = { 0 };

	(void)state;
	assert_int_equal(peer(&p, p.east, VIEW(id_other), VIEW(sig), NULL, &ret), WHY_NO_PUBKEY);
	assert_int_equal(peer(&p, p.east, VIEW(id_west), VIEW(sig), NULL, &ret), WHY_CONTRACT);
	pair_done(&p);
	p = pair_of(&methods[3]);
	assert_int_equal(peer(&p, p.east, view_of(id_west, 3), VIEW(sig), NULL, &ret), WHY_ID_LENGTH);
	pair_done(&p);
}

static void
without_a_private_key_of_the_method_nothing_is_signed(void **state)
{
	struct keyring *w = keyring_new(), *e = keyring_new();
	struct pair p = pair_keyed(w, e, AUTH_ECDSA_256, HASH_SHA, false);

	(void)state;
	assert_int_equal(own(&p, p.west, VIEW(id_west)).why, WHY_NO_PRIVATE_KEY);
	pair_done(&p);
	w = keyring_new();
	e = keyring_new();
	ring_private(w, "", "rsa2048-a.pem");	/* another kind */
	p = pair_keyed(w, e, AUTH_ECDSA_256, HASH_SHA, false);
	assert_int_equal(own(&p, p.west, VIEW(id_west)).why, WHY_NO_PRIVATE_KEY);
	pair_done(&p);
	p = pair_keyed(NULL, NULL, AUTH_RSA_SIG, HASH_SHA, false);	/* no ring at all */
	struct keys_answer ret;
	assert_int_equal(own(&p, p.west, VIEW(id_west)).why, WHY_NO_PRIVATE_KEY);
	assert_int_equal(peer(&p, p.east, VIEW(id_west), (struct view){ 0 }, NULL, &ret), WHY_NO_PUBKEY);
	pair_done(&p);
}

static void
weak_keys_need_the_opt_in_on_either_side(void **state)
{
	struct keyring *w = keyring_new(), *e = keyring_new();
	struct keys_answer ret;
	uint8_t sig[128] = { 0 };

	(void)state;
	ring_private(w, "", "rsa1024.pem");
	ring_public(e, "fqdn/west.x", "rsa1024.pub");
	struct pair p = pair_keyed(w, e, AUTH_RSA_SIG, HASH_SHA, false);
	ret = own(&p, p.west, VIEW(id_west));
	assert_int_equal(ret.why, WHY_KEY_REFUSED);
	assert_non_null(strstr(ret.detail, "RSA 1024"));
	assert_int_equal(peer(&p, p.east, VIEW(id_west), VIEW(sig), NULL, &ret), WHY_KEY_REFUSED);
	assert_non_null(strstr(ret.detail, "Allow-weak"));
	pair_done(&p);
}

static void
the_operators_file_wins_over_a_certified_key_which_serves_where_there_is_none(void **state)
{
	struct pubkey certified = public_of("rsa2048-a.pub"), wrong = public_of("rsa2048-b.pub");
	struct pair p = pair_of(&methods[0]);
	struct keys_answer w = own(&p, p.west, VIEW(id_west)), ret;

	(void)state;
	/* a certificate for another key does not help against the pin, nor harm it */
	assert_int_equal(peer(&p, p.east, VIEW(id_west), view_of(w.proof, w.proof_n), &wrong, &ret),
	    WHY_NONE);
	pair_done(&p);
	for (int good = 0; good < 2; good++) {
		p = pair_of(&methods[0]);
		keys_state_ring_set(p.east, keyring_new());
		w = own(&p, p.west, VIEW(id_west));
		assert_int_equal(peer(&p, p.east, VIEW(id_west), view_of(w.proof, w.proof_n),
		    good ? &certified : &wrong, &ret), good ? WHY_NONE : WHY_SIGNATURE);
		pair_done(&p);
	}
}

static void
a_key_for_our_id_is_taken_before_the_one_for_all(void **state)
{
	struct keyring *ring = keyring_new();
	struct id west, east;

	(void)state;
	ring_private(ring, "", "rsa2048-a.pem");
	ring_private(ring, "west.x", "rsa2048-b.pem");
	ring_private(ring, "192.0.2.2", "ec256-a.pem");
	assert_int_equal(keyring_private_count(ring), 3);
	assert_true(id_of_key_name("fqdn/WEST.x", &west));
	assert_true(id_of_key_name("ipv4/192.0.2.2", &east));
	struct pubkey a = public_of("rsa2048-a.pub"), b = public_of("rsa2048-b.pub"),
	    c = public_of("ec256-a.pub");
	assert_true(pubkey_equal(sign_key_public(keyring_private(ring, &west, AUTH_RSA_SIG)), &b));
	/* of the wrong kind for the method: the one for all */
	assert_true(pubkey_equal(sign_key_public(keyring_private(ring, &east, AUTH_RSA_SIG)), &a));
	assert_true(pubkey_equal(sign_key_public(keyring_private(ring, &east, AUTH_ECDSA_256)), &c));
	assert_null(keyring_private(ring, &west, AUTH_ECDSA_256));
	keyring_free(ring);
}

static void
new_files_replace_the_keys_while_a_signature_is_being_made(void **state)
{
	struct pair p = pair_of(&methods[0]);
	const struct keys_ask a = { .verb = KEYS_AUTH_OWN, .token = 7, .sa_body = VIEW(sa_body),
	    .id_body = VIEW(id_west) };
	struct keys_answer ret = { 0 };

	(void)state;
	assert_int_equal(keys_state_check(p.west, &a), KEYS_STEP_JOB);
	struct keys_job *job = keys_job_begin(p.west, &a, &ret);
	assert_non_null(job);
	keys_state_ring_set(p.west, keyring_new());
	keys_job_run(job);
	assert_true(keys_job_end(p.west, job, &ret));
	assert_int_equal(ret.why, WHY_NONE);
	assert_int_equal(ret.proof_n, 256);
	pair_done(&p);
}

static void
thousands_of_public_keys_are_kept_apart(void **state)
{
	struct keyring *ring = keyring_new();
	struct pubkey a = public_of("ec256-a.pub"), b = public_of("ec256-b.pub");

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		struct id id;
		STR(name, 64);

		str_addf(&name, "fqdn/host-%u.example.net", i);
		assert_true(id_of_key_name(name.p, &id));
		assert_true(keyring_add_public(ring, &id, i % 2 == 0 ? &a : &b));
	}
	assert_int_equal(keyring_public_count(ring), 5000);
	for (unsigned i = 0; i < 5001; i++) {
		struct id id;
		STR(name, 64);

		str_addf(&name, "fqdn/HOST-%u.example.net", i);
		assert_true(id_of_key_name(name.p, &id));
		const struct pubkey *k = keyring_public(ring, &id);
		if (i == 5000)
			assert_null(k);
		else
			assert_true(pubkey_equal(k, i % 2 == 0 ? &a : &b));
	}
	keyring_free(ring);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_sides_with_each_others_public_keys_authenticate_with_every_method),
		cmocka_unit_test(r20_reflected_replayed_cut_empty_and_foreign_signatures_fail_with_every_method),
		cmocka_unit_test(r20_a_signature_counts_for_the_id_it_was_made_with_only),
		cmocka_unit_test(an_id_without_a_key_is_told_from_a_wrong_signature_and_spends_the_token),
		cmocka_unit_test(without_a_private_key_of_the_method_nothing_is_signed),
		cmocka_unit_test(weak_keys_need_the_opt_in_on_either_side),
		cmocka_unit_test(the_operators_file_wins_over_a_certified_key_which_serves_where_there_is_none),
		cmocka_unit_test(a_key_for_our_id_is_taken_before_the_one_for_all),
		cmocka_unit_test(new_files_replace_the_keys_while_a_signature_is_being_made),
		cmocka_unit_test(thousands_of_public_keys_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
