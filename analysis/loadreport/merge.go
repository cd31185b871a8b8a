package loadreport

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Part is one shard of a run: what it is called, what it was, and what was
// found of its client.
type Part struct {
	Name    string
	Run     Run
	Verdict ClientVerdict
	Reasons []string
}

// PartsError says that parts are not those of one run.
type PartsError struct {
	Text    string
	Missing []string // shards that are not there, if that is all that is wrong
}

func (e *PartsError) Error() string { return e.Text }

// Apart is by how much of a run its parts may begin one after the other before
// that casts doubt on it, but startSlack at least: clocks of machines differ.
const (
	apart      = 0.05
	startSlack = 2 * time.Second
)

// Merge is what the run was that the parts are shards of, in any order: its load
// is that of the whole, its client as good as the worst of theirs. Of counts it
// has the sums, of waits the longest. With partial, shards may be missing; the
// client is invalid then, as the load was not the one that was asked for.
// Error: *PartsError.
func Merge(parts []Part, partial bool) (Run, error) {
	parts, missing, err := inOrder(parts)
	if err != nil {
		return Run{}, err
	}
	if err := alike(parts); err != nil {
		return Run{}, err
	}
	if len(missing) > 0 && !partial {
		return Run{}, &PartsError{fmt.Sprintf("of the run that %s belongs to, %s", parts[0].Name, isMissing(missing)), missing}
	}
	out := parts[0].Run
	out.Load.Shard, out.Load.WarmupRequests = "", 0
	out.Client = ClientFacts{Judged: true}
	out.Warnings, out.Lengths, out.Server, out.Prompts = nil, nil, mergeServers(parts), nil
	var first, last time.Time
	for _, p := range parts {
		r := p.Run
		out.Load.WarmupRequests += r.Load.WarmupRequests
		if at := r.StartedAt; !at.IsZero() { // else it never began
			widen(&first, &last, at, at)
		}
		out.Duration = max(out.Duration, r.Duration)
		out.Window = min(out.Window, r.Window) // 0: it did not last as long as it should
		out.Interrupted = out.Interrupted || r.Interrupted
		out.Lengths = out.Lengths.merged(r.Lengths)
		for _, w := range r.Warnings {
			out.Warnings = append(out.Warnings, p.label()+": "+w)
		}
		if r.Version != out.Version {
			out.Warnings = append(out.Warnings, fmt.Sprintf("%s is of llmops %s, %s of %s", parts[0].label(), out.Version, p.label(), r.Version))
		}
		for _, reason := range p.Reasons {
			if text := p.label() + ": " + reason; p.Verdict == ClientInvalid {
				out.Client.Invalid = append(out.Client.Invalid, text)
			} else {
				out.Client.Suspect = append(out.Client.Suspect, text)
			}
		}
	}
	mergeClients(&out.Client, parts)
	if len(missing) > 0 {
		out.Client.Invalid = append([]string{isMissing(missing) + ": the load was not the one asked for"}, out.Client.Invalid...)
	}
	if d := last.Sub(first); d > max(startSlack, time.Duration(apart*float64(out.Duration))) {
		text := fmt.Sprintf("the shards did not run at the same time: by their clocks they began up to %s apart, in runs of %s", short(d), short(out.Duration))
		if d >= out.Duration { // the server never had the load that was asked for
			out.Client.Invalid = append(out.Client.Invalid, text)
		} else {
			out.Client.Suspect = append(out.Client.Suspect, text)
		}
	}
	out.StartedAt = first
	return out, nil
}

// mostNamed is how many missing shards a message names.
const mostNamed = 10

func isMissing(shards []string) string {
	if len(shards) == 1 {
		return "shard " + shards[0] + " is missing"
	}
	more := ""
	if n := len(shards) - mostNamed; n > 0 {
		shards, more = shards[:mostNamed], fmt.Sprintf(" and %d more", n)
	}
	return "shards " + strings.Join(shards, ", ") + more + " are missing"
}

func (p Part) label() string { return "shard " + p.Run.Load.Shard }

// inOrder sorts parts by their numbers and finds those that are missing.
func inOrder(parts []Part) (sorted []Part, missing []string, err error) {
	by, count := map[int]Part{}, 0
	for _, p := range parts {
		number, of, _ := strings.Cut(p.Run.Load.Shard, "/")
		i, err1 := strconv.Atoi(number)
		n, err2 := strconv.Atoi(of)
		switch {
		case p.Run.Load.Shard == "":
			return nil, nil, &PartsError{Text: p.Name + " is a run of its own, no shard of one"}
		case err1 != nil || err2 != nil || i < 1 || i > n:
			return nil, nil, &PartsError{Text: fmt.Sprintf("%s: %q is no shard", p.Name, p.Run.Load.Shard)}
		case count != 0 && n != count:
			return nil, nil, &PartsError{Text: fmt.Sprintf("%s is shard %s, but %s is one of %d", p.Name, p.Run.Load.Shard, parts[0].Name, count)}
		}
		count = n
		if other, ok := by[i]; ok {
			return nil, nil, &PartsError{Text: fmt.Sprintf("%s and %s are both shard %s", other.Name, p.Name, p.Run.Load.Shard)}
		}
		by[i] = p
	}
	for i := 1; i <= count && len(by) < count; i++ {
		if _, ok := by[i]; !ok {
			missing = append(missing, fmt.Sprintf("%d/%d", i, count))
		}
	}
	for _, i := range slices.Sorted(maps.Keys(by)) {
		sorted = append(sorted, by[i])
	}
	return sorted, missing, nil
}

