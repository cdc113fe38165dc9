#!/usr/bin/env bash
# Generates the stubs of every contract beside it; with --check only says whether they are up to date.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${VENV:-.venv}/bin
out=proto
if [ "${1:-}" = --check ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi
mapfile -t contracts < <(cd proto && find facet -name '*.proto' | sort)
PATH="$PWD/$bin:$PATH" "$bin/python" -m grpc_tools.protoc -Iproto \
  --python_out="$out" --grpc_python_out="$out" \
  --mypy_out=quiet:"$out" --mypy_grpc_out=quiet,only_async:"$out" "${contracts[@]}"
if [ "$out" != proto ]; then
  for file in $(cd "$out" && find facet -type f); do
    cmp "$out/$file" "proto/$file" || { echo "stubs are stale: run make proto" >&2; exit 1; }
  done
  echo "stubs are up to date"
fi
