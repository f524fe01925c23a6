#!/usr/bin/env bash
# relocate.sh UNPACKED HOME: from Debian packages unpacked into UNPACKED, a Python in HOME that runs wherever it lies:
# bin/ and lib/ only, and library paths relative to each file.
set -euo pipefail

unpacked=$1 home=$2
arch=x86_64-linux-gnu

cd "$unpacked"
if [ -d "lib/$arch" ]; then cp -a "lib/$arch/." "usr/lib/$arch/"; fi
mv usr/share/python-wheels/pip-*.whl usr/lib/pip.whl
# Debian's own: marks that keep pip out, and hooks of its packaging.
rm -rf usr/lib/python3.11/EXTERNALLY-MANAGED usr/lib/python3.11/sitecustomize.py usr/lib/python3 usr/lib/valgrind usr/lib/mime
cd - >/dev/null

mkdir -p "$home"
mv "$unpacked/usr/bin" "$home/bin"
mv "$unpacked/usr/lib" "$home/lib"
find "$home" -xtype l -delete

# shellcheck disable=SC2016 # $ORIGIN is for the dynamic loader
{
  patchelf --set-rpath '$ORIGIN/../lib/'$arch "$home/bin/python3.11"
  for file in "$home/lib/$arch"/*.so*; do [ -L "$file" ] || patchelf --set-rpath '$ORIGIN' "$file"; done
  for file in "$home"/lib/python3.11/lib-dynload/*.so; do patchelf --set-rpath '$ORIGIN/../../'$arch "$file"; done
}

# Compiled ahead, so that no test compiles the standard library again; valid by content, not by time.
"$home/bin/python3.11" -I -m compileall -q -j 0 --invalidation-mode unchecked-hash "$home/lib/python3.11"
