/*
 * Slips of the finger: a configuration with one changed character either
 * means what it meant before, or somebody is told.
 */
#include <ctype.h>

#include "unit/conf/loaded.h"

enum { MEANING_MAX = 32768, TEXT_MAX = 16384 };

static void
print_accept(struct str *s, const struct accept *a)
{
	str_addf(s, " %d/%d/%u,%u:%u", a->present, a->any, (unsigned)a->offer, (unsigned)a->least,
	    (unsigned)a->most);
}

static void
print_peer(struct str *s, const struct peer *p)
{
	str_addf(s, "peer %d %u %d %d %d %u %d %d %d ", p->is_default, p->port, p->exchange,
	    p->has_psk, p->any_id, (unsigned)p->dpd_interval, p->force_encap, p->nat_t, p->allow_weak);
	addr_print(s, &p->address);
	str_char(s, ' ');
	addr_print(s, &p->local_address);
	str_char(s, ' ');
	id_print(s, &p->own_id);
	str_char(s, ' ');
	id_print(s, &p->remote_id);
	for (size_t i = 0; i < p->n_transforms; i++) {
		const struct p1_transform *t = &p->transforms[i];

		str_addf(s, "\n transform %d %d %d %d", t->cipher, t->hash, t->auth, t->group);
		print_accept(s, &t->key_bits);
		print_accept(s, &t->life_secs);
		print_accept(s, &t->life_kb);
	}
	str_char(s, '\n');
}

static void
print_protocol(struct str *s, const struct p2_protocol *p)
{
	str_addf(s, "\n protocol %d %u", p->protocol, (unsigned)p->replay_window);
	for (size_t i = 0; i < p->n_transforms; i++) {
		const struct p2_transform *t = &p->transforms[i];

		str_addf(s, " transform %d %d %d %d", t->transform_id, t->auth, t->mode, t->group);
		print_accept(s, &t->key_bits);
		print_accept(s, &t->life_secs);
		print_accept(s, &t->life_kb);
	}
}

static void
print_connection(struct str *s, const struct connection *c)
{
	str_addf(s, "connection %u %d %d ", (unsigned)c->peer->index, c->active, c->passive);
	id_print(s, &c->local_id);
	str_char(s, ' ');
	id_print(s, &c->remote_id);
	str_char(s, ' ');
	id_print(s, &c->nat_id);
	for (size_t i = 0; i < c->n_suites; i++)
		for (size_t k = 0; k < c->suites[i].n_protocols; k++)
			print_protocol(s, &c->suites[i].protocols[k]);
	str_char(s, '\n');
}

static void
print_meaning(struct str *s, const struct snapshot *n)
{
	str_addf(s, "general %u %u %u %u %u %u %u %d %d %d %d %zu %s\n", (unsigned)n->retransmits,
	    (unsigned)n->exchange_max, (unsigned)n->check_interval, (unsigned)n->nat_keepalive,
	    (unsigned)n->half_open_source, (unsigned)n->half_open_total,
	    (unsigned)n->first_retransmit_ms, n->acquire_only, n->delete_sas, n->renegotiate_on_hup,
	    n->use_keynote, n->n_listen_on, n->kernel_backend);
	for (const char *p = n->acquire_suites; *p != '\0'; p++)
		str_char(s, (char)tolower((unsigned char)*p));
	str_char(s, '\n');
	for (size_t i = 0; i < n->n_peers; i++)
		print_peer(s, &n->peers[i]);
	for (size_t i = 0; i < n->n_phase1; i++) {
		range_print(s, &n->phase1[i].net);
		str_addf(s, " %u\n", (unsigned)n->phase1[i].peer->index);
	}
	for (size_t i = 0; i < n->n_connections; i++)
		print_connection(s, &n->connections[i]);
	assert_false(s->cut);
}

