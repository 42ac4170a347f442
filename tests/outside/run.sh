#!/usr/bin/env bash
# Clients that nobody here wrote, against the real server on a free port of the loopback address.
#
#   run.sh BINARY
#
# PYTHON names an interpreter that has `websockets` (requirements.txt); NODE one of Node.js, with `npm ci` done in this folder.
# Each client that is not there is said to be skipped. Prints what the clients print; status 1 when one of them fails.
set -euo pipefail

binary=$(realpath "${1:?usage: run.sh BINARY}")
here=$(dirname "$(realpath "$0")")
python=${PYTHON:-python3}
node=${NODE:-node}

folder=$(mktemp -d)
server=
finish() {
  if [[ -n $server ]]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap finish EXIT

cp "$here/wardroom.toml" "$folder/"
(umask 077 && head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n' >"$folder/secret")
"$binary" serve --config "$folder/wardroom.toml" </dev/null 2>"$folder/log" &
server=$!

address=
for _ in $(seq 100); do
  address=$(sed -n 's/.*listening on \([0-9.]*:[0-9]*\).*/\1/p' "$folder/log" | head -1)
  [[ -z $address ]] || break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.05
done
if [[ -z $address ]]; then
  echo "the server did not start:" >&2
  cat "$folder/log" >&2
  exit 1
fi

# Not WARDROOM_…: the server takes those for settings.
export OUTSIDE_BINARY=$binary OUTSIDE_ADDRESS=$address OUTSIDE_CONFIG=$folder/wardroom.toml
status=0
if "$python" -c 'import websockets' 2>/dev/null; then
  echo "Python websockets:"
  "$python" "$here/client.py" || status=1
else
  echo "skipped: Python websockets is not installed"
fi
if [[ -d $here/node_modules/ws ]]; then
  echo "Node ws:"
  "$node" "$here/client.js" || status=1
else
  echo "skipped: Node ws is not installed"
fi
if ! kill -0 "$server" 2>/dev/null; then
  echo "the server ended under its clients:" >&2
  tail -20 "$folder/log" >&2
  status=1
fi
exit "$status"
