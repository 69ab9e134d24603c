/*
 * The user-space data plane without I/O: SAs, policies, and what happens to
 * one packet (RFC 4301, 4303).  It owns the traffic keys and replay windows.
 * It knows no sockets, no clock and nothing of IKE.
 *
 * Packets are handled in place.  A packet costs no lock; it allocates
 * nothing.  One plane belongs to one thread.
 *
 * What passes: outbound only a packet that a flow protects and an SA has
 * sealed; inbound only one whose integrity, number and selectors an SA has
 * accepted.  Everything else is refused with a reason and counted.
 */
#ifndef ESP_PLANE_H
#define ESP_PLANE_H

#include "base/esp_msg.h"
#include "base/time.h"
#include "esp/buf.h"

enum {
	ESP_SAS_MAX = 1 << 16,		/* inbound SPIs, reserved or in use */
	ESP_PAIRS_MAX = 1 << 16,
	ESP_FLOWS_MAX = 1 << 14,	/* different selectors */
	ESP_MTU_DEFAULT = 1500
};

struct esp_plane;

struct esp_config {
	uint16_t	mtu;	/* of the outer link until a path tells otherwise; 0: default */
};

/* NULL without memory. */
struct esp_plane *esp_plane_new(const struct esp_config *);
void		esp_plane_free(struct esp_plane *);

/* ---- control: the verbs of base/esp_msg.h ---- */

/* Reserved for five minutes; RFC 4303, 2.1: never below 256. */
MUST_USE enum why esp_plane_get_spi(struct esp_plane *, struct mono now, uint32_t *ret);
/* One direction.  BACKEND_EXISTS, BACKEND_ALGORITHM, BACKEND, NO_MEMORY. */
MUST_USE enum why esp_plane_sa_add(struct esp_plane *, struct mono now, const struct sa_spec *,
		    enum sa_part, struct str *detail);
/* What is really held; keymat has its length but no key.  BACKEND_GONE. */
MUST_USE enum why esp_plane_sa_read(const struct esp_plane *, uint64_t id, enum sa_part,
		    struct sa_spec *ret);
MUST_USE enum why esp_plane_sa_delete(struct esp_plane *, uint64_t id, enum sa_part);
/* Gives a reserved SPI back. */
MUST_USE enum why esp_plane_spi_release(struct esp_plane *, uint32_t spi);
/* Packets of the flow, in both directions, pass protected or not at all. */
MUST_USE enum why esp_plane_flow_add(struct esp_plane *, const struct sa_spec *,
		    struct str *detail);
MUST_USE enum why esp_plane_flow_delete(struct esp_plane *, uint64_t id);
MUST_USE enum why esp_plane_query(const struct esp_plane *, struct mono now, uint64_t id,
		    struct sa_usage *ret);
MUST_USE enum why esp_plane_move(struct esp_plane *, uint64_t id, const struct endpoint *local,
		    const struct endpoint *remote);
/* An ask as it came from the channel, and its answer; spec_room as in esp_msg.h. */
void		esp_plane_ask(struct esp_plane *, struct mono now, const struct esp_ask *,
		    struct esp_answer *ret, struct sa_spec *spec_room);
/* Forgets all SAs, policies and reservations. */
void		esp_plane_clear(struct esp_plane *);

/* The next event for `kern`; false if none waits. */
bool		esp_plane_event(struct esp_plane *, struct esp_event *ret);
/* Lifetimes in seconds; call when esp_plane_next has come. */
void		esp_plane_tick(struct esp_plane *, struct mono now);
struct mono	esp_plane_next(const struct esp_plane *);
/* A smaller MTU was learned for the path to an outer address. */
void		esp_plane_pmtu(struct esp_plane *, struct mono now, const struct addr *remote,
		    uint32_t mtu);

/* ---- packets ---- */

struct esp_sent {
	struct path	path;		/* how the ESP packet travels */
	uint8_t		tos;		/* of the outer header */
	bool		df;		/* the outer packet must not be fragmented */
	bool		fits;		/* the path's MTU, as far as known */
	bool		reply;		/* refused, and the buffer holds an ICMP error for the sender */
};

/*
 * An inner packet from the TUN device, with ESP_HEADROOM and ESP_TAILROOM
 * around it.  NONE: the buffer holds an ESP packet that begins with its SPI.
 * Else it may hold an ICMP error to be written back (ret->reply), and
 * nothing may be sent.
 */
MUST_USE enum why esp_plane_out(struct esp_plane *, struct mono now, struct esp_buf *,
		    struct esp_sent *ret);

struct esp_came {
	const struct path *path;	/* as it arrived */
	uint8_t		tos;		/* of the outer header */
};

/*
 * An ESP packet that begins with its SPI, with IP6_HEADER octets free before
 * it.  NONE: the buffer holds the inner packet, or nothing if it was a dummy
 * (RFC 4303, 2.6).
 */
MUST_USE enum why esp_plane_in(struct esp_plane *, struct mono now, const struct esp_came *,
		    struct esp_buf *);

/* Whether a packet that begins with its SPI is of an SA in transport mode. */
bool		esp_plane_is_transport(const struct esp_plane *, struct view packet);

/* Packets refused for this reason since the start. */
uint64_t	esp_plane_refused(const struct esp_plane *, enum why);
uint32_t	esp_plane_count(const struct esp_plane *);	/* SAs, both directions */

#endif
