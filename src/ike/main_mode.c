/*
 * Main mode with a pre-shared key (RFC 2409 section 5.4) or with signatures
 * (section 5.1), which put SIG in the place of HASH:
 *
 *        Initiator                        Responder
 *   1    HDR, SA                     -->
 *   2                                <--  HDR, SA
 *   3    HDR, KE, Ni                 -->
 *   4                                <--  HDR, KE, Nr
 *   5    HDR*, IDii, HASH_I          -->
 *   6                                <--  HDR*, IDir, HASH_R
 *
 * Vendor IDs ride with 1 and 2, NAT-D (RFC 3947) with 3 and 4, and
 * INITIAL-CONTACT with the last message of either side.  What goes into HASH or
 * SIG, and whether the peer's is right, keys says (doc/decisions/0012).  No Diffie-Hellman is
 * done before the peer has echoed our cookie (security R26).
 */
#include <stdlib.h>

#include "crypto/key_name.h"
#include "crypto/sign.h"
#include "ike/internal.h"

static uint64_t
token(const struct exchange *x)
{
	return handle_u64(x->self);
}

bool
exchange_signs(const struct exchange *x)
{
	return x->p1 != NULL && sign_method(x->p1->params.auth);
}

static bool
hashes(const struct exchange *x)
{
	return !exchange_signs(x);
}

/* ---- asks ---- */

static void
ask_dh(struct core *core, struct exchange *x)
{
	const struct keys_ask ask = {
		.verb = KEYS_DH_NEW, .token = token(x), .group = x->p1->params.group,
	};

	x->p1->keys_asked = true;
	act_keys(core, &ask);
}

static void
ask_skeyid(struct core *core, struct exchange *x)
{
	struct p1 *p1 = x->p1;
	struct keys_ask ask = {
		.verb = KEYS_SKEYID, .token = token(x), .initiator = x->initiator,
		.hash = p1->params.hash, .auth = p1->params.auth,
		.ni = view_of(p1->ni, p1->ni_n), .nr = view_of(p1->nr, p1->nr_n),
		.peer_public = view_of(p1->peer_public, p1->peer_public_n),
	};

	text_copy(ask.peer, sizeof(ask.peer), x->peer->name);
	memcpy(ask.cookies, x->icookie, COOKIE_LEN);
	memcpy(ask.cookies + COOKIE_LEN, x->rcookie, COOKIE_LEN);
	act_keys(core, &ask);
}

static void
ask_auth_own(struct core *core, struct exchange *x)
{
	const struct keys_ask ask = {
		.verb = KEYS_AUTH_OWN, .token = token(x), .allow_weak = x->peer->allow_weak,
		.sa_body = view_of(x->p1->sa_body, x->p1->sa_body_n),
		.id_body = view_of(x->p1->own_id_body, x->p1->own_id_n),
	};

	act_keys(core, &ask);
}

static void
ask_auth_peer(struct core *core, struct exchange *x)
{
	const struct keys_ask ask = {
		.verb = KEYS_AUTH_PEER, .token = token(x), .allow_weak = x->peer->allow_weak,
		.sa_body = view_of(x->p1->sa_body, x->p1->sa_body_n),
		.id_body = view_of(x->p1->peer_id_body, x->p1->peer_id_n),
		.proof = view_of(x->p1->peer_proof, x->p1->peer_proof_n),
		.key = x->p1->certs != NULL ? x->p1->certs->peer_key : (struct pubkey){ 0 },
	};

	act_keys(core, &ask);
}

/* ---- pieces that both roles use ---- */

static void
nonce_make(struct core *core, struct exchange *x)
{
	uint8_t *nonce = x->initiator ? x->p1->ni : x->p1->nr;

	core->env.random(core->env.self, nonce, NONCE_OURS);
	*(x->initiator ? &x->p1->ni_n : &x->p1->nr_n) = NONCE_OURS;
}

/* The peer's KE and NONCE. */
static enum why
ke_nonce_read(struct core *core, struct exchange *x, const struct message *m)
{
	struct p1 *p1 = x->p1;
	struct view ke = message_find(m, PL_KEY_EXCH, 0)->body;
	struct view nonce = message_find(m, PL_NONCE, 0)->body;

	if (message_count(m, PL_KEY_EXCH) != 1 || message_count(m, PL_NONCE) != 1)
		return WHY_PAYLOAD_MALFORMED;
	enum why why = public_check(core, p1->params.group, ke.n);
	if (why == WHY_NONE)
		why = nonce_read(core, nonce, x->initiator ? p1->nr : p1->ni,
		    x->initiator ? &p1->nr_n : &p1->ni_n);
	if (why == WHY_NONE)
		why = certs_keep(x, m);
	return why != WHY_NONE ? why : blob_set(&p1->peer_public, &p1->peer_public_n, ke);
}

static enum why
ke_nonce_write(struct core *core, struct exchange *x, struct msg_wr *m)
{
	struct p1 *p1 = x->p1;

	msg_payload(m, PL_KEY_EXCH, view_of(p1->public_value, p1->public_n));
	msg_payload(m, PL_NONCE, x->initiator ? view_of(p1->ni, p1->ni_n) :
	    view_of(p1->nr, p1->nr_n));
	certs_request_write(core, x, m);
	return p1->traits.nat_t ? nat_d_write(core, x, m) : WHY_NONE;
}

