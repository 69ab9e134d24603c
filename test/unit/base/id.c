#include "prove.h"

#include "base/id.h"

static struct addr
addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static struct id
octets(enum id_type type, const char *p, size_t n)
{
	struct id id;

	assert_true(id_from_octets(type, view_of(p, n), &id));
	return id;
}

#define FQDN(s)	octets(ID_FQDN, s, sizeof(s) - 1)
#define USER(s)	octets(ID_USER_FQDN, s, sizeof(s) - 1)

static bool
same(struct id a, struct id b)
{
	assert_int_equal(id_equal(&a, &b), id_equal(&b, &a));
	return id_equal(&a, &b);
}

static void
domain_names_ignore_case_and_user_names_do_not(void **state)
{
	(void)state;
	assert_true(same(FQDN("GW.Example.NET"), FQDN("gw.example.net")));
	assert_false(same(FQDN("gw.example.net"), FQDN("gw.example.ne")));
	assert_true(same(USER("anna@Example.NET"), USER("anna@example.net")));
	assert_false(same(USER("Anna@example.net"), USER("anna@example.net")));
	assert_false(same(USER("anna@example.net"), FQDN("anna@example.net")));
	assert_false(same(octets(ID_KEY_ID, "Key", 3), octets(ID_KEY_ID, "key", 3)));
	/* only ASCII letters have a case */
	assert_false(same(FQDN("gw\xe4"), FQDN("gw\xc4")));
	assert_false(same(FQDN("gw@"), FQDN("gw`")));
}

static void
a_nul_does_not_end_the_comparison(void **state)
{
	(void)state;
	assert_false(same(FQDN("gw\0good"), FQDN("gw\0evil")));
	assert_true(same(FQDN("gw\0good"), FQDN("GW\0GOOD")));
	assert_false(same(USER("a@gw\0good"), USER("a@gw\0evil")));
}

static void
protocol_and_port_are_not_part_of_an_identity(void **state)
{
	struct addr a = addr("192.0.2.1");
	struct id x = id_from_addr(&a), y = x;

	(void)state;
	y.protocol = 17;
	y.port = 500;
	assert_true(same(x, y));
	assert_false(id_same_traffic(&x, &y));
}

static struct id
subnet(const char *text, unsigned bits)
{
	struct addr a = addr(text);

	return id_from_subnet(&a, bits);
}

static struct id
range(const char *first, const char *last)
{
	struct range r = { addr(first), addr(last) };

	return id_from_range(&r);
}

static struct id
wire(uint8_t type, const char *p, size_t n)
{
	struct id id;

	assert_int_equal(id_from_wire(type, 0, 0, view_of(p, n), &id), WHY_NONE);
	return id;
}

static void
the_same_traffic_has_many_spellings(void **state)
{
	struct id a = wire(ID_IPV4_ADDR, "\x0a\0\0\1", 4);
	struct id b = wire(ID_IPV4_ADDR_SUBNET, "\x0a\0\0\1\xff\xff\xff\xff", 8);
	struct id c = wire(ID_IPV4_RANGE, "\x0a\0\0\1\x0a\0\0\1", 8);
	struct id d = wire(ID_IPV4_RANGE, "\x0a\0\0\0\x0a\0\0\xff", 8);
	struct id e = subnet("10.0.0.77", 24);
	struct id fqdn = FQDN("x");

	(void)state;
	assert_true(id_same_traffic(&a, &b));
	assert_true(id_same_traffic(&a, &c));
	assert_false(id_equal(&a, &b));
	assert_true(id_same_traffic(&d, &e));
	assert_false(id_same_traffic(&a, &d));
	assert_false(id_same_traffic(&fqdn, &fqdn));
	assert_true(id_is_address_kind(&a));
	assert_false(id_is_address_kind(&fqdn));
}

static void
constructors_choose_the_plainest_type(void **state)
{
	struct id four_any = subnet("0.0.0.0", 0);

	(void)state;
	assert_int_equal(subnet("10.0.0.1", 32).type, ID_IPV4_ADDR);
	assert_int_equal(subnet("2001:db8::1", 128).type, ID_IPV6_ADDR);
	assert_int_equal(subnet("2001:db8::1", 64).type, ID_IPV6_ADDR_SUBNET);
	assert_int_equal(range("10.0.0.0", "10.0.0.255").type, ID_IPV4_ADDR_SUBNET);
	assert_int_equal(range("10.0.0.1", "10.0.0.255").type, ID_IPV4_RANGE);
	assert_int_equal(four_any.type, ID_IPV4_ADDR_SUBNET);
	assert_memory_equal(four_any.data, "\0\0\0\0\0\0\0\0", 8);
	/* host bits are cleared, the mask is written out: RFC 2407, 4.6.2.4 */
	assert_memory_equal(subnet("10.1.2.3", 16).data, "\x0a\1\0\0\xff\xff\0\0", 8);
}

static void
text_of(const struct id *id, const char *want)
{
	STR(s, 200);

	id_print(&s, id);
	assert_string_equal(s.p, want);
}

static void
ids_print_without_surprises(void **state)
{
	struct id a = subnet("10.1.0.0", 16), b = range("10.0.0.1", "10.0.0.9"),
	    c = FQDN("gw\n\x1b[1m"), d = octets(ID_KEY_ID, "\1\xab", 2), none = { 0 },
	    e = octets(ID_DER_ASN1_GN, "\x30", 1);

	(void)state;
	a.protocol = 6;
	a.port = 80;
	text_of(&a, "10.1.0.0/16 proto 6 port 80");
	text_of(&b, "10.0.0.1-10.0.0.9");
	text_of(&c, "gw\\x0a\\x1b[1m");
	text_of(&d, "key-id 0x01ab");
	text_of(&none, "<no ipsec id>");
	text_of(&e, "<id type unknown: 30>");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domain_names_ignore_case_and_user_names_do_not),
		cmocka_unit_test(a_nul_does_not_end_the_comparison),
		cmocka_unit_test(protocol_and_port_are_not_part_of_an_identity),
		cmocka_unit_test(the_same_traffic_has_many_spellings),
		cmocka_unit_test(constructors_choose_the_plainest_type),
		cmocka_unit_test(ids_print_without_surprises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
