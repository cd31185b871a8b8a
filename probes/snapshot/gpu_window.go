package snapshot

import (
	"maps"
	"slices"
	"time"
)

// Between is what two readings of one GPU tell about the time from one to the
// other. A counter that went back (driver reload, reset) or that either
// reading lacks gives nothing; so does no time at all.
func Between(before, after GPU, d time.Duration) *GPUWindow {
	seconds := d.Seconds()
	if seconds <= 0 {
		return nil
	}
	w := &GPUWindow{Seconds: seconds}
	if a, b := before.Power, after.Power; a != nil && b != nil && a.EnergyJ != nil && b.EnergyJ != nil && *b.EnergyJ >= *a.EnergyJ {
		w.PowerW = new((*b.EnergyJ - *a.EnergyJ) / seconds)
	}
	if a, b := before.Throttle, after.Throttle; a != nil && b != nil {
		for reason, end := range b.SecondsTotal {
			begin, ok := a.SecondsTotal[reason]
			if !ok || end < begin {
				continue
			}
			if w.Throttled == nil {
				w.Throttled = map[string]float64{}
			}
			w.Throttled[reason] = min((end-begin)/seconds, 1)
		}
	}
	if a, b := before.PCIe, after.PCIe; a != nil && b != nil {
		w.PCIeReplays = grown(a.Replays, b.Replays)
		w.PCIeTxBytesPerS, w.PCIeRxBytesPerS = rate(a.TxBytes, b.TxBytes, seconds), rate(a.RxBytes, b.RxBytes, seconds)
	}
	if a, b := before.NVLink, after.NVLink; a != nil && b != nil {
		w.NVLinkTxBytesPerS, w.NVLinkRxBytesPerS = rate(a.TxBytes, b.TxBytes, seconds), rate(a.RxBytes, b.RxBytes, seconds)
		w.NVLinkErrors = grownSum(a.Errors, b.Errors)
	}
	if a, b := before.ECC, after.ECC; a != nil && b != nil {
		w.ECCCorrected, w.ECCUncorrected = grown(a.VolatileCorrected, b.VolatileCorrected), grown(a.VolatileUncorrected, b.VolatileUncorrected)
	}
	return w
}

func grown(a, b *uint64) *uint64 {
	if a == nil || b == nil || *b < *a {
		return nil
	}
	return new(*b - *a)
}

func rate(a, b *uint64, seconds float64) *float64 {
	n := grown(a, b)
	if n == nil {
		return nil
	}
	return new(float64(*n) / seconds)
}

// grownSum adds up what every kind in both maps grew by.
func grownSum(a, b map[string]uint64) *uint64 {
	var sum *uint64
	for _, kind := range slices.Sorted(maps.Keys(b)) {
		begin, ok := a[kind]
		if !ok || b[kind] < begin {
			continue
		}
		if sum == nil {
			sum = new(uint64)
		}
		*sum += b[kind] - begin
	}
	return sum
}
