package snapshotcmd

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"llmops/analysis/gate"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/probes/recording"
	"llmops/probes/snapshot"
	"llmops/rules/alert"
	"llmops/rules/defaults"
	"llmops/rules/near"
)

type options struct {
	gpu      string
	servers  []string
	link     link
	business string
	hostRoot string
	window   time.Duration

	watch    bool
	interval time.Duration
	count    int

	record     string
	recordSize string
	maxSize    int64

	failOn    []string
	onMissing string

	trend  []string
	metric string

	output cli.Output
}

func (o *options) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	cli.Enum(cmd, &o.gpu, "gpu", "", []string{"auto", "nvml", "nvidia-smi", "amdgpu", "none"}, "where GPUs are read from")
	f.StringArrayVar(&o.servers, "server", nil, "serving engine at `URL`, such as http://127.0.0.1:8000; may be repeated")
	o.link.addFlags(cmd)
	f.StringVar(&o.business, "business", "", "users, conversion, satisfaction, cost from a JSON or CSV `FILE` or URL")
	f.StringVar(&o.hostRoot, "host-root", "", "`DIR` at which the host's / is mounted, in a container")
	f.DurationVar(&o.window, "window", 0, "time between two readings, for rates; without it there are none")

	f.BoolVar(&o.watch, "watch", false, "take snapshots until Ctrl-C; rates are those since the snapshot before")
	f.DurationVar(&o.interval, "interval", 5*time.Second, "with --watch: time between two snapshots")
	f.IntVar(&o.count, "count", 0, "with --watch: end after `N` snapshots (0: go on)")

	f.StringVar(&o.record, "record", "", "append each snapshot to `FILE`, one JSON object a line")
	f.StringVar(&o.recordSize, "record-max-size", "", "begin a new file at this `SIZE`, such as 100MB; the full one becomes FILE.1 in place of an older one")
	f.StringArrayVar(&o.failOn, "fail-on", nil, "fail (exit 3) if this `PROMQL` has any result; @FILE has the alerts of a file of Prometheus rules, @defaults/health ships with llmops; may be repeated")
	cli.Enum(cmd, &o.onMissing, "on-missing", "", []string{"fail", "ignore"}, "what becomes of a --fail-on that compares what was not measured (fail: exit 4)")

	f.StringArrayVar(&o.trend, "trend", nil, "show how --metric goes with time in the recording `FILE`; may be repeated")
	f.StringVar(&o.metric, "metric", "", "of --trend: a series such as gpu_temperature_c{gpu=\"0\"}, or a field such as gpus[0].power.draw_w")
	o.output.AddFlags(cmd, append(render.Formats(), "ndjson", "prom")...)
	for _, name := range []string{"record", "trend", "business"} {
		_ = cmd.MarkFlagFilename(name) // only an unknown name is an error
	}
	_ = cmd.MarkFlagDirname("host-root")
	cli.Depends(cmd, "watch", "interval", "count")
	cli.Depends(cmd, "record", "record-max-size")
	cli.Depends(cmd, "fail-on", "on-missing")
	cli.Depends(cmd, "trend", "metric")
	for _, name := range []string{"watch", "record", "fail-on", "server", "business", "window"} {
		cmd.MarkFlagsMutuallyExclusive("trend", name)
	}
}

// check finds what cannot be meant.
func (o *options) check(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	for _, need := range [][2]string{{"interval", "watch"}, {"count", "watch"}, {"record-max-size", "record"}, {"on-missing", "fail-on"}, {"metric", "trend"}} {
		if given(need[0]) && !given(need[1]) {
			return cli.Usagef("--%s says nothing without --%s", need[0], need[1])
		}
	}
	switch {
	case o.window < 0:
		return cli.Usagef("--window %v: want a time, such as 1s", o.window)
	case o.interval <= 0:
		return cli.Usagef("--interval %v: want a time above 0, such as 5s", o.interval)
	case o.count < 0:
		return cli.Usagef("--count %d: want a number of snapshots", o.count)
	case len(o.trend) > 0 && o.metric == "":
		return cli.WithHint(cli.Usagef("--trend needs --metric"), "such as --metric gpu_temperature_c, or --metric 'gpus[0].power.draw_w'")
	case len(o.trend) > 0 && o.output.Format == "prom":
		return cli.Usagef("a trend has no form for Prometheus: it computes its own")
	case o.watch && !o.output.ToFile() && !slices.Contains([]string{"table", "ndjson"}, o.output.Format):
		return cli.WithHint(cli.Usagef("--watch cannot print one snapshot after the other as %s", o.output.Format),
			"use -o ndjson, or name a file with --output that always holds the newest")
	case o.watch && o.output.ToFile() && o.output.Format == "ndjson":
		return cli.WithHint(cli.Usagef("--output holds one snapshot, not all of them"), "append them with --record FILE")
	}
	if o.recordSize != "" {
		var err error
		if o.maxSize, err = parseSize(o.recordSize); err != nil {
			return cli.Usagef("--record-max-size %q: %w", o.recordSize, err)
		}
	}
	if o.hostRoot != "" && len(o.trend) == 0 && !readable(filepath.Join(o.hostRoot, "proc/stat")) && !readable(filepath.Join(o.hostRoot, "proc/meminfo")) {
		return cli.WithHint(cli.Usagef("--host-root %s: neither proc/stat nor proc/meminfo can be read in it", o.hostRoot),
			"name the folder at which the host's / is mounted, such as /host with -v /:/host:ro")
	}
	return nil
}

