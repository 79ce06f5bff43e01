#!/usr/bin/env bash
# scripts/up as a user runs it, on the programs in $LODE_BIN: mines and ends with 0; fails when no worker is left.
set -u
cd "$(dirname "$0")/../.." || exit 1
programs=$LODE_BIN
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

# check NAME CONDITION...: one test.
check() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    return
  fi
  failed=$((failed + 1))
  echo "not met: $name (status $status)"
  cat "$dir/out"
  tail -n 20 "$dir"/data*/log/*
}

# run DATA ARGUMENTS...: scripts/up, its status in $status, its output in $dir/out.
run() {
  status=0
  timeout 120 scripts/up --data-dir "$dir/$1" --http none --network lode-regtest "${@:2}" >"$dir/out" 2>&1 || status=$?
}

run data1 --workers 2 --blocks 3
check "two workers mine three blocks" test "$status" -eq 0
check "a line per block" grep -q '\[3/3\]' "$dir/out"

mkdir "$dir/bin"
ln -s "$(realpath "$programs/lode-coordinator")" "$dir/bin/lode-coordinator"
printf '#!/bin/sh\necho broken >&2\nexit 7\n' >"$dir/bin/lode-worker"
chmod +x "$dir/bin/lode-worker"
export LODE_BIN=$dir/bin
run data2 --workers 2
check "workers that die end it with their status" test "$status" -eq 7
check "it says so" grep -q 'no worker is left' "$dir/out"
check "and shows the end of their log" grep -q broken "$dir/out"

printf '#!/bin/sh\nexit 0\n' >"$dir/bin/lode-worker"
run data3 --workers 1
check "workers that leave unasked are a failure too" test "$status" -eq 1

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
