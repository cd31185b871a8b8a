package nvsmi

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"llmops/probes/gpu/nvml"
	"llmops/probes/snapshot"
)

// node is an element of the XML.
type node struct {
	name string
	id   string
	text string
	kids []*node
}

// deepest bounds the nesting; the real thing has seven levels.
const deepest = 32

// skipped are long lists that nobody reads here.
var skipped = map[string]bool{"supported_clocks": true, "accounted_processes": true}

// parseTree reads the XML without its DTD and in any encoding label.
func parseTree(r io.Reader) (*node, error) {
	d := xml.NewDecoder(r)
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	root := &node{}
	stack := []*node{root}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("nvidia-smi: not its XML: %w", err)
		}
		top := stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if skipped[t.Name.Local] {
				if err := d.Skip(); err != nil {
					return nil, fmt.Errorf("nvidia-smi: not its XML: %w", err)
				}
				continue
			}
			if len(stack) > deepest {
				return nil, errors.New("nvidia-smi: elements are nested too deep")
			}
			n := &node{name: t.Name.Local}
			for _, a := range t.Attr {
				if a.Name.Local == "id" {
					n.id = a.Value
				}
			}
			top.kids = append(top.kids, n)
			stack = append(stack, n)
		case xml.CharData:
			if s := strings.TrimSpace(string(t)); s != "" {
				top.text += s
			}
		case xml.EndElement:
			if len(stack) > 1 {
				stack = stack[:len(stack)-1]
			}
		}
	}
	log := root.at("nvidia_smi_log")
	if log == nil {
		return nil, errors.New("nvidia-smi: the output has no nvidia_smi_log")
	}
	return log, nil
}

// at follows the path, nil where it ends.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		if n == nil {
			return nil
		}
		var next *node
		for _, k := range n.kids {
			if k.name == name {
				next = k
				break
			}
		}
		n = next
	}
	return n
}

// first is the first of several paths that is there: names changed with the DTD.
func (n *node) first(paths ...string) *node {
	for _, p := range paths {
		if found := n.at(strings.Split(p, "/")...); found != nil {
			return found
		}
	}
	return nil
}

// each gives the children of that name.
func (n *node) each(name string) []*node {
	if n == nil {
		return nil
	}
	var out []*node
	for _, k := range n.kids {
		if k.name == name {
			out = append(out, k)
		}
	}
	return out
}

// status is why the text is no value, OK where it is one.
func (n *node) status() nvml.Status {
	if n == nil {
		return nvml.NotSupported
	}
	s := strings.ToLower(strings.Trim(n.text, "[] "))
	switch {
	case s == "n/a", s == "not supported", s == "not available", s == "none" && len(n.kids) == 0 && n.name == "mig_devices",
		strings.HasSuffix(s, "deprecated"), s == "" && len(n.kids) == 0:
		return nvml.NotSupported
	case strings.Contains(s, "permission"):
		return nvml.NoPermission
	case strings.Contains(s, "lost"):
		return nvml.Lost
	case strings.Contains(s, "requires reset"), strings.Contains(s, "reset required"):
		return nvml.ResetRequired
	case s == "unknown error", s == "err!", s == "error":
		return nvml.Unknown
	}
	return nvml.OK
}

// word is the text of a value, "" where it is none.
func (n *node) word() string {
	if n.status() != nvml.OK {
		return ""
	}
	return n.text
}

// units are what nvidia-smi prints behind a number, and what it takes to make
// the base unit of a snapshot of it. Small units divide: 7 % is 0.07, and not
// 0.07000000000000001.
var units = map[string]struct{ times, per float64 }{"": {1, 1}, "%": {1, 100}, "MiB": {1 << 20, 1}, "KB/s": {1000, 1}, "MB/s": {1e6, 1},
	"W": {1, 1}, "C": {1, 1}, "MHz": {1, 1}, "x": {1, 1}, "us": {1, 1e6}, "bank(s)": {1, 1}}

// number is a value with its unit brought to the base unit, nil where the text
// is none: a unit that is not known is not guessed.
func (n *node) number() *float64 {
	s := n.word()
	end := 0
	for end < len(s) && (s[end] == '-' || s[end] == '.' || s[end] >= '0' && s[end] <= '9') {
		end++
	}
	v, err := strconv.ParseFloat(s[:end], 64)
	u, known := units[strings.TrimSpace(s[end:])]
	if v = v * u.times / u.per; err != nil || !known || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// ratio is a number from 0 to 1.
func (n *node) ratio() *float64 {
	v := n.number()
	if v == nil || *v < 0 || *v > 1 {
		return nil
	}
	return v
}

// count is a whole number that is not negative.
func (n *node) count() *uint64 {
	v := n.number()
	if v == nil || *v < 0 || *v > 1<<63 || *v != math.Trunc(*v) {
		return nil
	}
	return new(uint64(*v))
}

func (n *node) integer() *int {
	v := n.count()
	if v == nil || *v > math.MaxInt32 {
		return nil
	}
	return new(int(*v))
}

// yes reads the words that nvidia-smi has for a switch.
func (n *node) yes() *bool {
	switch strings.ToLower(n.word()) {
	case "yes", "enabled", "active", "true":
		return new(true)
	case "no", "disabled", "not active", "false":
		return new(false)
	}
	return nil
}

// snake makes the words of a value into one of ours: "Exclusive_Process" and
// "GPU Reset" become exclusive_process and gpu_reset.
func snake(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == '_' || r == '-' }), "_")
}

func reason(n *node) snapshot.Status { return n.status().Reason() }
