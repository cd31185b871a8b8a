package diagnosecmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/diagnose"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// A plan has steps for what the report names, the first diagnosis of each incident and
// what is as likely, however low the confidence, and for others from 0.5 on.
func TestPlanFollowsTheReport(t *testing.T) {
	of := func(id string, confidence float64, explained string) diagnose.Diagnosis {
		return diagnose.Diagnosis{Fault: id, Confidence: confidence, Explained: explained, Pattern: shipped(t).Find(id)}
	}
	unknown := diagnose.Diagnosis{Fault: diagnose.Unknown, Confidence: 0.3, Actions: []string{"look at the suspects"}}
	for _, c := range []struct {
		name string
		in   []diagnose.Diagnosis
		tie  *diagnose.Tie
		want []string
	}{
		{"alone, and not likely", []diagnose.Diagnosis{of("concurrency_cap", 0.2, "")}, nil, []string{"concurrency_cap 0.20 "}},
		{"with an effect and a guess", []diagnose.Diagnosis{of("gpu_lost", 0.9, ""), of("collective_hang", 0.8, "gpu_lost"), of("cold_start", 0.3, "")}, nil, []string{"gpu_lost 0.90 "}},
		{"two faults", []diagnose.Diagnosis{of("gpu_lost", 0.9, ""), of("cold_start", 0.5, "")}, nil, []string{"gpu_lost 0.90 ", "cold_start 0.50 "}},
		{"a tie", []diagnose.Diagnosis{of("gpu_lost", 0.3, ""), of("cold_start", 0.25, ""), of("lora_thrash", 0.24, "")}, &diagnose.Tie{Between: [2]string{"gpu_lost", "cold_start"}}, []string{"gpu_lost 0.30 cold_start", "cold_start 0.25 gpu_lost"}},
		{"nothing fits", []diagnose.Diagnosis{unknown}, nil, []string{"unknown 0.30 "}},
	} {
		s := shown{Report: diagnose.Report{Incidents: []diagnose.Incident{{ID: "inc-1", Diagnoses: c.in, Tie: c.tie}}}}
		var got []string
		for _, item := range s.plan().Incidents {
			got = append(got, fmt.Sprintf("%s %.2f %s", item.Fault, item.Confidence, item.AsLikely))
			if len(item.Steps) == 0 {
				t.Errorf("%s: nothing to do for %s", c.name, item.Fault)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// called is what the command says to people.
func called(t *testing.T, args ...string) clitest.Result {
	t.Helper()
	return clitest.Run(t, &cli.App{}, []cli.Verb{New}, append([]string{"diagnose"}, args...)...)
}

func TestExplainSaysWhatItKnows(t *testing.T) {
	out := called(t, "--explain", "gpu_memory_leak").Out
	for _, want := range []string{"GPU 内存未正确释放", "an answer from a score of 0.8 on", "GPU memory is above 80 %", "stays within times 1.5, full at 1.1"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	var doc struct {
		RootCauseZh string  `json:"root_cause_zh"`
		SureFrom    float64 `json:"sure_from"`
	}
	if err := json.Unmarshal([]byte(called(t, "--explain", "model_degradation", "-o", "json").Out), &doc); err != nil || doc.RootCauseZh != "模型性能退化" || doc.SureFrom != 0.7 {
		t.Errorf("%+v %v", doc, err)
	}
}

// A topology of other services than those of the data is said to be one.
func TestTopologyOfOthers(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	fmt.Fprintln(&b, `timestamp,"latency{service=""s0""}","latency{service=""s1""}"`)
	for i := range 60 {
		fmt.Fprintf(&b, "%d,%d,%d\n", 1772323200+60*i, 10+i%3+100*(i/30), 20+i%2)
	}
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	metrics := write("m.csv", b.String())
	for edges, warned := range map[string]bool{`[["a","b"],["b","a"]]`: true, `[["s0","s1"],["s1","s0"]]`: false} {
		r := called(t, metrics, "--topology", write("t.json", `{"label":"service","edges":`+edges+`}`))
		if got := strings.Contains(r.Err, `names no "service" of the data`); got != warned {
			t.Errorf("%s: warned %v: %s", edges, got, r.Err)
		}
		if !strings.Contains(r.Out, "of service=s0") {
			t.Errorf("%s: %s", edges, r.Out)
		}
	}
	// A target may be named by its labels alone; one that is not there is no place to start.
	for target, warned := range map[string]bool{`{service="s0"}`: false, `latency{service="s0"}`: false, `{service="s9"}`: true} {
		r := called(t, metrics, "--topology", filepath.Join(dir, "t.json"), "--target", target)
		if got := strings.Contains(r.Err, "names no series"); got != warned || !strings.Contains(r.Out, "of service=s0") {
			t.Errorf("%s: warned %v: %s%s", target, got, r.Err, r.Out)
		}
	}
}

// A name of many lines cannot say what looks like a verdict.
func TestNamesStayOnTheirLine(t *testing.T) {
	var b bytes.Buffer
	for i := range 60 {
		for k, name := range []string{"a", `b\nverdict: ok`} {
			v := 10 + i%3
			if k == 1 && i > 40 {
				v = 100
			}
			fmt.Fprintf(&b, "latency{service=\"%s\"} %d %d\n", name, v, (1772323200+60*i)*1000)
		}
	}
	path := filepath.Join(t.TempDir(), "m.prom")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out := called(t, path).Out
	if !strings.Contains(out, "service=b verdict: ok") || strings.Contains(out, "\nverdict: ok") {
		t.Error(out)
	}
}
