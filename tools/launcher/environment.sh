# shellcheck shell=bash
# What reaches Bazel and, through it, repository rules and started programs, beside the mounts.

# Caches are shared by all clones on the machine: what one fetched or built, the next one reuses.
write_caches_bazelrc() {
  write_if_changed "$state/caches.bazelrc" <<END
common "--repository_cache=$state/repository"
common "--disk_cache=$state/disk"
common "--repo_env=DATAKIT_REPOSITORY_CACHE=$state/repository"
common --experimental_disk_cache_gc_max_size=$disk_cache_limit
END
}

# Repository rules call pip, which has to find this machine's index. Its settings come from several files and from
# PIP_* variables, and most of them (user, target, require-virtualenv) would change what a rule gets. So those that say
# where packages are and how to reach them go into one file, which one variable names. The variable never changes, so
# no repository rule runs again because a setting did.
write_pip_conf() {
  local files=() name
  if [[ ${PIP_CONFIG_FILE:-} != /dev/null ]]; then
    for name in /etc/xdg/pip/pip.conf /etc/pip.conf "${HOME:-}/.pip/pip.conf" \
      "${XDG_CONFIG_HOME:-${HOME:-}/.config}/pip/pip.conf" "${PIP_CONFIG_FILE:-}"; do
      if [[ -f $name && -r $name ]]; then files+=("$name"); fi
    done
  fi
  # an address may hold a password
  (umask 077 && awk -f "$launcher/pip_conf.awk" "${files[@]}" /dev/null | write_if_changed "$state/pip.conf")
}

# plan_environment: sets `environment` to all that is passed on. Whatever else the user has set stays outside: it
# leaks into repository rules and makes two machines build differently.
plan_environment() {
  local name
  environment=(
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    LANG=C.UTF-8 # the only locale in the root
    HOME="${HOME:-/root}"
    TZ="$(time_zone)"
    PIP_CONFIG_FILE="$state/pip.conf"
  )
  for name in USER LOGNAME TERM COLORTERM NO_COLOR COLUMNS LINES CI MSSQL_URL "${!XDG_@}" "${!DATAKIT_@}" \
    {http,https,no,all,HTTP,HTTPS,NO,ALL}_{proxy,PROXY}; do
    if [[ -n ${!name:-} ]]; then environment+=("$name=${!name}"); fi
  done
  for name in SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE GIT_SSL_CAINFO; do
    if [[ -f ${!name:-} ]]; then environment+=("$name=$(certificates_inside "${!name}")"); fi
  done
}

# certificates_inside FILE: the same file inside; the system's bundle where FILE is not seen there.
certificates_inside() {
  if is_visible "$1"; then printf '%s' "$1"; else printf '%s' /etc/ssl/certs/ca-certificates.crt; fi
}

time_zone() {
  local zone
  zone=$(readlink /etc/localtime) || true
  zone=${zone##*zoneinfo/}
  printf '%s' "${TZ:-${zone:-UTC}}"
}
