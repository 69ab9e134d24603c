#include "unit/conf/loaded.h"

/* A configuration without fault, in pieces that the tests change. */
#define GENERAL	"[General]\nUse-Keynote=no\n"
#define LISTS	"[Phase 1]\n192.0.2.2=peer-b\n[Phase 2]\nConnections=a-b\n"
#define KEY	"Authentication=0x6f5c2a1e0d9b48c7a3f1e2d4c5b6a798\n"
#define PEER	"[peer-b]\nPhase=1\nAddress=192.0.2.2\nConfiguration=mm\n" KEY
#define MM	"[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=AES-128-SHA2-256-GRP19\n"
#define CONN	"[a-b]\nPhase=2\nISAKMP-peer=peer-b\nConfiguration=qm\nLocal-ID=me\nRemote-ID=you\n"
#define QM	"[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-AES-128-SHA2-256-PFS-GRP19-SUITE\n"
#define ME	"[me]\nID-type=IPV4_ADDR_SUBNET\nNetwork=10.1.0.0\nNetmask=255.255.255.0\n"
#define YOU	"[you]\nID-type=IPV4_ADDR\nAddress=10.2.0.9\n"
#define GOOD	GENERAL LISTS PEER MM CONN QM ME YOU

static struct loaded
load_good(const char *text)
{
	struct loaded l = load(text);

	if (l.snapshot == NULL) {
		print_problems(&l.problems);
		fail_msg("not loaded: %s", text);
	}
	return l;
}

static bool
names_fault(const char *text, const char *part, bool error)
{
	struct loaded l = load(text);
	bool good = has_problem(&l.problems, part);

	if (error != (l.snapshot == NULL)) {
		print_problems(&l.problems);
		print_message("%s: is %san error\n", part, error ? "not " : "");
		good = false;
	}
	loaded_done(&l);
	return good;
}

static void
a_good_configuration_has_no_problem(void **state)
{
	struct loaded l = load_good(GOOD);

	(void)state;
	print_problems(&l.problems);
	assert_int_equal(l.problems.n, 0);
	loaded_done(&l);
}

/* ---- what the snapshot holds ---- */

static void
peers_and_transforms_are_resolved(void **state)
{
	struct loaded l = load_good(GOOD);
	const struct peer *p = snapshot_peer(l.snapshot, "PEER-B");
	struct addr a;

	(void)state;
	assert_non_null(p);
	assert_int_equal(l.snapshot->n_peers, 2);	/* and the Default one */
	assert_true(addr_parse("192.0.2.2", &a));
	assert_true(addr_equal(&p->address, &a));
	assert_ptr_equal(snapshot_peer_for(l.snapshot, &a), p);
	assert_true(p->has_psk);
	assert_false(p->any_id);
	assert_true(p->nat_t);
	assert_int_equal(p->own_id.type, 0);
	assert_int_equal(p->dpd_interval, 30);
	assert_string_equal(p->configuration, "mm");
	assert_int_equal(p->n_transforms, 1);
	assert_int_equal(p->transforms[0].cipher, CIPHER_AES_CBC);
	assert_int_equal(p->transforms[0].hash, HASH_SHA2_256);
	assert_int_equal(p->transforms[0].auth, AUTH_PRE_SHARED);
	assert_int_equal(p->transforms[0].group, GROUP_ECP_256);
	assert_int_equal(p->transforms[0].key_bits.offer, 128);
	assert_int_equal(p->transforms[0].key_bits.most, 128);
	assert_int_equal(p->transforms[0].life_secs.offer, 3600);
	assert_int_equal(p->transforms[0].life_secs.least, 60);
	assert_int_equal(p->transforms[0].life_secs.most, 86400);
	assert_false(p->transforms[0].life_kb.present);
	/* Predefined: the line that names it, for failure records. */
	assert_int_equal(p->transforms[0].where.line, 14);
	assert_int_equal(p->where.line, 7);
	assert_int_equal(p->psk_line, 11);
	loaded_done(&l);
}

static void
distinguished_names_are_resolved(void **state)
{
	struct loaded l = load_good(GENERAL LISTS PEER "ID=us\nRemote-ID=them\n" MM CONN QM ME YOU
	    "[us]\nID-type=ASN1_DN\nName=%fromcert\n"
	    "[them]\nID-type=DER_ASN1_DN\nName=/C=SE/O=\xc3\x85\\/B/CN=gw\n");
	const struct peer *p = snapshot_peer(l.snapshot, "peer-b");
	STR(der, 200);

	(void)state;
	assert_int_equal(p->own_id.type, ID_DER_ASN1_DN);
	assert_int_equal(p->own_id.n, 0);
	assert_string_equal(p->own_name, "%fromcert");
	assert_int_equal(p->remote_id.type, ID_DER_ASN1_DN);
	str_hex(&der, view_of(p->remote_id.data, p->remote_id.n));
	/* openssl req -utf8 -subj '/C=SE/O=Å\/B/CN=gw' */
	assert_string_equal(der.p, "3029310b3009060355040613025345310d300b060355040a0c04c3852f42310b300906035504030c026777");
	assert_string_equal(p->remote_name, "/C=SE/O=\\xC3\\x85\\/B/CN=gw");
	assert_false(p->any_id);
	loaded_done(&l);
}

static void
connections_and_suites_are_resolved(void **state)
{
	struct loaded l = load_good(GOOD);
	const struct connection *c = snapshot_connection(l.snapshot, "A-b");

	(void)state;
	assert_non_null(c);
	assert_true(c->active);
	assert_true(c->passive);
	assert_ptr_equal(c->peer, snapshot_peer(l.snapshot, "peer-b"));
	assert_int_equal(c->local_id.type, ID_IPV4_ADDR_SUBNET);
	assert_int_equal(range_bits(&c->local_id.range), 24);
	assert_int_equal(c->remote_id.type, ID_IPV4_ADDR);
	assert_int_equal(c->nat_id.type, 0);
	assert_int_equal(c->n_suites, 1);
	const struct p2_protocol *p = &c->suites[0].protocols[0];
	assert_int_equal(p->protocol, PROTO_IPSEC_ESP);
	assert_int_equal(p->replay_window, 64);
	assert_int_equal(p->transforms[0].transform_id, ESP_AES);
	assert_int_equal(p->transforms[0].auth, AUTHALG_HMAC_SHA2_256);
	assert_int_equal(p->transforms[0].mode, SA_TUNNEL);
	assert_int_equal(p->transforms[0].group, GROUP_ECP_256);
	assert_int_equal(p->transforms[0].life_secs.offer, 1200);
	assert_null(snapshot_connection(l.snapshot, "nobody"));
	loaded_done(&l);
}

static void
without_a_file_strangers_are_refused_in_silence(void **state)
{
	struct loaded l = load_good("");
	struct addr a;

	(void)state;
	assert_int_equal(l.problems.n, 0);
	assert_true(addr_parse("192.0.2.99", &a));
	const struct peer *p = snapshot_peer_for(l.snapshot, &a);
	assert_non_null(p);
	assert_string_equal(p->name, "Default-phase-1");
	assert_int_equal(p->n_transforms, 0);
	assert_true(p->is_default);
	assert_true(l.snapshot->use_keynote);
	assert_int_equal(l.snapshot->n_connections, 0);
	loaded_done(&l);
}

static void
general_values_have_their_defaults(void **state)
{
	struct loaded l = load_good("");
	const struct snapshot *s = l.snapshot;

	(void)state;
	assert_int_equal(s->retransmits, 3);
	assert_int_equal(s->exchange_max, 120);
	assert_int_equal(s->check_interval, 60);
	assert_int_equal(s->nat_keepalive, 20);
	assert_int_equal(s->half_open_source, 10);
	assert_int_equal(s->half_open_total, 1000);
	assert_int_equal(s->first_retransmit_ms, 1000);
	assert_false(s->acquire_only);
	assert_true(s->delete_sas);
	assert_false(s->renegotiate_on_hup);
	assert_true(s->listen_all);
	assert_string_equal(s->kernel_backend, "auto");
	assert_null(s->key_log);
	assert_int_equal(s->log_level[3], -1);
	assert_string_equal(s->acquire_suites, "QM-ESP-3DES-SHA-PFS-SUITE");
	loaded_done(&l);
}

