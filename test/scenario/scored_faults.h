/*
 * The faults of scored_faults.c.  Default of both gateways: sim/template.c;
 * west begins.  Names in the facts are those of isakmpd.conf(5) and of the
 * registries of RFC 2407 to 2409, values are the ones put in here.
 */
#define MM "mm-transform:"
#define QM "qm-transform:"


static const struct injected faults[] = {
	/* ---- phase 1: what the initiator offers is not what the responder wants ---- */
	{ "phase 1 encryption", EAST, .west = "cipher=3DES_CBC keylen=none", .field = "ENCRYPTION_ALGORITHM",
	  .expected = "AES_CBC", .got = "3DES_CBC", .line = MM "ENCRYPTION_ALGORITHM", .remedy = "Transforms" },
	{ "phase 1 encryption, refused", WEST, .west = "cipher=3DES_CBC keylen=none", .field = "Transforms",
	  .expected = "3DES_CBC|SHA2_256|X25519", .got = "NO_PROPOSAL_CHOSEN", .line = "mm:Transforms" },
	{ "phase 1 encryption, another chosen", WEST, .change = ATTRIBUTE, .which = MAIN_2, .a = P1_ENCRYPTION_ALGORITHM,
	  .b = 5, .field = "ENCRYPTION_ALGORITHM", .expected = "AES_CBC", .got = "3DES_CBC",
	  .line = MM "ENCRYPTION_ALGORITHM" },
	{ "phase 1 key length", EAST, .west = "keylen=256,256:256", .east = "keylen=128,128:192", .field = "KEY_LENGTH",
	  .expected = "128:192", .got = "256", .line = MM "KEY_LENGTH", .remedy = "Transforms" },
	{ "phase 1 key length, refused", WEST, .west = "keylen=256,256:256", .east = "keylen=128,128:192",
	  .field = "Transforms", .expected = "AES_CBC-256", .got = "NO_PROPOSAL_CHOSEN", .line = "mm:Transforms" },
	{ "phase 1 key length, another chosen", WEST, .change = ATTRIBUTE, .which = MAIN_2, .a = P1_KEY_LENGTH, .b = 256,
	  .field = "KEY_LENGTH", .expected = "128", .got = "256", .line = MM "KEY_LENGTH" },
	{ "phase 1 hash", EAST, .west = "hash=SHA2_512", .field = "HASH_ALGORITHM", .expected = "SHA2_256",
	  .got = "SHA2_512", .line = MM "HASH_ALGORITHM", .remedy = "Transforms" },
	{ "phase 1 hash, refused", WEST, .west = "hash=SHA2_512", .field = "Transforms", .expected = "SHA2_512",
	  .got = "NO_PROPOSAL_CHOSEN", .line = "mm:Transforms" },
	{ "phase 1 hash, another chosen", WEST, .change = ATTRIBUTE, .which = MAIN_2, .a = P1_HASH_ALGORITHM, .b = 2,
	  .field = "HASH_ALGORITHM", .expected = "SHA2_256", .got = "SHA", .line = MM "HASH_ALGORITHM" },
	{ "phase 1 group", EAST, .west = "group=ECP_256", .field = "GROUP_DESCRIPTION", .expected = "X25519",
	  .got = "ECP_256", .line = MM "GROUP_DESCRIPTION", .remedy = "Transforms" },
	{ "phase 1 group, refused", WEST, .west = "group=ECP_256", .field = "Transforms", .expected = "ECP_256",
	  .got = "NO_PROPOSAL_CHOSEN", .line = "mm:Transforms" },
	{ "phase 1 group, another chosen", WEST, .change = ATTRIBUTE, .which = MAIN_2, .a = P1_GROUP_DESCRIPTION, .b = 14,
	  .field = "GROUP_DESCRIPTION", .expected = "X25519", .got = "MODP_2048", .line = MM "GROUP_DESCRIPTION" },
	{ "phase 1 authentication method", EAST, .change = ATTRIBUTE, .which = MAIN_1, .a = P1_AUTHENTICATION_METHOD,
	  .b = 3, .field = "AUTHENTICATION_METHOD", .expected = "PRE_SHARED", .got = "RSA_SIG",
	  .line = MM "AUTHENTICATION_METHOD" },
	{ "phase 1 authentication method, another chosen", WEST, .change = ATTRIBUTE, .which = MAIN_2,
	  .a = P1_AUTHENTICATION_METHOD, .b = 65001, .field = "AUTHENTICATION_METHOD", .expected = "PRE_SHARED",
	  .got = "65001", .line = MM "AUTHENTICATION_METHOD" },
	{ "phase 1 life type", EAST, .change = ATTRIBUTE, .which = MAIN_1, .a = P1_LIFE_TYPE, .b = 7, .field = "LIFE_TYPE",
	  .expected = "SECONDS", .got = "7", .line = "mm-life:LIFE_DURATION" },
	{ "phase 1 life type, another chosen", WEST, .change = ATTRIBUTE, .which = MAIN_2, .a = P1_LIFE_TYPE, .b = 7,
	  .field = "LIFE_TYPE", .expected = "SECONDS", .got = "7", .line = "mm-life:LIFE_DURATION" },
	{ "phase 1 life duration", EAST, .west = "p1life=70,60:86400", .east = "p1life=3600,600:7200",
	  .field = "LIFE_DURATION", .expected = "600", .got = "70", .line = "mm-life:LIFE_DURATION" },
	{ "phase 1 life duration, refused", WEST, .west = "p1life=70,60:86400", .east = "p1life=3600,600:7200",
	  .field = "Transforms", .expected = "70", .got = "NO_PROPOSAL_CHOSEN", .line = "mm:Transforms" },
	{ "phase 1 life duration, another chosen", WEST, .change = ATTRIBUTE, .which = MAIN_2, .a = P1_LIFE_DURATION,
	  .b = 50000, .field = "LIFE_DURATION", .expected = "3600", .got = "50000", .line = "mm-life:LIFE_DURATION" },
	{ "phase 1 attribute nobody knows", EAST, .change = ATTRIBUTE, .which = MAIN_1, .a = 77, .b = 4711, .field = "77",
	  .expected = "no such", .got = "4711", .line = "mm:Transforms" },
	{ "phase 1 attribute left out", EAST, .change = NO_ATTRIBUTE, .which = MAIN_1, .a = P1_HASH_ALGORITHM,
	  .field = "HASH_ALGORITHM", .expected = "SHA2_256", .got = "no attribute", .line = MM "HASH_ALGORITHM" },
	{ "phase 1 protocol", EAST, .change = PROTOCOL, .which = MAIN_1, .a = 3, .field = "PROTOCOL_ID",
	  .expected = "ISAKMP", .got = "IPSEC_ESP", .line = "mm:Transforms" },
	{ "phase 1 protocol, another chosen", WEST, .change = PROTOCOL, .which = MAIN_2, .a = 2, .field = "PROTOCOL_ID",
	  .expected = "ISAKMP", .got = "IPSEC_AH", .line = "mm:Transforms" },
	{ "phase 1 two proposals", EAST, .change = PROPOSAL_TWICE, .which = MAIN_1, .field = "proposal", .expected = "one",
	  .got = "more", .line = "mm:Transforms" },
	{ "phase 1 two proposals, as the choice", WEST, .change = PROPOSAL_TWICE, .which = MAIN_2, .field = "proposal",
	  .expected = "one", .got = "more", .line = "mm:Transforms" },
	{ "phase 1 DOI", EAST, .change = DOI_NUMBER, .which = MAIN_1, .a = 9, .field = "DOI", .expected = "1", .got = "9" },
	{ "phase 1 DOI, of the choice", WEST, .change = DOI_NUMBER, .which = MAIN_2, .a = 9, .field = "DOI",
	  .expected = "1", .got = "9" },
	{ "phase 1 situation", EAST, .change = SITUATION_NUMBER, .which = MAIN_1, .a = 6, .field = "situation",
	  .expected = "1", .got = "6" },
	{ "phase 1 situation, of the choice", WEST, .change = SITUATION_NUMBER, .which = MAIN_2, .a = 6,
	  .field = "situation", .expected = "1", .got = "6" },
	{ "exchange type aggressive", EAST, .change = EXCHANGE, .which = MAIN_1, .a = 4, .field = "EXCHANGE_TYPE",
	  .expected = "ID_PROT", .got = "AGGRESSIVE", .line = "mm:EXCHANGE_TYPE" },
	{ "IKEv2", EAST, .change = VERSION, .which = MAIN_1, .a = 0x20, .field = "version", .expected = "1", .got = "2" },

	/* ---- phase 1: messages 3 and 4 ---- */
	{ "nonce too short", EAST, .change = PAYLOAD_SIZE, .which = MAIN_3, .a = PL_NONCE, .b = 4, .field = "NONCE",
	  .expected = "8", .got = "4" },
	{ "nonce too short", WEST, .change = PAYLOAD_SIZE, .which = MAIN_4, .a = PL_NONCE, .b = 4, .field = "NONCE",
	  .expected = "8", .got = "4" },
	{ "public value of another size", EAST, .change = PAYLOAD_SIZE, .which = MAIN_3, .a = PL_KEY_EXCH, .b = 64,
	  .field = "KEY_EXCH", .expected = "32|X25519", .got = "64", .line = MM "GROUP_DESCRIPTION" },
	{ "public value of another size", WEST, .change = PAYLOAD_SIZE, .which = MAIN_4, .a = PL_KEY_EXCH, .b = 64,
	  .field = "KEY_EXCH", .expected = "32|X25519", .got = "64", .line = MM "GROUP_DESCRIPTION" },
	{ "public value not allowed", EAST, .change = BAD_PUBLIC, .which = MAIN_3, .field = "KEY_EXCH", .expected = "X25519",
	  .got = "not" },
	{ "public value not allowed", WEST, .change = BAD_PUBLIC, .which = MAIN_4, .field = "KEY_EXCH", .expected = "X25519",
	  .got = "not" },
	{ "payload missing", EAST, .change = NO_PAYLOAD, .which = MAIN_3, .a = PL_NONCE, .field = "NONCE",
	  .expected = "NONCE", .got = "KE" },
	{ "payload missing", WEST, .change = NO_PAYLOAD, .which = MAIN_4, .a = PL_KEY_EXCH, .field = "KE",
	  .expected = "KE", .got = "NONCE" },
	{ "payload not allowed", EAST, .change = PAYLOAD_MORE, .which = MAIN_3, .a = PL_SIG, .b = 16, .field = "SIG",
	  .expected = "KE|NONCE", .got = "SIG" },
	{ "payload not allowed", WEST, .change = PAYLOAD_MORE, .which = MAIN_4, .a = PL_SIG, .b = 16, .field = "SIG",
	  .expected = "KE|NONCE", .got = "SIG" },

	/* ---- pre-shared keys ---- */
	{ "pre-shared key", EAST, .west = "psk=one-that-is-another", .field = "Authentication", .expected = "same",
	  .got = "another", .line = "peer-west:Authentication", .remedy = "Authentication" },
	{ "pre-shared key", WEST, .west = "psk=one-that-is-another", .field = "Authentication", .expected = "same",
	  .got = "AUTHENTICATION_FAILED", .line = "peer-east:Authentication", .remedy = "Authentication" },
	{ "pre-shared key, peer says nothing", WEST, .west = "psk=one-that-is-another", .change = SILENCE, .which = MAIN_6,
	  .field = "Authentication", .expected = "message 6", .got = "nothing",
	  .line = "peer-east:Authentication", .remedy = "Authentication" },
	{ "no key in the keys process", EAST, .change = NO_KEY, .field = "Authentication", .expected = "key", .got = "none",
	  .line = "peer-west:Authentication", .remedy = "Authentication" },
	{ "no key in the keys process", WEST, .change = NO_KEY, .field = "Authentication", .expected = "key", .got = "none",
	  .line = "peer-east:Authentication", .remedy = "Authentication" },

	/* ---- phase 1 identities ---- */
	{ "phase 1 ID type", EAST, .west = "ids=address", .east = "ids=fqdn", .field = "Remote-ID",
	  .expected = "FQDN|west.example.net", .got = "IPV4_ADDR|198.18.0.2", .line = "peer-west:Remote-ID",
	  .remedy = "Remote-ID" },
	{ "phase 1 ID type, refused", WEST, .west = "ids=address", .east = "ids=fqdn", .field = "ID",
	  .expected = "198.18.0.2", .got = "INVALID_ID_INFORMATION", .line = "peer-east:", .remedy = "ID" },
	{ "phase 1 ID value", EAST, .west = "ids=fqdn id=nobody.example.org", .east = "ids=fqdn", .field = "Remote-ID",
	  .expected = "west.example.net", .got = "nobody.example.org", .line = "peer-west:Remote-ID",
	  .remedy = "Remote-ID" },
	{ "phase 1 ID value, refused", WEST, .west = "ids=fqdn id=nobody.example.org", .east = "ids=fqdn", .field = "ID",
	  .expected = "nobody.example.org", .got = "INVALID_ID_INFORMATION", .line = "peer-east:ID", .remedy = "ID" },
	{ "phase 1 ID type of the responder", WEST, .west = "ids=fqdn", .east = "ids=fqdn",
	  .set = { "east [peer-west] ID=address-own", "east [address-own] ID-type=IPV4_ADDR",
	  "east [address-own] Address=198.18.0.9" }, .field = "Remote-ID", .expected = "FQDN|east.example.net",
	  .got = "IPV4_ADDR|198.18.0.9", .line = "peer-east:Remote-ID", .remedy = "Remote-ID" },
	{ "phase 1 ID value of the responder", WEST, .west = "ids=fqdn", .east = "ids=fqdn id=nobody.example.org",
	  .field = "Remote-ID", .expected = "east.example.net", .got = "nobody.example.org",
	  .line = "peer-east:Remote-ID", .remedy = "Remote-ID" },
	{ "phase 1 ID value of the responder, refused", EAST, .west = "ids=fqdn", .east = "ids=fqdn id=nobody.example.org",
	  .field = "ID", .expected = "nobody.example.org", .got = "INVALID_ID_INFORMATION", .line = "peer-west:ID",
	  .remedy = "ID" },
	{ "phase 1 address without Remote-ID", EAST, .west = "ids=fqdn", .east = "ids=address", .field = "Remote-ID",
	  .expected = "198.18.0.2", .got = "west.example.net", .line = "peer-west:Address", .remedy = "Remote-ID" },

	/* ---- phase 2: suites ---- */
	{ "phase 2 transform", EAST, .west = "esp=AES espauth=HMAC_SHA2_256", .field = "TRANSFORM_ID",
	  .expected = "AES_GCM_16", .got = "AES", .line = QM "TRANSFORM_ID", .remedy = "tunnel" },
	{ "phase 2 transform, refused", WEST, .west = "esp=AES espauth=HMAC_SHA2_256", .field = "Suites",
	  .expected = "AES", .got = "NO_PROPOSAL_CHOSEN", .line = "qm:Suites", .remedy = "Suites" },
	{ "phase 2 transform, another chosen", WEST, .change = TRANSFORM_NUMBER, .which = QUICK_2, .a = 23,
	  .field = "TRANSFORM_ID", .expected = "AES_GCM_16", .got = "AES_GMAC", .line = QM "TRANSFORM_ID" },
	{ "phase 2 key length", EAST, .west = "esplen=256,256:256", .field = "KEY_LENGTH", .expected = "128", .got = "256",
	  .line = QM "KEY_LENGTH", .remedy = "tunnel" },
	{ "phase 2 key length, refused", WEST, .west = "esplen=256,256:256", .field = "Suites", .expected = "256",
	  .got = "NO_PROPOSAL_CHOSEN", .line = "qm:Suites" },
	{ "phase 2 key length, another chosen", WEST, .change = ATTRIBUTE, .which = QUICK_2, .a = P2_KEY_LENGTH, .b = 192,
	  .field = "KEY_LENGTH", .expected = "128", .got = "192", .line = QM "KEY_LENGTH" },
	{ "phase 2 authentication", EAST, .west = "esp=AES espauth=HMAC_SHA2_256", .east = "esp=AES espauth=HMAC_SHA2_512",
	  .field = "AUTHENTICATION_ALGORITHM", .expected = "HMAC_SHA2_512", .got = "HMAC_SHA2_256",
	  .line = QM "AUTHENTICATION_ALGORITHM" },
	{ "phase 2 authentication, refused", WEST, .west = "esp=AES espauth=HMAC_SHA2_256",
	  .east = "esp=AES espauth=HMAC_SHA2_512", .field = "Suites", .expected = "SHA2_256",
	  .got = "NO_PROPOSAL_CHOSEN", .line = "qm:Suites" },
	{ "phase 2 authentication, another chosen", WEST, .west = "esp=AES espauth=HMAC_SHA2_256",
	  .east = "esp=AES espauth=HMAC_SHA2_256", .change = ATTRIBUTE, .which = QUICK_2, .a = P2_AUTHENTICATION_ALGORITHM,
	  .b = 7, .field = "AUTHENTICATION_ALGORITHM", .expected = "HMAC_SHA2_256", .got = "HMAC_SHA2_512",
	  .line = QM "AUTHENTICATION_ALGORITHM" },
	{ "PFS group", EAST, .west = "pfs=ECP_256", .field = "GROUP_DESCRIPTION", .expected = "X25519", .got = "ECP_256",
	  .line = QM "GROUP_DESCRIPTION" },
	{ "PFS group, refused", WEST, .west = "pfs=ECP_256", .field = "Suites", .expected = "ECP_256",
	  .got = "NO_PROPOSAL_CHOSEN", .line = "qm:Suites" },
	{ "PFS group, another chosen", WEST, .change = ATTRIBUTE, .which = QUICK_2, .a = P2_GROUP_DESCRIPTION, .b = 19,
	  .field = "GROUP_DESCRIPTION", .expected = "X25519", .got = "ECP_256", .line = QM "GROUP_DESCRIPTION" },
	{ "PFS missing at the initiator", EAST, .west = "pfs=none", .field = "GROUP_DESCRIPTION", .expected = "X25519",
	  .got = "none", .line = QM "GROUP_DESCRIPTION" },
	{ "PFS missing at the initiator, refused", WEST, .west = "pfs=none", .field = "Suites", .expected = "PFS none",
	  .got = "NO_PROPOSAL_CHOSEN", .line = "qm:Suites" },
	{ "PFS missing at the responder", EAST, .east = "pfs=none", .field = "GROUP_DESCRIPTION", .expected = "none",
	  .got = "X25519", .line = "qm-transform:" },
	{ "PFS missing at the responder, refused", WEST, .east = "pfs=none", .field = "Suites", .expected = "X25519",
	  .got = "NO_PROPOSAL_CHOSEN", .line = "qm:Suites" },
	{ "group without a public value", EAST, .change = NO_PAYLOAD, .which = QUICK_1, .a = PL_KEY_EXCH,
	  .field = "KEY_EXCH", .expected = "X25519", .got = "no", .line = QM "GROUP_DESCRIPTION" },
	{ "public value without a group", EAST, .change = NO_ATTRIBUTE, .which = QUICK_1, .a = P2_GROUP_DESCRIPTION,
	  .field = "GROUP_DESCRIPTION", .expected = "X25519", .got = "none|KEY_EXCH", .line = QM "GROUP_DESCRIPTION" },
	{ "public value missing in the answer", WEST, .change = NO_PAYLOAD, .which = QUICK_2, .a = PL_KEY_EXCH,
	  .field = "KEY_EXCH", .expected = "X25519", .got = "no", .line = QM "GROUP_DESCRIPTION" },
	{ "public value of another size in phase 2", EAST, .change = PAYLOAD_SIZE, .which = QUICK_1, .a = PL_KEY_EXCH,
	  .b = 64, .field = "KEY_EXCH", .expected = "32|X25519", .got = "64" },
	{ "public value of another size in phase 2", WEST, .change = PAYLOAD_SIZE, .which = QUICK_2, .a = PL_KEY_EXCH,
	  .b = 64, .field = "KEY_EXCH", .expected = "32|X25519", .got = "64" },
	{ "public value not allowed in phase 2", EAST, .change = BAD_PUBLIC, .which = QUICK_1, .field = "KEY_EXCH",
	  .expected = "X25519", .got = "not" },
	{ "public value not allowed in phase 2", WEST, .change = BAD_PUBLIC, .which = QUICK_1, .field = "KEY_EXCH",
	  .expected = "X25519", .got = "not" },
	{ "encapsulation mode", EAST, .change = ATTRIBUTE, .which = QUICK_1, .a = P2_ENCAPSULATION_MODE, .b = 2,
	  .field = "ENCAPSULATION_MODE", .expected = "TUNNEL", .got = "TRANSPORT", .line = QM "ENCAPSULATION_MODE" },
	{ "encapsulation mode, another chosen", WEST, .change = ATTRIBUTE, .which = QUICK_2, .a = P2_ENCAPSULATION_MODE,
	  .b = 2, .field = "ENCAPSULATION_MODE", .expected = "TUNNEL", .got = "TRANSPORT",
	  .line = QM "ENCAPSULATION_MODE" },
	{ "encapsulation mode of NAT without one", EAST, .change = ATTRIBUTE, .which = QUICK_1, .a = P2_ENCAPSULATION_MODE,
	  .b = 3, .field = "ENCAPSULATION_MODE", .expected = "TUNNEL", .got = "UDP_ENCAP_TUNNEL",
	  .line = QM "ENCAPSULATION_MODE" },
	{ "encapsulation mode left out", EAST, .change = NO_ATTRIBUTE, .which = QUICK_1, .a = P2_ENCAPSULATION_MODE,
	  .field = "ENCAPSULATION_MODE", .expected = "TUNNEL", .got = "TRANSPORT", .line = QM "ENCAPSULATION_MODE" },
	{ "phase 2 life duration", EAST, .west = "p2life=70,60:86400", .east = "p2life=1200,600:3600",
	  .field = "SA_LIFE_DURATION", .expected = "600", .got = "70", .line = "qm-life:LIFE_DURATION" },
	{ "phase 2 life duration, refused", WEST, .west = "p2life=70,60:86400", .east = "p2life=1200,600:3600",
	  .field = "Suites", .expected = "70", .got = "NO_PROPOSAL_CHOSEN", .line = "qm:Suites" },
	{ "phase 2 life duration, another chosen", WEST, .change = ATTRIBUTE, .which = QUICK_2, .a = P2_SA_LIFE_DURATION,
	  .b = 5000, .field = "SA_LIFE_DURATION", .expected = "1200", .got = "5000", .line = "qm-life:LIFE_DURATION" },
	{ "phase 2 life type", EAST, .change = ATTRIBUTE, .which = QUICK_1, .a = P2_SA_LIFE_TYPE, .b = 9,
	  .field = "SA_LIFE_TYPE", .expected = "SECONDS", .got = "9", .line = "qm-life:LIFE_DURATION" },
	{ "phase 2 life type, another chosen", WEST, .change = ATTRIBUTE, .which = QUICK_2, .a = P2_SA_LIFE_TYPE, .b = 9,
	  .field = "SA_LIFE_TYPE", .expected = "SECONDS", .got = "9", .line = "qm-life:LIFE_DURATION" },
	{ "phase 2 attribute nobody knows", EAST, .change = ATTRIBUTE, .which = QUICK_1, .a = 99, .b = 815, .field = "99",
	  .expected = "no such", .got = "815", .line = "qm:Suites" },
	{ "phase 2 extended sequence numbers", EAST, .change = ATTRIBUTE, .which = QUICK_1, .a = P2_EXTENDED_SEQUENCE,
	  .b = 1, .field = "EXTENDED_SEQUENCE", .expected = "no such", .got = "1", .line = "qm-transform:" },
	{ "phase 2 protocol", EAST, .change = PROTOCOL, .which = QUICK_1, .a = 2, .field = "PROTOCOL_ID",
	  .expected = "IPSEC_ESP", .got = "IPSEC_AH", .line = "qm:Suites" },
	{ "phase 2 protocol, another chosen", WEST, .change = PROTOCOL, .which = QUICK_2, .a = 2, .field = "PROTOCOL_ID",
	  .expected = "IPSEC_ESP", .got = "IPSEC_AH", .line = "qm:Suites" },
	{ "phase 2 bundle of two protocols", EAST, .change = BUNDLE, .which = QUICK_1, .field = "PROTOCOL_ID",
	  .expected = "ESP", .got = "2", .line = "qm:Suites" },
	{ "phase 2 two proposals chosen", WEST, .change = PROPOSAL_TWICE, .which = QUICK_2, .field = "proposal",
	  .expected = "one", .got = "more", .line = "qm:Suites" },
	{ "reserved SPI", EAST, .change = SPI, .which = QUICK_1, .a = 77, .field = "SPI", .expected = "256", .got = "77" },
	{ "reserved SPI", WEST, .change = SPI, .which = QUICK_2, .a = 77, .field = "SPI", .expected = "256", .got = "77" },
	{ "SPI of another size", EAST, .change = SPI_SIZE, .which = QUICK_1, .a = 8, .field = "SPI", .expected = "4",
	  .got = "8" },
	{ "SPI of another size", WEST, .change = SPI_SIZE, .which = QUICK_2, .a = 8, .field = "SPI", .expected = "4",
	  .got = "8" },
	{ "phase 2 DOI", EAST, .change = DOI_NUMBER, .which = QUICK_1, .a = 9, .field = "DOI", .expected = "1", .got = "9" },
	{ "phase 2 DOI, of the choice", WEST, .change = DOI_NUMBER, .which = QUICK_2, .a = 9, .field = "DOI",
	  .expected = "1", .got = "9" },
	{ "phase 2 nonce too short", EAST, .change = PAYLOAD_SIZE, .which = QUICK_1, .a = PL_NONCE, .b = 5,
	  .field = "NONCE", .expected = "8", .got = "5" },
	{ "phase 2 nonce too short", WEST, .change = PAYLOAD_SIZE, .which = QUICK_2, .a = PL_NONCE, .b = 5,
	  .field = "NONCE", .expected = "8", .got = "5" },
	{ "phase 2 payload missing", EAST, .change = NO_PAYLOAD, .which = QUICK_1, .a = PL_NONCE, .field = "NONCE",
	  .expected = "NONCE", .got = "SA" },
	{ "phase 2 payload missing", WEST, .change = NO_PAYLOAD, .which = QUICK_2, .a = PL_NONCE, .field = "NONCE",
	  .expected = "NONCE", .got = "SA" },
	{ "phase 2 hash", EAST, .change = WRONG_HASH, .which = QUICK_1, .field = "HASH", .expected = "HASH(1)",
	  .got = "another" },
	{ "phase 2 hash", WEST, .change = WRONG_HASH, .which = QUICK_2, .field = "HASH", .expected = "HASH(2)",
	  .got = "another" },

	/* ---- phase 2: identities ---- */
	{ "phase 2 ID value", EAST, .west = "net=10.77.0.0", .field = "IDs", .expected = "10.1.1.0/24",
	  .got = "10.77.0.0/24", .line = "tunnel:Remote-ID", .remedy = "mirror" },
	{ "phase 2 ID value, refused", WEST, .west = "net=10.77.0.0", .field = "IDs", .expected = "10.77.0.0/24",
	  .got = "INVALID_ID_INFORMATION", .line = "tunnel:Local-ID", .remedy = "mirror" },
	{ "phase 2 ID value of the responder", EAST, .east = "net=10.88.0.0", .field = "IDs", .expected = "10.88.0.0/24",
	  .got = "10.1.2.0/24", .line = "tunnel:Local-ID", .remedy = "mirror" },
	{ "phase 2 ID, another answered", WEST, .change = ID_IS, .which = QUICK_2, .a = ID_IPV4_ADDR, .b = 0,
	  .field = "IDs", .expected = "10.1.1.0/24", .got = "10.77.0.7", .line = "tunnel:Local-ID", .remedy = "Local-ID" },
	{ "phase 2 ID type", EAST, .change = ID_IS, .which = QUICK_1, .a = ID_FQDN, .b = 0, .field = "ID",
	  .expected = "address|subnet|range", .got = "FQDN", .line = "peer-west:" },
	{ "phase 2 ID type, in the answer", WEST, .change = ID_IS, .which = QUICK_2, .a = ID_FQDN, .b = 1, .field = "ID",
	  .expected = "10.1.2.0/24", .got = "FQDN", .line = "tunnel:Remote-ID" },
	{ "phase 2 without IDs", EAST, .change = NO_PAYLOAD, .which = QUICK_1, .a = PL_ID, .field = "IDs",
	  .expected = "10.1.1.0/24", .got = "198.18.0.2", .line = "tunnel:Local-ID" },
	{ "phase 2 without IDs, in the answer", WEST, .change = NO_PAYLOAD, .which = QUICK_2, .a = PL_ID, .field = "IDs",
	  .expected = "10.1.1.0/24", .got = "none", .line = "tunnel:Local-ID" },
	{ "phase 2 with three IDs", EAST, .change = PAYLOAD_MORE, .which = QUICK_1, .a = PL_ID, .b = 8, .field = "ID",
	  .expected = "two", .got = "3" },

	/* ---- nobody there, nothing configured ---- */
	{ "no connection for the peer", EAST, .set = { "east [tunnel] ISAKMP-peer=peer-other",
	  "east [peer-other] Authentication=one-that-is-another", "east [peer-other] Configuration=mm",
	  "east [peer-other] Address=198.18.0.77", "east [peer-other] Phase=1" },
	  .field = "Connections", .expected = "peer-west", .got = "10.1.1.0/24", .line = "peer-west:" },
	{ "no peer for the address", EAST, .east = "known=no", .field = "Phase 1", .expected = "198.18.0.2|Default",
	  .got = "198.18.0.2", .line = "Phase 1:", .remedy = "[Phase 1]" },
	{ "no peer for the address, peer says nothing", WEST, .east = "known=no", .field = "message", .expected = "message 2",
	  .got = "nothing", .line = "peer-east:Address", .remedy = "500" },
	{ "no such connection", WEST, .order = "tunel", .field = "connection", .expected = "tunnel", .got = "tunel",
	  .line = "Phase 2:" },
	{ "no address of the peer", WEST, .west = "reach=no", .field = "Address", .expected = "address", .got = "none",
	  .line = "peer-east:", .remedy = "Address" },

	/* ---- silence ---- */
	{ "peer silent from the start", WEST, .change = SILENCE, .which = MAIN_1, .field = "message",
	  .expected = "message 2", .got = "nothing", .line = "peer-east:Address", .remedy = "500" },
	{ "peer silent after message 2", WEST, .change = SILENCE, .which = MAIN_3, .field = "message",
	  .expected = "message 4", .got = "nothing", .line = "peer-east:Address" },
	{ "our answers do not reach the peer", EAST, .change = SILENCE, .which = MAIN_2, .field = "message",
	  .expected = "message 3", .got = "message 1", .line = "peer-west:Address" },
	{ "peer silent after message 4", WEST, .change = SILENCE, .which = MAIN_5, .field = "Authentication",
	  .expected = "message 6", .got = "nothing", .line = "peer-east:Authentication", .remedy = "pre-shared|500" },
	{ "peer silent after message 4", EAST, .change = SILENCE, .which = MAIN_5, .field = "message",
	  .expected = "message 5", .got = "nothing", .line = "peer-west:Address" },
	{ "peer silent in quick mode", WEST, .change = SILENCE, .which = QUICK_1, .field = "message",
	  .expected = "message 2", .got = "nothing", .line = "tunnel:" },
	{ "peer silent at the end of quick mode", EAST, .change = SILENCE, .which = QUICK_3, .field = "message",
	  .expected = "HASH(3)", .got = "nothing", .line = "tunnel:" },
	{ "peer dead by DPD", WEST, .west = "dpd=10", .east = "dpd=10", .change = PEER_GONE, .field = "DPD",
	  .expected = "R_U_THERE_ACK", .got = "nothing", .line = "peer-east:Address" },
	{ "peer dead by DPD", EAST, .west = "dpd=10", .east = "dpd=10", .change = PEER_GONE, .field = "DPD",
	  .expected = "R_U_THERE_ACK", .got = "nothing", .line = "peer-west:Address" },

	/* ---- the peer refuses by a notification ---- */
#define CLEAR(n) \
	{ "refused in clear with " #n, WEST, .change = NOTIFY_INSTEAD, .which = MAIN_2, .a = N_##n, .field = "Transforms", \
	  .expected = "AES_CBC|SHA2_256|X25519", .got = #n, .line = "mm:Transforms" },
	CLEAR(INVALID_PAYLOAD_TYPE) CLEAR(DOI_NOT_SUPPORTED) CLEAR(SITUATION_NOT_SUPPORTED) CLEAR(INVALID_COOKIE)
	CLEAR(INVALID_MAJOR_VERSION) CLEAR(INVALID_MINOR_VERSION) CLEAR(INVALID_EXCHANGE_TYPE) CLEAR(INVALID_FLAGS)
	CLEAR(INVALID_MESSAGE_ID) CLEAR(INVALID_PROTOCOL_ID) CLEAR(INVALID_SPI) CLEAR(INVALID_TRANSFORM_ID)
	CLEAR(ATTRIBUTES_NOT_SUPPORTED) CLEAR(NO_PROPOSAL_CHOSEN) CLEAR(BAD_PROPOSAL_SYNTAX) CLEAR(PAYLOAD_MALFORMED)
	CLEAR(INVALID_KEY_INFORMATION) CLEAR(INVALID_ID_INFORMATION) CLEAR(INVALID_CERT_ENCODING)
	CLEAR(INVALID_CERTIFICATE) CLEAR(CERT_TYPE_UNSUPPORTED) CLEAR(INVALID_CERT_AUTHORITY)
	CLEAR(INVALID_HASH_INFORMATION) CLEAR(AUTHENTICATION_FAILED) CLEAR(INVALID_SIGNATURE)
	CLEAR(ADDRESS_NOTIFICATION) CLEAR(NOTIFY_SA_LIFETIME) CLEAR(CERTIFICATE_UNAVAILABLE)
	CLEAR(UNSUPPORTED_EXCHANGE_TYPE) CLEAR(UNEQUAL_PAYLOAD_LENGTHS)
#define CHOICE(n) \
	{ "choice refused in clear with " #n, EAST, .change = NOTIFY_INSTEAD, .which = MAIN_3, .a = N_##n, \
	  .field = "Transforms", .expected = "AES_CBC|SHA2_256|X25519", .got = #n, .line = "mm:Transforms" },
	CHOICE(NO_PROPOSAL_CHOSEN) CHOICE(BAD_PROPOSAL_SYNTAX) CHOICE(INVALID_EXCHANGE_TYPE)
	CHOICE(INVALID_TRANSFORM_ID)
#define KEYS(n) \
	{ "message 3 refused in clear with " #n, WEST, .change = NOTIFY_INSTEAD, .which = MAIN_4, .a = N_##n, \
	  .field = "message 3", .expected = "X25519", .got = #n, .line = "peer-east:" },
	KEYS(INVALID_KEY_INFORMATION) KEYS(PAYLOAD_MALFORMED)
#define QUICK(n) \
	{ "quick mode refused with " #n, WEST, .change = NOTIFY_COVERED, .which = QUICK_2, .a = N_##n, .field = "Suites", \
	  .expected = "AES_GCM_16|128|X25519", .got = #n, .line = "qm:Suites" }, \
	{ "answer in quick mode refused with " #n, EAST, .change = NOTIFY_COVERED, .which = QUICK_3, .a = N_##n, \
	  .field = "Suites", .expected = "AES_GCM_16|128|X25519", .got = #n, .line = "qm:Suites" },
	QUICK(NO_PROPOSAL_CHOSEN) QUICK(INVALID_HASH_INFORMATION) QUICK(BAD_PROPOSAL_SYNTAX)
	QUICK(ATTRIBUTES_NOT_SUPPORTED) QUICK(INVALID_PROTOCOL_ID) QUICK(INVALID_TRANSFORM_ID)
	QUICK(PAYLOAD_MALFORMED) QUICK(INVALID_PAYLOAD_TYPE) QUICK(UNSUPPORTED_EXCHANGE_TYPE)
	QUICK(INVALID_KEY_INFORMATION) QUICK(DOI_NOT_SUPPORTED) QUICK(SITUATION_NOT_SUPPORTED)

	/* ---- the back end ---- */
	{ "back end refuses an SPI", WEST, .refuse = "west get_spi 1", .field = "back end", .expected = "SPI",
	  .got = "told to refuse", .line = "tunnel:", .remedy = "again" },
	{ "back end refuses an SPI", EAST, .refuse = "east get_spi 1", .field = "back end", .expected = "SPI",
	  .got = "told to refuse", .line = "tunnel:", .remedy = "again" },
	{ "back end refuses an SPI of the other", WEST, .refuse = "east get_spi 1", .field = "Suites",
	  .expected = "AES_GCM_16", .got = "NO_PROPOSAL_CHOSEN", .line = "qm:Suites" },
	{ "back end refuses the flow", WEST, .refuse = "west install 1", .field = "back end", .expected = "flow",
	  .got = "told to refuse", .line = "tunnel:" },
	{ "back end refuses the pair", WEST, .refuse = "west install 2", .field = "back end", .expected = "SA",
	  .got = "told to refuse", .line = "tunnel:" },
	{ "back end refuses the inbound half", EAST, .refuse = "east install 1", .field = "back end", .expected = "SA",
	  .got = "told to refuse", .line = "tunnel:" },
	{ "back end refuses the outbound half", EAST, .refuse = "east install 2", .field = "back end", .expected = "SA",
	  .got = "told to refuse", .line = "tunnel:" },
	{ "back end lacks the algorithm", WEST, .refuse = "west install 2 ALGORITHM", .field = "back end",
	  .expected = "AES_GCM_16", .got = "told to refuse", .line = "tunnel:", .remedy = "suite" },
	{ "back end lacks the algorithm", EAST, .refuse = "east install 1 ALGORITHM", .field = "back end",
	  .expected = "AES_GCM_16", .got = "told to refuse", .line = "tunnel:", .remedy = "suite" },

	/* ---- other processes, and limits ---- */
	{ "keys process ends in main mode", WEST, .change = KEYS_RESTART, .field = "process", .expected = "keys",
	  .got = "ended", .remedy = "log" },
	{ "keys process ends in main mode", EAST, .change = KEYS_RESTART, .field = "process", .expected = "keys",
	  .got = "ended", .remedy = "log" },
	{ "kern process ends in quick mode", WEST, .change = KERN_RESTART, .field = "process", .expected = "kern",
	  .got = "ended", .remedy = "log" },
	{ "kern process ends in quick mode", EAST, .change = KERN_RESTART, .field = "process", .expected = "kern",
	  .got = "ended", .remedy = "log" },
	{ "negotiation longer than it may be", WEST, .set = { "west [General] Exchange-max-time=3" },
	  .change = SILENCE, .which = QUICK_1, .field = "message", .expected = "message 2", .got = "nothing",
	  .line = "tunnel:" },
	{ "negotiation longer than it may be", EAST, .set = { "east [General] Exchange-max-time=3" },
	  .change = SILENCE, .which = MAIN_5, .field = "message", .expected = "message 5", .got = "nothing",
	  .line = "peer-west:Address" },
	{ "too many from one address", EAST, .east = "known=no", .set = { "east [Phase 1] Default=peer-west",
	  "east [General] Half-open-per-source=7" }, .change = MANY_STRANGERS, .a = 8, .field = "Half-open-per-source",
	  .expected = "7", .got = "one more", .line = "General:Half-open-per-source", .remedy = "Half-open", .secs = 1 },
	{ "too many in all", EAST, .east = "known=no", .set = { "east [Phase 1] Default=peer-west",
	  "east [General] Half-open-total=4" }, .change = MANY_STRANGERS, .a = 5, .field = "Half-open-total",
	  .expected = "4", .got = "one more", .line = "General:Half-open-total", .remedy = "Half-open-total", .secs = 1 },
	{ "too many quick modes at once", EAST, .west = "conns=65", .east = "conns=65", .change = MANY_QUICK,
	  .which = QUICK_2, .field = "quick modes", .expected = "64", .got = "one more", .line = "peer-west:",
	  .secs = 1 },
	{ "an SA of before a restart", EAST, .west = "conns=2", .east = "conns=2", .change = PEER_RESTART,
	  .field = "cookies", .expected = "here", .got = " ", .secs = 60 },

	/* ---- signatures by keys in files ---- */
#define RAW "auth=ECDSA_256 ids=fqdn "
#define SIGNATURE(what, lie, field_, expected_, got_) \
	{ "signature " what, EAST, .west = RAW "key=ec256-a", .east = RAW "key=ec256-b", .change = SIGNATURE_IS, .a = lie, \
	  .field = field_, .expected = expected_, .got = got_, .line = "peer-west:", .remedy = "key" }, \
	{ "signature " what, WEST, .west = RAW "key=ec256-a", .east = RAW "key=ec256-b", .change = SIGNATURE_IS, .a = lie, \
	  .field = field_, .expected = expected_, .got = got_, .line = "peer-east:", .remedy = "key" },
	SIGNATURE("empty", LIE_EMPTY, "SIG", "signature|example.net", "P-256")
	SIGNATURE("cut", LIE_CUT, "SIG", "signature|example.net", "P-256")
	SIGNATURE("longer", LIE_LONGER, "SIG", "signature|example.net", "P-256")
	SIGNATURE("changed", LIE_CHANGED, "SIG", "signature|example.net", "P-256")
	SIGNATURE("all zero", LIE_ZERO, "SIG", "signature|example.net", "P-256")
	SIGNATURE("larger than any", LIE_VAST, "SIG", "signature|example.net", "P-256")
	{ "key does not match", EAST, .west = RAW "key=ec256-a pub=ec256-b", .east = RAW "key=ec256-b", .field = "SIG",
	  .expected = "west.example.net", .got = "P-256", .line = "peer-west:", .remedy = "public keys" },
	{ "key does not match", WEST, .west = RAW "key=ec256-a", .east = RAW "key=ec256-b pub=ec256-a", .field = "SIG",
	  .expected = "east.example.net", .got = "P-256", .line = "peer-east:", .remedy = "public keys" },
	{ "key does not match, refused", WEST, .west = RAW "key=ec256-a pub=ec256-b", .east = RAW "key=ec256-b",
	  .field = "ID", .expected = "west.example.net", .got = "AUTHENTICATION_FAILED", .line = "peer-east:ID",
	  .remedy = "local.pub" },
	{ "no key for this ID", EAST, .west = RAW "key=ec256-a pub=none", .east = RAW "key=ec256-b", .field = "ID",
	  .expected = "pubkeys/fqdn/west.example.net", .got = "west.example.net", .line = "peer-west:", .remedy = "file" },
	{ "no key for this ID", WEST, .west = RAW "key=ec256-a", .east = RAW "key=ec256-b pub=none", .field = "ID",
	  .expected = "pubkeys/fqdn/east.example.net", .got = "east.example.net", .line = "peer-east:", .remedy = "file" },
	{ "no key for this ID, refused", WEST, .west = RAW "key=ec256-a pub=none", .east = RAW "key=ec256-b", .field = "ID",
	  .expected = "west.example.net", .got = "INVALID_ID_INFORMATION", .line = "peer-east:ID", .remedy = "local.pub" },
	{ "no private key", WEST, .west = RAW "pub=ec256-a", .east = RAW "key=ec256-b", .field = "AUTHENTICATION_METHOD",
	  .expected = "private/local.key", .got = "none", .line = "peer-east:", .remedy = "local.key" },
	{ "no private key", EAST, .west = RAW "key=ec256-a", .east = RAW "pub=ec256-b", .field = "AUTHENTICATION_METHOD",
	  .expected = "private/local.key", .got = "none", .line = "peer-west:", .remedy = "local.key" },
	{ "key too short", EAST, .west = "auth=RSA_SIG key=rsa1024 weak=yes", .east = "auth=RSA_SIG key=rsa2048-a",
	  .field = "SIG", .expected = "allowed", .got = "RSA 1024|2048", .line = "peer-west:", .remedy = "key" },
	{ "key too short", WEST, .west = "auth=RSA_SIG key=rsa2048-a", .east = "auth=RSA_SIG key=rsa1024 weak=yes",
	  .field = "SIG", .expected = "allowed", .got = "RSA 1024|2048", .line = "peer-east:", .remedy = "key" },

	/* ---- certificates: something is wrong with one side's, and the other judges ---- */
#define CERTIFIED "auth=ECDSA_256 ids=fqdn pub=none ca=root "
#define CERT_OF(who, key) "cert " who " by root key " key " san DNS:" who ".example.net"
#define WEST_CERT CERT_OF("west", "ec256-a")
#define EAST_CERT CERT_OF("east", "ec256-b")
#define CERTIFICATE(what, words, more, options, set_, field_, expected_, got_, remedy_) \
	{ "certificate " what, EAST, .west = CERTIFIED "key=ec256-a certs=west sends=west", \
	  .east = CERTIFIED "key=ec256-b certs=east " options, .set = { "east " set_ }, \
	  .pki = { "ca root", "ca other", WEST_CERT words, EAST_CERT, more " west" }, .field = field_, .expected = expected_, \
	  .got = got_, .line = "peer-west:", .remedy = remedy_ }, \
	{ "certificate " what, WEST, .west = CERTIFIED "key=ec256-a certs=west " options, \
	  .east = CERTIFIED "key=ec256-b certs=east sends=east", .set = { "west " set_ }, \
	  .pki = { "ca root", "ca other", EAST_CERT words, WEST_CERT, more " east" }, .field = field_, .expected = expected_, \
	  .got = got_, .line = "peer-east:", .remedy = remedy_ },
#define STANDARD "[X509-certificates] CRL-policy=if-present"
#define NO_LIST "crl none by root revokes"	/* made, and given to nobody */
	CERTIFICATE("expired", " from -30d until -1d", NO_LIST, "", STANDARD, "validity", "2035-01-01",
	    "2034-12-02|2034-12-31", "renew")
	CERTIFICATE("not yet valid", " from 1d until 30d", NO_LIST, "", STANDARD, "validity", "2035-01-01",
	    "2035-01-02|2035-01-31", "clock")
	CERTIFICATE("of an untrusted issuer", " by other", NO_LIST, "ca=other", STANDARD, "issuer", "CA-directory",
	    "/O=Simulated/CN=root", "CA-directory")
	CERTIFICATE("revoked", "", "crl list by root revokes", "crls=list", STANDARD, "revocation", "not on",
	    "serial|2034-12-31|Simulated", "new certificate")
	CERTIFICATE("list stale", "", "crl list by root from -10d until -1d revokes", "crls=list", STANDARD, "revocation",
	    "current|2035-01-01", "2034-12-22|2034-12-31|CN=root", "CRL-directory")
	CERTIFICATE("list missing", "", NO_LIST, "", "[X509-certificates] CRL-policy=require", "revocation", "issuer",
	    "CN=root", "CRL-directory")
	CERTIFICATE("for another use", " usage keyEncipherment", NO_LIST, "", STANDARD, "usage", "digitalSignature",
	    "Simulated", "usage")
	CERTIFICATE("for another extended use", " eku codeSigning", NO_LIST, "",
	    "[X509-certificates] Check-extended-usage=yes", "usage", "ipsecIKE", "Simulated", "usage")
	CERTIFICATE("signed with SHA-1", " hash sha1", NO_LIST, "", STANDARD, "signature", "SHA-256", "SHA1|Simulated",
	    "SHA-256")
	CERTIFICATE("with a spoilt signature", " spoilt yes", NO_LIST, "", STANDARD, "certificate", "verifies",
	    "signature|Simulated", "openssl")
#define OTHER_NAME(judge, bad, good, words) \
	{ "certificate of another name", judge, .west = CERTIFIED "key=ec256-a certs=west sends=west", \
	  .east = CERTIFIED "key=ec256-b certs=east sends=east", .pki = { "ca root", words, good }, \
	  .field = "subjectAltName", .expected = bad ".example.net", .got = "DNS:other.example.net", \
	  .line = "peer-" bad ":", .remedy = "subjectAltName" },
	OTHER_NAME(EAST, "west", EAST_CERT, "cert west by root key ec256-a san DNS:other.example.net")
	OTHER_NAME(WEST, "east", WEST_CERT, "cert east by root key ec256-b san DNS:other.example.net")
#define SENT(what, words, field_, expected_, got_, remedy_) \
	{ "certificate payload " what, EAST, .west = CERTIFIED "key=ec256-a certs=west sends=" words, \
	  .east = CERTIFIED "key=ec256-b certs=east", .pki = { "ca root", WEST_CERT, EAST_CERT, "cert rsa by root key rsa1024 " \
	  "san DNS:west.example.net,DNS:east.example.net" }, .field = field_, .expected = expected_, .got = got_, \
	  .line = "peer-west:", .remedy = remedy_ }, \
	{ "certificate payload " what, WEST, .west = CERTIFIED "key=ec256-a certs=west", \
	  .east = CERTIFIED "key=ec256-b certs=east sends=" words, .pki = { "ca root", WEST_CERT, EAST_CERT, \
	  "cert rsa by root key rsa1024 san DNS:west.example.net,DNS:east.example.net" }, .field = field_, \
	  .expected = expected_, .got = got_, .line = "peer-east:", .remedy = remedy_ },
	SENT("that is none", "junk", "CERT", "X.509", "9 octets", "DER")
	SENT("of another kind of key", "rsa", "key", "P-256", "RSA 1024", "RSA")
	{ "certificate not sent", EAST, .west = CERTIFIED "key=ec256-a certs=west", .east = CERTIFIED "key=ec256-b certs=east",
	  .set = { "west [X509-certificates] Send-certificates=never" }, .pki = { "ca root", WEST_CERT, EAST_CERT },
	  .field = "ID", .expected = "west.example.net", .got = "west.example.net", .line = "peer-west:",
	  .remedy = "certificate" },
	{ "certificate refused", WEST, .west = CERTIFIED "key=ec256-a certs=west", .east = CERTIFIED "key=ec256-b certs=east",
	  .pki = { "ca root", WEST_CERT " until -1h", EAST_CERT }, .field = "ID", .expected = "west.example.net",
	  .got = "INVALID_CERTIFICATE", .line = "peer-east:ID", .remedy = "certificate" },
	{ "issuer refused", WEST, .west = CERTIFIED "key=ec256-a certs=west", .east = CERTIFIED "key=ec256-b certs=east",
	  .pki = { "ca root", "ca other", "cert west by other key ec256-a san DNS:west.example.net", EAST_CERT },
	  .field = "ID", .expected = "west.example.net", .got = "INVALID_CERT_AUTHORITY", .line = "peer-east:ID",
	  .remedy = "certificate" },
	{ "trust process ends over a certificate", EAST, .west = CERTIFIED "key=ec256-a certs=west",
	  .east = CERTIFIED "key=ec256-b certs=east", .pki = { "ca root", WEST_CERT, EAST_CERT }, .change = TRUST_RESTART,
	  .field = "process", .expected = "trust", .got = "ended", .remedy = "log" },
	{ "trust process ends over a certificate", WEST, .west = CERTIFIED "key=ec256-a certs=west",
	  .east = CERTIFIED "key=ec256-b certs=east", .pki = { "ca root", WEST_CERT, EAST_CERT }, .change = TRUST_RESTART,
	  .field = "process", .expected = "trust", .got = "ended", .remedy = "log" },
};
