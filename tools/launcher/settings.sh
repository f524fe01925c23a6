# shellcheck shell=bash
# What the launcher's parts share: names, folders, exit codes, and how they speak.
# The sourcing script sets `workspace` and `launcher`.
# shellcheck disable=SC2034 # used by the parts that are sourced beside this one

# The Debian release whose Bazel is used, and the one to fall back to when it fails.
suites=(forky sid)

# What the root holds: Bazel, what the repository rules call, and what container tests need.
packages=(
  bazel-bootstrap libblake3-0 # a library that the package of Bazel forgets to depend on
  ca-certificates git iproute2 mount passwd patchelf python3 tzdata unzip xz-utils zip
  aardvark-dns crun netavark nftables podman uidmap
)

# Not unpacked: nobody reads them in there. The folders of the man pages stay: the JDK's package needs them.
unwanted=(
  '/usr/share/doc/*' '/usr/share/info/*' '/usr/share/locale/*/*' '/usr/share/man/man*/*' '/usr/share/man/??/*'
  '/usr/lib/jvm/*/jmods/*' # a quarter of it all, for jlink alone
)

# Free space that making the root takes at its height.
root_megabytes=2200

disk_cache_limit=10G

# What the repository rules call, so what a machine needs to run Bazel without the root.
rule_tools=(apt-get dpkg-deb patchelf)

if [[ ${XDG_CACHE_HOME:-} == /* ]]; then
  state=$XDG_CACHE_HOME/datakit-platform
elif [[ ${HOME:-} == /* ]]; then
  state=$HOME/.cache/datakit-platform
else
  echo "bazelw: HOME is not set: name a folder for the launcher's files in XDG_CACHE_HOME" >&2
  exit 64
fi

# This file exists only inside the root; it holds what a nested call needs to know.
inside_marker=/.datakit-platform-launcher

usage=64 unavailable=69 cannot_write=73 busy=75

say() { printf 'bazelw: %s\n' "$*" >&2; }

# die CODE MESSAGE...
die() {
  local code=$1
  shift
  say "$@"
  exit "$code"
}

# wanted_version: the Bazel that the workspace asks for.
wanted_version() {
  local version
  [[ -r $workspace/.bazelversion ]] || die "$usage" "$workspace/.bazelversion is missing: it names the version of Bazel"
  read -r version <"$workspace/.bazelversion" || true
  printf '%s' "$version"
}

# same_release A B: the same major and minor version; Debian decides on the patch.
same_release() { [[ ${1%.*} == "${2%.*}" ]]; }

# The recipe's hash names the root's folder: another recipe, another root.
root_folder() {
  local recipe
  recipe=$(printf '%s\n' "${suites[@]}" "${packages[@]}" "${unwanted[@]}" "$(wanted_version)" | sha256sum)
  printf '%s' "$state/root-${recipe:0:12}"
}

# write_if_changed FILE: standard input becomes the file's content, at once or not at all.
write_if_changed() {
  local content
  content=$(cat; printf x)
  content=${content%x}
  if [[ -f $1 && $(cat "$1"; printf x) == "${content}x" ]]; then return; fi
  printf '%s' "$content" >"$1.$$" && mv -f "$1.$$" "$1"
}
