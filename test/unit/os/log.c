/*
 * Lines of log: their layout and their bound.
 */
#include "prove.h"

#include <unistd.h>

#include "os/log.h"

static char got[8192];

/* What a line looks like on standard error. */
static size_t
written(const struct log_sink *s, int kind, int level, struct view text)
{
	int ends[2], old = dup(STDERR_FILENO);

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_line(s, kind, level, text);
	assert_true(dup2(old, STDERR_FILENO) >= 0);
	close(old);
	close(ends[1]);
	ssize_t n = read(ends[0], got, sizeof(got) - 1);
	close(ends[0]);
	assert_true(n > 0);
	got[n] = '\0';
	return (size_t)n;
}

/* isakmpd.md 8.1 and 8.2: "HHMMSS.uuuuuu", then the class and its level, or a word. */
static void
lines_have_time_class_and_level(void **state)
{
	static const struct { int kind, level; const char *text; } t[] = {
		{ LOG_KIND_NORMAL, 0, " Default words\n" }, { LOG_KIND_VERBOSE, 0, " Default words\n" },
		{ LOG_KIND_ERROR, 0, " Default words\n" }, { LOG_KIND_FATAL, 0, " Default words\n" },
		{ LOG_KIND_REPORT, 0, " Report> words\n" }, { 0, 99, " Misc 99 words\n" },
		{ 1, 10, " Trpt 10 words\n" }, { 2, 70, " Mesg 70 words\n" }, { 3, 80, " Cryp 80 words\n" },
		{ 4, 20, " Timr 20 words\n" }, { 5, 5, " Sdep 05 words\n" }, { 6, 30, " SA   30 words\n" },
		{ 7, 10, " Exch 10 words\n" }, { 8, 40, " Negt 40 words\n" }, { 9, 50, " Plcy 50 words\n" },
		{ 10, 60, " UI   60 words\n" },
	};
	const struct log_sink s = { .journal = -1 };

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		written(&s, t[i].kind, t[i].level, view_str("words"));
		assert_int_equal(strspn(got, "0123456789"), 6);
		assert_int_equal(got[6], '.');
		assert_int_equal(strspn(got + 7, "0123456789"), 6);
		assert_string_equal(got + 13, t[i].text);
	}
}

static void
what_the_monitor_says_is_marked(void **state)
{
	const struct log_sink s = { .journal = -1, .priv = true };

	(void)state;
	written(&s, LOG_KIND_NORMAL, 0, view_str("words"));
	assert_string_equal(got + 13, " Default words [priv]\n");
}

static void
text_is_cut_at_its_bound_and_still_one_line(void **state)
{
	static uint8_t text[3 * LOG_TEXT_MAX];
	const struct log_sink s = { .journal = -1 };

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t n = LOG_TEXT_MAX - 2; n < LOG_TEXT_MAX + 3; n++) {
		size_t most = n < LOG_TEXT_MAX ? n : LOG_TEXT_MAX;
		size_t len = written(&s, LOG_KIND_NORMAL, 0, view_of(text, n));

		assert_int_equal(len, 13 + strlen(" Default ") + most + 1);
		assert_int_equal(got[len - 1], '\n');
	}
	written(&s, LOG_KIND_NORMAL, 0, view_of(text, sizeof(text)));
	assert_ptr_equal(strchr(got, '\n'), got + strlen(got) - 1);
}

static void
control_characters_make_no_second_line(void **state)
{
	const struct log_sink s = { .journal = -1 };

	(void)state;
	written(&s, LOG_KIND_NORMAL, 0, view_str("a\nb\033[2Jc\x7f\xc3\xa9\td"));
	assert_string_equal(got + 13, " Default a?b?[2Jc???\td\n");
}

/* JOURNAL_STREAM of another file, or nonsense: standard error it is. */
static void
only_the_journals_own_stream_is_the_journal(void **state)
{
	static const char *const streams[] = { "", "x", "1:1", "18446744073709551616:1", "::" };
	struct log_sink s;

	(void)state;
	unsetenv("JOURNAL_STREAM");
	log_open_stderr(&s);
	assert_int_equal(s.journal, -1);
	for (size_t i = 0; i < COUNT(streams); i++) {
		assert_int_equal(setenv("JOURNAL_STREAM", streams[i], 1), 0);
		log_open_stderr(&s);
		assert_int_equal(s.journal, -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_have_time_class_and_level),
		cmocka_unit_test(what_the_monitor_says_is_marked),
		cmocka_unit_test(text_is_cut_at_its_bound_and_still_one_line),
		cmocka_unit_test(control_characters_make_no_second_line),
		cmocka_unit_test(only_the_journals_own_stream_is_the_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
