package accesslog

import (
	"fmt"
	"strings"
	"testing"
)

// A file may end within a message, as files that are rotated do.
func TestMessagesAcrossFiles(t *testing.T) {
	const at, line = "2026-04-05T07:49:08.115000001Z ", `INFO:     10.1.2.3:30001 - "POST /v1/x HTTP/1.1" 200 OK`
	docker := func(text, stream string) string {
		return fmt.Sprintf(`{"log":%q,"stream":%q,"time":"2026-04-05T07:49:08.115Z"}`, text, stream) + "\n"
	}
	for name, c := range map[string]struct {
		first, second string
		bad           int64
		line          int64 // of the first file
	}{
		"whole":            {at + "stdout F " + line + "\n", at + "stdout F " + line + "\n", 0, 0},
		"cut":              {at + "stdout F " + line + "\n\n" + at + "stdout P " + line[:40] + "\n", at + "stdout F " + line[40:] + "\n" + at + "stdout F " + line + "\n", 1, 3},
		"cut, no line end": {at + "stdout F " + line + "\n" + at + "stdout P " + line[:40], at + "stdout F " + line[40:] + "\n" + at + "stdout F " + line + "\n", 1, 2},
		"three parts":      {at + "stdout F " + line + "\n" + at + "stderr P " + line[:20] + "\n" + at + "stderr P " + line[20:35] + "\n", at + "stderr F " + line[35:] + "\n" + at + "stdout F " + line + "\n", 1, 3},
		"both streams":     {at + "stdout F " + line + "\n" + at + "stderr P " + line[:40] + "\n" + at + "stdout P " + line[:50] + "\n", at + "stdout F " + line + "\n", 2, 3},
		"another message":  {at + "stdout F " + line + "\n" + at + "stdout P Loading weights", at + "stdout F  took 3 s\n" + at + "stdout F " + line + "\n", 0, 0},
		"docker":           {docker(line+"\n", "stdout") + docker(line[:40], "stdout"), docker(line[40:]+"\n", "stdout") + docker(line+"\n", "stdout"), 1, 2},
	} {
		for _, workers := range []int{1, 3} {
			s, _, err := readAll(t, []Source{memory("0", []byte(c.first)), memory("1", []byte(c.second))}, Options{Workers: workers})
			if err != nil || s.Records != 2 || s.Malformed != c.bad {
				t.Fatalf("%s: %d records, %d malformed, %v", name, s.Records, s.Malformed, err)
			}
			for _, x := range s.Samples {
				if x.File != "0" || x.Line != c.line || !strings.Contains(x.Why, "next one") || !strings.HasPrefix(x.Text, "INFO") {
					t.Errorf("%s: %+v", name, x)
				}
			}
		}
	}
}
