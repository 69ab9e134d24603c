/*
 * The trust role of a simulated host: what judges certificates, without its
 * process.  `sends` lets the host be a peer of other habits: its CERT payloads
 * are then, separated by '+',
 *
 *	own		what it would have sent
 *	NAME		a certificate or a revocation list of that name
 *	NAME*N		the same, so many times
 *	p7:NAME:NAME	a PKCS#7 container with these
 *	junk, pgp	octets that are nothing, and an encoding that nobody reads
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "role/trust_msg.h"
#include "sim/pki.h"
#include "sim/world.h"

enum { FILE_ROOM = 300 };

struct trust_side {
	struct trust	*trust;
	char		sends[160];			/* "": its own */
	uint8_t		certs[TRUST_OCTETS_MAX];	/* of one answer */
};

/* A file: NAME+NAME... in PEM, one behind the other. */
static bool
take_file(const struct world *w, struct trust *t, enum trust_kind kind, const char *names)
{
	char room[FILE_ROOM], *save = NULL, *text = sim_copy_text("");
	size_t n = 0;
	STR(note, 200);

	text_copy(room, sizeof(room), names);
	for (char *name = strtok_r(room, "+", &save); name != NULL; name = strtok_r(NULL, "+", &save)) {
		struct view pem = pki_pem(w->pki, name);

		if (pem.n == 0)
			fprintf(stderr, "there is no %s: pki ... %s\n", name, name);
		text = sim_grow(text, n + pem.n + 1);
		memcpy(text + n, pem.p == NULL ? (const void *)"" : pem.p, pem.n);
		n += pem.n;
	}
	bool ok = trust_add(t, kind, names, view_of(text, n), &note);
	if (!ok)
		fprintf(stderr, "%s: %s\n", names, note.p);
	free(text);
	return ok;
}

static bool
take_line(const struct world *w, struct trust_side *side, const char *kind, const char *names)
{
	if (strcmp(kind, "sends") == 0) {
		text_copy(side->sends, sizeof(side->sends), names);
		return true;
	}
	return take_file(w, side->trust, strcmp(kind, "ca") == 0 ? TRUST_CA :
	    strcmp(kind, "crl") == 0 ? TRUST_CRL : TRUST_CERT, names);
}

struct trust_side *
trust_side_new(const struct world *w, const char *text, const struct snapshot *s)
{
	static const char mark[] = "#trust ";
	struct trust_side *side = sim_alloc(sizeof(*side));
	struct trust_conf conf;

	trust_conf_of(&s->x509, &conf);
	side->trust = trust_new(&conf.settings);
	if (side->trust == NULL)
		abort();
	for (const char *at = text; (at = strstr(at, mark)) != NULL; at++) {
		char kind[16], names[FILE_ROOM];

		if (sscanf(at + strlen(mark), "%15s %299s", kind, names) != 2 ||
		    !take_line(w, side, kind, names))
			fprintf(stderr, "a certificate is missing\n");
	}
	return side;
}

void
trust_side_free(struct trust_side *side)
{
	if (side == NULL)
		return;
	trust_free(side->trust);
	free(side);
}

size_t
trust_side_count(const struct trust_side *side)
{
	return trust_count(side->trust, TRUST_CA) + trust_count(side->trust, TRUST_CERT) +
	    trust_count(side->trust, TRUST_CRL);
}

void
trust_side_tell(struct trust_side *side, struct core *core)
{
	struct wr room = wr_of(side->certs, sizeof(side->certs));
	struct view request[TRUST_REQUESTS_MAX];
	size_t n = trust_requests(side->trust, &room, request);

	core_cert_requests(core, request, n);
}

/* ---- other habits ---- */

static void
send_body(struct trust_answer *a, struct view body)
{
	if (body.n > 0 && a->n_certs < TRUST_CERTS_MAX)
		a->certs[a->n_certs++] = body;
}

static void
send_word(struct world *w, const struct trust_answer *own, char *word, struct trust_answer *ret)
{
	static const uint8_t junk[] = { 4, 0x30, 0x82, 0xff, 0xff, 0x30, 0x80, 1, 2, 3 };
	static const uint8_t pgp[] = { 2, 0x99, 0x01, 0x0d, 4 };
	char *star = strchr(word, '*');
	size_t times = star == NULL ? 1 : strtoul(star + 1, NULL, 10);

	if (star != NULL)
		*star = '\0';
	for (size_t i = 0; i < times; i++) {
		if (strcmp(word, "own") == 0)
			for (size_t k = 0; k < own->n_certs; k++)
				send_body(ret, own->certs[k]);
		else if (strcmp(word, "junk") == 0)
			send_body(ret, view_of(junk, sizeof(junk)));
		else if (strcmp(word, "pgp") == 0)
			send_body(ret, view_of(pgp, sizeof(pgp)));
		else if (strncmp(word, "p7:", 3) == 0)
			send_body(ret, pki_container(w->pki, word + 3));
		else
			send_body(ret, pki_body(w->pki, word));
	}
}

static void
send_otherwise(struct world *w, const struct trust_side *side, struct trust_answer *a)
{
	const struct trust_answer own = *a;
	char room[sizeof(side->sends)], *save = NULL;

	a->n_certs = 0;
	text_copy(room, sizeof(room), side->sends);
	for (char *word = strtok_r(room, "+", &save); word != NULL; word = strtok_r(NULL, "+", &save))
		send_word(w, &own, word, a);
}

void
trust_side_ask(struct world *w, struct trust_side *side, const struct trust_ask *ask,
    struct trust_answer *ret)
{
	struct wr room = wr_of(side->certs, sizeof(side->certs));

	if (ask->verb == TRUST_PEER) {
		trust_peer(side->trust, ask, world_date(w), ret);
		return;
	}
	if (ask->verb == TRUST_NAMES) {
		trust_names(side->trust, ask, world_date(w), &room, ret);
		return;
	}
	trust_own(side->trust, ask, world_date(w), &room, ret);
	if (side->sends[0] != '\0')
		send_otherwise(w, side, ret);
}
