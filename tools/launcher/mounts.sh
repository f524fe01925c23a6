# shellcheck shell=bash
# What is seen inside: the root's own system folders, and the machine's folders in which a user keeps data.

plan_mounts() {
  mount_how=() mount_from=() mount_to=() links=()
  local path name target
  for path in "$root"/*; do
    name=${path##*/}
    case $name in
      usr) plan ro "$path" "/$name" ;;
      etc | var) plan rw "$path" "/$name" ;;
      *) if [[ -L $path ]]; then links+=("$(readlink "$path")" "/$name"); fi ;;
    esac
  done
  # Not a new /proc: with one, linux-sandbox fails and Bazel falls back to a weaker sandbox without a word.
  # /sys is writable for the cgroups of containers.
  plan rw /dev /dev
  plan rw /proc /proc
  plan rw /sys /sys
  for path in /*; do
    name=${path##*/}
    case $name in
      bin | boot | dev | etc | lib* | lost+found | proc | run | sbin | sys | usr | var) continue ;;
    esac
    if [[ -L $path ]]; then
      target=$(readlink "$path")
      links+=("$target" "$path")
    elif [[ -d $path ]]; then
      plan rw "$path" "$path"
    fi
  done
  plan rw /var/tmp /var/tmp
  for path in "$workspace" "$state" "${HOME:-/root}"; do
    plan_unless_seen "$path"
  done
}

plan() {
  mount_how+=("$1") mount_from+=("$2") mount_to+=("$3")
}

plan_unless_seen() {
  local i
  for i in "${!mount_to[@]}"; do
    if [[ ${mount_from[i]} == "${mount_to[i]}" && $1/ == "${mount_to[i]}"/* ]]; then return; fi
  done
  plan rw "$1" "$1"
}

mount_and_run() {
  local top=$state/mount i key
  key=$(printf '%s\0' "${mount_how[@]}" "${mount_from[@]}" "${mount_to[@]}" "${links[@]}" "$(stat -c %i "$root")" | sha256sum)
  mount -t tmpfs -o mode=755,size=16m datakit-platform "$top"
  mount --make-unbindable "$top"
  mkdir -p "$top/tmp" "$top/run" "$top/boot" "${mount_to[@]/#/$top}" 2>/dev/null || true
  for i in "${!mount_to[@]}"; do
    mkdir -p "$top${mount_to[i]}"
    mount --rbind "${mount_from[i]}" "$top${mount_to[i]}"
    if [[ ${mount_how[i]} == ro ]]; then mount -o remount,bind,ro "$top${mount_to[i]}"; fi
  done
  for ((i = 0; i < ${#links[@]}; i += 2)); do
    ln -s "${links[i]}" "$top${links[i + 1]}"
  done
  mount -t tmpfs -o mode=755 run "$top/run"
  printf 'mounts_key=%q\nstate=%q\n' "${key:0:16}" "$state" >"$top$inside_marker"
  case $PWD/ in
    "$workspace"/*) here=$PWD ;;
    *) here=$workspace ;;
  esac
  cd "$top"
  pivot_root . .
  # the old root now lies over the new one
  umount -l .
  cd "$here"
  exec env -i "${environment[@]}" /bin/bash "$workspace/bazelw" "$@"
}
