package loadreport

import (
	"strings"
	"testing"
	"time"

	"llmops/analysis/stats"
)

// lateness is n values of on and k of late.
func lateness(n, k uint64, on, late time.Duration) *stats.Sketch {
	var s stats.Sketch
	s.AddN(int64(on), n)
	s.AddN(int64(late), k)
	return &s
}

func TestJudgeClient(t *testing.T) {
	second, msec := time.Second, time.Millisecond
	rate := func(asked, achieved float64) Health {
		return Health{AskedRate: &asked, AchievedRate: &achieved, Window: 100 * second}
	}
	for name, c := range map[string]struct {
		h      Health
		want   ClientVerdict
		reason string
	}{
		"closed loop":                    {Health{Lateness: &stats.Sketch{}}, ClientValid, ""},
		"nothing known":                  {Health{}, ClientValid, ""},
		"late by 10 ms":                  {Health{Lateness: lateness(0, 100, 0, 10*msec)}, ClientValid, ""},
		"late by more than 10 ms":        {Health{Lateness: lateness(98, 2, 0, 11*msec)}, ClientSuspect, "p99 11ms"},
		"one percent may be late":        {Health{Lateness: lateness(99, 1, 0, 50*msec)}, ClientValid, ""},
		"5% of TTFT":                     {Health{Lateness: lateness(0, 100, 0, 6*msec), MedianTTFT: new(100 * msec)}, ClientSuspect, "above 5ms"},
		"within 5% of TTFT":              {Health{Lateness: lateness(0, 100, 0, 4*msec), MedianTTFT: new(100 * msec)}, ClientValid, ""},
		"timer of a fast service":        {Health{Lateness: lateness(0, 100, 0, 1900*time.Microsecond), MedianTTFT: new(5 * msec)}, ClientValid, ""},
		"slow service, 10 ms still":      {Health{Lateness: lateness(0, 100, 0, 12*msec), MedianTTFT: new(10 * second)}, ClientSuspect, "above 10ms"},
		"a tenth of latency":             {Health{Lateness: lateness(900, 100, 0, 200*msec), MedianLatency: new(second)}, ClientInvalid, "100 of 1000"},
		"under a tenth of latency":       {Health{Lateness: lateness(900, 100, 0, 200*msec), MedianLatency: new(10 * second)}, ClientSuspect, ""},
		"over a tenth, under 100 ms":     {Health{Lateness: lateness(900, 100, 0, 90*msec), MedianLatency: new(100 * msec)}, ClientSuspect, ""},
		"one pause of a shared machine":  {Health{Lateness: lateness(49, 1, 0, 400*msec), MedianLatency: new(50 * msec)}, ClientSuspect, ""},
		"two of fifty may be chance":     {Health{Lateness: lateness(48, 2, 0, 400*msec), MedianLatency: new(50 * msec)}, ClientSuspect, ""},
		"three of fifty are not":         {Health{Lateness: lateness(47, 3, 0, 400*msec), MedianLatency: new(50 * msec)}, ClientInvalid, "3 of 50"},
		"no latency to compare with":     {Health{Lateness: lateness(0, 100, 0, second)}, ClientSuspect, ""},
		"rate kept":                      {rate(100, 99.1), ClientValid, ""},
		"rate short":                     {rate(100, 98), ClientSuspect, "98.0%"},
		"rate far short":                 {rate(100, 89), ClientInvalid, "89 requests/s of 100"},
		"rate 90%":                       {rate(100, 90), ClientSuspect, ""},
		"few requests at the edge":       {rate(0.1, 0.06), ClientValid, ""},
		"no rate asked":                  {rate(0, 0), ClientValid, ""},
		"busy":                           {Health{CPUShare: new(0.81)}, ClientSuspect, "81% of its cores"},
		"busy, within":                   {Health{CPUShare: new(0.8)}, ClientValid, ""},
		"coalesced":                      {Health{CoalescedRatio: new(0.5)}, ClientSuspect, "50% of token events"},
		"coalesced by a server at times": {Health{CoalescedRatio: new(0.2)}, ClientValid, ""},
		"waits, stamps of the kernel":    {Health{SchedP99: new(9 * msec), MedianTTFT: new(10 * msec)}, ClientValid, ""},
		"starved":                        {Health{SchedP99: new(11 * msec), MedianTTFT: new(10 * msec)}, ClientSuspect, "waited for a processor"},
		"waits, own stamps":              {Health{UserStamps: true, SchedP99: new(9 * msec), MedianTTFT: new(10 * msec)}, ClientSuspect, "above 2ms"},
		"starved, own stamps":            {Health{UserStamps: true, SchedP99: new(101 * msec), MedianLatency: new(second)}, ClientInvalid, "time stamps are the client's own"},
		"starved, stamps of the kernel":  {Health{SchedP99: new(101 * msec), MedianLatency: new(second)}, ClientSuspect, ""},
		"long pause":                     {Health{PauseMax: new(3 * msec), MedianTTFT: new(40 * msec)}, ClientSuspect, "garbage collector"},
		"short pause":                    {Health{PauseMax: new(2 * msec), MedianTTFT: new(40 * msec)}, ClientValid, ""},
		"clock set back":                 {Health{ClockStep: new(-1500 * msec)}, ClientSuspect, "by -1.5s"},
		"own finding":                    {Health{Suspect: []string{"clock set"}}, ClientSuspect, "clock set"},
		"worst first":                    {Health{Suspect: []string{"clock set"}, Invalid: []string{"no ports left"}}, ClientInvalid, "no ports left"},
	} {
		t.Run(name, func(t *testing.T) {
			got, reasons := JudgeClient(c.h)
			if got != c.want {
				t.Errorf("%s, want %s: %q", got, c.want, reasons)
			}
			if (len(reasons) == 0) != (got == ClientValid) || reasons == nil {
				t.Errorf("reasons %#v", reasons)
			}
			if c.reason != "" && !strings.Contains(reasons[0], c.reason) {
				t.Errorf("%q does not say %q", reasons[0], c.reason)
			}
		})
	}
}
