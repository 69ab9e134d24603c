/*
 * Quick mode, RFC 2409 section 5.5:
 *
 *        Initiator                                   Responder
 *   1    HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr] -->
 *   2                        <--  HDR*, HASH(2), SA, Nr [, KE] [, IDci, IDcr]
 *   3    HDR*, HASH(3)                               -->
 *
 * The responder installs its inbound SA before it sends message 2, and the
 * initiator both directions before message 3: whoever may send already finds
 * a receiver, so a rekey loses no packet.
 */
#include "ike/internal.h"

/* ---- HASH(1), HASH(2), HASH(3) ---- */

static MUST_USE bool
hash_12(struct core *core, const struct exchange *x, bool second, struct view rest,
    uint8_t ret[PRF_MAX])
{
	const struct isakmp_sa *sa = isakmp_sa_find(core, x->isakmp_sa);
	uint8_t id[4];
	struct wr w = wr_of(id, sizeof(id));
	const struct view ni = second ? view_of(x->p2->ni, x->p2->ni_n) : (struct view){ 0 };

	wr_u32(&w, x->message_id);
	const struct view parts[] = { wr_done(&w), ni, rest };
	return keymat_hash(&sa->params, &sa->keys, parts, COUNT(parts), ret);
}

static MUST_USE bool
hash_3(struct core *core, const struct exchange *x, uint8_t ret[PRF_MAX])
{
	const struct isakmp_sa *sa = isakmp_sa_find(core, x->isakmp_sa);
	uint8_t head[5];
	struct wr w = wr_of(head, sizeof(head));

	wr_u8(&w, 0);
	wr_u32(&w, x->message_id);
	const struct view parts[] = {
		wr_done(&w), view_of(x->p2->ni, x->p2->ni_n), view_of(x->p2->nr, x->p2->nr_n),
	};
	return keymat_hash(&sa->params, &sa->keys, parts, COUNT(parts), ret);
}

/* The HASH payload comes first; constant time, exact length (12.4 Beyond). */
static enum why
hash_check(struct core *core, struct exchange *x, const struct message *m, const struct path *path,
    unsigned which)
{
	struct isakmp_sa *sa = isakmp_sa_find(core, x->isakmp_sa);
	uint8_t want[PRF_MAX];
	const struct payload *hash = &m->payload[0];
	size_t skip = hash->whole.n;
	bool ok;

	if (hash->type != PL_HASH || message_count(m, PL_HASH) != 1)
		return WHY_PAYLOAD_MALFORMED;
	if (which == 3)
		ok = hash_3(core, x, want);
	else
		ok = hash_12(core, x, which == 2,
		    view_of(m->chain.p + skip, m->chain.n - skip), want);
	if (!ok)
		return WHY_NO_MEMORY;
	if (!ct_equal(hash->body, view_of(want, hash_len(sa->params.hash)))) {
		fail_classic(core, "message_validate_hash: invalid hash information");
		fail_field(core, "HASH", NULL);
		fail_expected(core, "HASH(%u) made with the keys of this ISAKMP SA", which);
		fail_got(core, "another");
		return WHY_HASH;
	}
	x->authentic = true;
	isakmp_sa_heard(core, sa, path);
	return WHY_NONE;
}

/* Opens a message with room for the hash, and later fills it. */
static struct pl_mark
hash_open(struct core *core, struct exchange *x, struct msg_wr *m)
{
	const struct isakmp_sa *sa = isakmp_sa_find(core, x->isakmp_sa);
	struct pl_mark k = msg_open(m, PL_HASH);

	wr_zero(&m->w, hash_len(sa->params.hash));
	msg_close(m, k);
	return k;
}

static enum why
hash_fill(struct core *core, struct exchange *x, struct msg_wr *m, bool second)
{
	const struct isakmp_sa *sa = isakmp_sa_find(core, x->isakmp_sa);
	size_t n = hash_len(sa->params.hash), rest = HEADER_LEN + 4 + n;
	uint8_t hash[PRF_MAX];

	if (m->w.bad || !hash_12(core, x, second,
	    view_of(m->w.base + rest, m->w.len - rest), hash))
		return WHY_NO_MEMORY;
	memcpy(m->w.base + HEADER_LEN + 4, hash, n);
	return WHY_NONE;
}

/* ---- asks ---- */