static void
general_values_are_read(void **state)
{
	struct loaded l = load_good("[General]\nRetransmits=5\nExchange-max-time= 60\n"
	    "Check-interval=10\nNAT-T-Keepalive=0\nHalf-open-per-source=3\nHalf-open-total=7\n"
	    "First-retransmit=500\nAcquire-Only=\nDelete-SAs=no\nRenegotiate-on-HUP=1\n"
	    "Use-Keynote=no, thanks\nListen-on=em0,192.0.2.1\nKernel-backend=USER\n"
	    "Key-log=/var/run/keys\nLoglevel=A=1,3=99\nLogverbose=\n"
	    "Default-phase-2-suites=QM-ESP-AES-SHA2-256-PFS-GRP14-SUITE\nPolicy-file=/p\n");
	const struct snapshot *s = l.snapshot;

	(void)state;
	assert_int_equal(s->retransmits, 5);
	assert_int_equal(s->exchange_max, 60);
	assert_int_equal(s->check_interval, 10);
	assert_int_equal(s->nat_keepalive, 20);		/* less than 1 means 20 */
	assert_int_equal(s->half_open_source, 3);
	assert_int_equal(s->half_open_total, 7);
	assert_int_equal(s->first_retransmit_ms, 500);
	assert_true(s->acquire_only);
	assert_false(s->delete_sas);
	assert_true(s->renegotiate_on_hup);
	assert_false(s->use_keynote);
	/* An interface means all its addresses. */
	assert_int_equal(s->n_listen_on, 5);
	assert_false(s->listen_all);
	assert_string_equal(s->kernel_backend, "user");
	assert_string_equal(s->key_log, "/var/run/keys");
	assert_true(has_problem(&l.problems, "SESSION KEYS ARE WRITTEN"));
	assert_int_equal(s->log_level[0], 1);
	assert_int_equal(s->log_level[3], 99);
	assert_true(s->log_verbose);
	assert_string_equal(s->policy_file, "/p");
	loaded_done(&l);
}

static void
the_most_specific_entry_of_phase_1_counts(void **state)
{
	static const struct { const char *address, *peer; } all[] = {
		{ "10.1.2.3", "d" }, { "10.1.2.4", "c" }, { "10.1.3.1", "b" }, { "10.2.0.1", "a" },
		{ "10.255.255.255", "a" }, { "11.0.0.0", "e" }, { "9.255.255.255", "e" },
		{ "10.1.2.255", "c" }, { "10.1.1.255", "b" }, { "2001:db8::1", "f" },
		{ "2001:db8::2", "e" },
	};
	struct loaded l = load_good("[Phase 1]\n10.1.2.3=d\n10.0.0.0/8=a\nDefault=e\n"
	    "10.1.2.0/24=c\n10.1.0.0/16=b\n2001:0DB8:0::1=f\n"
	    "[a]\nPhase=1\nConfiguration=mm\n" KEY "[b]\nPhase=1\nConfiguration=mm\n" KEY
	    "[c]\nPhase=1\nConfiguration=mm\n" KEY "[d]\nPhase=1\nConfiguration=mm\n" KEY
	    "[e]\nPhase=1\nConfiguration=mm\n" KEY "[f]\nPhase=1\nConfiguration=mm\n" KEY MM);

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct addr a;

		assert_true(addr_parse(all[i].address, &a));
		assert_string_equal(snapshot_peer_for(l.snapshot, &a)->name, all[i].peer);
	}
	loaded_done(&l);
}

static void
a_missing_remote_id_means_the_address_except_for_default(void **state)
{
	struct loaded l = load_good("[Phase 1]\n192.0.2.2=a\n192.0.2.3=b\n192.0.2.4=c\nDefault=d\n"
	    "[a]\nPhase=1\nConfiguration=mm\n" KEY
	    "[b]\nPhase=1\nConfiguration=mm\nAllow-any-ID=yes\n" KEY
	    "[c]\nPhase=1\nConfiguration=mm\nRemote-ID=name\nAllow-any-ID=yes\n" KEY
	    "[d]\nPhase=1\nConfiguration=mm\n" KEY
	    "[name]\nID-type=FQDN\nName=gw.example.net\n" MM);

	(void)state;
	assert_false(snapshot_peer(l.snapshot, "a")->any_id);
	assert_true(snapshot_peer(l.snapshot, "b")->any_id);
	assert_false(snapshot_peer(l.snapshot, "c")->any_id);
	assert_int_equal(snapshot_peer(l.snapshot, "c")->remote_id.type, ID_FQDN);
	assert_true(snapshot_peer(l.snapshot, "d")->any_id);
	assert_true(has_problem(&l.problems, "shares its key with every address"));
	loaded_done(&l);
}

