/*
 * Slips of the finger: a configuration with one changed character either
 * means what it meant before, or somebody is told.
 */
#include "unit/conf/meaning.h"

/* Values that mean themselves: another address, number or name is as good as the first. */
static bool
literal(const char *line)
{
	static const char *const tags[] = {
		"Retransmits", "DPD-check-interval", "Authentication=", "Name", "KEY_LENGTH",
		"LIFE_DURATION", "ReplayWindow", "Network", "Netmask", "Address", "Port",
	};

	for (size_t i = 0; i < COUNT(tags); i++)
		if (strncmp(line, tags[i], strlen(tags[i])) == 0)
			return true;
	return false;
}

enum slip { DROP, DOUBLE, SWAP, OTHER, BLANK, CASE, SLIPS };

/* The text with one slip at `at`; false if that changes nothing. */
static bool
slip(enum slip kind, size_t at, char *room)
{
	char c = full_sample[at], next = full_sample[at + 1];
	struct str s = str_of(room, TEXT_MAX);

	for (size_t i = 0; i < at; i++)
		str_char(&s, full_sample[i]);
	switch (kind) {
	case DROP:
		break;
	case DOUBLE:
		str_char(&s, c);
		str_char(&s, c);
		break;
	case SWAP:
		if (c == next || next == '\n')
			return false;
		str_char(&s, next);
		str_char(&s, c);
		at++;
		break;
	case OTHER:
		str_char(&s, isdigit((unsigned char)c) ? 'x' : c == 'q' ? 'w' : 'q');
		break;
	case BLANK:
		str_char(&s, c);
		str_char(&s, ' ');
		break;
	case CASE:
		if (!isalpha((unsigned char)c))
			return false;
		str_char(&s, (char)(c ^ 0x20));
		break;
	case SLIPS:
		return false;
	}
	str_add(&s, full_sample + at + 1);
	return true;
}

static void
no_slip_changes_the_meaning_in_silence(void **state)
{
	static char before[MEANING_MAX], after[MEANING_MAX], text[TEXT_MAX];
	struct str one = str_of(before, sizeof(before));
	struct loaded l = load(full_sample);
	const char *line = full_sample;
	unsigned tried = 0, silent = 0, wrong = 0;

	(void)state;
	print_problems(&l.problems);
	assert_non_null(l.snapshot);
	assert_int_equal(l.problems.n, 0);
	print_meaning(&one, l.snapshot);
	loaded_done(&l);
	for (size_t at = 0; full_sample[at] != '\0'; at++) {
		if (full_sample[at] == '\n') {
			line = full_sample + at + 1;
			continue;
		}
		/* Past the tag of a literal there is nothing to compare. */
		if (literal(line) && memchr(line, '=', (size_t)(full_sample + at - line)) != NULL)
			continue;
		for (enum slip kind = 0; kind < SLIPS; kind++) {
			struct str two = str_of(after, sizeof(after));

			if (!slip(kind, at, text))
				continue;
			tried++;
			l = load(text);
			if (l.problems.n == 0) {
				silent++;
				print_meaning(&two, l.snapshot);
				if (strcmp(before, after) != 0) {
					print_message("silent: slip %d at %zu: %.40s\n", kind, at,
					    full_sample + at);
					wrong++;
				}
			}
			loaded_done(&l);
		}
	}
	print_message("%u slips, %u without effect\n", tried, silent);
	assert_true(tried > 200);
	assert_int_equal(wrong, 0);
}

static void
a_line_that_is_lost_or_doubled_is_noticed(void **state)
{
	static char before[MEANING_MAX], after[MEANING_MAX], text[TEXT_MAX];
	/* Optional tags: without them the file means something else, and may. */
	static const char *const optional[] = {
		"Retransmits", "Delete-SAs", "Kernel-backend", "DPD-", "Default-phase-2-suites", "Default=",
		"Use-Keynote", "ID=", "Remote-ID", "Force-", "KEY_LENGTH", "Life=", "NAT-ID", "Flags",
		"ReplayWindow", "Protocol=", "Port", "Passive-connections", "Transforms",
		"AUTHENTICATION_ALGORITHM", "GROUP_DESCRIPTION", "Connections",
	};
	struct str one = str_of(before, sizeof(before));
	struct loaded l = load(full_sample);

	(void)state;
	print_meaning(&one, l.snapshot);
	loaded_done(&l);
	for (const char *line = full_sample; *line != '\0'; line = strchr(line, '\n') + 1) {
		size_t n = (size_t)(strchr(line, '\n') + 1 - line);

		for (int twice = 0; twice < 2; twice++) {
			struct str s = str_of(text, sizeof(text)), two = str_of(after, sizeof(after));
			bool may = false;

			for (const char *p = full_sample; p < line + (twice ? n : 0); p++)
				str_char(&s, *p);
			str_add(&s, twice ? line : line + n);
			l = load(text);
			for (size_t i = 0; i < COUNT(optional); i++)
				may |= !twice && strncmp(line, optional[i], strlen(optional[i])) == 0;
			if (l.problems.n == 0 && !may) {
				print_meaning(&two, l.snapshot);
				if (strcmp(before, after) != 0)
					fail_msg("%s in silence: %.*s", twice ? "doubled" : "lost", (int)n, line);
			}
			loaded_done(&l);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_slip_changes_the_meaning_in_silence),
		cmocka_unit_test(a_line_that_is_lost_or_doubled_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
