package loadtestcmd

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"llmops/cmd/internal/cli"
	"llmops/probes/load"
	"llmops/probes/load/prompt"
)

// indexVariable is what a Kubernetes Indexed Job tells each of its pods, from 0.
const indexVariable = "JOB_COMPLETION_INDEX"

// readShard reads --shard: "2/4" is the second of four, "index/4" the one that the
// environment names.
func readShard(text string, getenv func(string) (string, bool)) (load.Shard, error) {
	if text == "" {
		return load.Shard{}, nil
	}
	const example = "want I/N with I from 1 to N, such as 2/4, or index/4 with the number in " + indexVariable
	part, of, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(of)
	if !ok || err != nil || n < 1 || n > maxInFlight {
		return load.Shard{}, cli.WithHint(cli.Usagef("--shard %q is no part of a run", text), example)
	}
	if part == "index" {
		value, _ := getenv(indexVariable)
		i, err := strconv.Atoi(value)
		if err != nil || i < 0 || i >= n {
			return load.Shard{}, cli.WithHint(cli.Usagef("--shard %s: the environment variable %s is %q, want a number from 0 to %d", text, indexVariable, value, n-1),
				"a Kubernetes Indexed Job sets it; elsewhere name the part, such as --shard 1/%d", n)
		}
		return load.Shard{Index: i, Count: n}, nil
	}
	i, err := strconv.Atoi(part)
	if err != nil || i < 1 || i > n {
		return load.Shard{}, cli.WithHint(cli.Usagef("--shard %q is no part of a run", text), example)
	}
	return load.Shard{Index: i - 1, Count: n}, nil
}

// shardName is what summary.json calls a part; "" for the whole.
func shardName(s load.Shard) string {
	if s.Count == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index+1, s.Count)
}

// made is what the prompts of a shard are made of, by the flags that say so, for a
// merge to see that all shards sent those of one run. Nil for a run of its own.
func (o *options) made(prompts prompt.Source) (map[string]string, error) {
	if o.shard.Count == 0 {
		return nil, nil
	}
	out := map[string]string{"--output-tokens": o.outputTokens.String(), "--embedding-batch": strconv.Itoa(o.batch), "--shared-prefix-tokens": strconv.Itoa(o.sharedPrefix)}
	for flag, on := range map[string]bool{"--no-stream": o.noStream, "--ignore-eos": o.ignoreEOS} {
		out[flag] = strconv.FormatBool(on)
	}
	if o.replay.file != "" {
		out["--max-prompt-tokens"], out["--limit"] = strconv.Itoa(o.replay.maxPrompt), strconv.Itoa(o.replay.limit)
	}
	d, ok := prompts.(*prompt.Dataset)
	if !ok {
		out["--prompt-tokens"] = o.promptTokens.String()
		return out, nil
	}
	// The content: each machine may have the file at another place.
	sum := sha256.New()
	to := json.NewEncoder(sum)
	for _, e := range d.Prompts {
		if err := to.Encode([]any{e.Prompt, e.Turns}); err != nil {
			return nil, fmt.Errorf("sum up %s: %w", o.dataset, err)
		}
	}
	out["--dataset"] = fmt.Sprintf("%d prompts (SHA-256 %x…)", len(d.Prompts), sum.Sum(nil)[:8])
	return out, nil
}
