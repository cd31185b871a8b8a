package snapshotcmd

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
		hangs := &probe{name: "hangs", limit: time.Second, read: func(context.Context, time.Duration) func(*snapshot.Snapshot) {
			asked.Add(1)
			<-release
			return func(s *snapshot.Snapshot) { s.GPUs = []snapshot.GPU{{}} }
		}}
		slow := &probe{name: "slow", limit: time.Second, read: func(ctx context.Context, _ time.Duration) func(*snapshot.Snapshot) {
			<-ctx.Done() // it bounds itself, and tells what it has
			return func(s *snapshot.Snapshot) { s.Host = &snapshot.Host{Name: "partly"} }
		}}
		quick := &probe{name: "quick", limit: time.Second, read: func(context.Context, time.Duration) func(*snapshot.Snapshot) {
			time.Sleep(30 * time.Millisecond)
			return func(s *snapshot.Snapshot) { s.Servers = []snapshot.Server{{Up: true}} }
		}}
		p := &probes{list: []*probe{hangs, slow, quick}}
		began := time.Now()
		s := p.collect(t.Context(), time.Now, 0)
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
		s = (&probes{list: []*probe{hangs, quick}}).collect(t.Context(), time.Now, 0)
		if asked.Load() != 1 || time.Since(began) > 100*time.Millisecond || len(s.Errors) != 1 || len(s.Servers) != 1 {
			t.Errorf("asked %d times, %v, %+v", asked.Load(), time.Since(began), s.Errors)
		}
		close(release)
		synctest.Wait()
		if s = p.collect(t.Context(), time.Now, 0); asked.Load() != 2 || len(s.GPUs) != 1 || len(s.Errors) != 0 {
			t.Errorf("asked %d times: %+v", asked.Load(), s)
		}
	})
}

// An interrupt ends a window early with what is known.
func TestInterruptedWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &probes{list: []*probe{{name: "host", limit: time.Second, read: func(ctx context.Context, window time.Duration) func(*snapshot.Snapshot) {
			whole := sleep(ctx, window)
			return func(s *snapshot.Snapshot) {
				s.Host = &snapshot.Host{Name: map[bool]string{true: "rates", false: "no rates"}[whole]}
			}
		}}}}
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		s := p.collect(ctx, time.Now, time.Hour)
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
		p := &probes{list: []*probe{{name: "host", limit: time.Second, read: func(ctx context.Context, window time.Duration) func(*snapshot.Snapshot) {
			time.Sleep(window + 7*time.Millisecond)
			return func(*snapshot.Snapshot) {}
		}}}}
		began := time.Now()
		s := p.collect(t.Context(), time.Now, 5*time.Second)
		if s.TimingsMS["host"] != 7 || !s.TakenAt.Equal(began.Add(5007*time.Millisecond)) {
			t.Errorf("%v at %v", s.TimingsMS, s.TakenAt)
		}
	})
}
