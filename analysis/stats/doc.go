// Package stats holds the statistics that judgements rest on: quantile
// sketches, exact binomial tests, intervals of means and ratios. Everything is
// a pure function or plain data with value semantics; it knows nothing of
// requests, objectives or units, reads no clock and prints nothing.
package stats
