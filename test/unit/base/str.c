#include "prove.h"

#include "base/str.h"

static void
r14_a_text_that_does_not_fit_is_cut_and_marked(void **state)
{
	(void)state;
	for (size_t cap = 1; cap < 12; cap++) {
		char *room = malloc(cap);
		struct str s = str_of(room, cap);

		str_addf(&s, "%s-%d", "abc", 42);
		str_add(&s, "xyz");
		str_char(&s, '!');
		assert_int_equal(s.cut, cap < sizeof("abc-42xyz!"));
		assert_int_equal(s.len, strlen(room));
		assert_true(s.len < cap);
		assert_memory_equal(room, "abc-42xyz!", s.len < 6 ? s.len : 6);
		free(room);
	}
}

static void
a_cut_text_takes_nothing_more_beyond_its_room(void **state)
{
	char room[4];
	struct str s = str_of(room, sizeof(room));

	(void)state;
	str_hex(&s, view_of("\xde\xad\xbe\xef", 4));
	assert_string_equal(room, "dea");
	assert_true(s.cut);
	str_escaped(&s, view_of("\n\n\n\n", 4));
	assert_string_equal(room, "dea");
}

static void
octets_from_outside_cannot_forge_a_line(void **state)
{
	STR(s, 100);

	(void)state;
	str_escaped(&s, view_of("ok ~\n\r\x1b\0\x7f\xff\\", 11));
	assert_string_equal(s.p, "ok ~\\x0a\\x0d\\x1b\\x00\\x7f\\xff\\x5c");
}

static void
text_compares_without_case_in_ascii_only(void **state)
{
	(void)state;
	assert_true(text_same("Default", "dEFAULT"));
	assert_false(text_same("Default", "Defaul"));
	assert_false(text_same("Defaul", "Default"));
	assert_true(text_same("", ""));
	assert_false(text_same("\xc4", "\xe4"));
	assert_false(text_same("[", "{"));
	assert_true(text_same_n("abcX", "ABCY", 3));
	assert_true(text_same_n("", "x", 0));
}

static void
a_copy_is_always_terminated(void **state)
{
	char four[4];

	(void)state;
	text_copy(four, sizeof(four), "abcdef");
	assert_string_equal(four, "abc");
	text_copy(four, sizeof(four), "");
	assert_string_equal(four, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r14_a_text_that_does_not_fit_is_cut_and_marked),
		cmocka_unit_test(a_cut_text_takes_nothing_more_beyond_its_room),
		cmocka_unit_test(octets_from_outside_cannot_forge_a_line),
		cmocka_unit_test(text_compares_without_case_in_ascii_only),
		cmocka_unit_test(a_copy_is_always_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
