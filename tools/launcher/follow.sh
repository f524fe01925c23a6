# shellcheck shell=bash
# What the root takes from the machine, looked at on each call: its Debian mirror, names, certificates, the user.
# Files are replaced, not mounted: a running server sees the new ones.

# apt_source SUITE: the line of sources.list for the Debian mirror that this machine's apt uses.
apt_source() {
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirror
  mirror=$(debian_mirror)
  if [[ -e $keyring ]]; then keyring=" [signed-by=$keyring]"; else keyring=; fi
  printf 'deb%s %s %s main\n' "$keyring" "$mirror" "$1"
}

# debian_mirror: DATAKIT_DEBIAN_MIRROR, or what apt says, or, while it has no lists yet, what its sources say.
debian_mirror() {
  local mirror=${DATAKIT_DEBIAN_MIRROR:-}
  if [[ -z $mirror ]]; then
    # shellcheck disable=SC2016 # apt-get expands it
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' 2>/dev/null |
      sed -n 's/ Debian Debian$//p' | head -n 1) || true
  fi
  if [[ -z $mirror ]]; then mirror=$(mirror_in_sources /etc/apt) || true; fi
  [[ -n $mirror ]] || die "$unavailable" "this machine's apt knows no Debian mirror: name one in DATAKIT_DEBIAN_MIRROR"
  printf '%s' "${mirror%/}"
}

# mirror_in_sources FOLDER: the first address of a Debian archive that is not the security one.
mirror_in_sources() {
  { cat "$1"/sources.list.d/*.sources | sed -n 's/^URIs:[[:space:]]*//p'
    cat "$1"/sources.list "$1"/sources.list.d/*.list | sed -n 's/^deb[[:space:]]\+\(\[[^]]*\][[:space:]]*\)\?\([^[:space:]]*\).*/\2/p'
  } 2>/dev/null | tr ' ' '\n' | grep '/debian/*$' | grep -v -- -security | head -n 1
}

# apt_settings: how this machine's apt reaches its mirrors (proxies, certificates, dates).
apt_settings() {
  apt-config dump 2>/dev/null |
    grep -E '^Acquire::(https?::(Proxy|Verify|CaInfo|CaPath|SslCert|SslKey)|Check-(Date|Valid-Until)|ForceIPv)' |
    grep -v ' "";$' || true
}

follow_machine() {
  local bundle
  take /etc/resolv.conf /etc/resolv.conf
  take /etc/hosts /etc/hosts
  for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
    if [[ -s $bundle ]]; then
      take "$bundle" /etc/ssl/certs/ca-certificates.crt
      break
    fi
  done
  if [[ -n $(find /etc/apt -newer "$root/etc/apt/apt.conf.d/90machine" -print -quit 2>/dev/null) ]]; then
    follow_apt "$root"
  fi
  follow_user
}

# take FILE FILE_INSIDE
take() {
  if [[ -e $1 ]] && ! cmp -s "$1" "$root$2"; then
    cp --dereference "$1" "$root$2.$$" && chmod 644 "$root$2.$$" && mv -f "$root$2.$$" "$root$2"
  fi
}

# follow_apt ROOT: the repository rules call apt-get in there.
follow_apt() {
  local list=$1/etc/apt/sources.list suite line
  suite=$(sed -n 's/^deb .* \([a-z]*\) main$/\1/p' "$list")
  if line=$(apt_source "$suite" 2>/dev/null); then write_if_changed "$list" <<<"$line"; fi
  apt_settings >"$1/etc/apt/apt.conf.d/90machine"
}

# follow_user: inside, an ordinary user has the ids 0 and, for programs that he runs, his own.
follow_user() {
  local name home=${HOME:-/root} line
  if ((user_id == 0)); then return; fi
  name=$(id -un "$user_id" 2>/dev/null) || name=${USER:-user}
  line="$name:x:0:0::$home:/bin/bash"
  if grep -qxF "$line" "$root/etc/passwd"; then return; fi
  {
    printf '%s\n' "$line" "$name:x:$user_id:$group_id::$home:/bin/bash"
    grep -v "^$name:" "$root/etc/passwd"
  } | write_if_changed "$root/etc/passwd"
  if ! grep -q "^[^:]*:[^:]*:$group_id:" "$root/etc/group"; then
    printf '%s:x:%s:\n' "$(id -gn "$group_id" 2>/dev/null || printf '%s' "$name")" "$group_id" >>"$root/etc/group"
  fi
}
