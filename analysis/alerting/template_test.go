package alerting

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"

	"llmops/rules/alert"
)

// What a template looks at decides how often it is filled in.
func TestDependence(t *testing.T) {
	for text, want := range map[string]dependence{
		"":                              onLabels,
		"critical":                      onLabels,
		"at 3.5, value and query. now ": onLabels, // no action
		"{{ $labels.pod }}":             onLabels,
		"{{ .Labels.pod | toUpper }} of {{ $externalLabels.region }}":   onLabels,
		"{{ with $labels.pod }}{{ reReplaceAll `a.*` `b` . }}{{ end }}": onValue, // the dot may be anything
		"{{ $value }}":                               onValue,
		"{{ if gt .Value 5.0 }}a{{ end }}":           onValue,
		"{{.}}":                                      onValue,
		"{{ printf `%v` $ }}":                        onValue,
		"{{ $ | printf `%v` }}":                      onValue,
		"{{ $.Labels.pod }}":                         onValue,
		"{{ print(.) }}":                             onValue,
		`{{ query "up" | len }}`:                     onTime,
		"{{ now }}":                                  onTime,
		`{{ "}}" | printf "%v %v" . }}`:              onValue,
		"{{ $value }} {{ now | humanizeTimestamp }}": onTime,
	} {
		if got := dependenceOf(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// A template that would go on for ever, or give more text than there is memory, says so
// in place of its text; what comes after a limit of Prometheus's own stays as it is there.
func TestTemplateBounds(t *testing.T) {
	doubling := `{{define "a"}}x{{end}}`
	for i := range 64 {
		doubling += fmt.Sprintf(`{{define "a%[1]s"}}{{template "a%[2]s"}}{{template "a%[2]s"}}{{end}}`, strings.Repeat("a", i+1), strings.Repeat("a", i))
	}
	doubling += fmt.Sprintf(`{{template "a%s"}}`, strings.Repeat("a", 64))
	const endless = "<error expanding template: it takes more than 1048576 steps, or gives more than 1048576 bytes>"
	store := loaded(t, time.Minute, map[string]string{`m{a="b"}`: "1"})
	for text, want := range map[string]string{
		"{{ range 1000000000000 }}{{ end }}":                                                                                        endless,
		"{{ range 1000000000000 }}xxxxxxxxxx{{ end }}":                                                                              endless,
		`{{ range 100000 }}{{ printf "%1000000d" 1 }}{{ end }}`:                                                                     endless,
		`{{ $x := printf "%1000000d" 1 }}{{ range 3 }}{{$x}}{{end}}`:                                                                endless,
		`{{ range 2000000 }}{{ if eq . 3 }}{{break}}{{ end }}{{.}} {{else}}none{{end}}`:                                             "0 1 2 ",
		"{{ range $i := 3 -}} {{ if $i }}{{ else if 1 }}<{{ else }}!{{ end }}{{ $labels.a }} {{- end }}":                            "<bbb",
		`{{ define "x" }}[{{ . }}]{{ end }}{{ template "x" $labels.a }}{{ template "x" $labels.b }}`:                                "[b][]",
		`{{ range query "vector(7)" }}{{ . | value }}{{ end }}`:                                                                     "7",
		"{{ range 2 }}{{ $nothing.x }}{{ end }}":                                                                                    "<error expanding template: error parsing template __alert_A: template: __alert_A:1:",
		doubling:                                                                                                                    endless,
		`{ {{- "" -}} {{range 1000000000000}}{{end}}`:                                                                               endless, // text that an action makes unreadable
		`{{define ""}}x{{end}}{{range 1000000000000}}{{end}}`:                                                                       endless,
		`{{$x := "xxxxxxxxxx"}}{{range 60}}{{$x = printf "%s%s" $x $x}}{{end}}`:                                                     endless, // held, not given
		`{{$x := printf "%1000000d" 1}}{{$y := reReplaceAll "" $x $x}}`:                                                             endless,
		`{{ "\\" ` + strings.Repeat("| js ", 60) + `| len }}`:                                                                       endless,
		`{{ $x := args 1 }}` + strings.Repeat(`{{ $x = args $x $x }}`, 60) + `{{ print $x }}`:                                       endless,
		strings.Repeat(`{{ $x := printf "%1000000d" 1 }}`, 100):                                                                     endless,
		`{{range 100000}}{{if eq (printf "%999999d" 1) ""}}{{end}}{{end}}`:                                                          endless,
		`{{$x := printf "%1000000d" 1}}{{range 10000}}{{if match "c" $x}}{{end}}{{end}}`:                                            endless, // read, not made
		`{{$x := printf "%1000000d" 1}}{{range 10000}}{{$y := reReplaceAll "(.| )*" "" $x}}{{end}}`:                                 endless,
		`{{range 100000}}{{$x := query "m"}}{{end}}`:                                                                                endless,
		`{{ range 500 }}{{ range query "m" }}{{ if eq .Value 0.0 }}{{ printf "%.4f a%%202024" .Value }}{{ end }}{{ end }}{{ end }}`: "",
		`{{ len (printf "%2024s%s" "" (reReplaceAll "(.)" "$1$1$1=" "abcdefgh")) }}`:                                                "2056",
	} {
		groups := []alert.Group{{Name: "g", Rules: []alert.Rule{{Alert: "A", Expr: "m", Annotations: map[string]string{"x": text}}}}}
		res, err := Replay(t.Context(), store, groups, Options{})
		if err != nil || len(res.Alerts) != 1 {
			t.Fatal(res.Alerts, err)
		}
		got := res.Alerts[0].Annotations["x"]
		if got != want && !(strings.HasSuffix(want, ":") && strings.HasPrefix(got, want)) {
			t.Errorf("%.80s: %.200q, want %q", text, got, want)
		}
	}
}

// What counts changes nothing that a template does: else the trial ends where the
// template does not.
func TestMetered(t *testing.T) {
	const name = "__alert_A"
	data := template.AlertTemplateData(map[string]string{"a": "b"}, nil, "", promql.Sample{F: 2})
	query := func(context.Context, string, time.Time) (promql.Vector, error) {
		return promql.Vector{{F: 3, Metric: labels.FromStrings("n", "x")}, {F: 4}}, nil
	}
	f := filling{name, data, 0, &url.URL{}, query}
	for _, text := range []string{
		`{{ (args "a" 1).arg1 }}{{ if (args).none }}x{{ end }}{{ with (args).none }}x{{ end }}{{ $labels.none }}{{ . }}{{ $ }}`,
		`{{ $value | humanize | printf "%s{" }}{{- "}" -}} {{/* c */}} { {{- 1 }}`,
		`{{ range $i, $e := query "m" }}{{ $e.Labels.n }}{{ $e | value }}{{ if not $i }}{{ continue }}{{ else }}{{ break }}{{ end }}{{ end }}`,
		`{{ query "m" | first | label "n" | toUpper }}{{ match "^x" "xy" }}{{ "ab" | reReplaceAll "a(.)" "$1" }}{{ (query "m" | first).Value | humanize }}{{ sortByLabel "n" (query "m") | len }}`,
		`{{ block "b" . }}{{ .Value }}{{ end }}{{ define "" }}[{{ . }}]{{ end }}{{ template "" "x" }}{{ template "b" $ }}`,
		`{{ if and (eq $value 2.0) (or false $labels.a) }}{{ else if 0 }}{{ else }}{{ end }}{{ with $x := 3 }}{{ $x }}{{ else with 4 }}{{ end }}`,
		`{{ 'a' }}{{ 1e3 }}{{ 0x10 }}{{ 1i }}{{ true }}{{ print 1 nil "x" }}{{ index $labels "a" }}{{ slice "abc" 1 2 }}{{ ($x := 1) }}{{ range 1 }}{{ end }}`,
		`{{ now | toTime }}{{ 1.5 | toDuration }}{{ (toTime 5).Year }}{{ externalURL }}{{ "<&>" | html | safeHtml | js | urlquery }}{{ call (index (args) "x") }}`,
	} {
		m := &meter{ctx: t.Context()}
		want, wantErr := f.fill(t.Context(), prelude+text, nil)
		trial, err := metered(name, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		_, err = f.fill(t.Context(), trial, m)
		if (err == nil) != (wantErr == nil) || m.err != nil || wantErr == nil && (m.text != len(want) || m.steps == 0) {
			t.Errorf("%s\n%v, want %v\n%s: %d bytes, want %d: %q", text, err, wantErr, trial, m.text, len(want), want)
		}
	}
}
