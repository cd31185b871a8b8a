package dispatch_test

import (
	"fmt"
	"testing"

	"llmops/analysis/alerting/dispatch"
)

// 10,000 alerts of 1,000 series in 30 days, with inhibition, silences, muted
// nights and escalation.
func BenchmarkSimulate(b *testing.B) {
	c := routes(b, `
route:
  receiver: hook
  group_by: [alertname]
  escalation: [{after: 15m, receiver: lead}]
  routes: [{matchers: [severity="warning"], mute_time_intervals: [night]}]
inhibit_rules: [{source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [replica]}]
silences: [{matchers: [replica="7"], starts_at: 1970-01-02T00:00:00Z, ends_at: 1970-01-20T00:00:00Z}]
receivers: [{name: hook, url_env: HOOK}, {name: lead, url_env: LEAD}]
time_intervals: [{name: night, time_intervals: [{times: [{start_time: "00:00", end_time: "07:00"}]}]}]
`)
	const day = 24 * 3600
	var alerts []dispatch.Alert
	for i := range 10_000 {
		series := i % 1000
		from := int64(i/1000)*3*day + int64(series)*97
		severity := []string{"critical", "warning"}[series%2]
		alerts = append(alerts, alert(i, fmt.Sprintf("A%d replica=%d severity=%s", series%40, series/2, severity), from, from+600+int64(series)*60))
	}
	told := 0
	for b.Loop() {
		told = len(dispatch.Simulate(c, alerts, 0, 30*day*1000).Notifications)
	}
	b.ReportMetric(float64(told), "notifications")
	if told == 0 {
		b.Fatal("nobody is told")
	}
}
