// Package metricinput is METRICS: the arguments and flags with which commands name
// metric files or a Prometheus server, and the store of series that comes of them, each
// series with its canonical name beside its own. It wires readers, catalogue and client
// together; it must not judge what they give, and what an empty store means is for the
// command to say (Input.Empty has the words).
package metricinput

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"llmops/analysis/series"
	"llmops/cmd/internal/access"
	"llmops/cmd/internal/cli"
)

// Args is how a command's Use line names what it reads.
const Args = "METRICS… | --prometheus URL"

// Flags is the group of flags.
type Flags struct {
	// Shared tells that the command reaches other servers too, for which the flags of
	// certificates are as well.
	Shared bool

	format       string
	fields       map[string]string
	by           []string
	maxMalformed string

	url              string
	queries          []string
	start, end, step string
	login            access.Login
	transport        access.Transport
	timeout          time.Duration

	cmd *cobra.Command
}

// AddFlags adds the flags to cmd.
func (f *Flags) AddFlags(cmd *cobra.Command) {
	f.cmd = cmd
	fs := cmd.Flags()
	cli.Enum(cmd, &f.format, "format", "f", append([]string{"auto"}, series.FormatNames()...), "format of the files")
	fs.StringToStringVar(&f.fields, "map", nil, "fields of generic request logs, such as time=ts,status=code,latency=took:ms (units of durations: ns, us, ms, s)")
	fs.StringSliceVar(&f.by, "by", nil, "series of request logs for each of these in place of all together: "+strings.Join(series.Splits(), ", "))
	fs.StringVar(&f.maxMalformed, "max-malformed", "1%", "share of rows that may be unreadable")
	fs.StringVar(&f.url, "prometheus", "", "read samples of the Prometheus-compatible server at `URL`, such as http://127.0.0.1:9090, in place of files")
	fs.StringArrayVar(&f.queries, "query", nil, "what to read of --prometheus: a `SELECTOR`, or with --step an expression, which NAME=EXPRESSION gives a name; may be repeated (default: all that is looked at)")
	fs.StringVar(&f.start, "start", "", "`TIME` at which to begin, or how long before the end (default: the first sample; of --prometheus 1h)")
	fs.StringVar(&f.end, "end", "", "`TIME` at which to end, or how long before the last sample, of --prometheus before now (default: that)")
	fs.StringVar(&f.step, "step", "", "have --prometheus evaluate at steps of this `DURATION` (default: samples as they are stored)")
	f.login.AddFlags(cmd)
	whose := "the server's certificate"
	if f.Shared {
		whose = "certificates of servers"
	}
	f.transport.AddFlags(cmd, whose)
	fs.DurationVar(&f.timeout, "server-timeout", 2*time.Minute, "how long one answer of the server may take")
	cli.Depends(cmd, "prometheus", f.serverFlags()...)
	for _, name := range []string{"format", "map", "by", "max-malformed"} {
		cmd.MarkFlagsMutuallyExclusive("prometheus", name)
	}
}

// serverFlags are those that say nothing without --prometheus.
func (f *Flags) serverFlags() []string {
	names := []string{"query", "step", "user", "password-file", "token-file", "server-timeout"}
	if !f.Shared {
		names = append(names, "tls-ca", "tls-insecure")
	}
	return names
}

// Transport is how servers are reached.
func (f *Flags) Transport() *access.Transport { return &f.transport }

// Check finds what cannot be meant, before work is done. paths are the command's
// arguments.
func (f *Flags) Check(app *cli.App, paths []string) error {
	typed := func(name string) bool { return cli.Origin(f.cmd.Flags().Lookup(name)) == "flag" }
	switch {
	case typed("prometheus") && f.url == "":
		return cli.Usagef("--prometheus: the URL is missing")
	case typed("prometheus") && len(paths) > 0:
		return cli.WithHint(cli.Usagef("--prometheus and %s exclude each other", paths[0]), "read the files or the server, one at a time")
	case f.url == "" && len(paths) == 0:
		return cli.WithHint(cli.Usagef("nothing to read: name metric files, or a server with --prometheus"), "the form is: %s", f.cmd.UseLine())
	}
	if !f.fromServer(paths) {
		for _, name := range f.serverFlags() {
			if typed(name) {
				return cli.Usagef("--%s says how to ask a server, but no --prometheus names one", name)
			}
		}
	}
	for _, name := range f.by {
		if !slices.Contains(series.Splits(), name) {
			return cli.Usagef("--by %q: must be of %s", name, strings.Join(series.Splits(), ", "))
		}
	}
	if _, err := cli.ParseShare(f.maxMalformed); err != nil {
		return cli.WithHint(cli.Usagef("--max-malformed %q: %w", f.maxMalformed, err), "such as 1%% or 0.01")
	}
	if f.timeout <= 0 {
		return cli.Usagef("--server-timeout: want a time above 0, such as 2m")
	}
	start, end, err := f.span(time.Time{}, app.Now())
	if err == nil && f.fromServer(paths) {
		err = ordered(start, end)
	}
	if err != nil {
		return err
	}
	_, err = f.every()
	return err
}

// fromServer tells whether it is a server that is read: a file on the command line
// replaces one that the configuration names.
func (f *Flags) fromServer(paths []string) bool { return f.url != "" && len(paths) == 0 }

// defaultSpan is how much of a server is read.
const defaultSpan = time.Hour

// span is the time that is judged, to whole ms, of what there is from first to last; first
// is zero for a server.
func (f *Flags) span(first, last time.Time) (start, end time.Time, err error) {
	end = last
	if f.end != "" {
		if end, err = cli.ParseTimeOrBefore(f.end, last); err != nil {
			return start, end, timeError("end", f.end, err)
		}
	}
	start = first
	if first.IsZero() {
		start = end.Add(-defaultSpan)
	}
	if f.start != "" {
		if start, err = cli.ParseTimeOrBefore(f.start, end); err != nil {
			return start, end, timeError("start", f.start, err)
		}
	}
	return time.UnixMilli(start.UnixMilli()), time.UnixMilli(end.UnixMilli()), nil
}

func ordered(start, end time.Time) error {
	if start.Before(end) {
		return nil
	}
	return cli.WithHint(cli.Usagef("--start %s is not before the end, %s", clock(start), clock(end)), "--start 6h is six hours before the end")
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func timeError(flag, text string, err error) error {
	return cli.WithHint(cli.Usagef("--%s %q: %w", flag, text, err), "such as 2026-03-01T12:00:00Z, '2026-03-01 12:00:00' (UTC), 1772366400, or 6h for six hours before")
}

// every is --step; 0: samples as they are stored.
func (f *Flags) every() (time.Duration, error) {
	if f.step == "" {
		return 0, nil
	}
	d, err := model.ParseDuration(f.step)
	if err == nil && d <= 0 {
		err = fmt.Errorf("want a time above 0")
	}
	if err != nil {
		return 0, cli.WithHint(cli.Usagef("--step %q: %w", f.step, err), "such as 15s or 1m")
	}
	return time.Duration(d), nil
}
