#include "esp/ip.h"

#include "base/rd.h"
#include "base/wr.h"

enum {
	IP6_EXTENSIONS_MAX = 8,	/* more in one packet are refused */
	ICMP4_UNREACHABLE = 3,
	ICMP4_TOO_BIG = 4,	/* codes */
	ICMP4_PROHIBITED = 13,
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_PROHIBITED = 1,	/* code */
	ICMP_HEADER = 8,
	ICMP4_QUOTE_MAX = 576 - IP4_HEADER - ICMP_HEADER,	/* RFC 1812, 4.3.2.3 */
	ICMP6_QUOTE_MAX = IP6_LEAST_MTU - IP6_HEADER - ICMP_HEADER	/* RFC 4443, 2.4 c */
};

/* ---- reading ---- */

static bool
has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP_ || protocol == IPPROTO_UDP_ ||
	    protocol == IPPROTO_SCTP_ || protocol == IPPROTO_DCCP_ ||
	    protocol == IPPROTO_UDPLITE_;
}

static void
ports_parse(struct rd r, struct ip_info *ip)
{
	if (!has_ports(ip->protocol) || ip->later_fragment)
		return;
	ip->sport = rd_u16(&r);
	ip->dport = rd_u16(&r);
	ip->has_ports = !r.bad;
}

/* RFC 791, 3.1 */
static bool
ip4_parse(struct view packet, struct ip_info *ip)
{
	struct rd r = rd_of(packet);

	ip->header_n = (size_t)(rd_u8(&r) & 0x0f) * 4;
	ip->tos = rd_u8(&r);
	ip->total_n = rd_u16(&r);
	rd_u16(&r);
	uint16_t fragment = rd_u16(&r);
	rd_u8(&r);
	ip->protocol = ip->next = rd_u8(&r);
	rd_u16(&r);
	ip->src.family = ip->dst.family = FAMILY_IP4;
	rd_copy(&r, ip->src.b, 4);
	rd_copy(&r, ip->dst.b, 4);
	if (r.bad || ip->header_n < IP4_HEADER || ip->total_n < ip->header_n ||
	    ip->total_n > packet.n)
		return false;
	ip->df = (fragment & 0x4000) != 0;
	ip->fragment = (fragment & 0x3fff) != 0;
	ip->later_fragment = (fragment & 0x1fff) != 0;
	ip->upper_at = ip->header_n;
	r = rd_of(view_of(packet.p, ip->total_n));
	rd_view(&r, ip->header_n);
	ports_parse(r, ip);
	return true;
}

/*
 * RFC 8200, 4: walks to the upper layer.  r stands behind the fixed header;
 * false if a header is cut short or there are too many.
 */
static bool
ip6_extensions(struct rd *r, struct ip_info *ip)
{
	for (unsigned i = 0; i < IP6_EXTENSIONS_MAX; i++) {
		uint8_t next, units;
		size_t n;

		switch (ip->protocol) {
		case IPPROTO_HOPOPTS_:
		case IPPROTO_ROUTING_:
		case IPPROTO_DSTOPTS_:
		case IPPROTO_MH_:
			next = rd_u8(r);
			units = rd_u8(r);
			n = (size_t)(units + 1) * 8;
			break;
		case IPPROTO_AH_:
			next = rd_u8(r);
			units = rd_u8(r);
			n = (size_t)(units + 2) * 4;
			break;
		case IPPROTO_FRAGMENT_:
			next = rd_u8(r);
			rd_u8(r);
			uint16_t offset = rd_u16(r);
			rd_u32(r);
			ip->fragment = true;
			ip->later_fragment = (offset & 0xfff8) != 0;
			ip->upper_at += 8;
			ip->protocol = next;
			if (r->bad)
				return false;
			if (ip->later_fragment)
				return true;
			continue;
		default:
			return true;
		}
		rd_view(r, n - 2);
		if (r->bad)
			return false;
		ip->upper_at += n;
		ip->protocol = next;
	}
	return false;
}

