#include "prove.h"

#include "ctl/failed.h"

static struct failed f;
static char seen[256];

static int
setup(void **state)
{
	(void)state;
	f = (struct failed){ 0 };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	failed_done(&f);
	return 0;
}

static void
message(uint8_t who, uint32_t id, const char *text)
{
	const struct failed_key key = { .icookie = { who }, .message_id = id };

	failed_message(&f, &key, view_str(text));
}

static void
mark(uint8_t who, uint32_t id)
{
	const struct failed_key key = { .icookie = { who }, .message_id = id };

	failed_mark(&f, &key);
}

static void
add(void *self, struct view v)
{
	(void)self;
	if (strlen(seen) + v.n < sizeof(seen))
		strncat(seen, (const char *)v.p, v.n);
}

static const char *
kept(void)
{
	seen[0] = '\0';
	failed_each(&f, add, NULL);
	return seen;
}

static void
only_what_failed_is_kept_and_in_order(void **state)
{
	(void)state;
	message(1, 0, "a");
	message(2, 0, "B");
	message(1, 0, "b");
	message(1, 7, "Q");	/* a quick mode of the same cookies */
	assert_string_equal(kept(), "");
	mark(1, 0);
	assert_string_equal(kept(), "ab");
	mark(3, 0);
	assert_int_equal(f.negotiations, 1);
	mark(1, 7);
	assert_string_equal(kept(), "abQ");
	assert_int_equal(f.negotiations, 2);
}

static void
one_that_fails_twice_is_still_one(void **state)
{
	(void)state;
	message(1, 0, "a");
	mark(1, 0);
	message(1, 0, "b");
	mark(1, 0);
	assert_string_equal(kept(), "ab");
	assert_int_equal(f.negotiations, 1);
}

static void
the_oldest_failed_negotiation_goes_as_a_whole(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= FAILED_NEGOTIATIONS; i++) {
		char text[2] = { (char)('a' + (char)i), '\0' };

		message((uint8_t)i, 0, text);
		message((uint8_t)i, 0, "-");
		mark((uint8_t)i, 0);
	}
	assert_int_equal(f.negotiations, FAILED_NEGOTIATIONS);
	assert_string_equal(kept(), "b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-");
}

static void
r26_memory_is_bounded_whatever_comes(void **state)
{
	static char large[100 * 1000];

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	for (unsigned i = 0; i < 100; i++) {
		message((uint8_t)i, i, large);
		assert_true(f.recent.octets <= FAILED_RECENT_MAX);
	}
	for (unsigned i = 0; i < 100; i++) {
		mark((uint8_t)i, i);
		assert_true(f.kept.octets <= FAILED_KEPT_MAX);
	}
	assert_true(f.negotiations >= 1);
	/* the same one again and again */
	for (unsigned i = 0; i < 50; i++) {
		message(1, 0, large);
		mark(1, 0);
		assert_true(f.kept.octets <= FAILED_KEPT_MAX);
	}
	message(9, 0, "still works");
	mark(9, 0);
	assert_non_null(strstr(kept(), "still works"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_failed_is_kept_and_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_fails_twice_is_still_one, setup, teardown),
		cmocka_unit_test_setup_teardown(the_oldest_failed_negotiation_goes_as_a_whole, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(r26_memory_is_bounded_whatever_comes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
