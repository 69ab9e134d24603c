#include "wire/message.h"

enum { NEXT_AT = 16, LENGTH_AT = 24 };

struct msg_wr
msg_begin(void *room, size_t cap, const struct header *h)
{
	struct msg_wr m = { .w = wr_of(room, cap), .next_at = NEXT_AT };

	header_encode(&m.w, h);
	wr_patch_u8(&m.w, NEXT_AT, PL_NONE);
	return m;
}

struct pl_mark
msg_open(struct msg_wr *m, uint8_t type)
{
	struct pl_mark mark = { .at = m->w.len };

	wr_patch_u8(&m->w, m->next_at, type);
	wr_zero(&m->w, 4);
	m->next_at = mark.at;
	return mark;
}

void
msg_close(struct msg_wr *m, struct pl_mark mark)
{
	size_t n = m->w.len - mark.at;

	if (n > UINT16_MAX)
		m->w.bad = true;
	wr_patch_u16(&m->w, mark.at + 2, (uint16_t)n);
}

void
msg_payload(struct msg_wr *m, uint8_t type, struct view body)
{
	struct pl_mark mark = msg_open(m, type);

	wr_view(&m->w, body);
	msg_close(m, mark);
}

struct view
msg_finish(struct msg_wr *m)
{
	if (m->w.len > UINT16_MAX)	/* no datagram is longer */
		m->w.bad = true;
	wr_patch_u16(&m->w, LENGTH_AT, 0);
	wr_patch_u16(&m->w, LENGTH_AT + 2, (uint16_t)m->w.len);
	return wr_done(&m->w);
}

struct view
msg_finish_padded(struct msg_wr *m, size_t block)
{
	size_t over = block == 0 || m->w.bad ? 0 : (m->w.len - HEADER_LEN) % block;

	if (over != 0)
		wr_zero(&m->w, block - over);
	return msg_finish(m);
}
