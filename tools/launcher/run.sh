# shellcheck shell=bash
# From the machine into the root, and from there to Bazel.

inside_root() { [[ -e $inside_marker ]]; }

# namespaces: sets the command that goes on in a mount namespace of its own. An ordinary user becomes root of a user
# namespace with all his subordinate ids: containers in tests need more than one.
namespaces() {
  namespaces=(unshare --mount --propagation slave)
  if ((EUID != 0)); then namespaces+=(--user --map-root-user --map-auto); fi
  namespaces+=(--)
}

run_in_root() {
  mkdir -p "$state" 2>/dev/null || true
  [[ -w $state ]] || die "$cannot_write" "cannot write $state: set XDG_CACHE_HOME to a folder that can be written"
  namespaces
  exec "${namespaces[@]}" "$BASH" "$launcher/enter.sh" "$workspace" "$EUID" "$(id -g)" "$@"
}

# exec_bazel ARGS...: Debian's Bazel, once inside the root.
exec_bazel() {
  local bazel user_id group_id mounts_key
  # shellcheck source=/dev/null
  source "$inside_marker"
  # Bazel talks to its server by 127.0.0.1; a network namespace starts without it
  if [[ $(</proc/net/fib_trie) != *127.0.0.1* ]] && ! ip link set lo up 2>/dev/null; then
    die "$unavailable" "the loopback interface is down, Bazel cannot reach its server: ip link set lo up"
  fi
  bazel=(
    /usr/bin/bazel
    --nosystem_rc
    --bazelrc="$launcher/debian.bazelrc"
    --bazelrc="$state/caches.bazelrc"
    --install_base=/usr/share/bazel
    --trust_install_base
    --output_user_root="$state/bazel"
    # a server keeps the mounts that it was started with: with other mounts it restarts
    --host_jvm_args="-Ddatakit.mounts=$mounts_key"
  )
  if ((EUID == 0 && user_id != 0)) && [[ -z ${DATAKIT_RUN_AS_ROOT:-} && " $* " == *" run "* ]]; then
    run_as_user "$@"
  fi
  exec "${bazel[@]}" "$@"
}

# run_as_user ARGS...: an ordinary user's `bazel run`. In here he is root of his namespace; the program that he
# starts should be himself: it may refuse to be root, and what it hands to other users outside is not his any more.
# So Bazel writes the command down, and it is executed under his own id.
run_as_user() {
  local folder status=0 command
  for folder in "$state"/run-*; do # of calls that were killed
    [[ -d /proc/${folder##*-} ]] || rm -rf "$folder"
  done
  folder=$state/run-$$
  mkdir -p "$folder"
  printf 'run --script_path="%s/command"\n' "$folder" >"$folder/bazelrc"
  # when this shell is killed, Bazel stops as well
  setpriv --pdeathsig TERM "${bazel[@]}" --bazelrc="$folder/bazelrc" "$@" || status=$?
  command=
  if [[ $status == 0 && -s $folder/command ]]; then command=$(<"$folder/command"); fi
  rm -rf "$folder"
  [[ -n $command ]] || exit "$status"
  exec unshare --user --map-user="$user_id" --map-group="$group_id" -- /bin/bash -c "$command" bash
}
