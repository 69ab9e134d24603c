/*
 * What the data plane must know of an inner packet: its selectors (RFC 4301,
 * 4.4.1.1), what the outer header takes over from it, and the ICMP errors
 * that go back to its sender.
 */
#ifndef ESP_IP_H
#define ESP_IP_H

#include "base/id.h"
#include "esp/buf.h"

enum {
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	IP6_LEAST_MTU = 1280,	/* RFC 8200, 5 */

	IPPROTO_HOPOPTS_ = 0,
	IPPROTO_ICMP_ = 1,
	IPPROTO_IPIP_ = 4,
	IPPROTO_TCP_ = 6,
	IPPROTO_UDP_ = 17,
	IPPROTO_DCCP_ = 33,
	IPPROTO_IPV6_ = 41,
	IPPROTO_ROUTING_ = 43,
	IPPROTO_FRAGMENT_ = 44,
	IPPROTO_AH_ = 51,
	IPPROTO_ICMPV6_ = 58,
	IPPROTO_NONE_ = 59,
	IPPROTO_DSTOPTS_ = 60,
	IPPROTO_SCTP_ = 132,
	IPPROTO_MH_ = 135,
	IPPROTO_UDPLITE_ = 136
};

struct ip_info {
	struct addr	src, dst;
	size_t		total_n;	/* octets by the header, at most those there */
	size_t		header_n;	/* IPv4: with options; IPv6: 40 */
	size_t		upper_at;	/* where the upper layer begins */
	uint8_t		next;		/* protocol or next header field of the first header */
	uint8_t		protocol;	/* the upper layer, behind extension headers */
	uint8_t		tos;		/* DSCP and ECN */
	bool		df;		/* IPv6: always */
	bool		fragment;	/* any fragment */
	bool		later_fragment;	/* not the first one: no ports */
	bool		has_ports;
	uint16_t	sport, dport;
};

/* False: not a whole IPv4 or IPv6 packet. */
MUST_USE bool	ip_parse(struct view packet, struct ip_info *ret);
/* Whether a packet with local source (or, inbound, local destination) is of the flow. */
bool		ip_matches(const struct ip_info *, const struct flow *, bool outbound);
/* The packet as a flow of one, as seen from here. */
struct flow	ip_flow(const struct ip_info *, bool outbound);

/* RFC 1071; start with 0; `odd` positions are not supported between calls. */
uint32_t	checksum_add(uint32_t sum, struct view);
uint16_t	checksum_end(uint32_t sum);

/* Writes an IPv4 or IPv6 header without options in front of a packet. */
MUST_USE bool	ip_push_header(struct esp_buf *, const struct addr *src,
		    const struct addr *dst, uint8_t protocol, uint8_t tos);
/*
 * RFC 3948, 3.1.2: the addresses under a TCP, UDP, UDP-Lite or ICMPv6
 * checksum are not those the peer used; integrity was ESP's job, so the
 * checksum is computed anew.
 */
void		ip_fix_checksum(struct esp_buf *, const struct ip_info *);
/*
 * RFC 6040, 4.2: the ECN field the inner packet leaves with, given the
 * outer one.  False: it must be dropped.
 */
MUST_USE bool	ip_decap_ecn(struct esp_buf *, uint8_t inner_tos, uint8_t outer_tos);

enum ip_error { IP_ERROR_TOO_BIG, IP_ERROR_PROHIBITED };
/*
 * Turns the packet into an ICMP error to its sender; false if none may be
 * sent for it (RFC 1122, 3.2.2; RFC 4443, 2.4 e) or it does not fit.
 */
MUST_USE bool	ip_make_error(struct esp_buf *, const struct ip_info *, enum ip_error,
		    size_t mtu);

#endif
