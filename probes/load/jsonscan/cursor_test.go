package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func skipAll(data string) error {
	var c Cursor
	c.Reset([]byte(data))
	c.Skip()
	return c.End()
}

func TestValidity(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want error
	}{
		{`{}`, nil}, {` [ ] `, nil}, {`[1,2]`, nil}, {`{"a":{"b":[null,true,false]}}`, nil},
		{`-0.5e+10`, nil}, {`0`, nil}, {`"\u00e9\ud83d\ude00\/"`, nil}, {"\"\xff\"", nil}, {`"\ud800"`, nil},
		{``, ErrIncomplete}, {`  `, ErrIncomplete}, {`{`, ErrIncomplete}, {`{"a"`, ErrIncomplete}, {`{"a":`, ErrIncomplete},
		{`{"a":1,`, ErrIncomplete}, {`[1,`, ErrIncomplete}, {`"abc`, ErrIncomplete}, {`"\`, ErrIncomplete},
		{`"\u12`, ErrIncomplete}, {`tru`, ErrIncomplete}, {`-`, ErrIncomplete}, {`1.`, ErrIncomplete}, {`1e+`, ErrIncomplete},
		{`{"a":1,}`, ErrSyntax}, {`[1,]`, ErrSyntax}, {`[,]`, ErrSyntax}, {`[1 2]`, ErrSyntax}, {`{"a" 1}`, ErrSyntax},
		{`{a:1}`, ErrSyntax}, {`{1:1}`, ErrSyntax}, {`01`, ErrSyntax}, {`.5`, ErrSyntax}, {`+1`, ErrSyntax}, {`1.e`, ErrSyntax},
		{`"\x"`, ErrSyntax}, {`"\u12g4"`, ErrSyntax}, {"\"a\nb\"", ErrSyntax}, {"\"12345678\x01\"", ErrSyntax},
		{`nul1`, ErrSyntax}, {`{} {}`, ErrSyntax}, {`[}`, ErrSyntax}, {`<html>`, ErrSyntax}, {`NaN`, ErrSyntax},
		{strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), nil},
		{strings.Repeat("[", MaxDepth+1), ErrDepth},
	} {
		if err := skipAll(tt.in); !errors.Is(err, tt.want) {
			t.Errorf("%.40q: %v, want %v", tt.in, err, tt.want)
		}
		if tt.want != ErrDepth && json.Valid([]byte(tt.in)) != (tt.want == nil) {
			t.Errorf("%.40q: the table disagrees with encoding/json", tt.in)
		}
	}
}

// Every proper prefix of an object could still become that object.
func TestPrefixesAreIncomplete(t *testing.T) {
	const whole = `{"a\u0041":[1,-2.5e+3,true,false,null,"x\n\ud83d\ude00é"],"b":{"c":{}}}`
	for n := range len(whole) {
		if err := skipAll(whole[:n]); err != ErrIncomplete {
			t.Errorf("%q: %v, want %v", whole[:n], err, ErrIncomplete)
		}
	}
	if err := skipAll(whole); err != nil {
		t.Error(err)
	}
}

func TestReaders(t *testing.T) {
	var c Cursor
	c.Reset([]byte(`{"\u0074ext":"a\u00e9\ud83d\ude00","n":-12,"f":5.0,"half":2.5,"big":92233720368547758070,"b":true,"raw": [1, 2] ,"no":"x"}`))
	if !c.Object() {
		t.Fatal("no object")
	}
	key := func(want string) {
		t.Helper()
		if k, ok := c.Key(); !ok || string(k) != want {
			t.Fatalf("key %q %v, want %q", k, ok, want)
		}
	}
	key("text")
	if s, ok := c.Text(); !ok || s.Chars() != 3 || string(s.Append(nil, 100)) != "aé😀" || string(s.Append(nil, 4)) != "aé" {
		t.Errorf("text: %q %v", s.Append(nil, 100), ok)
	}
	key("n")
	if n, ok := c.Int(); n != -12 || !ok {
		t.Errorf("n: %d %v", n, ok)
	}
	key("f")
	if n, ok := c.Int(); n != 5 || !ok {
		t.Errorf("f: %d %v", n, ok)
	}
	for _, k := range []string{"half", "big"} {
		key(k)
		if n, ok := c.Int(); ok {
			t.Errorf("%s: %d, want none", k, n)
		}
	}
	key("b")
	if v, ok := c.Bool(); !v || !ok {
		t.Error("b")
	}
	key("raw")
	if string(c.Raw()) != "[1, 2]" {
		t.Error("raw")
	}
	key("no")
	if _, ok := c.Int(); ok {
		t.Error("a string was read as a number")
	}
	if _, ok := c.Key(); ok {
		t.Error("a member too many")
	}
	if err := c.End(); err != nil {
		t.Error(err)
	}
}

func TestAppendString(t *testing.T) {
	for _, s := range []string{"", "plain", "a\"b\\c/<>&", "\x00\x01\b\f\n\r\t\x1f\x7f", "é漢😀", "\u2028\u2029", "\xff a \xc3", "\xed\xa0\x80"} {
		checkAppend(t, s)
	}
}

func checkAppend(t *testing.T, s string) {
	t.Helper()
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	if got := AppendString([]byte("x"), s); string(got) != "x"+strings.TrimSuffix(want.String(), "\n") {
		t.Errorf("%q: %s, want %s", s, got[1:], want.String())
	}
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"\u00e9"],"b":null}`, `"\ud83d\ude00x\ud800"`, `[[],{}]`, `{"a":1`, `{"a":}`, "\"\xff\"", `-0`, `1e5`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Cursor
		c.Reset(data)
		c.Skip()
		err := c.End()
		if err == ErrDepth {
			return
		}
		if (err == nil) != json.Valid(data) {
			t.Fatalf("%q: %v, encoding/json says valid: %v", data, err, json.Valid(data))
		}
		if err == nil {
			trimmed := bytes.TrimRight(data, " \t\r\n")
			if last := len(trimmed) - 1; trimmed[last] == '}' || trimmed[last] == ']' || trimmed[last] == '"' {
				if err := skipAll(string(trimmed[:last])); err != ErrIncomplete {
					t.Fatalf("%q without its end: %v", data, err)
				}
			}
		}
		c.Reset(data)
		s, ok := c.Text()
		var want string
		if ok && c.End() == nil {
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			if got := string(s.Append(nil, 1<<30)); got != want || s.Chars() != utf8.RuneCountInString(want) {
				t.Fatalf("%q: %q with %d characters, want %q", data, got, s.Chars(), want)
			}
		}
		c.Reset(data)
		var number json.Number
		if n, ok := c.Int(); ok && c.End() == nil {
			if err := json.Unmarshal(data, &number); err != nil {
				t.Fatal(err)
			}
			if want, err := number.Int64(); err == nil && want != n {
				t.Fatalf("%q: %d", data, n)
			}
		}
		checkAppend(t, string(data))
	})
}
