/*
 * The keys role as a process, with this test as its monitor and its ike.
 * Without the sandbox, so that it runs under sanitizers; the sandbox has
 * tests of its own.
 */
#include "process.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/ask.h"
#include "conf/redact.h"
#include "role/keys_files.h"

enum { WAIT_MS = PROCESS_WAIT_MS };

static const char canary[] = "zK8#mW2$pQ9vR4tY";

struct role_under_test {
	struct process	 keys;
	struct channel	*monitor, *ike;	/* monitor: of keys */
};

static void
link_ike(struct role_under_test *r)
{
	channel_free(r->ike);
	r->ike = process_link(&r->keys, ROLE_IKE);
}

static struct role_under_test
role_start(void)
{
	const struct options o = { .ip4 = true, .foreground = true, .sandbox = false };
	struct role_under_test r = { .keys = process_fork(ROLE_KEYS, &o) };

	r.monitor = r.keys.monitor;
	link_ike(&r);
	process_go(&r.keys, MSG_READY);
	return r;
}

static void
role_end(struct role_under_test *r)
{
	process_end(&r->keys);
	channel_free(r->ike);
}

static void
no_canary(struct rd body)
{
	struct view v = rd_rest(&body);

	assert_null(memmem(v.p, v.n, canary, strlen(canary)));
}

/* The next message of that type; everything on the way is searched. */
static struct rd
next(struct channel *c, uint16_t type)
{
	struct channel_in in;

	assert_int_equal(channel_wait(c, WAIT_MS, &in), CHANNEL_MESSAGE);
	no_canary(in.body);
	if (in.type != type)
		fail_msg("message %u instead of %u", in.type, type);
	return in.body;
}

/* As next, over any others. */
static struct rd
skip_to(struct channel *c, uint16_t type)
{
	struct channel_in in;

	do {
		assert_int_equal(channel_wait(c, WAIT_MS, &in), CHANNEL_MESSAGE);
		no_canary(in.body);
	} while (in.type != type);
	return in.body;
}

static void
send_conf(struct role_under_test *r, const char *text)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	wr_view(channel_body(r->monitor), view_str("test.conf"));
	assert_true(channel_send(r->monitor, MSG_CONF_FILE, fd));
	assert_true(channel_flush(r->monitor));
	close(fd);
}

static bool
conf_result(struct role_under_test *r)
{
	struct rd body = skip_to(r->ike, MSG_CONF_END);

	return rd_u8(&body) == 1;
}

/* ike made a configuration of the file, or did not. */
static void
conf_take(struct role_under_test *r, bool take)
{
	wr_u8(channel_body(r->ike), take);
	assert_true(channel_send(r->ike, MSG_CONF_TAKE, -1));
	assert_true(channel_flush(r->ike));
}

static void
send_ask(struct role_under_test *r, const struct keys_ask *a)
{
	keys_ask_encode(channel_body(r->ike), a);
	assert_true(channel_send(r->ike, MSG_KEYS_ASK, -1));
	assert_true(channel_flush(r->ike));
}

static struct keys_answer
get_answer(struct role_under_test *r)
{
	struct rd body = next(r->ike, MSG_KEYS_ANSWER);
	struct keys_answer a = { 0 };

	assert_true(keys_answer_decode(&body, &a));
	return a;
}

static struct keys_answer
ask(struct role_under_test *r, const struct keys_ask *a)
{
	send_ask(r, a);
	struct keys_answer ret = get_answer(r);
	assert_int_equal(ret.verb, a->verb);
	assert_true(ret.token == a->token);
	return ret;
}

static struct keys_ask
dh_ask(uint64_t token)
{
	return (struct keys_ask){ .verb = KEYS_DH_NEW, .token = token, .group = GROUP_ECP_256 };
}

static struct keys_ask
skeyid_ask(uint64_t token, bool initiator, const char *peer, const struct keys_answer *dh)
{
	struct keys_ask a = { .verb = KEYS_SKEYID, .token = token, .initiator = initiator,
	    .hash = HASH_SHA2_256, .auth = AUTH_PRE_SHARED, .ni = view_str("nonce of i"),
	    .nr = view_str("nonce of r"),
	    .peer_public = view_of(dh->public_value, dh->public_n) };

	memcpy(a.peer, peer, strlen(peer));
	return a;
}

static const char conf[] =
	"# zK8#mW2$pQ9vR4tY is in this comment too\n"
	"[west]\nAuthentication=\tzK8#mW2$pQ9vR4tY\nPhase=1\n[east]\n"
	"Authentication=zK8#mW2$pQ9vR4tY\n";

