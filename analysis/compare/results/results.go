// Package results reads what other load testers write, as runs that can be
// compared: their figures under our names, with what each means where tools differ.
// It must not judge them, and leaves out what a file does not say.
package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"regexp"
	"strings"

	"llmops/analysis/compare"
)

// File is a result file.
type File struct {
	Name string
	Text []byte
	// Beside opens a file by its name in the same folder, such as the single
	// requests of a run; nil where there is none.
	Beside func(name string) ([]byte, error)
}

// Format is one kind of file. A new one is one file of this package and one line in
// Formats.
type Format struct {
	Name string
	// is tells by the keys of the first JSON object of a file.
	is   func(keys map[string]json.RawMessage) bool
	read func(File) ([]compare.Run, error)
}

// Formats are all that are known.
func Formats() []Format {
	return []Format{
		{"guidellm", isGuideLLM, readGuideLLM},
		{"aiperf", isAIPerf, readAIPerf},
		{"inference-perf", isInferencePerf, readInferencePerf},
		{"sglang", isSGLang, readSGLang},
		{"vllm", isVLLM, readVLLM},
		{"k6", isK6, readK6},
		{"k6", isK6Points, readK6Points},
	}
}

// FormatOf tells which format the content is of; "" if of none.
func FormatOf(text []byte) string {
	if f := formatOf(text); f != nil {
		return f.Name
	}
	return ""
}

func formatOf(text []byte) *Format {
	var keys map[string]json.RawMessage
	if json.NewDecoder(bytes.NewReader(plain(text))).Decode(&keys) != nil {
		return nil
	}
	for _, f := range Formats() {
		if f.is(keys) {
			return &f
		}
	}
	return nil
}

// Read gives the runs of a file: several of a sweep, or of a file to which each run
// was appended. Errors say where.
func Read(f File) ([]compare.Run, error) {
	format := formatOf(f.Text)
	if format == nil {
		return nil, errors.New("not the result of a load test that is known")
	}
	f.Text = plain(f.Text)
	runs, err := format.read(f)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", f.Name, format.Name, placed(f.Text, err))
	}
	for i := range runs {
		runs[i].About.Tool, runs[i].About.Target = format.Name, addresses(runs[i].About.Target)
		for name, v := range runs[i].Figures {
			// No tool measures a time of 0: it stands for one that there was not.
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 || v == 0 && strings.HasSuffix(name, "_ms") {
				delete(runs[i].Figures, name)
			}
		}
		if len(runs[i].Figures) == 0 && runs[i].Total == 0 {
			return nil, fmt.Errorf("%s of %s holds no figure", f.Name, format.Name)
		}
	}
	return runs, nil
}

// addresses are URLs parted by commas without what may be a secret: users, passwords and
// queries. One that cannot be read is left out.
func addresses(list string) string {
	var out []string
	for text := range strings.SplitSeq(list, ", ") {
		u, err := url.Parse(text)
		if err != nil || u.Opaque != "" || u.Host == "" && strings.Contains(text, "@") {
			continue
		}
		u.User, u.RawQuery, u.ForceQuery, u.Fragment = nil, "", false, ""
		out = append(out, u.String())
	}
	return strings.Join(out, ", ")
}

// plain is the text as JSON has it: without a byte order mark, and with null for the NaN
// and Infinity that Python writes (sglang: the request rate, unless one is asked for).
func plain(text []byte) []byte {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i, quoted := 0, false; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\' && i+1 < len(text):
			out = append(out, c)
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == 'N' || c == 'I' || c == '-'):
			if n := len(unmeasured.Find(text[i:])); n > 0 {
				out = append(out, "null"...)
				i += n - 1
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}

var unmeasured = regexp.MustCompile(`^(NaN|-?Infinity)\b`)

// placed says at which line and column a JSON document is wrong.
func placed(text []byte, err error) error {
	offset := int64(-1)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = e.Offset
	} else if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = e.Offset
	}
	if offset < 0 || offset > int64(len(text)) {
		return err
	}
	before := text[:offset]
	return fmt.Errorf("line %d, column %d: %w", 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n'), err)
}

// documents reads JSON values one after the other.
func documents[T any](text []byte, each func(*T) error) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		v := new(T)
		switch err := dec.Decode(v); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := each(v); err != nil {
			return err
		}
	}
}

func has(keys map[string]json.RawMessage, names ...string) bool {
	for _, name := range names {
		if _, ok := keys[name]; !ok {
			return false
		}
	}
	return true
}

// figures are those of a run by our names.
type figures map[string]float64

// set keeps a figure that was measured, times a factor.
func (f figures) set(name string, v *float64, factor float64) {
	if v != nil {
		f[name] = *v * factor
	}
}

// distribution is one of a file, by the names of its figures.
func (f figures) distribution(metric string, of map[string]float64, factor float64, names map[string]string) {
	for ours, theirs := range names {
		if v, ok := of[theirs]; ok {
			f[ours+"_"+metric] = v * factor
		}
	}
}

// toMilliseconds is how many ms one of a unit has; 0: not a unit of time.
func toMilliseconds(unit string) float64 {
	switch strings.ToLower(unit) {
	case "ms", "millisecond", "milliseconds":
		return 1
	case "s", "sec", "second", "seconds":
		return 1000
	case "us", "µs", "microseconds":
		return 1e-3
	case "ns", "nanoseconds":
		return 1e-6
	}
	return 0
}
