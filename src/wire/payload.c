#include "wire/payload.h"

#include "wire/sa.h"

/*
 * RFC 2407, 4.6.2 (after the generic header)
 *  +---------------+---------------+---------------+---------------+
 *  !   ID type     !  Protocol ID  !             Port              !
 *  +---------------+---------------+---------------+---------------+
 *  ! Identification data ...
 */
enum why
id_decode(struct view body, struct id *ret)
{
	struct rd r = rd_of(body);
	uint8_t type = rd_u8(&r);
	uint8_t protocol = rd_u8(&r);
	uint16_t port = rd_u16(&r);
	struct view data = rd_rest(&r);

	if (r.bad)
		return WHY_ID_LENGTH;
	return id_from_wire(type, protocol, port, data, ret);
}

void
id_encode(struct wr *w, const struct id *id)
{
	wr_u8(w, id->type);
	wr_u8(w, id->protocol);
	wr_u16(w, id->port);
	wr_bytes(w, id->data, id->n);
}

static bool
doi_known(uint32_t doi)
{
	return doi == 0 || doi == DOI_IPSEC_NUMBER;
}

/*
 * RFC 2408, 3.14
 *  +---------------+---------------+---------------+---------------+
 *  !                Domain of interpretation (0 or 1)              !
 *  +---------------+---------------+---------------+---------------+
 *  !  Protocol-ID  !   SPI size    !     Notify message type       !
 *  +---------------+---------------+---------------+---------------+
 *  ! SPI ...       ! Notification data ...
 */
enum why
notify_decode(struct view body, struct notify_body *ret)
{
	struct rd r = rd_of(body);
	struct notify_body n = { 0 };

	n.doi = rd_u32(&r);
	n.protocol = rd_u8(&r);
	size_t spi_len = rd_u8(&r);
	n.type = rd_u16(&r);
	if (r.bad)
		return WHY_PAYLOAD_SHORT;
	n.spi = rd_view(&r, spi_len);
	n.data = rd_rest(&r);
	if (!doi_known(n.doi))
		return WHY_DOI;
	if (spi_len > SPI_LEN_MAX)
		return WHY_SPI_LEN;
	if (r.bad)
		return WHY_PAYLOAD_SHORT;
	*ret = n;
	return WHY_NONE;
}

void
notify_encode(struct wr *w, const struct notify_body *n)
{
	if (n->spi.n > SPI_LEN_MAX)
		w->bad = true;
	wr_u32(w, n->doi);
	wr_u8(w, n->protocol);
	wr_u8(w, (uint8_t)n->spi.n);
	wr_u16(w, n->type);
	wr_view(w, n->spi);
	wr_view(w, n->data);
}

/*
 * RFC 2408, 3.15
 *  +---------------+---------------+---------------+---------------+
 *  !                Domain of interpretation (0 or 1)              !
 *  +---------------+---------------+---------------+---------------+
 *  !  Protocol-ID  !   SPI size    !           # of SPIs           !
 *  +---------------+---------------+---------------+---------------+
 *  ! SPIs ...
 */
enum why
delete_decode(struct view body, struct delete_body *ret)
{
	struct rd r = rd_of(body);
	struct delete_body d = { 0 };

	d.doi = rd_u32(&r);
	d.protocol = rd_u8(&r);
	d.spi_len = rd_u8(&r);
	d.n = rd_u16(&r);
	if (r.bad)
		return WHY_PAYLOAD_SHORT;
	d.spis = rd_rest(&r);
	if (!doi_known(d.doi))
		return WHY_DOI;
	if (d.spi_len == 0 || d.spi_len > SPI_LEN_MAX)
		return WHY_SPI_LEN;
	if (d.spis.n < (size_t)d.spi_len * d.n)
		return WHY_PAYLOAD_SHORT;
	if (d.n == 0 || d.spis.n > (size_t)d.spi_len * d.n)
		return WHY_PAYLOAD_MALFORMED;
	*ret = d;
	return WHY_NONE;
}

void
delete_encode(struct wr *w, const struct delete_body *d)
{
	wr_u32(w, d->doi);
	wr_u8(w, d->protocol);
	wr_u8(w, d->spi_len);
	wr_u16(w, d->n);
	wr_view(w, d->spis);
}
