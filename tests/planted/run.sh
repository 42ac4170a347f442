#!/usr/bin/env bash
# Plants one fault after the other into a copy of the tree, and says whether the simulator finds it.
#
#   tests/planted/run.sh [--seeds N] [NAME...]     every fault, or these; N seeds at most for each (default 300)
#
# Prints a row of a table for each: the fault, the rule that it broke, the seed at which that was seen. The exit status is 0 when every one
# was found. A fault of the store is looked for in worlds over SQLite. Files of the copy that do not change keep their dates, so that only what a fault touches is built again.
set -euo pipefail

cd "$(dirname "$0")/../.."
seeds=300
if [[ ${1:-} == --seeds ]]; then
  seeds=$2
  shift 2
fi
. tests/planted/copy.sh
make_copy

if (($# == 0)); then
  mapfile -t patches < <(cd tests/planted && ls -- *.patch)
  set -- "${patches[@]%.patch}"
fi
missed=0
echo "| fault | what it is | found by | after |"
echo "|---|---|---|---|"
for name in "$@"; do
  patch=$root/tests/planted/$name.patch
  what=$(head -n 1 "$patch")
  plant "$patch"
  # A fault of the store is one in worlds of the real one.
  store=()
  if grep -q '^+++ b/src/store/' "$patch"; then store=(--store sqlite); fi
  found=""
  if (cd "$copy" && cargo build --quiet --example simulate >"$copy/log" 2>&1); then
    (cd "$copy" && "$CARGO_TARGET_DIR/debug/examples/simulate" --seeds "$seeds" ${store[@]+"${store[@]}"} --stop) >"$copy/log" 2>&1 || true
    found=$(grep -m 1 -E '^seed [0-9]+, step ' "$copy/log" || true)
  else
    found="does not build"
  fi
  uproot "$patch"
  case $found in
    "seed "*)
      rule=$(sed -E 's/^seed [0-9]+, step [0-9]+: ([^:]*):.*/\1/' <<<"$found")
      seed=$(sed -E 's/^seed ([0-9]+),.*/\1/' <<<"$found")
      echo "| \`$name.patch\` | $what | $rule | $((seed + 1)) seeds |"
      ;;
    "does not build")
      echo "| \`$name.patch\` | $what | DOES NOT BUILD | |"
      missed=$((missed + 1))
      ;;
    *)
      echo "| \`$name.patch\` | $what | NOT FOUND | $seeds seeds |"
      missed=$((missed + 1))
      ;;
  esac
done
((missed == 0))
