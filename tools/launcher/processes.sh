# shellcheck shell=bash
# Who uses a root, and removing what nobody uses.

# in_root [FOLDER]: one "PID COMMAND" for each process that runs in that root, or in any of ours.
# Only to be asked outside of the launcher's namespaces: from a user namespace its siblings cannot be seen.
in_root() {
  local process command marker
  for process in /proc/[0-9]*; do
    marker=$process/root$inside_marker
    [[ -r $marker ]] || continue
    # by the folder itself, not by its name: a broken root was renamed while servers ran in it
    if [[ -n ${1:-} ]]; then
      [[ $process/root/usr -ef $1/usr ]] || continue
    else
      grep -qxsF "state=$(printf %q "$state")" "$marker" || continue
    fi
    command=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline") || continue
    if [[ -n $command ]]; then printf '%s %s\n' "${process#/proc/}" "$command"; fi
  done
}

# remove FOLDER...: within the launcher's namespaces, where a user owns what his containers left behind; never
# through a mount.
remove() {
  local path
  for path in "$@"; do
    [[ -e $path || -L $path ]] || continue
    [[ $path == "$state"/?* ]] || die 70 "refusing to remove $path: it is not below $state"
    if grep -qF " $path/" /proc/self/mountinfo; then
      die "$busy" "not removing $path: something is mounted below it (see: findmnt)"
    fi
    namespaces
    "${namespaces[@]}" rm -rf --one-file-system -- "$path" 2>/dev/null || rm -rf --one-file-system -- "$path"
  done
}

# remove_old_roots: those that a rebuild set aside, and those of other recipes that no clone has used for a week;
# once nothing runs in them.
remove_old_roots() {
  local current folder
  current=$(root_folder)
  for folder in "$state"/root-*; do
    case $folder in
      "$current" | *.partial | *'*') continue ;;
      *-broken-*) ;;
      *) [[ ! -e $folder/launcher/used || -n $(find "$folder/launcher/used" -mtime +7) ]] || continue ;;
    esac
    if [[ -z $(in_root "$folder") ]]; then remove "$folder"; fi
  done
}