/* What we call ourselves: the peer section's ID, else our address (14.3). */
static void
own_id_make(struct exchange *x)
{
	struct p1 *p1 = x->p1;
	struct wr w = wr_of(p1->own_id_body, sizeof(p1->own_id_body));

	p1->own_id = x->peer->own_id.type != 0 ? x->peer->own_id :
	    id_from_addr(&x->path.local.addr);
	id_encode(&w, &p1->own_id);
	p1->own_id_n = w.len;
}

/* Names compare as trust compares them; what else there is, by itself. */
static bool
is_wanted(const struct exchange *x, const struct id *want)
{
	const struct id *got = &x->p1->peer_id;

	return want->type == ID_DER_ASN1_DN && got->type == ID_DER_ASN1_DN ?
	    x->p1->peer_is_wanted : id_equal(want, got);
}

/* The expected identity: Remote-ID, else the configured address, else any. */
static enum why
peer_id_check(struct core *core, struct exchange *x)
{
	const struct id *got = &x->p1->peer_id;
	const struct id by_address = id_from_addr(&x->peer->address);
	const struct id *want = x->peer->remote_id.type != 0 ? &x->peer->remote_id : &by_address;
	const struct where where = where_in(&x->peer->where, x->peer->remote_id_line != 0 ?
	    x->peer->remote_id_line : x->peer->address_line);
	STR(want_text, 400);
	STR(got_text, 400);
	char room[2][24];

	if (x->peer->remote_id.type == 0 &&
	    (x->peer->any_id || x->peer->address.family == FAMILY_NONE))
		return WHY_NONE;
	if (is_wanted(x, want))
		return WHY_NONE;
	names_print(&want_text, want, x->peer->remote_name);
	names_print(&got_text, got, x->p1->peer_name);
	fail_classic(core, "ike_phase_1_recv_ID: received remote ID other than expected %s",
	    want_text.p);
	fail_field(core, "Remote-ID", &where);
	fail_expected(core, "%s %s", reg_text(REG_ID_TYPE, want->type, room[0]), want_text.p);
	fail_got(core, "%s %s", reg_text(REG_ID_TYPE, got->type, room[1]), got_text.p);
	return WHY_ID_OTHER;
}

/* RFC 2407 4.6.2: in phase 1 both are zero, or UDP and port 500. */
static void
peer_id_judge(struct core *core, const struct exchange *x)
{
	enum { UDP = 17, IKE = 500 };
	const struct id *id = &x->p1->peer_id;

	if ((id->protocol == 0 && id->port == 0) || (id->protocol == UDP && id->port == IKE))
		return;
	tell(core, CLASS_NORMAL, 0, "ipsec_validate_id_information: dubious ID information accepted: "
	    "protocol %u, port %u from peer %s", (unsigned)id->protocol, (unsigned)id->port,
	    x->peer->name);
}

/* A HASH has one length; what a SIG must have, its key tells. */
static enum why
proof_length(struct core *core, const struct exchange *x, size_t n)
{
	size_t want = hash_len(x->p1->params.hash);

	if (exchange_signs(x) ? n <= SIGNATURE_MAX : n == want)
		return WHY_NONE;
	fail_field(core, exchange_signs(x) ? "SIG" : "HASH", NULL);
	fail_expected(core, exchange_signs(x) ? "at most %zu octets" : "%zu octets",
	    exchange_signs(x) ? (size_t)SIGNATURE_MAX : want);
	fail_got(core, "%zu octets", n);
	return exchange_signs(x) ? WHY_SIGNATURE : WHY_WRONG_PSK;
}

/* The peer's ID, HASH or SIG, and INITIAL-CONTACT. */
static enum why
auth_read(struct core *core, struct exchange *x, const struct message *m)
{
	struct p1 *p1 = x->p1;
	uint8_t type = exchange_signs(x) ? PL_SIG : PL_HASH;
	struct view id = message_find(m, PL_ID, 0)->body;
	struct view proof = message_find(m, type, 0)->body;
	enum why why;

	if (message_count(m, PL_ID) != 1 || message_count(m, type) != 1 ||
	    id.n > sizeof(p1->peer_id_body))
		return WHY_PAYLOAD_MALFORMED;
	why = proof_length(core, x, proof.n);
	if (why != WHY_NONE)
		return why;
	why = id_decode(id, &p1->peer_id);
	if (why != WHY_NONE)
		return why;
	memcpy(p1->peer_id_body, id.p, id.n);
	p1->peer_id_n = id.n;
	why = blob_set(&p1->peer_proof, &p1->peer_proof_n, proof);
	if (why == WHY_NONE)
		why = certs_keep(x, m);
	if (why != WHY_NONE)
		return why;
	for (size_t i = 0; i < message_count(m, PL_NOTIFY); i++) {
		struct notify_body n;

		if (notify_decode(message_find(m, PL_NOTIFY, i)->body, &n) == WHY_NONE &&
		    n.type == N_INITIAL_CONTACT)
			p1->initial_contact = true;
	}
	peer_id_judge(core, x);
	return WHY_NONE;
}

