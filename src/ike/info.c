/*
 * Informational exchanges: notifications, DELETE and dead peer detection.
 * RFC 2408 4.8, RFC 2409 5.7, RFC 3706; isakmpd.md 18.
 *
 * Nothing here has an effect unless HASH(1) of the ISAKMP SA it came over was
 * right, and then only on what belongs to that SA's peer (security R1).
 */
#include <stdlib.h>

#include "ike/internal.h"

/* ---- sending ---- */

struct cover {
	const struct p1_params	*params;
	const struct p1_keys	*keys;
	const uint8_t		*last_block, *icookie, *rcookie;
	const struct path	*path;
	uint32_t		message_id;
};

static struct cover
cover_of(struct core *core, struct isakmp_sa *sa)
{
	return (struct cover){
		.params = &sa->params, .keys = &sa->keys, .last_block = sa->keys.iv,
		.icookie = sa->icookie, .rcookie = sa->rcookie, .path = &sa->path,
		.message_id = isakmp_sa_new_message_id(core, sa, 0),
	};
}

/* HDR*, HASH(1), N or D; HASH(1) = prf(SKEYID_a, M-ID | payload). */
static void
send_covered(struct core *core, const struct cover *c, uint8_t type, struct view body)
{
	size_t n = hash_len(c->params->hash), rest = HEADER_LEN + 4 + n;
	uint8_t room[1024], iv[CIPHER_BLOCK_MAX], hash[PRF_MAX], id[4];
	struct header h = {
		.version = 0x10, .exchange = EXCH_INFO, .flags = FLAG_ENCRYPTION,
		.message_id = c->message_id,
	};
	struct wr w = wr_of(id, sizeof(id));
	struct view bytes;

	if (core->passive)
		return;
	memcpy(h.icookie, c->icookie, COOKIE_LEN);
	memcpy(h.rcookie, c->rcookie, COOKIE_LEN);
	struct msg_wr m = msg_begin(room, sizeof(room), &h);
	struct pl_mark k = msg_open(&m, PL_HASH);
	wr_zero(&m.w, n);
	msg_close(&m, k);
	msg_payload(&m, type, body);
	bytes = msg_finish(&m);
	if (bytes.n == 0)
		return;
	wr_u32(&w, c->message_id);
	const struct view parts[] = { wr_done(&w), view_of(room + rest, bytes.n - rest) };
	if (!keymat_hash(c->params, c->keys, parts, 2, hash) ||
	    !keymat_phase2_iv(c->params, c->last_block, c->message_id, iv))
		return;
	memcpy(room + HEADER_LEN + 4, hash, n);
	act_trace(core, true, NULL, "info", 1, NULL, bytes, c->path);
	act_capture(core, true, c->path, bytes, (struct view){ 0 });
	if (message_encrypt(c->params, c->keys, iv, &m, &bytes))
		act_send(core, c->path, bytes);
}

static void
send_notify(struct core *core, const struct cover *c, const struct notify_body *n)
{
	uint8_t body[256];
	struct wr w = wr_of(body, sizeof(body));

	notify_encode(&w, n);
	if (!w.bad)
		send_covered(core, c, PL_NOTIFY, wr_done(&w));
}

void
info_send_notify(struct core *core, struct isakmp_sa *sa, const struct notify_body *n)
{
	const struct cover c = cover_of(core, sa);

	send_notify(core, &c, n);
}

static struct cover
cover_of_exchange(struct core *core, struct exchange *x)
{
	struct cover c = {
		.params = &x->p1->params, .keys = &x->p1->keys, .last_block = x->iv,
		.icookie = x->icookie, .rcookie = x->rcookie, .path = &x->path,
	};

	core->env.random(core->env.self, &c.message_id, sizeof(c.message_id));
	return c;
}

void
info_send_error(struct core *core, struct exchange *x, enum notify type)
{
	const struct cover c = cover_of_exchange(core, x);
	const struct notify_body n = {
		.doi = DOI_IPSEC_NUMBER, .protocol = PROTO_ISAKMP, .type = (uint16_t)type,
	};

	send_notify(core, &c, &n);
}

void
info_send_withdrawal(struct core *core, struct exchange *x)
{
	const struct cover c = cover_of_exchange(core, x);
	uint8_t spi[2 * COOKIE_LEN], body[64];
	struct wr w = wr_of(body, sizeof(body));

	memcpy(spi, x->icookie, COOKIE_LEN);
	memcpy(spi + COOKIE_LEN, x->rcookie, COOKIE_LEN);
	const struct delete_body d = {
		.doi = DOI_IPSEC_NUMBER, .protocol = PROTO_ISAKMP, .spi_len = sizeof(spi), .n = 1,
		.spis = view_of(spi, sizeof(spi)),
	};
	delete_encode(&w, &d);
	if (!w.bad)
		send_covered(core, &c, PL_DELETE, wr_done(&w));
}

