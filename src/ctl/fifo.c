#include "ctl/fifo.h"

#include <string.h>

#include "base/rd.h"
#include "base/secret.h"

/* What a handler says about its arguments. */
enum verdict { GOOD, MALFORMED, TOLD /* the error text is already written */ };

struct rule {
	const char	*word;		/* the letter, or C's verb */
	enum fifo_verb	 verb;
	enum verdict	 (*handle)(struct rd *, const struct rule *, struct fifo_command *,
			    struct str *error);
	const char	*complaint;	/* the first word of "... malformed" */
	const char	*syntax;
};

/* ---- words ---- */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

/* The next octet without consuming it; 0 at the end (lines hold no NUL). */
static uint8_t
peek(const struct rd *r)
{
	struct rd look = *r;

	return r->n == 0 ? 0 : rd_u8(&look);
}

/* At least one blank must stand here; skips all of them. */
static bool
blanks(struct rd *r)
{
	bool any = false;

	while (r->n > 0 && is_blank(peek(r))) {
		(void)rd_u8(r);
		any = true;
	}
	return any;
}

/* Octets up to a blank, `stop` or the end: 1 to cap - 1 of them. */
static bool
take_until(struct rd *r, uint8_t stop, bool blank_stops, char *ret, size_t cap)
{
	size_t n = 0;

	while (r->n > 0 && peek(r) != stop && !(blank_stops && is_blank(peek(r)))) {
		if (n + 1 >= cap)
			return false;
		ret[n++] = (char)rd_u8(r);
	}
	ret[n] = '\0';
	return n > 0;
}

static bool
word(struct rd *r, char *ret, size_t cap)
{
	return take_until(r, 0, true, ret, cap);
}

/* In double quotes; \" and \\ stand for the octet after the backslash. */
static bool
quoted(struct rd *r, char *ret, size_t cap)
{
	size_t n = 0;

	(void)rd_u8(r);
	while (r->n > 0) {
		uint8_t c = rd_u8(r);

		if (c == '"') {
			ret[n] = '\0';
			return n > 0 && (r->n == 0 || is_blank(peek(r)));
		}
		if (c == '\\') {
			c = rd_u8(r);
			if (c != '"' && c != '\\')
				return false;
		}
		if (n + 1 >= cap)
			return false;
		ret[n++] = (char)c;
	}
	return false;
}

static bool
literal(struct rd *r, const char *text)
{
	struct view want = view_str(text);

	return view_equal(rd_view(r, want.n), want);
}

/* A decimal number, perhaps negative, of at most nine digits. */
static bool
decimal(const char *text, int *ret)
{
	bool minus = *text == '-';
	int v = 0;
	size_t digits = 0;

	if (minus)
		text++;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || ++digits > 9)
			return false;
		v = v * 10 + (*text - '0');
	}
	*ret = minus ? -v : v;
	return digits > 0;
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)((at - digits) & 15);
}

/* Hex digits into n octets; fewer stand for leading zeros. */
static bool
hex(const char *text, uint8_t *ret, size_t n)
{
	size_t digits = strlen(text);

	if (digits == 0 || digits > 2 * n)
		return false;
	memset(ret, 0, n);
	for (size_t i = 0; i < digits; i++) {
		size_t place = digits - 1 - i;
		int v = hex_digit(text[i]);

		if (v < 0)
			return false;
		ret[n - 1 - place / 2] |= (uint8_t)(v << (place % 2 * 4));
	}
	return true;
}

/* ---- handlers, one per syntax ---- */

static enum verdict
just(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	(void)rule, (void)c, (void)error;
	/* What follows a blank was always ignored; a longer word is a mistake. */
	return r->n == 0 || is_blank(peek(r)) ? GOOD : MALFORMED;
}

/* S, S text, S json; any other word was always ignored. */
static enum verdict
table(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	char text[8];

	(void)rule, (void)error;
	if (r->n == 0)
		return GOOD;
	if (!blanks(r))
		return MALFORMED;
	if (!word(r, text, sizeof(text)))
		return GOOD;
	if (strcmp(text, "text") == 0)
		c->verb = FIFO_STATUS_TEXT;
	else if (strcmp(text, "json") == 0)
		c->verb = FIFO_STATUS_JSON;
	return GOOD;
}

