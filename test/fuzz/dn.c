/*
 * Any octets as the text of a distinguished name.  What must hold: what is
 * taken is DER to libcrypto, whole and canonical; its text, read again, is
 * the same name; what is not taken has a place and a reason.
 */
#include <assert.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "base/id.h"
#include "conf/dn.h"
#include "trust/dn.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
same_again(struct view der)
{
	enum { TEXT_MAX = 16384 };
	X509_NAME *name = dn_from_der(der);
	char *room = malloc(TEXT_MAX);
	uint8_t *made = NULL, again[ID_DATA_MAX];
	struct wr w = wr_of(again, sizeof(again));
	struct dn_fault fault;

	assert(name != NULL && room != NULL);
	int n = i2d_X509_NAME(name, &made);
	assert(n > 0 && view_equal(der, view_of(made, (size_t)n)));
	struct str text = str_of(room, TEXT_MAX);
	dn_print(&text, name, DN_TEXT);
	assert(!text.cut);
	/* libcrypto has names for more numbers than an operator may write. */
	if (dn_encode(text.p, &w, &fault))
		assert(view_equal(der, wr_done(&w)));
	else
		assert(strstr(fault.text, "is not an attribute of names") != NULL ||
		    strstr(fault.text, "no attribute") != NULL);
	OPENSSL_free(made);
	X509_NAME_free(name);
	free(room);
	ERR_clear_error();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);
	uint8_t room[ID_DATA_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct dn_fault fault = { 0 };

	assert(text != NULL);
	if (n > 0)
		memcpy(text, data, n);
	text[n] = '\0';
	if (dn_encode(text, &w, &fault))
		same_again(wr_done(&w));
	else
		assert(fault.at <= strlen(text) && fault.text[0] != '\0');
	free(text);
	return 0;
}
