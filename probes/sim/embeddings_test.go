package sim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestEmbeddings(t *testing.T) {
	cfg := quick()
	cfg.PrefillPerToken = 5 * time.Millisecond
	_, url := start(t, cfg)
	for body, want := range map[string]struct{ status, vectors, tokens int }{
		`{"model":"sim","input":"one two three"}`: {200, 1, 3},
		`{"input":["one","two three",""]}`:        {200, 3, 4},
		`{"input":[7,8,9,10]}`:                    {200, 1, 4},
		`{"input":[[7,8],[9]]}`:                   {200, 2, 3},
		`{"input":[]}`:                            {400, 0, 0},
		`{"input":null}`:                          {400, 0, 0},
		`{}`:                                      {400, 0, 0},
		`{"input":{}}`:                            {400, 0, 0},
		`{"input":["a",{}]}`:                      {400, 0, 0},
		`{"model":"other","input":"a"}`:           {404, 0, 0},
		`{"input":`:                               {400, 0, 0},
	} {
		begin := time.Now()
		r := post(t, url+"/v1/embeddings", body)
		var got struct {
			Model string
			Data  []struct {
				Index     int
				Embedding []float64
			}
			Usage struct {
				Prompt int `json:"prompt_tokens"`
				Total  int `json:"total_tokens"`
			}
			Error struct{ Message string }
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if r.StatusCode != want.status || len(got.Data) != want.vectors || got.Usage.Prompt != want.tokens || got.Usage.Total != want.tokens {
			t.Errorf("%s: %d, %d vectors, usage %+v", body, r.StatusCode, len(got.Data), got.Usage)
		}
		if want.status != http.StatusOK {
			if got.Error.Message == "" {
				t.Errorf("%s: no message", body)
			}
			continue
		}
		for i, d := range got.Data {
			if d.Index != i || len(d.Embedding) == 0 || got.Model != "sim" {
				t.Errorf("%s: vector %d: %+v", body, i, d)
			}
		}
		// The longest prefill is that of a sequence of tokens/vectors or more.
		if least := cfg.PrefillBase + time.Duration(want.tokens/want.vectors)*cfg.PrefillPerToken; time.Since(begin) < least {
			t.Errorf("%s: answered in %v, the prefill takes %v", body, time.Since(begin), least)
		}
	}
}

// A fault that refuses a request refuses embeddings too, and one that hangs is left
// by its client.
func TestEmbeddingsFaults(t *testing.T) {
	_, url := start(t, withFault(t, "http-error:status=503,retry_after=2s"))
	if r := post(t, url+"/v1/embeddings", `{"input":["a","b"]}`); r.StatusCode != 503 || r.Header.Get("Retry-After") != "2" {
		t.Errorf("%s, retry after %q", r.Status, r.Header.Get("Retry-After"))
	}
	s, url := start(t, withFault(t, "hang"))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		eventually(t, func() bool { return s.State().Running == 2 })
		cancel()
	}()
	req, _ := http.NewRequestWithContext(ctx, "POST", url+"/v1/embeddings", strings.NewReader(`{"input":["a","b"]}`))
	if _, err := http.DefaultClient.Do(req); err == nil {
		t.Error("a reply came")
	}
	eventually(t, func() bool { return s.State().Ended["abort"] == 2 })
}
