/*
 * A decoded message: header and an index of payload views into the datagram
 * (or into its decrypted copy).  RFC 2408 sections 3.2 ff., isakmpd.md 12.1.
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include "wire/header.h"

/*        name        number  least octets incl. generic header  printed as */
#define PAYLOAD_LIST(X)				\
	X(SA,		1,	8,	"SA")	\
	X(PROPOSAL,	2,	8,	"P")	\
	X(TRANSFORM,	3,	8,	"T")	\
	X(KEY_EXCH,	4,	4,	"KE")	\
	X(ID,		5,	8,	"ID")	\
	X(CERT,		6,	5,	"CERT")	\
	X(CERT_REQ,	7,	5,	"CR")	\
	X(HASH,		8,	4,	"HASH")	\
	X(SIG,		9,	4,	"SIG")	\
	X(NONCE,	10,	4,	"NONCE") \
	X(NOTIFY,	11,	12,	"N")	\
	X(DELETE,	12,	12,	"D")	\
	X(VENDOR,	13,	4,	"VID")	\
	X(ATTRIBUTE,	14,	8,	"ATTR")	\
	X(NAT_D,	20,	4,	"NAT-D") \
	X(NAT_OA,	21,	8,	"NAT-OA") \
	X(NAT_D_DRAFT,	130,	4,	"NAT-D") \
	X(NAT_OA_DRAFT,	131,	8,	"NAT-OA")

enum payload_type {
	PL_NONE = 0,
#define X(name, num, least, text) PL_##name = num,
	PAYLOAD_LIST(X)
#undef X
};

/* A bit per payload type for rows; private types share the top bits. */
uint64_t	payload_bit(uint8_t type);	/* 0: unknown type */
const char	*payload_text(uint8_t type);	/* "KE"; "?" if unknown */

struct payload {
	uint8_t		type;
	struct view	body;	/* after the generic header */
	struct view	whole;	/* with it */
};

enum { PAYLOADS_MAX = 64 };

struct message {
	struct header	h;
	size_t		n;
	struct payload	payload[PAYLOADS_MAX];
	struct view	chain;		/* all payloads without trailing padding */
	uint64_t	present;	/* payload_bit of each, or-ed */
};

/*
 * Walks the chain of payloads that follows the header: generic headers,
 * least lengths, reserved octets.  Unknown private payloads (>= 128) are
 * skipped; types 22 to 127 are WHY_PAYLOAD_TYPE, 15 to 19 WHY_PAYLOAD_MALFORMED;
 * more than PAYLOADS_MAX WHY_PAYLOAD_COUNT.  What follows the last payload is
 * padding when `encrypted`, else WHY_MESSAGE_LENGTH.  Views borrow `chain`.
 */
MUST_USE enum why message_parse(const struct header *, struct view chain, bool encrypted,
		    struct message *ret);
/* The i-th payload of a type, or NULL. */
const struct payload *message_find(const struct message *, uint8_t type, size_t i);
size_t		message_count(const struct message *, uint8_t type);
/* "HDR*, HASH, SA, NONCE, KE, ID x2": the star means encrypted. */
void		message_print(struct str *, const struct message *);

/*
 * The writer: owns the next-payload chain and all lengths.
 *
 *	struct msg_wr m = msg_begin(room, cap, &header);
 *	struct pl_mark k = msg_open(&m, PL_NONCE);
 *	wr_view(&m.w, nonce);
 *	msg_close(&m, k);
 *	struct view bytes = msg_finish(&m);	empty if it did not fit
 */
struct msg_wr {
	struct wr	w;
	size_t		next_at;	/* where the next payload's type belongs */
};

struct pl_mark {
	size_t		at;
};

struct msg_wr	msg_begin(void *room, size_t cap, const struct header *);
struct pl_mark	msg_open(struct msg_wr *, uint8_t type);
void		msg_close(struct msg_wr *, struct pl_mark);
/* msg_open + octets + msg_close */
void		msg_payload(struct msg_wr *, uint8_t type, struct view body);
/* Patches the header's length; the finished message. */
struct view	msg_finish(struct msg_wr *);
/*
 * The finished message padded with zeros to a multiple of `block` after the
 * header, its length patched; ready to encrypt from HEADER_LEN on.
 * RFC 2409 appendix B.
 */
struct view	msg_finish_padded(struct msg_wr *, size_t block);

#endif
