/*
 * The interfaces' addresses for a process that can open nothing any more: two
 * rtnetlink sockets (rtnetlink(7)), made while it could.  Asking and being
 * told need no rights.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/util.h"
#include "os/net.h"

enum { ROOM = 65536, NAMES_MAX = 4096, SECONDS = 2 };

struct name {
	int	index;
	bool	up;
	char	text[IFNAMSIZ];
};

struct net_interfaces {
	int		events, questions;
	uint32_t	number;			/* of the last question */
	struct name	*names;
	size_t		n_names, cap_names;
	union {
		struct nlmsghdr	header;		/* for alignment */
		uint8_t		octets[ROOM];
	} room;
};

static int
open_netlink(uint32_t groups)
{
	const struct sockaddr_nl me = { .nl_family = AF_NETLINK, .nl_groups = groups };
	const struct timeval limit = { .tv_sec = SECONDS };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | (groups != 0 ? SOCK_NONBLOCK : 0),
	    NETLINK_ROUTE);

	if (fd < 0)
		return -1;
	if (bind(fd, (const struct sockaddr *)&me, sizeof(me)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

struct net_interfaces *
net_interfaces_new(void)
{
	struct net_interfaces *ni = calloc(1, sizeof(*ni));

	if (ni == NULL)
		return NULL;
	ni->events = open_netlink(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
	ni->questions = open_netlink(0);
	if (ni->events >= 0 && ni->questions >= 0)
		return ni;
	net_interfaces_free(ni);
	return NULL;
}

void
net_interfaces_free(struct net_interfaces *ni)
{
	if (ni == NULL)
		return;
	if (ni->events >= 0)
		close(ni->events);
	if (ni->questions >= 0)
		close(ni->questions);
	free(ni->names);
	free(ni);
}

int
net_interfaces_fd(const struct net_interfaces *ni)
{
	return ni->events;
}

/* What is lost for want of room is a change, too. */
bool
net_interfaces_changed(struct net_interfaces *ni)
{
	bool changed = false;

	for (;;) {
		ssize_t n = recv(ni->events, ni->room.octets, ROOM, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != ENOBUFS)
			return changed;
		changed = true;
	}
}

/* ---- asking ---- */

typedef bool take_message(struct net_interfaces *, const struct nlmsghdr *, void *);

static bool
ask(struct net_interfaces *ni, uint16_t type)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct {
		struct nlmsghdr	 header;
		struct rtgenmsg	 body;
	} question = { .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
	    .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
	    .nlmsg_seq = ++ni->number } };

	return sendto(ni->questions, &question, question.header.nlmsg_len, 0,
	    (const struct sockaddr *)&kernel, sizeof(kernel)) >= 0;
}

/* One datagram of the answer.  False: that was all, or an error. */
static bool
answer_part(struct net_interfaces *ni, take_message *take, void *arg, bool *ret_ok)
{
	ssize_t got = recv(ni->questions, ni->room.octets, ROOM, 0);

	if (got < 0 && errno == EINTR)
		return true;
	if (got <= 0)
		return false;
	size_t n = (size_t)got;
	for (const struct nlmsghdr *h = &ni->room.header; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		if (h->nlmsg_seq != ni->number)
			continue;
		if (h->nlmsg_type == NLMSG_DONE) {
			*ret_ok = true;
			return false;
		}
		if (h->nlmsg_type == NLMSG_ERROR || !take(ni, h, arg))
			return false;
	}
	return true;
}

static bool
dump(struct net_interfaces *ni, uint16_t type, take_message *take, void *arg)
{
	bool ok = false;

	if (!ask(ni, type))
		return false;
	while (answer_part(ni, take, arg, &ok))
		;
	return ok;
}

static bool
take_link(struct net_interfaces *ni, const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *link = NLMSG_DATA(h);

	(void)arg;
	if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(*link)))
		return true;
	if (ni->n_names == ni->cap_names) {
		size_t cap = ni->cap_names == 0 ? 16 : ni->cap_names * 2;
		struct name *more = cap > NAMES_MAX ? NULL : realloc(ni->names, cap * sizeof(*more));
		if (more == NULL)
			return false;
		ni->names = more;
		ni->cap_names = cap;
	}
	struct name *name = &ni->names[ni->n_names++];
	*name = (struct name){ .index = link->ifi_index, .up = (link->ifi_flags & IFF_UP) != 0 };
	size_t left = IFLA_PAYLOAD(h);
	for (const struct rtattr *a = IFLA_RTA(link); RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == IFLA_IFNAME && RTA_PAYLOAD(a) > 0)
			memcpy(name->text, RTA_DATA(a), RTA_PAYLOAD(a) < IFNAMSIZ - 1 ?
			    RTA_PAYLOAD(a) : IFNAMSIZ - 1);
	return true;
}

struct addresses {
	struct net_interface_address *ret;
	size_t	n, most;
};

static const struct name *
name_of(const struct net_interfaces *ni, int index)
{
	for (size_t i = 0; i < ni->n_names; i++)
		if (ni->names[i].index == index)
			return &ni->names[i];
	return NULL;
}

static bool
take_address(struct net_interfaces *ni, const struct nlmsghdr *h, void *arg)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	struct addresses *to = arg;
	const struct rtattr *address = NULL, *local = NULL;

	if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return true;
	size_t left = IFA_PAYLOAD(h);
	for (const struct rtattr *a = IFA_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFA_ADDRESS)
			address = a;
		else if (a->rta_type == IFA_LOCAL)	/* on a point-to-point link, ours */
			local = a;
	}
	const struct name *name = name_of(ni, (int)m->ifa_index);
	const struct rtattr *ours = local != NULL ? local : address;
	size_t size = m->ifa_family == AF_INET6 ? 16 : 4;
	if (name == NULL || !name->up || ours == NULL || RTA_PAYLOAD(ours) < size ||
	    (m->ifa_family != AF_INET && m->ifa_family != AF_INET6) || to->n == to->most)
		return true;
	struct net_interface_address *a = &to->ret[to->n++];
	*a = (struct net_interface_address){ .bits = m->ifa_prefixlen,
	    .addr.family = m->ifa_family == AF_INET6 ? FAMILY_IP6 : FAMILY_IP4 };
	memcpy(a->addr.b, RTA_DATA(ours), size);
	if (a->addr.family == FAMILY_IP6 && a->addr.b[0] == 0xfe && (a->addr.b[1] & 0xc0) == 0x80)
		a->addr.scope = m->ifa_index;
	text_copy(a->name, sizeof(a->name), name->text);
	return true;
}

bool
net_interfaces_read(struct net_interfaces *ni, struct net_interface_address *ret, size_t most,
    size_t *ret_n)
{
	struct addresses to = { .ret = ret, .most = most };

	ni->n_names = 0;
	if (!dump(ni, RTM_GETLINK, take_link, NULL) || !dump(ni, RTM_GETADDR, take_address, &to))
		return false;
	*ret_n = to.n;
	return true;
}