static void
identities_of_every_kind_are_read(void **state)
{
	static const struct { const char *section; uint8_t type; const char *shown; } all[] = {
		{ "ID-type=IPV4_ADDR\nAddress=192.0.2.7\n", ID_IPV4_ADDR, "192.0.2.7" },
		{ "ID-type=ipv6_addr\nAddress=2001:DB8::7\n", ID_IPV6_ADDR, "2001:db8::7" },
		{ "ID-type=IPV4_ADDR\nAddress=em0\n", ID_IPV4_ADDR, "10.1.2.3" },
		{ "ID-type=IPV6_ADDR\nAddress=em0\n", ID_IPV6_ADDR, "2001:db8::3" },
		{ "ID-type=IPV4_ADDR\nAddress=default\n", ID_IPV4_ADDR, "10.1.2.3" },
		{ "ID-type=IPV4_ADDR_SUBNET\nNetwork=10.0.0.0\nNetmask=255.0.0.0\n",
		    ID_IPV4_ADDR_SUBNET, "10.0.0.0/8" },
		{ "ID-type=IPV4_ADDR_SUBNET\nNetwork=em0\nNetmask=em0\n",
		    ID_IPV4_ADDR_SUBNET, "10.1.2.0/24" },
		{ "ID-type=IPV6_ADDR_SUBNET\nNetwork=2001:db8::\nNetmask=ffff:ffff::\n",
		    ID_IPV6_ADDR_SUBNET, "2001:db8::/32" },
		{ "ID-type=FQDN\nName=gw.example.net\n", ID_FQDN, "gw.example.net" },
		{ "ID-type=USER_FQDN\nName=ada@example.net\n", ID_USER_FQDN, "ada@example.net" },
		{ "ID-type=KEY_ID\nName=abc\n", ID_KEY_ID, "key-id 0x616263" },
		{ "ID-type=KEY_ID\nName=0x01fe\n", ID_KEY_ID, "key-id 0x01fe" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		char text[1000];
		STR(shown, 200);

		(void)snprintf(text, sizeof(text), GENERAL LISTS PEER "ID=own\n" MM CONN QM ME YOU
		    "[own]\n%s", all[i].section);
		struct loaded l = load_good(text);
		const struct id *id = &snapshot_peer(l.snapshot, "peer-b")->own_id;
		assert_int_equal(id->type, all[i].type);
		id_print(&shown, id);
		assert_string_equal(shown.p, all[i].shown);
		loaded_done(&l);
	}
}

static void
phase_2_identities_have_protocols_ports_and_ranges(void **state)
{
	struct loaded l = load_good(GENERAL LISTS PEER MM CONN QM
	    "[me]\nID-type=IPV4_RANGE\nFirst-address=10.1.0.5\nLast-address=10.1.0.9\nProtocol=TCP\n"
	    "[you]\nID-type=IPV4_ADDR_SUBNET\nNetwork=0.0.0.0\nNetmask=0.0.0.0\nProtocol=6\nPort=https\n");
	const struct connection *c = &l.snapshot->connections[0];
	STR(shown, 200);

	(void)state;
	id_print(&shown, &c->local_id);
	str_add(&shown, " | ");
	id_print(&shown, &c->remote_id);
	assert_string_equal(shown.p, "10.1.0.5-10.1.0.9 proto 6 | 0.0.0.0/0 proto 6 port 443");
	loaded_done(&l);
}

static void
written_transforms_take_offers_ranges_and_lifetimes(void **state)
{
	struct loaded l = load_good(GENERAL LISTS PEER
	    "[mm]\nEXCHANGE_TYPE=ID_PROT\nDOI=IPSEC\nTransforms=t\n"
	    "[t]\nENCRYPTION_ALGORITHM=aes_cbc\nKEY_LENGTH= 256,192:256\nHASH_ALGORITHM=SHA2_512\n"
	    "AUTHENTICATION_METHOD=PRE_SHARED\nGROUP_DESCRIPTION=X25519\nLife=s,k\n"
	    "[s]\nLIFE_TYPE=SECONDS\nLIFE_DURATION=7200\n"
	    "[k]\nLIFE_TYPE=KILOBYTES\nLIFE_DURATION=ANY\n" CONN
	    "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=st\n[st]\nProtocols=pr\n"
	    "[pr]\nPROTOCOL_ID=IPSEC_ESP\nReplayWindow=256\nTransforms=x\n"
	    "[x]\nTRANSFORM_ID=AES_CTR\nENCAPSULATION_MODE=TUNNEL\n"
	    "AUTHENTICATION_ALGORITHM=HMAC_SHA2_384\nLife=ANY\n" ME YOU);
	const struct p1_transform *t = &snapshot_peer(l.snapshot, "peer-b")->transforms[0];
	const struct p2_protocol *p = &l.snapshot->connections[0].suites[0].protocols[0];

	(void)state;
	assert_int_equal(t->key_bits.offer, 256);
	assert_int_equal(t->key_bits.least, 192);
	assert_int_equal(t->group, GROUP_X25519);
	assert_int_equal(t->life_secs.offer, 7200);
	assert_int_equal(t->life_secs.least, 7200);
	assert_true(t->life_kb.any);
	assert_string_equal(t->where.section, "t");
	assert_int_equal(p->replay_window, 256);
	assert_int_equal(p->transforms[0].key_bits.offer, 128);
	assert_int_equal(p->transforms[0].group, GROUP_NONE);
	assert_true(p->transforms[0].life_secs.any);
	assert_string_equal(p->transforms[0].where.section, "x");
	loaded_done(&l);
}

static void
shared_sadb_switches_replay_windows_off(void **state)
{
	struct loaded l = load_good("[General]\nShared-SADB=\nUse-Keynote=no\n" LISTS PEER MM CONN QM ME YOU);

	(void)state;
	assert_true(l.snapshot->shared_sadb);
	assert_int_equal(l.snapshot->connections[0].suites[0].protocols[0].replay_window, 0);
	loaded_done(&l);
}

static void
flags_decide_who_begins(void **state)
{
	struct loaded l = load_good(GENERAL "[Phase 1]\n192.0.2.2=peer-b\n"
	    "[Phase 2]\nPassive-connections= p\nConnections=a-b\n" PEER MM CONN "Flags=Active-only\n"
	    QM ME YOU "[p]\nPhase=2\nISAKMP-peer=peer-b\nConfiguration=qm\nLocal-ID=you\n");

	(void)state;
	assert_int_equal(l.snapshot->n_connections, 2);
	assert_string_equal(l.snapshot->connections[0].name, "a-b");
	assert_false(l.snapshot->connections[0].passive);
	assert_false(l.snapshot->connections[1].active);
	assert_true(l.snapshot->connections[1].passive);
	assert_int_equal(l.snapshot->connections[1].remote_id.type, 0);
	loaded_done(&l);
}

static void
values_set_at_run_time_count_like_those_of_the_file(void **state)
{
	struct loaded l = load_good(GOOD);

	(void)state;
	snapshot_unref(l.snapshot);
	assert_int_equal(store_begin(l.store), STORE_OK);
	assert_int_equal(store_set(l.store, "mm", "Transforms", "AES-256-SHA-GRP14", true), STORE_OK);
	assert_int_equal(store_add(l.store, "Phase 2", "Connections", "two"), STORE_OK);
	assert_int_equal(store_set(l.store, "two", "Phase", "2", false), STORE_OK);
	assert_int_equal(store_set(l.store, "two", "ISAKMP-peer", "peer-x", false), STORE_OK);
	l.snapshot = snapshot_build(l.store, &machine, &l.problems);
	assert_null(l.snapshot);
	assert_true(has_problem(&l.problems,
	    "test.conf: error: [two]:ISAKMP-peer: no section \"peer-x\" (did you mean \"peer-b\"?)"));
	store_abort(l.store);
	problems_done(&l.problems);
	l.snapshot = snapshot_build(l.store, &machine, &l.problems);
	assert_non_null(l.snapshot);
	loaded_done(&l);
}

/* ---- problems ---- */

static const struct { const char *text, *part; bool error; } faults[] = {
	/* references */
	{ GENERAL LISTS PEER "Remote-ID=yuo\n" MM CONN QM ME YOU,
	    "test.conf:12:11: error: [peer-b]:Remote-ID: no section \"yuo\" (did you mean \"you\"?)", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\n"
	    "Suites= QM-ESP-AES-SHA2-256-SUITE,\\\n   QM-ESP-AESGCM-128-PFS-GPR14-SUITE\n" ME YOU,
	    "test.conf:24:4: error: [qm]:Suites: no section \"QM-ESP-AESGCM-128-PFS-GPR14-SUITE\" "
	    "(did you mean \"QM-ESP-AESGCM-128-PFS-GRP14-SUITE\"?)", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=AES-128-SHA2-256-GRP19 # strong\n"
	    CONN QM ME YOU, "no section \"AES-128-SHA2-256-GRP19 # strong\"", true },
	{ GENERAL "[Phase 1]\n192.0.2.2=peer-x\n", "[Phase 1]:192.0.2.2: no section \"peer-x\"", true },
	{ GENERAL "[Phase 2]\nConnections=gone\n", "test.conf:4:13: error: [Phase 2]:Connections: "
	    "no section \"gone\"", true },
	/* tags */
	{ GOOD "Adress=1\n", "test.conf:31:1: warning: [you]:Adress: unknown tag in a section of "
	    "kind IPsec-ID: ignored (did you mean \"Address\"?)", false },
	{ GOOD "Suites=1\n", "it belongs into a section of kind IPsec-configuration", false },
	{ GENERAL "Retransmit=4\n", "did you mean \"Retransmits\"?", false },
	{ GOOD "[left]\nx=1\n", "test.conf:31:1: warning: [left]: nothing refers to this section", false },
	/* numbers */
	{ "[General]\nRetransmits=abc\n", "test.conf:2:13: error: [General]:Retransmits: \"abc\" is "
	    "not a number", true },
	{ "[General]\nRetransmits=99\n", "99 is out of range (0 to 30)", true },
	{ "[General]\nRetransmits=-1\n", "-1 is out of range", true },
	{ "[General]\nCheck-interval=60 # a minute\n", "\"# a minute\" after the number is ignored "
	    "(a comment begins in the first column)", false },
	{ "[General]\nCheck-interval=9999999999999999999999\n", "is out of range", true },
	{ "[General]\nDefault-phase-1-lifetime=3600,60\n", "\"3600,60\" is not an offer", true },
	{ "[General]\nDefault-phase-1-lifetime=3600,60:\n", "is not an offer", true },
	{ "[General]\nDefault-phase-1-lifetime=3600,60:86400s\n", "is not an offer", true },
	{ "[General]\nDefault-phase-1-lifetime=3600,86400:60\n", "accepts nothing", true },
	{ "[General]\nDefault-phase-1-lifetime=0\n", "out of range", true },
	{ "[General]\nDefault-phase-2-lifetime=3600,60:1200\n", "offers what it would not accept", false },
	/* flags and words */
	{ "[General]\nAcquire-Only=no\n", "being there switches it on", false },
	{ "[General]\nUse-Keynote=Yes\n", "\"Yes\" counts as no", false },
	{ "[General]\nKernel-backend=usr\n", "there is no back end \"usr\" (did you mean \"user\"?)", true },
	{ "[General]\nKey-log=/etc/keys\n", "must lie below /var/run/", true },
	{ "[General]\nKey-log=/var/run/../../etc/x\n", "must lie below /var/run/", true },
	{ "[General]\nLoglevel=11=5,A=3\n", "test.conf:2:10: warning: [General]:Loglevel: init: invalid "
	    "logging class or level: 11=5", false },
	{ "[General]\nListen-on=em1\n", "nothing to listen on", true },
	{ "[General]\nListen-on=em1,em0\n", "\"em1\" is neither an address nor an interface", false },
	{ "[General]\nShared-SADB=\n", "test.conf:2:13: warning: [General]:Shared-SADB: replay protection is "
	    "off: a packet that is sent again is accepted again (only for two daemons on one SADB; else "
	    "remove the tag)", false },
	{ "[General]\nShared-SADB=no\n", "being there switches it on, whatever the value", false },
	{ "[General]\nShared-SADB=1\nKernel-backend=user\n", "the back end user shares its SAs with nobody", false },
	{ "[General]\nUse-Keynote=no\nShared-SADB=1\n" LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=s\n"
	    "[s]\nProtocols=p\n[p]\nPROTOCOL_ID=IPSEC_ESP\nReplayWindow=64\n"
	    "Transforms=QM-ESP-AES-SHA2-256-XF\n" ME YOU,
	    "[p]:ReplayWindow: no effect: [General]:Shared-SADB switches", false },
	/* peers */
	{ GENERAL LISTS "[peer-b]\nAddress=192.0.2.2\nConfiguration=mm\n" KEY MM CONN QM ME YOU,
	    "does not have a correct phase", true },
	{ GENERAL LISTS PEER "Transport=tcp\n" MM CONN QM ME YOU, "there is no transport \"tcp\"", true },
	{ GENERAL LISTS PEER "Transport=UDP\n" MM CONN QM ME YOU, "there is no transport", true },
	{ GENERAL LISTS PEER "Port=isakm\n" MM CONN QM ME YOU, "\"isakm\" unknown (did you mean "
	    "\"isakmp\"?", true },
	{ GENERAL LISTS PEER "Port=70000\n" MM CONN QM ME YOU, "out of range (1 to 65535)", true },
	{ GENERAL LISTS PEER "Local-address=2001:db8::1\n" MM CONN QM ME YOU, "not an IPv4 address", true },
	{ GENERAL LISTS PEER "Local-address=10.0.0.0/8\n" MM CONN QM ME YOU,
	    "write the address alone", true },
	{ GENERAL LISTS PEER "Flags=ikecfg\n" MM CONN QM ME YOU,
	    "mode config (ikecfg): not available in this version", true },
	{ GENERAL LISTS PEER "Flags=ikecgf\n" MM CONN QM ME YOU,
	    "sa_flag: attribute \"ikecgf\" unknown (did you mean \"ikecfg\"?)", false },
	{ GENERAL LISTS PEER "NAT-T=off\n" MM CONN QM ME YOU, "\"off\" is neither yes nor no", true },
	{ GENERAL LISTS "[peer-b]\nPhase=1\nConfiguration=mm\n" KEY MM CONN QM ME YOU,
	    "[peer-b]: no address to bring up connections to", true },
	{ GENERAL LISTS "[peer-b]\nPhase=1\nAddress=192.0.2.2\nConfiguration=mm\n" MM CONN QM ME YOU,
	    "no pre-shared key for transforms with PRE_SHARED (add Authentication=)", true },
	{ GENERAL LISTS "[peer-b]\nPhase=1\nAddress=192.0.2.2\nConfiguration=mm\nAuthentication=0xqq\n"
	    MM CONN QM ME YOU, "test.conf:11:16: error: [peer-b]:Authentication: the key begins with 0x "
	    "but is not hexadecimal", true },
	{ GENERAL LISTS "[peer-b]\nPhase=1\nAddress=192.0.2.2\nConfiguration=mm\nAuthentication=mekmitasdigoat\n"
	    MM CONN QM ME YOU, "the pre-shared key can be guessed", false },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=x\n[x]\nENCRYPTION_ALGORITHM=AES_CBC\n"
	    "HASH_ALGORITHM=SHA2_256\nAUTHENTICATION_METHOD=RSA_ENC\nGROUP_DESCRIPTION=ECP_256\n"
	    CONN QM ME YOU, "RSA_ENC: not available in this version", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=AES-SHA2-256-GRP14-DSS\n" CONN QM ME
	    YOU, "phase 1 would use DSS (choose stronger transforms, or write Allow-weak=yes", true },
	{ "[X509-certificates]\nPrivate-key=private/local.key\n" GENERAL LISTS PEER MM CONN QM ME YOU,
	    "not the path of a file or folder", true },
	{ GENERAL "[Phase 2]\nConnections=a-b\n" PEER MM CONN QM ME YOU,
	    "peer \"peer-b\" cannot begin: it is not in [Phase 1]", false },
	{ GENERAL "[Phase 1]\n192.0.2=peer-b\n" PEER MM, "neither a numeric address", true },
	{ GENERAL "[Phase 1]\n192.0.2.7/24=peer-b\n" PEER MM, "without host bits", true },
	{ GENERAL "[Phase 1]\nDefalt=peer-b\n" PEER MM, "did you mean \"Default\"?", true },
	{ GENERAL "[Phase 1]\n2001:db8::1=peer-b\n2001:db8:0::1=peer-b\n" PEER MM, "there twice", true },
	/* phase 1 configurations */
	{ GENERAL LISTS PEER "[mm]\nTransforms=AES-128-SHA2-256-GRP19\n" CONN QM ME YOU,
	    "[mm]: no \"EXCHANGE_TYPE\" tag (add EXCHANGE_TYPE=)", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=AGGRESSIVE\nTransforms=AES-128-SHA2-256-GRP19\n" CONN QM
	    ME YOU, "aggressive mode: not available in this version", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=QUICK_MODE\nTransforms=AES-128-SHA2-256-GRP19\n" CONN QM
	    ME YOU, "QUICK_MODE cannot be used here (write ID_PROT)", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PORT\nTransforms=AES-128-SHA2-256-GRP19\n" CONN QM
	    ME YOU, "\"ID_PORT\" is no EXCHANGE_TYPE (did you mean \"ID_PROT\"?)", true },
	{ GENERAL LISTS PEER "[mm]\nDOI=ISAKMP\nEXCHANGE_TYPE=ID_PROT\nTransforms=AES-128-SHA2-256-GRP19\n"
	    CONN QM ME YOU, "DOI unsupported", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\n" CONN QM ME YOU, "[mm]: no \"Transforms\" tag", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=BLF-SHA-GRP14\n" CONN QM ME YOU,
	    "BLOWFISH_CBC: not available in this version", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=AES-SHA-GRP14-DSS\n" CONN QM ME YOU,
	    "phase 1 would use DSS", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=t\n[t]\n"
	    "ENCRYPTION_ALGORITHM=AES_CBC\nHASH_ALGORITHM=SHA2_265\nAUTHENTICATION_METHOD=PRE_SHARED\n"
	    "GROUP_DESCRIPTION=Any\n" CONN QM ME YOU,
	    "\"SHA2_265\" is no HASH_ALGORITHM (did you mean \"SHA2_256\"?)", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=t\n[t]\n"
	    "ENCRYPTION_ALGORITHM=AES_CBC\nHASH_ALGORITHM=SHA2_265\nAUTHENTICATION_METHOD=PRE_SHARED\n"
	    "GROUP_DESCRIPTION=Any\n" CONN QM ME YOU, "ANY is written in upper case", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=t\n[t]\n"
	    "ENCRYPTION_ALGORITHM=AES_CBC\nHASH_ALGORITHM=SHA2_256\nAUTHENTICATION_METHOD=PRE_SHARED\n"
	    "GROUP_DESCRIPTION=ECP_256\nKEY_LENGTH=129\n" CONN QM ME YOU,
	    "129 is not a key length of AES_CBC (128, 192 or 256)", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=t\n[t]\n"
	    "ENCRYPTION_ALGORITHM=AES_CBC\nHASH_ALGORITHM=SHA2_256\nAUTHENTICATION_METHOD=PRE_SHARED\n"
	    CONN QM ME YOU, "[t]: no \"GROUP_DESCRIPTION\" tag", true },
	{ GENERAL LISTS PEER "Allow-weak=yes\n[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=t\n[t]\n"
	    "ENCRYPTION_ALGORITHM=ANY\nHASH_ALGORITHM=SHA2_256\nAUTHENTICATION_METHOD=PRE_SHARED\n"
	    "GROUP_DESCRIPTION=ECP_256\n" CONN QM ME YOU, "can be accepted but not offered", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=t\n[t]\n"
	    "ENCRYPTION_ALGORITHM=AES_CBC\nHASH_ALGORITHM=SHA2_256\nAUTHENTICATION_METHOD=PRE_SHARED\n"
	    "GROUP_DESCRIPTION=EC2N_185\n" CONN QM ME YOU, "EC2N_185: not available", true },
	/* weak choices */
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=3DES-SHA\n" CONN
	    "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-3DES-SHA-PFS-SUITE\n" ME YOU,
	    "[a-b]: weak choices: phase 1: 3DES, SHA1, MODP_1024; phase 2: 3DES, SHA1, MODP_1024", false },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=AES-MD5-GRP14\n" CONN QM ME YOU,
	    "[peer-b]: phase 1 would use MD5", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=AES-SHA-GRP1\n" CONN QM ME YOU,
	    "phase 1 would use MODP_768", true },
	{ GENERAL LISTS PEER "Allow-weak=yes\n[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=AES-MD5-GRP1\n" CONN
	    QM ME YOU, "weak choices: phase 1: MD5, MODP_768", false },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-AES-MD5-SUITE\n" ME YOU,
	    "phase 2 would use MD5", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-NULL-SHA2-256-SUITE\n"
	    ME YOU, "no encryption", false },
	/* connections */
	{ GENERAL LISTS PEER MM "[a-b]\nPhase=1\nISAKMP-peer=peer-b\nConfiguration=qm\nLocal-ID=me\n"
	    "Remote-ID=you\n" QM ME YOU, "\"1\" is not a correct phase", true },
	{ GENERAL LISTS PEER MM "[a-b]\nPhase=2\nConfiguration=qm\nLocal-ID=me\n" QM ME YOU,
	    "exchange_establish: No ISAKMP-peer given for \"a-b\"", true },
	{ GENERAL LISTS PEER MM "[a-b]\nPhase=2\nISAKMP-peer=peer-b\nLocal-ID=me\nRemote-ID=you\n" QM ME YOU,
	    "exchange_establish_p2: no configuration for peer \"a-b\"", true },
	{ GENERAL LISTS PEER MM "[a-b]\nPhase=2\nISAKMP-peer=peer-b\nConfiguration=qm\nRemote-ID=you\n" QM
	    ME YOU, "connection_record_passive: \"Local-ID\" is missing from section [a-b]", false },
	{ GENERAL "[Phase 1]\n192.0.2.2=peer-b\n[Phase 2]\nPassive-connections=a-b\n" PEER MM
	    "[a-b]\nPhase=2\nISAKMP-peer=peer-b\nConfiguration=qm\nRemote-ID=you\n" QM YOU,
	    "\"Local-ID\" is missing", true },
	{ GENERAL LISTS PEER MM CONN "PF-Tag=x\n" QM ME YOU, "ignored", false },
	{ GENERAL LISTS PEER MM CONN "Interface=1\n" QM ME YOU, "not available in this version", true },
	{ GENERAL "[Phase 1]\n192.0.2.2=peer-b\n[Phase 2]\nConnections=a-b, a-b\n" PEER MM CONN QM ME YOU,
	    "test.conf:6:18: warning: [Phase 2]:Connections: \"a-b\" is listed twice", false },
	{ GENERAL "[Phase 1]\n192.0.2.2=peer-b\n[Phase 2]\nConnections=a-b,c\n" PEER MM CONN QM ME YOU
	    "[c]\nPhase=2\nISAKMP-peer=peer-b\nConfiguration=qm\nLocal-ID=me\nRemote-ID=you\n",
	    "[c]: same peer and IDs as [a-b]", false },
	{ GENERAL "[Phase 1]\n192.0.2.2=peer-b\n[Phase 2]\nConnections=,a-b\n" PEER MM CONN QM ME YOU,
	    "conf_get_list: empty field, ignoring...", false },
	/* suites */
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\n" ME YOU, "no \"Suites\" tag", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-AH-SHA-SUITE\n" ME YOU,
	    "AH: not available in this version", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-AES-SUITE\n" ME YOU,
	    "without authentication", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-CAST-SHA-SUITE\n" ME YOU,
	    "CAST: not available in this version", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-AES-RIPEMD-SUITE\n" ME
	    YOU, "HMAC_RIPEMD: not available in this version", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-AES-SHA2-256-SUITE,"
	    "QM-ESP-AES-SHA2-256-PFS-GRP14-SUITE\n" ME YOU, "must have the same group, or none", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-TRP-AES-SHA2-256-SUITE\n"
	    ME YOU, "transport mode cannot carry the traffic of a network", false },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=s\n[s]\nProtocols=p,p\n[p]\n"
	    "PROTOCOL_ID=IPSEC_ESP\nTransforms=QM-ESP-AES-SHA2-256-XF\n" ME YOU,
	    "a bundle of several protocols: not available", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=s\n[s]\nProtocols=p\n[p]\n"
	    "PROTOCOL_ID=IPCOMP\nTransforms=t\n[t]\nTRANSFORM_ID=DEFLATE\n" ME YOU,
	    "IPCOMP: not available in this version", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=s\n[s]\nProtocols=p\n[p]\n"
	    "PROTOCOL_ID=IPSEC_ESP\nReplayWindow=0\nTransforms=QM-ESP-AES-SHA2-256-XF\n" ME YOU,
	    "0 switches replay protection off", false },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=s\n[s]\nProtocols=p\n[p]\n"
	    "PROTOCOL_ID=IPSEC_ESP\nTransforms=t\n[t]\nTRANSFORM_ID=AES_GCM_16\n"
	    "ENCAPSULATION_MODE=TUNNEL\n" ME YOU, "[t]: no \"KEY_LENGTH\" tag", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=s\n[s]\nProtocols=p\n[p]\n"
	    "PROTOCOL_ID=IPSEC_ESP\nTransforms=t\n[t]\nTRANSFORM_ID=AES_GCM_16\nKEY_LENGTH=128\n"
	    "AUTHENTICATION_ALGORITHM=HMAC_SHA\nENCAPSULATION_MODE=TUNNEL\n" ME YOU,
	    "AES_GCM_16 authenticates by itself", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=s\n[s]\nProtocols=p\n[p]\n"
	    "PROTOCOL_ID=IPSEC_ESP\nTransforms=t\n[t]\nTRANSFORM_ID=AES\n"
	    "AUTHENTICATION_ALGORITHM=HMAC_SHA2_256\nENCAPSULATION_MODE=UDP_ENCAP_TUNNEL\n" ME YOU,
	    "encapsulation in UDP is chosen automatically", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=s\n[s]\nProtocols=p\n[p]\n"
	    "PROTOCOL_ID=IPSEC_ESP\nTransforms=t\n[t]\nTRANSFORM_ID=AES\n"
	    "AUTHENTICATION_ALGORITHM=HMAC_SHA2_256\n" ME YOU, "without ENCAPSULATION_MODE, TUNNEL", false },
	/* identities */
	{ GENERAL LISTS PEER MM CONN QM "[me]\nID-type=IPV4_ADR_SUBNET\nNetwork=10.1.0.0\nNetmask=255.255.255.0\n"
	    YOU, "\"IPV4_ADR_SUBNET\" is no ID-type (did you mean", true },
	{ GENERAL LISTS PEER MM CONN QM "[me]\nNetwork=10.1.0.0\nNetmask=255.255.255.0\n" YOU,
	    "[me]: no \"ID-type\" tag", true },
	{ GENERAL LISTS PEER MM CONN QM "[me]\nID-type=IPV4_ADDR_SUBNET\nNetwork=10.1.0.0\n" YOU,
	    "[me]: no \"Netmask\" tag", true },
	{ GENERAL LISTS PEER MM CONN QM "[me]\nID-type=IPV4_ADDR_SUBNET\nNetwork=10.1.0.0\n"
	    "Netmask=255.0.255.0\n" YOU, "the netmask has holes", true },
	{ GENERAL LISTS PEER MM CONN QM "[me]\nID-type=IPV4_ADDR_SUBNET\nNetwork=10.1.0.7\n"
	    "Netmask=255.255.255.0\n" YOU, "bits outside the netmask (it is taken as 10.1.0.0)", false },
	{ GENERAL LISTS PEER MM CONN QM "[me]\nID-type=IPV6_ADDR\nAddress=2001:db8::1\n" YOU,
	    "different address families", true },
	{ GENERAL LISTS PEER MM CONN QM "[me]\nID-type=FQDN\nName=x.example\n" YOU,
	    "an ID of type FQDN cannot be used here", true },
	{ GENERAL LISTS PEER "ID=dn\n" MM CONN QM ME YOU "[dn]\nID-type=DER_ASN1_GN\nName=/C=SE\n",
	    "DER_ASN1_GN: not available in this version", true },
	{ GENERAL LISTS PEER "ID=dn\n" MM CONN QM ME YOU "[dn]\nID-type=ASN1_DN\nName=/C=SE/CM=gw\n",
	    ":34:12: error: [dn]:Name: CM is not an attribute of names (C, ST,", true },
	{ GENERAL LISTS PEER "ID=dn\n" MM CONN QM ME YOU "[dn]\nID-type=ASN1_DN\nName=C=SE, CN=gw\n",
	    "a distinguished name begins with / (write it as /C=SE/O=Example/CN=gw)", true },
	{ GENERAL LISTS PEER "ID=dn\n" MM CONN QM ME YOU "[dn]\nID-type=ASN1_DN\n", "no \"Name\" tag", true },
	{ GENERAL LISTS PEER "Remote-ID=dn\n" MM CONN QM ME YOU "[dn]\nID-type=ASN1_DN\n"
	    "Name=%fromcert\n", "%fromcert is for our own ID", true },
	{ GENERAL LISTS PEER MM CONN QM "[me]\nID-type=ASN1_DN\nName=/CN=x\n" YOU,
	    "an ID of type DER_ASN1_DN cannot be used here", true },
	{ GENERAL LISTS PEER "Remote-ID=me\n" MM CONN QM ME YOU, "an ID of type IPV4_ADDR_SUBNET cannot", true },
	{ GENERAL LISTS PEER "ID=k\n" MM CONN QM ME YOU "[k]\nID-type=KEY_ID\nName=0x123\n",
	    "pairs of hexadecimal digits", true },
	{ GENERAL LISTS PEER MM CONN QM ME YOU "Port=22\n", "a port needs a protocol", true },
	{ GENERAL LISTS PEER MM CONN QM ME YOU "Protocol=tcp\n", "different protocols", true },
	{ GENERAL LISTS PEER MM CONN QM ME YOU "Protocol=tpc\n", "\"tpc\" unknown (did you mean \"tcp\"?", true },
	{ GENERAL LISTS PEER MM CONN QM ME "[you]\nID-type=IPV4_ADDR\nAddress=host.example.net\n",
	    "\"host.example.net\" is neither an address nor an interface", true },
	{ GENERAL LISTS PEER "Refcount=1\n" MM CONN QM ME YOU,
	    "Refcount: no effect: sections made on demand are not available", false },
	{ GENERAL LISTS PEER MM CONN "Acquire-ID=5\n" QM ME YOU,
	    "Acquire-ID: no effect: sections made on demand are not available", false },
	/* other sections */
	{ GOOD "[ipv4/10.0.0.1]\nAddress=10.9.9.9\n", "mode config: not available in this version", true },
	{ GOOD "[192.0.2.77]\nAuthentication=x\n", "aggressive mode", true },
	{ GENERAL "Policy-file=/etc/isakmpd/isakmpd.policy\n", "[General]:Policy-file: no effect", false },
	{ GENERAL "Default-phase-2-suites=QM-ESP-AES-SHA2-256-SUITE\n", "[General]:Default-phase-2-suites: no effect: "
	    "what the kernel asks for", false },
	{ GENERAL "Pubkey-directory=pubkeys/\n", "[General]:Pubkey-directory: not the path of a file", true },
	{ GOOD "[X509-certificates]\nCA-directory=/x/\nCert-directory=/x/\nCRL-directory=/x/\n"
	    "Private-key=/x\nPrivate-key-directory=/x/\nAccept-self-signed=\n", "can claim every", false },
	{ GOOD "[KeyNote]\nCredential-directory=/x/\n", "[KeyNote]: no effect", false },
	/* what is named as something else than it is */
	{ GENERAL LISTS "[peer-b]\nPhase=1\nAddress=192.0.2.2\nConfiguration=qm\n" KEY MM CONN QM ME YOU,
	    "test.conf:10:15: error: [peer-b]:Configuration: \"qm\" is a section of kind IPsec-configuration; what "
	    "is wanted here is of kind ISAKMP-configuration", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=QM-ESP-AES-SHA2-256-SUITE\n" CONN QM ME YOU,
	    "[mm]:Transforms: \"QM-ESP-AES-SHA2-256-SUITE\" is a section of kind IPsec-suite", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=qm\n" ME YOU,
	    "[qm]:Suites: \"qm\" is a section of kind IPsec-configuration", true },
	{ GENERAL "[Phase 1]\n192.0.2.2=a-b\n[Phase 2]\nConnections=a-b\n" PEER MM CONN QM ME YOU,
	    "[Phase 1]:192.0.2.2: \"a-b\" is a section of kind IPsec-connection", true },
	{ GENERAL "[Phase 1]\n192.0.2.2=peer-b\n[Phase 2]\nConnections=peer-b\n" PEER MM CONN QM ME YOU,
	    "[Phase 2]:Connections: \"peer-b\" is a section of kind ISAKMP-peer", true },
	/* slips of the hand */
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=\xe2\x80\x9c" "AES-SHA-GRP14\xe2\x80\x9d\n" CONN QM
	    ME YOU, "it has characters that are not ASCII", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-AES-SHA2-256-SUITE "
	    "QM-ESP-3DES-SHA2-256-SUITE\n" ME YOU, "members of a list are separated by commas", true },
	{ GENERAL LISTS "[peer-b ]\nPhase=1\nAddress=192.0.2.2\nConfiguration=mm\n" KEY MM CONN QM ME YOU,
	    "no section \"peer-b\" (did you mean \"peer-b \"?)", true },
	{ GENERAL "[Phase1]\n192.0.2.2=x\n", "nothing refers to this section: it has no effect (did you mean "
	    "\"Phase 1\"?)", false },
	{ "[General]\nCheck-interval=5m\n", "\"m\" after the number is ignored (it counts as 5;", false },
	{ GENERAL LISTS "[peer-b]\nPhase=1\nAddress=gw.example.net\nConfiguration=mm\n" KEY MM CONN QM ME YOU,
	    "host names are not looked up", true },
	{ GENERAL LISTS "[peer-b]\nPhase=1\nAddress=[2001:db8::1]\nConfiguration=mm\n" KEY MM CONN QM ME YOU,
	    "write the address without brackets", true },
	{ GENERAL LISTS "[peer-b]\nPhase=1\nAddress=224.0.0.1\nConfiguration=mm\n" KEY MM CONN QM ME YOU,
	    "test.conf:9:9: error: [peer-b]:Address: \"224.0.0.1\" is not the address of a host", true },
	{ GENERAL LISTS "[peer-b]\nPhase=1\nAddress=0.0.0.0\nConfiguration=mm\n" KEY MM CONN QM ME YOU,
	    "\"0.0.0.0\" is not the address of a host", true },
	{ GENERAL LISTS PEER MM CONN QM "[me]\nID-type=IPV4_ADDR_SUBNET\nNetwork=10.1.0.0\nNetmask=/20\n" YOU,
	    "\"/20\" is no netmask (write 255.255.240.0)", true },
	{ "[General]\nUse-Keynote=no\nListen-on=10.1.2.3\n" LISTS PEER "Local-address=10.1.9.9\n" MM CONN QM ME YOU,
	    "[peer-b]:Local-address: nothing listens on 10.1.9.9 (add it to [General]:Listen-on)", false },
	{ GENERAL LISTS "[peer-b]\nPhase=1\nAddress=192.0.2.2\nConfiguration=mm\nAuthentication=\"a key that nobody guesses\"\n"
	    MM CONN QM ME YOU, "the quotation marks are part of the key", false },
	{ GENERAL LISTS "[peer-b]\nPhase=1\nAddress=192.0.2.2\nConfiguration=mm\nAuthentication=6f5c2a1e0d9b48c7a3f1e2d4c5b6a798\n"
	    MM CONN QM ME YOU, "the key looks hexadecimal, and is taken as text", false },
	{ GENERAL LISTS "[peer-b]\nPhase=1\nAddress=192.0.2.2\nConfiguration=mm\nAuthentication=0xf5c2a1e0d9b48c7a3f1e2d4c5b6a798\n"
	    MM CONN QM ME YOU, "an odd number of hexadecimal digits: a 0 goes before the first", false },
	{ GENERAL "[Phase 1]\n192.0.2.2=peer-b\n192.0.2.3=p3\n[Phase 2]\nConnections=a-b,c\n" PEER MM CONN QM ME YOU
	    "[c]\nPhase=2\nISAKMP-peer=p3\nConfiguration=qm\nLocal-ID=me\nRemote-ID=you\n"
	    "[p3]\nPhase=1\nAddress=192.0.2.3\nConfiguration=mm\n" KEY,
	    "[c]: the same traffic as [a-b], which is with another peer", false },
	{ GENERAL LISTS PEER MM "[a-b]\nPhase=2\nISAKMP-peer=peer-b\nConfiguration=qm\nLocal-ID=me\nRemote-ID=me\n" QM ME,
	    "[a-b]: Local-ID and Remote-ID are the same", false },
	{ GENERAL LISTS PEER MM CONN "Interface=3\n" QM ME YOU, "route-based tunnels: not available in this version "
	    "(remove the tag", true },
	/* what may be weak */
	{ GENERAL LISTS PEER MM CONN "Accept-any-suite=yes\n" QM ME YOU, "[a-b]:Accept-any-suite: the peer may choose any "
	    "cipher", false },
	{ GENERAL LISTS PEER MM CONN "Accept-any-suite=on\n" QM ME YOU, "\"on\" is neither yes nor no", true },
	{ "[General]\nUse-Keynote=no\nRefuse-weak=yes\n" LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=AES-SHA-GRP5\n"
	    CONN QM ME YOU, "[peer-b]: phase 1 would use SHA1, MODP_1536 (choose stronger transforms, or", true },
	{ "[General]\nUse-Keynote=no\nRefuse-weak=yes\n" LISTS PEER MM CONN
	    "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-3DES-SHA2-256-SUITE\n" ME YOU,
	    "[a-b]: phase 2 would use 3DES (choose stronger suites", true },
	{ "[General]\nUse-Keynote=no\nRefuse-weak=yes\n" LISTS PEER "Allow-weak=yes\n" MM CONN
	    "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=QM-ESP-3DES-SHA2-256-SUITE\n" ME YOU, "weak choices: phase 2: 3DES", false },
	{ "[General]\nRefuse-weak=true\n", "\"true\" is neither yes nor no", true },
	{ "[General]\nTrailing-comments=1\n", "\"1\" is neither yes nor no", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=s\n[s]\nProtocols=p\n[p]\n"
	    "PROTOCOL_ID=IPSEC_ESP\nTransforms=t\n[t]\nTRANSFORM_ID=AES_MARS\nENCAPSULATION_MODE=TUNNEL\n" ME YOU,
	    "[t]:TRANSFORM_ID: AES_MARS: not available in this version", true },
	{ GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=s\n[s]\nProtocols=p\n[p]\n"
	    "PROTOCOL_ID=IPSEC_ESP\nTransforms=t\n[t]\nTRANSFORM_ID=AES_GCM_8\nKEY_LENGTH=128\n"
	    "ENCAPSULATION_MODE=TUNNEL\n" ME YOU, "[t]:TRANSFORM_ID: AES_GCM_8: not available in this version", true },
	{ GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=x\n[x]\nENCRYPTION_ALGORITHM=AES_CBC\n"
	    "HASH_ALGORITHM=SHA2_256\nAUTHENTICATION_METHOD=ANY\nGROUP_DESCRIPTION=ECP_256\n"
	    CONN QM ME YOU, "phase 1 would use ANY", true },
	/* attributes nobody takes */
	{ GENERAL LISTS PEER "Credentials=x\n" MM CONN QM ME YOU, "[peer-b]:Credentials: certificates are not taken from", true },
	{ GENERAL LISTS PEER "Credential_Type=x\n" MM CONN QM ME YOU, "[peer-b]:Credential_Type: certificates are not", true },
	{ GENERAL LISTS PEER "PKAuthentication=x\n" MM CONN QM ME YOU, "[peer-b]:PKAuthentication: private keys are not taken "
	    "from the configuration (name its file in [X509-certificates]:Private-key)", true },
