#include "prove.h"

#include "base/secret.h"

static void
a_secret_owns_a_copy_and_gives_it_up_once(void **state)
{
	struct secret a = { 0 }, b = { 0 };
	uint8_t octets[4] = { 1, 2, 3, 4 };

	(void)state;
	assert_true(secret_set(&a, view_of(octets, 4)));
	octets[0] = 9;
	assert_int_equal(a.p[0], 1);
	secret_take(&b, &a);
	assert_null(a.p);
	assert_int_equal(b.n, 4);
	secret_take(&b, &b);
	assert_int_equal(b.n, 4);
	assert_true(secret_set(&b, secret_view(&b)));	/* from itself */
	assert_int_equal(b.p[3], 4);
	secret_done(&b);
	secret_done(&b);
	secret_done(NULL);
	assert_int_equal(secret_view(&b).n, 0);
}

static void
more_than_the_bound_is_refused_and_changes_nothing(void **state)
{
	static const uint8_t big[SECRET_MAX + 1];
	struct secret a = { 0 };

	(void)state;
	assert_true(secret_set(&a, view_of("abc", 3)));
	assert_false(secret_set(&a, view_of(big, sizeof(big))));
	assert_false(secret_room(&a, sizeof(big)));
	assert_int_equal(a.n, 3);
	assert_true(secret_room(&a, SECRET_MAX));
	assert_memory_equal(a.p, big, SECRET_MAX);
	assert_true(secret_set(&a, view_of(NULL, 0)));
	assert_null(a.p);
}

static void
r28_comparison_looks_at_every_octet(void **state)
{
	uint8_t a[32], b[32];

	(void)state;
	memset(a, 7, sizeof(a));
	for (size_t i = 0; i < sizeof(a) * 8; i++) {
		memcpy(b, a, sizeof(a));
		assert_true(ct_equal(view_of(a, 32), view_of(b, 32)));
		b[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(ct_equal(view_of(a, 32), view_of(b, 32)));
	}
	assert_false(ct_equal(view_of(a, 32), view_of(a, 31)));
	assert_true(ct_equal(view_of(NULL, 0), view_of(NULL, 0)));
}

static void
wiped_memory_is_zero(void **state)
{
	uint8_t a[8], zero[8] = { 0 };

	(void)state;
	memset(a, 7, sizeof(a));
	wipe(a, sizeof(a));
	wipe(NULL, 8);
	assert_memory_equal(a, zero, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_owns_a_copy_and_gives_it_up_once),
		cmocka_unit_test(more_than_the_bound_is_refused_and_changes_nothing),
		cmocka_unit_test(r28_comparison_looks_at_every_octet),
		cmocka_unit_test(wiped_memory_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
