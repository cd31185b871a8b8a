package alertscmd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"llmops/analysis/alerting/noise"
	"llmops/cmd/internal/render"
)

// noiseDoc is what the alerts cost, in the JSON form.
type noiseDoc struct {
	noise.Report
	Causes []causeDoc `json:"causes"`
}

// causeDoc is alerts that seem to have one cause.
type causeDoc struct {
	First         ref     `json:"first"`
	Alerts        []int   `json:"alerts"` // their places in the list "alerts", from 0
	From          moment  `json:"from"`
	To            *moment `json:"to"` // null: one still fires
	Notifications int     `json:"notifications"`
}

func (r *report) noiseDoc() noiseDoc {
	d := noiseDoc{r.noise, []causeDoc{}}
	for _, c := range r.noise.Causes {
		d.Causes = append(d.Causes, causeDoc{r.ref(c.First), c.IDs, moment(c.From), momentIf(c.To != 0, c.To), c.Notifications})
	}
	return d
}

// ruleTable ranks the rules that fired by the sleep that they cost.
func (r *report) ruleTable() *render.Table {
	header := []string{"RULE", "SEVERITY", ">FIRED", ">FIRING", ">MESSAGES", ">AT NIGHT", ">UNTOLD"}
	daily := r.noise.PerDay != nil
	if daily {
		header = slices.Insert(header, 3, ">A DAY")
	}
	t := &render.Table{Columns: render.Columns(header...)}
	for _, n := range r.noise.Rules {
		row := []string{short(n.Name), short(n.Severity), strconv.Itoa(n.Fired), span(int64(n.FiringS * 1000)),
			strconv.Itoa(n.Notifications), strconv.Itoa(n.AtRest), strconv.Itoa(n.Quiet)}
		if daily {
			row = slices.Insert(row, 3, render.Number(float64(n.Fired)/r.noise.Days))
		}
		t.Add(row...)
	}
	return t
}

// flapTable has the alerts that come and go.
func (r *report) flapTable() *render.Table {
	t := &render.Table{Columns: render.Columns("ALERT", "WHERE", ">FIRED", ">IN AN HOUR", ">SHORTEST BREAK")}
	var alerts []labelled
	for _, f := range r.noise.Flapping {
		alerts = append(alerts, labelled{f.Labels["alertname"], f.Labels, map[string]string{"alertname": "", "severity": ""}})
	}
	where := apart(alerts)
	for i, f := range r.noise.Flapping {
		pause := "-"
		if f.Gap != nil {
			pause = span(int64(*f.Gap * 1000))
		}
		t.Add(short(f.Labels["alertname"]), short(where[i]), strconv.Itoa(f.Fired), strconv.Itoa(f.Most), pause)
	}
	return t
}

// causeTable has the alerts that seem to have one cause.
func (r *report) causeTable() *render.Table {
	t := &render.Table{Columns: render.Columns("FROM", ">FOR", "FIRST", "WITH", ">ALERTS", ">MESSAGES")}
	for _, c := range r.noise.Causes {
		to := c.To
		if to == 0 {
			to = r.result.End
		}
		first := r.result.Alerts[c.First].Name
		var with []string
		for _, id := range c.IDs {
			if name := r.result.Alerts[id].Name; name != first {
				with = append(with, name)
			}
		}
		t.Add(r.when(c.From), span(to-c.From), short(first), short(render.List(unique(with), 3)), strconv.Itoa(len(c.IDs)), strconv.Itoa(c.Notifications))
	}
	return t
}

// cost is a sentence on what all of it cost.
func (r *report) cost() string {
	n := r.noise
	if n.Notifications == 0 {
		return ""
	}
	var parts []string
	for _, x := range n.Receivers {
		parts = append(parts, fmt.Sprintf("%s %d", short(x.Name), x.Notifications))
	}
	text := fmt.Sprintf("%s: %s", render.Plural(n.Notifications, "message"), render.List(parts, 6))
	if n.AtRest > 0 {
		text += fmt.Sprintf("; %d at night", n.AtRest)
	}
	if n.PerDay != nil {
		text += "; " + render.Number(*n.PerDay) + " a day"
	}
	return strings.TrimSpace(text)
}
