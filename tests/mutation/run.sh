#!/usr/bin/env bash
# Shows each mutant of some files to the tests that come by it, and says which ones no test notices. docs/mutation.md tells what came of it.
#
#   tests/mutation/run.sh NAME [--again] GLOB...     of the files that match, as 'src/limit/**'; in src/limit, access, protocol or rooms
#
# Needs `cargo install cargo-mutants --locked`, which says what the mutants are. They are made in a copy that has the lower layers of the server
# and nothing else, all in one build. The verdicts are left in target/mutation/NAME.txt; `--again` takes those of them that say noticed as they are.
set -euo pipefail

cd "$(dirname "$0")/../.."
root=$PWD
name=$1
shift
copy=$root/target/mutation/$name
layers=(access config fault hash id limit protocol rooms time)

mkdir -p "$copy"
rm -rf "$copy/src" "$copy/tests" "$copy/trim"
mkdir -p "$copy/src" "$copy/tests" "$copy/.cargo"
cp -r tests/fixtures tests/vectors "$copy/tests/"
cp -r docs "$copy/"
cp .cargo/config.toml .cargo/mutants.toml "$copy/.cargo/"
cp -r trim Cargo.lock "$copy/"
for layer in "${layers[@]}"; do
  cp -r src/"$layer"* "$copy/src/"
  echo "pub mod $layer;"
done >"$copy/src/lib.rs"
# Of the manifest what a library needs: no binary, no tests of its own folder, nothing that is the whole server again.
awk '/^\[/ { keep = /^\[(package|workspace|lints|dependencies|target|dev-dependencies|lib|profile.dev)/ && !/^\[package.metadata/ }
  keep && !/^(wardroom = |readme|exclude|members)/' Cargo.toml >"$copy/Cargo.toml"

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

exec "$root/target/mutation/tool/release/wardroom-mutation" "$copy" "$root/target/mutation/$name.txt" "$@"
