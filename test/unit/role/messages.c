#include "prove.h"

#include "role/role.h"

static void
every_pair_has_one_table_seen_from_both_sides(void **state)
{
	(void)state;
	for (int a = 0; a < ROLE_MAX; a++)
		for (int b = 0; b < ROLE_MAX; b++) {
			enum channel_side sa = SIDE_A, sb = SIDE_A;
			const struct channel_table *ta = role_table((enum role)a, (enum role)b, &sa);
			const struct channel_table *tb = role_table((enum role)b, (enum role)a, &sb);
			assert_ptr_equal(ta, tb);
			if (ta != NULL)
				assert_int_not_equal(sa, sb);
			if (a == b)
				assert_null(ta);
		}
}

static void
the_role_that_sees_hostile_octets_has_no_channel_to_esp(void **state)
{
	enum channel_side side;

	(void)state;
	assert_null(role_table(ROLE_IKE, ROLE_ESP, &side));
	assert_null(role_table(ROLE_KEYS, ROLE_ESP, &side));
	assert_null(role_table(ROLE_KEYS, ROLE_KERN, &side));
	assert_null(role_table(ROLE_TRUST, ROLE_ESP, &side));
	assert_null(role_table(ROLE_TRUST, ROLE_KEYS, &side));
	assert_null(role_table(ROLE_TRUST, ROLE_KERN, &side));
	/* and whom web servers talk to has one to trust only */
	for (int r = ROLE_IKE; r < ROLE_MAX; r++)
		assert_int_equal(role_table(ROLE_FETCH, (enum role)r, &side) != NULL, r == ROLE_TRUST);
}

static void
rows_are_sane(void **state)
{
	(void)state;
	for (int a = 0; a < ROLE_MAX; a++)
		for (int b = a + 1; b < ROLE_MAX; b++) {
			enum channel_side side;
			const struct channel_table *t = role_table((enum role)a, (enum role)b, &side);
			for (size_t i = 0; t != NULL && i < t->n; i++) {
				const struct channel_row *r = &t->rows[i];
				assert_true(r->type > 0 && r->type < CHANNEL_TYPE_MAX);
				assert_true(r->least <= r->most && r->most <= CHANNEL_BODY_MAX);
				assert_true((r->from & ~(SIDE_A | SIDE_B)) == 0 && r->from != 0);
				assert_true(r->when != 0 && (r->when & ~PHASE_ANY) == 0);
				for (size_t j = i + 1; j < t->n; j++)
					assert_int_not_equal(r->type, t->rows[j].type);
			}
		}
}

static void
names_lead_back_to_their_roles(void **state)
{
	(void)state;
	for (int i = 0; i < ROLE_MAX; i++)
		assert_int_equal(role_of_name(role_name((enum role)i)), i);
	assert_int_equal(role_of_name("root"), ROLE_MAX);
	assert_int_equal(role_of_name(""), ROLE_MAX);
}

static struct options
some_options(void)
{
	struct options o = { .ip6 = true, .no_policy = true, .shared_sadb = true, .nat_t = true, .verbose = true,
	    .sandbox = true, .debug = 2, .port = 500, .port_nat_t = 65535 };

	for (int i = 0; i < DEBUG_CLASSES; i++)
		o.level[i] = (uint8_t)(i * 9);
	text_copy(o.config, sizeof(o.config), "/etc/isakmpd/isakmpd.conf");
	text_copy(o.fifo, sizeof(o.fifo), "-");
	memset(o.report, 'r', sizeof(o.report) - 1);
	return o;
}

static void
options_survive_the_channel(void **state)
{
	struct options in = some_options(), out = { 0 };
	uint8_t room[4096];
	struct wr w = wr_of(room, sizeof(room));

	(void)state;
	options_encode(&w, &in);
	assert_false(w.bad);
	struct rd r = rd_of(wr_done(&w));
	assert_true(options_decode(&r, &out));
	assert_int_equal(out.ip4, in.ip4);
	assert_int_equal(out.ip6, in.ip6);
	assert_int_equal(out.no_policy, in.no_policy);
	assert_true(out.shared_sadb);
	assert_int_equal(out.port_nat_t, in.port_nat_t);
	assert_int_equal(out.debug, in.debug);
	assert_memory_equal(out.level, in.level, sizeof(in.level));
	assert_string_equal(out.config, in.config);
	assert_string_equal(out.fifo, in.fifo);
	assert_string_equal(out.report, in.report);
	assert_string_equal(out.pid, "");
}

static void
cut_options_are_refused(void **state)
{
	struct options in = some_options(), out;
	uint8_t room[4096];
	struct wr w = wr_of(room, sizeof(room));

	(void)state;
	options_encode(&w, &in);
	for (size_t n = 0; n < w.len; n++) {
		struct rd r = rd_of(view_of(room, n));
		assert_false(options_decode(&r, &out));
	}
}

static void
levels_survive_the_channel(void **state)
{
	struct options in = some_options(), out = { 0 };
	uint8_t room[64];
	struct wr w = wr_of(room, sizeof(room));

	(void)state;
	levels_encode(&w, &in);
	assert_int_equal(w.len, 12);
	struct rd r = rd_of(wr_done(&w));
	assert_true(levels_decode(&r, &out));
	assert_true(out.verbose);
	assert_memory_equal(out.level, in.level, sizeof(in.level));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_has_one_table_seen_from_both_sides),
		cmocka_unit_test(the_role_that_sees_hostile_octets_has_no_channel_to_esp),
		cmocka_unit_test(rows_are_sane),
		cmocka_unit_test(names_lead_back_to_their_roles),
		cmocka_unit_test(options_survive_the_channel),
		cmocka_unit_test(cut_options_are_refused),
		cmocka_unit_test(levels_survive_the_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
