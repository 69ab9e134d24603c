/*
 * What a peer can do that has authenticated itself and then sends whatever it
 * likes under protection (security R1, R2, R5, R8).  The messages are written
 * here with the peer's own keys, taken out of its core.
 */
#include "stand.h"

#include "ike/internal.h"

struct stand {
	struct world	*w;
	struct plan	plan;
	struct host	*west, *east, *north;
};

static bool
all_pass(void *self, struct world *w)
{
	struct stand *s = self;

	for (int i = 0; i < w->n_hosts; i++)
		for (int j = 0; j < w->n_hosts; j++) {
			struct flow f = plan_flow(&s->plan, i, j, 1);

			if (i != j && !kernel_carry(w, w->host[i], &f, 100))
				return false;
		}
	return true;
}

static void
stand_begin(struct stand *s, bool three)
{
	*s = (struct stand){ .w = world_new(11) };
	s->west = world_add(s->w, "west");
	s->east = world_add(s->w, "east");
	if (three)
		s->north = world_add(s->w, "north");
	/* What the test itself sends is no loop. */
	s->w->sends_per_second = s->w->sends_per_minute = 100000;
	s->plan = plan_new(s->w);
	for (int i = 0; i < s->w->n_hosts; i++)
		plan_set(&s->plan, i, "active", i == 0 || (three && i == 1) ? "yes" : "no");
	assert_true(plan_start(&s->plan));
	assert_true(world_run_until(s->w, all_pass, s, mono_add(s->w->now, span_s(5))));
	world_run(s->w, mono_add(s->w->now, span_s(12)));
}

static void
stand_end(struct stand *s)
{
	world_end(s->w, &s->plan);
}

/* The ISAKMP SA that `h` has with `peer`. */
static struct isakmp_sa *
sa_with(const struct host *h, const struct host *peer)
{
	struct handle handle;
	uint32_t at = 0;

	for (struct isakmp_sa *sa; (sa = slab_next(h->core->isakmp_sas, &at, &handle)) != NULL;)
		if (!sa->replaced && addr_equal(&sa->path.remote.addr, &peer->addr4))
			return sa;
	fail();
	return NULL;
}

static struct ipsec_sa *
pair_with(const struct host *h, const struct host *peer)
{
	struct handle handle;
	uint32_t at = 0;

	for (struct ipsec_sa *sa; (sa = slab_next(h->core->ipsec_sas, &at, &handle)) != NULL;)
		if (!sa->replaced && addr_equal(&sa->spec.remote.addr, &peer->addr4))
			return sa;
	return NULL;
}

/* Sends HDR*, HASH(1) and the n payloads from `from` to `to`, and lets it arrive. */
static void
tell_peer(struct stand *s, struct host *from, struct host *to, const uint8_t *types,
    const struct view *bodies, size_t n)
{
	struct isakmp_sa *sa = sa_with(from, to);
	struct core *core = from->core;
	size_t len = hash_len(sa->params.hash);
	uint8_t room[4096], iv[CIPHER_BLOCK_MAX], hash[PRF_MAX], id[4];
	struct header h = { .version = 0x10, .exchange = EXCH_INFO, .flags = FLAG_ENCRYPTION };
	struct wr w = wr_of(id, sizeof(id));

	host_before(from);
	core->now = s->w->now;
	h.message_id = isakmp_sa_new_message_id(core, sa, 0);
	memcpy(h.icookie, sa->icookie, COOKIE_LEN);
	memcpy(h.rcookie, sa->rcookie, COOKIE_LEN);
	struct msg_wr m = msg_begin(room, sizeof(room), &h);
	struct pl_mark k = msg_open(&m, PL_HASH);
	wr_zero(&m.w, len);
	msg_close(&m, k);
	for (size_t i = 0; i < n; i++)
		msg_payload(&m, types[i], bodies[i]);
	struct view bytes = msg_finish(&m);
	assert_true(bytes.n > 0);
	wr_u32(&w, h.message_id);
	size_t rest = HEADER_LEN + 4 + len;
	const struct view parts[] = { wr_done(&w), view_of(room + rest, bytes.n - rest) };
	assert_true(keymat_hash(&sa->params, &sa->keys, parts, 2, hash));
	assert_true(keymat_phase2_iv(&sa->params, sa->keys.iv, h.message_id, iv));
	memcpy(room + HEADER_LEN + 4, hash, len);
	assert_true(message_encrypt(&sa->params, &sa->keys, iv, &m, &bytes));
	act_send(core, &sa->path, bytes);
	host_after(from);
	world_run(s->w, mono_add(s->w->now, span_ms(60)));
}

