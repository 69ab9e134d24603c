/*
 * The channel between the `user` back end in `kern` and the `esp` role: one
 * SOCK_SEQPACKET, one message per packet.  `kern` asks, `esp` answers every
 * ask once and in order; events come in between, unasked.  The first octet
 * tells them apart.
 */
#ifndef BASE_ESP_MSG_H
#define BASE_ESP_MSG_H

#include "base/ask.h"

enum {
	ESP_MSG_MAX = 8192,	/* octets of the longest message, a spec with keys */
	ESP_DETAIL_MAX = 160
};

enum esp_verb {
	ESP_GET_SPI = 1,	/* -> spi, reserved for five minutes */
	ESP_SA_ADD,		/* spec, part IN or OUT */
	ESP_SA_READ,		/* id, part -> spec as the data plane holds it */
	ESP_SA_DELETE,		/* id, part IN or OUT; or id 0 and a reserved spi */
	ESP_FLOW_ADD,		/* spec: its flow, both directions, "require" */
	ESP_FLOW_DELETE,	/* id */
	ESP_QUERY,		/* id -> usage */
	ESP_MOVE,		/* id, local, remote: new outer endpoints */
	ESP_VERB_MAX,

	ESP_EVENT = 0x80	/* the first octet of an event */
};

struct esp_ask {
	uint8_t			 verb;		/* enum esp_verb */
	uint32_t		 seq;		/* repeated in the answer */
	uint8_t			 part;		/* SA_ADD, SA_READ, SA_DELETE: one enum sa_part */
	uint64_t		 id;		/* SA_READ, SA_DELETE, FLOW_DELETE, QUERY, MOVE */
	uint32_t		 spi;		/* SA_DELETE of a reserved SPI, else 0 */
	struct endpoint		 local, remote;	/* MOVE */
	const struct sa_spec	*spec;		/* SA_ADD, FLOW_ADD; borrowed */
};

struct esp_answer {
	uint8_t			 verb;
	uint32_t		 seq;
	enum why		 why;	/* NONE, BACKEND, BACKEND_EXISTS, BACKEND_GONE, BACKEND_ALGORITHM, NO_MEMORY */
	char			 detail[ESP_DETAIL_MAX];
	uint32_t		 spi;		/* GET_SPI */
	struct sa_usage		 usage;		/* QUERY */
	/*
	 * SA_READ: only the half that was asked for is filled in; its keymat
	 * has the right length and no key in it.
	 */
	const struct sa_spec	*spec;
};

enum esp_event_kind {
	ESP_EVENT_ACQUIRE = 1,	/* a packet matched a flow that has no SA; rate-limited */
	ESP_EVENT_SOFT,		/* seconds, bytes, or few sequence numbers left */
	ESP_EVENT_HARD,		/* the SA is gone: seconds, bytes or sequence numbers */
	ESP_EVENT_MOVED,	/* authenticated packets come from another endpoint */
	ESP_EVENT_STRAY,	/* id: an SPI that no SA here has; one a second is told */
	ESP_EVENT_MAX
};

struct esp_event {
	uint8_t		kind;		/* enum esp_event_kind */
	uint64_t	id;		/* sa_spec.id */
	uint8_t		part;		/* SOFT, HARD: SA_PART_IN or SA_PART_OUT */
	struct flow	flow;		/* ACQUIRE: the packet */
	struct endpoint	remote;		/* MOVED, STRAY */
};

void		esp_ask_encode(struct wr *, const struct esp_ask *);
/* spec_room receives the spec of an SA_ADD or FLOW_ADD; end it with sa_spec_done. */
MUST_USE bool	esp_ask_decode(struct rd *, struct esp_ask *ret, struct sa_spec *spec_room);
void		esp_answer_encode(struct wr *, const struct esp_answer *);
/* spec_room receives the spec of an SA_READ; end it with sa_spec_done. */
MUST_USE bool	esp_answer_decode(struct rd *, struct esp_answer *ret, struct sa_spec *spec_room);
void		esp_event_encode(struct wr *, const struct esp_event *);
MUST_USE bool	esp_event_decode(struct rd *, struct esp_event *ret);
/* Whether a message is an event rather than an answer. */
bool		esp_msg_is_event(struct view);

#endif
