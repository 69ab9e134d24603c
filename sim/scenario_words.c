#include <stdlib.h>
#include <string.h>

#include "sim/scenario.h"

void
words_split(struct words *ws, const char *line)
{
	ws->n = 0;
	while (ws->n < WORDS_MAX) {
		size_t n;

		line += strspn(line, " \t\r");
		if (*line == '\0' || *line == '#')
			break;
		n = strcspn(line, " \t\r");
		/* A section name may hold a blank: "[Phase 1]" is one word. */
		if (*line == '[' && strchr(line, ']') != NULL)
			n = (size_t)(strchr(line, ']') - line) + 1;
		size_t room = n < WORD_MAX - 1 ? n : WORD_MAX - 1;
		memcpy(ws->w[ws->n], line, room);
		ws->w[ws->n][room] = '\0';
		ws->n++;
		line += n;
	}
}

size_t
words_find(const struct words *ws, const char *word)
{
	size_t i;

	for (i = 0; i < ws->n; i++)
		if (strcmp(ws->w[i], word) == 0)
			break;
	return i;
}

void
words_rest(const struct words *ws, size_t i, struct str *ret)
{
	for (; i < ws->n; i++)
		str_addf(ret, "%s%s", ret->len == 0 ? "" : " ", ws->w[i]);
}

bool
words_span(const char *s, struct span *ret)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || v < 0 || v > 1e9)
		return false;
	if (strcmp(end, "ms") == 0)
		v /= 1000;
	else if (strcmp(end, "m") == 0)
		v *= 60;
	else if (strcmp(end, "h") == 0)
		v *= 3600;
	else if (*end != '\0' && strcmp(end, "s") != 0)
		return false;
	*ret = (struct span){ (int64_t)(v * 1e6) };
	return true;
}

bool
words_permille(const char *s, unsigned *ret)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || v < 0 || v > 100 || (*end != '\0' && strcmp(end, "%") != 0))
		return false;
	*ret = (unsigned)(v * 10);
	return true;
}

bool
words_hosts(struct scenario *s, const char *text, struct hosts *ret)
{
	char room[WORD_MAX], *save = NULL;
	size_t n = strlen(text);

	ret->n = 0;
	text_copy(room, sizeof(room), text);
	if (n > 0 && room[n - 1] == ':')
		room[n - 1] = '\0';
	if (strcmp(room, "all") == 0) {
		for (int i = 0; i < s->w->n_hosts && ret->n < COUNT(ret->v); i++)
			ret->v[ret->n++] = i;
		return true;
	}
	for (char *p = strtok_r(room, ",", &save); p != NULL; p = strtok_r(NULL, ",", &save)) {
		struct host *h = world_find(s->w, p);

		if (h == NULL || ret->n == COUNT(ret->v))
			return scenario_fault(s, "no host \"%s\"", p);
		ret->v[ret->n++] = h->index;
	}
	return ret->n > 0 || scenario_fault(s, "hosts expected");
}

static void
pair_add(struct pairs *p, int from, int to)
{
	if (from != to && p->n < COUNT(p->v)) {
		p->v[p->n].from = from;
		p->v[p->n++].to = to;
	}
}

bool
words_pairs(struct scenario *s, const char *text, struct pairs *ret)
{
	char room[WORD_MAX];
	bool both = false;

	ret->n = 0;
	if (strcmp(text, "all") == 0) {
		for (int i = 0; i < s->w->n_hosts; i++)
			for (int j = 0; j < s->w->n_hosts; j++)
				pair_add(ret, i, j);
		return true;
	}
	text_copy(room, sizeof(room), text);
	char *to = strstr(room, "->");
	if (to == NULL) {
		both = true;
		to = strchr(room, '-');
	}
	if (to == NULL)
		return scenario_fault(s, "\"%s\" is no pair of hosts", text);
	*to = '\0';
	to += both ? 1 : 2;
	struct host *a = world_find(s->w, room), *b = world_find(s->w, to);
	if (a == NULL || b == NULL)
		return scenario_fault(s, "\"%s\" is no pair of hosts", text);
	pair_add(ret, a->index, b->index);
	if (both)
		pair_add(ret, b->index, a->index);
	return true;
}
