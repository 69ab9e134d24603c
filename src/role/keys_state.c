#include "role/keys_state.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/slab.h"
#include "base/str.h"
#include "crypto/dh.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/sign.h"
#include "role/keyring.h"

enum step { STEP_PAIR = 1, STEP_KEYED, STEP_SPENT };

/* What HASH_I and HASH_R need after SKEYID. */
struct transcript {
	bool		initiator;
	uint8_t		hash, auth;
	bool		own_done, peer_done;
	uint8_t		peer_tries;		/* hashes of the peer that were wrong */
	uint8_t		cookies[16];
	struct secret	skeyid;
	struct secret	gxi, gxr;	/* not secret; owned octets */
};

struct entry {
	uint64_t		 token;
	uint8_t			 step;		/* enum step; 0: DH_NEW is under way */
	struct keys_job		*job;		/* under way, not ours */
	struct dh		*dh;		/* PAIR; while a job has it, NULL */
	struct transcript	*transcript;	/* KEYED */
};

struct psk {
	char		*section;
	struct secret	 key;
};

struct keys_state {
	struct map	*tokens;	/* token -> handle of entry */
	struct slab	*entries;
	struct map	*sections;	/* digest of a section's name -> handle of psk */
	struct slab	*psks;
	struct keyring	*ring;		/* may be NULL */
	uint8_t		 name_key[2][16];
	uint8_t		 mark_key[KEYS_MARK_KEY];
};

/* Owns copies of all it works with. */
struct keys_job {
	struct handle		 entry;
	_Atomic bool		 dropped;	/* nobody waits for it any more */
	uint8_t			 verb;
	uint64_t		 token;
	uint16_t		 group;
	struct dh		*dh;		/* from the entry; DH_NEW: its result */
	struct transcript	*transcript;	/* SKEYID: its result */
	struct secret		 psk, ni, nr, peer_public;
	/* AUTH_OWN, AUTH_PEER with a method that signs */
	uint8_t			 auth;
	size_t			 hash_n, proof_n;
	uint8_t			 hash[PRF_MAX], proof[SIGNATURE_MAX];
	struct sign_key		*sign;
	struct pubkey		 pub;
	enum why		 why;
	struct keying		 keying;
	struct secret		 shared;
};

/* ---- arithmetic: RFC 2409 section 5 ---- */

void
keying_done(struct keying *k)
{
	if (k == NULL)
		return;
	secret_done(&k->skeyid);
	secret_done(&k->d);
	secret_done(&k->a);
	secret_done(&k->e);
}

static bool
prf(uint8_t hash, struct view key, const struct view *v, size_t n, struct secret *ret)
{
	uint8_t out[HASH_LEN_MAX];
	bool ok = prf_views(hash, key, v, n, out) &&
	    secret_set(ret, view_of(out, hash_len(hash)));

	wipe(out, sizeof(out));
	return ok;
}

/*
 * SKEYID   = prf(pre-shared-key, Ni_b | Nr_b)		pre-shared keys
 * SKEYID   = prf(Ni_b | Nr_b, g^xy)			signatures
 * SKEYID_d = prf(SKEYID, g^xy | CKY-I | CKY-R | 0)
 * SKEYID_a = prf(SKEYID, SKEYID_d | g^xy | CKY-I | CKY-R | 1)
 * SKEYID_e = prf(SKEYID, SKEYID_a | g^xy | CKY-I | CKY-R | 2)
 */
bool
keying_derive(uint8_t hash, const struct view *psk, struct view ni, struct view nr,
    struct view gxy, const uint8_t cookies[16], struct keying *ret)
{
	uint8_t both[2 * NONCE_MAX];
	struct wr w = wr_of(both, sizeof(both));
	static const uint8_t number[3] = { 0, 1, 2 };
	struct keying k = { 0 };
	struct secret *out[3] = { &k.d, &k.a, &k.e };
	const struct view nonces[] = { ni, nr };

	wr_view(&w, ni);
	wr_view(&w, nr);
	bool ok = !w.bad && (psk != NULL ? prf(hash, *psk, nonces, COUNT(nonces), &k.skeyid) :
	    prf(hash, wr_done(&w), &gxy, 1, &k.skeyid));

