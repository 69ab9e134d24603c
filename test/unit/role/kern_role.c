/*
 * The kern and esp roles as processes, with this test as their monitor and
 * as ike, in a network namespace that ends with the program.  Without the
 * sandbox, so that it runs under sanitizers.
 */
#include "process.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#include "../kern/own_namespace.h"
#include "../kern/specs.h"
#include "base/ask.h"
#include "os/net.h"

enum { WAIT_MS = PROCESS_WAIT_MS, SKIP = 77, ALL = SA_PART_IN | SA_PART_OUT | SA_PART_FLOW };

struct daemon_under_test {
	struct process	 kern, esp;
	struct channel	*ike;
	struct options	 options;
	int		 tun;
	uint64_t	 token;
};

static void
link_kern_esp(struct daemon_under_test *d)
{
	int pair[2];

	assert_true(channel_pair(pair));
	process_give_link(&d->esp, ROLE_KERN, pair[1]);
	process_give_link(&d->kern, ROLE_ESP, pair[0]);
}

static void
link_ike(struct daemon_under_test *d)
{
	channel_free(d->ike);
	d->ike = process_link(&d->kern, ROLE_IKE);
}

static void
start_esp(struct daemon_under_test *d)
{
	d->esp = process_fork(ROLE_ESP, &d->options);
	process_give(&d->esp, ROLE_FD_TUN, d->tun);
}

/* The next message for ike of that type. */
static struct rd
next(struct daemon_under_test *d, uint16_t type)
{
	struct channel_in in;

	assert_int_equal(channel_wait(d->ike, WAIT_MS, &in), CHANNEL_MESSAGE);
	assert_int_equal(in.type, type);
	return in.body;
}

static void
expect_backend(struct daemon_under_test *d, const char *name)
{
	struct rd r = next(d, MSG_KERN_BACKEND);
	struct view v = rd_rest(&r);

	assert_true(v.n > strlen(name));
	assert_memory_equal(v.p, name, strlen(name) + 1);
}

static struct daemon_under_test
start(bool no_kernel)
{
	struct daemon_under_test d = { .tun = -1, .options = { .ip4 = true, .foreground = true,
	    .port = 500, .port_nat_t = 4500, .no_kernel = no_kernel } };
	STR(error, 200);
	char name[16];

	if (!no_kernel) {
		d.tun = net_tun(name, &error);
		assert_true(d.tun >= 0);
		text_copy(d.options.tun, sizeof(d.options.tun), name);
		start_esp(&d);
	}
	d.kern = process_fork(ROLE_KERN, &d.options);
	link_ike(&d);
	if (!no_kernel) {
		link_kern_esp(&d);
		process_go(&d.esp, MSG_READY);
	}
	process_go(&d.kern, MSG_READY);
	expect_backend(&d, no_kernel ? "none" : "user");
	return d;
}

/* As the monitor does when it was told to end. */
static void
end(struct daemon_under_test *d)
{
	(void)channel_body(d->kern.monitor);
	assert_true(channel_send(d->kern.monitor, MSG_WITHDRAW, -1));
	process_end(&d->kern);
	if (d->tun >= 0) {
		process_end(&d->esp);
		close(d->tun);
	}
	channel_free(d->ike);
}

/* ---- as ike ---- */

static struct kern_answer
ask(struct daemon_under_test *d, struct kern_ask a)
{
	struct kern_answer answer;

	a.token = ++d->token;
	kern_ask_encode(channel_body(d->ike), &a);
	assert_true(channel_send(d->ike, MSG_KERN_ASK, -1));
	struct rd r = next(d, MSG_KERN_ANSWER);
	assert_true(kern_answer_decode(&r, &answer));
	assert_int_equal(answer.token, d->token);
	if (answer.detail[0] != '\0')
		print_message("           %s: %s\n", why_text(answer.why), answer.detail);
	return answer;
}

