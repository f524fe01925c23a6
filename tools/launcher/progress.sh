# shellcheck shell=bash
# Showing how far the Debian root is: one line a stage, and on a terminal a counter within it.

# show_progress LOG: reads mmdebstrap's output, keeps it in LOG.
show_progress() {
  local line total=0 fetched=0 installed=0
  stage_started=
  : >"$1"
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$1"
    case $line in
      'I: running apt-get update'*) progress_stage "reading Debian's package lists" ;;
      *' newly installed, '*)
        [[ $line =~ ([0-9]+)\ newly ]] && total=${BASH_REMATCH[1]} fetched=0 installed=0
        progress_stage "fetching $total packages"
        ;;
      'Get:'*) ((total)) && progress_count $((++fetched)) "$total" ;;
      'I: extracting archives'*) progress_stage "unpacking the base system" ;;
      'Preconfiguring packages'* | 'Selecting previously unselected'*)
        if [[ $stage_started == fetching* ]]; then progress_stage "installing $total packages"; fi
        ;;
      'Setting up '*) ((total)) && progress_count $((++installed)) "$total" ;;
      'I: cleaning package lists'*) progress_stage "finishing" ;;
    esac || true
  done
  progress_end
}

progress_stage() {
  if [[ $stage_started == "$1" ]]; then return; fi
  progress_end
  stage_started=$1
  if [[ -t 2 ]]; then
    printf '\rbazelw: %3d s  %s' "$SECONDS" "$1" >&2
  else
    say "$SECONDS s  $1"
  fi
}

progress_count() {
  if [[ -t 2 && -n $stage_started ]]; then
    printf '\rbazelw: %3d s  %s: %d of %d (%d %%)' "$SECONDS" "$stage_started" "$1" "$2" $((100 * $1 / $2)) >&2
  fi
}

progress_end() {
  if [[ -t 2 && -n ${stage_started:-} ]]; then printf '\n' >&2; fi
  stage_started=
}