/* Nothing of this peer is left here: neither phase, nor what outlived phase 1. */
static bool
is_first_contact(struct core *core, const struct exchange *x)
{
	uint64_t identity = identity_hash(core, &x->p1->peer_id);
	uint8_t key[KIN_KEY];

	(void)peer_key(core, x->peer, identity, key);
	return kin_first(core->isakmp_kin, key) == NULL &&
	    ipsec_sa_of_peer(core, x->peer, identity) == NULL;
}

/* ID, HASH or SIG and, if we hold nothing with this peer, INITIAL-CONTACT (14.6). */
static enum why
auth_write(struct core *core, struct exchange *x, struct msg_wr *m)
{
	struct p1 *p1 = x->p1;

	msg_payload(m, PL_ID, view_of(p1->own_id_body, p1->own_id_n));
	certs_write(core, x, m);
	msg_payload(m, exchange_signs(x) ? PL_SIG : PL_HASH,
	    view_of(p1->own_proof, p1->own_proof_n));
	if (!x->peer->is_default && is_first_contact(core, x)) {
		uint8_t spi[2 * COOKIE_LEN];
		const struct notify_body n = {
			.doi = DOI_IPSEC_NUMBER, .protocol = PROTO_ISAKMP,
			.type = N_INITIAL_CONTACT, .spi = view_of(spi, sizeof(spi)),
		};

		memcpy(spi, x->icookie, COOKIE_LEN);
		memcpy(spi + COOKIE_LEN, x->rcookie, COOKIE_LEN);
		struct pl_mark k = msg_open(m, PL_NOTIFY);
		notify_encode(&m->w, &n);
		msg_close(m, k);
	}
	return WHY_NONE;
}

/* ---- initiator ---- */

static enum why
i_sa_write(struct core *core, struct exchange *x, struct msg_wr *m)
{
	enum why why = p1_offer(core, x, m);

	if (why == WHY_NONE)
		vendor_ids_write(core, x->peer, m, DATAGRAM_MAX);
	return why;
}

static enum why
i_sa_check(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why;

	if (message_count(e->m, PL_SA) != 1)
		return WHY_PAYLOAD_MALFORMED;
	why = p1_check_choice(core, x, message_find(e->m, PL_SA, 0)->body);
	if (why != WHY_NONE)
		return why;
	/* Only a message with an acceptable SA makes us adopt its cookie (12.4). */
	memcpy(x->rcookie, e->m->h.rcookie, COOKIE_LEN);
	if (!exchange_index_cookies(core, x))
		return WHY_NO_MEMORY;
	vendor_ids_read(core, x->peer, e->m, &x->p1->traits);
	nonce_make(core, x);
	ask_dh(core, x);
	return WHY_NONE;
}

static enum why
dh_take(struct core *core, struct exchange *x, const struct event *e)
{
	(void)core;
	return blob_set(&x->p1->public_value, &x->p1->public_n,
	    view_of(e->keys->public_value, e->keys->public_n));
}

static enum why
i_ke_accept(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = ke_nonce_read(core, x, e->m);

	if (why == WHY_NONE)
		why = nat_d_read(core, x, e->m, e->path);
	if (why == WHY_NONE)
		ask_skeyid(core, x);
	return why;
}

static enum why
skeyid_take(struct core *core, struct exchange *x, const struct event *e)
{
	struct p1_keys *k = &x->p1->keys;

	(void)core;
	secret_take(&k->skeyid_d, &e->keys->skeyid_d);
	secret_take(&k->skeyid_a, &e->keys->skeyid_a);
	if (names_own_due(x) && e->keys->key.kind != PUBKEY_NONE && x->p1->own_key == NULL) {
		x->p1->own_key = malloc(sizeof(*x->p1->own_key));
		if (x->p1->own_key == NULL)
			return WHY_NO_MEMORY;
		*x->p1->own_key = e->keys->key;
	}
	if (!keymat_phase1(x, secret_view(&e->keys->skeyid_e)))
		return WHY_NO_MEMORY;
	if (core->options.keylog) {
		STR(line, 200);

		str_add(&line, "ike ");
		str_hex(&line, view_of(x->icookie, COOKIE_LEN));
		str_char(&line, ' ');
		str_hex(&line, secret_view(&k->cipher_key));
		act_keylog(core, &line);
	}
	return WHY_NONE;
}

static enum why
i_skeyid_take(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = skeyid_take(core, x, e);

	if (why != WHY_NONE)
		return why;
	if (traits_encap(&x->p1->traits))
		nat_float(core, &x->path);
	own_id_make(x);
	if (names_own_due(x))
		names_ask(core, x, true, false);
	else
		ask_auth_own(core, x);
	return WHY_NONE;
}

/* Our name is known, and what it is goes into HASH_I. */
static enum why
i_own_name_take(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = names_take(core, x, e->trust);

	if (why == WHY_NONE)
		ask_auth_own(core, x);
	return why;
}

