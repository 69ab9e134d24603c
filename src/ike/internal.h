/*
 * What the files of the core share.  Nothing outside src/ike includes this.
 *
 * Owners: the core owns slabs of exchanges, ISAKMP SAs and IPsec SAs, and an
 * array of connection states.  Everybody else holds handles.  A peer or
 * connection pointer lives as long as the snapshot of the object that holds it.
 */
#ifndef IKE_INTERNAL_H
#define IKE_INTERNAL_H

#include "base/heap.h"
#include "base/map.h"
#include "base/slab.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "ike/core.h"
#include "wire/message.h"
#include "wire/payload.h"
#include "wire/sa.h"

enum {
	DATAGRAM_MAX = 16384,	/* octets of a message we write */
	NONCE_OURS = 32,	/* octets (security R27) */
	SA_BODY_MAX = 4096,	/* octets of SAi_b we keep */
	ANSWERS_MAX = 5,	/* repetitions of an answer per exchange and message (isakmpd.md 12.4) */
	MESSAGE_IDS_MAX = 65536,	/* message IDs used on one ISAKMP SA */
	QUICK_PER_SA = 64,	/* exchanges a peer may have open on one ISAKMP SA */
	PAIRS_PER_PEER = 64, PAIRS_PER_CONNECTION = 8,	/* IPsec SA pairs a peer may have */
	HALF_OPEN_SECS = 30,	/* a responder's first answer waits this long */
	OPEN_MS = 250,		/* the responder of a renewal has this long to install its half */
	STRAY_SECS = 5,		/* an INVALID-SPI to a peer at most so often */
	GRACE_SECS = 30,	/* a replaced SA stays this long for packets under way */
	DPD_RETRY_SECS = 5, DPD_TRIES = 5,
	P1_DEFAULT_SECS = 28800, P2_DEFAULT_SECS = 28800,
	EXCHANGES_MAX = 40000, ISAKMP_SAS_MAX = 40000, IPSEC_SAS_MAX = 80000
};

struct isakmp_sa;
struct ipsec_sa;
struct exchange;

/* ---- objects that share a key (kin.c) ---- */

enum { KIN_KEY = 16 };

/* A place in the list of one key; zeroed: in none. */
struct kin {
	struct kin	*next, *before;
	void		*owner;		/* the object that holds this; NULL: in no list */
	uint8_t		 key[KIN_KEY];
};

/* The newest with that key, or NULL; its `next` is older. */
struct kin	*kin_first(const struct map *, const uint8_t key[KIN_KEY]);
/* It must be in no list; false without memory. */
MUST_USE bool	 kin_enter(struct map *, struct kin *, const uint8_t key[KIN_KEY], void *owner);
void		 kin_leave(struct map *, struct kin *);

/* ---- timers ---- */

enum timer_kind {
	TIMER_EXCHANGE_RESEND = 1, TIMER_EXCHANGE_END,
	TIMER_ISAKMP_SOFT, TIMER_ISAKMP_HARD, TIMER_ISAKMP_DPD, TIMER_ISAKMP_KEEPALIVE,
	TIMER_IPSEC_SOFT, TIMER_IPSEC_HARD, TIMER_IPSEC_OPEN,
	TIMER_CONNECTION, TIMER_SHUTDOWN
};

struct timer {
	struct deadline	d;		/* first: a deadline pointer is a timer pointer */
	enum timer_kind	kind;
	struct handle	owner;		/* TIMER_CONNECTION: slot is the index */
};

void	timer_set(struct core *, struct timer *, enum timer_kind, struct handle owner, struct mono at);
void	timer_clear(struct core *, struct timer *);

/* ---- phase 1 parameters and keys ---- */

struct p1_params {
	uint8_t		cipher, hash, auth;
	uint16_t	group, key_bits;	/* key_bits as negotiated, 0: no attribute */
	uint32_t	life_secs, life_kb;
};

/* Moves from the exchange to the SA when phase 1 is done. */
struct p1_keys {
	struct secret	skeyid_d, skeyid_a;
	struct secret	cipher_key;		/* Ka, RFC 2409 appendix B */
	uint8_t		iv[CIPHER_BLOCK_MAX];	/* last block of the last phase 1 message */
};

void	p1_keys_done(struct p1_keys *);

/* What vendor IDs and NAT-D told about the peer. */
struct peer_traits {
	bool	nat_t;			/* both speak RFC 3947 */
	bool	dpd;			/* peer sent the DPD vendor ID */
	bool	we_are_natted, peer_is_natted;
};

static inline bool
traits_encap(const struct peer_traits *t)
{
	return t->nat_t && (t->we_are_natted || t->peer_is_natted);
}

/* ---- exchanges ---- */

