package detect

import "math"

// Options say how a series is judged. The zero Options are the defaults.
type Options struct {
	Class Class
	// Channels, if not zero, judge in place of the default ones, whatever the class of the
	// metric.
	Channels Set
	// Also are channels that judge beside the default ones, whatever the class.
	Also Set
}

// None, as Options.Channels, is no channel at all.
const None Set = 1 << 31

// A Detector scores the rows of one series, as they come. In the steady state it
// allocates nothing. It is for one goroutine.
type Detector struct {
	channels []Channel
	bits     []Set
	chosen   Set  // by class: the default channels, but for those that were named
	only     bool // all were named
	counts   Set  // the channel for counts of events
	values   judged
	nature   nature
	recent   ring // strangeness of the last rows
	resets   int
	judged   bool // a row was, since the training
}

// How far back an alert keeps others like it quiet: a tenth of the rows so far, at most
// 200. Rows of an hour are alerted on anew after 6.
const (
	quietPart  = 10
	quietMost  = 200
	quietHours = 6
)

// New makes a Detector.
func New(o Options) *Detector {
	d := &Detector{only: o.Channels != 0, values: judged{class: o.Class}, nature: nature{class: o.Class}, recent: newRing(quietMost)}
	switch {
	case d.only:
	case o.Class == Bucket:
		o.Channels = o.Also
	default:
		d.chosen = defaults() &^ o.Also
		o.Channels = defaults() | o.Also
		d.counts, _ = SetOf("robust") // of this package: it exists
	}
	for i, k := range Kinds() {
		if bit := Set(1) << i; o.Channels&bit != 0 {
			d.channels, d.bits = append(d.channels, k.make(o.Class)), append(d.bits, bit)
		}
	}
	return d
}

// Next scores the value v of a row at t, in ms since the epoch; NaN and infinities are
// missing values. Times should not fall, but rows are taken as they come.
func (d *Detector) Next(t int64, v float64) Score {
	score := Score{P: 1, Low: math.NaN(), High: math.NaN()}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return score
	}
	x, reset, ok := d.values.next(t, v)
	if reset {
		d.resets++
	}
	if !ok {
		return score
	}
	d.nature.see(t, x)
	counts := d.nature.counts()
	strangest := 0.0
	for i, c := range d.channels {
		byClass, robust := d.bits[i]&d.chosen != 0, d.bits[i] == d.counts
		if byClass && robust && d.nature.coarse == 0 && d.nature.rows > 1 {
			continue // it will not be asked
		}
		look := c.Next(t, x)
		if byClass && robust != counts || look.Strange < 0 {
			continue
		}
		d.judged = true
		if !(look.Strange > 0) {
			continue
		}
		if look.Strange >= 1 {
			score.Channels |= d.bits[i]
		}
		if look.Strange > strangest {
			strangest = look.Strange
			score.Low, score.High = d.values.shown(look.Low), d.values.shown(look.High)
		}
	}
	span := min(d.nature.rows/quietPart, quietMost)
	if counts && !d.only {
		span = min(span, quietHours)
	}
	score.Level = level(strangest)
	score.Value, score.P = d.alertOnce(strangest, score.Level, span)
	d.recent.push(strangest)
	return score
}

const (
	muted  = 0.1  // what is left of the score of a row that was alerted on before
	louder = 1.25 // how much stranger than an alert a row must be to be one anew
)

// alertOnce is the score of a row: its level if it is stranger than all of the last
// rows, and by a quarter than alerts among them; else a tenth of it. So the p-value of an alert, the share of rows as
// strange among the last ones (conformal: Vovk et al. 2005), is the least that there is.
func (d *Detector) alertOnce(s, level float64, span int) (score, p float64) {
	if level < muted { // it makes no alert either way
		return level * muted, 1
	}
	span = min(span, d.recent.n)
	as, score := 0, level
	for i := range span {
		x := d.recent.back(i)
		if x >= s {
			as++
		}
		if x >= s || x >= 1 && x*louder >= s {
			score = level * muted
		}
	}
	return score, float64(1+as) / float64(1+span)
}

// Resets is how often a counter began anew.
func (d *Detector) Resets() int { return d.resets }

// Judged tells whether any row was judged: by a channel that knew enough to do so.
func (d *Detector) Judged() bool { return d.judged }

// Train shows the detector the rows of a healthy period: nothing in them is an alert.
// What a counter had there says nothing about where it is at the next row.
func (d *Detector) Train(healthy []Row) {
	for _, r := range healthy {
		d.Next(r.T, r.V)
	}
	d.recent.n, d.recent.next = 0, 0
	d.resets, d.judged, d.values.had = 0, false, false
}
