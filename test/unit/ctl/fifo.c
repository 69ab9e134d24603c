#include "prove.h"

#include "ctl/fifo.h"

static struct fifo_command c;
static char said_room[1024];

static bool
parse_octets(const char *line, size_t n)
{
	/* an exact copy, so that a sanitizer sees the first octet too far */
	char *copy = malloc(n == 0 ? 1 : n);
	struct str error = str_of(said_room, sizeof(said_room));

	assert_non_null(copy);
	memcpy(copy, line, n);
	bool good = fifo_parse(view_of(copy, n), &c, &error);
	free(copy);
	assert_int_equal(error.len == 0, good);
	return good;
}

static bool
parse(const char *line)
{
	return parse_octets(line, strlen(line));
}

static void
refused(const char *line, const char *said)
{
	assert_false(parse(line));
	if (strstr(said_room, said) == NULL)
		fail_msg("\"%s\": %s", line, said_room);
}

static void
single_letters_are_commands(void **state)
{
	static const struct { const char *line; enum fifo_verb verb; } cases[] = {
		{ "Q", FIFO_QUIT }, { "R", FIFO_REINIT }, { "r", FIFO_REPORT }, { "S", FIFO_TABLE },
		{ "T", FIFO_TEARDOWN_ALL }, { "S and what else", FIFO_TABLE }, { "R ", FIFO_REINIT },
		{ "D T", FIFO_DEBUG_TOGGLE },
		{ "S ", FIFO_TABLE }, { "S  text", FIFO_STATUS_TEXT }, { "S json ", FIFO_STATUS_JSON },
		{ "S jsonish", FIFO_TABLE }, { "S a-very-long-word", FIFO_TABLE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_true(parse(cases[i].line));
		assert_int_equal(c.verb, cases[i].verb);
	}
	/* Q ends the daemon: exactly one character */
	refused("Q ", "ui_shutdown_daemon: command \"Q \" malformed");
	refused("Quit", "malformed; expected: Q and nothing else");
	refused("Sx", "malformed");
}

static void
strangers_are_told_what_there_is(void **state)
{
	(void)state;
	refused("x", "ui_handle_messages: unrecognized command: 'x'");
	refused("\x1b[2J", "unrecognized command: '\\x1b'; expected one of");
	refused("", "unrecognized command: ''");
	assert_false(parse_octets("\0", 1));
	/* every letter: a command or a stranger, never neither */
	for (unsigned b = 1; b < 256; b++) {
		char line[2] = { (char)b, '\0' };
		bool known = strchr("CcDdMpQRrSTt", (char)b) != NULL;

		(void)parse(line);
		assert_int_equal(strstr(said_room, "unrecognized") == NULL, known);
	}
}

static void
connections_are_named_by_one_word(void **state)
{
	char longest[FIFO_WORD_MAX + 8] = "c ";

	(void)state;
	assert_true(parse("c west-east"));
	assert_int_equal(c.verb, FIFO_CONNECT);
	assert_string_equal(c.name, "west-east");
	assert_true(parse("c \t west-east ignored"));
	assert_string_equal(c.name, "west-east");
	memset(longest + 2, 'n', FIFO_WORD_MAX);
	assert_true(parse(longest));
	longest[2 + FIFO_WORD_MAX] = 'n';
	refused(longest, "ui_connect: command \"c nnn");
	refused("c", "ui_connect: command \"c\" malformed; expected: c connection");
	refused("c ", "malformed");
	refused("connect", "malformed");
}

static void
teardown_takes_a_phase_or_none(void **state)
{
	(void)state;
	assert_true(parse("t west"));
	assert_int_equal(c.verb, FIFO_TEARDOWN);
	assert_int_equal(c.phase, 2);
	assert_true(parse("t main 192.0.2.1"));
	assert_int_equal(c.phase, 1);
	assert_string_equal(c.name, "192.0.2.1");
	assert_true(parse("t quick 2001:db8::1"));
	assert_int_equal(c.phase, 2);
	assert_string_equal(c.name, "2001:db8::1");
	/* a connection may bear the name of a phase */
	assert_true(parse("t main"));
	assert_int_equal(c.phase, 2);
	assert_string_equal(c.name, "main");
	assert_true(parse("t main main "));
	assert_int_equal(c.phase, 1);
	refused("t", "expected: t [main|quick] connection-or-address");
	refused("t slow west", "malformed");
}

static void
debug_levels_have_classes_0_to_10(void **state)
{
	(void)state;
	assert_true(parse("D 10 99"));
	assert_int_equal(c.verb, FIFO_DEBUG);
	assert_int_equal(c.class, 10);
	assert_int_equal(c.level, 99);
	assert_true(parse("D A 0"));
	assert_int_equal(c.verb, FIFO_DEBUG_ALL);
	assert_int_equal(c.level, 0);
	refused("D 11 1", "log_debug_cmd: invalid debugging class 11");
	refused("D -1 1", "log_debug_cmd: invalid debugging class -1");
	refused("D 3 -7", "log_debug_cmd: invalid debugging level -7 for class 3");
	refused("D A -7", "log_debug_cmd: invalid debugging level -7 for class A");
	refused("D 3", "malformed; expected: D class level, D A level, or D T");
	refused("D B 3", "malformed");
	refused("D 1 2x", "malformed");
	refused("D 1 99999999999", "malformed");
	refused("D", "malformed");
}

static void
the_option_d_has_the_same_rules(void **state)
{
	STR(error, 200);

	(void)state;
	assert_true(fifo_debug_option("A=99", &c, &error));
	assert_int_equal(c.verb, FIFO_DEBUG_ALL);
	assert_true(fifo_debug_option("0=10", &c, &error));
	assert_int_equal(c.verb, FIFO_DEBUG);
	assert_int_equal(c.class, 0);
	assert_false(fifo_debug_option("11=1", &c, &error));
	assert_string_equal(error.p, "log_debug_cmd: invalid debugging class 11; expected 0 to 10");
	static const char *const bad[] = { "", "A", "A=", "=9", "A=9 ", "A 9", "x=1", "1=x", "A==9" };
	for (size_t i = 0; i < COUNT(bad); i++) {
		error = str_of(said_room, sizeof(said_room));
		assert_false(fifo_debug_option(bad[i], &c, &error));
		assert_non_null(strstr(error.p, "parse_args: -D argument unparseable: "));
	}
}

static void
one_sa_is_named_by_cookies_and_message_id(void **state)
{
	static const uint8_t both[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
	    0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10 };
	static const uint8_t padded[16] = { [14] = 0x0a, [15] = 0xbc };

	(void)state;
	assert_true(parse("d 0123456789abcdefFEDCBA9876543210 deadbeef"));
	assert_int_equal(c.verb, FIFO_DELETE);
	assert_memory_equal(c.cookies, both, 16);
	assert_int_equal(c.message_id, 0xdeadbeef);
	assert_false(c.isakmp);
	assert_true(parse("d abc -"));
	assert_memory_equal(c.cookies, padded, 16);
	assert_true(c.isakmp);
	assert_true(parse("d abc 1"));
	assert_int_equal(c.message_id, 1);
	refused("d abc", "ui_delete: command \"d abc\" malformed");
	refused("d xyz 1", "ui_delete: command \"d xyz 1\" has bad arguments");
	refused("d abc 123456789", "has bad arguments");
	refused("d 0123456789abcdeffedcba98765432100 1", "has bad arguments");
	refused("d abc --", "has bad arguments");
}

static void
only_the_first_letters_of_a_mode_count(void **state)
{
	(void)state;
	assert_true(parse("M active"));
	assert_false(c.passive);
	assert_true(parse("M passive"));
	assert_true(c.passive);
	assert_true(parse("M passively"));
	assert_true(c.passive);
	refused("M", "expected: M active, or M passive");
	refused("M pass", "malformed");
}

static void
a_capture_is_switched_and_may_have_a_path(void **state)
{
	(void)state;
	assert_true(parse("p on"));
	assert_int_equal(c.verb, FIFO_CAPTURE);
	assert_string_equal(c.value, "");
	assert_true(parse("p on=/var/run/x.pcap"));
	assert_int_equal(c.verb, FIFO_CAPTURE);
	assert_string_equal(c.value, "/var/run/x.pcap");
	assert_true(parse("p off"));
	assert_int_equal(c.verb, FIFO_CAPTURE_OFF);
	assert_true(parse("p failed"));
	assert_int_equal(c.verb, FIFO_CAPTURE_FAILED);
	refused("p", "ui_packetlog: command \"p\" malformed; expected: p on, p on=path");
	refused("p onward", "malformed");
	refused("p on=", "malformed");
	refused("p off=/var/run/x", "malformed");
	refused("pon", "malformed");
}

static void
configuration_commands_are_positional(void **state)
{
	(void)state;
	assert_true(parse("C set [Phase 1]:192.0.2.9=peer-berlin force"));
	assert_int_equal(c.verb, FIFO_SET);
	assert_string_equal(c.section, "Phase 1");
	assert_string_equal(c.tag, "192.0.2.9");
	assert_string_equal(c.value, "peer-berlin");
	assert_true(c.force);
	assert_true(parse("C set [a]:b=c=d"));
	assert_string_equal(c.value, "c=d");
	assert_false(c.force);
	assert_true(parse("C set [a]:b=c whatever"));	/* any fourth word */
	assert_true(c.force);
	assert_true(parse("C add [Phase 2]:Connections=west"));
	assert_int_equal(c.verb, FIFO_ADD);
	assert_true(parse("C rmv [Phase 2]:Connections=west force"));
	assert_int_equal(c.verb, FIFO_RMV);
	assert_false(c.force);
	assert_true(parse("C rm [Phase 2]:Connections"));
	assert_int_equal(c.verb, FIFO_RM);
	assert_string_equal(c.tag, "Connections");
	assert_true(parse("C rms [Phase 2]"));
	assert_int_equal(c.verb, FIFO_RMS);
	assert_string_equal(c.section, "Phase 2");
	assert_true(parse("C get [General]:Retransmits"));
	assert_int_equal(c.verb, FIFO_GET);
}

static void
malformed_configuration_commands_tell_their_own_syntax(void **state)
{
	static const char *const bad[] = {
		"C", "C ", "C set", "C set ", "C set [a]", "C set [a]:", "C set [a]:b", "C set [a]:b=",
		"C set [a]:b= c", "C set []:b=c", "C set [a] :b=c", "C set [a]: =", "C set a:b=c",
		"C set [a:b=c", "C set [a]:=c", "C rm [a]", "C rm [a]:", "C rms", "C rms [a", "C rms []",
		"C rms [a]b", "C get [a] b", "C sets [a]:b=c", "C SET [a]:b=c", "Cset [a]:b=c",
		"C set[a]:b=c",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		refused(bad[i], "ui_config: command \"C");
	refused("C rms x", "expected: C rms [section]");
	refused("C set [a]:b= c", "expected: C set [section]:tag=value");
}

static void
quoted_values_may_hold_blanks(void **state)
{
	(void)state;
	assert_true(parse("C set [a]:b=\"correct horse battery\" force"));
	assert_string_equal(c.value, "correct horse battery");
	assert_true(c.force);
	assert_true(parse("C set [a]:b=\"x \\\"y\\\" \\\\z\""));
	assert_string_equal(c.value, "x \"y\" \\z");
	assert_false(c.force);
	assert_true(parse("C set [a]:b=x\"y"));		/* only at the start */
	assert_string_equal(c.value, "x\"y");
	refused("C set [a]:b=\"x", "in double quotes");
	refused("C set [a]:b=\"\"", "malformed");
	refused("C set [a]:b=\"x\"y", "malformed");
	refused("C set [a]:b=\"\\n\"", "malformed");
	refused("C set [a]:b=\"x\\", "malformed");
}

static void
r29_a_malformed_line_does_not_tell_a_key(void **state)
{
	(void)state;
	refused("C set [p]:Authentication=\"hunter2", "[p]:Authentication=...\"");
	assert_null(strstr(said_room, "hunter2"));
	refused("C set [p]:Authentication hunter2", "C set ");
	assert_null(strstr(said_room, "hunter2"));
	refused("C stt [p]:Authentication=hunter2", "malformed");
	assert_null(strstr(said_room, "hunter2"));
	assert_string_equal(c.value, "");
}

static void
r19_words_have_bounds_and_no_nul(void **state)
{
	static char line[FIFO_VALUE_MAX + 300];
	struct str s = str_of(line, sizeof(line));

	(void)state;
	str_add(&s, "C set [");
	for (unsigned i = 0; i < FIFO_WORD_MAX; i++)
		str_char(&s, 's');
	str_add(&s, "]:t=");
	for (unsigned i = 0; i < FIFO_VALUE_MAX; i++)
		str_char(&s, 'v');
	assert_true(parse(line));
	assert_int_equal(strlen(c.section), FIFO_WORD_MAX);
	assert_int_equal(strlen(c.value), FIFO_VALUE_MAX);
	str_char(&s, 'v');
	refused(line, "malformed");
	assert_false(parse_octets("c we\0st", 7));
	assert_non_null(strstr(said_room, "c we\\x00st"));
}

static void
r19_every_cut_of_every_command_is_answered(void **state)
{
	static const char *const lines[] = { "c west-east", "C set [a b]:t=\"v \\\" w\" force",
	    "D 3 99", "d 0123456789abcdef 12345678", "M passive", "t quick west" };

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		for (size_t n = 0; n <= strlen(lines[i]); n++)
			(void)parse_octets(lines[i], n);
}

/* ---- lines ---- */

static struct fifo_lines lines;

static void
expect(struct view *bytes, const char *want)
{
	struct view line;

	assert_int_equal(fifo_lines_next(&lines, bytes, &line), LINE_READY);
	assert_true(view_equal(line, view_str(want)));
}

static void
lines_come_whole_from_any_pieces(void **state)
{
	const char *all = "\n\r\nc a\r\nS\n\nlast";

	(void)state;
	for (size_t cut = 0; cut <= strlen(all); cut++) {
		struct view pieces[] = { view_of(all, cut),
		    view_of(all + cut, strlen(all) - cut) };
		unsigned n = 0;

		memset(&lines, 0, sizeof(lines));
		for (unsigned i = 0; i < 2; i++) {
			struct view line;

			while (fifo_lines_next(&lines, &pieces[i], &line) != LINE_NONE) {
				assert_true(view_equal(line, view_str(n == 0 ? "c a" : "S")));
				n++;
			}
		}
		assert_int_equal(n, 2);
		struct view end = view_str("\n");
		expect(&end, "last");
	}
}

static void
r29_a_line_that_was_carried_out_is_wiped(void **state)
{
	struct view bytes = view_str("C set [a]:Authentication=secret\n"), line;

	(void)state;
	memset(&lines, 0, sizeof(lines));
	assert_int_equal(fifo_lines_next(&lines, &bytes, &line), LINE_READY);
	assert_non_null(memmem(&lines, sizeof(lines), "secret", 6));
	assert_int_equal(fifo_lines_next(&lines, &bytes, &line), LINE_NONE);
	assert_null(memmem(&lines, sizeof(lines), "secret", 6));
}

static void
r19_a_line_that_is_too_long_is_dropped_once(void **state)
{
	static char big[FIFO_LINE_MAX + 2];
	struct view bytes, line;

	(void)state;
	memset(&lines, 0, sizeof(lines));
	memset(big, 'x', sizeof(big));
	big[FIFO_LINE_MAX] = '\n';
	bytes = view_of(big, FIFO_LINE_MAX + 1);
	assert_int_equal(fifo_lines_next(&lines, &bytes, &line), LINE_READY);
	assert_int_equal(line.n, FIFO_LINE_MAX);

	big[FIFO_LINE_MAX] = 'x';
	for (unsigned i = 0; i < 3; i++) {
		bytes = view_of(big, sizeof(big));
		assert_int_equal(fifo_lines_next(&lines, &bytes, &line),
		    i == 0 ? LINE_TOO_LONG : LINE_NONE);
		while (fifo_lines_next(&lines, &bytes, &line) != LINE_NONE)
			fail();
	}
	bytes = view_str("tail\nS\n");
	expect(&bytes, "S");
	assert_int_equal(fifo_lines_next(&lines, &bytes, &line), LINE_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_letters_are_commands),
		cmocka_unit_test(strangers_are_told_what_there_is),
		cmocka_unit_test(connections_are_named_by_one_word),
		cmocka_unit_test(teardown_takes_a_phase_or_none),
		cmocka_unit_test(debug_levels_have_classes_0_to_10),
		cmocka_unit_test(the_option_d_has_the_same_rules),
		cmocka_unit_test(one_sa_is_named_by_cookies_and_message_id),
		cmocka_unit_test(only_the_first_letters_of_a_mode_count),
		cmocka_unit_test(a_capture_is_switched_and_may_have_a_path),
		cmocka_unit_test(configuration_commands_are_positional),
		cmocka_unit_test(malformed_configuration_commands_tell_their_own_syntax),
		cmocka_unit_test(quoted_values_may_hold_blanks),
		cmocka_unit_test(r29_a_malformed_line_does_not_tell_a_key),
		cmocka_unit_test(r19_words_have_bounds_and_no_nul),
		cmocka_unit_test(r19_every_cut_of_every_command_is_answered),
		cmocka_unit_test(lines_come_whole_from_any_pieces),
		cmocka_unit_test(r29_a_line_that_was_carried_out_is_wiped),
		cmocka_unit_test(r19_a_line_that_is_too_long_is_dropped_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
