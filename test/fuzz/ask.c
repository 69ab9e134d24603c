/*
 * Every message that one role decodes from another.  What is accepted must
 * encode to the same octets again.  The first octet chooses the decoder.
 */
#include <assert.h>

#include "base/ask.h"
#include "base/esp_msg.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint8_t room[1 << 17];

static void
same(const struct wr *w, struct view in)
{
	assert(view_equal(wr_done(w), in));
}

static void
keys(uint8_t which, struct view in)
{
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct keys_ask ask;
	struct keys_answer answer;

	if (which == 0) {
		if (!keys_ask_decode(&r, &ask))
			return;
		keys_ask_encode(&w, &ask);
		same(&w, in);
	} else if (keys_answer_decode(&r, &answer)) {
		keys_answer_encode(&w, &answer);
		same(&w, in);
		keys_answer_done(&answer);
	}
}

static void
kern(uint8_t which, struct view in)
{
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct sa_spec spec;
	struct kern_ask ask;
	struct kern_answer answer;
	struct kern_event event;

	if (which == 2 && kern_ask_decode(&r, &ask, &spec)) {
		kern_ask_encode(&w, &ask);
		same(&w, in);
		sa_spec_done(&spec);
	} else if (which == 3 && kern_answer_decode(&r, &answer)) {
		kern_answer_encode(&w, &answer);
		same(&w, in);
	} else if (which == 4 && kern_event_decode(&r, &event)) {
		kern_event_encode(&w, &event);
		same(&w, in);
	}
}

static void
esp(uint8_t which, struct view in)
{
	struct rd r = rd_of(in);
	struct sa_spec spec = { 0 };
	struct esp_ask ask;
	struct esp_answer answer;
	struct esp_event event;

	if (which == 5 && esp_ask_decode(&r, &ask, &spec))
		sa_spec_done(&spec);
	else if (which == 6 && esp_answer_decode(&r, &answer, &spec))
		sa_spec_done(&spec);
	else if (which == 7)
		(void)!esp_event_decode(&r, &event);
	(void)esp_msg_is_event(in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rd r = rd_of(view_of(data, n));
	uint8_t which = rd_u8(&r);
	struct view in = rd_rest(&r);

	if (which < 2)
		keys(which, in);
	else if (which < 5)
		kern(which, in);
	else
		esp(which, in);
	return 0;
}
