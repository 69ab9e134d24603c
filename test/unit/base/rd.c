#include "prove.h"

#include "base/rd.h"
#include "base/wr.h"

static void
a_short_read_yields_zero_and_stays_bad(void **state)
{
	const uint8_t bytes[] = { 1, 2, 3 };
	struct rd r = rd_of(view_of(bytes, sizeof(bytes)));

	(void)state;
	assert_int_equal(rd_u16(&r), 0x0102);
	assert_int_equal(rd_u16(&r), 0);
	assert_true(r.bad);
	assert_int_equal(rd_u8(&r), 0);
	assert_false(rd_end(&r));
}

static void
a_child_is_bounded_by_its_length(void **state)
{
	const uint8_t bytes[] = { 1, 2, 3, 4 };
	struct rd r = rd_of(view_of(bytes, sizeof(bytes)));
	struct rd child = rd_sub(&r, 2);

	(void)state;
	assert_int_equal(rd_u32(&child), 0);
	assert_true(child.bad);
	assert_int_equal(rd_u16(&r), 0x0304);
	assert_true(rd_end(&r));
}

static void
a_writer_that_is_full_changes_nothing_more(void **state)
{
	uint8_t room[3] = { 0 };
	struct wr w = wr_of(room, sizeof(room));

	(void)state;
	wr_u16(&w, 0x0102);
	wr_u32(&w, 0xffffffff);
	assert_true(w.bad);
	wr_u8(&w, 9);
	assert_int_equal(w.len, 2 + 0);
	assert_int_equal(wr_done(&w).n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_read_yields_zero_and_stays_bad),
		cmocka_unit_test(a_child_is_bounded_by_its_length),
		cmocka_unit_test(a_writer_that_is_full_changes_nothing_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
