#!/usr/bin/env bash
# enter.sh WORKSPACE ARGS...: in a mount namespace of its own, puts the root together and runs Bazel there.
set -euo pipefail

workspace=$1
shift
launcher=$workspace/tools/launcher
PATH=$PATH:/usr/sbin:/sbin # where Debian keeps pivot_root, of which an ordinary user's PATH knows nothing
# shellcheck source=tools/launcher/settings.sh
source "$launcher/settings.sh"
# shellcheck source=tools/launcher/root.sh
source "$launcher/root.sh"
# shellcheck source=tools/launcher/mounts.sh
source "$launcher/mounts.sh"
# shellcheck source=tools/launcher/environment.sh
source "$launcher/environment.sh"

mkdir -p "$state"/{bazel,disk,repository,mount}
ensure_root
follow_machine
write_bazelrc
write_pip_conf
plan_mounts
plan_environment
mount_and_run "$@"
