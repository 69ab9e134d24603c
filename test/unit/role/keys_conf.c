#include "prove.h"

#include "role/keys_conf.h"

static struct keys_keep none = { .fd = -1 };

struct seen {
	unsigned	n, bad, weak;
	struct psk_note	last;
	char		section[256];
};

static void
on_note(void *self, const struct psk_note *n)
{
	struct seen *s = self;

	s->n++;
	s->bad += n->fault != PSK_OK;
	s->weak += n->weak;
	s->last = *n;
	memcpy(s->section, n->section, strlen(n->section) + 1);
}

static bool
load(struct keys_state *ks, const char *text, struct seen *ret)
{
	STR(why, 256);
	bool ok;

	struct psk_log log = { 0 };

	memset(ret, 0, sizeof(*ret));
	ok = keys_conf_read(ks, view_str(text), on_note, ret, &log, &why);
	assert_int_equal(ok, why.len == 0);
	if (ok)
		assert_true(psk_log_apply(view_of(log.p, log.n), ks));
	psk_log_done(&log);
	return ok;
}

static const char good[] =
	"[General]\n"
	"Retransmits=\t5\n"
	"[west]\n"
	"Phase=\t\t1\n"
	"Authentication=\tzK8#mW2$pQ9vR4tY\n"
	"[east]\n"
	"authentication=\t0x6f5c2a1e0d9b48c7a3f1e2d4c5b6a798\n";

static void
all_keys_of_a_file_are_held_with_their_lines(void **state)
{
	struct keys_state *ks = keys_state_new();
	struct seen s;

	(void)state;
	assert_true(load(ks, good, &s));
	assert_int_equal(s.n, 2);
	assert_int_equal(s.weak, 0);
	assert_int_equal(keys_state_psk_count(ks), 2);
	assert_string_equal(s.section, "east");
	assert_int_equal(s.last.octets, 16);
	assert_int_equal(s.last.line, 7);
	keys_state_free(ks);
}

static void
a_new_file_takes_the_place_of_the_old(void **state)
{
	struct keys_state *ks = keys_state_new();
	struct seen s;

	(void)state;
	assert_true(load(ks, good, &s));
	assert_true(load(ks, "[north]\nAuthentication=zK8#mW2$pQ9vR4tY\n", &s));
	assert_int_equal(keys_state_psk_count(ks), 1);
	assert_true(load(ks, "", &s));
	assert_int_equal(keys_state_psk_count(ks), 0);
	keys_state_free(ks);
}

/* The same key has the same mark, and another for another section. */
static void
marks_tell_whether_a_key_is_the_one_it_was(void **state)
{
	static const char other[] = "[EAST]\nAuthentication=zK8#mW2$pQ9vR4tZ\n",
	    alike[] = "[a]\nAuthentication=zK8#mW2$pQ9vR4tY\n[b]\nAuthentication=zK8#mW2$pQ9vR4tY\n";
	struct keys_state *ks = keys_state_new(), *another = keys_state_new();
	struct seen s;
	uint64_t mark;

	(void)state;
	assert_true(load(ks, good, &s));
	mark = s.last.mark;
	assert_true(mark != 0);
	assert_true(load(ks, good, &s));
	assert_true(s.last.mark == mark);
	assert_true(load(ks, other, &s));
	assert_true(s.last.mark != mark);
	assert_true(load(another, good, &s));
	assert_true(s.last.mark != mark);
	keys_state_set_mark_key(another, keys_state_mark_key(ks));
	assert_true(load(another, good, &s));
	assert_true(s.last.mark == mark);
	assert_true(load(ks, alike, &s));
	assert_true(s.last.mark != keys_state_mark(ks, "a", view_str("zK8#mW2$pQ9vR4tY")));
	keys_state_free(ks);
	keys_state_free(another);
}

