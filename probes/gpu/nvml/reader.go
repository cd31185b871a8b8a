package nvml

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"llmops/probes/snapshot"
)

// reader fills one GPU. After the GPU was lost it asks no more.
type reader struct {
	d          Device
	g          *snapshot.GPU
	gone       bool
	at         map[FieldID]Field
	linkStates map[uint32]uint64
}

func readDevice(ctx context.Context, lib Library, index int, window time.Duration) snapshot.GPU {
	g := snapshot.GPU{Index: index, Vendor: "nvidia", Source: "nvml", State: snapshot.GPUOK}
	d, status := lib.Device(index)
	if status != OK {
		g.State = status.State()
		g.NotRead = map[string]snapshot.Status{"device": status.Reason()}
		return g
	}
	r := &reader{d: d, g: &g}
	var before *snapshot.GPU
	var used Activity
	var began time.Time
	if window > 0 {
		first := reader{d: d, g: &snapshot.GPU{State: snapshot.GPUOK}}
		first.counters(counterFields())
		before, began = first.g, time.Now()
		waited := false
		wait := func() { waited = true; sleep(ctx, window) }
		if used, status = d.Activity(wait); status != OK {
			r.note("activity", status)
		}
		if !waited {
			wait()
		}
	}
	ended := time.Now()
	r.counters(allFields())
	if before != nil {
		g.Window = snapshot.Between(*before, g, ended.Sub(began))
		if g.Window != nil && status == OK {
			g.Window.SMActive, g.Window.SMOccupancy = share(used.SM), share(used.Occupancy)
			g.Window.TensorActive, g.Window.DRAMActive = share(used.Tensor), share(used.DRAM)
		}
	}
	r.identity()
	r.usage()
	r.heat()
	r.health()
	r.links()
	r.partitions()
	r.processes()
	return g
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// note keeps the reason that a part is missing, and the state of the GPU where
// the reason is the GPU itself.
func (r *reader) note(part string, s Status) {
	switch s {
	case OK:
		return
	case Lost, GPUNotFound:
		r.g.State, r.gone = snapshot.GPULost, true
	case ResetRequired:
		r.g.State = snapshot.GPUResetRequired
	}
	if part == "" {
		return
	}
	if r.g.NotRead == nil {
		r.g.NotRead = map[string]snapshot.Status{}
	}
	if _, known := r.g.NotRead[part]; !known {
		r.g.NotRead[part] = s.Reason()
	}
}

func (r *reader) text(part string, t DeviceText) string {
	if r.gone {
		return ""
	}
	v, s := r.d.Text(t)
	r.note(part, s)
	if s != OK {
		return ""
	}
	return v
}

// get asks for q and notes a failure under part; "" asks without noting, for
// numbers that have a second source.
func (r *reader) get(part string, q Query, arg int) (Values, bool) {
	if r.gone {
		return Values{}, false
	}
	v, s := r.d.Get(q, arg)
	if part != "" || s == Lost {
		r.note(part, s)
	}
	return v, s == OK
}

// counters makes the batch call and spreads what a window compares.
func (r *reader) counters(fields []Field) {
	r.at = make(map[FieldID]Field, len(fields))
	if s := r.d.Fields(fields); s != OK {
		r.note("fields", s)
		return
	}
	for _, f := range fields {
		if f.Status == Lost {
			r.note("fields", Lost)
		}
		r.at[f.ID] = f
	}
	g := r.g
	g.ECC = &snapshot.GPUECC{VolatileCorrected: r.field(fiECCVolCorrected), VolatileUncorrected: r.field(fiECCVolUncorr)}
	g.Power = &snapshot.GPUPower{EnergyJ: scaled(r.field(fiEnergy), 1e-3)}
	g.Throttle = &snapshot.GPUThrottle{SecondsTotal: r.throttleTimes()}
	g.PCIe = &snapshot.GPUPCIe{Replays: r.field(fiPCIeReplays), TxBytes: r.field(fiPCIeTx), RxBytes: r.field(fiPCIeRx)}
	g.NVLink = r.linkCounters()
}

// throttleTimes are in seconds. The thermal policy is the old name of the
// software slowdown (nvml.h), so the newer field wins.
func (r *reader) throttleTimes() map[string]float64 {
	out := map[string]float64{}
	for _, t := range []struct {
		reason string
		id     FieldID
	}{
		{"sw_power_cap", fiThrottlePower}, {"sync_boost", fiThrottleSyncBoost}, {"board_limit", fiThrottleBoardLimit},
		{"reliability", fiThrottleReliability}, {"sw_thermal", fiThrottleThermal}, {"sw_thermal", fiThrottleSWThermal},
		{"hw_thermal", fiThrottleHWThermal}, {"hw_power_brake", fiThrottlePowerBrake},
	} {
		if ns := r.field(t.id); ns != nil {
			out[t.reason] = float64(*ns) / 1e9
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func (r *reader) errorCounts(ids map[string]FieldID) map[string]uint64 {
	var out map[string]uint64
	for kind, id := range ids {
		if n := r.field(id); n != nil {
			if out == nil {
				out = map[string]uint64{}
			}
			out[kind] = *n
		}
	}
	return out
}

// field is the value of a field that was read, else nil.
func (r *reader) field(id FieldID) *uint64 {
	f, ok := r.at[id]
	if !ok || f.Status != OK || f.Value == NotAvailable {
		return nil
	}
	return &f.Value
}

// degrees is a field with a sign. Drivers have delivered it as unsigned.
func (r *reader) degrees(id FieldID) *float64 {
	f, ok := r.at[id]
	if !ok || f.Status != OK {
		return nil
	}
	v := int64(f.Value)
	if v > math.MaxInt32 {
		v = int64(int32(v))
	}
	if v < -500 || v > 500 {
		return nil // no temperature, whatever it is
	}
	return new(float64(v))
}

// whole is a number, or nil where the driver has none.
func whole(v uint64) *uint64 {
	if v == NotAvailable {
		return nil
	}
	return &v
}

func scaled(v *uint64, by float64) *float64 {
	if v == nil || *v == NotAvailable {
		return nil
	}
	return new(float64(*v) * by)
}

func times(v *uint64, by uint64) *uint64 {
	if v == nil || *v > math.MaxUint64/by {
		return nil
	}
	return new(*v * by)
}

// percent is a ratio from a number of percent; above 100 it is no number.
func percent(v uint64) *float64 {
	if v > 100 {
		return nil
	}
	return new(float64(v) / 100)
}

func share(v float64) *float64 {
	if !(v >= 0 && v <= 101) { // the driver rounds a little above
		return nil
	}
	return new(min(v/100, 1))
}

func yes(v uint64) *bool {
	if v > 1 {
		return nil
	}
	return new(v == 1)
}

func number(v uint64) *int {
	if v > math.MaxInt32 {
		return nil
	}
	return new(int(v))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// named gives the word for one of the driver's numbers, or the number itself:
// a newer driver may have more.
func named(v uint64, words ...string) string {
	if v < uint64(len(words)) {
		return words[v]
	}
	return strconv.FormatUint(v, 10)
}
