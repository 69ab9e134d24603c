/* [General] (isakmpd-conf.md 4.1) and our own tags there. */
#include <stdlib.h>

#include "conf/build.h"

static void
log_levels(struct build *b)
{
	struct list_walk walk = { 0 };
	struct value v;
	struct view member;

	for (size_t i = 0; i < LOG_CLASSES; i++)
		b->snap->log_level[i] = -1;
	b->snap->log_verbose = get_flag(b, "General", "Logverbose");
	if (!get(b, "General", "Loglevel", &v))
		return;
	for (walk.text = v.text; list_next(&walk, &member);) {
		char text[24] = "", *end = text;
		long class = -1, level = -1;

		if (member.n < sizeof(text))
			memcpy(text, member.p, member.n);
		if (text[0] == 'A') {
			class = LOG_CLASSES;
			end = text + 1;
		} else if (text[0] >= '0' && text[0] <= '9') {
			class = strtol(text, &end, 10);
		}
		if (*end == '=' && end[1] >= '0' && end[1] <= '9')
			level = strtol(end + 1, &end, 10);
		if (*end != '\0' || class < 0 || class > LOG_CLASSES || level < 0 || level > 99 ||
		    (class == LOG_CLASSES && text[0] != 'A')) {
			SHOW(shown, member);
			complain(b, PROBLEM_WARNING, ref_member(b, "General", "Loglevel", &v, member),
			    "class=level with classes 0 to 10 or A and levels 0 to 99",
			    "init: invalid logging class or level: %s", shown.p);
			continue;
		}
		for (long i = 0; i < LOG_CLASSES; i++)
			if (class == LOG_CLASSES || class == i)
				b->snap->log_level[i] = (int16_t)level;
	}
}

/* A string that begins with yes or no; `fallback` says what the rest means. */
static bool
yes_or_no(struct build *b, const char *tag, bool fallback)
{
	struct value v;

	if (!get(b, "General", tag, &v))
		return fallback;
	bool yes = strncmp(v.text, "yes", 3) == 0, no = strncmp(v.text, "no", 2) == 0;
	if (!yes && !no) {
		SHOW(shown, view_str(v.text));
		complain(b, PROBLEM_WARNING, ref_value("General", tag, &v), "write yes or no",
		    "\"%s\" counts as %s", shown.p, fallback ? "yes" : "no");
		return fallback;
	}
	return yes;
}

static bool
listen_add(struct build *b, const struct addr *a)
{
	struct snapshot *s = b->snap;

	for (size_t i = 0; i < s->n_listen_on; i++)
		if (addr_equal(&s->listen_on[i], a))
			return true;
	if (s->n_listen_on >= LISTEN_MAX)
		return false;
	s->listen_on[s->n_listen_on++] = *a;
	return true;
}

/* An address, or an interface with all its addresses of both families. */
static bool
listen_member(struct build *b, const char *text)
{
	static const enum family families[] = { FAMILY_IP4, FAMILY_IP6 };
	struct conf_interface_address v[64];
	struct addr a;
	bool found = false;

	if (addr_parse(text, &a))
		return listen_add(b, &a);
	for (size_t f = 0; f < COUNT(families) && b->env->addresses != NULL; f++) {
		size_t n = b->env->addresses(b->env->self, text, families[f], v, COUNT(v));

		for (size_t i = 0; i < n && i < COUNT(v); i++)
			if (v[i].addr.family == families[f] && listen_add(b, &v[i].addr))
				found = true;
	}
	return found;
}

static void
listen_on(struct build *b)
{
	struct list_walk walk = { 0 };
	struct value v;
	struct view member;

	b->snap->listen_all = true;
	if (!get(b, "General", "Listen-on", &v))
		return;
	b->snap->listen_all = false;
	b->snap->listen_on = keep_room(b, LISTEN_MAX, sizeof(struct addr));
	if (b->snap->listen_on == NULL)
		return;
	for (walk.text = v.text; list_next(&walk, &member);) {
		char text[80] = "";

		if (member.n < sizeof(text))
			memcpy(text, member.p, member.n);
		if (text[0] != '\0' && listen_member(b, text))
			continue;
		SHOW(shown, member);
		complain(b, PROBLEM_WARNING, ref_member(b, "General", "Listen-on", &v, member), "",
		    "\"%s\" is neither an address nor an interface of this machine", shown.p);
	}
	if (b->snap->n_listen_on == 0)
		complain(b, PROBLEM_ERROR, ref_value("General", "Listen-on", &v),
		    "remove the tag to listen everywhere", "nothing to listen on");
}

static void
backend(struct build *b)
{
	static const char *const names[] = { "auto", "xfrm", "pfkey", "user", "none" };
	struct value v;

	b->snap->kernel_backend = "auto";
	if (!get(b, "General", "Kernel-backend", &v))
		return;
	for (size_t i = 0; i < COUNT(names); i++)
		if (text_same(names[i], v.text)) {
			b->snap->kernel_backend = names[i];
			return;
		}
	SHOW(shown, view_str(v.text));
	STR(advice, 160);
	suggest_of(b, view_str(v.text), names, COUNT(names), &advice);
	complain(b, PROBLEM_ERROR, ref_value("General", "Kernel-backend", &v),
	    advice.len > 0 ? advice.p : "auto, xfrm, pfkey, user or none",
	    "there is no back end \"%s\"", shown.p);
}

