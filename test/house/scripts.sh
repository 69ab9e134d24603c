#!/bin/sh
# scripts.sh - every shell script parses in the shell it names.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
rc=0 n=0
for f in .ci/run tools/* src/cmd/*.sh $(find test -name '*.sh') test/lab/peers/*; do
	[ -f "$f" ] || continue
	case $(head -n 1 "$f") in
	'#!/bin/sh'*) shell=sh ;;
	'#!/bin/bash'*|'# '*) shell=bash ;;
	*) echo "$f: which shell?"; rc=1; continue ;;
	esac
	n=$((n + 1))
	$shell -n "$f" || rc=1
done
[ $n -gt 5 ] || { echo "found only $n scripts"; rc=1; }
exit $rc
