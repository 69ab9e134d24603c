#include "conf/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

enum { TEXT_MAX = 400 };

void
problems_done(struct problems *p)
{
	if (p == NULL)
		return;
	free(p->v);
	arena_free(p->arena);
	*p = (struct problems){ 0 };
}

static bool
problem_room(struct problems *p)
{
	if (p->n >= PROBLEMS_MAX)
		return false;
	if (p->arena == NULL && (p->arena = arena_new()) == NULL)
		return false;
	if (p->n < p->cap)
		return true;
	size_t cap = p->cap == 0 ? 16 : p->cap * 2;
	struct problem *v = realloc(p->v, cap * sizeof(*v));
	if (v == NULL)
		return false;
	p->v = v;
	p->cap = cap;
	return true;
}

/* One that many sections run into, through a section they share, is said once. */
static bool
known(const struct problems *p, struct problem_place place, const char *text)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].line == place.line && p->v[i].column == place.column &&
		    strcmp(p->v[i].text, text) == 0)
			return true;
	return false;
}

void
problem_add(struct problems *p, enum severity severity, struct problem_place place,
    const char *suggestion, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (known(p, place, text))
		return;
	if (severity == PROBLEM_ERROR)
		p->errors++;
	else
		p->warnings++;
	if (!problem_room(p)) {
		p->dropped++;
		return;
	}
	const char *kept = arena_text(p->arena, view_str(text));
	const char *advice = *suggestion == '\0' ? "" :
	    arena_text(p->arena, view_str(suggestion));
	if (kept == NULL || advice == NULL) {
		p->dropped++;
		return;
	}
	p->v[p->n++] = (struct problem){ .severity = severity, .line = place.line,
	    .column = place.column, .text = kept, .suggestion = advice };
}

void
problem_print(struct str *s, const char *file, const struct problem *p)
{
	str_add(s, file);
	if (p->line != 0)
		str_addf(s, ":%u:%u", (unsigned)p->line, (unsigned)p->column);
	str_add(s, p->severity == PROBLEM_ERROR ? ": error: " : ": warning: ");
	str_add(s, p->text);
	if (*p->suggestion != '\0')
		str_addf(s, " (%s)", p->suggestion);
}
