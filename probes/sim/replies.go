package sim

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// answer is what the replies are counted by.
type answer struct {
	handler string // path of the route, "none" when there is none
	method  string
	status  int
}

// replies counts the requests that were answered, refused ones too. The zero
// value is ready.
type replies struct {
	mu sync.Mutex
	by map[answer]int64
}

// count counts what h answers, when it is done with the request. A request
// that got no reply is not counted, and neither are those for /metrics and
// /health, which engines leave out too: they would hide the share of errors.
// Connections that are to be reset are, after that.
func (r *replies) count(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		rec := &recorder{ResponseWriter: w}
		h.ServeHTTP(rec, req) // sets req.Pattern
		_, path, _ := strings.Cut(req.Pattern, " ")
		if rec.status != 0 && path != "/metrics" && path != "/health" {
			r.add(answer{cmp.Or(path, "none"), known(req.Method), rec.status})
		}
		if rec.reset {
			cutOff(w)
		}
	})
}

func (r *replies) add(a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[answer]int64{}
	}
	r.by[a]++
}

// known keeps a client from making up labels without end.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// sorted is the counts by handler, method and status.
func (r *replies) sorted(yield func(answer, int64) bool) {
	r.mu.Lock()
	by := maps.Clone(r.by)
	r.mu.Unlock()
	for _, a := range slices.SortedFunc(maps.Keys(by), func(a, b answer) int {
		return cmp.Or(cmp.Compare(a.handler, b.handler), cmp.Compare(a.method, b.method), cmp.Compare(a.status, b.status))
	}) {
		if !yield(a, by[a]) {
			return
		}
	}
}

// recorder notes the status of a reply, and whether its connection is to be reset.
type recorder struct {
	http.ResponseWriter
	status int // 0: nothing was sent
	reset  bool
}

// Unwrap lets http.ResponseController flush and hijack.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}