enum exchange_state {
	X_NEW = 0,
	/* main mode, initiator */
	MM_I_SENT_SA, MM_I_DH_PENDING, MM_I_SENT_KE, MM_I_SKEYID_PENDING, MM_I_OWN_NAME_PENDING,
	MM_I_AUTH_PENDING, MM_I_CERT_PENDING, MM_I_SENT_AUTH, MM_I_TRUST_PENDING,
	MM_I_VERIFY_PENDING, MM_I_PEER_NAME_PENDING,
	/* main mode, responder */
	MM_R_SENT_SA, MM_R_DH_PENDING, MM_R_SKEYID_PENDING, MM_R_SENT_KE, MM_R_TRUST_PENDING,
	MM_R_VERIFY_PENDING, MM_R_NAMES_PENDING, MM_R_AUTH_PENDING, MM_R_CERT_PENDING,
	/* quick mode, initiator */
	QM_I_SPI_PENDING, QM_I_DH_PENDING, QM_I_SENT_1, QM_I_SHARED_PENDING, QM_I_INSTALL_PENDING,
	/* quick mode, responder */
	QM_R_SPI_PENDING, QM_R_DH_PENDING, QM_R_SHARED_PENDING, QM_R_INBOUND_PENDING, QM_R_SENT_2,
	QM_R_INSTALL_PENDING,
	X_DONE,			/* kept only to repeat its last message; p1 and p2 are gone */
	X_STATE_MAX
};

/* What certificates have to do with an exchange; octets nobody here looks into. */
struct p1_certs {
	/* Bodies, each behind its length: the peer's CERT and CERT_REQ, our CERT. */
	uint8_t			*got, *asked, *own;
	size_t			got_n, asked_n, own_n;
	struct pubkey		peer_key;	/* that a certificate of the peer vouches for */
	/* Why there is none, for the record. */
	enum why		why;
	char			field[64], expected[200], got_text[200];
};

/* Phase 1 part of an exchange. */
struct p1 {
	struct p1_params	params;
	uint8_t			sa_body[SA_BODY_MAX];	/* SAi_b */
	size_t			sa_body_n;
	uint8_t			ni[NONCE_MAX], nr[NONCE_MAX];
	size_t			ni_n, nr_n;
	uint8_t			*public_value;		/* ours */
	size_t			public_n;
	uint8_t			*peer_public;
	size_t			peer_public_n;
	uint8_t			own_id_body[ID_DATA_MAX + 4], peer_id_body[ID_DATA_MAX + 4];
	size_t			own_id_n, peer_id_n;
	struct id		own_id, peer_id;
	/* Distinguished names, as `trust` has them; NULL: no such, or not known. */
	char			*own_name, *peer_name;
	bool			peer_is_wanted;		/* the peer's is the Remote-ID */
	struct pubkey		*own_key;		/* whose certificate tells our name; NULL: it does not */
	uint8_t			*peer_proof, *own_proof;	/* bodies of HASH or SIG */
	size_t			peer_proof_n, own_proof_n;
	struct p1_keys		keys;
	bool			have_keys;
	unsigned		wrong_hashes;
	uint8_t			waiting;	/* enum exchange_state that the hash came in */
	uint8_t			waiting_iv[CIPHER_BLOCK_MAX], waiting_seen[32];	/* as of then */
	struct peer_traits	traits;
	bool			initial_contact;	/* received */
	bool			send_initial_contact;
	struct p1_certs		*certs;			/* NULL: none of either side */
	bool			keys_asked;		/* keys holds state for us */
	const char		*key_detail;		/* of the answer at hand: what is wrong with a key */
	/* responder: the answer to message 1 */
	size_t			first_n;	/* octets of it; the answer has no more (security R25) */
	uint64_t		text;		/* what echo.c knows it by; 0: nothing */
	uint8_t			chosen_proposal, chosen_transform;
	uint8_t			chosen_spi[SPI_LEN_MAX];
	size_t			chosen_spi_n;
	uint8_t			*chosen_attributes;
	size_t			chosen_attributes_n;
};

/* Phase 2 part. */
struct p2 {
	struct sa_suite		suite;
	uint16_t		group;
	uint32_t		life_secs;
	uint64_t		life_kb;
	bool			shorten;	/* answer with RESPONDER-LIFETIME */
	uint32_t		replay_window;
	uint32_t		spi_in, spi_out;
	uint8_t			ni[NONCE_MAX], nr[NONCE_MAX];
	size_t			ni_n, nr_n;
	uint8_t			*public_value;
	size_t			public_n;
	uint8_t			*peer_public;
	size_t			peer_public_n;
	struct secret		shared;
	struct id		local_id, remote_id;	/* type 0: not sent */
	struct flow		flow;
	uint8_t			proposal_number, transform_number;
	uint8_t			*attributes;	/* responder: chosen, echoed */
	size_t			attributes_n;
	bool			encap;
	bool			on_demand;
	bool			keys_asked, installed_in, installed_all;
	struct handle		ipsec_sa;	/* made when the first part is installed */
};

