package observe

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"llmops/probes/snapshot"
)

// A probe that hangs costs itself: the others are there in time, it is named, and it is
// asked again only when it has come back.
func TestHungProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var asked atomic.Int64
		hangs := &Probe{Name: "hangs", Limit: time.Second, Read: func(context.Context, time.Duration) func(*snapshot.Snapshot) {
			asked.Add(1)
			<-release
			return func(s *snapshot.Snapshot) { s.GPUs = []snapshot.GPU{{}} }
		}}
		slow := &Probe{Name: "slow", Limit: time.Second, Read: func(ctx context.Context, _ time.Duration) func(*snapshot.Snapshot) {
			<-ctx.Done() // it bounds itself, and tells what it has
			return func(s *snapshot.Snapshot) { s.Host = &snapshot.Host{Name: "partly"} }
		}}
		quick := &Probe{Name: "quick", Limit: time.Second, Read: func(context.Context, time.Duration) func(*snapshot.Snapshot) {
			time.Sleep(30 * time.Millisecond)
			return func(s *snapshot.Snapshot) { s.Servers = []snapshot.Server{{Up: true}} }
		}}
		p := &Set{list: []*Probe{hangs, slow, quick}}
		began := time.Now()
		s := p.Collect(t.Context(), time.Now, 0)
		if took := time.Since(began); took > time.Second+grace {
			t.Errorf("it took %v", took)
		}
		if s.Host == nil || len(s.Servers) != 1 || s.GPUs != nil {
			t.Errorf("%+v", s)
		}
		if s.TimingsMS["quick"] != 30 || s.TimingsMS["slow"] != 1000 || len(s.TimingsMS) != 2 {
			t.Errorf("timings %v", s.TimingsMS)
		}
		if len(s.Errors) != 1 || s.Errors[0].Source != "hangs" || s.Errors[0].Status != snapshot.Timeout || s.Errors[0].Detail != "no answer within 1s" {
			t.Errorf("%+v", s.Errors)
		}
		began = time.Now()
		s = (&Set{list: []*Probe{hangs, quick}}).Collect(t.Context(), time.Now, 0)
		if asked.Load() != 1 || time.Since(began) > 100*time.Millisecond || len(s.Errors) != 1 || len(s.Servers) != 1 {
			t.Errorf("asked %d times, %v, %+v", asked.Load(), time.Since(began), s.Errors)
		}
		close(release)
		synctest.Wait()
		if s = p.Collect(t.Context(), time.Now, 0); asked.Load() != 2 || len(s.GPUs) != 1 || len(s.Errors) != 0 {
			t.Errorf("asked %d times: %+v", asked.Load(), s)
		}
	})
}

// An interrupt ends a window early with what is known.
func TestInterruptedWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &Set{list: []*Probe{{Name: "host", Limit: time.Second, Read: func(ctx context.Context, window time.Duration) func(*snapshot.Snapshot) {
			whole := Sleep(ctx, window)
			return func(s *snapshot.Snapshot) {
				s.Host = &snapshot.Host{Name: map[bool]string{true: "rates", false: "no rates"}[whole]}
			}
		}}}}
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		s := p.Collect(ctx, time.Now, time.Hour)
		if s.Host == nil || s.Host.Name != "no rates" || time.Since(began) > time.Second+grace {
			t.Errorf("%+v after %v", s.Host, time.Since(began))
		}
		if s.TakenAt.After(time.Now()) || s.TakenAt.Before(began.Add(time.Second)) {
			t.Errorf("taken at %v, %v after it began", s.TakenAt, s.TakenAt.Sub(began))
		}
	})
}

// The window is not the probe's own time.
func TestTimingsLeaveTheWindowOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Set{list: []*Probe{{Name: "host", Limit: time.Second, Read: func(ctx context.Context, window time.Duration) func(*snapshot.Snapshot) {
			time.Sleep(window + 7*time.Millisecond)
			return func(*snapshot.Snapshot) {}
		}}}}
		began := time.Now()
		s := p.Collect(t.Context(), time.Now, 5*time.Second)
		if s.TimingsMS["host"] != 7 || !s.TakenAt.Equal(began.Add(5007*time.Millisecond)) {
			t.Errorf("%v at %v", s.TimingsMS, s.TakenAt)
		}
	})
}

// A gentle set has one probe at work at a time, as long as none takes long: one that
// hangs holds up the next by a moment only.
func TestGentle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var working, most atomic.Int64
		probe := func(name string, takes time.Duration) *Probe {
			return &Probe{Name: name, Limit: time.Second, Read: func(ctx context.Context, _ time.Duration) func(*snapshot.Snapshot) {
				most.Store(max(most.Load(), working.Add(1)))
				defer working.Add(-1)
				Sleep(ctx, takes)
				return func(*snapshot.Snapshot) {}
			}}
		}
		p := &Set{Gentle: true, list: []*Probe{probe("a", 20*time.Millisecond), probe("b", 40*time.Millisecond), probe("c", time.Millisecond)}}
		began := time.Now()
		s := p.Collect(t.Context(), time.Now, 0)
		if took := time.Since(began); most.Load() != 1 || took != 61*time.Millisecond || len(s.TimingsMS) != 3 || s.TimingsMS["c"] != 1 {
			t.Errorf("%d at once, %v: %v", most.Load(), took, s.TimingsMS)
		}
		p = &Set{Gentle: true, list: []*Probe{probe("hangs", time.Hour), probe("b", time.Millisecond), probe("c", time.Millisecond)}}
		began = time.Now()
		s = p.Collect(t.Context(), time.Now, 0)
		if took := time.Since(began); took > time.Second+grace || s.TimingsMS["b"] != 1 || s.TimingsMS["c"] != 1 {
			t.Errorf("%v: %v", took, s.TimingsMS)
		}
	})
}