	for (size_t i = 0; ok && i < 3; i++) {
		const struct view v[] = {
			i == 0 ? (struct view){ 0 } : secret_view(out[i - 1]),
			gxy, view_of(cookies, 16), view_of(&number[i], 1),
		};

		ok = prf(hash, secret_view(&k.skeyid), v, COUNT(v), out[i]);
	}
	if (!ok) {
		keying_done(&k);
		return false;
	}
	*ret = k;
	return true;
}

/*
 * HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b)
 * HASH_R = prf(SKEYID, g^xr | g^xi | CKY-R | CKY-I | SAi_b | IDir_b)
 */
bool
keying_hash(uint8_t hash, struct view skeyid, bool initiators, struct view gxi,
    struct view gxr, const uint8_t cookies[16], struct view sa_body,
    struct view id_body, uint8_t ret[PRF_MAX])
{
	struct view cky_i = view_of(cookies, 8), cky_r = view_of(cookies + 8, 8);
	const struct view v[] = {
		initiators ? gxi : gxr, initiators ? gxr : gxi,
		initiators ? cky_i : cky_r, initiators ? cky_r : cky_i,
		sa_body, id_body,
	};

	return prf_views(hash, skeyid, v, COUNT(v), ret);
}

/* ---- lifetimes ---- */

static void
transcript_free(struct transcript *t)
{
	if (t == NULL)
		return;
	secret_done(&t->skeyid);
	secret_done(&t->gxi);
	secret_done(&t->gxr);
	free(t);
}

static void
entry_done(struct entry *e)
{
	if (e->job != NULL)
		atomic_store(&e->job->dropped, true);
	dh_free(e->dh);
	transcript_free(e->transcript);
	*e = (struct entry){ 0 };
}

void
keys_job_free(struct keys_job *job)
{
	if (job == NULL)
		return;
	dh_free(job->dh);
	transcript_free(job->transcript);
	secret_done(&job->psk);
	secret_done(&job->ni);
	secret_done(&job->nr);
	secret_done(&job->peer_public);
	sign_key_unref(job->sign);
	secret_done(&job->shared);
	keying_done(&job->keying);
	free(job);
}

struct keys_state *
keys_state_new(void)
{
	struct keys_state *ks = calloc(1, sizeof(*ks));
	uint8_t key[2][16];

	if (ks == NULL)
		return NULL;
	random_bytes(key, sizeof(key));
	random_bytes(ks->name_key, sizeof(ks->name_key));
	random_bytes(ks->mark_key, sizeof(ks->mark_key));
	ks->tokens = map_new(key[0]);
	ks->sections = map_new(key[1]);
	ks->entries = slab_new(sizeof(struct entry), KEYS_TOKENS_MAX);
	ks->psks = slab_new(sizeof(struct psk), KEYS_PSKS_MAX);
	if (ks->tokens == NULL || ks->sections == NULL || ks->entries == NULL ||
	    ks->psks == NULL) {
		keys_state_free(ks);
		return NULL;
	}
	return ks;
}

void
keys_state_free(struct keys_state *ks)
{
	if (ks == NULL)
		return;
	if (ks->tokens != NULL && ks->entries != NULL)
		keys_state_drop_all(ks);
	if (ks->sections != NULL && ks->psks != NULL)
		keys_state_psk_clear_all(ks);
	keyring_free(ks->ring);
	map_free(ks->tokens);
	map_free(ks->sections);
	slab_free(ks->entries);
	slab_free(ks->psks);
	wipe(ks, sizeof(*ks));
	free(ks);
}

void
keys_state_ring_set(struct keys_state *ks, struct keyring *ring)
{
	keyring_free(ks->ring);
	ks->ring = ring;
}

const struct keyring *
keys_state_ring(const struct keys_state *ks)
{
	return ks->ring;
}

/* ---- pre-shared keys ---- */

struct digest { uint8_t b[16]; };

static size_t
lower_case(const char *section, char *ret, size_t room)
{
	size_t n = strnlen(section, room);

	for (size_t i = 0; i < n; i++)
		ret[i] = section[i] >= 'A' && section[i] <= 'Z' ?
		    (char)(section[i] - 'A' + 'a') : section[i];
	return n;
}

/*
 * Names can be longer than the keys of a map, so the map knows them by two
 * keyed hashes of 64 bits; the entry holds the name itself, and a lookup
 * compares it.
 */
