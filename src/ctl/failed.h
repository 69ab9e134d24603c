/*
 * failed: the messages of the last negotiations that failed, always kept and
 * bounded.  Every message passes through here as a record of a capture file;
 * when a negotiation fails, its messages move from `recent` to `kept`, where
 * only later failures push them out.
 */
#ifndef CTL_FAILED_H
#define CTL_FAILED_H

#include "base/util.h"
#include "base/view.h"

enum {
	FAILED_RECENT_MAX = 1024 * 1024,	/* octets of messages not known to have failed */
	FAILED_KEPT_MAX = 512 * 1024,		/* octets of those that have */
	FAILED_NEGOTIATIONS = 16
};

/* A negotiation: the initiator's cookie and, in phase 2, the message ID. */
struct failed_key {
	uint8_t		icookie[8];
	uint32_t	message_id;
};

struct failed_item;

struct failed_list {
	struct failed_item	*first, **tail;
	size_t			 octets;
};

/* Zeroed is empty. */
struct failed {
	struct failed_list	recent, kept;
	unsigned		negotiations;	/* in kept */
	struct failed_key	last;		/* of kept's last message */
};

void	failed_done(struct failed *);
/* A message; without memory it is not remembered. */
void	failed_message(struct failed *, const struct failed_key *, struct view record);
/* The negotiation failed. */
void	failed_mark(struct failed *, const struct failed_key *);
/* Every record that is kept, in order of failure and then of time. */
void	failed_each(const struct failed *, void (*each)(void *self, struct view record), void *self);

#endif