/* How far the peer of a phase 1 it began has come (limit.c). */
enum stage { STAGE_NONE, STAGE_HALF_OPEN, STAGE_PROVEN, STAGE_MAX };

struct exchange {
	struct handle		self;
	uint8_t			type;		/* enum exchange_type */
	uint8_t			state;		/* enum exchange_state; only exchange_state_set writes it */
	bool			initiator;
	bool			fresh;		/* made by the message at hand */
	bool			authentic;	/* the message at hand passed its hash */
	bool			recorded;	/* a failure record was written */
	bool			hinted;		/* one was, by a message nobody vouched for */
	bool			unreadable;	/* initiator: got what our keys do not open */
	bool			known_peer;	/* responder: source is configured by address */
	struct snapshot		*snapshot;
	const struct peer	*peer;
	const struct connection	*connection;	/* phase 2; NULL for none */
	struct handle		isakmp_sa;	/* parent of phase 2; result of phase 1 */
	struct path		path;
	struct addr		first_addr;	/* phase 1: where message 1 came from or went */
	enum stage		stage;		/* who is counted where until authentication */
	struct exchange		*older, *newer;	/* of the same stage */
	uint8_t			icookie[COOKIE_LEN], rcookie[COOKIE_LEN];
	uint32_t		message_id;
	uint8_t			iv[CIPHER_BLOCK_MAX];
	struct mono		started;
	struct timer		resend, end;
	uint8_t			seen[32];	/* digest of the last message accepted */
	bool			have_seen;
	uint8_t			*out;		/* our last message, as sent */
	size_t			out_n;
	unsigned		sends, answers;
	unsigned		step;		/* number of the message at hand, 1.. */
	struct p1		*p1;		/* NULL in phase 2, and when done */
	struct p2		*p2;		/* NULL in phase 1, and when done */
	struct exchange		*sibling, *sibling_before;	/* phase 2: on the same ISAKMP SA */
};

/* Phase 1 is authenticated by signatures, not by a pre-shared key. */
bool		exchange_signs(const struct exchange *);

static inline bool
is_phase1(const struct exchange *x)
{
	return x->type == EXCH_ID_PROT;
}

/* Exchanges of one stage and kind of peer, the oldest first. */
struct stage_list {
	struct exchange	*first, *last;
	uint32_t	n;
};

/* What set a row off; exactly one member is not NULL, or none at the start. */
struct event {
	const struct message		*m;
	const struct path		*path;
	struct keys_answer		*keys;
	const struct kern_answer	*kern;
	const struct trust_answer	*trust;
};

enum row_on { ON_START, ON_MESSAGE, ON_KEYS, ON_KERN, ON_TRUST };
enum row_role { INITIATOR, RESPONDER };
enum row_resend { RESEND_NEVER, RESEND_ON_DUPLICATE, RESEND_BY_TIMER };

typedef enum why row_handle(struct core *, struct exchange *, const struct event *);
typedef enum why row_reply(struct core *, struct exchange *, struct msg_wr *);

/* One line of an exchange table. */
struct row {
	enum row_role	role;
	enum row_on	on;
	uint8_t		in, out;	/* enum exchange_state */
	uint8_t		answer;		/* ON_KEYS, ON_KERN, ON_TRUST: the verb waited for */
	bool		encrypted;	/* ON_MESSAGE: must be */
	uint64_t	need, may;	/* ON_MESSAGE: bits of payload types */
	uint8_t		step, reply_step;	/* message numbers, for people */
	bool		(*when)(const struct exchange *);	/* NULL: always */
	row_handle	*handle;	/* may be NULL */
	row_reply	*reply;		/* NULL: nothing is sent */
	bool		reply_encrypted;
	enum row_resend	resend;		/* of the reply */
	void		(*done)(struct core *, struct exchange *);	/* after the state is set */
};

/* The bit of a payload type in need and may; payload_bit as a constant. */
#define P(name)	(1ull << PL_##name)

struct rows { const struct row *row; size_t n; };
struct rows	main_mode_rows(void);
struct rows	quick_mode_rows(void);

const char	*exchange_state_name(uint8_t state);
struct exchange	*exchange_new(struct core *, uint8_t type, bool initiator, const struct peer *,
		    const struct connection *);
