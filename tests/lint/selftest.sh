#!/usr/bin/env bash
# Each lint must fail when the tree is broken: plants one breach at a time in a copy, and wants a non-zero status and the
# name of the file. Closing line: "N passed, N failed".
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
passed=0
failed=0

expect() { # expect TOOL FILE: the tool fails and names the file
  local out
  if out=$("$copy/tools/$1" "$copy" 2>&1) || ! grep -q "$2" <<<"$out"; then
    echo "FAIL: $1 did not catch the breach in $2: $out"
    failed=$((failed + 1))
  else
    passed=$((passed + 1))
  fi
}
plant() { # plant TOOL FILE TEXT: appends TEXT to FILE, expects TOOL to fail, and takes it back
  local had=0
  [ -f "$copy/$2" ] && { had=1; cp "$copy/$2" "$copy/saved"; }
  mkdir -p "$(dirname "$copy/$2")"
  printf '%s\n' "$3" >>"$copy/$2"
  expect "$1" "$2"
  if [ $had = 1 ]; then mv "$copy/saved" "$copy/$2"; else rm "$copy/$2"; fi
}

(cd "$top" && git ls-files -co --exclude-standard -z -- ':!tests/fuzz/corpus' | tar --null -T - -cf - 2>/dev/null) | tar -xf - -C "$copy"
for tool in check-floors check-shape check-words check-names check-docs; do
  if "$copy/tools/$tool" "$copy" >/dev/null 2>&1; then passed=$((passed + 1)); else
    echo "FAIL: $tool is not green on the tree as it is"
    failed=$((failed + 1))
  fi
done

plant check-floors common/base/bytes.c '#include "common/chain/header.h"'
plant check-floors coordinator/core/core.c '#include "worker/kernel/kernel.h"'
plant check-floors coordinator/core/core.c '#include <rt/go.h>'
plant check-floors runtime/src/base/lock.c '#include "sched/sched.h"'
plant check-floors ctl/main.c '#include "coordinator/core/core.h"'
long=$(printf '    a += %s;\n' $(seq 70))
plant check-shape common/base/bytes.c "static int too_long(int a)
{
$long
    return a;
}"
branches=$(printf '    if (a == %s)\n        a++;\n' $(seq 16))
plant check-shape common/base/bytes.c "static int too_twisted(int a)
{
$branches
    return a;
}"
plant check-shape common/base/bytes.c "static int too_wide(int a, int b, int c, int d, int e, int f)
{
    return a + b + c + d + e + f;
}"
plant check-shape common/base/bytes.c "/* $(printf 'x%.0s' $(seq 130)) */"
plant check-shape common/base/extra.h "int no_opening_comment;"
plant check-shape common/base/bytes.c "$(printf '/* %s */\n' $(seq 650))"
plant check-words common/base/bytes.c 'static void f(char *a) { strcpy(a, "b"); }'
plant check-words common/base/bytes.c "/* TO""DO later */"
plant check-words runtime/src/sched/round.c 'int x = __ATOMIC_SEQ_CST;'
plant check-words common/base/bytes.c '#if SOMETHING'
plant check-names common/base/bytes.c "int other_name(void)
{
    return 0;
}"
plant check-names common/base/lonely.c "int lonely_zero(void)
{
    return 0;
}"
plant check-docs README.md '[nowhere](docs/NOWHERE.md)'
plant check-docs common/base/bytes.c 'void f(int a) { DCHECK(a); /* S99 */ }'
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
