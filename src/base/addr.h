/*
 * Addresses as values, free of sockaddr.  Text is always numeric: names are
 * never looked up (isakmpd.md section 1, Beyond).
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include "base/str.h"
#include "base/util.h"
#include "base/view.h"

enum family { FAMILY_NONE = 0, FAMILY_IP4 = 4, FAMILY_IP6 = 6 };

struct addr {
	uint8_t		b[16];		/* network order; IPv4 uses the first 4 */
	uint32_t	scope;		/* interface index of a link-local IPv6 address, else 0 */
	uint8_t		family;		/* enum family */
};

struct endpoint {
	struct addr	addr;
	uint16_t	port;		/* host order */
};

/* How a datagram travels. */
struct path {
	struct endpoint	local, remote;
	bool		encap;		/* by our NAT-T port, with the non-ESP marker */
};

/* A range of addresses; a subnet or a single address is one too. */
struct range {
	struct addr	first, last;	/* same family, first <= last */
};

size_t		addr_len(const struct addr *);	/* 4, 16, or 0 for FAMILY_NONE */
struct view	addr_view(const struct addr *);
bool		addr_equal(const struct addr *, const struct addr *);
int		addr_compare(const struct addr *, const struct addr *);
bool		addr_is_any(const struct addr *);	/* NONE, 0.0.0.0 or :: */
/* From 4 or 16 octets in network order; false for any other length. */
MUST_USE bool	addr_from_octets(struct view, struct addr *ret);
MUST_USE bool	addr_parse(const char *text, struct addr *ret);
void		addr_print(struct str *, const struct addr *);
/* "192.0.2.1:500", "[2001:db8::1]:500" */
void		endpoint_print(struct str *, const struct endpoint *);
bool		endpoint_equal(const struct endpoint *, const struct endpoint *);

/* The address with all bits after the first `bits` cleared or set. */
struct addr	addr_first_of(const struct addr *, unsigned bits);
struct addr	addr_last_of(const struct addr *, unsigned bits);
/* Prefix length of a netmask, or -1 if it is not contiguous. */
int		addr_mask_bits(const struct addr *mask);
struct addr	addr_mask_of(uint8_t family, unsigned bits);
/* Prefix length if the range is exactly one subnet (32/128: one address), else -1. */
int		range_bits(const struct range *);
bool		range_equal(const struct range *, const struct range *);
bool		range_has(const struct range *, const struct addr *);
bool		range_within(const struct range *inner, const struct range *outer);
/* "10.1.0.0/24", "10.1.0.7", "10.1.0.1-10.1.0.9" */
void		range_print(struct str *, const struct range *);

#endif
