/*
 * The FIFO: octets in two pieces, lines out of them, commands out of the
 * lines, and the argument of -D.  What is accepted keeps its bounds; what is
 * refused says why in one printable line.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/rd.h"
#include "ctl/fifo.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(bool good, const struct fifo_command *c, const struct str *error)
{
	if (!good) {
		assert(error->len > 0);
		for (size_t i = 0; i < error->len; i++)
			assert(error->p[i] >= 0x20 && error->p[i] < 0x7f);
		return;
	}
	assert(error->len == 0);
	assert(c->verb >= FIFO_CONNECT && c->verb <= FIFO_TEARDOWN_ALL);
	assert(memchr(c->section, '\0', sizeof(c->section)) != NULL);
	assert(memchr(c->tag, '\0', sizeof(c->tag)) != NULL);
	assert(memchr(c->value, '\0', sizeof(c->value)) != NULL);
	assert(memchr(c->name, '\0', sizeof(c->name)) != NULL);
	if (c->verb == FIFO_DEBUG)
		assert(c->class >= 0 && c->class < FIFO_CLASSES && c->level >= 0);
}

static void
feed(struct fifo_lines *lines, struct view bytes)
{
	struct fifo_command c;
	struct view line;
	enum fifo_line got;

	while ((got = fifo_lines_next(lines, &bytes, &line)) != LINE_NONE) {
		STR(error, 1024);

		if (got == LINE_TOO_LONG)
			continue;
		assert(line.n > 0 && line.n <= FIFO_LINE_MAX);
		check(fifo_parse(line, &c, &error), &c, &error);
	}
	assert(bytes.n == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct fifo_lines lines;
	struct rd r = rd_of(view_of(data, n));
	struct fifo_command c;
	char *arg = calloc(1, n + 1);

	memset(&lines, 0, sizeof(lines));
	struct view half = rd_view(&r, n / 2);
	feed(&lines, half);
	feed(&lines, rd_rest(&r));
	feed(&lines, view_str("\n"));
	if (arg != NULL) {
		STR(error, 1024);

		if (n > 0)
			memcpy(arg, data, n);
		check(fifo_debug_option(arg, &c, &error), &c, &error);
		free(arg);
	}
	return 0;
}
