/*
 * SA, proposal and transform payloads and their attributes: RFC 2408
 * sections 3.3 to 3.6, RFC 2407 section 4.6.1.
 */
#ifndef WIRE_SA_H
#define WIRE_SA_H

#include "wire/message.h"

enum { DOI_IPSEC_NUMBER = 1, SIT_IDENTITY_ONLY = 1, SPI_LEN_MAX = 16 };

struct sa_body {
	uint32_t	doi, situation;
	struct view	proposals;	/* the chain */
};

struct proposal {
	uint8_t		number, protocol, n_transforms;
	struct view	spi;
	struct view	transforms;	/* the chain */
};

struct transform {
	uint8_t		number, id;
	struct view	attributes;
};

struct attribute {
	uint16_t	type;
	bool		basic;		/* two octets of value in place of a length */
	uint32_t	value;		/* basic, or variable of at most 4 octets */
	struct view	data;		/* the value's octets either way */
};

/* WHY_DOI, WHY_SITUATION, WHY_PAYLOAD_SHORT. */
MUST_USE enum why sa_decode(struct view body, struct sa_body *ret);

/*
 * Walk a chain.  `*more` is the rest, start with the chain itself; WHY_NONE
 * with *ret filled, and more->n == 0 after the last.  Checks the generic
 * header, that only proposals (transforms) are linked, number order
 * (proposals not smaller than the one before, transforms strictly greater:
 * pass the previous number, or -1 at the start), SPI length, the count of
 * transforms, and reserved octets.  WHY_PROPOSAL_SYNTAX, WHY_PAYLOAD_TYPE,
 * WHY_SPI_LEN, WHY_RESERVED, WHY_PAYLOAD_SHORT, WHY_PROTOCOL_ID.
 */
MUST_USE enum why proposal_next(struct view *more, int previous, struct proposal *ret);
MUST_USE enum why transform_next(struct view *more, int previous, struct transform *ret);
/* The next attribute; more->n == 0 after the last.  WHY_PAYLOAD_SHORT. */
MUST_USE enum why attribute_next(struct view *more, struct attribute *ret);
/* Walks everything once: any fault in any proposal, transform, attribute. */
MUST_USE enum why sa_check(const struct sa_body *);

/* Writing, inside msg_open(PL_SA). */
struct sa_wr {
	struct msg_wr	*m;
	size_t		 proposal_at, transform_at;	/* 0: none yet */
	size_t		 last_proposal_next, last_transform_next;
};

struct sa_wr	sa_wr_begin(struct msg_wr *);		/* DOI and situation */
void		sa_wr_proposal(struct sa_wr *, uint8_t number, uint8_t protocol, struct view spi);
void		sa_wr_transform(struct sa_wr *, uint8_t number, uint8_t id);
/* Basic if the value fits 16 bits, else variable with 4 octets. */
void		sa_wr_attribute(struct sa_wr *, uint16_t type, uint32_t value);
void		sa_wr_raw_attributes(struct sa_wr *, struct view attributes);
/* Patches lengths, counts and links of what is open. */
void		sa_wr_end(struct sa_wr *);

#endif
