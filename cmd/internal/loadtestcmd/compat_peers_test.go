package loadtestcmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"llmops/analysis/compat"
	"llmops/analysis/loadreport"
	"llmops/probes/load/api"
	"llmops/probes/request"
	"llmops/probes/sim"
)

// tap notes every reply that a server writes, event by event, as a load test would
// have seen it on the wire.
type tap struct {
	handler http.Handler
	chat    api.API
	mu      sync.Mutex
	records []*request.Record
}

func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/chat/completions") {
		p.handler.ServeHTTP(w, r)
		return
	}
	sent := time.Now()
	reply := &tapped{ResponseWriter: w, sent: sent}
	reply.recorder.Reset(p.chat, true, "")
	p.handler.ServeHTTP(reply, r)
	reply.recorder.Close(time.Since(sent), nil)
	o := reply.recorder.Outcome()
	rec := &request.Record{
		OK: o.Class == request.OK, Error: o.Class, ScheduledAt: sent, SentAt: sent, DoneAt: sent.Add(o.Done), Chunks: o.Chunks, Bare: o.Bare,
		ReasoningChunks: o.Thinking, PromptTokens: o.Prompt.Ptr(), CompletionTokens: o.Tokens.Ptr(), CachedTokens: o.Cached.Ptr(), TokensFrom: o.TokensFrom,
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.records = append(p.records, rec)
}

type tapped struct {
	http.ResponseWriter
	sent     time.Time
	recorder api.Recorder
}

func (w *tapped) Write(b []byte) (int, error) {
	w.recorder.Feed(time.Since(w.sent), b)
	return w.ResponseWriter.Write(b)
}

// WriteString is called in place of Write where there is one.
func (w *tapped) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func (w *tapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }
func (w *tapped) Flush()                      { w.ResponseWriter.(http.Flusher).Flush() }

// Each tool that is in the PATH puts its load on a server that notes what it writes
// and when. From these bytes at these times --compat must come to the figures that
// the tool prints: what is left is the time from the server to the tool's own clock.
// It takes minutes, so it is run only if LLMOPS_COMPAT names a folder for what the
// tools write. Three of four means, medians, counts and totals must be within 1 %: on a
// machine with other work the tools themselves add more than that to the first token.
func TestSameBytes(t *testing.T) {
	out := os.Getenv("LLMOPS_COMPAT")
	if out == "" {
		t.Skip("LLMOPS_COMPAT is not set")
	}
	chat, ok := api.Lookup("chat")
	if !ok {
		t.Fatal("no chat")
	}
	for _, tool := range compat.Tools() {
		t.Run(tool, func(t *testing.T) {
			if _, err := exec.LookPath(tool); err != nil {
				t.Skip(err)
			}
			cfg := sim.DefaultConfig()
			cfg.PrefillBase, cfg.PrefillPerToken, cfg.DecodeBase, cfg.DecodePerSequence = time.Second, 0, 100*time.Millisecond, 0
			server, err := sim.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			p := &tap{handler: server.Handler(), chat: chat}
			h := httptest.NewServer(p)
			defer h.Close()
			cmd := exec.CommandContext(t.Context(), "bash", "../../../docs/peers/compat.sh")
			cmd.Env = append(os.Environ(), "SERVER="+h.URL, "TOOLS="+tool, "OUT="+out)
			cmd.Stderr = t.Output()
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			c, err := compat.New(compat.Tool(tool))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range p.records {
				c.Add(r)
			}
			ours, err := json.Marshal(c.Document(compat.Run{Target: loadreport.Target{API: "chat", Model: "sim"}, Load: loadreport.Load{Mode: "closed", Concurrency: new(4)}}))
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(out, tool+".ours.json")
			if err := os.WriteFile(name, ours, 0o600); err != nil {
				t.Fatal(err)
			}
			table, err := exec.CommandContext(t.Context(), "python3", "../../../docs/peers/compat.py", "table", tool, filepath.Join(out, tool+".json"), name).Output()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s", table)
			lines := bytes.Split(bytes.TrimSpace(table), []byte("\n"))
			var near, figures int
			if _, err := fmt.Sscanf(string(lines[len(lines)-1]), "%d of %d figures", &near, &figures); err != nil || figures < 15 || 4*near < 3*figures {
				t.Errorf("%d of %d figures are within 1 %% (%v)", near, figures, err)
			}
		})
	}
}