void
info_send_delete(struct core *core, struct isakmp_sa *sa, const struct delete_body *d)
{
	const struct cover c = cover_of(core, sa);
	uint8_t body[256];
	struct wr w = wr_of(body, sizeof(body));

	delete_encode(&w, d);
	if (!w.bad)
		send_covered(core, &c, PL_DELETE, wr_done(&w));
}

/* Our incoming SPI, over the SA it was made under or any other with the peer. */
void
info_delete_ipsec(struct core *core, const struct ipsec_sa *sa)
{
	struct isakmp_sa *parent = isakmp_sa_find(core, sa->isakmp_sa);
	uint8_t spi[4];
	struct wr w = wr_of(spi, sizeof(spi));

	if (parent == NULL)
		parent = isakmp_sa_for_peer(core, sa->peer);
	if (parent == NULL)
		return;
	wr_u32(&w, sa->spec.in.spi);
	const struct delete_body d = {
		.doi = DOI_IPSEC_NUMBER, .protocol = PROTO_IPSEC_ESP, .spi_len = 4, .n = 1,
		.spis = wr_done(&w),
	};
	info_send_delete(core, parent, &d);
}

/* The newest ISAKMP SA with that address; its peer proved who it is. */
static struct isakmp_sa *
sa_at(struct core *core, const struct addr *from)
{
	struct isakmp_sa *found = NULL;
	struct handle h;
	uint32_t at = 0;

	for (struct isakmp_sa *sa; (sa = slab_next(core->isakmp_sas, &at, &h)) != NULL;)
		if (!sa->replaced && addr_equal(&sa->path.remote.addr, from) &&
		    (found == NULL || mono_before(found->created, sa->created)))
			found = sa;
	return found;
}

/*
 * Its DELETE was lost, or we lost the SA: the peer sends into nothing until it
 * renews.  Anybody can forge such packets, so the notification goes only under
 * protection to a peer that is there anyway, and seldom; it does nothing for an
 * SPI that the peer does not use.
 */
void
info_stray(struct core *core, uint32_t spi, const struct addr *from)
{
	struct isakmp_sa *sa = sa_at(core, from);
	uint8_t room[4];
	struct wr w = wr_of(room, sizeof(room));

	if (sa == NULL || mono_before(core->now, sa->stray_at))
		return;
	sa->stray_at = mono_add(core->now, span_s(STRAY_SECS));
	wr_u32(&w, spi);
	const struct notify_body n = {
		.doi = DOI_IPSEC_NUMBER, .protocol = PROTO_IPSEC_ESP, .type = N_INVALID_SPI,
		.spi = wr_done(&w),
	};
	tell(core, CLASS_SA, 10, "packets from %s for SPI 0x%08x, which is not here: told so",
	    sa->peer->name, spi);
	info_send_notify(core, sa, &n);
}

void
info_delete_isakmp(struct core *core, struct isakmp_sa *sa)
{
	uint8_t spi[2 * COOKIE_LEN];

	memcpy(spi, sa->icookie, COOKIE_LEN);
	memcpy(spi + COOKIE_LEN, sa->rcookie, COOKIE_LEN);
	const struct delete_body d = {
		.doi = DOI_IPSEC_NUMBER, .protocol = PROTO_ISAKMP, .spi_len = sizeof(spi), .n = 1,
		.spis = view_of(spi, sizeof(spi)),
	};
	info_send_delete(core, sa, &d);
}

/*
 * In clear to somebody we do not know: at most 10 a second in all, never
 * longer than what came (security R25), under the cookies of the exchange
 * concerned (12.4).
 */
void
info_send_clear(struct core *core, const struct path *path, const uint8_t *icookie,
    const uint8_t *rcookie, enum notify type, size_t datagram_n)
{
	uint8_t room[128], body[32];
	struct wr w = wr_of(body, sizeof(body));
	struct header h = { .version = 0x10, .exchange = EXCH_INFO };
	const struct notify_body n = {
		.doi = DOI_IPSEC_NUMBER, .protocol = PROTO_ISAKMP, .type = (uint16_t)type,
	};

	memcpy(h.icookie, icookie, COOKIE_LEN);
	memcpy(h.rcookie, rcookie, COOKIE_LEN);
	core->env.random(core->env.self, &h.message_id, sizeof(h.message_id));
	struct msg_wr m = msg_begin(room, sizeof(room), &h);
	notify_encode(&w, &n);
	msg_payload(&m, PL_NOTIFY, wr_done(&w));
	struct view bytes = msg_finish(&m);
	if (core->passive || bytes.n == 0 || bytes.n > datagram_n ||
	    !bucket_take(core, &core->notify_bucket.tokens, &core->notify_bucket.at, 10, 10))
		return;
	act_trace(core, true, NULL, "info", 1, NULL, bytes, path);
	act_capture(core, true, path, bytes, (struct view){ 0 });
	act_send(core, path, bytes);
}

/* ---- receiving in clear: worth a line, never an effect ---- */

static bool
is_error(uint16_t type)
{
	return type >= N_INVALID_PAYLOAD_TYPE && type <= N_UNEQUAL_PAYLOAD_LENGTHS;
}

