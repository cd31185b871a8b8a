package serving

import (
	"context"
	"time"

	"llmops/probes/snapshot"
)

// ollama has no metrics, only lists of its models in JSON.
func ollama() *engine {
	return &engine{name: "ollama", owner: "library", ask: askOllama}
}

func askOllama(ctx context.Context, t *Target, s *snapshot.Server) []snapshot.Problem {
	var v struct{ Version string }
	if t.json(ctx, "/api/version", &v) == nil {
		s.Version = t.client.clean(v.Version)
	}
	var ps struct {
		Models []struct {
			Name    string     `json:"name"`
			Size    *uint64    `json:"size"`
			VRAM    *uint64    `json:"size_vram"`
			Expires *time.Time `json:"expires_at"`
			Context *uint64    `json:"context_length"`
		} `json:"models"`
	}
	if err := t.json(ctx, "/api/ps", &ps); err != nil {
		return []snapshot.Problem{t.failed("loaded models", err)}
	}
	s.Models = nil // those of /v1/models are on disk
	for _, m := range ps.Models {
		name := t.client.clean(m.Name)
		s.Models = append(s.Models, name)
		s.Loaded = append(s.Loaded, snapshot.LoadedModel{Name: name, SizeBytes: m.Size, VRAMBytes: m.VRAM, ExpiresAt: m.Expires, Context: m.Context})
	}
	return nil
}