static enum why
own_proof_take(struct core *core, struct exchange *x, const struct event *e)
{
	(void)core;
	return blob_set(&x->p1->own_proof, &x->p1->own_proof_n,
	    view_of(e->keys->proof, e->keys->proof_n));
}

/* Which key signed tells which certificate goes with it. */
static enum why
own_signature_take(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = own_proof_take(core, x, e);

	if (why == WHY_NONE)
		certs_ask_own(core, x, &e->keys->key);
	return why;
}

static enum why
own_certs_take(struct core *core, struct exchange *x, const struct event *e)
{
	(void)core;
	return certs_own_take(x, e->trust);
}

static enum why
peer_certs_take(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = certs_peer_take(x, e->trust);

	if (why == WHY_NONE)
		ask_auth_peer(core, x);
	return why;
}

/* A signature needs to know whose key it is; a HASH does not. */
static void
proof_check(struct core *core, struct exchange *x)
{
	if (exchange_signs(x))
		certs_ask_peer(core, x);
	else
		ask_auth_peer(core, x);
}

static enum why
i_auth_accept(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = auth_read(core, x, e->m);

	if (why == WHY_NONE)
		proof_check(core, x);
	return why;
}

/* The hash was right, so the ID is the peer's own word: judge it only now. */
static enum why
verified(struct core *core, struct exchange *x, const struct event *e)
{
	(void)e;
	return peer_id_check(core, x);
}

/* A name is judged by who can read it. */
static enum why
i_verified_name(struct core *core, struct exchange *x, const struct event *e)
{
	(void)e;
	names_ask(core, x, false, true);
	return WHY_NONE;
}

static enum why
i_peer_name_take(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = names_take(core, x, e->trust);

	return why == WHY_NONE ? peer_id_check(core, x) : why;
}

static void
done(struct core *core, struct exchange *x)
{
	stage_leave(core, x);
	isakmp_sa_made(core, x);
}

/* ---- responder ---- */

static enum why
r_sa_choose(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why;

	if (message_count(e->m, PL_SA) != 1)
		return WHY_PAYLOAD_MALFORMED;
	x->p1->first_n = e->m->h.length;
	why = p1_choose(core, x, message_find(e->m, PL_SA, 0)->body);
	if (why == WHY_NONE)
		vendor_ids_read(core, x->peer, e->m, &x->p1->traits);
	return why;
}

static enum why
r_sa_write(struct core *core, struct exchange *x, struct msg_wr *m)
{
	struct p1 *p1 = x->p1;
	struct pl_mark k = msg_open(m, PL_SA);
	struct sa_wr sa = sa_wr_begin(m);

	sa_wr_proposal(&sa, p1->chosen_proposal, PROTO_ISAKMP,
	    view_of(p1->chosen_spi, p1->chosen_spi_n));
	sa_wr_transform(&sa, p1->chosen_transform, 1);
	sa_wr_raw_attributes(&sa, view_of(p1->chosen_attributes, p1->chosen_attributes_n));
	sa_wr_end(&sa);
	msg_close(m, k);
	vendor_ids_write(core, x->peer, m, p1->first_n);
	return WHY_NONE;
}

static enum why
r_ke_accept(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = ke_nonce_read(core, x, e->m);

	if (why == WHY_NONE)
		why = nat_d_read(core, x, e->m, e->path);
	/* The peer echoed our cookie: it is where it says it is. */
	if (why == WHY_NONE)
		why = stage_admit(core, STAGE_PROVEN, &x->first_addr, x->known_peer);
	if (why == WHY_NONE && !stage_enter(core, x, STAGE_PROVEN))
		why = WHY_NO_MEMORY;
	if (why != WHY_NONE)
		return why;
	if (x->known_peer)
		echo_shown(core, x);
	timer_set(core, &x->end, TIMER_EXCHANGE_END, x->self,
	    mono_add(core->now, span_s(x->snapshot->exchange_max)));
	x->path = *e->path;
	nonce_make(core, x);
	ask_dh(core, x);
	return WHY_NONE;
}

static enum why
r_dh_take(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = dh_take(core, x, e);

	if (why == WHY_NONE)
		ask_skeyid(core, x);
	return why;
}

static enum why
r_auth_accept(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = auth_read(core, x, e->m);

	if (why != WHY_NONE)
		return why;
	/*
	 * It decrypted: the peer may have floated.  NAT-D is not authenticated;
	 * what the initiator made of it shows in whether it floats, and both must
	 * encapsulate or none.
	 */
	struct peer_traits *t = &x->p1->traits;
	if (t->nat_t && !x->path.encap && e->path->encap != traits_encap(t)) {
		t->peer_is_natted |= e->path->encap;
		t->nat_t = e->path->encap;
	}
	x->path = *e->path;
	proof_check(core, x);
	return WHY_NONE;
}

static enum why
r_verified(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = verified(core, x, e);

	if (why != WHY_NONE)
		return why;
	own_id_make(x);
	ask_auth_own(core, x);
	return WHY_NONE;
}

