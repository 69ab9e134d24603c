/*
 * lex: the lines of isakmpd.conf (isakmpd-conf.md section 2), as offsets into
 * the text.  A continued line counts as one: its "\" LF pairs read as two
 * blanks, so offsets in the logical line are offsets in the file.
 */
#ifndef CONF_LEX_H
#define CONF_LEX_H

#include "base/util.h"
#include "base/view.h"

enum line_kind {
	LINE_BLANK,
	LINE_COMMENT,
	LINE_LATE_COMMENT,	/* "#" or ";" after blanks: no comment, and nothing else */
	LINE_HEADER,
	LINE_HEADER_OPEN,	/* no "]" */
	LINE_ASSIGNMENT,
	LINE_NO_TAG,		/* "=value" */
	LINE_NUL,		/* holds a NUL octet */
	LINE_OTHER
};

struct piece { size_t at, n; };

struct lex_line {
	enum line_kind	kind;
	struct piece	all;		/* without the LF at the end */
	uint32_t	first, last;	/* physical lines */
	struct piece	name;		/* HEADER */
	struct piece	rest;		/* HEADER: after "]", without blanks around */
	struct piece	tag, value;	/* ASSIGNMENT, NO_TAG */
	struct piece	dropped;	/* between tag and "=", without blanks around */
	bool		late_backslash;	/* ends in "\" and white space: not continued */
};

struct lex {
	struct view	text;
	size_t		at;
	uint32_t	line;		/* physical lines read */
};

enum { LEX_MARK = 3 };
/* A UTF-8 byte order mark: lex_next skips it. */
bool	lex_marked(struct view text);
/* False at the end of the text. */
bool	lex_next(struct lex *, struct lex_line *ret);
/* The octet at an offset as the grammar sees it: blank for parts of a continuation. */
uint8_t	lex_octet(struct view text, size_t at);
bool	lex_blank(uint8_t c);		/* SP, TAB */
bool	lex_space(uint8_t c);		/* white space of the C locale */

#endif
