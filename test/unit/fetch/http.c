/*
 * What a web server can answer.  Each answer is read whole, and in every two
 * pieces, and octet by octet.
 */
#include "decoder.h"

#include "fetch/http.h"

#define TYPE "Content-Type: application/ocsp-response\r\n"

static enum http_got
read_in_pieces(const char *text, size_t n, size_t piece, bool closed, struct view *ret, struct str *reason)
{
	struct http_reader h = { 0 };
	enum http_got got = HTTP_MORE;
	size_t have = 0;

	while (got == HTTP_MORE && have < n) {
		have = n - have < piece ? n : have + piece;
		got = http_read(&h, view_of(text, have), false, ret, reason);
	}
	return got == HTTP_MORE && closed ? http_read(&h, view_of(text, n), true, ret, reason) : got;
}

/* The body or the reason; the same however it came. */
static const char *
reading_of(const char *text, size_t n, bool closed)
{
	static char room[200];
	const size_t pieces[] = { n, 1, 2, n / 2 + 1, n - (n > 1) };

	for (size_t i = 0; i < COUNT(pieces); i++) {
		struct view body = { 0 };
		STR(reason, 200);
		enum http_got got = read_in_pieces(text, n, pieces[i], closed, &body, &reason);
		char one[200];

		if (got == HTTP_BODY) {
			assert_true(body.n < sizeof(one));
			memcpy(one, body.p, body.n);
			one[body.n] = '\0';
		} else {
			assert_int_equal(got == HTTP_MORE, reason.len == 0);
			text_copy(one, sizeof(one), got == HTTP_MORE ? "(more)" : reason.p);
		}
		if (i > 0)
			assert_string_equal(one, room);
		memcpy(room, one, sizeof(room));
	}
	return room;
}

static const char *
reading(const char *text)
{
	return reading_of(text, strlen(text), true);
}

static void
a_body_is_found_with_and_without_its_length(void **state)
{
	(void)state;
	assert_string_equal(reading("HTTP/1.0 200 OK\r\n" TYPE "\r\nbody"), "body");
	assert_string_equal(reading("HTTP/1.1 200\r\n" TYPE "Content-Length: 4\r\n\r\nbody"), "body");
	assert_string_equal(reading("HTTP/1.0 200 OK\r\nDATE:x\r\ncontent-type:\t"
	    "Application/OCSP-response; a=b\r\nCONTENT-LENGTH:2 \r\n\r\nbody"), "bo");
	/* with a length nobody need close */
	const char *whole = "HTTP/1.0 200 OK\r\n" TYPE "Content-Length: 4\r\n\r\nbody";
	assert_string_equal(reading_of(whole, strlen(whole), false), "body");
	assert_string_equal(reading_of(whole, strlen(whole) - 1, false), "(more)");
	assert_string_equal(reading_of(whole, strlen(whole) - 1, true), "it ended within the answer");
	/* as openssl ocsp -port answers */
	assert_string_equal(reading("HTTP/1.0 200 OK\r\nContent-type: application/ocsp-response\r\n"
	    "Content-Length: 3\r\n\r\nder"), "der");
}

static void
what_is_no_answer_is_refused_with_a_reason(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "nothing came" },
		{ "HTTP/1.0 200 OK\r\n", "it ended within the HTTP head" },
		{ "HTTP/1.0 404 Not Found\r\n\r\n", "HTTP status 404" },
		{ "HTTP/1.0 301 Moved\r\nLocation: http://elsewhere/\r\n\r\n", "HTTP status 301" },
		{ "HTTP/1.0 2000 OK\r\n" TYPE "\r\nb", "no HTTP status line" },
		{ "HTTP/2 200 OK\r\n" TYPE "\r\nb", "no HTTP status line" },
		{ "HTTP/1.0  200 OK\r\n" TYPE "\r\nb", "no HTTP status line" },
		{ "ICY 200 OK\r\n" TYPE "\r\nb", "no HTTP status line" },
		{ "HTTP/1.0 200 OK\r\n\r\nbody", "no Content-Type" },
		{ "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nbody",
		  "another Content-Type than application/ocsp-response" },
		{ "HTTP/1.0 200 OK\r\n" TYPE "\r\n", "an empty answer" },
		{ "HTTP/1.0 200 OK\r\n" TYPE "Content-Length: 0\r\n\r\n", "an empty answer" },
		{ "HTTP/1.0 200 OK\r\n" TYPE "Content-Length: -1\r\n\r\nb", "a Content-Length that is none, or two" },
		{ "HTTP/1.0 200 OK\r\n" TYPE "Content-Length: 1x\r\n\r\nb", "a Content-Length that is none, or two" },
		{ "HTTP/1.0 200 OK\r\n" TYPE "Content-Length: 18446744073709551617\r\n\r\nb",
		  "a Content-Length that is none, or two" },
		{ "HTTP/1.0 200 OK\r\n" TYPE "Content-Length: 1\r\nContent-Length: 1\r\n\r\nb",
		  "a Content-Length that is none, or two" },
		{ "HTTP/1.0 200 OK\r\n" TYPE "Content-Length: 49153\r\n\r\nb", "an answer that is too long" },
		{ "HTTP/1.1 200 OK\r\n" TYPE "Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n",
		  "an encoding that nobody asked for" },
		{ "HTTP/1.0 200 OK\r\n" TYPE " folded\r\n\r\nb", "an HTTP field that is none" },
		{ "HTTP/1.0 200 OK\r\nno colon\r\n\r\nb", "an HTTP field that is none" },
		{ "HTTP/1.0 200 OK\r\nname : x\r\n\r\nb", "an HTTP field that is none" },
		{ "HTTP/1.0 200 OK\nContent-Type: application/ocsp-response\n\nbody",
		  "it ended within the HTTP head" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++)
		if (strcmp(reading(pairs[i][0]), pairs[i][1]) != 0)
			fail_msg("%zu: \"%s\", not \"%s\"", i, reading(pairs[i][0]), pairs[i][1]);
}