/* RFC 8200, 3 */
static bool
ip6_parse(struct view packet, struct ip_info *ip)
{
	struct rd r = rd_of(packet);
	uint32_t first = rd_u32(&r);

	ip->tos = (uint8_t)(first >> 20);
	size_t payload_n = rd_u16(&r);
	ip->protocol = ip->next = rd_u8(&r);
	rd_u8(&r);
	ip->src.family = ip->dst.family = FAMILY_IP6;
	rd_copy(&r, ip->src.b, 16);
	rd_copy(&r, ip->dst.b, 16);
	ip->df = true;
	ip->header_n = ip->upper_at = IP6_HEADER;
	ip->total_n = IP6_HEADER + payload_n;
	struct rd rest = rd_sub(&r, payload_n);
	if (rest.bad || !ip6_extensions(&rest, ip))
		return false;
	ports_parse(rest, ip);
	return true;
}

bool
ip_parse(struct view packet, struct ip_info *ret)
{
	struct rd r = rd_of(packet);
	struct ip_info ip = { 0 };
	unsigned version = rd_u8(&r) >> 4;

	if (version == 4 ? !ip4_parse(packet, &ip) : version != 6 || !ip6_parse(packet, &ip))
		return false;
	*ret = ip;
	return true;
}

/* ---- selectors ---- */

/* A selector with a port takes no packet that has none (RFC 4301, 4.4.1.1, OPAQUE). */
static bool
selector_matches(const struct selector *s, const struct addr *a, bool ports, uint16_t port)
{
	return (s->port == 0 || (ports && s->port == port)) && range_has(&s->net, a);
}

bool
ip_matches(const struct ip_info *ip, const struct flow *f, bool outbound)
{
	const struct selector *src = outbound ? &f->local : &f->remote;
	const struct selector *dst = outbound ? &f->remote : &f->local;

	return (f->protocol == 0 || f->protocol == ip->protocol) &&
	    selector_matches(src, &ip->src, ip->has_ports, ip->sport) &&
	    selector_matches(dst, &ip->dst, ip->has_ports, ip->dport);
}

struct flow
ip_flow(const struct ip_info *ip, bool outbound)
{
	struct selector src = { .net = { ip->src, ip->src }, .port = ip->sport };
	struct selector dst = { .net = { ip->dst, ip->dst }, .port = ip->dport };

	return (struct flow){ .local = outbound ? src : dst, .remote = outbound ? dst : src,
	    .protocol = ip->protocol };
}

/* ---- writing ---- */

static uint16_t
u16_of(const void *two)
{
	struct rd r = rd_of(view_of(two, 2));

	return rd_u16(&r);
}

uint32_t
checksum_add(uint32_t sum, struct view v)
{
	enum { WORD = 4, WIDE = 8, BLOCK = 64 };
	uint64_t wide = sum, words = 0, others = 0, carries = 0;
	struct rd r = rd_of(v);

	/*
	 * In this machine's order, which the sum does not mind (RFC 1071, 2 B), and
	 * by two sums of wide words, which compilers turn into additions with carry.
	 */
	for (const uint8_t *p; r.n >= BLOCK && (p = rd_take(&r, BLOCK)) != NULL;)
		for (size_t i = 0; i < BLOCK; i += 2 * WIDE) {
			uint64_t a, b;

			memcpy(&a, p + i, WIDE);
			memcpy(&b, p + i + WIDE, WIDE);
			words += a;
			carries += words < a;
			others += b;
			carries += others < b;
		}
	words += others;
	carries += words < others;
	words += carries;
	words += words < carries;
	words = (words & 0xffffffff) + (words >> 32);
	words = (words & 0xffffffff) + (words >> 32);
	words = (words & 0xffff) + (words >> 16);
	words = (words & 0xffff) + (words >> 16);
	words = (words & 0xffff) + (words >> 16);
	uint16_t folded = (uint16_t)words;
	wide += u16_of(&folded);
	while (r.n >= WORD)
		wide += rd_u32(&r);
	if (r.n >= 2)
		wide += rd_u16(&r);
	if (r.n == 1)
		wide += (uint32_t)rd_u8(&r) << 8;
	wide = (wide & 0xffffffff) + (wide >> 32);
	wide = (wide & 0xffff) + (wide >> 16);
	return (uint32_t)((wide & 0xffff) + (wide >> 16));
}

