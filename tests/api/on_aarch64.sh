#!/bin/sh
# on_aarch64.sh: the runtime and on_aarch64.c compiled for aarch64 and run under qemu's user mode. Status 77 (skipped)
# where a cross compiler or qemu is not installed.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v $tool >/dev/null 2>&1 || { echo "skipped: $tool is not installed"; exit 77; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
aarch64-linux-gnu-gcc -std=gnu17 -D_GNU_SOURCE -DLODE_DCHECK=1 -DLODE_VERSION='"test"' -O1 -Wall -Wextra -Werror \
    -static -pthread -ftls-model=initial-exec -I"$root/runtime/include" -I"$root/runtime/src" \
    "$root"/runtime/src/*/*.c "$root"/runtime/src/arch/*_aarch64.S "$root/tests/api/on_aarch64.c" -o "$dir/program"
qemu-aarch64 "$dir/program"