/* The peer's name and ours in one question. */
static enum why
r_verified_name(struct core *core, struct exchange *x, const struct event *e)
{
	(void)e;
	own_id_make(x);
	names_ask(core, x, true, true);
	return WHY_NONE;
}

static enum why
r_names_take(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = names_take(core, x, e->trust);

	if (why == WHY_NONE)
		why = peer_id_check(core, x);
	if (why == WHY_NONE)
		ask_auth_own(core, x);
	return why;
}

/* ---- failing ---- */

/* The file that would belong to our ID alone, behind the one for all. */
static const char *
own_file(struct str *s, const struct exchange *x)
{
	STR(name, KEY_NAME_MAX);

	s->len = 0;
	s->p[0] = '\0';
	if (key_name_private(&name, &x->p1->own_id))
		str_addf(s, " or %s%s", x->snapshot->key_files.private_folder, name.p);
	return s->p;
}

/* Where the peer's public key would have to be. */
static void
peer_file(struct core *core, const struct exchange *x)
{
	STR(name, KEY_NAME_MAX);

	if (key_name(&name, &x->p1->peer_id))
		fail_expected(core, "the peer's public key in %s%s",
		    x->snapshot->key_files.public_folder, name.p);
	else
		fail_expected(core, "an ID that can name a file of %s",
		    x->snapshot->key_files.public_folder);
}

/* Which key it was that did not fit, ours while we sign, else the peer's. */
static void
failing_key(struct core *core, const struct exchange *x, enum why why, const struct str *peer)
{
	bool own = x->state == MM_I_AUTH_PENDING || x->state == MM_R_AUTH_PENDING;

	fail_classic(core, own ? "rsa_sig_encode_hash: could not get private key" :
	    why == WHY_SIGNATURE ? "rsa_sig_decode_hash: SIG payload does not match the public key" :
	    "rsa_sig_decode_hash: no public key found");
	fail_field(core, own ? "Private-key" : "SIG", &x->peer->where);
	if (why == WHY_SIGNATURE)
		fail_expected(core, "a signature of %s by its key", peer->p);
	else
		fail_expected(core, own ? "a private key that is allowed" :
		    "a key of %s that is allowed", peer->p);
	if (x->p1->key_detail != NULL)
		fail_got(core, "%s", x->p1->key_detail);
}

/*
 * An answer of `keys`, or what we made of it, ends the exchange: fill the
 * record, and tell a peer that shares our keys why (14.4 Beyond).
 */
void
main_mode_failing(struct core *core, struct exchange *x, enum why why)
{
	struct where where;
	char room[24];
	STR(own, 200);
	STR(peer, 200);

	switch (why) {
	case WHY_NO_KEY:
		fail_classic(core, "ike_auth_get_key: no key found for peer \"%s\"", x->peer->name);
		where = where_in(&x->peer->where, x->peer->psk_line);
		fail_field(core, "Authentication", &where);
		fail_expected(core, "a pre-shared key");
		fail_got(core, "none");
		break;
	case WHY_NO_PRIVATE_KEY:
		fail_classic(core, "rsa_sig_encode_hash: could not get private key");
		fail_field(core, "AUTHENTICATION_METHOD", &x->peer->where);
		names_print(&own, &x->p1->own_id, x->p1->own_name);
		fail_expected(core, "a private key for %s: %s%s",
		    reg_text(REG_AUTH_METHOD, x->p1->params.auth, room),
		    x->snapshot->key_files.private_key, own_file(&own, x));
		fail_got(core, "none of that kind");
		break;
	case WHY_NO_PUBKEY:
		fail_classic(core, "rsa_sig_decode_hash: no public key found");
		fail_field(core, "ID", &x->peer->where);
		names_print(&peer, &x->p1->peer_id, x->p1->peer_name);
		fail_got(core, "ID %s", peer.p);
		peer_file(core, x);
		break;
	case WHY_SIGNATURE:
	case WHY_KEY_REFUSED:
		names_print(&peer, &x->p1->peer_id, x->p1->peer_name);
		failing_key(core, x, why, &peer);
		break;
	case WHY_AUTH_HASH:
		where = where_in(&x->peer->where, x->peer->psk_line);
		fail_field(core, "Authentication", &where);
		fail_expected(core, "the same pre-shared key on both sides");
		fail_got(core, "a HASH made with another one");
		break;
	default:
		(void)certs_failing(core, x);
		break;
	}
	/* The peer cannot know that it was not its certificate; it may try again. */
	bool trust_gone = x->p1->certs != NULL && x->p1->certs->why == WHY_ROLE_GONE &&
	    why == WHY_ROLE_GONE;
	unsigned type = trust_gone ? N_CERTIFICATE_UNAVAILABLE : why_notify(why);
	if (x->p1->have_keys && type != N_NONE &&
	    (x->state == MM_I_VERIFY_PENDING || x->state == MM_R_VERIFY_PENDING ||
	    x->state == MM_I_AUTH_PENDING || x->state == MM_R_AUTH_PENDING ||
	    x->state == MM_I_PEER_NAME_PENDING || x->state == MM_R_NAMES_PENDING))
		info_send_error(core, x, (enum notify)type);
	/* Who sent message 6 is done, and would use the SA until it hears otherwise. */
	if (x->p1->have_keys &&
	    (x->state == MM_I_VERIFY_PENDING || x->state == MM_I_PEER_NAME_PENDING))
		info_send_withdrawal(core, x);
}

