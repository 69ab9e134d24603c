#include "prove.h"

#include "os/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char	path[64];
	int	dir;
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	STR(error, 200);

	assert_non_null(p);
	text_copy(p->path, sizeof(p->path), "/tmp/isakmpd-files-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->dir = files_directory(p->path, &error);
	assert_true(p->dir >= 0);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;
	static const char *const names[] = { "f", "target", "link", "fifo", "pid", "b", "a", ".c" };

	for (size_t i = 0; i < COUNT(names); i++)
		(void)unlinkat(p->dir, names[i], 0);
	close(p->dir);
	assert_int_equal(rmdir(p->path), 0);
	free(p);
	return 0;
}

static void
put(struct place *p, const char *name, const char *text, mode_t mode)
{
	int fd = openat(p->dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static bool
holds(struct place *p, const char *name, const char *text)
{
	char room[64] = "";
	int fd = openat(p->dir, name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, room, sizeof(room) - 1);

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) && strcmp(room, text) == 0;
}

static void
join(struct place *p, const char *name, struct str *ret)
{
	str_addf(ret, "%s/%s", p->path, name);
}

static void
readers_see_the_old_file_until_the_new_one_is_whole(void **state)
{
	struct place *p = *state;
	struct stat st;

	put(p, "f", "old", 0644);
	int fd = files_begin(p->dir, "f");
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "new", 3), 3);
	assert_true(holds(p, "f", "old"));
	close(fd);
	assert_true(files_commit(p->dir, "f"));
	assert_true(holds(p, "f", "new"));
	assert_int_equal(fstatat(p->dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
an_output_file_that_is_a_link_is_replaced_not_followed(void **state)
{
	struct place *p = *state;

	put(p, "target", "precious", 0600);
	assert_int_equal(symlinkat("target", p->dir, "f"), 0);
	int fd = files_begin(p->dir, "f");
	assert_int_equal(write(fd, "new", 3), 3);
	close(fd);
	assert_true(files_commit(p->dir, "f"));
	assert_true(holds(p, "target", "precious"));
	assert_true(holds(p, "f", "new"));
}

static void
a_key_file_that_is_a_link_or_readable_by_others_is_refused(void **state)
{
	struct place *p = *state;

	put(p, "target", "precious", 0600);
	assert_int_equal(symlinkat("target", p->dir, "link"), 0);
	assert_true(files_append(p->dir, "link") < 0);
	put(p, "f", "", 0644);
	assert_true(files_append(p->dir, "f") < 0);
}

static void
only_entries_of_the_run_directory_itself_are_within_it(void **state)
{
	struct place *p = *state;
	const char *name = NULL;
	STR(good, 200);
	STR(up, 200);
	STR(below, 200);
	STR(dir, 200);

	join(p, "isakmpd.pid", &good);
	join(p, "../x", &up);
	join(p, "a/b", &below);
	join(p, "", &dir);
	assert_true(files_within(p->dir, good.p, &name));
	assert_string_equal(name, "isakmpd.pid");
	assert_false(files_within(p->dir, up.p, &name));
	assert_false(files_within(p->dir, below.p, &name));
	assert_false(files_within(p->dir, dir.p, &name));
	assert_false(files_within(p->dir, "/etc/passwd", &name));
	assert_false(files_within(p->dir, "isakmpd.pid", &name));
	assert_false(files_within(p->dir, "/x", &name));
}

static bool
opens(struct place *p, const char *name, bool *ret_missing)
{
	STR(path, 200);
	STR(error, 600);

	join(p, name, &path);
	int fd = files_open_secret(path.p, ret_missing, &error);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void
a_configuration_others_can_read_is_refused(void **state)
{
	struct place *p = *state;
	bool missing = true;

	put(p, "f", "x", 0600);
	assert_true(opens(p, "f", &missing));
	assert_false(missing);
	for (mode_t bit = 1; bit <= 040; bit = (mode_t)(bit << 1)) {
		put(p, "f", "x", 0600 | bit);
		assert_false(opens(p, "f", &missing));
		assert_false(missing);
	}
}

static void
a_configuration_that_is_no_regular_file_is_refused(void **state)
{
	struct place *p = *state;
	bool missing;

	assert_int_equal(mkfifoat(p->dir, "fifo", 0600), 0);
	assert_false(opens(p, "fifo", &missing));
	assert_false(opens(p, ".", &missing));
}

static void
a_missing_configuration_is_told_apart(void **state)
{
	bool missing = false;

	assert_false(opens(*state, "nothing", &missing));
	assert_true(missing);
}

static void
a_configuration_of_somebody_else_is_refused(void **state)
{
	struct place *p = *state;
	bool missing;

	put(p, "f", "x", 0600);
	if (geteuid() != 0 || fchownat(p->dir, "f", 65534, 65534, 0) < 0) {
		print_message("skipped: cannot change the owner of a file\n");
		skip();
	}
	assert_false(opens(p, "f", &missing));
}

static void
the_fifo_does_not_replace_a_regular_file(void **state)
{
	struct place *p = *state;
	STR(path, 200);
	STR(error, 600);

	put(p, "fifo", "precious", 0600);
	join(p, "fifo", &path);
	assert_int_equal(files_fifo(path.p, &error), -1);
	assert_true(holds(p, "fifo", "precious"));
}

static void
the_fifo_replaces_one_left_behind_and_never_ends(void **state)
{
	struct place *p = *state;
	struct stat st;
	char c;
	STR(path, 200);
	STR(error, 600);

	assert_int_equal(mkfifoat(p->dir, "fifo", 0666), 0);
	join(p, "fifo", &path);
	int fd = files_fifo(path.p, &error);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	/* a client that comes and goes is no end of file */
	int client = open(path.p, O_WRONLY | O_NONBLOCK);
	assert_int_equal(write(client, "x", 1), 1);
	close(client);
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(read(fd, &c, 1), -1);
	close(fd);
}

static void
the_pid_file_holds_a_number_and_a_newline(void **state)
{
	struct place *p = *state;

	put(p, "pid", "99999 stale", 0600);
	assert_true(files_pid(p->dir, "pid", 4711));
	assert_true(holds(p, "pid", "4711\n"));
}

static int
open_below(struct place *p, const char *name, const char *root, enum files_rule rule,
    bool *ret_missing)
{
	const char *const roots[] = { "/nonexistent", root };
	STR(path, 200);
	STR(error, 600);

	join(p, name, &path);
	int fd = files_open_below(path.p, roots, COUNT(roots), rule, ret_missing, &error);
	assert_int_equal(fd < 0, error.len > 0);
	return fd;
}

static void
keys_and_certificates_are_opened_below_a_root_only_wherever_links_lead(void **state)
{
	struct place *p = *state;
	bool missing;

	put(p, "f", "cert", 0644);
	int fd = open_below(p, "f", p->path, FILES_RULE_TRUSTED, &missing);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(symlinkat("f", p->dir, "link"), 0);
	fd = open_below(p, "link", p->path, FILES_RULE_TRUSTED, &missing);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(symlinkat("/etc/passwd", p->dir, "target"), 0);
	assert_true(open_below(p, "target", p->path, FILES_RULE_TRUSTED, &missing) < 0);
	assert_false(missing);
	assert_true(open_below(p, "f", "/usr", FILES_RULE_TRUSTED, &missing) < 0);
	assert_true(open_below(p, "../../etc/passwd", p->path, FILES_RULE_TRUSTED, &missing) < 0);
	/* a root is a whole component, not the beginning of one */
	STR(shorter, 200);
	str_addf(&shorter, "%.*s", (int)strlen(p->path) - 1, p->path);
	assert_true(open_below(p, "f", shorter.p, FILES_RULE_TRUSTED, &missing) < 0);
	assert_true(open_below(p, "none", p->path, FILES_RULE_TRUSTED, &missing) < 0);
	assert_true(missing);
}

static void
who_can_write_a_trusted_file_grants_trust_so_others_must_not(void **state)
{
	struct place *p = *state;
	bool missing;

	put(p, "f", "cert", 0664);
	assert_true(open_below(p, "f", p->path, FILES_RULE_TRUSTED, &missing) < 0);
	put(p, "f", "cert", 0646);
	assert_true(open_below(p, "f", p->path, FILES_RULE_TRUSTED, &missing) < 0);
	put(p, "f", "key", 0644);
	assert_true(open_below(p, "f", p->path, FILES_RULE_SECRET, &missing) < 0);
	put(p, "f", "key", 0600);
	int fd = open_below(p, "f", p->path, FILES_RULE_SECRET, &missing);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(mkfifoat(p->dir, "fifo", 0644), 0);
	assert_true(open_below(p, "fifo", p->path, FILES_RULE_TRUSTED, &missing) < 0);
}

static void
a_list_of_files_is_sorted_and_without_hidden_ones(void **state)
{
	struct place *p = *state;
	struct file_list l = { 0 };
	STR(error, 300);
	bool missing;

	put(p, "b", "", 0644);
	put(p, "a", "", 0644);
	put(p, ".c", "", 0644);
	assert_true(files_list(p->path, "fqdn/", &l, &missing, &error));
	assert_int_equal(l.n, 2);
	assert_string_equal(l.name[0], "fqdn/a");
	assert_string_equal(l.name[1], "fqdn/b");
	file_list_done(&l);
	assert_false(files_list("/nonexistent/x", "", &l, &missing, &error));
	assert_true(missing);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(readers_see_the_old_file_until_the_new_one_is_whole),
		T(an_output_file_that_is_a_link_is_replaced_not_followed),
		T(a_key_file_that_is_a_link_or_readable_by_others_is_refused),
		T(only_entries_of_the_run_directory_itself_are_within_it),
		T(a_configuration_others_can_read_is_refused),
		T(a_configuration_that_is_no_regular_file_is_refused),
		T(a_missing_configuration_is_told_apart),
		T(a_configuration_of_somebody_else_is_refused),
		T(the_fifo_does_not_replace_a_regular_file),
		T(the_fifo_replaces_one_left_behind_and_never_ends),
		T(the_pid_file_holds_a_number_and_a_newline),
		T(keys_and_certificates_are_opened_below_a_root_only_wherever_links_lead),
		T(who_can_write_a_trusted_file_grants_trust_so_others_must_not),
		T(a_list_of_files_is_sorted_and_without_hidden_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
