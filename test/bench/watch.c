#include "watch.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DEEPEST = 4 };

/* To the nanosecond, where the kernel keeps that; threads that ended are not in it. */
static double
threads_cpu(pid_t pid)
{
	char name[sizeof("/proc//task/") + 32 + sizeof(((struct dirent *)NULL)->d_name)];
	double sum = 0;

	(void)snprintf(name, sizeof(name), "/proc/%d/task", (int)pid);
	DIR *d = opendir(name);
	if (d == NULL)
		return 0;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		unsigned long long ns = 0;

		(void)snprintf(name, sizeof(name), "/proc/%d/task/%s/schedstat", (int)pid, e->d_name);
		FILE *f = e->d_name[0] == '.' ? NULL : fopen(name, "r");
		if (f == NULL)
			continue;
		if (fscanf(f, "%llu", &ns) == 1)
			sum += (double)ns / 1e9;
		fclose(f);
	}
	closedir(d);
	return sum;
}

static double
ticks_cpu(pid_t pid)
{
	char name[64], line[1024];
	unsigned long user = 0, sys = 0;

	(void)snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	FILE *f = fopen(name, "r");
	if (f == NULL)
		return 0;
	const char *after = fgets(line, sizeof(line), f) == NULL ? NULL : strrchr(line, ')');
	fclose(f);
	if (after == NULL || sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
	    &user, &sys) != 2)
		return 0;
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static double
cpu_of(pid_t pid)
{
	double fine = threads_cpu(pid);

	return fine > 0 ? fine : ticks_cpu(pid);
}

/* The number after `field` in a file of "Field:  123 kB" lines. */
static uint64_t
kb_of(pid_t pid, const char *file, const char *field)
{
	char name[64], line[256];
	uint64_t kb = 0;
	size_t n = strlen(field);

	(void)snprintf(name, sizeof(name), "/proc/%d/%s", (int)pid, file);
	FILE *f = fopen(name, "r");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, n) == 0 && sscanf(line + n, " %" SCNu64, &kb) == 1)
			break;
	fclose(f);
	return kb;
}

static void
add_tree(pid_t pid, int depth, struct watch *w)
{
	char name[64];
	uint64_t most = kb_of(pid, "status", "VmHWM:");
	int child;

	w->processes++;
	w->cpu += cpu_of(pid);
	w->rss_kb += kb_of(pid, "smaps_rollup", "Rss:");
	w->pss_kb += kb_of(pid, "smaps_rollup", "Pss:");
	w->most_kb = most > w->most_kb ? most : w->most_kb;
	(void)snprintf(name, sizeof(name), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	FILE *f = depth > 0 ? fopen(name, "r") : NULL;
	if (f == NULL)
		return;
	while (fscanf(f, "%d", &child) == 1)
		add_tree((pid_t)child, depth - 1, w);
	fclose(f);
}

struct watch
watch_tree(pid_t pid)
{
	struct watch w = { 0 };

	if (pid > 0)
		add_tree(pid, DEEPEST, &w);
	return w;
}