/* ---- the table ---- */

struct rows
main_mode_rows(void)
{
	static const struct row rows[] = {
		/* 1   HDR, SA  -->                    <--  HDR, SA   2 */
		{ INITIATOR, ON_START, X_NEW, MM_I_SENT_SA,
		  .reply = i_sa_write, .reply_step = 1, .resend = RESEND_BY_TIMER },
		{ RESPONDER, ON_MESSAGE, X_NEW, MM_R_SENT_SA, .step = 1,
		  .need = P(SA), .may = P(VENDOR),
		  .handle = r_sa_choose,
		  .reply = r_sa_write, .reply_step = 2, .resend = RESEND_ON_DUPLICATE },
		{ INITIATOR, ON_MESSAGE, MM_I_SENT_SA, MM_I_DH_PENDING, .step = 2,
		  .need = P(SA), .may = P(VENDOR),
		  .handle = i_sa_check },

		/* 3   HDR, KE, Ni  -->                <--  HDR, KE, Nr   4 */
		{ INITIATOR, ON_KEYS, MM_I_DH_PENDING, MM_I_SENT_KE, .answer = KEYS_DH_NEW,
		  .handle = dh_take,
		  .reply = ke_nonce_write, .reply_step = 3, .resend = RESEND_BY_TIMER },
		{ RESPONDER, ON_MESSAGE, MM_R_SENT_SA, MM_R_DH_PENDING, .step = 3,
		  .need = P(KEY_EXCH) | P(NONCE),
		  .may = P(VENDOR) | P(NAT_D) | P(CERT_REQ),
		  .handle = r_ke_accept },
		{ RESPONDER, ON_KEYS, MM_R_DH_PENDING, MM_R_SKEYID_PENDING,
		  .answer = KEYS_DH_NEW, .handle = r_dh_take },
		{ RESPONDER, ON_KEYS, MM_R_SKEYID_PENDING, MM_R_SENT_KE,
		  .answer = KEYS_SKEYID, .handle = skeyid_take,
		  .reply = ke_nonce_write, .reply_step = 4, .resend = RESEND_ON_DUPLICATE },
		{ INITIATOR, ON_MESSAGE, MM_I_SENT_KE, MM_I_SKEYID_PENDING, .step = 4,
		  .need = P(KEY_EXCH) | P(NONCE),
		  .may = P(VENDOR) | P(NAT_D) | P(CERT_REQ),
		  .handle = i_ke_accept },

		/* 5   HDR*, IDii, HASH_I  -->         <--  HDR*, IDir, HASH_R   6; or SIG */
		{ INITIATOR, ON_KEYS, MM_I_SKEYID_PENDING, MM_I_OWN_NAME_PENDING,
		  .answer = KEYS_SKEYID, .when = names_own_due, .handle = i_skeyid_take },
		{ INITIATOR, ON_TRUST, MM_I_OWN_NAME_PENDING, MM_I_AUTH_PENDING,
		  .answer = TRUST_NAMES, .handle = i_own_name_take },
		{ INITIATOR, ON_KEYS, MM_I_SKEYID_PENDING, MM_I_AUTH_PENDING,
		  .answer = KEYS_SKEYID, .handle = i_skeyid_take },
		{ INITIATOR, ON_KEYS, MM_I_AUTH_PENDING, MM_I_SENT_AUTH,
		  .answer = KEYS_AUTH_OWN, .when = hashes, .handle = own_proof_take,
		  .reply_encrypted = true,
		  .reply = auth_write, .reply_step = 5, .resend = RESEND_BY_TIMER },
		{ INITIATOR, ON_KEYS, MM_I_AUTH_PENDING, MM_I_CERT_PENDING,
		  .answer = KEYS_AUTH_OWN, .when = exchange_signs, .handle = own_signature_take },
		{ INITIATOR, ON_TRUST, MM_I_CERT_PENDING, MM_I_SENT_AUTH,
		  .answer = TRUST_OWN, .handle = own_certs_take, .reply_encrypted = true,
		  .reply = auth_write, .reply_step = 5, .resend = RESEND_BY_TIMER },
		{ RESPONDER, ON_MESSAGE, MM_R_SENT_KE, MM_R_VERIFY_PENDING, .step = 5,
		  .encrypted = true, .when = hashes, .need = P(ID) | P(HASH),
		  .may = P(NOTIFY) | P(VENDOR) | P(CERT_REQ),
		  .handle = r_auth_accept },
		{ RESPONDER, ON_MESSAGE, MM_R_SENT_KE, MM_R_TRUST_PENDING, .step = 5,
		  .encrypted = true, .when = exchange_signs, .need = P(ID) | P(SIG),
		  .may = P(NOTIFY) | P(VENDOR) | P(CERT) | P(CERT_REQ),
		  .handle = r_auth_accept },
		{ RESPONDER, ON_TRUST, MM_R_TRUST_PENDING, MM_R_VERIFY_PENDING,
		  .answer = TRUST_PEER, .handle = peer_certs_take },
		{ RESPONDER, ON_KEYS, MM_R_VERIFY_PENDING, MM_R_NAMES_PENDING,
		  .answer = KEYS_AUTH_PEER, .when = names_due, .handle = r_verified_name },
		{ RESPONDER, ON_TRUST, MM_R_NAMES_PENDING, MM_R_AUTH_PENDING,
		  .answer = TRUST_NAMES, .handle = r_names_take },
		{ RESPONDER, ON_KEYS, MM_R_VERIFY_PENDING, MM_R_AUTH_PENDING,
		  .answer = KEYS_AUTH_PEER, .handle = r_verified },
		{ RESPONDER, ON_KEYS, MM_R_AUTH_PENDING, X_DONE,
		  .answer = KEYS_AUTH_OWN, .when = hashes, .handle = own_proof_take,
		  .reply_encrypted = true,
		  .reply = auth_write, .reply_step = 6, .resend = RESEND_ON_DUPLICATE,
		  .done = done },
		{ RESPONDER, ON_KEYS, MM_R_AUTH_PENDING, MM_R_CERT_PENDING,
		  .answer = KEYS_AUTH_OWN, .when = exchange_signs, .handle = own_signature_take },
		{ RESPONDER, ON_TRUST, MM_R_CERT_PENDING, X_DONE,
		  .answer = TRUST_OWN, .handle = own_certs_take, .reply_encrypted = true,
		  .reply = auth_write, .reply_step = 6, .resend = RESEND_ON_DUPLICATE,
		  .done = done },
		{ INITIATOR, ON_MESSAGE, MM_I_SENT_AUTH, MM_I_VERIFY_PENDING, .step = 6,
		  .encrypted = true, .when = hashes, .need = P(ID) | P(HASH),
		  .may = P(NOTIFY) | P(VENDOR),
		  .handle = i_auth_accept },
		{ INITIATOR, ON_MESSAGE, MM_I_SENT_AUTH, MM_I_TRUST_PENDING, .step = 6,
		  .encrypted = true, .when = exchange_signs, .need = P(ID) | P(SIG),
		  .may = P(NOTIFY) | P(VENDOR) | P(CERT) | P(CERT_REQ),
		  .handle = i_auth_accept },
		{ INITIATOR, ON_TRUST, MM_I_TRUST_PENDING, MM_I_VERIFY_PENDING,
		  .answer = TRUST_PEER, .handle = peer_certs_take },
		{ INITIATOR, ON_KEYS, MM_I_VERIFY_PENDING, MM_I_PEER_NAME_PENDING,
		  .answer = KEYS_AUTH_PEER, .when = names_due, .handle = i_verified_name },
		{ INITIATOR, ON_TRUST, MM_I_PEER_NAME_PENDING, X_DONE,
		  .answer = TRUST_NAMES, .handle = i_peer_name_take, .done = done },
		{ INITIATOR, ON_KEYS, MM_I_VERIFY_PENDING, X_DONE,
		  .answer = KEYS_AUTH_PEER, .handle = verified, .done = done },
	};

	return (struct rows){ rows, COUNT(rows) };
}

