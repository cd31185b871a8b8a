package render_test

import (
	"testing"

	"llmops/cmd/internal/render"
)

func TestMasked(t *testing.T) {
	for _, c := range [][2]string{
		{`up{instance="http://me:pw@h:1/m"}`, `up{instance="http://redacted@h:1/m"}`},
		{`x{api_key="a\"b",Token="t",token_type="prompt",y="z"}`, `x{api_key="redacted",Token="redacted",token_type="prompt",y="z"}`},
		{`x{auth_token="t"}`, `x{auth_token="redacted"}`},
		{`x{user="sk-abcdefghijklmnop0123"}`, `x{user="sk-redacted"}`},
		{`replica=http://u@h`, `replica=http://redacted@h`},
		{`vllm:prompt_tokens_total{model="a/b@c"}`, `vllm:prompt_tokens_total{model="a/b@c"}`},
		{`x{mail="a@b.c",task-kind="sk-1"}`, `x{mail="a@b.c",task-kind="sk-1"}`},
	} {
		if got := render.Masked(c[0]); got != c[1] {
			t.Errorf("%s: %s, want %s", c[0], got, c[1])
		}
	}
}
