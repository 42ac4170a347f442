#!/usr/bin/env bash
# testssl.sh against the TLS listener of the real server, on a free port of the loopback address.
#
#   testssl.sh BINARY [RESULT]
#
# Prints what testssl says, and writes it to RESULT without the paths and names of this machine. Status 1 when it finds
# anything above LOW; 77, with the reason in the last line, when testssl or openssl is not there. Trust in the authority that
# this script makes for itself is left out of account by handing it over (--add-ca).
set -euo pipefail

binary=$(realpath "${1:?usage: testssl.sh BINARY [RESULT]}")
result=${2:-}
for tool in testssl openssl; do
  if ! command -v "$tool" >/dev/null; then
    echo "skipped: $tool is not installed"
    exit 77
  fi
done

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

umask 077
cd "$folder"
openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -new -key ca.key -days 365 -subj "/CN=An authority of a test" -out ca.pem 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out key.pem
openssl req -new -key key.pem -subj "/CN=localhost" -out request.pem 2>/dev/null
# An authority that is trusted says where it lists what it revoked; nothing is fetched from there.
printf '%s\n' 'subjectAltName=DNS:localhost' 'extendedKeyUsage=serverAuth' 'keyUsage=digitalSignature' \
  'crlDistributionPoints=URI:http://authority.example/revoked.crl' >extensions
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 90 -extfile extensions \
  -out leaf.pem 2>/dev/null
cp leaf.pem chain.pem
head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n' >secret
cat >wardroom.toml <<'EOF'
[listen]
address = "127.0.0.1:0"
[tls]
certificate = "chain.pem"
key = "key.pem"
hsts = "400d"
[private]
enabled = false
[limits]
plain_per_address = 500
handshakes_per_address = { burst = 100000, per = "1s" }
bytes_per_address = { burst = 100000000, per = "1s" }
[[auth.key]]
algorithms = ["HS256"]
secret_file = "secret"
EOF
"$binary" serve --config wardroom.toml </dev/null 2>log &
server=$!
address=
for _ in $(seq 200); do
  address=$(sed -n 's/.*listening on \([0-9.]*:[0-9]*\).*/\1/p' log | head -1)
  [[ -z $address ]] || break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.05
done
if [[ -z $address ]]; then
  echo "the server did not start:" >&2
  cat log >&2
  exit 1
fi

# Nothing is looked up: the name is this machine's own. Its findings decide, not its exit status, which counts them all.
testssl --quiet --color 0 --warnings off --nodns none --add-ca ca.pem --jsonfile findings.json \
  --ip 127.0.0.1 "localhost:${address##*:}" >report </dev/null || true
if ! kill -0 "$server" 2>/dev/null; then
  echo "the server ended under the test" >&2
  exit 1
fi
sed -e "s|$folder|.|g" -e "s/$(hostname)/HOST/g" -e "s/:${address##*:}/:PORT/g" -e 's/[[:space:]]*$//' report >clean
cat clean
# One finding a line: id, severity, words.
tr -d '\n' <findings.json | sed 's/}/}\n/g' |
  sed -n 's/.*"id" *: *"\([^"]*\)".*"severity" *: *"\([^"]*\)".*"finding" *: *"\([^"]*\)".*/\2 \1: \3/p' >lines
grep -E '^(MEDIUM|HIGH|CRITICAL|FATAL) ' lines >bad || true
checks=$(grep -c . lines)
above=$(grep -c . bad || true)
echo
echo "findings above LOW: $above of $checks"
cat bad
if [[ -n $result ]]; then
  {
    cat clean
    echo
    echo "findings above LOW: $above of $checks"
    cat bad
    echo "findings of LOW and warnings:"
    grep -E '^(LOW|WARN) ' lines || true
  } >"$OLDPWD/$result"
fi
((checks > 50 && above == 0))
