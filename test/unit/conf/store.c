#include "unit/conf/loaded.h"

static struct loaded
load_only(const char *text)
{
	struct loaded l = { .store = store_new() };

	assert_non_null(l.store);
	assert_true(store_load(l.store, view_str(text), &l.problems));
	return l;
}

static const char *
value_in(const struct store *st, const char *section, const char *tag)
{
	static struct value v;

	return store_get(st, section, tag, &v) ? v.text : NULL;
}

#define IS(l, section, tag, text) assert_string_equal(value_in((l).store, section, tag), text)
#define NONE(l, section, tag) assert_null(value_in((l).store, section, tag))

/* ---- grammar: isakmpd-conf.md section 2 ---- */

/* One file, one value looked up, how many errors and warnings. */
static const struct {
	const char	*what, *text, *section, *tag, *value;
	size_t		 errors, warnings;
} grammar[] = {
	{ "plain", "[s]\nt=v\n", "s", "t", "v", 0, 0 },
	{ "blanks around the value", "[s]\nt= \t v \t \n", "s", "t", "v", 0, 0 },
	{ "a blank ends the tag", "[s]\nt =v\n", "s", "t", "v", 0, 0 },
	{ "text between tag and = is dropped", "[s]\nFoo bar=1\n", "s", "Foo", "1", 0, 1 },
	{ "the first = separates", "[s]\nt=a=b\n", "s", "t", "a=b", 0, 0 },
	{ "an empty value is a value", "[s]\nt=\n", "s", "t", "", 0, 0 },
	{ "an empty value after blanks", "[s]\nt=   \n", "s", "t", "", 0, 0 },
	{ "one white-space character stays", "[s]\nt=\r\n", "s", "t", "\r", 0, 0 },
	{ "CR at the end goes", "[s]\nt=v\r\n", "s", "t", "v", 0, 0 },
	{ "blanks inside stay", "[s]\nt=a  b\n", "s", "t", "a  b", 0, 0 },
	{ "# in a value stays", "[s]\nt=v # c\n", "s", "t", "v # c", 0, 1 },
	{ "# right after = stays", "[s]\nt=#v\n", "s", "t", "#v", 0, 0 },
	{ "# without a blank stays", "[s]\nt=v#c\n", "s", "t", "v#c", 0, 0 },
	{ "; in a value stays", "[s]\nt=v;c\n", "s", "t", "v;c", 0, 0 },
	{ "quotes are nothing special", "[s]\nt=\"v\"\n", "s", "t", "\"v\"", 0, 0 },
	{ "# comment", "#[x]\n[s]\n#t=w\nt=v\n", "s", "t", "v", 0, 0 },
	{ "; comment", "[s]\n;t=w\nt=v\n", "s", "t", "v", 0, 0 },
	{ "a comment swallows its continuation", "[s]\n#c \\\nt=w\nt=v\n", "s", "t", "v", 0, 0 },
	{ "continuation is two blanks", "[s]\nt=a\\\nb\n", "s", "t", "a  b", 0, 0 },
	{ "continuation at the start of a value", "[s]\nt=\\\n  v\n", "s", "t", "v", 0, 0 },
	{ "continuation between tag and =", "[s]\nt\\\n=v\n", "s", "t", "v", 0, 0 },
	{ "a header continues, too", "[a\\\nb]\nt=v\n", "a  b", "t", "v", 0, 0 },
	{ "backslash elsewhere is itself", "[s]\nt=a\\b\n", "s", "t", "a\\b", 0, 0 },
	{ "two backslashes continue after the first", "[s]\nt=a\\\\\nb\n", "s", "t", "a\\  b", 0, 0 },
	{ "backslash at the end of the file is itself", "[s]\nt=a\\", "s", "t", "a\\", 0, 0 },
	{ "backslash, blank: not continued", "[s]\nt=a\\ \nu=b\n", "s", "t", "a\\", 0, 1 },
	{ "blanks in a section name count", "[ a b ]\nt=v\n", " a b ", "t", "v", 0, 1 },
	{ "section name up to the first ]", "[a]b]\nt=v\n", "a", "t", "v", 0, 1 },
	{ "[ in a section name", "[a[b]\nt=v\n", "a[b", "t", "v", 0, 0 },
	{ "comment after a header", "[s] # c\nt=v\n", "s", "t", "v", 0, 0 },
	{ "empty section name", "[]\nt=v\n", "", "t", "v", 0, 0 },
	{ "section names ignore case", "[Abc]\nt=v\n", "aBC", "t", "v", 0, 0 },
	{ "tags ignore case", "[s]\nTag=v\n", "s", "tAG", "v", 0, 0 },
	{ "values keep case", "[s]\nt=VaL\n", "s", "t", "VaL", 0, 0 },
	{ "sections merge", "[s]\nt=v\n[x]\n[S]\nu=w\n", "s", "u", "w", 0, 0 },
	{ "Trailing-comments=yes cuts a comment", "[s]\nt=v w\t# c\n[General]\nTrailing-comments=yes\n", "s", "t",
	    "v w", 0, 0 },
	{ "also a ; comment", "[general]\ntrailing-comments=yes # c\n[s]\nt= ; c\n", "s", "t", "", 0, 0 },
	{ "but not without a blank", "[General]\nTrailing-comments=yes\n[s]\nt=a#b;c\n", "s", "t", "a#b;c", 0, 0 },
	{ "only yes cuts", "[General]\nTrailing-comments=no\n[s]\nt=v # c\n", "s", "t", "v # c", 0, 1 },
	{ "a byte order mark", "\xef\xbb\xbf[s]\nt=v\n", "s", "t", "v", 0, 1 },
	{ "CR and blanks at the end", "[s]\r\nt=v\r \r\n", "s", "t", "v", 0, 0 },
	{ "CR in the middle", "[s]\nt=v\ru=w\n", "s", "t", "v\ru=w", 1, 0 },
	{ "the first of a tag wins", "[s]\nt=v\nT=w\n", "s", "t", "v", 0, 1 },
	{ "and across headers", "[s]\nt=v\n[x]\n[s]\nt=w\n", "s", "t", "v", 0, 1 },
	{ "last line without LF", "[s]\nt=v", "s", "t", "v", 0, 0 },
	{ "white space before a tag", "[s]\n  t=v\n", "s", "t", "v", 0, 0 },
	{ "white space before a header", "  [s]\nt=v\n", "s", "t", "v", 0, 0 },
	{ "blank lines", "\n \n\t\n\r\n[s]\nt=v\n", "s", "t", "v", 0, 0 },
	{ "a comment after blanks is none", "[s]\n  #t=w\nt=v\n", "s", "t", "v", 0, 1 },
	{ "before the first header", "t=w\n[s]\nt=v\n", "s", "t", "v", 1, 0 },
	{ "no ]", "[s\nt=w\n[s]\nt=v\n", "s", "t", "v", 1, 0 },
	{ "neither header nor assignment", "[s]\nhello\nt=v\n", "s", "t", "v", 1, 0 },
	{ "no tag", "[s]\n=w\nt=v\n", "s", "t", "v", 1, 0 },
	{ "octets beyond ASCII are octets", "[s]\nt=\xc3\xa9\xff\n", "s", "t", "\xc3\xa9\xff", 0, 0 },
	{ "a value over other built-in ones", "[General]\nRetransmits=5\n", "General",
	    "Retransmits", "5", 0, 0 },
	{ "built-in values fill tag by tag", "[General]\nRetransmits=5\n", "General",
	    "Exchange-max-time", "120", 0, 0 },
};