/* ---- beginnings ---- */

static bool
has_address(const struct core *core, const struct addr *a)
{
	return core->env.has_address == NULL || core->env.has_address(core->env.self, a);
}

/* With Listen-on: one of its addresses, and the machine has it. */
static bool
is_listener(const struct core *core, const struct addr *a)
{
	const struct snapshot *s = core->snapshot;
	bool listed = s->n_listen_on == 0;

	for (size_t i = 0; i < s->n_listen_on && !listed; i++)
		listed = addr_equal(&s->listen_on[i], a);
	return listed && has_address(core, a);
}

/* The first usable entry of Listen-on. */
static bool
listener_for(const struct core *core, const struct peer *peer, struct addr *ret)
{
	const struct snapshot *s = core->snapshot;

	for (size_t i = 0; i < s->n_listen_on; i++)
		if (s->listen_on[i].family == peer->address.family &&
		    has_address(core, &s->listen_on[i])) {
			*ret = s->listen_on[i];
			return true;
		}
	return false;
}

/* False: there is no source; *ret tells which one was wanted, if any. */
static bool
path_choose(struct core *core, const struct peer *peer, struct path *ret)
{
	struct path p = { 0 };

	p.remote.addr = peer->address;
	p.remote.port = peer->port != 0 ? peer->port : core->options.port;
	p.local.port = core->options.port;
	p.local.addr = peer->local_address;
	if (p.local.addr.family == FAMILY_NONE && !listener_for(core, peer, &p.local.addr) &&
	    !core->env.source(core->env.self, &peer->address, &p.local.addr)) {
		*ret = p;
		return false;
	}
	*ret = p;
	return is_listener(core, &p.local.addr);
}

