/*
 * The keys that outlive the process which holds them.
 */
#include "prove.h"

#include <sys/mman.h>
#include <unistd.h>

#include "role/keys_keep.h"

static int
memory(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static struct keys_state *
state_new(void)
{
	struct keys_state *ks = keys_state_new();

	assert_non_null(ks);
	return ks;
}

static void
set(struct keys_keep *k, struct keys_state *ks, const char *section, const char *key)
{
	assert_true(keys_state_psk_set(ks, section, view_str(key)));
	assert_true(keys_keep_add(k, ks, section, view_str(key)));
}

struct wanted {
	const char	*section, *key;
	unsigned	 found;
};

static bool
look(void *self, const char *section, struct view key)
{
	struct wanted *w = self;

	if (text_same(section, w->section) && view_equal(key, view_str(w->key)))
		w->found++;
	return true;
}

static bool
has(const struct keys_state *ks, const char *section, const char *key)
{
	struct wanted w = { section, key, 0 };

	assert_true(keys_state_psk_each(ks, look, &w));
	return w.found == 1;
}

/* What the next process finds. */
static struct keys_state *
next_process(int fd, int64_t count)
{
	struct keys_state *ks = state_new();
	struct keys_keep k;

	assert_int_equal(keys_keep_open(&k, fd, ks), count);
	return ks;
}

static void
keys_set_removed_and_replaced_are_found_as_they_were_last(void **state)
{
	struct keys_state *ks = state_new(), *next;
	struct keys_keep k;
	int fd = memory();

	(void)state;
	assert_int_equal(keys_keep_open(&k, fd, ks), 0);
	set(&k, ks, "west", "one");
	set(&k, ks, "east", "two");
	set(&k, ks, "WEST", "three");
	set(&k, ks, "north", "four");
	set(&k, ks, "north", "");
	next = next_process(fd, 2);
	assert_true(has(next, "west", "three"));
	assert_true(has(next, "east", "two"));
	/* and marks tell the same */
	assert_true(keys_state_mark(next, "west", view_str("x")) ==
	    keys_state_mark(ks, "west", view_str("x")));
	keys_state_free(next);
	keys_state_free(ks);
	close(fd);
}

static void
a_file_takes_the_place_of_everything(void **state)
{
	struct keys_state *ks = state_new(), *next;
	struct psk_log log = { 0 };
	struct keys_keep k;
	int fd = memory();

	(void)state;
	assert_int_equal(keys_keep_open(&k, fd, ks), 0);
	for (int round = 0; round < 20; round++) {
		STR(key, 32);

		str_addf(&key, "key of round %d", round);
		set(&k, ks, "by-order", "zK8#mW2$pQ9vR4tY");
		assert_true(psk_log_add(&log, "by-file", view_str(key.p)));
		assert_true(psk_log_apply(view_of(log.p, log.n), ks));
		assert_true(keys_keep_replace(&k, ks, view_of(log.p, log.n)));
		psk_log_done(&log);
		next = next_process(fd, 1);
		assert_true(has(next, "by-file", key.p));
		keys_state_free(next);
	}
	/* nothing of what went is left in the file, and it does not grow */
	static uint8_t room[65536];
	ssize_t n = pread(fd, room, sizeof(room), 0);
	assert_true(n > 0 && n < 4096);
	assert_null(memmem(room, (size_t)n, "zK8#mW2$pQ9vR4tY", 16));
	assert_null(memmem(room, (size_t)n, "round 18", 8));
	keys_state_free(ks);
	close(fd);
}

/* Orders without end do not make it grow without end. */
static void
many_orders_are_written_together(void **state)
{
	struct keys_state *ks = state_new(), *next;
	struct keys_keep k;
	int fd = memory();

	(void)state;
	assert_int_equal(keys_keep_open(&k, fd, ks), 0);
	for (int i = 0; i < 20000; i++) {
		STR(section, 32);
		STR(key, 64);

		str_addf(&section, "peer-%d", i % 50);
		str_addf(&key, "a pre-shared key number %d", i);
		set(&k, ks, section.p, key.p);
	}
	assert_true(lseek(fd, 0, SEEK_END) < 400 * 1024);
	next = next_process(fd, 50);
	assert_true(has(next, "peer-49", "a pre-shared key number 19999"));
	assert_true(has(next, "peer-0", "a pre-shared key number 19950"));
	keys_state_free(next);
	keys_state_free(ks);
	close(fd);
}

/* Whatever the file holds: refused, or taken, but nothing worse. */
static void
a_file_that_was_spoilt_is_refused(void **state)
{
	struct keys_state *ks = state_new();
	struct keys_keep k;
	uint8_t whole[512], one;
	int fd = memory();

	(void)state;
	assert_int_equal(keys_keep_open(&k, fd, ks), 0);
	set(&k, ks, "west", "one");
	set(&k, ks, "east", "two");
	ssize_t n = pread(fd, whole, sizeof(whole), 0);
	assert_true(n > 0);
	for (ssize_t i = 0; i < n; i++) {
		struct keys_state *next = state_new();
		struct keys_keep other;

		one = whole[i] ^ 0x81;
		assert_int_equal(pwrite(fd, &one, 1, i), 1);
		(void)keys_keep_open(&other, fd, next);
		assert_int_equal(pwrite(fd, &whole[i], 1, i), 1);
		keys_state_free(next);
	}
	for (ssize_t cut = 1; cut < n; cut++) {
		struct keys_state *next = state_new();
		struct keys_keep other;

		assert_int_equal(ftruncate(fd, n - cut), 0);
		assert_int_equal(keys_keep_open(&other, fd, next), n - cut == 0 ? 0 : -1);
		keys_state_free(next);
	}
	keys_state_free(ks);
	close(fd);
}

static void
without_a_file_nothing_is_written(void **state)
{
	struct keys_state *ks = state_new();
	struct keys_keep k;

	(void)state;
	assert_int_equal(keys_keep_open(&k, -1, ks), 0);
	set(&k, ks, "west", "one");
	assert_true(keys_keep_replace(&k, ks, (struct view){ 0 }));
	assert_int_equal(keys_state_psk_count(ks), 1);
	keys_state_free(ks);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_set_removed_and_replaced_are_found_as_they_were_last),
		cmocka_unit_test(a_file_takes_the_place_of_everything),
		cmocka_unit_test(many_orders_are_written_together),
		cmocka_unit_test(a_file_that_was_spoilt_is_refused),
		cmocka_unit_test(without_a_file_nothing_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
