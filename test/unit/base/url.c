#include "decoder.h"

#include "base/url.h"

static const char *
shown(const char *text)
{
	static char room[URL_TEXT_MAX];
	struct str s = str_of(room, sizeof(room));
	struct url u;

	const char *wrong = url_parse(view_str(text), &u);
	if (wrong != NULL)
		return wrong;
	assert_true(url_is_sound(&u));
	url_print(&s, &u);
	return room;
}

static void
a_url_is_taken_apart_and_printed_again(void **state)
{
	static const char *const same[] = { "http://ocsp.example.org/", "http://192.0.2.1:8080/a/b?c=d&e",
	    "http://[2001:db8::1]:65535/", "http://[::1]/x%20y", "http://a_b.example/", "http://x/?q" };

	(void)state;
	for (size_t i = 0; i < COUNT(same); i++)
		assert_string_equal(shown(same[i]), same[i]);
	assert_string_equal(shown("HTTP://Example.org"), "http://Example.org/");
	assert_string_equal(shown("http://example.org:80"), "http://example.org/");
	assert_string_equal(shown("http://example.org?q"), "http://example.org/?q");
}

static void
what_is_no_url_for_us_is_refused_with_a_reason(void **state)
{
	static const char *const scheme[] = { "", "http:/", "https://a/", "ldap://a/", "ftp://a/", " http://a/" };
	static const char *const host[] = { "http://", "http:///x", "http://user@a/", "http://a b/",
	    "http://[::1", "http://[::1%251]/", "http://[1.2.3.4]/", "http://\xc3\xa4.de/", "http://[]/",
	    "http://a\r\nHost: b/" };
	static const char *const port[] = { "http://a:/", "http://a:0/", "http://a:65536/", "http://a:8x/",
	    "http://a:-1/", "http://a:000080/", "http://user:pass@a/" };
	static const char *const path[] = { "http://a/b c", "http://a/\r\nX: y", "http://a/#b", "http://a#b", "http://[::1]80/", "http://a/\x7f" };

	(void)state;
	for (size_t i = 0; i < COUNT(scheme); i++)
		assert_string_equal(shown(scheme[i]), "it does not begin with http://");
	for (size_t i = 0; i < COUNT(host); i++)
		assert_string_equal(shown(host[i]), "its host is neither a name nor an address");
	for (size_t i = 0; i < COUNT(port); i++)
		assert_string_equal(shown(port[i]), "its port is not a number of 1 to 65535");
	for (size_t i = 0; i < COUNT(path); i++)
		assert_string_equal(shown(path[i]), "its path is too long or has an octet that no path has");
}

static void
too_long_is_refused_and_not_cut(void **state)
{
	char text[URL_HOST_MAX + URL_PATH_MAX + 100] = "http://";
	struct url u;

	(void)state;
	memset(text + 7, 'a', URL_HOST_MAX);
	assert_non_null(url_parse(view_of(text, 7 + URL_HOST_MAX), &u));
	assert_null(url_parse(view_of(text, 6 + URL_HOST_MAX), &u));
	text[10] = '/';
	memset(text + 11, 'b', URL_PATH_MAX);
	assert_null(url_parse(view_of(text, 10 + URL_PATH_MAX - 1), &u));
	assert_non_null(url_parse(view_of(text, 10 + URL_PATH_MAX), &u));
}

static bool
decode(struct view in)
{
	struct url u, again;
	STR(text, URL_TEXT_MAX);

	if (url_parse(in, &u) != NULL)
		return false;
	assert_true(url_is_sound(&u));
	url_print(&text, &u);
	assert_false(text.cut);
	assert_null(url_parse(view_str(text.p), &again));
	assert_string_equal(u.host, again.host);
	assert_string_equal(u.path, again.path);
	assert_int_equal(u.port, again.port);
	return true;
}

static void
every_octet_is_looked_at(void **state)
{
	(void)state;
	decoder_prove(decode, view_str("http://[2001:db8::1]:8080/path?x"), CUT_MAY_PASS);
	decoder_prove(decode, view_str("http://ocsp.example.org/"), CUT_MAY_PASS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_is_taken_apart_and_printed_again),
		cmocka_unit_test(what_is_no_url_for_us_is_refused_with_a_reason),
		cmocka_unit_test(too_long_is_refused_and_not_cut),
		cmocka_unit_test(every_octet_is_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
