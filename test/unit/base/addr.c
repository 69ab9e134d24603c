#include "prove.h"

#include "base/addr.h"

static struct addr
addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static void
text_comes_back_in_its_shortest_form(void **state)
{
	/* RFC 5952 */
	static const char *const pairs[][2] = {
		{ "192.0.2.1", "192.0.2.1" }, { "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "::", "::" }, { "fe80::1%3", "fe80::1%3" }, { "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		STR(s, 64);
		struct addr a = addr(pairs[i][0]);

		addr_print(&s, &a);
		assert_string_equal(s.p, pairs[i][1]);
	}
}

static void
what_is_no_numeric_address_is_refused(void **state)
{
	static const char *const bad[] = { "", "localhost", "192.0.2", "192.0.2.1.", "192.0.2.256",
	    "192.0.2.1%1", "fe80::1%", "fe80::1%eth0", "fe80::1%4294967296", "1::2::3", "%",
	    "192.0.2.1/24", "11111111111111111111111111111111111111111111111111111111111" };
	struct addr a;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(addr_parse(bad[i], &a));
	assert_false(addr_from_octets(view_of("12345", 5), &a));
	assert_false(addr_from_octets(view_of(NULL, 0), &a));
}

static void
masks_and_prefix_lengths_agree(void **state)
{
	struct addr odd = addr("255.0.255.0");

	(void)state;
	for (unsigned bits = 0; bits <= 128; bits++) {
		struct addr six = addr_mask_of(FAMILY_IP6, bits);

		assert_int_equal(addr_mask_bits(&six), bits);
		if (bits <= 32) {
			struct addr four = addr_mask_of(FAMILY_IP4, bits);

			assert_int_equal(addr_mask_bits(&four), bits);
		}
	}
	assert_int_equal(addr_mask_bits(&odd), -1);
}

static void
first_and_last_of_a_prefix_are_its_ends(void **state)
{
	struct addr a = addr("10.1.2.3"), first = addr_first_of(&a, 20), last = addr_last_of(&a, 20);
	struct addr want_first = addr("10.1.0.0"), want_last = addr("10.1.15.255");

	(void)state;
	assert_true(addr_equal(&first, &want_first));
	assert_true(addr_equal(&last, &want_last));
}

static void
ranges_know_what_lies_in_them(void **state)
{
	struct range net = { addr("10.1.0.0"), addr("10.1.0.255") };
	struct range part = { addr("10.1.0.1"), addr("10.1.0.9") };
	struct range all = { addr("0.0.0.0"), addr("255.255.255.255") };
	struct range six = { addr("::"), addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") };
	struct addr in = addr("10.1.0.255"), out = addr("10.1.1.0"), other = addr("::a01:1");
	STR(s, 100);

	(void)state;
	assert_int_equal(range_bits(&net), 24);
	assert_int_equal(range_bits(&part), -1);
	assert_int_equal(range_bits(&all), 0);
	assert_int_equal(range_bits(&six), 0);
	assert_true(range_has(&net, &in));
	assert_false(range_has(&net, &out));
	assert_false(range_has(&all, &other));
	assert_true(range_within(&part, &net));
	assert_false(range_within(&net, &part));
	assert_false(range_within(&net, &six));
	range_print(&s, &part);
	assert_string_equal(s.p, "10.1.0.1-10.1.0.9");
}

static void
endpoints_of_both_families_can_be_read(void **state)
{
	struct endpoint e = { addr("2001:db8::1"), 4500 }, f = { addr("192.0.2.1"), 500 };
	STR(s, 100);

	(void)state;
	endpoint_print(&s, &e);
	str_char(&s, ' ');
	endpoint_print(&s, &f);
	assert_string_equal(s.p, "[2001:db8::1]:4500 192.0.2.1:500");
	assert_false(endpoint_equal(&e, &f));
	f = e;
	assert_true(endpoint_equal(&e, &f));
	f.port = 500;
	assert_false(endpoint_equal(&e, &f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_comes_back_in_its_shortest_form),
		cmocka_unit_test(what_is_no_numeric_address_is_refused),
		cmocka_unit_test(masks_and_prefix_lengths_agree),
		cmocka_unit_test(first_and_last_of_a_prefix_are_its_ends),
		cmocka_unit_test(ranges_know_what_lies_in_them),
		cmocka_unit_test(endpoints_of_both_families_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