static void
the_grammar_reads_each_line_as_the_specification_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(grammar); i++) {
		struct loaded l = load_only(grammar[i].text);
		const char *got = value_in(l.store, grammar[i].section, grammar[i].tag);

		if (got == NULL || strcmp(got, grammar[i].value) != 0 ||
		    l.problems.errors != grammar[i].errors ||
		    l.problems.warnings != grammar[i].warnings) {
			print_problems(&l.problems);
			fail_msg("%s: got \"%s\"", grammar[i].what, got == NULL ? "(none)" : got);
		}
		loaded_done(&l);
	}
}

static void
a_nul_octet_is_refused(void **state)
{
	struct loaded l = { .store = store_new() };

	(void)state;
	assert_true(store_load(l.store, view_of("[s]\nt=a\0b\nu=v\n", 14), &l.problems));
	assert_true(has_problem(&l.problems, "test.conf:2:1: error"));
	NONE(l, "s", "t");
	IS(l, "s", "u", "v");
	loaded_done(&l);
}

static void
messages_keep_their_classic_words_and_line(void **state)
{
	struct loaded l = load_only("x=1\n[a]\nb c\\\nd\nt=1\nt=2\n[open\n");

	(void)state;
	assert_true(has_problem(&l.problems,
	    "test.conf:1:1: error: conf_parse_line: 1: ignoring line due to no section"));
	/* The line number in the text is where the continued line ends, as ever. */
	assert_true(has_problem(&l.problems, "test.conf:3:1: error: conf_parse_line: 4: syntax error"));
	assert_true(has_problem(&l.problems,
	    "test.conf:6:1: warning: conf_set_now: duplicate tag [a]:t, ignoring..."));
	assert_true(has_problem(&l.problems, "line 5"));
	assert_true(has_problem(&l.problems, "test.conf:7:1: error: conf_parse_line: "
	    "7:unmatched ']', ignoring until next section: [open"));
	/* One slip, one message: who refers to that section is not told that it is missing. */
	assert_true(store_header_open(l.store, "OPEN"));
	assert_false(store_header_open(l.store, "a"));
	assert_false(store_has_section(l.store, "open"));
	loaded_done(&l);
}