static const char original[] =
    "[General]\nRetransmits= 4\nUse-Keynote= no\nDelete-SAs= no\nKernel-backend= user\n"
    "DPD-check-interval= 20\nDefault-phase-2-suites= QM-ESP-AES-256-SHA2-256-PFS-GRP19-SUITE\n"
    "[Phase 1]\n192.0.2.2= peer-b\nDefault= nobody\n"
    "[nobody]\nPhase= 1\nConfiguration= refuse-all\n[refuse-all]\nEXCHANGE_TYPE= ID_PROT\n"
    "[Phase 2]\nConnections= first,second\nPassive-connections= third\n"
    "[peer-b]\nPhase= 1\nTransport= udp\nAddress= 192.0.2.2\nConfiguration= main\n"
    "Authentication= 0x6f5c2a1e0d9b48c7a3f1e2d4c5b6a798\nID= our-id\nRemote-ID= their-id\n"
    "Force-encapsulation= yes\nDPD-check-interval= 15\n"
    "[our-id]\nID-type= FQDN\nName= a.example.net\n"
    "[their-id]\nID-type= USER_FQDN\nName= ada@example.net\n"
    "[main]\nDOI= IPSEC\nEXCHANGE_TYPE= ID_PROT\nTransforms= AES-256-SHA2-256-GRP19,own\n"
    "[own]\nENCRYPTION_ALGORITHM= AES_CBC\nKEY_LENGTH= 256,192:256\nHASH_ALGORITHM= SHA2_384\n"
    "AUTHENTICATION_METHOD= PRE_SHARED\nGROUP_DESCRIPTION= ECP_384\nLife= hours,volume\n"
    "[hours]\nLIFE_TYPE= SECONDS\nLIFE_DURATION= 7200,600:28800\n"
    "[volume]\nLIFE_TYPE= KILOBYTES\nLIFE_DURATION= 100000,1000:200000\n"
    "[first]\nPhase= 2\nISAKMP-peer= peer-b\nConfiguration= quick\nLocal-ID= lan-one\n"
    "Remote-ID= lan-two\nNAT-ID= hidden\n"
    "[second]\nPhase= 2\nISAKMP-peer= peer-b\nConfiguration= quick\nLocal-ID= host-one\n"
    "Remote-ID= host-two\nFlags= Active-only\n"
    "[third]\nPhase= 2\nISAKMP-peer= peer-b\nConfiguration= quick\nLocal-ID= lan-three\n"
    "[quick]\nEXCHANGE_TYPE= QUICK_MODE\nSuites= QM-ESP-AESGCM-256-PFS-GRP20-SUITE,written\n"
    "[written]\nProtocols= esp\n[esp]\nPROTOCOL_ID= IPSEC_ESP\nReplayWindow= 128\nTransforms= aes\n"
    "[aes]\nTRANSFORM_ID= AES\nENCAPSULATION_MODE= TUNNEL\nAUTHENTICATION_ALGORITHM= HMAC_SHA2_256\n"
    "GROUP_DESCRIPTION= ECP_384\nKEY_LENGTH= 256\nLife= LIFE_QUICK_MODE\n"
    "[lan-one]\nID-type= IPV4_ADDR_SUBNET\nNetwork= 10.1.0.0\nNetmask= 255.255.255.0\n"
    "[lan-two]\nID-type= IPV4_ADDR_SUBNET\nNetwork= 10.2.0.0\nNetmask= 255.255.255.0\n"
    "[lan-three]\nID-type= IPV4_ADDR_SUBNET\nNetwork= 10.3.0.0\nNetmask= 255.255.255.0\n"
    "[hidden]\nID-type= IPV4_ADDR\nAddress= 192.0.2.1\n"
    "[host-one]\nID-type= IPV4_ADDR\nAddress= 10.1.0.5\nProtocol= tcp\n"
    "[host-two]\nID-type= IPV4_ADDR\nAddress= 10.2.0.5\nProtocol= tcp\nPort= postgresql\n";

/* Values that mean themselves: another address, number or name is as good as the first. */
static bool
literal(const char *line)
{
	static const char *const tags[] = {
		"Retransmits", "DPD-check-interval", "Authentication=", "Name", "KEY_LENGTH",
		"LIFE_DURATION", "ReplayWindow", "Network", "Netmask", "Address", "Port",
	};

	for (size_t i = 0; i < COUNT(tags); i++)
		if (strncmp(line, tags[i], strlen(tags[i])) == 0)
			return true;
	return false;
}

enum slip { DROP, DOUBLE, SWAP, OTHER, BLANK, CASE, SLIPS };

