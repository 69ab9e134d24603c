#include "ipc/channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"

enum { ROOM = CHANNEL_BODY_MAX + 2 };

struct queued {
	struct queued	*next;
	size_t		 n;
	int		 fd;		/* ours, or -1 */
	uint8_t		 bytes[];
};

struct channel {
	int			 fd;
	const struct channel_table *table;
	uint8_t			 mine;
	struct channel_state	 in;
	const char		*complaint;
	bool			 closed;
	struct queued		*first, **last;
	size_t			 waiting;	/* octets in the queue */
	struct wr		 body;
	size_t			 received;	/* octets of in_room to wipe */
	int			 in_fd;
	uint8_t			 out_room[ROOM], in_room[ROOM];
};

bool
channel_pair(int ret[2])
{
	int fds[2], size = 4 * ROOM;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return false;
	for (int i = 0; i < 2; i++) {
		/* Best effort: the default already holds one message. */
		(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		(void)setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		ret[i] = fds[i];
	}
	return true;
}

struct channel *
channel_new(int fd, const struct channel_table *table, enum channel_side mine)
{
	struct channel *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	c->fd = fd;
	c->table = table;
	c->mine = (uint8_t)mine;
	c->in.phase = PHASE_START;
	c->last = &c->first;
	c->in_fd = -1;
	return c;
}

static void
queue_drop_first(struct channel *c)
{
	struct queued *q = c->first;

	c->first = q->next;
	if (c->first == NULL)
		c->last = &c->first;
	c->waiting -= q->n;
	if (q->fd >= 0)
		close(q->fd);
	wipe(q->bytes, q->n);
	free(q);
}

/* What the last channel_next handed out is no longer valid. */
static void
in_wipe(struct channel *c)
{
	if (c->in_fd >= 0)
		close(c->in_fd);
	c->in_fd = -1;
	wipe(c->in_room, c->received);
	c->received = 0;
}

void
channel_free(struct channel *c)
{
	if (c == NULL)
		return;
	while (c->first != NULL)
		queue_drop_first(c);
	in_wipe(c);
	wipe(c->out_room, sizeof(c->out_room));
	close(c->fd);
	free(c);
}

int
channel_fd(const struct channel *c)
{
	return c->fd;
}

static const struct channel_row *
row_find(const struct channel_table *t, uint16_t type)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].type == type)
			return &t->rows[i];
	return NULL;
}

const char *
channel_check(const struct channel_table *t, struct channel_state *s, uint8_t from,
    uint16_t type, size_t n, bool has_fd)
{
	const struct channel_row *row = type < CHANNEL_TYPE_MAX ? row_find(t, type) : NULL;

	if (row == NULL)
		return "unknown message type";
	if ((row->from & from) == 0)
		return "message from the wrong side";
	if (n < row->least || n > row->most)
		return "message of a wrong length";
	if (has_fd != row->fd)
		return row->fd ? "message without its descriptor" : "unexpected descriptor";
	if ((row->when & s->phase) == 0)
		return "message out of order";
	if (row->once && (s->seen & 1U << type) != 0)
		return "message sent twice";
	s->seen |= 1U << type;
	if (row->then != 0)
		s->phase = row->then;
	return NULL;
}

/* ---- sending ---- */

struct wr *
channel_body(struct channel *c)
{
	/* The first two octets are the type. */
	c->body = wr_of(c->out_room + 2, CHANNEL_BODY_MAX);
	return &c->body;
}

