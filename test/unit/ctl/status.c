#include "prove.h"

#include <jansson.h>

#include "ctl/status.h"

static struct addr
addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

/* One connection up, one down with a failure. */
struct world {
	struct ctl_sa		sas[2];
	struct ctl_connection	connections[4];
	struct ctl_exchange	exchanges[2];
	struct ctl_failure	failures[1];
	struct ctl_certificate	certificates[2];
	struct ctl_status	status;
};

static void
world_init(struct world *w)
{
	struct addr net = addr("10.1.0.0"), far = addr("10.2.0.0");

	memset(w, 0, sizeof(*w));
	w->sas[0] = (struct ctl_sa){
		.phase = 1, .initiator = true, .name = "peer-berlin",
		.local = { addr("192.0.2.1"), 500 }, .remote = { addr("192.0.2.9"), 500 },
		.flags = CTL_SA_READY | CTL_SA_DPD, .cipher = CIPHER_AES_CBC, .key_bits = 256,
		.hash = HASH_SHA2_256, .auth = AUTH_PRE_SHARED, .group = GROUP_MODP_2048,
		.hard = { true, 3000 },
	};
	w->sas[1] = w->sas[0];
	w->sas[1].phase = 2;
	w->sas[1].local.port = w->sas[1].remote.port = 0;
	text_copy(w->sas[1].name, sizeof(w->sas[1].name), "west-east");
	w->sas[1].spi_in = 0x0badcafe;
	w->sas[1].spi_out = 0xdeadbeef;
	w->sas[1].soft = (struct ctl_timer){ true, 90061 };
	w->sas[1].suite = (struct sa_suite){ 3, ESP_AES_GCM_16, 0, SA_TUNNEL, 128, false };
	w->sas[1].flow.local.net = id_from_subnet(&net, 16).range;
	w->sas[1].flow.remote.net = id_from_subnet(&far, 16).range;
	w->sas[1].has_usage = true;
	w->sas[1].usage = (struct sa_usage){ 10, 1536, 20, 3u << 20, 1, 5, UINT32_MAX };
	w->connections[0] = (struct ctl_connection){ .name = "west-east", .peer = "peer-berlin",
	    .active = true, .up = true };
	w->connections[1] = (struct ctl_connection){ .name = "west-south", .active = true,
	    .check = { true, 30 } };
	w->connections[2] = (struct ctl_connection){ .name = "west-north", .peer = "peer-north",
	    .active = true, .check = { true, 40 } };
	w->connections[3] = (struct ctl_connection){ .name = "visitors", .passive = true };
	w->exchanges[1] = (struct ctl_exchange){ .phase = 2, .type = EXCH_QUICK_MODE,
	    .name = "west-east", .state = "done" };
	w->exchanges[0] = (struct ctl_exchange){ .phase = 1, .type = EXCH_ID_PROT,
	    .name = "peer-north", .state = "waiting for SA", .local = w->sas[0].local,
	    .remote = w->sas[0].remote, .deadline = { true, 15 } };
	w->failures[0] = (struct ctl_failure){ .ago = 12, .count = 3, .why = WHY_NO_PROPOSAL,
	    .peer = "192.0.2.7:500 (peer-south)", .connection = "west-south",
	    .exchange = "main/2 initiator", .field = "HASH_ALGORITHM", .expected = "SHA2_256",
	    .got = "SHA", .where = "isakmpd.conf:12 [mm-strong]",
	    .remedy = "make the Transforms of both sides agree" };
	w->certificates[0] = (struct ctl_certificate){ .kind = "certificate", .file = "gw.crt",
	    .subject = "/CN=gw", .from = 1700000000, .until = 1800000000, .left = 90061 };
	w->certificates[1] = (struct ctl_certificate){ .kind = "crl", .file = "ca.crl",
	    .subject = "/CN=CA", .from = 1, .until = 2, .left = -3600 };
	w->status = (struct ctl_status){ .version = "0.1", .backend = "user", .uptime = 3661,
	    .sas = w->sas, .n_sas = 2, .exchanges = w->exchanges, .n_exchanges = 2,
	    .connections = w->connections, .n_connections = 4,
	    .failures = w->failures, .n_failures = 1,
	    .certificates = w->certificates, .n_certificates = 2 };
}

