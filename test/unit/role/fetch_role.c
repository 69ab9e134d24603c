/*
 * The fetch role as a process, with this test as its monitor, its trust, and
 * the web servers.  Without the sandbox, so that it runs under sanitizers;
 * what the sandbox lets it do is in unit/os/sandbox.
 */
#include "decoder.h"
#include "process.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "fetch/http.h"
#include "role/fetch_msg.h"

struct fetch_under_test {
	struct process	 fetch;
	struct channel	*trust;
};

static struct fetch_under_test
start(void)
{
	const struct options o = { .ip4 = true, .foreground = true, .sandbox = false, .verbose = true };
	struct fetch_under_test t = { .fetch = process_fork(ROLE_FETCH, &o) };

	t.trust = process_link(&t.fetch, ROLE_TRUST);
	process_go(&t.fetch, MSG_READY);
	return t;
}

static void
end(struct fetch_under_test *t)
{
	channel_free(t->trust);
	process_end(&t->fetch);
}

/* ---- web servers ---- */

struct server { pid_t pid; uint16_t port; };

enum manner { AT_ONCE, DRIPPING, SILENT, ENDLESS, HANGING_UP };

#define HEAD "HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n"

/* Until the empty line; the question's body is short and comes with it. */
static void
read_request(int fd, char *room, size_t cap)
{
	size_t n = 0;

	while (n + 1 < cap) {
		ssize_t got = read(fd, room + n, cap - n - 1);
		if (got <= 0)
			break;
		n += (size_t)got;
		room[n] = '\0';
		if (strstr(room, "\r\n\r\n") != NULL)
			break;
	}
}

static void
serve_one(int fd, enum manner how, const char *text)
{
	char request[4096] = "";

	if (how == HANGING_UP)
		return;
	read_request(fd, request, sizeof(request));
	if (how == SILENT) {
		while (read(fd, request, sizeof(request)) > 0)
			;
		return;
	}
	if (strcmp(text, "echo") == 0) {
		dprintf(fd, "%s\r\n%s", HEAD, request);
		return;
	}
	for (const char *p = text; *p != '\0' || how == ENDLESS; p += *p != '\0') {
		if (send(fd, *p == '\0' ? "x" : p, how == AT_ONCE ? strlen(p) : 1, MSG_NOSIGNAL) < 0 ||
		    how == AT_ONCE)
			return;
		if (how == DRIPPING)
			nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000000 }, NULL);
	}
}

static struct server
serve(enum manner how, const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 64) == 0 &&
	    getsockname(fd, (struct sockaddr *)&a, &n) == 0);
	struct server s = { .pid = fork(), .port = ntohs(a.sin_port) };
	assert_true(s.pid >= 0);
	if (s.pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);	/* a test that failed does not end it */
		for (;;) {
			int c = accept(fd, NULL, NULL);
			serve_one(c, how, text);
			close(c);
		}
	}
	close(fd);
	return s;
}

