package load

import "testing"

func TestMessage(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"message":"no such model","code":404}}`: "no such model",
		`{"error":"overloaded"}`:                           "overloaded",
		`{"object":"error","message":"too long"}`:          "too long",
		`{"detail":"Invalid API key"}`:                     "Invalid API key",
		`{"detail":[{"loc":["body"]}]}`:                    `{"detail":[{"loc":["body"]}]}`,
		`{"error":null}`:                                   `{"error":null}`,
		`<html>busy</html>`:                                `<html>busy</html>`,
		``:                                                 ``,
	} {
		if got := string(message([]byte(body))); got != want {
			t.Errorf("message(%s) = %q, want %q", body, got, want)
		}
	}
}
