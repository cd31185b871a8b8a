package detectcmd

import (
	"math"

	"llmops/analysis/detect"
)

// document is the JSON form.
type document struct {
	Schema    string         `json:"schema"`
	Source    sourceEntry    `json:"source"`
	Anomalies []anomalyEntry `json:"anomalies"`
	Events    []eventEntry   `json:"events,omitempty"`
	// Interrupted tells that not all was judged.
	Interrupted bool   `json:"interrupted,omitempty"`
	Verdict     string `json:"verdict"`
}

type sourceEntry struct {
	Files  []string `json:"files"`
	Series int      `json:"series"`
	Judged int      `json:"judged"` // series with values enough
	Rows   int      `json:"rows"`
	Values int      `json:"values"`
}

type anomalyEntry struct {
	File      string   `json:"file,omitempty"`
	Series    string   `json:"series"`
	From      string   `json:"from"`
	To        string   `json:"to"`
	PeakAt    string   `json:"peak_at"`
	Value     *float64 `json:"value,omitempty"`
	Low       *float64 `json:"expected_low,omitempty"`
	High      *float64 `json:"expected_high,omitempty"`
	Score     float64  `json:"score"`
	P         float64  `json:"p,omitempty"` // of rules absent
	Rows      int      `json:"rows"`
	Detectors []string `json:"detectors"`
}

type eventEntry struct {
	File   string `json:"file,omitempty"`
	Series string `json:"series"`
	Kind   string `json:"kind"`
	From   string `json:"from"`
	To     string `json:"to"`
}

func (r *report) document() document {
	d := document{Schema: "llmops.anomalies/v1", Anomalies: []anomalyEntry{}, Interrupted: r.interrupted, Verdict: r.verdict()}
	d.Source.Series, d.Source.Judged, d.Source.Rows, d.Source.Values = r.counts()
	for _, f := range r.files {
		d.Source.Files = append(d.Source.Files, f.name)
		for _, j := range f.results {
			for _, e := range j.Events {
				d.Events = append(d.Events, eventEntry{f.name, e.Series, string(e.Kind), stamp(e.From), stamp(e.To)})
			}
		}
	}
	for _, a := range r.anomalies {
		d.Anomalies = append(d.Anomalies, entryOf(a.file, a.Anomaly))
	}
	return d
}

func entryOf(file string, a detect.Anomaly) anomalyEntry {
	return anomalyEntry{
		File: file, Series: a.Series, From: stamp(a.From), To: stamp(a.To), PeakAt: stamp(a.PeakAt), Value: known(a.Value),
		Low: known(a.Low), High: known(a.High), Score: math.Round(a.Score*1e6) / 1e6, P: math.Round(a.P*1e6) / 1e6, Rows: a.Rows, Detectors: a.Names(),
	}
}

// known is a number that JSON can hold; nil: there is none.
func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
