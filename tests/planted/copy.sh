# A copy of the tree in which faults are planted: read by `run.sh` and `fuzz.sh`. Files of the copy that do not change keep their dates, so that only
# what a fault touches is built again.

root=$PWD
copy=${PLANTED_COPY:-$root/target/planted}
export CARGO_TARGET_DIR=$copy/target

# The sources as git knows them, and what the tree has built of other crates.
make_copy() {
  mkdir -p "$copy"
  git ls-files -z | tar --null --files-from=- --create --ignore-failed-read | tar --extract --keep-newer-files --directory "$copy" 2>/dev/null
  # A run that was stopped leaves its fault behind.
  sed -n 's|^+++ b/||p' tests/planted/*.patch tests/planted/fuzz/*/*.patch | sort --unique | while read -r file; do
    cmp --silent "$file" "$copy/$file" || cp "$file" "$copy/$file"
  done
  if [[ -d $root/target/debug/deps && ! -d $CARGO_TARGET_DIR/debug ]]; then
    mkdir -p "$CARGO_TARGET_DIR/debug"
    for folder in .fingerprint build deps; do
      cp --archive --link "$root/target/debug/$folder" "$CARGO_TARGET_DIR/debug/"
    done
    rm -f "$CARGO_TARGET_DIR"/debug/deps/*wardroom* "$CARGO_TARGET_DIR"/debug/deps/*simulate*
  fi
}

# Plants the fault of a patch, or takes it out again.
plant() { # PATCH
  (cd "$copy" && patch --silent --strip=1 --forward <"$1" >/dev/null)
}
uproot() { # PATCH
  local file
  file=$(sed -n 's|^+++ b/||p' "$1")
  rm -f "$copy/$file.orig"
  cp "$root/$file" "$copy/$file"
}
