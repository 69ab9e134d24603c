/*
 * Damaged configurations: every line of every example in etc/ and of a full
 * sample, changed in every way of a list, one change at a time, then judged as
 * `isakmpd --check` does.  A mutant is *accepted in silence* if it loads, means
 * something else than the true text, and brings no problem that the true text
 * does not have.  That is a failure, unless the changed value is by itself a
 * valid one: numbers, addresses, names and constants are recognised here from
 * RFCs and isakmpd.conf(5), without the code under test.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <regex.h>

#include "unit/conf/meaning.h"

enum mutation {
	CHANGED, DROPPED, DOUBLED, SWAPPED, DIGIT, TRUNCATED, GARBAGE, TAG_MISSPELT, TAG_CUT, HEADER_CUT,
	HEADER_MISSPELT, NO_EQUALS, MUTATIONS
};

static const char *const mutation_names[MUTATIONS] = {
	"character changed", "character dropped", "character doubled", "characters swapped",
	"digit changed", "value truncated", "value replaced by garbage", "tag misspelt", "tag cut",
	"header cut", "header misspelt", "equals sign lost",
};

struct line {
	const char	*p;
	size_t		 n, value;	/* where the value begins; n: there is none */
	unsigned	 number;
};

struct score { unsigned tried, refused, warned, at_line, same, valid, silent; };

/* ---- what is valid by itself ---- */

static bool
matches(const char *pattern, const char *text)
{
	regex_t r;

	assert_int_equal(regcomp(&r, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB), 0);
	bool yes = regexec(&r, text, 0, NULL, 0) == 0;
	regfree(&r);
	return yes;
}

static bool
is_address(const char *text)
{
	uint8_t room[16];
	char host[80];

	(void)snprintf(host, sizeof(host), "%.*s", (int)strcspn(text, "/"), text);
	return inet_pton(AF_INET, host, room) == 1 || inet_pton(AF_INET6, host, room) == 1;
}

/* RFC 2409 and isakmpd.conf(5): each pattern is the whole value. */
static const struct { const char *tag, *valid; } values[] = {
	{ "Authentication", ".+" },			/* a key is any text */
	{ "Name", "[^ ]+" },				/* a name is any word */
	{ "Retransmits|DPD-check-interval|NAT-T-Keepalive|Check-interval|Exchange-max-time|Port|"
	  "ReplayWindow|Half-open-.*|Capture-size", "[0-9]+" },
	{ "KEY_LENGTH", "(128|192|256)(,(128|192|256):(128|192|256))?" },
	{ "LIFE_DURATION|Default-phase-[12]-lifetime", "[0-9]+(,[0-9]+:[0-9]+)?" },
	{ "LIFE_TYPE", "SECONDS|KILOBYTES" },
	{ "Transforms", "((3DES|AES|AES-(128|192|256))-(SHA|SHA2-(256|384|512))(-GRP(1|2|5|1[4-9]|2[0-9]|3[01]))?"
	  "|[a-z0-9-]+)(, *((3DES|AES|AES-(128|192|256))-(SHA|SHA2-(256|384|512))(-GRP(1|2|5|1[4-9]|2[0-9]|3[01]))?"
	  "|[a-z0-9-]+))*" },
	{ "Suites|Default-phase-2-suites", "(QM-ESP(-TRP)?-(3DES|AES(-(128|192|256))?|AESCTR(-(128|192|256))?|"
	  "AESGCM(-(128|192|256))?|AESGMAC(-(128|192|256))?|NULL)(-(SHA|SHA2-(256|384|512)))?(-PFS(-GRP(1|2|5|1[4-9]|2[0-9]|3[01]))?)?"
	  "-SUITE|[a-z0-9-]+)(, *(QM-ESP(-TRP)?-[A-Z0-9-]+-SUITE|[a-z0-9-]+))*(,\\\\)?" },
	{ "HASH_ALGORITHM", "SHA|SHA2_(256|384|512)" },
	{ "GROUP_DESCRIPTION", "MODP_(1024|1536|2048|3072|4096|6144|8192)|ECP_(192|224|256|384|521)|X25519" },
	{ "ENCRYPTION_ALGORITHM", "AES_CBC|3DES_CBC" },
	{ "AUTHENTICATION_ALGORITHM", "HMAC_SHA|HMAC_SHA2_(256|384|512)" },
	{ "TRANSFORM_ID", "AES|AES_CTR|AES_GCM_16|AES_GMAC|3DES|NULL" },
	{ "ENCAPSULATION_MODE", "TUNNEL|TRANSPORT" },
	{ "Use-Keynote|Delete-SAs|Force-encapsulation|NAT-T|Allow-weak|Acquire-Only|Renegotiate-on-HUP|Allow-any-ID",
	  "yes|no" },
	{ "Kernel-backend", "auto|xfrm|pfkey|user|none" },
	{ "Protocol", "[0-9]+|tcp|udp|icmp|esp|gre|ip(ip|v6)?" },
	{ "ID-type", "IPV[46]_ADDR(_SUBNET)?|FQDN|USER_FQDN|KEY_ID" },
	{ "Network|(First-|Last-)?Address|Local-address|Listen-on", NULL },	/* addresses */
	{ "Netmask", NULL },
};