static struct digest
section_digest(const struct keys_state *ks, const char *section)
{
	char lower[1024];
	struct digest d;
	size_t n = lower_case(section, lower, sizeof(lower));

	for (size_t i = 0; i < 2; i++) {
		uint64_t h = siphash(ks->name_key[i], view_of(lower, n));
		memcpy(d.b + i * sizeof(h), &h, sizeof(h));
	}
	return d;
}

static struct psk *
psk_find(const struct keys_state *ks, const char *section, struct handle *ret)
{
	struct digest d = section_digest(ks, section);
	uint64_t value;

	if (!map_get(ks->sections, view_of(d.b, sizeof(d.b)), &value))
		return NULL;
	*ret = handle_of_u64(value);
	struct psk *p = slab_find(ks->psks, *ret);
	return p != NULL && text_same(p->section, section) ? p : NULL;
}

static void
psk_remove(struct keys_state *ks, struct psk *p, struct handle h)
{
	struct digest d = section_digest(ks, p->section);

	map_remove(ks->sections, view_of(d.b, sizeof(d.b)));
	free(p->section);
	secret_done(&p->key);
	slab_remove(ks->psks, h);
}

static bool
psk_add(struct keys_state *ks, const char *section, struct view key)
{
	struct digest d = section_digest(ks, section);
	struct handle h;
	struct psk *p = slab_add(ks->psks, &h);

	if (p == NULL)
		return false;
	p->section = strdup(section);
	if (p->section != NULL && secret_set(&p->key, key) &&
	    map_put(ks->sections, view_of(d.b, sizeof(d.b)), handle_u64(h)))
		return true;
	free(p->section);
	secret_done(&p->key);
	slab_remove(ks->psks, h);
	return false;
}

bool
keys_state_psk_set(struct keys_state *ks, const char *section, struct view psk)
{
	struct handle h;
	struct psk *p = psk_find(ks, section, &h);

	if (psk.n == 0) {
		if (p != NULL)
			psk_remove(ks, p, h);
		return true;
	}
	return p != NULL ? secret_set(&p->key, psk) : psk_add(ks, section, psk);
}

void
keys_state_psk_clear_all(struct keys_state *ks)
{
	struct handle h;
	struct psk *p;
	uint32_t at = 0;

	while ((p = slab_next(ks->psks, &at, &h)) != NULL)
		psk_remove(ks, p, h);
}

size_t
keys_state_psk_count(const struct keys_state *ks)
{
	return slab_count(ks->psks);
}

bool
keys_state_psk_each(const struct keys_state *ks,
    bool (*each)(void *self, const char *section, struct view key), void *self)
{
	const struct psk *p;
	struct handle h;
	uint32_t at = 0;
	bool go = true;

	while (go && (p = slab_next(ks->psks, &at, &h)) != NULL)
		go = each(self, p->section, secret_view(&p->key));
	return go;
}

uint64_t
keys_state_mark(const struct keys_state *ks, const char *section, struct view psk)
{
	char room[1024 + SECRET_MAX];
	size_t n = lower_case(section, room, 1023);

	if (psk.n == 0 || psk.n > SECRET_MAX)
		return 0;
	room[n++] = '\0';
	memcpy(room + n, psk.p, psk.n);
	uint64_t mark = siphash(ks->mark_key, view_of(room, n + psk.n));
	wipe(room, sizeof(room));
	return mark == 0 ? 1 : mark;
}

const uint8_t *
keys_state_mark_key(const struct keys_state *ks)
{
	return ks->mark_key;
}

void
keys_state_set_mark_key(struct keys_state *ks, const uint8_t key[KEYS_MARK_KEY])
{
	memcpy(ks->mark_key, key, KEYS_MARK_KEY);
}

/* ---- tokens ---- */

static struct entry *
entry_find(const struct keys_state *ks, uint64_t token)
{
	uint64_t value;

	if (!map_get(ks->tokens, view_of(&token, sizeof(token)), &value))
		return NULL;
	return slab_find(ks->entries, handle_of_u64(value));
}

static void
entry_remove(struct keys_state *ks, struct entry *e, struct handle h)
{
	uint64_t token = e->token;

	map_remove(ks->tokens, view_of(&token, sizeof(token)));
	entry_done(e);
	slab_remove(ks->entries, h);
}

