//go:build !linux

package sim

import "time"

// alarm wakes one goroutine at a time.
type alarm struct{ timer *time.Timer }

func newAlarm() *alarm { return &alarm{timer: time.NewTimer(time.Hour)} }

// set lets wait return after d, whatever was set before.
func (a *alarm) set(d time.Duration) { a.timer.Reset(d) }

func (a *alarm) wait() { <-a.timer.C }

func (a *alarm) close() { a.timer.Stop() }