#define P1_WITH(attribute) GENERAL LISTS PEER "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=t\n[t]\n"	\
	"ENCRYPTION_ALGORITHM=AES_CBC\nHASH_ALGORITHM=SHA2_256\nAUTHENTICATION_METHOD=PRE_SHARED\n"	\
	"GROUP_DESCRIPTION=ECP_256\nKEY_LENGTH=128\n" attribute CONN QM ME YOU
	{ P1_WITH("GROUP_TYPE=MODP\n"), "[t]:GROUP_TYPE: no peer and no version", true },
	{ P1_WITH("FIELD_SIZE=1\n"), "[t]:FIELD_SIZE: no peer and no version", true },
	{ P1_WITH("GROUP_ORDER=1\n"), "[t]:GROUP_ORDER: no peer and no version", true },
	{ P1_WITH("PRF=1\n"), "[t]:PRF: no peer and no version", true },
#define P2_WITH(attribute) GENERAL LISTS PEER MM CONN "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=s\n"	\
	"[s]\nProtocols=p\n[p]\nPROTOCOL_ID=IPSEC_ESP\nTransforms=t\n[t]\nTRANSFORM_ID=AES\n"		\
	"AUTHENTICATION_ALGORITHM=HMAC_SHA2_256\nENCAPSULATION_MODE=TUNNEL\n" attribute ME YOU
	{ P2_WITH("KEY_ROUNDS=1\n"), "[t]:KEY_ROUNDS: a responder refuses", true },
	{ P2_WITH("ECN_TUNNEL=1\n"), "[t]:ECN_TUNNEL: a responder refuses", true },
	{ P2_WITH("COMPRESS_DICTIONARY_SIZE=1\n"), "[t]:COMPRESS_DICTIONARY_SIZE: a responder", true },
	{ P2_WITH("COMPRESS_PRIVATE_ALGORITHM=1\n"), "[t]:COMPRESS_PRIVATE_ALGORITHM: a responder", true },
	{ GOOD "[X509-certificates]\nAccept-self-signed=no\n", "can claim every identity", false },
	{ GOOD "[X509-certificates]\nCRL-policy=required\n", "CRL-policy cannot be \"required\"", true },
	{ GOOD "[X509-certificates]\nSend-certificates=yes\n", "always, if-asked or never", true },
	{ GOOD "[X509-certificates]\nCheck-extended-usage=maybe\n", "Check-extended-usage", true },
	{ GOOD "[X509-certificates]\nOCSP=if-availabel\n", "did you mean \"if-available\"?", true },
	{ GOOD "[X509-certificates]\nOCSP=yes\n", "off, if-available or require", true },
	{ GOOD "[X509-certificates]\nOCSP=require\nOCSP-timeout=31\n", "out of range (1 to 30)", true },
	{ GOOD "[X509-certificates]\nOCSP=require\nOCSP-timeout=0\n", "out of range (1 to 30)", true },
	{ GOOD "[X509-certificates]\nOCSP=require\nOCSP-responder=https://a.example/\n",
	    "\"https://a.example/\": it does not begin with http://", true },
	{ GOOD "[X509-certificates]\nOCSP=require\nOCSP-responder=http://a b/\n",
	    "write it as http://host:port/path", true },
	{ GOOD "[X509-certificates]\nOCSP-responder=http://192.0.2.1/\n", "no effect: OCSP is off", false },
	{ GOOD "[X509-certificates]\nOCSP-respondr=http://192.0.2.1/\n", "OCSP-responder", false },
};

