package accesslog

import "sync/atomic"

// Options say how logs are read. The zero Options tell formats apart by content.
type Options struct {
	Format string // a name from the registry; "" for the one that the content is of
	// Map names the fields of generic logs (JSON Lines, CSV, Parquet): what it
	// is to us (time, status, latency, ttft, …) to the name it has there, with its
	// unit where that is needed: "latency": "took_s:s".
	Map     map[string]string
	Workers int // 0: as many as processors
	// Progress, if not nil, counts the bytes of the files that were read, as they
	// lie on the disk.
	Progress *atomic.Int64
}
