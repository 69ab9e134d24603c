/* Outbound: what happens to an inner packet (RFC 4301, 5.1; RFC 4303, 3.3). */
#include "esp/internal.h"

enum { ICMP_PER_SECOND = 100 };

static bool
icmp_allowed(struct esp_plane *p, struct mono now)
{
	if (mono_reached(now, p->icmp_at)) {
		p->icmp_at = mono_add(now, span_s(1));
		p->icmp_left = ICMP_PER_SECOND;
	}
	if (p->icmp_left == 0)
		return false;
	p->icmp_left--;
	return true;
}

/* Refuses the packet; the sender is told why if that may be. */
static enum why
refuse_loudly(struct esp_plane *p, struct mono now, struct esp_buf *b,
    const struct ip_info *ip, enum why why, size_t mtu, struct esp_sent *ret)
{
	enum ip_error error = why == WHY_ESP_TOO_BIG ? IP_ERROR_TOO_BIG : IP_ERROR_PROHIBITED;

	ret->reply = icmp_allowed(p, now) && ip_make_error(b, ip, error, mtu);
	return plane_refuse(p, NULL, why);
}

/*
 * RFC 4301, 8.2.1: what may not be cut and is too long for the path goes back
 * to its sender.  The rest is sealed whole, and the outer packet is cut.
 */
static bool
too_big(const struct ip_info *ip, size_t max, size_t *ret_mtu)
{
	if (ip->total_n <= max || !ip->df)
		return false;
	*ret_mtu = max;
	if (ip->src.family == FAMILY_IP6 && max < IP6_LEAST_MTU)
		*ret_mtu = IP6_LEAST_MTU;
	return ip->total_n > *ret_mtu;
}

/*
 * RFC 4301, 4.1: between the two ends themselves, and whole datagrams only.
 * Headers that belong before ESP cannot be put there by a socket.
 */
static bool
transport_can(const struct esp_sa *sa, const struct ip_info *ip)
{
	return !ip->fragment && view_equal(addr_view(&ip->src), addr_view(&sa->local.addr)) &&
	    view_equal(addr_view(&ip->dst), addr_view(&sa->remote.addr)) &&
	    (ip->src.family == FAMILY_IP4 ||
	    (ip->next != IPPROTO_HOPOPTS_ && ip->next != IPPROTO_ROUTING_));
}

/* Cuts the buffer to the text before padding; the next header field for it. */
static bool
text_begin(const struct esp_sa *sa, const struct ip_info *ip, struct esp_buf *b, uint8_t *ret)
{
	if (!buf_trim(b, ip->total_n))
		return false;
	if (sa->suite.mode == SA_TUNNEL) {
		*ret = ip->src.family == FAMILY_IP4 ? IPPROTO_IPIP_ : IPPROTO_IPV6_;
		return true;
	}
	*ret = ip->next;
	return buf_pull(b, ip->header_n);
}

/*
 * RFC 4303, 2
 *  +---------------+---------------+---------------+---------------+
 *  !                Security Parameters Index (SPI)                !
 *  !                      Sequence Number                          !
 *  !      IV     !     text      ! padding ! pad length ! next hdr !
 *  !                             ICV                               !
 */
static enum why
seal(struct esp_sa *sa, uint64_t seq, uint8_t next, struct esp_buf *b)
{
	const struct sa_lengths *len = sa->len;
	size_t align = len->block < 4 ? 4 : len->block;
	size_t pad = (align - (b->n + ESP_TRAILER) % align) % align;
	size_t text_n = b->n + pad + ESP_TRAILER;
	struct wr w;

	uint8_t *tail = buf_put(b, pad + ESP_TRAILER + len->icv);
	uint8_t *head = buf_push(b, ESP_HEADER + len->iv);
	if (tail == NULL || head == NULL)
		return WHY_ESP_TOO_BIG;
	w = wr_of(tail, pad + ESP_TRAILER);
	for (size_t i = 1; i <= pad; i++)
		wr_u8(&w, (uint8_t)i);
	wr_u8(&w, (uint8_t)pad);
	wr_u8(&w, next);
	w = wr_of(head, ESP_HEADER + len->iv);
	wr_u32(&w, sa->spi);
	wr_u32(&w, (uint32_t)seq);
	if (len->iv > 0)
		esp_cipher_iv(sa->cipher, seq, wr_room(&w, len->iv));
	return esp_cipher_seal(sa->cipher, (uint32_t)(seq >> 32), head, text_n) ?
	    WHY_NONE : WHY_NO_MEMORY;
}

/* The next sequence number; the SA ends when there is none (RFC 4303, 3.3.3). */
static bool
sequence_next(struct esp_plane *p, struct esp_sa *sa, uint64_t *ret)
{
	if (sa->seq == (sa->suite.esn ? UINT64_MAX : UINT32_MAX)) {
		plane_hard(p, sa);
		return false;
	}
	*ret = ++sa->seq;
	return true;
}

enum why
esp_plane_out(struct esp_plane *p, struct mono now, struct esp_buf *b, struct esp_sent *ret)
{
	struct ip_info ip;
	size_t mtu;
	uint64_t seq;
	uint8_t next;

	*ret = (struct esp_sent){ 0 };
	if (!ip_parse(buf_view(b), &ip))
		return plane_refuse(p, NULL, WHY_NO_POLICY);
	struct esp_group *g = plane_policy(p, &ip);
	if (g == NULL)
		return refuse_loudly(p, now, b, &ip, WHY_NO_POLICY, 0, ret);
	struct esp_sa *sa = g->newest;
	if (sa == NULL) {
		plane_acquire(p, now, g, &ip);
		return plane_refuse(p, NULL, WHY_NO_SA);
	}
	if (sa->suite.mode == SA_TRANSPORT && !transport_can(sa, &ip))
		return refuse_loudly(p, now, b, &ip, WHY_ESP_SELECTOR, 0, ret);
	size_t max = plane_inner_max(p, now, sa);
	if (too_big(&ip, max, &mtu))
		return refuse_loudly(p, now, b, &ip, WHY_ESP_TOO_BIG, mtu, ret);
	/* Either of these may end the SA: the packet then waits for a new one. */
	if (!sequence_next(p, sa, &seq))
		return plane_refuse(p, NULL, WHY_ESP_SEQUENCE);
	if (!plane_use(p, now, sa, ip.total_n)) {
		plane_acquire(p, now, g, &ip);
		return plane_refuse(p, NULL, WHY_NO_SA);
	}
	enum why why = text_begin(sa, &ip, b, &next) ? seal(sa, seq, next, b) : WHY_ESP_TOO_BIG;
	if (why != WHY_NONE)
		return plane_refuse(p, sa, why);
	ret->path = (struct path){ .local = sa->local, .remote = sa->remote,
	    .encap = sa->encap };
	/* RFC 4301, 5.1.2.1; RFC 6040, 4.1: DSCP and ECN are taken over. */
	ret->tos = ip.tos;
	ret->fits = ip.total_n <= max;
	ret->df = ip.df && ret->fits;
	return WHY_NONE;
}