/* Does this error, at this point, mean that the peer could not read message 5? */
static bool
means_wrong_key(const struct exchange *x, uint16_t type)
{
	return x->state == MM_I_SENT_AUTH && (type == N_AUTHENTICATION_FAILED ||
	    type == N_PAYLOAD_MALFORMED || type == N_INVALID_HASH_INFORMATION ||
	    type == N_INVALID_PAYLOAD_TYPE || type == N_INVALID_KEY_INFORMATION ||
	    type == N_UNEQUAL_PAYLOAD_LENGTHS);
}

static void
offered_print(struct str *s, const struct peer *peer)
{
	char room[3][24];

	for (size_t i = 0; i < peer->n_transforms && !s->cut; i++) {
		const struct p1_transform *t = &peer->transforms[i];

		if (t->cipher == CONF_ANY || t->hash == CONF_ANY || t->group == CONF_ANY)
			continue;
		str_addf(s, "%s%s", s->len > 0 ? "; " : "",
		    reg_text(REG_CIPHER, (uint32_t)t->cipher, room[0]));
		if (t->key_bits.present)
			str_addf(s, "-%u", (unsigned)t->key_bits.offer);
		str_addf(s, " %s %s", reg_text(REG_HASH, (uint32_t)t->hash, room[1]),
		    reg_text(REG_GROUP, (uint32_t)t->group, room[2]));
		if (t->life_secs.present && !t->life_secs.any)
			str_addf(s, " %us", (unsigned)t->life_secs.offer);
	}
}

static void
suites_print(struct str *s, const struct connection *c)
{
	char room[24];

	for (size_t i = 0; i < c->n_suites && !s->cut; i++) {
		if (c->suites[i].n_protocols != 1)
			continue;
		const struct p2_protocol *p = c->suites[i].protocols;

		for (size_t j = 0; j < p->n_transforms && !s->cut; j++) {
			const struct p2_transform *t = &p->transforms[j];
			const struct sa_suite suite = { .protocol = p->protocol,
			    .cipher = t->transform_id, .auth = t->auth, .mode = t->mode,
			    .key_bits = (uint16_t)t->key_bits.offer };

			str_add(s, s->len > 0 ? "; " : "");
			sa_suite_print(s, &suite);
			str_addf(s, " PFS %s", t->group == GROUP_NONE ? "none" :
			    reg_text(REG_GROUP, t->group, room));
			if (t->life_secs.present && !t->life_secs.any)
				str_addf(s, " %us", (unsigned)t->life_secs.offer);
		}
	}
}

/* Phase 2: what we asked for, where it stands, and what is most likely wrong with it. */
static void
quick_refused_draft(struct core *core, const struct exchange *x, uint16_t type)
{
	bool ids = type == N_INVALID_ID_INFORMATION;
	STR(ours, 200);

	if (x->connection == NULL) {
		fail_expected(core, "our answer accepted");
		return;
	}
	if (ids) {
		str_add(&ours, "Local-ID ");
		id_print(&ours, &x->p2->local_id);
		str_add(&ours, ", Remote-ID ");
		id_print(&ours, &x->p2->remote_id);
	} else {
		suites_print(&ours, x->connection);
	}
	const struct where at_ids = where_in(&x->connection->where, x->connection->local_id_line);
	fail_field(core, ids ? "phase 2 IDs" : "Suites", ids ? &at_ids : &x->connection->suites_where);
	fail_expected(core, "%s accepted: %s", ids ? "our IDs" : "one of our suites", ours.p);
	fail_remedy(core, ids ?
	    "make Local-ID and Remote-ID the mirror image of the peer's selectors" :
	    "make the Suites of both sides agree; the peer's log names what it wants");
}

/* Our own identity, which the peer does not want. */
static void
id_refused_draft(struct core *core, const struct peer *peer, const struct id *own, const char *name)
{
	const struct where w = where_in(&peer->where, peer->own_id_line);
	STR(id, 160);

	names_print(&id, own, name);
	fail_field(core, "ID", &w);
	fail_expected(core, "our ID %s accepted", id.p);
	fail_remedy(core, "set ID in this peer section to what the peer expects, or correct the "
	    "peer's Remote-ID");
}

/* The peer lacks our key under this ID, or has another one, or refuses it. */
static void
signature_refused_draft(struct core *core, const struct exchange *x)
{
	const struct where w = where_in(&x->peer->where, x->peer->own_id_line);
	STR(id, 160);

	names_print(&id, &x->p1->own_id, x->p1->own_name);
	fail_field(core, "ID", &w);
	fail_expected(core, "our signature for ID %s accepted", id.p);
	fail_remedy(core, "see in the peer's log what it lacks: it needs our public key "
	    "(local.pub) or certificate under that ID");
}

