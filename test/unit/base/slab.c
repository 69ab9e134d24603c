#include "prove.h"

#include "base/slab.h"

static void
a_handle_of_a_removed_object_finds_nothing(void **state)
{
	struct slab *s = slab_new(24, 10);
	struct handle a, b;

	(void)state;
	uint32_t *p = slab_add(s, &a);
	assert_non_null(p);
	*p = 7;
	assert_ptr_equal(slab_find(s, a), p);
	slab_remove(s, a);
	assert_null(slab_find(s, a));
	slab_remove(s, a);		/* once more does nothing */
	uint32_t *q = slab_add(s, &b);
	assert_int_equal(b.slot, a.slot);
	assert_false(handle_equal(a, b));
	assert_null(slab_find(s, a));
	assert_int_equal(*q, 0);	/* nothing of the old one is left */
	slab_free(s);
}

static void
invented_handles_find_nothing(void **state)
{
	struct slab *s = slab_new(8, 10);
	struct handle h;

	(void)state;
	assert_null(slab_find(s, (struct handle){ 0, 0 }));
	assert_non_null(slab_add(s, &h));
	assert_null(slab_find(s, (struct handle){ 0, 0 }));
	assert_null(slab_find(s, (struct handle){ h.slot, h.gen + 1 }));
	assert_null(slab_find(s, (struct handle){ h.slot, h.gen + 2 }));
	assert_null(slab_find(s, (struct handle){ 1, 0 }));
	assert_null(slab_find(s, (struct handle){ UINT32_MAX, 1 }));
	assert_true(handle_equal(handle_of_u64(handle_u64(h)), h));
	slab_free(s);
	slab_free(NULL);
}

static void
r4_the_bound_holds_and_objects_never_move(void **state)
{
	struct slab *s = slab_new(40, 200);
	struct handle h[200], one_more;
	void *p[200];

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		assert_non_null(p[i] = slab_add(s, &h[i]));
	assert_null(slab_add(s, &one_more));
	assert_int_equal(slab_count(s), 200);
	for (unsigned i = 0; i < 200; i++)
		assert_ptr_equal(slab_find(s, h[i]), p[i]);
	slab_remove(s, h[77]);
	assert_non_null(slab_add(s, &one_more));
	assert_null(slab_add(s, &one_more));
	slab_free(s);
}

static void
a_walk_may_remove_any_object(void **state)
{
	struct slab *s = slab_new(8, 100);
	struct handle h[100], at_h;
	uint32_t at = 0;
	unsigned seen = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_non_null(slab_add(s, &h[i]));
	while (slab_next(s, &at, &at_h) != NULL) {
		seen++;
		slab_remove(s, at_h);
		if (at_h.slot + 1 < 100)
			slab_remove(s, h[at_h.slot + 1]);
	}
	assert_int_equal(seen, 50);
	assert_int_equal(slab_count(s), 0);
	slab_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handle_of_a_removed_object_finds_nothing),
		cmocka_unit_test(invented_handles_find_nothing),
		cmocka_unit_test(r4_the_bound_holds_and_objects_never_move),
		cmocka_unit_test(a_walk_may_remove_any_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