static void
places_are_those_of_the_file_even_in_continued_values(void **state)
{
	struct loaded l = load_only("# one\n[s]\n  t= a,\\\n   bcd, e\n");
	struct value v;

	(void)state;
	assert_true(store_get(l.store, "s", "t", &v));
	assert_string_equal(v.text, "a,     bcd, e");
	assert_int_equal(v.tag_line, 3);
	assert_int_equal(v.tag_column, 3);
	assert_int_equal(v.line, 3);
	assert_int_equal(v.column, 6);
	struct problem_place at = store_place(l.store, &v, (size_t)(strstr(v.text, "bcd") - v.text));
	assert_int_equal(at.line, 4);
	assert_int_equal(at.column, 4);
	assert_int_equal(store_section_line(l.store, "S"), 2);
	loaded_done(&l);
}

static void
a_file_that_is_too_long_is_a_problem_not_a_crash(void **state)
{
	struct loaded l = { .store = store_new() };
	size_t n = STORE_FILE_MAX + 1;
	char *text = malloc(n);

	(void)state;
	assert_non_null(text);
	memset(text, '#', n);
	assert_false(store_load(l.store, view_of(text, n), &l.problems));
	assert_int_equal(l.problems.errors, 1);
	loaded_done(&l);

	l = (struct loaded){ .store = store_new() };
	memset(text, '\n', n);
	assert_false(store_load(l.store, view_of(text, n - 1), &l.problems));
	assert_int_equal(l.problems.errors, 1);
	loaded_done(&l);
	free(text);
}

static void
problems_are_bounded_and_counted(void **state)
{
	enum { LINES = 5000 };
	char *text = malloc(LINES * 8 + 1);
	size_t n = 0;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < LINES; i++, n += 7)
		(void)snprintf(text + n, 8, "x%05u\n", i);
	struct loaded l = { .store = store_new() };
	assert_true(store_load(l.store, view_of(text, n), &l.problems));
	assert_int_equal(l.problems.n, PROBLEMS_MAX);
	assert_int_equal(l.problems.errors, LINES);
	assert_int_equal(l.problems.dropped, LINES - PROBLEMS_MAX);
	loaded_done(&l);
	free(text);
}

/* ---- lists ---- */

static void
lists_are_trimmed_and_skip_empty_members(void **state)
{
	struct list_walk w = { .text = " a , b c,,\t, d" };
	struct view v;

	(void)state;
	assert_true(list_next(&w, &v));
	assert_true(view_equal(v, view_str("a")));
	assert_true(list_next(&w, &v));
	assert_true(view_equal(v, view_str("b c")));
	assert_true(list_next(&w, &v));
	assert_true(view_equal(v, view_str("d")));
	assert_false(list_next(&w, &v));
	assert_int_equal(w.empty, 2);
	w = (struct list_walk){ .text = "" };
	assert_false(list_next(&w, &v));
}