/* Phase 1 after its proposal was agreed on. */
static void
auth_refused_draft(struct core *core, const struct exchange *x, uint16_t type)
{
	STR(field, 24);
	char room[24];

	if (exchange_signs(x) && x->state == MM_I_SENT_AUTH) {
		signature_refused_draft(core, x);
		return;
	}
	if (type == N_INVALID_ID_INFORMATION && x->p1->own_id.type != 0) {
		id_refused_draft(core, x->peer, &x->p1->own_id, x->p1->own_name);
		return;
	}
	str_addf(&field, "message %u", x->step);
	fail_field(core, field.p, NULL);
	if (x->state == MM_I_SENT_KE)
		fail_expected(core, "our public value of %s accepted",
		    reg_text(REG_GROUP, x->p1->params.group, room));
	else
		fail_expected(core, "phase 1 accepted");
}

static void
refused_by_peer(struct core *core, struct exchange *x, uint16_t type, bool authentic)
{
	STR(offered, 200);
	char room[24];
	enum why why = WHY_PEER_REFUSED;

	if (x->recorded || (!authentic && x->hinted))
		return;
	*(authentic ? &x->recorded : &x->hinted) = true;
	fail_got(core, "notification %s%s", reg_text(REG_NOTIFY, type, room),
	    authentic ? "" : " (not authenticated)");
	if (!authentic && !exchange_signs(x) && means_wrong_key(x, type)) {
		const struct where w = { x->peer->where.section, x->peer->psk_line };

		why = WHY_WRONG_PSK;
		fail_field(core, "Authentication", &w);
		fail_expected(core, "the same pre-shared key on both sides");
	} else if (x->p1 != NULL && (x->state == MM_I_SENT_SA || x->state == MM_R_SENT_SA)) {
		offered_print(&offered, x->peer);
		fail_field(core, "Transforms", &x->peer->transforms_where);
		fail_expected(core, "one of our transforms accepted: %s", offered.p);
		fail_remedy(core, "make the Transforms of both sides agree; the peer's log names what it wants");
	} else if (x->p2 != NULL) {
		quick_refused_draft(core, x, type);
	} else {
		auth_refused_draft(core, x, type);
	}
	fail_record(core, why, x, &x->path, x->peer, x->connection, NULL);
}

/* Section 12.2: types that nobody assigned, and cookies that are not those of the message. */
static bool
notify_type_ok(uint16_t type)
{
	return (type >= 1 && type <= 30) || (type >= 8192 && type <= 16384) ||
	    (type >= N_RESPONDER_LIFETIME && type <= N_INITIAL_CONTACT) ||
	    (type >= 32768 && type < 40960);
}

static bool
notify_cookies_ok(const struct message *m, const struct notify_body *n)
{
	return n->protocol != PROTO_ISAKMP || n->spi.n != 2 * COOKIE_LEN ||
	    (memcmp(n->spi.p, m->h.icookie, COOKIE_LEN) == 0 &&
	    memcmp(n->spi.p + COOKIE_LEN, m->h.rcookie, COOKIE_LEN) == 0);
}

static void
notify_refused(struct core *core, const struct message *m, const struct notify_body *n,
    const struct path *path, const struct peer *peer)
{
	char room[24];

	/* One for an exchange that has ended is what a slow network brings. */
	if (notify_cookies_ok(m, n) && notify_type_ok(n->type)) {
		core_refuse(core, WHY_NOTIFY_TYPE);
		return;
	}
	fail_classic(core, "message_validate_notify: %s", notify_cookies_ok(m, n) ?
	    "message type not supported" : "bad cookies");
	fail_got(core, "notification %s", reg_text(REG_NOTIFY, n->type, room));
	fail_record(core, WHY_NOTIFY_TYPE, NULL, path, peer, NULL, "info");
}

/* May it tell why the exchange gets no further?  Whose first message came twice,
 * or late, knows nothing of what we answered. */
static bool
concerns(const struct exchange *x, uint16_t type)
{
	return x->state != X_DONE && is_error(type) && (x->initiator || type != N_INVALID_COOKIE);
}

void
info_clear_input(struct core *core, const struct message *m, const struct path *path)
{
	struct exchange *x = exchange_by_cookies(core, m->h.icookie, m->h.rcookie);

	if (x == NULL)
		x = exchange_by_first(core, m->h.icookie, &path->remote.addr);
	for (size_t i = 0; i < message_count(m, PL_NOTIFY); i++) {
		struct notify_body n;

		if (notify_decode(message_find(m, PL_NOTIFY, i)->body, &n) != WHY_NONE)
			continue;
		act_trace(core, false, NULL, "info", 1, m, (struct view){ 0 }, path);
		if (x != NULL && concerns(x, n.type) &&
		    addr_compare(&x->path.remote.addr, &path->remote.addr) == 0)
			refused_by_peer(core, x, n.type, false);
		else
			notify_refused(core, m, &n, path, NULL);
	}
	if (message_count(m, PL_DELETE) > 0) {
		fail_classic(core, "message_validate_delete: got unauthenticated DELETE");
		fail_record(core, WHY_CLEARTEXT, NULL, path, NULL, NULL, "info");
	}
}

