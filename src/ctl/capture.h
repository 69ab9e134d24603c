/*
 * capture: IKE messages in clear as records of a capture file that tshark
 * and tcpdump read (isakmpd.md section 9).  Values in, octets out.
 *
 * The file's own fields are in the order of this machine, as those of every
 * classic capture file are; what a packet contains is in network order.
 */
#ifndef CTL_CAPTURE_H
#define CTL_CAPTURE_H

#include "base/addr.h"
#include "base/wr.h"

enum {
	CAPTURE_HEADER = 24,		/* octets at the beginning of the file */
	CAPTURE_PACKET_MAX = 65000,	/* octets of a packet, its family included */
	CAPTURE_RECORD_MAX = 16 + CAPTURE_PACKET_MAX
};

struct capture_packet {
	int64_t		secs;		/* when, as a calendar tells it */
	uint32_t	usecs;
	struct endpoint	from, to;
	uint16_t	number;		/* counts packets: the IPv4 identification */
	struct view	message;	/* without the non-ESP marker */
};

void		capture_header(struct wr *);
/* True if records may be appended to a file that begins so. */
bool		capture_compatible(struct view header);
/* One record; nothing is written and w->bad is set if it is too large. */
void		capture_record(struct wr *, const struct capture_packet *);

#endif
