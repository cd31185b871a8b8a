// Package random makes metrics and rule groups at random, for tests that hold the
// replay to something else. The same seed gives the same ones. It must not be used by
// anything but tests.
package random

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/rules/alert"
)

// A Series is labels and samples in order of time; NaN says that it is stale.
type Series struct {
	Labels  labels.Labels
	Samples []Sample
}

// A Sample is a value at a time in ms.
type Sample struct {
	T     int64
	Value float64
	Stale bool
}

// A Case is what is replayed.
type Case struct {
	Start, End int64 // ms
	Series     []Series
	Groups     []alert.Group
	// Own tells that the series may have the names of what the rules record.
	Own bool
}

// Make makes a case.
func Make(seed uint64) Case {
	g := maker{rand.New(rand.NewPCG(seed, 1))}
	c := Case{Start: 1_700_000_000_000, Own: g.IntN(4) == 0}
	c.End = c.Start + int64(20+g.IntN(40))*60_000
	c.Series = g.series(c)
	for i := range 1 + g.IntN(3) {
		c.Groups = append(c.Groups, g.group(i))
	}
	return c
}

type maker struct{ *rand.Rand }

func pick[T any](g maker, of ...T) T { return of[g.IntN(len(of))] }

// series are a few metrics m0 ... m3 with two labels, sorted by them. Values are small
// and whole, for results that are often equal and sums that are exact.
func (g maker) series(c Case) []Series {
	names := []string{"m0", "m1", "m2", "m3"}
	if c.Own {
		names = append(names, "r:0", "r:1", "ALERTS")
	}
	var all []Series
	for _, name := range names {
		for i := range 3 {
			for j := range 2 {
				if g.IntN(3) == 0 {
					continue
				}
				ls := labels.FromStrings(model.MetricNameLabel, name, "i", fmt.Sprint(i), "j", fmt.Sprint(j))
				if name == "ALERTS" {
					ls = labels.FromStrings(model.MetricNameLabel, name, "alertname", fmt.Sprintf("A%d", i), "alertstate", pick(g, "pending", "firing"))
					if j > 0 {
						continue
					}
				}
				all = append(all, Series{ls, g.samples(c)})
			}
		}
	}
	return all
}

func (g maker) samples(c Case) []Sample {
	step := pick[int64](g, 15_000, 20_000, 30_000, 60_000)
	shift := pick[int64](g, 0, 0, 1, 7_000)
	v, counter := float64(g.IntN(10)), g.IntN(3) == 0
	hold := 1 + g.IntN(8)
	var all []Sample
	for t := c.Start + shift; t <= c.End; t += step {
		switch g.IntN(60) {
		case 0:
			t += step * int64(g.IntN(30)) // a gap
		case 1:
			all = append(all, Sample{T: t, Stale: true})
			continue
		}
		switch {
		case counter:
			v += float64(g.IntN(4))
			if g.IntN(40) == 0 {
				v = 0
			}
		case g.IntN(hold) == 0:
			v = float64(g.IntN(10))
		}
		all = append(all, Sample{T: t, Value: v})
	}
	if len(all) == 0 {
		all = append(all, Sample{T: c.Start, Value: 1})
	}
	return all
}

func duration(seconds int) model.Duration {
	return model.Duration(time.Duration(seconds) * time.Second)
}

func (g maker) group(n int) alert.Group {
	group := alert.Group{Name: fmt.Sprintf("g%d", n), Interval: duration(pick(g, 15, 30, 40, 60))}
	if g.IntN(4) == 0 {
		group.QueryOffset = new(duration(pick(g, 0, 15, 30, 75)))
	}
	if g.IntN(5) == 0 {
		group.Limit = 1 + g.IntN(4)
	}
	if g.IntN(4) == 0 {
		group.Labels = map[string]string{pick(g, "team", "i", "s"): pick(g, "x", "")}
	}
	for range 1 + g.IntN(4) {
		group.Rules = append(group.Rules, g.rule())
	}
	return group
}

func (g maker) rule() alert.Rule {
	if g.IntN(3) == 0 {
		r := alert.Rule{Record: fmt.Sprintf("r:%d", g.IntN(2)), Expr: g.recorded()}
		if g.IntN(3) == 0 {
			r.Labels = map[string]string{pick(g, "s", "i", "j"): pick(g, "x", "y", "")}
		}
		return r
	}
	r := alert.Rule{Alert: fmt.Sprintf("A%d", g.IntN(3)), Expr: g.condition()}
	if g.IntN(3) > 0 {
		r.For = duration(pick(g, 10, 30, 60, 90, 120, 300))
	}
	if g.IntN(3) == 0 {
		r.KeepFiringFor = duration(pick(g, 10, 30, 60, 90, 300))
	}
	switch {
	case g.IntN(2) == 0:
	case strings.Contains(r.Expr, "ALERTS"):
		// A template that gives nothing leaves its text in ALERTS, and an alert on that
		// has the text for a label: two alerts with one ALERTS_FOR_STATE, of which
		// Prometheus keeps either.
		r.Labels = map[string]string{pick(g, "s", "i", "t"): pick(g, "x", "y", "")}
	default:
		r.Labels = map[string]string{pick(g, "s", "i", "j", "alertstate", "t"): pick(g, texts...)}
	}
	if g.IntN(2) == 0 {
		r.Annotations = map[string]string{"a": pick(g, texts...), "b": pick(g, texts...)}
	}
	return r
}