static void
token_drop(struct keys_state *ks, uint64_t token)
{
	uint64_t value;

	if (!map_get(ks->tokens, view_of(&token, sizeof(token)), &value))
		return;
	struct handle h = handle_of_u64(value);
	struct entry *e = slab_find(ks->entries, h);
	if (e != NULL)
		entry_remove(ks, e, h);
}

void
keys_state_drop_all(struct keys_state *ks)
{
	struct handle h;
	struct entry *e;
	uint32_t at = 0;

	while ((e = slab_next(ks->entries, &at, &h)) != NULL)
		entry_remove(ks, e, h);
}

size_t
keys_state_count(const struct keys_state *ks)
{
	return slab_count(ks->entries);
}

/* Signatures are public-key work; a HASH is next to nothing. */
static enum keys_step
auth_step(const struct transcript *t)
{
	return sign_method(t->auth) ? KEYS_STEP_JOB : KEYS_STEP_NOW;
}

enum keys_step
keys_state_check(const struct keys_state *ks, const struct keys_ask *a)
{
	const struct entry *e = entry_find(ks, a->token);
	enum step step = e == NULL ? 0 : (enum step)e->step;

	if (a->verb == KEYS_DROP)
		return KEYS_STEP_SILENT;
	if (e != NULL && e->job != NULL)
		return KEYS_STEP_REFUSED;
	switch ((enum keys_verb)a->verb) {
	case KEYS_DH_NEW:
		return e == NULL ? KEYS_STEP_JOB : KEYS_STEP_REFUSED;
	case KEYS_SKEYID:
	case KEYS_DH_SHARED:
		return step == STEP_PAIR ? KEYS_STEP_JOB : KEYS_STEP_REFUSED;
	case KEYS_AUTH_OWN:
		return step == STEP_KEYED && !e->transcript->own_done ?
		    auth_step(e->transcript) : KEYS_STEP_REFUSED;
	case KEYS_AUTH_PEER:
		return step == STEP_KEYED && !e->transcript->peer_done ?
		    auth_step(e->transcript) : KEYS_STEP_REFUSED;
	case KEYS_DROP:
	case KEYS_VERB_MAX:
		break;
	}
	return KEYS_STEP_REFUSED;
}

/* ---- AUTH_OWN, AUTH_PEER ---- */

static enum why
auth_hash(const struct transcript *t, bool initiators, const struct keys_ask *a,
    uint8_t ret[PRF_MAX])
{
	/* A method may have a hash of its own, but only for this (RFC 4754). */
	uint8_t hash = sign_method(t->auth) ? sign_hash(t->auth, t->hash) : t->hash;

	return keying_hash(hash, secret_view(&t->skeyid), initiators, secret_view(&t->gxi),
	    secret_view(&t->gxr), t->cookies, a->sa_body, a->id_body, ret) ?
	    WHY_NONE : WHY_NO_MEMORY;
}

static void
auth_own(struct transcript *t, const struct keys_ask *a, struct keys_answer *ret)
{
	t->own_done = true;
	ret->why = auth_hash(t, t->initiator, a, ret->proof);
	if (ret->why == WHY_NONE)
		ret->proof_n = hash_len(t->hash);
}

static void
auth_peer(struct transcript *t, const struct keys_ask *a, struct keys_answer *ret)
{
	uint8_t want[PRF_MAX];

	ret->why = auth_hash(t, !t->initiator, a, want);
	if (ret->why == WHY_NONE &&
	    !ct_equal(view_of(want, hash_len(t->hash)), a->proof))
		ret->why = WHY_AUTH_HASH;
	t->peer_done = ret->why != WHY_AUTH_HASH || ++t->peer_tries == KEYS_PEER_TRIES;
	wipe(want, sizeof(want));
}

/* ---- public-key work ---- */

static enum why
entry_make(struct keys_state *ks, uint64_t token, struct handle *ret)
{
	if (slab_count(ks->entries) >= KEYS_TOKENS_MAX)
		return WHY_LIMIT_TOTAL;
	struct entry *e = slab_add(ks->entries, ret);
	if (e == NULL)
		return WHY_NO_MEMORY;
	e->token = token;
	if (!map_put(ks->tokens, view_of(&token, sizeof(token)), handle_u64(*ret))) {
		slab_remove(ks->entries, *ret);
		return WHY_NO_MEMORY;
	}
	return WHY_NONE;
}

