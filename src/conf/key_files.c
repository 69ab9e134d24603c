/* Where keys are kept: files that only the roles that use them read. */
#include "conf/build.h"

static const char *
path_of(struct build *b, const char *section, const char *tag)
{
	struct value v;

	if (!get(b, section, tag, &v))
		return "";
	if (*v.text != '/')
		complain(b, PROBLEM_ERROR, ref_value(section, tag, &v), "write the whole path, from /",
		    "not the path of a file or folder");
	return keep_text(b, v.text);
}

void
build_key_files(struct build *b)
{
	struct key_files *f = &b->snap->key_files;

	(void)section_mark(b, view_str("X509-certificates"), KIND_X509);
	f->private_key = path_of(b, "X509-certificates", "Private-key");
	f->private_folder = path_of(b, "X509-certificates", "Private-key-directory");
	f->public_folder = path_of(b, "General", "Pubkey-directory");
}
