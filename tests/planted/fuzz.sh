#!/usr/bin/env bash
# Plants one fault after the other into a copy of the tree, and says whether the replay of the corpus of its target finds it.
#
#   tests/planted/fuzz.sh [TARGET | TARGET/NAME]...     every fault, those of these targets, or these
#
# Prints a row of a table for each: the fault, and the input that showed it. The exit status is 0 when every one was found.
set -euo pipefail

cd "$(dirname "$0")/../.."
. tests/planted/copy.sh
make_copy

(($#)) || set -- frame json upgrade token origin forwarded session config tls store
patches=()
for name in "$@"; do
  case $name in
    */*) patches+=("tests/planted/fuzz/$name.patch") ;;
    *) patches+=(tests/planted/fuzz/"$name"/*.patch) ;;
  esac
done

# The test that replays the corpus of a target.
replay_of() { # TARGET
  awk -v wanted="replay(\"$1\"" '/^fn / { sub(/\(.*/, ""); name = $2 } index($0, wanted) { print name }' tests/corpora.rs
}

missed=0
echo "| fault | what it is | found by |"
echo "|---|---|---|"
for patch in "${patches[@]}"; do
  target=$(basename "$(dirname "$patch")")
  name=$target/$(basename "$patch")
  plant "$root/$patch"
  found="DOES NOT BUILD"
  if (cd "$copy" && cargo test --quiet --no-run --test corpora >"$copy/log" 2>&1); then
    (cd "$copy" && cargo test --quiet --test corpora -- --exact "$(replay_of "$target")") >"$copy/log" 2>&1 || true
    found=$(sed -n 's/^found by //p' "$copy/log" | head -n 1)
    [[ -n $found ]] || found="NOT FOUND"
  fi
  uproot "$root/$patch"
  [[ $found == *'`'* ]] || missed=$((missed + 1))
  echo "| \`$name\` | $(head -n 1 "$patch") | $found |"
done
((missed == 0))
