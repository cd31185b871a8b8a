// Package pushdown lets another engine count: it writes the queries that a
// database or a Prometheus-compatible server answers with the events of each
// minute, and hands the answers to a budget. Queries go out through a function of
// the caller. It opens no connection, and it judges nothing.
package pushdown
