/* The ISAKMP header, RFC 2408 section 3.1. */
#ifndef WIRE_HEADER_H
#define WIRE_HEADER_H

#include "base/rd.h"
#include "base/str.h"
#include "base/why.h"
#include "base/wr.h"

enum { COOKIE_LEN = 8, HEADER_LEN = 28 };
enum header_flag { FLAG_ENCRYPTION = 1, FLAG_COMMIT = 2, FLAG_AUTH_ONLY = 4 };

struct header {
	uint8_t		icookie[COOKIE_LEN], rcookie[COOKIE_LEN];
	uint8_t		next;		/* first payload */
	uint8_t		version;	/* 0x10 */
	uint8_t		exchange;
	uint8_t		flags;
	uint32_t	message_id;
	uint32_t	length;		/* octets, header included */
};

/*
 * Decodes the first 28 octets of a datagram.  WHY_MESSAGE_LENGTH if the
 * datagram is shorter or its length field differs from its size; nothing
 * else is judged here.
 */
MUST_USE enum why header_decode(struct view datagram, struct header *ret);
void		header_encode(struct wr *, const struct header *);
/* Version, exchange type, flags, message ID: checks 6 to 10 of isakmpd.md section 12. */
MUST_USE enum why header_check(const struct header *);
bool		cookie_is_zero(const uint8_t cookie[COOKIE_LEN]);

#endif
