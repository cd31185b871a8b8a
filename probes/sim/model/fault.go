package model

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultKind names what a fault does.
type FaultKind string

// The fault kinds and the fields of Fault that they use.
const (
	SlowPrefill  FaultKind = "slow-prefill"  // Factor on prefill times
	SlowDecode   FaultKind = "slow-decode"   // Factor on token gaps
	LatencyCreep FaultKind = "latency-creep" // factor 1 + Rate·(minutes since From) on both
	Stall        FaultKind = "stall"         // after After tokens a pause of Duration
	Hang         FaultKind = "hang"          // no reply, ever: the slot is held until the client leaves
	HTTPError    FaultKind = "http-error"    // refused with Status and RetryAfter
	RateLimit    FaultKind = "rate-limit"    // token bucket, Rate requests/s and Burst; refused with 429
	StreamError  FaultKind = "stream-error"  // an error object after After tokens
	Truncate     FaultKind = "truncate"      // a clean end of the body after After tokens
	Reset        FaultKind = "reset"         // TCP reset after After tokens
	GPULeak      FaultKind = "gpu-leak"      // Rate MiB/s of GPU memory; lost memory stays lost
)

// Fault is one thing that goes wrong. It acts when its moment lies in the
// window [From, From+For) since the engine's start. StreamError, Truncate and
// Reset act when the token after the first After ones would be due, so a
// reply that is not longer than After is left alone.
type Fault struct {
	Kind FaultKind
	From time.Duration
	For  time.Duration // 0: no end
	P    float64       // share of the requests, by request number; 0: all

	Factor     float64
	After      int
	Duration   time.Duration
	Status     int
	RetryAfter time.Duration // 0: none sent
	Rate       float64
	Burst      int
}

// faultKeys are the keys of each kind beside from, for and p; a default ends
// with "=value", a key without one must be given.
var faultKeys = map[FaultKind][]string{
	SlowPrefill:  {"factor"},
	SlowDecode:   {"factor"},
	LatencyCreep: {"per_minute"},
	Stall:        {"after=0", "duration"},
	Hang:         {},
	HTTPError:    {"status=503", "retry_after=0s"},
	RateLimit:    {"rate", "burst=1"},
	StreamError:  {"after=0"},
	Truncate:     {"after=0"},
	Reset:        {"after=0"},
	GPULeak:      {"mib_per_s"},
}

