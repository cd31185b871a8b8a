package loadreport

import (
	"fmt"
	"strings"
	"time"

	"llmops/analysis/stats"
	"llmops/probes/snapshot"
)

// text says what differs, by how much and where to look.
func (d *Disagreement) text(s *Server, client ClientVerdict) string {
	var parts []string
	for _, name := range d.Figures {
		mine, theirs := figure(s.ClientTTFT, name), figure(s.TTFT, name)
		if mine == nil || theirs == nil {
			continue
		}
		text := fmt.Sprintf("%s %s and %s", name, inMs(*mine), inMs(*theirs))
		if in, ok := s.TTFT.Bounds[name]; ok && in.High != nil {
			text += fmt.Sprintf(" (bucket %s to %s)", inMs(in.Low), inMs(*in.High))
		}
		parts = append(parts, text)
	}
	where := map[Side]string{
		SideClient:  "most of it is lost in the client, which was late to send or to read",
		SideConnect: "most of it is lost in making connections",
		SideBetween: "most of it is lost between client and engine: a proxy, a gateway, a full accept queue",
		SideServer:  "the engine counts more than the client saw",
	}[d.Side]
	if d.Side == SideBetween && client != ClientValid {
		where += ", or in the client, which is " + string(client)
	}
	network := ""
	if d.RoundTripMs != nil {
		network = fmt.Sprintf(", of which a round trip of the network explains %s", inMs(*d.RoundTripMs))
	}
	return fmt.Sprintf("TTFT of client and engine differ by more than %g %%: %s%s; %s", disagreeShare*100, strings.Join(parts, ", "), network, where)
}

func figure(d *snapshot.Distribution, name string) *float64 {
	switch name {
	case "mean":
		return d.Mean
	case "p50":
		return d.P50
	case "p95":
		return d.P95
	}
	return d.P99
}

// clientSide is a sketch of nanoseconds in the form of the engine's figures; nil
// without values.
func clientSide(s *stats.Sketch) *snapshot.Distribution {
	if s.Count() == 0 {
		return nil
	}
	d := distribution(s, 1e6)
	return &snapshot.Distribution{Count: float64(d.Count), Mean: d.Mean, P50: d.P50, P90: d.P90, P95: d.P95, P99: d.P99}
}

func sketchMean(s *stats.Sketch) float64 {
	v, _ := s.Mean()
	return v / 1e6
}

func quantileMs(s *stats.Sketch, q float64) float64 {
	v, _ := s.Quantile(q)
	return float64(v) / 1e6
}

func meanMs(s *stats.Sketch) *float64 { return new(round6(sketchMean(s))) }

func notNegative(v float64) *float64 {
	const nothing = 1e-6 // ms; what is less came of adding up
	if v < -nothing {
		return nil
	}
	if v < nothing {
		v = 0
	}
	return new(round6(v))
}

func rounding(v *float64) *float64 {
	if v == nil {
		return nil
	}
	return new(round6(*v))
}

func roundAll(d *snapshot.Distribution) {
	if d == nil {
		return
	}
	for _, v := range []**float64{&d.Mean, &d.P50, &d.P90, &d.P95, &d.P99} {
		*v = rounding(*v)
	}
}

func roundTripMs(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	return new(round6(float64(*d) / 1e6))
}

// inMs is a time for people.
func inMs(v float64) string { return short(time.Duration(v * 1e6)) }
