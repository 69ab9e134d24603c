/* Whatever we hand to people as an example is loaded here. */
#include <dirent.h>
#include <unistd.h>

#include "unit/conf/loaded.h"

static char *
read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *text = malloc(1 << 20);

	assert_non_null(text);
	if (f == NULL)
		fail_msg("cannot open %s", path);
	*n = fread(text, 1, (1 << 20) - 1, f);
	text[*n] = '\0';
	fclose(f);
	return text;
}

/* Without errors, and with no warnings but those that an example must have. */
static void
check_text(const char *name, const char *text, size_t n)
{
	static const char *const may[] = {
		"everybody knows it", "shares its key with every address",
	};
	struct loaded l = load_octets(text, n);

	if (l.snapshot == NULL) {
		print_problems(&l.problems);
		fail_msg("%s does not load", name);
	}
	for (size_t i = 0; i < l.problems.n; i++) {
		bool fine = false;

		for (size_t k = 0; k < COUNT(may); k++)
			fine |= strstr(l.problems.v[i].text, may[k]) != NULL;
		if (!fine) {
			print_problems(&l.problems);
			fail_msg("%s has a warning", name);
		}
	}
	loaded_done(&l);
}

static void
check_file(const char *path)
{
	size_t n;
	char *text = read_file(path, &n);

	check_text(path, text, n);
	free(text);
}

static void
the_example_files_load(void **state)
{
	static const char *const dirs[] = { "etc/site-to-site", "etc/examples" };
	unsigned files = 0;

	(void)state;
	check_file(SOURCE_DIR "/etc/isakmpd.conf.sample");
	for (size_t i = 0; i < COUNT(dirs); i++) {
		char dir[600], path[1000];
		struct dirent *e;

		(void)snprintf(dir, sizeof(dir), "%s/%s", SOURCE_DIR, dirs[i]);
		DIR *d = opendir(dir);
		assert_non_null(d);
		while ((e = readdir(d)) != NULL) {
			size_t n = strlen(e->d_name);

			if (n < 5 || strcmp(e->d_name + n - 5, ".conf") != 0)
				continue;
			(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
			check_file(path);
			files++;
		}
		closedir(d);
	}
	assert_true(files >= 6);
}

static void
west_and_east_mirror_each_other(void **state)
{
	size_t n;
	struct loaded side[2];
	static const char *const paths[] = {
		SOURCE_DIR "/etc/site-to-site/west.conf", SOURCE_DIR "/etc/site-to-site/east.conf",
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		char *text = read_file(paths[i], &n);

		side[i] = load_octets(text, n);
		assert_non_null(side[i].snapshot);
		assert_int_equal(side[i].snapshot->n_connections, 1);
		free(text);
	}
	const struct connection *w = &side[0].snapshot->connections[0],
	    *e = &side[1].snapshot->connections[0];
	assert_true(id_same_traffic(&w->local_id, &e->remote_id));
	assert_true(id_same_traffic(&w->remote_id, &e->local_id));
	assert_true(addr_equal(&w->peer->address, &e->peer->local_address));
	assert_true(addr_equal(&w->peer->local_address, &e->peer->address));
	assert_int_equal(w->suites[0].protocols[0].transforms[0].transform_id, ESP_AES_GCM_16);
	assert_int_equal(w->suites[0].protocols[0].transforms[0].group, GROUP_ECP_256);
	loaded_done(&side[0]);
	loaded_done(&side[1]);
}

/* A literal block right after a line `.\" configuration` is a whole file. */
static void
every_configuration_in_the_manual_loads(void **state)
{
	static const char mark[] = ".\\\" configuration\n", begin[] = ".Bd -literal";
	size_t n;
	char *page = read_file(SOURCE_DIR "/man/isakmpd.conf.5", &n), *at = page;
	unsigned found = 0;

	(void)state;
	while ((at = strstr(at, mark)) != NULL) {
		char name[40], *text, *from = at + sizeof(mark) - 1;

		assert_int_equal(strncmp(from, begin, sizeof(begin) - 1), 0);
		from = strchr(from, '\n') + 1;
		char *end = strstr(from, ".Ed\n");
		assert_non_null(end);
		text = calloc(1, (size_t)(end - from) + 1);
		assert_non_null(text);
		/* What mdoc writes as \e is a backslash. */
		size_t len = 0;
		for (char *p = from; p < end; p++) {
			text[len++] = *p;
			if (p[0] == '\\' && p[1] == 'e')
				p++;
		}
		(void)snprintf(name, sizeof(name), "example %u of the manual", ++found);
		check_text(name, text, len);
		free(text);
		at = end;
	}
	assert_true(found >= 4);
	free(page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_files_load),
		cmocka_unit_test(west_and_east_mirror_each_other),
		cmocka_unit_test(every_configuration_in_the_manual_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
