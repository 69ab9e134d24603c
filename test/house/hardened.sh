#!/bin/sh
# hardened.sh binary - what the build promises is in the binary.
#
# position independent, read-only relocations and immediate binding, no
# executable stack, no writable and executable segment, stack protector,
# fortified libc calls, control-flow marks where the machine has them, and no
# path to search libraries in.
set -u
bin=${1:?binary}
command -v readelf >/dev/null 2>&1 || { echo "skipped: no readelf"; exit 77; }
[ -e "$bin" ] || { echo "skipped: no $bin"; exit 77; }
rc=0
want() {
	what=$1
	shift
	"$@" || { echo "not so: $what"; rc=1; }
}
header=$(readelf -hW "$bin")
segments=$(readelf -lW "$bin")
dynamic=$(readelf -dW "$bin")
symbols=$(readelf -W --dyn-syms "$bin")
in_text() { printf '%s\n' "$1" | grep -Eq "$2"; }
not_in() { ! in_text "$1" "$2"; }

want "position independent executable" in_text "$header" 'Type: +DYN'
want "relocations made read-only" in_text "$segments" 'GNU_RELRO'
want "all symbols bound at start" in_text "$dynamic" 'BIND_NOW|FLAGS.*NOW'
want "a stack that does not execute" in_text "$segments" 'GNU_STACK .* RW '
want "no segment writable and executable" not_in "$segments" 'LOAD .* RWE '
want "stack protector" in_text "$symbols" '__stack_chk_fail'
want "no RPATH or RUNPATH" not_in "$dynamic" 'RPATH|RUNPATH'
if [ "${2-}" = fortified ]; then
	want "fortified libc calls" in_text "$symbols" '__[a-z_]+_chk'
fi
case $(uname -m) in
x86_64)
	# The start files of a distribution may lack the mark, and with them the
	# whole binary its note; the landing pads are there all the same.
	pads=$(objdump -d --no-show-raw-insn "$bin" | grep -c endbr64)
	[ "$pads" -ge 100 ] || { echo "not so: control-flow protection: $pads landing pads"; rc=1; } ;;
esac
exit $rc
