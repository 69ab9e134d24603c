#include "ctl/capture.h"

#include <string.h>

enum {
	VERSION_MAJOR = 2, VERSION_MINOR = 4, SNAPLEN = 65536,
	LINK_LOOP = 108,		/* a family in network order, then IP */
	LOOP_IP4 = 2, LOOP_IP6 = 24,	/* on every platform: OpenBSD's numbers */
	IP4_HEADER = 20, IP6_HEADER = 40, UDP_HEADER = 8, MARKER = 4,
	UDP = 17, TTL = 64, NAT_T_PORT = 4500
};

static const uint32_t magic = 0xa1b2c3d4;

static void
host_u16(struct wr *w, uint16_t v)
{
	wr_bytes(w, &v, sizeof(v));
}

static void
host_u32(struct wr *w, uint32_t v)
{
	wr_bytes(w, &v, sizeof(v));
}

void
capture_header(struct wr *w)
{
	host_u32(w, magic);
	host_u16(w, VERSION_MAJOR);
	host_u16(w, VERSION_MINOR);
	host_u32(w, 0);			/* zone */
	host_u32(w, 0);			/* accuracy of times */
	host_u32(w, SNAPLEN);
	host_u32(w, LINK_LOOP);
}

bool
capture_compatible(struct view header)
{
	uint8_t ours[CAPTURE_HEADER];
	struct wr w = wr_of(ours, sizeof(ours));

	capture_header(&w);
	return header.n == sizeof(ours) && memcmp(header.p, ours, sizeof(ours)) == 0;
}

/* ---- checksums (RFC 1071) ---- */

static uint32_t
sum(uint32_t so_far, struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		so_far += i % 2 == 0 ? (uint32_t)v.p[i] << 8 : v.p[i];
	return so_far;
}

static uint16_t
checksum(uint32_t all)
{
	while (all >> 16 != 0)
		all = (all & 0xffff) + (all >> 16);
	return (uint16_t)~all;
}

/* ---- one packet ---- */

static bool
has_marker(const struct capture_packet *p)
{
	return p->from.port == NAT_T_PORT || p->to.port == NAT_T_PORT;
}

/*
 * RFC 791, 3.1: version and header length, type of service, total length,
 * identification, fragment offset, TTL, protocol, checksum, source, destination.
 */
static void
ip4_header(struct wr *w, const struct capture_packet *p, size_t udp_n)
{
	uint8_t room[IP4_HEADER];
	struct wr h = wr_of(room, sizeof(room));

	wr_u8(&h, 0x45);
	wr_u8(&h, 0);
	wr_u16(&h, (uint16_t)(IP4_HEADER + udp_n));
	wr_u16(&h, p->number);
	wr_u16(&h, 0);
	wr_u8(&h, TTL);
	wr_u8(&h, UDP);
	wr_u16(&h, 0);
	wr_bytes(&h, p->from.addr.b, 4);
	wr_bytes(&h, p->to.addr.b, 4);
	wr_patch_u16(&h, 10, checksum(sum(0, wr_done(&h))));
	wr_view(w, wr_done(&h));
}

/* RFC 8200, 3: version and flow, payload length, next header, hop limit, addresses. */
static void
ip6_header(struct wr *w, const struct capture_packet *p, size_t udp_n)
{
	wr_u32(w, 0x60000000);
	wr_u16(w, (uint16_t)udp_n);
	wr_u8(w, UDP);
	wr_u8(w, TTL);
	wr_bytes(w, p->from.addr.b, 16);
	wr_bytes(w, p->to.addr.b, 16);
}

/* RFC 768; the sum covers addresses, protocol and length, too. */
static void
udp_datagram(struct wr *w, const struct capture_packet *p, size_t address_n, size_t udp_n)
{
	size_t at = w->len;

	wr_u16(w, p->from.port);
	wr_u16(w, p->to.port);
	wr_u16(w, (uint16_t)udp_n);
	wr_u16(w, 0);
	if (has_marker(p))
		wr_zero(w, MARKER);
	wr_view(w, p->message);
	if (w->bad)
		return;
	uint32_t all = sum(UDP + (uint32_t)udp_n, view_of(p->from.addr.b, address_n));
	all = sum(all, view_of(p->to.addr.b, address_n));
	uint16_t check = checksum(sum(all, view_of(w->base + at, w->len - at)));
	wr_patch_u16(w, at + 6, check == 0 ? 0xffff : check);	/* 0 would mean: none */
}

void
capture_record(struct wr *w, const struct capture_packet *p)
{
	bool ip6 = p->to.addr.family == FAMILY_IP6;
	size_t udp_n = UDP_HEADER + (has_marker(p) ? (size_t)MARKER : 0) + p->message.n;
	size_t packet_n = 4 + (ip6 ? (size_t)IP6_HEADER : (size_t)IP4_HEADER) + udp_n;

	if (p->message.n > CAPTURE_PACKET_MAX || packet_n > CAPTURE_PACKET_MAX ||
	    packet_n + 16 > w->cap - w->len) {
		w->bad = true;
		return;
	}
	host_u32(w, (uint32_t)p->secs);
	host_u32(w, p->usecs);
	host_u32(w, (uint32_t)packet_n);
	host_u32(w, (uint32_t)packet_n);
	wr_u32(w, ip6 ? LOOP_IP6 : LOOP_IP4);
	if (ip6)
		ip6_header(w, p, udp_n);
	else
		ip4_header(w, p, udp_n);
	udp_datagram(w, p, ip6 ? 16 : 4, udp_n);
}
