/*
 * What a configuration means, as text: two that print the same are the same
 * to the daemon.  And a sample that has every kind of section and value.
 */
#ifndef TEST_CONF_MEANING_H
#define TEST_CONF_MEANING_H

#include <ctype.h>

#include "unit/conf/loaded.h"

enum { MEANING_MAX = 65536, TEXT_MAX = 16384 };

static inline void
print_accept(struct str *s, const struct accept *a)
{
	str_addf(s, " %d/%d/%u,%u:%u", a->present, a->any, (unsigned)a->offer, (unsigned)a->least,
	    (unsigned)a->most);
}

static inline void
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

static inline void
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

static inline void
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

static inline void
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

static const char full_sample[] =
    "[General]\nRetransmits= 4\nUse-Keynote= no\nDelete-SAs= no\nKernel-backend= user\n"
    "DPD-check-interval= 20\n"
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

#endif
