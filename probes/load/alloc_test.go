package load

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// From the socket to the record, an event of a stream costs no allocation: what a
// longer stream allocates more than a shorter one is less than one in fifty events
// (the growth of slices).
func TestReadingAStreamAllocatesNothing(t *testing.T) {
	events := 0
	event := []byte("data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" token\"}}]}\n\n")
	chunk := fmt.Appendf(nil, "%x\r\n%s\r\n", len(event), event)
	url := rawServer(t, func(c net.Conn) {
		in := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
			for range events {
				_, _ = c.Write(chunk)
				for at := time.Now(); time.Since(at) < 50*time.Microsecond; { // else many are read at once
					runtime.Gosched()
				}
			}
			fmt.Fprint(c, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
		}
	})
	cfg := Config{Targets: []Target{chatTarget(t, url)}, Concurrency: 1, Requests: 3}
	allocations := func(n int) float64 {
		events = n
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		records, res := runAll(t, cfg)
		runtime.ReadMemStats(&after)
		if len(records) != 3 || !records[0].OK || res.Events != int64(3*n) {
			t.Fatalf("%d records of %d events: %+v", len(records), res.Events, records)
		}
		return float64(after.Mallocs - before.Mallocs)
	}
	punctual(t, func(*testing.T) string { // what takes long has more of what is allocated now and then
		short, long := allocations(300), allocations(2300)
		if per := (long - short) / (3 * 2000); per > 0.02 {
			return fmt.Sprintf("%.3f allocations an event (%v for 300 events, %v for 2300)", per, short/3, long/3)
		}
		return ""
	})
}
