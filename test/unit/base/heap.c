#include "prove.h"

#include "base/heap.h"

enum { N = 500 };

/* A small generator of its own, so that a failure repeats. */
static uint32_t
next(uint32_t *s)
{
	*s = *s * 1664525 + 1013904223;
	return *s >> 8;
}

static void
deadlines_come_out_in_order_whatever_was_moved(void **state)
{
	static struct deadline d[N];
	struct heap h = { 0 };
	uint32_t seed = 1;
	int64_t last = -1;
	size_t left = 0;

	(void)state;
	for (unsigned i = 0; i < N; i++)
		assert_true(heap_set(&h, &d[i], (struct mono){ next(&seed) % 1000 }));
	for (unsigned i = 0; i < N; i += 3)
		assert_true(heap_set(&h, &d[i], (struct mono){ next(&seed) % 1000 }));
	for (unsigned i = 0; i < N; i += 7)
		heap_clear(&h, &d[i]);
	for (unsigned i = 0; i < N; i++)
		left += d[i].index != 0;
	assert_int_equal(h.n, left);
	for (struct deadline *e; (e = heap_first(&h)) != NULL; left--) {
		assert_true(e->at.us >= last);
		last = e->at.us;
		heap_clear(&h, e);
		assert_int_equal(e->index, 0);
	}
	assert_int_equal(left, 0);
	heap_done(&h);
	heap_done(NULL);
}

static void
clearing_what_is_not_set_does_nothing(void **state)
{
	struct deadline a = { 0 }, b = { 0 };
	struct heap h = { 0 };

	(void)state;
	assert_null(heap_first(&h));
	heap_clear(&h, &a);
	assert_true(heap_set(&h, &a, (struct mono){ 5 }));
	assert_true(heap_set(&h, &b, MONO_NEVER));
	assert_ptr_equal(heap_first(&h), &a);
	heap_clear(&h, &a);
	heap_clear(&h, &a);
	assert_ptr_equal(heap_first(&h), &b);
	heap_done(&h);
}

static void
instants_saturate_instead_of_wrapping(void **state)
{
	(void)state;
	assert_int_equal(mono_add(MONO_NEVER, span_s(1)).us, INT64_MAX);
	assert_int_equal(mono_add((struct mono){ 1 }, span_ms(2)).us, 2001);
	assert_true(mono_reached((struct mono){ 5 }, (struct mono){ 5 }));
	assert_false(mono_before((struct mono){ 5 }, (struct mono){ 5 }));
	assert_int_equal(span_secs(mono_since((struct mono){ 3000001 }, (struct mono){ 1 })), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlines_come_out_in_order_whatever_was_moved),
		cmocka_unit_test(clearing_what_is_not_set_does_nothing),
		cmocka_unit_test(instants_saturate_instead_of_wrapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
