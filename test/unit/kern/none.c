#include "prove.h"

#include "behaviour.h"

static void
none_behaves_as_every_back_end_must(void **state)
{
	(void)state;
	run_behaviours(none_make);
}

static void
a_reserved_spi_becomes_the_sa_or_is_released(void **state)
{
	struct backend *b = none_make();
	struct sa_spec spec = spec_make(1);
	uint32_t spi;
	STR(detail, 160);

	(void)state;
	assert_int_equal(b->ops->get_spi(b, &spec.local, &spec.remote, &spi, &detail), WHY_NONE);
	assert_int_equal(none_count_reserved(b), 1);
	assert_int_equal(none_count_sas(b), 0);
	spec.in.spi = spi;
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(none_count_reserved(b), 0);
	assert_int_equal(none_count_sas(b), 1);
	assert_int_equal(b->ops->sa_delete(b, &spec, SA_PART_IN), WHY_NONE);

	assert_int_equal(b->ops->get_spi(b, &spec.local, &spec.remote, &spec.in.spi, &detail),
	    WHY_NONE);
	assert_int_equal(b->ops->sa_delete(b, &spec, SA_PART_IN), WHY_NONE);
	assert_int_equal(none_count_reserved(b), 0);
	sa_spec_done(&spec);
	b->ops->free(b);
}

static void
losing_everything_leaves_one_event(void **state)
{
	struct backend *b = none_make();
	struct sa_spec spec = spec_make(1);
	struct kern_event event;
	uint32_t spi;
	STR(detail, 160);

	(void)state;
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_OUT, &detail), WHY_NONE);
	assert_int_equal(b->ops->flow_add(b, &spec, &detail), WHY_NONE);
	assert_int_equal(b->ops->get_spi(b, &spec.local, &spec.remote, &spi, &detail), WHY_NONE);
	none_lose_all(b);
	assert_int_equal(none_count_sas(b), 0);
	assert_int_equal(none_count_flows(b), 0);
	assert_int_equal(none_count_reserved(b), 0);
	assert_true(b->ops->event(b, &event));
	assert_int_equal(event.kind, KERN_GONE);
	assert_false(b->ops->event(b, &event));
	sa_spec_done(&spec);
	b->ops->free(b);
}

static void
two_peers_may_choose_the_same_spi(void **state)
{
	struct backend *b = none_make();
	struct sa_spec one = spec_make(1), two = spec_make(2);
	STR(detail, 160);

	(void)state;
	two.out.spi = one.out.spi;
	two.remote.addr.b[3] = 99;
	assert_int_equal(b->ops->sa_add(b, &one, SA_PART_OUT, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &two, SA_PART_OUT, &detail), WHY_NONE);
	assert_int_equal(none_count_sas(b), 2);
	sa_spec_done(&one);
	sa_spec_done(&two);
	b->ops->free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_behaves_as_every_back_end_must),
		cmocka_unit_test(a_reserved_spi_becomes_the_sa_or_is_released),
		cmocka_unit_test(losing_everything_leaves_one_event),
		cmocka_unit_test(two_peers_may_choose_the_same_spi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
