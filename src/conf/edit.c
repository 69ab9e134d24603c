#include "conf/edit.h"

#include "base/str.h"

enum { LEN_MAX = 80 };

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
edit_distance(struct view a, struct view b, unsigned most)
{
	unsigned rows[3][LEN_MAX + 1];
	unsigned *two = rows[0], *one = rows[1], *row = rows[2];

	if (a.n > LEN_MAX || b.n > LEN_MAX ||
	    (a.n > b.n ? a.n - b.n : b.n - a.n) >= most)
		return most;
	for (unsigned j = 0; j <= b.n; j++)
		one[j] = two[j] = j;
	unsigned best_before = 0;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned best = row[0] = i;

		for (unsigned j = 1; j <= b.n; j++) {
			uint8_t x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);

			row[j] = least(one[j] + 1, row[j - 1] + 1);
			row[j] = least(row[j], one[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b.p[j - 2]) && y == lower(a.p[i - 2]))
				row[j] = least(row[j], two[j - 2] + 1);
			best = least(best, row[j]);
		}
		/* A swap reaches back two rows. */
		if (best >= most && best_before >= most)
			return most;
		best_before = best;
		unsigned *spare = two;
		two = one;
		one = row;
		row = spare;
	}
	return least(one[b.n], most);
}

struct nearest
nearest_to(struct view wanted)
{
	unsigned limit = 2 + (unsigned)least((unsigned)wanted.n, LEN_MAX) / 4;

	struct nearest n = { .wanted = wanted, .distance = least(limit, 6) };
	for (size_t i = 0; i < wanted.n && i < LEN_MAX; i++)
		n.count[wanted.p[i] & 31]++;
	return n;
}

/* Letters too many need an edit each: a cheap way to skip most candidates. */
static bool
hopeless(const struct nearest *n, const char *candidate)
{
	unsigned char left[32];
	unsigned extra = 0;

	memcpy(left, n->count, sizeof(left));
	for (const char *p = candidate; *p != '\0'; p++) {
		unsigned char *c = &left[(unsigned char)*p & 31];

		if (*c > 0)
			--*c;
		else if (++extra >= n->distance)
			return true;
	}
	return false;
}

void
nearest_try(struct nearest *n, const char *candidate)
{
	if (hopeless(n, candidate))
		return;
	unsigned d = edit_distance(n->wanted, view_str(candidate), n->distance);

	if (d >= n->distance || d >= n->wanted.n)
		return;
	n->distance = d;
	text_copy(n->best, sizeof(n->best), candidate);
}