static void
server_end(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

/* ---- questions ---- */

static void
ask(struct fetch_under_test *t, uint64_t token, const char *host, uint16_t port, uint32_t left_ms)
{
	struct fetch_ask a = { .era = 3, .token = token, .left_ms = left_ms, .body = view_str("question") };

	text_copy(a.url.host, sizeof(a.url.host), host);
	a.url.port = port;
	text_copy(a.url.path, sizeof(a.url.path), "/path?x");
	fetch_ask_encode(channel_body(t->trust), &a);
	assert_true(channel_send(t->trust, MSG_FETCH_ASK, -1));
	assert_true(channel_flush(t->trust));
}

/* The body, or "!" and the reason. */
static const char *
answer(struct fetch_under_test *t, uint64_t *ret_token)
{
	static char text[HTTP_BODY_MAX + 1];
	struct channel_in in;
	struct fetch_answer a;

	assert_int_equal(channel_wait(t->trust, PROCESS_WAIT_MS, &in), CHANNEL_MESSAGE);
	assert_int_equal(in.type, MSG_FETCH_ANSWER);
	assert_true(fetch_answer_decode(&in.body, &a));
	assert_int_equal(a.era, 3);
	*ret_token = a.token;
	if (a.ok)
		snprintf(text, sizeof(text), "%.*s", (int)a.body.n, (const char *)a.body.p);
	else
		snprintf(text, sizeof(text), "!%s", a.reason);
	return text;
}

static const char *
fetched(struct fetch_under_test *t, const char *host, uint16_t port, uint32_t left_ms)
{
	uint64_t token;

	ask(t, 7, host, port, left_ms);
	const char *text = answer(t, &token);
	assert_int_equal(token, 7);
	return text;
}

static void
an_answer_comes_back_as_it_is(void **state)
{
	struct fetch_under_test t = start();
	struct server s = serve(AT_ONCE, HEAD "\r\nthe answer"), e = serve(AT_ONCE, "echo");

	(void)state;
	assert_string_equal(fetched(&t, "127.0.0.1", s.port, 10000), "the answer");
	assert_string_equal(fetched(&t, "localhost", s.port, 10000), "the answer");
	const char *echo = fetched(&t, "127.0.0.1", e.port, 10000);
	assert_non_null(strstr(echo, "POST /path?x HTTP/1.0\r\nHost: 127.0.0.1:"));
	assert_non_null(strstr(echo, "Content-Type: application/ocsp-request\r\n"));
	server_end(&s);
	server_end(&e);
	end(&t);
}

static void
a_server_that_does_not_answer_has_until_the_deadline(void **state)
{
	static const char slow[] = HEAD "Content-Length: 1000\r\n\r\n123456789012345678901234567890"
	    "123456789012345678901234567890";
	struct fetch_under_test t = start();
	struct server silent = serve(SILENT, ""), drips = serve(DRIPPING, slow);
	int64_t before = role_now().us;

	(void)state;
	assert_string_equal(fetched(&t, "127.0.0.1", silent.port, 400), "!the answer took too long");
	assert_string_equal(fetched(&t, "127.0.0.1", drips.port, 400), "!the answer took too long");
	assert_true(role_now().us - before >= 800 * 1000);
	server_end(&silent);
	server_end(&drips);
	end(&t);
}

static void
a_slow_server_that_comes_to_its_end_is_heard(void **state)
{
	struct fetch_under_test t = start();
	struct server s = serve(DRIPPING, HEAD "Content-Length: 2\r\n\r\nok");

	(void)state;
	assert_string_equal(fetched(&t, "127.0.0.1", s.port, 30000), "ok");
	server_end(&s);
	end(&t);
}

static void
what_is_no_answer_is_told_with_its_reason(void **state)
{
	struct fetch_under_test t = start();
	struct server moved = serve(AT_ONCE, "HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n"),
	    endless = serve(ENDLESS, HEAD "\r\n"), head = serve(ENDLESS, "HTTP/1.0 200 OK\r\nX: "),
	    hangs_up = serve(HANGING_UP, "");

	(void)state;
	assert_string_equal(fetched(&t, "127.0.0.1", moved.port, 10000), "!HTTP status 302");
	assert_string_equal(fetched(&t, "127.0.0.1", endless.port, 20000), "!an answer that is too long");
	assert_string_equal(fetched(&t, "127.0.0.1", head.port, 20000), "!an HTTP head that is too long");
	const char *gone = fetched(&t, "127.0.0.1", hangs_up.port, 10000);
	assert_true(strcmp(gone, "!nothing came") == 0 || strcmp(gone, "!Connection reset by peer") == 0 ||
	    strcmp(gone, "!Broken pipe") == 0);
	server_end(&moved);
	server_end(&endless);
	server_end(&head);
	/* its port is nobody's now */
	server_end(&hangs_up);
	assert_string_equal(fetched(&t, "127.0.0.1", hangs_up.port, 10000), "!Connection refused");
	end(&t);
}

/* RFC 6761 6.4: no such name is ever found; without a name server that takes its time. */
static void
a_name_that_leads_nowhere_is_told(void **state)
{
	struct fetch_under_test t = start();
	const char *text = fetched(&t, "nowhere.invalid", 80, 1500);

	(void)state;
	if (strncmp(text, "!its name leads nowhere: ", 25) != 0 &&
	    strcmp(text, "!the name server took too long") != 0)
		fail_msg("%s", text);
	end(&t);
}

static void
many_questions_are_answered_side_by_side(void **state)
{
	enum { N = 33 };	/* one more than it takes */
	struct fetch_under_test t = start();
	struct server silent = serve(SILENT, "");
	unsigned late = 0, refused = 0;
	uint64_t seen = 0, token;

	(void)state;
	for (uint64_t i = 0; i < N; i++)
		ask(&t, i, "127.0.0.1", silent.port, 800);
	int64_t before = role_now().us;
	for (int i = 0; i < N; i++) {
		const char *text = answer(&t, &token);
		late += strstr(text, "took too long") != NULL;
		refused += strcmp(text, "!too many questions at once") == 0;
		seen |= (uint64_t)1 << token;
	}
	assert_int_equal(late, N - 1);
	assert_int_equal(refused, 1);
	assert_int_equal(seen, ((uint64_t)1 << N) - 1);
	assert_true(role_now().us - before < 10 * 1000000);
	server_end(&silent);
	end(&t);
}

/* The next trust hears nothing of what the one before asked. */
static void
what_a_dead_trust_asked_is_forgotten(void **state)
{
	struct fetch_under_test t = start();
	struct server silent = serve(SILENT, ""), s = serve(AT_ONCE, HEAD "\r\nanswer");

	(void)state;
	ask(&t, 1, "127.0.0.1", silent.port, 500);
	channel_free(t.trust);
	t.trust = process_link(&t.fetch, ROLE_TRUST);
	assert_string_equal(fetched(&t, "127.0.0.1", s.port, 10000), "answer");
	struct channel_in in;
	assert_int_equal(channel_wait(t.trust, 700, &in), CHANNEL_EMPTY);
	server_end(&silent);
	server_end(&s);
	end(&t);
}

/* ---- messages ---- */

static bool
decode_ask(struct view in)
{
	uint8_t room[4096];
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct fetch_ask a;

	if (!fetch_ask_decode(&r, &a))
		return false;
	fetch_ask_encode(&w, &a);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static bool
decode_answer(struct view in)
{
	uint8_t room[4096];
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct fetch_answer a;

	if (!fetch_answer_decode(&r, &a))
		return false;
	for (const char *p = a.reason; *p != '\0'; p++)
		assert_true(*p >= ' ' && *p <= '~');
	fetch_answer_encode(&w, &a);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static void
every_octet_of_the_messages_is_checked(void **state)
{
	uint8_t room[1024];
	struct wr w = wr_of(room, sizeof(room));
	const struct fetch_ask a = { .era = 1, .token = 2, .left_ms = 3,
	    .url = { .host = "h", .port = 80, .path = "/p" }, .body = view_str("body") };
	const struct fetch_answer ok = { .era = 1, .token = 2, .ok = true, .body = view_str("body") },
	    no = { .era = 1, .token = 2, .reason = "why" };

	(void)state;
	fetch_ask_encode(&w, &a);
	decoder_prove(decode_ask, wr_done(&w), CUT_IS_REFUSED);
	w = wr_of(room, sizeof(room));
	fetch_answer_encode(&w, &ok);
	decoder_prove(decode_answer, wr_done(&w), CUT_IS_REFUSED);
	w = wr_of(room, sizeof(room));
	fetch_answer_encode(&w, &no);
	decoder_prove(decode_answer, wr_done(&w), CUT_IS_REFUSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_back_as_it_is),
		cmocka_unit_test(a_server_that_does_not_answer_has_until_the_deadline),
		cmocka_unit_test(a_slow_server_that_comes_to_its_end_is_heard),
		cmocka_unit_test(what_is_no_answer_is_told_with_its_reason),
		cmocka_unit_test(a_name_that_leads_nowhere_is_told),
		cmocka_unit_test(many_questions_are_answered_side_by_side),
		cmocka_unit_test(what_a_dead_trust_asked_is_forgotten),
		cmocka_unit_test(every_octet_of_the_messages_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
