#include "role/keys_conf.h"

#include "conf/store.h"

bool
psk_is_weak(struct view octets)
{
	return octets.n < PSK_OCTETS_LEAST || psk_bits(octets) < PSK_BITS_LEAST;
}

static struct psk_note
judge(const struct keys_state *ks, const char *section, const char *value, struct secret *ret)
{
	struct psk_note n = { .section = section, .fault = psk_octets(value, ret) };

	if (n.fault == PSK_OK) {
		n.octets = ret->n;
		n.weak = psk_is_weak(secret_view(ret));
		n.mark = keys_state_mark(ks, section, secret_view(ret));
	}
	return n;
}

void
keys_conf_set(struct keys_state *ks, struct keys_keep *keep, const char *section,
    const char *value, struct psk_note *ret_note)
{
	struct secret key = { 0 };
	struct psk_note n = judge(ks, section, value, &key);

	if (!keys_state_psk_set(ks, section, secret_view(&key)) ||
	    !keys_keep_add(keep, ks, section, secret_view(&key))) {
		/* What was set before must not go on working. */
		(void)!keys_state_psk_set(ks, section, (struct view){ 0 });
		n = (struct psk_note){ .section = section, .fault = PSK_NO_MEMORY };
	}
	secret_done(&key);
	*ret_note = n;
}

struct reading {
	const struct keys_state	*ks;
	const struct store	*store;
	void			(*note)(void *, const struct psk_note *);
	void			*self;
	struct psk_log		*log;
	unsigned		 bad;
	bool			 no_room;
};

static bool
read_one(void *arg, const char *section, const char *text)
{
	struct reading *r = arg;
	struct secret key = { 0 };
	struct psk_note n = judge(r->ks, section, text, &key);
	struct value value = { 0 };

	if (store_get(r->store, section, "Authentication", &value))
		n.line = value.line;
	r->bad += n.fault != PSK_OK;
	if (n.fault == PSK_OK && !psk_log_add(r->log, section, secret_view(&key)))
		r->no_room = true;
	secret_done(&key);
	r->note(r->self, &n);
	return true;
}

bool
keys_conf_read(const struct keys_state *ks, struct view text,
    void (*note)(void *self, const struct psk_note *), void *self, struct psk_log *ret,
    struct str *why)
{
	struct store *store = store_new();
	struct problems problems = { 0 };
	struct reading r = { .ks = ks, .store = store, .note = note, .self = self, .log = ret };

	/* Whatever else is wrong with the file is for `ike` to say, which
	 * reads the same text without the secrets. */
	if (store == NULL || !store_load(store, text, &problems))
		str_add(why, "the file is too long, or there is no memory for it");
	else
		store_each_secret(store, read_one, &r);
	if (r.bad > 0)
		str_addf(why, "%u pre-shared key%s cannot be used", r.bad, r.bad == 1 ? "" : "s");
	else if (r.no_room)
		str_add(why, "too many pre-shared keys for the memory there is");
	problems_done(&problems);
	store_free(store);
	return why->len == 0;
}
