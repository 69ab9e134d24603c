#!/bin/bash
# tags.sh - isakmpd.conf(5) has an entry for every tag that a kind of section
# knows (src/conf/tags.c), in the part about that kind, and no other entry.
set -u
cd "$(dirname "$0")/../.." || exit 1
t=$(mktemp -d) || exit 1
trap 'rm -rf "$t"' EXIT
rc=0

# "kind tag" of each row: { "Tag", KIND_A | KIND_B },
sed -n '/^} known\[\] = {/,/^};/s/^\t{ "\([^"]*\)", \(.*\) },$/\1 \2/p' src/conf/tags.c |
    sed 's/PEER_OR_ID/KIND_P1_ID | KIND_P2_ID/; s/|//g' |
    awk '{ for (i = 2; i <= NF; i++) print $i, $1 }' | sort -u >"$t/known"
[ "$(wc -l <"$t/known")" -gt 90 ] || { echo "no tags found in src/conf/tags.c"; exit 1; }

# The same of the page: its subsections, and the items in them.
awk '
BEGIN {
	of["General section"] = "KIND_GENERAL"
	of["Phase 1 section"] = "KIND_PHASE1"
	of["Phase 2 section"] = "KIND_PHASE2"
	of["X509-certificates section"] = "KIND_X509"
	of["KeyNote section"] = "KIND_KEYNOTE"
	of["ISAKMP-peer"] = "KIND_PEER"
	of["Phase1-ID"] = "KIND_P1_ID"
	of["ISAKMP-configuration"] = "KIND_P1_CONFIG"
	of["ISAKMP-transform"] = "KIND_P1_TRANSFORM"
	of["Lifetime"] = "KIND_LIFE"
	of["IPsec-connection"] = "KIND_CONNECTION"
	of["IPsec-configuration"] = "KIND_P2_CONFIG"
	of["IPsec-suite"] = "KIND_SUITE"
	of["IPsec-protocol"] = "KIND_PROTOCOL"
	of["IPsec-transform"] = "KIND_P2_TRANSFORM"
	of["IPsec-ID"] = "KIND_P2_ID"
}
/^\.Sh / { kind = "" }
/^\.Ss / { kind = of[substr($0, 5)] }
/^\.It Li / && kind != "" {
	gsub(/[,"]/, "")
	for (i = 3; i <= NF; i++)
		print kind, $i
}' man/isakmpd.conf.5 | sort -u >"$t/page"

# The only tag of [Phase 1] that is not an address; Refcount is explained once.
echo "KIND_PHASE1 Default" >>"$t/known"
sed -i '/^KIND_\(P[12]_CONFIG\|P2_ID\) Refcount$/d' "$t/known"
sort -u -o "$t/known" "$t/known"
missing=$(comm -23 "$t/known" "$t/page") extra=$(comm -13 "$t/known" "$t/page")
[ -z "$missing" ] || { echo "without an entry in man/isakmpd.conf.5:"; echo "$missing"; rc=1; }
[ -z "$extra" ] || { echo "man/isakmpd.conf.5 speaks of tags that no such section has:"; echo "$extra"; rc=1; }
echo "$(wc -l <"$t/known") tags, each with its entry"
exit $rc
