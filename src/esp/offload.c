#include "esp/offload.h"

#include "base/rd.h"
#include "base/wr.h"

enum {
	TCP_LEAST = 20, TCP_SEQ = 4, TCP_DATA_AT = 12, TCP_FLAGS = 13, TCP_SUM = 16,
	FIN = 1, PSH = 8, ACK = 16, CWR = 128,
	IP4_LENGTH = 2, IP4_ID = 4, IP4_SUM = 10, IP6_LENGTH = 4,
	JOINED_MOST = 65535
};

static uint16_t
u16_at(struct view v, size_t at)
{
	struct rd r = rd_of(v);

	(void)rd_take(&r, at);
	return rd_u16(&r);
}

static uint32_t
u32_at(struct view v, size_t at)
{
	return (uint32_t)u16_at(v, at) << 16 | u16_at(v, at + 2);
}

static uint32_t
pseudo_sum(const struct ip_info *ip)
{
	uint8_t room[4] = { 0, 0, 0, IPPROTO_TCP_ };

	return checksum_add(checksum_add(checksum_add(0, addr_view(&ip->src)),
	    addr_view(&ip->dst)), view_of(room, sizeof(room)));
}

static uint32_t
add_length(uint32_t sum, size_t n)
{
	uint8_t room[4];
	struct wr w = wr_of(room, sizeof(room));

	wr_u32(&w, (uint32_t)n);
	return checksum_add(sum, wr_done(&w));
}

/* A whole TCP packet without options of IPv4 or extension headers of IPv6. */
static bool
tcp_parse(struct view packet, struct ip_info *ip, size_t *ret_head_n)
{
	if (!ip_parse(packet, ip) || ip->fragment || ip->protocol != IPPROTO_TCP_ ||
	    ip->upper_at != (ip->src.family == FAMILY_IP6 ? IP6_HEADER : IP4_HEADER) ||
	    ip->total_n != packet.n || packet.n < ip->upper_at + TCP_LEAST)
		return false;
	size_t tcp_n = (size_t)(packet.p[ip->upper_at + TCP_DATA_AT] >> 4) * 4;
	*ret_head_n = ip->upper_at + tcp_n;
	return tcp_n >= TCP_LEAST && *ret_head_n <= packet.n;
}

/* Lengths and the IPv4 checksum of a packet of n octets at p. */
static void
ip_patch(uint8_t *p, size_t n, bool six)
{
	struct wr w = { .base = p, .len = six ? IP6_HEADER : IP4_HEADER, .cap = IP6_HEADER };

	if (six) {
		wr_patch_u16(&w, IP6_LENGTH, (uint16_t)(n - IP6_HEADER));
		return;
	}
	wr_patch_u16(&w, IP4_LENGTH, (uint16_t)n);
	wr_patch_u16(&w, IP4_SUM, 0);
	wr_patch_u16(&w, IP4_SUM, checksum_end(checksum_add(0, view_of(p, IP4_HEADER))));
}

/* ---- cutting ---- */

bool
tcp_cut_begin(struct view packet, size_t mss, struct tcp_cut *ret)
{
	struct ip_info ip;
	struct tcp_cut c = { .packet = packet, .mss = mss };

	if (mss == 0 || !tcp_parse(packet, &ip, &c.head_n) || c.head_n == packet.n)
		return false;
	c.six = ip.src.family == FAMILY_IP6;
	c.ip_n = ip.upper_at;
	c.seq = u32_at(packet, c.ip_n + TCP_SEQ);
	c.flags = packet.p[c.ip_n + TCP_FLAGS];
	c.id = c.six ? 0 : u16_at(packet, IP4_ID);
	c.pseudo = pseudo_sum(&ip);
	*ret = c;
	return true;
}

bool
tcp_cut_next(struct tcp_cut *c, struct esp_buf *b)
{
	size_t left = c->packet.n - c->head_n - c->at, n = left < c->mss ? left : c->mss;
	uint8_t flags = c->flags;

	if (left == 0)
		return false;
	b->n = 0;
	uint8_t *p = buf_put(b, c->head_n + n);
	if (p == NULL)
		return false;
	memcpy(p, c->packet.p, c->head_n);
	memcpy(p + c->head_n, c->packet.p + c->head_n + c->at, n);
	if (n < left)
		flags &= (uint8_t)~(FIN | PSH);
	if (c->at > 0)
		flags &= (uint8_t)~CWR;		/* RFC 3168, 6.1.2: once */
	struct wr w = { .base = p, .len = b->n, .cap = b->n };
	if (!c->six)
		wr_patch_u16(&w, IP4_ID, c->id++);
	ip_patch(p, b->n, c->six);
	wr_patch_u16(&w, c->ip_n + TCP_SEQ, (uint16_t)(c->seq >> 16));
	wr_patch_u16(&w, c->ip_n + TCP_SEQ + 2, (uint16_t)c->seq);
	wr_patch_u8(&w, c->ip_n + TCP_FLAGS, flags);
	wr_patch_u16(&w, c->ip_n + TCP_SUM, 0);
	wr_patch_u16(&w, c->ip_n + TCP_SUM, checksum_end(checksum_add(
	    add_length(c->pseudo, b->n - c->ip_n), view_of(p + c->ip_n, b->n - c->ip_n))));
	c->at += n;
	c->seq += (uint32_t)n;
	return true;
}

