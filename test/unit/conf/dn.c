/* Distinguished names as an operator writes them. */
#include "conf/dn.h"

#include <stdio.h>
#include <stdlib.h>

#include "prove.h"

#include "base/id.h"
#include "base/str.h"

/* ---- as openssl req makes them ---- */

static void
a_name_is_the_der_that_openssl_makes_of_it(void **state)
{
	FILE *f = fopen(VECTORS "/dn/openssl-req.txt", "r");
	char line[4096];
	size_t n = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		char *hex = strchr(line, '\t');
		uint8_t room[ID_DATA_MAX];
		struct wr w = wr_of(room, sizeof(room));
		struct dn_fault fault;
		STR(got, 4096);

		if (line[0] == '#')
			continue;
		assert_non_null(hex);
		*hex++ = '\0';
		hex[strcspn(hex, "\n")] = '\0';
		if (!dn_encode(line, &w, &fault))
			fail_msg("%s: %zu: %s", line, fault.at, fault.text);
		str_hex(&got, wr_done(&w));
		assert_string_equal(got.p, hex);
		n++;
	}
	fclose(f);
	assert_true(n > 15);
}

/* ---- what is none ---- */

static void
a_fault_is_told_with_its_place(void **state)
{
	static const struct { const char *text; size_t at; const char *what; } t[] = {
		{ "", 0, "begins with /" },
		{ "CN=gw", 0, "begins with /" },
		{ "C=SE, O=Example", 0, "begins with /" },
		{ "/", 1, "no attribute" },
		{ "/gw", 1, "no attribute" },
		{ "/=gw", 1, "no attribute" },
		{ "/CN=gw/", 7, "no attribute" },
		{ "/CN=gw+", 7, "no attribute" },
		{ "/ CN=gw", 1, "no attribute" },
		{ "/C=SE/CM=gw", 6, "CM is not an attribute" },
		{ "/C=SE/O=x+nix=gw", 10, "nix is not an attribute" },
		{ "/O=x/international-organizations=y", 5, "is not an attribute" },
		{ "/O=x/C_N=y", 5, "C_N is not an attribute" },
		{ "/C=SE/O=", 8, "empty" },
		{ "/C=/O=x", 3, "empty" },
		{ "/C=SWE/O=x", 3, "two letters" },
		{ "/C=\xc3\x85/O=x", 3, "PrintableString" },
		{ "/serialNumber=a_b", 14, "PrintableString" },
		{ "/emailAddress=\xc3\xa5@x", 14, "ASCII" },
		{ "/DC=\\xE5", 4, "ASCII" },
		{ "/CN=a\\b", 5, "escapes nothing" },
		{ "/CN=a\\", 5, "escapes nothing" },
		{ "/CN=a\\x4", 5, "escapes nothing" },
		{ "/CN=a\\x00b", 4, "UTF-8" },
		{ "/CN=\\xE5", 4, "UTF-8" },
		{ "/CN=\xc3(", 4, "UTF-8" },
		{ "/CN=\xed\xa0\x80", 4, "UTF-8" },	/* a surrogate */
		{ "/CN=\xf4\x90\x80\x80", 4, "UTF-8" },	/* beyond U+10FFFF */
		{ "/CN=\xc0\xaf", 4, "UTF-8" },		/* overlong */
		{ "/3.1=x", 1, "not an attribute" },
		{ "/1.40=x", 1, "not an attribute" },
		{ "/2.5.=x", 1, "not an attribute" },
		{ "/2=x", 1, "not an attribute" },
		{ "/2.5.04.3=x", 1, "not an attribute" },
		{ "/2.5.4294967296=x", 1, "not an attribute" },
		{ "/CN=1+CN=2+CN=3+CN=4+CN=5+CN=6+CN=7+CN=8+CN=9", 41, "too many" },
	};
	bool good = true;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		uint8_t room[ID_DATA_MAX];
		struct wr w = wr_of(room, sizeof(room));
		struct dn_fault fault = { 0 };

		if (dn_encode(t[i].text, &w, &fault)) {
			print_message("%s: taken\n", t[i].text);
			good = false;
		} else if (fault.at != t[i].at || strstr(fault.text, t[i].what) == NULL) {
			print_message("%s: %zu: %s\n", t[i].text, fault.at, fault.text);
			good = false;
		}
	}
	assert_true(good);
}

/* What an ID payload takes, and not an octet more; and no room is no harm. */
static void
a_name_fits_an_id_or_is_refused(void **state)
{
	char text[2000];
	size_t longest = 0;

	(void)state;
	for (size_t n = 1; n < 600; n++) {
		uint8_t room[ID_DATA_MAX];
		struct wr w = wr_of(room, sizeof(room));
		struct dn_fault fault;

		memcpy(text, "/CN=", 4);
		memset(text + 4, 'x', n);
		text[4 + n] = '\0';
		if (dn_encode(text, &w, &fault))
			longest = wr_done(&w).n;
		else
			assert_non_null(strstr(fault.text, "longer than"));
	}
	assert_int_equal(longest, ID_DATA_MAX);
	for (size_t cap = 0; cap < 40; cap++) {
		uint8_t *room = malloc(cap + 1);
		struct wr w = wr_of(room, cap);
		struct dn_fault fault;

		assert_int_equal(dn_encode("/C=SE/O=Example/CN=gw", &w, &fault), false);
		free(room);
	}
}

static void
every_beginning_and_every_changed_character_does_no_harm(void **state)
{
	static const char text[] = "/C=SE/ST=a\\/b/2.5.4.3=\\xC3\\xB6+serialNumber=7/O=A/B\\\\";
	const size_t n = sizeof(text) - 1;

	(void)state;
	for (size_t at = 0; at <= n; at++)
		for (int c = 0; c < 256; c++) {
			char *changed = malloc(n + 1);
			uint8_t room[ID_DATA_MAX];
			struct wr w = wr_of(room, sizeof(room));
			struct dn_fault fault = { 0 };

			memcpy(changed, text, n + 1);
			if (at < n)
				changed[at] = (char)c;
			else
				changed[c % (int)n] = '\0';
			if (!dn_encode(changed, &w, &fault)) {
				assert_true(fault.at <= strlen(changed));
				assert_true(fault.text[0] != '\0');
			}
			free(changed);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_the_der_that_openssl_makes_of_it),
		cmocka_unit_test(a_fault_is_told_with_its_place),
		cmocka_unit_test(a_name_fits_an_id_or_is_refused),
		cmocka_unit_test(every_beginning_and_every_changed_character_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
