#include "prove.h"

#include <stdio.h>

#include "trust/dn.h"

static size_t
unhex(const char *hex, uint8_t *ret, size_t cap)
{
	size_t n = 0;
	unsigned octet;

	for (; sscanf(hex, "%2x", &octet) == 1; hex += 2) {
		assert_true(n < cap);
		ret[n++] = (uint8_t)octet;
	}
	return n;
}

/* Calls fn with each DER and its text of the table that OpenSSL made. */
static unsigned
each_vector(void (*fn)(const X509_NAME *, const char *name, const char *text))
{
	static char line[4096];
	FILE *f = fopen(VECTORS "/ikev1/dn-oneline.txt", "r");
	X509_NAME *dn = NULL;
	char name[64] = "";
	unsigned n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		uint8_t der[1024];

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '[') {
			(void)sscanf(line, "[%63[^]]", name);
		} else if (strncmp(line, "der = ", 6) == 0) {
			dn = dn_from_der(view_of(der, unhex(line + 6, der, sizeof(der))));
			assert_non_null(dn);
		} else if (strncmp(line, "text =", 6) == 0) {
			fn(dn, name, line[6] == ' ' ? line + 7 : "");
			X509_NAME_free(dn);
			dn = NULL;
			n++;
		}
	}
	fclose(f);
	return n;
}

static void
oneline_is(const X509_NAME *dn, const char *name, const char *text)
{
	STR(got, 1024);

	(void)name;
	dn_print(&got, dn, DN_ONELINE);
	assert_string_equal(got.p, text);
}

static void
the_documented_form_is_that_of_openssl(void **state)
{
	(void)state;
	assert_int_equal(each_vector(oneline_is), 14);
}

static void
text_is_recognized(const X509_NAME *dn, const char *name, const char *text)
{
	STR(own, 4096);

	dn_print(&own, dn, DN_TEXT);
	/* What was shortened could mean several names, an empty one none. */
	bool means_it = strcmp(name, "long") != 0 && strcmp(name, "empty") != 0;
	assert_int_equal(dn_is_text(dn, text), means_it);
	assert_int_equal(dn_is_text(dn, own.p), strcmp(name, "empty") != 0);
	assert_false(dn_is_text(dn, "/CN=somebody else"));
	if (strcmp(name, "long") == 0)
		assert_non_null(strstr(own.p, "/CN=end"));
}

static void
both_forms_are_recognized_and_shortened_ones_are_not(void **state)
{
	(void)state;
	assert_int_equal(each_vector(text_is_recognized), 14);
}

static void
our_form_tells_a_slash_in_a_value_from_an_attribute(void **state)
{
	/* O = "A/CN=x" */
	static const uint8_t tricky[] = { 0x30, 0x11, 0x31, 0x0f, 0x30, 0x0d, 0x06, 0x03, 0x55, 0x04,
	    0x0a, 0x0c, 0x06, 'A', '/', 'C', 'N', '=', 'x' };
	/* O = "A", CN = "x" */
	static const uint8_t plain[] = { 0x30, 0x18, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04,
	    0x0a, 0x0c, 0x01, 'A', 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 'x' };
	X509_NAME *a = dn_from_der(view_of(tricky, sizeof(tricky)));
	X509_NAME *b = dn_from_der(view_of(plain, sizeof(plain)));
	STR(at, 80);
	STR(bt, 80);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	dn_print(&at, a, DN_TEXT);
	dn_print(&bt, b, DN_TEXT);
	assert_string_equal(at.p, "/O=A\\/CN=x");
	assert_string_equal(bt.p, "/O=A/CN=x");
	assert_false(dn_is_text(a, bt.p));
	X509_NAME_free(a);
	X509_NAME_free(b);
}

static void
a_name_is_all_of_its_der(void **state)
{
	static const uint8_t der[] = { 0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03,
	    0x0c, 0x01, 'x', 0 };

	(void)state;
	for (size_t n = 0; n <= sizeof(der); n++) {
		X509_NAME *name = dn_from_der(view_of(der, n));
		assert_int_equal(name != NULL, n == sizeof(der) - 1);
		X509_NAME_free(name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_documented_form_is_that_of_openssl),
		cmocka_unit_test(both_forms_are_recognized_and_shortened_ones_are_not),
		cmocka_unit_test(our_form_tells_a_slash_in_a_value_from_an_attribute),
		cmocka_unit_test(a_name_is_all_of_its_der),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
