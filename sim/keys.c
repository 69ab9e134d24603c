/* The keys role of a simulated host: its real state without its process. */
#include "role/keys_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "conf/redact.h"
#include "conf/store.h"
#include "role/keyring.h"
#include "sim/world.h"

struct keys_side {
	struct keys_state *state;
};

struct keys_side *
keys_side_new(void)
{
	struct keys_side *k = sim_alloc(sizeof(*k));

	k->state = keys_state_new();
	if (k->state == NULL)
		abort();
	return k;
}

void
keys_side_free(struct keys_side *k)
{
	if (k == NULL)
		return;
	keys_state_free(k->state);
	free(k);
}

static bool
take_psk(void *self, const char *section, const char *value)
{
	struct keys_side *k = self;
	struct secret octets = { 0 };

	if (psk_octets(value, &octets) == PSK_OK &&
	    !keys_state_psk_set(k->state, section, secret_view(&octets)))
		abort();
	secret_done(&octets);
	return true;
}

/* ---- key files: "#file private/local.key NAME", "#file pubkeys/fqdn/x NAME" ---- */

/* The file of that name among the keys for tests. */
static struct view
key_file(const char *name, char *room, size_t room_n)
{
	STR(path, 300);

	str_addf(&path, "%s/keys/%s", VECTORS, name);
	FILE *f = fopen(path.p, "r");
	if (f == NULL)
		return (struct view){ 0 };
	size_t n = fread(room, 1, room_n, f);
	fclose(f);
	return view_of(room, n);
}

static bool
take_file(struct keyring *ring, const char *where, const char *name)
{
	static const char private[] = "private/", public[] = "pubkeys/";
	char room[16384];
	struct view pem = key_file(name, room, sizeof(room));
	struct pubkey key;
	STR(why, 300);

	if (strncmp(where, private, strlen(private)) == 0) {
		const char *own = where + strlen(private);
		struct sign_key *k = sign_key_read(pem, &why);

		return k != NULL &&
		    keyring_add_private(ring, strcmp(own, "local.key") == 0 ? "" : own, k);
	}
	return strncmp(where, public, strlen(public)) == 0 &&
	    pubkey_read(pem, &key, &why) && keyring_add_file(ring, where + strlen(public), &key);
}

static bool
take_files(struct keyring *ring, const char *text)
{
	static const char mark[] = "#file ";
	bool ok = true;

	for (const char *at = text; ok && (at = strstr(at, mark)) != NULL; at++) {
		char where[200], name[100];

		ok = sscanf(at + strlen(mark), "%199s %99s", where, name) == 2 &&
		    take_file(ring, where, name);
		if (!ok)
			fprintf(stderr, "no key file %s\n", name);
	}
	return ok;
}

bool
keys_side_configure(struct keys_side *k, const char *text)
{
	struct problems list = { 0 };
	struct store *store = store_new();
	bool ok = store != NULL && store_load(store, view_str(text), &list);

	keys_state_psk_clear_all(k->state);
	if (ok)
		store_each_secret(store, take_psk, k);
	store_free(store);
	problems_done(&list);
	struct keyring *ring = keyring_new();
	if (ring == NULL)
		abort();
	ok = take_files(ring, text) && ok;
	keys_state_ring_set(k->state, ring);
	return ok;
}

bool
keys_side_ask(struct keys_side *k, const struct keys_ask *ask, struct keys_answer *ret)
{
	bool silent = keys_state_check(k->state, ask) == KEYS_STEP_SILENT;

	ret->verb = ask->verb;
	ret->token = ask->token;
	keys_state_ask(k->state, ask, ret);
	return !silent;
}

size_t
keys_side_count(const struct keys_side *k)
{
	return k == NULL ? 0 : keys_state_count(k->state);
}
