// Package oracle holds the replay of alert rules to Prometheus's own rule manager and
// storage, on metrics and rules made at random. It has a module of its own, so that
// the program needs neither. It has nothing but a test; "make oracle" runs it.
package oracle
