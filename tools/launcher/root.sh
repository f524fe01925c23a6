# shellcheck shell=bash
# The Debian root: made once, checked on each call, made again when its recipe changes or it is broken.

# The recipe's hash names the root's folder.
root_name() {
  local hash
  hash=$(printf '%s\n' "${suites[@]}" "${packages[@]}" | sha256sum)
  printf '%s' "root-${hash:0:12}"
}

debian_mirror() {
  apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' 2>/dev/null |
    sed -n 's/ Debian Debian$//p' | head -1
}

root_is_good() {
  [[ -x $1/usr/bin/bazel && -s $1/packages.txt ]]
}

ensure_root() {
  root=$state/$(root_name)
  if root_is_good "$root"; then return; fi
  exec {lock}>"$state/lock"
  if ! flock -n "$lock"; then
    say "another call is making the Debian root; waiting for it"
    flock "$lock"
  fi
  if ! root_is_good "$root"; then make_root; fi
  exec {lock}>&-
}

make_root() {
  local mirror suite partial=$root.partial
  mirror=$(debian_mirror)
  rm -rf --one-file-system "$partial" "$root"
  for suite in "${suites[@]}"; do
    say "making a Debian $suite root with Bazel in $root (once per machine, about a minute)"
    if mmdebstrap --variant=apt --include="$(IFS=,; printf %s "${packages[*]}")" \
      --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
      --customize-hook='chroot "$1" dpkg-query -W -f "\${Package} \${Version}\n" > "$1/packages.txt"' \
      "$suite" "$partial" ${mirror:+"$mirror"} >&2; then
      mv "$partial" "$root"
      return
    fi
    rm -rf --one-file-system "$partial"
  done
  die 69 "could not make the Debian root"
}