static void
ask_spi(struct core *core, struct exchange *x)
{
	const struct kern_ask ask = {
		.verb = KERN_GET_SPI, .token = handle_u64(x->self),
		.local = x->path.local, .remote = x->path.remote,
	};

	act_kern(core, &ask);
}

static void
ask_dh(struct core *core, struct exchange *x)
{
	const struct keys_ask ask = {
		.verb = KEYS_DH_NEW, .token = handle_u64(x->self), .group = x->p2->group,
	};

	x->p2->keys_asked = true;
	act_keys(core, &ask);
}

static void
ask_shared(struct core *core, struct exchange *x)
{
	const struct keys_ask ask = {
		.verb = KEYS_DH_SHARED, .token = handle_u64(x->self),
		.peer_public = view_of(x->p2->peer_public, x->p2->peer_public_n),
	};

	act_keys(core, &ask);
}

/* The exchange has all it needs of `keys`: that may restart from now on. */
static void
keys_drop(struct core *core, struct exchange *x)
{
	const struct keys_ask drop = { .verb = KEYS_DROP, .token = handle_u64(x->self) };

	if (x->p2->keys_asked)
		act_keys(core, &drop);
	x->p2->keys_asked = false;
}

static void
keylog_esp(struct core *core, const struct sa_spec *s, bool in)
{
	const struct sa_half *half = in ? &s->in : &s->out;
	struct sa_lengths len;
	STR(line, 512);

	if (!core->options.keylog || !sa_suite_lengths(&s->suite, &len))
		return;
	str_add(&line, "esp ");
	addr_print(&line, in ? &s->remote.addr : &s->local.addr);
	str_char(&line, ' ');
	addr_print(&line, in ? &s->local.addr : &s->remote.addr);
	str_addf(&line, " 0x%08x %s 0x", half->spi, reg_name(REG_ESP, s->suite.cipher));
	str_hex(&line, view_of(half->keymat.p, len.key + len.salt));
	str_addf(&line, " %s 0x", s->suite.auth == AUTHALG_NONE ? "NONE" :
	    reg_name(REG_IPSEC_AUTH, s->suite.auth));
	str_hex(&line, view_of(half->keymat.p + len.key + len.salt, len.auth));
	act_keylog(core, &line);
}

/* Derives both directions' keys; the larval SA then owns them. */
static enum why
keys_derive(struct core *core, struct exchange *x)
{
	const struct isakmp_sa *parent = isakmp_sa_find(core, x->isakmp_sa);
	struct ipsec_sa *sa;

	if (parent == NULL)
		return WHY_REPLACED;
	sa = ipsec_sa_new(core, x);
	if (sa == NULL)
		return WHY_NO_MEMORY;
	if (!keymat_phase2(&parent->params, &parent->keys, x->p2, sa->spec.in.spi, &sa->spec.in.keymat) ||
	    !keymat_phase2(&parent->params, &parent->keys, x->p2, sa->spec.out.spi,
	    &sa->spec.out.keymat))
		return WHY_NO_MEMORY;
	secret_done(&x->p2->shared);
	keys_drop(core, x);
	keylog_esp(core, &sa->spec, true);
	keylog_esp(core, &sa->spec, false);
	return WHY_NONE;
}

/* The larval pair may be gone: deleted by the peer, or with its connection. */
static enum why
ask_install(struct core *core, struct exchange *x, uint8_t parts)
{
	struct ipsec_sa *sa = ipsec_sa_find(core, x->p2->ipsec_sa);

	if (sa == NULL)
		return WHY_REPLACED;
	const struct kern_ask ask = {
		.verb = KERN_INSTALL, .token = handle_u64(x->self), .parts = parts,
		.id = sa->spec.id, .spec = &sa->spec,
	};

	if ((parts & SA_PART_FLOW) != 0 && core->snapshot->acquire_only) {
		struct kern_ask less = ask;

		less.parts = (uint8_t)(parts & ~SA_PART_FLOW);
		sa->parts |= less.parts;
		act_kern(core, &less);
		return WHY_NONE;
	}
	sa->parts |= parts;
	act_kern(core, &ask);
	return WHY_NONE;
}

/* ---- identities ---- */

static void
id_write(struct msg_wr *m, const struct id *id)
{
	struct pl_mark k = msg_open(m, PL_ID);

	id_encode(&m->w, id);
	msg_close(m, k);
}

