/* The messages between kern and esp; what is accepted is also carried out. */
#include <assert.h>

#include "base/esp_msg.h"
#include "esp/plane.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
ask(struct view in)
{
	static struct esp_plane *plane;
	struct esp_config config = { 0 };
	struct sa_spec asked = { 0 }, held = { 0 };
	struct rd r = rd_of(in);
	struct esp_answer answer;
	struct esp_event e;
	uint8_t room[ESP_MSG_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct esp_ask a;

	if (!esp_ask_decode(&r, &a, &asked))
		return;
	if (plane == NULL || esp_plane_count(plane) > 100) {
		esp_plane_free(plane);
		plane = esp_plane_new(&config);
	}
	assert(plane != NULL);
	esp_plane_ask(plane, (struct mono){ 0 }, &a, &answer, &held);
	esp_answer_encode(&w, &answer);
	assert(!w.bad);
	sa_spec_done(&asked);
	sa_spec_done(&held);
	esp_plane_tick(plane, (struct mono){ (int64_t)a.id });
	while (esp_plane_event(plane, &e))
		;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view in = view_of(data, n);
	struct sa_spec spec = { 0 };
	struct esp_answer answer;
	struct esp_event event;
	struct rd r = rd_of(in);

	ask(in);
	if (esp_answer_decode(&r, &answer, &spec))
		sa_spec_done(&spec);
	r = rd_of(in);
	if (esp_msg_is_event(in) && esp_event_decode(&r, &event))
		assert(event.kind < ESP_EVENT_MAX);
	return 0;
}
