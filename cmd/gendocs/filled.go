package main

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"llmops/probes/snapshot"
)

// seriesName is what a field of a snapshot is called as a series.
type seriesName struct {
	Path   string   `json:"path"` // gpus[].memory.used_bytes
	Name   string   `json:"name"`
	Labels []string `json:"labels,omitempty"`
}

// snapshotSeries finds out which field of a snapshot becomes which series: every
// field gets a value that no other has, and the series show where it went. A yes or
// no is found by what changes with it.
func snapshotSeries() map[string]seriesName {
	found := map[string]seriesName{}
	for _, change := range []func(*snapshot.Snapshot){
		func(*snapshot.Snapshot) {},
		func(s *snapshot.Snapshot) { s.Servers[0].Parts = nil }, // which stand in place of their sum
	} {
		f := filler{no: -1}
		s := f.snapshot()
		change(&s)
		samples := slices.Collect(s.Samples)
		for _, x := range samples {
			if path := f.numbers[x.Value]; path != "" {
				found[path] = nameOf(path, x)
			}
		}
		for no, path := range f.flags {
			g := filler{no: no}
			other := g.snapshot()
			change(&other)
			i := 0
			for x := range other.Samples {
				if i < len(samples) && x.Name == samples[i].Name && x.Value != samples[i].Value {
					found[path] = nameOf(path, x)
				}
				i++
			}
		}
	}
	maps.DeleteFunc(found, func(path string, _ seriesName) bool { return strings.HasPrefix(path, "business.") }) // named by the source
	return found
}

func nameOf(path string, x snapshot.Sample) seriesName {
	n := seriesName{Path: path, Name: x.Name}
	for _, l := range x.Labels {
		n.Labels = append(n.Labels, l.Name)
	}
	return n
}

// filler makes a snapshot in which nothing is missing.
type filler struct {
	no      int // of the flag that is false; -1 for none
	next    float64
	numbers map[float64]string // path by value
	flags   []string           // paths in order
}

// firstNumber is above every count and code that a series may have by itself.
const firstNumber = 10_000

func (f *filler) snapshot() snapshot.Snapshot {
	f.next, f.numbers = firstNumber, map[float64]string{}
	var s snapshot.Snapshot
	f.fill(reflect.ValueOf(&s).Elem(), "")
	s.Schema = snapshot.Schema
	s.GPUs[0].State = snapshot.GPUOK
	s.GPUs[0].NotRead = map[string]snapshot.Status{"part": snapshot.Unsupported}
	s.GPUs[0].XIDs[0].Severity = snapshot.Warning
	s.Servers[0].Basis = snapshot.OverWindow
	s.Findings[0].Severity = snapshot.Critical
	s.Errors[0].Status = snapshot.Timeout
	return s
}

func (f *filler) number(path string) float64 {
	f.next++
	f.numbers[f.next] = path
	return f.next
}

func (f *filler) fill(v reflect.Value, path string) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(int64(f.number(path)), 0).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), path)
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			f.fill(v.Field(i), strings.TrimPrefix(path+"."+name, "."))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0), path+"[]")
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		f.fill(value, path+".*")
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), value)
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(len(f.flags) != f.no)
		f.flags = append(f.flags, path)
	case reflect.Float64:
		v.SetFloat(f.number(path))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.number(path)))
	case reflect.Uint, reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(math.Round(f.number(path))))
	default:
		panic(fmt.Sprintf("%s: a snapshot has no room for a %s", path, v.Kind())) // a fault of the program that the tests see
	}
}