static const char *
text_at(const json_t *list, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(list, i), key));
}

static void
json_says_what_there_is(void **state)
{
	struct world w;
	json_error_t e;

	(void)state;
	world_init(&w);
	char *text = status_json(&w.status);
	assert_non_null(text);
	json_t *j = json_loads(text, 0, &e);
	assert_non_null(j);
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_string_equal(json_string_value(json_object_get(j, "mode")), "active");
	assert_int_equal(json_integer_value(json_object_get(j, "uptime")), 3661);

	const json_t *sas = json_object_get(j, "sas");
	assert_int_equal(json_array_size(sas), 2);
	assert_string_equal(text_at(sas, 0, "cipher"), "AES_CBC");
	assert_string_equal(text_at(sas, 0, "remote"), "192.0.2.9:500");
	assert_string_equal(text_at(sas, 1, "spi_in"), "0badcafe");
	assert_string_equal(text_at(sas, 1, "suite"), "ESP AES_GCM_16-128 tunnel");
	assert_string_equal(text_at(sas, 1, "flow"), "10.1.0.0/16 <-> 10.2.0.0/16");
	const json_t *usage = json_object_get(json_array_get(sas, 1), "usage");
	assert_int_equal(json_integer_value(json_object_get(usage, "in_refused")), 1);
	assert_null(json_object_get(usage, "out_idle"));	/* never used */

	const json_t *failures = json_object_get(j, "failures");
	assert_string_equal(text_at(failures, 0, "why"), "NO_PROPOSAL");
	assert_string_equal(text_at(failures, 0, "expected"), "SHA2_256");
	assert_string_equal(text_at(failures, 0, "got"), "SHA");
	const json_t *certificates = json_object_get(j, "certificates");
	assert_int_equal(json_array_size(certificates), 2);
	assert_string_equal(text_at(certificates, 0, "subject"), "/CN=gw");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(certificates, 0), "left")), 90061);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(certificates, 1), "until")), 2);
	const json_t *connections = json_object_get(j, "connections");
	assert_true(json_is_false(json_object_get(json_array_get(connections, 1), "up")));
	assert_string_equal(text_at(connections, 1, "last_failure"), "NO_PROPOSAL");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(connections, 1),
	    "last_failure_ago")), 12);
	assert_true(json_is_false(json_object_get(json_array_get(connections, 1), "negotiating")));
	assert_true(json_is_true(json_object_get(json_array_get(connections, 2), "negotiating")));
	assert_null(json_object_get(json_array_get(connections, 0), "last_failure"));
	assert_string_equal(text_at(sas, 1, "remote"), "192.0.2.9");	/* no port: it is no UDP */
	json_decref(j);
	free(text);
}

static void
names_of_any_octets_stay_valid_json(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	text_copy(w.sas[0].name, sizeof(w.sas[0].name), "a\"b\\c\n\xff\xc0\x80");
	text_copy(w.failures[0].got, sizeof(w.failures[0].got), "\xfe\"");
	char *text = status_json(&w.status);
	assert_non_null(text);
	json_t *j = json_loads(text, 0, NULL);
	assert_non_null(j);
	assert_string_equal(text_at(json_object_get(j, "sas"), 0, "name"),
	    "a\"b\\x5cc\\x0a\\xff\\xc0\\x80");
	for (const char *p = text; *p != '\0'; p++)
		assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
	json_decref(j);
	free(text);
}

