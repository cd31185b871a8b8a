// Package compare says whether a candidate is better or worse than a baseline:
// two load tests, each of one run or of several, by bootstrap intervals of every
// percentile and rate, with a correction for the number of questions asked. It
// reads no file and draws no random number: the same runs give the same verdict.
package compare
