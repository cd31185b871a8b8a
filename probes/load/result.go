package load

import "time"

// Result is what a run was, beside its records.
type Result struct {
	Started      time.Time
	MeasuredFrom time.Time // when the measured part begins; zero: it never did
	// Window is how long measured requests were sent for: Duration, if the run
	// lasted that long, else 0.
	Window time.Duration
	Ended  time.Time
	Warmup int64         // warm-up requests sent
	Events int64         // token events of all requests, warm-up included
	Peak   int64         // most requests in flight at once
	CPU    time.Duration // of this process, from Started to Ended; 0: not measured
	Health Health
	// KernelReads and UserReads count the reads by where their time stamp comes
	// from.
	KernelReads, UserReads int64
	// Due and Sent are the spans from the first to the last measured request
	// of the open loop, by the schedule and in fact; N is their number.
	Due, Sent time.Duration
	N         int64

	Interrupted bool  // ctx ended before the run did
	Closes      bool  // the server closes its connections after a reply, although it promises to keep them
	Exhausted   int64 // requests for which this machine had no file descriptor or port left
}

// TimestampSource is FromKernel, FromUser, "mixed", or "" when nothing was read.
func (r Result) TimestampSource() string {
	switch {
	case r.KernelReads > 0 && r.UserReads > 0:
		return "mixed"
	case r.KernelReads > 0:
		return FromKernel
	case r.UserReads > 0:
		return FromUser
	}
	return ""
}
