#include "wire/sa.h"

/*
 * Offsets are into the message: a substructure's generic header stands at
 * `proposal_at` or `transform_at`; zero is the ISAKMP header and therefore
 * means none.
 */

struct sa_wr
sa_wr_begin(struct msg_wr *m)
{
	wr_u32(&m->w, DOI_IPSEC_NUMBER);
	wr_u32(&m->w, SIT_IDENTITY_ONLY);
	return (struct sa_wr){ .m = m };
}

static void
length_patch(struct wr *w, size_t at)
{
	size_t n = w->len - at;

	if (n > UINT16_MAX)
		w->bad = true;
	wr_patch_u16(w, at + 2, (uint16_t)n);
}

static void
transform_end(struct sa_wr *s)
{
	if (s->transform_at != 0)
		length_patch(&s->m->w, s->transform_at);
	s->transform_at = 0;
}

static void
proposal_end(struct sa_wr *s)
{
	transform_end(s);
	if (s->proposal_at != 0)
		length_patch(&s->m->w, s->proposal_at);
	s->proposal_at = 0;
	s->last_transform_next = 0;
}

void
sa_wr_proposal(struct sa_wr *s, uint8_t number, uint8_t protocol, struct view spi)
{
	struct wr *w = &s->m->w;

	proposal_end(s);
	if (s->last_proposal_next != 0)
		wr_patch_u8(w, s->last_proposal_next, PL_PROPOSAL);
	if (spi.n > SPI_LEN_MAX)
		w->bad = true;
	s->proposal_at = s->last_proposal_next = w->len;
	wr_zero(w, 4);
	wr_u8(w, number);
	wr_u8(w, protocol);
	wr_u8(w, (uint8_t)spi.n);
	wr_u8(w, 0);
	wr_view(w, spi);
}

void
sa_wr_transform(struct sa_wr *s, uint8_t number, uint8_t id)
{
	struct wr *w = &s->m->w;
	size_t count_at = s->proposal_at + 7;

	transform_end(s);
	if (s->last_transform_next != 0)
		wr_patch_u8(w, s->last_transform_next, PL_TRANSFORM);
	if (s->proposal_at == 0 || w->bad || w->base[count_at] == UINT8_MAX) {
		w->bad = true;
		return;
	}
	wr_patch_u8(w, count_at, (uint8_t)(w->base[count_at] + 1));
	s->transform_at = s->last_transform_next = w->len;
	wr_zero(w, 4);
	wr_u8(w, number);
	wr_u8(w, id);
	wr_u16(w, 0);
}

void
sa_wr_attribute(struct sa_wr *s, uint16_t type, uint32_t value)
{
	struct wr *w = &s->m->w;

	if (value <= UINT16_MAX) {
		wr_u16(w, (uint16_t)(type | 0x8000));
		wr_u16(w, (uint16_t)value);
	} else {
		wr_u16(w, type);
		wr_u16(w, 4);
		wr_u32(w, value);
	}
}

void
sa_wr_raw_attributes(struct sa_wr *s, struct view attributes)
{
	wr_view(&s->m->w, attributes);
}

void
sa_wr_end(struct sa_wr *s)
{
	proposal_end(s);
}
