package alerting

import "testing"

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