/* ---- receiving under protection ---- */

static bool
hash_right(const struct p1_params *params, const struct p1_keys *keys, const struct message *m)
{
	uint8_t id[4], want[PRF_MAX];
	struct wr w = wr_of(id, sizeof(id));
	const struct payload *hash = &m->payload[0];

	if (m->n < 2 || hash->type != PL_HASH || message_count(m, PL_HASH) != 1)
		return false;
	wr_u32(&w, m->h.message_id);
	const struct view parts[] = {
		wr_done(&w), view_of(m->chain.p + hash->whole.n, m->chain.n - hash->whole.n),
	};
	return keymat_hash(params, keys, parts, 2, want) &&
	    ct_equal(hash->body, view_of(want, hash_len(params->hash)));
}

void
info_phase1_input(struct core *core, struct exchange *x, const struct message *m)
{
	if (!hash_right(&x->p1->params, &x->p1->keys, m)) {
		main_mode_hint(core, x);
		return;
	}
	for (size_t i = 0; i < message_count(m, PL_NOTIFY); i++) {
		struct notify_body n;

		if (notify_decode(message_find(m, PL_NOTIFY, i)->body, &n) != WHY_NONE ||
		    !is_error(n.type))
			continue;
		refused_by_peer(core, x, n.type, true);
		exchange_fail(core, x, WHY_PEER_REFUSED);
		return;
	}
}

/* ---- dead peer detection, RFC 3706 ---- */

static void
dpd_send(struct core *core, struct isakmp_sa *sa, enum notify type, uint32_t sequence)
{
	uint8_t spi[2 * COOKIE_LEN], data[4];
	struct wr w = wr_of(data, sizeof(data));

	memcpy(spi, sa->icookie, COOKIE_LEN);
	memcpy(spi + COOKIE_LEN, sa->rcookie, COOKIE_LEN);
	wr_u32(&w, sequence);
	const struct notify_body n = {
		.doi = DOI_IPSEC_NUMBER, .protocol = PROTO_ISAKMP, .type = (uint16_t)type,
		.spi = view_of(spi, sizeof(spi)), .data = wr_done(&w),
	};
	info_send_notify(core, sa, &n);
}

static void
dpd_again_in(struct core *core, struct isakmp_sa *sa, int64_t secs)
{
	timer_set(core, &sa->dpd, TIMER_ISAKMP_DPD, sa->self, mono_add(core->now, span_s(secs)));
}

static bool
cookies_match(const struct isakmp_sa *sa, struct view spi)
{
	return spi.n == 2 * COOKIE_LEN && memcmp(spi.p, sa->icookie, COOKIE_LEN) == 0 &&
	    memcmp(spi.p + COOKIE_LEN, sa->rcookie, COOKIE_LEN) == 0;
}

static void
dpd_input(struct core *core, struct isakmp_sa *sa, const struct notify_body *n)
{
	struct rd r = rd_of(n->data);
	uint32_t sequence = rd_u32(&r);

	if (!rd_end(&r) || !cookies_match(sa, n->spi)) {
		fail_record(core, WHY_DPD_SEQUENCE, NULL, &sa->path, sa->peer, NULL, "info");
		return;
	}
	if (n->type == N_STATUS_DPD_R_U_THERE) {
		if (sa->dpd_in_known && (int32_t)(sequence - sa->dpd_in) < 0) {
			fail_classic(core, "dpd_handle_notify: bad R_U_THERE seqno %u <= %u", sequence,
			    sa->dpd_in);
			fail_record(core, WHY_DPD_SEQUENCE, NULL, &sa->path, sa->peer, NULL, "info");
			return;
		}
		sa->dpd_in = sequence;
		sa->dpd_in_known = true;
		dpd_send(core, sa, N_STATUS_DPD_R_U_THERE_ACK, sequence);
	} else if (sa->dpd_tries > 0 && sequence == sa->dpd_out) {
		sa->dpd_tries = 0;
		sa->dpd_out++;
	} else {
		fail_classic(core, "dpd_handle_notify: got bad ACK seqno");
		fail_expected(core, "%u", sa->dpd_out);
		fail_got(core, "%u", sequence);
		fail_record(core, WHY_DPD_SEQUENCE, NULL, &sa->path, sa->peer, NULL, "info");
		return;
	}
	if (sa->dpd.d.index != 0 && sa->dpd_tries == 0)
		dpd_again_in(core, sa, sa->peer->dpd_interval);
}

/* Everything of this identity goes without DELETE; what is kept up comes back at once. */
/* One of the pairs that die with it; what its loss takes along may be another of them. */
static struct ipsec_sa *
pair_of_dead(const struct core *core, const struct isakmp_sa *sa)
{
	struct ipsec_sa *p2 = ipsec_sa_of_peer(core, sa->peer, sa->identity);

	while (p2 != NULL && addr_compare(&p2->spec.remote.addr, &sa->path.remote.addr) != 0)
		p2 = ipsec_sa_next_of_peer(p2);
	return p2;
}

