/*
 * channel: messages between two roles over a SOCK_SEQPACKET pair.  One
 * message is a u16 type and a body written with wr; at most one descriptor
 * travels with it.
 *
 * Every channel has a table of what may come, from which side, how long,
 * with or without descriptor, in which phase, once or often.  A message that
 * breaks the table is CHANNEL_BROKEN: the receiver tells the monitor, which
 * ends the *sender's* process, for it is broken or taken over.
 *
 * Knows nothing of roles, event loops or what bodies mean.
 */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include <stdbool.h>

#include "base/rd.h"
#include "base/wr.h"

enum {
	CHANNEL_BODY_MAX = 64 * 1024 - 2,	/* octets of one body */
	CHANNEL_QUEUE_MAX = 8 * 1024 * 1024,	/* octets that may wait to be sent */
	CHANNEL_TYPE_MAX = 32			/* types are 1..31 */
};

enum channel_side { SIDE_A = 1, SIDE_B = 2 };

/* Phases are counted per direction: what B may send depends on what B sent. */
enum { PHASE_START = 1, PHASE_RUN = 2, PHASE_ANY = 3 };

struct channel_row {
	uint16_t	 type;
	const char	*name;
	uint8_t		 from;		/* enum channel_side, may be or-ed */
	uint32_t	 least, most;	/* octets of the body */
	bool		 fd;		/* carries exactly one descriptor; else none */
	uint8_t		 when;		/* PHASE_* */
	uint8_t		 then;		/* the sender's phase after it; 0: the same */
	bool		 once;
};

struct channel_table {
	const char		*name;
	const struct channel_row *rows;
	size_t			 n;
};

struct channel;

enum channel_got {
	CHANNEL_MESSAGE = 1,
	CHANNEL_EMPTY,		/* nothing waits */
	CHANNEL_CLOSED,		/* the other side has ended */
	CHANNEL_BROKEN		/* the other side broke the table; see channel_complaint */
};

struct channel_in {
	uint16_t	type;
	struct rd	body;	/* borrowed until the next call on the channel, then wiped */
	int		fd;	/* -1: none; else the receiver's, to close */
};

/* Two connected descriptors, nonblocking and close-on-exec. */
MUST_USE bool	 channel_pair(int ret[2]);
/* Takes the descriptor, also when it fails; NULL without memory. */
struct channel	*channel_new(int fd, const struct channel_table *, enum channel_side mine);
void		 channel_free(struct channel *);
int		 channel_fd(const struct channel *);

/*
 * Sending: write the body into the channel's own room, then send it.  The
 * room is wiped afterwards.  fd is duplicated (or -1) and stays the caller's.
 * False: the body did not fit, or too much waits already; nothing was sent.
 * A type that this side may not send is our own mistake and asserts.
 */
struct wr	*channel_body(struct channel *);
MUST_USE bool	 channel_send(struct channel *, uint16_t type, int fd);
/* Sends what waits, as far as the socket takes it; false if the other side is gone. */
MUST_USE bool	 channel_flush(struct channel *);
bool		 channel_waiting(const struct channel *);	/* flush when writable */

/* The next message, without blocking. */
enum channel_got channel_next(struct channel *, struct channel_in *ret);
/* The next message, waiting at most so long; sends what waits meanwhile. */
enum channel_got channel_wait(struct channel *, int milliseconds, struct channel_in *ret);
/* After CHANNEL_BROKEN: what was wrong, for the log. */
const char	*channel_complaint(const struct channel *);
/*
 * For handlers that find a body malformed: marks the channel broken, so the
 * loop that drives it reports the sender.
 */
void		 channel_refuse(struct channel *, const char *complaint);

/* The check alone, for tests and fuzzing: NULL if the message is in order. */
struct channel_state { uint8_t phase; uint32_t seen; };
const char	*channel_check(const struct channel_table *, struct channel_state *,
		    uint8_t from, uint16_t type, size_t n, bool has_fd);

#endif