static struct selector
selector_of(const struct id *id)
{
	return (struct selector){ .net = id->range, .port = id->port };
}

static enum why
flow_set(struct core *core, struct exchange *x, const struct id *local, const struct id *remote)
{
	struct flow *f = &x->p2->flow;
	const struct id *nat = &x->connection->nat_id;

	f->local = selector_of(nat->type != 0 && id_is_address_kind(nat) ? nat : local);
	f->remote = selector_of(remote);
	f->protocol = local->protocol != 0 ? local->protocol : remote->protocol;
	if (f->local.net.first.family != f->remote.net.first.family) {
		fail_field(core, "ID", &x->connection->where);
		fail_expected(core, "two selectors of one address family");
		return WHY_ID_RANGE;
	}
	return WHY_NONE;
}

/* What we send as initiator (17.1): both, or none if there is no Remote-ID. */
static void
own_ids(struct exchange *x)
{
	const struct connection *c = x->connection;

	if (c->remote_id.type == 0)
		return;
	x->p2->remote_id = c->remote_id;
	x->p2->local_id = c->local_id.type != 0 ? c->local_id : id_from_addr(&x->path.local.addr);
}

/* One that is no selector; the n-th of the message, ours first when we began. */
static void
id_type_draft(struct core *core, const struct exchange *x, size_t n, const struct id *got)
{
	const struct connection *c = x->connection;
	STR(want, 120);
	char room[24];

	str_add(&want, "an address, subnet or range");
	if (c != NULL) {
		const struct where w = where_in(&c->where, n == 0 ? c->local_id_line : c->remote_id_line);

		str_add(&want, ": ");
		id_print(&want, n == 0 ? &x->p2->local_id : &x->p2->remote_id);
		fail_field(core, "ID-type", &w);
	} else {
		fail_field(core, "ID-type", NULL);
	}
	fail_expected(core, "%s", want.p);
	fail_got(core, "%s", reg_text(REG_ID_TYPE, got->type, room));
}

static enum why
ids_read(struct core *core, const struct exchange *x, const struct message *m, struct id ret[2],
    bool *present)
{
	size_t n = message_count(m, PL_ID);
	enum why why = WHY_NONE;

	*present = n > 0;
	if (n != 0 && n != 2) {
		fail_field(core, "ID", NULL);
		fail_expected(core, "two ID payloads, or none");
		fail_got(core, "%zu", n);
		return WHY_PAYLOAD_MALFORMED;
	}
	for (size_t i = 0; i < n && why == WHY_NONE; i++) {
		why = id_decode(message_find(m, PL_ID, i)->body, &ret[i]);
		if (why == WHY_NONE && !id_is_address_kind(&ret[i])) {
			id_type_draft(core, x, i, &ret[i]);
			why = WHY_ID_TYPE;
		}
	}
	return why;
}

/* ---- initiator ---- */

static bool
has_pfs(const struct exchange *x)
{
	return x->p2->group != GROUP_NONE;
}

static bool
no_pfs(const struct exchange *x)
{
	return x->p2->group == GROUP_NONE;
}

static enum why
i_start(struct core *core, struct exchange *x, const struct event *e)
{
	(void)e;
	own_ids(x);
	core->env.random(core->env.self, x->p2->ni, NONCE_OURS);
	x->p2->ni_n = NONCE_OURS;
	ask_spi(core, x);
	return WHY_NONE;
}

static enum why
spi_take(struct core *core, struct exchange *x, const struct event *e)
{
	(void)core;
	x->p2->spi_in = e->kern->spi;
	return WHY_NONE;
}

static enum why
spi_take_pfs(struct core *core, struct exchange *x, const struct event *e)
{
	x->p2->spi_in = e->kern->spi;
	ask_dh(core, x);
	return WHY_NONE;
}

static enum why
dh_take(struct core *core, struct exchange *x, const struct event *e)
{
	(void)core;
	return blob_set(&x->p2->public_value, &x->p2->public_n,
	    view_of(e->keys->public_value, e->keys->public_n));
}

