# shellcheck shell=bash
# Running Bazel in the root: namespaces, mounts, environment, flags.

inside_root() { [[ -e $inside_marker ]]; }

# use_root ARGS...: goes on in a mount namespace of its own, an ordinary user as root of a user namespace as well.
# Containers in tests need all his subordinate ids there, not one.
use_root() {
  local unshare=(unshare --mount --propagation slave)
  export DATAKIT_LAUNCHER_UID=$UID DATAKIT_LAUNCHER_GID
  DATAKIT_LAUNCHER_GID=$(id -g)
  if ((UID != 0)); then
    unshare+=(--user --map-root-user --map-auto)
  fi
  exec "${unshare[@]}" -- "$BASH" "$launcher/enter.sh" "$workspace" "$@"
}

# run_bazel ARGS...: Debian's Bazel, once inside the root.
run_bazel() {
  # shellcheck source=/dev/null
  source "$inside_marker" # sets: mounts_key state
  local flags=(
    --nosystem_rc
    --bazelrc="$launcher/debian.bazelrc"
    --bazelrc="$state/caches.bazelrc"
    --install_base=/usr/share/bazel
    --trust_install_base
    --output_user_root="$state/bazel"
    # a server keeps the mounts that it was started with: it restarts when they change
    --host_jvm_args="-Ddatakit.mounts=$mounts_key"
  )
  exec /usr/bin/bazel "${flags[@]}" "$@"
}
