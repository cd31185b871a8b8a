package reportcmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// anomaliesDoc is what is read of "llmops detect -o json".
type anomaliesDoc struct {
	Source struct {
		Files  []string `json:"files"`
		Series int      `json:"series"`
		Judged int      `json:"judged"`
	} `json:"source"`
	Anomalies []anomalyDoc `json:"anomalies"`
	Verdict   string       `json:"verdict"`
}

type anomalyDoc struct {
	Series    string    `json:"series"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Value     *float64  `json:"value"` // nil: beyond all numbers
	Low       *float64  `json:"expected_low"`
	High      *float64  `json:"expected_high"`
	Score     float64   `json:"score"`
	Detectors []string  `json:"detectors"`
}

// fewSeries is how many series with anomalies have a lane on the time line.
const fewSeries = 8

// readAnomalies reads what "llmops detect -o json" wrote; worst first, as it is there.
func readAnomalies(d document) (part, error) {
	var r anomaliesDoc
	if err := d.decode(d.text, 0, &r); err != nil {
		return part{}, err
	}
	p := part{
		source: d.name, schema: d.schema, what: "anomalies", title: "Anomalies", verdict: r.Verdict, document: raw(d.text),
		about: fmt.Sprintf("%s, %d series, %d of them with values enough", render.Plural(len(r.Source.Files), "file"), r.Source.Series, r.Source.Judged),
	}
	switch r.Verdict {
	case "ok":
		p.state, p.why = passed, "nothing unusual"
	case "anomalies":
		p.state, p.why = attention, "anomalies"
	case "insufficient_data":
		p.state, p.why = undetermined, "no series has rows enough to be judged"
		p.err = cli.NoVerdict(errors.New(p.why))
	default:
		return p, d.unknown(r.Verdict)
	}
	t := &render.Table{Columns: render.Columns(">score", "from", "to", "series", ">value", "expected", "detectors")}
	var series []string
	for i, a := range r.Anomalies {
		value, expected := render.Optional(a.Value, render.Number), render.None
		if a.Low != nil && a.High != nil {
			expected = render.Number(*a.Low) + " to " + render.Number(*a.High)
		}
		t.Add(fmt.Sprintf("%.3f", a.Score), render.Clock(a.From), render.Clock(a.To), a.Series, value, expected, strings.Join(a.Detectors, " "))
		if i == 0 {
			p.why = render.Clean(andMore(fmt.Sprintf("%s from %s on: %s, score %.3f", a.Series, render.Clock(a.From), value, a.Score), len(r.Anomalies), "anomaly"))
		}
		if !slices.Contains(series, a.Series) {
			series = append(series, a.Series)
		}
		if slices.Index(series, a.Series) < fewSeries {
			p.events = append(p.events, event{From: a.From, To: a.To, Kind: html.Attention, Lane: "unusual: " + a.Series})
		}
	}
	p.table("Anomalies, worst first", cut(t), t, plain)
	return p, nil
}
