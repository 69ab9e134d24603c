#include "prove.h"

#include "base/map.h"

static const uint8_t key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void
siphash_is_that_of_its_authors(void **state)
{
	/* Aumasson and Bernstein, SipHash-2-4: input 00 01 02 ..., output octets */
	static const uint8_t want[][8] = {
		{ 0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72 },
		{ 0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74 },
		{ 0x5a, 0x4f, 0xa9, 0xd9, 0x09, 0x80, 0x6c, 0x0d },
		{ 0x2d, 0x7e, 0xfb, 0xd7, 0x96, 0x66, 0x67, 0x85 },
		{ 0xb7, 0x87, 0x71, 0x27, 0xe0, 0x94, 0x27, 0xcf },
		{ 0x8d, 0xa6, 0x99, 0xcd, 0x64, 0x55, 0x76, 0x18 },
		{ 0xce, 0xe3, 0xfe, 0x58, 0x6e, 0x46, 0xc9, 0xcb },
		{ 0x37, 0xd1, 0x01, 0x8b, 0xf5, 0x00, 0x02, 0xab },
		{ 0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93 },
	};
	const uint8_t *in = key;

	(void)state;
	for (size_t n = 0; n < COUNT(want); n++) {
		uint64_t got = siphash(key, view_of(in, n));

		for (unsigned i = 0; i < 8; i++)
			assert_int_equal((uint8_t)(got >> (8 * i)), want[n][i]);
	}
	/* the worked example of the paper's appendix A */
	assert_int_equal(siphash(key, view_of(in, 15)), 0xa129ca6149be45e5ull);
}

static struct view
key_of(uint32_t *i)
{
	return view_of(i, sizeof(*i));
}

static void
a_map_that_grew_forgets_nothing(void **state)
{
	struct map *m = map_new(key);
	uint64_t v;

	(void)state;
	for (uint32_t i = 0; i < 5000; i++)
		assert_true(map_put(m, key_of(&i), i * 3));
	assert_int_equal(map_count(m), 5000);
	for (uint32_t i = 0; i < 5000; i += 2)
		map_remove(m, key_of(&i));
	assert_int_equal(map_count(m), 2500);
	for (uint32_t i = 0; i < 5000; i++) {
		assert_int_equal(map_get(m, key_of(&i), &v), i % 2 == 1);
		if (i % 2 == 1)
			assert_int_equal(v, i * 3);
	}
	map_free(m);
	map_free(NULL);
}

static void
a_second_put_replaces_and_a_second_remove_does_nothing(void **state)
{
	struct map *m = map_new(key);
	uint8_t longest[64] = { 1 };
	uint64_t v = 0;

	(void)state;
	assert_true(map_put(m, view_of(longest, 64), 1));
	assert_true(map_put(m, view_of(longest, 64), 2));
	assert_int_equal(map_count(m), 1);
	assert_true(map_get(m, view_of(longest, 64), &v));
	assert_int_equal(v, 2);
	assert_false(map_get(m, view_of(longest, 63), &v));
	assert_true(map_put(m, view_of(NULL, 0), 3));
	assert_true(map_get(m, view_of(NULL, 0), &v));
	map_remove(m, view_of(longest, 64));
	map_remove(m, view_of(longest, 64));
	assert_int_equal(map_count(m), 1);
	map_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_is_that_of_its_authors),
		cmocka_unit_test(a_map_that_grew_forgets_nothing),
		cmocka_unit_test(a_second_put_replaces_and_a_second_remove_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
