#!/bin/sh
# arrows_selftest.sh - arrows.sh finds a planted wrong arrow, and only that.
set -u
here=$(cd "$(dirname "$0")" && pwd)
t=$(mktemp -d) || exit 1
trap 'rm -rf "$t"' EXIT
mkdir -p "$t/src/base" "$t/src/ike" "$t/src/wire" "$t/src/crypto" "$t/sim"

# plant file line: a tree in which only that file has more than right arrows
plant() {
	rm -f "$t"/*/*/*.[ch]
	printf '#include <string.h>\n' >"$t/src/base/view.c"
	printf '#include "wire/sa.h"\n#include "base/view.h"\n' >"$t/src/ike/core.c"
	printf '#include "base/view.h"\n' >"$t/src/wire/sa.c"
	printf '#include <openssl/evp.h>\n#include "hash.h"\n' >"$t/src/crypto/hash.c"
	[ $# = 0 ] || printf '%s\n' "$2" >>"$t/$1"
}
rc=0
plant
sh "$here/arrows.sh" "$t" || { echo "a right tree was refused"; rc=1; }
while read -r file include; do
	plant "$file" "$include"
	if sh "$here/arrows.sh" "$t" >"$t/out"; then
		echo "not found: $include in $file"
		rc=1
	elif ! grep -q "^$file:" "$t/out"; then
		echo "found, but not named: $include in $file"
		cat "$t/out"
		rc=1
	fi
done <<-EOT
	src/ike/core.c #include "os/clock.h"
	src/ike/core.c #include "kern/backend.h"
	src/ike/core.c #include "role/ike.h"
	src/ike/core.c   #  include <openssl/evp.h>
	src/ike/core.c #include <sys/socket.h>
	src/wire/sa.c #include "ike/core.h"
	src/base/view.c #include "wire/sa.h"
	src/crypto/hash.c #include "trust/chain.h"
	src/base/view.c #include "elsewhere/x.h"
EOT
exit $rc
