package snapshot_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/snapshot"
)

// fill puts a number in everything that v holds, each another one.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), n)
		}
	case reflect.Map:
		if v.Type().Elem().Kind() == reflect.String {
			return // reasons why something is missing
		}
		e := reflect.New(v.Type().Elem()).Elem()
		fill(e, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("idle"), e)
	case reflect.String:
		v.SetString(fmt.Sprint("s", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint64, reflect.Uint32:
		v.SetUint(uint64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n))
	}
}

// Every number of a GPU is a series, no two have the same name and labels, and
// every series can be told to its GPU.
func TestGPUSamples(t *testing.T) {
	gpus := make([]snapshot.GPU, 2)
	n := 0
	fill(reflect.ValueOf(&gpus).Elem(), &n)
	for i := range gpus {
		gpus[i].Index, gpus[i].State = i, snapshot.GPUOK
		w := gpus[i].Window
		// a source has counters or rates of its own, never both
		gpus[i].PCIe.TxBytesPerS, gpus[i].PCIe.RxBytesPerS = nil, nil
		w.Seconds = 1
	}
	seen := map[string]bool{}
	values := map[float64]bool{}
	for x := range (snapshot.Snapshot{GPUs: gpus}).Samples {
		if !strings.HasPrefix(x.Name, "gpu_") {
			continue
		}
		key := fmt.Sprint(x.Name, x.Labels)
		if seen[key] {
			t.Errorf("twice: %s", key)
		}
		seen[key], values[x.Value] = true, true
		if (x.Kind == snapshot.Counter) != strings.HasSuffix(x.Name, "_total") {
			t.Errorf("%s is a %s", x.Name, x.Kind)
		}
		labels := map[string]string{}
		for _, l := range x.Labels {
			labels[l.Name] = l.Value
		}
		state := x.Name == "gpu_up" || x.Name == "gpu_state"
		if labels["gpu"] != "0" && labels["gpu"] != "1" || (labels["uuid"] == "") != state {
			t.Errorf("%s of which GPU: %v", x.Name, x.Labels)
		}
	}
	// what is a fact about another number, and no number of its own
	silent := map[string]bool{"GPUXID.PID": true, "GPUProcess.PID": true, "GPUInstance.Index": true, "GPUProcess.GPUInstance": true, "GPUInstance.GPUInstanceID": true,
		"GPUInstance.ComputeInstanceID": true, "GPUInstance.SMs": true, "GPUFabric.CliqueID": true, "GPUNVLink.Down": true, "GPU.NUMANode": true, "GPUXID.Code": true}
	var check func(v reflect.Value, name string)
	check = func(v reflect.Value, name string) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				check(v.Elem(), name)
			}
		case reflect.Slice:
			for i := range v.Len() {
				check(v.Index(i), name)
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				check(v.MapIndex(k), name)
			}
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				return
			}
			for i := range v.NumField() {
				check(v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name)
			}
		case reflect.Int, reflect.Uint64, reflect.Uint32, reflect.Float64:
			f := v.Convert(reflect.TypeFor[float64]()).Float()
			if !silent[name] && name != "GPU.Index" && name != "GPUWindow.Seconds" && !values[f] {
				t.Errorf("%s has no series", name)
			}
		}
	}
	check(reflect.ValueOf(gpus), "")
}

// A GPU that is gone still has its series of being gone, the same ones as before, and
// no zeros of what is not known.
func TestGPUStateSamples(t *testing.T) {
	series := func(g snapshot.GPU) (list []string) {
		for x := range (snapshot.Snapshot{GPUs: []snapshot.GPU{g}}).Samples {
			if x.Name == "gpu_up" || x.Name == "gpu_state" {
				list = append(list, fmt.Sprint(x.Name, x.Labels, " ", x.Value))
			} else if strings.HasPrefix(x.Name, "gpu_") {
				list = append(list, x.Name)
			}
		}
		return list
	}
	want := func(up int, in string) []string {
		list := []string{"gpu_info", fmt.Sprintf("gpu_up[{gpu 4}] %d", up)}
		for _, state := range snapshot.GPUStates() {
			is := 0
			if state == in {
				is = 1
			}
			list = append(list, fmt.Sprintf("gpu_state[{gpu 4} {state %s}] %d", state, is))
		}
		return list
	}
	for _, c := range []struct {
		g    snapshot.GPU
		want []string
	}{
		{snapshot.GPU{Index: 4, UUID: "GPU-4", Source: "nvml", State: snapshot.GPUOK, NotRead: map[string]snapshot.Status{"processes": snapshot.Forbidden}}, want(1, "ok")},
		{snapshot.GPU{Index: 4, Source: "nvml", State: snapshot.GPULost}, want(0, "lost")},
		{snapshot.GPU{Index: 4, UUID: "GPU-4", Source: "nvml", State: snapshot.GPUResetRequired}, want(0, "reset_required")},
	} {
		if diff := cmp.Diff(c.want, series(c.g)); diff != "" {
			t.Errorf("%s: %s", c.g.State, diff)
		}
	}
}

// A window over two readings, property by property: rates are growth by time,
// and what went back or is missing gives nothing.
func TestBetween(t *testing.T) {
	u := func(v uint64) *uint64 { return &v }
	a := snapshot.GPU{Power: &snapshot.GPUPower{EnergyJ: new(100.0)}, ECC: &snapshot.GPUECC{VolatileCorrected: u(5), VolatileUncorrected: u(9)},
		NVLink: &snapshot.GPUNVLink{TxBytes: u(10), Errors: map[string]uint64{"crc": 1, "replay": 7, "gone": 1}}}
	b := snapshot.GPU{Power: &snapshot.GPUPower{EnergyJ: new(400.0)}, ECC: &snapshot.GPUECC{VolatileCorrected: u(6), VolatileUncorrected: u(8)},
		NVLink: &snapshot.GPUNVLink{TxBytes: u(30), RxBytes: u(1), Errors: map[string]uint64{"crc": 4, "replay": 6, "new": 5}}}
	w := snapshot.Between(a, b, 2*time.Second)
	if *w.PowerW != 150 || *w.ECCCorrected != 1 || w.ECCUncorrected != nil || *w.NVLinkTxBytesPerS != 10 || w.NVLinkRxBytesPerS != nil || *w.NVLinkErrors != 3 {
		t.Errorf("window %+v", w)
	}
	if snapshot.Between(a, b, 0) != nil {
		t.Error("a window of no time")
	}
	if w := snapshot.Between(b, a, time.Second); w.PowerW != nil {
		t.Errorf("energy that went back: %v W", *w.PowerW)
	}
}