static void
one_bad_key_leaves_all_as_it_was(void **state)
{
	static const char *const bad[] = {
		"[a]\nAuthentication=zK8#mW2$pQ9vR4tY\n[b]\nAuthentication=0x12g4\n",
		"[a]\nAuthentication=zK8#mW2$pQ9vR4tY\n[b]\nAuthentication=0x\n",
		"[a]\nAuthentication=zK8#mW2$pQ9vR4tY\n[b]\nAuthentication=\n",
	};
	struct keys_state *ks = keys_state_new();
	struct seen s;

	(void)state;
	assert_true(load(ks, good, &s));
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(load(ks, bad[i], &s));
		assert_int_equal(s.n, 2);
		assert_int_equal(s.bad, 1);
		assert_int_equal(s.last.line, 4);
		assert_int_equal(keys_state_psk_count(ks), 2);
	}
	keys_state_free(ks);
}

static void
r23_guessable_keys_are_called_weak(void **state)
{
	static const struct { const char *key; bool weak; } t[] = {
		{ "secret", true }, { "mekmitasdigoat", true }, { "123456789012345", true },
		{ "aaaaaaaaaaaaaaaaaaaaaaaa", true }, { "abababababababababab", true },
		{ "0x00000000000000000000000000000000", true }, { "0x6f5c2a1e0d9b48c7", true },
		{ "zK8#mW2$pQ9vR4tY", false }, { "correct horse battery staple", false },
		{ "0x6f5c2a1e0d9b48c7a3f1e2d4c5b6a798", false },
	};
	struct keys_state *ks = keys_state_new();

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct psk_note n;

		keys_conf_set(ks, &none, "x", t[i].key, &n);
		assert_int_equal(n.fault, PSK_OK);
		assert_int_equal(n.weak, t[i].weak);
	}
	assert_true(psk_is_weak((struct view){ 0 }));
	keys_state_free(ks);
}

static void
a_bad_order_takes_the_key_away(void **state)
{
	struct keys_state *ks = keys_state_new();
	struct psk_note n;

	(void)state;
	keys_conf_set(ks, &none, "x", "zK8#mW2$pQ9vR4tY", &n);
	assert_int_equal(n.octets, 16);
	keys_conf_set(ks, &none, "X", "0xzz", &n);
	assert_int_equal(n.fault, PSK_NOT_HEX);
	assert_int_equal(keys_state_psk_count(ks), 0);
	keys_conf_set(ks, &none, "x", "zK8#mW2$pQ9vR4tY", &n);
	keys_conf_set(ks, &none, "x", "", &n);
	assert_int_equal(n.fault, PSK_EMPTY);
	assert_int_equal(keys_state_psk_count(ks), 0);
	keys_state_free(ks);
}

static void
noise_in(struct keys_state *ks, struct view noise)
{
	struct psk_log log = { 0 };
	struct seen s = { 0 };
	STR(why, 256);

	if (keys_conf_read(ks, noise, on_note, &s, &log, &why))
		assert_true(psk_log_apply(view_of(log.p, log.n), ks));
	psk_log_done(&log);
}

static void
files_that_are_not_text_do_no_harm(void **state)
{
	struct keys_state *ks = keys_state_new();
	uint8_t noise[4096];
	uint32_t x = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof(noise); i++) {
			x = x * 1664525 + 1013904223;
			noise[i] = (uint8_t)(x >> 24);
		}
		memcpy(noise + 100, "\n[a]\nAuthentication=", 20);
		noise_in(ks, view_of(noise, sizeof(noise)));
	}
	for (size_t cut = 0; cut < sizeof(good); cut++)
		noise_in(ks, view_of(good, cut));
	keys_state_free(ks);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_keys_of_a_file_are_held_with_their_lines),
		cmocka_unit_test(a_new_file_takes_the_place_of_the_old),
		cmocka_unit_test(marks_tell_whether_a_key_is_the_one_it_was),
		cmocka_unit_test(one_bad_key_leaves_all_as_it_was),
		cmocka_unit_test(r23_guessable_keys_are_called_weak),
		cmocka_unit_test(a_bad_order_takes_the_key_away),
		cmocka_unit_test(files_that_are_not_text_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