/* ---- FIFO commands C: isakmpd.md 6.2 ---- */

static struct loaded
begun(const char *text)
{
	struct loaded l = load_only(text);

	assert_int_equal(store_begin(l.store), STORE_OK);
	return l;
}

static void
set_does_not_replace_unless_forced(void **state)
{
	struct loaded l = begun("[s]\nt=old\n");

	(void)state;
	assert_int_equal(store_set(l.store, "S", "T", "new", false), STORE_DUPLICATE);
	IS(l, "s", "t", "old");
	assert_int_equal(store_set(l.store, "S", "T", "new", true), STORE_OK);
	IS(l, "s", "t", "new");
	assert_int_equal(store_set(l.store, "fresh", "t", "v", false), STORE_OK);
	/* Built-in values are there, too. */
	assert_int_equal(store_set(l.store, "General", "Retransmits", "9", false), STORE_DUPLICATE);
	assert_int_equal(store_set(l.store, "General", "Retransmits", "9", true), STORE_OK);
	assert_int_equal(store_commit(l.store), STORE_OK);
	IS(l, "General", "retransmits", "9");
	IS(l, "General", "Exchange-max-time", "120");
	IS(l, "fresh", "t", "v");
	loaded_done(&l);
}

static void
add_appends_once_with_its_case(void **state)
{
	struct loaded l = begun("[Phase 2]\nConnections= a, b\n");

	(void)state;
	assert_int_equal(store_add(l.store, "Phase 2", "Connections", "b"), STORE_OK);
	IS(l, "Phase 2", "Connections", "a, b");
	assert_int_equal(store_add(l.store, "Phase 2", "Connections", "B"), STORE_OK);
	IS(l, "Phase 2", "Connections", "a, b,B");
	assert_int_equal(store_add(l.store, "Phase 2", "Passive-connections", "c"), STORE_OK);
	IS(l, "Phase 2", "Passive-connections", "c");
	assert_int_equal(store_add(l.store, "Phase 2", "Connections", ""), STORE_BAD_TEXT);
	/* To a built-in list. */
	assert_int_equal(store_add(l.store, "Default-phase-1-configuration", "Transforms", "X"),
	    STORE_OK);
	IS(l, "Default-phase-1-configuration", "Transforms", "3DES-SHA-RSA_SIG,X");
	IS(l, "Default-phase-1-configuration", "EXCHANGE_TYPE", "ID_PROT");
	store_abort(l.store);
	IS(l, "Phase 2", "Connections", "a, b");
	NONE(l, "Phase 2", "Passive-connections");
	IS(l, "Default-phase-1-configuration", "Transforms", "3DES-SHA-RSA_SIG");
	loaded_done(&l);
}

static void
rmv_removes_members_and_at_last_the_tag(void **state)
{
	struct loaded l = begun("[s]\nt= a, b ,a\n");

	(void)state;
	assert_int_equal(store_rmv(l.store, "s", "t", "x"), STORE_MISSING);
	assert_int_equal(store_rmv(l.store, "s", "u", "a"), STORE_MISSING);
	assert_int_equal(store_rmv(l.store, "none", "u", "a"), STORE_MISSING);
	assert_int_equal(store_rmv(l.store, "s", "t", "a"), STORE_OK);
	IS(l, "s", "t", "b");
	assert_int_equal(store_rmv(l.store, "s", "t", "b"), STORE_OK);
	NONE(l, "s", "t");
	assert_int_equal(store_commit(l.store), STORE_OK);
	NONE(l, "s", "t");
	loaded_done(&l);
}

