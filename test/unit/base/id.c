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

static void
a_key_file_is_named_by_the_identity_and_leads_back_to_it(void **state)
{
	static const struct { const char *file, *canonical; } t[] = {
		{ "ipv4/192.0.2.1", "ipv4/192.0.2.1" },
		{ "ipv6/2001:DB8:0:0::1", "ipv6/2001:db8::1" },
		{ "fqdn/GW.Example.org", "fqdn/gw.example.org" },
		{ "ufqdn/Joe@Example.ORG", "ufqdn/Joe@example.org" },
		{ "key_id/group", "key_id/group" },
		{ "key_id/0x00ff2f", "key_id/0x00ff2f" },
		{ "key_id/0x47524f5550", "key_id/GROUP" },
		{ "key_id/0x30783132", "key_id/0x30783132" },	/* the text "0x12" */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct id id, again;
		STR(name, 256);

		assert_true(id_of_key_name(t[i].file, &id));
		assert_true(id_key_name(&name, &id));
		assert_string_equal(name.p, t[i].canonical);
		assert_true(id_of_key_name(name.p, &again));
		assert_true(id_equal(&id, &again));
	}
}

static void
a_name_that_would_lead_out_of_its_folder_names_no_key(void **state)
{
	static const char *const bad[] = {
		"", "fqdn", "fqdn/", "fqdn/..", "fqdn/.hidden", "fqdn/a/b", "fqdn/../ipv4/1.2.3.4",
		"fqdn/a b", "fqdn/a\nb", "ipv4/2001:db8::1", "ipv6/192.0.2.1", "ipv4/192.0.2.1/24",
		"ipv6/fe80::1%lo", "key_id/0x", "key_id/0x123", "key_id/0xzz", "asn1_dn/x", "other/x",
	};
	static const struct { uint8_t type; const char *data; size_t n; } ids[] = {
		{ ID_FQDN, "a/../b", 6 }, { ID_FQDN, "a\0b", 3 }, { ID_FQDN, "..", 2 },
		{ ID_USER_FQDN, "a/b@c", 5 }, { ID_DER_ASN1_DN, "x", 1 }, { ID_FQDN, "a\xff", 2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct id id;

		if (id_of_key_name(bad[i], &id))
			fail_msg("%s", bad[i]);
	}
	for (size_t i = 0; i < COUNT(ids); i++) {
		struct id id;
		STR(name, 256);

		assert_true(id_from_octets((enum id_type)ids[i].type, view_of(ids[i].data, ids[i].n), &id));
		assert_false(id_key_name(&name, &id));
	}
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
		cmocka_unit_test(a_key_file_is_named_by_the_identity_and_leads_back_to_it),
		cmocka_unit_test(a_name_that_would_lead_out_of_its_folder_names_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
