#include "conf/store.h"

#include <stdlib.h>

#include "base/secret.h"
#include "conf/lex.h"
#include "conf/names.h"
#include "conf/table.h"

enum {
	LINES_MAX = 2 * 1000 * 1000,
	FEW = 8			/* tags of a section found without a table */
};

struct binding {
	struct section	*section;
	struct binding	*prev, *next;
	char		*tag, *value;	/* one allocation with the binding's own */
	size_t		 tag_n;
	size_t		 octets;
	size_t		 tag_at, value_at;	/* in the file; SIZE_MAX: not from there */
	struct problem_place tag_place, value_place;	/* the same as lines; 0: not from there */
	bool		 built_in;
};

struct section {
	struct section	*prev, *next;
	struct binding	*first, *last;
	struct table	 tags;		/* of size 0 until there are more than FEW */
	size_t		 n;		/* bindings in the list */
	size_t		 refs;		/* bindings in the list and in the journal */
	uint32_t	 line;		/* first header in the file; 0: none */
	bool		 sealed;	/* its built-in values were made bindings */
	bool		 plain;		/* no built-in section has its name */
	size_t		 name_n;
	bool		 open;		/* a header of this name lacked its bracket */
	char		 name[];
};

/* The section that was found last: of most, all tags are asked for in a row. */
struct recent { struct section *section; };

/* One step of a transaction, undone backwards. */
struct step {
	enum step_kind { STEP_ADDED, STEP_REMOVED, STEP_SEALED } kind;
	struct binding	*binding;
	struct section	*section;	/* SEALED */
};

struct store {
	struct table		 sections;
	struct recent		*recent;	/* changes also while nothing else may */
	struct section		*first, *last;
	size_t			 n, octets;
	uint32_t		*lines;		/* offset of each physical line */
	size_t			 n_lines;
	struct names_defaults	 defaults;
	char			*default_texts[3];
	bool			 open;
	struct step		*steps;
	size_t			 n_steps, cap_steps;
};

/* ---- sections and bindings ---- */

static struct section *
section_find(const struct store *st, struct view name)
{
	struct section *s = st->recent->section;

	if (s != NULL && view_equal(view_of(s->name, s->name_n), name))
		return s;
	s = table_get(&st->sections, name);
	if (s != NULL)
		st->recent->section = s;
	return s;
}

static struct section *
section_make(struct store *st, struct view name)
{
	struct section *s = section_find(st, name);
	struct names_section made;

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s) + name.n + 1);
	if (s == NULL)
		return NULL;
	if (name.n > 0)
		memcpy(s->name, name.p, name.n);
	s->name_n = name.n;
	s->plain = !names_section(&st->defaults, s->name, &made);
	if (!table_put(&st->sections, s->name, s)) {
		free(s);
		return NULL;
	}
	s->prev = st->last;
	*(st->last == NULL ? &st->first : &st->last->next) = s;
	st->last = s;
	return s;
}

static void
section_free(struct store *st, struct section *s)
{
	if (st->recent->section == s)
		st->recent->section = NULL;
	table_remove(&st->sections, s->name);
	*(s->prev == NULL ? &st->first : &s->prev->next) = s->next;
	*(s->next == NULL ? &st->last : &s->next->prev) = s->prev;
	table_done(&s->tags);
	free(s);
}

/* Sections that the file names, and those that hide built-in values, stay. */
static void
section_release(struct store *st, struct section *s)
{
	if (s->refs == 0 && s->line == 0 && !s->sealed)
		section_free(st, s);
}

static struct binding *
binding_find(const struct section *s, struct view tag)
{
	if (s == NULL)
		return NULL;
	if (s->tags.size > 0)
		return table_get(&s->tags, tag);
	for (struct binding *b = s->first; b != NULL; b = b->next)
		if (b->tag_n == tag.n && text_same_n(b->tag, (const char *)tag.p, tag.n))
			return b;
	return NULL;
}

static struct binding *
binding_new(struct view tag, struct view value)
{
	size_t octets = tag.n + 1 + value.n + 1;
	struct binding *b = calloc(1, sizeof(*b) + octets);

	if (b == NULL)
		return NULL;
	b->octets = octets;
	b->tag = (char *)(b + 1);
	b->tag_n = tag.n;
	b->value = b->tag + tag.n + 1;
	b->tag_at = b->value_at = SIZE_MAX;
	if (tag.n > 0)
		memcpy(b->tag, tag.p, tag.n);
	if (value.n > 0)
		memcpy(b->value, value.p, value.n);
	return b;
}

