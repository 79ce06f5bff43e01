#!/usr/bin/env bash
# The static probes of the runtime are in the program: probes.sh PROGRAM HAVE_SDT. Status 77 (skipped) where readelf or,
# when the program was built, <sys/sdt.h> was missing.
set -euo pipefail
command -v readelf >/dev/null || { echo "skipped: readelf is not installed"; exit 77; }
[ "$2" = 1 ] || { echo "skipped: built without <sys/sdt.h>"; exit 77; }
header=$(cd "$(dirname "$0")/../.." && pwd)/runtime/src/base/probe.h
found=$(readelf -nW "$1" | awk '/Provider:/ { rt = ($NF == "lode_rt") } $1 == "Name:" && rt { print $2 }' | sort -u)
described=$(sed -n '/^ \* probe /,/^ \*$/p' "$header" | awk 'NR > 1 && NF > 2 { print $2 }' | sort -u)
[ -n "$described" ] || { echo "no table of probes in $header"; exit 1; }
diff <(echo "$described") <(echo "$found") || { echo "< described, > found"; exit 1; }
