package accesslog

import (
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetText gives what writes the values of a type as JSON, and a comma. Times
// become seconds since the epoch, exactly; a fraction of binary floating point is
// the shortest decimal that stands for it, as it was written down.
func parquetText(t parquet.Type) func(*objects, parquet.Value) {
	logical := t.LogicalType()
	var value format.LogicalTypeValue
	if logical != nil {
		value = logical.Value
	}
	switch of := value.(type) {
	case *format.TimestampType:
		if t.Kind() == parquet.Int64 && of.Unit.Value != nil {
			unit := of.Unit.Value.Duration()
			return func(o *objects, v parquet.Value) { o.seconds(v.Int64(), unit) }
		}
	case *format.DecimalType:
		return decimalText(t.Kind(), of.Scale)
	case *format.IntType:
		if !of.IsSigned {
			return func(o *objects, v parquet.Value) {
				n := v.Uint64()
				if t.Kind() == parquet.Int32 {
					n = uint64(v.Uint32())
				}
				o.text = append(strconv.AppendUint(o.text, n, 10), ',')
			}
		}
	}
	return func(o *objects, v parquet.Value) { o.plain(v) }
}

// plain writes a value as its physical type has it.
func (o *objects) plain(v parquet.Value) {
	switch v.Kind() {
	case parquet.Boolean:
		o.text = strconv.AppendBool(o.text, v.Boolean())
	case parquet.Int32:
		o.text = strconv.AppendInt(o.text, int64(v.Int32()), 10)
	case parquet.Int64:
		o.text = strconv.AppendInt(o.text, v.Int64(), 10)
	case parquet.Int96:
		// A time of old: nanoseconds of a day, and the day's Julian number.
		const epochDay = 2_440_588
		n := v.Int96()
		o.nanoseconds(int64(n[2])-epochDay, int64(n[1])<<32|int64(n[0]))
		return
	case parquet.Float:
		o.float(float64(v.Float()), 32)
	case parquet.Double:
		o.float(v.Double(), 64)
	default:
		o.cellText(v.ByteArray())
		return
	}
	o.text = append(o.text, ',')
}

// float writes a number; what is none is not there.
func (o *objects) float(f float64, bits int) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		o.text = append(o.text, "null"...)
		return
	}
	o.text = strconv.AppendFloat(o.text, f, 'g', -1, bits)
}

// seconds writes n units since the epoch.
func (o *objects) seconds(n int64, unit time.Duration) {
	perSecond := int64(time.Second / unit)
	s, rest := n/perSecond, n%perSecond
	if rest < 0 {
		s, rest = s-1, rest+perSecond
	}
	o.decimalSeconds(s, rest*int64(unit))
}

// nanoseconds writes days since the epoch and nanoseconds.
func (o *objects) nanoseconds(days, ns int64) {
	o.decimalSeconds(days*86_400+ns/1e9, ns%1e9)
}

// decimalSeconds writes s seconds and ns nanoseconds (below a second).
func (o *objects) decimalSeconds(s, ns int64) {
	if s < 0 || ns < 0 { // before 1970: no request
		o.text = append(o.text, "null,"...)
		return
	}
	o.text = strconv.AppendInt(o.text, s, 10)
	point := len(o.text)
	o.text = strconv.AppendInt(o.text, 1e9+ns, 10) // the 1 keeps the zeros, and its place
	o.text[point] = '.'
	o.text = append(o.text, ',')
}

// decimalText writes whole numbers of 10^-scale.
func decimalText(kind parquet.Kind, scale int32) func(*objects, parquet.Value) {
	exponent := "e" + strconv.Itoa(-int(scale)) + ","
	return func(o *objects, v parquet.Value) {
		switch kind {
		case parquet.Int32:
			o.text = strconv.AppendInt(o.text, int64(v.Int32()), 10)
		case parquet.Int64:
			o.text = strconv.AppendInt(o.text, v.Int64(), 10)
		default: // two's complement, the highest byte first
			b := v.ByteArray()
			n := new(big.Int).SetBytes(b)
			if len(b) > 0 && b[0] >= 0x80 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
			}
			o.text = n.Append(o.text, 10)
		}
		o.text = append(o.text, exponent...)
	}
}
