// Package request is the record of one request to an inference endpoint: when
// each thing happened to it, how it ended and what it carried. It is plain
// data, shared by what makes records (probes/load, access logs) and by what
// judges them. It does no I/O and no statistics.
package request

import "time"

// Schema names the JSON form of a Record.
const Schema = "llmops.request/v1"

// Record is one request. Times carry a monotonic reading when they were taken
// in this process, so differences between them are immune to clock steps.
// A zero time and a nil pointer mean "not measured" and are absent in JSON.
type Record struct {
	Schema string `json:"schema"`
	// ID is the position in the schedule, from 0, warm-up not counted. It is negative
	// for a measured turn of a session that began in the warm-up.
	ID int64 `json:"id"`

	ScheduledAt  time.Time `json:"scheduled_at,omitzero"`   // open loop: the arrival the schedule asked for; closed loop: SentAt
	SentAt       time.Time `json:"sent_at,omitzero"`        // its first byte went out; with a new connection, the client began to connect
	FirstByteAt  time.Time `json:"first_byte_at,omitzero"`  // first byte of the reply's head
	FirstTokenAt time.Time `json:"first_token_at,omitzero"` // the first token event was complete
	LastTokenAt  time.Time `json:"last_token_at,omitzero"`  // the last token event was complete
	DoneAt       time.Time `json:"done_at,omitzero"`        // terminal event, end of body, or failure

	Status int    `json:"status,omitempty"` // HTTP status; 0: no status line came
	OK     bool   `json:"ok"`
	Error  Class  `json:"error"`            // "" when OK
	Detail string `json:"detail,omitempty"` // what the failure said, shortened
	// ByPlan marks a cancelled request that was to be, as people cancel theirs. It
	// is not one that the end of the run cut off.
	ByPlan bool `json:"by_plan,omitempty"`

	PromptTokens     *int64 `json:"prompt_tokens,omitempty"`     // as the server counted them
	CompletionTokens *int64 `json:"completion_tokens,omitempty"` // server's usage, else token events
	ReasoningTokens  *int64 `json:"reasoning_tokens,omitempty"`  // part of CompletionTokens
	CachedTokens     *int64 `json:"cached_tokens,omitempty"`     // part of PromptTokens
	TokensFrom       string `json:"tokens_from,omitempty"`       // "usage" or "chunks"
	FinishReason     string `json:"finish_reason,omitempty"`
	Inputs           int    `json:"inputs,omitempty"` // texts whose vectors came, of embeddings

	TTFTms    *float64 `json:"ttft_ms,omitempty"`    // FirstTokenAt - ScheduledAt
	TPOTms    *float64 `json:"tpot_ms,omitempty"`    // see Record.Derive
	LatencyMs *float64 `json:"latency_ms,omitempty"` // DoneAt - ScheduledAt
	QueueMs   *float64 `json:"queue_ms,omitempty"`   // SentAt - ScheduledAt: time spent waiting inside the client
	ConnectMs *float64 `json:"connect_ms,omitempty"` // name look-up, TCP and TLS; absent when a connection was reused

	Model   string   `json:"model,omitempty"`
	Session string   `json:"session"`
	URL     string   `json:"url,omitempty"` // where there are several targets
	Quality *float64 `json:"quality"`       // 0..1, null when nothing was checked

	// Resent counts the connections that were kept from an earlier request and
	// turned out to be closed, without a byte of a reply, when this one was sent.
	// The time lost counts.
	Resent int `json:"resent,omitempty"`

	RetryAfterS *float64 `json:"retry_after_s,omitempty"` // of a 429 or 503

	// Chunks are the token events in order. They are kept in memory only.
	Chunks []Chunk `json:"-"`
	// Bare are the times after SentAt of the events of a stream that have a choice
	// without output: a role, an empty text, a finish reason. They are no tokens,
	// but other tools count them (docs/compat.md). Kept in memory only.
	Bare []time.Duration `json:"-"`
	// ReasoningChunks is how many of Chunks came before the first one with more
	// than reasoning.
	ReasoningChunks int `json:"reasoning_chunks,omitempty"`
	// Coalesced counts the token events that arrived in the same read as an
	// earlier one: the true time of each is at or before its stamp.
	Coalesced int `json:"coalesced,omitempty"`
	// Lateness is how long after it was due and could have been sent the request
	// was sent: the client's own fault. In a closed loop it is due when the one
	// before it has ended.
	Lateness *time.Duration `json:"-"`
	// ReadLag is how long what arrived waited for this process to read it, at
	// the worst of all reads; nil where the kernel does not stamp arrivals.
	ReadLag *time.Duration `json:"-"`
}

// Chunk is one token event: one event of the stream that carries output.
type Chunk struct {
	At     time.Duration // after Record.SentAt
	Tokens int32         // tokens in it, at least 1; estimated where the server does not say
	Joined bool          // it came in the same read as the chunk before: At is an upper bound for both
}
