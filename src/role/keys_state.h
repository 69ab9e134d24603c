/*
 * What the keys role knows, without I/O: pre-shared keys by section, and per
 * token one run of the keys contract.  The role and the simulator use it
 * alike; the role hands the expensive part of an ask to another thread.
 *
 *	token   nothing -- DH_NEW --> pair -- SKEYID --> keyed -- AUTH_OWN, AUTH_PEER
 *	                               |                          each once, any order;
 *	                               |                          a wrong hash of the peer
 *	                               |                          may be followed by another
 *	                               +---- DH_SHARED --> spent
 *
 * DROP is allowed always, also for a token that is not there (its DH_NEW may
 * have failed).  An ask that fails leaves nothing but DROP.  While an ask is
 * being worked on, its token takes nothing but DROP.
 *
 * g^xi, g^xr and the cookies that enter HASH_I and HASH_R are those of
 * DH_NEW and SKEYID: who holds only a token cannot have another transcript
 * signed.  With a method that signs, AUTH_OWN and AUTH_PEER are public-key work;
 * there is no ask that signs what `ike` gives.
 */
#ifndef ROLE_KEYS_STATE_H
#define ROLE_KEYS_STATE_H

#include "base/ask.h"

struct keyring;

enum {
	KEYS_TOKENS_MAX = 65536,	/* live tokens */
	KEYS_PSKS_MAX = 1000 * 1000,
	KEYS_MARK_KEY = 16
};

struct keys_state;
struct keys_job;

struct keys_state *keys_state_new(void);	/* NULL without memory */
void		keys_state_free(struct keys_state *);

/* Section names compare ignoring ASCII case.  An empty key removes.  False
 * without memory, if there are too many, or if the key is too long. */
MUST_USE bool	keys_state_psk_set(struct keys_state *, const char *section, struct view psk);
void		keys_state_psk_clear_all(struct keys_state *);
size_t		keys_state_psk_count(const struct keys_state *);
/* Each key that is held, until `each` says false; the result is its last. */
bool		keys_state_psk_each(const struct keys_state *,
		    bool (*each)(void *self, const char *section, struct view key), void *self);
/*
 * What `ike` may know of a key: whether it is the one it was.  Under a key of
 * our own, and different for each section, so that equal keys of two peers
 * do not show.  0 for an empty key, and for nothing else.
 */
uint64_t	keys_state_mark(const struct keys_state *, const char *section, struct view psk);
/* That key of our own, KEYS_MARK_KEY octets; made by chance at first. */
const uint8_t	*keys_state_mark_key(const struct keys_state *);
void		keys_state_set_mark_key(struct keys_state *, const uint8_t key[KEYS_MARK_KEY]);

/* Takes the ring; what was held before is gone.  NULL: no keys. */
void		keys_state_ring_set(struct keys_state *, struct keyring *);
/* What is held; NULL: no keys. */
const struct keyring *keys_state_ring(const struct keys_state *);

enum keys_step {
	KEYS_STEP_REFUSED,	/* out of order or malformed: WHY_CONTRACT */
	KEYS_STEP_NOW,		/* cheap: keys_state_ask */
	KEYS_STEP_JOB,		/* public-key work: keys_job_begin, or keys_state_ask */
	KEYS_STEP_SILENT	/* DROP: keys_state_ask, and no answer is due */
};

/* What an ask is, by the contract.  Changes nothing. */
enum keys_step	keys_state_check(const struct keys_state *, const struct keys_ask *);
/*
 * Does all of it.  ret must be zeroed; the caller ends it with
 * keys_answer_done.  ret->why is WHY_CONTRACT exactly if the step is refused;
 * nothing has changed then.
 */
void		keys_state_ask(struct keys_state *, const struct keys_ask *,
		    struct keys_answer *ret);
/* Forgets all tokens; the keys stay. */
void		keys_state_drop_all(struct keys_state *);
size_t		keys_state_count(const struct keys_state *);

/*
 * The same in three parts, for KEYS_STEP_JOB.  begin and end belong to the
 * thread that owns the state; run touches nothing but the job, so any thread
 * may do it.  begin copies what it needs of the ask.
 *
 * begin gives a job, or NULL with the reason in ret (an answer as above).
 * end frees the job; false if the token was dropped meanwhile: no answer.
 */
struct keys_job	*keys_job_begin(struct keys_state *, const struct keys_ask *,
		    struct keys_answer *ret);
void		keys_job_run(struct keys_job *);
bool		keys_job_end(struct keys_state *, struct keys_job *, struct keys_answer *ret);
/* Instead of run, for a job that cannot be run: end then answers with this. */
void		keys_job_fail(struct keys_job *, enum why);
/* A job that nobody will run or end, once its state is gone. */
void		keys_job_free(struct keys_job *);

/* --- the arithmetic of RFC 2409 section 5, for the above and for tests --- */

struct keying {
	struct secret	skeyid, d, a, e;
};

void		keying_done(struct keying *);
/* psk NULL: authentication by signature.  False: no such hash, or no memory. */
MUST_USE bool	keying_derive(uint8_t hash, const struct view *psk, struct view ni, struct view nr,
		    struct view gxy, const uint8_t cookies[16], struct keying *ret);
/*
 * HASH_I or HASH_R: `initiators` says which.  gxi, gxr and the cookies are
 * given as they are, not swapped.  hash_len octets to ret.
 */
MUST_USE bool	keying_hash(uint8_t hash, struct view skeyid, bool initiators, struct view gxi,
		    struct view gxr, const uint8_t cookies[16], struct view sa_body,
		    struct view id_body, uint8_t ret[PRF_MAX]);

#endif
