package loadtestcmd

import (
	"strings"
	"testing"
	"time"

	"llmops/cmd/internal/cli"
)

func TestMoment(t *testing.T) {
	for text, want := range map[string]string{
		"2030-01-31T12:00:00Z":      "2030-01-31T12:00:00Z",
		"2030-01-31T12:00:00+02:00": "2030-01-31T10:00:00Z",
		"2030-01-31T12:00:00.25Z":   "2030-01-31T12:00:00.25Z",
		"1896091200":                "2030-01-31T12:00:00Z",
		"1896091200.25":             "2030-01-31T12:00:00.25Z",
	} {
		var m, again moment
		if err := m.Set(text); err != nil || m.String() != want {
			t.Errorf("%s is %s, %v, want %s", text, &m, err, want)
		}
		if err := again.Set(m.String()); err != nil || !again.Equal(m.Time) {
			t.Errorf("%s is read as %s, %v", &m, &again, err)
		}
	}
	for _, text := range []string{"", "now", "12:00", "-1", "NaN", "Inf", "1896091200000"} {
		if err := new(moment).Set(text); err == nil {
			t.Errorf("%q is taken for a time", text)
		}
	}
}

func TestStartAtCommand(t *testing.T) {
	_, url := simulator(t)
	at := time.Now().Add(2500 * time.Millisecond)
	s, r, dir := tested(t, url, "--requests", "6", "--concurrency", "2", "--start-at", at.Format(time.RFC3339Nano), "--shard", "1/2")
	if len(kept(t, dir)) != 3 || s.StartedAt.Before(at.Truncate(time.Millisecond)) || !strings.Contains(r.Err, "begins at") {
		t.Errorf("began at %s, was to at %s\n%s", s.StartedAt, at, r.Err)
	}
	want(t, loadtest(t, nil, url, "--start-at", "2020-01-31T12:00:00Z"), cli.CodeUsage, "--start-at 2020-01-31T12:00:00Z has passed")
	want(t, loadtest(t, nil, url, "--start-at", "2200-01-31T12:00:00Z"), cli.CodeUsage, "more than 7 days away")
	want(t, loadtest(t, nil, url, "--start-at", "noon"), cli.CodeUsage, "want a time such as")
}
