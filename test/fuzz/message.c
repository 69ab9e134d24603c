/*
 * Every decoder of wire on octets from outside: the header, the chain of
 * payloads in clear and as if decrypted, and the body of each payload.  The
 * first octet chooses, so that a corpus reaches the inner decoders directly.
 */
#include <assert.h>
#include <stdlib.h>

#include "wire/payload.h"
#include "wire/sa.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
walk_attributes(struct view more)
{
	while (more.n > 0) {
		struct attribute a;
		size_t before = more.n;

		if (attribute_next(&more, &a) != WHY_NONE)
			return;
		assert(more.n < before);
	}
}

static void
walk_transforms(struct view more)
{
	int previous = -1;

	while (more.n > 0) {
		struct transform t;
		size_t before = more.n;

		if (transform_next(&more, previous, &t) != WHY_NONE)
			return;
		assert(more.n < before && t.number > previous);
		previous = t.number;
		walk_attributes(t.attributes);
	}
}

static void
try_sa(struct view body)
{
	struct sa_body sa;
	int previous = -1;

	if (sa_decode(body, &sa) != WHY_NONE)
		return;
	bool sound = sa_check(&sa) == WHY_NONE;
	while (sa.proposals.n > 0) {
		struct proposal p;
		size_t before = sa.proposals.n;
		enum why why = proposal_next(&sa.proposals, previous, &p);

		if (why != WHY_NONE) {
			assert(!sound);
			return;
		}
		assert(sa.proposals.n < before && p.spi.n <= SPI_LEN_MAX);
		previous = p.number;
		walk_transforms(p.transforms);
	}
}

static void
try_id(struct view body)
{
	static uint8_t room[ID_DATA_MAX + 4];
	static char text[4 * ID_DATA_MAX + 64];
	struct str s = str_of(text, sizeof(text));
	struct wr w = wr_of(room, sizeof(room));
	struct id id;

	if (id_decode(body, &id) != WHY_NONE)
		return;
	id_encode(&w, &id);
	assert(view_equal(wr_done(&w), body));
	assert(id_equal(&id, &id));
	id_print(&s, &id);
	assert(!s.cut);
}

static void
try_body(uint8_t type, struct view body)
{
	struct notify_body n;
	struct delete_body d;

	switch (type) {
	case PL_SA:
		try_sa(body);
		break;
	case PL_ID:
		try_id(body);
		break;
	case PL_NOTIFY:
		if (notify_decode(body, &n) == WHY_NONE)
			assert(n.spi.n + n.data.n + 8 == body.n);
		break;
	case PL_DELETE:
		if (delete_decode(body, &d) == WHY_NONE)
			assert((size_t)d.n * d.spi_len + 8 == body.n);
		break;
	default:
		break;
	}
}

static void
try_message(struct view datagram, bool encrypted)
{
	static struct message m;
	static char text[2048];
	struct str s = str_of(text, sizeof(text));
	struct rd r = rd_of(datagram);
	struct header h;

	if (header_decode(datagram, &h) != WHY_NONE || header_check(&h) != WHY_NONE)
		return;
	(void)rd_take(&r, HEADER_LEN);
	if (message_parse(&h, rd_rest(&r), encrypted, &m) != WHY_NONE)
		return;
	message_print(&s, &m);
	for (size_t i = 0; i < m.n; i++)
		try_body(m.payload[i].type, m.payload[i].body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rd r = rd_of(view_of(data, n));
	uint8_t which = rd_u8(&r);
	struct view rest = rd_rest(&r);

	if (which == 0) {
		/* the length field is made right: few inputs would get past it */
		uint8_t *copy = malloc(rest.n == 0 ? 1 : rest.n);

		if (copy == NULL)
			return 0;
		if (rest.n > 0)
			memcpy(copy, rest.p, rest.n);
		struct wr w = { .base = copy, .len = rest.n, .cap = rest.n };
		if (rest.n >= HEADER_LEN && rest.n <= UINT16_MAX) {
			wr_patch_u16(&w, 24, 0);
			wr_patch_u16(&w, 26, (uint16_t)rest.n);
		}
		try_message(view_of(copy, rest.n), false);
		try_message(view_of(copy, rest.n), true);
		free(copy);
		try_message(rest, false);
	} else {
		try_body(which, rest);
	}
	return 0;
}