static void
binding_free(struct binding *b)
{
	if (b == NULL)
		return;
	wipe(b->tag, b->octets);
	free(b);
}

static bool
index_tag(struct section *s, struct binding *b)
{
	if (s->tags.size > 0)
		return table_put(&s->tags, b->tag, b);
	if (s->n < FEW)
		return true;
	for (struct binding *old = s->first; old != NULL; old = old->next)
		if (!table_put(&s->tags, old->tag, old)) {
			table_done(&s->tags);
			return false;
		}
	if (!table_put(&s->tags, b->tag, b)) {
		table_done(&s->tags);
		return false;
	}
	return true;
}

/* Back where it was: between its own prev and next. */
static void
link_back(struct store *st, struct binding *b)
{
	struct section *s = b->section;

	*(b->prev == NULL ? &s->first : &b->prev->next) = b;
	*(b->next == NULL ? &s->last : &b->next->prev) = b;
	s->n++;
	st->n++;
	st->octets += b->octets;
}

static bool
link_last(struct store *st, struct section *s, struct binding *b)
{
	if (!index_tag(s, b))
		return false;
	b->section = s;
	b->prev = s->last;
	b->next = NULL;
	link_back(st, b);
	s->refs++;
	return true;
}

static void
unlink_binding(struct store *st, struct binding *b)
{
	struct section *s = b->section;

	table_remove(&s->tags, b->tag);
	*(b->prev == NULL ? &s->first : &b->prev->next) = b->next;
	*(b->next == NULL ? &s->last : &b->next->prev) = b->prev;
	s->n--;
	st->n--;
	st->octets -= b->octets;
}

static bool
fits(const struct store *st, size_t octets)
{
	return st->n < STORE_BINDINGS_MAX && octets <= STORE_TEXT_MAX &&
	    st->octets <= STORE_TEXT_MAX - octets;
}

/* ---- life ---- */

struct store *
store_new(void)
{
	struct store *st = calloc(1, sizeof(*st));

	if (st != NULL && (st->recent = calloc(1, sizeof(*st->recent))) == NULL) {
		free(st);
		st = NULL;
	}
	return st;
}

static void
section_free_all(struct section *s)
{
	struct binding *next;

	for (struct binding *b = s->first; b != NULL; b = next) {
		next = b->next;
		binding_free(b);
	}
	table_done(&s->tags);
	free(s);
}

void
store_free(struct store *st)
{
	struct section *next;

	if (st == NULL)
		return;
	store_abort(st);
	for (struct section *s = st->first; s != NULL; s = next) {
		next = s->next;
		section_free_all(s);
	}
	for (size_t i = 0; i < COUNT(st->default_texts); i++)
		free(st->default_texts[i]);
	table_done(&st->sections);
	free(st->recent);
	free(st->lines);
	free(st->steps);
	free(st);
}

/* ---- reading a file ---- */

struct load {
	struct store	*st;
	struct view	 text;
	struct problems	*out;
	struct section	*section;
	bool		 skip;		/* after a header without "]" */
	bool		 failed;	/* no memory, or a limit */
};

