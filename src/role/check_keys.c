/*
 * isakmpd --check, the second half: the files of our keys and certificates, as
 * the roles would read them.  Only this process of an operator does so at once.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "os/files.h"
#include "role/check.h"
#include "role/identities.h"
#include "trust/trust.h"
#include "wire/payload.h"

enum { KEY_OCTETS_MAX = 64 * 1024, CERT_OCTETS_MAX = 1024 * 1024 };

struct keys_check {
	const char	*file;		/* the configuration */
	const struct snapshot *snapshot;
	char		 folder[PATH_MAX];	/* its own: below it files may lie */
	size_t		 warnings;
};

static void
warn(struct keys_check *c, const char *text)
{
	printf("%s: warning: %s\n", c->file, text);
	c->warnings++;
}

static void
warn_of(struct keys_check *c, const struct identity *i, const char *text)
{
	if (i->line != 0)
		printf("%s:%u: warning: [%s]: %s\n", c->file, (unsigned)i->line, i->peer, text);
	else
		printf("%s: warning: [%s]: %s\n", c->file, i->peer, text);
	c->warnings++;
}

/* The octets of one file, to be wiped and freed; NULL: missing, or told. */
static uint8_t *
read_one(struct keys_check *c, const char *path, enum files_rule rule, size_t most, size_t *ret_n)
{
	const char *const roots[] = { "/etc/isakmpd", c->folder };
	bool missing = false;
	STR(error, 600);
	int fd = files_open_below(path, roots, COUNT(roots), rule, &missing, &error);
	uint8_t *p = fd < 0 ? NULL : malloc(most);

	*ret_n = 0;
	if (fd < 0 && !missing)
		warn(c, error.p);
	while (p != NULL && *ret_n < most) {
		ssize_t got = read(fd, p + *ret_n, most - *ret_n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		*ret_n += (size_t)got;
	}
	if (fd >= 0)
		close(fd);
	return p;
}

static void
read_key(struct keys_check *c, struct keyring *ring, const char *path, const char *name)
{
	size_t n;
	uint8_t *pem = read_one(c, path, FILES_RULE_SECRET, KEY_OCTETS_MAX, &n);
	STR(why, 300);
	STR(text, 600);

	if (pem == NULL)
		return;
	struct sign_key *key = sign_key_read(view_of(pem, n), &why);
	wipe(pem, n);
	free(pem);
	if (key == NULL) {
		str_addf(&text, "%s: not used: %s", path, why.p);
		warn(c, text.p);
	} else if (!keyring_add_private(ring, name, key)) {
		warn(c, "too many private keys, or no memory");
	}
}

/* Calls fn for each file of a folder; one that is not there has none. */
static void
each_file(struct keys_check *c, const char *folder,
    void (*fn)(struct keys_check *, void *to, const char *path, const char *name), void *to)
{
	struct file_list list = { 0 };
	bool missing = false;
	STR(error, 600);

	if (folder[0] == '\0')
		return;
	if (!files_list(folder, "", &list, &missing, &error) && !missing)
		warn(c, error.p);
	for (size_t i = 0; i < list.n; i++) {
		STR(path, PATH_MAX);

		str_addf(&path, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/",
		    list.name[i]);
		fn(c, to, path.p, list.name[i]);
	}
	file_list_done(&list);
}

static void
add_key(struct keys_check *c, void *to, const char *path, const char *name)
{
	/* It is read by itself, as the key for all IDs. */
	if (strcmp(name, "local.key") != 0)
		read_key(c, to, path, name);
}

static void
add_certificate(struct keys_check *c, void *to, const char *path, const char *name)
{
	size_t n;
	uint8_t *text = read_one(c, path, FILES_RULE_TRUSTED, CERT_OCTETS_MAX, &n);
	STR(note, 300);
	STR(line, 600);

	if (text == NULL)
		return;
	(void)!trust_add(to, TRUST_CERT, name, view_of(text, n), &note);
	free(text);
	if (note.len == 0)
		return;
	str_addf(&line, "%s: %s", path, note.p);
	warn(c, line.p);
}

static void
check_one(struct keys_check *c, const struct identity *i, const struct keyring *ring,
    const struct trust *trust)
{
	struct trust_ask ask = { .verb = TRUST_CHECK, .auth = i->auth };
	struct trust_answer a;
	uint8_t room[4 + ID_DATA_MAX], no_room[1];
	struct wr w = wr_of(room, sizeof(room)), none = wr_of(no_room, 0);
	STR(detail, 200);
	STR(text, 700);

	enum why why = identity_key(ring, i, &ask.key, &detail);
	if (why != WHY_NONE) {
		identity_print(&text, i, why, detail.p, &c->snapshot->key_files);
		warn_of(c, i, text.p);
		return;
	}
	if (i->id.type == 0 || trust == NULL)
		return;
	id_encode(&w, &i->id);
	ask.own_body = wr_done(&w);
	trust_names(trust, &ask, (int64_t)time(NULL), &none, &a);
	if (a.why == WHY_NONE)
		return;
	str_addf(&text, "as %s: %s", i->name, a.got);
	warn_of(c, i, text.p);
}

size_t
check_keys(const char *file, const struct snapshot *s)
{
	struct keys_check c = { .file = file, .snapshot = s };
	const struct trust_settings settings = { 0 };
	struct identity *all = calloc(IDENTITIES_MAX, sizeof(*all));
	size_t n = all == NULL ? 0 : identities_of(s, all);
	char *slash;

	text_copy(c.folder, sizeof(c.folder), file);
	slash = strrchr(c.folder, '/');
	if (slash == NULL)
		text_copy(c.folder, sizeof(c.folder), ".");
	else
		slash[slash == c.folder] = '\0';
	if (n > 0) {
		struct keyring *ring = keyring_new();
		struct trust *trust = trust_new(&settings);

		if (ring != NULL && s->key_files.private_key[0] != '\0')
			read_key(&c, ring, s->key_files.private_key, "");
		if (ring != NULL)
			each_file(&c, s->key_files.private_folder, add_key, ring);
		if (trust != NULL)
			each_file(&c, s->x509.certs, add_certificate, trust);
		for (size_t i = 0; i < n; i++)
			check_one(&c, &all[i], ring, trust);
		keyring_free(ring);
		trust_free(trust);
	}
	free(all);
	return c.warnings;
}
