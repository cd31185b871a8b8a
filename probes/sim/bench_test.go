//go:build unix

package sim_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"llmops/probes/sim"
)

const drainEnv = "SIM_TEST_DRAIN" // URL that the test binary, run as a client, drains

func TestMain(m *testing.M) {
	if url := os.Getenv(drainEnv); url != "" {
		if err := drain(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const benchStreams, benchTokens = 100, 2000

// drain reads many streams at the same time and looks at nothing.
func drain(url string) error {
	var wg sync.WaitGroup
	errs := make(chan error, benchStreams)
	for range benchStreams {
		wg.Go(func() {
			body := fmt.Appendf(nil, `{"stream":true,"max_tokens":%d,"prompt":"x"}`, benchTokens)
			r, err := http.Post(url, "application/json", bytes.NewReader(body))
			if err == nil {
				_, err = io.Copy(io.Discard, r.Body)
				r.Body.Close()
			}
			if err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// BenchmarkStreams serves 100 streams to another process; the server has one
// processor. tokens/cpu-s is what one core of the server gives, tokens/s what
// was asked for and served.
func BenchmarkStreams(b *testing.B) {
	for _, gap := range []time.Duration{time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond} {
		b.Run("gap="+gap.String(), func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			cfg := sim.DefaultConfig()
			cfg.MaxRunning, cfg.DecodeBase, cfg.DecodePerSequence = benchStreams, gap, 0
			cfg.KVBlocks = 1 << 15 // no preemption
			s, err := sim.New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			go s.Serve(b.Context(), l)
			url := "http://" + l.Addr().String() + "/v1/completions"
			var used, wall time.Duration
			for b.Loop() {
				client := exec.Command(os.Args[0])
				client.Env = append(os.Environ(), drainEnv+"="+url)
				began, before := time.Now(), cpu(b)
				if out, err := client.CombinedOutput(); err != nil {
					b.Fatalf("client: %v: %s", err, out)
				}
				used += cpu(b) - before
				wall += time.Since(began)
			}
			tokens := float64(s.State().OutputTokens)
			b.ReportMetric(tokens/used.Seconds(), "tokens/cpu-s")
			b.ReportMetric(tokens/wall.Seconds(), "tokens/s")
		})
	}
}

// cpu is the processor time of this process.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