static struct view
delete_of(uint8_t room[512], uint8_t protocol, uint8_t spi_len, uint16_t n, struct view spis)
{
	struct wr w = wr_of(room, 512);

	wr_u32(&w, 1);
	wr_u8(&w, protocol);
	wr_u8(&w, spi_len);
	wr_u16(&w, n);
	wr_view(&w, spis);
	return wr_done(&w);
}

static struct view
spi_bytes(uint8_t room[4], uint32_t spi)
{
	struct wr w = wr_of(room, 4);

	wr_u32(&w, spi);
	return wr_done(&w);
}

static size_t
pairs(const struct host *h)
{
	return kernel_count(&h->kernel, SA_PART_IN | SA_PART_OUT);
}

static void
r8_the_same_sa_deleted_twice_and_with_its_parent_in_one_message(void **state)
{
	const uint8_t types[] = { PL_DELETE, PL_DELETE, PL_DELETE, PL_DELETE };
	uint8_t room[3][512], spi[4], twice[8], cookies[16];
	struct stand s;

	(void)state;
	stand_begin(&s, false);
	struct ipsec_sa *pair = pair_with(s.east, s.west);
	struct isakmp_sa *sa = sa_with(s.east, s.west);
	uint32_t old = pair->spec.in.spi;
	struct view one = spi_bytes(spi, old);
	memcpy(twice, spi, 4);
	memcpy(twice + 4, spi, 4);
	memcpy(cookies, sa->icookie, 8);
	memcpy(cookies + 8, sa->rcookie, 8);
	const struct view bodies[] = {
		delete_of(room[0], PROTO_ISAKMP, 16, 1, view_of(cookies, 16)),
		delete_of(room[1], PROTO_IPSEC_ESP, 4, 2, view_of(twice, 8)),
		delete_of(room[2], PROTO_IPSEC_ESP, 4, 1, one),
		view_of(room[0], 8 + 16),
	};
	invariants_disturb(s.west, NOBODY);
	tell_peer(&s, s.east, s.west, types, bodies, 4);
	assert_null(kernel_find_out(&s.west->kernel, old));
	/* West keeps the connection up: it comes back from nothing. */
	assert_true(world_run_until(s.w, all_pass, &s, mono_add(s.w->now, span_s(60))));
	stand_end(&s);
}

static void
r1_a_peer_cannot_delete_what_belongs_to_another(void **state)
{
	const uint8_t types[] = { PL_DELETE, PL_DELETE };
	uint8_t room[2][512], spi[4], cookies[16];
	struct stand s;

	(void)state;
	stand_begin(&s, true);
	/* North tells west to delete what east has with west. */
	struct isakmp_sa *sa = sa_with(s.east, s.west);
	memcpy(cookies, sa->icookie, 8);
	memcpy(cookies + 8, sa->rcookie, 8);
	const struct view bodies[] = {
		delete_of(room[0], PROTO_IPSEC_ESP, 4, 1,
		    spi_bytes(spi, pair_with(s.east, s.west)->spec.in.spi)),
		delete_of(room[1], PROTO_ISAKMP, 16, 1, view_of(cookies, 16)),
	};
	uint32_t isakmp = core_count(s.west->core).isakmp_sas;
	tell_peer(&s, s.north, s.west, types, bodies, 2);
	assert_int_equal(core_count(s.west->core).isakmp_sas, isakmp);
	assert_int_equal(pairs(s.west), 2);
	assert_true(all_pass(&s, s.w));
	stand_end(&s);
}