static void
psk_info(struct rd body, const char *section, unsigned octets, unsigned line, bool weak)
{
	size_t n = rd_u16(&body);
	struct view name = rd_view(&body, n);

	assert_int_equal(n, strlen(section));
	assert_memory_equal(name.p, section, n);
	assert_int_equal(rd_u16(&body), octets);
	assert_int_equal(rd_u16(&body), line);
	assert_int_equal(rd_u8(&body), weak);
	assert_int_equal(rd_u64(&body) != 0, octets != 0);
	assert_true(rd_end(&body));
}

static void
r29_the_configuration_is_passed_on_without_its_secrets(void **state)
{
	struct role_under_test r = role_start();
	uint8_t want[sizeof(conf)];

	(void)state;
	send_conf(&r, conf);
	struct rd body = next(r.ike, MSG_CONF_BEGIN);
	assert_int_equal(rd_u32(&body), strlen(conf));
	struct view name = rd_rest(&body);
	assert_true(view_equal(name, view_str("test.conf")));
	body = next(r.ike, MSG_CONF_TEXT);
	struct view text = rd_rest(&body);
	redact_text(view_of(conf, strlen(conf)), want);
	assert_true(view_equal(text, view_of(want, strlen(conf))));
	psk_info(next(r.ike, MSG_PSK_INFO), "west", 16, 3, false);
	psk_info(next(r.ike, MSG_PSK_INFO), "east", 16, 6, false);
	body = next(r.ike, MSG_CONF_END);
	assert_int_equal(rd_u8(&body), 1);
	role_end(&r);
}

/* Both ends of a phase 1, through one role. */
static void
a_phase_1_goes_through_and_tells_no_psk(void **state)
{
	struct role_under_test r = role_start();
	struct keys_ask a[2] = { dh_ask(1), dh_ask(2) };
	struct keys_answer dh[2], k[2], own, peer;

	(void)state;
	send_conf(&r, conf);
	assert_true(conf_result(&r));
	conf_take(&r, true);
	dh[0] = ask(&r, &a[0]);
	dh[1] = ask(&r, &a[1]);
	for (unsigned i = 0; i < 2; i++) {
		struct keys_ask s = skeyid_ask(i + 1, i == 0, i == 0 ? "west" : "EAST", &dh[1 - i]);

		k[i] = ask(&r, &s);
		assert_int_equal(k[i].why, WHY_NONE);
	}
	assert_true(ct_equal(secret_view(&k[0].skeyid_e), secret_view(&k[1].skeyid_e)));
	for (unsigned i = 0; i < 2; i++) {
		struct keys_ask x = { .verb = KEYS_AUTH_OWN, .token = i + 1,
		    .sa_body = view_str("sa"), .id_body = view_str("id") };

		own = ask(&r, &x);
		assert_int_equal(own.proof_n, 32);
		x = (struct keys_ask){ .verb = KEYS_AUTH_PEER, .token = 2 - i,
		    .sa_body = view_str("sa"), .id_body = view_str("id"),
		    .proof = view_of(own.proof, own.proof_n) };
		peer = ask(&r, &x);
		assert_int_equal(peer.why, WHY_NONE);
		keys_answer_done(&k[i]);
	}
	role_end(&r);
}

static void
many_asks_at_once_are_all_answered(void **state)
{
	enum { N = 500 };
	struct role_under_test r = role_start();
	bool seen[N] = { false };

	(void)state;
	for (uint64_t t = 0; t < N; t++) {
		struct keys_ask a = dh_ask(t);

		send_ask(&r, &a);
	}
	for (unsigned i = 0; i < N; i++) {
		struct keys_answer a = get_answer(&r);

		assert_int_equal(a.why, WHY_NONE);
		assert_true(a.token < N);
		assert_false(seen[a.token]);
		seen[a.token] = true;
	}
	role_end(&r);
}

/* The role must report ike to the monitor as broken. */
static void
expect_broken(struct role_under_test *r)
{
	struct rd body = skip_to(r->monitor, MSG_BROKEN);

	assert_int_equal(rd_u8(&body), ROLE_IKE);
}

static void
an_ask_out_of_order_ends_the_sender(void **state)
{
	struct role_under_test r = role_start();
	struct keys_answer none = { .public_n = 0 };
	struct keys_ask a = skeyid_ask(5, true, "west", &none);

	(void)state;
	send_ask(&r, &a);
	expect_broken(&r);
	role_end(&r);
}

