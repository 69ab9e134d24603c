/* Inbound: from an ESP packet to an inner one (RFC 4301, 5.2; RFC 4303, 3.4). */
#include "esp/internal.h"

static struct esp_sa *
sa_by_spi(const struct esp_plane *p, uint32_t spi)
{
	const struct esp_slot *s = &p->slots[spi & (ESP_SAS_MAX - 1)];

	return s->spi == spi ? s->sa : NULL;
}

bool
esp_plane_is_transport(const struct esp_plane *p, struct view packet)
{
	struct rd r = rd_of(packet);
	const struct esp_sa *sa = sa_by_spi(p, rd_u32(&r));

	return sa != NULL && sa->suite.mode == SA_TRANSPORT;
}

/* The text of a packet of n octets; false if it is too short or not in blocks. */
static bool
text_length(const struct sa_lengths *len, size_t n, size_t *ret)
{
	size_t around = ESP_HEADER + len->iv + len->icv;

	if (n < around + ESP_TRAILER)
		return false;
	*ret = n - around;
	return *ret % len->block == 0;
}

/*
 * Cuts the buffer to what was sealed.  RFC 4303, 2.4: the padding is 1, 2,
 * 3 ...; anything else is no packet of a sender that follows it.
 */
static bool
text_end(struct esp_buf *b, const struct sa_lengths *len, size_t text_n, uint8_t *ret_next)
{
	struct rd r;

	if (!buf_pull(b, ESP_HEADER + len->iv) || !buf_trim(b, text_n))
		return false;
	r = rd_of(buf_view(b));
	rd_view(&r, text_n - ESP_TRAILER);
	size_t pad = rd_u8(&r);
	uint8_t next = rd_u8(&r);
	if (r.bad || pad > text_n - ESP_TRAILER || !buf_trim(b, text_n - ESP_TRAILER))
		return false;
	r = rd_of(buf_view(b));
	rd_view(&r, b->n - pad);
	for (size_t i = 1; i <= pad; i++)
		if (rd_u8(&r) != i)
			return false;
	*ret_next = next;
	return buf_trim(b, b->n - pad);
}

/* A dummy has no meaning but its length. */
static enum why
take_dummy(struct esp_buf *b)
{
	return buf_trim(b, 0) ? WHY_NONE : WHY_ESP_SHORT;
}

/*
 * RFC 4301, 5.2.1, and 4303, 2.7: in tunnel mode whatever follows the inner
 * packet is traffic flow padding.
 */
static enum why
take_tunnel(struct esp_buf *b, uint8_t next, uint8_t outer_tos, struct ip_info *ip)
{
	uint8_t family = next == IPPROTO_IPIP_ ? FAMILY_IP4 : FAMILY_IP6;

	if (next != IPPROTO_IPIP_ && next != IPPROTO_IPV6_)
		return WHY_ESP_SELECTOR;
	if (!ip_parse(buf_view(b), ip) || ip->src.family != family ||
	    !buf_trim(b, ip->total_n))
		return WHY_ESP_SELECTOR;
	return ip_decap_ecn(b, ip->tos, outer_tos) ? WHY_NONE : WHY_ESP_SELECTOR;
}

/* The header that the packet had before ESP was put into it is made again. */
static enum why
take_transport(const struct esp_sa *sa, struct esp_buf *b, uint8_t next, uint8_t outer_tos,
    struct ip_info *ip)
{
	if (!ip_push_header(b, &sa->remote.addr, &sa->local.addr, next, outer_tos) ||
	    !ip_parse(buf_view(b), ip) || ip->fragment)
		return WHY_ESP_SELECTOR;
	if (sa->encap)
		ip_fix_checksum(b, ip);
	return WHY_NONE;
}

static enum why
take(const struct esp_sa *sa, struct esp_buf *b, uint8_t next, uint8_t outer_tos)
{
	struct ip_info ip;
	enum why why;

	if (next == IPPROTO_NONE_)
		return take_dummy(b);
	why = sa->suite.mode == SA_TUNNEL ? take_tunnel(b, next, outer_tos, &ip) :
	    take_transport(sa, b, next, outer_tos, &ip);
	if (why != WHY_NONE)
		return why;
	return ip_matches(&ip, &sa->flow, false) ? WHY_NONE : WHY_ESP_SELECTOR;
}

/* RFC 3947, 4: a NAT gave the peer another address; told once for each. */
static void
see_remote(struct esp_plane *p, struct esp_sa *sa, const struct path *path)
{
	if (!sa->encap || endpoint_equal(&path->remote, &sa->remote) ||
	    endpoint_equal(&path->remote, &sa->pair->moved))
		return;
	sa->pair->moved = path->remote;
	plane_tell(p, sa->pair, PENDING_MOVED);
}

enum why
esp_plane_in(struct esp_plane *p, struct mono now, const struct esp_came *came,
    struct esp_buf *b)
{
	struct rd r = rd_of(buf_view(b));
	uint32_t spi = rd_u32(&r);
	uint32_t seq = rd_u32(&r);
	size_t text_n;
	uint64_t whole;
	uint8_t next;

	if (r.bad)
		return plane_refuse(p, NULL, WHY_ESP_SHORT);
	struct esp_sa *sa = sa_by_spi(p, spi);
	/* An SA is for the one or for the other way of travelling. */
	if (sa == NULL)
		plane_stray(p, now, spi, &came->path->remote);
	if (sa == NULL || sa->encap != came->path->encap)
		return plane_refuse(p, NULL, WHY_ESP_UNKNOWN_SPI);
	if (!text_length(sa->len, b->n, &text_n))
		return plane_refuse(p, sa, WHY_ESP_SHORT);
	if (!replay_check(&sa->replay, seq, &whole))
		return plane_refuse(p, sa, WHY_ESP_REPLAY);
	if (!esp_cipher_open(sa->cipher, (uint32_t)(whole >> 32), buf_at(b), text_n))
		return plane_refuse(p, sa, WHY_ESP_AUTH);
	/* Authentic from here on. */
	replay_mark(&sa->replay, whole);
	if (!text_end(b, sa->len, text_n, &next))
		return plane_refuse(p, sa, WHY_ESP_PADDING);
	enum why why = take(sa, b, next, came->tos);
	if (why != WHY_NONE)
		return plane_refuse(p, sa, why);
	see_remote(p, sa, came->path);
	return plane_use(p, now, sa, b->n) ? WHY_NONE : plane_refuse(p, NULL, WHY_NO_SA);
}