static enum why
write_1(struct core *core, struct exchange *x, struct msg_wr *m)
{
	enum why why;

	(void)hash_open(core, x, m);
	why = p2_offer(core, x, m);
	if (why != WHY_NONE)
		return why;
	msg_payload(m, PL_NONCE, view_of(x->p2->ni, x->p2->ni_n));
	if (x->p2->public_value != NULL)
		msg_payload(m, PL_KEY_EXCH, view_of(x->p2->public_value, x->p2->public_n));
	if (x->p2->local_id.type != 0) {
		id_write(m, &x->p2->local_id);
		id_write(m, &x->p2->remote_id);
	}
	return hash_fill(core, x, m, false);
}

static enum why
nonce_ke_read(struct core *core, struct exchange *x, const struct message *m)
{
	struct p2 *p2 = x->p2;
	struct view nonce = message_find(m, PL_NONCE, 0)->body;
	const struct payload *ke = message_find(m, PL_KEY_EXCH, 0);

	if (message_count(m, PL_NONCE) != 1 || message_count(m, PL_SA) != 1 ||
	    message_count(m, PL_KEY_EXCH) > 1)
		return WHY_PAYLOAD_MALFORMED;
	enum why why = nonce_read(core, nonce, x->initiator ? p2->nr : p2->ni,
	    x->initiator ? &p2->nr_n : &p2->ni_n);
	return why != WHY_NONE || ke == NULL ? why :
	    blob_set(&p2->peer_public, &p2->peer_public_n, ke->body);
}

static enum why
ke_length_check(struct core *core, const struct exchange *x)
{
	return x->p2->group == GROUP_NONE ? WHY_NONE :
	    public_check(core, x->p2->group, x->p2->peer_public_n);
}

/* Returned IDs must be those we sent (17.1 Beyond). */
static enum why
ids_same(struct core *core, struct exchange *x, const struct message *m)
{
	struct id ids[2] = { { 0 } };
	bool present, ours = x->p2->local_id.type != 0;
	STR(want, 200);
	STR(got, 200);
	enum why why = ids_read(core, x, m, ids, &present);

	if (why != WHY_NONE)
		return why;
	if (present == ours && (!ours || (id_same_traffic(&ids[0], &x->p2->local_id) &&
	    id_same_traffic(&ids[1], &x->p2->remote_id))))
		return WHY_NONE;
	id_print(&want, &x->p2->local_id);
	str_add(&want, ", ");
	id_print(&want, &x->p2->remote_id);
	id_print(&got, &ids[0]);
	str_add(&got, ", ");
	id_print(&got, &ids[1]);
	const struct connection *c = x->connection;
	bool local = !present || !ours || !id_same_traffic(&ids[0], &x->p2->local_id);
	const struct where w = where_in(&c->where, local ? c->local_id_line : c->remote_id_line);
	fail_field(core, "phase 2 IDs", &w);
	fail_expected(core, "%s", want.p);
	fail_got(core, "%s", present ? got.p : "none");
	fail_remedy(core, "the peer answered with other selectors: make its own the mirror image of "
	    "Local-ID and Remote-ID here");
	return WHY_ID_OTHER;
}

static void
lifetime_notify(struct exchange *x, const struct message *m)
{
	for (size_t i = 0; i < message_count(m, PL_NOTIFY); i++) {
		struct notify_body n;
		uint32_t type = 0;

		if (notify_decode(message_find(m, PL_NOTIFY, i)->body, &n) != WHY_NONE ||
		    n.type != N_RESPONDER_LIFETIME)
			continue;
		for (struct view more = n.data; more.n > 0;) {
			struct attribute a;

			if (attribute_next(&more, &a) != WHY_NONE)
				break;
			if (a.type == P2_SA_LIFE_TYPE)
				type = a.value;
			else if (a.type == P2_SA_LIFE_DURATION && type == LIFE_SECONDS &&
			    a.value > 0 && a.value < x->p2->life_secs)
				x->p2->life_secs = a.value;	/* only ever shorter (18.1) */
		}
	}
}

static enum why
i_answer_check(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = hash_check(core, x, e->m, e->path, 2);

	if (why == WHY_NONE)
		why = nonce_ke_read(core, x, e->m);
	if (why == WHY_NONE)
		why = p2_check_choice(core, x, message_find(e->m, PL_SA, 0)->body,
		    message_find(e->m, PL_KEY_EXCH, 0) != NULL);
	if (why == WHY_NONE)
		why = ids_same(core, x, e->m);
	if (why == WHY_NONE)
		why = ke_length_check(core, x);
	if (why != WHY_NONE)
		return why;
	lifetime_notify(x, e->m);
	if (x->p2->local_id.type != 0)
		return flow_set(core, x, &x->p2->local_id, &x->p2->remote_id);
	const struct id local = id_from_addr(&x->path.local.addr);
	const struct id remote = id_from_addr(&x->path.remote.addr);
	return flow_set(core, x, &local, &remote);
}

