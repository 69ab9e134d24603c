#include "prove.h"

#include "ipc/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HELLO = 1, DATA, HANDLE, REPLY, BYE };

static const struct channel_row rows[] = {
	{ HELLO, "HELLO", SIDE_A, 1, 4, false, PHASE_START, PHASE_RUN, true },
	{ DATA, "DATA", SIDE_A, 0, CHANNEL_BODY_MAX, false, PHASE_RUN, 0, false },
	{ HANDLE, "HANDLE", SIDE_A, 0, 0, true, PHASE_RUN, 0, false },
	{ REPLY, "REPLY", SIDE_B, 2, 8, false, PHASE_ANY, 0, false },
	{ BYE, "BYE", SIDE_A | SIDE_B, 0, 0, false, PHASE_ANY, 0, true },
};
static const struct channel_table table = { "test", rows, COUNT(rows) };

struct pair {
	struct channel	*a, *b;
	int		 raw;		/* a second hold on A's end, to send nonsense */
};

static int
setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	int fds[2];

	assert_non_null(p);
	assert_true(channel_pair(fds));
	p->raw = dup(fds[0]);
	p->a = channel_new(fds[0], &table, SIDE_A);
	p->b = channel_new(fds[1], &table, SIDE_B);
	assert_non_null(p->a);
	assert_non_null(p->b);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct pair *p = *state;

	channel_free(p->a);
	channel_free(p->b);
	if (p->raw >= 0)
		close(p->raw);
	free(p);
	return 0;
}

static bool
say(struct channel *c, uint16_t type, const char *text, int fd)
{
	wr_view(channel_body(c), view_str(text));
	return channel_send(c, type, fd);
}

static void
hello(struct pair *p)
{
	struct channel_in in;

	assert_true(say(p->a, HELLO, "hi", -1));
	assert_int_equal(channel_next(p->b, &in), CHANNEL_MESSAGE);
	assert_int_equal(in.type, HELLO);
}

static void
messages_arrive_whole_and_in_order(void **state)
{
	struct pair *p = *state;
	struct channel_in in;

	hello(p);
	assert_true(say(p->a, DATA, "first", -1));
	assert_true(say(p->a, DATA, "", -1));
	assert_true(say(p->a, DATA, "third", -1));
	assert_int_equal(channel_next(p->b, &in), CHANNEL_MESSAGE);
	assert_true(view_equal(rd_rest(&in.body), view_str("first")));
	assert_int_equal(channel_next(p->b, &in), CHANNEL_MESSAGE);
	assert_int_equal(in.body.n, 0);
	assert_int_equal(channel_next(p->b, &in), CHANNEL_MESSAGE);
	assert_true(view_equal(rd_rest(&in.body), view_str("third")));
	assert_int_equal(channel_next(p->b, &in), CHANNEL_EMPTY);
}

static void
the_longest_body_passes_and_one_octet_more_does_not(void **state)
{
	struct pair *p = *state;
	struct channel_in in;

	hello(p);
	wr_zero(channel_body(p->a), CHANNEL_BODY_MAX);
	assert_true(channel_send(p->a, DATA, -1));
	assert_int_equal(channel_next(p->b, &in), CHANNEL_MESSAGE);
	assert_int_equal(in.body.n, CHANNEL_BODY_MAX);
	struct wr *w = channel_body(p->a);
	wr_zero(w, CHANNEL_BODY_MAX);
	wr_u8(w, 0);
	assert_false(channel_send(p->a, DATA, -1));
	assert_int_equal(channel_next(p->b, &in), CHANNEL_EMPTY);
}

