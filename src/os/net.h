/*
 * net: the sockets and the TUN device.  The monitor makes them with its
 * rights; `ike` receives and sends on what it was handed.
 */
#ifndef OS_NET_H
#define OS_NET_H

#include "base/addr.h"
#include "base/str.h"

/*
 * A wildcard UDP socket of one family with packet info; -1 with the reason.
 * `shared`: more of the same port will follow (net_steer_esp).
 */
int	net_udp(enum family, uint16_t port, bool shared, struct str *error);
/*
 * For two sockets of one port, opened in this order: what begins with four
 * zero octets or is shorter goes to the first (IKE, keep-alives), everything
 * else to the second (ESP in UDP, RFC 3948 section 2).  Both must stay open.
 */
MUST_USE bool	net_steer_esp(int first, struct str *error);
/*
 * The kernel's ESP takes what is not IKE off this socket (RFC 3948 section 2):
 * the owner sees what begins with four zero octets, and those still there.
 */
MUST_USE bool	net_kernel_esp(int fd, struct str *error);
/* A raw socket that receives ESP, with packet info. */
int	net_raw_esp(enum family, struct str *error);
/* A TUN device with virtio-net headers, up, named in ret_name. */
int	net_tun(char ret_name[16], struct str *error);
/* An unconnected socket for net_source. */
int	net_route_socket(enum family);
/* The address that packets to `remote` would leave from; false: no route. */
MUST_USE bool	net_source(int route_fd, const struct addr *remote, struct addr *ret);

enum { NET_BATCH = 32, NET_DATAGRAM_MAX = 65535 };

struct net_datagram {
	struct path	path;		/* encap is the caller's to set */
	struct view	bytes;		/* in the batch's room */
};

struct net_batch;
struct net_batch *net_batch_new(void);
void	net_batch_free(struct net_batch *);
/*
 * What waits on the socket, at most NET_BATCH datagrams: how many, their
 * bytes living until the next call.  0: nothing.  Truncated datagrams and
 * such without packet info are left out.
 */
size_t	net_receive(struct net_batch *, int fd, uint16_t local_port, struct net_datagram *ret);
/*
 * Sends one datagram, `marker` octets of zero before it; the local address is
 * that of the path unless it is FAMILY_NONE.  0, or an errno.
 */
int	net_send(int fd, const struct path *, size_t marker, struct view bytes);

struct net_interface_address {
	char		name[16];
	struct addr	addr;
	uint8_t		bits;
};
/* Addresses of interfaces that are up; at most `most`; how many. */
size_t	net_addresses(struct net_interface_address *ret, size_t most);

/* The same for a process that can open nothing any more.  NULL: not possible here. */
struct net_interfaces;
struct net_interfaces *net_interfaces_new(void);
void	net_interfaces_free(struct net_interfaces *);
/* Readable when an interface or address came, changed or went ... */
int	net_interfaces_fd(const struct net_interfaces *);
/* ... which this takes note of, and forgets. */
bool	net_interfaces_changed(struct net_interfaces *);
MUST_USE bool	net_interfaces_read(struct net_interfaces *, struct net_interface_address *ret,
		    size_t most, size_t *ret_n);

#endif