static void
each_fault_is_named_with_place_and_advice(void **state)
{
	unsigned missed = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++)
		missed += !names_fault(faults[i].text, faults[i].part, faults[i].error);
	assert_int_equal(missed, 0);
}

static void
every_problem_is_found_in_one_pass(void **state)
{
	struct loaded l = load("[General]\nRetransmits=x\nhello\n[Phase 1]\n192.0.2.2=peer-c\n"
	    "[Phase 2]\nConnections=a-b\n[a-b]\nPhase=3\nISAKMP-peer=peer-b\nConfiguration=qn\n"
	    "Local-ID=me\n" PEER "[mm]\nEXCHANGE_TYPE=MAIN\nTransforms=AES-SHA-GRP99\n"
	    "[me]\nID-type=IPV4_ADDR\nAddress=1.2.3\n");

	(void)state;
	assert_null(l.snapshot);
	assert_true(has_problem(&l.problems, "test.conf:3:1: error: conf_parse_line: 3: syntax error"));
	assert_true(has_problem(&l.problems, "test.conf:2:13: error"));
	assert_true(has_problem(&l.problems, "test.conf:5:11: error"));
	assert_true(has_problem(&l.problems, "test.conf:9:7: error"));
	assert_true(has_problem(&l.problems, "test.conf:11:15: error"));
	assert_true(has_problem(&l.problems, "\"MAIN\" is no EXCHANGE_TYPE"));
	assert_true(has_problem(&l.problems, "no section \"AES-SHA-GRP99\""));
	assert_true(has_problem(&l.problems, "[me]:Address"));
	loaded_done(&l);
}

