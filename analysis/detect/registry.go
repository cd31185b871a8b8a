package detect

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Kind of channel, as it is listed.
type Kind struct {
	Name string
	// Default channels judge where no others are named.
	Default bool
	About   string
	Formula string
	Source  string
	Cost    string // by row, and memory by series
	make    func(c Class) Channel
}

// Kinds are all channels.
func Kinds() []Kind {
	return []Kind{
		{"novelty", true, "a value far from every one that the series has had", "min|x-y| / range > 1/20", "nearest neighbour, Knorr and Ng 1998", "0.15 µs, 32 KiB",
			func(c Class) Channel { return newNovelty(noveltyLimit, noveltyDelay, c.floor()) }},
		{"level", true, "a mean of six rows far from every one before", "novelty of the mean > 0.4", "as novelty", "0.2 µs, 32 KiB",
			func(c Class) Channel { return newLevel(c.floor()) }},
		{"sustained", true, "two dozen rows all higher, or all lower, than such a stretch has been", "novelty of the least and the greatest of 24 > 0.4", "as novelty", "0.2 µs, 64 KiB",
			func(c Class) Channel { return newSustained(c.floor()) }},
		{"timeofday", true, "a value far from all at this time of day, from the third day on", "novelty within ±2 h on earlier days > 1/10", "as novelty", "0.2 µs, 200 KiB",
			func(c Class) Channel { return newTimeOfDay(c.floor()) }},
		{"yesterday", true, "a difference to the day before that has never been", "novelty of x(t)-x(t-1d) > 1/10", "as novelty", "0.15 µs, 46 KiB",
			func(c Class) Channel { return newYesterday(c.floor()) }},
		{"robust", true, "a value far from the median of the last 200 rows; by default for counts of events by the hour", "|x-median| / ((q90-q10)/2.563) > 8, or 6 twice", "robust z-score, Iglewicz and Hoaglin 1993", "0.3 µs, 4 KiB",
			func(Class) Channel {
				r := newRobust(robustRows, 1, robustLimit, robustTwice)
				r.steps = robustSteps
				return r
			}},
		{"zscore", false, "a value far from the mean of the 99 rows before", "|x-mean| / sd > 3", "textbook; for comparison", "0.3 µs, 1 KiB",
			func(Class) Channel { return newZscore() }},
		{"meanshift", false, "a mean of five rows far from the median of the last 200", "as robust, of the mean, > 6", "as robust", "0.3 µs, 4 KiB",
			func(Class) Channel { return newRobust(robustRows, 5, 6, math.Inf(1)) }},
		{"ewma", false, "a value far from an exponentially weighted mean", "|x-m| / sqrt(s) > 6, weights 0.1 and 0.05", "Roberts 1959", "0.1 µs, 24 B",
			func(Class) Channel { return new(ewma) }},
		{"holtwinters", false, "a value far from a forecast with level, trend and season; the period is found", "|x-forecast| / sd > 8", "Winters 1960, Gardner 1985", "0.3 µs, 40 KiB",
			func(Class) Channel { return newHoltWinters() }},
		{"cusum", false, "a small change of level that lasts", "sum of z-1 > 12", "Page 1954", "0.3 µs, 4 KiB",
			func(Class) Channel { return newCusum() }},
		{"spectral", false, "what the spectrum of the last 256 rows does not explain", "spectral residual saliency > 3", "Ren et al., KDD 2019", "50 µs, 14 KiB",
			func(Class) Channel { return newSpectral() }},
		{"iforest", false, "a row that few random cuts part from all others", "isolation forest, 50 trees of 256: score > 0.7", "Liu, Ting and Zhou 2008", "8 µs, 1 MiB",
			func(Class) Channel { return newIForest() }},
		{"ocsvm", false, "a stretch of 4 rows outside of the region of the others", "one-class SVM, nu 0.05: (rho-f)/rho > 0.9", "Schoelkopf et al. 2001", "4 µs, 0.4 MiB",
			func(Class) Channel { return newOCSVM() }},
		{"subknn", false, "a stretch of 12 rows unlike all before: a shape", "distance to the 5th nearest stretch > 2 spreads", "Ramaswamy et al. 2000", "15 µs, 40 KiB",
			func(Class) Channel { return newSubKNN() }},
		{"lstm", false, "a value far from the forecast of a small recurrent network, which learns on", "|x-forecast| / sd > 8", "Hochreiter and Schmidhuber 1997", "30 µs, 30 KiB",
			func(Class) Channel { return newLSTM() }},
	}
}

// A Set is a set of channels, bit i for Kinds()[i].
type Set uint32

// Names are the names of the channels in the set.
func (s Set) Names() []string {
	var names []string
	for i, k := range Kinds() {
		if s&(1<<i) != 0 {
			names = append(names, k.Name)
		}
	}
	return names
}

// SetOf is the set of the named channels. The error says which name is unknown.
func SetOf(names ...string) (Set, error) {
	var s Set
	kinds := Kinds()
	for _, name := range names {
		i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
		if i < 0 {
			var known []string
			for _, k := range kinds {
				known = append(known, k.Name)
			}
			return 0, fmt.Errorf("no detector %q: there are %s", name, strings.Join(known, ", "))
		}
		s |= 1 << i
	}
	return s, nil
}

// defaults are the default channels.
func defaults() Set {
	var s Set
	for i, k := range Kinds() {
		if k.Default {
			s |= 1 << i
		}
	}
	return s
}
