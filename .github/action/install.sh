#!/usr/bin/env bash
# Puts llmops on the PATH of the job: the release VERSION of REPOSITORY, checked
# against its checksums, or else a build of the source in ACTION_PATH.
set -euo pipefail

bin="$RUNNER_TEMP/llmops-bin"
mkdir -p "$bin"
if [[ -z "$VERSION" ]]; then
  (cd "$ACTION_PATH" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$bin/llmops" ./cmd/llmops)
else
  if [[ -z "$REPOSITORY" ]]; then
    echo "::error::version needs the action by its repository (uses: OWNER/NAME@REF), not by a path"
    exit 2
  fi
  case "$RUNNER_OS-$RUNNER_ARCH" in
    Linux-X64) target=linux_amd64 ;;
    Linux-ARM64) target=linux_arm64 ;;
    macOS-X64) target=darwin_amd64 ;;
    macOS-ARM64) target=darwin_arm64 ;;
    *) echo "::error::there is no release for $RUNNER_OS-$RUNNER_ARCH"; exit 2 ;;
  esac
  version="${VERSION#v}"
  archive="llmops_${version}_${target}.tar.gz"
  work="$(mktemp -d)"
  gh release download "v$version" --repo "$REPOSITORY" --dir "$work" --pattern "$archive" --pattern checksums.txt
  (cd "$work" && grep -F "  $archive" checksums.txt > wanted && shasum -a 256 --check wanted)
  tar -xzf "$work/$archive" -C "$bin" --strip-components 1
  rm -rf "$work"
fi
"$bin/llmops" version
echo "$bin" >> "$GITHUB_PATH"
