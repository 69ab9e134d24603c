/*
 * failures - prints isakmpd-failures(7) from the enum of reasons.
 *
 * Text, notification, log policy and remedy stand in base/why.h and nowhere
 * else; what a reason usually comes from stands here.  The printed page is
 * checked in, and a test compares the two.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "base/why.h"

/* By name, in the order of the enum: a new reason without a cause ends the program. */
static const char *const causes[WHY_MAX] = {
	[WHY_NO_MEMORY] = "The machine or the limits of the service are too small, or somebody "
	    "floods the daemon.",
	[WHY_MESSAGE_LENGTH] = "A scanner, a broken middle box, or something that is not IKE.",
	[WHY_INVALID_COOKIE] = "This daemon was started anew, or the SA has expired here and not there.",
	[WHY_MAJOR_VERSION] = "The peer tries IKEv2 first, or only.",
	[WHY_MINOR_VERSION] = "A scanner, or a peer that does not follow RFC 2408.",
	[WHY_EXCHANGE_TYPE] = "One side is set to aggressive mode, the other to main mode.",
	[WHY_EXCHANGE_UNSUPPORTED] = "The peer asks for mode configuration, or for an exchange that "
	    "nobody uses.",
	[WHY_FLAGS] = "Wrong keys on one side, or a peer that does not follow RFC 2408.",
	[WHY_MESSAGE_ID] = "A peer that does not follow RFC 2408, or a forged message.",
	[WHY_PAYLOAD_TYPE] = "A vendor's extension that was not announced, or wrong keys.",
	[WHY_PAYLOAD_SHORT] = "A damaged or forged message, or wrong keys.",
	[WHY_PAYLOAD_MALFORMED] = "A damaged or forged message, or wrong keys.",
	[WHY_PAYLOAD_MISSING] = "The peer is in another step, or asks for another way to authenticate.",
	[WHY_PAYLOAD_COUNT] = "A forged message, or a peer that offers very many proposals.",
	[WHY_RESERVED] = "The pre-shared keys differ, so that a message decrypts to noise.",
	[WHY_CLEARTEXT] = "Somebody without the keys, or a peer that has lost its SA.",
	[WHY_UNDECRYPTABLE] = "The keys differ: an SA of before a restart, or another pre-shared key.",
	[WHY_DUPLICATE] = "Our answer was lost, and the peer repeats itself.",
	[WHY_UNEXPECTED] = "A message was overtaken by the next one, or belongs to an exchange that "
	    "has ended.",
	[WHY_DOI] = "The peer is no IPsec implementation.",
	[WHY_SITUATION] = "The peer wants labelled security.",
	[WHY_PROPOSAL_SYNTAX] = "A peer that does not follow RFC 2408.",
	[WHY_PROTOCOL_ID] = "The peer offers a protocol other than ISAKMP, AH, ESP and IPCOMP.",
	[WHY_SPI_LEN] = "A peer that does not follow RFC 2408.",
	[WHY_TRANSFORM_ID] = "The peer offers a cipher of its own.",
	[WHY_ATTRIBUTES] = "The peer offers an attribute of its own.",
	[WHY_NO_PROPOSAL] = "Cipher, key length, hash, group, authentication, mode or lifetime differ. "
	    "The record tells the attribute in which the nearest configured transform differs.",
	[WHY_CHOICE] = "The peer changed what it chose, as some do with lifetimes and key lengths.",
	[WHY_ID_TYPE] = "The peer uses a certificate's name, or another type of identity.",
	[WHY_ID_LENGTH] = "A damaged message, or a peer that does not follow RFC 2407.",
	[WHY_ID_RANGE] = "The peer sent the ends of a range in the wrong order, or a hole in a netmask.",
	[WHY_ID_OTHER] = "The peer calls itself something else: its address behind a NAT, or a name.",
	[WHY_NO_CONNECTION] = "The selectors of the two sides are not each other's mirror image; often "
	    "a netmask, a protocol or a port.",
	[WHY_NO_PEER] = "The peer's address has changed, or a stranger asks.",
	[WHY_NO_KEY] = "The peer's section has no key, or another section answers this address.",
	[WHY_KEY_VALUE] = "A peer with another Diffie-Hellman group, or an attack.",
	[WHY_NONCE_LENGTH] = "A peer that does not follow RFC 2409.",
	[WHY_WRONG_PSK] = "A slip of the finger in one of the keys, a blank at its end, or another "
	    "peer section answers.",
	[WHY_AUTH_HASH] = "The pre-shared keys differ, or somebody changed messages on their way.",
	[WHY_CERT_NONE] = "The peer sends its certificate only when asked, uses a raw key that is "
	    "not here, or sent another kind of credential.",
	[WHY_CERT_ID] = "The certificate was made for another name, has its name in the common "
	    "name only, or the peer uses its address where the certificate has a name.",
	[WHY_CERT_SYNTAX] = "A damaged message, or something that is not X.509.",
	[WHY_CERT_EXPIRED] = "Nobody renewed it; the log warns 30 days ahead.  Or the clock of "
	    "this machine is wrong.",
	[WHY_CERT_EARLY] = "The clock of this machine is behind, or that of the issuer ahead.",
	[WHY_CERT_ISSUER] = "The certificate of the CA is missing here, the peer does not send "
	    "intermediate certificates, or somebody made a certificate of his own.",
	[WHY_CERT_REVOKED] = "The issuer has withdrawn it.",
	[WHY_CRL_MISSING] = "CRL-policy is require, and the CRL-directory has none of this issuer.",
	[WHY_CRL_STALE] = "The job that fetches revocation lists has stopped.",
	[WHY_OCSP_NONE] = "OCSP is required, and the issuer wrote no responder into the certificate.",
	[WHY_OCSP_UNREACHABLE] = "The responder is down or slow, its name is not found, or a packet "
	    "filter on the way stops TCP from this machine.",
	[WHY_OCSP_ANSWER] = "The URL leads elsewhere, or the responder has an error.",
	[WHY_OCSP_STALE] = "A clock is wrong, a cache or an attacker gives old answers, or the "
	    "responder has stopped signing.",
	[WHY_OCSP_SIGNER] = "The responder signs with another key than the issuer's, or an attacker "
	    "answers in its place.",
	[WHY_OCSP_UNKNOWN] = "The responder answers for another issuer, or has not heard of a new "
	    "certificate yet.",
	[WHY_CERT_USAGE] = "A certificate of a CA without basicConstraints, or one of a host with a "
	    "key usage other than digitalSignature.",
	[WHY_CERT_ALGORITHM] = "An old certificate: RSA below 2048 bits, MD5 or SHA-1.",
	[WHY_CERT_CHAIN] = "A name outside the issuer's constraints, a chain longer than its path "
	    "length, a wrong signature, or an extension that libcrypto does not know.",
	[WHY_OWN_CERT] = "Our ID is %fromcert, and no file in certs/ is a certificate of "
	    "private/local.key, or it is of another kind than the method that was negotiated.",
	[WHY_NO_PRIVATE_KEY] = "There is no private/local.key, or it is of another kind than the "
	    "transform's AUTHENTICATION_METHOD, or the log of the start says why it was refused.",
	[WHY_NO_PUBKEY] = "The peer calls itself something else than the name of the key file, or "
	    "its key was never copied to this side.",
	[WHY_KEY_REFUSED] = "An old key of 1024 bits, an exponent of 3, or a key of another kind "
	    "than was negotiated.",
	[WHY_SIGNATURE] = "The peer has a new key, or the file of another peer was copied under "
	    "this one's name.",
	[WHY_HASH] = "A peer that lost its SA, or a forged message.",
	[WHY_PFS] = "One side's suite has a group and the other's has none, or another one.",
	[WHY_DELETE_SPI] = "Both sides deleted the SA at once.",
	[WHY_NOTIFY_TYPE] = "The peer tells something that means nothing here, or that is not authentic.",
	[WHY_DPD_SEQUENCE] = "A repeated or late message.",
	[WHY_PEER_REFUSED] = "Its configuration does not agree with ours: proposals, identities or keys.",
	[WHY_NO_ANSWER] = "The peer is off, its address is wrong, a packet filter drops UDP, or the peer "
	    "refuses without a word.",
	[WHY_PEER_DEAD] = "The line or the peer is down, or the peer was started anew.",
	[WHY_TIMEOUT] = "The peer began and did not go on; large messages may be lost as fragments.",
	[WHY_LIMIT_SOURCE] = "A flood, or many clients behind one address.",
	[WHY_LIMIT_TOTAL] = "A flood.",
	[WHY_LIMIT_SA] = "A peer that opens exchanges and does not end them.",
	[WHY_LIMIT_PEER] = "A peer that begins one quick mode after the other, or whose rekeying runs wild.",
	[WHY_BACKEND] = "The kernel or the data plane refused; the record has its words.",
	[WHY_BACKEND_EXISTS] = "Another daemon negotiates, too, or left SAs behind.",
	[WHY_BACKEND_GONE] = "Somebody else removed the SA.",
	[WHY_BACKEND_ALGORITHM] = "The kernel was built without this cipher or hash.",
	[WHY_BACKEND_DIFFERS] = "Somebody else changed the SA, or the kernel took only part of it.",
	[WHY_ROLE_GONE] = "A process of the daemon died; the lines before say why.",
	[WHY_CONTRACT] = "A fault in this program.",
	[WHY_NOT_CONFIGURED] = "A slip of the finger in an order, or a connection that was removed.",
	[WHY_CONFIG] = "The connection lacks something that is needed to begin: the record tells what.",
	[WHY_NO_LISTENER] = "The local address is not on this machine, or not yet.",
	[WHY_PASSIVE] = "Somebody else is the master.",
	[WHY_SHUTDOWN] = "Somebody ended the daemon.",
	[WHY_REPLACED] = "A newer exchange, an order or a reload took over.",
	[WHY_ESP_UNKNOWN_SPI] = "The peer uses an SA that this side no longer has.",
	[WHY_ESP_AUTH] = "A damaged or forged packet.",
	[WHY_ESP_REPLAY] = "A repeated packet, or one that was very late.",
	[WHY_ESP_SHORT] = "A damaged or forged packet.",
	[WHY_ESP_PADDING] = "A peer that does not follow RFC 4303.",
	[WHY_ESP_SELECTOR] = "The peer sends other traffic through the tunnel than was agreed.",
	[WHY_ESP_SEQUENCE] = "The SA was not renewed in time.",
	[WHY_ESP_TOO_BIG] = "Ordinary path MTU discovery.",
	[WHY_NO_SA] = "The tunnel is not up yet; the packet asks for it.",
	[WHY_NO_POLICY] = "A route leads here that no connection covers.",
};

