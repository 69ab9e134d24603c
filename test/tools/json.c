/*
 * json FILE [KEY|INDEX]... - prints one value of a JSON file: a scalar as it
 * is, of an array or object how many members it has.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const json_t *
member(const json_t *j, const char *key)
{
	if (json_is_array(j))
		return json_array_get(j, strtoul(key, NULL, 10));
	return json_object_get(j, key);
}

static void
print(const json_t *j)
{
	if (json_is_string(j))
		puts(json_string_value(j));
	else if (json_is_integer(j))
		printf("%lld\n", (long long)json_integer_value(j));
	else if (json_is_boolean(j))
		puts(json_is_true(j) ? "true" : "false");
	else
		printf("%zu\n", json_is_array(j) ? json_array_size(j) : json_object_size(j));
}

int
main(int argc, char **argv)
{
	json_error_t error;
	json_t *root = argc < 2 ? NULL : json_load_file(argv[1], JSON_REJECT_DUPLICATES, &error);
	const json_t *j = root;

	if (root == NULL) {
		fprintf(stderr, "json: %s\n", argc < 2 ? "no file" : error.text);
		return 1;
	}
	for (int i = 2; i < argc && j != NULL; i++)
		j = member(j, argv[i]);
	if (j != NULL)
		print(j);
	json_decref(root);
	return j == NULL;
}
