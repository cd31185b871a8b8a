package api

import "testing"

func TestEmbeddingInputs(t *testing.T) {
	a, _ := Lookup("embeddings")
	p := Prompt{Text: "one", More: []Prompt{{Text: `"two"`}, {Messages: []Message{{"system", "x"}, {"user", "three"}}}}}
	want := `{"model":"m","input":["one","\"two\"","x\nthree"]}`
	if got := string(a.AppendBody(nil, p, Options{Model: "m"})); got != want || a.Inputs(p) != 3 {
		t.Errorf("%s with %d inputs, want %s", got, a.Inputs(p), want)
	}
	extra, err := ParseExtra([]byte(`{"input":[[1,2]],"dimensions":8}`))
	if err != nil {
		t.Fatal(err)
	}
	want = `{"model":"m","dimensions":8,"input":[[1,2]]}`
	if got := string(a.AppendBody(nil, p, Options{Model: "m", Extra: extra})); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if chat, _ := Lookup("chat"); chat.Inputs(p) != 0 {
		t.Error("chat has inputs")
	}
}

func TestVectorsAreCounted(t *testing.T) {
	a, _ := Lookup("embeddings")
	var r Recorder
	for _, tc := range []struct {
		body    string
		vectors int
	}{
		{`{"data":[{"embedding":[1,2]},{"embedding":"AAAA"},{"embedding":[]}],"usage":{"prompt_tokens":9,"total_tokens":9}}`, 3},
		{`{"data":[{"embedding":[1]}],"object":"list"}`, 1}, // not what the reply before had
		{`{"data":[{},{}],"data":[{}]}`, 1},
	} {
		r.Reset(a, false, "application/json")
		r.Feed(1, []byte(tc.body))
		r.Close(2, nil)
		o := r.Outcome()
		if o.Class != "" || o.Vectors != tc.vectors || o.Timed || o.Tokens.Known {
			t.Errorf("%s: %+v", tc.body, o)
		}
	}
}
