#!/usr/bin/env bash
# Runs the load test of the inputs (URL, SLO, SLO_FILE, ARGS, OUT), compares it with
# BASELINE if there is one, and exits with the worse of both codes, by the table of
# docs/exit-codes.md. llmops itself writes the summary and the annotations of the job.
set -uo pipefail

# xargs knows quotes and expands nothing.
words() { if [[ "$1" =~ [^[:space:]] ]]; then xargs -n 1 printf '%s\n' <<< "$1"; fi; }
tell() { printf 'exit-code=%s\nverdict=%s\nout=%s\n' "$1" "$2" "$OUT" >> "$GITHUB_OUTPUT"; }
readable() { # an argument that is lost may be a gate
  if ! words "$2" > /dev/null; then
    echo "::error::$1 cannot be read: is a quote not closed?"
    tell 2 ""
    exit 2
  fi
}
readable args "$ARGS"
readable compare-args "$COMPARE_ARGS"
rank() { # of an exit code; what is none of llmops is of a program that was killed
  case $1 in 0) echo 0 ;; 4) echo 1 ;; 3) echo 2 ;; 1) echo 3 ;; 2) echo 4 ;; 130) echo 5 ;; *) echo 6 ;; esac
}

args=(loadtest)
[[ -n "$URL" ]] && args+=("$URL")
while IFS= read -r line; do
  [[ "$line" =~ [^[:space:]] ]] && args+=(--slo "$line")
done <<< "$SLO"
[[ -n "$SLO_FILE" ]] && args+=(--slo-file "$SLO_FILE")

while IFS= read -r word; do args+=("$word"); done < <(words "$ARGS")

summary() { if [[ -f "$OUT/summary.json" ]]; then cksum < "$OUT/summary.json"; fi; }
before="$(summary)" # what lies in the folder of an earlier run may stay there
llmops "${args[@]}" --out "$OUT"
code=$?
after="$(summary)"
ran=false
[[ -n "$after" && "$after" != "$before" ]] && ran=true

if [[ -n "$BASELINE" && $ran == true ]]; then
  more=()
  while IFS= read -r word; do more+=("$word"); done < <(words "$COMPARE_ARGS")
  llmops compare "$BASELINE" "$OUT" ${more[@]+"${more[@]}"}
  compared=$?
  if (($(rank "$compared") > $(rank "$code"))); then
    code=$compared
  fi
fi

verdict=""
if [[ $ran == true ]]; then
  verdict="$(sed -n 's/^  "verdict": "\([a-z]*\)".*/\1/p' "$OUT/summary.json" | tail -n 1)"
fi
tell "$code" "$verdict"

if [[ $code == 4 && "$NO_VERDICT" == pass ]]; then
  echo "::warning::no verdict: too little data, or a measurement that is not valid"
  exit 0
fi
exit "$code"
