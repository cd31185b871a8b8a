// Package budget judges service level objectives by the events of request logs:
// how much of each error budget is spent, how fast it burns, which alerts would
// have fired, which incidents and which callers spent it.
//
// Counts are whole numbers and every decision compares them with the decimal
// text of targets and thresholds as fractions. Results do not depend on the
// order of events nor on how they are spread over shards. The package reads no
// clock and no log, opens no file (events that do not fit into memory go to one
// that it is given), and prints nothing.
//
// Times are int64 milliseconds since the epoch. Windows are left-open and
// right-closed, (now-w, now]; so are minutes and slices, which bear the time of
// their end.
package budget
