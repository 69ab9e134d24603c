/* Key files: keys is told where they are, whenever they are to be read. */
#include "role/ike_internal.h"
#include "role/keys_files.h"

static bool
same_paths(const struct key_files *a, const struct key_files *b)
{
	return strcmp(a->private_key, b->private_key) == 0 &&
	    strcmp(a->private_folder, b->private_folder) == 0 &&
	    strcmp(a->public_folder, b->public_folder) == 0;
}

void
ike_keys_files(struct ike *ike, const struct snapshot *s)
{
	struct key_paths p;

	text_copy(p.private_key, sizeof(p.private_key), s->key_files.private_key);
	text_copy(p.private_folder, sizeof(p.private_folder), s->key_files.private_folder);
	text_copy(p.public_folder, sizeof(p.public_folder), s->key_files.public_folder);
	key_paths_encode(role_body(ike->ctx, ROLE_KEYS), &p);
	if (!role_send(ike->ctx, ROLE_KEYS, MSG_KEY_FILES))
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "role ike: keys was not told where the key "
		    "files are");
}

void
ike_keys_paths(struct ike *ike, const struct snapshot *s)
{
	if (ike->snapshot == NULL || !same_paths(&ike->snapshot->key_files, &s->key_files))
		ike_keys_files(ike, s);
}
