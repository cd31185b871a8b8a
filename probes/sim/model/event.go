package model

import "time"

// ID numbers the submitted requests from 0.
type ID uint64

// Request is one request for a completion.
type Request struct {
	PromptTokens int      // at least 1
	Prefix       []uint64 // chained hashes of the prompt's full blocks (see PromptHash); nil: never shared
	MaxTokens    int      // output limit, at least 1
	IgnoreEOS    bool     // output as long as MaxTokens, whatever Config.Output says
}

// Kind says what happened to a sequence.
type Kind uint8

// The kinds, in the order of a sequence's life. Every sequence ends with one
// event whose Reason is not None: a Token (the last one) or an Ended.
const (
	Queued    Kind = iota + 1 // accepted; a sequence that a fault lets hang is never acknowledged
	Started                   // got a slot and its blocks, prefill begins (again, after a preemption)
	Token                     // a token is out
	Preempted                 // lost slot and blocks, waits at the front of the queue
	Ended                     // over without another token
)

// Reason says why a sequence is over.
type Reason uint8

// The reasons. Limit and Stop are successes.
const (
	None        Reason = iota
	Limit              // the output limit was reached
	Stop               // the drawn output length was reached
	Cancelled          // Engine.Cancel
	TooLong            // refused: more tokens than the context or the KV cache can ever hold
	QueueFull          // refused: too many wait
	OutOfMemory        // the GPU has no memory left for it
	Faulted            // Event.Fault ended it or refused it
)

var reasonNames = [...]string{"", "length", "stop", "abort", "too_long", "queue_full", "out_of_memory", "fault"}

// String is the name of r; for Limit, Stop and Cancelled it is the name that
// serving engines use.
func (r Reason) String() string { return reasonNames[r] }

// Event is one thing that happened to one sequence.
type Event struct {
	At         time.Duration
	ID         ID
	Kind       Kind
	Reason     Reason        // None: the sequence goes on
	Index      int           // of a token, from 0
	Cached     int           // prompt tokens found in the prefix cache at the first start
	Fault      *Fault        // with Faulted
	RetryAfter time.Duration // with a refusal; 0: not said
}
