package snapshot

import (
	"maps"
	"slices"
	"time"
)

// Server is one serving engine, as its own metrics tell. A number that the
// engine does not show, or that needs a window when there was none, is absent.
type Server struct {
	URL    string   `json:"url"` // where it was asked, without a path of metrics
	Up     bool     `json:"up"`  // it answered, whatever it said
	Engine string   `json:"engine,omitempty"`
	Models []string `json:"models,omitempty"`

	Version   string     `json:"version,omitempty"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	// Config are flags and settings by the engine's own names, as far as it tells them
	// unasked; without what may be a secret. Long values stand as their hash.
	Config map[string]string `json:"config,omitempty"`

	// Basis says what every rate, ratio and distribution below is taken from. Totals
	// and gauges are as they stood at the end.
	Basis   Basis    `json:"basis,omitempty"`
	WindowS *float64 `json:"window_s,omitempty"` // between the two readings, when Basis is window
	Reset   bool     `json:"counters_reset,omitempty"`

	Running            *float64 `json:"running,omitempty"` // sequences or requests in the batch
	Waiting            *float64 `json:"waiting,omitempty"` // in the engine's queue
	Slots              *float64 `json:"slots,omitempty"`   // the most that can run at once
	KVCacheUtilization *float64 `json:"kv_cache_utilization,omitempty"`
	PrefixCacheHitRate *float64 `json:"prefix_cache_hit_rate,omitempty"` // prompt tokens (or blocks) found / looked up

	RequestsTotal         *float64           `json:"requests_total,omitempty"` // ended, in whatever way
	PromptTokensTotal     *float64           `json:"prompt_tokens_total,omitempty"`
	GenerationTokensTotal *float64           `json:"generation_tokens_total,omitempty"`
	PreemptionsTotal      *float64           `json:"preemptions_total,omitempty"`
	FinishedTotal         map[string]float64 `json:"finished_total,omitempty"` // by the engine's reason
	ErrorsTotal           map[string]float64 `json:"errors_total,omitempty"`   // by class: abort, error, http_503, …

	// Rates need a window, except those that an engine averages by itself.
	RequestsPerSecond     *float64 `json:"requests_per_second,omitempty"`
	PromptTokensPerSecond *float64 `json:"prompt_tokens_per_second,omitempty"`
	TokensPerSecond       *float64 `json:"tokens_per_second,omitempty"` // generated
	PreemptionsPerSecond  *float64 `json:"preemptions_per_second,omitempty"`
	ErrorRate             *float64 `json:"error_rate,omitempty"` // failed / ended
	ErrorsPerSecond       *float64 `json:"errors_per_second,omitempty"`

	TTFT    *Distribution `json:"ttft_ms,omitempty"`    // arrival to first token
	TPOT    *Distribution `json:"tpot_ms,omitempty"`    // a request's mean time of a token
	ITL     *Distribution `json:"itl_ms,omitempty"`     // token to token
	Latency *Distribution `json:"latency_ms,omitempty"` // arrival to end
	Queue   *Distribution `json:"queue_ms,omitempty"`   // arrival to start
	Prefill *Distribution `json:"prefill_ms,omitempty"`
	Decode  *Distribution `json:"decode_ms,omitempty"`

	Speculation *Speculation `json:"speculation,omitempty"` // of an engine that decodes speculatively
	LoRA        *LoRA        `json:"lora,omitempty"`        // of an engine that serves adapters

	// Parts are the data-parallel ranks or models behind one page, when there are
	// several: Running and Waiting are their sums, KVCacheUtilization is the fullest.
	Parts  []Part        `json:"parts,omitempty"`
	Loaded []LoadedModel `json:"loaded,omitempty"` // models in memory, where the engine loads on demand
}

// Basis is what rates, ratios and distributions are taken from.
type Basis string

// The bases.
const (
	// OverWindow is the difference of two readings.
	OverWindow Basis = "window"
	// SinceStart is one reading: all that happened since the engine started. It
	// says how the engine has been, not how it is, so that nothing of it becomes a
	// series.
	SinceStart Basis = "since_start"
)

// Distribution is of times in ms. Percentiles are interpolated in the engine's
// buckets, as Prometheus's histogram_quantile does: the truth lies anywhere
// between the bounds.
type Distribution struct {
	Count float64  `json:"count"`
	Mean  *float64 `json:"mean,omitempty"`
	P50   *float64 `json:"p50,omitempty"`
	P90   *float64 `json:"p90,omitempty"`
	P95   *float64 `json:"p95,omitempty"`
	P99   *float64 `json:"p99,omitempty"`
	// Bounds are those of the bucket that each percentile fell into, by its name.
	Bounds map[string]Bounds `json:"bounds,omitempty"`
}

// Bounds are the ends of a bucket. High is absent for the last one: then the
// percentile is its low end, and the truth is that or more.
type Bounds struct {
	Low  float64  `json:"low"`
	High *float64 `json:"high,omitempty"`
}

// Speculation is what became of drafted tokens.
type Speculation struct {
	DraftsTotal         *float64 `json:"drafts_total,omitempty"`          // times that tokens were drafted for a sequence
	DraftTokensTotal    *float64 `json:"draft_tokens_total,omitempty"`    // drafted
	AcceptedTokensTotal *float64 `json:"accepted_tokens_total,omitempty"` // of those that were drafted
	AcceptanceRate      *float64 `json:"acceptance_rate,omitempty"`       // accepted / drafted
	AcceptanceLength    *float64 `json:"acceptance_length,omitempty"`     // tokens a step: those accepted, and the one that the model itself adds
}

// LoRA is how the adapters of an engine are used.
type LoRA struct {
	Slots     *float64 `json:"slots,omitempty"`      // the most adapters that can be in one batch
	SlotsUsed *float64 `json:"slots_used,omitempty"` // adapters that are in GPU memory now
	Running   []string `json:"running,omitempty"`    // adapters that have requests in the batch
	Waiting   []string `json:"waiting,omitempty"`    // and in the queue
	// RunningCount and WaitingCount tell none from not known.
	RunningCount *float64 `json:"running_count,omitempty"`
	WaitingCount *float64 `json:"waiting_count,omitempty"`
}

// Part is one rank or one model of a server that has several.
type Part struct {
	Model              string   `json:"model,omitempty"`
	Rank               string   `json:"rank,omitempty"` // as the engine numbers them
	Running            *float64 `json:"running,omitempty"`
	Waiting            *float64 `json:"waiting,omitempty"`
	KVCacheUtilization *float64 `json:"kv_cache_utilization,omitempty"`
}

// LoadedModel is one model in memory.
type LoadedModel struct {
	Name      string     `json:"name"`
	SizeBytes *uint64    `json:"size_bytes,omitempty"`
	VRAMBytes *uint64    `json:"vram_bytes,omitempty"` // of it on GPUs; the rest is in host memory
	ExpiresAt *time.Time `json:"expires_at,omitempty"` // when it is unloaded if nothing asks for it
	Context   *uint64    `json:"context_tokens,omitempty"`
}

// serverSamples gives each server's numbers but server_up the labels server (its URL),
// engine and, when there is but one, model. Those of Parts replace the sum, so that a sum
// over a server never counts twice.
func serverSamples(w *samples, servers []Server) {
	for i := range servers {
		s := &servers[i]
		model := ""
		if len(s.Models) == 1 {
			model = s.Models[0]
		}
		labels := []string{"server", s.URL, "engine", s.Engine, "model", model}
		with := func(more ...string) []string { return slices.Concat(labels, more) }

		flag(w, "server_up", &s.Up, "server", s.URL) // the same series while it says nothing of itself
		if s.Version != "" {
			info(w, "server_info", with("version", s.Version)...)
		}
		if s.StartedAt != nil {
			gauge(w, "server_start_time_seconds", new(float64(s.StartedAt.UnixMilli())/1e3), labels...)
		}
		if len(s.Parts) == 0 {
			gauge(w, "concurrent_requests", s.Running, labels...)
			gauge(w, "queue_length", s.Waiting, labels...)
			gauge(w, "kv_cache_utilization", s.KVCacheUtilization, labels...)
		}
		for _, p := range s.Parts {
			at := []string{"server", s.URL, "engine", s.Engine, "model", p.Model, "rank", p.Rank}
			gauge(w, "concurrent_requests", p.Running, at...)
			gauge(w, "queue_length", p.Waiting, at...)
			gauge(w, "kv_cache_utilization", p.KVCacheUtilization, at...)
		}
		gauge(w, "request_slots", s.Slots, labels...)
		counter(w, "requests_total", s.RequestsTotal, labels...)
		counter(w, "prompt_tokens_total", s.PromptTokensTotal, labels...)
		counter(w, "generation_tokens_total", s.GenerationTokensTotal, labels...)
		counter(w, "preemptions_total", s.PreemptionsTotal, labels...)
		if x := s.Speculation; x != nil {
			counter(w, "spec_decode_drafts_total", x.DraftsTotal, labels...)
			counter(w, "spec_decode_draft_tokens_total", x.DraftTokensTotal, labels...)
			counter(w, "spec_decode_accepted_tokens_total", x.AcceptedTokensTotal, labels...)
		}
		if x := s.LoRA; x != nil {
			gauge(w, "lora_slots", x.Slots, labels...)
			gauge(w, "lora_slots_used", x.SlotsUsed, labels...)
			gauge(w, "lora_adapters_running", x.RunningCount, labels...)
			gauge(w, "lora_adapters_waiting", x.WaitingCount, labels...)
		}
		for _, reason := range slices.Sorted(maps.Keys(s.FinishedTotal)) {
			counter(w, "requests_finished_total", new(s.FinishedTotal[reason]), with("reason", reason)...)
		}
		for _, class := range slices.Sorted(maps.Keys(s.ErrorsTotal)) {
			counter(w, "errors_total", new(s.ErrorsTotal[class]), with("class", class)...)
		}
		for _, m := range s.Loaded {
			at := []string{"server", s.URL, "engine", s.Engine, "model", m.Name}
			gauge(w, "model_memory_bytes", m.SizeBytes, at...)
			gauge(w, "model_vram_bytes", m.VRAMBytes, at...)
		}
		if s.Basis == OverWindow {
			windowSamples(w, s, labels)
		}
	}
}

func windowSamples(w *samples, s *Server, labels []string) {
	gauge(w, "cache_hit_rate", s.PrefixCacheHitRate, slices.Concat(labels, []string{"cache", "prefix"})...)
	gauge(w, "requests_per_second", s.RequestsPerSecond, labels...)
	gauge(w, "prompt_tokens_per_second", s.PromptTokensPerSecond, labels...)
	gauge(w, "tokens_per_second", s.TokensPerSecond, labels...)
	gauge(w, "preemptions_per_second", s.PreemptionsPerSecond, labels...)
	gauge(w, "errors_per_second", s.ErrorsPerSecond, labels...)
	gauge(w, "error_rate", s.ErrorRate, labels...)
	if x := s.Speculation; x != nil {
		gauge(w, "spec_decode_acceptance_rate", x.AcceptanceRate, labels...)
		gauge(w, "spec_decode_acceptance_length", x.AcceptanceLength, labels...)
	}
	for _, d := range []struct {
		name string
		of   *Distribution
	}{
		{"ttft_ms", s.TTFT}, {"tpot_ms", s.TPOT}, {"itl_ms", s.ITL}, {"latency_ms", s.Latency},
		{"queue_ms", s.Queue}, {"prefill_ms", s.Prefill}, {"decode_ms", s.Decode},
	} {
		if d.of == nil {
			continue
		}
		gauge(w, "mean_"+d.name, d.of.Mean, labels...)
		gauge(w, "p50_"+d.name, d.of.P50, labels...)
		gauge(w, "p90_"+d.name, d.of.P90, labels...)
		gauge(w, "p95_"+d.name, d.of.P95, labels...)
		gauge(w, "p99_"+d.name, d.of.P99, labels...)
	}
}
