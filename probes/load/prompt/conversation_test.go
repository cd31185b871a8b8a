package prompt

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/load/api"
	"llmops/probes/load/length"
)

func TestConversationsOfADataset(t *testing.T) {
	entries, err := Parse("f", []byte(`[
		{"conversations":[{"from":"gpt","value":"early"},{"from":"human","value":"a"},{"from":"gpt","value":"A"},{"from":"gpt","value":"A2"},{"from":"human","value":"b"},{"from":"gpt","value":""},{"from":"human","value":"c"}]},
		{"prompt":"alone"}]`))
	if err != nil {
		t.Fatal(err)
	}
	d := &Dataset{Prompts: entries, Output: length.Constant(7)}
	if d.Turns(0) != 3 || d.Turns(1) != 1 || d.Turns(2) != 3 || d.Talks() != 1 {
		t.Errorf("turns %d, %d, %d; %d talks", d.Turns(0), d.Turns(1), d.Turns(2), d.Talks())
	}
	third := []api.Message{{Role: "user", Content: "a"}, {Role: "assistant", Content: "A\nA2"}, {Role: "user", Content: "b"}, {Role: "user", Content: "c"}}
	for _, tc := range []struct {
		session int64
		turn    int
		want    api.Prompt
	}{
		{0, 0, api.Prompt{Text: "a", MaxTokens: 7}},
		{0, 1, api.Prompt{Messages: third[:3], MaxTokens: 7}},
		{0, 2, api.Prompt{Messages: third, MaxTokens: 7}},
		{2, 9, api.Prompt{Messages: third, MaxTokens: 7}},
		{1, 0, api.Prompt{Text: "alone", MaxTokens: 7}},
		{-1, 3, api.Prompt{Text: "alone", MaxTokens: 7}},
	} {
		if diff := cmp.Diff(tc.want, d.SessionPrompt(tc.session, tc.turn)); diff != "" {
			t.Errorf("session %d, turn %d: %s", tc.session, tc.turn, diff)
		}
	}
}

// Each turn begins with all that was said before, so that a prefix cache finds it.
func TestGeneratedConversations(t *testing.T) {
	input, err := length.Parse("uniform:3,30")
	if err != nil {
		t.Fatal(err)
	}
	s := Synthetic{Seed: 4, Input: input, Output: length.Constant(5)}
	if diff := cmp.Diff(s.Prompt(9), s.SessionPrompt(9, 0)); diff != "" {
		t.Error(diff)
	}
	before := s.SessionPrompt(9, 0)
	said := []api.Message{{Role: "user", Content: before.Text}}
	for turn := 1; turn < 5; turn++ {
		p := s.SessionPrompt(9, turn)
		if diff := cmp.Diff(p, s.SessionPrompt(9, turn)); diff != "" {
			t.Fatal(diff)
		}
		if len(p.Messages) != 2*turn+1 || p.MaxTokens != 5 {
			t.Fatalf("turn %d: %+v", turn, p)
		}
		if diff := cmp.Diff(said, p.Messages[:len(said)]); diff != "" {
			t.Errorf("turn %d does not begin as the one before: %s", turn, diff)
		}
		if answer := p.Messages[2*turn-1]; answer.Role != "assistant" || len(strings.Fields(answer.Content)) != 5 {
			t.Errorf("turn %d: answer %+v", turn, answer)
		}
		said = p.Messages
	}
	if s.SessionPrompt(8, 1).Messages[2].Content == s.SessionPrompt(9, 1).Messages[2].Content {
		t.Error("two sessions say the same")
	}
	for i := range int64(40) {
		words, limit := s.Size(i)
		if p := s.Prompt(i); len(strings.Fields(p.Text)) != words || p.MaxTokens != limit {
			t.Errorf("prompt %d has %d words, Size says %d, limit %d", i, len(strings.Fields(p.Text)), words, limit)
		}
	}
}

func TestPrefixed(t *testing.T) {
	s := Synthetic{Seed: 4, Input: length.Constant(6), Output: length.Constant(5)}
	p := Prefixed{Source: s, Seed: 4, Words: 40}
	a, b := p.Prompt(1), p.SessionPrompt(2, 1)
	if len(strings.Fields(a.Messages[0].Content)) != 40 || a.Messages[0].Role != "system" || a.Messages[0] != b.Messages[0] {
		t.Errorf("%+v, %+v", a.Messages[0], b.Messages[0])
	}
	if a.Messages[1].Content != s.Prompt(1).Text || len(b.Messages) != 4 || a.Text != "" || a.MaxTokens != 5 {
		t.Errorf("%+v, %+v", a, b)
	}
	if words, limit := p.Size(1); words != 46 || limit != 5 {
		t.Errorf("size %d, limit %d", words, limit)
	}
	// One message of a system is all that chat templates take.
	d := &Dataset{Prompts: entries(api.Prompt{Messages: []api.Message{{Role: "system", Content: "be kind"}, {Role: "user", Content: "u"}}})}
	got := Prefixed{Source: d, Seed: 4, Words: 2}.Prompt(0).Messages
	if len(got) != 2 || !strings.HasSuffix(got[0].Content, "\nbe kind") || len(strings.Fields(got[0].Content)) != 4 {
		t.Errorf("%+v", got)
	}
	if d.Prompts[0].Messages[0].Content != "be kind" {
		t.Error("the dataset was changed")
	}
}