static bool
nonce_ok(struct view nonce)
{
	/* RFC 2409 section 5: between 8 and 256 bytes */
	return nonce.n >= 8 && nonce.n <= NONCE_MAX;
}

/* ID payload body: type, protocol, port, data. */
static enum why
id_of_body(struct view body, struct id *ret)
{
	struct rd r = rd_of(body);
	uint8_t type = rd_u8(&r), protocol = rd_u8(&r);
	uint16_t port = rd_u16(&r);
	struct view data = rd_rest(&r);

	return r.bad ? WHY_ID_LENGTH : id_from_wire(type, protocol, port, data, ret);
}

static enum why
refused(struct keys_answer *ret, enum why why, const char *detail)
{
	text_copy(ret->detail, sizeof(ret->detail), detail);
	return why;
}

/* The private key for our ID, of the kind that was negotiated. */
static enum why
job_take_own(const struct keys_state *ks, struct keys_job *job, const struct keys_ask *a,
    struct keys_answer *ret)
{
	struct id id;
	STR(said, 160);
	enum why why = id_of_body(a->id_body, &id);

	if (why != WHY_NONE)
		return why;
	job->sign = ks->ring == NULL ? NULL :
	    sign_key_ref(keyring_private(ks->ring, &id, job->auth));
	if (job->sign == NULL)
		return WHY_NO_PRIVATE_KEY;
	job->pub = *sign_key_public(job->sign);
	why = pubkey_check(&job->pub, job->auth, a->allow_weak, &said);
	return why == WHY_NONE ? WHY_NONE : refused(ret, why, said.p);
}

/* The key of the operator's file, else the one a certificate had. */
static enum why
job_take_peer(const struct keys_state *ks, struct keys_job *job, const struct keys_ask *a,
    struct keys_answer *ret)
{
	const struct pubkey *pub;
	struct id id;
	STR(said, 160);
	enum why why = id_of_body(a->id_body, &id);

	if (why != WHY_NONE)
		return why;
	pub = keyring_public(ks->ring, &id);
	if (pub == NULL && a->key.kind != PUBKEY_NONE)
		pub = &a->key;
	if (pub == NULL)
		return WHY_NO_PUBKEY;
	job->pub = *pub;
	why = pubkey_check(pub, job->auth, a->allow_weak, &said);
	if (why != WHY_NONE)
		return refused(ret, why, said.p);
	if (a->proof.n > sizeof(job->proof))
		return WHY_SIGNATURE;
	if (a->proof.n > 0)
		memcpy(job->proof, a->proof.p, a->proof.n);
	job->proof_n = a->proof.n;
	return WHY_NONE;
}

static enum why
job_take_auth(const struct keys_state *ks, struct keys_job *job, struct transcript *t,
    const struct keys_ask *a, struct keys_answer *ret)
{
	bool own = a->verb == KEYS_AUTH_OWN;
	enum why why = auth_hash(t, own == t->initiator, a, job->hash);

	*(own ? &t->own_done : &t->peer_done) = true;
	job->auth = t->auth;
	job->hash_n = hash_len(sign_hash(t->auth, t->hash));
	if (why != WHY_NONE)
		return why;
	return own ? job_take_own(ks, job, a, ret) : job_take_peer(ks, job, a, ret);
}

/* The parts of a SKEYID ask beside the key exchange itself. */
static enum why
job_take_skeyid(const struct keys_state *ks, struct keys_job *job, const struct keys_ask *a)
{
	struct handle h;

	bool signs = sign_method(a->auth);

	if ((!signs && a->auth != AUTH_PRE_SHARED) || hash_len(a->hash) == 0)
		return WHY_ATTRIBUTES;
	if (!nonce_ok(a->ni) || !nonce_ok(a->nr))
		return WHY_NONCE_LENGTH;
	const struct psk *psk = signs ? NULL : psk_find(ks, a->peer, &h);
	if (!signs && psk == NULL)
		return WHY_NO_KEY;
	struct transcript *t = job->transcript = calloc(1, sizeof(*t));
	if (t == NULL)
		return WHY_NO_MEMORY;
	t->initiator = a->initiator;
	t->hash = a->hash;
	t->auth = a->auth;
	/* Whose certificate it is, if our ID is to be taken from one. */
	const struct sign_key *own = signs && ks->ring != NULL ?
	    keyring_private(ks->ring, NULL, a->auth) : NULL;
	if (own != NULL)
		job->pub = *sign_key_public(own);
	memcpy(t->cookies, a->cookies, sizeof(t->cookies));
	return (signs || secret_set(&job->psk, secret_view(&psk->key))) &&
	    secret_set(&job->ni, a->ni) && secret_set(&job->nr, a->nr) ?
	    WHY_NONE : WHY_NO_MEMORY;
}

