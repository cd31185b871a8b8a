package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"llmops/probes/load/arrival"
	"llmops/probes/load/length"
	"llmops/probes/load/prompt"
	"llmops/probes/request"
	"llmops/probes/sim"
)

// serverEnv makes this test binary serve the simulator, so that a benchmark
// counts the client's CPU time and memory alone.
const serverEnv = "LLMOPS_TEST_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(serverEnv) == "" {
		os.Exit(m.Run())
	}
	runtime.GOMAXPROCS(1)
	cfg := sim.DefaultConfig()
	cfg.Model, cfg.Stamp = "m", true
	cfg.PrefillBase, cfg.PrefillPerToken = 10*time.Millisecond, 0
	cfg.DecodeBase, cfg.DecodePerSequence = 20*time.Millisecond, 0 // 50 tokens a second
	cfg.MaxRunning, cfg.KVBlocks = 100_000, 1<<20
	srv, err := sim.New(cfg)
	if err != nil {
		panic(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + ln.Addr().String() + "/v1")
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // the benchmark's end of the pipe closes with it
		_, _ = os.Stdin.Read(make([]byte, 1))
		cancel()
	}()
	_ = srv.Serve(ctx, ln)
}

// otherProcess serves the simulator in a process of its own.
func otherProcess(b *testing.B) string {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), serverEnv+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	apart(b, cmd.Process.Pid)
	return strings.TrimSpace(url)
}

// apart gives the server a core of its own and this process one, where there are
// two, so that each is measured at the speed of a core and not of the other.
func apart(b *testing.B, server int) {
	b.Helper()
	if !pin(server, 1) || !pin(os.Getpid(), 0) {
		b.Log("client and server share their cores")
		return
	}
	procs := runtime.GOMAXPROCS(1)
	b.Cleanup(func() {
		runtime.GOMAXPROCS(procs)
		pin(os.Getpid(), -1)
	})
}

