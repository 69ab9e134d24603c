/*
 * Keys and certificates are the operator's files.  A role that reads them
 * names what it wants; the monitor decides whether it may, looks where the
 * path leads, checks mode and owner, and hands over descriptors.  It reads
 * none of them.  (decisions/0012)
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "role/monitor_internal.h"

enum { BATCH_FILES = 64, NAME_ROOM = 480 };

static const struct grant {
	enum files_kind	kind;
	enum role	role;
	enum files_rule	rule;
} grants[] = {
	{ FILES_PRIVATE_KEY, ROLE_KEYS, FILES_RULE_SECRET },
	{ FILES_PRIVATE_DIR, ROLE_KEYS, FILES_RULE_SECRET },
	{ FILES_PUBKEYS, ROLE_KEYS, FILES_RULE_TRUSTED },
	{ FILES_CA, ROLE_TRUST, FILES_RULE_TRUSTED },
	{ FILES_CERTS, ROLE_TRUST, FILES_RULE_TRUSTED },
	{ FILES_CRLS, ROLE_TRUST, FILES_RULE_TRUSTED },
};

static const struct grant *
grant_of(enum role role, uint8_t kind)
{
	for (size_t i = 0; i < COUNT(grants); i++)
		if (grants[i].kind == kind && grants[i].role == role)
			return &grants[i];
	return NULL;
}

static void
forget(struct files_request *f)
{
	free(f->path);
	file_list_done(&f->list);
	*f = (struct files_request){ 0 };
}

void
monitor_files_forget(struct child *c)
{
	forget(&c->files);
}

static void
end(struct child *c, enum files_result result, const char *why)
{
	struct wr *w = monitor_body(c->m, c->role);

	wr_u8(w, c->files.kind);
	wr_u8(w, (uint8_t)result);
	wr_bytes(w, why, strnlen(why, 1000));
	forget(&c->files);
	(void)monitor_send(c->m, c->role, MSG_FILES_END, -1);
}

/* The folder of the configuration file, and the usual one. */
static int
open_one(struct child *c, const char *path, bool *ret_missing, struct str *error)
{
	char folder[OPTION_PATH_MAX];
	const char *roots[] = { "/etc/isakmpd", folder };
	char *slash;

	text_copy(folder, sizeof(folder), c->m->options.config);
	slash = strrchr(folder, '/');
	if (slash == NULL)
		text_copy(folder, sizeof(folder), ".");
	else
		slash[slash == folder] = '\0';
	return files_open_below(path, roots, COUNT(roots),
	    grant_of(c->role, c->files.kind)->rule, ret_missing, error);
}

static void
send_one(struct child *c, const char *name, int fd)
{
	struct wr *w = monitor_body(c->m, c->role);

	wr_u8(w, c->files.kind);
	wr_view(w, view_str(name));
	if (!monitor_send(c->m, c->role, MSG_FILE, fd))
		monitor_log(c->m, LOG_KIND_ERROR, "%s/%s: no room to hand it to role %s",
		    c->files.path, name, role_name(c->role));
	close(fd);
}

/* Up to BATCH_FILES more; what cannot be given is logged and left out. */
static void
send_batch(struct child *c)
{
	struct files_request *f = &c->files;

	for (int i = 0; i < BATCH_FILES && f->next < f->list.n; i++) {
		const char *name = f->list.name[f->next++];
		char path[PATH_MAX];
		struct str s = str_of(path, sizeof(path));
		STR(error, 600);
		bool missing;

		str_addf(&s, "%s/%s", f->path, name);
		int fd = s.cut || strlen(name) > NAME_ROOM ? -1 : open_one(c, path, &missing, &error);
		if (fd >= 0)
			send_one(c, name, fd);
		else
			monitor_log(c->m, LOG_KIND_ERROR, "%s", error.len > 0 ? error.p :
			    "a file name is too long");
	}
	if (f->next == f->list.n) {
		end(c, FILES_ALL, "");
		return;
	}
	(void)monitor_body(c->m, c->role);
	(void)monitor_send(c->m, c->role, MSG_FILES_MORE, -1);
}

static void
single_file(struct child *c)
{
	STR(error, 600);
	bool missing = false;
	int fd = open_one(c, c->files.path, &missing, &error);

	if (fd >= 0)
		send_one(c, "", fd);
	end(c, fd >= 0 ? FILES_ALL : missing ? FILES_MISSING : FILES_REFUSED,
	    fd >= 0 ? "" : error.p);
}

/* The names below the path that are wanted; false with result and reason. */
static bool
list_names(struct files_request *f, enum files_result *ret_result, struct str *error)
{
	static const char *const below[] = { "ipv4/", "ipv6/", "fqdn/", "ufqdn/", "key_id/",
	    "asn1_dn/" };
	bool missing = false, any = false;

	if (f->kind != FILES_PUBKEYS) {
		bool ok = files_list(f->path, "", &f->list, &missing, error);
		*ret_result = missing ? FILES_MISSING : FILES_REFUSED;
		return ok;
	}
	for (size_t i = 0; i < COUNT(below); i++) {
		char path[PATH_MAX];
		struct str s = str_of(path, sizeof(path));
		STR(why, 600);

		str_addf(&s, "%s/%s", f->path, below[i]);
		if (files_list(path, below[i], &f->list, &missing, &why)) {
			any = true;
		} else if (!missing) {
			str_add(error, why.p);
			*ret_result = FILES_REFUSED;
			return false;
		}
	}
	if (!any)
		str_addf(error, "%s: no ipv4/, ipv6/, fqdn/, ufqdn/, key_id/ or asn1_dn/ there", f->path);
	*ret_result = FILES_MISSING;
	return any;
}

bool
monitor_files_wanted(struct child *c, struct rd *r)
{
	struct files_request *f = &c->files;
	uint8_t kind = rd_u8(r);
	struct view path = rd_rest(r);
	enum files_result result = FILES_REFUSED;
	STR(error, 600);

	if (f->path != NULL || grant_of(c->role, kind) == NULL || path.n == 0 ||
	    memchr(path.p, '\0', path.n) != NULL)
		return false;
	f->kind = kind;
	f->path = strndup((const char *)path.p, path.n);
	if (f->path == NULL)
		end(c, FILES_REFUSED, "out of memory");
	else if (kind == FILES_PRIVATE_KEY)
		single_file(c);
	else if (!list_names(f, &result, &error))
		end(c, result, error.p);
	else
		send_batch(c);
	return true;
}

bool
monitor_files_next(struct child *c)
{
	if (c->files.path == NULL)
		return false;
	send_batch(c);
	return true;
}
