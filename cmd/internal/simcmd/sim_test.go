package simcmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/cmd/internal/simcmd"
	"llmops/probes/sim"
	"llmops/probes/sim/model"
)

var verbs = []cli.Verb{simcmd.New}

// serve runs the command until the caller is done with it.
func serve(t *testing.T, use func(firstLine string), args ...string) (code cli.Code, stderr string) {
	t.Helper()
	r, w := io.Pipe()
	var errs bytes.Buffer
	app := &cli.App{Out: w, Err: &errs}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan cli.Code, 1)
	go func() {
		done <- cli.Main(ctx, app, append([]string{"sim", "--listen", "127.0.0.1:0"}, args...), verbs...)
		w.Close()
	}()
	line := make([]byte, 1000)
	n, err := r.Read(line)
	if err != nil {
		t.Fatalf("no line: %v: %s", err, errs.String())
	}
	use(string(line[:n]))
	stop()
	select {
	case code = <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("the command does not stop")
	}
	return code, errs.String()
}

func TestServes(t *testing.T) {
	code, stderr := serve(t, func(line string) {
		url, ok := strings.CutPrefix(line, "listening on ")
		if !ok || !strings.HasSuffix(line, "/v1\n") {
			t.Fatalf("first line %q", line)
		}
		r, err := http.Post(strings.TrimSpace(url)+"/completions", "application/json", strings.NewReader(`{"prompt":"a b","max_tokens":3}`))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if r.StatusCode != 200 {
			t.Errorf("status %d", r.StatusCode)
		}
	}, "--decode-base", "1ms")
	if code != cli.CodeInterrupted {
		t.Errorf("exit code %d, want %d", code, cli.CodeInterrupted)
	}
	if want := "llmops: served 1 requests (0 more refused), 2 prompt tokens, 3 output tokens, 0 preemptions\n"; stderr != want {
		t.Errorf("standard error %q, want %q", stderr, want)
	}
}

func TestJSON(t *testing.T) {
	serve(t, func(line string) {
		var doc struct{ Schema, URL, Model string }
		if err := json.Unmarshal([]byte(line), &doc); err != nil || doc.Schema != "llmops.sim/v1" || !strings.HasPrefix(doc.URL, "http://127.0.0.1:") || doc.Model != "m" {
			t.Errorf("%q: %+v, %v", line, doc, err)
		}
	}, "-o", "json", "--model-name", "m")
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		part string
	}{
		{[]string{"--listen", "0.0.0.0:0"}, "--allow-remote"},
		{[]string{"--listen", ":8000"}, "not a loopback"},
		{[]string{"--listen", "example.com:80"}, "not a loopback"},
		{[]string{"--listen", "8000"}, "want HOST:PORT"},
		{[]string{"--max-running", "0"}, "max running is 0"},
		{[]string{"--fault", "stal"}, "unknown kind"},
		{[]string{"--output-tokens", "x"}, "length distribution"},
		{[]string{"--service-time", "5"}, "missing unit"},
		{[]string{"--service-time", "-5s"}, "service time is -5s"},
		{[]string{"--service-time", "5s", "--decode-base", "1ms"}, "exclude each other"},
		{[]string{"--prefill-per-token", "1ms", "--service-time", "5s"}, "exclude each other"},
		{[]string{"--output-tokens", "9", "--service-time", "5s"}, "exclude each other"},
		{[]string{"--model-name", "a\x1b[2Jb"}, `model name "a\x1b[2Jb"`},
		{[]string{"extra"}, "unexpected argument"},
	} {
		r := clitest.Run(t, nil, verbs, append([]string{"sim"}, c.args...)...)
		if r.Code != cli.CodeUsage || r.Out != "" || !strings.Contains(r.Err, c.part) {
			t.Errorf("%v: exit %d, %q; want 2 and %q", c.args, r.Code, r.Err, c.part)
		}
	}
}

// Every knob can be set, and a flag that is not given changes nothing.
func TestAddFlags(t *testing.T) {
	parse := func(args ...string) sim.Config {
		cfg := sim.DefaultConfig()
		fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
		simcmd.AddFlags(fs, &cfg)
		if err := fs.Parse(args); err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	lengths := cmp.Comparer(func(a, b model.OutputLength) bool { return a == b })
	if diff := cmp.Diff(sim.DefaultConfig(), parse(), lengths); diff != "" {
		t.Errorf("without flags (-default +got):\n%s", diff)
	}
	length, err := model.ParseOutputLength("exponential:9")
	if err != nil {
		t.Fatal(err)
	}
	want := sim.Config{
		Config: model.Config{
			PrefillBase: 1, PrefillPerToken: 2, DecodeBase: 3, DecodePerSequence: 4,
			MaxRunning: 5, MaxWaiting: 6, MaxModelLen: 7, BlockSize: 8, KVBlocks: 9, Seed: 10,
			GPUMemoryMiB: 13, WeightsMiB: 1, KVMemoryMiB: 12, Output: length,
			Faults: []sim.Fault{{Kind: model.Hang}, {Kind: model.Stall, Duration: time.Second}},
		},
		Model: "n", DefaultMaxTokens: 11, Stamp: true,
	}
	got := parse("--prefill-base=1ns", "--prefill-per-token=2ns", "--decode-base=3ns", "--decode-per-sequence=4ns", "--max-running=5",
		"--max-waiting=6", "--max-model-len=7", "--block-size=8", "--kv-blocks=9", "--seed=10", "--gpu-memory-mib=13", "--weights-mib=1",
		"--kv-memory-mib=12", "--output-tokens=exponential:9", "--fault=hang", "--fault=stall:duration=1s", "--model-name=n",
		"--default-max-tokens=11", "--stamp")
	if diff := cmp.Diff(want, got, lengths); diff != "" {
		t.Errorf("with every flag (-want +got):\n%s", diff)
	}
	plain := sim.DefaultConfig()
	plain.ServiceTime = 500 * time.Millisecond
	if diff := cmp.Diff(plain, parse("--service-time=500ms"), lengths); diff != "" {
		t.Errorf("plain queue (-want +got):\n%s", diff)
	}
}

// A list in a configuration file replaces what was there.
func TestFaultList(t *testing.T) {
	cfg := sim.DefaultConfig()
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	simcmd.AddFlags(fs, &cfg)
	list, ok := fs.Lookup("fault").Value.(pflag.SliceValue)
	if !ok {
		t.Fatal("--fault takes no list")
	}
	if err := list.Replace([]string{"hang:p=0.5", "truncate:after=3"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"hang:p=0.5", "truncate:after=3"}, list.GetSlice()); diff != "" {
		t.Error(diff)
	}
	if err := list.Replace([]string{"nonsense"}); err == nil {
		t.Error("takes nonsense")
	}
}
