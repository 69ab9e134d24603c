#include "wire/header.h"

#include "wire/message.h"

/*
 * RFC 2408, 3.1
 *  +---------------+---------------+---------------+---------------+
 *  !                      Initiator cookie (8)                     !
 *  !                      Responder cookie (8)                     !
 *  +---------------+---------------+---------------+---------------+
 *  ! Next payload  ! MjVer ! MnVer ! Exchange type !     Flags     !
 *  +---------------+---------------+---------------+---------------+
 *  !                          Message ID                           !
 *  !                            Length                             !
 *  +---------------+---------------+---------------+---------------+
 */
enum why
header_decode(struct view datagram, struct header *ret)
{
	struct rd r = rd_of(datagram);
	struct header h = { 0 };

	rd_copy(&r, h.icookie, COOKIE_LEN);
	rd_copy(&r, h.rcookie, COOKIE_LEN);
	h.next = rd_u8(&r);
	h.version = rd_u8(&r);
	h.exchange = rd_u8(&r);
	h.flags = rd_u8(&r);
	h.message_id = rd_u32(&r);
	h.length = rd_u32(&r);
	if (r.bad || h.length != datagram.n)
		return WHY_MESSAGE_LENGTH;
	*ret = h;
	return WHY_NONE;
}

void
header_encode(struct wr *w, const struct header *h)
{
	wr_bytes(w, h->icookie, COOKIE_LEN);
	wr_bytes(w, h->rcookie, COOKIE_LEN);
	wr_u8(w, h->next);
	wr_u8(w, h->version);
	wr_u8(w, h->exchange);
	wr_u8(w, h->flags);
	wr_u32(w, h->message_id);
	wr_u32(w, h->length);
}

bool
cookie_is_zero(const uint8_t cookie[COOKIE_LEN])
{
	static const uint8_t zero[COOKIE_LEN];

	return memcmp(cookie, zero, COOKIE_LEN) == 0;
}

enum why
header_check(const struct header *h)
{
	bool first = cookie_is_zero(h->rcookie);

	if (h->next > PL_NAT_OA && h->next < 128)
		return WHY_PAYLOAD_TYPE;
	if (h->version >> 4 != 1)
		return WHY_MAJOR_VERSION;
	if ((h->version & 15) != 0)
		return WHY_MINOR_VERSION;
	if (h->exchange == 0 || (h->exchange > EXCH_TRANSACTION && h->exchange < EXCH_QUICK_MODE) ||
	    (h->exchange >= EXCH_QUICK_MODE && first))
		return WHY_EXCHANGE_TYPE;
	if ((h->flags & ~(FLAG_ENCRYPTION | FLAG_COMMIT | FLAG_AUTH_ONLY)) != 0)
		return WHY_FLAGS;
	/*
	 * A notification about a refused first message has no responder cookie
	 * but may have an ID of its own (RFC 2408, 3.1): it is worth a log line.
	 */
	if (first && h->message_id != 0 && h->exchange != EXCH_INFO)
		return WHY_MESSAGE_ID;
	return WHY_NONE;
}
