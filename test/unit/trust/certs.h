/* The certificates of certs.sh, made once for a test program. */
#ifndef TEST_TRUST_CERTS_H
#define TEST_TRUST_CERTS_H

#include "decoder.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "trust/cert.h"
#include "trust/trust.h"

static char certs_dir[64];

static inline int
certs_make(void **state)
{
	char command[512];

	(void)state;
	strcpy(certs_dir, "/tmp/isakmpd-certs-XXXXXX");
	if (mkdtemp(certs_dir) == NULL)
		return -1;
	snprintf(command, sizeof(command), "sh %s/test/unit/trust/certs.sh %s", SOURCE_DIR, certs_dir);
	return system(command) == 0 && trust_preload() ? 0 : -1;
}

static inline int
certs_remove(void **state)
{
	char command[512];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", certs_dir);
	return system(command) == 0 ? 0 : -1;
}

/* A whole file, on the heap. */
static inline struct view
certs_file(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", certs_dir, name);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("no %s", path);
	uint8_t *p = malloc(65536);
	assert_non_null(p);
	size_t n = fread(p, 1, 65536, f);
	fclose(f);
	return view_of(p, n);
}

/* An encoding and the DER of NAME.pem: the body of a CERT payload, on the heap. */
static inline struct view
certs_body(const char *name)
{
	char file[80];

	snprintf(file, sizeof(file), "%s.pem", name);
	struct view pem = certs_file(file);
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);
	assert_non_null(x);
	int n = i2d_X509(x, NULL);
	uint8_t *body = malloc((size_t)n + 1), *p = body + 1;
	assert_non_null(body);
	body[0] = 4;
	(void)i2d_X509(x, &p);
	X509_free(x);
	BIO_free(in);
	free((void *)(uintptr_t)pem.p);
	return view_of(body, (size_t)n + 1);
}

static inline X509 *
certs_x509(const char *name)
{
	struct view body = certs_body(name);
	const uint8_t *p = body.p + 1;
	X509 *x = d2i_X509(NULL, &p, (long)body.n - 1);

	assert_non_null(x);
	free((void *)(uintptr_t)body.p);
	return x;
}

/* Loads NAME.pem; true if it was taken. */
static inline bool
certs_load(struct trust *t, enum trust_kind kind, const char *name)
{
	char file[80];
	STR(note, 200);

	snprintf(file, sizeof(file), "%s.pem", name);
	struct view pem = certs_file(file);
	bool ok = trust_add(t, kind, file, pem, &note);
	free((void *)(uintptr_t)pem.p);
	return ok;
}

static inline struct trust *
certs_trust(const struct trust_settings *settings, const char *const *anchors)
{
	static const struct trust_settings standard = { .crl = TRUST_CRL_IF_PRESENT };
	struct trust *t = trust_new(settings == NULL ? &standard : settings);

	assert_non_null(t);
	for (; *anchors != NULL; anchors++)
		assert_true(certs_load(t, TRUST_CA, *anchors));
	return t;
}

/* An ID payload: type, protocol 0, port 0, data. */
struct id_body { uint8_t p[600]; size_t n; };

static inline struct id_body
id_of(uint8_t type, const void *data, size_t n)
{
	struct id_body b = { .p = { type } };

	assert_true(n + 4 <= sizeof(b.p));
	memcpy(b.p + 4, data, n);
	b.n = n + 4;
	return b;
}

static inline struct id_body
fqdn(const char *name)
{
	return id_of(ID_FQDN, name, strlen(name));
}

#endif
