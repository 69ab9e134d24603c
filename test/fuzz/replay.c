/* Runs a fuzz target over every file of its corpus folders, without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
replay(const char *path)
{
	static uint8_t room[1 << 20];
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		perror(path);
		return 1;
	}
	size_t n = fread(room, 1, sizeof(room), f);
	fclose(f);
	/* An exact heap copy, so that a sanitizer sees the first octet too far. */
	uint8_t *copy = malloc(n == 0 ? 1 : n);
	if (copy == NULL)
		return 1;
	memcpy(copy, room, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
	return 0;
}

int
main(int argc, char **argv)
{
	unsigned files = 0;
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		struct dirent *e;

		if (d == NULL) {
			perror(argv[i]);
			return 1;
		}
		while ((e = readdir(d)) != NULL) {
			char path[4096];

			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], e->d_name);
			bad |= replay(path);
			files++;
		}
		closedir(d);
	}
	printf("%u inputs replayed\n", files);
	return bad || files == 0;
}