/* Is the mutant's line one that somebody could have meant? */
static bool
valid_by_itself(enum mutation m, const char *line)
{
	char tag[200], value[1000], whole[2000];
	const char *eq = strchr(line, '=');

	if (eq == NULL)
		return false;
	(void)snprintf(tag, sizeof(tag), "%.*s", (int)(eq - line), line);
	for (size_t n = strlen(tag); n > 0 && (tag[n - 1] == ' ' || tag[n - 1] == '\t'); n--)
		tag[n - 1] = '\0';
	eq += 1 + strspn(eq + 1, " \t");
	(void)snprintf(value, sizeof(value), "%s", eq);
	for (size_t n = strlen(value); n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--)
		value[n - 1] = '\0';
	if (is_address(tag))		/* [Phase 1]: another peer address */
		return true;
	if (m == TAG_CUT && matches("^Connections$", tag))	/* what is left of Passive-connections */
		return true;
	for (size_t i = 0; i < COUNT(values); i++) {
		(void)snprintf(whole, sizeof(whole), "^(%s)$", values[i].tag);
		if (!matches(whole, tag))
			continue;
		if (values[i].valid == NULL)
			return is_address(value);
		(void)snprintf(whole, sizeof(whole), "^(%s)$", values[i].valid);
		return matches(whole, value);
	}
	return false;
}

/* ---- mutating ---- */

static void
add(struct str *s, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_char(s, p[i]);
}

static char
other(char c)
{
	return isdigit((unsigned char)c) ? (char)(c == '9' ? '1' : c + 1) : c == 'q' ? 'w' : 'q';
}

/* The line with the mutation at `at`; false where there is nothing to mutate. */
static bool
mutate(const struct line *l, enum mutation m, size_t at, struct str *s)
{
	const char *p = l->p;
	bool header = *p == '[', binding = l->value < l->n;
	size_t tag = binding ? l->value - 1 : 0;	/* octets before the sign */

	switch (m) {
	case CHANGED:
		add(s, p, at);
		str_char(s, p[at] == ' ' ? 'q' : other(p[at]));
		add(s, p + at + 1, l->n - at - 1);
		return true;
	case DROPPED:
		add(s, p, at);
		add(s, p + at + 1, l->n - at - 1);
		return true;
	case DOUBLED:
		add(s, p, at + 1);
		add(s, p + at, l->n - at);
		return true;
	case SWAPPED:
		if (at + 1 >= l->n || p[at] == p[at + 1])
			return false;
		add(s, p, at);
		str_char(s, p[at + 1]);
		str_char(s, p[at]);
		add(s, p + at + 2, l->n - at - 2);
		return true;
	case DIGIT:
		if (!isdigit((unsigned char)p[at]))
			return false;
		add(s, p, at);
		str_char(s, p[at] == '0' ? '7' : '0');
		add(s, p + at + 1, l->n - at - 1);
		return true;
	case TRUNCATED:
		if (!binding || at <= l->value)
			return false;
		add(s, p, at);
		return true;
	case GARBAGE:
		if (!binding || at != l->value)
			return false;
		add(s, p, l->value);
		str_add(s, "zzgarbagezz");
		return true;
	case TAG_MISSPELT:
		if (!binding || at >= tag)
			return false;
		add(s, p, at);
		str_char(s, 'z');
		add(s, p + at, l->n - at);
		return true;
	case TAG_CUT:
		if (!binding || at == 0 || at >= tag)
			return false;
		add(s, p + at, l->n - at);
		return true;
	case HEADER_CUT:
		if (!header || at == 0)
			return false;
		add(s, p, at);
		return true;
	case HEADER_MISSPELT:
		if (!header || at == 0 || at + 1 >= l->n)
			return false;
		add(s, p, at);
		str_char(s, 'z');
		add(s, p + at, l->n - at);
		return true;
	case NO_EQUALS:
		if (!binding || at != 0)
			return false;
		add(s, p, tag);
		str_char(s, ' ');
		add(s, p + l->value, l->n - l->value);
		return true;
	case MUTATIONS:
		break;
	}
	return false;
}