void		exchange_free(struct core *, struct exchange *);
void		exchange_adopt(struct isakmp_sa *, struct exchange *);
struct exchange	*exchange_find(struct core *, struct handle);
/* Runs the row for (role, state, trigger).  May free the exchange. */
void		exchange_run(struct core *, struct exchange *, enum row_on, const struct event *);
/* The exchange ends here: record, clean-up, consequences for connections. */
void		exchange_fail(struct core *, struct exchange *, enum why);
/* The same, and a peer that waits for our quick mode answer is told. */
void		exchange_fail_local(struct core *, struct exchange *, enum why);
/* A message that decrypted is about to be judged by `keys`: what to go back to. */
void		exchange_remember(struct exchange *);
/* It was not the peer's: on with waiting for that one.  False: too often. */
MUST_USE bool	exchange_wait_again(struct core *, struct exchange *);
void		exchange_timer(struct core *, struct exchange *, enum timer_kind);
bool		exchange_is_duplicate(struct core *, struct exchange *, struct view datagram);
void		exchange_repeat(struct core *, struct exchange *);
const struct row *exchange_row(const struct exchange *, enum row_on, uint8_t answer);
/* The message at hand failed for this reason; drops it, maybe the exchange. */
void		exchange_refuse(struct core *, struct exchange *, enum why, size_t datagram_n);
const char	*exchange_kind(const struct exchange *);	/* "main", "quick" */

bool		exchange_index_first(struct core *, struct exchange *);
bool		exchange_index_cookies(struct core *, struct exchange *);
bool		exchange_index_message_id(struct core *, struct exchange *);
struct exchange	*exchange_by_first(struct core *, const uint8_t *icookie, const struct addr *);
struct exchange	*exchange_by_cookies(struct core *, const uint8_t *icookie, const uint8_t *rcookie);
struct exchange	*exchange_by_message_id(struct core *, struct handle isakmp_sa, uint32_t);

/* ---- certificates ---- */

void		certs_free(struct p1_certs *);
/* Keeps the CERT and CERT_REQ payloads of a message, if this exchange signs. */
MUST_USE enum why certs_keep(struct exchange *, const struct message *);
void		certs_ask_peer(struct core *, struct exchange *);
void		certs_ask_own(struct core *, struct exchange *, const struct pubkey *);
MUST_USE enum why certs_peer_take(struct exchange *, const struct trust_answer *);
MUST_USE enum why certs_own_take(struct exchange *, const struct trust_answer *);
/*
 * Distinguished names, of either side: whether there are any to ask for, the
 * question, and what the answer makes of own_id.
 */
bool		names_own_due(const struct exchange *);
bool		names_due(const struct exchange *);	/* ours or the peer's */
void		names_ask(struct core *, struct exchange *, bool own, bool peer);
MUST_USE enum why names_take(struct core *, struct exchange *, const struct trust_answer *);
/* Keeps a text, if there is one; what cannot be kept is told as octets. */
void		names_keep(char **name, const char *text);
/* An identity as text, with its name where that is known. */
void		names_print(struct str *, const struct id *, const char *name);
void		certs_write(struct core *, const struct exchange *, struct msg_wr *);
void		certs_request_write(const struct core *, const struct exchange *, struct msg_wr *);
/* WHY_NO_PUBKEY becomes the reason why the peer's certificates gave no key. */
enum why	certs_why(const struct exchange *, enum why);
/* Fills the record with that reason; false if it is none of certificates. */
bool		certs_failing(struct core *, struct exchange *);

/* ---- main mode, quick mode ---- */

void		main_mode_failing(struct core *, struct exchange *, enum why);
/* A message that should have been encrypted with our keys was not: the keys differ. */
void		main_mode_undecryptable(struct core *, struct exchange *, const struct path *);
void		main_mode_hint(struct core *, struct exchange *);

bool		main_mode_start(struct core *, const struct peer *);
/* Makes the responder's exchange for a first message, with our cookie, or a random one
 * if that is NULL; NULL if refused. */
struct exchange	*main_mode_responder(struct core *, const struct header *, const struct path *,
		    const struct peer *, const uint8_t *rcookie);
bool		quick_mode_start(struct core *, struct handle isakmp_sa, const struct connection *,
		    bool on_demand);
/* The exchange for a first quick mode message; not yet authenticated. */
struct exchange	*quick_mode_responder(struct core *, struct isakmp_sa *, const struct header *,
		    const struct path *);

void		quick_mode_uncount(struct core *, const struct exchange *);

/* The line of a tag of this section, or if nobody wrote it, the section's. */
struct where	where_in(const struct where *section, uint32_t line);

/* ---- values of both phases ---- */

/* Replaces what *to owns by a copy. */
MUST_USE enum why	blob_set(uint8_t **to, size_t *to_n, struct view);
MUST_USE enum why	nonce_read(struct core *, struct view, uint8_t ret[NONCE_MAX], size_t *ret_n);
/* Is a public value of n octets one of this group?  What it is, keys checks. */
MUST_USE enum why	public_check(struct core *, uint16_t group, size_t n);

/* ---- proposals ---- */

enum why	p1_offer(struct core *, struct exchange *, struct msg_wr *);
enum why	p1_choose(struct core *, struct exchange *, struct view sa_body);
enum why	p1_check_choice(struct core *, struct exchange *, struct view sa_body);
enum why	p2_offer(struct core *, struct exchange *, struct msg_wr *);
enum why	p2_choose(struct core *, struct exchange *, struct view sa_body, bool have_ke);
/* The SPI of the first ESP proposal, or 0: by it the peer knows which of its offers a refusal means. */
uint32_t	p2_first_spi(struct view sa_body);
enum why	p2_check_choice(struct core *, struct exchange *, struct view sa_body, bool have_ke);

