#include "wire/message.h"

enum { GENERIC_LEN = 4, PRIVATE_FIRST = 128 };

static const struct {
	uint8_t		 type, least;
	const char	*text;
} types[] = {
#define X(name, num, least, text) { num, least, text },
	PAYLOAD_LIST(X)
#undef X
};

uint64_t
payload_bit(uint8_t type)
{
	if (type == PL_NAT_D_DRAFT || type == PL_NAT_OA_DRAFT)
		return 1ull << (62 + (type - PL_NAT_D_DRAFT));
	for (size_t i = 0; i < COUNT(types); i++)
		if (types[i].type == type)
			return 1ull << type;
	return 0;
}

const char *
payload_text(uint8_t type)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (types[i].type == type)
			return types[i].text;
	return "?";
}

/* Octets with the generic header; 0: a type nobody knows. */
static size_t
least_of(uint8_t type)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (types[i].type == type)
			return types[i].least;
	return 0;
}

/* isakmpd.md 12.1: which types may stand in a message's chain. */
static enum why
type_check(uint8_t type)
{
	if (type == PL_PROPOSAL || type == PL_TRANSFORM ||
	    (type > PL_NAT_OA && type < PRIVATE_FIRST))
		return WHY_PAYLOAD_TYPE;
	if (type < PRIVATE_FIRST && least_of(type) == 0)
		return WHY_PAYLOAD_MALFORMED;
	return WHY_NONE;
}

/*
 * RFC 2408, 3.2
 *  +---------------+---------------+---------------+---------------+
 *  ! Next payload  !   RESERVED    !         Payload length        !
 *  +---------------+---------------+---------------+---------------+
 */
static enum why
payload_next(struct rd *r, uint8_t *type, struct payload *ret)
{
	struct rd look = *r;
	uint8_t next = rd_u8(&look);
	uint8_t reserved = rd_u8(&look);
	size_t length = rd_u16(&look);

	if (look.bad)
		return WHY_PAYLOAD_SHORT;
	if (reserved != 0)
		return WHY_RESERVED;
	if (length < GENERIC_LEN || length < least_of(*type))
		return WHY_PAYLOAD_MALFORMED;
	struct view whole = rd_view(r, length);
	if (r->bad)
		return WHY_PAYLOAD_SHORT;
	look = rd_of(whole);
	(void)rd_u32(&look);
	*ret = (struct payload){ .type = *type, .body = rd_rest(&look), .whole = whole };
	*type = next;
	return WHY_NONE;
}

enum why
message_parse(const struct header *h, struct view chain, bool encrypted, struct message *ret)
{
	struct rd r = rd_of(chain);
	uint8_t type = h->next;
	size_t walked = 0;

	ret->h = *h;
	ret->n = 0;
	ret->present = 0;
	ret->chain = view_of(chain.p, 0);
	while (type != PL_NONE) {
		struct payload p;
		enum why why = type_check(type);

		if (why == WHY_NONE && walked++ == PAYLOADS_MAX)
			why = WHY_PAYLOAD_COUNT;
		if (why == WHY_NONE)
			why = payload_next(&r, &type, &p);
		if (why != WHY_NONE) {
			ret->n = 0;
			ret->present = 0;
			return why;
		}
		if (payload_bit(p.type) == 0)
			continue;	/* private use: skipped, yet hashed */
		ret->payload[ret->n++] = p;
		ret->present |= payload_bit(p.type);
	}
	ret->chain = view_of(chain.p, chain.n - r.n);
	/* Padding of any value and length: RFC 2409 appendix B leaves it to the sender. */
	if (!encrypted && r.n != 0) {
		ret->n = 0;
		ret->present = 0;
		return WHY_MESSAGE_LENGTH;
	}
	return WHY_NONE;
}

const struct payload *
message_find(const struct message *m, uint8_t type, size_t i)
{
	for (size_t at = 0; at < m->n; at++)
		if (m->payload[at].type == type && i-- == 0)
			return &m->payload[at];
	return NULL;
}

size_t
message_count(const struct message *m, uint8_t type)
{
	size_t n = 0;

	for (size_t at = 0; at < m->n; at++)
		n += m->payload[at].type == type;
	return n;
}

void
message_print(struct str *s, const struct message *m)
{
	str_add(s, (m->h.flags & FLAG_ENCRYPTION) != 0 ? "HDR*" : "HDR");
	for (size_t at = 0; at < m->n;) {
		uint8_t type = m->payload[at].type;
		unsigned run = 0;

		for (; at < m->n && m->payload[at].type == type; at++)
			run++;
		str_addf(s, ", %s", payload_text(type));
		if (run > 1)
			str_addf(s, " x%u", run);
	}
}
