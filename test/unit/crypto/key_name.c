/* How the files of keys are called. */
#include "crypto/key_name.h"

#include "prove.h"

/*
 * openssl req -new -utf8 -subj /C=SE/O=Example/CN=gw; and sha256sum of the DER
 * of its subject.
 */
#define DER	"\x30\x2c\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02\x53\x45\x31\x10\x30\x0e\x06\x03"	\
	"\x55\x04\x0a\x0c\x07" "Example" "\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02gw"
#define DIGEST	"3d94d7f0263d1ea6c8c2713454b85421e7e46929fc5797b0ad97bb5ee669bff7"

static struct id
dn(void)
{
	struct id id;

	assert_int_equal(id_from_wire(ID_DER_ASN1_DN, 0, 0, view_of(DER, sizeof(DER) - 1), &id), WHY_NONE);
	return id;
}

static void
the_file_of_a_distinguished_name_is_its_digest(void **state)
{
	const struct id id = dn();
	STR(name, KEY_NAME_MAX);
	STR(own, KEY_NAME_MAX);
	STR(again, KEY_NAME_MAX);

	(void)state;
	assert_true(key_name(&name, &id));
	assert_string_equal(name.p, "asn1_dn/" DIGEST ".pem");
	assert_true(key_name_private(&own, &id));
	assert_string_equal(own.p, DIGEST);
	assert_true(key_name_read(&again, name.p));
	assert_string_equal(again.p, name.p);
}

static void
other_identities_have_their_text(void **state)
{
	static const struct { const char *file, *spelt, *own; } t[] = {
		{ "fqdn/GW.Example.org", "fqdn/gw.example.org", "gw.example.org" },
		{ "ipv6/2001:DB8:0:0::1", "ipv6/2001:db8::1", "2001:db8::1" },
		{ "ufqdn/Me@Example.org", "ufqdn/Me@example.org", "Me@example.org" },
		{ "key_id/0x0102", "key_id/0x0102", "0x0102" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		STR(spelt, KEY_NAME_MAX);
		STR(own, KEY_NAME_MAX);
		struct id id;

		assert_true(key_name_read(&spelt, t[i].file));
		assert_string_equal(spelt.p, t[i].spelt);
		assert_true(id_of_key_name(t[i].file, &id));
		assert_true(key_name_private(&own, &id));
		assert_string_equal(own.p, t[i].own);
	}
}

static void
what_names_nobody_is_no_name(void **state)
{
	static const char *const bad[] = { "", "gw", "fqdn/", "fqdn/../x", "asn1_dn/", "asn1_dn/x.pem",
		"asn1_dn/" DIGEST, "asn1_dn/" DIGEST ".key", "asn1_dn/" DIGEST "0.pem", "asn1_dn//CN=gw",
		"asn1_dn/../../etc/passwd", "asn1_gn/" DIGEST ".pem" };
	struct id id = { .type = ID_DER_ASN1_DN };	/* "that of our certificate" */
	STR(name, KEY_NAME_MAX);
	STR(tight, 20);

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(key_name_read(&name, bad[i]));
	assert_false(key_name(&name, &id));
	assert_false(key_name_private(&name, &id));
	id = dn();
	assert_false(key_name(&tight, &id));
	assert_true(id_from_octets(ID_FQDN, view_str("../x"), &id));
	assert_false(key_name_private(&name, &id));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_of_a_distinguished_name_is_its_digest),
		cmocka_unit_test(other_identities_have_their_text),
		cmocka_unit_test(what_names_nobody_is_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
