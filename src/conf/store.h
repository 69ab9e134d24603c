/*
 * store: the text data base of (section, tag, value) behind isakmpd.conf and
 * the FIFO commands `C`.  Spec: isakmpd-conf.md section 2, isakmpd.md 6.2.
 *
 * Section names and tags compare ignoring ASCII case, values are kept as
 * written.  Built-in values (conf/names.h) answer where nothing else is
 * set, tag by tag.  Values may be secrets: all are wiped when freed.
 */
#ifndef CONF_STORE_H
#define CONF_STORE_H

#include "base/util.h"
#include "base/view.h"
#include "conf/problem.h"

struct store;

enum {
	STORE_FILE_MAX = 16 * 1024 * 1024,	/* octets of a file */
	STORE_TEXT_MAX = 64 * 1024 * 1024,	/* octets of all names and values */
	STORE_BINDINGS_MAX = 1000 * 1000,
	STORE_NAME_MAX = 1000		/* octets of a section name or tag */
};

enum store_result {
	STORE_OK,
	STORE_DUPLICATE,	/* set without force, and the tag exists; nothing changed */
	STORE_MISSING,		/* nothing there to remove; nothing changed */
	STORE_LIMIT,		/* one of the bounds above; nothing changed */
	STORE_BAD_TEXT,		/* empty or unusable section, tag or value; nothing changed */
	STORE_NO_MEMORY,	/* nothing changed */
	STORE_NOT_OPEN		/* no transaction, or one is open already */
};

struct store	*store_new(void);	/* built-in values only; NULL without memory */
void		 store_free(struct store *);
/*
 * Reads a file's text into a fresh store; once per store.  Problems are
 * added to the list, and what can be used is used; the caller decides by
 * problems.errors.  False without memory or if the text is too long (which
 * is a problem in the list, too).
 */
MUST_USE bool	 store_load(struct store *, struct view text, struct problems *);

struct value {
	const char	*text;
	bool		 built_in;
	uint32_t	 line, column;	/* of the value; 0: built in or set at run time */
	uint32_t	 tag_line, tag_column;
	size_t		 offset;	/* in the file; SIZE_MAX: not from the file */
	char		 room[96];	/* `text` may point here: do not copy the struct */
};

/* The value of a tag, own or built in; false if there is none. */
bool		 store_get(const struct store *, const char *section, const char *tag,
		    struct value *ret);
/* The place of the octet `at` within a value. */
struct problem_place store_place(const struct store *, const struct value *, size_t at);
/* True if the section has a tag, own or built in. */
bool		 store_has_section(const struct store *, const char *section);
/* Line of the section's first header, 0 if it is not from the file. */
uint32_t	 store_section_line(const struct store *, const char *section);
/* True if a header of that name lacked its bracket: an error that was told. */
bool		 store_header_open(const struct store *, const char *section);

/*
 * One transaction at a time: changes are seen at once and taken back by
 * store_abort.  Each returns as described and changes nothing on failure.
 */
enum store_result store_begin(struct store *);
enum store_result store_set(struct store *, const char *section, const char *tag,
		    const char *value, bool force);	/* C set */
/* C add: appends to the list unless the same member is there (with its case). */
enum store_result store_add(struct store *, const char *section, const char *tag,
		    const char *member);
/* C rmv: removes the members equal to this one; the last one takes the tag along. */
enum store_result store_rmv(struct store *, const char *section, const char *tag,
		    const char *member);
enum store_result store_rm(struct store *, const char *section, const char *tag);	/* C rm */
enum store_result store_rms(struct store *, const char *section);	/* C rms */
enum store_result store_commit(struct store *);
void		 store_abort(struct store *);

/*
 * All values that are not built in, sections in the order of their first
 * mention, tags in the order they were set.  `each` returns false to stop.
 * The callback must not change the store.
 */
struct store_entry {
	const char	*section, *tag, *value;
	uint32_t	 line, column;		/* of the tag */
	uint32_t	 section_line;
};
void		 store_each(const struct store *,
		    bool (*each)(void *self, const struct store_entry *), void *self);

/* The same of one section. */
void		 store_each_in(const struct store *, const char *section,
		    bool (*each)(void *self, const struct store_entry *), void *self);

/* The tags whose values are secrets (pre-shared and private keys). */
bool		 store_tag_is_secret(const char *tag);
/* As store_each, but only [section]:Authentication pairs: for the keys role. */
void		 store_each_secret(const struct store *,
		    bool (*each)(void *self, const char *section, const char *value), void *self);

/*
 * List values (2.1): members in order, blanks trimmed at both ends, empty
 * ones skipped and counted.  Start with *at = 0; false at the end.
 */
struct list_walk {
	const char	*text;
	size_t		 at;
	unsigned	 empty;		/* members skipped so far */
};
bool		 list_next(struct list_walk *, struct view *ret);

#endif
