#!/usr/bin/env bash
# testssl.sh against the TLS listener of the real server, on a free port of the loopback address.
#
#   testssl.sh BINARY [RESULT]
#
# Prints what testssl says, and writes it to RESULT without the paths and names of this machine. Status 1 when it finds
# anything above LOW, or when what it found makes a grade below A; 77, with the reason in the last line, when testssl or openssl
# is not there. Trust in the authority that
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

# Not every version of testssl makes a grade, so it is made here of the findings, by the SSL Labs Server Rating Guide: the better and
# the worse half each of protocols and ciphers, and the weakest key, as long as an RSA key of its strength.
awk -v above="$above" '
  function points(bits) { return bits >= 4096 ? 100 : bits >= 2048 ? 90 : bits >= 1024 ? 80 : bits >= 512 ? 40 : 20 }
  function as_rsa(bits) { return bits >= 500 ? 15360 : bits >= 384 ? 7680 : bits >= 253 ? 3072 : bits >= 224 ? 2048 : 1024 }
  function weakest(bits) { if (key == "" || bits < key) key = bits }
  function span(low, high) { return (low + high) / 2 }
  BEGIN {
    of["SSLv2"] = 0; of["SSLv3"] = 80; of["TLS1"] = 90; of["TLS1_1"] = 95; of["TLS1_2"] = 100; of["TLS1_3"] = 100
    worst = 101; best = -1; thin = 1000; thick = -1
  }
  { id = $2; sub(/:$/, "", id) }
  id in of && $3 == "offered" {
    if (of[id] < worst) worst = of[id]
    if (of[id] > best) best = of[id]
    has[id] = 1
  }
  id == "cert_keySize" { weakest($3 == "EC" ? as_rsa($4) : $4) }
  id ~ /^cipher_x/ {
    # Of TLS 1.3 and 1.2 alike: code, name, key exchange, its bits, cipher, its bits.
    weakest($5 ~ /^ECDH/ ? as_rsa($6) : $6)
    if ($8 < thin) thin = $8
    if ($8 > thick) thick = $8
    if ($5 !~ /DH/) is_forward = "no"
    if ($7 !~ /GCM|ChaCha/) is_aead = "no"
  }
  id == "cert_chain_of_trust" { is_trusted = $3 ~ /^passed/ }
  id == "HSTS_time" { hsts = $3 }
  END {
    protocol = span(worst, best)
    exchange = points(key)
    cipher = span(thin >= 256 ? 100 : thin >= 128 ? 80 : 20, thick >= 256 ? 100 : thick >= 128 ? 80 : 20)
    score = 0.3 * protocol + 0.3 * exchange + 0.4 * cipher
    grade = score >= 80 ? "A" : score >= 65 ? "B" : "C or worse"
    if (grade == "A" && (has["TLS1_1"] || has["TLS1"] || is_forward == "no" || is_aead == "no")) grade = "B"
    if (best < 0 || thick < 0 || key == "" || has["SSLv2"] || has["SSLv3"]) grade = "F"
    if (!is_trusted) grade = "T"
    if (grade == "A" && !has["TLS1_3"]) grade = "A-"
    if (grade == "A" && hsts >= 180 && above == 0) grade = "A+"
    print "grade by the SSL Labs rating guide: " grade
    print "  protocols " protocol " (30 %), key exchange " exchange " (30 %), ciphers " cipher " (40 %): " score " of 100, A from 80 on"
    print "  A+ is for HSTS of 180 days or more (here " hsts + 0 ", tls.hsts; A without) and no finding above LOW"
  }' lines >grade

summary() {
  echo
  echo "findings above LOW: $above of $checks"
  cat bad grade
}
summary
if [[ -n $result ]]; then
  {
    cat clean
    summary
    echo "findings of LOW and warnings:"
    grep -E '^(LOW|WARN) ' lines || true
  } >"$OLDPWD/$result"
fi
((checks > 50 && above == 0))
grep -q 'guide: A+\?$' grade