/* ---- key material and protection ---- */

/* Appendix B: Ka and the first IV. */
MUST_USE bool	keymat_phase1(struct exchange *, struct view skeyid_e);
/* IV of a phase 2 exchange. */
MUST_USE bool	keymat_phase2_iv(const struct p1_params *, const uint8_t *last_block,
		    uint32_t message_id, uint8_t ret[CIPHER_BLOCK_MAX]);
/* RFC 2409 5.5: KEYMAT of one direction. */
MUST_USE bool	keymat_phase2(const struct p1_params *, const struct p1_keys *, const struct p2 *,
		    uint32_t spi, struct secret *ret);
/* prf(SKEYID_a, parts) */
MUST_USE bool	keymat_hash(const struct p1_params *, const struct p1_keys *,
		    const struct view *parts, size_t n, uint8_t ret[PRF_MAX]);

/* ---- ISAKMP SAs ---- */

struct isakmp_sa {
	struct handle		self;
	struct snapshot		*snapshot;
	const struct peer	*peer;
	bool			initiator;
	uint8_t			icookie[COOKIE_LEN], rcookie[COOKIE_LEN];
	struct path		path;
	struct p1_params	params;
	struct p1_keys		keys;
	struct peer_traits	traits;
	uint8_t			*own_id, *peer_id;	/* bodies of the ID payloads */
	size_t			own_id_n, peer_id_n;
	char			*own_name, *peer_name;	/* as in p1 */
	uint64_t		identity;	/* of the peer: hash of its ID */
	struct kin		of_peer;	/* all with this peer */
	bool			replaced, stay_alive, fading;
	bool			unproven;	/* we answered last, and nothing came over it yet */
	struct handle		successor;	/* an unproven one that waits for its proof */
	struct mono		created, last_heard;
	struct mono		soft_at, hard_at;
	struct timer		soft, hard, dpd, keepalive;
	uint32_t		*message_ids;	/* used ones */
	size_t			n_message_ids, cap_message_ids;
	unsigned		exchanges;	/* open ones the peer began */
	struct mono		stray_at;	/* when INVALID-SPI may be sent again */
	struct exchange		*children;	/* all quick modes on it, done ones too */
	bool			going;		/* is being removed: no more children */
	/* DPD (RFC 3706) */
	uint32_t		dpd_out, dpd_in;
	bool			dpd_in_known;
	unsigned		dpd_tries;	/* 0: no probe under way */
	unsigned		dpd_queries;
	uint32_t		dpd_idle;	/* seconds, least of what kern answered */
};

struct isakmp_sa *isakmp_sa_find(struct core *, struct handle);
struct isakmp_sa *isakmp_sa_by_cookies(struct core *, const uint8_t *icookie, const uint8_t *rcookie);
/* A ready one to use for a peer section, or NULL. */
struct isakmp_sa *isakmp_sa_for_peer(struct core *, const struct peer *);
void		isakmp_sa_made(struct core *, struct exchange *);
void		isakmp_sa_remove(struct core *, struct isakmp_sa *);
/* The identities of both ends; either pointer may be NULL. */
void		isakmp_sa_ids(const struct isakmp_sa *, struct id *ret_own, struct id *ret_peer);
bool		isakmp_sa_same_identity(const struct isakmp_sa *, const struct isakmp_sa *);
uint64_t	identity_hash(const struct core *, const struct id *);
/* What the SAs of one peer have in common: its section, and where many may
 * share a section, their identity.  A reload changes it for no SA that stays. */
struct view	peer_key(const struct core *, const struct peer *, uint64_t identity,
		    uint8_t room[KIN_KEY]);
void		isakmp_sa_timer(struct core *, struct isakmp_sa *, enum timer_kind);
/* An authenticated message came over it by this path. */
void		isakmp_sa_heard(struct core *, struct isakmp_sa *, const struct path *);
/* False: used before, or no room to remember it. */
bool		isakmp_sa_use_message_id(struct core *, struct isakmp_sa *, uint32_t);
/* Greater than `above`, if there is such a number. */
uint32_t	isakmp_sa_new_message_id(struct core *, struct isakmp_sa *, uint32_t above);
/* Everything negotiated with this identity before `before`, without DELETE (18.3). */
void		isakmp_sa_initial_contact(struct core *, struct isakmp_sa *, struct mono before);
struct mono	soft_expiry(struct core *, uint32_t life_secs, bool initiator);
bool		same_peer_name(const struct peer *, const struct peer *);

/* ---- IPsec SAs ---- */