static enum verdict
exactly(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	(void)rule, (void)c, (void)error;
	return r->n == 0 ? GOOD : MALFORMED;
}

static enum verdict
name_arg(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	(void)rule, (void)error;
	return blanks(r) && word(r, c->name, sizeof(c->name)) ? GOOD : MALFORMED;
}

static enum verdict
teardown(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	struct rd again;

	(void)rule, (void)error;
	c->phase = 2;
	if (!blanks(r) || !word(r, c->name, sizeof(c->name)))
		return MALFORMED;
	/* A connection may be called "main": then the word stands alone. */
	again = *r;
	if (blanks(&again) && again.n > 0) {
		if (strcmp(c->name, "main") == 0)
			c->phase = 1;
		else if (strcmp(c->name, "quick") != 0)
			return MALFORMED;
		return word(&again, c->name, sizeof(c->name)) ? GOOD : MALFORMED;
	}
	return GOOD;
}

static enum verdict
mode(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	char text[FIFO_WORD_MAX + 1];

	(void)rule, (void)error;
	if (!blanks(r) || !word(r, text, sizeof(text)))
		return MALFORMED;
	c->passive = strncmp(text, "passive", 7) == 0;
	return c->passive || strncmp(text, "active", 6) == 0 ? GOOD : MALFORMED;
}

/* p on, p on=path, p off, p failed */
static enum verdict
capture(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	char text[16];

	(void)rule, (void)error;
	if (!blanks(r) || !take_until(r, '=', true, text, sizeof(text)))
		return MALFORMED;
	if (peek(r) == '=') {
		(void)rd_u8(r);
		return strcmp(text, "on") == 0 && word(r, c->value, sizeof(c->value)) ?
		    GOOD : MALFORMED;
	}
	if (strcmp(text, "off") == 0)
		c->verb = FIFO_CAPTURE_OFF;
	else if (strcmp(text, "failed") == 0)
		c->verb = FIFO_CAPTURE_FAILED;
	else if (strcmp(text, "on") != 0)
		return MALFORMED;
	return GOOD;
}

static enum verdict
debug_level(const char *class, const char *level, struct fifo_command *c, struct str *error)
{
	if (!decimal(level, &c->level))
		return MALFORMED;
	if (strcmp(class, "A") == 0)
		c->verb = FIFO_DEBUG_ALL;
	else if (!decimal(class, &c->class))
		return MALFORMED;
	if (c->verb == FIFO_DEBUG && (c->class < 0 || c->class >= FIFO_CLASSES)) {
		str_addf(error, "log_debug_cmd: invalid debugging class %d; expected 0 to %d",
		    c->class, FIFO_CLASSES - 1);
		return TOLD;
	}
	if (c->level < 0) {
		str_addf(error, "log_debug_cmd: invalid debugging level %d for class %s",
		    c->level, class);
		return TOLD;
	}
	return GOOD;
}

static enum verdict
debug(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	char class[16], level[16];

	(void)rule;
	if (!blanks(r) || !word(r, class, sizeof(class)))
		return MALFORMED;
	if (strcmp(class, "T") == 0) {
		c->verb = FIFO_DEBUG_TOGGLE;
		return GOOD;
	}
	if (!blanks(r) || !word(r, level, sizeof(level)))
		return MALFORMED;
	return debug_level(class, level, c, error);
}

static enum verdict
delete(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	char cookies[FIFO_WORD_MAX + 1], id[FIFO_WORD_MAX + 1];
	uint8_t octets[4] = { 0 };

	(void)rule;
	if (!blanks(r) || !word(r, cookies, sizeof(cookies)) ||
	    !blanks(r) || !word(r, id, sizeof(id)))
		return MALFORMED;
	c->isakmp = strcmp(id, "-") == 0;
	if (!hex(cookies, c->cookies, sizeof(c->cookies)) ||
	    (!c->isakmp && !hex(id, octets, sizeof(octets)))) {
		str_add(error, "ui_delete: command \"d ");
		str_escaped(error, view_str(cookies));
		str_char(error, ' ');
		str_escaped(error, view_str(id));
		str_add(error, "\" has bad arguments; expected up to 32 hex digits of cookies, "
		    "then up to 8 of a message ID or -");
		return TOLD;
	}
	struct rd number = rd_of(view_of(octets, sizeof(octets)));
	c->message_id = rd_u32(&number);
	return GOOD;
}

