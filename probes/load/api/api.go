// Package api knows the request and reply formats of inference interfaces:
// where to send a request, its headers and body, and what each event of the
// reply means. Recorder turns a reply's body into an outcome: success or a
// class of failure, tokens, and when each of them came. It must not open
// connections, read the clock or judge the numbers.
package api

import "net/http"

// API is one interface, such as OpenAI's chat completions. The values come
// from Lookup; they hold no state and may be shared.
type API struct {
	Name string

	version string // path prefix for a base URL without any path: "/v1" or ""
	stream  string // path behind the base for a streamed reply
	whole   string // path behind the base for a reply in one piece
	models  string // path behind the base of the list of models
	apiKey  bool   // x-api-key and anthropic-version in place of a bearer token
	lines   bool   // streams one JSON document a line, not server-sent events
	// finishEnds: a finish reason is enough, the terminal event may be missing.
	finishEnds bool
	// finishRepeats: the finish reason is part of the terminal event and says
	// nothing of its own.
	finishRepeats bool
	// noText: replies carry no text (embeddings).
	noText bool

	body func(dst []byte, p Prompt, o Options) []byte
	read func(d *decoder)
}

// all is the registry, in the order in which help texts show it.
func all() []API {
	return []API{chat(), completions(), responses(), embeddings(), anthropic(), ollama(), tgi()}
}

// Lookup finds an interface by the name that --api takes.
func Lookup(name string) (API, bool) {
	for _, a := range all() {
		if a.Name == name {
			return a, true
		}
	}
	return API{}, false
}

// Names lists the interfaces.
func Names() []string {
	var names []string
	for _, a := range all() {
		names = append(names, a.Name)
	}
	return names
}

// Streams tells whether the interface can stream its reply.
func (a API) Streams() bool { return !a.noText }

// Header is the head of every request: content type, what is accepted and,
// unless key is empty, the credentials in the way of the interface.
func (a API) Header(key string, stream bool) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	switch {
	case !stream || !a.Streams():
		h.Set("Accept", "application/json")
	case a.lines:
		h.Set("Accept", "application/x-ndjson")
	default:
		h.Set("Accept", "text/event-stream")
	}
	if a.apiKey {
		h.Set("Anthropic-Version", "2023-06-01")
	}
	switch {
	case key == "":
	case a.apiKey:
		h.Set("X-Api-Key", key)
	default:
		h.Set("Authorization", "Bearer "+key)
	}
	return h
}