/* The text with one slip at `at`; false if that changes nothing. */
static bool
slip(enum slip kind, size_t at, char *room)
{
	char c = original[at], next = original[at + 1];
	struct str s = str_of(room, TEXT_MAX);

	for (size_t i = 0; i < at; i++)
		str_char(&s, original[i]);
	switch (kind) {
	case DROP:
		break;
	case DOUBLE:
		str_char(&s, c);
		str_char(&s, c);
		break;
	case SWAP:
		if (c == next || next == '\n')
			return false;
		str_char(&s, next);
		str_char(&s, c);
		at++;
		break;
	case OTHER:
		str_char(&s, isdigit((unsigned char)c) ? 'x' : c == 'q' ? 'w' : 'q');
		break;
	case BLANK:
		str_char(&s, c);
		str_char(&s, ' ');
		break;
	case CASE:
		if (!isalpha((unsigned char)c))
			return false;
		str_char(&s, (char)(c ^ 0x20));
		break;
	case SLIPS:
		return false;
	}
	str_add(&s, original + at + 1);
	return true;
}

static void
no_slip_changes_the_meaning_in_silence(void **state)
{
	static char before[MEANING_MAX], after[MEANING_MAX], text[TEXT_MAX];
	struct str one = str_of(before, sizeof(before));
	struct loaded l = load(original);
	const char *line = original;
	unsigned tried = 0, silent = 0, wrong = 0;

	(void)state;
	print_problems(&l.problems);
	assert_non_null(l.snapshot);
	assert_int_equal(l.problems.n, 0);
	print_meaning(&one, l.snapshot);
	loaded_done(&l);
	for (size_t at = 0; original[at] != '\0'; at++) {
		if (original[at] == '\n') {
			line = original + at + 1;
			continue;
		}
		/* Past the tag of a literal there is nothing to compare. */
		if (literal(line) && memchr(line, '=', (size_t)(original + at - line)) != NULL)
			continue;
		for (enum slip kind = 0; kind < SLIPS; kind++) {
			struct str two = str_of(after, sizeof(after));

			if (!slip(kind, at, text))
				continue;
			tried++;
			l = load(text);
			if (l.problems.n == 0) {
				silent++;
				print_meaning(&two, l.snapshot);
				if (strcmp(before, after) != 0) {
					print_message("silent: slip %d at %zu: %.40s\n", kind, at,
					    original + at);
					wrong++;
				}
			}
			loaded_done(&l);
		}
	}
	print_message("%u slips, %u without effect\n", tried, silent);
	assert_true(tried > 200);
	assert_int_equal(wrong, 0);
}

static void
a_line_that_is_lost_or_doubled_is_noticed(void **state)
{
	static char before[MEANING_MAX], after[MEANING_MAX], text[TEXT_MAX];
	/* Optional tags: without them the file means something else, and may. */
	static const char *const optional[] = {
		"Retransmits", "Delete-SAs", "Kernel-backend", "DPD-", "Default-phase-2-suites", "Default=",
		"Use-Keynote", "ID=", "Remote-ID", "Force-", "KEY_LENGTH", "Life=", "NAT-ID", "Flags",
		"ReplayWindow", "Protocol=", "Port", "Passive-connections", "Transforms",
		"AUTHENTICATION_ALGORITHM", "GROUP_DESCRIPTION", "Connections",
	};
	struct str one = str_of(before, sizeof(before));
	struct loaded l = load(original);

	(void)state;
	print_meaning(&one, l.snapshot);
	loaded_done(&l);
	for (const char *line = original; *line != '\0'; line = strchr(line, '\n') + 1) {
		size_t n = (size_t)(strchr(line, '\n') + 1 - line);

		for (int twice = 0; twice < 2; twice++) {
			struct str s = str_of(text, sizeof(text)), two = str_of(after, sizeof(after));
			bool may = false;

			for (const char *p = original; p < line + (twice ? n : 0); p++)
				str_char(&s, *p);
			str_add(&s, twice ? line : line + n);
			l = load(text);
			for (size_t i = 0; i < COUNT(optional); i++)
				may |= !twice && strncmp(line, optional[i], strlen(optional[i])) == 0;
			if (l.problems.n == 0 && !may) {
				print_meaning(&two, l.snapshot);
				if (strcmp(before, after) != 0)
					fail_msg("%s in silence: %.*s", twice ? "doubled" : "lost", (int)n, line);
			}
			loaded_done(&l);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_slip_changes_the_meaning_in_silence),
		cmocka_unit_test(a_line_that_is_lost_or_doubled_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
