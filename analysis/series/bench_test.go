package series

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"llmops/analysis/accesslog"
)

// benchSeries and benchRows make 400,000 points.
const (
	benchSeries = 200
	benchRows   = 2000
	benchStart  = int64(1_780_000_000_000)
	benchStep   = int64(15_000)
)

// benchValue is like what is measured: a third are counters, a third ratios with a
// few decimals, a third floats with all their digits.
func benchValue(r *rand.Rand, series, row int) string {
	switch series % 3 {
	case 0:
		return fmt.Sprint(row*(100+series) + r.IntN(50))
	case 1:
		return fmt.Sprintf("%.4f", r.Float64())
	}
	return fmt.Sprint(r.Float64() * 1e3)
}

func benchLabels(i int) string {
	return fmt.Sprintf(`instance="10.0.0.%d:9400",gpu="%d",job="dcgm-exporter"`, i/8, i%8)
}

// benchFiles are the same points in each format.
func benchFiles() map[string]string {
	r := rand.New(rand.NewPCG(1, 2))
	values := make([][]string, benchSeries)
	for i := range values {
		values[i] = make([]string, benchRows)
		for k := range values[i] {
			values[i][k] = benchValue(r, i, k)
		}
	}
	at := func(row int) int64 { return benchStart + int64(row)*benchStep }
	var wide, long, matrix, vm, page strings.Builder
	wide.WriteString("timestamp")
	matrix.WriteString(`{"status":"success","data":{"resultType":"matrix","result":[`)
	long.WriteString("timestamp,metric,value,instance,gpu,job\n")
	for i := range values {
		fmt.Fprintf(&wide, `,"m_%d{%s}"`, i%10, strings.ReplaceAll(benchLabels(i), `"`, `""`))
		metric := fmt.Sprintf(`"metric":{"__name__":"m_%d",%s}`, i%10, strings.NewReplacer(`=`, `":`, `,`, `,"`).Replace(`"`+benchLabels(i)))
		if i > 0 {
			matrix.WriteByte(',')
		}
		fmt.Fprintf(&matrix, `{%s,"values":[`, metric)
		fmt.Fprintf(&vm, `{%s,"values":[%s],"timestamps":[`, metric, strings.Join(values[i], ","))
		for k, v := range values[i] {
			comma := ""
			if k > 0 {
				comma = ","
			}
			fmt.Fprintf(&matrix, `%s[%d,"%s"]`, comma, at(k)/1000, v)
			fmt.Fprintf(&vm, `%s%d`, comma, at(k))
			fmt.Fprintf(&page, "m_%d{%s} %s %d\n", i%10, benchLabels(i), v, at(k))
		}
		matrix.WriteString("]}")
		vm.WriteString("]}\n")
	}
	wide.WriteByte('\n')
	for k := range benchRows {
		fmt.Fprintf(&wide, "%d", at(k))
		for i := range values {
			fmt.Fprintf(&wide, ",%s", values[i][k])
			fmt.Fprintf(&long, "%d,m_%d,%s,10.0.0.%d:9400,%d,dcgm-exporter\n", at(k), i%10, values[i][k], i/8, i%8)
		}
		wide.WriteByte('\n')
	}
	matrix.WriteString("]}}")
	return map[string]string{"csv-wide": wide.String(), "csv-long": long.String(), "prometheus-json": matrix.String(),
		"victoriametrics": vm.String(), "prometheus-text": page.String()}
}

// Points per second, allocations and bytes of the store for each point; on one core
// with a file, on two with two.
func BenchmarkRead(b *testing.B) {
	files := benchFiles()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, n := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/files=%d", name, n), func(b *testing.B) {
				var sources []accesslog.Source
				for i := range n {
					sources = append(sources, textSource(fmt.Sprint(i), strings.ReplaceAll(files[name], "dcgm-exporter", "exporter-"+fmt.Sprint(i))))
				}
				var store *Store
				var points int64
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for b.Loop() {
					var err error
					var s Summary
					if store, s, err = Read(b.Context(), sources, Options{}); err != nil {
						b.Fatal(err)
					}
					points += s.Points + s.Dropped
				}
				runtime.ReadMemStats(&after)
				b.SetBytes(int64(n * len(files[name])))
				b.ReportMetric(float64(points)/b.Elapsed().Seconds()/1e6, "Mpoints/s")
				b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(points), "allocs/point")
				size := 0
				for _, x := range store.Series() {
					for _, c := range x.chunks {
						size += len(c.data) + 40
					}
				}
				b.ReportMetric(float64(size)/float64(store.Points()), "bytes/point")
			})
		}
	}
}