static void
r2_a_delete_whose_counts_lie_changes_nothing(void **state)
{
	static const struct { uint8_t protocol, spi_len; uint16_t n; size_t octets; } lies[] = {
		{ PROTO_IPSEC_ESP, 4, 65535, 4 }, { PROTO_IPSEC_ESP, 255, 255, 8 },
		{ PROTO_IPSEC_ESP, 4, 2, 4 }, { PROTO_IPSEC_ESP, 4, 0, 4 },
		{ PROTO_IPSEC_ESP, 0, 4, 4 }, { PROTO_IPSEC_ESP, 1, 4, 4 },
		{ PROTO_IPSEC_ESP, 2, 2, 4 }, { PROTO_ISAKMP, 4, 4, 16 }, { PROTO_ISAKMP, 16, 2, 16 },
		{ PROTO_ISAKMP, 15, 1, 16 }, { 0, 4, 1, 4 }, { 200, 4, 1, 4 },
		{ PROTO_IPSEC_ESP, 0, 0, 0 }, { PROTO_IPSEC_ESP, 0, 65535, 0 },
	};
	const uint8_t type = PL_DELETE;
	uint8_t room[512], content[16];
	struct stand s;

	(void)state;
	stand_begin(&s, false);
	(void)spi_bytes(content, pair_with(s.east, s.west)->spec.in.spi);
	memcpy(content + 4, content, 4);
	memcpy(content + 8, content, 8);
	for (size_t i = 0; i < COUNT(lies); i++) {
		const struct view body = delete_of(room, lies[i].protocol, lies[i].spi_len, lies[i].n,
		    view_of(content, lies[i].octets));

		tell_peer(&s, s.east, s.west, &type, &body, 1);
		assert_int_equal(pairs(s.west), 1);
		assert_int_equal(core_count(s.west->core).isakmp_sas, 1);
	}
	stand_end(&s);
}

static struct view
notify_of(uint8_t room[512], uint8_t protocol, uint16_t type, struct view spi, struct view data)
{
	struct wr w = wr_of(room, 512);
	const struct notify_body n = { .doi = 1, .protocol = protocol, .type = type, .spi = spi,
	    .data = data };

	notify_encode(&w, &n);
	return wr_done(&w);
}

static void
dpd_with_the_wrong_size_or_number_is_not_answered(void **state)
{
	const uint8_t type = PL_NOTIFY;
	uint8_t room[512], cookies[16], data[8] = { 0x7f, 0xff, 0xff, 0xff };
	struct stand s;

	(void)state;
	stand_begin(&s, false);
	struct isakmp_sa *sa = sa_with(s.east, s.west);
	memcpy(cookies, sa->icookie, 8);
	memcpy(cookies + 8, sa->rcookie, 8);
	for (size_t n = 0; n <= sizeof(data); n++) {
		uint64_t sent = s.west->sent;
		const struct view body = notify_of(room, PROTO_ISAKMP, N_STATUS_DPD_R_U_THERE,
		    view_of(cookies, 16), view_of(data, n));

		tell_peer(&s, s.east, s.west, &type, &body, 1);
		assert_int_equal(s.west->sent - sent, n == 4);
	}
	/* A probe with a lower number than the last, or of another SA; an
	 * acknowledgement nobody asked for. */
	uint64_t sent = s.west->sent;
	data[0] = 0;
	struct view body = notify_of(room, PROTO_ISAKMP, N_STATUS_DPD_R_U_THERE,
	    view_of(cookies, 16), view_of(data, 4));
	tell_peer(&s, s.east, s.west, &type, &body, 1);
	data[0] = 0x7f;
	cookies[3] ^= 1;
	body = notify_of(room, PROTO_ISAKMP, N_STATUS_DPD_R_U_THERE, view_of(cookies, 16),
	    view_of(data, 4));
	tell_peer(&s, s.east, s.west, &type, &body, 1);
	cookies[3] ^= 1;
	body = notify_of(room, PROTO_ISAKMP, N_STATUS_DPD_R_U_THERE_ACK, view_of(cookies, 16),
	    view_of(data, 4));
	tell_peer(&s, s.east, s.west, &type, &body, 1);
	assert_int_equal(s.west->sent, sent);
	assert_true(all_pass(&s, s.w));
	stand_end(&s);
}

/* Those that mean something are left out: INVALID_SPI, INITIAL_CONTACT and DPD. */
static void
r5_notifications_of_every_type_change_nothing(void **state)
{
	struct prng chance = { 3 };
	const uint8_t type = PL_NOTIFY;
	struct stand s;

	(void)state;
	stand_begin(&s, false);
	for (unsigned n = 0; n < 3000; n++) {
		uint8_t room[512], junk[64];
		uint16_t number = (uint16_t)(n < 64 ? n : n < 128 ? 16384 + n - 64 :
		    n < 192 ? 24576 + n - 128 : prng_below(&chance, 65536));

		if (number == N_INVALID_SPI || number == N_INITIAL_CONTACT ||
		    number == N_STATUS_DPD_R_U_THERE || number == N_STATUS_DPD_R_U_THERE_ACK)
			continue;
		prng_fill(&chance, junk, sizeof(junk));
		const struct view body = notify_of(room, (uint8_t)prng_below(&chance, 6), number,
		    view_of(junk, prng_below(&chance, 20)), view_of(junk, prng_below(&chance, 64)));
		tell_peer(&s, s.east, s.west, &type, &body, 1);
		assert_int_equal(pairs(s.west), 1);
		assert_int_equal(core_count(s.west->core).isakmp_sas, 1);
	}
	assert_true(all_pass(&s, s.w));
	stand_end(&s);
}

