#include "kern/netlink_linux.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/secret.h"

enum { WAIT_SECONDS = 2, DRAIN_MAX = 1000 };

int
netlink_open(struct netlink *nl, unsigned groups)
{
	return netlink_open_protocol(nl, NETLINK_ROUTE, groups);
}

int
netlink_open_protocol(struct netlink *nl, int protocol, unsigned groups)
{
	struct timeval wait = { .tv_sec = WAIT_SECONDS };
	int one = 1;

	*nl = (struct netlink){ .sock = mnl_socket_open2(protocol, SOCK_CLOEXEC) };
	if (nl->sock == NULL)
		return errno;
	if (mnl_socket_bind(nl->sock, groups, MNL_SOCKET_AUTOPID) < 0) {
		int error = errno;
		netlink_close(nl);
		return error;
	}
	(void)setsockopt(mnl_socket_get_fd(nl->sock), SOL_SOCKET, SO_RCVTIMEO, &wait,
	    sizeof(wait));
	/* Both make messages better and are not needed. */
	(void)mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return 0;
}

void
netlink_close(struct netlink *nl)
{
	if (nl->sock != NULL)
		(void)mnl_socket_close(nl->sock);
	*nl = (struct netlink){ 0 };
}

/* The text that came with an error, after the copy of our request's header. */
static void
take_words(struct netlink *nl, const struct nlmsghdr *h)
{
	const struct nlattr *a;
	size_t skip = sizeof(struct nlmsgerr);

	nl->said[0] = '\0';
	if ((h->nlmsg_flags & NLM_F_ACK_TLVS) == 0 || h->nlmsg_len < NLMSG_HDRLEN + skip)
		return;
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	if ((h->nlmsg_flags & NLM_F_CAPPED) == 0 && e->msg.nlmsg_len >= NLMSG_HDRLEN)
		skip += e->msg.nlmsg_len - NLMSG_HDRLEN;
	if (h->nlmsg_len < NLMSG_HDRLEN + skip)
		return;
	netlink_each(a, h, skip)
		if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG &&
		    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
			text_copy(nl->said, sizeof(nl->said), mnl_attr_get_str(a));
}

static int
error_of(struct netlink *nl, const struct nlmsghdr *h)
{
	if (h->nlmsg_len < NLMSG_HDRLEN + sizeof(struct nlmsgerr))
		return EBADMSG;
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	if (e->error != 0)
		take_words(nl, h);
	return e->error < 0 ? -e->error : e->error;
}

static int
send_request(struct netlink *nl, struct nlmsghdr *h)
{
	h->nlmsg_seq = ++nl->seq;
	h->nlmsg_pid = mnl_socket_get_portid(nl->sock);	/* whose doing it is, to who listens */
	nl->said[0] = '\0';
	return mnl_socket_sendto(nl->sock, h, h->nlmsg_len) < 0 ? errno : 0;
}

/* The length of the next packet, or 0 and an errno. */
static size_t
receive(struct netlink *nl, void *room, size_t n, int *error)
{
	ssize_t got;

	do
		got = mnl_socket_recvfrom(nl->sock, room, n);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return (size_t)got;
	*error = got == 0 ? ENOTCONN : errno == EAGAIN ? ETIMEDOUT : errno;
	return 0;
}

/*
 * Walks one packet.  True once the answer to this request is complete, then
 * *error is its result.  Answers to older requests that timed out are skipped.
 */
static bool
walk(struct netlink *nl, const void *room, size_t n, int *error,
    void (*each)(void *self, const struct nlmsghdr *), void *self)
{
	const struct nlmsghdr *h = room;
	int left = (int)n;

	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		if (h->nlmsg_seq != nl->seq)
			continue;
		if (h->nlmsg_type == NLMSG_ERROR) {
			*error = error_of(nl, h);
			return true;
		}
		if (h->nlmsg_type == NLMSG_DONE) {
			*error = 0;
			return true;
		}
		if (each != NULL && h->nlmsg_type >= NLMSG_MIN_TYPE)
			each(self, h);
	}
	return false;
}

static int
await(struct netlink *nl, void (*each)(void *self, const struct nlmsghdr *), void *self)
{
	_Alignas(struct nlmsghdr) uint8_t room[32 * 1024];	/* dumps come in pieces of at most this */
	size_t n, most = 0;
	int error = 0;

	do {
		n = receive(nl, room, sizeof(room), &error);
		most = n > most ? n : most;
	} while (n > 0 && !walk(nl, room, n, &error, each, self));
	wipe(room, most);	/* the kernel tells keys to who may set them */
	return error;
}

int
netlink_do(struct netlink *nl, struct nlmsghdr *h)
{
	return netlink_ask(nl, h, NULL, NULL);
}

int
netlink_ask(struct netlink *nl, struct nlmsghdr *h,
    void (*each)(void *self, const struct nlmsghdr *), void *self)
{
	h->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	int error = send_request(nl, h);
	return error != 0 ? error : await(nl, each, self);
}

int
netlink_dump(struct netlink *nl, struct nlmsghdr *h,
    void (*each)(void *self, const struct nlmsghdr *), void *self)
{
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	int error = send_request(nl, h);
	return error != 0 ? error : await(nl, each, self);
}

bool
netlink_drain(struct netlink *nl)
{
	uint8_t room[NETLINK_ROOM];
	bool any = false;

	/* ENOBUFS too means that something happened. */
	for (int i = 0; i < DRAIN_MAX; i++) {
		if (recv(mnl_socket_get_fd(nl->sock), room, sizeof(room), MSG_DONTWAIT) <= 0 &&
		    errno != ENOBUFS)
			break;
		any = true;
	}
	return any;
}

void
netlink_explain(const struct netlink *nl, struct str *s, int error)
{
	str_add(s, strerrordesc_np(error) != NULL ? strerrordesc_np(error) : "unknown error");
	if (nl->said[0] != '\0')
		str_addf(s, " (%s)", nl->said);
}
