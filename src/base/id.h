/*
 * Identities: RFC 2407 section 4.6.2 as a tagged value.  The raw octets are
 * always kept (they go into HASH_I and HASH_R as they came); address kinds
 * are decoded into a range besides.  Every switch over `type` is exhaustive
 * (security R7).
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/addr.h"
#include "base/registry.h"
#include "base/why.h"

enum { ID_DATA_MAX = 512 };	/* octets; longer ones are refused */

struct id {
	uint8_t		type;		/* enum id_type; 0: no ID */
	uint8_t		protocol;	/* IP protocol, 0: any */
	uint16_t	port;		/* 0: any */
	struct range	range;		/* IPv4/IPv6 address, subnet and range types only */
	size_t		n;		/* octets of identification data */
	uint8_t		data[ID_DATA_MAX];
};

/* One side of a flow; both have the same family. */
struct selector {
	struct range	net;
	uint16_t	port;		/* 0: any */
};

struct flow {
	struct selector	local, remote;
	uint8_t		protocol;	/* 0: any */
};

/*
 * Decodes type, protocol, port and identification data; checks the length
 * against the type, first <= last, contiguous masks, and ID_DATA_MAX.
 * (RFC 2407, 4.6.2.1 ff.)  WHY_ID_TYPE, WHY_ID_LENGTH, WHY_ID_RANGE.
 */
MUST_USE enum why id_from_wire(uint8_t type, uint8_t protocol, uint16_t port,
		    struct view data, struct id *ret);
/* Constructors for configured identities. */
struct id	id_from_addr(const struct addr *);
/* A subnet: host bits are cleared; bits 32/128 gives the plain address type. */
struct id	id_from_subnet(const struct addr *, unsigned bits);
struct id	id_from_range(const struct range *);
/* FQDN, USER_FQDN, KEY_ID from octets; false if too long. */
MUST_USE bool	id_from_octets(enum id_type, struct view, struct id *ret);

bool		id_is_address_kind(const struct id *);	/* has a range */
/*
 * The same identity: type, length and data; FQDN and the domain part of a
 * USER_FQDN ignore ASCII case; protocol and port are not compared.
 * (isakmpd.md 14.3 Beyond)
 */
bool		id_equal(const struct id *, const struct id *);
/* The same traffic: range, protocol and port; an /32 subnet equals the address. */
bool		id_same_traffic(const struct id *, const struct id *);
/* For people: address numeric, subnets addr/mask-length, names escaped, KEY_ID
 * and DER hex: `trust` knows a distinguished name's text. */
void		id_print(struct str *, const struct id *);
/* The same with the mask of a subnet as an address, as the lines have it that
 * programs look for (isakmpd.md 8.4): "10.1.0.0/255.255.0.0". */
void		id_print_classic(struct str *, const struct id *);
/*
 * Where the public key of this identity is kept, below the folder of public
 * keys: "fqdn/gw.example.org", "key_id/0x0102"; names in lower case, and no
 * way out of the folder.  False: this kind of identity has no such name.
 */
MUST_USE bool	id_key_name(struct str *, const struct id *);
/* The identity of a file of that name; false if there is none. */
MUST_USE bool	id_of_key_name(const char *name, struct id *ret);
void		flow_print(struct str *, const struct flow *);
bool		flow_equal(const struct flow *, const struct flow *);

#endif
