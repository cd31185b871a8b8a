package diagnose

import (
	"math"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
)

// exporter is what is known of the series of one target of one replica.
type exporter struct {
	replica string
	kind    kind
	n       int         // series that are looked at
	alive   []int       // of them with a sample, at each step
	lively  int         // of them that change nearly always in the normal period
	still   []int       // of these, how many have not changed for a while
	seen    []int       // and how many have samples
	changed []bool      // whether any series at all did
	falls   map[int]int // counters that fall, by step
}

// stillSteps is for how many steps a series must not change to stand still.
const stillSteps = 6

// telemetry finds exporters whose series stop, stand still under load, or whose counters
// start again and again, while the rest shows that nothing of the kind happened.
func (e evaluation) telemetry(by map[string]tracks) tracks {
	var exporters []*exporter
	find := map[string]*exporter{}
	base := e.base
	if base == 0 {
		base = normalSteps(e.grid)
	}
	for _, s := range e.view.store.Series() {
		ls := s.Labels()
		k := kind(ls.Get("target"))
		if s.Name() == "up" || k == ofOther || strings.HasSuffix(s.Name(), "_info") || strings.HasPrefix(s.Name(), "lora_") {
			continue
		}
		key := ls.Get("replica") + "\x00" + string(k)
		x := find[key]
		if x == nil {
			x = &exporter{replica: ls.Get("replica"), kind: k, alive: make([]int, e.grid.n), still: make([]int, e.grid.n), seen: make([]int, e.grid.n), changed: make([]bool, e.grid.n), falls: map[int]int{}}
			find[key] = x
			exporters = append(exporters, x)
		}
		x.add(s, e.grid, base)
	}
	var out tracks
	for _, x := range exporters {
		v := x.broken(e, by, base)
		if v == nil {
			continue
		}
		ls := labels.NewBuilder(labels.FromStrings("replica", x.replica, "target", string(x.kind))).Labels()
		t := track{entity: e.view.entity(ls), series: seriesName(signalTelemetry, ls), v: v}
		if old := out.find(t.entity); old != nil {
			if total(v) > total(old.v) {
				*old = t
			}
			continue
		}
		at, _ := slices.BinarySearchFunc(out, t.entity, func(t track, e Entity) int { return t.entity.compare(e) })
		out = slices.Insert(out, at, t)
	}
	return out
}

// add takes in one series.
func (x *exporter) add(s *series.Series, g grid, base int) {
	v := make([]float64, g.n)
	for i := range v {
		v[i] = math.NaN()
	}
	for t, value := range s.Between(g.start-g.step/2, g.at(g.n-1)+g.step/2) {
		if i := int((t - g.start + g.step/2) / g.step); i >= 0 && i < g.n {
			v[i] = value
		}
	}
	x.n++
	changes, steps, last, since := 0, 0, math.NaN(), 0
	still := make([]bool, g.n)
	counter := counts(s)
	for i, value := range v {
		if math.IsNaN(value) {
			continue
		}
		x.alive[i]++
		if value != last {
			since = i
			x.changed[i] = x.changed[i] || !math.IsNaN(last)
		}
		if !math.IsNaN(last) {
			if i < base {
				steps++
				if value != last {
					changes++
				}
			}
			if counter && value < last {
				x.falls[i]++
			}
		}
		still[i] = i-since >= stillSteps
		last = value
	}
	if steps < minNormal || float64(changes) < 0.8*float64(steps) {
		return
	}
	x.lively++
	for i := range v {
		if !math.IsNaN(v[i]) {
			x.seen[i]++
			if still[i] {
				x.still[i]++
			}
		}
	}
}

// broken is 1 where the exporter cannot be believed; nil if it always can.
func (x *exporter) broken(e evaluation, by map[string]tracks, base int) []float64 {
	out := make([]float64, e.grid.n)
	who := Entity{Label: "replica", Name: x.replica}
	if e.view.hosts[x.replica] {
		who.Label = "node"
	}
	util, serving := by["gpu_util"], by[signalServing].find(who)
	busy := func(i int) (yes, known bool) { // the GPUs work as in normal times
		for _, t := range util {
			if t.entity.whole() != who || x.kind == ofGPU {
				continue
			}
			n := e.normal("gpu_util", t)
			if !math.IsNaN(t.v[i]) && !math.IsNaN(n) {
				known = true
				yes = yes || t.v[i] > n/2 && t.v[i] > 0.02
			}
		}
		return yes, known
	}
	works := func(i int) bool { // something else shows that the replica does what it did
		if x.kind == ofEngine {
			yes, _ := busy(i)
			return yes
		}
		return serving != nil && serving.v[i] == 1 || serving == nil
	}
	any := false
	present := 0
	for _, n := range x.alive[:base] {
		if n > 0 {
			present++
		}
	}
	quiet, stands := 0, 0
	var resets []int
	for i := range out {
		quiet++
		stands++
		if x.changed[i] {
			stands = 0
		}
		if x.alive[i] > 0 {
			quiet = 0
		}
		switch {
		case stands >= stillSteps && x.lively >= 3 && x.seen[i] == x.lively && x.still[i] == x.lively && works(i):
			out[i], any = 1, true
		case quiet >= 4 && present > base*3/4 && works(i):
			out[i], any = 1, true
		}
		if x.falls[i] > 0 && 2*x.falls[i] >= x.lively {
			resets = append(resets, i)
		}
		recent := 0
		for _, at := range resets {
			if int64(i-at)*e.grid.step <= 15*60_000 && works(at) {
				recent++
			}
		}
		if recent >= 2 && x.lively >= 2 {
			out[i], any = 1, true
		}
	}
	if !any {
		return nil
	}
	return out
}
