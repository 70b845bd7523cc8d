#!/bin/sh
# Builds the packages as wheels and installs them, at the versions that the tests ran with, into an environment of their own.
# The container file runs it; so does a test, without a container.
#
# usage: install.sh SOURCE TARGET
#   SOURCE: the repository
#   TARGET: where the environment goes; the paths in it hold only there
set -eu

source=$1
target=$2
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT

# Builds run in environments of their own; the variable reaches those too.
export PIP_CONSTRAINT="$source/constraints.txt" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

python3 -m venv "$target"
"$target/bin/pip" wheel --quiet --no-deps --wheel-dir "$wheels" \
    "$source/packages/usercore" "$source/packages/user-http" "$source/packages/user-stream" "$source/packages/user-cli"
"$target/bin/pip" install --quiet --no-cache-dir "$wheels"/*.whl
"$target/bin/pip" check
# Nothing is installed later on.
"$target/bin/pip" uninstall --quiet --yes pip setuptools
"$target/bin/userctl" --version