struct ipsec_sa {
	struct handle		self;
	struct snapshot		*snapshot;
	const struct peer	*peer;
	const struct connection	*connection;
	struct handle		isakmp_sa;	/* it was made under; may be gone */
	uint64_t		identity;	/* the peer's, as of that ISAKMP SA */
	struct kin		of_peer;	/* all pairs with this peer */
	struct kin		retired;	/* the replaced ones of this connection */
	bool			initiator, ready, replaced, stay_alive, on_demand, fading;
	bool			renegotiate;	/* the configuration wants it anew */
	bool			lost;		/* the back end has it no more */
	bool			nat_t;
	uint8_t			parts;		/* enum sa_part installed */
	uint32_t		message_id;
	uint8_t			cookies[2 * COOKIE_LEN];
	uint16_t		group;
	uint32_t		life_secs;
	uint64_t		life_kb;
	struct mono		created, soft_at, hard_at;
	struct timer		open;		/* a renewal's outbound half waits for the peer */
	struct handle		successor;	/* the renewal that waits so */
	struct timer		soft, hard;
	struct sa_spec		spec;		/* keys wiped once installed */
};

void		ipsec_sa_move(struct core *, struct ipsec_sa *, const struct path *);
struct ipsec_sa	*ipsec_sa_find(struct core *, struct handle);
/* Is it this peer's?  Many may share one section; then their IDs tell. */
bool		ipsec_sa_is_of(const struct ipsec_sa *, const struct isakmp_sa *);
/* All of that peer, the newest first: then each one's next; NULL at the end. */
struct ipsec_sa	*ipsec_sa_of_peer(const struct core *, const struct peer *, uint64_t identity);
struct ipsec_sa	*ipsec_sa_next_of_peer(const struct ipsec_sa *);
/* Removes what the connection's pairs had replaced. */
void		ipsec_sa_remove_retired(struct core *, const struct connection *);
/* May this peer have one more?  WHY_LIMIT_PEER, with the draft filled. */
enum why	ipsec_sa_admit(struct core *, const struct isakmp_sa *);
struct ipsec_sa	*ipsec_sa_new(struct core *, struct exchange *);
/* The token of an SA's own asks; an exchange's has this bit clear. */
#define SA_TOKEN	(1ull << 62)
/* Is there a pair in use for the same flow, which may go on sending for a moment? */
bool		ipsec_sa_is_renewal(struct core *, const struct ipsec_sa *);
void		ipsec_sa_opened(struct core *, struct ipsec_sa *, const struct kern_answer *);
void		ipsec_sa_ready(struct core *, struct ipsec_sa *);
/* Out of kern and memory.  send_delete: tell the peer first. */
void		ipsec_sa_remove(struct core *, struct ipsec_sa *, bool send_delete);
void		ipsec_sa_timer(struct core *, struct ipsec_sa *, enum timer_kind);
/* Another program took its SAs: a new pair at once, and no DELETE before that. */
void		ipsec_sa_lost(struct core *, struct ipsec_sa *);
/* A new pair as soon as possible; this one goes after so many seconds even if
 * there is none (0: when it expires). */
/* The peer goes on with a pair of its making that is lost here, unless it is so old that
 * any new one is preferred. */
void		ipsec_sa_outbid(struct core *, const struct ipsec_sa *);
void		ipsec_sa_renegotiate(struct core *, struct ipsec_sa *, uint32_t most);
struct ipsec_sa	*ipsec_sa_for_connection(struct core *, const struct connection *);
/* By the SPI the peer receives on (our outgoing). */
struct ipsec_sa	*ipsec_sa_by_spi_out(struct core *, const struct addr *remote, uint32_t spi);

/* ---- informational ---- */

/* Decrypted, not yet authenticated. */
void		info_input(struct core *, struct isakmp_sa *, const struct message *,
		    const struct path *);
/* The same before the SA is ready: only an error notification counts. */
void		info_phase1_input(struct core *, struct exchange *, const struct message *);
void		info_clear_input(struct core *, const struct message *, const struct path *);
/* Encrypted under the keys of a phase 1 that is not done. */
void		info_send_error(struct core *, struct exchange *, enum notify);
/* The same, a DELETE: the peer already holds an ISAKMP SA that will not be here. */
void		info_send_withdrawal(struct core *, struct exchange *);
/* Over an ISAKMP SA: encrypted, with HASH(1). */
void		info_send_notify(struct core *, struct isakmp_sa *, const struct notify_body *);
void		info_send_delete(struct core *, struct isakmp_sa *, const struct delete_body *);
/* Packets come from there for an SPI that no SA here has: the peer is told, if we know it. */
void		info_stray(struct core *, uint32_t spi, const struct addr *from);
void		info_delete_ipsec(struct core *, const struct ipsec_sa *);
void		info_delete_isakmp(struct core *, struct isakmp_sa *);
/* In clear, bounded in rate and never larger than what came. */
void		info_send_clear(struct core *, const struct path *, const uint8_t *icookie,
		    const uint8_t *rcookie, enum notify, size_t datagram_n);
