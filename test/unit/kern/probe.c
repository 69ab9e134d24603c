#include "prove.h"

#include "kern/none.h"
#include "kern/probe.h"

static enum why
no_esp(struct str *detail)
{
	str_add(detail, "kernel has no ESP (Protocol not supported)");
	return WHY_BACKEND;
}

static enum why
fine(struct str *detail)
{
	(void)detail;
	return WHY_NONE;
}

static const struct backend_ops broken = { .name = "xfrm", .probe = no_esp },
	working = { .name = "user", .probe = fine };

static void
the_first_that_works_is_taken_and_the_others_are_named(void **state)
{
	const struct backend_ops *const list[] = { &broken, &working, &none_ops, NULL };
	STR(said, 300);

	(void)state;
	assert_ptr_equal(kern_probe(list, NULL, &said), &working);
	assert_string_equal(said.p, "xfrm: kernel has no ESP (Protocol not supported)");
}

static void
no_protection_is_never_chosen_by_itself(void **state)
{
	const struct backend_ops *const list[] = { &broken, &none_ops, NULL };
	STR(said, 300);
	STR(again, 300);

	(void)state;
	assert_null(kern_probe(list, "", &said));
	assert_string_equal(said.p,
	    "no back end works here (xfrm: kernel has no ESP (Protocol not supported))");
	assert_ptr_equal(kern_probe(list, "none", &again), &none_ops);
}

static void
one_that_is_asked_for_is_taken_or_nothing(void **state)
{
	const struct backend_ops *const list[] = { &broken, &working, &none_ops, NULL };
	STR(good, 300);
	STR(bad, 300);
	STR(unknown, 300);

	(void)state;
	assert_ptr_equal(kern_probe(list, "USER", &good), &working);
	assert_string_equal(good.p, "asked for");
	assert_null(kern_probe(list, "xfrm", &bad));
	assert_string_equal(bad.p,
	    "xfrm was asked for, but: kernel has no ESP (Protocol not supported)");
	assert_null(kern_probe(list, "klips", &unknown));
	assert_string_equal(unknown.p, "no back end is called klips; there are: xfrm user none");
}

static void
this_build_prefers_the_kernels_esp_to_its_own_and_anything_to_none(void **state)
{
	(void)state;
	assert_string_equal(kern_backends[0]->name, "xfrm");
	assert_string_equal(kern_backends[1]->name, "user");
	assert_string_equal(kern_backends[2]->name, "none");
	assert_null(kern_backends[3]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_works_is_taken_and_the_others_are_named),
		cmocka_unit_test(no_protection_is_never_chosen_by_itself),
		cmocka_unit_test(one_that_is_asked_for_is_taken_or_nothing),
		cmocka_unit_test(this_build_prefers_the_kernels_esp_to_its_own_and_anything_to_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