/* Payloads made of chance, in every number and order. */
static void
r5_rubbish_under_protection_harms_nobody(void **state)
{
	static const uint8_t known[] = { PL_SA, PL_KEY_EXCH, PL_ID, PL_CERT, PL_CERT_REQ, PL_HASH,
	    PL_SIG, PL_NONCE, PL_NOTIFY, PL_DELETE, PL_VENDOR, PL_ATTRIBUTE, PL_NAT_D, PL_NAT_OA,
	    200 };
	struct prng chance = { 8 };
	struct stand s;

	(void)state;
	stand_begin(&s, false);
	for (unsigned n = 0; n < 3000; n++) {
		uint8_t types[6], junk[6][80];
		struct view bodies[6];
		size_t count = 1 + prng_below(&chance, 6);

		for (size_t i = 0; i < count; i++) {
			types[i] = known[prng_below(&chance, COUNT(known))];
			prng_fill(&chance, junk[i], sizeof(junk[i]));
			/* Often plausible at the front. */
			if (prng_chance(&chance, 700)) {
				memset(junk[i], 0, 4);
				junk[i][3] = 1;
				junk[i][4] = (uint8_t)(1 + prng_below(&chance, 4));
				junk[i][5] = (uint8_t)(4 * prng_below(&chance, 5));
			}
			bodies[i] = view_of(junk[i], prng_below(&chance, sizeof(junk[i])));
		}
		tell_peer(&s, s.east, s.west, types, bodies, count);
		assert_int_equal(pairs(s.west), 1);
	}
	assert_true(all_pass(&s, s.w));
	stand_end(&s);
}

static void
a_delete_of_very_many_is_heeded_to_its_end(void **state)
{
	enum { MANY = 300 };
	const uint8_t types[] = { PL_DELETE, PL_DELETE };
	uint8_t many[4 * MANY], first[16 + 4 * MANY], second[512], cookies[16];
	struct wr w = wr_of(first, sizeof(first)), spis = wr_of(many, sizeof(many));
	struct stand s;

	(void)state;
	stand_begin(&s, false);
	struct isakmp_sa *sa = sa_with(s.east, s.west);
	for (unsigned i = 0; i < MANY; i++)
		wr_u32(&spis, pair_with(s.east, s.west)->spec.in.spi);
	memcpy(cookies, sa->icookie, 8);
	memcpy(cookies + 8, sa->rcookie, 8);
	wr_u32(&w, 1);
	wr_u8(&w, PROTO_IPSEC_ESP);
	wr_u8(&w, 4);
	wr_u16(&w, MANY);
	wr_view(&w, wr_done(&spis));
	const struct view bodies[] = { wr_done(&w),
		delete_of(second, PROTO_ISAKMP, 16, 1, view_of(cookies, 16)) };
	invariants_disturb(s.west, NOBODY);
	tell_peer(&s, s.east, s.west, types, bodies, 2);
	assert_int_equal(pairs(s.west), 0);
	assert_int_equal(core_count(s.west->core).isakmp_sas, 0);
	assert_true(world_run_until(s.w, all_pass, &s, mono_add(s.w->now, span_s(60))));
	stand_end(&s);
}

/* One quick mode after the other: so many pairs, and a record, and later it goes on. */
static void
r4_a_peer_has_so_many_pairs_and_no_more(void **state)
{
	enum { MOST = 64 + 8 };		/* isakmpd(8): 64, and 8 for each connection */
	struct stand s;

	(void)state;
	stand_begin(&s, false);
	s.w->check = false;
	for (unsigned i = 0; i < MOST + 20; i++) {
		struct isakmp_sa *sa = sa_with(s.west, s.east);

		host_before(s.west);
		(void)quick_mode_start(s.west->core, sa->self, &s.west->core->snapshot->connections[0],
		    false);
		host_after(s.west);
		world_run(s.w, mono_add(s.w->now, span_ms(60)));
		assert_true(core_count(s.east->core).ipsec_sas <= MOST);
	}
	assert_int_equal(core_count(s.east->core).ipsec_sas, MOST);
	const struct failure *f = host_failure(s.east, WHY_LIMIT_PEER);
	assert_non_null(f);
	assert_non_null(strstr(f->expected, "72"));
	assert_non_null(strstr(f->peer, "peer-west"));
	world_run(s.w, mono_add(s.w->now, span_s(90)));
	assert_true(core_count(s.east->core).ipsec_sas < 4);
	assert_true(all_pass(&s, s.w));
	stand_end(&s);
}