// readable tells whether there is a file that can be read.
func readable(name string) bool {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() { // a pipe would wait for its other end
		return false
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = f.Read(make([]byte, 1))
	return err == nil
}

// parseSize reads a number of bytes with a unit of 1000 (kB, MB, GB) or 1024 (KiB, …).
func parseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "kKMGTiB ")
	n, err := strconv.ParseFloat(digits, 64)
	unit, ok := map[string]float64{
		"": 1, "B": 1, "k": 1e3, "kB": 1e3, "K": 1e3, "KB": 1e3, "M": 1e6, "MB": 1e6, "G": 1e9, "GB": 1e9, "T": 1e12, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}[strings.TrimSpace(text[len(digits):])]
	if err != nil || !ok || !(n > 0) || n*unit < 1 || n*unit > math.MaxInt64/2 {
		return 0, errors.New("want a size such as 100MB or 1GiB")
	}
	return int64(n * unit), nil
}

// gates reads --fail-on.
func (o *options) gates() ([]gate.Gate, error) {
	var gates []gate.Gate
	for _, text := range o.failOn {
		name, isPack := strings.CutPrefix(text, "@")
		if !isPack {
			g, err := gate.Parse(text)
			if err != nil {
				return nil, cli.WithHint(cli.Usage(fmt.Errorf("--fail-on: %w", err)), "such as 'gpu_memory_utilization > 0.95', @defaults/health or @FILE")
			}
			gates = append(gates, g)
			continue
		}
		pack, err := readPack(text, name)
		if err != nil {
			return nil, err
		}
		gates = append(gates, pack...)
	}
	return gates, nil
}

// readPack reads the rules that @name says: a set that ships with us, or a file.
func readPack(text, name string) ([]gate.Gate, error) {
	var f fs.File
	var err error
	hint := "leave it out here: a snapshot is one moment, and rules for it compare gauges, as @defaults/health does"
	if shipped, ours := strings.CutPrefix(text, defaults.Prefix); ours {
		if f, err = defaults.Rules.Open(strings.TrimSuffix(shipped, defaults.Extension) + defaults.Extension); err != nil {
			return nil, cli.WithHint(cli.Usagef("--fail-on %s: there is no such set of rules", text), "llmops ships with @defaults/health")
		}
		name, hint = text, "the rules for snapshots are @defaults/health"
	} else if f, err = os.Open(name); err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err
		}
		return nil, cli.WithHint(cli.Usagef("--fail-on %s: %w", text, err), "name a file of Prometheus rules, or @defaults/health, which ships with llmops")
	}
	defer f.Close()
	pack, err := gate.ReadPack(name, f)
	if err == nil {
		return pack, nil
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok { // a folder
		err = fmt.Errorf("%s: %w", name, e.Err)
	}
	if e, ok := errors.AsType[*alert.ReadError](err); ok {
		hint = cmp.Or(e.Hint(), "it must be a file of rules that \"promtool check rules\" accepts")
	}
	return nil, cli.WithHint(cli.Usage(fmt.Errorf("--fail-on: %w", err)), "%s", hint)
}

// recorder is where snapshots are kept; nil without --record. It is tried before
// anything is measured.
func (o *options) recorder() (*recording.File, error) {
	if o.record == "" {
		return nil, nil
	}
	r := &recording.File{Path: o.record, MaxSize: o.maxSize, Prefix: `{"schema":"` + snapshot.Schema + `"`}
	return r, recordError(o.record, r.Check())
}

func recordError(path string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*recording.ForeignError](err); ok {
		return cli.WithHint(cli.Usage(e), "name another file for --record")
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	failed := cli.Failed(fmt.Errorf("record to %s: %w", path, err))
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return cli.WithHint(failed, "the disk is full: free some space or choose another --record; the lines before are whole")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return cli.WithHint(failed, "choose a file that you may write to with --record")
	}
	return failed
}

// nearName is the name that was most likely meant, "" if none is near.
func nearName(name string, names []string) string {
	if hits := near.Names(name, slices.Values(names), 1); len(hits) > 0 {
		return hits[0]
	}
	return ""
}
