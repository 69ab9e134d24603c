#include "base/why.h"

static const struct {
	const char	*name, *text, *remedy;
	uint16_t	 notify;
	uint8_t		 log;
} table[WHY_MAX] = {
#define X(n, t, nt, lg, rem) [WHY_##n] = { .name = #n, .text = t, .notify = nt, .log = lg, .remedy = rem },
	WHY_LIST(X)
#undef X
};

const char *why_text(enum why w) { return table[w].text; }
const char *why_name(enum why w) { return table[w].name; }
enum notify why_notify(enum why w) { return (enum notify)table[w].notify; }
enum why_log why_log(enum why w) { return (enum why_log)table[w].log; }
const char *why_remedy(enum why w) { return table[w].remedy; }
