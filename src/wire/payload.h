/* The smaller payloads: decode and encode of one stand side by side. */
#ifndef WIRE_PAYLOAD_H
#define WIRE_PAYLOAD_H

#include "base/id.h"
#include "wire/message.h"

/* RFC 2407 section 4.6.2.  WHY_ID_TYPE, WHY_ID_LENGTH, WHY_ID_RANGE. */
MUST_USE enum why id_decode(struct view body, struct id *ret);
/* The body without generic header: what HASH_I and HASH_R cover. */
void		id_encode(struct wr *, const struct id *);

/* RFC 2408 section 3.14.  The SPI must fit in the payload; WHY_DOI, WHY_SPI_LEN, WHY_PAYLOAD_SHORT. */
struct notify_body {
	uint32_t	doi;
	uint8_t		protocol;
	uint16_t	type;
	struct view	spi, data;
};
MUST_USE enum why notify_decode(struct view body, struct notify_body *ret);
void		notify_encode(struct wr *, const struct notify_body *);

/* RFC 2408 section 3.15: n SPIs of equal size that fill the payload exactly (security R2). */
struct delete_body {
	uint32_t	doi;
	uint8_t		protocol;
	uint8_t		spi_len;
	uint16_t	n;
	struct view	spis;
};
MUST_USE enum why delete_decode(struct view body, struct delete_body *ret);
void		delete_encode(struct wr *, const struct delete_body *);

#endif
