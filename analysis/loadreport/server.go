package loadreport

import (
	"time"

	"llmops/probes/snapshot"
)

// Server is the engine's side of a load test, from its own metrics. Counts, means
// and percentiles are of what it counted between two readings, which WindowS is the
// time between; percentiles are interpolated in its buckets, and "bounds" has the ends
// of those. Absent means not measured.
type Server struct {
	Engine string   `json:"engine,omitempty"`
	URL    string   `json:"url,omitempty"`
	URLs   []string `json:"urls,omitempty"` // in place of URL, when there are several: all below is of all of them

	WindowS       *float64 `json:"window_s,omitempty"`
	Scrapes       int      `json:"scrapes"`                  // readings in which a server told
	ScrapesFailed int      `json:"scrapes_failed,omitempty"` // readings in which one did not; of several servers some may have
	NotMeasured   string   `json:"not_measured,omitempty"`   // why there is nothing of the window, or of a server

	TTFT       *snapshot.Distribution `json:"ttft_ms,omitempty"`        // arrival at the engine to first token
	ClientTTFT *snapshot.Distribution `json:"client_ttft_ms,omitempty"` // the client's, of the same stretch of time
	Queue      *snapshot.Distribution `json:"queue_ms,omitempty"`
	Prefill    *snapshot.Distribution `json:"prefill_ms,omitempty"`
	ITL        *snapshot.Distribution `json:"itl_ms,omitempty"`
	E2E        *snapshot.Distribution `json:"e2e_ms,omitempty"` // arrival to end

	Split        *Split        `json:"split,omitempty"`
	Disagreement *Disagreement `json:"disagreement,omitempty"`

	KVCacheUtilization *Level   `json:"kv_cache_utilization,omitempty"`
	Running            *Level   `json:"running,omitempty"`
	Waiting            *Level   `json:"waiting,omitempty"`
	Preemptions        *float64 `json:"preemptions,omitempty"`
	PrefixCacheHitRate *float64 `json:"prefix_cache_hit_rate,omitempty"`
	GPUs               []GPU    `json:"gpus,omitempty"` // of this machine, when the server is on it
}

// Split is where the mean TTFT of the client goes, in ms. What is there adds up to
// the mean of client_ttft_ms when all of it is there.
type Split struct {
	ClientMs  *float64 `json:"client_ms,omitempty"`  // the request was due and not sent, though it could have been
	ConnectMs *float64 `json:"connect_ms,omitempty"` // TCP and TLS of new connections, as a share of each request
	NetworkMs *float64 `json:"network_ms,omitempty"` // neither sending nor the engine took it: network, proxies, gateways, and what waited in the client to be read
	QueueMs   *float64 `json:"queue_ms,omitempty"`   // in the engine's queue
	PrefillMs *float64 `json:"prefill_ms,omitempty"`
	OtherMs   *float64 `json:"other_ms,omitempty"` // in the engine and neither queue nor prefill
}

// Level is of a gauge at the readings while load was measured.
type Level struct {
	Mean float64 `json:"mean"`
	Max  float64 `json:"max"`
}

// GPU is one of this machine's over the readings while load was measured.
type GPU struct {
	Label             string `json:"gpu"`
	Utilization       *Level `json:"utilization,omitempty"`
	MemoryUtilization *Level `json:"memory_utilization,omitempty"`
	PowerW            *Level `json:"power_w,omitempty"`
}

// Side is where time is lost that one side counts and the other does not.
type Side string

// The sides.
const (
	SideClient  Side = "client"  // it was late to send, or to read
	SideConnect Side = "connect" // new connections
	SideBetween Side = "between" // a proxy, a gateway, a full accept queue
	SideServer  Side = "server"  // the engine counts more than the client saw
)

// Disagreement tells that client and engine do not count the same. There is none where
// bucket widths and the network explain what differs.
type Disagreement struct {
	// Figures of TTFT that differ by more than 10 %: "mean", "p50", …; none when only
	// the number of requests differs, and then TTFT is not compared.
	Figures      []string `json:"figures,omitempty"`
	DifferenceMs *float64 `json:"difference_ms,omitempty"` // mean, client less engine
	RoundTripMs  *float64 `json:"round_trip_ms,omitempty"` // of the network: what explains that much
	Side         Side     `json:"side,omitempty"`

	ClientRequests float64 `json:"client_requests"` // that had a first token
	ServerRequests float64 `json:"server_requests"`
	Detail         string  `json:"detail"`
}

// ServerRun is what the readings came to.
type ServerRun struct {
	URLs   []string
	Engine string
	// Window is what the engine counted from Begin on; nil: it cannot be told. Why says
	// why, or of which of several servers it cannot: then Window is of the others, and
	// is not compared with what the client saw of all.
	Window *snapshot.Server
	Why    string

	Scrapes, Failed int
	RoundTrip       *time.Duration // of the network to the server
	Client          ClientVerdict
	// Shard tells that others send their parts of the same load at the same time: the
	// engine counts theirs too, which is no disagreement.
	Shard bool
}