static void
dpd_dead(struct core *core, struct isakmp_sa *sa)
{
	struct snapshot *snapshot = snapshot_ref(core->snapshot);
	const struct peer *peer = sa->peer;

	/* Only this SA is dead, not the peer: it never got our last message. */
	if (sa->unproven && isakmp_sa_for_peer(core, peer) != NULL &&
	    isakmp_sa_for_peer(core, peer) != sa) {
		isakmp_sa_remove(core, sa);
		snapshot_unref(snapshot);
		return;
	}
	fail_field(core, "DPD", NULL);
	fail_expected(core, "R_U_THERE_ACK within %u seconds", DPD_RETRY_SECS * DPD_TRIES);
	fail_got(core, "nothing after %u probes", DPD_TRIES);
	fail_record(core, WHY_PEER_DEAD, NULL, &sa->path, peer, NULL, "info");
	for (struct ipsec_sa *p2; (p2 = pair_of_dead(core, sa)) != NULL;) {
		struct snapshot *held = snapshot_ref(p2->snapshot);
		const struct connection *c = p2->connection;

		ipsec_sa_remove(core, p2, false);
		connection_lost(core, c);
		snapshot_unref(held);
	}
	isakmp_sa_remove(core, sa);
	snapshot_unref(snapshot);
}

static void
dpd_probe(struct core *core, struct isakmp_sa *sa)
{
	if (sa->dpd_tries >= DPD_TRIES) {
		dpd_dead(core, sa);
		return;
	}
	sa->dpd_tries++;
	dpd_send(core, sa, N_STATUS_DPD_R_U_THERE, sa->dpd_out);
	dpd_again_in(core, sa, DPD_RETRY_SECS);
}

/* Idle long enough to ask?  Traffic in either phase counts as life. */
static void
dpd_decide(struct core *core, struct isakmp_sa *sa)
{
	int64_t heard = span_secs(mono_since(core->now, sa->last_heard));
	int64_t idle = sa->dpd_idle < heard ? (int64_t)sa->dpd_idle : heard;
	int64_t interval = sa->peer->dpd_interval;

	if (idle < interval)
		dpd_again_in(core, sa, interval - idle);
	else
		dpd_probe(core, sa);
}

void
dpd_timer(struct core *core, struct isakmp_sa *sa)
{
	if (sa->replaced || (sa->peer->dpd_interval == 0 && !sa->unproven))
		return;
	if (core->passive) {		/* frozen; core_passive starts it anew */
		dpd_again_in(core, sa, sa->peer->dpd_interval);
		return;
	}
	if (sa->dpd_tries > 0 || sa->unproven) {
		dpd_probe(core, sa);
		return;
	}
	sa->dpd_queries = 0;
	sa->dpd_idle = UINT32_MAX;
	for (struct ipsec_sa *p2 = ipsec_sa_of_peer(core, sa->peer, sa->identity); p2 != NULL;
	    p2 = ipsec_sa_next_of_peer(p2)) {
		const struct kern_ask ask = {
			.verb = KERN_QUERY, .token = handle_u64(sa->self), .id = p2->spec.id,
		};

		if (!p2->ready || p2->replaced ||
		    addr_compare(&p2->spec.remote.addr, &sa->path.remote.addr) != 0)
			continue;
		sa->dpd_queries++;
		act_kern(core, &ask);
	}
	if (sa->dpd_queries == 0)
		dpd_decide(core, sa);
	else	/* should kern not answer, this asks again */
		dpd_again_in(core, sa, sa->peer->dpd_interval);
}

void
dpd_query_answer(struct core *core, const struct kern_answer *a)
{
	struct isakmp_sa *sa = isakmp_sa_find(core, handle_of_u64(a->token));

	if (sa == NULL || sa->dpd_queries == 0)
		return;
	if (a->why == WHY_NONE && a->usage.in_idle < sa->dpd_idle)
		sa->dpd_idle = a->usage.in_idle;
	if (--sa->dpd_queries == 0 && sa->dpd_tries == 0)
		dpd_decide(core, sa);
}

/* ---- notifications and DELETE of an authenticated peer ---- */

/* An error about one of our outgoing SPIs: the peer lost that SA. */
static void
invalid_spi(struct core *core, struct isakmp_sa *sa, const struct notify_body *n)
{
	struct rd r = rd_of(n->spi.n == 4 ? n->spi : n->data);
	uint32_t spi = rd_u32(&r);
	struct ipsec_sa *p2 = r.bad ? NULL : ipsec_sa_by_spi_out(core, &sa->path.remote.addr, spi);

	if (p2 == NULL || !ipsec_sa_is_of(p2, sa))
		return;
	struct snapshot *held = snapshot_ref(p2->snapshot);
	const struct connection *c = p2->connection;
	ipsec_sa_remove(core, p2, false);
	connection_lost(core, c);
	snapshot_unref(held);
}

