/*
 * What a web server answers: the first octet says in which pieces it comes.
 * However it is cut, the result is the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/http.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct result { enum http_got got; struct view body; char reason[160]; };

static struct result
read_by(struct view all, size_t piece)
{
	struct http_reader h = { 0 };
	struct result r = { .got = HTTP_MORE };
	struct str reason = str_of(r.reason, sizeof(r.reason));
	size_t have = 0;

	while (r.got == HTTP_MORE && have < all.n) {
		have = all.n - have < piece ? all.n : have + piece;
		r.got = http_read(&h, view_of(all.p, have), false, &r.body, &reason);
	}
	if (r.got == HTTP_MORE)
		r.got = http_read(&h, all, true, &r.body, &reason);
	assert(r.got != HTTP_MORE);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0 || n - 1 > HTTP_ROOM)
		return 0;
	/* an exact copy: the first octet too far is seen */
	uint8_t *copy = malloc(n);
	assert(copy != NULL);
	memcpy(copy, data + 1, n - 1);
	struct view all = view_of(copy, n - 1);
	struct result a = read_by(all, n), b = read_by(all, (size_t)data[0] + 1);

	if (a.got == HTTP_BODY) {
		assert(a.body.n > 0 && a.body.n <= HTTP_BODY_MAX);
		assert(a.body.p >= all.p && a.body.p + a.body.n <= all.p + all.n);
		assert(b.got == HTTP_BODY && view_equal(a.body, b.body));
	} else {
		for (const char *p = a.reason; *p != '\0'; p++)
			assert(*p >= ' ' && *p <= '~');
		assert(b.got == HTTP_REFUSED);
	}
	free(copy);
	return 0;
}
