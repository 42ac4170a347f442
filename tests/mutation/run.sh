#!/usr/bin/env bash
# Shows each mutant of some files to the tests that come by it, and says which ones no test notices. docs/mutation.md tells what came of it.
#
#   tests/mutation/run.sh NAME [--again] GLOB...     of the files that match, as 'src/limit/**'; in src/limit, access, protocol or rooms
#
# Needs `cargo install cargo-mutants --locked`, which says what the mutants are. They are made in a copy of the tree, all in one build. The verdicts
# are left in target/mutation/NAME.txt; `--again` takes those of them that say noticed as they are.
set -euo pipefail

cd "$(dirname "$0")/../.."
root=$PWD
name=$1
shift
copy=$root/target/mutation/$name

# All but the sources, which the tool writes.
mkdir -p "$copy"
git ls-files --cached --others --exclude-standard -z -- . ':!src' ':!tests/browser' |
  xargs --null cp --parents --update --preserve=timestamps --target-directory "$copy"

CARGO_TARGET_DIR=$root/target/mutation/tool cargo build --quiet --release --manifest-path tests/mutation/Cargo.toml

# What the tree has built of other crates serves the copy too.
export CARGO_TARGET_DIR=$root/target/mutation/target
if [[ -d $root/target/debug/deps && ! -d $CARGO_TARGET_DIR/debug ]]; then
  mkdir -p "$CARGO_TARGET_DIR/debug"
  for folder in .fingerprint build deps; do
    cp --archive --link "$root/target/debug/$folder" "$CARGO_TARGET_DIR/debug/"
  done
  rm -f "$CARGO_TARGET_DIR"/debug/deps/*wardroom*
fi

exec "$root/target/mutation/tool/release/wardroom-mutation" "$root" "$copy" "$root/target/mutation/$name.txt" "$@"