static bool
section(struct rd *r, struct fifo_command *c)
{
	return literal(r, "[") &&
	    take_until(r, ']', false, c->section, sizeof(c->section)) && literal(r, "]");
}

static enum verdict
conf_section(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	(void)rule, (void)error;
	return section(r, c) && (r->n == 0 || is_blank(peek(r))) ? GOOD : MALFORMED;
}

static enum verdict
conf_tag(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	(void)rule, (void)error;
	return section(r, c) && literal(r, ":") && word(r, c->tag, sizeof(c->tag)) ?
	    GOOD : MALFORMED;
}

static enum verdict
conf_value(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	(void)error;
	if (!section(r, c) || !literal(r, ":") ||
	    !take_until(r, '=', false, c->tag, sizeof(c->tag)) || !literal(r, "="))
		return MALFORMED;
	if (!(peek(r) == '"' ? quoted(r, c->value, sizeof(c->value)) :
	    word(r, c->value, sizeof(c->value))))
		return MALFORMED;
	/* Any fourth word means force. */
	c->force = rule->verb == FIFO_SET && blanks(r) && r->n > 0;
	return GOOD;
}

#define VALUE_SYNTAX " [section]:tag=value, the value one word or in double quotes"

static const struct rule conf_rules[] = {
	{ "set", FIFO_SET, conf_value, "ui_config",
	  "C set" VALUE_SYNTAX ", then perhaps force" },
	{ "add", FIFO_ADD, conf_value, "ui_config", "C add" VALUE_SYNTAX },
	{ "rmv", FIFO_RMV, conf_value, "ui_config", "C rmv" VALUE_SYNTAX },
	{ "rm", FIFO_RM, conf_tag, "ui_config", "C rm [section]:tag" },
	{ "rms", FIFO_RMS, conf_section, "ui_config", "C rms [section]" },
	{ "get", FIFO_GET, conf_tag, "ui_config", "C get [section]:tag" },
};

static const struct rule *
rule_find(const struct rule *rules, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rules[i].word, text) == 0)
			return &rules[i];
	return NULL;
}

/*
 * The quoted line.  What follows the first `=` of a C command may be a key
 * (security R29), and so may all of it when even the `=` is missing.
 */
static void
complain(struct str *error, const struct rule *rule, struct view line)
{
	char room[FIFO_WORD_MAX];
	struct str shown = str_of(room, sizeof(room));
	bool conf = line.n > 0 && line.p[0] == 'C';
	const uint8_t *equals = line.n == 0 ? NULL : memchr(line.p, '=', line.n);
	size_t n = line.n;

	if (conf && equals != NULL)
		n = (size_t)(equals - line.p) + 1;
	else if (conf && n > 6)
		n = 6;		/* "C set " */
	str_escaped(&shown, view_of(line.p, n));
	str_addf(error, "%s: command \"%s%s\" malformed; expected: %s", rule->complaint, room,
	    shown.cut || n < line.n ? "..." : "", rule->syntax);
}

static enum verdict
conf(struct rd *r, const struct rule *rule, struct fifo_command *c, struct str *error)
{
	char verb[8];

	(void)rule, (void)error;
	if (!blanks(r) || !word(r, verb, sizeof(verb)) || !blanks(r))
		return MALFORMED;
	const struct rule *found = rule_find(conf_rules, COUNT(conf_rules), verb);
	if (found == NULL)
		return MALFORMED;
	c->verb = found->verb;
	return found->handle(r, found, c, error);
}

static const struct rule rules[] = {
	{ "C", FIFO_SET, conf, "ui_config",
	  "C set|add|rmv [section]:tag=value, C rm|get [section]:tag, or C rms [section]" },
	{ "c", FIFO_CONNECT, name_arg, "ui_connect", "c connection" },
	{ "D", FIFO_DEBUG, debug, "ui_debug", "D class level, D A level, or D T" },
	{ "d", FIFO_DELETE, delete, "ui_delete", "d cookies message-ID, or d cookies -" },
	{ "M", FIFO_MODE, mode, "ui_mode", "M active, or M passive" },
	{ "p", FIFO_CAPTURE, capture, "ui_packetlog", "p on, p on=path, p off, or p failed" },
	{ "Q", FIFO_QUIT, exactly, "ui_shutdown_daemon", "Q and nothing else" },
	{ "R", FIFO_REINIT, just, "ui_reinit", "R" },
	{ "r", FIFO_REPORT, just, "ui_report", "r" },
	{ "S", FIFO_TABLE, table, "ui_report_sa", "S, S text, or S json" },
	{ "T", FIFO_TEARDOWN_ALL, just, "ui_teardown_all", "T" },
	{ "t", FIFO_TEARDOWN, teardown, "ui_teardown", "t [main|quick] connection-or-address" },
};

