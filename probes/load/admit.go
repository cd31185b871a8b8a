package load

import "time"

// admit says whether a request or session that goes out at t (for the open loop:
// is due at t) still belongs to the run, gives it its number and tells warm-up apart.
func (r *runner) admit(t time.Time) (p part, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.from.IsZero() && r.warm >= r.cfg.WarmupRequests {
		r.begin(t)
	}
	switch cfg := &r.cfg; {
	case r.from.IsZero(), cfg.WarmupRequests == 0 && t.Before(r.from):
		// A warm-up of so many requests has exactly so many: places of the closed loop
		// read the clock before they wait for each other here, so that t may be a little
		// before the measured part that another of them has just begun.
		return r.part(true), true
	case cfg.Requests > 0 && r.issued >= cfg.Requests, cfg.Duration > 0 && t.Sub(r.from) >= cfg.Duration:
		return part{}, false
	}
	return r.part(false), true
}

// take is admit for the closed loop: the next that is this shard's own.
func (r *runner) take(t time.Time) (part, bool) {
	for {
		p, ok := r.admit(t)
		if !ok || r.cfg.Shard.Owns(p.number) {
			return p, ok
		}
	}
}

// within says whether a later turn of p that is due at t still belongs to the run,
// and tells warm-up apart.
func (r *runner) within(p *part, t time.Time) (warm, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.from.IsZero() {
		return true, true
	}
	warm = p.warm && (r.cfg.Requests > 0 || t.Before(r.from))
	return warm, r.cfg.Duration <= 0 || t.Sub(r.from) < r.cfg.Duration
}
