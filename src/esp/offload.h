/*
 * What a network card would do for the host's stack: cut one large TCP packet
 * into segments, and join segments into one packet, so that the TUN device is
 * crossed once for dozens of them.  Only octets here; the device is pump's.
 */
#ifndef ESP_OFFLOAD_H
#define ESP_OFFLOAD_H

#include "esp/ip.h"

/* ---- cutting ---- */

struct tcp_cut {
	struct view	packet;
	bool		six;
	size_t		ip_n, head_n;	/* IP header; with TCP's */
	size_t		at, mss;	/* octets of payload done; per segment */
	uint32_t	seq, pseudo;
	uint16_t	id;
	uint8_t		flags;
};

/* False: not a whole TCP packet without extension headers, or mss is zero. */
MUST_USE bool	tcp_cut_begin(struct view packet, size_t mss, struct tcp_cut *ret);
/* The next segment, complete with checksums, at ret->off; false at the end. */
MUST_USE bool	tcp_cut_next(struct tcp_cut *, struct esp_buf *ret);

/* The checksum from `start` to the end, stored at start + offset, where its seed stands. */
MUST_USE bool	checksum_finish(struct esp_buf *, size_t start, size_t offset);

/* ---- joining ---- */

struct tcp_join {
	unsigned	n;		/* segments; 0: nothing begun */
	struct esp_buf	first;
	size_t		ip_n, head_n, mss, total_n;
	uint32_t	next_seq;
	bool		six, closed;	/* closed: the last was shorter, or pushed */
	bool		push;
};

/* A TCP segment with payload, right in every checksum: others may join it. */
MUST_USE bool	tcp_join_begin(struct tcp_join *, const struct esp_buf *);
/* Whether it continues the one before in every respect; its payload then. */
MUST_USE bool	tcp_join_add(struct tcp_join *, struct view packet, struct view *ret);
/* The first one's headers become those of the whole, TCP's checksum its seed. */
void		tcp_join_end(struct tcp_join *);

#endif