// BenchmarkStreams keeps streams of 50 tokens a second open and reports the CPU
// time of this process for each token event, connecting and sending included.
func BenchmarkStreams(b *testing.B) {
	for _, streams := range []int{50, 200, 900} {
		b.Run(strconv.Itoa(streams), func(b *testing.B) {
			url := otherProcess(b)
			cfg := Config{Concurrency: streams, Requests: int64(streams), Targets: []Target{chatTarget(b, url)},
				Prompts: prompt.Synthetic{Input: length.Constant(32), Output: length.Constant(100)}}
			var events, coalesced, cpu float64
			for b.Loop() {
				res, err := Run(b.Context(), cfg, func(r *request.Record) error {
					if !r.OK {
						return fmt.Errorf("request %d: %s: %s", r.ID, r.Error, r.Detail)
					}
					coalesced += float64(r.Coalesced)
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				events += float64(res.Events)
				cpu += float64(res.CPU.Microseconds())
			}
			b.ReportMetric(cpu/events, "cpu-µs/event")
			b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(cpu/float64(b.Elapsed().Microseconds()), "cores")
			b.ReportMetric(coalesced/events, "coalesced")
		})
	}
}

// BenchmarkPacing sends requests at a constant rate and reports how late after
// they were due they were sent, the rate that was kept, and the CPU time of this
// process for each request.
func BenchmarkPacing(b *testing.B) {
	for _, rate := range []int{1000, 5000} {
		b.Run(strconv.Itoa(rate), func(b *testing.B) {
			url := otherProcess(b)
			cfg := Config{Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: float64(rate)}, Requests: int64(2 * rate), WarmupRequests: int64(rate),
				Targets: []Target{chatTarget(b, url)}, Prompts: prompt.Synthetic{Input: length.Constant(8), Output: length.Constant(1)}}
			var late []float64
			var kept, cpu, requests float64
			for b.Loop() {
				res, err := Run(b.Context(), cfg, func(r *request.Record) error {
					if !r.OK {
						return fmt.Errorf("request %d: %s: %s", r.ID, r.Error, r.Detail)
					}
					late = append(late, float64(r.Lateness.Nanoseconds())/1e3)
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				kept += float64(res.N-1) / res.Sent.Seconds()
				cpu += float64(res.CPU.Microseconds())
				requests += float64(res.N + res.Warmup)
			}
			slices.Sort(late)
			b.ReportMetric(late[len(late)/2], "late-p50-µs")
			b.ReportMetric(late[len(late)*99/100], "late-p99-µs")
			b.ReportMetric(kept/float64(b.N), "requests/s")
			b.ReportMetric(cpu/requests, "cpu-µs/request")
		})
	}
}

// BenchmarkOpenStreams reports the resident memory that one open stream takes.
func BenchmarkOpenStreams(b *testing.B) {
	const streams = 2000
	url := otherProcess(b)
	cfg := Config{Concurrency: streams, Requests: streams, Targets: []Target{chatTarget(b, url)},
		Prompts: prompt.Synthetic{Input: length.Constant(32), Output: length.Constant(100)}, Gauge: &Gauge{}}
	var perStream float64
	for b.Loop() {
		debug.FreeOSMemory()
		before := resident(b)
		peak := make(chan int64)
		go func() {
			for cfg.Gauge.InFlight() < streams {
				time.Sleep(5 * time.Millisecond)
			}
			time.Sleep(500 * time.Millisecond) // all of them stream
			peak <- resident(b)
		}()
		if _, err := Run(b.Context(), cfg, func(*request.Record) error { return nil }); err != nil {
			b.Fatal(err)
		}
		perStream = float64(<-peak-before) / streams
	}
	b.ReportMetric(perStream/1024, "KiB/stream")
}

// resident is the resident memory of this process in bytes.
func resident(b *testing.B) int64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip("resident memory is read from /proc, which this system does not have")
	}
	pages, err := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	if err != nil {
		b.Error(err)
	}
	return pages * int64(os.Getpagesize())
}

// BenchmarkArrivalError compares the time stamps of token events with the time
// at which the server, in another process, began to write them: 200 streams of
// 50 tokens a second. kernel is what a load test records, user what a client
// sees that takes the time after its read. What the server's own write and the
// loopback take is in both.
func BenchmarkArrivalError(b *testing.B) {
	const streams = 200
	url := otherProcess(b)
	target := chatTarget(b, url)
	body := target.API.AppendBody(nil, prompt.Synthetic{Input: length.Constant(8), Output: length.Constant(100)}.Prompt(0), target.Body)
	var kernel, user []float64
	for b.Loop() {
		cl, err := newClient(target, Timeouts{}, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range streams {
			wg.Go(func() {
				k, u := arrivalErrors(b, cl, body)
				mu.Lock()
				defer mu.Unlock()
				kernel, user = append(kernel, k...), append(user, u...)
			})
			time.Sleep(5 * time.Millisecond) // else all tokens are due at the same moments
		}
		wg.Wait()
	}
	for name, errs := range map[string][]float64{"kernel": kernel, "user": user} {
		slices.Sort(errs)
		b.ReportMetric(errs[len(errs)/2], name+"-p50-µs")
		b.ReportMetric(errs[len(errs)*99/100], name+"-p99-µs")
	}
}

// arrivalErrors reads one stream as the client does, and gives for each read
// the stamps less the server's sent_ns in its last event, in µs.
func arrivalErrors(b *testing.B, cl *client, body []byte) (kernel, user []float64) {
	var nc *conn
	ctx := httptrace.WithClientTrace(b.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { nc = stamped(i.Conn) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, cl.target.URL, bytes.NewReader(body))
	if err != nil {
		b.Error(err)
		return nil, nil
	}
	resp, err := cl.transport.RoundTrip(req)
	if err != nil {
		b.Error(err)
		return nil, nil
	}
	defer resp.Body.Close()
	mark := []byte(`"sent_ns":`)
	buf := make([]byte, readBuffer)
	for err == nil {
		var n int
		n, err = resp.Body.Read(buf)
		now := time.Now()
		i := bytes.LastIndex(buf[:n], mark)
		if i < 0 {
			continue
		}
		digits := buf[i+len(mark) : n]
		if j := bytes.IndexAny(digits, ",}"); j > 0 {
			sent, perr := strconv.ParseInt(string(digits[:j]), 10, 64)
			if perr != nil {
				b.Error(perr)
				return nil, nil
			}
			kernel = append(kernel, float64(nc.lastRead().UnixNano()-sent)/1e3)
			user = append(user, float64(now.UnixNano()-sent)/1e3)
		}
	}
	return kernel, user
}