static bool
awaits_answer(const struct exchange *x)
{
	return x->p2 != NULL && (x->state == QM_I_SENT_1 || x->state == QM_R_SENT_2);
}

/*
 * The quick mode that an error is about: the one whose incoming SPI it names
 * (RFC 2408 3.14), else the only one without an answer.  Of several nobody can
 * say which, and the wrong one would end: *ret_several.
 */
static struct exchange *
quick_refused(const struct isakmp_sa *sa, const struct notify_body *n, bool *ret_several)
{
	struct exchange *found = NULL;
	struct rd r = rd_of(n->spi);
	uint32_t spi = n->spi.n == 4 ? rd_u32(&r) : 0;

	*ret_several = false;
	for (struct exchange *x = sa->children; x != NULL; x = x->sibling) {
		if (!awaits_answer(x))
			continue;
		if (spi != 0 && x->p2->spi_in == spi) {
			*ret_several = false;
			return x;
		}
		*ret_several = found != NULL;
		found = x;
	}
	return *ret_several ? NULL : found;
}

/* The connections it may be about; which one will show when they get no answer. */
static void
one_of_several_draft(struct core *core, const struct isakmp_sa *sa)
{
	STR(names, 200);

	for (const struct exchange *x = sa->children; x != NULL && !names.cut; x = x->sibling)
		if (awaits_answer(x) && x->connection != NULL)
			str_addf(&names, "%s%s", names.len > 0 ? ", " : "", x->connection->name);
	fail_field(core, "one of several quick modes", NULL);
	fail_expected(core, "an answer to each of %s", names.p);
	fail_remedy(core, "see which of these connections gets no answer, and compare its IDs and "
	    "Suites with the peer's");
}

static void
notify_input(struct core *core, struct isakmp_sa *sa, const struct notify_body *n,
    uint32_t message_id)
{
	struct exchange *x;
	bool several = false;
	char room[24];

	tell(core, CLASS_EXCHANGE, 10, "exchange: got NOTIFY of type %s from %s",
	    reg_text(REG_NOTIFY, n->type, room), sa->peer->name);
	switch (n->type) {
	case N_STATUS_DPD_R_U_THERE:
	case N_STATUS_DPD_R_U_THERE_ACK:
		dpd_input(core, sa, n);
		return;
	case N_INITIAL_CONTACT:
		isakmp_sa_initial_contact(core, sa, sa->created);
		return;
	case N_INVALID_SPI:
		invalid_spi(core, sa, n);
		return;
	default:
		break;
	}
	if (!is_error(n->type))
		return;
	/* Some peers answer under the exchange's own message ID, most under a new one. */
	x = exchange_by_message_id(core, sa->self, message_id);
	if (x == NULL)
		x = quick_refused(sa, n, &several);
	if (x != NULL && x->state != X_DONE) {
		refused_by_peer(core, x, n->type, true);
		exchange_fail(core, x, WHY_PEER_REFUSED);
		return;
	}
	/* Else about something that we believe to be done: our ID in phase 1, most often. */
	if (several) {
		one_of_several_draft(core, sa);
	} else if (n->type == N_INVALID_ID_INFORMATION) {
		struct id own;

		isakmp_sa_ids(sa, &own, NULL);
		id_refused_draft(core, sa->peer, &own, sa->own_name);
	} else {
		fail_field(core, "notification", NULL);
		fail_expected(core, "nothing refused");
	}
	fail_got(core, "notification %s", reg_text(REG_NOTIFY, n->type, room));
	fail_record(core, WHY_PEER_REFUSED, NULL, &sa->path, sa->peer, NULL, "info");
}

/* An SPI to act on once the whole message was read (security R8). */
struct deletion {
	struct handle	ipsec_sa;
	bool		isakmp;
	struct handle	isakmp_sa;
};

/* As many as the datagram has room for. */
struct deletions {
	struct deletion	*v;
	size_t		 n, cap;
};

static bool
deletion_add(struct deletions *list, struct deletion d)
{
	size_t cap = list->cap == 0 ? 16 : list->cap * 2;

	if (list->n == list->cap) {
		struct deletion *more = realloc(list->v, cap * sizeof(*more));

		if (more == NULL)
			return false;
		list->v = more;
		list->cap = cap;
	}
	list->v[list->n++] = d;
	return true;
}

static void
delete_read(struct core *core, struct isakmp_sa *sa, const struct delete_body *d,
    struct deletions *list)
{
	struct rd r = rd_of(d->spis);
	unsigned unknown = 0, lost = 0;

