#include "wire/sa.h"

enum { ATTR_BASIC = 0x8000 };

/*
 * RFC 2407, 4.6.1 (after the generic header)
 *  +---------------+---------------+---------------+---------------+
 *  !                Domain of interpretation (1)                   !
 *  !                   Situation (identity only)                   !
 *  +---------------+---------------+---------------+---------------+
 *  ! Proposals ...
 */
enum why
sa_decode(struct view body, struct sa_body *ret)
{
	struct rd r = rd_of(body);
	struct sa_body sa = { 0 };

	sa.doi = rd_u32(&r);
	if (r.bad)
		return WHY_PAYLOAD_SHORT;
	if (sa.doi != DOI_IPSEC_NUMBER)
		return WHY_DOI;
	sa.situation = rd_u32(&r);
	if (r.bad)
		return WHY_PAYLOAD_SHORT;
	if (sa.situation != SIT_IDENTITY_ONLY)
		return WHY_SITUATION;
	sa.proposals = rd_rest(&r);
	if (sa.proposals.n == 0)
		return WHY_PAYLOAD_SHORT;
	*ret = sa;
	return WHY_NONE;
}

/*
 * One link of a chain of equal substructures: generic header with `type` or
 * zero as the next payload, body to *ret.
 */
static enum why
link_next(struct view *more, uint8_t type, struct rd *ret)
{
	struct rd r = rd_of(*more);
	uint8_t next = rd_u8(&r);
	uint8_t reserved = rd_u8(&r);
	size_t length = rd_u16(&r);

	if (r.bad || length < 8)
		return WHY_PAYLOAD_SHORT;
	if (next != PL_NONE && next != type)
		return WHY_PAYLOAD_TYPE;
	if (reserved != 0)
		return WHY_RESERVED;
	struct rd body = rd_sub(&r, length - 4);
	if (r.bad)
		return WHY_PAYLOAD_SHORT;
	if ((next == PL_NONE) != (r.n == 0))
		return WHY_PROPOSAL_SYNTAX;
	*more = rd_rest(&r);
	*ret = body;
	return WHY_NONE;
}

/* Walks the transforms of a proposal, which must be as many as it says. */
static enum why
transforms_count(const struct proposal *p)
{
	struct view more = p->transforms;
	int previous = -1;

	for (unsigned n = 0; n < p->n_transforms; n++) {
		struct transform t;
		enum why why = transform_next(&more, previous, &t);

		if (why != WHY_NONE)
			return why;
		previous = t.number;
	}
	return p->n_transforms > 0 && more.n == 0 ? WHY_NONE : WHY_PROPOSAL_SYNTAX;
}

/*
 * RFC 2408, 3.5
 *  +---------------+---------------+---------------+---------------+
 *  ! Next payload  !   RESERVED    !         Payload length        !
 *  +---------------+---------------+---------------+---------------+
 *  ! Proposal #    ! Protocol-Id   !   SPI size    ! # transforms  !
 *  +---------------+---------------+---------------+---------------+
 *  ! SPI ...       ! Transforms ...
 */
enum why
proposal_next(struct view *more, int previous, struct proposal *ret)
{
	struct view rest = *more;
	struct proposal p = { 0 };
	struct rd body;
	enum why why = link_next(&rest, PL_PROPOSAL, &body);

	if (why != WHY_NONE)
		return why;
	p.number = rd_u8(&body);
	p.protocol = rd_u8(&body);
	size_t spi_len = rd_u8(&body);
	p.n_transforms = rd_u8(&body);
	p.spi = rd_view(&body, spi_len);
	p.transforms = rd_rest(&body);
	if (spi_len > SPI_LEN_MAX)
		return WHY_SPI_LEN;
	if (body.bad)
		return WHY_PAYLOAD_SHORT;
	if (p.protocol < PROTO_ISAKMP || p.protocol > PROTO_IPCOMP)
		return WHY_PROTOCOL_ID;
	if (p.number < previous)
		return WHY_PROPOSAL_SYNTAX;
	why = transforms_count(&p);
	if (why != WHY_NONE)
		return why;
	*more = rest;
	*ret = p;
	return WHY_NONE;
}

