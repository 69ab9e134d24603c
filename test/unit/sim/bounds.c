/*
 * What one peer, or a stranger, can make a daemon store, do and write has a
 * bound; and what is past is not believed again (security R1, R4, R26).
 */
#include "stand.h"

#include "wire/header.h"

struct stand {
	struct world	*w;
	struct plan	plan;
	struct host	*west, *east;
	bool		lose_encrypted;		/* of west's */
	int		keep_of;		/* whose next datagram is kept */
	uint8_t		kept[2048];
	size_t		kept_n;
	struct path	kept_path;
	uint32_t	forged;
};

static enum fate
hook(void *self, struct world *w, struct datagram *d, struct span *delay)
{
	struct stand *s = self;

	(void)w;
	(void)delay;
	if (d->from == s->keep_of && d->n <= sizeof(s->kept) && d->n > HEADER_LEN) {
		memcpy(s->kept, d->bytes, d->n);
		s->kept_n = d->n;
		s->kept_path = d->path;
		s->keep_of = NOBODY;
	}
	return s->lose_encrypted && d->from == 0 && d->n > HEADER_LEN &&
	    (d->bytes[19] & FLAG_ENCRYPTION) != 0 ? FATE_LOSE : FATE_PASS;
}

static void
stand_begin(struct stand *s)
{
	*s = (struct stand){ .w = world_new(11), .keep_of = NOBODY };
	s->west = world_add(s->w, "west");
	s->east = world_add(s->w, "east");
	s->plan = plan_new(s->w);
	s->w->hooks = (struct hooks){ .self = s, .datagram = hook };
}

static void
stand_end(struct stand *s)
{
	world_end(s->w, &s->plan);
}

/* West shows its address, makes east compute, and vanishes; again and again. */
static void
r26_one_source_holds_forty_exchanges_that_cost_public_key_work(void **state)
{
	struct stand s;
	uint32_t most = 0;

	(void)state;
	stand_begin(&s);
	assert_true(plan_start(&s.plan));
	s.lose_encrypted = true;
	for (unsigned i = 0; i < 100; i++) {
		world_connect(s.w, s.west);
		world_pass(s.w, 300);
		host_kill(s.west);
		assert_true(host_start(s.west));
		if (core_count(s.east->core).exchanges > most)
			most = core_count(s.east->core).exchanges;
	}
	assert_true(most > 10);
	assert_true(most <= 40);
	/* And whoever comes from there in earnest is let in at once. */
	s.lose_encrypted = false;
	uint64_t done = core_count(s.east->core).phase1_done;
	world_connect(s.w, s.west);
	world_pass(s.w, 3000);
	assert_int_equal(core_count(s.east->core).phase1_done, done + 1);
	world_pass(s.w, 200000);
	assert_int_equal(core_count(s.east->core).exchanges, 0);
	stand_end(&s);
}

/*
 * A first message in west's name, with another cookie; `vary`: and with another
 * text, in the last octets of its last vendor ID.
 */
static void
forge(struct stand *s, bool vary)
{
	struct path path = { .local = { s->west->addr4, 500 }, .remote = { s->east->addr4, 500 } };

	s->forged++;
	for (size_t i = 0; i < 4; i++) {
		s->kept[4 + i] = (uint8_t)(s->forged >> 8 * i);
		if (vary)
			s->kept[s->kept_n - 1 - i] = (uint8_t)(s->forged >> 8 * i);
	}
	net_send(s->w, NOBODY, &path, view_of(s->kept, s->kept_n));
}

/* So long, 5,000 of them a second: a hundred for each way there and back. */
static void
flood(struct stand *s, int64_t ms, bool vary)
{
	for (int64_t i = 0; i < ms; i++) {
		for (unsigned j = 0; j < 5; j++)
			forge(s, vary);
		world_pass(s->w, 1);
	}
}

static void
begin_anew(struct stand *s, struct host *h)
{
	host_kill(h);
	assert_true(host_start(h));
	world_pass(s->w, 100);
}

/* West connects in the middle of a flood in its name. */
static void
assert_let_in(struct stand *s, bool vary)
{
	struct core_counters before, after;

	flood(s, 1000, vary);
	before = core_count(s->east->core);
	world_connect(s->w, s->west);
	flood(s, 2000, vary);
	after = core_count(s->east->core);
	assert_int_equal(after.phase1_done, before.phase1_done + 1);
	assert_int_equal(after.phase2_done, before.phase2_done + 1);
	assert_true(after.octets_out <= after.octets_in);
	assert_true(after.exchanges < 20);
	world_pass(s->w, 200000);
	assert_int_equal(core_count(s->east->core).exchanges, 0);
}

static void
r26_first_messages_forged_in_the_name_of_a_peer_do_not_keep_it_out(void **state)
{
	struct stand s;

	(void)state;
	stand_begin(&s);
	s.keep_of = 0;
	assert_true(plan_start(&s.plan));
	world_connect(s.w, s.west);
	world_pass(s.w, 3000);
	assert_int_equal(core_count(s.east->core).phase1_done, 1);
	assert_true(s.kept_n > HEADER_LEN);
	/* Nobody remembers anything. */
	begin_anew(&s, s.east);
	begin_anew(&s, s.west);
	assert_let_in(&s, false);
	stand_end(&s);
}

