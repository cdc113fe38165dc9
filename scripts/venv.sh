#!/bin/sh
# Makes .venv with a Python that can run the mesh, or says in one line how to get one.
set -eu

usable() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' 2>/dev/null; then
    exit 0
fi
candidates=$1
if [ "$1" = python3 ]; then
    candidates="python3 python3.13 python3.12 python3.11"
fi
for python in $candidates; do
    if usable "$python"; then
        rm -rf .venv
        exec "$python" -m venv .venv
    fi
done
echo "Python 3.11 or newer with venv is needed (tried: $candidates). Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.12; elsewhere: make PYTHON=/path/to/python3" >&2
exit 1
