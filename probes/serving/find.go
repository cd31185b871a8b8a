package serving

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"llmops/probes/remote"
	"llmops/probes/snapshot"
)

// identify asks for the list of models, which tells the engine too. It comes before
// the page of metrics, as that of trtllm-serve must not be read without need. A
// problem is one of reaching the server at all.
func (t *Target) identify(ctx context.Context, s *snapshot.Server) (*engine, *snapshot.Problem) {
	r, err := t.client.get(ctx, t.base.JoinPath("v1/models").String())
	if err != nil && !errors.Is(err, remote.ErrTooLarge) {
		return nil, new(t.client.broken(t.shown, "", err))
	}
	s.Up = true
	var list struct {
		Data []struct {
			ID      string          `json:"id"`
			OwnedBy string          `json:"owned_by"`
			Root    json.RawMessage `json:"root"`          // what the model was loaded from
			Length  json.RawMessage `json:"max_model_len"` // tokens of prompt and answer
		} `json:"data"`
	}
	if r.status != http.StatusOK || err != nil || json.Unmarshal(r.body, &list) != nil {
		if strings.EqualFold(r.server, "llama.cpp") {
			return t.client.engines.byName("llama.cpp"), nil
		}
		return nil, nil
	}
	var e *engine
	for _, m := range list.Data {
		if id := t.client.clean(m.ID); id != "" {
			s.Models = append(s.Models, id)
		}
		if e == nil {
			e = t.client.engines.byOwner(m.OwnedBy)
		}
	}
	slices.Sort(s.Models)
	s.Models = slices.Compact(s.Models)
	var roots, lengths []string
	for _, m := range list.Data {
		if root := text(m.Root); root != m.ID {
			roots = append(roots, root)
		}
		lengths = append(lengths, text(m.Length))
	}
	t.setting(s, "root", roots...)
	t.setting(s, "max_model_len", lengths...)
	return e, nil
}

// page reads the metrics; known is the engine as far as it is known. With a problem
// of status unsupported the engine is there and has no page.
func (t *Target) page(ctx context.Context, known *engine, s *snapshot.Server) (*page, *engine, *snapshot.Problem) {
	path := t.path
	trt := known != nil && known.name == "tensorrt_llm"
	if trt && path == t.base.Path+"/metrics" {
		path = t.base.Path + "/prometheus/metrics"
	}
	at := *t.base
	at.Path = path
	r, err := t.client.get(ctx, at.String())
	fail := func(p snapshot.Problem) (*page, *engine, *snapshot.Problem) { return nil, known, &p }
	if err != nil {
		return fail(t.client.broken(t.shown, "metrics", err))
	}
	switch {
	case r.status == http.StatusNotFound, r.status == http.StatusMethodNotAllowed, r.status == http.StatusNotImplemented:
		if trt && t.client.cfg.IterationStats {
			return t.iterations(ctx, known, s)
		}
		return t.without(ctx, known)
	case r.status/100 != 2:
		return fail(t.client.refused(t.shown, "metrics", r))
	}
	p := snapshot.Problem{Source: t.shown, What: "metrics", Status: snapshot.Failed}
	switch start := bytes.TrimLeft(r.body, " \t\r\n"); {
	case bytes.HasPrefix(start, []byte("<")):
		p.Detail, p.Hint = "it answers with a web page", "give the URL of the inference server itself, or of its page of metrics"
		return fail(p)
	case bytes.HasPrefix(start, []byte("[")), bytes.HasPrefix(start, []byte("{")) && strings.Contains(r.kind, "json"):
		p.Status, p.Detail = snapshot.Unsupported, "it answers with JSON, as trtllm-serve does"
		p.Hint = "give the URL of its page of Prometheus metrics, …/prometheus/metrics"
		return fail(p)
	}
	got, err := t.client.engines.parse(r.body, r.kind)
	if err != nil {
		p.Detail = "what it answers is not the text format of Prometheus: " + t.client.clean(err.Error())
		return fail(p)
	}
	got.at = r.at
	e := t.client.engines.detect(got)
	if e == nil {
		p.Status, p.Detail = snapshot.Unsupported, "its metrics are of no inference server that is known"
		p.Hint = "known are vLLM, SGLang, TGI, Triton, TensorRT-LLM, llama.cpp and Ollama"
		if known != nil && known.off != "" { // it is one, and was told not to show them
			p.Detail, p.Hint = known.off, known.hint
		}
		return fail(p)
	}
	return &got, e, nil
}

// without says what it means that there is no page of metrics.
func (t *Target) without(ctx context.Context, e *engine) (*page, *engine, *snapshot.Problem) {
	if e == nil {
		e = t.recognise(ctx)
	}
	p := &snapshot.Problem{Source: t.shown, What: "metrics", Status: snapshot.Unsupported,
		Detail: "there is no page of metrics", Hint: "is it the right port? SGLang needs --enable-metrics, llama-server --metrics, and Triton has a port of its own, 8002"}
	if e != nil && e.off != "" {
		p.Detail, p.Hint = e.off, e.hint
	}
	return nil, e, p
}

// recognise tells engines that neither list models nor show metrics.
func (t *Target) recognise(ctx context.Context) *engine {
	var v struct{ Name, Version string }
	switch {
	case t.json(ctx, "/api/version", &v) == nil && v.Version != "":
		return t.client.engines.byName("ollama")
	case t.json(ctx, "/v2", &v) == nil && v.Name == "triton":
		return t.client.engines.byName("triton")
	}
	return nil
}

// iterations reads what reading removes from the server.
func (t *Target) iterations(ctx context.Context, e *engine, s *snapshot.Server) (*page, *engine, *snapshot.Problem) {
	p := &snapshot.Problem{Source: t.shown, What: "metrics", Status: snapshot.Unsupported, Detail: e.off, Hint: e.hint}
	r, err := t.client.get(ctx, t.base.JoinPath("metrics").String())
	switch {
	case err != nil:
		p = new(t.client.broken(t.shown, "metrics", err))
	case r.status != http.StatusOK:
		p = new(t.client.refused(t.shown, "metrics", r))
	default:
		if err := readIterations(r.body, s); err != nil {
			p.Status, p.Detail, p.Hint = snapshot.Failed, "its JSON metrics cannot be read: "+t.client.clean(err.Error()), ""
		}
	}
	return nil, e, p
}
