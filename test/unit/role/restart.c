#include "prove.h"

#include "role/restart.h"

static struct mono
second(int64_t s)
{
	return mono_add((struct mono){ 1000 }, span_s(s));
}

static void
a_role_that_dies_now_and_then_is_always_started_again(void **state)
{
	struct restarts r = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(restart_allowed(&r, second(i * 13)));
}

static void
the_sixth_death_within_a_minute_is_too_much(void **state)
{
	struct restarts r = { 0 };

	(void)state;
	for (int i = 0; i < RESTARTS_MAX; i++)
		assert_true(restart_allowed(&r, second(i)));
	assert_false(restart_allowed(&r, second(RESTARTS_SPAN_S - 1)));
}

static void
a_minute_after_the_first_of_five_there_is_room_again(void **state)
{
	struct restarts r = { 0 };

	(void)state;
	for (int i = 0; i < RESTARTS_MAX; i++)
		assert_true(restart_allowed(&r, second(i)));
	assert_true(restart_allowed(&r, second(RESTARTS_SPAN_S)));
	assert_false(restart_allowed(&r, second(RESTARTS_SPAN_S)));
	assert_true(restart_allowed(&r, second(RESTARTS_SPAN_S + 1)));
}

static void
a_refusal_is_not_counted(void **state)
{
	struct restarts r = { 0 };

	(void)state;
	for (int i = 0; i < RESTARTS_MAX; i++)
		assert_true(restart_allowed(&r, second(0)));
	for (int i = 0; i < 100; i++)
		assert_false(restart_allowed(&r, second(1)));
	assert_true(restart_allowed(&r, second(RESTARTS_SPAN_S)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_role_that_dies_now_and_then_is_always_started_again),
		cmocka_unit_test(the_sixth_death_within_a_minute_is_too_much),
		cmocka_unit_test(a_minute_after_the_first_of_five_there_is_room_again),
		cmocka_unit_test(a_refusal_is_not_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
