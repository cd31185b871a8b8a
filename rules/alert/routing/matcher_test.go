package routing_test

import (
	"strings"
	"testing"

	"llmops/rules/alert/routing"
)

func TestParseMatchers(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{`a=b`, `a="b"`},
		{` a = "b" `, `a="b"`},
		{`a!=b, c=~"d|e",`, `a!="b" c=~"d|e"`},
		{`{a="b",c!~d}`, `a="b" c!~"d"`},
		{`{}`, ``},
		{``, ``},
		{`a=`, `a=""`},
		{`a=""`, `a=""`},
		{`a=b c`, `a="b c"`},
		{`a="x, y={}"`, `a="x, y={}"`},
		{`a="say \"hi\"\n\\ \d"`, `a="say \"hi\"\n\\ \\d"`},
		{`a:b="c"`, `a:b="c"`},
		{`"a b"="c"`, `"a b"="c"`}, // the newer syntax from here on
		{`{"größe" =~ "x.*", a=b}`, `größe=~"x.*" a="b"`},
		{`größe=x`, `größe="x"`},
		{`"a"="\u0062"`, `a="b"`},
	} {
		ms, err := routing.ParseMatchers(tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		var got []string
		for _, m := range ms {
			got = append(got, m.String())
			again, err := routing.ParseMatchers(m.String())
			if err != nil || len(again) != 1 || again[0].String() != m.String() || again[0].Value != m.Value {
				t.Errorf("%s reads as %v, %v", m, again, err)
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s: %s, want %s", tc.text, got, tc.want)
		}
	}
	for _, text := range []string{"a", "=b", `a="b`, `a=b"`, `a="b"c`, `a=~"("`, `a=~b)|(c`, "a\xff=b", `"a"b="c"`, `{"a"="b"`, `"a"="b"}`, `"a"="b" "c"="d"`, `"a"~"b"`, `"a"=`, `"a"="\xff"`} {
		if ms, err := routing.ParseMatchers(text); err == nil {
			t.Errorf("%q reads as %v", text, ms)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		matcher, value string
		want           bool
	}{
		{`a=b`, "b", true}, {`a=b`, "", false}, {`a=""`, "", true}, {`a!=b`, "", true}, {`a!=b`, "b", false},
		{`a=~"b|c"`, "c", true}, {`a=~"b|c"`, "bc", false}, {`a=~"b|c"`, "xb", false}, {`a=~".*"`, "", true}, {`a=~".+"`, "", false},
		{`a!~"b|c"`, "d", true}, {`a!~"b|c"`, "b", false}, {`a!~".+"`, "", true},
	} {
		ms, err := routing.ParseMatchers(tc.matcher)
		if err != nil {
			t.Fatal(err)
		}
		labels := map[string]string{"z": "b"}
		if tc.value != "" {
			labels["a"] = tc.value
		}
		if got := routing.Matches(ms, labels); got != tc.want {
			t.Errorf("%s of %q: %v", tc.matcher, tc.value, got)
		}
	}
}
