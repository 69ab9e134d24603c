/*
 * Two esp roles as processes, with this test as their monitors, as kern, and
 * as the machines behind their devices.  In a user namespace with a single
 * user (unshare -Ur) they run in their sandbox, too; elsewhere that needs
 * the daemon's account and is left to the tests of the whole daemon.
 */
#include "process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/esp_msg.h"
#include "os/sandbox.h"

enum { WAIT_MS = 20000, PACKET = 84 };

struct end {
	struct process	 esp;
	struct channel	*kern;
	int		 host;		/* the machine behind the device */
	struct endpoint	 at;
	uint32_t	 seq;
};

/* fd is the role's alone from now on. */
static void
give(struct end *e, enum role_fd purpose, int fd)
{
	process_give(&e->esp, purpose, fd);
	close(fd);
}

static void
link_kern(struct end *e)
{
	channel_free(e->kern);
	e->kern = process_link(&e->esp, ROLE_KERN);
}

static int
udp_at(const char *text, struct endpoint *ret)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, text, &a.sin_addr), 1);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	assert_true(addr_parse(text, &ret->addr));
	ret->port = ntohs(a.sin_port);
	return fd;
}

static bool
end_start(struct end *e, const char *text)
{
	const struct options o = { .ip4 = true, .foreground = true,
	    .sandbox = sandbox_single_user() };
	int device[2], udp = udp_at(text, &e->at);

	if (udp < 0)
		return false;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    device), 0);
	e->esp = process_fork(ROLE_ESP, &o);
	e->host = device[1];
	give(e, ROLE_FD_ESPUDP4, udp);
	give(e, ROLE_FD_TUN, device[0]);
	link_kern(e);
	process_go(&e->esp, MSG_READY);
	return true;
}

static void
end_stop(struct end *e)
{
	process_end(&e->esp);
	channel_free(e->kern);
	close(e->host);
}

static struct channel_in
from_role(struct end *e, uint16_t type)
{
	struct channel_in in;

	assert_int_equal(channel_wait(e->kern, WAIT_MS, &in), CHANNEL_MESSAGE);
	assert_int_equal(in.type, type);
	return in;
}

static struct esp_answer
call(struct end *e, struct esp_ask ask)
{
	struct esp_answer answer;
	struct sa_spec room = { 0 };

	ask.seq = ++e->seq;
	esp_ask_encode(channel_body(e->kern), &ask);
	assert_true(channel_send(e->kern, MSG_ESP_ASK, -1));
	struct channel_in in = from_role(e, MSG_ESP_ANSWER);
	assert_true(esp_answer_decode(&in.body, &answer, &room));
	assert_int_equal(answer.seq, ask.seq);
	sa_spec_done(&room);
	answer.spec = NULL;
	return answer;
}

static struct sa_spec
spec_of(const struct end *local, const struct end *remote, bool west)
{
	struct sa_spec s = { .id = 7, .name = "west-east", .encap = true, .replay_window = 64,
	    .suite = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_AES, .key_bits = 128,
	    .auth = AUTHALG_HMAC_SHA2_256, .mode = SA_TUNNEL },
	    .local = local->at, .remote = remote->at };
	uint8_t key[2][48] = { { 1 }, { 2 } };
	struct range nets[2];

	assert_true(addr_parse("10.1.0.0", &nets[0].first));
	assert_true(addr_parse("10.1.0.255", &nets[0].last));
	assert_true(addr_parse("10.2.0.0", &nets[1].first));
	assert_true(addr_parse("10.2.0.255", &nets[1].last));
	s.flow.local.net = nets[west ? 0 : 1];
	s.flow.remote.net = nets[west ? 1 : 0];
	s.in.spi = west ? 0x10001 : 0x10002;
	s.out.spi = west ? 0x10002 : 0x10001;
	assert_true(secret_set(&s.in.keymat, view_of(key[west], sizeof(key[0]))));
	assert_true(secret_set(&s.out.keymat, view_of(key[!west], sizeof(key[0]))));
	return s;
}

static void
install(struct end *e, const struct sa_spec *s)
{
	assert_int_equal(call(e, (struct esp_ask){ .verb = ESP_SA_ADD, .part = SA_PART_IN,
	    .spec = s }).why, WHY_NONE);
	assert_int_equal(call(e, (struct esp_ask){ .verb = ESP_SA_ADD, .part = SA_PART_OUT,
	    .spec = s }).why, WHY_NONE);
	assert_int_equal(call(e, (struct esp_ask){ .verb = ESP_FLOW_ADD, .spec = s }).why,
	    WHY_NONE);
}

