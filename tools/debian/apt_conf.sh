#!/usr/bin/env bash
# apt_conf.sh FOLDER: an apt of its own in FOLDER, which sees Debian 12's `main` alone, from the mirror that the
# machine's apt uses. Nothing of the machine's package state is read or changed.
set -euo pipefail

mkdir -p "$1"
folder=$(cd "$1" && pwd)
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"

mirror=$(
  {
    sed -n 's/^URIs:[[:space:]]*//p' /etc/apt/sources.list.d/*.sources 2>/dev/null || true
    sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true
  } | tr ' ' '\n' | grep '/debian/*$' | head -n 1 || true
)
if [ -z "$mirror" ]; then
  echo "no Debian mirror is configured in /etc/apt: add one, then run the build again" >&2
  exit 1
fi

echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main" >"$folder/sources.list"
cat >"$folder/apt.conf" <<EOF
Dir::Etc::SourceList "$folder/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$folder";
Dir::State::status "/dev/null";
Dir::State::Lists "$folder/lists";
Dir::Cache "$folder/cache";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
EOF