/*
 * Some responders install their inbound SA only after message 3.  In a
 * renewal the old pair goes on sending until they have (ipsec_sa_ready).
 */
static uint8_t
first_parts(struct core *core, const struct exchange *x)
{
	const struct ipsec_sa *sa = ipsec_sa_find(core, x->p2->ipsec_sa);

	return ipsec_sa_is_renewal(core, sa) ? SA_PART_IN :
	    SA_PART_IN | SA_PART_OUT | SA_PART_FLOW;
}

static enum why
i_answer_install(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = i_answer_check(core, x, e);

	if (why == WHY_NONE)
		why = keys_derive(core, x);
	if (why == WHY_NONE)
		why = ask_install(core, x, first_parts(core, x));
	return why;
}

static enum why
i_answer_shared(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = i_answer_check(core, x, e);

	if (why == WHY_NONE)
		ask_shared(core, x);
	return why;
}

static enum why
i_shared_take(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why;

	secret_take(&x->p2->shared, &e->keys->shared);
	why = keys_derive(core, x);
	if (why == WHY_NONE)
		why = ask_install(core, x, first_parts(core, x));
	return why;
}

static enum why
write_3(struct core *core, struct exchange *x, struct msg_wr *m)
{
	const struct isakmp_sa *sa = isakmp_sa_find(core, x->isakmp_sa);
	uint8_t hash[PRF_MAX];

	if (sa == NULL || !hash_3(core, x, hash))
		return WHY_NO_MEMORY;
	msg_payload(m, PL_HASH, view_of(hash, hash_len(sa->params.hash)));
	return WHY_NONE;
}

/* The peer may have so many open on one ISAKMP SA; this one is over. */
void
quick_mode_uncount(struct core *core, const struct exchange *x)
{
	struct isakmp_sa *sa = isakmp_sa_find(core, x->isakmp_sa);

	if (sa != NULL && sa->exchanges > 0)
		sa->exchanges--;
}

/* Both directions are in the back end: the pair is ready. */
static void
done(struct core *core, struct exchange *x)
{
	struct ipsec_sa *sa = ipsec_sa_find(core, x->p2->ipsec_sa);

	x->p2->installed_all = true;
	if (!x->initiator)
		quick_mode_uncount(core, x);
	if (sa != NULL)
		ipsec_sa_ready(core, sa);
}

/* ---- responder ---- */

/* How well a connection fits the proposed pair; 0: not at all (17.2 Beyond). */
static unsigned
fit(const struct connection *c, const struct id *local, const struct id *remote)
{
	if (!id_same_traffic(&c->local_id, local))
		return 0;
	if (c->remote_id.type == 0)
		return 1;
	return id_same_traffic(&c->remote_id, remote) ? 2 : 0;
}

static enum why
connection_choose(struct core *core, struct exchange *x, const struct id *local,
    const struct id *remote)
{
	const struct connection *best = NULL, *nearest = NULL;
	unsigned best_fit = 0;
	STR(want, 200);
	STR(got_l, 100);
	STR(got_r, 100);

	/* The exchange was made just now: its snapshot is the core's. */
	for (const struct connection_state *s = connection_of_peer(core, x->peer); s != NULL;
	    s = connection_of_same(core, s)) {
		const struct connection *c = s->connection;

		if (!c->passive || c->peer == NULL || !text_same(c->peer->name, x->peer->name))
			continue;
		unsigned f = fit(c, local, remote);
		if (f > best_fit) {
			best = c;
			best_fit = f;
		}
		if (nearest == NULL || id_same_traffic(&c->local_id, local) ||
		    id_same_traffic(&c->remote_id, remote))
			nearest = c;
	}
	if (best != NULL) {
		x->connection = best;
		return WHY_NONE;
	}
	id_print_classic(&got_l, local);
	id_print_classic(&got_r, remote);
	fail_classic(core, "responder_recv_HASH_SA_NONCE: peer proposed invalid phase 2 IDs: "
	    "initiator id %s, responder id %s", got_r.p, got_l.p);
	got_l = str_of(got_l.p, got_l.cap);
	got_r = str_of(got_r.p, got_r.cap);
	id_print(&got_l, local);
	id_print(&got_r, remote);
	fail_got(core, "Local-ID %s, Remote-ID %s", got_l.p, got_r.p);
	if (nearest == NULL) {
		fail_field(core, "Connections", &x->peer->where);
		fail_expected(core, "any connection with ISAKMP-peer=%s", x->peer->name);
	} else {
		str_add(&want, "Local-ID ");
		id_print(&want, &nearest->local_id);
		str_add(&want, ", Remote-ID ");
		id_print(&want, &nearest->remote_id);
		const struct where w = where_in(&nearest->where,
		    id_same_traffic(&nearest->local_id, local) ? nearest->remote_id_line :
		    nearest->local_id_line);

		fail_field(core, "phase 2 IDs", &w);
		fail_expected(core, "%s", want.p);
	}
	return WHY_NO_CONNECTION;
}