	for (unsigned i = 0; i < d->n; i++) {
		struct view spi = rd_view(&r, d->spi_len);
		struct rd s = rd_of(spi);

		if (d->protocol == PROTO_IPSEC_ESP && spi.n == 4) {
			struct ipsec_sa *p2 = ipsec_sa_by_spi_out(core, &sa->path.remote.addr, rd_u32(&s));

			if (p2 != NULL && ipsec_sa_is_of(p2, sa))
				lost += !deletion_add(list, (struct deletion){ .ipsec_sa = p2->self });
			else
				unknown++;
		} else if (d->protocol == PROTO_ISAKMP && spi.n == 2 * COOKIE_LEN) {
			struct isakmp_sa *other = isakmp_sa_by_cookies(core, spi.p, spi.p + COOKIE_LEN);

			if (other != NULL && same_peer_name(other->peer, sa->peer) &&
			    isakmp_sa_same_identity(other, sa))
				lost += !deletion_add(list, (struct deletion){ .isakmp = true,
				    .isakmp_sa = other->self });
			else
				unknown++;
		} else {
			unknown++;
		}
	}
	if (lost > 0) {
		fail_field(core, "DELETE", NULL);
		fail_expected(core, "%u SPIs deleted", (unsigned)d->n);
		fail_got(core, "no memory for %u of them", lost);
		fail_record(core, WHY_NO_MEMORY, NULL, &sa->path, sa->peer, NULL, "info");
	}
	if (unknown > 0)
		tell(core, CLASS_SA, 20, "DELETE from %s names %u SPIs that are not here",
		    sa->peer->name, unknown);
}

static struct id
id_of_selector(const struct flow *flow, const struct selector *sel)
{
	struct id id = id_from_range(&sel->net);

	id.protocol = flow->protocol;
	id.port = sel->port;
	return id;
}

/* isakmpd.md 8.4 */
static void
made_us_delete(struct core *core, const struct ipsec_sa *p2)
{
	const struct flow *flow = &p2->spec.flow;
	const struct id local = id_of_selector(flow, &flow->local);
	const struct id remote = id_of_selector(flow, &flow->remote);
	STR(addr, 64);
	STR(initiator, 200);
	STR(responder, 200);

	addr_print(&addr, &p2->spec.remote.addr);
	id_print_classic(&initiator, p2->initiator ? &local : &remote);
	id_print_classic(&responder, p2->initiator ? &remote : &local);
	tell(core, CLASS_VERBOSE, 0, "isakmpd: Peer %s made us delete live SA %s for proto %u, "
	    "initiator id: %s, responder id: %s", addr.p, p2->spec.name, p2->spec.suite.protocol,
	    initiator.p, responder.p);
}

static void
delete_ipsec(struct core *core, struct handle h)
{
	struct ipsec_sa *p2 = ipsec_sa_find(core, h);

	if (p2 == NULL)
		return;
	struct snapshot *held = snapshot_ref(p2->snapshot);
	const struct connection *c = p2->connection;
	bool again = !p2->replaced;
	if (p2->soft.d.index != 0 && again)
		made_us_delete(core, p2);
	ipsec_sa_remove(core, p2, false);
	if (again)
		connection_lost(core, c);
	snapshot_unref(held);
}

static void
delete_isakmp(struct core *core, struct handle h)
{
	struct isakmp_sa *sa = isakmp_sa_find(core, h);

	if (sa == NULL)
		return;
	struct snapshot *held = snapshot_ref(sa->snapshot);
	const struct peer *peer = sa->peer;
	bool again = !sa->replaced;
	isakmp_sa_remove(core, sa);
	if (again)
		connections_isakmp_lost(core, peer);
	snapshot_unref(held);
}

void
info_input(struct core *core, struct isakmp_sa *sa, const struct message *m,
    const struct path *path)
{
	struct deletions list = { 0 };
	struct handle self = sa->self;

	if (!hash_right(&sa->params, &sa->keys, m)) {
		fail_classic(core, "message_validate_hash: invalid hash information");
		fail_record(core, WHY_HASH, NULL, path, sa->peer, NULL, "info");
		return;
	}
	if (!isakmp_sa_use_message_id(core, sa, m->h.message_id)) {
		core_refuse(core, WHY_DUPLICATE);
		return;
	}
	isakmp_sa_heard(core, sa, path);
	for (size_t i = 0; i < message_count(m, PL_DELETE); i++) {
		struct delete_body d;
		enum why why = delete_decode(message_find(m, PL_DELETE, i)->body, &d);

		if (why == WHY_NONE)
			delete_read(core, sa, &d, &list);
		else
			fail_record(core, why, NULL, path, sa->peer, NULL, "info");
	}
	for (size_t i = 0; i < message_count(m, PL_NOTIFY); i++) {
		struct notify_body b;

		sa = isakmp_sa_find(core, self);
		if (sa == NULL)
			break;
		if (notify_decode(message_find(m, PL_NOTIFY, i)->body, &b) != WHY_NONE)
			continue;
		if (notify_type_ok(b.type))
			notify_input(core, sa, &b, m->h.message_id);
		else
			notify_refused(core, m, &b, path, sa->peer);
	}
	for (size_t i = 0; i < list.n; i++) {
		if (list.v[i].isakmp)
			delete_isakmp(core, list.v[i].isakmp_sa);
		else
			delete_ipsec(core, list.v[i].ipsec_sa);
	}
	free(list.v);
}