/* A text of ours in mdoc: no line may begin like a request, no backslash, short lines. */
static void
text(const char *s)
{
	size_t column = 0;

	while (*s != '\0') {
		size_t n = strcspn(s, " ");

		if (column > 0 && column + 1 + n > 75) {
			putchar('\n');
			column = 0;
		}
		if (column > 0)
			column += (size_t)printf(" ");
		if (column == 0 && (*s == '.' || *s == '\''))
			column += (size_t)printf("\\&");
		column += (size_t)printf("%.*s", (int)n, s);
		s += n;
		/* A sentence that ends begins a new line, as the linter wants it. */
		if (s[-1] == '.' && *s == ' ') {
			putchar('\n');
			column = 0;
		}
		while (*s == ' ')
			s++;
	}
	putchar('\n');
}

static const char *const logged[] = {
	[LOG_NEVER] = "not logged, only counted", [LOG_LIMITED] = "logged at a limited rate",
	[LOG_ALWAYS] = "always logged",
};

static void
entry(enum why w)
{
	printf(".It Sy %s\n.Em ", why_name(w));
	text(why_text(w));
	printf(".br\n");
	if (why_notify(w) != N_NONE)
		printf("Told to the peer as\n.Dv %s ;\n", reg_name(REG_NOTIFY, why_notify(w)));
	printf("%s.\n.br\n", why_notify(w) != N_NONE || why_log(w) != LOG_ALWAYS ?
	    logged[why_log(w)] : "Always logged");
	text(causes[w]);
	if (why_remedy(w)[0] != '\0') {
		printf(".br\nWhat to do:\n");
		size_t n = strlen(why_remedy(w)) + 2;
		char *sentence = malloc(n);
		if (sentence == NULL)
			exit(1);
		snprintf(sentence, n, "%s.", why_remedy(w));
		text(sentence);
		free(sentence);
	}
}

