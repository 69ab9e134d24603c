/*
 * memgrep PID FILE - which of the octet strings in FILE (one a line, in
 * hexadecimal, perhaps with a name behind it) stand in the memory of a process.
 *
 * Prints the line of each that does.  Exit status 0: none, 1: some, 77: the memory
 * cannot be read.  What it looks for is kept masked, so that it finds itself nowhere.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NEEDLES = 64, LONGEST = 128, CHUNK = 1 << 20, MASK = 0x5a };
enum { LARGEST = 256 * 1024 * 1024 };	/* a larger mapping: a sanitizer's shadow, no data */

struct needle {
	uint8_t	 b[LONGEST];
	size_t	 n;
	char	 name[64];
	bool	 found;
};

static struct needle needle[NEEDLES];
static size_t needles;

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void
needle_read(const char *line)
{
	struct needle *k = &needle[needles];

	while (k->n < LONGEST && digit(line[0]) >= 0 && digit(line[1]) >= 0) {
		k->b[k->n++] = (uint8_t)((digit(line[0]) << 4 | digit(line[1])) ^ MASK);
		line += 2;
	}
	(void)snprintf(k->name, sizeof(k->name), "%.*s", (int)strcspn(line, "\n"), line);
	if (k->n >= 8)
		needles++;
}

static bool
is_at(const struct needle *k, const uint8_t *p)
{
	for (size_t i = 0; i < k->n; i++)
		if ((p[i] ^ MASK) != k->b[i])
			return false;
	return true;
}

/* The first octet is found by memchr: a sanitizer build has gigabytes to go through. */
static bool
is_in(const struct needle *k, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n, *at = p;

	while ((size_t)(end - at) >= k->n &&
	    (at = memchr(at, k->b[0] ^ MASK, (size_t)(end - at) - k->n + 1)) != NULL) {
		if (is_at(k, at))
			return true;
		at++;
	}
	return false;
}

static void
search(int mem, uint64_t from, uint64_t to, uint8_t *room)
{
	while (from < to) {
		size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
		ssize_t n = pread(mem, room, want, (off_t)from);

		if (n <= 0)
			return;
		for (size_t k = 0; k < needles; k++)
			needle[k].found = needle[k].found || is_in(&needle[k], room, (size_t)n);
		/* The next piece begins before the end of this one. */
		if ((size_t)n < want || (size_t)n <= LONGEST || from + (uint64_t)n >= to)
			from += (uint64_t)n;
		else
			from += (uint64_t)n - LONGEST;
	}
}

int
main(int argc, char **argv)
{
	char path[64], line[512], rights[8];
	uint8_t *room = malloc(CHUNK);
	uint64_t from, to;
	bool any = false;

	FILE *f = argc == 3 ? fopen(argv[2], "r") : NULL;
	if (f == NULL || room == NULL)
		return 2;
	while (needles < NEEDLES && fgets(line, sizeof(line), f) != NULL)
		needle_read(line);
	fclose(f);
	(void)snprintf(path, sizeof(path), "/proc/%s/maps", argv[1]);
	FILE *maps = fopen(path, "r");
	(void)snprintf(path, sizeof(path), "/proc/%s/mem", argv[1]);
	int mem = open(path, O_RDONLY);
	if (maps == NULL || mem < 0)
		return 77;
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, rights) == 3 &&
		    rights[0] == 'r' && rights[1] == 'w' && to - from <= LARGEST)
			search(mem, from, to, room);
	fclose(maps);
	close(mem);
	free(room);
	for (size_t k = 0; k < needles; k++) {
		any |= needle[k].found;
		if (needle[k].found)
			printf("%zu octets%s\n", needle[k].n, needle[k].name);
	}
	return any;
}