static enum why
job_take(const struct keys_state *ks, struct keys_job *job, struct entry *e,
    const struct keys_ask *a, struct keys_answer *ret)
{
	enum why why = WHY_NONE;

	job->group = a->group;
	if (a->verb == KEYS_DH_NEW)
		return WHY_NONE;
	if (a->verb == KEYS_AUTH_OWN || a->verb == KEYS_AUTH_PEER)
		return job_take_auth(ks, job, e->transcript, a, ret);
	if (a->verb == KEYS_SKEYID)
		why = job_take_skeyid(ks, job, a);
	if (why != WHY_NONE)
		return why;
	if (a->peer_public.n != dh_public_len(dh_group(e->dh)))
		return WHY_KEY_VALUE;
	if (!secret_set(&job->peer_public, a->peer_public))
		return WHY_NO_MEMORY;
	job->dh = e->dh;
	e->dh = NULL;
	return WHY_NONE;
}

/* An entry after a failed ask: nothing but DROP is left to it. */
static void
entry_spend(struct keys_state *ks, struct entry *e, struct handle h)
{
	if (e->step == 0) {	/* DH_NEW: as if it had never been */
		entry_remove(ks, e, h);
		return;
	}
	dh_free(e->dh);
	e->dh = NULL;
	transcript_free(e->transcript);
	e->transcript = NULL;
	e->job = NULL;
	e->step = STEP_SPENT;
}

struct keys_job *
keys_job_begin(struct keys_state *ks, const struct keys_ask *a, struct keys_answer *ret)
{
	struct handle h;
	uint64_t value;

	ret->verb = a->verb;
	ret->token = a->token;
	if (keys_state_check(ks, a) != KEYS_STEP_JOB) {
		ret->why = WHY_CONTRACT;
		return NULL;
	}
	if (a->verb == KEYS_DH_NEW) {
		ret->why = entry_make(ks, a->token, &h);
		if (ret->why != WHY_NONE)
			return NULL;
	} else if (map_get(ks->tokens, view_of(&a->token, sizeof(a->token)), &value)) {
		h = handle_of_u64(value);
	} else {
		ret->why = WHY_CONTRACT;
		return NULL;
	}
	struct entry *e = slab_find(ks->entries, h);
	struct keys_job *job = calloc(1, sizeof(*job));
	ret->why = job == NULL ? WHY_NO_MEMORY : job_take(ks, job, e, a, ret);
	if (ret->why != WHY_NONE) {
		entry_spend(ks, e, h);
		keys_job_free(job);
		return NULL;
	}
	job->entry = h;
	job->verb = a->verb;
	job->token = a->token;
	e->job = job;
	return job;
}

static enum why
run_skeyid(struct keys_job *job)
{
	struct transcript *t = job->transcript;
	struct view own = dh_public(job->dh), peer = secret_view(&job->peer_public);
	enum why why = dh_shared(job->dh, peer, &job->shared);

	struct view psk = secret_view(&job->psk);
	if (why == WHY_NONE && !(keying_derive(t->hash, sign_method(t->auth) ? NULL : &psk,
	    secret_view(&job->ni), secret_view(&job->nr), secret_view(&job->shared),
	    t->cookies, &job->keying) &&
	    secret_set(&t->gxi, t->initiator ? own : peer) &&
	    secret_set(&t->gxr, t->initiator ? peer : own)))
		why = WHY_NO_MEMORY;
	secret_done(&job->shared);
	return why;
}

