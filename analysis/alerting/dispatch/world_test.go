package dispatch

import (
	"strings"
	"testing"

	"llmops/rules/alert/routing"
)

// Muted times are looked up from the first alert on, and not since 1970 where nothing
// fires: that took seconds a route.
func TestMutedTimesOfNothing(t *testing.T) {
	c, err := routing.Read("routes.yaml", strings.NewReader(`
route:
  receiver: hook
  routes:
    - {receiver: hook, matchers: [severity="a"], mute_time_intervals: [night]}
receivers: [{name: hook, url_env: HOOK}]
time_intervals:
  - {name: night, time_intervals: [{times: [{start_time: "00:00", end_time: "08:00"}]}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	const now = 1_772_323_200_000 // midnight
	for _, tc := range []struct {
		name   string
		alerts []Alert
		want   int // nights
	}{
		{"nothing", nil, 1},
		{"ten days", []Alert{{From: now - 10*day, To: 0}}, 11},
	} {
		w := observe(c, tc.alerts, 0, now)
		nights := 0
		for _, spans := range w.mutes {
			nights += len(spans)
		}
		if nights != tc.want {
			t.Errorf("%s: %d nights are known, want %d", tc.name, nights, tc.want)
		}
	}
}

const day = 86_400_000
