/*
 * The FIFO's grammar: a line of text becomes one typed command.  No I/O, no
 * configuration, no SA is known here.  isakmpd.md section 6.2.
 */
#ifndef CTL_FIFO_H
#define CTL_FIFO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/util.h"
#include "base/view.h"

enum {
	FIFO_LINE_MAX = 65536,	/* octets of a line, newline not counted */
	FIFO_WORD_MAX = 200,	/* octets of a section, tag or name */
	FIFO_VALUE_MAX = 4096,	/* octets of a value */
	FIFO_CLASSES = 11	/* debug classes are 0 to 10 */
};

enum fifo_verb {
	FIFO_CONNECT = 1,	/* c: name */
	FIFO_SET,		/* C set: section, tag, value, force */
	FIFO_ADD,		/* C add: section, tag, value */
	FIFO_RMV,		/* C rmv: section, tag, value */
	FIFO_RM,		/* C rm: section, tag */
	FIFO_RMS,		/* C rms: section */
	FIFO_GET,		/* C get: section, tag */
	FIFO_DEBUG,		/* D: class, level */
	FIFO_DEBUG_ALL,		/* D A: level */
	FIFO_DEBUG_TOGGLE,	/* D T */
	FIFO_DELETE,		/* d: cookies, isakmp or message_id */
	FIFO_MODE,		/* M: passive */
	FIFO_CAPTURE,		/* p on: value is the path, or empty */
	FIFO_CAPTURE_OFF,	/* p off */
	FIFO_CAPTURE_FAILED,	/* p failed */
	FIFO_QUIT,		/* Q */
	FIFO_REINIT,		/* R */
	FIFO_REPORT,		/* r */
	FIFO_TABLE,		/* S */
	FIFO_STATUS_TEXT,	/* S text */
	FIFO_STATUS_JSON,	/* S json */
	FIFO_TEARDOWN,		/* t: phase, name */
	FIFO_TEARDOWN_ALL	/* T */
};

struct fifo_command {
	enum fifo_verb	verb;
	char		section[FIFO_WORD_MAX + 1];
	char		tag[FIFO_WORD_MAX + 1];
	char		value[FIFO_VALUE_MAX + 1];	/* may be a key: wipe after use */
	bool		force;
	char		name[FIFO_WORD_MAX + 1];	/* connection, or an address for t */
	int		phase;			/* 1 or 2 */
	int		class, level;
	bool		passive;
	uint8_t		cookies[16];
	bool		isakmp;			/* d: the ISAKMP SA itself */
	uint32_t	message_id;
};

/*
 * One line without its newline.  False: `error` tells what is wrong and what
 * was expected, quoting the line escaped and without what may be a key.
 */
MUST_USE bool	fifo_parse(struct view line, struct fifo_command *ret, struct str *error);

/* The argument of -D: "class=level" or "A=level". */
MUST_USE bool	fifo_debug_option(const char *arg, struct fifo_command *ret, struct str *error);

/*
 * Collects lines from whatever pieces the octets arrive in.  Large: lives on
 * the heap or in its role.  Zeroed is empty; wipe() it when done.
 *
 *	while ((got = fifo_lines_next(&lines, &bytes, &line)) != LINE_NONE)
 *		...
 */
struct fifo_lines {
	size_t	n;
	bool	taken;		/* the room holds a line that was handed out */
	bool	dropping;	/* the rest of a line that was too long */
	char	room[FIFO_LINE_MAX];
};

enum fifo_line {
	LINE_NONE,		/* all octets are consumed */
	LINE_READY,		/* *ret lives until the next call; "\r" is cut off */
	LINE_TOO_LONG		/* a line was dropped; told once per line */
};

/* Consumes from *bytes.  Empty lines are never handed out. */
enum fifo_line	fifo_lines_next(struct fifo_lines *, struct view *bytes, struct view *ret);

#endif
