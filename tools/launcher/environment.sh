# shellcheck shell=bash
follow_machine() {
  local file
  for file in etc/resolv.conf etc/ssl/certs/ca-certificates.crt; do
    if [[ -e /$file ]] && ! cmp -s "/$file" "$root/$file"; then
      cp --dereference "/$file" "$root/$file.new" && mv -f "$root/$file.new" "$root/$file"
    fi
  done
}
write_bazelrc() {
  printf 'common "--repository_cache=%s"\ncommon "--disk_cache=%s"\ncommon --experimental_disk_cache_gc_max_size=10G\n' "$state/repository" "$state/disk" >"$state/caches.bazelrc"
}
write_pip_conf() {
  :
}
plan_environment() {
  environment=(
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    HOME="$HOME" USER="${USER:-root}" LANG="${LANG:-C.UTF-8}" TERM="${TERM:-dumb}"
  )
  local name
  for name in SSL_CERT_FILE REQUESTS_CA_BUNDLE PIP_CERT CI MSSQL_URL; do
    if [[ -n ${!name:-} ]]; then environment+=("$name=${!name}"); fi
  done
}