static struct problem_place
place_of(const struct store *st, size_t at)
{
	size_t low = 0, high = st->n_lines;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (st->lines[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	if (st->n_lines == 0)
		return (struct problem_place){ 0, 0 };
	return (struct problem_place){ (uint32_t)low + 1, (uint32_t)(at - st->lines[low]) + 1 };
}

static bool
find_lines(struct store *st, struct view text)
{
	const uint8_t *p, *end = text.p + text.n;
	size_t n = 1;

	for (p = text.p; text.n > 0 && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		n++;
	if (n > LINES_MAX)
		return false;
	st->lines = malloc(n * sizeof(*st->lines));
	if (st->lines == NULL)
		return false;
	st->lines[st->n_lines++] = 0;
	for (p = text.p; text.n > 0 && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		st->lines[st->n_lines++] = (uint32_t)(p - text.p) + 1;
	return true;
}

/* As place_of, for what lies in this line: nearly all are of one physical line. */
static struct problem_place
place_in(const struct store *st, const struct lex_line *line, size_t at)
{
	if (line->first != line->last)
		return place_of(st, at);
	return (struct problem_place){ line->first,
	    (uint32_t)(at - st->lines[line->first - 1]) + 1 };
}

/* A piece of the text as the grammar sees it. */
static void
copy_octets(struct view text, const struct lex_line *line, struct piece p, char *ret)
{
	if (line->first == line->last && p.n > 0)
		memcpy(ret, text.p + p.at, p.n);
	for (size_t i = 0; line->first != line->last && i < p.n; i++)
		ret[i] = (char)lex_octet(text, p.at + i);
}

/* False if it does not fit. */
static bool
copy_piece(struct view text, const struct lex_line *line, struct piece p, char *room, size_t cap)
{
	if (p.n >= cap)
		return false;
	copy_octets(text, line, p, room);
	room[p.n] = '\0';
	return true;
}

static void
load_header(struct load *l, const struct lex_line *line)
{
	char name[STORE_NAME_MAX + 1];

	l->skip = false;
	if (!copy_piece(l->text, line, line->name, name, sizeof(name))) {
		problem_add(l->out, PROBLEM_ERROR, place_of(l->st, line->name.at), "",
		    "section name longer than %d characters", STORE_NAME_MAX);
		l->section = NULL;
		l->skip = true;
		return;
	}
	l->section = section_make(l->st, view_str(name));
	if (l->section == NULL) {
		l->failed = true;
		return;
	}
	if (l->section->line == 0)
		l->section->line = place_in(l->st, line, line->all.at).line;
	if (line->name.n > 0 && (lex_blank((uint8_t)name[0]) ||
	    lex_blank((uint8_t)name[line->name.n - 1])))
		problem_add(l->out, PROBLEM_WARNING, place_of(l->st, line->name.at),
		    "write the name close to the brackets",
		    "the section name begins or ends with a blank, which belongs to it");
	if (line->rest.n > 0 && l->text.p[line->rest.at] != '#' && l->text.p[line->rest.at] != ';') {
		STR(shown, 120);

		str_escaped(&shown, view_str(name));
		problem_add(l->out, PROBLEM_WARNING, place_of(l->st, line->rest.at),
		    "put it on a line of its own", "[%s]: text after \"]\" is ignored", shown.p);
	}
}

static void
load_open_header(struct load *l, const struct lex_line *line)
{
	char name[STORE_NAME_MAX + 1];
	size_t n = line->name.n;
	struct view shown = view_of(l->text.p + line->all.at, line->all.n < 80 ? line->all.n : 80);
	STR(text, 400);

	str_escaped(&text, shown);
	problem_add(l->out, PROBLEM_ERROR, place_of(l->st, line->all.at), "add \"]\"",
	    "conf_parse_line: %u:unmatched ']', ignoring until next section: %s",
	    (unsigned)line->last, text.p);
	l->section = NULL;
	l->skip = true;
	/* Who refers to it need not be told that it is missing. */
	struct piece written = line->name;
	while (n > 0 && lex_space(lex_octet(l->text, written.at + n - 1)))
		n--;
	written.n = n;
	if (!copy_piece(l->text, line, written, name, sizeof(name)))
		return;
	struct section *s = section_make(l->st, view_str(name));
	if (s != NULL)
		s->open = true;
}

static void
report_duplicate(struct load *l, const struct lex_line *line, const struct binding *old)
{
	STR(s, 200);
	STR(advice, 80);

	str_escaped(&s, view_str(l->section->name));
	str_add(&s, "]:");
	str_escaped(&s, view_str(old->tag));
	str_addf(&advice, "the first one, in line %u, counts",
	    (unsigned)place_of(l->st, old->tag_at).line);
	problem_add(l->out, PROBLEM_WARNING, place_of(l->st, line->tag.at), advice.p,
	    "conf_set_now: duplicate tag [%s, ignoring...", s.p);
}

static void
load_binding(struct load *l, const struct lex_line *line, const char *tag)
{
	struct binding *b = binding_find(l->section, view_str(tag));

	if (b != NULL) {
		report_duplicate(l, line, b);
		return;
	}
	if (!fits(l->st, line->tag.n + line->value.n + 2)) {
		l->failed = true;
		return;
	}
	b = binding_new(view_str(tag), view_of(l->text.p + line->value.at, line->value.n));
	if (b == NULL) {
		l->failed = true;
		return;
	}
	copy_octets(l->text, line, line->value, b->value);
	b->tag_at = line->tag.at;
	b->value_at = line->value.at;
	b->tag_place = place_in(l->st, line, b->tag_at);
	b->value_place = place_in(l->st, line, b->value_at);
	if (!link_last(l->st, l->section, b)) {
		binding_free(b);
		l->failed = true;
	}
}

/* What is read as the grammar says, and was probably meant otherwise. */
static void
odd_assignment(struct load *l, const struct lex_line *line, const char *tag)
{
	STR(shown, 120);

	if (line->dropped.n == 0 && !line->late_backslash &&
	    (line->value.n == 0 || l->text.p[line->value.at] != '='))
		return;
	str_escaped(&shown, view_str(tag));
	if (line->dropped.n > 0)
		problem_add(l->out, PROBLEM_WARNING, place_of(l->st, line->dropped.at),
		    "tags have no blanks", "text between tag \"%s\" and \"=\" is ignored", shown.p);
	if (line->value.n > 0 && l->text.p[line->value.at] == '=')
		problem_add(l->out, PROBLEM_WARNING, place_of(l->st, line->value.at),
		    "one \"=\" is enough", "the value of \"%s\" begins with \"=\"", shown.p);
	if (line->late_backslash)
		problem_add(l->out, PROBLEM_WARNING, place_of(l->st, line->value.at),
		    "a backslash continues a line only as its very last character",
		    "the line of \"%s\" is not continued", shown.p);
}

static void
load_assignment(struct load *l, const struct lex_line *line)
{
	char tag[STORE_NAME_MAX + 1];

	if (l->section == NULL) {
		if (!l->skip)
			problem_add(l->out, PROBLEM_ERROR, place_of(l->st, line->all.at),
			    "begin with a section header such as [General]",
			    "conf_parse_line: %u: ignoring line due to no section",
			    (unsigned)line->last);
		return;
	}
	if (!copy_piece(l->text, line, line->tag, tag, sizeof(tag))) {
		problem_add(l->out, PROBLEM_ERROR, place_of(l->st, line->tag.at), "",
		    "tag longer than %d characters", STORE_NAME_MAX);
		return;
	}
	odd_assignment(l, line, tag);
	load_binding(l, line, tag);
}

static void
load_line(struct load *l, const struct lex_line *line)
{
	struct problem_place at = place_in(l->st, line, line->all.at);

	switch (line->kind) {
	case LINE_BLANK:
	case LINE_COMMENT:
		return;
	case LINE_LATE_COMMENT:
		problem_add(l->out, PROBLEM_WARNING, at, "a comment begins in the first column",
		    "conf_parse_line: %u: syntax error", (unsigned)line->last);
		return;
	case LINE_HEADER:
		load_header(l, line);
		return;
	case LINE_HEADER_OPEN:
		load_open_header(l, line);
		return;
	case LINE_ASSIGNMENT:
		load_assignment(l, line);
		return;
	case LINE_NO_TAG:
		problem_add(l->out, PROBLEM_ERROR, at, "write Tag=value",
		    "conf_parse_line: %u: syntax error, no tag before \"=\"",
		    (unsigned)line->last);
		return;
	case LINE_NUL:
		problem_add(l->out, PROBLEM_ERROR, at, "is it UTF-16? save the file as plain text",
		    "conf_parse_line: %u: syntax error, NUL character", (unsigned)line->last);
		return;
	case LINE_OTHER:
		problem_add(l->out, PROBLEM_ERROR, at, "expected [section], Tag=value or # comment",
		    "conf_parse_line: %u: syntax error", (unsigned)line->last);
		return;
	}
}

/* The lifetimes and ID that built-in sections copy are read at load time only (4.1). */
static bool
keep_defaults(struct store *st)
{
	static const char *const tags[] = {
		"Default-phase-1-lifetime", "Default-phase-2-lifetime", "Default-phase-1-ID",
	};
	const struct section *general = section_find(st, view_str("General"));

	for (size_t i = 0; i < COUNT(tags); i++) {
		const struct binding *b = binding_find(general, view_str(tags[i]));

		if (b != NULL && (st->default_texts[i] = strdup(b->value)) == NULL)
			return false;
	}
	st->defaults = (struct names_defaults){ st->default_texts[0],
	    st->default_texts[1], st->default_texts[2] };
	return true;
}

/* Lines that end with CR alone are one long line: nothing of the file would count. */
static void
check_returns(const struct load *l)
{
	const struct view t = l->text;
	size_t at = 0;

	for (const uint8_t *p; at < t.n && (p = memchr(t.p + at, '\r', t.n - at)) != NULL;) {
		size_t cr = (size_t)(p - t.p);

		for (at = cr; at < t.n && t.p[at] != '\n' && lex_space(t.p[at]);)
			at++;
		if (at == t.n || t.p[at] == '\n')
			continue;
		problem_add(l->out, PROBLEM_ERROR, place_of(l->st, cr),
		    "save the file with lines that end with LF or CR LF",
		    "a carriage return in the middle of a line");
		return;
	}
}

/* Where a comment behind a value would begin, with the blanks before it; or its end. */
static size_t
comment_in(const struct load *l, const struct binding *b)
{
	size_t n = strlen(b->value);

	if (memchr(b->value, '#', n) == NULL && memchr(b->value, ';', n) == NULL)
		return n;
	for (size_t i = 0; i < n; i++) {
		bool blank = i > 0 ? lex_blank((uint8_t)b->value[i - 1]) :
		    b->value_at > 0 && lex_blank(l->text.p[b->value_at - 1]);

		if ((b->value[i] != '#' && b->value[i] != ';') || !blank)
			continue;
		while (i > 0 && lex_blank((uint8_t)b->value[i - 1]))
			i--;
		return i;
	}
	return n;
}

/*
 * Behind a value there is no comment, for a key may hold " #" (2): it is said,
 * or cut off where [General]:Trailing-comments says so.
 */
static void
trailing_comments(const struct load *l)
{
	const struct binding *wish = binding_find(section_find(l->st, view_str("General")),
	    view_str("Trailing-comments"));
	bool cut = wish != NULL && text_same_n(wish->value, "yes", 3);

	for (struct section *s = l->st->first; s != NULL; s = s->next)
		for (struct binding *b = s->first; b != NULL; b = b->next) {
			size_t at = comment_in(l, b), n = strlen(b->value);

			if (at < n && cut)
				wipe(b->value + at, n - at);
			else if (at < n)
				problem_add(l->out, PROBLEM_WARNING, place_of(l->st, b->value_at + at),
				    "put the comment on a line of its own, or write Trailing-comments=yes in "
				    "[General]", "what looks like a comment is part of the value of \"%s\"",
				    b->tag);
		}
}

bool
store_load(struct store *st, struct view text, struct problems *out)
{
	struct load l = { .st = st, .text = text, .out = out };
	struct lex lex = { .text = text };
	struct lex_line line;

	if (st->lines != NULL)
		return false;
	if (text.n > STORE_FILE_MAX) {
		problem_add(out, PROBLEM_ERROR, (struct problem_place){ 0, 0 }, "",
		    "the file is larger than %d octets", STORE_FILE_MAX);
		return false;
	}
	if (!find_lines(st, text)) {
		problem_add(out, PROBLEM_ERROR, (struct problem_place){ 0, 0 }, "",
		    "out of memory, or more than %d lines", LINES_MAX);
		return false;
	}
	if (lex_marked(text))
		problem_add(out, PROBLEM_WARNING, place_of(st, 0), "save the file without it",
		    "the file begins with a byte order mark");
	check_returns(&l);
	while (!l.failed && lex_next(&lex, &line))
		load_line(&l, &line);
	trailing_comments(&l);
	if (l.failed || !keep_defaults(st)) {
		problem_add(out, PROBLEM_ERROR, place_of(st, lex.at), "",
		    "out of memory, or more than %d values", STORE_BINDINGS_MAX);
		return false;
	}
	return true;
}

/* ---- looking up ---- */

static bool
built_in_value(const struct store *st, const char *section, const char *tag, struct value *ret)
{
	struct names_section made;

	if (!names_section(&st->defaults, section, &made))
		return false;
	for (unsigned i = 0; i < made.n; i++) {
		if (!text_same(made.v[i].tag, tag))
			continue;
		*ret = (struct value){ .text = made.v[i].value, .built_in = true,
		    .offset = SIZE_MAX };
		if (ret->text == made.room) {
			text_copy(ret->room, sizeof(ret->room), made.room);
			ret->text = ret->room;
		}
		return true;
	}
	return false;
}

bool
store_get(const struct store *st, const char *section, const char *tag, struct value *ret)
{
	const struct section *s = section_find(st, view_str(section));
	const struct binding *b = binding_find(s, view_str(tag));

	if (b == NULL)
		return (s == NULL || (!s->sealed && !s->plain)) &&
		    built_in_value(st, section, tag, ret);
	/* Not `room`, which is large. */
	ret->text = b->value;
	ret->built_in = b->built_in;
	ret->offset = b->value_at;
	ret->line = b->value_place.line;
	ret->column = b->value_place.column;
	ret->tag_line = b->tag_place.line;
	ret->tag_column = b->tag_place.column;
	return true;
}

struct problem_place
store_place(const struct store *st, const struct value *v, size_t at)
{
	if (v->offset == SIZE_MAX)
		return (struct problem_place){ 0, 0 };
	return place_of(st, v->offset + at);
}

bool
store_has_section(const struct store *st, const char *section)
{
	const struct section *s = section_find(st, view_str(section));
	struct names_section made;

	if (s != NULL && (s->n > 0 || s->line != 0))
		return true;
	return (s == NULL || (!s->sealed && !s->plain)) &&
	    names_section(&st->defaults, section, &made);
}

uint32_t
store_section_line(const struct store *st, const char *section)
{
	const struct section *s = section_find(st, view_str(section));

	return s == NULL ? 0 : s->line;
}

bool
store_header_open(const struct store *st, const char *section)
{
	const struct section *s = section_find(st, view_str(section));

	return s != NULL && s->open;
}

static bool
each_in(const struct section *s, bool (*each)(void *self, const struct store_entry *), void *self)
{
	for (const struct binding *b = s->first; b != NULL; b = b->next) {
		struct store_entry e = { .section = s->name, .tag = b->tag, .value = b->value,
		    .section_line = s->line, .line = b->tag_place.line,
		    .column = b->tag_place.column };

		if (!b->built_in && !each(self, &e))
			return false;
	}
	return true;
}

void
store_each(const struct store *st, bool (*each)(void *self, const struct store_entry *),
    void *self)
{
	for (const struct section *s = st->first; s != NULL; s = s->next)
		if (!each_in(s, each, self))
			return;
}

void
store_each_in(const struct store *st, const char *section,
    bool (*each)(void *self, const struct store_entry *), void *self)
{
	const struct section *s = section_find(st, view_str(section));

	if (s != NULL)
		(void)each_in(s, each, self);
}

bool
store_tag_is_secret(const char *tag)
{
	return text_same(tag, "Authentication") || text_same(tag, "PKAuthentication") ||
	    text_same(tag, "Credentials");
}

void
store_each_secret(const struct store *st,
    bool (*each)(void *self, const char *section, const char *value), void *self)
{
	for (const struct section *s = st->first; s != NULL; s = s->next) {
		const struct binding *b = binding_find(s, view_str("Authentication"));

		if (b != NULL && !each(self, s->name, b->value))
			return;
	}
}

/* ---- transactions ---- */

enum store_result
store_begin(struct store *st)
{
	if (st->open)
		return STORE_NOT_OPEN;
	st->open = true;
	return STORE_OK;
}

static bool
step_room(struct store *st, size_t more)
{
	if (st->n_steps + more <= st->cap_steps)
		return true;
	size_t cap = (st->n_steps + more) * 2;
	struct step *v = realloc(st->steps, cap * sizeof(*v));
	if (v == NULL)
		return false;
	st->steps = v;
	st->cap_steps = cap;
	return true;
}

static void
step_add(struct store *st, enum step_kind kind, struct binding *b, struct section *s)
{
	st->steps[st->n_steps++] = (struct step){ kind, b, s };
}

static void
undo(struct store *st, const struct step *step)
{
	struct binding *b = step->binding;
	struct section *s = b == NULL ? step->section : b->section;

	switch (step->kind) {
	case STEP_ADDED:
		unlink_binding(st, b);
		s->refs--;
		binding_free(b);
		break;
	case STEP_REMOVED:
		/* The table held at least this many before, so this cannot fail. */
		if (s->tags.size > 0)
			(void)!table_put(&s->tags, b->tag, b);
		link_back(st, b);
		break;
	case STEP_SEALED:
		s->sealed = false;
		break;
	}
	section_release(st, s);
}

static void
undo_to(struct store *st, size_t n)
{
	while (st->n_steps > n)
		undo(st, &st->steps[--st->n_steps]);
}

void
store_abort(struct store *st)
{
	undo_to(st, 0);
	st->open = false;
}

enum store_result
store_commit(struct store *st)
{
	if (!st->open)
		return STORE_NOT_OPEN;
	for (size_t i = 0; i < st->n_steps; i++) {
		struct binding *b = st->steps[i].binding;

		if (st->steps[i].kind != STEP_REMOVED)
			continue;
		struct section *s = b->section;
		s->refs--;
		binding_free(b);
		section_release(st, s);
	}
	st->n_steps = 0;
	st->open = false;
	return STORE_OK;
}

static void
drop(struct store *st, struct binding *b)
{
	unlink_binding(st, b);
	step_add(st, STEP_REMOVED, b, NULL);
}

/* Steps must have room for one more. */
static enum store_result
bring(struct store *st, struct section *s, struct view tag, struct view value, bool built_in)
{
	if (!fits(st, tag.n + value.n + 2))
		return STORE_LIMIT;
	struct binding *b = binding_new(tag, value);
	if (b == NULL)
		return STORE_NO_MEMORY;
	b->built_in = built_in;
	if (!link_last(st, s, b)) {
		binding_free(b);
		return STORE_NO_MEMORY;
	}
	step_add(st, STEP_ADDED, b, NULL);
	return STORE_OK;
}

/* Before a section with built-in values changes, those become bindings like others. */
static enum store_result
seal(struct store *st, struct section *s)
{
	struct names_section made;
	enum store_result r = STORE_OK;

	if (s->sealed || !names_section(&st->defaults, s->name, &made))
		return STORE_OK;
	if (!step_room(st, 1 + made.n))
		return STORE_NO_MEMORY;
	s->sealed = true;
	step_add(st, STEP_SEALED, NULL, s);
	for (unsigned i = 0; i < made.n && r == STORE_OK; i++)
		if (binding_find(s, view_str(made.v[i].tag)) == NULL)
			r = bring(st, s, view_str(made.v[i].tag), view_str(made.v[i].value), true);
	return r;
}

static bool
name_good(const char *name, bool tag)
{
	size_t n = strlen(name);

	return n > 0 && n <= STORE_NAME_MAX && strpbrk(name, tag ? "=\n" : "]\n") == NULL;
}

/* On failure everything since `mark` is taken back. */
static enum store_result
settle(struct store *st, struct section *s, size_t mark, enum store_result r)
{
	if (r == STORE_OK)
		return r;
	s->refs++;		/* hold it while steps are undone */
	undo_to(st, mark);
	s->refs--;
	section_release(st, s);
	return r;
}

/*
 * The section, open for changes; `make` says whether it may be new.  `mark`
 * is where to go back to if the change then fails.
 */
static enum store_result
change(struct store *st, const char *section, const char *tag, bool make,
    struct section **ret, size_t *mark)
{
	struct names_section made;

	*mark = st->n_steps;
	if (!st->open)
		return STORE_NOT_OPEN;
	if (!name_good(section, false) || (tag != NULL && !name_good(tag, true)))
		return STORE_BAD_TEXT;
	struct section *s = section_find(st, view_str(section));
	if (s == NULL && !make && !names_section(&st->defaults, section, &made))
		return STORE_MISSING;
	if (!step_room(st, 2 + NAMES_TAGS_MAX + 1) ||
	    (s = section_make(st, view_str(section))) == NULL)
		return STORE_NO_MEMORY;
	*ret = s;
	return settle(st, s, *mark, seal(st, s));
}

static enum store_result
replace(struct store *st, struct section *s, const char *tag, struct view value)
{
	struct binding *old = binding_find(s, view_str(tag));

	if (old != NULL)
		drop(st, old);
	return bring(st, s, view_str(tag), value, false);
}

enum store_result
store_set(struct store *st, const char *section, const char *tag, const char *value,
    bool force)
{
	struct section *s;
	size_t mark;
	enum store_result r = change(st, section, tag, true, &s, &mark);

	if (r != STORE_OK)
		return r;
	if (strchr(value, '\n') != NULL)
		r = STORE_BAD_TEXT;
	else if (!force && binding_find(s, view_str(tag)) != NULL)
		r = STORE_DUPLICATE;
	else
		r = replace(st, s, tag, view_str(value));
	return settle(st, s, mark, r);
}

static bool
is_member(const char *list, const char *member)
{
	struct list_walk walk = { .text = list };
	struct view v;

	while (list_next(&walk, &v))
		if (view_equal(v, view_str(member)))
			return true;
	return false;
}

static enum store_result
append(struct store *st, struct section *s, const struct binding *old, const char *tag,
    const char *member)
{
	size_t n = strlen(old->value), more = strlen(member);

	if (!fits(st, strlen(tag) + n + more + 3))
		return STORE_LIMIT;
	char *value = malloc(n + more + 2);
	if (value == NULL)
		return STORE_NO_MEMORY;
	memcpy(value, old->value, n);
	value[n] = ',';
	memcpy(value + n + 1, member, more);
	size_t all = n == 0 ? more : n + 1 + more;
	enum store_result r = replace(st, s, tag, view_of(value + n + 1 + more - all, all));
	wipe(value, n + more + 2);
	free(value);
	return r;
}

enum store_result
store_add(struct store *st, const char *section, const char *tag, const char *member)
{
	struct section *s;
	size_t mark;
	enum store_result r = change(st, section, tag, true, &s, &mark);

	if (r != STORE_OK)
		return r;
	const struct binding *old = binding_find(s, view_str(tag));
	if (*member == '\0' || strpbrk(member, ",\n") != NULL)
		r = STORE_BAD_TEXT;
	else if (old == NULL)
		r = bring(st, s, view_str(tag), view_str(member), false);
	else if (!is_member(old->value, member))
		r = append(st, s, old, tag, member);
	return settle(st, s, mark, r);
}

enum store_result
store_rmv(struct store *st, const char *section, const char *tag, const char *member)
{
	struct section *s;
	size_t mark, n = 0;
	enum store_result r = change(st, section, tag, false, &s, &mark);

	if (r != STORE_OK)
		return r;
	struct binding *old = binding_find(s, view_str(tag));
	if (old == NULL || !is_member(old->value, member))
		return settle(st, s, mark, STORE_MISSING);
	char *value = malloc(strlen(old->value) + 1);
	if (value == NULL)
		return settle(st, s, mark, STORE_NO_MEMORY);
	struct list_walk walk = { .text = old->value };
	struct view v;
	size_t whole = strlen(old->value) + 1;
	while (list_next(&walk, &v)) {
		if (view_equal(v, view_str(member)))
			continue;
		if (n > 0)
			value[n++] = ',';
		memcpy(value + n, v.p, v.n);
		n += v.n;
	}
	if (n == 0)
		drop(st, old);
	else
		r = replace(st, s, tag, view_of(value, n));
	wipe(value, whole);
	free(value);
	return settle(st, s, mark, r);
}

enum store_result
store_rm(struct store *st, const char *section, const char *tag)
{
	struct section *s;
	size_t mark;
	enum store_result r = change(st, section, tag, false, &s, &mark);

	if (r != STORE_OK)
		return r;
	struct binding *old = binding_find(s, view_str(tag));
	if (old == NULL)
		return settle(st, s, mark, STORE_MISSING);
	drop(st, old);
	return STORE_OK;
}

enum store_result
store_rms(struct store *st, const char *section)
{
	struct section *s;
	size_t mark;
	enum store_result r = change(st, section, NULL, false, &s, &mark);

	if (r != STORE_OK)
		return r;
	if (s->n == 0)
		return settle(st, s, mark, STORE_MISSING);
	if (!step_room(st, s->n))
		return settle(st, s, mark, STORE_NO_MEMORY);
	while (s->first != NULL)
		drop(st, s->first);
	return STORE_OK;
}

/* ---- lists ---- */

bool
list_next(struct list_walk *w, struct view *ret)
{
	for (;;) {
		const char *p = w->text + w->at;

		if (*p == '\0')
			return false;
		size_t n = strcspn(p, ",");
		bool more = p[n] == ',';
		const uint8_t *from = (const uint8_t *)p, *to = from + n;

		w->at += n + (more ? 1 : 0);
		/* A list that was cut after a comma. */
		if (more && p[n + 1] == '\0')
			w->empty++;
		while (from < to && lex_space(*from))
			from++;
		while (from < to && lex_space(to[-1]))
			to--;
		if (from < to) {
			*ret = view_of(from, (size_t)(to - from));
			return true;
		}
		w->empty++;
	}
}
