// Package series is a set of time series and what reads one: recorded snapshots,
// the answers and exports of Prometheus and VictoriaMetrics, metrics pages with
// timestamps, CSV, and request logs, told apart by content. PromQL over it is
// Prometheus's own engine. It judges nothing, asks no server, and knows no clock.
//
// Rules that hold for every format:
//
//   - Timestamps are whole milliseconds since the epoch, UTC, the nearest one.
//   - A number that is not there is missing, which is not zero. An empty cell of a CSV
//     file (also null, NaN, NA) is no sample at all. NaN and null elsewhere say that the
//     series has no value from then on until its next sample: Prometheus's stale
//     marker, which exports write as NaN or null.
//   - Of several samples of one series with the same timestamp the last one counts, in
//     the order of the files' names and, in a file, of its rows.
//   - A look at a series between samples sees the newest one of the last five minutes
//     (Limits.Lookback), the left end excluded, unless a stale marker came after it.
package series
