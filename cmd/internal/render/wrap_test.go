package render

import "testing"

func TestWrap(t *testing.T) {
	for _, tc := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 10, ""},
		{"one two three", 0, "  one two three\n"},
		{"one two three", 9, "  one two\n  three\n"},
		{"one two three", 10, "  one two\n  three\n"},
		{"averyverylongword is alone", 8, "  averyverylongword\n  is\n  alone\n"},
		{"é é é", 5, "  é é\n  é\n"},
	} {
		if got := Wrap(tc.text, tc.width, "  "); got != tc.want {
			t.Errorf("Wrap(%q, %d) = %q, want %q", tc.text, tc.width, got, tc.want)
		}
	}
}