static enum why
r_proposal_accept(struct core *core, struct exchange *x, const struct event *e)
{
	struct isakmp_sa *sa = isakmp_sa_find(core, x->isakmp_sa);
	struct id ids[2] = { { 0 } };
	bool present;
	enum why why = hash_check(core, x, e->m, e->path, 1);

	if (why != WHY_NONE)
		return why;
	/* Only now is the message ID used up: nobody else can spend it. */
	if (!isakmp_sa_use_message_id(core, sa, x->message_id))
		return WHY_DUPLICATE;
	x->p2->spi_out = p2_first_spi(message_find(e->m, PL_SA, 0)->body);
	why = ipsec_sa_admit(core, sa);
	if (why == WHY_NONE)
		why = nonce_ke_read(core, x, e->m);
	if (why == WHY_NONE)
		why = ids_read(core, x, e->m, ids, &present);
	if (why != WHY_NONE)
		return why;
	if (present) {
		x->p2->remote_id = ids[0];	/* IDci: the initiator's side */
		x->p2->local_id = ids[1];
	} else {
		ids[0] = id_from_addr(&x->path.remote.addr);
		ids[1] = id_from_addr(&x->path.local.addr);
	}
	why = connection_choose(core, x, &ids[1], &ids[0]);
	if (why == WHY_NONE)
		why = p2_choose(core, x, message_find(e->m, PL_SA, 0)->body,
		    message_find(e->m, PL_KEY_EXCH, 0) != NULL);
	if (why == WHY_NONE)
		why = ke_length_check(core, x);
	if (why == WHY_NONE)
		why = flow_set(core, x, &ids[1], &ids[0]);
	if (why != WHY_NONE)
		return why;
	core->env.random(core->env.self, x->p2->nr, NONCE_OURS);
	x->p2->nr_n = NONCE_OURS;
	ask_spi(core, x);
	return WHY_NONE;
}

static enum why
r_spi_install(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why;

	x->p2->spi_in = e->kern->spi;
	why = keys_derive(core, x);
	if (why == WHY_NONE)
		why = ask_install(core, x, SA_PART_IN);
	return why;
}

static enum why
r_dh_take(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = dh_take(core, x, e);

	if (why == WHY_NONE)
		ask_shared(core, x);
	return why;
}

static enum why
r_shared_take(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why;

	secret_take(&x->p2->shared, &e->keys->shared);
	why = keys_derive(core, x);
	if (why == WHY_NONE)
		why = ask_install(core, x, SA_PART_IN);
	return why;
}

/* Our limit is shorter than the peer's offer: say so (RFC 2407 4.6.3.1). */
static void
responder_lifetime_write(struct exchange *x, struct msg_wr *m)
{
	uint8_t spi[4], data[12];
	struct wr s = wr_of(spi, sizeof(spi)), d = wr_of(data, sizeof(data));
	struct notify_body n = {
		.doi = DOI_IPSEC_NUMBER, .protocol = PROTO_IPSEC_ESP,
		.type = N_RESPONDER_LIFETIME,
	};

	wr_u32(&s, x->p2->spi_in);
	wr_u16(&d, 0x8000 | P2_SA_LIFE_TYPE);
	wr_u16(&d, LIFE_SECONDS);
	wr_u16(&d, P2_SA_LIFE_DURATION);
	wr_u16(&d, 4);
	wr_u32(&d, x->p2->life_secs);
	n.spi = wr_done(&s);
	n.data = wr_done(&d);
	struct pl_mark k = msg_open(m, PL_NOTIFY);
	notify_encode(&m->w, &n);
	msg_close(m, k);
}