// FaultKinds lists the kinds in alphabetical order.
func FaultKinds() []FaultKind {
	kinds := make([]FaultKind, 0, len(faultKeys))
	for k := range faultKeys {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	return kinds
}

// ParseFault reads "KIND" or "KIND:key=value,…", such as
// "stall:after=5,duration=2s,p=0.1,from=10s,for=1m".
func ParseFault(s string) (Fault, error) {
	name, rest, _ := strings.Cut(s, ":")
	f := Fault{Kind: FaultKind(name)}
	keys, ok := faultKeys[f.Kind]
	if !ok {
		return Fault{}, fmt.Errorf("fault %q: unknown kind %q, want one of %s", s, name, join(FaultKinds()))
	}
	given := map[string]string{}
	if rest != "" {
		for pair := range strings.SplitSeq(rest, ",") {
			k, v, ok := strings.Cut(pair, "=")
			k = strings.TrimSpace(k)
			if !ok {
				return Fault{}, fmt.Errorf("fault %q: %q is not key=value", s, pair)
			}
			if _, twice := given[k]; twice {
				return Fault{}, fmt.Errorf("fault %q: key %q is given twice", s, k)
			}
			given[k] = strings.TrimSpace(v)
		}
	}
	names := []string{"from", "for", "p"}
	for _, spec := range keys {
		k, def, optional := strings.Cut(spec, "=")
		names = append(names, k)
		if _, ok := given[k]; ok {
			continue
		}
		if !optional {
			return Fault{}, fmt.Errorf("fault %q: %s needs %s=", s, f.Kind, k)
		}
		given[k] = def
	}
	for k, v := range given {
		if !slices.Contains(names, k) {
			return Fault{}, fmt.Errorf("fault %q: %s has no key %q, want %s", s, f.Kind, k, strings.Join(names, ", "))
		}
		if err := f.set(k, v); err != nil {
			return Fault{}, fmt.Errorf("fault %q: %s=%s: %w", s, k, v, err)
		}
	}
	if err := f.validate(); err != nil {
		return Fault{}, err
	}
	return f, nil
}

func (f *Fault) set(key, v string) (err error) {
	switch key {
	case "from":
		f.From, err = time.ParseDuration(v)
	case "for":
		f.For, err = time.ParseDuration(v)
	case "duration":
		f.Duration, err = time.ParseDuration(v)
	case "retry_after":
		f.RetryAfter, err = time.ParseDuration(v)
	case "after":
		f.After, err = strconv.Atoi(v)
	case "status":
		f.Status, err = strconv.Atoi(v)
	case "burst":
		f.Burst, err = strconv.Atoi(v)
	case "p":
		f.P, err = strconv.ParseFloat(v, 64)
		if err == nil && f.P == 0 {
			err = errors.New("a share of 0 would never act, leave the fault out instead")
		}
	case "factor":
		f.Factor, err = strconv.ParseFloat(v, 64)
	case "rate", "per_minute", "mib_per_s":
		f.Rate, err = strconv.ParseFloat(v, 64)
	}
	if _, ok := errors.AsType[*strconv.NumError](err); ok {
		return errors.New("not a number")
	}
	return err
}

// String is the form that ParseFault reads.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(string(f.Kind))
	sep := byte(':')
	put := func(k string, v any) { fmt.Fprintf(&b, "%c%s=%v", sep, k, v); sep = ',' }
	for _, spec := range faultKeys[f.Kind] {
		switch k, _, _ := strings.Cut(spec, "="); k {
		case "factor":
			put(k, f.Factor)
		case "after":
			put(k, f.After)
		case "duration":
			put(k, f.Duration)
		case "status":
			put(k, f.Status)
		case "retry_after":
			put(k, f.RetryAfter)
		case "burst":
			put(k, f.Burst)
		default:
			put(k, f.Rate)
		}
	}
	if f.From != 0 {
		put("from", f.From)
	}
	if f.For != 0 {
		put("for", f.For)
	}
	if f.P != 0 {
		put("p", f.P)
	}
	return b.String()
}

func (f Fault) validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("fault %s: %s", f.Kind, fmt.Sprintf(format, args...))
	}
	for _, d := range []struct {
		name string
		v    time.Duration
	}{{"from", f.From}, {"for", f.For}, {"duration", f.Duration}, {"retry_after", f.RetryAfter}} {
		if d.v < 0 || d.v > maxTime {
			return bad("%s is %v, want 0 to %v", d.name, d.v, maxTime)
		}
	}
	if !(f.P >= 0 && f.P <= 1) {
		return bad("p is %g, want a share above 0 and up to 1", f.P)
	}
	if f.After < 0 {
		return bad("after is %d tokens, want 0 or more", f.After)
	}
	switch f.Kind {
	case SlowPrefill, SlowDecode:
		if !(f.Factor > 0 && f.Factor <= 1e6) {
			return bad("factor is %g, want more than 0 and at most 1e6", f.Factor)
		}
	case Stall:
		if f.Duration == 0 {
			return bad("duration is 0, want more")
		}
	case HTTPError:
		if f.Status < 400 || f.Status > 599 {
			return bad("status is %d, want 400 to 599", f.Status)
		}
	case RateLimit:
		if f.Burst < 1 {
			return bad("burst is %d requests, want at least 1", f.Burst)
		}
		fallthrough
	case LatencyCreep, GPULeak:
		if !(f.Rate > 0 && f.Rate < math.MaxInt32) {
			return bad("rate is %g, want more than 0", f.Rate)
		}
	case Hang, StreamError, Truncate, Reset:
	default:
		return fmt.Errorf("unknown fault kind %q, want one of %s", f.Kind, join(FaultKinds()))
	}
	return nil
}

// active tells whether t lies in the fault's window.
func (f *Fault) active(t time.Duration) bool {
	return t >= f.From && (f.For == 0 || t < f.From+f.For)
}

func join(kinds []FaultKind) string {
	s := make([]string, len(kinds))
	for i, k := range kinds {
		s[i] = string(k)
	}
	return strings.Join(s, ", ")
}
