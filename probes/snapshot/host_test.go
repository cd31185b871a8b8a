package snapshot

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// filler gives every field a value of its own, one that no other has, and
// remembers its path in the JSON.
type filler struct {
	next  int
	paths map[string]int // path: its value
}

func (f *filler) fill(v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), path)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		if v.Index(0).Kind() == reflect.String {
			path = strings.TrimSuffix(path, "[]")
			f.fill(v.Index(0), path)
			return
		}
		f.fill(v.Index(0), path+"[]")
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			f.next++
			f.paths[path] = f.next
			v.Set(reflect.ValueOf(time.Unix(int64(f.next), 0).UTC()))
			return
		}
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			f.fill(v.Field(i), path+"."+name)
		}
	default:
		f.next++
		f.paths[path] = f.next
		switch v.Kind() {
		case reflect.String:
			v.SetString("word" + strings.Repeat("x", f.next))
		case reflect.Bool:
			v.SetBool(true)
			f.paths[path] = 1 // what its sample says
		case reflect.Float64:
			v.SetFloat(float64(f.next))
		case reflect.Int:
			v.SetInt(int64(f.next))
		case reflect.Uint64:
			v.SetUint(uint64(f.next))
		}
	}
}

func filledHost() (Host, *filler) {
	var h Host
	f := &filler{next: 1, paths: map[string]int{}} // 1 is what flags and info say
	f.fill(reflect.ValueOf(&h).Elem(), "host")
	return h, f
}

// Every number of a host is the value of one sample, or a label of some.
func TestEveryFieldHasASeries(t *testing.T) {
	h, f := filledHost()
	values, labels := map[int]string{}, map[string]bool{}
	for x := range (Snapshot{Host: &h}).Samples {
		if x.Name == "findings" {
			continue
		}
		if other, taken := values[int(x.Value)]; taken && x.Value != 1 {
			t.Errorf("%s and %s have the same value", x.Name, other)
		}
		values[int(x.Value)] = x.Name
		for _, l := range x.Labels {
			labels[l.Value] = true
		}
		if counts := strings.HasSuffix(x.Name, "_total"); counts != (x.Kind == Counter) {
			t.Errorf("%s is a %s", x.Name, x.Kind)
		}
		if !slices.IsSortedFunc(x.Labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("%s: labels %v are not sorted", x.Name, x.Labels)
		}
	}
	for path, n := range f.paths {
		asLabel := labels["word"+strings.Repeat("x", n)] || path == "host.cgroup.version" || path == "host.numa[].node"
		if values[n] == "" && !asLabel && path != "host.numa[].cpus" { // a list, not a number
			t.Errorf("%s is in no series", path)
		}
	}
}

// docs/snapshot.md names every path and every series of a host.
func TestHostIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/snapshot.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	h, f := filledHost()
	known := func(path string) bool {
		for _, p := range []string{"host.pressure.", "host.cgroup.pressure."} { // one resource and share stands for all
			if rest, ok := strings.CutPrefix(path, p); ok {
				parts := strings.Split(rest, ".")
				path = p + "cpu.some." + parts[2]
			}
		}
		_, field, _ := strings.Cut(path, "[]")
		return strings.Contains(text, "`"+path+"`") || field != "" && strings.Contains(text, "`"+field+"`")
	}
	for _, path := range slices.Sorted(maps.Keys(f.paths)) {
		if !known(path) {
			t.Errorf("docs/snapshot.md does not have %s", path)
		}
	}
	for x := range (Snapshot{Host: &h}).Samples {
		if !strings.Contains(text, "`"+x.Name+"`") && !strings.Contains(text, "`"+x.Name+"{") {
			t.Errorf("docs/snapshot.md does not have the series %s", x.Name)
		}
	}
}

// What was written is what is read, and what was not measured is not there.
func TestHostThroughJSON(t *testing.T) {
	h, _ := filledHost()
	b, err := json.Marshal(Snapshot{Schema: Schema, TakenAt: time.Unix(5, 0).UTC(), Host: &h})
	if err != nil {
		t.Fatal(err)
	}
	var back Snapshot
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&h, back.Host); diff != "" {
		t.Error(diff)
	}
}

// What was not measured is not there, neither as null nor as 0.
func TestAbsentIsAbsent(t *testing.T) {
	b, err := json.Marshal(Snapshot{Schema: Schema, TakenAt: time.Unix(5, 0).UTC(), Host: &Host{OS: "linux", CPU: &CPU{Steal: new(0.0)}}})
	if want := `{"schema":"llmops.snapshot/v1","at":"1970-01-01T00:00:05Z","host":{"os":"linux","cpu":{"steal":0}}}`; err != nil || string(b) != want {
		t.Errorf("got %s, %v\nwant %s", b, err, want)
	}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(x reflect.Type) {
		for x.Kind() == reflect.Pointer || x.Kind() == reflect.Slice || x.Kind() == reflect.Map {
			x = x.Elem()
		}
		if x.Kind() != reflect.Struct || x == reflect.TypeFor[time.Time]() || seen[x] {
			return
		}
		seen[x] = true
		for f := range x.Fields() {
			tag := f.Tag.Get("json")
			optional := strings.Contains(tag, ",omitempty") || strings.Contains(tag, ",omitzero")
			switch f.Type.Kind() {
			case reflect.Pointer, reflect.Map, reflect.Slice:
				if !optional && tag != "-" && x != reflect.TypeFor[Business]() { // which is absent as a whole
					t.Errorf("%s.%s is written when it is nil", x.Name(), f.Name)
				}
			case reflect.Float64:
				if optional {
					t.Errorf("%s.%s leaves out a zero that was measured", x.Name(), f.Name)
				}
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[Snapshot]())
	if len(seen) < 20 {
		t.Errorf("only %d types", len(seen))
	}
}
