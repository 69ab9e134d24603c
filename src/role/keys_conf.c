#include "role/keys_conf.h"

#include "conf/store.h"

bool
psk_is_weak(struct view octets)
{
	return octets.n < PSK_OCTETS_LEAST || psk_bits(octets) < PSK_BITS_LEAST;
}

static struct psk_note
judge(const char *section, const char *value, struct secret *ret)
{
	struct psk_note n = { .section = section, .fault = psk_octets(value, ret) };

	if (n.fault == PSK_OK) {
		n.octets = ret->n;
		n.weak = psk_is_weak(secret_view(ret));
	}
	return n;
}

void
keys_conf_set(struct keys_state *ks, const char *section, const char *value,
    struct psk_note *ret_note)
{
	struct secret key = { 0 };
	struct psk_note n = judge(section, value, &key);

	if (!keys_state_psk_set(ks, section, secret_view(&key))) {
		/* What was set before must not go on working. */
		(void)!keys_state_psk_set(ks, section, (struct view){ 0 });
		n = (struct psk_note){ .section = section, .fault = PSK_NO_MEMORY };
	}
	secret_done(&key);
	*ret_note = n;
}

struct load {
	struct keys_state	*ks;
	const struct store	*store;
	void			(*note)(void *, const struct psk_note *);
	void			*self;
	unsigned		 bad;
};

static bool
judge_one(void *arg, const char *section, const char *text)
{
	struct load *l = arg;
	struct secret key = { 0 };
	struct psk_note n = judge(section, text, &key);
	struct value value = { 0 };

	secret_done(&key);
	if (store_get(l->store, section, "Authentication", &value))
		n.line = value.line;
	l->bad += n.fault != PSK_OK;
	l->note(l->self, &n);
	return true;
}

static bool
set_one(void *arg, const char *section, const char *text)
{
	struct load *l = arg;
	struct psk_note n;

	keys_conf_set(l->ks, section, text, &n);
	l->bad += n.fault != PSK_OK;
	return true;
}

static bool
load_store(struct load *l, struct str *why)
{
	store_each_secret(l->store, judge_one, l);
	if (l->bad > 0) {
		str_addf(why, "%u pre-shared key%s cannot be used", l->bad, l->bad == 1 ? "" : "s");
		return false;
	}
	keys_state_psk_clear_all(l->ks);
	store_each_secret(l->store, set_one, l);
	if (l->bad > 0)
		str_add(why, "too many pre-shared keys for the memory there is");
	return l->bad == 0;
}

bool
keys_conf_load(struct keys_state *ks, struct view text,
    void (*note)(void *self, const struct psk_note *), void *self, struct str *why)
{
	struct store *store = store_new();
	struct problems problems = { 0 };
	struct load l = { .ks = ks, .store = store, .note = note, .self = self };
	bool ok = false;

	/* Whatever else is wrong with the file is for `ike` to say, which
	 * reads the same text without the secrets. */
	if (store == NULL || !store_load(store, text, &problems))
		str_add(why, "the file is too long, or there is no memory for it");
	else
		ok = load_store(&l, why);
	problems_done(&problems);
	store_free(store);
	return ok;
}