static void
rm_and_rms_remove_built_in_values_too(void **state)
{
	struct loaded l = begun("[s]\na=1\nb=2\n");

	(void)state;
	assert_int_equal(store_rm(l.store, "s", "x"), STORE_MISSING);
	assert_int_equal(store_rm(l.store, "s", "a"), STORE_OK);
	NONE(l, "s", "a");
	IS(l, "s", "b", "2");
	assert_int_equal(store_rm(l.store, "General", "Retransmits"), STORE_OK);
	NONE(l, "General", "Retransmits");
	IS(l, "General", "Delete-SAs", "yes");
	assert_int_equal(store_rms(l.store, "AES-SHA"), STORE_OK);
	NONE(l, "AES-SHA", "Life");
	assert_int_equal(store_rms(l.store, "nowhere"), STORE_MISSING);
	store_abort(l.store);
	IS(l, "s", "a", "1");
	IS(l, "General", "Retransmits", "3");
	IS(l, "AES-SHA", "Life", "LIFE_MAIN_MODE");
	assert_int_equal(store_begin(l.store), STORE_OK);
	assert_int_equal(store_rms(l.store, "AES-SHA"), STORE_OK);
	assert_int_equal(store_commit(l.store), STORE_OK);
	NONE(l, "AES-SHA", "Life");
	assert_int_equal(store_rms(l.store, "AES-SHA"), STORE_NOT_OPEN);
	loaded_done(&l);
}

static void
changes_need_a_transaction_and_only_one_is_open(void **state)
{
	struct loaded l = load_only("[s]\nt=v\n");

	(void)state;
	assert_int_equal(store_set(l.store, "s", "t", "w", true), STORE_NOT_OPEN);
	assert_int_equal(store_commit(l.store), STORE_NOT_OPEN);
	assert_int_equal(store_begin(l.store), STORE_OK);
	assert_int_equal(store_begin(l.store), STORE_NOT_OPEN);
	assert_int_equal(store_set(l.store, "", "t", "w", true), STORE_BAD_TEXT);
	assert_int_equal(store_set(l.store, "s", "", "w", true), STORE_BAD_TEXT);
	assert_int_equal(store_set(l.store, "s]", "t", "w", true), STORE_BAD_TEXT);
	assert_int_equal(store_set(l.store, "s", "a=b", "w", true), STORE_BAD_TEXT);
	assert_int_equal(store_set(l.store, "s", "t", "w\n[x]", true), STORE_BAD_TEXT);
	loaded_done(&l);
}

/* Everything as one text, to compare whole stores. */
static bool
print_entry(void *self, const struct store_entry *e)
{
	str_addf(self, "[%s]:%s=%s\n", e->section, e->tag, e->value);
	return true;
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void
an_aborted_transaction_leaves_no_trace(void **state)
{
	static const char *const sections[] = { "s", "General", "QM-ESP-AES-SHA-SUITE", "n", "m" };
	static char before[65536], after[65536];
	struct loaded l = load_only("[s]\na=1\nb=2,3\n[General]\nRetransmits=1\n");
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 300; round++) {
		STR(tag, 8);
		struct str one = str_of(before, sizeof(before)), two = str_of(after, sizeof(after));

		store_each(l.store, print_entry, &one);
		assert_int_equal(store_begin(l.store), STORE_OK);
		for (int i = 0; i < 40; i++) {
			const char *s = sections[next_random(&seed) % COUNT(sections)];

			tag = str_of(tag_room, sizeof(tag_room));
			str_addf(&tag, "t%u", (unsigned)(next_random(&seed) % 24));
			switch (next_random(&seed) % 6) {
			case 0: (void)store_set(l.store, s, tag.p, "v", false); break;
			case 1: (void)store_set(l.store, s, tag.p, "w", true); break;
			case 2: (void)store_add(l.store, s, tag.p, tag.p); break;
			case 3: (void)store_rmv(l.store, s, tag.p, "v"); break;
			case 4: (void)store_rm(l.store, s, tag.p); break;
			case 5:
				if (next_random(&seed) % 8 == 0)
					(void)store_rms(l.store, s);
				break;
			}
		}
		if (round % 3 == 0) {
			assert_int_equal(store_commit(l.store), STORE_OK);
			continue;
		}
		store_abort(l.store);
		store_each(l.store, print_entry, &two);
		assert_string_equal(before, after);
	}
	/* All that can be seen can also be found. */
	struct str all = str_of(before, sizeof(before));
	store_each(l.store, print_entry, &all);
	for (char *line = strtok(before, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		char *close = strchr(line, ']'), *equals = strchr(line, '=');

		*close = *equals = '\0';
		IS(l, line + 1, close + 2, equals + 1);
	}
	loaded_done(&l);
}

static bool
count_entry(void *self, const struct store_entry *e)
{
	(void)e;
	++*(unsigned *)self;
	return true;
}

static void
built_in_values_are_not_dumped_in_reports(void **state)
{
	struct loaded l = begun("[s]\na=1\n");
	unsigned n = 0;

	(void)state;
	assert_int_equal(store_set(l.store, "General", "Retransmits", "2", true), STORE_OK);
	store_each(l.store, count_entry, &n);
	assert_int_equal(n, 2);
	loaded_done(&l);
}

struct secrets { unsigned n; char text[200]; };

static bool
collect(void *self, const char *section, const char *value)
{
	struct secrets *s = self;
	struct str t = str_of(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text));

	str_addf(&t, "%s=%s;", section, value);
	s->n++;
	return true;
}

