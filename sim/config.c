/* From the text of an isakmpd.conf to the snapshot, by the real conf room. */
#include <stdio.h>
#include <string.h>

#include "conf/schema.h"
#include "conf/store.h"
#include "sim/world.h"

static void
print_problems(const struct problems *list)
{
	for (size_t i = 0; i < list->n; i++) {
		STR(line, 512);

		problem_print(&line, "isakmpd.conf", &list->v[i]);
		fprintf(stderr, "%s\n", line.p);
	}
}

struct snapshot *
config_snapshot(const char *text, bool quiet)
{
	static const struct conf_env env = { .file = "isakmpd.conf" };
	struct problems list = { 0 };
	struct store *store = store_new();
	struct snapshot *s = NULL;

	if (store != NULL && store_load(store, view_str(text), &list))
		s = snapshot_build(store, &env, &list);
	if (s == NULL && !quiet)
		print_problems(&list);
	store_free(store);
	problems_done(&list);
	return s;
}
