package load

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"llmops/probes/load/api"
	"llmops/probes/request"
)

func TestEmbeddings(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n := strings.Count(string(body), "text")
		if strings.Contains(string(body), "short") {
			n--
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"data":[%s],"usage":{"prompt_tokens":%d,"total_tokens":%[2]d}}`, strings.TrimSuffix(strings.Repeat(`{"embedding":[0.5]},`, n), ","), 10*n)
	})
	a, _ := api.Lookup("embeddings")
	address, err := a.Path(url, false)
	if err != nil {
		t.Fatal(err)
	}
	records, _ := runAll(t, Config{Targets: []Target{{URL: address, API: a, Header: http.Header{}, Body: api.Options{Model: "m"}}}, Concurrency: 1, Requests: 4,
		Prompts: sourceFunc(func(i int64) api.Prompt {
			return api.Prompt{Text: "text", More: []api.Prompt{{Text: "text"}, {Text: []string{"text", "text short"}[i%2]}}}
		})})
	for _, r := range records {
		if r.TTFTms != nil || r.TPOTms != nil || r.CompletionTokens != nil || r.LatencyMs == nil || !r.FirstTokenAt.IsZero() {
			t.Errorf("request %d has what no vectors have: %+v", r.ID, r)
		}
		switch r.ID % 2 {
		case 0:
			if !r.OK || r.Inputs != 3 || *r.PromptTokens != 30 {
				t.Errorf("request %d: %d inputs, %q", r.ID, r.Inputs, r.Detail)
			}
		default:
			if r.Error != request.ParseError || r.Detail != "2 vectors came for 3 inputs" || r.Inputs != 0 {
				t.Errorf("request %d: %q %q", r.ID, r.Error, r.Detail)
			}
		}
	}
}
