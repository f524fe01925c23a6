# shellcheck shell=bash
# What the launcher's parts share: names, folders, and how they speak.

# The Debian release whose Bazel is used, and the one to fall back to when that fails.
suites=(forky sid)

# What the root holds: Bazel, what the repository rules call, and what container tests need.
packages=(
  bazel-bootstrap libblake3-0 # the package of Bazel forgets to name the library
  ca-certificates git iproute2 mount passwd patchelf python3 unzip xz-utils zip
  aardvark-dns crun netavark nftables podman uidmap
)

if [[ ${XDG_CACHE_HOME:-} == /* ]]; then
  state=$XDG_CACHE_HOME/datakit-platform
else
  state=${HOME:?HOME is not set: the launcher keeps its files in a cache folder below it}/.cache/datakit-platform
fi

# This file exists only inside the root; it holds what a nested call needs to know.
inside_marker=/.datakit-platform-launcher

say() { printf 'bazelw: %s\n' "$*" >&2; }

# die CODE MESSAGE...: one line, then the end. 64 usage, 69 something could not be had, 73 cannot write.
die() {
  local code=$1
  shift
  say "$@"
  exit "$code"
}
