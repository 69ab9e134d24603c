#include "trust/dn.h"

#include <openssl/objects.h>
#include <stdlib.h>
#include <string.h>

enum { ONELINE_MAX = 255, TEXT_MAX = 8192 };

/* A few names of libcrypto's, of algorithms, have a slash or worse in them. */
static bool
is_word(const char *name)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	return name[strspn(name, good)] == '\0';
}

/* "CN"; types without a short name by their number. */
static void
print_type(struct str *s, const ASN1_OBJECT *type, enum dn_style style)
{
	int nid = OBJ_obj2nid(type);
	char number[80];

	if (nid != NID_undef && (style == DN_ONELINE || is_word(OBJ_nid2sn(nid)))) {
		str_add(s, OBJ_nid2sn(nid));
	} else {
		(void)OBJ_obj2txt(number, sizeof(number), type, 1);
		str_add(s, number);
	}
}

static void
print_value(struct str *s, const ASN1_STRING *value, enum dn_style style)
{
	const char *special = style == DN_TEXT ? "/+\"\\" : "/+";
	const uint8_t *p = ASN1_STRING_get0_data(value);

	for (int i = 0; i < ASN1_STRING_length(value); i++) {
		if (p[i] < 0x20 || p[i] > 0x7e)
			str_addf(s, "\\x%02X", p[i]);
		else if (strchr(special, p[i]) != NULL)
			str_addf(s, "\\%c", p[i]);
		else
			str_char(s, (char)p[i]);
	}
}

void
dn_print(struct str *s, const X509_NAME *name, enum dn_style style)
{
	size_t begin = s->len;
	int set = -1;

	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
		struct str before = *s;

		str_char(s, X509_NAME_ENTRY_set(e) == set ? '+' : '/');
		set = X509_NAME_ENTRY_set(e);
		print_type(s, X509_NAME_ENTRY_get_object(e), style);
		str_char(s, '=');
		print_value(s, X509_NAME_ENTRY_get_data(e), style);
		if (style == DN_ONELINE && (s->cut || s->len - begin > ONELINE_MAX)) {
			*s = before;
			s->p[s->len] = '\0';
			return;
		}
	}
}

X509_NAME *
dn_from_der(struct view der)
{
	const uint8_t *p = der.p;
	X509_NAME *name = der.n > 0 && der.n <= UINT16_MAX ?
	    d2i_X509_NAME(NULL, &p, (long)der.n) : NULL;

	if (name != NULL && p != der.p + der.n) {
		X509_NAME_free(name);
		name = NULL;
	}
	return name;
}

bool
dn_is_text(const X509_NAME *name, const char *text)
{
	static const enum dn_style styles[] = { DN_TEXT, DN_ONELINE };
	char *room = malloc(TEXT_MAX);
	bool same = false;

	for (size_t i = 0; room != NULL && !same && i < COUNT(styles); i++) {
		struct str s = str_of(room, TEXT_MAX);

		dn_print(&s, name, styles[i]);
		/* A name that does not fit whole equals nothing. */
		same = !s.cut && s.len > 0 && text_same(s.p, text);
		if (styles[i] == DN_ONELINE && X509_NAME_entry_count(name) > 0 && same) {
			/* and a shortened one only itself would: refuse it */
			STR(whole, ONELINE_MAX + 1);

			dn_print(&whole, name, DN_TEXT);
			same = whole.len <= ONELINE_MAX && !whole.cut;
		}
	}
	free(room);
	return same;
}
