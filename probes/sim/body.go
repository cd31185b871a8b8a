package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"llmops/probes/sim/model"
)

// api is one of the two completion interfaces.
type api int

const (
	chat api = iota
	text
)

// call is a completion request as far as it matters here.
type call struct {
	model.Request
	api             api
	stream          bool
	includeUsage    bool
	continuousUsage bool
}

// refusal is an error reply.
type refusal struct {
	status  int
	message string
	param   string
}

func badRequest(param, format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, fmt.Sprintf(format, args...), param}
}

const maxBody = 16 << 20

// read decodes and checks a request.
func (s *Server) read(w http.ResponseWriter, r *http.Request, a api) (*call, *refusal) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		// Where the next request begins is not known.
		w.Header().Set("Connection", "close")
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", maxBody), ""}
		}
		return nil, badRequest("", "the body cannot be read: %v", err)
	}
	var body struct {
		Model     *string         `json:"model"`
		Messages  []message       `json:"messages"`
		Prompt    json.RawMessage `json:"prompt"`
		MaxTokens *int            `json:"max_tokens"`
		MaxOutput *int            `json:"max_completion_tokens"`
		N         *int            `json:"n"`
		Stream    bool            `json:"stream"`
		IgnoreEOS bool            `json:"ignore_eos"`
		Options   *struct {
			IncludeUsage    bool `json:"include_usage"`
			ContinuousUsage bool `json:"continuous_usage_stats"`
		} `json:"stream_options"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, badRequest("", "the body is no valid request: %v", err)
	}
	if body.Model != nil && *body.Model != s.cfg.Model {
		return nil, &refusal{http.StatusNotFound, fmt.Sprintf("The model `%s` does not exist.", *body.Model), "model"}
	}
	if body.N != nil && *body.N != 1 {
		return nil, badRequest("n", "n is %d, this server gives 1 answer", *body.N)
	}
	c := &call{api: a, stream: body.Stream}
	c.IgnoreEOS = body.IgnoreEOS
	if o := body.Options; o != nil {
		if !body.Stream {
			return nil, badRequest("stream_options", "stream_options are for streams, set stream to true")
		}
		c.includeUsage, c.continuousUsage = o.IncludeUsage, o.IncludeUsage && o.ContinuousUsage
	}
	hash := model.NewPromptHash(s.cfg.BlockSize)
	var no *refusal
	if a == chat {
		no = hashMessages(hash, body.Messages)
	} else {
		no = hashPrompt(hash, body.Prompt)
	}
	if no != nil {
		return nil, no
	}
	c.PromptTokens, c.Prefix = hash.Tokens(), hash.Prefix()
	c.MaxTokens = max(1, min(s.cfg.DefaultMaxTokens, s.cfg.MaxModelLen-c.PromptTokens))
	for _, limit := range []*int{body.MaxTokens, body.MaxOutput} {
		if limit == nil {
			continue
		}
		if *limit < 1 {
			return nil, badRequest("max_tokens", "max_tokens must be at least 1, got %d", *limit)
		}
		c.MaxTokens = *limit
	}
	return c, nil
}

// message is one message of a chat.
type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

func hashMessages(h *model.PromptHash, messages []message) *refusal {
	if len(messages) == 0 {
		return badRequest("messages", "messages is missing or empty")
	}
	for i, m := range messages {
		h.Mark(m.Role)
		var parts []struct {
			Text string `json:"text"`
		}
		var whole string
		switch {
		case len(m.Content) == 0 || string(m.Content) == "null":
		case json.Unmarshal(m.Content, &whole) == nil:
			h.Words(whole)
		case json.Unmarshal(m.Content, &parts) == nil:
			for _, p := range parts {
				h.Words(p.Text)
			}
		default:
			return badRequest("messages", "messages[%d].content is neither text nor a list of parts", i)
		}
	}
	return nil
}

// hashPrompt takes a text, a list with one text, or a list of token numbers.
func hashPrompt(h *model.PromptHash, raw json.RawMessage) *refusal {
	if len(raw) == 0 || string(raw) == "null" {
		return badRequest("prompt", "prompt is missing")
	}
	var whole string
	if json.Unmarshal(raw, &whole) == nil {
		h.Words(whole)
		return nil
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		if len(list) != 1 {
			return badRequest("prompt", "prompt is a list of %d texts, this server takes 1", len(list))
		}
		h.Words(list[0])
		return nil
	}
	var ids []int64
	if json.Unmarshal(raw, &ids) != nil {
		return badRequest("prompt", "prompt is neither text nor a list of token numbers")
	}
	for _, id := range ids {
		h.Token(id)
	}
	return nil
}