/* 1: sent; 0: would block; -1: the other side is gone. */
static int
send_now(int to, const uint8_t *bytes, size_t n, int fd)
{
	union {
		struct cmsghdr	hdr;
		uint8_t		room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	}
	for (;;) {
		if (sendmsg(to, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 1;
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == ETOOMANYREFS)
			return 0;
		return -1;
	}
}

static bool
queue_add(struct channel *c, size_t n, int fd)
{
	if (n > CHANNEL_QUEUE_MAX - c->waiting)
		return false;
	struct queued *q = malloc(sizeof(*q) + n);
	if (q == NULL)
		return false;
	q->next = NULL;
	q->n = n;
	q->fd = -1;
	if (fd >= 0 && (q->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0) {
		free(q);
		return false;
	}
	memcpy(q->bytes, c->out_room, n);
	*c->last = q;
	c->last = &q->next;
	c->waiting += n;
	return true;
}

bool
channel_send(struct channel *c, uint16_t type, int fd)
{
	const struct channel_row *row = row_find(c->table, type);
	size_t n = c->body.len;

	assert(row != NULL && (row->from & c->mine) != 0 && row->fd == (fd >= 0));
	if (c->body.bad || n < row->least || n > row->most || c->closed) {
		wipe(c->out_room, n + 2);
		return false;
	}
	c->out_room[0] = (uint8_t)(type >> 8);
	c->out_room[1] = (uint8_t)type;

	int sent = c->first != NULL ? 0 : send_now(c->fd, c->out_room, n + 2, fd);
	bool ok = sent > 0;
	if (sent == 0)
		ok = queue_add(c, n + 2, fd);
	else if (sent < 0)
		c->closed = true;
	wipe(c->out_room, n + 2);
	c->body = (struct wr){ 0 };
	return ok;
}

bool
channel_flush(struct channel *c)
{
	while (c->first != NULL && !c->closed) {
		int sent = send_now(c->fd, c->first->bytes, c->first->n, c->first->fd);
		if (sent == 0)
			return true;
		if (sent < 0)
			c->closed = true;
		else
			queue_drop_first(c);
	}
	return !c->closed;
}

bool
channel_waiting(const struct channel *c)
{
	return c->first != NULL && !c->closed;
}

/* ---- receiving ---- */

/* Keeps the first descriptor that came, closes the others; returns how many came. */
static size_t
take_descriptors(struct msghdr *m, int *ret)
{
	size_t n = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (n++ == 0)
				*ret = fd;
			else
				close(fd);
		}
	}
	return n;
}

/* CHANNEL_MESSAGE with the octets in in_room and the descriptors counted. */
static enum channel_got
receive_raw(struct channel *c, size_t *ret_n, size_t *ret_fds)
{
	union {
		struct cmsghdr	hdr;
		uint8_t		room[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = c->in_room, .iov_len = sizeof(c->in_room) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.room, .msg_controllen = sizeof(control.room) };
	ssize_t n;

	do
		n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS))
		return CHANNEL_EMPTY;
	if (n <= 0)
		return CHANNEL_CLOSED;
	c->received = (size_t)n;
	*ret_n = (size_t)n;
	*ret_fds = take_descriptors(&m, &c->in_fd);
	if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		channel_refuse(c, "message too long");
		return CHANNEL_BROKEN;
	}
	return CHANNEL_MESSAGE;
}

enum channel_got
channel_next(struct channel *c, struct channel_in *ret)
{
	size_t n = 0, fds = 0;

	if (c->complaint != NULL)
		return CHANNEL_BROKEN;
	in_wipe(c);
	enum channel_got got = receive_raw(c, &n, &fds);
	if (got != CHANNEL_MESSAGE)
		return got;

	struct rd r = rd_of(view_of(c->in_room, n));
	uint16_t type = rd_u16(&r);
	const char *complaint = r.bad ? "message shorter than its type" :
	    fds > 1 ? "too many descriptors" :
	    channel_check(c->table, &c->in, c->mine == SIDE_A ? SIDE_B : SIDE_A, type, r.n,
	    fds == 1);
	if (complaint != NULL) {
		channel_refuse(c, complaint);
		return CHANNEL_BROKEN;
	}
	*ret = (struct channel_in){ .type = type, .body = r, .fd = c->in_fd };
	c->in_fd = -1;
	return CHANNEL_MESSAGE;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum channel_got
channel_wait(struct channel *c, int milliseconds, struct channel_in *ret)
{
	int64_t until = now_ms() + milliseconds;

	for (;;) {
		if (!channel_flush(c))
			return CHANNEL_CLOSED;
		enum channel_got got = channel_next(c, ret);
		if (got != CHANNEL_EMPTY)
			return got;
		int64_t left = until - now_ms();
		if (left <= 0)
			return CHANNEL_EMPTY;
		struct pollfd p = { .fd = c->fd,
		    .events = (short)(POLLIN | (channel_waiting(c) ? POLLOUT : 0)) };
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return CHANNEL_CLOSED;
	}
}

const char *
channel_complaint(const struct channel *c)
{
	return c->complaint == NULL ? "" : c->complaint;
}

void
channel_refuse(struct channel *c, const char *complaint)
{
	if (c->complaint == NULL)
		c->complaint = complaint;
}