void		dpd_timer(struct core *, struct isakmp_sa *);
void		dpd_query_answer(struct core *, const struct kern_answer *);

/* ---- NAT traversal and vendor IDs ---- */

/* As many as leave the message at `most` octets, the ones that matter first. */
void		vendor_ids_write(const struct core *, const struct peer *, struct msg_wr *, size_t most);
void		vendor_ids_read(const struct core *, const struct peer *, const struct message *,
		    struct peer_traits *);
enum why	nat_d_write(struct core *, struct exchange *, struct msg_wr *);
enum why	nat_d_read(struct core *, struct exchange *, const struct message *, const struct path *);
void		nat_float(const struct core *, struct path *);

/* ---- connections ---- */

struct connection_state {
	const struct connection	*connection;
	bool			active;		/* kept up */
	bool			wants;		/* waits for phase 1 */
	bool			flow;		/* its flow is required in kern */
	uint64_t		flow_id;	/* under which kern knows the flow */
	unsigned		failures;
	struct timer		check;
	struct mono		up_at;		/* when its last pair became ready */
	/* A pair that the peer made with this message ID, and still has, is lost here: ours
	 * must win a collision with it. */
	uint32_t		outbid;
	struct mono		outbid_until;
	size_t			next_of_peer;	/* index + 1; 0: the last */
};

/* The connections of a peer section, in their order; NULL at the end. */
struct connection_state *connection_of_peer(const struct core *, const struct peer *);
struct connection_state *connection_of_same(const struct core *, const struct connection_state *);
uint64_t	name_hash(const struct core *, const char *name);	/* ignores ASCII case */
/* Which exchange we began for a peer (phase 1) or connection (phase 2). */
bool		running_add(struct core *, struct exchange *);
void		running_remove(struct core *, struct exchange *);
/* A packet met a policy that another program has set (Acquire-Only). */
void		connection_acquired(struct core *, const struct flow *packet);
void		connection_renew(struct core *, struct connection_state *);
/* The peer has just made a pair with this message ID that we cannot use. */
void		connection_outbid(struct core *, const struct connection *, uint32_t message_id);
/* What the message ID of a new pair must be greater than. */
uint32_t	connection_least_id(struct core *, const struct connection *);
void		connections_isakmp_lost(struct core *, const struct peer *);
bool		peer_same(const struct peer *, const struct peer *);
enum connection_change {
	CONNECTION_SAME, CONNECTION_OTHER_PEER, CONNECTION_OTHER_IDS, CONNECTION_PEER_CHANGED,
	CONNECTION_OTHER_SUITES, CONNECTION_OTHER_LIST
};
/* What differs first; lines do not count. */
enum connection_change connection_compare(const struct connection *, const struct connection *);
bool		connection_same(const struct connection *, const struct connection *);
/* The same traffic with the same peer at the same place: the old SA may serve
 * until there is a new one. */
bool		connection_can_renew(const struct connection *, const struct connection *);
/* Says what a new configuration will mean, before it is done. */
void		reload_plan(struct core *, const struct snapshot *old, const struct snapshot *fresh);
struct connection_state *connection_state_find(struct core *, const char *name);
void		connection_try(struct core *, struct connection_state *);
void		connection_failed(struct core *, const struct connection *);
void		connection_lost(struct core *, const struct connection *);	/* reconnect soon */
void		connection_is_up(struct core *, const struct connection *);
void		connection_timer(struct core *, uint32_t index);
void		connections_phase1_ready(struct core *, const struct peer *, struct handle isakmp_sa);
void		connections_phase1_failed(struct core *, const struct peer *);
void		connection_flow(struct core *, struct connection_state *, bool want);
void		connection_flow_refused(struct core *, const struct kern_answer *);
bool		phase1_running(struct core *, const struct peer *);

/* ---- limits (security R26) ---- */

/* May this source have one more in that stage?  Ends an old one where that is the rule. */
enum why	stage_admit(struct core *, enum stage, const struct addr *source, bool known);
MUST_USE bool	stage_enter(struct core *, struct exchange *, enum stage);
void		stage_leave(struct core *, struct exchange *);

/* ---- echo.c: first messages of known peers that are too many to be half-open ---- */

struct echoes;
/* Answers with a cookie that tells us all when it comes back, and keeps no exchange. */
void		echo_answer(struct core *, const struct header *, const struct path *,
		    struct view datagram);
/* The exchange of a third message with such a cookie, which waits for it; or NULL. */
struct exchange	*echo_returned(struct core *, const struct header *, const struct path *);
/* A peer began with this in quiet times; then it echoed our cookie. */
void		echo_remember(struct core *, struct exchange *, struct view datagram);
void		echo_shown(struct core *, const struct exchange *);
void		echoes_free(struct echoes *);