/* Two lines of the original: why, and what follows. */
static void
no_transport(struct core *core, const struct peer *peer, const struct endpoint *local)
{
	bool known = local->addr.family != FAMILY_NONE;
	STR(udp, 128);
	STR(text, 64);

	endpoint_print(&text, local);
	if (known)
		str_addf(&udp, "udp_create: %s must exist as a listener too: ", text.p);
	fail_classic(core, "%sexchange_establish: transport \"udp\" for peer \"%s\" "
	    "could not be created", udp.p, peer->name);
	fail_field(core, "Local-address", &peer->where);
	fail_expected(core, "an address of this machine that is listened on");
	if (known)
		fail_got(core, "%s", text.p);
	else
		fail_got(core, "no route to the peer");
}

bool
main_mode_start(struct core *core, const struct peer *peer)
{
	struct path path;

	if (core->passive || core->shutting_down)
		return false;
	if (peer->address.family == FAMILY_NONE || peer->n_transforms == 0) {
		fail_classic(core, "udp_create: no address configured for \"%s\": exchange_establish: "
		    "transport \"udp\" for peer \"%s\" could not be created", peer->name, peer->name);
		fail_field(core, peer->n_transforms == 0 ? "Transforms" : "Address", &peer->where);
		fail_expected(core, peer->n_transforms == 0 ? "transforms, to begin with this peer" :
		    "an address, to begin with this peer");
		fail_got(core, "none");
		fail_remedy(core, "add %s to the peer section, or let the peer begin",
		    peer->n_transforms == 0 ? "Transforms" : "Address");
		fail_record(core, WHY_CONFIG, NULL, NULL, peer, NULL, "main/1 initiator");
		return false;
	}
	if (!path_choose(core, peer, &path)) {
		no_transport(core, peer, &path.local);
		fail_record(core, WHY_NO_LISTENER, NULL, NULL, peer, NULL, "main/1 initiator");
		return false;
	}
	struct exchange *x = exchange_new(core, EXCH_ID_PROT, true, peer, NULL);
	if (x == NULL)
		return false;
	x->path = path;
	core->env.random(core->env.self, x->icookie, COOKIE_LEN);
	x->icookie[0] |= 1;		/* a cookie is never zero */
	if (!exchange_index_first(core, x)) {
		exchange_free(core, x);
		return false;
	}
	struct handle h = x->self;
	exchange_run(core, x, ON_START, NULL);
	return exchange_find(core, h) != NULL;
}

struct exchange *
main_mode_responder(struct core *core, const struct header *h, const struct path *path,
    const struct peer *peer, const uint8_t *rcookie)
{
	struct exchange *x = exchange_new(core, EXCH_ID_PROT, false, peer, NULL);

	if (x == NULL)
		return NULL;
	x->fresh = true;
	x->path = *path;
	memcpy(x->icookie, h->icookie, COOKIE_LEN);
	if (rcookie != NULL)
		memcpy(x->rcookie, rcookie, COOKIE_LEN);
	else {
		core->env.random(core->env.self, x->rcookie, COOKIE_LEN);
		x->rcookie[0] |= 1;
	}
	if (!exchange_index_first(core, x) || !exchange_index_cookies(core, x)) {
		exchange_free(core, x);
		return NULL;
	}
	timer_set(core, &x->end, TIMER_EXCHANGE_END, x->self,
	    mono_add(core->now, span_s(HALF_OPEN_SECS)));
	return x;
}

/*
 * Message 5 or 6 did not decrypt to payloads: the sign of different pre-shared
 * keys.  Anybody could have sent it, so the exchange goes on; the record is
 * written once.
 */
void
main_mode_undecryptable(struct core *core, struct exchange *x, const struct path *path)
{
	const struct where w = { x->peer->where.section,
	    x->peer->psk_line != 0 ? x->peer->psk_line : x->peer->where.line };

	if (x->recorded) {
		core_refuse(core, WHY_UNDECRYPTABLE);
		return;
	}
	x->recorded = true;
	x->step = x->initiator ? 6 : 5;
	if (exchange_signs(x)) {	/* no secret of the two sides is in these keys */
		fail_classic(core, "message_parse_payloads: message %u decrypts to garbage", x->step);
		fail_record(core, WHY_UNDECRYPTABLE, x, path, x->peer, NULL, NULL);
		return;
	}
	fail_classic(core, "message_parse_payloads: message %u decrypts to garbage "
	    "(check passphrases, if applicable and in Phase 1)", x->step);
	fail_field(core, "Authentication", &w);
	fail_expected(core, "the same pre-shared key on both sides");
	fail_got(core, "a message encrypted with keys from another one");
	fail_record(core, WHY_WRONG_PSK, x, path, x->peer, NULL, NULL);
	if (!x->initiator)
		info_send_clear(core, path, x->icookie, x->rcookie, N_AUTHENTICATION_FAILED,
		    DATAGRAM_MAX);
}

/*
 * Something else came encrypted while we wait for message 6, and we cannot
 * read it.  Either the peer's keys differ, or message 6 was lost and this came
 * after it: only when nothing better comes is it the former.
 */
void
main_mode_hint(struct core *core, struct exchange *x)
{
	x->unreadable = true;
	core_refuse(core, WHY_UNDECRYPTABLE);
}
