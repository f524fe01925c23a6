# shellcheck shell=bash
# ./bazelw --launcher-…: what the launcher says and does about itself.

launcher_command() {
  case $1${2:+ $2}${3:+ $3} in
    --launcher-help) launcher_help ;;
    --launcher-status) launcher_status ;;
    --launcher-clean) launcher_clean ;;
    '--launcher-clean --all') launcher_clean --all ;;
    *) die "$usage" "no such option: $*; ./bazelw --launcher-help names them" ;;
  esac
}

launcher_help() {
  cat <<END
./bazelw [STARTUP OPTIONS] COMMAND [ARGS...]   what \`bazel\` would do, Bazel $(wanted_version) included
./bazelw --launcher-status                     what is used, where, how big
./bazelw --launcher-clean                      stops the servers, removes the Debian root
./bazelw --launcher-clean --all                and all that Bazel built and fetched
./bazelw --launcher-help                       this

Uses a bazel or bazelisk of this machine when it is of that release, reaches the workspace's modules, and
${rule_tools[*]} are there. (That way is not tested where there is none.) Otherwise makes a Debian root
with Bazel under $state, once, and runs it there: as root or as an
ordinary user, who needs subordinate ids (/etc/subuid, /etc/subgid) for it.

Inside, /tmp, /var/tmp, /home, the workspace and the machine's other data folders are the machine's own. /usr, /etc,
the rest of /var, and /run are the root's. What an ordinary user starts with \`run\` runs under his own id.

XDG_CACHE_HOME          where the launcher keeps its files, instead of ~/.cache
DATAKIT_BAZEL           a Bazel to use unasked, or "root" for the Debian root whatever the machine has
DATAKIT_DEBIAN_MIRROR   a Debian mirror, where this machine's apt knows none
DATAKIT_RUN_AS_ROOT     set: what an ordinary user starts with \`run\` is root of his namespace (for containers)

Exit codes are Bazel's, and the launcher's own: 64 a wrong call, 69 something could not be had, 73 no room or
no permission to write, 75 in use.
END
}

launcher_status() {
  local folder name package suite running
  folder=$(root_folder)
  if inside_root; then
    line 'Bazel' "$(wanted_version), this is already inside the Debian root"
  elif find_machine_bazel; then
    line 'Bazel' "$machine_bazel, this machine's own"
  else
    line 'Bazel' "$(wanted_version), Debian's, in a root of its own"
  fi
  if [[ ! -d $folder ]]; then
    line 'Debian root' "$folder (not there; the next call makes it)"
  else
    # shellcheck source=tools/launcher/root.sh
    source "$launcher/root.sh"
    suite=$(sed -n 's/^deb .* \([a-z]*\) main$/\1/p' "$folder/etc/apt/sources.list") || suite=unknown
    line 'Debian root' "$folder ($suite, made $(date -r "$folder/launcher/seal" +%F 2>/dev/null || echo '?')," \
      "$(root_is_whole "$folder" && echo whole || echo 'broken: the next call makes it again'))" "$(size "$folder")"
    for name in bazel-bootstrap openjdk-25-jre-headless podman crun git patchelf; do
      package=$(grep "^$name " "$folder/launcher/packages" 2>/dev/null) && line '  package' "$package"
    done
  fi
  for name in "$state"/root-*; do
    if [[ -d $name && $name != "$folder" ]]; then line 'older root' "$name" "$(size "$name")"; fi
  done
  line 'Bazel output' "$state/bazel" "$(size "$state/bazel")"
  line 'repository cache' "$state/repository" "$(size "$state/repository")"
  line 'disk cache' "$state/disk (at most $disk_cache_limit)" "$(size "$state/disk")"
  if ! inside_root; then
    running=$(in_root)
    line 'running' "$(grep -c ' bazel(' <<<"$running" || true) Bazel servers," \
      "$(grep -vc ' bazel(\|^$' <<<"$running" || true) other processes"
  fi
}

# line WHAT TEXT... : two columns
line() {
  local what=$1
  shift
  printf '%-17s %s\n' "$what" "$*"
}

size() {
  local size=0
  namespaces
  if [[ -d $1 ]]; then
    size=$({ "${namespaces[@]}" du -sh -- "$1" 2>/dev/null || du -sh -- "$1" 2>/dev/null; } | cut -f 1) || true
  fi
  printf '%s' "${size:-0}"
}

# launcher_clean [--all]: the least that can be lost first.
launcher_clean() {
  local what others
  if inside_root; then die "$usage" "this is inside the Debian root: call --launcher-clean from outside of it"; fi
  others=$(in_root | grep -v '^[0-9]* bazel(') || true
  if [[ -n $others ]]; then
    die "$busy" "still in use by process $(head -n 1 <<<"$others" | cut -c1-120): end it first"
  fi
  if [[ -e $state/lock ]] && ! flock --nonblock "$state/lock" true; then
    die "$busy" "another call is making the Debian root: let it end first"
  fi
  stop_servers
  for what in "$state"/root-* "$state"/run-* "$state"/mount "$state"/{root,install}.log "$state"/machine-bazel; do
    clean_away "$what"
  done
  for what in disk bazel repository caches.bazelrc pip.conf lock; do
    if [[ ! -e $state/$what ]]; then continue; fi
    if [[ ${1:-} == --all ]]; then
      clean_away "$state/$what"
    elif [[ -d $state/$what ]]; then
      say "kept $state/$what ($(size "$state/$what")); --launcher-clean --all removes it"
    fi
  done
  rmdir "$state" 2>/dev/null || true
}

clean_away() {
  local freed
  if [[ ! -e $1 ]]; then return; fi
  freed=$(size "$1")
  remove "$1"
  say "removed $1 ($freed)"
}

# stop_servers: asks Bazel's servers to end, and waits until they have.
stop_servers() {
  local servers pid deadline=$((SECONDS + 20))
  servers=$(in_root | cut -d ' ' -f 1)
  if [[ -z $servers ]]; then return; fi
  for pid in $servers; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in $servers; do
    while [[ -d /proc/$pid ]]; do
      ((SECONDS < deadline)) || die "$busy" "Bazel's server $pid does not end: nothing removed"
      sleep 0.1
    done
    say "stopped Bazel's server $pid"
  done
}
