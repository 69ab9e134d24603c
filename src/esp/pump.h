/*
 * pump: moves packets between the TUN device, the sockets and a plane, in
 * batches of what already waits.  It owns no descriptor and has no loop: the
 * role tells it which descriptor became readable.
 */
#ifndef ESP_PUMP_H
#define ESP_PUMP_H

#include "esp/plane.h"

enum pump_socket { PUMP_UDP4, PUMP_UDP6, PUMP_RAW4, PUMP_RAW6, PUMP_SOCKETS };

struct pump_fds {
	int	tun;				/* -1: none */
	int	socket[PUMP_SOCKETS];		/* -1: none */
};

struct pump_counts {
	uint64_t	sent, received;		/* ESP packets */
	uint64_t	written;		/* inner packets to the TUN device */
	uint64_t	lost;			/* no room in a queue of the kernel */
	uint64_t	strays;			/* IKE messages that the kernel joined to ESP packets */
};

struct esp_pump;

/* Sets the options it needs on the descriptors, so before the sandbox. */
struct esp_pump	*esp_pump_new(struct esp_plane *, const struct pump_fds *, struct str *error);
void		 esp_pump_free(struct esp_pump *);
/* The descriptor is readable: at most a few batches, so that others get their turn. */
void		 esp_pump_tun(struct esp_pump *, struct mono now);
void		 esp_pump_socket(struct esp_pump *, enum pump_socket, struct mono now);
const struct pump_counts *esp_pump_counts(const struct esp_pump *);

#endif
