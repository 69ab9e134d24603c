#include "decoder.h"

#include "base/esp_msg.h"

static struct sa_spec
spec(void)
{
	struct sa_spec s = { .id = 77, .name = "west-east", .encap = true, .replay_window = 64,
	    .suite = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_AES_GCM_16,
	    .mode = SA_TUNNEL, .key_bits = 128 }, .soft_secs = 10, .hard_bytes = 99 };
	uint8_t key[20] = { 1 };

	assert_true(addr_parse("192.0.2.1", &s.local.addr));
	assert_true(addr_parse("192.0.2.2", &s.remote.addr));
	s.local.port = s.remote.port = 4500;
	assert_true(addr_parse("10.1.0.0", &s.flow.local.net.first));
	assert_true(addr_parse("10.1.0.255", &s.flow.local.net.last));
	assert_true(addr_parse("10.2.0.0", &s.flow.remote.net.first));
	assert_true(addr_parse("10.2.0.255", &s.flow.remote.net.last));
	s.in.spi = 0x10001;
	s.out.spi = 0x20002;
	assert_true(secret_set(&s.in.keymat, view_of(key, sizeof(key))));
	assert_true(secret_set(&s.out.keymat, view_of(key, sizeof(key))));
	return s;
}

static bool
ask_decoder(struct view in)
{
	struct rd r = rd_of(in);
	uint8_t room[ESP_MSG_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct sa_spec s = { 0 };
	struct esp_ask a;

	if (!esp_ask_decode(&r, &a, &s))
		return false;
	esp_ask_encode(&w, &a);
	assert_true(view_equal(wr_done(&w), in));
	sa_spec_done(&s);
	return true;
}

static bool
answer_decoder(struct view in)
{
	struct rd r = rd_of(in);
	uint8_t room[ESP_MSG_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct sa_spec s = { 0 };
	struct esp_answer a;

	if (!esp_answer_decode(&r, &a, &s))
		return false;
	assert_true(a.why < WHY_MAX);
	assert_true(strnlen(a.detail, sizeof(a.detail)) < sizeof(a.detail));
	esp_answer_encode(&w, &a);
	assert_false(w.bad);
	sa_spec_done(&s);
	return true;
}

static bool
event_decoder(struct view in)
{
	struct rd r = rd_of(in);
	uint8_t room[ESP_MSG_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct esp_event e;

	if (!esp_event_decode(&r, &e))
		return false;
	esp_event_encode(&w, &e);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static void
asks_survive_every_cut_and_change(void **state)
{
	struct sa_spec s = spec();
	struct esp_ask asks[] = {
		{ .verb = ESP_GET_SPI, .seq = 1 },
		{ .verb = ESP_SA_ADD, .seq = 2, .part = SA_PART_IN, .spec = &s },
		{ .verb = ESP_SA_READ, .seq = 3, .part = SA_PART_OUT, .id = 77 },
		{ .verb = ESP_SA_DELETE, .seq = 4, .part = SA_PART_OUT, .id = 77, .spi = 9 },
		{ .verb = ESP_FLOW_ADD, .seq = 5, .spec = &s },
		{ .verb = ESP_FLOW_DELETE, .seq = 6, .id = 77 },
		{ .verb = ESP_QUERY, .seq = 7, .id = 77 },
		{ .verb = ESP_MOVE, .seq = 8, .id = 77, .local = s.local, .remote = s.remote },
	};
	uint8_t room[ESP_MSG_MAX];

	(void)state;
	assert_int_equal(COUNT(asks), ESP_VERB_MAX - 1);
	for (size_t i = 0; i < COUNT(asks); i++) {
		struct wr w = wr_of(room, sizeof(room));

		esp_ask_encode(&w, &asks[i]);
		assert_false(w.bad);
		assert_false(esp_msg_is_event(wr_done(&w)));
		decoder_prove(ask_decoder, wr_done(&w), CUT_IS_REFUSED);
	}
	sa_spec_done(&s);
}

static void
answers_survive_every_cut_and_change(void **state)
{
	struct sa_spec s = spec();
	uint8_t room[ESP_MSG_MAX];

	(void)state;
	for (uint8_t verb = 1; verb < ESP_VERB_MAX; verb++) {
		struct esp_answer a = { .verb = verb, .seq = 9, .why = WHY_BACKEND_EXISTS,
		    .detail = "SPI 00010001 is in use", .spi = 5, .usage = { .in_packets = 4 },
		    .spec = &s };
		struct wr w = wr_of(room, sizeof(room));

		esp_answer_encode(&w, &a);
		assert_false(w.bad);
		assert_false(esp_msg_is_event(wr_done(&w)));
		decoder_prove(answer_decoder, wr_done(&w), CUT_IS_REFUSED);
	}
	sa_spec_done(&s);
}

static void
events_survive_every_cut_and_change(void **state)
{
	struct sa_spec s = spec();
	uint8_t room[ESP_MSG_MAX];

	(void)state;
	for (uint8_t kind = 1; kind < ESP_EVENT_MAX; kind++) {
		struct esp_event e = { .kind = kind, .id = 77, .part = SA_PART_IN,
		    .flow = s.flow, .remote = s.remote };
		struct wr w = wr_of(room, sizeof(room));

		esp_event_encode(&w, &e);
		assert_true(esp_msg_is_event(wr_done(&w)));
		decoder_prove(event_decoder, wr_done(&w), CUT_IS_REFUSED);
	}
	sa_spec_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_survive_every_cut_and_change),
		cmocka_unit_test(answers_survive_every_cut_and_change),
		cmocka_unit_test(events_survive_every_cut_and_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
