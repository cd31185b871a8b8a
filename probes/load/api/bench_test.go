package api

import (
	"strings"
	"testing"
	"time"
)

// vllmChunk is a chunk as vLLM sends it, about 200 bytes.
const vllmChunk = `data: {"id":"chatcmpl-8f5f8a0c2d1b4c36","object":"chat.completion.chunk","created":1700000000,"model":"Qwen/Qwen3-8B","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}]}` + "\n\n"

func BenchmarkRecorder(b *testing.B) {
	for name, read := range map[string]int{"event a read": 1, "32 events a read": 32} {
		b.Run(name, func(b *testing.B) {
			a, _ := Lookup("chat")
			piece := []byte(strings.Repeat(vllmChunk, read))
			end := []byte(sse(stop, usage9, mark))
			const events = 512
			var r Recorder
			one := func() {
				r.Reset(a, true, "text/event-stream")
				for n := 0; n < events; n += read {
					r.Feed(time.Duration(n), piece)
				}
				if !r.Feed(events, end) || len(r.Outcome().Chunks) != events {
					b.Fatal("the reply did not end well")
				}
			}
			one() // the buffers grow once
			b.ReportAllocs()
			b.SetBytes(int64(events * len(vllmChunk)))
			for b.Loop() {
				one()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
		})
	}
}

func TestNothingIsAllocated(t *testing.T) {
	a, _ := Lookup("chat")
	pieces := [][]byte{[]byte(vllmChunk[:50]), []byte(vllmChunk[50:] + vllmChunk), []byte(sse(stop, usage9, mark))}
	var r Recorder
	one := func() {
		r.Reset(a, true, "text/event-stream")
		for _, p := range pieces {
			r.Feed(1, p)
		}
		r.Outcome()
	}
	if n := testing.AllocsPerRun(100, one); n != 0 {
		t.Errorf("%v allocations a reply", n)
	}
}
