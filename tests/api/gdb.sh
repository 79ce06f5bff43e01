#!/usr/bin/env bash
# tools/gdb/rt.py on a live process and on its core: gdb.sh PROGRAM. Status 77 (skipped) where gdb is missing, has no
# Python, or may not run a program.
set -euo pipefail
program=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v gdb >/dev/null || { echo "skipped: gdb is not installed"; exit 77; }
gdb -nx -batch -ex 'python print("python")' 2>/dev/null | grep -q python || { echo "skipped: gdb without Python"; exit 77; }
export DEBUGINFOD_URLS='' LC_ALL=C ASAN_OPTIONS=detect_leaks=0
unset GODEBUG
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
commands=(-ex 'source '"$root"'/tools/gdb/rt.py'
  -ex 'echo === list\n' -ex 'info goroutines'
  -ex 'echo === one\n' -ex 'goroutine 2 bt'
  -ex 'echo === asleep\n' -ex 'goroutine 4 bt'
  -ex 'echo === locals\n' -ex 'goroutine 2 up 100'
  -ex 'echo === all\n' -ex 'goroutine all bt'
  -ex 'echo === after\n' -ex 'bt 1')
status=0

# want FILE SECTION PATTERN: a line of the section matches.
want()
{
  if ! sed -n "/^=== $2\$/,/^=== /p" "$1" | grep -qE -- "$3"; then
    echo "FAILED: $1, section $2: no line like: $3"
    status=1
  fi
}

check()
{
  want "$1" list '^. 1 running "main" '
  want "$1" list '^  2 waiting \(chan receive\) "the receiver" rt_recv at .*chan\.c:[0-9]+$'
  want "$1" list '^. 3 syscall  '
  want "$1" list '^  4 waiting \(chan receive\) "asleep" rt_recv at .*chan\.c:[0-9]+$'
  want "$1" list '^  5 runnable  .*never_run.*, never run$'
  want "$1" one '^#[0-9]+ +0x[0-9a-f]+ in rt_recv at '
  want "$1" one '^#[0-9]+ +0x[0-9a-f]+ in wait_for_a_value at .*gdb_target\.c:[0-9]+$'
  want "$1" one '^#[0-9]+ +0x[0-9a-f]+ in receiver at .*gdb_target\.c:[0-9]+$'
  want "$1" one '^#[0-9]+ +0x[0-9a-f]+ in rti_context_start '
  want "$1" asleep '^#[0-9]+ +0x[0-9a-f]+ in rt_recv at '
  want "$1" asleep '^#[0-9]+ +0x[0-9a-f]+ in wait_for_a_value at .*gdb_target\.c:[0-9]+$'
  want "$1" asleep '^#[0-9]+ +0x[0-9a-f]+ in receiver at .*gdb_target\.c:[0-9]+$'
  want "$1" locals 'rti_context_start'
  want "$1" all '^goroutine 2 \[chan receive\]:$'
  want "$1" all '^#[0-9]+ +0x[0-9a-f]+ in wait_for_a_value at '
  want "$1" all '^goroutine 3 \[syscall\]:$'
  want "$1" all '^#[0-9]+ +0x[0-9a-f]+ in caller at .*gdb_target\.c:[0-9]+$'
  want "$1" all '^#[0-9]+ +0x[0-9a-f]+ in gdb_here '
  want "$1" after '^#0 .*gdb_here'
}

gdb -nx -batch -ex 'break gdb_here' -ex 'run' "${commands[@]}" -ex 'kill' "$program" >"$dir/live" 2>&1 </dev/null || true
grep -q 'hit Breakpoint' "$dir/live" || { cat "$dir/live"; echo "skipped: gdb may not run a program here"; exit 77; }
check "$dir/live"

# generate-core-file writes out all that is reserved, touched or not, and gives up at a page of MADV_GUARD_INSTALL: hence
# guard pages by mprotect, a small region of stacks, and nothing reserved for those that hibernate.
ulimit -f 1048576 # 1 GiB, should that ever change
GODEBUG=guardpages=1,stackmib=64,hibernate=0 gdb -nx -batch -ex 'break gdb_here' -ex 'run' \
  -ex "generate-core-file $dir/core" -ex 'kill' "$program" >"$dir/saved" 2>&1 </dev/null || true
if [ -s "$dir/core" ]; then
  gdb -nx -batch "${commands[@]}" "$program" "$dir/core" >"$dir/post" 2>&1 </dev/null || true
  check "$dir/post"
else
  cat "$dir/saved"
  echo "no core could be made: only the live process was looked at"
fi
[ $status -eq 0 ] || cat "$dir/live" "$dir/post" 2>/dev/null
exit $status
