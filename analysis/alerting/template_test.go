package alerting

import (
	"fmt"
	"strings"
	"testing"
	"time"

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
		"{{ range 1000000000000 }}{{ end }}":                                                             endless,
		"{{ range 1000000000000 }}xxxxxxxxxx{{ end }}":                                                   endless,
		`{{ range 100000 }}{{ printf "%1000000d" 1 }}{{ end }}`:                                          endless,
		`{{ $x := printf "%1000000d" 1 }}{{ range 3 }}{{$x}}{{end}}`:                                     endless,
		`{{ range 2000000 }}{{ if eq . 3 }}{{break}}{{ end }}{{.}} {{else}}none{{end}}`:                  "0 1 2 ",
		"{{ range $i := 3 -}} {{ if $i }}{{ else if 1 }}<{{ else }}!{{ end }}{{ $labels.a }} {{- end }}": "<bbb",
		`{{ define "x" }}[{{ . }}]{{ end }}{{ template "x" $labels.a }}{{ template "x" $labels.b }}`:     "[b][]",
		`{{ range query "vector(7)" }}{{ . | value }}{{ end }}`:                                          "7",
		"{{ range 2 }}{{ $nothing.x }}{{ end }}":                                                         "<error expanding template: error parsing template __alert_A: template: __alert_A:1:",
		doubling:                                                                                         endless,
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
