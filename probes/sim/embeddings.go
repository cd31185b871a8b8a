package sim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"llmops/probes/sim/model"
)

// dimensions is the length of the vectors, small: nobody looks at them.
const dimensions = 8

// embed answers a request for embeddings. Each input is a sequence of its own with
// one token, so that it takes the model's prefill time; the reply is due with the
// last of them.
func (s *Server) embed(w http.ResponseWriter, r *http.Request) {
	n := s.newNote(w)
	if n != nil {
		w = n
	}
	inputs, no := s.readInputs(w, r)
	if no != nil {
		refuse(w, *no, 0)
		n.file(model.Event{})
		return
	}
	boxes := make([]*mailbox, len(inputs))
	for i, in := range inputs {
		id, box := s.submit(in)
		stop := context.AfterFunc(r.Context(), func() { s.cancel(id) })
		defer stop()
		boxes[i] = box
	}
	tokens := 0
	var failed, last model.Event
	for i, box := range boxes {
		last = box.end()
		if failed.Reason == model.None && last.Reason != model.Limit && last.Reason != model.Stop {
			failed = last
		}
		tokens += inputs[i].PromptTokens
	}
	switch failed.Reason {
	case model.None:
		body := s.vectors(len(inputs), tokens)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body) //nolint:errcheck // nobody is left to be told
	case model.Cancelled:
		last = failed
	default:
		last = failed
		e := &encoder{call: &call{Request: inputs[0]}, server: s}
		e.refuse(w, last)
	}
	n.file(last)
}

// end waits for the end of the sequence.
func (m *mailbox) end() model.Event {
	for {
		for _, ev := range m.take() {
			if ev.Reason != model.None {
				return ev
			}
		}
	}
}

// readInputs decodes and checks a request for embeddings.
func (s *Server) readInputs(w http.ResponseWriter, r *http.Request) ([]model.Request, *refusal) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		w.Header().Set("Connection", "close") // where the next request begins is not known
		return nil, badRequest("", "the body cannot be read: %v", err)
	}
	var body struct {
		Model *string         `json:"model"`
		Input json.RawMessage `json:"input"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, badRequest("", "the body is no valid request: %v", err)
	}
	if body.Model != nil && *body.Model != s.cfg.Model {
		return nil, &refusal{http.StatusNotFound, "The model `" + *body.Model + "` does not exist.", "model"}
	}
	// One input is a text or a list of token numbers, several are a list of those.
	list := []json.RawMessage{body.Input}
	var several []json.RawMessage
	var numbers []int64
	if json.Unmarshal(body.Input, &several) == nil && json.Unmarshal(body.Input, &numbers) != nil {
		list = several
	}
	if len(list) == 0 || len(body.Input) == 0 {
		return nil, badRequest("input", "input is missing or empty")
	}
	var out []model.Request
	for i, in := range list {
		hash := model.NewPromptHash(s.cfg.BlockSize)
		if no := hashPrompt(hash, in); no != nil {
			return nil, badRequest("input", "input %d is neither text nor a list of token numbers", i)
		}
		out = append(out, model.Request{PromptTokens: hash.Tokens(), Prefix: hash.Prefix(), MaxTokens: 1, IgnoreEOS: true})
	}
	return out, nil
}

// vectors is the reply: unit vectors, each along the axis of its place.
func (s *Server) vectors(n, tokens int) []byte {
	b := []byte(`{"object":"list","data":[`)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"object":"embedding","index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"embedding":[`...)
		for k := range dimensions {
			if k > 0 {
				b = append(b, ',')
			}
			if k == i%dimensions {
				b = append(b, "1.0"...)
			} else {
				b = append(b, "0.0"...)
			}
		}
		b = append(b, "]}"...)
	}
	b = append(b, `],"model":`...)
	b = append(b, quote(s.cfg.Model)...)
	b = append(b, `,"usage":{"prompt_tokens":`...)
	b = strconv.AppendInt(b, int64(tokens), 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, int64(tokens), 10)
	return append(b, "}}"...)
}
