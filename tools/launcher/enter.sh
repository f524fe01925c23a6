#!/usr/bin/env bash
# enter.sh WORKSPACE USER_ID GROUP_ID ARGS...: in a mount namespace of its own, as root of it, makes sure that there
# is a root, puts it together with the machine's folders, and goes on as ./bazelw in there. The ids are those of the
# user outside.
set -euo pipefail

workspace=$1 user_id=$2 group_id=$3
shift 3
launcher=$workspace/tools/launcher
PATH=$PATH:/usr/sbin:/sbin # an ordinary user's PATH lacks these

# shellcheck source=tools/launcher/settings.sh
source "$launcher/settings.sh"
# shellcheck source=tools/launcher/processes.sh
source "$launcher/processes.sh"
# shellcheck source=tools/launcher/run.sh
source "$launcher/run.sh"
# shellcheck source=tools/launcher/root.sh
source "$launcher/root.sh"
# shellcheck source=tools/launcher/follow.sh
source "$launcher/follow.sh"
# shellcheck source=tools/launcher/mounts.sh
source "$launcher/mounts.sh"
# shellcheck source=tools/launcher/environment.sh
source "$launcher/environment.sh"

mkdir -p "$state"/{bazel,disk,repository,mount}
ensure_root
plan_mounts
follow_machine
write_caches_bazelrc
write_pip_conf
plan_environment
enter_root "$@"
