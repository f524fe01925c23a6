# shellcheck shell=bash
# The Debian root: made once, checked on each call, made again when it is broken.
# Runs in a mount namespace of its own, so that whatever mmdebstrap mounts is gone with it.

# shellcheck source=tools/launcher/progress.sh
source "$launcher/progress.sh"

# ensure_root: sets `root` to a root that is whole, making it when there is none.
ensure_root() {
  root=$(root_folder)
  if root_is_whole "$root"; then return; fi
  exec {lock}>"$state/lock"
  if ! flock --nonblock "$lock"; then
    say "another call is making the Debian root; waiting for it"
    flock "$lock"
  fi
  if ! root_is_whole "$root"; then
    if [[ -d $root ]]; then
      say "the Debian root in $root is broken (it was changed, or files are missing): making it again"
      mv "$root" "$root-broken-$$" # a server may still run in it: a later call removes it
    fi
    make_root
  fi
  # mmdebstrap's children hold the lock too: after a kill, the next call waits for the last of them
  exec {lock}>&-
}

# What shows that a root is whole. Inside, /usr is read-only, so its folders' times stay as they were: a file that
# came, went or was replaced shows in them. What is large and essential shows its size as well.
root_seal() {
  (
    export LC_ALL=C # stat writes a time's fraction, and its complaints, in the user's language
    cd "$1" 2>/dev/null && [[ -s launcher/folders && -s launcher/packages ]] || exit
    {
      cat launcher/packages
      xargs -0 stat -c '%n %.9Y' <launcher/folders || true # what is missing counts by stat's complaint
      stat -c '%n %s' usr/bin/{bash,bazel,crun,patchelf,podman} usr/share/bazel/A-server.jar \
        usr/lib/jvm/*/lib/modules usr/lib/jvm/*/lib/server/libjvm.so || true
    } 2>&1 | sha256sum
  )
}

seal_root() {
  local seal
  (cd "$1" && find usr etc/java* etc/ssl/certs/java -type d -print0 >launcher/folders 2>/dev/null) || true
  seal=$(root_seal "$1")
  printf '%s\n' "$seal" >"$1/launcher/seal"
  : >"$1/launcher/used" # else a clone with another recipe takes it for one that nobody uses
}

root_is_whole() {
  local seal
  [[ -r $1/launcher/seal ]] || return
  seal=$(root_seal "$1")
  [[ -n $seal && $seal == "$(<"$1/launcher/seal")" ]]
}

# make_root: with the lock held. The root grows in a folder that also holds mmdebstrap's temporary files, and is moved
# out of it when it is complete: whatever ends this, one folder is all that is left.
make_root() {
  local suite partial=$root.partial/root log=$state/root.log status reason=
  remove_partial
  (($(free_megabytes) >= root_megabytes)) ||
    die "$cannot_write" "making the Debian root takes $root_megabytes MB, $state has $(free_megabytes) MB free:" \
      "make room there, or set XDG_CACHE_HOME to a folder that has it"
  type -P mmdebstrap >/dev/null || die "$unavailable" "making the Debian root takes mmdebstrap, which is not here"
  trap 'interrupted 130' INT
  trap 'interrupted 129' HUP
  trap 'interrupted 143' TERM
  for suite in "${suites[@]}"; do
    if [[ -n $reason ]]; then say "Debian ${suites[0]} did not work ($reason): trying $suite"; fi
    reason=
    mkdir -p "$root.partial/tmp"
    if bootstrap "$suite" "$partial" "$log" && reason=$(check_bazel "$partial"); then
      follow_apt "$partial"
      seal_root "$partial"
      mv "$partial" "$root"
      remove_partial
      say "the Debian root is ready after $SECONDS s: $(grep '^bazel-bootstrap ' "$root/launcher/packages")"
      trap - INT TERM HUP
      return
    fi
    status=0
    if [[ -z $reason ]]; then reason=$(failure_reason "$log" "$suite") || status=$?; fi
    remove_partial
    ((status == 0)) || die "$status" "$reason"
  done
  die "$unavailable" "could not make a Debian root (${suites[*]}): $reason (all of it: $log)"
}

# interrupted EXIT_CODE
interrupted() {
  trap - INT TERM HUP
  end_stage
  say "interrupted; the next call starts the Debian root anew"
  kill -KILL -- -"$bootstrap_pid" 2>/dev/null || true
  wait "$bootstrap_pid" 2>/dev/null || true
  remove_partial 2>/dev/null || { sleep 1 && remove_partial; } # what was killed may have been writing until now
  exit "$1"
}