uint16_t
checksum_end(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void
ip4_header(uint8_t *p, size_t total_n, const struct addr *src, const struct addr *dst,
    uint8_t protocol, uint8_t tos)
{
	struct wr w = wr_of(p, IP4_HEADER);

	wr_u8(&w, 0x45);
	wr_u8(&w, tos);
	wr_u16(&w, (uint16_t)total_n);
	wr_u16(&w, 0);			/* RFC 6864: an atomic datagram needs no ID */
	wr_u16(&w, 0x4000);
	wr_u8(&w, 64);
	wr_u8(&w, protocol);
	wr_u16(&w, 0);
	wr_bytes(&w, src->b, 4);
	wr_bytes(&w, dst->b, 4);
	wr_patch_u16(&w, 10, checksum_end(checksum_add(0, wr_done(&w))));
}

static void
ip6_header(uint8_t *p, size_t payload_n, const struct addr *src, const struct addr *dst,
    uint8_t protocol, uint8_t tos)
{
	struct wr w = wr_of(p, IP6_HEADER);

	wr_u32(&w, (uint32_t)6 << 28 | (uint32_t)tos << 20);
	wr_u16(&w, (uint16_t)payload_n);
	wr_u8(&w, protocol);
	wr_u8(&w, 64);
	wr_bytes(&w, src->b, 16);
	wr_bytes(&w, dst->b, 16);
}

bool
ip_push_header(struct esp_buf *b, const struct addr *src, const struct addr *dst,
    uint8_t protocol, uint8_t tos)
{
	bool four = src->family == FAMILY_IP4;
	size_t payload_n = b->n;

	if (src->family != dst->family || payload_n > UINT16_MAX - IP6_HEADER)
		return false;
	uint8_t *p = buf_push(b, four ? IP4_HEADER : IP6_HEADER);
	if (p == NULL)
		return false;
	if (four)
		ip4_header(p, b->n, src, dst, protocol, tos);
	else
		ip6_header(p, payload_n, src, dst, protocol, tos);
	return true;
}

/* The pseudo-headers of RFC 9293, 3.1 and RFC 8200, 8.1 add up the same way. */
static uint32_t
pseudo_sum(const struct addr *src, const struct addr *dst, uint8_t protocol, size_t n)
{
	uint8_t room[8];
	struct wr w = wr_of(room, sizeof(room));

	wr_u32(&w, (uint32_t)n);
	wr_u32(&w, protocol);
	return checksum_add(checksum_add(checksum_add(0, addr_view(src)), addr_view(dst)),
	    wr_done(&w));
}

/* Where the checksum stands in an upper header that has one over the addresses. */
static bool
checksum_place(uint8_t protocol, size_t *ret)
{
	switch (protocol) {
	case IPPROTO_TCP_:
		*ret = 16;
		return true;
	case IPPROTO_UDP_:
		*ret = 6;
		return true;
	case IPPROTO_ICMPV6_:
		*ret = 2;
		return true;
	default:
		return false;
	}
}

void
ip_fix_checksum(struct esp_buf *b, const struct ip_info *ip)
{
	struct wr w = { .base = buf_at(b), .len = ip->total_n, .cap = ip->total_n };
	struct rd r = rd_of(view_of(buf_at(b), ip->total_n));
	size_t place;

	if (ip->fragment || !checksum_place(ip->protocol, &place))
		return;
	rd_view(&r, ip->upper_at);
	struct view upper = rd_rest(&r);
	if (upper.n < place + 2)
		return;
	r = rd_of(upper);
	rd_view(&r, place);
	uint16_t old = rd_u16(&r);
	/* No checksum at all is allowed for UDP over IPv4. */
	if (ip->protocol == IPPROTO_UDP_ && old == 0 && ip->src.family == FAMILY_IP4)
		return;
	wr_patch_u16(&w, ip->upper_at + place, 0);
	uint16_t sum = checksum_end(checksum_add(
	    pseudo_sum(&ip->src, &ip->dst, ip->protocol, upper.n), upper));
	if (sum == 0 && ip->protocol == IPPROTO_UDP_)
		sum = 0xffff;
	wr_patch_u16(&w, ip->upper_at + place, sum);
}

static void
tos_set(struct esp_buf *b, uint8_t tos)
{
	struct wr w = { .base = buf_at(b), .len = b->n, .cap = b->n };
	struct rd r = rd_of(buf_view(b));
	uint16_t first = rd_u16(&r);

	if (first >> 12 == 6) {
		wr_patch_u16(&w, 0, (uint16_t)((first & 0xf00f) | tos << 4));
		return;
	}
	size_t header_n = (size_t)(first >> 8 & 0x0f) * 4;
	wr_patch_u16(&w, 0, (uint16_t)((first & 0xff00) | tos));
	wr_patch_u16(&w, 10, 0);
	r = rd_of(buf_view(b));
	wr_patch_u16(&w, 10, checksum_end(checksum_add(0, rd_view(&r, header_n))));
}

bool
ip_decap_ecn(struct esp_buf *b, uint8_t inner_tos, uint8_t outer_tos)
{
	enum { NOT_ECT, ECT1, ECT0, CE };
	uint8_t inner = inner_tos & 3, outer = outer_tos & 3;

	if (outer == CE && inner == NOT_ECT)
		return false;
	if ((outer == CE && inner != CE) || (outer == ECT1 && inner == ECT0))
		tos_set(b, (uint8_t)((inner_tos & 0xfc) | outer));
	return true;
}

/* ---- errors to the sender ---- */

static bool
is_multicast(const struct addr *a)
{
	return a->family == FAMILY_IP4 ? a->b[0] >= 224 : a->b[0] == 0xff;
}

/* ICMP that is not a question or an answer: nothing may be sent about it. */
static bool
is_icmp_error(struct view packet, const struct ip_info *ip)
{
	struct rd r = rd_of(packet);

	rd_view(&r, ip->upper_at);
	uint8_t type = rd_u8(&r);
	if (ip->protocol == IPPROTO_ICMPV6_)
		return r.bad || type < 128;
	return ip->protocol == IPPROTO_ICMP_ &&
	    (r.bad || (type != 0 && type != 8 && type != 13 && type != 14));
}

static bool
error_allowed(struct view packet, const struct ip_info *ip)
{
	return !ip->later_fragment && !is_multicast(&ip->src) && !is_multicast(&ip->dst) &&
	    !addr_is_any(&ip->src) && !is_icmp_error(packet, ip);
}

bool
ip_make_error(struct esp_buf *b, const struct ip_info *ip, enum ip_error error, size_t mtu)
{
	bool four = ip->src.family == FAMILY_IP4;
	size_t most = four ? ICMP4_QUOTE_MAX : ICMP6_QUOTE_MAX;
	struct wr w;

	if (!error_allowed(buf_view(b), ip) ||
	    !buf_trim(b, ip->total_n < most ? ip->total_n : most))
		return false;
	uint8_t *p = buf_push(b, ICMP_HEADER);
	if (p == NULL)
		return false;
	w = wr_of(p, b->n);
	if (four) {
		/* RFC 792, RFC 1191, 4 */
		wr_u8(&w, ICMP4_UNREACHABLE);
		wr_u8(&w, error == IP_ERROR_TOO_BIG ? ICMP4_TOO_BIG : ICMP4_PROHIBITED);
		wr_u16(&w, 0);
		wr_u32(&w, error == IP_ERROR_TOO_BIG ? (uint32_t)mtu & 0xffff : 0);
	} else {
		/* RFC 4443, 3.1 and 3.2 */
		wr_u8(&w, error == IP_ERROR_TOO_BIG ? ICMP6_TOO_BIG : ICMP6_UNREACHABLE);
		wr_u8(&w, error == IP_ERROR_TOO_BIG ? 0 : ICMP6_PROHIBITED);
		wr_u16(&w, 0);
		wr_u32(&w, error == IP_ERROR_TOO_BIG ? (uint32_t)mtu : 0);
	}
	uint32_t sum = four ? 0 : pseudo_sum(&ip->dst, &ip->src, IPPROTO_ICMPV6_, b->n);
	wr_patch_u16(&w, 2, checksum_end(checksum_add(sum, buf_view(b))));
	/*
	 * The sender's packet was for ip->dst, so an answer from there comes
	 * the way that the machine expects (reverse path filters).
	 */
	return ip_push_header(b, &ip->dst, &ip->src,
	    four ? IPPROTO_ICMP_ : IPPROTO_ICMPV6_, 0);
}