/* ---- input.c ---- */

/* The first message of an exchange that was made for it. */
void		input_first(struct core *, struct exchange *, const struct message *,
		    const struct path *, struct view datagram);

/* ---- effects ---- */

struct act_node;

void		act_send(struct core *, const struct path *, struct view bytes);
void		act_keys(struct core *, const struct keys_ask *);	/* copies what it points to */
void		act_kern(struct core *, const struct kern_ask *);
void		act_trust(struct core *, const struct trust_ask *);
void		act_done(struct core *);
void		act_keylog(struct core *, struct str *line);
void		act_trace(struct core *, bool out, const struct exchange *, const char *kind,
		    unsigned step, const struct message *, struct view clear, const struct path *);
/* A message in clear, head and rest: as it came after decryption, or before encryption. */
void		act_capture(struct core *, bool out, const struct path *, struct view head,
		    struct view rest);
void		tell(struct core *, int class, int level, const char *fmt, ...) PRINTF_LIKE(4, 5);
MUST_USE bool	acts_prepare(struct core *);
void		acts_free(struct core *);

/* ---- failure records ---- */

/* Fills the draft that the next record takes over. */
void		fail_field(struct core *, const char *field, const struct where *);
void		fail_expected(struct core *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void		fail_got(struct core *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void		fail_classic(struct core *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void		fail_remedy(struct core *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Fills what a record still lacks. */
void		fail_complete(struct core *, struct failure *, const struct exchange *,
		    const struct peer *, const struct connection *);
/* Has there been a record of this negotiation, which has no state any more?  Remembers it. */
bool		fail_told(struct core *, const struct exchange *, const struct path *);
/* Writes the record (or only counts it), and clears the draft. */
void		fail_record(struct core *, enum why, const struct exchange *, const struct path *,
		    const struct peer *, const struct connection *, const char *step);

enum { TOLD_MAX = 128, TOLD_SECS = 120 };

struct told {
	uint64_t	key;
	struct mono	at;
};

/* ---- the core ---- */

struct core {
	struct core_env		env;
	struct core_options	options;
	struct mono		now;
	struct snapshot		*snapshot;
	struct slab		*exchanges, *isakmp_sas, *ipsec_sas;
	uint8_t			*cert_requests;	/* CERT_REQ bodies to send, each behind its length */
	size_t			cert_requests_n;
	struct map		*by_cookies;	/* both cookies: ISAKMP SA */
	struct map		*p1_by_cookies;	/* initiator cookie + remote address, or both cookies */
	struct map		*by_message_id;	/* SA handle + message ID: exchange */
	struct map		*by_source;	/* stage + source: how many exchanges */
	struct map		*by_spi;	/* outgoing SPI + remote address: IPsec SA */
	struct map		*by_peer;	/* peer section: the ISAKMP SA in use */
	struct map		*by_flow;	/* peer section + flow: the IPsec SA in use */
	struct map		*by_connection;	/* connection: its IPsec SA in use */
	struct map		*isakmp_kin;	/* peer: all its ISAKMP SAs */
	struct map		*ipsec_kin;	/* peer: all its IPsec SAs */
	struct map		*retired_kin;	/* connection: its replaced IPsec SAs */
	struct map		*running;	/* peer or connection: the exchange we began */
	struct heap		timers;
	struct connection_state	*connections;
	size_t			n_connections;
	struct map		*first_of_peer;	/* peer section: index + 1 of its first connection */
	uint64_t		next_flow_id;
	struct act_node		*acts, **acts_tail, *act_out, *spares;
	unsigned		n_spares;
	bool			ask_lost;	/* no memory for an ask: nobody will answer */
	struct failure		*draft;
	bool			draft_used;
	struct told		told[TOLD_MAX];	/* negotiations there are records of, a ring */
	size_t			next_told;
	bool			passive, shutting_down, shutdown_delete;
	struct timer		shutdown;
	struct stage_list	stages[STAGE_MAX][2];	/* strangers, known peers */
	struct echoes		*echoes;	/* NULL until they are needed */
	bool			mute;		/* what an exchange makes is not sent */
	int			level[CLASS_MAX];
	bool			capture;
	const struct header	*at_hand;	/* of the datagram being worked on, or NULL */
	struct core_counters	counters;
	/* token buckets, refilled by time */
	struct { double tokens; struct mono at; } notify_bucket, log_bucket;
	uint64_t		log_suppressed;
	uint8_t			secret[16];
};

bool		bucket_take(struct core *, double *tokens, struct mono *at, double rate, double burst);
void		core_refuse(struct core *, enum why);	/* counts */
/* A message in clear is about to be encrypted in place and sent. */
MUST_USE bool	message_encrypt(const struct p1_params *, const struct p1_keys *, uint8_t *iv,
		    struct msg_wr *, struct view *ret);

#endif