static void
problems_never_quote_a_key(void **state)
{
	static char room[65536];
	struct loaded l = load(GENERAL LISTS "[peer-b]\nPhase=one\nAddress=192.0.2\nConfiguration=mn\n"
	    "Authentication=0xCANARY\nAuthentication=CANARY\nRemote-ID=x\n" MM CONN QM ME YOU
	    "[other]\nAuthentication=CANARY\n[1.2.3.4]\nAuthentication=CANARY\nCANARY\n"
	    "Authentication CANARY\n");

	(void)state;
	assert_null(l.snapshot);
	problems_text(&l.problems, room, sizeof(room));
	assert_null(strstr(room, "CANARY"));
	loaded_done(&l);
}

static void
hidden_keys_are_not_judged(void **state)
{
	struct conf_env env = machine;
	struct loaded l = load_good(GENERAL LISTS "[peer-b]\nPhase=1\nAddress=192.0.2.2\n"
	    "Configuration=mm\nAuthentication=xxxx\n" MM CONN QM ME YOU);
	struct problems p = { 0 };

	(void)state;
	assert_true(has_problem(&l.problems, "can be guessed"));
	env.secrets_hidden = true;
	struct snapshot *s = snapshot_build(l.store, &env, &p);
	assert_non_null(s);
	assert_int_equal(p.n, 0);
	assert_true(snapshot_peer(s, "peer-b")->has_psk);
	snapshot_unref(s);
	problems_done(&p);
	loaded_done(&l);
}

