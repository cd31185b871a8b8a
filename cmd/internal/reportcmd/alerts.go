package reportcmd

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// alertsDoc is what is read of "llmops alerts -o json".
type alertsDoc struct {
	Input struct {
		Series int       `json:"series"`
		Start  time.Time `json:"start"`
		End    time.Time `json:"end"`
		Rules  int       `json:"rules"`
	} `json:"input"`
	Alerts []alertDoc `json:"alerts"`
	Rules  []struct {
		Name    string   `json:"name"`
		Kind    string   `json:"kind"`
		Fired   int      `json:"fired"`
		Missing []string `json:"missing"`
	} `json:"rules"`
	Notifications []struct {
		At       time.Time `json:"at"`
		Receiver string    `json:"receiver"`
		Reason   string    `json:"reason"`
		Firing   []struct {
			Name string `json:"alertname"`
		} `json:"firing"`
		Resolved []struct {
			Name string `json:"alertname"`
		} `json:"resolved"`
	} `json:"notifications"`
	Verdict string `json:"verdict"`
}

type alertDoc struct {
	Name       string            `json:"alertname"`
	Severity   string            `json:"severity"`
	Labels     map[string]string `json:"labels"`
	Notes      map[string]string `json:"annotations"`
	ActiveAt   time.Time         `json:"active_at"`
	FiredAt    *time.Time        `json:"fired_at"`
	ResolvedAt *time.Time        `json:"resolved_at"`
	State      string            `json:"state"`
	Value      *float64          `json:"value"`
	Receivers  []string          `json:"receivers"`
}

// severities are known words, worst first; others come after them.
func severityRank(s string) int {
	if i := slices.Index([]string{"critical", "page", "warning", "ticket", "info"}, s); i >= 0 {
		return i
	}
	return 9
}

// readAlerts reads what "llmops alerts -o json" wrote.
func readAlerts(d document) (part, error) {
	var r alertsDoc
	if err := d.decode(d.text, 0, &r); err != nil {
		return part{}, err
	}
	p := part{
		source: d.name, schema: d.schema, what: "alerts", title: "Alerts", verdict: r.Verdict, document: raw(d.text),
		about: fmt.Sprintf("%s over %d series, %s to %s", render.Plural(r.Input.Rules, "rule"), r.Input.Series, render.Clock(r.Input.Start), render.Clock(r.Input.End)),
	}
	switch r.Verdict {
	case "ok":
		p.state, p.why = passed, "no rule fired"
	case "firing", "pending", "resolved":
		p.state = attention
	default:
		return p, d.unknown(r.Verdict)
	}
	list := slices.SortedStableFunc(slices.Values(r.Alerts), func(a, b alertDoc) int {
		return cmp.Or(severityRank(a.Severity)-severityRank(b.Severity), a.ActiveAt.Compare(b.ActiveAt), strings.Compare(a.Name, b.Name))
	})
	var fired []string
	for _, a := range list {
		if a.FiredAt == nil {
			continue
		}
		e := event{From: *a.FiredAt, To: *a.FiredAt, Open: true, Kind: html.Attention, Lane: "alert " + a.Name}
		if a.Severity != "" {
			e.Lane = fmt.Sprintf("alert %s (%s)", a.Name, a.Severity)
		}
		if severityRank(a.Severity) <= severityRank("page") {
			e.Kind = html.Fail
		}
		switch {
		case a.ResolvedAt != nil:
			e.To, e.Open = *a.ResolvedAt, false
		case r.Input.End.After(e.From):
			e.To = r.Input.End
		}
		p.events = append(p.events, e)
		if name := render.Clean(e.Lane); !slices.Contains(fired, name) {
			fired = append(fired, name)
		}
	}
	if p.state == attention {
		p.why = "pending: no alert fired yet"
		if len(fired) > 0 {
			p.why = strings.ReplaceAll(render.List(fired, 3), "alert ", "") + " fired"
		}
	}
	p.alertTables(r, list)
	return p, nil
}

func (p *part) alertTables(r alertsDoc, list []alertDoc) {
	t := &render.Table{Columns: render.Columns("state", "severity", "alert", "labels", "since", "until", ">value", "told")}
	for _, a := range list {
		until := render.None
		if a.ResolvedAt != nil {
			until = render.Clock(*a.ResolvedAt)
		}
		var labels []string
		for _, k := range slices.Sorted(maps.Keys(a.Labels)) {
			if k != "alertname" && k != "severity" {
				labels = append(labels, k+"="+render.Cut(a.Labels[k], 60))
			}
		}
		t.Add(a.State, a.Severity, a.Name, strings.Join(labels, ", "), render.Clock(*cmp.Or(a.FiredAt, &a.ActiveAt)), until, render.Optional(a.Value, render.Number), strings.Join(a.Receivers, ", "))
	}
	p.table("Alerts, worst first", cut(t), t, plain)
	told := &render.Table{Columns: render.Columns("at", "receiver", "why", "alerts")}
	for _, n := range r.Notifications {
		var names []string
		for _, x := range slices.Concat(n.Firing, n.Resolved) {
			if !slices.Contains(names, x.Name) {
				names = append(names, x.Name)
			}
		}
		told.Add(render.Clock(n.At), n.Receiver, n.Reason, render.List(names, 4))
	}
	p.table("Who is told when", cut(told), told, plain)
	never, blind := 0, 0
	for _, x := range r.Rules {
		switch {
		case x.Kind != "alert" || x.Fired > 0:
		case len(x.Missing) > 0:
			blind++
		default:
			never++
		}
	}
	if never > 0 {
		p.lead = append(p.lead, "never fired: "+render.Plural(never, "rule"))
	}
	if blind > 0 {
		p.lead = append(p.lead, "could not fire, as what they need was not measured: "+render.Plural(blind, "rule"))
	}
}