static void
a_malformed_ask_ends_the_sender(void **state)
{
	struct keys_ask a = dh_ask(1);
	uint8_t whole[512];
	struct wr w = wr_of(whole, sizeof(whole));

	(void)state;
	keys_ask_encode(&w, &a);
	assert_false(w.bad);
	for (unsigned kind = 0; kind < 3; kind++) {
		struct role_under_test r = role_start();
		struct wr *body = channel_body(r.ike);

		wr_bytes(body, whole, kind == 0 ? w.len - 1 : w.len);
		if (kind == 1)
			wr_u8(body, 0);
		if (kind == 2)
			body->base[0] = KEYS_VERB_MAX;
		assert_true(channel_send(r.ike, MSG_KEYS_ASK, -1));
		assert_true(channel_flush(r.ike));
		expect_broken(&r);
		role_end(&r);
	}
}

static void
a_new_ike_finds_no_tokens_of_the_old_one(void **state)
{
	struct role_under_test r = role_start();
	struct keys_ask a = dh_ask(1);

	(void)state;
	assert_int_equal(ask(&r, &a).why, WHY_NONE);
	link_ike(&r);
	assert_int_equal(ask(&r, &a).why, WHY_NONE);
	role_end(&r);
}

static void
psk_set(struct role_under_test *r, const char *section, const char *value)
{
	struct wr *w = channel_body(r->ike);

	wr_u16(w, (uint16_t)strlen(section));
	wr_view(w, view_str(section));
	wr_view(w, view_str(value));
	assert_true(channel_send(r->ike, MSG_PSK_SET, -1));
	assert_true(channel_flush(r->ike));
}

/* Whether a key is held for that section. */
static bool
holds(struct role_under_test *r, const char *section)
{
	struct keys_ask a = dh_ask(77);
	struct keys_answer dh = ask(r, &a);

	a = skeyid_ask(77, true, section, &dh);
	struct keys_answer k = ask(r, &a);
	enum why why = k.why;
	keys_answer_done(&k);
	a = (struct keys_ask){ .verb = KEYS_DROP, .token = 77 };
	send_ask(r, &a);
	assert_true(why == WHY_NONE || why == WHY_NO_KEY);
	return why == WHY_NONE;
}

static void
orders_set_and_remove_keys(void **state)
{
	struct role_under_test r = role_start();

	(void)state;
	assert_false(holds(&r, "north"));
	psk_set(&r, "north", "0x0102");
	psk_info(next(r.ike, MSG_PSK_INFO), "north", 2, 0, true);
	assert_true(holds(&r, "NORTH"));
	psk_set(&r, "North", "0x010");
	psk_info(next(r.ike, MSG_PSK_INFO), "North", 2, 0, true);
	psk_set(&r, "north", "0xzK8#mW2$pQ9vR4tY");
	psk_info(next(r.ike, MSG_PSK_INFO), "north", 0, 0, false);
	no_canary(next(r.monitor, MSG_LOG));
	assert_false(holds(&r, "north"));
	psk_set(&r, "north", "zK8#mW2$pQ9vR4tY");
	psk_info(next(r.ike, MSG_PSK_INFO), "north", 16, 0, false);
	psk_set(&r, "north", "");
	psk_info(next(r.ike, MSG_PSK_INFO), "north", 0, 0, false);
	assert_false(holds(&r, "north"));
	role_end(&r);
}

static void
conf_none(struct role_under_test *r, const char *why)
{
	wr_view(channel_body(r->monitor), view_str(why));
	assert_true(channel_send(r->monitor, MSG_CONF_NONE, -1));
	assert_true(channel_flush(r->monitor));
}

static void
bad_and_unreadable_files_leave_the_keys(void **state)
{
	struct role_under_test r = role_start();

	(void)state;
	send_conf(&r, conf);
	assert_true(conf_result(&r));
	conf_take(&r, true);
	send_conf(&r, "[north]\nAuthentication=0xzK8#mW2$pQ9vR4tY\n");
	assert_false(conf_result(&r));
	no_canary(next(r.monitor, MSG_LOG));
	assert_true(holds(&r, "west"));
	conf_none(&r, "test.conf: Permission denied");
	assert_false(conf_result(&r));
	assert_true(holds(&r, "west"));
	conf_none(&r, "");		/* no file */
	assert_false(conf_result(&r));
	assert_true(holds(&r, "west"));
	send_conf(&r, "");
	assert_true(conf_result(&r));
	conf_take(&r, true);
	assert_false(holds(&r, "west"));
	role_end(&r);
}

