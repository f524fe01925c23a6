# shellcheck shell=bash
# Showing how far the Debian root is: one line a stage, and on a terminal a counter within it.

# show_progress TITLE LOG: reads mmdebstrap's output, keeps it in LOG. Says the title once packages come, so that
# without a network the reason stands alone.
show_progress() {
  local title=$1 log=$2 line total=0 done=0
  stage=
  : >"$log"
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$log" 2>/dev/null || true # the disk may be full
    case $line in
      'I: running apt-get update'*) if [[ -t 2 ]]; then begin_stage "reading Debian's package lists"; fi ;;
      'I: downloading packages'*)
        end_stage
        say "$title"
        ;;
      *' newly installed, '*)
        if [[ $line =~ ([0-9]+)\ newly ]]; then total=${BASH_REMATCH[1]}; fi
        begin_stage "fetching $total packages"
        ;;
      Get:*) if [[ $stage == fetching* ]]; then show_percent $((++done)) "$total"; fi ;;
      'I: extracting archives'*) begin_stage 'unpacking the base system' ;;
      'Selecting previously unselected'*)
        if [[ $stage == fetching* ]]; then begin_stage "installing $total packages"; fi
        ;;
      'Unpacking '* | 'Setting up '*) show_percent $((++done)) $((2 * total)) ;;
      'I: cleaning package lists'*) begin_stage 'finishing' ;;
    esac
  done
  end_stage
}

begin_stage() {
  end_stage
  stage=$1 done=0
  if [[ -t 2 ]]; then
    printf 'bazelw: %3d s  %s' "$SECONDS" "$stage" >&2
  else
    say "$(printf '%3d s  %s' "$SECONDS" "$stage")"
  fi
}

# show_percent DONE ALL
show_percent() {
  if [[ -t 2 ]] && (($2)); then
    printf '\rbazelw: %3d s  %s: %d %%\e[K' "$SECONDS" "$stage" $((100 * $1 / $2)) >&2
  fi
}

end_stage() {
  if [[ -t 2 && -n ${stage:-} ]]; then printf '\n' >&2; fi
  stage=
}
