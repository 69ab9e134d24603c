#include "prove.h"

#include "crypto/random.h"

static void
two_draws_differ_and_the_room_around_stays(void **state)
{
	uint8_t a[34] = { 0 }, b[34] = { 0 };

	(void)state;
	random_bytes(a + 1, 32);
	random_bytes(b + 1, 32);
	assert_memory_not_equal(a + 1, b + 1, 32);
	assert_int_equal(a[0] | a[33] | b[0] | b[33], 0);
	random_bytes(a, 0);
}

/* More than one getrandom() call may be needed above 32 MiB or when interrupted. */
static void
long_draws_are_filled_to_the_end(void **state)
{
	enum { N = 1 << 20 };
	uint8_t *p = calloc(1, N);

	(void)state;
	assert_non_null(p);
	random_bytes(p, N);
	for (size_t i = 0; i < N; i += 4096) {
		uint8_t any = 0;

		for (size_t k = 0; k < 64; k++)
			any |= p[i + k];
		assert_int_not_equal(any, 0);
	}
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_draws_differ_and_the_room_around_stays),
		cmocka_unit_test(long_draws_are_filled_to_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