static void
a_shared_fault_is_said_once(void **state)
{
	struct loaded l = load(GENERAL "[Phase 1]\n192.0.2.2=a\n192.0.2.3=b\n"
	    "[a]\nPhase=1\nConfiguration=mm\nID=i\n" KEY "[b]\nPhase=1\nConfiguration=mm\nID=i\n" KEY
	    "[i]\nID-type=FQND\n" MM);

	(void)state;
	assert_int_equal(l.problems.errors, 1);
	loaded_done(&l);
}

static void
the_default_peer_written_without_transforms_refuses_strangers(void **state)
{
	struct loaded l = load_good(GENERAL "[Phase 1]\nDefault=nobody\n"
	    "[nobody]\nPhase=1\nConfiguration=refuse-all\n[refuse-all]\nEXCHANGE_TYPE=ID_PROT\n");

	(void)state;
	assert_int_equal(l.problems.n, 0);
	assert_int_equal(l.snapshot->default_peer->n_transforms, 0);
	loaded_done(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_configuration_has_no_problem),
		cmocka_unit_test(peers_and_transforms_are_resolved),
		cmocka_unit_test(distinguished_names_are_resolved),
		cmocka_unit_test(connections_and_suites_are_resolved),
		cmocka_unit_test(without_a_file_strangers_are_refused_in_silence),
		cmocka_unit_test(general_values_have_their_defaults),
		cmocka_unit_test(general_values_are_read),
		cmocka_unit_test(the_most_specific_entry_of_phase_1_counts),
		cmocka_unit_test(a_missing_remote_id_means_the_address_except_for_default),
		cmocka_unit_test(identities_of_every_kind_are_read),
		cmocka_unit_test(phase_2_identities_have_protocols_ports_and_ranges),
		cmocka_unit_test(written_transforms_take_offers_ranges_and_lifetimes),
		cmocka_unit_test(shared_sadb_switches_replay_windows_off),
		cmocka_unit_test(flags_decide_who_begins),
		cmocka_unit_test(values_set_at_run_time_count_like_those_of_the_file),
		cmocka_unit_test(each_fault_is_named_with_place_and_advice),
		cmocka_unit_test(every_problem_is_found_in_one_pass),
		cmocka_unit_test(problems_never_quote_a_key),
		cmocka_unit_test(hidden_keys_are_not_judged),
		cmocka_unit_test(a_shared_fault_is_said_once),
		cmocka_unit_test(the_default_peer_written_without_transforms_refuses_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
