/*
 * The trust role as a process, with this test as its monitor and its ike.
 * Without the sandbox, so that it runs under sanitizers; and what it does
 * with octets of a peer, within it.
 */
#include "process.h"

#include "../trust/certs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/sanitized.h"
#include "os/sandbox.h"
#include "role/fetch_msg.h"
#include "role/trust_msg.h"

struct trust_under_test {
	struct process	 trust;
	struct channel	*ike;
};

static struct trust_under_test
start(void)
{
	const struct options o = { .ip4 = true, .foreground = true, .sandbox = false, .verbose = true };
	struct trust_under_test t = { .trust = process_fork(ROLE_TRUST, &o) };

	t.ike = process_link(&t.trust, ROLE_IKE);
	process_go(&t.trust, MSG_READY);
	return t;
}

static void
end(struct trust_under_test *t)
{
	process_end(&t->trust);
	channel_free(t->ike);
}

static void
send_conf(struct trust_under_test *t, uint8_t crl)
{
	struct trust_conf c = { .settings = { .crl = crl }, .given = true,
	    .path = { [TRUST_CA] = "/x/ca", [TRUST_CERT] = "/x/certs", [TRUST_CRL] = "/x/crls" } };

	trust_conf_encode(channel_body(t->ike), &c);
	assert_true(channel_send(t->ike, MSG_TRUST_CONF, -1));
	assert_true(channel_flush(t->ike));
}

/* The next message of that type, over log lines; the last of those is kept. */
static struct channel_in
next_of(struct channel *c, uint16_t type, char *log, size_t cap)
{
	struct channel_in in;

	for (;;) {
		assert_int_equal(channel_wait(c, PROCESS_WAIT_MS, &in), CHANNEL_MESSAGE);
		if (in.type == type)
			return in;
		assert_int_equal(in.type, MSG_LOG);
		struct view v = rd_rest(&in.body);
		if (log != NULL && v.n > 2)
			snprintf(log, cap, "%.*s", (int)v.n - 2, (const char *)v.p + 2);
	}
}

static void
give_file(struct trust_under_test *t, uint8_t kind, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", certs_dir, name);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	struct wr *w = channel_body(t->trust.monitor);
	wr_u8(w, kind);
	wr_view(w, view_str(name));
	assert_true(channel_send(t->trust.monitor, MSG_FILE, fd));
	close(fd);
}