/* The keys in force belong to the configuration in force. */
static void
the_keys_of_a_file_count_once_ike_has_taken_it(void **state)
{
	struct role_under_test r = role_start();

	(void)state;
	send_conf(&r, conf);
	assert_true(conf_result(&r));
	assert_false(holds(&r, "west"));
	conf_take(&r, true);
	assert_true(holds(&r, "west"));
	send_conf(&r, "[north]\nAuthentication=zK8#mW2$pQ9vR4tY\n");
	assert_true(conf_result(&r));
	conf_take(&r, false);
	assert_true(holds(&r, "west"));
	assert_false(holds(&r, "north"));
	conf_take(&r, true);		/* too late */
	assert_true(holds(&r, "west"));
	/* a new ike has heard of no file */
	send_conf(&r, "[north]\nAuthentication=zK8#mW2$pQ9vR4tY\n");
	assert_true(conf_result(&r));
	link_ike(&r);
	conf_take(&r, true);
	assert_false(holds(&r, "north"));
	role_end(&r);
}

/* More than the channel's queue takes at once. */
static void
a_large_configuration_arrives_whole(void **state)
{
	enum { SECTIONS = 10000, LINE = 1400 };
	struct role_under_test r = role_start();
	size_t cap = SECTIONS * (LINE + 100), got = 0;
	char *text = malloc(cap);
	unsigned infos = 0;
	struct channel_in in;

	(void)state;
	assert_non_null(text);
	struct str s = str_of(text, cap);
	for (unsigned i = 0; i < SECTIONS; i++) {
		str_addf(&s, "[peer-%u]\nAuthentication=%s\nComment=", i, canary);
		for (unsigned k = 0; k < LINE; k += 10)
			str_add(&s, "0123456789");
		str_add(&s, "\n");
	}
	assert_false(s.cut);
	send_conf(&r, text);
	do {
		assert_int_equal(channel_wait(r.ike, WAIT_MS, &in), CHANNEL_MESSAGE);
		if (in.type == MSG_CONF_TEXT) {
			no_canary(in.body);
			got += in.body.n;
		}
		infos += in.type == MSG_PSK_INFO;
	} while (in.type != MSG_CONF_END);
	assert_int_equal(got, s.len);
	assert_int_equal(infos, SECTIONS);
	assert_int_equal(rd_u8(&in.body), 1);
	conf_take(&r, true);
	assert_true(holds(&r, "peer-9999"));
	free(text);
	role_end(&r);
}

/* ---- key files ---- */

static void
tell_key_files(struct role_under_test *r)
{
	const struct key_paths p = { .private_key = "/k/private/local.key",
	    .private_folder = "/k/private/", .public_folder = "/k/pubkeys/" };

	key_paths_encode(channel_body(r->ike), &p);
	assert_true(channel_send(r->ike, MSG_KEY_FILES, -1));
	assert_true(channel_flush(r->ike));
}

static void
wants_files(struct role_under_test *r, enum files_kind kind, const char *path)
{
	struct rd body = skip_to(r->monitor, MSG_FILES_WANTED);

	assert_int_equal(rd_u8(&body), kind);
	struct view got = rd_rest(&body);
	assert_true(view_equal(got, view_str(path)));
}