/* The rule whose syntax a malformed line should have followed. */
static const struct rule *
nearest(const struct rule *rule, struct view line)
{
	struct rd r = rd_of(line);
	char verb[8];

	if (rule->handle != conf)
		return rule;
	(void)rd_u8(&r);
	(void)blanks(&r);
	if (!word(&r, verb, sizeof(verb)))
		return rule;
	const struct rule *found = rule_find(conf_rules, COUNT(conf_rules), verb);
	return found == NULL ? rule : found;
}

bool
fifo_parse(struct view line, struct fifo_command *ret, struct str *error)
{
	struct rd r = rd_of(line);
	char letter[2] = { (char)rd_u8(&r), '\0' };
	const struct rule *rule = letter[0] == '\0' ? NULL :
	    rule_find(rules, COUNT(rules), letter);

	if (rule == NULL) {
		str_add(error, "ui_handle_messages: unrecognized command: '");
		str_escaped(error, view_of(line.p, line.n > 0 ? 1 : 0));
		str_add(error, "'; expected one of C c D d M p Q R r S T t");
		return false;
	}
	memset(ret, 0, sizeof(*ret));
	ret->verb = rule->verb;
	/* A NUL would end a C string early and so change what was said. */
	enum verdict verdict = memchr(line.p, '\0', line.n) != NULL ? MALFORMED :
	    rule->handle(&r, rule, ret, error);
	if (verdict == GOOD)
		return true;
	if (verdict == MALFORMED)
		complain(error, nearest(rule, line), line);
	wipe(ret, sizeof(*ret));
	return false;
}

bool
fifo_debug_option(const char *arg, struct fifo_command *ret, struct str *error)
{
	struct rd r = rd_of(view_str(arg));
	char class[16], level[16];
	enum verdict verdict = MALFORMED;

	memset(ret, 0, sizeof(*ret));
	ret->verb = FIFO_DEBUG;
	if (take_until(&r, '=', true, class, sizeof(class)) && literal(&r, "=") &&
	    word(&r, level, sizeof(level)) && r.n == 0)
		verdict = debug_level(class, level, ret, error);
	if (verdict == MALFORMED) {
		str_add(error, "parse_args: -D argument unparseable: ");
		str_escaped(error, view_str(arg));
	}
	return verdict == GOOD;
}

/* ---- lines ---- */

/* Takes the finished line out of the room; false if there is nothing in it. */
static bool
line_finish(struct fifo_lines *l, struct view *ret)
{
	size_t n = l->n;

	l->taken = true;
	if (n > 0 && l->room[n - 1] == '\r')
		n--;
	*ret = view_of(l->room, n);
	return n > 0;
}

static void
line_drop(struct fifo_lines *l)
{
	if (!l->taken)
		return;
	wipe(l->room, l->n);
	l->n = 0;
	l->taken = false;
}

enum fifo_line
fifo_lines_next(struct fifo_lines *l, struct view *bytes, struct view *ret)
{
	struct rd r = rd_of(*bytes);
	enum fifo_line got = LINE_NONE;

	/* At once, not when the next one comes: it may hold a key (security R29). */
	line_drop(l);
	while (r.n > 0 && got == LINE_NONE) {
		line_drop(l);
		char c = (char)rd_u8(&r);
		if (c == '\n') {
			if (l->dropping)
				l->dropping = false;
			else if (line_finish(l, ret))
				got = LINE_READY;
		} else if (!l->dropping && l->n == sizeof(l->room)) {
			l->dropping = l->taken = true;
			got = LINE_TOO_LONG;
		} else if (!l->dropping) {
			l->room[l->n++] = c;
		}
	}
	*bytes = rd_rest(&r);
	return got;
}