static void
key_log(struct build *b)
{
	static const char below[] = "/var/run/";
	struct value v;

	if (!get(b, "General", "Key-log", &v))
		return;
	struct ref ref = ref_value("General", "Key-log", &v);
	if (strncmp(v.text, below, sizeof(below) - 1) != 0 || v.text[sizeof(below) - 1] == '\0' ||
	    strstr(v.text, "..") != NULL) {
		complain(b, PROBLEM_ERROR, ref, "a path below /var/run/",
		    "the key file must lie below /var/run/");
		return;
	}
	complain(b, PROBLEM_WARNING, ref, "for debugging only",
	    "SESSION KEYS ARE WRITTEN TO A FILE: who reads it can decrypt everything");
	b->snap->key_log = keep_text(b, v.text);
}

static void
general_unavailable(struct build *b)
{
	static const char *const sections[] = { "KeyNote" };
	static const char *const tags[] = { "Policy-file" };
	struct value v;

	for (size_t i = 0; i < COUNT(tags); i++)
		if (get(b, "General", tags[i], &v) && !v.built_in)
			complain(b, PROBLEM_WARNING, ref_value("General", tags[i], &v), "",
			    "no effect: not available in this version");

	for (size_t i = 0; i < COUNT(sections); i++) {
		struct sect *s = section_mark(b, view_str(sections[i]), KIND_KEYNOTE);

		if (s != NULL && s->line != 0)
			complain(b, PROBLEM_WARNING, ref_section(b, s->name), "",
			    "no effect: not available in this version");
	}
}

/*
 * Two daemons on one SADB (isakmpd.md 10.2): neither knows which sequence
 * numbers the other has seen.
 */
static void
shared_sadb(struct build *b)
{
	struct snapshot *s = b->snap;
	struct value v;

	s->shared_sadb = get_flag(b, "General", "Shared-SADB");
	if (!s->shared_sadb || !get(b, "General", "Shared-SADB", &v))
		return;
	struct ref ref = ref_value("General", "Shared-SADB", &v);
	complain(b, PROBLEM_WARNING, ref, "only for two daemons on one SADB; else remove the tag",
	    "replay protection is off: a packet that is sent again is accepted again");
	if (text_same(s->kernel_backend, "user") || text_same(s->kernel_backend, "none"))
		complain(b, PROBLEM_WARNING, ref, "Kernel-backend=xfrm",
		    "the back end %s shares its SAs with nobody", s->kernel_backend);
}

void
build_general(struct build *b)
{
	struct snapshot *s = b->snap;
	struct value v;

	(void)section_mark(b, view_str("General"), KIND_GENERAL);
	s->retransmits = get_number(b, "General", "Retransmits", 3, 0, 30);
	s->exchange_max = get_number(b, "General", "Exchange-max-time", 120, 1, 86400);
	s->check_interval = get_number(b, "General", "Check-interval", 60, 1, 86400);
	(void)get_number(b, "General", "DPD-check-interval", 30, 0, 86400);
	s->nat_keepalive = get_number(b, "General", "NAT-T-Keepalive", 20, 0, 86400);
	if (s->nat_keepalive < 1)
		s->nat_keepalive = 20;
	s->half_open_source = get_number(b, "General", "Half-open-per-source", 10, 1, 100000);
	s->half_open_source_line = line_of_tag(b, "General", "Half-open-per-source");
	s->half_open_total_line = line_of_tag(b, "General", "Half-open-total");
	s->half_open_total = get_number(b, "General", "Half-open-total", 1000, 1, 1000000);
	s->first_retransmit_ms = get_number(b, "General", "First-retransmit", 1000, 100, 60000);
	s->capture_kb = get_number(b, "General", "Capture-size", 65536, 1, 4 * 1024 * 1024);
	s->acquire_only = get_flag(b, "General", "Acquire-Only");
	s->renegotiate_on_hup = get_flag(b, "General", "Renegotiate-on-HUP");
	b->refuse_weak = get_yes(b, "General", "Refuse-weak", false);
	(void)get_yes(b, "General", "Trailing-comments", false);	/* conf/store.c heeds it */
	s->delete_sas = yes_or_no(b, "Delete-SAs", true);
	s->use_keynote = yes_or_no(b, "Use-Keynote", false);
	s->policy_file = get(b, "General", "Policy-file", &v) ? keep_text(b, v.text) : NULL;
	log_levels(b);
	listen_on(b);
	backend(b);
	shared_sadb(b);
	key_log(b);
	build_x509(b);
	build_key_files(b);
	general_unavailable(b);
	if (get(b, "General", "Default-phase-2-suites", &v)) {
		s->acquire_suites = keep_text(b, v.text);
		check_suites(b, "General", "Default-phase-2-suites");
		if (!v.built_in)
			complain(b, PROBLEM_WARNING, ref_value("General", "Default-phase-2-suites", &v),
			    "give the connection a Configuration",
			    "no effect: what the kernel asks for has to be a connection of this file");
	} else {
		s->acquire_suites = "QM-ESP-3DES-SHA-PFS-SUITE";
	}
	/* These become LIFE_DURATION of built-in sections: judged even if those are not used. */
	struct accept life;
	(void)get_accept(b, "General", "Default-phase-1-lifetime", &life);
	(void)get_accept(b, "General", "Default-phase-2-lifetime", &life);
	/* Sections that exist anyway may be changed without being referred to. */
	check_life(b, "LIFE_MAIN_MODE");
	check_life(b, "LIFE_QUICK_MODE");
	(void)section_mark(b, view_str("Default-phase-1"), KIND_PEER);
	(void)section_mark(b, view_str("Default-phase-1-configuration"), KIND_P1_CONFIG);
}
