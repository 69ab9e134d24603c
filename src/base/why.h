/*
 * Every reason something was refused or failed: one enum for the whole
 * program and one table that says what follows.  Nothing else decides
 * whether the peer is notified, whether a line is logged and what the
 * operator is told to do.
 *
 * Columns: symbol; text; notification for the peer (0: none); log policy;
 * what the operator can do ("" where the record itself says it).
 */
#ifndef BASE_WHY_H
#define BASE_WHY_H

#include <stdint.h>

#include "base/registry.h"

enum why_log {
	LOG_NEVER,	/* counted only */
	LOG_LIMITED,	/* a stranger can cause it: rate-limited */
	LOG_ALWAYS
};

#define WHY_LIST(X)								\
	X(NONE, "ok", 0, LOG_NEVER, "")						\
	X(NO_MEMORY, "out of memory", 0, LOG_ALWAYS,				\
	  "give the daemon more memory or lower the number of connections")	\
	/* datagrams and headers, isakmpd.md section 12 */			\
	X(MESSAGE_LENGTH, "bad message length", 0, LOG_LIMITED, \
	  "something on the way damages or shortens UDP datagrams, or it is not IKE: capture with -L and look")	\
	X(INVALID_COOKIE, "invalid cookie(s)", N_INVALID_COOKIE, LOG_LIMITED,	\
	  "the peer uses an ISAKMP SA that this side no longer has; it should give up and start anew") \
	X(MAJOR_VERSION, "major version is not 1", N_INVALID_MAJOR_VERSION, LOG_LIMITED, \
	  "the peer speaks IKEv2: set it to IKEv1")				\
	X(MINOR_VERSION, "minor version is not 0", N_INVALID_MINOR_VERSION, LOG_LIMITED, \
	  "nothing here: the peer does not follow RFC 2408")	\
	X(EXCHANGE_TYPE, "exchange type not allowed here", N_INVALID_EXCHANGE_TYPE, LOG_LIMITED, \
	  "set both sides to main mode (EXCHANGE_TYPE=ID_PROT)")	\
	X(EXCHANGE_UNSUPPORTED, "exchange type not supported", N_UNSUPPORTED_EXCHANGE_TYPE, LOG_LIMITED, \
	  "switch mode config, XAUTH and new group mode off at the peer")	\
	X(FLAGS, "flags not allowed here", N_INVALID_FLAGS, LOG_LIMITED, \
	  "if it goes on, update the peer: its message does not follow RFC 2408")	\
	X(MESSAGE_ID, "message ID not allowed here", N_INVALID_MESSAGE_ID, LOG_LIMITED, \
	  "if it goes on, update the peer: its message does not follow RFC 2408")	\
	X(PAYLOAD_TYPE, "payload type not allowed", N_INVALID_PAYLOAD_TYPE, LOG_LIMITED, \
	  "switch the peer's extensions off; if keys were involved, compare the pre-shared keys")	\
	X(PAYLOAD_SHORT, "payload shorter than it says", N_PAYLOAD_MALFORMED, LOG_LIMITED, \
	  "if it goes on, capture with -L and look: the message is damaged or forged")	\
	X(PAYLOAD_MALFORMED, "payload malformed", N_PAYLOAD_MALFORMED, LOG_LIMITED, \
	  "if it goes on, capture with -L and look: the message is damaged or forged")	\
	X(PAYLOAD_MISSING, "required payload missing", N_PAYLOAD_MALFORMED, LOG_LIMITED, \
	  "compare exchange type, authentication method and PFS of both sides")	\
	X(PAYLOAD_COUNT, "too many payloads", N_PAYLOAD_MALFORMED, LOG_LIMITED, \
	  "let the peer offer fewer proposals")	\
	X(RESERVED, "reserved field is not zero", N_PAYLOAD_MALFORMED, LOG_LIMITED, \
	  "compare the pre-shared keys of both sides")	\
	X(CLEARTEXT, "cleartext where encryption is due", N_INVALID_FLAGS, LOG_LIMITED, \
	  "nothing, unless it goes on: then the peer has lost the SA, and should begin anew")	\
	X(UNDECRYPTABLE, "message does not decrypt to payloads", 0, LOG_LIMITED, \
	  "compare the pre-shared keys of both sides")	\
	X(DUPLICATE, "duplicate message", 0, LOG_NEVER, "")			\
	X(UNEXPECTED, "message not expected in this state", 0, LOG_LIMITED, \
	  "nothing, unless it goes on")	\
	/* SA payloads */							\
	X(DOI, "DOI not supported", N_DOI_NOT_SUPPORTED, LOG_LIMITED, \
	  "set the peer to IPsec (DOI 1)")	\
	X(SITUATION, "situation not supported", N_SITUATION_NOT_SUPPORTED, LOG_LIMITED, \
	  "switch labelled security off at the peer")	\
	X(PROPOSAL_SYNTAX, "bad proposal syntax", N_BAD_PROPOSAL_SYNTAX, LOG_LIMITED, \
	  "let the peer offer simple proposals: one of ISAKMP in phase 1, of ESP alone in phase 2")	\
	X(PROTOCOL_ID, "protocol not allowed", N_INVALID_PROTOCOL_ID, LOG_LIMITED, \
	  "set the peer to ESP alone")	\
	X(SPI_LEN, "SPI length not allowed", N_INVALID_SPI, LOG_LIMITED, \
	  "update the peer: its message does not follow RFC 2408")	\
	X(TRANSFORM_ID, "transform ID not allowed", N_INVALID_TRANSFORM_ID, LOG_LIMITED, \
	  "set the peer to a cipher that both sides have")	\
	X(ATTRIBUTES, "attribute not supported", N_ATTRIBUTES_NOT_SUPPORTED, LOG_LIMITED, \
	  "switch what this attribute is for off at the peer")	\
	X(NO_PROPOSAL, "no acceptable proposal", N_NO_PROPOSAL_CHOSEN, LOG_ALWAYS, \
	  "make the Transforms (phase 1) or Suites (phase 2) of both sides agree") \
	X(CHOICE, "the answer is not one of our proposals", N_BAD_PROPOSAL_SYNTAX, LOG_ALWAYS, \
	  "let the peer choose one of our proposals as it was offered")	\
	/* identities */							\
	X(ID_TYPE, "identity type not supported", N_INVALID_ID_INFORMATION, LOG_ALWAYS, \
	  "give the peer an ID of a type that isakmpd.conf(5) lists for this phase")	\
	X(ID_LENGTH, "identity has the wrong length", N_INVALID_ID_INFORMATION, LOG_ALWAYS, \
	  "update the peer: its message does not follow RFC 2407")	\
	X(ID_RANGE, "identity is not a range of addresses", N_INVALID_ID_INFORMATION, LOG_ALWAYS, \
	  "correct the peer's selector")	\
	X(ID_OTHER, "received remote ID other than expected", N_INVALID_ID_INFORMATION, LOG_ALWAYS, \
	  "set Remote-ID in the peer section to what the peer sends, or correct the peer's own ID") \
	X(NO_CONNECTION, "no connection for the proposed phase 2 IDs", N_INVALID_ID_INFORMATION, LOG_ALWAYS, \
	  "make Local-ID and Remote-ID the mirror image of the peer's selectors") \
	/* keys and authentication */						\
	X(NO_PEER, "no peer section for this address", 0, LOG_ALWAYS,		\
	  "add the address to [Phase 1], or a Default")				\
	X(NO_KEY, "no key found", 0, LOG_ALWAYS,				\
	  "set Authentication in the peer section")				\
	X(KEY_VALUE, "public value not allowed", N_INVALID_KEY_INFORMATION, LOG_ALWAYS, \
	  "make GROUP_DESCRIPTION of both sides agree; if it does, suspect the peer or the way")	\
	X(NONCE_LENGTH, "nonce length not in 8..256", 0, LOG_ALWAYS, \
	  "update the peer: its message does not follow RFC 2409")	\
	X(WRONG_PSK, "pre-shared keys differ", 0, LOG_ALWAYS,			\
	  "set the same Authentication value on both sides")			\
	X(AUTH_HASH, "phase 1 authentication hash does not match", N_AUTHENTICATION_FAILED, LOG_ALWAYS, \
	  "set the same Authentication value on both sides")			\
	/* certificates (doc/decisions/0012): expected and got name what and when */	\
	X(CERT_NONE, "no certificate for the peer's ID", N_CERTIFICATE_UNAVAILABLE, LOG_ALWAYS, \
	  "let the peer send its certificate, or copy it to the Cert-directory or its key to the Pubkey-directory") \
	X(CERT_ID, "the peer's certificate does not name its ID", N_INVALID_ID_INFORMATION, LOG_ALWAYS, \
	  "issue the certificate with the ID in its subjectAltName, or let the peer use the ID that is there") \
	X(CERT_SYNTAX, "a certificate cannot be read", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "see whether the peer sends X.509 certificates in DER, each at most 16 KiB") \
	X(CERT_EXPIRED, "a certificate has expired", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "renew the certificate; if it is not yet over, set this machine's clock") \
	X(CERT_EARLY, "a certificate is not yet valid", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "set the clocks of both machines and of the one that issues certificates") \
	X(CERT_ISSUER, "a certificate of an issuer that is not trusted", N_INVALID_CERT_AUTHORITY, LOG_ALWAYS, \
	  "copy the certificate of the issuer to the CA-directory, or let the peer send the intermediate ones") \
	X(CERT_REVOKED, "a certificate is revoked", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "issue a new certificate with a new key to the peer")			\
	X(CRL_MISSING, "no revocation list of an issuer", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "copy the issuer's list to the CRL-directory and send SIGHUP, or set CRL-policy to if-present") \
	X(CRL_STALE, "a revocation list is out of date", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "get the issuer's current list, copy it to the CRL-directory and send SIGHUP") \
	X(OCSP_NONE, "a certificate names no OCSP responder", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "name one with OCSP-responder, or set OCSP to if-available")		\
	X(OCSP_UNREACHABLE, "an OCSP responder does not answer", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "see that this machine reaches the responder, and its name server; OCSP=if-available accepts certificates without an answer") \
	X(OCSP_ANSWER, "an OCSP answer cannot be used", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "try openssl ocsp with the same certificates and URL, and repair the responder") \
	X(OCSP_STALE, "an OCSP answer is not of now", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "set the clocks of this machine and of the responder, and see that no cache on the way keeps old answers") \
	X(OCSP_SIGNER, "an OCSP answer is not signed by who may", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "let the issuer sign the answers, or give the responder a certificate of the issuer with extendedKeyUsage OCSPSigning") \
	X(OCSP_UNKNOWN, "the OCSP responder does not know a certificate", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "add the certificate to the responder's list, or ask the responder of its issuer") \
	X(CERT_USAGE, "a certificate is not for this use", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "issue it with the usage that is expected")				\
	X(CERT_ALGORITHM, "an algorithm or key size of a certificate is refused", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "use RSA of 2048 bits or P-256 and SHA-256, or better; Allow-weak in the peer section admits RSA of 1024 bits and SHA-1") \
	X(CERT_CHAIN, "a chain of certificates does not hold", N_INVALID_CERTIFICATE, LOG_ALWAYS, \
	  "see what libcrypto says, and try openssl verify -CAfile with the same certificates") \
	X(OWN_CERT, "no certificate of ours to take our ID from", N_AUTHENTICATION_FAILED, LOG_ALWAYS, \
	  "put the certificate of the private key into the Cert-directory, or write our name instead of %fromcert") \
	X(NO_PRIVATE_KEY, "no private key for our ID", N_AUTHENTICATION_FAILED, LOG_ALWAYS, \
	  "put one into private/local.key, or change AUTHENTICATION_METHOD")	\
	X(NO_PUBKEY, "no public key for the peer's ID", N_INVALID_ID_INFORMATION, LOG_ALWAYS, \
	  "put the peer's public key into the file named, or have it send a certificate that is trusted") \
	X(KEY_REFUSED, "key not allowed", N_AUTHENTICATION_FAILED, LOG_ALWAYS,	\
	  "make a new key: RSA of 3072 bits, or ECDSA on the curve of the method") \
	X(SIGNATURE, "signature does not match", N_AUTHENTICATION_FAILED, LOG_ALWAYS, \
	  "the peer signs with another key than the one we have for its ID: exchange the public keys again") \
	X(HASH, "invalid hash information", N_INVALID_HASH_INFORMATION, LOG_LIMITED, \
	  "nothing, unless it goes on: then the peer has lost the SA, and should begin anew")	\
	X(PFS, "disagreement on PFS", N_NO_PROPOSAL_CHOSEN, LOG_ALWAYS,		\
	  "use suites with the same -PFS-GRP part on both sides")		\
	/* informational */							\
	X(DELETE_SPI, "DELETE names an unknown SPI", 0, LOG_LIMITED, \
	  "nothing")	\
	X(NOTIFY_TYPE, "notification type not allowed", 0, LOG_LIMITED, \
	  "nothing, unless it goes on")	\
	X(DPD_SEQUENCE, "DPD sequence number out of order", 0, LOG_LIMITED, \
	  "nothing, unless it goes on")	\
	X(PEER_REFUSED, "the peer refused with a notification", 0, LOG_ALWAYS,	\
	  "look into the peer's log for its reason")				\
	/* time and limits */							\
	X(NO_ANSWER, "no answer from the peer", 0, LOG_ALWAYS,			\
	  "check that the peer runs, its address, and that UDP ports 500 and 4500 pass in both directions") \
	X(PEER_DEAD, "the peer no longer answers dead peer detection", 0, LOG_ALWAYS, \
	  "check the path to the peer; the connection is retried by itself")	\
	X(TIMEOUT, "exchange did not end in time", 0, LOG_ALWAYS, \
	  "see that large datagrams and their fragments pass in both directions, and look into the peer's log")	\
	X(LIMIT_SOURCE, "too many half-open exchanges from this source", 0, LOG_LIMITED, \
	  "see who it is; where many share one address, raise Half-open-per-source in [General]")	\
	X(LIMIT_TOTAL, "too many half-open exchanges", 0, LOG_LIMITED, \
	  "see who floods; [General]:Half-open-total is the limit")	\
	X(LIMIT_SA, "too many exchanges on this ISAKMP SA", 0, LOG_LIMITED, \
	  "see why the peer does not end its quick modes")	\
	X(LIMIT_PEER, "too many IPsec SAs with this peer", N_NO_PROPOSAL_CHOSEN, LOG_LIMITED, \
	  "see why the peer begins quick modes again and again; old pairs go by themselves") \
	/* roles and back ends */						\
	X(BACKEND, "the IPsec back end refused", 0, LOG_ALWAYS,		\
	  "see what it said; the connection is tried again by itself")		\
	X(BACKEND_EXISTS, "the IPsec back end already has this SA", 0, LOG_ALWAYS, \
	  "end other key management daemons on this machine, or remove what they left") \
	X(BACKEND_GONE, "the IPsec back end does not have this SA", 0, LOG_ALWAYS, \
	  "see whether something else removes SAs; the connection is negotiated again by itself") \
	X(BACKEND_ALGORITHM, "the IPsec back end lacks this algorithm", N_NO_PROPOSAL_CHOSEN, LOG_ALWAYS, \
	  "choose another suite, or another Kernel-backend")			\
	X(BACKEND_DIFFERS, "the IPsec back end holds something else than was installed", 0, LOG_ALWAYS, \
	  "choose another suite or another Kernel-backend, and report it")	\
	X(ROLE_GONE, "another process of the daemon has ended", 0, LOG_ALWAYS,	\
	  "see in the log why it ended; it is started anew by itself")		\
	X(CONTRACT, "message between processes out of order", 0, LOG_ALWAYS, \
	  "report it")	\
	/* orders and configuration */						\
	X(NOT_CONFIGURED, "no such connection in the configuration", 0, LOG_ALWAYS, \
	  "name a section listed in [Phase 2]")					\
	X(CONFIG, "configuration does not allow this", 0, LOG_ALWAYS, \
	  "complete the section that the record names")	\
	X(NO_LISTENER, "no local address to send from", 0, LOG_ALWAYS,		\
	  "check Local-address and Listen-on against the machine's addresses")	\
	X(PASSIVE, "the daemon is in passive mode", 0, LOG_ALWAYS, \
	  "M active makes it work again")	\
	X(SHUTDOWN, "the daemon is shutting down", 0, LOG_NEVER, "")		\
	X(REPLACED, "superseded by another exchange", 0, LOG_NEVER, "")		\
	/* data plane */							\
	X(ESP_UNKNOWN_SPI, "no SA for this SPI", 0, LOG_LIMITED, "")		\
	X(ESP_AUTH, "ESP integrity check failed", 0, LOG_LIMITED, "")		\
	X(ESP_REPLAY, "ESP packet replayed", 0, LOG_LIMITED, "")		\
	X(ESP_SHORT, "ESP packet too short", 0, LOG_LIMITED, "")		\
	X(ESP_PADDING, "ESP padding malformed", 0, LOG_LIMITED, "")		\
	X(ESP_SELECTOR, "packet outside the SA's selectors", 0, LOG_LIMITED, \
	  "make the selectors of both sides agree")	\
	X(ESP_SEQUENCE, "ESP sequence number used up", 0, LOG_ALWAYS, "")	\
	X(ESP_TOO_BIG, "packet exceeds the path MTU", 0, LOG_NEVER, "")		\
	X(NO_SA, "no SA for a packet that policy protects", 0, LOG_LIMITED, "")	\
	X(NO_POLICY, "no policy for this packet", 0, LOG_LIMITED, "")

enum why {
#define X(name, text, notify, log, remedy) WHY_##name,
	WHY_LIST(X)
#undef X
	WHY_MAX
};

const char	*why_text(enum why);
const char	*why_name(enum why);		/* the symbol, "NO_PROPOSAL": stable */
enum notify	 why_notify(enum why);
enum why_log	 why_log(enum why);
const char	*why_remedy(enum why);

#endif