int
main(void)
{
	fputs(
".\\\" ISC licence, see LICENSE.\n"
".\\\" Made from src/base/why.h by test/tools/failures.c: change those.\n"
".Dd November 21, 2026\n"
".Dt ISAKMPD-FAILURES 7\n"
".Os\n"
".Sh NAME\n"
".Nm isakmpd-failures\n"
".Nd why isakmpd refused something or failed\n"
".Sh DESCRIPTION\n"
"Whatever\n"
".Xr isakmpd 8\n"
"refuses or fails to do has one of the reasons below.\n"
"A negotiation that fails leaves one record in the log, with the reason's text\n"
"and, in brackets, its name.\n"
"Names do not change from version to version; the same ones stand in the status\n"
"that the order\n"
".Ic S json\n"
"writes.\n"
".Pp\n"
"A record may go on with these fields, each with its value in quotes:\n"
".Bl -tag -width connection\n"
".It Li peer\n"
"Address and port, and the section of the configuration.\n"
".It Li connection\n"
"Section of the connection, in phase 2.\n"
".It Li exchange\n"
"Main or quick mode, the number of the message, and our role.\n"
".It Li field\n"
"The attribute or tag in question.\n"
".It Li expected , got\n"
"What the configuration asks for, and what came.\n"
".It Li config\n"
"File, line and section.\n"
".It Li do\n"
"What to do.\n"
".El\n"
".Pp\n"
"Before it stands, where isakmpd has always had one, the line that people and\n"
"programs search logs for.\n"
".Sh REASONS\n"
".Bl -tag -width Ds\n", stdout);
	for (int w = WHY_NONE + 1; w < WHY_MAX; w++) {
		if (causes[w] == NULL) {
			fprintf(stderr, "failures: %s has no cause\n", why_name((enum why)w));
			return 1;
		}
		entry((enum why)w);
	}
	fputs(".El\n.Sh SEE ALSO\n.Xr isakmpd.conf 5 ,\n.Xr isakmpd 8\n", stdout);
	return ferror(stdout) != 0;
}