/* Fills up to n octets; how it ends when nothing else comes. */
static enum http_got
endless(const char *begin, const char *filler, size_t n, struct str *reason)
{
	char *all = malloc(HTTP_ROOM);
	struct http_reader h = { 0 };
	struct view body;
	size_t have = strlen(begin);
	enum http_got got = HTTP_MORE;

	assert_non_null(all);
	memcpy(all, begin, have);
	while (got == HTTP_MORE && have < n) {
		all[have] = filler[have % strlen(filler)];
		have++;
		got = http_read(&h, view_of(all, have), false, &body, reason);
	}
	free(all);
	return got;
}

static void
an_endless_answer_ends_at_the_limits(void **state)
{
	(void)state;
	STR(head, 100);
	assert_int_equal(endless("HTTP/1.0 200 OK\r\nX: ", "a", HTTP_HEAD_MAX, &head), HTTP_REFUSED);
	assert_string_equal(head.p, "an HTTP head that is too long");
	STR(nothing, 100);
	assert_int_equal(endless("HTTP/1.0 200 OK\r\nX: ", "a", HTTP_HEAD_MAX - 1, &nothing), HTTP_MORE);
	STR(body, 100);
	assert_int_equal(endless("HTTP/1.0 200 OK\r\n" TYPE "\r\n", "b", HTTP_ROOM, &body), HTTP_REFUSED);
	assert_string_equal(body.p, "an answer that is too long");
	char many[2000] = "HTTP/1.0 200 OK\r\n" TYPE;
	for (int i = 0; i < HTTP_FIELDS_MAX; i++)
		strcat(many, "a:b\r\n");
	strcat(many, "\r\nbody");
	assert_string_equal(reading(many), "too many HTTP fields");
}

static bool
decode(struct view in)
{
	struct http_reader h = { 0 };
	struct view body;
	STR(reason, 100);

	if (http_read(&h, in, true, &body, &reason) != HTTP_BODY)
		return false;
	assert_true(body.n > 0 && body.p >= in.p && body.p + body.n <= in.p + in.n);
	return true;
}

static void
every_octet_of_an_answer_is_looked_at(void **state)
{
	(void)state;
	decoder_prove(decode, view_str("HTTP/1.1 200 OK\r\n" TYPE "Content-Length: 4\r\n\r\nbody"),
	    CUT_IS_REFUSED);
	decoder_prove(decode, view_str("HTTP/1.1 200 OK\r\n" TYPE "\r\nbody"), CUT_MAY_PASS);
}

static void
the_question_names_host_path_and_length(void **state)
{
	const struct url u = { .host = "2001:db8::1", .port = 8080, .path = "/a?b" };
	char room[600];
	struct wr w = wr_of(room, sizeof(room));

	(void)state;
	http_request(&w, &u, view_str("DER"));
	wr_u8(&w, 0);
	assert_false(w.bad);
	assert_string_equal(room, "POST /a?b HTTP/1.0\r\nHost: [2001:db8::1]:8080\r\n"
	    "Content-Type: application/ocsp-request\r\nAccept: application/ocsp-response\r\n"
	    "Content-Length: 3\r\n\r\nDER");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_found_with_and_without_its_length),
		cmocka_unit_test(what_is_no_answer_is_refused_with_a_reason),
		cmocka_unit_test(an_endless_answer_ends_at_the_limits),
		cmocka_unit_test(every_octet_of_an_answer_is_looked_at),
		cmocka_unit_test(the_question_names_host_path_and_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
