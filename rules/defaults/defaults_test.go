package defaults_test

import (
	"io/fs"
	"testing"
	"time"

	"llmops/rules/defaults"
	"llmops/rules/slo"
)

// The objectives are the four that the documentation promises.
func TestObjectives(t *testing.T) {
	f, err := defaults.Objectives.Open("objectives" + defaults.Extension)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := slo.Load("objectives", f)
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		name, text, target string
		window, slice      time.Duration
		alerts             int
	}
	want := []line{
		{"availability", "success_rate >= 0.999", "0.999", 30 * 24 * time.Hour, 0, 3},
		{"latency", "p95_latency_ms < 500", "0.95", 24 * time.Hour, 0, 0},
		{"throughput", "requests_per_second > 1000 in 90% of 1m slices", "0.9", time.Hour, time.Minute, 0},
		{"quality", "p5_quality_score > 0.8", "0.95", 24 * time.Hour, 0, 0},
	}
	if len(file.Objectives) != len(want) {
		t.Fatalf("%d objectives", len(file.Objectives))
	}
	for i, o := range file.Objectives {
		if got := (line{o.Name, o.String(), o.Target.Text, o.Window, o.Slice, len(o.Alerts)}); got != want[i] {
			t.Errorf("%+v, want %+v", got, want[i])
		}
		if o.Calendar != nil || o.Errors != slo.ErrorsExclude {
			t.Errorf("%s: %+v", o.Name, o)
		}
	}
}

func TestFilesHaveTheExtension(t *testing.T) {
	for _, files := range []fs.FS{defaults.Objectives, defaults.Rules} {
		names, err := fs.Glob(files, "*")
		if err != nil || len(names) == 0 {
			t.Fatalf("%v, %v", names, err)
		}
		for _, name := range names {
			if len(name) <= len(defaults.Extension) || name[len(name)-len(defaults.Extension):] != defaults.Extension {
				t.Errorf("%s cannot be named with %s", name, defaults.Prefix)
			}
		}
	}
}
