#include "role/keys_files.h"

#include <errno.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/key_name.h"

enum { FILE_OCTETS_MAX = 64 * 1024 };

/* ---- paths ---- */

void
key_paths_encode(struct wr *w, const struct key_paths *p)
{
	const char *const v[] = { p->private_key, p->private_folder, p->public_folder };

	for (size_t i = 0; i < COUNT(v); i++) {
		wr_u16(w, (uint16_t)strnlen(v[i], KEY_PATH_ROOM - 1));
		wr_bytes(w, v[i], strnlen(v[i], KEY_PATH_ROOM - 1));
	}
}

bool
key_paths_decode(struct rd *r, struct key_paths *ret)
{
	struct key_paths p = { .private_key = "" };
	char *const to[] = { p.private_key, p.private_folder, p.public_folder };

	for (size_t i = 0; i < COUNT(to); i++) {
		struct view v = rd_view(r, rd_u16(r));

		if (v.n >= KEY_PATH_ROOM || (v.n > 0 && memchr(v.p, '\0', v.n) != NULL))
			return false;
		if (v.n > 0)
			memcpy(to[i], v.p, v.n);
	}
	if (!rd_end(r))
		return false;
	*ret = p;
	return true;
}

/* ---- reading ---- */

static const char *
path_of(const struct keys_files *f)
{
	switch (f->kind) {
	case FILES_PRIVATE_KEY:
		return f->paths.private_key;
	case FILES_PRIVATE_DIR:
		return f->paths.private_folder;
	default:
		return f->paths.public_folder;
	}
}

static void begin(struct keys_files *);

static void
finish(struct keys_files *f)
{
	struct keyring *ring = f->loading;

	f->loading = NULL;
	/* Who uses pre-shared keys only has none, and need not be told so. */
	bool any = keyring_private_count(ring) + keyring_public_count(ring) > 0;
	role_log(f->ctx, any ? (int)ROLE_LOG_VERBOSE : ROLE_DEBUG_MISC,
	    any ? 0 : ROLE_DEBUG_RARE,
	    "keys: %zu private keys, %zu public keys of peers", keyring_private_count(ring),
	    keyring_public_count(ring));
	f->done(f->self, ring);
	if (f->again)
		begin(f);
}

/* The next kind, or the end. */
static void
next(struct keys_files *f)
{
	while (++f->kind <= FILES_PUBKEYS) {
		struct wr *w = role_body(f->ctx, ROLE_MONITOR);

		if (path_of(f)[0] == '\0')
			continue;
		wr_u8(w, f->kind);
		wr_view(w, view_str(path_of(f)));
		if (role_send(f->ctx, ROLE_MONITOR, MSG_FILES_WANTED))
			return;
	}
	finish(f);
}

static void
begin(struct keys_files *f)
{
	f->again = false;
	f->paths = f->next;
	f->kind = 0;
	f->loading = keyring_new();
	if (f->loading == NULL)
		role_log(f->ctx, ROLE_LOG_ERROR, 0, "role keys: no memory for keys: those that were "
		    "held stay");
	else
		next(f);
}

bool
keys_files_wanted(struct keys_files *f, struct rd *body)
{
	if (!key_paths_decode(body, &f->next))
		return false;
	f->again = true;
	if (f->loading == NULL)
		begin(f);
	return true;
}

void
keys_files_free(struct keys_files *f)
{
	keyring_free(f->loading);
	f->loading = NULL;
}

/* ---- one file ---- */

static void
refuse(struct keys_files *f, const char *name, const char *why)
{
	STR(shown, 300);

	str_escaped(&shown, view_str(name));
	role_log(f->ctx, ROLE_LOG_ERROR, 0, "%s%s: not used: %s", path_of(f), shown.p, why);
}

static void
take_private(struct keys_files *f, const char *name, struct view pem)
{
	STR(why, 300);
	struct sign_key *k = sign_key_read(pem, &why);

	if (k == NULL)
		refuse(f, name, why.p);
	else if (!keyring_add_private(f->loading, name, k))
		refuse(f, name, "too many private keys, or no memory");
}

static void
take_public(struct keys_files *f, const char *name, struct view pem)
{
	STR(spelt, KEY_NAME_MAX);
	struct pubkey key;
	STR(why, 300);

	if (!key_name_read(&spelt, name))
		refuse(f, name, "this is not the name of an identity");
	else if (!pubkey_read(pem, &key, &why))
		refuse(f, name, why.p);
	else if (!keyring_add_file(f->loading, name, &key))
		refuse(f, name, "too many public keys, or no memory");
}

static bool
read_file(int fd, uint8_t room[FILE_OCTETS_MAX], size_t *ret_n)
{
	size_t n = 0;

	while (n < FILE_OCTETS_MAX) {
		ssize_t got = read(fd, room + n, FILE_OCTETS_MAX - n);

		if (got == 0) {
			*ret_n = n;
			return true;
		}
		if (got < 0 && errno != EINTR)
			return false;
		n += got < 0 ? 0 : (size_t)got;
	}
	return false;
}

static bool
on_file(struct keys_files *f, struct channel_in *in)
{
	uint8_t kind = rd_u8(&in->body);
	struct view v = rd_rest(&in->body);
	char name[512] = "";
	uint8_t room[FILE_OCTETS_MAX];
	size_t n = 0;

	if (f->loading == NULL || kind != f->kind || v.n >= sizeof(name))
		return false;
	if (v.n > 0)
		memcpy(name, v.p, v.n);
	/* It is read by itself, as the key for all IDs. */
	if (kind == FILES_PRIVATE_DIR && strcmp(name, "local.key") == 0)
		return true;
	if (!read_file(in->fd, room, &n))
		refuse(f, name, "it cannot be read, or is longer than 64 KiB");
	else if (kind == FILES_PUBKEYS)
		take_public(f, name, view_of(room, n));
	else
		take_private(f, name, view_of(room, n));
	wipe(room, sizeof(room));
	return true;
}

static bool
on_end(struct keys_files *f, struct rd *body)
{
	uint8_t kind = rd_u8(body), result = rd_u8(body);
	STR(why, 600);

	if (f->loading == NULL || kind != f->kind || result >= FILES_RESULT_MAX)
		return false;
	str_escaped(&why, rd_rest(body));
	if (result == FILES_MISSING)	/* a signature that needs it is refused by name */
		role_log(f->ctx, ROLE_DEBUG_MISC, ROLE_DEBUG_RARE, "%s", why.p);
	else if (result != FILES_ALL)
		role_log(f->ctx, ROLE_LOG_ERROR, 0, "%s", why.p);
	next(f);
	return true;
}

bool
keys_files_message(struct keys_files *f, struct channel_in *in)
{
	switch (in->type) {
	case MSG_FILE:
		return on_file(f, in);
	case MSG_FILES_MORE:
		(void)role_body(f->ctx, ROLE_MONITOR);
		return f->loading != NULL && role_send(f->ctx, ROLE_MONITOR, MSG_FILES_NEXT);
	case MSG_FILES_END:
		return on_end(f, &in->body);
	default:
		return false;
	}
}
