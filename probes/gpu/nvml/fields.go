package nvml

import (
	"encoding/binary"
	"math"
)

// FieldID is a number of the batch call, as nvml.h numbers them. A driver that
// does not know one says so for that one; no symbol can be missing.
type FieldID uint32

// The fields that are read.
const (
	fiECCMode         FieldID = 1
	fiECCPending      FieldID = 2
	fiECCVolCorrected FieldID = 3
	fiECCVolUncorr    FieldID = 4
	fiECCAggCorrected FieldID = 5
	fiECCAggUncorr    FieldID = 6
	fiRetiredSBE      FieldID = 29
	fiRetiredDBE      FieldID = 30
	fiRetiredPending  FieldID = 31

	fiCRCFlit  FieldID = 38 // NVLink up to 4: sums over the links
	fiCRCData  FieldID = 45
	fiReplay   FieldID = 52
	fiRecovery FieldID = 59

	fiThrottlePower       FieldID = 74 // ns
	fiThrottleThermal     FieldID = 75
	fiThrottleSyncBoost   FieldID = 76
	fiThrottleBoardLimit  FieldID = 77
	fiThrottleReliability FieldID = 79

	fiMemoryTemp  FieldID = 82
	fiEnergy      FieldID = 83 // mJ
	fiLinkSpeed   FieldID = 90 // MB/s of an active link
	fiLinkCount   FieldID = 91
	fiPCIeReplays FieldID = 94
	fiLinkTx      FieldID = 138 // KiB
	fiLinkRx      FieldID = 139

	fiRemapCorrectable FieldID = 142
	fiRemapUncorr      FieldID = 143
	fiRemapPending     FieldID = 144
	fiRemapFailed      FieldID = 145

	fiDLReplay   FieldID = 161 // of one link
	fiDLRecovery FieldID = 162
	fiDLCRC      FieldID = 163
	fiLinkState  FieldID = 165

	fiPCIeL0Recovery  FieldID = 169
	fiPCIeCorrectable FieldID = 173
	fiPCIeNAKRecv     FieldID = 174
	fiPCIeReceiver    FieldID = 175
	fiPCIeBadTLP      FieldID = 176
	fiPCIeNAKSent     FieldID = 177
	fiPCIeBadDLLP     FieldID = 178
	fiPCIeNonFatal    FieldID = 179
	fiPCIeFatal       FieldID = 180
	fiPCIeUnsupported FieldID = 181
	fiPCIeLCRC        FieldID = 182
	fiPCIeLane        FieldID = 183

	fiPowerAverage   FieldID = 185 // mW
	fiPowerInstant   FieldID = 186
	fiPowerMin       FieldID = 187
	fiPowerMax       FieldID = 188
	fiPowerDefault   FieldID = 189
	fiPowerCurrent   FieldID = 190
	fiPowerRequested FieldID = 192

	fiShutdownTLimit  FieldID = 193 // °C, signed
	fiSlowdownTLimit  FieldID = 194
	fiMemoryMaxTLimit FieldID = 195
	fiGPUMaxTLimit    FieldID = 196

	fiPCIeTx FieldID = 197 // bytes
	fiPCIeRx FieldID = 198

	fiLink5Tx        FieldID = 202 // bytes, of one link; so are the following, in events
	fiLink5Rx        FieldID = 204
	fiLink5Malformed FieldID = 206
	fiLink5Overrun   FieldID = 207
	fiLink5Receive   FieldID = 208
	fiLink5Remote    FieldID = 209
	fiLink5Integrity FieldID = 211
	fiLink5Discard   FieldID = 212
	fiLink5Failed    FieldID = 214
	fiLink5Recovery  FieldID = 215

	fiRecoveryAction FieldID = 230

	fiThrottleSWThermal  FieldID = 269 // ns
	fiThrottleHWThermal  FieldID = 270
	fiThrottlePowerBrake FieldID = 271
)

// counterFields are those that a window takes the difference of.
func counterFields() []Field {
	return batch(fiECCVolCorrected, fiECCVolUncorr, fiCRCFlit, fiCRCData, fiReplay, fiRecovery,
		fiThrottlePower, fiThrottleThermal, fiThrottleSyncBoost, fiThrottleBoardLimit, fiThrottleReliability,
		fiEnergy, fiPCIeReplays, fiLinkCount, fiLinkTx, fiLinkRx, fiPCIeTx, fiPCIeRx,
		fiThrottleSWThermal, fiThrottleHWThermal, fiThrottlePowerBrake)
}

// allFields are everything that goes in one batch.
func allFields() []Field {
	return append(counterFields(), batch(fiECCMode, fiECCPending, fiECCAggCorrected, fiECCAggUncorr,
		fiRetiredSBE, fiRetiredDBE, fiRetiredPending, fiMemoryTemp, fiLinkSpeed,
		fiRemapCorrectable, fiRemapUncorr, fiRemapPending, fiRemapFailed,
		fiPCIeL0Recovery, fiPCIeCorrectable, fiPCIeNAKRecv, fiPCIeReceiver, fiPCIeBadTLP, fiPCIeNAKSent, fiPCIeBadDLLP,
		fiPCIeNonFatal, fiPCIeFatal, fiPCIeUnsupported, fiPCIeLCRC, fiPCIeLane,
		fiPowerAverage, fiPowerInstant, fiPowerMin, fiPowerMax, fiPowerDefault, fiPowerCurrent, fiPowerRequested,
		fiShutdownTLimit, fiSlowdownTLimit, fiMemoryMaxTLimit, fiGPUMaxTLimit, fiRecoveryAction)...)
}

func batch(ids ...FieldID) []Field {
	fields := make([]Field, len(ids))
	for i, id := range ids {
		fields[i] = Field{ID: id}
		if id == fiLinkTx || id == fiLinkRx {
			fields[i].Scope = AllLinks
		}
	}
	return fields
}

// NVML's numbers of the types in a field's eight bytes.
const (
	typeDouble = iota
	typeUint
	typeUlong
	typeUlonglong
	typeSlonglong
	typeSint
	typeUshort
)

// decode reads the eight bytes of a field. They are a C union in the byte
// order of the machine, and all ones of an unsigned type are no number.
func decode(kind uint32, raw [8]byte) uint64 {
	order := binary.NativeEndian
	switch kind {
	case typeDouble:
		f := math.Float64frombits(order.Uint64(raw[:]))
		if !(f >= 0 && f < math.MaxInt64) {
			return NotAvailable
		}
		return uint64(f)
	case typeUint:
		return wide(order.Uint32(raw[:]))
	case typeUshort:
		return uint64(order.Uint16(raw[:]))
	case typeSint:
		return uint64(int64(int32(order.Uint32(raw[:]))))
	case typeUlong, typeUlonglong, typeSlonglong:
		return order.Uint64(raw[:])
	default:
		return NotAvailable
	}
}

// wide keeps the mark of a missing number when 32 bits become 64.
func wide[N ~uint32 | ~int | ~int32](v N) uint64 {
	if uint32(v) == math.MaxUint32 {
		return NotAvailable
	}
	return uint64(v)
}
