/*
 * The protocol's numbers, each registry one list.  Names for logs, FIFO,
 * configuration keywords and tests all come from here, so they cannot drift.
 * Sources: RFC 2407, 2408, 2409, 3602, 3686, 4106, 4543, 4868, 5903, 6932,
 * 3526, 3706, 3947; spec isakmpd-conf.md section 10.
 */
#ifndef BASE_REGISTRY_H
#define BASE_REGISTRY_H

#include <stdint.h>

/* Phase 1 attributes, RFC 2409 appendix A */
#define P1_ATTR_LIST(X)				\
	X(ENCRYPTION_ALGORITHM,		1)	\
	X(HASH_ALGORITHM,		2)	\
	X(AUTHENTICATION_METHOD,	3)	\
	X(GROUP_DESCRIPTION,		4)	\
	X(GROUP_TYPE,			5)	\
	X(GROUP_PRIME,			6)	\
	X(GROUP_GENERATOR_1,		7)	\
	X(GROUP_GENERATOR_2,		8)	\
	X(GROUP_CURVE_A,		9)	\
	X(GROUP_CURVE_B,		10)	\
	X(LIFE_TYPE,			11)	\
	X(LIFE_DURATION,		12)	\
	X(PRF,				13)	\
	X(KEY_LENGTH,			14)	\
	X(FIELD_SIZE,			15)	\
	X(GROUP_ORDER,			16)	\
	X(BLOCK_SIZE,			17)

/* Phase 2 attributes, RFC 2407 section 4.5 */
#define P2_ATTR_LIST(X)				\
	X(SA_LIFE_TYPE,			1)	\
	X(SA_LIFE_DURATION,		2)	\
	X(GROUP_DESCRIPTION,		3)	\
	X(ENCAPSULATION_MODE,		4)	\
	X(AUTHENTICATION_ALGORITHM,	5)	\
	X(KEY_LENGTH,			6)	\
	X(KEY_ROUNDS,			7)	\
	X(COMPRESS_DICTIONARY_SIZE,	8)	\
	X(COMPRESS_PRIVATE_ALGORITHM,	9)	\
	X(ECN_TUNNEL,			10)	\
	X(EXTENDED_SEQUENCE,		11)

#define CIPHER_LIST(X)				\
	X(DES_CBC,		1)		\
	X(IDEA_CBC,		2)		\
	X(BLOWFISH_CBC,		3)		\
	X(RC5_R16_B64_CBC,	4)		\
	X(3DES_CBC,		5)		\
	X(CAST_CBC,		6)		\
	X(AES_CBC,		7)		\
	X(CAMELLIA_CBC,		8)

#define HASH_LIST(X)				\
	X(MD5,			1)		\
	X(SHA,			2)		\
	X(TIGER,		3)		\
	X(SHA2_256,		4)		\
	X(SHA2_384,		5)		\
	X(SHA2_512,		6)

#define AUTH_METHOD_LIST(X)			\
	X(PRE_SHARED,		1)		\
	X(DSS,			2)		\
	X(RSA_SIG,		3)		\
	X(RSA_ENC,		4)		\
	X(RSA_ENC_REV,		5)		\
	X(EL_GAMAL_ENC,		6)		\
	X(EL_GAMAL_ENC_REV,	7)		\
	X(ECDSA_SIG,		8)		\
	X(ECDSA_256,		9)		\
	X(ECDSA_384,		10)		\
	X(ECDSA_521,		11)

#define GROUP_LIST(X)				\
	X(MODP_768,		1)		\
	X(MODP_1024,		2)		\
	X(EC2N_155,		3)		\
	X(EC2N_185,		4)		\
	X(MODP_1536,		5)		\
	X(MODP_2048,		14)		\
	X(MODP_3072,		15)		\
	X(MODP_4096,		16)		\
	X(MODP_6144,		17)		\
	X(MODP_8192,		18)		\
	X(ECP_256,		19)		\
	X(ECP_384,		20)		\
	X(ECP_521,		21)		\
	X(ECP_192,		25)		\
	X(ECP_224,		26)		\
	X(BP_224,		27)		\
	X(BP_256,		28)		\
	X(BP_384,		29)		\
	X(BP_512,		30)		\
	X(X25519,		31)

