package loadtestcmd

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/probes/load/arrival"
	"llmops/probes/request"
)

// firstFailure keeps what the first failed request said, for the message of a
// run in which all failed.
type firstFailure struct{ detail string }

func (f *firstFailure) note(r *request.Record) {
	if !r.OK && r.Error != request.Cancelled && f.detail == "" {
		f.detail = r.Detail
	}
}

// outcome turns the verdict into the error that carries the exit code. exhausted
// is the number of requests for which this machine had no file descriptor or
// port left.
func outcome(s loadreport.Summary, first *firstFailure, exhausted int64) error {
	if s.Requests.Failed > 0 && s.Requests.Succeeded == 0 && s.Verdict != loadreport.Invalid {
		return allFailed(s, first)
	}
	switch s.Verdict {
	case loadreport.Fail:
		var failed []string
		for _, j := range s.SLO {
			if j.Verdict == loadreport.Fail {
				failed = append(failed, j.Label())
			}
		}
		return cli.Gate(fmt.Errorf("objective not met: %s", strings.Join(failed, ", ")))
	case loadreport.Invalid:
		return cli.WithHint(cli.NoVerdict(fmt.Errorf("the client is invalid: %s", strings.Join(s.Client.Reasons, "; "))), "%s", clientAdvice(exhausted))
	case loadreport.Inconclusive:
		return undecided(s)
	}
	return nil
}

// clientAdvice is for a client that could not do what was asked of it.
func clientAdvice(exhausted int64) string {
	if exhausted > 0 {
		return "raise the limit of open files (ulimit -n), or open fewer connections at once: a lower --concurrency, or --max-concurrency with --rate"
	}
	return "ask for less load, or run the client on a machine with more free CPU"
}

func undecided(s loadreport.Summary) error {
	if r := s.Requests; r.ByPlan > 0 && r.Succeeded == 0 {
		return cli.WithHint(cli.NoVerdict(fmt.Errorf("no request was measured: %d of %d were cancelled by plan", r.ByPlan, r.Total)),
			"cancel a smaller share, or later")
	}
	if n := s.Requests.Cancelled; n > 0 && s.Requests.Succeeded == 0 {
		return cli.WithHint(cli.NoVerdict(fmt.Errorf("no request was measured: %d were cut off", n)),
			"measure for longer (--duration), or let requests finish (--drain-timeout)")
	}
	if s.Requests.Succeeded == 0 {
		return cli.WithHint(cli.NoVerdict(errors.New("no request was measured")), "measure for longer: --duration, or --requests N")
	}
	var open []string
	var more uint64
	var longer float64
	for _, j := range s.SLO {
		if j.Verdict == loadreport.Inconclusive {
			open = append(open, j.Label())
			switch {
			case j.MoreNeeded == nil:
			case j.Unit == "slices":
				longer = max(longer, float64(*j.MoreNeeded)*j.SliceS)
			default:
				more = max(more, *j.MoreNeeded)
			}
		}
	}
	err := cli.NoVerdict(fmt.Errorf("no verdict on %s", strings.Join(open, ", ")))
	if s.Load.Shard != "" {
		return cli.WithHint(err, "this is shard %s of the run: judge all of them together with \"llmops report DIR...\"", s.Load.Shard)
	}
	if more > 0 {
		return cli.WithHint(err, "measure about %d more requests: %s", more, flagsFor(s, more))
	}
	if longer > 0 {
		return cli.WithHint(err, "measure about %s longer: --duration", time.Duration(longer*float64(time.Second)).Round(time.Second))
	}
	return err
}

// flagsFor are the flags with which a run measures so many requests more: one that its
// duration ended needs a longer one, and where that of its stages or of its trace is over
// nothing more comes.
func flagsFor(s loadreport.Summary, more uint64) string {
	load, total := s.Load, uint64(s.Requests.Total)+more
	requests := fmt.Sprintf("--requests %d", total)
	if load.Trace != nil && total > uint64(load.Trace.Rows) {
		return "a longer --trace"
	}
	if load.DurationS == nil || s.Requests.Total == 0 || load.Requests != nil && s.Requests.Total >= *load.Requests {
		return requests
	}
	whole := math.Ceil(*load.DurationS * float64(total) / float64(s.Requests.Total))
	if whole > math.MaxInt64/float64(time.Second) {
		return requests
	}
	duration := time.Duration(whole) * time.Second
	if stages, err := arrival.ParseStages(load.Shape); err == nil && stages.Length() > 0 && duration > stages.Length() {
		return "longer --stages"
	}
	flags := "--duration " + duration.String()
	if load.Requests != nil && uint64(*load.Requests) < total {
		flags += " " + requests
	}
	return flags
}

// allFailed says why nothing came through, with advice by the commonest class.
func allFailed(s loadreport.Summary, first *firstFailure) error {
	classes := slices.SortedFunc(maps.Keys(s.Errors), func(a, b string) int {
		if s.Errors[a] != s.Errors[b] {
			return int(s.Errors[b] - s.Errors[a])
		}
		return strings.Compare(a, b)
	})
	class := request.Class(classes[0])
	err := fmt.Errorf("all %d requests to %s failed: %s", s.Requests.Failed, s.Target.URL, strings.Join(classes, ", "))
	if first.detail != "" {
		err = fmt.Errorf("%w: %s", err, first.detail)
	}
	failed := cli.Failed(err)
	if hint := advice(class); hint != "" {
		return cli.WithHint(failed, "%s", hint)
	}
	return failed
}

func advice(class request.Class) string {
	switch class {
	case request.DNS:
		return "check the name of the host"
	case request.Connect:
		return "check that the server runs and listens on this address and port"
	case request.TLS:
		return "check the scheme (http or https), --tls-ca and --tls-server-name"
	case request.Redirect:
		return "redirects are not followed: use the URL that it points to"
	case request.HTTP(401), request.HTTP(403):
		return "set the API key in the environment: LLMOPS_API_KEY, or --api-key-env"
	case request.HTTP(404):
		return "check the path of the URL, --api and --model: the base usually ends with /v1"
	case request.HTTP(400), request.HTTP(422):
		return "the server rejects the request: check --model, --api and the lengths"
	case request.HTTP(429):
		return "the server limits the rate: ask for less load, or raise the quota"
	case request.ParseError, request.Empty:
		return "the answer is not that of an inference server: check the URL and --api"
	case request.TimeoutFirstToken, request.TimeoutTotal, request.TimeoutIdle:
		return "the server is too slow for the limits: see --timeout, --timeout-first-token and --timeout-idle"
	}
	return ""
}