static enum why
write_2(struct core *core, struct exchange *x, struct msg_wr *m)
{
	struct p2 *p2 = x->p2;
	uint8_t spi[4];
	struct wr w = wr_of(spi, sizeof(spi));

	(void)hash_open(core, x, m);
	wr_u32(&w, p2->spi_in);
	struct pl_mark k = msg_open(m, PL_SA);
	struct sa_wr sa = sa_wr_begin(m);
	sa_wr_proposal(&sa, p2->proposal_number, PROTO_IPSEC_ESP, wr_done(&w));
	sa_wr_transform(&sa, p2->transform_number, p2->suite.cipher);
	sa_wr_raw_attributes(&sa, view_of(p2->attributes, p2->attributes_n));
	sa_wr_end(&sa);
	msg_close(m, k);
	msg_payload(m, PL_NONCE, view_of(p2->nr, p2->nr_n));
	if (p2->public_value != NULL)
		msg_payload(m, PL_KEY_EXCH, view_of(p2->public_value, p2->public_n));
	if (p2->remote_id.type != 0) {
		id_write(m, &p2->remote_id);
		id_write(m, &p2->local_id);
	}
	if (p2->shorten)
		responder_lifetime_write(x, m);
	return hash_fill(core, x, m, true);
}

static enum why
r_confirm(struct core *core, struct exchange *x, const struct event *e)
{
	enum why why = hash_check(core, x, e->m, e->path, 3);

	return why != WHY_NONE ? why : ask_install(core, x, SA_PART_OUT | SA_PART_FLOW);
}

/* ---- the table ---- */

struct rows
quick_mode_rows(void)
{
	static const struct row rows[] = {
		/* HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr]  --> */
		{ INITIATOR, ON_START, X_NEW, QM_I_SPI_PENDING, .handle = i_start },
		{ INITIATOR, ON_KERN, QM_I_SPI_PENDING, QM_I_DH_PENDING, .answer = KERN_GET_SPI,
		  .when = has_pfs, .handle = spi_take_pfs },
		{ INITIATOR, ON_KERN, QM_I_SPI_PENDING, QM_I_SENT_1, .answer = KERN_GET_SPI,
		  .when = no_pfs, .handle = spi_take, .reply_encrypted = true,
		  .reply = write_1, .reply_step = 1, .resend = RESEND_BY_TIMER },
		{ INITIATOR, ON_KEYS, QM_I_DH_PENDING, QM_I_SENT_1, .answer = KEYS_DH_NEW,
		  .handle = dh_take, .reply_encrypted = true,
		  .reply = write_1, .reply_step = 1, .resend = RESEND_BY_TIMER },
		{ RESPONDER, ON_MESSAGE, X_NEW, QM_R_SPI_PENDING, .step = 1, .encrypted = true,
		  .need = P(HASH) | P(SA) | P(NONCE),
		  .may = P(KEY_EXCH) | P(ID) | P(NOTIFY) | P(NAT_OA) | P(VENDOR),
		  .handle = r_proposal_accept },

		/* <--  HDR*, HASH(2), SA, Nr [, KE] [, IDci, IDcr] */
		{ RESPONDER, ON_KERN, QM_R_SPI_PENDING, QM_R_DH_PENDING, .answer = KERN_GET_SPI,
		  .when = has_pfs, .handle = spi_take_pfs },
		{ RESPONDER, ON_KERN, QM_R_SPI_PENDING, QM_R_INBOUND_PENDING, .answer = KERN_GET_SPI,
		  .when = no_pfs, .handle = r_spi_install },
		{ RESPONDER, ON_KEYS, QM_R_DH_PENDING, QM_R_SHARED_PENDING, .answer = KEYS_DH_NEW,
		  .handle = r_dh_take },
		{ RESPONDER, ON_KEYS, QM_R_SHARED_PENDING, QM_R_INBOUND_PENDING,
		  .answer = KEYS_DH_SHARED, .handle = r_shared_take },
		{ RESPONDER, ON_KERN, QM_R_INBOUND_PENDING, QM_R_SENT_2, .answer = KERN_INSTALL,
		  .reply_encrypted = true,
		  .reply = write_2, .reply_step = 2, .resend = RESEND_BY_TIMER },
		{ INITIATOR, ON_MESSAGE, QM_I_SENT_1, QM_I_SHARED_PENDING, .step = 2,
		  .encrypted = true, .when = has_pfs, .need = P(HASH) | P(SA) | P(NONCE),
		  .may = P(KEY_EXCH) | P(ID) | P(NOTIFY) | P(NAT_OA) | P(VENDOR),
		  .handle = i_answer_shared },
		{ INITIATOR, ON_MESSAGE, QM_I_SENT_1, QM_I_INSTALL_PENDING, .step = 2,
		  .encrypted = true, .when = no_pfs, .need = P(HASH) | P(SA) | P(NONCE),
		  .may = P(KEY_EXCH) | P(ID) | P(NOTIFY) | P(NAT_OA) | P(VENDOR),
		  .handle = i_answer_install },
		{ INITIATOR, ON_KEYS, QM_I_SHARED_PENDING, QM_I_INSTALL_PENDING,
		  .answer = KEYS_DH_SHARED, .handle = i_shared_take },

		/* HDR*, HASH(3)  --> */
		{ INITIATOR, ON_KERN, QM_I_INSTALL_PENDING, X_DONE, .answer = KERN_INSTALL,
		  .reply_encrypted = true,
		  .reply = write_3, .reply_step = 3, .resend = RESEND_ON_DUPLICATE, .done = done },
		{ RESPONDER, ON_MESSAGE, QM_R_SENT_2, QM_R_INSTALL_PENDING, .step = 3,
		  .encrypted = true, .need = P(HASH), .may = P(NOTIFY) | P(VENDOR),
		  .handle = r_confirm },
		{ RESPONDER, ON_KERN, QM_R_INSTALL_PENDING, X_DONE, .answer = KERN_INSTALL,
		  .done = done },
	};

	return (struct rows){ rows, COUNT(rows) };
}

