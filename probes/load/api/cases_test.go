package api_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"llmops/fixtures/streamserver"
	"llmops/probes/load/api"
	"llmops/probes/request"
)

// TestCases plays every scripted reply over a real connection. Cases about the
// client's own limits and about connecting are left to the load engine.
func TestCases(t *testing.T) {
	cases, err := streamserver.Load(os.DirFS("../../../fixtures/streams"))
	if err != nil {
		t.Fatal(err)
	}
	server := streamserver.Start(t, cases)
	for _, c := range cases {
		if c.Target != "" || c.Client != (streamserver.Limits{}) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, server.URL(c), c.API)
			for _, fault := range c.Expected.Check(got, 2*time.Second) {
				t.Error(fault)
			}
			if n := c.Expected.RequestsSeen; n != nil && server.Posts(c.Name) != *n {
				t.Errorf("%d requests seen, want %d", server.Posts(c.Name), *n)
			}
		})
	}
}

// ask sends one request with net/http and records the reply.
func ask(t *testing.T, base, name string) streamserver.Result {
	a, ok := api.Lookup(name)
	if !ok {
		t.Fatalf("no interface %q", name)
	}
	url, err := a.Path(base, true)
	if err != nil {
		t.Fatal(err)
	}
	body := a.AppendBody(nil, api.Prompt{Text: "hello", MaxTokens: 5}, api.Options{Model: "m", Stream: true})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = a.Header("", true)
	client := &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	sent := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return streamserver.Result{Class: string(request.Connect)}
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return streamserver.Result{Class: string(request.Redirect)}
	case resp.StatusCode != http.StatusOK:
		return streamserver.Result{Class: "http_" + strconv.Itoa(resp.StatusCode)}
	}

	var r api.Recorder
	r.Reset(a, true, resp.Header.Get("Content-Type"))
	p := make([]byte, 16<<10)
	for over := false; !over; {
		n, err := resp.Body.Read(p)
		at := time.Since(sent)
		over = r.Feed(at, p[:n])
		if err != nil {
			if over = true; !errors.Is(err, io.EOF) {
				t.Logf("end of body: %v", err)
			}
			r.Close(at, err)
		}
	}
	o := r.Outcome()
	if o.Detail != "" {
		t.Log(o.Detail)
	}
	res := streamserver.Result{Class: string(o.Class), Tokens: o.Tokens.Ptr(), TokensFrom: o.TokensFrom}
	if o.Timed {
		res.TTFT, res.LastToken = &o.FirstToken, &o.LastToken
	}
	return res
}
