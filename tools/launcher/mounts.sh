# shellcheck shell=bash
# What is seen inside: the root's system folders, and the machine's folders in which a user keeps his data.

# plan_mounts: sets mount_how, mount_from, mount_to (one mount each) and links (target, path, target, path, …).
plan_mounts() {
  local path name
  mount_how=() mount_from=() mount_to=() links=()
  for path in "$root"/*; do
    if [[ -L $path ]]; then links+=("$(readlink "$path")" "/${path##*/}"); fi # bin, lib, sbin: into usr
  done
  plan read-only "$root/usr" /usr
  plan writable "$root/etc" /etc
  plan writable "$root/var" /var
  # The machine's /proc, not a new one: with a new one linux-sandbox fails, and Bazel takes a weaker sandbox without
  # a word. /sys is writable for the cgroups of containers.
  for path in /dev /proc /sys /var/tmp; do plan writable "$path" "$path"; done
  for path in /*; do
    name=${path##*/}
    case $name in
      bin | boot | dev | etc | lib* | lost+found | proc | run | sbin | sys | usr | var) continue ;;
    esac
    if [[ -L $path ]]; then
      links+=("$(readlink "$path")" "$path")
    elif [[ -d $path ]]; then
      plan writable "$path" "$path"
    fi
  done
  # databases of the machine that listen on a socket; .bazelrc keeps /run from actions
  for path in /run/mysqld /run/postgresql; do
    if [[ -d $path ]]; then plan writable "$path" "$path"; fi
  done
  for path in "$workspace" "$state" "$(cd "${HOME:-/}" 2>/dev/null && pwd -P)"; do plan_if_hidden "$path"; done
}

plan() { mount_how+=("$1") mount_from+=("$2") mount_to+=("$3"); }

# is_visible PATH: whether the machine's PATH is seen inside, at the same place.
is_visible() {
  local i
  for ((i = ${#mount_to[@]} - 1; i >= 0; i--)); do
    if [[ $1/ == "${mount_to[i]}"/* ]]; then
      [[ ${mount_from[i]} == "${mount_to[i]}" ]]
      return
    fi
  done
  return 1
}

plan_if_hidden() {
  if [[ -z $1 ]] || is_visible "$1"; then return; fi
  case $1 in
    /usr/src/* | /usr/local/src/*) plan writable "${1%%/src/*}/src" "${1%%/src/*}/src" ;;
    /usr/*) die "$usage" "$1 lies where the system's own files are: move it, under /home or /srv for example" ;;
    *) plan writable "$1" "$1" ;;
  esac
}

# mounts_key: a running server keeps its mounts; another key makes it restart.
mounts_key() {
  local key
  key=$(printf '%s\n' "${mount_how[@]}" "${mount_from[@]}" "${mount_to[@]}" "${links[@]}" "$(stat -c %i "$root")" |
    sha256sum)
  printf '%s' "${key:0:16}"
}

# enter_root ARGS...: mounts all of it, makes it /, and goes on as ./bazelw in there. Nothing stays in between: the
# process is Bazel in the end, so signals and exit codes are Bazel's own.
enter_root() {
  local top=$state/mount i folder=$workspace
  if [[ $PWD/ == "$workspace"/* ]]; then folder=$PWD; fi
  mount -t tmpfs -o mode=755 datakit-platform "$top"
  mount --make-unbindable "$top" # else it would be seen again in the folder above it
  mkdir -p "$top"/{boot,run,tmp}
  for i in "${!mount_to[@]}"; do
    [[ -d $top${mount_to[i]} ]] || mkdir -p "$top${mount_to[i]}"
    mount --rbind "${mount_from[i]}" "$top${mount_to[i]}"
    if [[ ${mount_how[i]} == read-only ]]; then mount -o remount,bind,ro "$top${mount_to[i]}"; fi
  done
  for ((i = 0; i < ${#links[@]}; i += 2)); do
    [[ -e $top${links[i + 1]} ]] || ln -s "${links[i]}" "$top${links[i + 1]}"
  done
  printf '%s=%q\n' state "$state" root "$root" mounts_key "$(mounts_key)" user_id "$user_id" group_id "$group_id" \
    >"$top$inside_marker"
  : >"$root/launcher/used"
  cd "$top"
  pivot_root . .
  umount --lazy . # the machine's own tree, which now lies over the new one
  cd "$folder"
  exec /usr/bin/env --ignore-environment "${environment[@]}" /bin/bash "$workspace/bazelw" "$@"
}
