package budget

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"llmops/analysis/accesslog"
	"llmops/rules/slo"
)

// Config says what is judged.
type Config struct {
	Objectives    []slo.Objective
	ExcludeStatus []int         // statuses that are the caller's mistake and no event of the service
	At            *int64        // ms: judge as of then; later events do not exist. nil: the newest event
	Window        time.Duration // in place of the window of every objective, rolling; 0: their own
	By            []string      // contributors beside error, model and route: "key"
	Course        int           // points of each objective's course for charts, at most; 0: none

	// Spill opens the file for events beyond Memory bytes, once, if there are so
	// many. nil: all are held in memory, at about 15 bytes an event.
	Spill  func() (File, error)
	Memory int64 // 0: DefaultMemory
}

// DefaultMemory is how many bytes of events are held before they go to a file.
const DefaultMemory = 4 << 20

// A Counter takes events through its shards and judges them. Close it.
type Counter struct {
	cfg     Config
	rules   []*rule
	exclude [1000]bool
	byKey   bool
	tokens  bool // some rule looks at tokens
	plain   bool // no rule looks at more than latency and TTFT
	wanted  [values]bool
	counted [values]bool                                // by some rule that counts events
	ranges  [values]struct{ low, high accesslog.Fixed } // of values that are good to all of those rules
	bucket  int64                                       // ms; divides a minute and the windows of all alerts

	tables int64 // bytes for the tables of all passes at once, as long as one rule's fit
	store  store
	mu     sync.Mutex
	shards []*Shard
}

