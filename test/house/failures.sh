#!/bin/sh
# failures.sh program - isakmpd-failures(7) is what the enum of reasons says now.
set -u
top=$(dirname "$0")/../..
"$1" | diff -u "$top/man/isakmpd-failures.7" - || {
	echo "make it anew: build/bin/failures >man/isakmpd-failures.7"
	exit 1
}