static enum why
run_auth(struct keys_job *job)
{
	struct view hash = view_of(job->hash, job->hash_n);

	return job->verb == KEYS_AUTH_OWN ?
	    sign_make(job->sign, job->auth, hash, job->proof, &job->proof_n) :
	    sign_check(&job->pub, job->auth, hash, view_of(job->proof, job->proof_n));
}

void
keys_job_run(struct keys_job *job)
{
	if (atomic_load(&job->dropped))
		return;
	if (job->verb == KEYS_AUTH_OWN || job->verb == KEYS_AUTH_PEER) {
		job->why = run_auth(job);
		return;
	}
	if (job->verb == KEYS_DH_NEW) {
		job->why = dh_new(job->group, &job->dh);
		return;
	}
	job->why = job->verb == KEYS_SKEYID ? run_skeyid(job) :
	    dh_shared(job->dh, secret_view(&job->peer_public), &job->shared);
	/* The exponent has done what it was drawn for. */
	dh_free(job->dh);
	job->dh = NULL;
}

void
keys_job_fail(struct keys_job *job, enum why why)
{
	job->why = why;
}

static void
take_dh_new(struct entry *e, struct keys_job *job, struct keys_answer *ret)
{
	struct view v = dh_public(job->dh);

	memcpy(ret->public_value, v.p, v.n);
	ret->public_n = v.n;
	e->dh = job->dh;
	job->dh = NULL;
	e->step = STEP_PAIR;
}

static void
take_skeyid(struct entry *e, struct keys_job *job, struct keys_answer *ret)
{
	secret_take(&job->transcript->skeyid, &job->keying.skeyid);
	secret_take(&ret->skeyid_d, &job->keying.d);
	secret_take(&ret->skeyid_a, &job->keying.a);
	secret_take(&ret->skeyid_e, &job->keying.e);
	ret->key = job->pub;
	e->transcript = job->transcript;
	job->transcript = NULL;
	e->step = STEP_KEYED;
}

/* Our signature, or that the peer's is right; either way by which key. */
static void
take_auth(struct keys_job *job, struct keys_answer *ret)
{
	ret->key = job->pub;
	if (job->verb != KEYS_AUTH_OWN)
		return;
	memcpy(ret->proof, job->proof, job->proof_n);
	ret->proof_n = job->proof_n;
}

bool
keys_job_end(struct keys_state *ks, struct keys_job *job, struct keys_answer *ret)
{
	struct entry *e = slab_find(ks->entries, job->entry);

	if (e == NULL || e->job != job) {
		keys_job_free(job);
		return false;
	}
	e->job = NULL;
	ret->verb = job->verb;
	ret->token = job->token;
	ret->why = job->why;
	if (job->why != WHY_NONE) {
		ret->key = job->pub;	/* AUTH_PEER: whose signature it is not */
		entry_spend(ks, e, job->entry);
	} else if (job->verb == KEYS_DH_NEW) {
		take_dh_new(e, job, ret);
	} else if (job->verb == KEYS_SKEYID) {
		take_skeyid(e, job, ret);
	} else if (job->verb == KEYS_AUTH_OWN || job->verb == KEYS_AUTH_PEER) {
		take_auth(job, ret);
	} else {
		secret_take(&ret->shared, &job->shared);
		e->step = STEP_SPENT;
	}
	keys_job_free(job);
	return true;
}

/* ---- all at once ---- */

void
keys_state_ask(struct keys_state *ks, const struct keys_ask *a, struct keys_answer *ret)
{
	struct entry *e = entry_find(ks, a->token);
	struct keys_job *job;

	ret->verb = a->verb;
	ret->token = a->token;
	switch (keys_state_check(ks, a)) {
	case KEYS_STEP_REFUSED:
		ret->why = WHY_CONTRACT;
		return;
	case KEYS_STEP_SILENT:
		token_drop(ks, a->token);
		return;
	case KEYS_STEP_NOW:
		if (a->verb == KEYS_AUTH_OWN)
			auth_own(e->transcript, a, ret);
		else
			auth_peer(e->transcript, a, ret);
		return;
	case KEYS_STEP_JOB:
		job = keys_job_begin(ks, a, ret);
		if (job == NULL)
			return;
		keys_job_run(job);
		(void)keys_job_end(ks, job, ret);
		return;
	}
}