bool
checksum_finish(struct esp_buf *b, size_t start, size_t offset)
{
	if (start > b->n || b->n - start < 2 || offset > b->n - start - 2)
		return false;
	struct wr w = { .base = buf_at(b), .len = b->n, .cap = b->n };
	uint16_t sum = checksum_end(checksum_add(0, view_of(buf_at(b) + start, b->n - start)));
	/* Zero means none to UDP, and the same as its complement to all. */
	wr_patch_u16(&w, start + offset, sum == 0 ? 0xffff : sum);
	return true;
}

/* ---- joining ---- */

bool
tcp_join_begin(struct tcp_join *j, const struct esp_buf *b)
{
	struct view v = buf_view(b);
	struct ip_info ip;
	size_t head_n;

	*j = (struct tcp_join){ 0 };
	if (!tcp_parse(v, &ip, &head_n) || head_n == v.n)
		return false;
	uint8_t flags = v.p[ip.upper_at + TCP_FLAGS];
	if ((flags & ~PSH) != ACK || checksum_end(checksum_add(add_length(pseudo_sum(&ip),
	    v.n - ip.upper_at), view_of(v.p + ip.upper_at, v.n - ip.upper_at))) != 0)
		return false;
	*j = (struct tcp_join){
		.n = 1, .first = *b, .ip_n = ip.upper_at, .head_n = head_n, .mss = v.n - head_n,
		.total_n = v.n, .six = ip.src.family == FAMILY_IP6,
		.next_seq = u32_at(v, ip.upper_at + TCP_SEQ) + (uint32_t)(v.n - head_n),
		.closed = (flags & PSH) != 0, .push = (flags & PSH) != 0,
	};
	return true;
}

static bool
same_octets(struct view a, struct view b, size_t from, size_t to)
{
	return memcmp(a.p + from, b.p + from, to - from) == 0;
}

/* Everything but lengths, IPv4's identification, sequence number, PSH and checksums. */
static bool
same_head(const struct tcp_join *j, struct view a, struct view b)
{
	size_t t = j->ip_n;

	return (j->six ? same_octets(a, b, 0, 4) && same_octets(a, b, 6, IP6_HEADER) :
	    same_octets(a, b, 0, 2) && same_octets(a, b, 6, 10) && same_octets(a, b, 12, IP4_HEADER)) &&
	    same_octets(a, b, t, t + 4) && same_octets(a, b, t + 8, t + 13) &&
	    (a.p[t + TCP_FLAGS] & ~PSH) == (b.p[t + TCP_FLAGS] & ~PSH) &&
	    same_octets(a, b, t + 14, t + TCP_SUM) && same_octets(a, b, t + 18, j->head_n);
}

bool
tcp_join_add(struct tcp_join *j, struct view v, struct view *ret)
{
	struct esp_buf b = { .room = (uint8_t *)(uintptr_t)v.p, .cap = v.n, .n = v.n };
	struct tcp_join one;

	if (j->n == 0 || j->closed || v.n <= j->head_n || v.n - j->head_n > j->mss ||
	    j->total_n + v.n - j->head_n > JOINED_MOST ||
	    !same_head(j, buf_view(&j->first), v) ||
	    u32_at(v, j->ip_n + TCP_SEQ) != j->next_seq || !tcp_join_begin(&one, &b))
		return false;
	*ret = view_of(v.p + j->head_n, one.mss);
	j->n++;
	j->total_n += one.mss;
	j->next_seq = one.next_seq;
	j->push = one.push;
	j->closed = one.closed || one.mss < j->mss;
	return true;
}

void
tcp_join_end(struct tcp_join *j)
{
	struct ip_info ip;
	struct esp_buf *b = &j->first;
	uint8_t *p = buf_at(b);
	struct wr w = { .base = p, .len = j->head_n, .cap = j->head_n };

	if (!ip_parse(buf_view(b), &ip))
		return;
	ip_patch(p, j->total_n, j->six);
	wr_patch_u8(&w, j->ip_n + TCP_FLAGS, (uint8_t)(ACK | (j->push ? PSH : 0)));
	wr_patch_u16(&w, j->ip_n + TCP_SUM, (uint16_t)~checksum_end(
	    add_length(pseudo_sum(&ip), j->total_n - j->ip_n)));
}