/* Quick modes of `h` that have no answer yet. */
static size_t
unanswered(const struct host *h, const struct host *peer, uint32_t *ret_spi)
{
	size_t n = 0;

	for (const struct exchange *x = sa_with(h, peer)->children; x != NULL; x = x->sibling)
		if (x->state == QM_I_SENT_1) {
			*ret_spi = x->p2->spi_in;
			n++;
		}
	return n;
}

/* RFC 2408 3.14: the SPI says which; without one only a single quick mode can be meant. */
static void
an_error_ends_the_quick_mode_that_it_names_and_no_other(void **state)
{
	const uint8_t type = PL_NOTIFY;
	uint8_t room[512], spi[4];
	uint32_t named = 0, last = 0;
	struct stand s;

	(void)state;
	stand_begin(&s, false);
	s.w->check = false;
	net_link(s.w, s.west->index, s.east->index)->cut = true;
	host_before(s.west);
	for (int i = 0; i < 3; i++)
		(void)quick_mode_start(s.west->core, sa_with(s.west, s.east)->self,
		    &s.west->core->snapshot->connections[0], false);
	host_after(s.west);
	world_run(s.w, mono_add(s.w->now, span_ms(60)));
	assert_int_equal(unanswered(s.west, s.east, &named), 3);

	struct view body = notify_of(room, PROTO_IPSEC_ESP, N_NO_PROPOSAL_CHOSEN, view_of(spi, 0),
	    view_of(spi, 0));
	tell_peer(&s, s.east, s.west, &type, &body, 1);
	assert_int_equal(unanswered(s.west, s.east, &last), 3);
	const struct failure *f = host_failure(s.west, WHY_PEER_REFUSED);
	assert_non_null(f);
	assert_string_equal(f->field, "one of several quick modes");
	assert_non_null(strstr(f->expected, s.west->core->snapshot->connections[0].name));

	body = notify_of(room, PROTO_IPSEC_ESP, N_NO_PROPOSAL_CHOSEN, spi_bytes(spi, named),
	    view_of(spi, 0));
	tell_peer(&s, s.east, s.west, &type, &body, 1);
	assert_int_equal(unanswered(s.west, s.east, &last), 2);
	assert_int_not_equal(last, named);
	body = notify_of(room, PROTO_IPSEC_ESP, N_NO_PROPOSAL_CHOSEN, spi_bytes(spi, last),
	    view_of(spi, 0));
	tell_peer(&s, s.east, s.west, &type, &body, 1);
	assert_int_equal(unanswered(s.west, s.east, &last), 1);
	/* An SPI of the peer's own choice: it can only mean the one that is left. */
	body = notify_of(room, PROTO_IPSEC_ESP, N_NO_PROPOSAL_CHOSEN, spi_bytes(spi, 0x12345678),
	    view_of(spi, 0));
	tell_peer(&s, s.east, s.west, &type, &body, 1);
	assert_int_equal(unanswered(s.west, s.east, &last), 0);
	stand_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r8_the_same_sa_deleted_twice_and_with_its_parent_in_one_message),
		cmocka_unit_test(r1_a_peer_cannot_delete_what_belongs_to_another),
		cmocka_unit_test(r2_a_delete_whose_counts_lie_changes_nothing),
		cmocka_unit_test(dpd_with_the_wrong_size_or_number_is_not_answered),
		cmocka_unit_test(r5_notifications_of_every_type_change_nothing),
		cmocka_unit_test(r5_rubbish_under_protection_harms_nobody),
		cmocka_unit_test(a_delete_of_very_many_is_heeded_to_its_end),
		cmocka_unit_test(r4_a_peer_has_so_many_pairs_and_no_more),
		cmocka_unit_test(an_error_ends_the_quick_mode_that_it_names_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