var texts = []string{
	"", "x", "x", "y", "{{ $labels.i }}", "{{ $value }}", `{{ "" }}`, `{{ if gt $value 7.0 }}high{{ else }}low{{ end }}`,
	`{{ if eq $labels.j "0" }}zero{{ end }}`, `{{ query "m1" | len }}`, `{{ with query "max(r:0)" }}{{ . | first | value }}{{ end }}`,
	`{{ range query "ALERTS" | sortByLabel "alertname" }}{{ .Labels.alertname }}{{ end }}`, `{{ (query "max(m3)" | first).Value }}`, "{{ $labels.i.k }}",
	`{{ $externalLabels.region }}{{ $externalURL }}`, "{{ now }}", `{{ query (printf "m%s" $labels.i) | len }}`,
}

// metric is something that may have a value.
func (g maker) metric() string {
	return pick(g, "m0", "m1", "m2", "m3", "m0", "m1", `m2{i="1"}`, `m3{j!="0"}`, "r:0", "r:1", `r:0{s="x"}`)
}

// recorded is an expression that is worth recording.
func (g maker) recorded() string {
	m, n := g.metric(), g.metric()
	return pick(g,
		m, m+" + "+n, "sum by (i) ("+m+")", "sum("+m+")", "rate("+m+"[2m])", "avg_over_time("+m+"[3m])", m+" / "+n, "count by (j) ("+m+" > 3)",
		"max without (i) ("+m+")", `label_replace(`+m+`, "i", "z", "j", "1")`, "ALERTS", "count(ALERTS) or vector(0)", "vector(time())", "topk(2, "+m+")", "bottomk(1, "+m+" > 2)",
		"histogram_quantile(0.5, "+m+")", `{__name__=~"m[01]"}`, "avg("+m+" / on (i, j) "+n+")", "max_over_time("+m+"[5m:1m])", "absent("+m+")",
		"r:0 + 1 or vector(1)", "stddev by (i) (abs("+m+"))", m+" offset 2m", "7", "count_values by (i) (\"t\", "+m+")", "quantile(0.9, "+m+" or "+n+")",
		m+` + on () group_left () sum(`+n+`)`, "timestamp("+m+")", "sum_over_time((sum by (i) ("+m+"))[4m:30s])", "clamp_max("+m+", 4) * 0.1",
	)
}

// condition is an expression that is worth an alert.
func (g maker) condition() string {
	m, n := g.metric(), g.metric()
	limit := fmt.Sprint(g.IntN(10))
	return pick(g,
		m+" > "+limit, m+" > "+limit, m+" < "+limit, m+" >= "+limit+" and "+n+" > 2", m+" > "+limit+" unless "+n, m+" > "+n, m+" == "+limit+" or "+n+" == 1",
		"rate("+m+"[1m]) > 0", "increase("+m+"[3m]) > "+limit, "sum by (i) ("+m+") > "+limit, "absent("+m+")", "absent_over_time("+m+"[2m])", "max_over_time("+m+"[90s]) > "+limit,
		`{__name__=~"m0|m1"} > `+limit, `ALERTS{alertstate="firing"}`, `ALERTS{alertname="A0"} == 1`, "ALERTS_FOR_STATE > 0", "count(ALERTS) > 1",
		m+" offset 1m > "+limit, m+" offset -30s > "+limit, m+" @ 1700000600 > "+limit, m+" @ end() > "+limit, "changes("+m+"[2m]) > 2", "vector("+limit+")", limit, m+"[1m]",
		"avg("+m+" / on (i, j) "+n+") > 1", m+" > bool "+limit, "("+m+" > "+limit+") * on (i) group_left () sum by (i) ("+n+")", "sum("+m+" > 3) > "+limit,
		"min_over_time(("+m+" > bool "+limit+")[2m:20s]) == 1", "deriv("+m+"[2m]) > 0", m+" != "+m, "0 / ("+m+" - "+m+")", "r:0 > "+limit, "r:1 > "+limit, "-"+m+" < -"+limit,
		`rate({__name__=~"m[0-3]"}[1m]) > 0`, "bottomk(1, "+m+") < "+limit, "vector(time()) % 120 == 0", m+" > scalar("+n+")",
	)
}
