/*
 * neg: one initiator's negotiation, main mode with a pre-shared key or a
 * certificate and then quick mode, as cheap as possible for who drives thousands
 * of them: one key pair for all, a tiny exponent, nothing installed.  RFC 2408,
 * 2409, 3947, 4754.
 */
#ifndef BENCH_NEG_H
#define BENCH_NEG_H

#include "base/addr.h"
#include "base/registry.h"
#include "crypto/cipher.h"
#include "crypto/dh.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "wire/message.h"

enum { NEG_OUT_MAX = 2048, NEG_SA_MAX = 128, NEG_NONCE = 32 };

/* The same for all negotiations. */
struct neg_common {
	uint16_t	group;
	bool		pfs, encap;	/* encap: behind a NAT, as far as NAT-D tells */
	struct view	psk;
	uint8_t		auth;		/* AUTH_PRE_SHARED, or a method that signs, with: */
	struct sign_key	*key;
	struct view	cert;		/* DER */
	const char	*name;		/* the ID of all initiators: FQDN */
	struct addr	responder;
	struct range	behind;		/* the responder's side of the flow: a subnet */
	struct dh	*dh;
	uint8_t		nonce[NEG_NONCE];
};

enum neg_state { NEG_IDLE, NEG_SENT_1, NEG_SENT_3, NEG_SENT_5, NEG_SENT_QM, NEG_DONE };

struct neg {
	enum neg_state	state;
	struct addr	source, inside;	/* ours, and our side of the flow */
	uint8_t		icookie[COOKIE_LEN], rcookie[COOKIE_LEN];
	uint8_t		sa_body[NEG_SA_MAX];
	size_t		sa_body_n;
	uint8_t		skeyid[HASH_LEN_MAX], d[HASH_LEN_MAX], a[HASH_LEN_MAX], e[HASH_LEN_MAX];
	uint8_t		gxr[1024];
	size_t		gxr_n;
	uint8_t		iv[CIPHER_BLOCK_MAX], qm_iv[CIPHER_BLOCK_MAX];
	uint32_t	message_id, spi, peer_spi;
	uint8_t		out[NEG_OUT_MAX];	/* what is sent, or sent again */
	size_t		out_n;
	bool		float_now;		/* out goes by the NAT-T port */
};

/* Message 1 is in n->out. */
void		neg_start(const struct neg_common *, struct neg *);
/*
 * True if it was the answer waited for: n->out is then what to send next,
 * and in NEG_DONE what goes last.  False: ignored.
 */
MUST_USE bool	neg_input(const struct neg_common *, struct neg *, struct view datagram);
/* A DELETE for the IPsec SA or for the ISAKMP SA of a done negotiation. */
void		neg_delete(const struct neg_common *, struct neg *, bool isakmp);

#endif