/* ---- judging ---- */

struct truth {
	const char	*name, *text;
	struct loaded	 loaded;
	char		 meaning[MEANING_MAX];
};

static bool
is_old(const struct problems *before, const struct problem *p)
{
	for (size_t i = 0; i < before->n; i++)
		if (before->v[i].line == p->line && strcmp(before->v[i].text, p->text) == 0)
			return true;
	return false;
}

static void
judge(const struct truth *t, const struct line *l, enum mutation m, const char *changed,
    const char *text, struct score *score)
{
	static char after[MEANING_MAX];
	struct str two = str_of(after, sizeof(after));
	struct loaded mutant = load(text);
	bool told = false, here = false;

	score->tried++;
	for (size_t i = 0; i < mutant.problems.n; i++) {
		const struct problem *p = &mutant.problems.v[i];

		if (is_old(&t->loaded.problems, p))
			continue;
		told = true;
		here |= p->line == l->number;
	}
	if (mutant.snapshot == NULL || mutant.problems.errors > 0) {
		score->refused++;
		assert_true(told);
	} else if (told) {
		score->warned++;
		score->at_line += here;
	} else {
		print_meaning(&two, mutant.snapshot);
		if (strcmp(t->meaning, after) == 0) {
			score->same++;
		} else if (valid_by_itself(m, changed)) {
			score->valid++;
		} else {
			score->silent++;
			print_message("silent: %s:%u: %s: \"%.*s\" became \"%s\"\n", t->name, l->number,
			    mutation_names[m], (int)l->n, l->p, changed);
		}
	}
	loaded_done(&mutant);
}

static void
each_mutant_of(const struct truth *t, const struct line *l, struct score *score)
{
	static char text[4 * TEXT_MAX];
	char changed[2000];

	for (enum mutation m = 0; m < MUTATIONS; m++)
		for (size_t at = 0; at < l->n; at++) {
			struct str s = str_of(changed, sizeof(changed)), whole = str_of(text, sizeof(text));

			/* Every seventh place will do, but not of those that have one. */
			if (m != GARBAGE && m != NO_EQUALS && (at + l->number + (unsigned)m) % 7 != 0)
				continue;
			if (!mutate(l, m, at, &s))
				continue;
			add(&whole, t->text, (size_t)(l->p - t->text));
			str_add(&whole, changed);
			str_add(&whole, l->p + l->n);
			assert_false(whole.cut || s.cut);
			judge(t, l, m, changed, text, score);
		}
}

static void
mutants_of(const char *name, const char *text, struct score *score)
{
	static struct truth t;
	struct str s = str_of(t.meaning, sizeof(t.meaning));
	unsigned number = 0;

	t.name = name;
	t.text = text;
	t.loaded = load(text);
	assert_non_null(t.loaded.snapshot);
	print_meaning(&s, t.loaded.snapshot);
	for (const char *p = text; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n') {
		struct line l = { .p = p, .n = strcspn(p, "\n"), .number = ++number };
		const char *eq = memchr(p, '=', l.n);

		if (l.n == 0 || strchr("# \t;", *p) != NULL)
			continue;
		l.value = eq == NULL || *p == '[' ? l.n : (size_t)(eq - p) + 1;
		each_mutant_of(&t, &l, score);
	}
	loaded_done(&t.loaded);
}

static void
mutants_of_file(const char *path, struct score *score)
{
	static char text[TEXT_MAX];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	mutants_of(strrchr(path, '/') + 1, text, score);
}

static void
mutants_of_directory(const char *dir, struct score *score)
{
	DIR *d = opendir(dir);

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		size_t n = strlen(e->d_name);
		char path[1000];

		if (n < 5 || strcmp(e->d_name + n - 5, ".conf") != 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		mutants_of_file(path, score);
	}
	closedir(d);
}

static void
no_mutant_is_accepted_in_silence(void **state)
{
	struct score s = { 0 };

	(void)state;
	mutants_of("full sample", full_sample, &s);
	mutants_of_file(SOURCE_DIR "/etc/isakmpd.conf.sample", &s);
	mutants_of_directory(SOURCE_DIR "/etc/site-to-site", &s);
	mutants_of_directory(SOURCE_DIR "/etc/examples", &s);
	print_message("%u mutants: %u refused, %u warned of (%u at their line), %u mean the same, "
	    "%u are valid, %u accepted in silence\n", s.tried, s.refused, s.warned, s.at_line, s.same,
	    s.valid, s.silent);
	assert_true(s.tried >= 200);
	assert_int_equal(s.silent, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_mutant_is_accepted_in_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