static void
r26_nor_do_ever_new_ones_once_it_has_been_here(void **state)
{
	struct stand s;

	(void)state;
	stand_begin(&s);
	s.keep_of = 0;
	assert_true(plan_start(&s.plan));
	world_connect(s.w, s.west);
	world_pass(s.w, 3000);
	begin_anew(&s, s.west);
	assert_let_in(&s, true);
	stand_end(&s);
}

/* Only quick modes under way count, not those that are done. */
static void
a_peer_may_make_any_number_of_quick_modes_one_after_the_other(void **state)
{
	struct stand s;

	(void)state;
	stand_begin(&s);
	assert_true(plan_start(&s.plan));
	for (unsigned i = 0; i < 100; i++) {
		uint64_t done = core_count(s.east->core).phase2_done;

		world_connect(s.w, s.west);
		world_pass(s.w, 400);
		assert_int_equal(core_count(s.east->core).phase2_done, done + 1);
		invariants_disturb(s.west, NOBODY);
		host_before(s.west);
		assert_true(core_teardown(s.west->core, s.w->now, 2, "tunnel") > 0);
		host_after(s.west);
		world_pass(s.w, 200);
	}
	assert_int_equal(core_count(s.east->core).phase1_done, 1);
	assert_int_equal(core_count(s.east->core).refused[WHY_LIMIT_SA], 0);
	stand_end(&s);
}

/* First messages from everywhere, whose proposals cannot be accepted. */
static void
r26_proposals_of_strangers_do_not_fill_the_log(void **state)
{
	static const uint8_t group[] = { 0x80, 0x04, 0x00, 0x1f };	/* X25519 */
	struct stand s;
	size_t at = 0;

	(void)state;
	stand_begin(&s);
	plan_line(&s.plan, 1, "Phase 1", "Default=peer-west");
	s.keep_of = 0;
	assert_true(plan_start(&s.plan));
	world_connect(s.w, s.west);
	world_pass(s.w, 3000);
	assert_true(s.kept_n > HEADER_LEN);
	while (at < s.kept_n && memcmp(s.kept + at, group, sizeof(group)) != 0)
		at++;
	assert_true(at < s.kept_n);
	s.kept[at + 3] = 14;
	uint32_t failures = s.east->n_failures;
	for (uint32_t i = 0; i < 1000; i++) {
		struct path path = { .remote = { s.east->addr4, 500 } };
		STR(from, 32);

		str_addf(&from, "100.64.%u.%u", i / 200, i % 200 + 1);
		assert_true(addr_parse(from.p, &path.local.addr));
		path.local.port = 500;
		s.kept[7] = (uint8_t)i;
		s.kept[6] = (uint8_t)(i >> 8);
		net_send(s.w, NOBODY, &path, view_of(s.kept, s.kept_n));
		world_pass(s.w, 2);
	}
	world_pass(s.w, 100);
	assert_true(host_failures(s.east, WHY_NO_PROPOSAL) > 0);
	assert_true(s.east->n_failures - failures <= 20 + 5 * 3);
	assert_true(core_count(s.east->core).refused[WHY_NO_PROPOSAL] >= 1000);

	/* What the operator asks for is answered in the middle of it. */
	host_before(s.east);
	assert_int_equal(core_connect(s.east->core, s.w->now, "no-such"), WHY_NOT_CONFIGURED);
	host_after(s.east);
	assert_non_null(host_failure(s.east, WHY_NOT_CONFIGURED));
	stand_end(&s);
}

static struct endpoint seen_remote;

static void
look(void *self, const struct core_sa_info *i)
{
	(void)self;
	if (i->phase == 1)
		seen_remote = i->remote;
}

/* R_U_THERE of an hour ago, from elsewhere: the tunnel does not go there. */
static void
r1_a_message_is_never_new_again(void **state)
{
	struct stand s;

	(void)state;
	stand_begin(&s);
	for (int i = 0; i < 2; i++) {
		plan_set(&s.plan, i, "encap", "yes");
		plan_set(&s.plan, i, "dpd", "5");
		plan_set(&s.plan, i, "p1life", "36000,60:86400");
	}
	assert_true(plan_start(&s.plan));
	world_connect(s.w, s.west);
	world_pass(s.w, 2000);
	s.keep_of = 1;
	world_pass(s.w, 3600 * 1000);
	assert_true(s.kept_n > HEADER_LEN);
	assert_int_equal(s.kept[18], EXCH_INFO);
	core_each_sa(s.west->core, look, NULL);
	const struct endpoint before = seen_remote;
	assert_true(addr_equal(&before.addr, &s.east->addr4));

	assert_true(addr_parse("100.64.0.9", &s.kept_path.local.addr));
	net_send(s.w, NOBODY, &s.kept_path, view_of(s.kept, s.kept_n));
	world_pass(s.w, 100);
	core_each_sa(s.west->core, look, NULL);
	assert_true(endpoint_equal(&seen_remote, &before));
	stand_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r26_one_source_holds_forty_exchanges_that_cost_public_key_work),
		cmocka_unit_test(r26_first_messages_forged_in_the_name_of_a_peer_do_not_keep_it_out),
		cmocka_unit_test(r26_nor_do_ever_new_ones_once_it_has_been_here),
		cmocka_unit_test(a_peer_may_make_any_number_of_quick_modes_one_after_the_other),
		cmocka_unit_test(r26_proposals_of_strangers_do_not_fill_the_log),
		cmocka_unit_test(r1_a_message_is_never_new_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
