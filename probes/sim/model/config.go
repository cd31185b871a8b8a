// Package model is a queueing model of one LLM inference engine: a waiting
// queue, a bounded set of running sequences, prefill and decode times, a paged
// KV cache with prefix sharing, preemption, and faults. It runs in virtual
// time: times are durations since the start of the engine, exact to the
// nanosecond, and the same requests with the same seed give the same events.
//
// It must not read a clock, sleep, start goroutines or do I/O; package sim
// drives it in real time.
package model

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Config is the engine's size, speed and faults.
type Config struct {
	PrefillBase       time.Duration // fixed part of a prefill
	PrefillPerToken   time.Duration // for each prompt token that is not in the prefix cache
	DecodeBase        time.Duration // fixed part of the gap to the next token
	DecodePerSequence time.Duration // for each sequence that runs when the gap begins

	// ServiceTime above 0 makes the engine a plain queue: a prefill takes that
	// long whatever the prompt, and every answer is one token whatever the
	// request asks for. It replaces the four times above and Output. It is what
	// a load tester is checked against when tokens do not matter.
	ServiceTime time.Duration

	MaxRunning  int // sequences that run at the same time, at least 1
	MaxWaiting  int // sequences that may wait; beyond it requests are rejected; 0: no limit
	MaxModelLen int // tokens of prompt and output together

	BlockSize int // tokens in a block of the KV cache
	KVBlocks  int // blocks in the KV cache

	Output OutputLength // unless a request ignores the end of text
	Seed   uint64       // of output lengths and of the requests that a fault picks

	GPUMemoryMiB float64 // memory of the simulated GPU
	WeightsMiB   float64 // of it: the model's weights
	KVMemoryMiB  float64 // of it: the KV cache

	Faults []Fault
}

// Default is a small and fast service.
func Default() Config {
	return Config{
		PrefillBase:       5 * time.Millisecond,
		PrefillPerToken:   50 * time.Microsecond,
		DecodeBase:        5 * time.Millisecond,
		DecodePerSequence: 50 * time.Microsecond,
		MaxRunning:        64,
		MaxModelLen:       8192,
		BlockSize:         16,
		KVBlocks:          8192,
		Seed:              1,
		GPUMemoryMiB:      16384,
		WeightsMiB:        8192,
		KVMemoryMiB:       4096,
	}
}

// maxTime bounds every configured duration, so that sums stay far from the
// end of the 64-bit nanosecond range.
const maxTime = 1000 * time.Hour

// Validate tells everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, d := range []struct {
		name string
		v    time.Duration
	}{
		{"prefill base", c.PrefillBase}, {"prefill per token", c.PrefillPerToken},
		{"decode base", c.DecodeBase}, {"decode per sequence", c.DecodePerSequence},
		{"service time", c.ServiceTime},
	} {
		if d.v < 0 || d.v > maxTime {
			add("%s is %v, want 0 to %v", d.name, d.v, maxTime)
		}
	}
	for _, n := range []struct {
		name string
		v    int
	}{
		{"max running", c.MaxRunning}, {"max model length", c.MaxModelLen},
		{"block size", c.BlockSize}, {"KV blocks", c.KVBlocks},
	} {
		if n.v < 1 {
			add("%s is %d, want at least 1", n.name, n.v)
		}
	}
	if c.KVBlocks > math.MaxInt32 {
		add("KV blocks is %d, want at most %d", c.KVBlocks, math.MaxInt32)
	}
	if c.MaxWaiting < 0 {
		add("max waiting is %d, want 0 (no limit) or more", c.MaxWaiting)
	}
	if sum := c.WeightsMiB + c.KVMemoryMiB; c.WeightsMiB < 0 || c.KVMemoryMiB <= 0 || !(sum <= c.GPUMemoryMiB) {
		add("GPU memory is %g MiB, but weights (%g) and KV cache (%g) must fit into it and be positive",
			c.GPUMemoryMiB, c.WeightsMiB, c.KVMemoryMiB)
	}
	for _, f := range c.Faults {
		if err := f.validate(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// blocksFor is the number of KV blocks that hold so many tokens.
func (c *Config) blocksFor(tokens int) int { return (tokens-1)/c.BlockSize + 1 }