static void
give_file(struct role_under_test *r, enum files_kind kind, const char *name, const char *vector)
{
	STR(path, 300);

	str_addf(&path, "%s/keys/%s", VECTORS, vector);
	int fd = open(path.p, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	struct wr *w = channel_body(r->monitor);
	wr_u8(w, (uint8_t)kind);
	wr_view(w, view_str(name));
	assert_true(channel_send(r->monitor, MSG_FILE, fd));
	close(fd);
}

static void
end_files(struct role_under_test *r, enum files_kind kind, enum files_result result)
{
	struct wr *w = channel_body(r->monitor);

	wr_u8(w, (uint8_t)kind);
	wr_u8(w, (uint8_t)result);
	assert_true(channel_send(r->monitor, MSG_FILES_END, -1));
	assert_true(channel_flush(r->monitor));
}

/* Two tokens that know each other, as far as SKEYID, with ECDSA. */
static void
reach_signatures(struct role_under_test *r)
{
	struct keys_ask a[2] = { dh_ask(1), dh_ask(2) };
	struct keys_answer dh[2], k;

	dh[0] = ask(r, &a[0]);
	dh[1] = ask(r, &a[1]);
	for (unsigned i = 0; i < 2; i++) {
		struct keys_ask s = skeyid_ask(i + 1, i == 0, "", &dh[1 - i]);

		s.auth = AUTH_ECDSA_256;
		k = ask(r, &s);
		assert_int_equal(k.why, WHY_NONE);
		keys_answer_done(&k);
	}
}

static const uint8_t id_west[] = { ID_FQDN, 0, 0, 0, 'w', 'e', 's', 't', '.', 'x' };

static void
signatures_wait_until_the_key_files_have_been_read(void **state)
{
	struct role_under_test r = role_start();
	struct keys_ask own = { .verb = KEYS_AUTH_OWN, .token = 1, .sa_body = view_str("sa"),
	    .id_body = view_of(id_west, sizeof(id_west)) };

	(void)state;
	reach_signatures(&r);
	tell_key_files(&r);
	wants_files(&r, FILES_PRIVATE_KEY, "/k/private/local.key");
	send_ask(&r, &own);
	struct keys_ask probe = dh_ask(3);
	struct keys_answer a = ask(&r, &probe);		/* others are answered meanwhile */
	assert_int_equal(a.why, WHY_NONE);
	give_file(&r, FILES_PRIVATE_KEY, "", "ec256-a.pem");
	end_files(&r, FILES_PRIVATE_KEY, FILES_ALL);
	wants_files(&r, FILES_PRIVATE_DIR, "/k/private/");
	end_files(&r, FILES_PRIVATE_DIR, FILES_MISSING);
	wants_files(&r, FILES_PUBKEYS, "/k/pubkeys/");
	give_file(&r, FILES_PUBKEYS, "fqdn/west.x", "ec256-a.pub");
	give_file(&r, FILES_PUBKEYS, "fqdn/bad", "README.md");
	end_files(&r, FILES_PUBKEYS, FILES_ALL);
	a = get_answer(&r);
	assert_int_equal(a.verb, KEYS_AUTH_OWN);
	assert_int_equal(a.why, WHY_NONE);
	assert_int_equal(a.proof_n, 64);
	struct keys_ask peer = { .verb = KEYS_AUTH_PEER, .token = 2, .sa_body = view_str("sa"),
	    .id_body = view_of(id_west, sizeof(id_west)), .proof = view_of(a.proof, a.proof_n) };
	struct keys_answer b = ask(&r, &peer);
	assert_int_equal(b.why, WHY_NONE);
	role_end(&r);
}

static void
a_signature_whose_exchange_ended_while_it_waited_is_forgotten(void **state)
{
	struct role_under_test r = role_start();
	struct keys_ask own = { .verb = KEYS_AUTH_OWN, .token = 1, .sa_body = view_str("sa"),
	    .id_body = view_of(id_west, sizeof(id_west)) };
	struct keys_ask drop = { .verb = KEYS_DROP, .token = 1 };

	(void)state;
	reach_signatures(&r);
	tell_key_files(&r);
	wants_files(&r, FILES_PRIVATE_KEY, "/k/private/local.key");
	send_ask(&r, &own);
	send_ask(&r, &drop);
	end_files(&r, FILES_PRIVATE_KEY, FILES_MISSING);
	wants_files(&r, FILES_PRIVATE_DIR, "/k/private/");
	end_files(&r, FILES_PRIVATE_DIR, FILES_MISSING);
	wants_files(&r, FILES_PUBKEYS, "/k/pubkeys/");
	end_files(&r, FILES_PUBKEYS, FILES_MISSING);
	struct keys_ask probe = dh_ask(3);
	struct keys_answer a = ask(&r, &probe);		/* the next answer is this one */
	assert_int_equal(a.why, WHY_NONE);
	role_end(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r29_the_configuration_is_passed_on_without_its_secrets),
		cmocka_unit_test(a_phase_1_goes_through_and_tells_no_psk),
		cmocka_unit_test(many_asks_at_once_are_all_answered),
		cmocka_unit_test(an_ask_out_of_order_ends_the_sender),
		cmocka_unit_test(a_malformed_ask_ends_the_sender),
		cmocka_unit_test(a_new_ike_finds_no_tokens_of_the_old_one),
		cmocka_unit_test(orders_set_and_remove_keys),
		cmocka_unit_test(bad_and_unreadable_files_leave_the_keys),
		cmocka_unit_test(the_keys_of_a_file_count_once_ike_has_taken_it),
		cmocka_unit_test(a_large_configuration_arrives_whole),
		cmocka_unit_test(signatures_wait_until_the_key_files_have_been_read),
		cmocka_unit_test(a_signature_whose_exchange_ended_while_it_waited_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
