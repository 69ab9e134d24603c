/*
 * The addresses of this machine: what names of interfaces and "default" stand
 * for, and what can be sent from.  Read at the start, upon SIGHUP, and shortly
 * after the kernel says that one came or went (isakmpd.md section 11 Beyond).
 */
#include <string.h>

#include "role/ike_internal.h"

enum { SETTLE_MS = 500 };	/* one change seldom comes alone */

static void
on_interfaces(evutil_socket_t fd, short what, void *arg)
{
	struct ike *ike = arg;
	const struct timeval soon = { .tv_usec = SETTLE_MS * 1000 };

	(void)fd;
	(void)what;
	if (net_interfaces_changed(ike->interfaces))
		event_add(ike->look, &soon);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct ike *ike = arg;

	(void)fd;
	(void)what;
	if (!ike_interfaces_read(ike))
		return;
	role_log(ike->ctx, ROLE_LOG_NORMAL, 0, "isakmpd: the addresses of this machine have "
	    "changed: %zu now", ike->n_addresses);
	if (ike->configured)
		(void)ike_apply(ike);
	ike_drain(ike);
}

bool
ike_interfaces_prepare(struct ike *ike)
{
	ike->interfaces = net_interfaces_new();
	if (ike->interfaces == NULL || !ike_interfaces_read(ike)) {
		ike->n_addresses = net_addresses(ike->address, IKE_ADDRESSES);
		role_log(ike->ctx, ROLE_LOG_NORMAL, 0, "role ike: changes of addresses are not "
		    "seen here");
	}
	if (ike->interfaces == NULL)
		return true;
	ike->on_interfaces = event_new(ike->ctx->base, net_interfaces_fd(ike->interfaces),
	    EV_READ | EV_PERSIST, on_interfaces, ike);
	ike->look = event_new(ike->ctx->base, -1, 0, on_look, ike);
	return ike->on_interfaces != NULL && ike->look != NULL &&
	    event_add(ike->on_interfaces, NULL) == 0;
}

void
ike_interfaces_done(struct ike *ike)
{
	if (ike->on_interfaces != NULL)
		event_free(ike->on_interfaces);
	if (ike->look != NULL)
		event_free(ike->look);
	net_interfaces_free(ike->interfaces);
}

static bool
same(const struct net_interface_address *a, const struct net_interface_address *b)
{
	return addr_equal(&a->addr, &b->addr) && a->bits == b->bits && strcmp(a->name, b->name) == 0;
}

bool
ike_interfaces_read(struct ike *ike)
{
	struct net_interface_address now[IKE_ADDRESSES];
	size_t n;

	if (ike->interfaces == NULL ||
	    !net_interfaces_read(ike->interfaces, now, IKE_ADDRESSES, &n))
		return false;
	bool changed = n != ike->n_addresses;
	for (size_t i = 0; i < n && !changed; i++)
		changed = !same(&now[i], &ike->address[i]);
	memcpy(ike->address, now, n * sizeof(now[0]));
	ike->n_addresses = n;
	return changed;
}

bool
ike_has_address(void *self, const struct addr *a)
{
	const struct ike *ike = self;

	for (size_t i = 0; i < ike->n_addresses; i++)
		if (addr_equal(&ike->address[i].addr, a))
			return true;
	/* With so many nobody knows. */
	return ike->n_addresses == 0 || ike->n_addresses == IKE_ADDRESSES;
}
