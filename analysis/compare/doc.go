// Package compare says whether a candidate is better or worse than a baseline: two
// load tests, each of one run or of several, by the bootstrap intervals of every
// percentile and rate, with a correction for the number of questions asked; two
// recordings of metrics, by the means of their series; the configuration in two
// snapshots. It reads no file and draws no random number: the same input gives the
// same verdict. Files of other tools are read by package results.
package compare
