#!/bin/sh
# Makes what compose.yaml mounts as secrets: random, readable by nobody else, and never overwritten.
#
# usage: make-secrets.sh [FOLDER]     (deploy/secrets unless given; git ignores it)
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
cd "$folder"

word() { openssl rand -hex 24; }
put() { [ -e "$1" ] || printf '%s\n' "$2" > "$1"; }

put postgres_password "$(word)"
put valkey_password "$(word)"
put database_url "postgresql://users:$(cat postgres_password)@postgres:5432/users"
put redis_url "redis://:$(cat valkey_password)@valkey:6379/0"
put valkey.conf "requirepass $(cat valkey_password)"
put cache_key "$(openssl rand -base64 32)"
put master_keys "1:$(openssl rand -base64 32)"
# In earnest the AuthenticationService has the private key, and these are its public ones.
[ -e token-private.pem ] || openssl genpkey -algorithm ed25519 -out token-private.pem
[ -e token-keys.pem ] || openssl pkey -in token-private.pem -pubout -out token-keys.pem
# The containers' user has another number than whoever made the files; the folder stays closed to others.
chmod 0444 ./*
