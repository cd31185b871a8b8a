package trace

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// A million rows in the form of Azure's trace of 2024.
func BenchmarkRead(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("TIMESTAMP,ContextTokens,GeneratedTokens\n")
	start := time.Date(2024, 5, 10, 0, 0, 0, 0, time.UTC)
	const rows = 1_000_000
	for i := range rows {
		fmt.Fprintf(&text, "%s,%d,%d\n", start.Add(time.Duration(i)*22371*time.Microsecond).Format("2006-01-02 15:04:05.000000-07:00"), 100+i%5000, 1+i%300)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		tr, err := Read("f", bytes.NewReader(text.Bytes()), Options{})
		if err != nil || tr.Len() != rows {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkPrompt(b *testing.B) {
	tr, err := Load(b.Context(), fixtures+"/mooncake.jsonl", Options{})
	if err != nil {
		b.Fatal(err)
	}
	p, err := NewPlan(tr, PlanOptions{})
	if err != nil {
		b.Fatal(err)
	}
	words, id := 0, int64(0)
	for b.Loop() {
		n, _ := p.Size(id)
		p.Prompt(id)
		words += n
		id = (id + 1) % p.Measured()
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(words)*1e9, "ns/word")
}
