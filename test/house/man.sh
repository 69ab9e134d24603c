#!/bin/sh
# man.sh - the manual pages are clean mdoc.
set -u
top=$(dirname "$0")/../..
command -v mandoc >/dev/null 2>&1 || { echo "skipped: no mandoc"; exit 77; }
rc=0 n=0
for page in "$top"/man/*.[1-9]; do
	[ -e "$page" ] || continue
	n=$((n + 1))
	# What mandoc says of other systems' conventions is no concern of ours.
	mandoc -T lint -W style "$page" |
	    grep -Ev 'referenced manual not found|Mdocdate|operating system explicitly' && rc=1
done
[ $n -gt 0 ] || { echo "no manual page in man/"; exit 1; }
exit $rc