static enum why
install(struct daemon_under_test *d, const struct sa_spec *spec, uint8_t parts)
{
	return ask(d, (struct kern_ask){ .verb = KERN_INSTALL, .parts = parts, .spec = spec }).why;
}

static enum why
query(struct daemon_under_test *d, uint64_t id)
{
	return ask(d, (struct kern_ask){ .verb = KERN_QUERY, .id = id }).why;
}

static struct kern_event
next_event(struct daemon_under_test *d)
{
	struct kern_event e;
	struct rd r = next(d, MSG_KERN_EVENT);

	assert_true(kern_event_decode(&r, &e));
	return e;
}

/* A packet from inside LOCAL to REMOTE. */
static void
knock(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(9) };

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, "10.2.0.5", &in4.sin_addr), 1);
	(void)!sendto(fd, "knock", 5, 0, (struct sockaddr *)&in4, sizeof(in4));
	close(fd);
}

static bool
rules_there(void)
{
	return system("ip -4 rule | grep -q 'lookup 50500'") == 0;
}

/* ---- what is to be true ---- */

static void
a_packet_of_a_flow_asks_for_an_sa_and_the_end_leaves_nothing(void **state)
{
	struct daemon_under_test d = start(false);
	struct sa_spec spec = spec_make(8), bare = spec_make(7);

	(void)state;
	assert_false(rules_there());
	assert_int_equal(install(&d, &bare, SA_PART_FLOW), WHY_NONE);
	assert_true(rules_there());
	knock();
	struct kern_event e = next_event(&d);
	assert_int_equal(e.kind, KERN_ACQUIRE);
	assert_int_equal(e.id, 7);
	assert_int_equal(e.flow.remote.port, 9);

	struct kern_answer spi = ask(&d, (struct kern_ask){ .verb = KERN_GET_SPI,
	    .local = spec.local, .remote = spec.remote });
	assert_int_equal(spi.why, WHY_NONE);
	spec.in.spi = spi.spi;
	assert_int_equal(install(&d, &spec, ALL), WHY_NONE);
	assert_int_equal(query(&d, 8), WHY_NONE);
	assert_int_equal(ask(&d, (struct kern_ask){ .verb = KERN_REMOVE, .id = 8,
	    .parts = ALL }).why, WHY_NONE);
	assert_true(rules_there());
	assert_int_equal(query(&d, 8), WHY_BACKEND_GONE);
	end(&d);
	assert_false(rules_there());
	sa_spec_done(&spec);
	sa_spec_done(&bare);
}

static void
a_dead_esp_takes_the_sas_along_and_the_flows_stay(void **state)
{
	struct daemon_under_test d = start(false);
	struct sa_spec spec = spec_make(8);
	int status;

	(void)state;
	assert_int_equal(install(&d, &spec, ALL), WHY_NONE);
	kill(d.esp.pid, SIGKILL);
	assert_int_equal(waitpid(d.esp.pid, &status, 0), d.esp.pid);
	channel_free(d.esp.monitor);
	assert_true(rules_there());
	struct kern_answer a = ask(&d, (struct kern_ask){ .verb = KERN_GET_SPI });
	assert_int_equal(a.why, WHY_ROLE_GONE);

	start_esp(&d);
	link_kern_esp(&d);
	process_go(&d.esp, MSG_READY);
	struct kern_event e = next_event(&d);
	assert_int_equal(e.kind, KERN_GONE);
	assert_int_equal(query(&d, 8), WHY_BACKEND_GONE);
	assert_true(rules_there());
	knock();
	e = next_event(&d);
	assert_int_equal(e.kind, KERN_ACQUIRE);
	assert_int_equal(e.id, 8);
	end(&d);
	assert_false(rules_there());
	sa_spec_done(&spec);
}