// New refuses objectives that have no error budget or that logs cannot tell of.
func New(cfg Config) (*Counter, error) {
	if len(cfg.Objectives) == 0 {
		return nil, errors.New("no objective to judge")
	}
	c := &Counter{cfg: cfg, bucket: minute, tables: tableRoom, store: store{spill: cfg.Spill, room: cfg.Memory}}
	if cfg.Memory == 0 {
		c.store.room = DefaultMemory
	}
	for _, s := range cfg.ExcludeStatus {
		if s < 0 || s >= len(c.exclude) {
			return nil, fmt.Errorf("exclude status %d: want one from 100 to 599", s)
		}
		c.exclude[s] = true
	}
	for _, by := range cfg.By {
		if !slices.Contains(dimensionNames[:], by) {
			return nil, fmt.Errorf("no contributors by %q: known are %s", by, strings.Join(dimensionNames[:], ", "))
		}
		c.byKey = c.byKey || by == dimensionNames[byKey]
	}
	c.wanted[latency], c.wanted[ttft] = true, true
	for v := range c.ranges {
		c.ranges[v].low, c.ranges[v].high = math.MinInt64, math.MaxInt64
	}
	for _, o := range cfg.Objectives {
		if cfg.Window != 0 {
			o.Window, o.Calendar = cfg.Window, nil
		}
		r, err := compile(o)
		if err != nil {
			return nil, err
		}
		for _, a := range r.alerts {
			c.bucket = gcd(gcd(c.bucket, a.long), a.short)
		}
		c.wanted[r.value] = true
		if r.slice == 0 {
			c.counted[r.value] = true
			of := &c.ranges[r.value]
			of.low, of.high = max(of.low, r.low), min(of.high, r.high)
		}
		c.tokens = c.tokens || r.rate == tokens
		c.rules = append(c.rules, r)
	}
	c.plain = !c.tokens && !c.wanted[tpot] && !c.wanted[cost] && !c.wanted[quality]
	if c.bucket < 1000 {
		return nil, errors.New("the windows of alerts have no whole second in common: want whole minutes, or at least whole seconds")
	}
	return c, nil
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Shard is a part of the counter for one goroutine at a time.
func (c *Counter) Shard() *Shard {
	s := &Shard{c: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shards = append(c.shards, s)
	return s
}

// Close closes the file of Config.Spill.
func (c *Counter) Close() error { return c.store.close() }

// A Shard takes events. It must not be used by two goroutines at once.
type Shard struct {
	c           *Counter
	plains      plains
	enc         encoder // of the events that are not plain
	record      record  // the one that is being added
	events      int64
	first, last int64
	weights     *[dimensions]weights // nil: no bad event yet
	hashed      [dimensions]struct { // the last key of each, which comes again mostly
		key  string
		hash uint64
	}
	notes notes // of all events, also those later than Config.At
}

// Add takes an event; the event is not kept. An error, such as a full disk, is
// told by Report.
func (s *Shard) Add(e *accesslog.Event) {
	c := s.c
	if e.Notes != 0 || e.Status == 429 {
		s.notes.add(e)
	}
	if c.cfg.At != nil && e.End > *c.cfg.At {
		return
	}
	if s.events == 0 {
		s.first, s.last = e.End, e.End
	}
	s.events++
	s.first, s.last = min(s.first, e.End), max(s.last, e.End)

	if s.plains.buf == nil {
		s.plains.restart(make([]byte, 0, blockCap))
	}
	r := &s.record
	r.end, r.class, r.timeout, r.kept = e.End, c.classOf(e), false, false
	if r.class == classGood && c.plain && c.fine(latency, e.Latency) && c.fine(ttft, e.TTFT) && s.plains.add(e.End, e.Latency, e.TTFT) {
		if len(s.plains.buf)+len(s.enc.buf) >= blockLen {
			s.flush()
		}
		return
	}
	switch r.class {
	case classGood:
		r.fixed[latency], r.fixed[ttft] = e.Latency, e.TTFT
		r.fixed[tpot] = c.want(tpot, e.TPOT)
		r.fixed[cost] = c.want(cost, e.Cost)
		r.fixed[quality] = c.want(quality, e.Quality)
		if c.tokens {
			r.tokens = e.OutputTokens
		}
	case classBad:
		r.timeout = c.wanted[timeout] && timedOut(e)
	}
	if c.contributes(r) {
		s.keys(r, e)
	}
	s.enc.append(r)
	if len(s.plains.buf)+len(s.enc.buf) >= blockLen {
		s.flush()
	}
}

// fine tells whether the value spends no budget, so that it does not matter whose
// the event is.
func (c *Counter) fine(v value, x accesslog.Fixed) bool {
	return x >= c.ranges[v].low && x <= c.ranges[v].high || !c.counted[v] || x == accesslog.Absent
}

// want is x if some rule looks at that value.
func (c *Counter) want(v value, x accesslog.Fixed) accesslog.Fixed {
	if c.wanted[v] {
		return x
	}
	return accesslog.Absent
}

// contributes tells whether the event spends some budget, so that it matters
// whose it is.
func (c *Counter) contributes(r *record) bool {
	switch r.class {
	case classBad:
		return true
	case classGood:
		for v := latency; v < values; v++ {
			if !c.fine(v, r.fixed[v]) {
				return true
			}
		}
	}
	return false
}

func (s *Shard) keys(r *record, e *accesslog.Event) {
	r.kept = true
	r.keys = [dimensions]string{byModel: cut(e.Model), byRoute: cut(e.Route)}
	if r.class == classBad {
		r.keys[byError] = cut(errorKey(e))
	}
	if s.c.byKey {
		r.keys[byKey] = cut(e.Key)
	}
	if s.weights == nil {
		s.weights = new([dimensions]weights)
	}
	for d, key := range r.keys {
		if key == "" {
			continue
		}
		if last := &s.hashed[d]; last.key != key {
			last.key, last.hash = key, hashOf(key)
		}
		*s.weights[d].at(s.hashed[d].hash)++
	}
}

func (s *Shard) flush() {
	if len(s.plains.buf) <= plainHead && len(s.enc.buf) == 0 {
		return
	}
	next := s.c.store.put(s.plains.seal(s.enc.buf))
	if next == nil {
		next = make([]byte, 0, blockCap)
	}
	s.plains.restart(next)
	s.enc.restart(s.enc.buf)
}

func (c *Counter) classOf(e *accesslog.Event) class {
	switch {
	case e.HealthCheck:
		return classHealthCheck
	case e.Cancelled, e.Status == 499:
		return classCancelled
	case e.Status > 0 && int(e.Status) < len(c.exclude) && c.exclude[e.Status]:
		return classClientError
	case e.Failed, e.Status >= 400:
		return classBad
	}
	return classGood
}

// errorKey names the failure: the text that the log gives, or what the status
// says.
func errorKey(e *accesslog.Event) string {
	switch {
	case e.Error != "":
		return e.Error
	case e.Status >= 400:
		return fmt.Sprintf("http_%d", e.Status)
	}
	return "stream_error"
}
