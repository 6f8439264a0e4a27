#!/usr/bin/env bash
# Builds a real Gitea for gitea_mirror.py from the Go module proxy, once, into a cache outside of the checkout (13
# CPU-minutes the first time). Prints the folder, with `gitea` and what it serves. Needs Go 1.26.
#
#   tests/forge/build_gitea.sh            build it where it is not there
#   tests/forge/build_gitea.sh --print    only print the folder
set -euo pipefail
version=1.26.0
cache=${CODELORE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/codelore}
folder=$cache/gitea-$version
if [ "${1:-}" = --print ] || [ -f "$folder/complete" ]; then echo "$folder"; exit 0; fi
command -v go >/dev/null || { echo "build_gitea: Go is not installed (1.26 or later): https://go.dev/dl" >&2; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/gitea.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
source=$(go mod download -json "code.gitea.io/gitea@v$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
[ -d "$source" ] || { echo "build_gitea: the module proxy does not have Gitea $version" >&2; exit 1; }
# A module of our own that requires Gitea, with Gitea's replacements and sums.
{
  printf 'module gitea.build\n'
  sed -n -e '/^go /p' -e '/^godebug /p' "$source/go.mod"
  printf 'require code.gitea.io/gitea v%s\n' "$version"
  grep '^replace' "$source/go.mod"
} >go.mod
cp "$source/go.sum" go.sum && chmod u+w go.sum
printf '//go:build tools\n\npackage tools\n\nimport _ "code.gitea.io/gitea"\n' >tools.go
rm -rf "$folder" && mkdir -p "$folder"
echo "build_gitea: compiling Gitea $version ..." >&2
nice -n 15 go build -buildvcs=false -mod=mod -p "${CODELORE_JOBS:-2}" -tags "sqlite sqlite_unlock_notify" -o "$folder/gitea" code.gitea.io/gitea >&2
for part in templates options public; do cp -r "$source/$part" "$folder/$part"; done
chmod -R u+w,a+rX "$folder"
date -u +%FT%TZ >"$folder/complete"
echo "$folder"
