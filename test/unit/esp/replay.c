#include "prove.h"

#include "esp/replay.h"

static bool
take(struct replay *r, uint32_t seq)
{
	uint64_t whole;

	if (!replay_check(r, seq, &whole))
		return false;
	replay_mark(r, whole);
	return true;
}

static void
a_number_passes_once(void **state)
{
	struct replay r;

	(void)state;
	assert_true(replay_init(&r, 64, false));
	assert_false(take(&r, 0));
	for (uint32_t i = 1; i < 1000; i++) {
		assert_true(take(&r, i));
		assert_false(take(&r, i));
	}
	replay_done(&r);
}

/* RFC 4303, 3.4.3: the window is top - W + 1 .. top. */
static void
the_window_is_exactly_as_wide_as_asked_for(void **state)
{
	static const uint32_t windows[] = { 1, 32, 63, 64, 65, 127, 128, 1000, 4096 };

	(void)state;
	for (size_t w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
		uint32_t window = windows[w];

		for (uint32_t top = 5000; top < 5130; top++) {
			struct replay r;

			assert_true(replay_init(&r, window, false));
			assert_true(take(&r, top));
			assert_false(take(&r, top - window));
			assert_false(take(&r, top - window - 1));
			for (uint32_t i = 1; i < window; i += window > 300 ? 97 : 1)
				assert_true(take(&r, top - i));
			if (window > 1)
				assert_false(take(&r, top - 1));
			replay_done(&r);
		}
	}
}

/* Against a plain list of all numbers seen. */
static void
random_orders_agree_with_a_list(void **state)
{
	enum { N = 6000 };
	static bool seen[N];
	uint32_t x = 12345, top = 0, window = 256;
	struct replay r;

	(void)state;
	memset(seen, 0, sizeof(seen));
	assert_true(replay_init(&r, window, false));
	for (unsigned i = 0; i < 200000; i++) {
		x = x * 1664525 + 1013904223;
		uint32_t center = i / 40 + 1, seq = center + (x >> 16) % 600;

		seq = seq > 300 ? seq - 300 : 1;
		bool want = !seen[seq] && (seq > top || top - seq < window);
		assert_int_equal(take(&r, seq), want);
		if (want) {
			seen[seq] = true;
			top = seq > top ? seq : top;
		}
	}
	replay_done(&r);
}

static void
a_jump_of_any_size_leaves_no_bits_behind(void **state)
{
	(void)state;
	for (uint32_t jump = 1; jump < 700; jump++) {
		struct replay r;

		assert_true(replay_init(&r, 100, false));
		for (uint32_t i = 1; i <= 300; i++)
			assert_true(take(&r, i));
		assert_true(take(&r, 300 + jump));
		for (uint32_t i = 301; i < 300 + jump; i++)
			assert_int_equal(take(&r, i), 300 + jump - i < 100);
		replay_done(&r);
	}
}

/* RFC 4303, appendix A2: the high half follows from the window. */
static void
extended_numbers_cross_the_low_half(void **state)
{
	struct replay r;
	uint64_t whole;

	(void)state;
	assert_true(replay_init(&r, 64, true));
	/* Before anything came, a number far left would lie before the first packet. */
	assert_false(replay_check(&r, 0xffffffff, &whole));
	assert_true(replay_check(&r, 1, &whole));
	assert_true(whole == 1);
	replay_mark(&r, 0xfffffff0);
	/* Case A: the whole window is in one half. */
	assert_true(replay_check(&r, 5, &whole));
	assert_true(whole == 0x100000005);
	assert_true(replay_check(&r, 0xfffffff5, &whole));
	assert_true(whole == 0xfffffff5);
	replay_mark(&r, 0x100000005);
	/* Case B: the window spans two. */
	assert_true(replay_check(&r, 0xfffffff1, &whole));
	assert_true(whole == 0xfffffff1);
	assert_false(replay_check(&r, 0xfffffff0, &whole));
	assert_false(replay_check(&r, 5, &whole));
	assert_true(replay_check(&r, 6, &whole));
	assert_true(whole == 0x100000006);
	/* Number zero exists in later halves. */
	assert_true(replay_check(&r, 0, &whole));
	assert_true(whole == 0x100000000);
	replay_mark(&r, UINT64_MAX - 1);
	assert_true(replay_check(&r, 0xffffffff, &whole));
	assert_true(whole == UINT64_MAX);
	assert_false(replay_check(&r, 3, &whole));
	replay_done(&r);
}

static void
without_a_window_everything_passes(void **state)
{
	struct replay r;

	(void)state;
	assert_true(replay_init(&r, 0, false));
	assert_true(take(&r, 5));
	assert_true(take(&r, 5));
	assert_true(take(&r, 1));
	replay_done(&r);
	assert_false(replay_init(&r, REPLAY_WINDOW_MAX + 1, false));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_passes_once),
		cmocka_unit_test(the_window_is_exactly_as_wide_as_asked_for),
		cmocka_unit_test(random_orders_agree_with_a_list),
		cmocka_unit_test(a_jump_of_any_size_leaves_no_bits_behind),
		cmocka_unit_test(extended_numbers_cross_the_low_half),
		cmocka_unit_test(without_a_window_everything_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