#define LIFE_TYPE_LIST(X)			\
	X(SECONDS,		1)		\
	X(KILOBYTES,		2)

#define PROTOCOL_LIST(X)			\
	X(ISAKMP,		1)		\
	X(IPSEC_AH,		2)		\
	X(IPSEC_ESP,		3)		\
	X(IPCOMP,		4)

#define ESP_LIST(X)				\
	X(DES_IV64,		1)		\
	X(DES,			2)		\
	X(3DES,			3)		\
	X(RC5,			4)		\
	X(IDEA,			5)		\
	X(CAST,			6)		\
	X(BLOWFISH,		7)		\
	X(3IDEA,		8)		\
	X(DES_IV32,		9)		\
	X(RC4,			10)		\
	X(NULL,			11)		\
	X(AES,			12)		\
	X(AES_CTR,		13)		\
	X(AES_CCM_8,		14)		\
	X(AES_CCM_12,		15)		\
	X(AES_CCM_16,		16)		\
	X(AES_GCM_8,		18)		\
	X(AES_GCM_12,		19)		\
	X(AES_GCM_16,		20)		\
	X(SEED_CBC,		21)		\
	X(CAMELLIA,		22)		\
	X(AES_GMAC,		23)

#define AH_LIST(X)				\
	X(MD5,			2)		\
	X(SHA,			3)		\
	X(DES,			4)		\
	X(SHA2_256,		5)		\
	X(SHA2_384,		6)		\
	X(SHA2_512,		7)		\
	X(RIPEMD,		8)

#define IPSEC_AUTH_LIST(X)			\
	X(HMAC_MD5,		1)		\
	X(HMAC_SHA,		2)		\
	X(DES_MAC,		3)		\
	X(KPDK,			4)		\
	X(HMAC_SHA2_256,	5)		\
	X(HMAC_SHA2_384,	6)		\
	X(HMAC_SHA2_512,	7)		\
	X(HMAC_RIPEMD,		8)

#define ENCAP_LIST(X)				\
	X(TUNNEL,			1)	\
	X(TRANSPORT,			2)	\
	X(UDP_ENCAP_TUNNEL,		3)	\
	X(UDP_ENCAP_TRANSPORT,		4)	\
	X(UDP_ENCAP_TUNNEL_DRAFT,	61443)	\
	X(UDP_ENCAP_TRANSPORT_DRAFT,	61444)

#define ID_TYPE_LIST(X)				\
	X(IPV4_ADDR,		1)		\
	X(FQDN,			2)		\
	X(USER_FQDN,		3)		\
	X(IPV4_ADDR_SUBNET,	4)		\
	X(IPV6_ADDR,		5)		\
	X(IPV6_ADDR_SUBNET,	6)		\
	X(IPV4_RANGE,		7)		\
	X(IPV6_RANGE,		8)		\
	X(DER_ASN1_DN,		9)		\
	X(DER_ASN1_GN,		10)		\
	X(KEY_ID,		11)

#define EXCHANGE_LIST(X)			\
	X(BASE,			1)		\
	X(ID_PROT,		2)		\
	X(AUTH_ONLY,		3)		\
	X(AGGRESSIVE,		4)		\
	X(INFO,			5)		\
	X(TRANSACTION,		6)		\
	X(QUICK_MODE,		32)		\
	X(NEW_GROUP_MODE,	33)

#define DOI_LIST(X)				\
	X(ISAKMP,		0)		\
	X(IPSEC,		1)

