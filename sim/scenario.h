/*
 * scenario: the language of test/scenario/ (its README is the reference).  A file is
 * read and run line by line; the first line that does not hold ends it.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "sim/template.h"

struct scenario_result {
	bool	ok;
	char	text[700];	/* "file:line: what did not hold", or "" */
};

struct scenario_result	scenario_run(const char *file, const char *text, uint64_t seed,
			    bool verbose);

/* ---- scenario_words.c: what conditions and actions are made of ---- */

enum { WORDS_MAX = 48, WORD_MAX = 160 };

struct words {
	char	w[WORDS_MAX][WORD_MAX];
	size_t	n;
};

struct scenario {
	const char	*file;
	unsigned	line;
	struct world	*w;
	struct plan	plan;
	bool		planned, started;
	char		fault[512];	/* the first, or "" */
	uint32_t	marked[64];	/* SPIs at `mark` */
	size_t		n_marked;
};

bool	scenario_fault(struct scenario *, const char *fmt, ...) PRINTF_LIKE(2, 3);	/* false */
void	words_split(struct words *, const char *line);
/* "5", "5s", "300ms", "2m", "1h" */
bool	words_span(const char *, struct span *ret);
/* "5%" or "5" in percent, to permille */
bool	words_permille(const char *, unsigned *ret);
/* Members of a comma list with an optional colon at its end; all: every host. */
struct hosts { int v[256]; size_t n; };
bool	words_hosts(struct scenario *, const char *, struct hosts *ret);
/* "a->b", "a-b" (both directions) or "all" */
struct pairs { struct { int from, to; } v[512]; size_t n; };
bool	words_pairs(struct scenario *, const char *, struct pairs *ret);
/* The words from i on, with blanks between them. */
void	words_rest(const struct words *, size_t i, struct str *);
size_t	words_find(const struct words *, const char *word);	/* n if it is not there */

/* ---- scenario_act.c ---- */
bool	scenario_act(struct scenario *, const struct words *, size_t i);
bool	scenario_pki(struct scenario *, const struct words *, size_t i);
bool	scenario_net(struct scenario *, const struct words *, size_t i);

/* ---- scenario_expect.c ---- */
/* One condition, words i..end-1, of one host; *ret says whether it holds.
 * False: the words make no sense. */
bool	scenario_condition(struct scenario *, const struct words *, size_t i, size_t end,
	    struct host *, bool *ret);

#endif
