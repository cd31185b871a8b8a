package catalog

import "math"

// Units are those that a metric may have, each with what a value of 1 is.
func Units() []Unit {
	return []Unit{
		{"ms", "a millisecond"},
		{"s", "a second"},
		{"ratio", "all of it: shares and utilizations run from 0 to 1"},
		{"bool", "yes, and 0 is no"},
		{"1", "one: a count, a code or a score"},
		{"1/s", "one in a second"},
		{"requests", "a request"},
		{"requests/s", "a request in a second"},
		{"tokens", "a token"},
		{"tokens/s", "a token in a second"},
		{"tokens/J", "a token for a joule"},
		{"bytes", "a byte"},
		{"bytes/s", "a byte in a second"},
		{"bits/s", "a bit in a second"},
		{"GiB", "1073741824 bytes"},
		{"cores", "all of one CPU"},
		{"°C", "a degree Celsius"},
		{"W", "a watt"},
		{"J", "a joule"},
		{"MHz", "a megahertz"},
		{"USD", "a US dollar"},
		{"USD/h", "a US dollar for an hour"},
		{"users", "a user"},
	}
}

// possible is the range of the values of most metrics of a unit.
func possible(unit, kind string) (low, high float64) {
	switch {
	case unit == "ratio" || unit == "bool":
		return 0, 1
	case kind != Counter && (unit == "1" || unit == "°C"): // scores may be below zero
		return math.Inf(-1), math.Inf(1)
	}
	return 0, math.Inf(1)
}

// Unit is a unit as Metric.Unit names it.
type Unit struct{ Name, One string }