static void
a_descriptor_arrives_usable(void **state)
{
	struct pair *p = *state;
	struct channel_in in;
	int ends[2];
	char c = 0;

	hello(p);
	assert_int_equal(pipe(ends), 0);
	assert_true(say(p->a, HANDLE, "", ends[1]));
	close(ends[1]);
	assert_int_equal(channel_next(p->b, &in), CHANNEL_MESSAGE);
	assert_true(in.fd >= 0);
	assert_true((fcntl(in.fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(write(in.fd, "x", 1), 1);
	assert_int_equal(read(ends[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	close(in.fd);
	close(ends[0]);
}

static void
what_does_not_fit_the_socket_waits_and_keeps_its_order(void **state)
{
	struct pair *p = *state;
	struct channel_in in;
	uint32_t sent = 0, got = 0;

	hello(p);
	while (!channel_waiting(p->a) || sent % 16 != 0) {
		struct wr *w = channel_body(p->a);
		wr_u32(w, sent++);
		wr_zero(w, 30000);
		assert_true(channel_send(p->a, DATA, -1));
	}
	while (got < sent) {
		if (channel_next(p->b, &in) == CHANNEL_EMPTY) {
			assert_true(channel_flush(p->a));
			continue;
		}
		assert_int_equal(rd_u32(&in.body), got++);
	}
	assert_false(channel_waiting(p->a));
}

static void
the_queue_has_a_bound(void **state)
{
	struct pair *p = *state;
	size_t n = 0;

	hello(p);
	for (;;) {
		wr_zero(channel_body(p->a), 60000);
		if (!channel_send(p->a, DATA, -1))
			break;
		n += 60000;
		assert_true(n < 2 * (size_t)CHANNEL_QUEUE_MAX);
	}
	assert_true(n > CHANNEL_QUEUE_MAX / 2);
}

static void
the_end_of_the_other_side_is_seen(void **state)
{
	struct pair *p = *state;
	struct channel_in in;

	hello(p);
	assert_true(say(p->a, DATA, "last words", -1));
	close(p->raw);
	p->raw = -1;
	channel_free(p->a);
	p->a = NULL;
	assert_int_equal(channel_next(p->b, &in), CHANNEL_MESSAGE);
	assert_true(view_equal(rd_rest(&in.body), view_str("last words")));
	assert_int_equal(channel_next(p->b, &in), CHANNEL_CLOSED);
	assert_false(say(p->b, REPLY, "ok", -1));
}

static void
waiting_ends_at_its_limit(void **state)
{
	struct pair *p = *state;
	struct channel_in in;

	assert_int_equal(channel_wait(p->b, 20, &in), CHANNEL_EMPTY);
	assert_true(say(p->a, HELLO, "hi", -1));
	assert_int_equal(channel_wait(p->b, 1000, &in), CHANNEL_MESSAGE);
}

/* ---- what must not be accepted ---- */

static void
send_raw(struct pair *p, const char *bytes, size_t n, int fds)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(2 * sizeof(int))]; } c = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int passed[2] = { STDIN_FILENO, STDOUT_FILENO };

	if (fds > 0) {
		m.msg_control = c.room;
		m.msg_controllen = CMSG_SPACE((size_t)fds * sizeof(int));
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = SCM_RIGHTS;
		c.h.cmsg_len = CMSG_LEN((size_t)fds * sizeof(int));
		memcpy(CMSG_DATA(&c.h), passed, (size_t)fds * sizeof(int));
	}
	assert_int_equal(sendmsg(p->raw, &m, 0), (ssize_t)n);
}

static void
is_broken(struct pair *p, const char *complaint)
{
	struct channel_in in;

	assert_int_equal(channel_next(p->b, &in), CHANNEL_BROKEN);
	assert_string_equal(channel_complaint(p->b), complaint);
	/* and stays so */
	assert_int_equal(channel_next(p->b, &in), CHANNEL_BROKEN);
}

#define REFUSES(name, bytes, fds, complaint)				\
	static void							\
	refuses_##name(void **state)					\
	{								\
		send_raw(*state, bytes, sizeof(bytes) - 1, fds);	\
		is_broken(*state, complaint);				\
	}

REFUSES(a_lone_octet, "\0", 0, "message shorter than its type")
REFUSES(an_unknown_type, "\0\7x", 0, "unknown message type")
REFUSES(a_huge_type, "\377\377x", 0, "unknown message type")
REFUSES(type_zero, "\0\0x", 0, "unknown message type")
REFUSES(a_message_of_the_other_side, "\0\4xx", 0, "message from the wrong side")
REFUSES(a_body_too_short, "\0\1", 0, "message of a wrong length")
REFUSES(a_body_too_long, "\0\1xxxxx", 0, "message of a wrong length")
REFUSES(a_message_before_its_phase, "\0\2x", 0, "message out of order")
REFUSES(an_unexpected_descriptor, "\0\1x", 1, "unexpected descriptor")
REFUSES(two_descriptors, "\0\1x", 2, "too many descriptors")

static void
refuses_a_message_sent_twice_that_comes_once(void **state)
{
	struct channel_in in;

	send_raw(*state, "\0\5", 2, 0);
	send_raw(*state, "\0\5", 2, 0);
	assert_int_equal(channel_next(((struct pair *)*state)->b, &in), CHANNEL_MESSAGE);
	is_broken(*state, "message sent twice");
}

static void
refuses_a_descriptor_message_without_one(void **state)
{
	hello(*state);
	send_raw(*state, "\0\3", 2, 0);
	is_broken(*state, "message without its descriptor");
}

static void
refuses_the_start_again_when_it_runs(void **state)
{
	hello(*state);
	send_raw(*state, "\0\1hi", 4, 0);
	is_broken(*state, "message out of order");
}

static int
open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
refused_descriptors_do_not_pile_up(void **state)
{
	struct pair *p = *state;
	struct channel_in in;
	int before = open_descriptors();

	send_raw(p, "\0\1x", 2, 2);
	assert_int_equal(channel_next(p->b, &in), CHANNEL_BROKEN);
	channel_free(p->b);
	p->b = NULL;
	assert_int_equal(open_descriptors(), before - 1);	/* the channel's own */
}

static void
a_handler_can_declare_a_body_malformed(void **state)
{
	struct pair *p = *state;
	struct channel_in in;

	hello(p);
	channel_refuse(p->b, "malformed message");
	assert_int_equal(channel_next(p->b, &in), CHANNEL_BROKEN);
	assert_string_equal(channel_complaint(p->b), "malformed message");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(messages_arrive_whole_and_in_order),
		T(the_longest_body_passes_and_one_octet_more_does_not),
		T(a_descriptor_arrives_usable),
		T(what_does_not_fit_the_socket_waits_and_keeps_its_order),
		T(the_queue_has_a_bound),
		T(the_end_of_the_other_side_is_seen),
		T(waiting_ends_at_its_limit),
		T(refuses_a_lone_octet),
		T(refuses_an_unknown_type),
		T(refuses_a_huge_type),
		T(refuses_type_zero),
		T(refuses_a_message_of_the_other_side),
		T(refuses_a_body_too_short),
		T(refuses_a_body_too_long),
		T(refuses_a_message_before_its_phase),
		T(refuses_an_unexpected_descriptor),
		T(refuses_two_descriptors),
		T(refuses_a_message_sent_twice_that_comes_once),
		T(refuses_a_descriptor_message_without_one),
		T(refuses_the_start_again_when_it_runs),
		T(refused_descriptors_do_not_pile_up),
		T(a_handler_can_declare_a_body_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