# What mmdebstrap mounted is seen in this namespace only, so unmounting it touches nothing of the machine's.
remove_partial() {
  local below
  while read -r below; do
    umount --lazy "$below" 2>/dev/null || true # the topmost takes those below it along
  done < <(awk -v below="$root.partial/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort)
  remove "$root.partial"
}

# bootstrap SUITE FOLDER LOG
bootstrap() {
  # Bazel complains about Debian's bazelrc, which debian.bazelrc stands for
  # shellcheck disable=SC2016 # mmdebstrap's shell expands it
  local hook='mkdir "$1/launcher" && rm "$1/etc/bazel/bazelrc" &&
    chroot "$1" dpkg-query -W -f "\${Package} \${Version}\n" >"$1/launcher/packages"'
  local options=(
    --mode=root --variant=apt --format=directory --verbose
    --include="$(IFS=, && printf %s "${packages[*]}")"
    --dpkgopt=force-unsafe-io # a root that a power cut broke is made again
    --aptopt='Acquire::Languages "none"'
    --aptopt='Acquire::Check-Valid-Until "false"' # a release in the making can be past its date
    --aptopt='Acquire::Retries "2"'
    --aptopt='Acquire::http::Timeout "30"'
    --aptopt='Acquire::https::Timeout "30"'
    --customize-hook="$hook"
  ) path setting source
  for path in "${unwanted[@]}"; do options+=(--dpkgopt="path-exclude=$path"); done
  while IFS= read -r setting; do options+=(--aptopt="${setting%;}"); done < <(apt_settings)
  source=$(apt_source "$1") || exit
  # The mirror's address may hold a password: it goes in by standard input. mmdebstrap dies with this shell, and with
  # it, as the first process of its namespace, all that it started.
  exec {output}< <(
    close_inherited_files
    export TMPDIR=$root.partial/tmp
    exec setpriv --pdeathsig KILL setsid unshare --pid --fork --kill-child -- \
      mmdebstrap "${options[@]}" "$1" "$2" - 2>&1 <<<"$source"
  )
  bootstrap_pid=$!
  show_progress "making a Debian $1 root with Bazel $(wanted_version) in $root, once" "$3" <&"$output"
  exec {output}<&-
  wait "$bootstrap_pid"
}

# mmdebstrap passes its own to a shell that knows one digit only. The lock stays, as long as its children live.
close_inherited_files() {
  local file
  for file in /proc/"$BASHPID"/fd/*; do
    file=${file##*/}
    if ((file > 2 && file != lock && file != 255)); then exec {file}>&-; fi
  done
}

# check_bazel ROOT: fails, and says why, when its Bazel is not of the wanted version.
check_bazel() {
  local version wanted
  wanted=$(wanted_version)
  version=$(cat "$1/usr/share/bazel/build-label.txt" 2>/dev/null) || true
  same_release "$version" "$wanted" && return
  echo "it has Bazel ${version:-of an unknown version}, the workspace asks for $wanted"
  return 1
}

free_megabytes() { printf '%d' "$(df --output=avail --block-size=1M "$state" | tail -n 1)"; }

# failure_reason LOG SUITE: what went wrong, in a line; exits with a code when another suite would not help.
failure_reason() {
  local last
  if (($(free_megabytes) < 20)) || grep -q 'No space left on device' "$1"; then
    echo "no space left in $state while making the Debian root: make room, or set XDG_CACHE_HOME to another folder"
    exit "$cannot_write"
  fi
  if grep -qE 'Temporary failure resolving|Could not (resolve|connect)|Unable to connect|Connection (refused|timed out|failed)|Network is unreachable|No route to host|Something wicked happened resolving' "$1"; then
    echo "no Bazel on this machine, and no network to fetch one: could not get Debian $2's packages" \
      "(${packages[0]} and ${#packages[@]} more) from this machine's Debian mirror." \
      "Connect, or install bazelisk, and run this again"
    exit "$unavailable"
  fi
  last=$(grep -E '^E: ' "$1" | grep -v 'mmdebstrap failed to run' | head -n 1) || true
  printf '%s' "${last:-mmdebstrap failed}"
}