static void
after_the_death_of_the_monitor_nothing_passes_in_clear(void **state)
{
	struct daemon_under_test d = start(false);
	struct sa_spec spec = spec_make(8);

	(void)state;
	assert_int_equal(install(&d, &spec, ALL), WHY_NONE);
	process_end(&d.kern);
	assert_true(rules_there());
	process_end(&d.esp);
	close(d.tun);
	channel_free(d.ike);
	assert_true(rules_there());

	d = start(false);	/* the next run takes them over, and away at its end */
	assert_true(rules_there());
	assert_int_equal(install(&d, &spec, ALL), WHY_NONE);
	end(&d);
	assert_false(rules_there());
	sa_spec_done(&spec);
}

static void
a_new_ike_finds_the_flows_in_force_and_no_sas(void **state)
{
	struct daemon_under_test d = start(false);
	struct sa_spec spec = spec_make(8);

	(void)state;
	assert_int_equal(install(&d, &spec, ALL), WHY_NONE);
	link_ike(&d);
	expect_backend(&d, "user");
	assert_true(rules_there());
	assert_int_equal(query(&d, 8), WHY_BACKEND_GONE);
	assert_int_equal(install(&d, &spec, ALL), WHY_NONE);
	end(&d);
	sa_spec_done(&spec);
}

static void
without_kernel_nothing_is_touched(void **state)
{
	struct daemon_under_test d = start(true);
	struct sa_spec spec = spec_make(8);

	(void)state;
	assert_int_equal(install(&d, &spec, ALL), WHY_NONE);
	assert_int_equal(query(&d, 8), WHY_NONE);
	assert_false(rules_there());
	end(&d);
	sa_spec_done(&spec);
}

static void
a_malformed_ask_is_reported_to_the_monitor(void **state)
{
	struct daemon_under_test d = start(true);
	struct channel_in in;

	(void)state;
	wr_u32(channel_body(d.ike), 0xffffffff);
	assert_true(channel_send(d.ike, MSG_KERN_ASK, -1));
	do {
		assert_int_equal(channel_wait(d.kern.monitor, WAIT_MS, &in), CHANNEL_MESSAGE);
	} while (in.type == MSG_LOG);
	assert_int_equal(in.type, MSG_BROKEN);
	assert_int_equal(rd_u8(&in.body), ROLE_IKE);
	end(&d);
}

static void
without_a_tun_device_it_says_so_and_does_not_run(void **state)
{
	struct daemon_under_test d = { .options = { .ip4 = true } };
	int status;

	(void)state;
	d.kern = process_fork(ROLE_KERN, &d.options);
	link_ike(&d);
	process_go(&d.kern, MSG_FATAL);
	channel_free(d.kern.monitor);
	assert_int_equal(waitpid(d.kern.pid, &status, 0), d.kern.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	channel_free(d.ike);
}

/* ---- a namespace of our own ---- */

static const char *
own_namespace(void)
{
	STR(error, 200);
	char name[16];

	if (!own_namespace_enter())
		return "no network namespace permitted";
	if (system("ip link set lo up && ip addr add 10.1.0.1/32 dev lo") != 0)
		return "no ip program";
	int tun = net_tun(name, &error);
	if (tun < 0)
		return "no TUN device";
	close(tun);
	return NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_of_a_flow_asks_for_an_sa_and_the_end_leaves_nothing),
		cmocka_unit_test(a_dead_esp_takes_the_sas_along_and_the_flows_stay),
		cmocka_unit_test(after_the_death_of_the_monitor_nothing_passes_in_clear),
		cmocka_unit_test(a_new_ike_finds_the_flows_in_force_and_no_sas),
		cmocka_unit_test(without_kernel_nothing_is_touched),
		cmocka_unit_test(a_malformed_ask_is_reported_to_the_monitor),
		cmocka_unit_test(without_a_tun_device_it_says_so_and_does_not_run),
	};
	const char *missing = own_namespace();

	if (missing != NULL) {
		printf("skipped: %s\n", missing);
		return SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