// alike finds where parts were not asked to do the same.
func alike(parts []Part) error {
	first, err := asked(parts[0].Run)
	if err != nil {
		return err
	}
	told := parts[0] // the first that says what its prompts are made of
	for _, p := range parts[1:] {
		other, err := asked(p.Run)
		if err != nil {
			return err
		}
		if err := same(parts[0], p, first, other); err != nil {
			return err
		}
		switch {
		case p.Run.Prompts == nil:
		case told.Run.Prompts == nil:
			told = p
		default:
			if err := same(told, p, told.Run.Prompts, p.Run.Prompts); err != nil {
				return err
			}
		}
	}
	return nil
}

// same finds the first key in which a and b, which are of parts p and q, differ.
func same[V ~string | ~[]byte](p, q Part, a, b map[string]V) error {
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if x, y := string(a[key]), string(b[key]); x != y {
			return &PartsError{Text: fmt.Sprintf("%s and %s are not of one run: %s is %s in the one and %s in the other",
				p.Name, q.Name, key, cmp.Or(x, "not set"), cmp.Or(y, "not set"))}
		}
	}
	return nil
}

// asked is what a run was asked to do, by the keys of the summary.
func asked(r Run) (map[string]json.RawMessage, error) {
	load := r.Load
	load.Shard, load.WarmupRequests = "", 0
	out := map[string]json.RawMessage{}
	for name, v := range map[string]any{"target": r.Target, "load": load} {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("compare runs: %w", err)
		}
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(text, &keys); err != nil {
			return nil, fmt.Errorf("compare runs: %w", err)
		}
		for key, value := range keys {
			out[name+"."+key] = value
		}
	}
	return out, nil
}

// mergeClients sums up what clients know about themselves. What one of them did
// not measure is not known of all.
func mergeClients(out *ClientFacts, parts []Part) {
	cpu, asked, achieved := new(time.Duration), new(float64), new(float64)
	for i, p := range parts {
		f := p.Run.Client
		if i == 0 {
			out.TimestampSource, out.LongestWait = f.TimestampSource, f.LongestWait
		} else if out.TimestampSource != f.TimestampSource {
			out.TimestampSource = "mixed"
		}
		if f.LongestWait == nil || out.LongestWait == nil {
			out.LongestWait = nil
		} else {
			out.LongestWait = new(max(*out.LongestWait, *f.LongestWait))
		}
		cpu, asked, achieved = plus(cpu, f.CPU), plus(asked, f.AskedRate), plus(achieved, f.AchievedRate)
		out.Cores += f.Cores
		out.Events += f.Events
		out.Pauses += f.Pauses
		for _, x := range []struct {
			to **time.Duration
			v  *time.Duration
		}{{&out.SchedP99, f.SchedP99}, {&out.SchedMax, f.SchedMax}, {&out.PauseMax, f.PauseMax}, {&out.ClockStep, f.ClockStep}} {
			if x.v != nil && (*x.to == nil || max(*x.v, -*x.v) > max(**x.to, -**x.to)) {
				*x.to = x.v
			}
		}
	}
	out.CPU, out.AskedRate, out.AchievedRate = cpu, asked, achieved
}

func plus[T time.Duration | float64](sum, v *T) *T {
	if sum == nil || v == nil {
		return nil
	}
	return new(*sum + *v)
}

func (l *Lengths) merged(o *Lengths) *Lengths {
	switch {
	case o == nil:
		return l
	case l == nil:
		return o
	}
	return &Lengths{Prompt: l.Prompt.merged(o.Prompt), Output: l.Output.merged(o.Output)}
}

func (l *Length) merged(o *Length) *Length {
	switch {
	case o == nil:
		return l
	case l == nil:
		return o
	}
	n, m := float64(l.Requests), float64(o.Requests)
	mean := func(a, b float64) float64 { return round6((a*n + b*m) / (n + m)) }
	return &Length{Requests: l.Requests + o.Requests, Asked: mean(l.Asked, o.Asked), Measured: mean(l.Measured, o.Measured)}
}
