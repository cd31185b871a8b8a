package faulttest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llmops/analysis/faulttest"
	"llmops/rules/catalog"
	"llmops/rules/defaults"
	"llmops/rules/fault"
)

func shipped(t *testing.T) (fault.Catalogue, catalog.Catalog) {
	t.Helper()
	c, err := fault.Load(defaults.Faults, "faults")
	if err != nil {
		t.Fatal(err)
	}
	names, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c, names
}

// The tests of the faults that ship hold.
func TestShippedFaults(t *testing.T) {
	paths, err := filepath.Glob("../../rules/defaults/faults/tests/*_test.yaml")
	if err != nil || len(paths) < 2 {
		t.Fatalf("%v, %v", paths, err)
	}
	c, names := shipped(t)
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := faulttest.Read(filepath.Base(path), f)
		f.Close()
		if err == nil {
			err = file.Check(c, "unknown")
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range file.Cases {
			t.Run(test.Name, func(t *testing.T) {
				t.Parallel()
				out, err := test.Run(t.Context(), c, names)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range out.Failures {
					t.Errorf("%s: %s", x.Position, x.Message)
				}
			})
		}
	}
}

const one = `fault_tests:
  - name: a hang
    interval: 30s
    input_series:
      - {series: 'vllm:num_requests_running{instance="a"}', values: 8x119}
      - {series: 'vllm:generation_tokens_total{instance="a"}', values: 0+9000x59 540000x59}
`

// What does not hold is told, each with its place.
func TestFailures(t *testing.T) {
	c, names := shipped(t)
	for _, tt := range []struct{ expect, at, want string }{
		{"verdict: ok", "t.yaml:2:5", "the verdict is incident, not ok; found: collective_hang of replica=a"},
		{"first: gpu_lost", "t.yaml:2:5", `the first answer is "collective_hang", not gpu_lost`},
		{"absent: [collective_hang]", "t.yaml:2:5", "collective_hang is an answer"},
		{"diagnoses: [{fault: gpu_lost}]", "t.yaml:7:17", "no gpu_lost; found"},
		{"diagnoses: [{fault: collective_hang, entity: replica=b}]", "t.yaml:7:17", "no collective_hang of replica=b"},
		{"diagnoses: [{fault: collective_hang, confidence: [0.1, 0.2]}]", "t.yaml:7:17", "not from 0.1 to 0.2"},
		{"diagnoses: [{fault: collective_hang, explained_by: gpu_lost}]", "t.yaml:7:17", `explained by "", not by gpu_lost`},
		{"diagnoses: [{fault: collective_hang, evidence: [the GPUs spin]}]", "t.yaml:7:53", `"the GPUs spin" is not evidence, which is "no token comes out", "although requests are in the batch"`},
		{"diagnoses: [{fault: collective_hang, not_collected: [requests wait], against: [the engine restarted]}]", "t.yaml:7:84", "not against it"},
		{"diagnoses: [{fault: collective_hang, not_collected: [requests wait, the GPUs spin]}]", "", ""},
	} {
		f, err := faulttest.Read("t.yaml", strings.NewReader(one+"    "+tt.expect+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		out, err := f.Cases[0].Run(t.Context(), c, names)
		if err != nil {
			t.Fatal(err)
		}
		if out.Checks == 0 {
			t.Errorf("%s: no check", tt.expect)
		}
		if tt.want == "" {
			if len(out.Failures) > 0 {
				t.Errorf("%s: %v", tt.expect, out.Failures)
			}
			continue
		}
		if len(out.Failures) != 1 || out.Failures[0].Position.String() != tt.at || !strings.Contains(out.Failures[0].Message, tt.want) {
			t.Errorf("%s: %v, want %s: %s", tt.expect, out.Failures, tt.at, tt.want)
		}
	}
}

// What is wrong with a file is told, all of it.
func TestProblems(t *testing.T) {
	c, _ := shipped(t)
	for text, want := range map[string][]string{
		one: {`t.yaml:2:5: the test "a hang" expects nothing`},
		strings.Replace(one, "8x119", "8y119", 1) + "    verdict: ok\n":           {"t.yaml:5:18: series vllm:num_requests_running"},
		strings.Replace(one, "30s", "soon", 1) + "    verdict: fine\n":            {`t.yaml:3:15: want a duration above 0, not "soon"`, `t.yaml:7:14: unknown word "fine"`},
		one + "    first: collective_hung\n":                                      {`no fault is called "collective_hung"`},
		one + "    diagnoses: [{fault: collective_hang, evidence: [it hangs]}]\n": {`collective_hang has no symptom "it hangs"`},
		"fault_test: []": {`t.yaml:1:1: unknown key "fault_test"`},
		one + "    diagnoses: [{fault: collective_hang, confidence: [0.9, 2]}]\n": {"confidence: want the least and the most"},
	} {
		f, err := faulttest.Read("t.yaml", strings.NewReader(text))
		if err == nil {
			err = f.Check(c)
		}
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s\n%v, want %s", text, err, w)
			}
		}
	}
}

// An answer is one by its score: what is the first answer of an incident is not absent because
// such answers are seldom right.
func TestAbsentOfAnUnlikelyAnswer(t *testing.T) {
	c, names := shipped(t)
	mine, err := fault.Read("mine.yaml", strings.NewReader(`faults:
  - {id: mine, en: Mine, cause: c, symptoms: [{name: there is a batch, expr: running, above: 5, weight: 3.8, required: true}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	f, err := faulttest.Read("t.yaml", strings.NewReader(strings.Replace(one, "0+9000x59 540000x59", "0+9000x119", 1)+"    first: mine\n    absent: [mine]\n"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Cases[0].Run(t.Context(), c.With(mine), names)
	if err != nil {
		t.Fatal(err)
	}
	if d := out.Report.Incidents[0].Diagnoses[0]; d.Confidence >= 0.5 {
		t.Fatalf("%s: a confidence of %g", d.Fault, d.Confidence)
	}
	if len(out.Failures) != 1 || !strings.Contains(out.Failures[0].Message, "mine is an answer") {
		t.Errorf("%+v", out.Failures)
	}
}
