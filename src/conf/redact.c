#include "conf/redact.h"

#include "base/str.h"
#include "conf/edit.h"
#include "conf/lex.h"
#include "conf/store.h"

static void
hide(struct view file, size_t from, size_t to, uint8_t *ret)
{
	for (size_t i = from; i < to; i++)
		if (ret[i] != '\0' && ret[i] != '\n' && lex_octet(file, i) == file.p[i])
			ret[i] = 'x';
}

/* As hide, but blanks stay, so that an empty part stays empty. */
static void
hide_words(struct view file, size_t from, size_t to, uint8_t *ret)
{
	for (size_t i = from; i < to; i++)
		if (!lex_space(file.p[i]))
			hide(file, i, i + 1, ret);
}

/* Secret tags, and what is meant to be one: Authentification, PSK. */
static bool
looks_secret(const char *word)
{
	static const char *const open[] = {
		"AUTHENTICATION_METHOD", "AUTHENTICATION_ALGORITHM",
	};

	for (size_t i = 0; i < COUNT(open); i++)
		if (text_same(word, open[i]))
			return false;
	return store_tag_is_secret(word) || text_same_n(word, "auth", 4) ||
	    text_same_n(word, "psk", 3) || text_same_n(word, "pre-shared", 10) ||
	    text_same_n(word, "secret", 6) || text_same_n(word, "passw", 5) ||
	    edit_distance(view_str(word), view_str("Authentication"), 4) < 4 ||
	    edit_distance(view_str(word), view_str("PKAuthentication"), 4) < 4 ||
	    edit_distance(view_str(word), view_str("Credentials"), 4) < 4;
}

static bool
piece_looks_secret(struct view file, struct piece p)
{
	char word[32];

	for (size_t at = 0; at < p.n;) {
		size_t n = 0;

		while (at < p.n && lex_blank(lex_octet(file, p.at + at)))
			at++;
		for (; at < p.n && !lex_blank(lex_octet(file, p.at + at)); at++)
			if (n < sizeof(word) - 1)
				word[n++] = (char)file.p[p.at + at];
		word[n] = '\0';
		if (n > 0 && looks_secret(word))
			return true;
	}
	return false;
}

/* All but the first octet that is not blank, which says what the line is. */
static void
hide_after_mark(struct view file, struct piece p, uint8_t *ret)
{
	size_t at = p.at, end = p.at + p.n;

	while (at < end && lex_space(lex_octet(file, at)))
		at++;
	if (at < end)
		hide_words(file, at + 1, end, ret);
}

/* One word, as names are.  With its bracket it would be told as well. */
static bool
is_plain_name(struct view file, struct piece p)
{
	size_t n = 0;

	for (size_t at = 0; at < p.n; at++) {
		uint8_t c = lex_octet(file, p.at + at);

		if (lex_space(c) && n > 0)
			return at + 1 == p.n;
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    c == '-' || c == '_' || c == '.'))
			return false;
		n++;
	}
	return n > 0 && n <= 64;
}

static void
hide_line(struct view file, const struct lex_line *l, uint8_t *ret)
{
	size_t end = l->all.at + l->all.n;

	switch (l->kind) {
	case LINE_BLANK:
		break;
	case LINE_COMMENT:
	case LINE_LATE_COMMENT:
		hide_after_mark(file, l->all, ret);
		break;
	case LINE_HEADER_OPEN:
		if (!is_plain_name(file, l->name))
			hide_after_mark(file, l->all, ret);
		break;
	case LINE_HEADER:
		if (l->rest.n > 0) {
			uint8_t mark = file.p[l->rest.at];

			hide_words(file, l->rest.at, end, ret);
			if (mark == '#' || mark == ';')
				ret[l->rest.at] = mark;
		}
		break;
	case LINE_ASSIGNMENT:
		if (piece_looks_secret(file, l->tag) || piece_looks_secret(file, l->dropped))
			hide(file, l->value.at, l->value.at + l->value.n, ret);
		break;
	case LINE_NO_TAG:
		hide(file, l->value.at, l->value.at + l->value.n, ret);
		break;
	case LINE_NUL:
	case LINE_OTHER:
		hide_words(file, l->all.at, end, ret);
		break;
	}
}

void
redact_text(struct view file, uint8_t *ret)
{
	struct lex lex = { .text = file };
	struct lex_line line;

	if (file.n > 0)
		memcpy(ret, file.p, file.n);
	while (lex_next(&lex, &line))
		hide_line(file, &line, ret);
}

/* ---- pre-shared keys ---- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static enum psk_fault
psk_hex(const char *digits, struct secret *ret)
{
	size_t n = strlen(digits);
	size_t half = n % 2;		/* an odd count: the first digit stands alone */

	if (n == 0)
		return PSK_EMPTY;
	if ((n + 1) / 2 > SECRET_MAX)
		return PSK_TOO_LONG;
	for (size_t i = 0; i < n; i++)
		if (hex_digit(digits[i]) < 0)
			return PSK_NOT_HEX;
	if (!secret_room(ret, (n + 1) / 2))
		return PSK_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		uint8_t *octet = &ret->p[(i + half) / 2];

		*octet = (uint8_t)(*octet << 4 | hex_digit(digits[i]));
	}
	return PSK_OK;
}

enum psk_fault
psk_octets(const char *value, struct secret *ret)
{
	struct view v = view_str(value);

	if (v.n >= 2 && v.p[0] == '0' && (v.p[1] == 'x' || v.p[1] == 'X'))
		return psk_hex(value + 2, ret);
	if (v.n == 0)
		return PSK_EMPTY;
	if (v.n > SECRET_MAX)
		return PSK_TOO_LONG;
	return secret_set(ret, v) ? PSK_OK : PSK_NO_MEMORY;
}

const char *
psk_fault_text(enum psk_fault fault)
{
	switch (fault) {
	case PSK_OK:
		return "ok";
	case PSK_EMPTY:
		return "the key is empty";
	case PSK_NOT_HEX:
		return "the key begins with 0x but is not hexadecimal";
	case PSK_TOO_LONG:
		return "the key is too long";
	case PSK_NO_MEMORY:
		break;
	}
	return "out of memory";
}

/* Classes of characters in use, times octets, less repetition: deliberately simple. */
unsigned
psk_bits(struct view v)
{
	bool seen[256] = { false };
	unsigned different = 0, alphabet = 0, bits = 0;
	bool lower = false, upper = false, digit = false, other = false, binary = false;

	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		different += !seen[c];
		seen[c] = true;
		lower |= c >= 'a' && c <= 'z';
		upper |= c >= 'A' && c <= 'Z';
		digit |= c >= '0' && c <= '9';
		binary |= c < 0x20 || c >= 0x7f;
		other |= c >= 0x20 && c < 0x7f && !((c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'));
	}
	alphabet = binary ? 256 : (lower ? 26u : 0) + (upper ? 26u : 0) + (digit ? 10u : 0) +
	    (other ? 33u : 0);
	while (alphabet > 1u << bits)
		bits++;
	/* Each octet counts, but no key has more than a few times its different octets. */
	size_t counted = v.n < 3 * (size_t)different ? v.n : 3 * (size_t)different;
	return (unsigned)counted * bits;
}