#define NOTIFY_LIST(X)				\
	X(INVALID_PAYLOAD_TYPE,		1)	\
	X(DOI_NOT_SUPPORTED,		2)	\
	X(SITUATION_NOT_SUPPORTED,	3)	\
	X(INVALID_COOKIE,		4)	\
	X(INVALID_MAJOR_VERSION,	5)	\
	X(INVALID_MINOR_VERSION,	6)	\
	X(INVALID_EXCHANGE_TYPE,	7)	\
	X(INVALID_FLAGS,		8)	\
	X(INVALID_MESSAGE_ID,		9)	\
	X(INVALID_PROTOCOL_ID,		10)	\
	X(INVALID_SPI,			11)	\
	X(INVALID_TRANSFORM_ID,		12)	\
	X(ATTRIBUTES_NOT_SUPPORTED,	13)	\
	X(NO_PROPOSAL_CHOSEN,		14)	\
	X(BAD_PROPOSAL_SYNTAX,		15)	\
	X(PAYLOAD_MALFORMED,		16)	\
	X(INVALID_KEY_INFORMATION,	17)	\
	X(INVALID_ID_INFORMATION,	18)	\
	X(INVALID_CERT_ENCODING,	19)	\
	X(INVALID_CERTIFICATE,		20)	\
	X(CERT_TYPE_UNSUPPORTED,	21)	\
	X(INVALID_CERT_AUTHORITY,	22)	\
	X(INVALID_HASH_INFORMATION,	23)	\
	X(AUTHENTICATION_FAILED,	24)	\
	X(INVALID_SIGNATURE,		25)	\
	X(ADDRESS_NOTIFICATION,		26)	\
	X(NOTIFY_SA_LIFETIME,		27)	\
	X(CERTIFICATE_UNAVAILABLE,	28)	\
	X(UNSUPPORTED_EXCHANGE_TYPE,	29)	\
	X(UNEQUAL_PAYLOAD_LENGTHS,	30)	\
	X(STATUS_CONNECTED,		16384)	\
	X(RESPONDER_LIFETIME,		24576)	\
	X(REPLAY_STATUS,		24577)	\
	X(INITIAL_CONTACT,		24578)	\
	X(STATUS_DPD_R_U_THERE,		36136)	\
	X(STATUS_DPD_R_U_THERE_ACK,	36137)


#define X(n, v) P1_##n = v,
enum p1_attr { P1_ATTR_LIST(X) };
#undef X
#define X(n, v) P2_##n = v,
enum p2_attr { P2_ATTR_LIST(X) };
#undef X
#define X(n, v) CIPHER_##n = v,
enum cipher { CIPHER_LIST(X) };
#undef X
#define X(n, v) HASH_##n = v,
enum hash_alg { HASH_LIST(X) };
#undef X
#define X(n, v) AUTH_##n = v,
enum auth_method { AUTH_METHOD_LIST(X) };
#undef X
#define X(n, v) GROUP_##n = v,
enum dh_group { GROUP_NONE = 0, GROUP_LIST(X) };
#undef X
#define X(n, v) LIFE_##n = v,
enum life_type { LIFE_TYPE_LIST(X) };
#undef X
#define X(n, v) PROTO_##n = v,
enum protocol { PROTOCOL_LIST(X) };
#undef X
#define X(n, v) ESP_##n = v,
enum esp_id { ESP_LIST(X) };
#undef X
#define X(n, v) AH_##n = v,
enum ah_id { AH_LIST(X) };
#undef X
#define X(n, v) AUTHALG_##n = v,
enum ipsec_auth { AUTHALG_NONE = 0, IPSEC_AUTH_LIST(X) };
#undef X
#define X(n, v) ENCAP_##n = v,
enum encap_mode { ENCAP_LIST(X) };
#undef X
#define X(n, v) ID_##n = v,
enum id_type { ID_TYPE_LIST(X) };
#undef X
#define X(n, v) EXCH_##n = v,
enum exchange_type { EXCHANGE_LIST(X) };
#undef X
#define X(n, v) N_##n = v,
enum notify { N_NONE = 0, NOTIFY_LIST(X) };
#undef X

/* Which registry a name or number belongs to. */
enum registry {
	REG_P1_ATTR, REG_P2_ATTR, REG_CIPHER, REG_HASH, REG_AUTH_METHOD, REG_GROUP,
	REG_LIFE_TYPE, REG_PROTOCOL, REG_ESP, REG_AH, REG_IPSEC_AUTH, REG_ENCAP,
	REG_ID_TYPE, REG_EXCHANGE, REG_DOI, REG_NOTIFY,
	REG_MAX
};

/* The registry's name for a number, or NULL. */
const char	*reg_name(enum registry, uint32_t number);
/* As reg_name, but "<Unknown 17>" written into room (24 octets do) if there is none. */
const char	*reg_text(enum registry, uint32_t number, char room[24]);
/* The number for a name, ignoring case, or -1.  (isakmpd-conf.md section 2) */
int32_t		 reg_number(enum registry, const char *name);
/* The i-th name of a registry, or NULL past the end: for "did you mean". */
const char	*reg_nth(enum registry, unsigned i);

#endif
