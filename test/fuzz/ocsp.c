/*
 * Answers of OCSP responders, as role trust judges them: octet (1: weak
 * signatures may pass), then DER.  They are judged for the certificates of
 * corpus/cert, whose issuer signed none of them: nothing is ever proven.
 */
#include <assert.h>
#include <openssl/pem.h>
#include <string.h>

#include "cert_files.h"
#include "trust/ocsp.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { NOW = 1800000000 };

static X509 *
certificate(const char *pem)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);

	assert(x != NULL);
	BIO_free(in);
	return x;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct url url = { .host = "ocsp.example.org", .port = 80, .path = "/" };
	static const uint8_t nonce[OCSP_NONCE] = { 1 };
	struct ocsp_verdict v;

	if (n == 0)
		return 0;
	X509 *ca = certificate(cert_file_ca), *x = certificate(cert_file_own);
	ocsp_judge(x, ca, nonce, data[0] & 1, &url, view_of(data + 1, n - 1), NOW, &v);
	assert(v.why != WHY_NONE && !v.proven && v.until > NOW);
	assert(memchr(v.got, '\0', sizeof(v.got)) != NULL);
	for (const char *p = v.got; *p != '\0'; p++)
		assert(*p >= ' ' && *p < 0x7f);
	X509_free(x);
	X509_free(ca);
	return 0;
}
