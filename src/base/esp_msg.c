#include "base/esp_msg.h"

/*
 * An ask:    verb, seq (4), then by verb
 *            SA_ADD part, spec; SA_READ and SA_DELETE part, id (8), spi (4);
 *            FLOW_ADD spec; FLOW_DELETE, QUERY id; MOVE id, local, remote
 * An answer: verb, seq (4), why (2), detail length (2), detail, then by verb
 *            GET_SPI spi; QUERY usage; SA_READ 0 or 1 spec
 * An event:  0x80, kind, id (8), part, then by kind flow or endpoint
 */

static bool
part_is_half(uint8_t part)
{
	return part == SA_PART_IN || part == SA_PART_OUT;
}

void
esp_ask_encode(struct wr *w, const struct esp_ask *a)
{
	wr_u8(w, a->verb);
	wr_u32(w, a->seq);
	switch ((enum esp_verb)a->verb) {
	case ESP_SA_ADD:
		wr_u8(w, a->part);
		sa_spec_encode(w, a->spec);
		break;
	case ESP_FLOW_ADD:
		sa_spec_encode(w, a->spec);
		break;
	case ESP_SA_READ:
	case ESP_SA_DELETE:
		wr_u8(w, a->part);
		wr_u64(w, a->id);
		wr_u32(w, a->spi);
		break;
	case ESP_FLOW_DELETE:
	case ESP_QUERY:
		wr_u64(w, a->id);
		break;
	case ESP_MOVE:
		wr_u64(w, a->id);
		endpoint_encode(w, &a->local);
		endpoint_encode(w, &a->remote);
		break;
	case ESP_GET_SPI:
		break;
	case ESP_VERB_MAX:
	case ESP_EVENT:
		w->bad = true;
		break;
	}
}

bool
esp_ask_decode(struct rd *r, struct esp_ask *ret, struct sa_spec *spec_room)
{
	struct esp_ask a = { 0 };
	struct sa_spec spec = { 0 };
	bool with_spec = false, ok = true;

	a.verb = rd_u8(r);
	a.seq = rd_u32(r);
	switch ((enum esp_verb)a.verb) {
	case ESP_SA_ADD:
		a.part = rd_u8(r);
		ok = part_is_half(a.part);
		with_spec = true;
		break;
	case ESP_FLOW_ADD:
		with_spec = true;
		break;
	case ESP_SA_READ:
	case ESP_SA_DELETE:
		a.part = rd_u8(r);
		a.id = rd_u64(r);
		a.spi = rd_u32(r);
		ok = part_is_half(a.part);
		break;
	case ESP_FLOW_DELETE:
	case ESP_QUERY:
		a.id = rd_u64(r);
		break;
	case ESP_MOVE:
		a.id = rd_u64(r);
		a.local = endpoint_decode(r);
		a.remote = endpoint_decode(r);
		break;
	case ESP_GET_SPI:
		break;
	case ESP_VERB_MAX:
	case ESP_EVENT:
	default:	/* a number from the channel need not be an enumerator */
		return false;
	}
	if (!ok)
		return false;
	if (with_spec && !sa_spec_decode(r, &spec))
		return false;
	if (!rd_end(r)) {
		sa_spec_done(&spec);
		return false;
	}
	*spec_room = spec;
	a.spec = with_spec ? spec_room : NULL;
	*ret = a;
	return true;
}

void
esp_answer_encode(struct wr *w, const struct esp_answer *a)
{
	size_t n = strnlen(a->detail, sizeof(a->detail) - 1);

	wr_u8(w, a->verb);
	wr_u32(w, a->seq);
	wr_u16(w, (uint16_t)a->why);
	wr_u16(w, (uint16_t)n);
	wr_bytes(w, a->detail, n);
	switch ((enum esp_verb)a->verb) {
	case ESP_GET_SPI:
		wr_u32(w, a->spi);
		break;
	case ESP_QUERY:
		sa_usage_encode(w, &a->usage);
		break;
	case ESP_SA_READ:
		wr_u8(w, a->spec != NULL);
		if (a->spec != NULL)
			sa_spec_encode(w, a->spec);
		break;
	case ESP_SA_ADD:
	case ESP_SA_DELETE:
	case ESP_FLOW_ADD:
	case ESP_FLOW_DELETE:
	case ESP_MOVE:
		break;
	case ESP_VERB_MAX:
	case ESP_EVENT:
		w->bad = true;
		break;
	}
}

bool
esp_answer_decode(struct rd *r, struct esp_answer *ret, struct sa_spec *spec_room)
{
	struct esp_answer a = { 0 };
	struct sa_spec spec = { 0 };
	uint8_t has_spec = 0;

	a.verb = rd_u8(r);
	if (a.verb == 0 || a.verb >= ESP_VERB_MAX)
		return false;
	a.seq = rd_u32(r);
	uint16_t why = rd_u16(r);
	size_t n = rd_u16(r);
	if (why >= WHY_MAX || n >= sizeof(a.detail))
		return false;
	a.why = (enum why)why;
	rd_copy(r, a.detail, n);
	if (a.verb == ESP_GET_SPI)
		a.spi = rd_u32(r);
	else if (a.verb == ESP_QUERY)
		a.usage = sa_usage_decode(r);
	else if (a.verb == ESP_SA_READ)
		has_spec = rd_u8(r);
	if (has_spec > 1 || (has_spec == 1 && !sa_spec_decode(r, &spec)))
		return false;
	if (!rd_end(r)) {
		sa_spec_done(&spec);
		return false;
	}
	*spec_room = spec;
	a.spec = has_spec == 1 ? spec_room : NULL;
	*ret = a;
	return true;
}

void
esp_event_encode(struct wr *w, const struct esp_event *e)
{
	wr_u8(w, ESP_EVENT);
	wr_u8(w, e->kind);
	wr_u64(w, e->id);
	wr_u8(w, e->part);
	if (e->kind == ESP_EVENT_ACQUIRE)
		flow_encode(w, &e->flow);
	else if (e->kind == ESP_EVENT_MOVED || e->kind == ESP_EVENT_STRAY)
		endpoint_encode(w, &e->remote);
}

bool
esp_event_decode(struct rd *r, struct esp_event *ret)
{
	struct esp_event e = { 0 };

	if (rd_u8(r) != ESP_EVENT)
		return false;
	e.kind = rd_u8(r);
	e.id = rd_u64(r);
	e.part = rd_u8(r);
	if (e.kind == 0 || e.kind >= ESP_EVENT_MAX)
		return false;
	if (e.kind == ESP_EVENT_ACQUIRE)
		e.flow = flow_decode(r);
	else if (e.kind == ESP_EVENT_MOVED || e.kind == ESP_EVENT_STRAY)
		e.remote = endpoint_decode(r);
	if (!rd_end(r))
		return false;
	*ret = e;
	return true;
}

bool
esp_msg_is_event(struct view v)
{
	return v.n > 0 && v.p[0] == ESP_EVENT;
}