/*
 * RFC 2408, 3.6
 *  +---------------+---------------+---------------+---------------+
 *  ! Next payload  !   RESERVED    !         Payload length        !
 *  +---------------+---------------+---------------+---------------+
 *  ! Transform #   ! Transform-Id  !           RESERVED2           !
 *  +---------------+---------------+---------------+---------------+
 *  ! SA attributes ...
 */
enum why
transform_next(struct view *more, int previous, struct transform *ret)
{
	struct view rest = *more;
	struct transform t = { 0 };
	struct rd body;
	enum why why = link_next(&rest, PL_TRANSFORM, &body);

	if (why != WHY_NONE)
		return why;
	t.number = rd_u8(&body);
	t.id = rd_u8(&body);
	uint16_t reserved = rd_u16(&body);
	t.attributes = rd_rest(&body);
	if (body.bad)
		return WHY_PAYLOAD_SHORT;
	if (reserved != 0)
		return WHY_RESERVED;
	if (t.number <= previous)
		return WHY_PROPOSAL_SYNTAX;
	*more = rest;
	*ret = t;
	return WHY_NONE;
}

/* A number of any length; what 32 bits cannot hold is the largest they can. */
static uint32_t
number_of(struct view v)
{
	uint32_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		if (n >> 24 != 0)
			return UINT32_MAX;
		n = n << 8 | v.p[i];
	}
	return n;
}

/*
 * RFC 2408, 3.3
 *  +---------------+---------------+---------------+---------------+
 *  !A!      Attribute type         !  AF=0: length,  AF=1: value   !
 *  +---------------+---------------+---------------+---------------+
 *  ! AF=0: value ...
 */
enum why
attribute_next(struct view *more, struct attribute *ret)
{
	struct rd r = rd_of(*more);
	struct attribute a = { 0 };
	uint16_t type = rd_u16(&r);

	a.type = type & (ATTR_BASIC - 1);
	a.basic = (type & ATTR_BASIC) != 0;
	a.data = rd_view(&r, a.basic ? 2 : rd_u16(&r));
	if (r.bad)
		return WHY_PAYLOAD_SHORT;
	a.value = number_of(a.data);
	*more = rd_rest(&r);
	*ret = a;
	return WHY_NONE;
}

/* isakmpd.md 12.2: transform IDs that exist at all. */
static bool
transform_id_exists(uint8_t protocol, uint8_t id)
{
	switch (protocol) {
	case PROTO_ISAKMP:
		return id == 1;
	case PROTO_IPSEC_AH:
		return id >= AH_MD5 && id <= AH_RIPEMD;
	case PROTO_IPSEC_ESP:
		return (id >= ESP_DES_IV64 && id <= ESP_AES_GMAC) || (id >= 249 && id <= 253);
	case PROTO_IPCOMP:
		return id >= 1 && id <= 4;
	default:
		return false;
	}
}

static enum why
transform_check(uint8_t protocol, const struct transform *t)
{
	uint16_t most = protocol == PROTO_ISAKMP ? P1_BLOCK_SIZE : P2_EXTENDED_SEQUENCE;
	struct view more = t->attributes;

	if (!transform_id_exists(protocol, t->id))
		return WHY_TRANSFORM_ID;
	while (more.n > 0) {
		struct attribute a;
		enum why why = attribute_next(&more, &a);

		if (why != WHY_NONE)
			return why;
		if (a.type == 0 || a.type > most)
			return WHY_ATTRIBUTES;
	}
	return WHY_NONE;
}

static enum why
proposal_check(const struct proposal *p)
{
	struct view more = p->transforms;
	int previous = -1;

	while (more.n > 0) {
		struct transform t;
		enum why why = transform_next(&more, previous, &t);

		if (why == WHY_NONE)
			why = transform_check(p->protocol, &t);
		if (why != WHY_NONE)
			return why;
		previous = t.number;
	}
	return WHY_NONE;
}

enum why
sa_check(const struct sa_body *sa)
{
	struct view more = sa->proposals;
	int previous = -1;

	while (more.n > 0) {
		struct proposal p;
		enum why why = proposal_next(&more, previous, &p);

		if (why == WHY_NONE)
			why = proposal_check(&p);
		if (why != WHY_NONE)
			return why;
		previous = p.number;
	}
	return WHY_NONE;
}