/* ---- beginnings ---- */

/* All suites of one quick mode share a group: that of the first usable one. */
static uint16_t
group_of(const struct connection *c)
{
	for (size_t s = 0; s < c->n_suites; s++)
		if (c->suites[s].n_protocols == 1 && c->suites[s].protocols[0].n_transforms > 0)
			return c->suites[s].protocols[0].transforms[0].group;
	return GROUP_NONE;
}

static struct exchange *
quick_mode_new(struct core *core, struct isakmp_sa *sa, bool initiator,
    const struct connection *c, uint32_t message_id, const struct path *path)
{
	struct exchange *x = sa->going ? NULL :
	    exchange_new(core, EXCH_QUICK_MODE, initiator, sa->peer, c);

	if (x == NULL)
		return NULL;
	x->isakmp_sa = sa->self;
	exchange_adopt(sa, x);
	x->path = *path;
	memcpy(x->icookie, sa->icookie, COOKIE_LEN);
	memcpy(x->rcookie, sa->rcookie, COOKIE_LEN);
	x->message_id = message_id;
	if (!initiator)
		sa->exchanges++;
	if (!exchange_index_message_id(core, x) ||
	    !keymat_phase2_iv(&sa->params, sa->keys.iv, message_id, x->iv)) {
		exchange_free(core, x);
		return NULL;
	}
	return x;
}

bool
quick_mode_start(struct core *core, struct handle isakmp_sa, const struct connection *c,
    bool on_demand)
{
	struct isakmp_sa *sa = isakmp_sa_find(core, isakmp_sa);
	struct exchange *x;

	if (sa == NULL || core->passive || core->shutting_down)
		return false;
	x = quick_mode_new(core, sa, true, c,
	    isakmp_sa_new_message_id(core, sa, connection_least_id(core, c)), &sa->path);
	if (x == NULL)
		return false;
	x->p2->on_demand = on_demand;
	x->p2->group = group_of(c);
	x->p2->encap = traits_encap(&sa->traits);
	struct handle h = x->self;
	exchange_run(core, x, ON_START, NULL);
	return exchange_find(core, h) != NULL;
}

struct exchange *
quick_mode_responder(struct core *core, struct isakmp_sa *sa, const struct header *h,
    const struct path *path)
{
	struct exchange *x = quick_mode_new(core, sa, false, NULL, h->message_id, path);

	if (x != NULL)
		x->fresh = true;
	return x;
}