/* Answers one request for a directory with these files, in batches of one. */
static void
give(struct trust_under_test *t, uint8_t kind, const char *path, const char *const *names)
{
	struct channel *m = t->trust.monitor;
	struct channel_in in = next_of(m, MSG_FILES_WANTED, NULL, 0);

	assert_int_equal(rd_u8(&in.body), kind);
	assert_true(view_equal(rd_rest(&in.body), view_str(path)));
	for (; *names != NULL; names++) {
		give_file(t, kind, *names);
		if (names[1] != NULL) {
			(void)channel_body(m);
			assert_true(channel_send(m, MSG_FILES_MORE, -1));
			(void)next_of(m, MSG_FILES_NEXT, NULL, 0);
		}
	}
	struct wr *w = channel_body(m);
	wr_u8(w, kind);
	wr_u8(w, FILES_ALL);
	assert_true(channel_send(m, MSG_FILES_END, -1));
	assert_true(channel_flush(m));
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
give_all(struct trust_under_test *t, const char *const *ca, const char *const *certs,
    const char *const *crls)
{
	give(t, FILES_CA, "/x/ca", ca);
	give(t, FILES_CERTS, "/x/certs", certs);
	give(t, FILES_CRLS, "/x/crls", crls);
}

static void
ask(struct trust_under_test *t, uint64_t token, const char *cert)
{
	struct view body = certs_body(cert);
	struct id_body id = fqdn("gw.example.org");
	struct trust_ask a = { .verb = TRUST_PEER, .token = token, .auth = AUTH_ECDSA_256,
	    .id_body = view_of(id.p, id.n), .n_certs = 1, .certs = { body } };

	trust_ask_encode(channel_body(t->ike), &a);
	assert_true(channel_send(t->ike, MSG_TRUST_ASK, -1));
	assert_true(channel_flush(t->ike));
	free((void *)(uintptr_t)body.p);
}

static enum why
answered(struct trust_under_test *t, uint64_t token)
{
	struct trust_answer a;
	struct channel_in in = next_of(t->ike, MSG_TRUST_ANSWER, NULL, 0);

	assert_true(trust_answer_decode(&in.body, &a));
	assert_int_equal(a.token, token);
	return a.why;
}

static struct trust_state *
state(struct trust_under_test *t)
{
	struct trust_state *s = calloc(1, sizeof(*s));
	struct channel_in in = next_of(t->ike, MSG_TRUST_STATE, NULL, 0);

	assert_non_null(s);
	assert_true(trust_state_decode(&in.body, s));
	return s;
}

static void
files_come_in_and_what_is_held_goes_out(void **arg)
{
	struct trust_under_test t = start();

	(void)arg;
	send_conf(&t, TRUST_CRL_IF_PRESENT);
	give_all(&t, LIST("root.pem", "host.key", "root2.pem"), LIST("names.pem"), LIST("crl_root.pem"));
	struct trust_state *s = state(&t);
	assert_int_equal(s->count[TRUST_CA], 2);
	assert_int_equal(s->count[TRUST_CERT], 1);
	assert_int_equal(s->count[TRUST_CRL], 1);
	assert_int_equal(s->n_requests, 2);
	assert_int_equal(s->n_items, 4);
	assert_string_equal(s->item[2].file, "names.pem");
	assert_string_equal(s->item[2].subject, "/C=SE/O=Example/CN=cn.example.org");
	assert_true(s->item[2].until - s->item[2].from == (int64_t)3650 * 86400);
	free(s);
	ask(&t, 1, "leaf0");
	assert_int_equal(answered(&t, 1), WHY_NONE);
	ask(&t, 2, "self");
	assert_int_equal(answered(&t, 2), WHY_CERT_ISSUER);
	end(&t);
}

static void
a_question_before_the_files_are_there_waits_for_them(void **arg)
{
	struct trust_under_test t = start();

	(void)arg;
	ask(&t, 1, "leaf0");
	send_conf(&t, TRUST_CRL_IF_PRESENT);
	ask(&t, 2, "forged");
	give_all(&t, LIST("root.pem"), LIST(NULL), LIST(NULL));
	free(state(&t));
	assert_int_equal(answered(&t, 1), WHY_NONE);
	assert_int_not_equal(answered(&t, 2), WHY_NONE);
	end(&t);
}

static void
a_reload_takes_effect_when_it_is_whole(void **arg)
{
	struct trust_under_test t = start();

	(void)arg;
	send_conf(&t, TRUST_CRL_IF_PRESENT);
	give_all(&t, LIST("root.pem"), LIST(NULL), LIST(NULL));
	free(state(&t));
	send_conf(&t, TRUST_CRL_IF_PRESENT);
	give(&t, FILES_CA, "/x/ca", LIST("root.pem"));
	give(&t, FILES_CERTS, "/x/certs", LIST(NULL));
	ask(&t, 1, "leaf0");
	assert_int_equal(answered(&t, 1), WHY_NONE);
	give(&t, FILES_CRLS, "/x/crls", LIST("crl_root_leaf0.pem"));
	free(state(&t));
	ask(&t, 2, "leaf0");
	assert_int_equal(answered(&t, 2), WHY_CERT_REVOKED);
	/* two in a row: the second one is what counts */
	send_conf(&t, TRUST_CRL_IF_PRESENT);
	send_conf(&t, TRUST_CRL_OFF);
	for (int i = 0; i < 2; i++)
		give_all(&t, LIST("root.pem"), LIST(NULL), LIST("crl_root_leaf0.pem"));
	free(state(&t));
	ask(&t, 3, "leaf0");
	assert_int_equal(answered(&t, 3), WHY_NONE);
	end(&t);
}

static void
expiry_is_logged_with_file_subject_and_days(void **arg)
{
	struct trust_under_test t = start();
	char log[600] = "";

	(void)arg;
	send_conf(&t, TRUST_CRL_IF_PRESENT);
	give_all(&t, LIST("root.pem"), LIST("brief.pem"), LIST(NULL));
	free(state(&t));
	/* the next request makes it read on over the log lines before */
	send_conf(&t, TRUST_CRL_IF_PRESENT);
	(void)next_of(t.trust.monitor, MSG_FILES_WANTED, log, sizeof(log));
	assert_non_null(strstr(log, "certificate /x/certs/brief.pem (/CN=brief) expires in "));
	end(&t);
}

static void
files_that_nobody_asked_for_end_the_role(void **arg)
{
	struct trust_under_test t = start();
	struct channel_in in;

	(void)arg;
	give_file(&t, FILES_CA, "root.pem");
	assert_true(channel_flush(t.trust.monitor));
	/* the monitor is broken: what it says is not believed any more */
	while (channel_wait(t.trust.monitor, PROCESS_WAIT_MS, &in) == CHANNEL_MESSAGE)
		assert_int_equal(in.type, MSG_LOG);
	end(&t);
}

/* ---- with responders ---- */

static void
conf_online(struct trust_under_test *t, uint8_t ocsp, uint8_t seconds)
{
	struct trust_conf c = { .settings = { .crl = TRUST_CRL_OFF, .ocsp = ocsp,
	    .ocsp_timeout = seconds, .responder = "http://192.0.2.1:8080/ocsp" }, .given = true,
	    .path = { [TRUST_CA] = "/x/ca" } };

	trust_conf_encode(channel_body(t->ike), &c);
	assert_true(channel_send(t->ike, MSG_TRUST_CONF, -1));
	assert_true(channel_flush(t->ike));
	give(t, FILES_CA, "/x/ca", LIST("root.pem"));
	free(state(t));
}

/* Answers the next question so; NULL: not at all. */
static void
responds(struct channel *fetch, const char *reason, const char *body)
{
	struct channel_in in = next_of(fetch, MSG_FETCH_ASK, NULL, 0);
	struct fetch_ask a;

	assert_true(fetch_ask_decode(&in.body, &a));
	assert_string_equal(a.url.host, "192.0.2.1");
	assert_int_equal(a.url.port, 8080);
	assert_true(a.left_ms <= 30000 && a.body.n > 0);
	struct fetch_answer r = { .era = a.era, .token = a.token, .ok = body != NULL };
	if (body != NULL)
		r.body = view_str(body);
	else if (reason != NULL)
		text_copy(r.reason, sizeof(r.reason), reason);
	else
		return;
	fetch_answer_encode(channel_body(fetch), &r);
	assert_true(channel_send(fetch, MSG_FETCH_ANSWER, -1));
	assert_true(channel_flush(fetch));
}

static bool
nothing_comes(struct channel *c)
{
	struct channel_in in;

	return channel_wait(c, 300, &in) == CHANNEL_EMPTY;
}

static void
an_ask_waits_for_the_responder_and_stalls_nobody(void **arg)
{
	struct trust_under_test t = start();
	struct channel *fetch = process_link(&t.trust, ROLE_FETCH);

	(void)arg;
	conf_online(&t, TRUST_OCSP_REQUIRE, 30);
	ask(&t, 1, "leaf0");
	assert_true(nothing_comes(t.ike));
	ask(&t, 2, "self");			/* refused without asking anybody */
	assert_int_equal(answered(&t, 2), WHY_CERT_ISSUER);
	ask(&t, 3, "leaf0");			/* waits for the same question */
	responds(fetch, "HTTP status 503", NULL);
	assert_int_equal(answered(&t, 1), WHY_OCSP_UNREACHABLE);
	assert_int_equal(answered(&t, 3), WHY_OCSP_UNREACHABLE);
	assert_true(nothing_comes(fetch));
	/* what is no answer, after a reload has forgotten that */
	conf_online(&t, TRUST_OCSP_REQUIRE, 30);
	ask(&t, 4, "leaf0");
	responds(fetch, NULL, "nonsense");
	assert_int_equal(answered(&t, 4), WHY_OCSP_ANSWER);
	conf_online(&t, TRUST_OCSP_IF_AVAILABLE, 30);
	ask(&t, 5, "leaf0");
	responds(fetch, "Connection refused", NULL);
	assert_int_equal(answered(&t, 5), WHY_NONE);
	char log[700] = "";
	struct channel_in in;
	while (strstr(log, "passes without") == NULL &&
	    channel_wait(t.trust.monitor, 2000, &in) == CHANNEL_MESSAGE)
		if (in.type == MSG_LOG && in.body.n > 2)
			snprintf(log, sizeof(log), "%.*s", (int)in.body.n - 2, (const char *)in.body.p + 2);
	assert_non_null(strstr(log, "leaf0 passes without an OCSP answer: an OCSP responder does not "
	    "answer: http://192.0.2.1:8080/ocsp: Connection refused"));
	channel_free(fetch);
	end(&t);
}

static void
without_an_answer_the_deadline_answers(void **arg)
{
	struct trust_under_test t = start();

	(void)arg;
	conf_online(&t, TRUST_OCSP_REQUIRE, 1);
	ask(&t, 1, "leaf0");			/* there is no fetch at all */
	assert_int_equal(answered(&t, 1), WHY_OCSP_UNREACHABLE);
	conf_online(&t, TRUST_OCSP_IF_AVAILABLE, 1);
	ask(&t, 2, "leaf0");
	assert_int_equal(answered(&t, 2), WHY_NONE);
	struct channel *fetch = process_link(&t.trust, ROLE_FETCH);
	conf_online(&t, TRUST_OCSP_REQUIRE, 1);
	ask(&t, 3, "leaf0");
	responds(fetch, NULL, NULL);		/* silent */
	assert_int_equal(answered(&t, 3), WHY_OCSP_UNREACHABLE);
	channel_free(fetch);
	end(&t);
}

static void
when_fetch_dies_its_questions_are_asked_once_more(void **arg)
{
	struct trust_under_test t = start();
	struct channel *fetch = process_link(&t.trust, ROLE_FETCH);

	(void)arg;
	conf_online(&t, TRUST_OCSP_REQUIRE, 30);
	ask(&t, 1, "leaf0");
	responds(fetch, NULL, NULL);
	channel_free(fetch);
	assert_true(nothing_comes(t.ike));
	fetch = process_link(&t.trust, ROLE_FETCH);
	responds(fetch, NULL, NULL);
	channel_free(fetch);
	assert_int_equal(answered(&t, 1), WHY_OCSP_UNREACHABLE);
	end(&t);
}

static void
a_reload_asks_anew_what_waits(void **arg)
{
	struct trust_under_test t = start();
	struct channel *fetch = process_link(&t.trust, ROLE_FETCH);

	(void)arg;
	conf_online(&t, TRUST_OCSP_REQUIRE, 30);
	ask(&t, 1, "leaf0");
	struct channel_in in = next_of(fetch, MSG_FETCH_ASK, NULL, 0);
	struct fetch_ask a;
	assert_true(fetch_ask_decode(&in.body, &a));
	conf_online(&t, TRUST_OCSP_REQUIRE, 30);
	/* the answer to the old question is none to the new one */
	const struct fetch_answer old = { .era = a.era, .token = a.token, .reason = "old" };
	fetch_answer_encode(channel_body(fetch), &old);
	assert_true(channel_send(fetch, MSG_FETCH_ANSWER, -1));
	assert_true(nothing_comes(t.ike));
	conf_online(&t, TRUST_OCSP_OFF, 0);
	assert_int_equal(answered(&t, 1), WHY_NONE);
	channel_free(fetch);
	end(&t);
}

/* ---- in the sandbox ---- */

struct hostile { struct view v[12]; size_t n; };

/* In the fence: what the role does with all of these; the process must not need more. */
static int
judge(struct trust *t, const struct hostile *h)
{
	struct id_body id = fqdn("gw.example.org");
	int passed = 0;

	for (size_t i = 0; i < h->n; i++)
		for (size_t cut = 0; cut < 3; cut++) {
			struct trust_ask a = { .verb = TRUST_PEER, .auth = AUTH_ECDSA_256,
			    .id_body = view_of(id.p, id.n), .n_certs = 1,
			    .certs = { view_of(h->v[i].p, h->v[i].n - cut) } };
			struct trust_answer r;

			trust_peer(t, &a, 1800000000 + (int64_t)cut * 1000000000, &r);
			passed += r.why == WHY_NONE;
		}
	return passed;
}

static void
r16_certificates_are_judged_within_the_sandbox(void **arg)
{
	static const char *const names[] = { "leaf0", "leaf1", "rsa2048", "ed", "k256", "md5", "self",
	    "names", "critical", "p521", "huge", "sha1" };
	static const struct trust_settings settings = { .crl = TRUST_CRL_IF_PRESENT,
	    .accept_self_signed = true };
	struct hostile h = { .n = COUNT(names) };
	int status;

	(void)arg;
	if (SANITIZED) {
		print_message("skipped: a sanitizer build has a reduced sandbox\n");
		skip();
	}
	for (size_t i = 0; i < h.n; i++)
		h.v[i] = certs_body(names[i]);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		STR(notes, 1024);
		STR(error, 512);
		const struct sandbox_want want = { .profile = SANDBOX_TRUST, .account = "nobody",
		    .seccomp = true };
		struct trust *t = certs_trust(&settings, LIST("root", "rsaroot"));

		if (!certs_load(t, TRUST_CRL, "crl_root") || !sandbox_enter(&want, &notes, &error))
			_exit(99);
		_exit(judge(t, &h) > 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("it ended with status %#x", (unsigned)status);
	for (size_t i = 0; i < h.n; i++)
		free((void *)(uintptr_t)h.v[i].p);
}

/* ---- messages ---- */

static bool
decode_conf(struct view in)
{
	uint8_t room[4096];
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct trust_conf c;

	if (!trust_conf_decode(&r, &c))
		return false;
	trust_conf_encode(&w, &c);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static bool
decode_state(struct view in)
{
	static uint8_t room[60000];
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	static struct trust_state s;

	if (!trust_state_decode(&r, &s))
		return false;
	trust_state_encode(&w, &s);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static void
every_octet_of_the_messages_is_checked(void **arg)
{
	static struct trust_state s;
	uint8_t room[2048];
	struct wr w = wr_of(room, sizeof(room));
	struct trust_conf c = { .settings = { .crl = 1, .send = 2, .accept_self_signed = true,
	    .ocsp = 1, .ocsp_timeout = 5, .responder = "http://a/" },
	    .path = { [TRUST_CA] = "/a", [TRUST_CERT] = "/b" } };

	(void)arg;
	trust_conf_encode(&w, &c);
	decoder_prove(decode_conf, wr_done(&w), CUT_IS_REFUSED);
	s = (struct trust_state){ .count = { 0, 1, 2, 3 }, .n_requests = 1,
	    .request = { view_str("\4name") }, .n_items = 1,
	    .item = { { .kind = TRUST_CRL, .from = 1, .until = -1, .file = "f", .subject = "s" } } };
	w = wr_of(room, sizeof(room));
	trust_state_encode(&w, &s);
	decoder_prove(decode_state, wr_done(&w), CUT_IS_REFUSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_in_and_what_is_held_goes_out),
		cmocka_unit_test(a_question_before_the_files_are_there_waits_for_them),
		cmocka_unit_test(a_reload_takes_effect_when_it_is_whole),
		cmocka_unit_test(expiry_is_logged_with_file_subject_and_days),
		cmocka_unit_test(files_that_nobody_asked_for_end_the_role),
		cmocka_unit_test(an_ask_waits_for_the_responder_and_stalls_nobody),
		cmocka_unit_test(without_an_answer_the_deadline_answers),
		cmocka_unit_test(when_fetch_dies_its_questions_are_asked_once_more),
		cmocka_unit_test(a_reload_asks_anew_what_waits),
		cmocka_unit_test(r16_certificates_are_judged_within_the_sandbox),
		cmocka_unit_test(every_octet_of_the_messages_is_checked),
	};

	return cmocka_run_group_tests(tests, certs_make, certs_remove);
}
