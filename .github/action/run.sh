#!/usr/bin/env bash
# Runs the load test of the inputs (URL, SLO, SLO_FILE, ARGS, OUT), compares it with
# BASELINE if there is one, and exits with the worse of both codes, by the table of
# docs/exit-codes.md. llmops itself writes the summary and the annotations of the job.
set -uo pipefail

args=(loadtest)
[[ -n "$URL" ]] && args+=("$URL")
while IFS= read -r line; do
  [[ "$line" =~ [^[:space:]] ]] && args+=(--slo "$line")
done <<< "$SLO"
[[ -n "$SLO_FILE" ]] && args+=(--slo-file "$SLO_FILE")

# xargs knows quotes and expands nothing.
words() { if [[ "$1" =~ [^[:space:]] ]]; then xargs -n 1 printf '%s\n' <<< "$1"; fi; }
while IFS= read -r word; do args+=("$word"); done < <(words "$ARGS")

llmops "${args[@]}" --out "$OUT"
code=$?

if [[ -n "$BASELINE" && -f "$OUT/summary.json" ]]; then
  more=()
  while IFS= read -r word; do more+=("$word"); done < <(words "$COMPARE_ARGS")
  llmops compare "$BASELINE" "$OUT" ${more[@]+"${more[@]}"}
  compared=$?
  for worse in 130 2 1 3 4; do
    if [[ $code == "$worse" || $compared == "$worse" ]]; then
      code=$worse
      break
    fi
  done
fi

verdict=""
if [[ -f "$OUT/summary.json" ]]; then
  verdict="$(sed -n 's/^  "verdict": "\([a-z]*\)".*/\1/p' "$OUT/summary.json" | tail -n 1)"
fi
{
  echo "exit-code=$code"
  echo "verdict=$verdict"
  echo "out=$OUT"
} >> "$GITHUB_OUTPUT"

if [[ $code == 4 && "$NO_VERDICT" == pass ]]; then
  echo "::warning::no verdict: too little data, or a measurement that is not valid"
  exit 0
fi
exit "$code"
