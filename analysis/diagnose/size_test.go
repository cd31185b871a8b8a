package diagnose

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// writeExport writes the series of a service as VictoriaMetrics exports them, a line
// each, at 15 s; it gives their number. One in the middle is slow in the last eighth.
func writeExport(t testing.TB, file string, s service, steps int) int {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	n := 0
	for _, x := range s.sources() {
		if math.IsNaN(x.v) {
			continue
		}
		n++
		ls, err := parseSeries(x.text)
		if err != nil {
			t.Fatal(err)
		}
		if err := exportSeries(w, ls, x, steps); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return n
}

func exportSeries(w io.Writer, ls labels.Labels, x source, steps int) error {
	name, err := json.Marshal(ls.Map())
	if err != nil {
		return err
	}
	h := fnv.New64a()
	h.Write([]byte(x.text)) // a hash never fails
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	line := append(append([]byte(`{"metric":`), name...), `,"values":[`...)
	sum := 1000.0
	for i := range steps {
		v := x.v
		if !x.exact {
			v *= 1 + 0.02*(2*r.Float64()-1)
		}
		if i >= steps*7/8 && all(x.text, []string{"llm-20", "_seconds_sum"}) {
			v *= 2.5
		}
		prec := 5
		if x.counter {
			sum += v * 15
			v, prec = sum, 10
		}
		line = append(strconv.AppendFloat(line, v, 'g', prec, 64), ',')
	}
	line = append(line[:len(line)-1], `],"timestamps":[`...)
	for i := range steps {
		line = append(strconv.AppendInt(line, 1_772_323_200_000+15_000*int64(i), 10), ',')
	}
	_, err = w.Write(append(line[:len(line)-1], "]}\n"...))
	return err
}

// BenchmarkFile goes from a file of an hour of 2,000 series at 15 s to the report.
func BenchmarkFile(b *testing.B) {
	c := shipped(b)
	file := filepath.Join(b.TempDir(), "metrics.jsonl")
	n := writeExport(b, file, service{size: 26}, 240)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Run(b.Context(), load(b, file), Options{Faults: c}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n), "series")
}

// TestDay has the program itself diagnose a day of 10,000 series at 15 s, 57.6 million
// points, and holds it to 150 s and 2 GB. LLMOPS_LARGE names the folder, best one in
// memory, for the file of 1.5 GB, which is removed in the end.
func TestDay(t *testing.T) {
	root := os.Getenv("LLMOPS_LARGE")
	if root == "" {
		t.Skip("LLMOPS_LARGE does not name a folder for a file of 1.5 GB")
	}
	dir, err := os.MkdirTemp(root, "llmops-day-") //nolint:usetesting // in the folder that the user names
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "llmops")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "llmops/cmd/llmops").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file := filepath.Join(dir, "metrics.jsonl")
	n := writeExport(t, file, service{size: 60, gpus: 8}, 5760)
	cmd := exec.CommandContext(t.Context(), program, "diagnose", file, "-o", "json")
	start := time.Now()
	out, err := cmd.Output()
	took := time.Since(start)
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	use := cmd.ProcessState
	peak := use.SysUsage().(*syscall.Rusage).Maxrss
	t.Logf("%d series, %d points: %.1f s, processor %.1f s, peak memory %.2f GB", n, r.Input.Points, took.Seconds(), (use.UserTime() + use.SystemTime()).Seconds(), float64(peak)*1024/1e9)
	if n < 10_000 || r.Input.Points < 57_600_000 {
		t.Error("want 10,000 series and 57.6 million points")
	}
	if took > 150*time.Second || peak*1024 > 2e9 {
		t.Error("want 150 s and 2 GB at most")
	}
	if len(r.Incidents) != 1 || r.Incidents[0].Diagnoses[0].Entity != "replica=llm-20" {
		show(t, "day", label{}, r)
		t.Error("want one incident, that of llm-20")
	}
}