/* An echo request from 10.1.0.1 to 10.2.0.1 (RFC 791, 792), or its way back. */
static void
ping(uint8_t ret[PACKET], bool back)
{
	static const uint8_t header[20] = { 0x45, 0, 0, PACKET, 0, 1, 0x40, 0, 64, 1, 0, 0 };

	memset(ret, 'x', PACKET);
	memcpy(ret, header, sizeof(header));
	memcpy(ret + 12, back ? "\x0a\x02\0\1\x0a\1\0\1" : "\x0a\1\0\1\x0a\x02\0\1", 8);
	ret[20] = back ? 0 : 8;
}

static bool
arrives(int host, const uint8_t want[PACKET])
{
	struct pollfd f = { .fd = host, .events = POLLIN };
	uint8_t got[4096];

	if (poll(&f, 1, WAIT_MS) != 1)
		return false;
	return recv(host, got, sizeof(got), 0) == PACKET && memcmp(got, want, PACKET) == 0;
}

static void
two_roles_carry_packets_and_tell_kern_what_they_lack(void **state)
{
	struct end west = { 0 }, east = { 0 };
	struct esp_event event;
	uint8_t packet[PACKET];
	struct channel_in in;

	(void)state;
	if (!end_start(&west, "127.0.0.1"))
		skip();
	assert_true(end_start(&east, "127.0.0.2"));
	struct sa_spec w = spec_of(&west, &east, true), e = spec_of(&east, &west, false);

	/* A flow without SA: closed, and kern is asked for one. */
	assert_int_equal(call(&west, (struct esp_ask){ .verb = ESP_FLOW_ADD, .spec = &w }).why,
	    WHY_NONE);
	ping(packet, false);
	assert_int_equal(send(west.host, packet, PACKET, 0), PACKET);
	in = from_role(&west, MSG_ESP_EVENT);
	assert_true(esp_event_decode(&in.body, &event));
	assert_int_equal(event.kind, ESP_EVENT_ACQUIRE);
	assert_int_equal(event.id, 7);
	assert_true(call(&west, (struct esp_ask){ .verb = ESP_GET_SPI }).spi >= 256);

	/* With SAs, there and back. */
	install(&east, &e);
	install(&west, &w);
	for (unsigned i = 0; i < 100; i++) {
		ping(packet, i % 2);
		assert_int_equal(send(i % 2 ? east.host : west.host, packet, PACKET, 0), PACKET);
		assert_true(arrives(i % 2 ? west.host : east.host, packet));
	}
	struct esp_answer a = call(&west, (struct esp_ask){ .verb = ESP_QUERY, .id = 7 });
	assert_int_equal(a.why, WHY_NONE);
	assert_int_equal(a.usage.out_packets, 50);
	assert_int_equal(a.usage.in_packets, 50);

	/* A kern that was started anew finds nothing of the old one's. */
	link_kern(&west);
	west.seq = 0;
	assert_int_equal(call(&west, (struct esp_ask){ .verb = ESP_QUERY, .id = 7 }).why,
	    WHY_BACKEND_GONE);
	/* Lifetimes are told without being asked for. */
	w.hard_secs = 1;
	install(&west, &w);
	in = from_role(&west, MSG_ESP_EVENT);
	assert_true(esp_event_decode(&in.body, &event));
	assert_int_equal(event.kind, ESP_EVENT_HARD);
	sa_spec_done(&w);
	sa_spec_done(&e);
	/* The later process holds a copy of the earlier one's channel. */
	end_stop(&east);
	end_stop(&west);
}

static void
a_malformed_ask_is_reported_to_the_monitor(void **state)
{
	struct end west = { 0 };
	struct channel_in in;

	(void)state;
	if (!end_start(&west, "127.0.0.1"))
		skip();
	wr_bytes(channel_body(west.kern), "\x63nonsense", 9);
	assert_true(channel_send(west.kern, MSG_ESP_ASK, -1));
	do
		assert_int_equal(channel_wait(west.esp.monitor, WAIT_MS, &in), CHANNEL_MESSAGE);
	while (in.type == MSG_LOG);
	assert_int_equal(in.type, MSG_BROKEN);
	assert_int_equal(rd_u8(&in.body), ROLE_KERN);
	end_stop(&west);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_roles_carry_packets_and_tell_kern_what_they_lack),
		cmocka_unit_test(a_malformed_ask_is_reported_to_the_monitor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
