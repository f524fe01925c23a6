# shellcheck shell=bash
# What the machine brings along: a Bazel of its own, or the tools that making and entering the root take.

# find_machine_bazel: sets machine_bazel to a bazel or bazelisk that can serve this workspace, or fails.
# DATAKIT_BAZEL names one, or says "root" to use none.
find_machine_bazel() {
  local candidate
  machine_bazel=
  case ${DATAKIT_BAZEL:-} in
    root) return 1 ;;
    ?*)
      candidate=$(type -P "$DATAKIT_BAZEL") || die "$usage" "DATAKIT_BAZEL=$DATAKIT_BAZEL is no program"
      machine_bazel=$candidate
      return
      ;;
  esac
  for candidate in bazelisk bazel; do
    candidate=$(type -P "$candidate") || continue
    if serves_workspace "$candidate"; then
      machine_bazel=$candidate
      return
    fi
  done
  return 1
}

# serves_workspace BAZEL: the answer is remembered until the program or what the workspace asks for changes;
# a refusal for a day only, because a network may come.
serves_workspace() {
  local memory=$state/machine-bazel key known answer reason
  key=$(printf '%s\n' "$1" "$(stat -Lc '%s %Y' "$1")" "$(cat "$workspace"/.bazelversion "$workspace"/MODULE.bazel)" | sha256sum)
  key=${key:0:16}
  known=$(grep -s "^$key " "$memory" | tail -n 1) || true
  if [[ $known == "$key yes "* ]]; then return 0; fi
  if [[ $known == "$key no "* && -n $(find "$memory" -mmin -1440) ]]; then return 1; fi
  if reason=$(why_not "$1"); then
    answer=no
    say "not using $1: $reason"
  else
    answer=yes
  fi
  mkdir -p "$state" && printf '%s %s %s\n' "$key" "$answer" "$1" >>"$memory"
  [[ $answer == yes ]]
}

# why_not BAZEL: says why it cannot serve this workspace; fails when it can.
why_not() {
  local tool version wanted
  for tool in "${rule_tools[@]}"; do
    if ! type -P "$tool" >/dev/null; then
      echo "this machine has no $tool, which the repository rules call"
      return
    fi
  done
  wanted=$(wanted_version)
  version=$(cd "$workspace" && timeout 60 "$1" --version 2>/dev/null) || true
  if ! same_release "${version#bazel }" "$wanted"; then
    echo "it is ${version:-of an unknown version}, the workspace asks for $wanted"
    return
  fi
  say "asking $1 for the workspace's modules, once (at most a minute)"
  if ! (cd "$workspace" && timeout 60 "$1" mod graph --lockfile_mode=off >/dev/null 2>&1); then
    echo "it cannot reach the workspace's modules"
    return
  fi
  return 1
}

# need_machine_tools: what entering the root takes, and on first use what making it takes. Root installs what is
# missing; anyone else is told how to.
need_machine_tools() {
  local root missing=()
  [[ $(uname -s) == Linux ]] ||
    die "$unavailable" "no usable Bazel $(wanted_version) here, and a root of its own needs Linux: install bazelisk"
  root=$(root_folder)
  type -P pivot_root >/dev/null || PATH=$PATH:/usr/sbin:/sbin # an ordinary user's lacks these
  type -P unshare flock setpriv setsid >/dev/null || missing+=(util-linux)
  type -P pivot_root >/dev/null || missing+=(util-linux-extra) # since Debian 14; before, in util-linux
  type -P mount >/dev/null || missing+=(mount)
  if ((EUID != 0)); then
    type -P newuidmap >/dev/null || missing+=(uidmap)
  fi
  if [[ ! -d $root ]]; then
    type -P mmdebstrap >/dev/null || missing+=(mmdebstrap)
    [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
  fi
  if ((${#missing[@]})); then install_packages "${missing[@]}"; fi
  if [[ ! -d $root ]] || ((EUID != 0)); then check_namespaces; fi
}

install_packages() {
  local install=(apt-get install --yes --no-install-recommends "$@") log
  ((EUID == 0)) || die "$unavailable" "this machine lacks $*: ask its administrator for: sudo ${install[*]}"
  type -P apt-get >/dev/null || die "$unavailable" "this machine lacks $*, and has no apt-get to install them with"
  mkdir -p "$state"
  log=$state/install.log
  say "installing $*"
  export DEBIAN_FRONTEND=noninteractive
  # without lists, or with stale ones, the first attempt fails
  "${install[@]}" >"$log" 2>&1 </dev/null || { apt-get -qq update && "${install[@]}"; } >>"$log" 2>&1 </dev/null ||
    die "$unavailable" "could not install $* with apt-get: $(grep '^E:' "$log" | tail -n 1) (all of it: $log)"
}

# check_namespaces: fails with a reason when this user may not have what the root needs.
check_namespaces() {
  local user
  namespaces
  if "${namespaces[@]}" true 2>/dev/null; then return; fi
  if ((EUID == 0)); then
    die "$unavailable" "may not make mount namespaces here (a container without CAP_SYS_ADMIN?)"
  fi
  user=$(id -un)
  if ! grep -qs "^\($user\|$UID\):" /etc/subuid || ! grep -qs "^\($user\|$UID\):" /etc/subgid; then
    die "$unavailable" "$user has no subordinate ids: ask the administrator for:" \
      "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $user"
  fi
  die "$unavailable" "$user may not make user namespaces here (sysctl kernel.unprivileged_userns_clone," \
    "user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)"
}
