package loadtestcmd

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/observe"
)

// moment is a time of day at which a run begins; zero: as soon as it can.
type moment struct{ time.Time }

func (m *moment) Type() string { return "TIME" }

// String is the time to the nanosecond, in UTC: what is written into a manifest means
// the same wherever it is read.
func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.UTC().Format(time.RFC3339Nano)
}

// Set reads RFC 3339, or Unix seconds, of which there may be a fraction.
func (m *moment) Set(s string) error {
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		m.Time = at
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v < maxUnix) {
		return errors.New("want a time such as 2030-01-31T12:00:00Z, or Unix seconds")
	}
	whole, fraction := math.Modf(v)
	m.Time = time.Unix(int64(whole), int64(math.Round(fraction*1e3))*int64(time.Millisecond))
	return nil
}

// maxUnix keeps milliseconds from being taken for seconds.
const maxUnix = 1e11

// maxWait is a longer wait than anybody means.
const maxWait = 7 * 24 * time.Hour

func (m *moment) addFlags(cmd *cobra.Command) {
	cmd.Flags().Var(m, "start-at", "send the first request at this `TIME` by the clock, RFC 3339 or Unix seconds, as all shards of a run should; refused when it has passed")
	cmd.MarkFlagsMutuallyExclusive("start-at", "find-capacity") // whose probes begin one after the other
}

func (m *moment) check(now time.Time) error {
	switch {
	case m.IsZero():
		return nil
	case !m.After(now):
		return cli.WithHint(cli.Usagef("--start-at %s has passed: it is %s", m, now.UTC().Format(time.RFC3339)), "name a time to come, with enough before it for all shards to be there")
	case m.Sub(now) > maxWait:
		return cli.Usagef("--start-at %s is more than %.0f days away", m, maxWait.Hours()/24)
	}
	return nil
}

// beforeStart is the time that the first reading of the server and the connections of
// the closed loop may take.
const beforeStart = 6 * time.Second

// near waits until a run that begins at a given time should be made ready.
func near(ctx context.Context, app *cli.App, at time.Time) error {
	if at.IsZero() {
		return nil
	}
	if !at.After(time.Now()) {
		return nil // it is refused when all is ready
	}
	app.Notef("begins at %s, in %s", at.UTC().Format(time.RFC3339), time.Until(at).Round(100*time.Millisecond))
	if !observe.Sleep(ctx, time.Until(at)-beforeStart) {
		return ctx.Err()
	}
	return nil
}