static void
nothing_at_all_is_a_status_too(void **state)
{
	struct ctl_status st = { .version = "0.1", .backend = "" };

	(void)state;
	char *text = status_text(&st);
	assert_string_equal(text, "isakmpd 0.1, up 0 s, back end not chosen, active\n"
	    "\nCONNECTIONS: none\n\nSAS: none\n\nNEGOTIATIONS: none\n\nLAST FAILURES: none\n");
	free(text);
	text = status_json(&st);
	json_t *j = json_loads(text, 0, NULL);
	assert_non_null(j);
	assert_int_equal(json_array_size(json_object_get(j, "sas")), 0);
	json_decref(j);
	free(text);
}

static void
a_person_sees_what_is_down_and_why(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	char *text = status_text(&w.status);
	assert_string_equal(text,
	    "isakmpd 0.1, up 01:01:01, back end user, active\n"
	    "\nCONNECTIONS: 2 down, 1 up, 1 idle\n"
	    "  DOWN  west-south\n"
	    "        last failure 12 s ago: no acceptable proposal [NO_PROPOSAL]\n"
	    "        do: make the Transforms of both sides agree\n"
	    "        next try in 30 s\n"
	    "  DOWN  west-north with peer-north\n"
	    "        negotiating: main mode, waiting for SA\n"
	    "  up    west-east with peer-berlin at 192.0.2.9\n"
	    "  idle  visitors\n"
	    "\nSAS\n"
	    "  phase 1 peer-berlin ready, initiator, 192.0.2.1:500 <-> 192.0.2.9:500\n"
	    "        AES_CBC-256 SHA2_256 MODP_2048 PRE_SHARED, ends in 00:50:00\n"
	    "        IDs <no ipsec id> <-> <no ipsec id>\n"
	    "  phase 2 west-east ready, initiator, 192.0.2.1 <-> 192.0.2.9\n"
	    "        spi in 0badcafe out deadbeef  ESP AES_GCM_16-128 tunnel, "
	    "rekey in 1d 01:01:01, ends in 00:50:00\n"
	    "        10.1.0.0/16 <-> 10.2.0.0/16\n"
	    "        in 10 packets 1.5K (refused 1), out 20 packets 3.0M\n"
	    "\nNEGOTIATIONS\n"
	    "  main mode peer-north, responder, 192.0.2.1:500 <-> 192.0.2.9:500, waiting for SA, "
	    "at most 15 s more\n"
	    "\nLAST FAILURES\n"
	    "  12 s ago: no acceptable proposal [NO_PROPOSAL] (3 times)\n"
	    "        peer      192.0.2.7:500 (peer-south)\n"
	    "        conn      west-south\n"
	    "        exchange  main/2 initiator\n"
	    "        field     HASH_ALGORITHM\n"
	    "        expected  SHA2_256\n"
	    "        got       SHA\n"
	    "        config    isakmpd.conf:12 [mm-strong]\n"
	    "        do        make the Transforms of both sides agree\n"
	    "\nCERTIFICATES\n"
	    "  certificate gw.crt (/CN=gw) ends in 1d 01:01:01\n"
	    "  crl         ca.crl (/CN=CA) IS OVER since 01:00:00\n");
	free(text);
}

/* A failure of phase 1 names its peer only; it is that of each of its connections. */
static void
a_connection_is_down_for_the_failure_of_its_peer(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.failures[0].connection[0] = '\0';
	text_copy(w.connections[1].peer, sizeof(w.connections[1].peer), "peer-south");
	char *text = status_text(&w.status);
	assert_non_null(strstr(text, "DOWN  west-south with peer-south\n"
	    "        last failure 12 s ago: no acceptable proposal"));
	assert_null(strstr(text, "DOWN  west-north with peer-north\n        last"));
	free(text);
	w.status.passive = true;
	text = status_text(&w.status);
	assert_non_null(strstr(text, "        not tried: the daemon is passive\n"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_says_what_there_is),
		cmocka_unit_test(names_of_any_octets_stay_valid_json),
		cmocka_unit_test(nothing_at_all_is_a_status_too),
		cmocka_unit_test(a_connection_is_down_for_the_failure_of_its_peer),
		cmocka_unit_test(a_person_sees_what_is_down_and_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