static void
secrets_are_listed_for_the_keys_role(void **state)
{
	struct loaded l = load_only("[a]\nPhase=1\nAUTHENTICATION= k 1\n[b]\nx=y\n"
	    "[c]\nauthentication=0x12\n");
	struct secrets s = { 0 };

	(void)state;
	store_each_secret(l.store, collect, &s);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.text, "a=k 1;c=0x12;");
	assert_true(store_tag_is_secret("authentication"));
	assert_true(store_tag_is_secret("PKAuthentication"));
	assert_false(store_tag_is_secret("AUTHENTICATION_METHOD"));
	loaded_done(&l);
}

static void
many_values_in_one_section_are_all_found(void **state)
{
	enum { N = 20000 };
	char *text = malloc(N * 32);
	size_t n = 0;
	static const char head[] = "[Phase 1]\n";

	(void)state;
	assert_non_null(text);
	memcpy(text, head, sizeof(head));
	n = sizeof(head) - 1;
	for (unsigned i = 0; i < N; i++) {
		struct str s = str_of(text + n, 32);

		str_addf(&s, "10.%u.%u.1= p%u\n", i / 200, i % 200, i);
		n += s.len;
	}
	struct loaded l = { .store = store_new() };
	assert_true(store_load(l.store, view_of(text, n), &l.problems));
	IS(l, "phase 1", "10.0.0.1", "p0");
	IS(l, "phase 1", "10.99.199.1", "p19999");
	NONE(l, "phase 1", "10.100.0.1");
	assert_int_equal(store_begin(l.store), STORE_OK);
	assert_int_equal(store_rms(l.store, "Phase 1"), STORE_OK);
	NONE(l, "Phase 1", "10.0.0.1");
	store_abort(l.store);
	IS(l, "phase 1", "10.50.7.1", "p10007");
	loaded_done(&l);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_grammar_reads_each_line_as_the_specification_says),
		cmocka_unit_test(a_nul_octet_is_refused),
		cmocka_unit_test(messages_keep_their_classic_words_and_line),
		cmocka_unit_test(places_are_those_of_the_file_even_in_continued_values),
		cmocka_unit_test(a_file_that_is_too_long_is_a_problem_not_a_crash),
		cmocka_unit_test(problems_are_bounded_and_counted),
		cmocka_unit_test(lists_are_trimmed_and_skip_empty_members),
		cmocka_unit_test(set_does_not_replace_unless_forced),
		cmocka_unit_test(add_appends_once_with_its_case),
		cmocka_unit_test(rmv_removes_members_and_at_last_the_tag),
		cmocka_unit_test(rm_and_rms_remove_built_in_values_too),
		cmocka_unit_test(changes_need_a_transaction_and_only_one_is_open),
		cmocka_unit_test(an_aborted_transaction_leaves_no_trace),
		cmocka_unit_test(built_in_values_are_not_dumped_in_reports),
		cmocka_unit_test(secrets_are_listed_for_the_keys_role),
		cmocka_unit_test(many_values_in_one_section_are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
