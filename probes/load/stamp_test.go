package load

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// pair is a connected pair of TCP connections on the loopback.
func pair(t *testing.T) (client *conn, peer net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	d := &dialer{epoch: time.Now(), timeout: 5 * time.Second}
	nc, err := d.dial(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if peer, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); peer.Close() })
	return nc.(*conn), peer
}

// The stamp says when bytes arrived, however late they are read.
func TestKernelStampsDoNotDependOnTheReader(t *testing.T) {
	c, peer := pair(t)
	if c.kernel == nil {
		t.Skipf("no kernel stamps on %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	buf := make([]byte, 16)
	stamped := 0
	for range 10 {
		before := time.Now()
		if _, err := peer.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		after := time.Now()
		time.Sleep(30 * time.Millisecond) // this process is busy elsewhere
		if n, err := c.Read(buf); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if c.lag.Load() < 0 {
			continue // the kernel begins to stamp a moment after it was asked
		}
		stamped++
		// The clocks of both ends are read a moment apart.
		const slack = 5 * time.Millisecond
		if at := c.lastRead(); at.Before(before.Add(-slack)) || at.After(after.Add(slack)) {
			t.Errorf("stamped %v after the write began, which took %v", at.Sub(before), after.Sub(before))
		}
		if lag := time.Duration(c.lag.Load()); lag < 20*time.Millisecond {
			t.Errorf("lag %v after a pause of 30 ms", lag)
		}
	}
	if stamped < 5 {
		t.Errorf("%d stamps of 10", stamped)
	}
}

func TestStampedConnectionReadsLikeAnyOther(t *testing.T) {
	c, peer := pair(t)
	go func() {
		for i := range 1000 {
			_, _ = peer.Write(make([]byte, i%700))
		}
		_ = peer.(*net.TCPConn).CloseWrite()
	}()
	want := int64(0)
	for i := range 1000 {
		want += int64(i % 700)
	}
	if n, err := io.Copy(io.Discard, struct{ io.Reader }{c}); n != want || err != nil {
		t.Errorf("%d bytes and %v, want %d", n, err, want)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
	_ = c.SetReadDeadline(time.Now().Add(-time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a deadline in the past is ignored")
	}
	_ = c.Close()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a closed connection reads")
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	c, peer := pair(t)
	buf := make([]byte, 1<<10)
	data := make([]byte, 100)
	if n := testing.AllocsPerRun(200, func() {
		_, _ = peer.Write(data)
		_, _ = c.Read(buf)
	}); n > 0 {
		t.Errorf("%v allocations a read", n)
	}
}

// Only a request that never got there may go out again: TCP tells it from one
// that the server has taken.
func TestUnacknowledged(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("TCP's count of acknowledged bytes is read on Linux only")
	}
	for name, tc := range map[string]struct {
		peer func(net.Conn) // what the server does when the request is due
		want bool
	}{
		"closed before": {func(p net.Conn) { p.Close() }, true},
		"taken, then closed": {func(p net.Conn) {
			go func() {
				_, _ = p.Read(make([]byte, 64))
				p.Close()
			}()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, peer := pair(t)
			if _, err := c.Write([]byte("first request")); err != nil {
				t.Fatal(err)
			}
			if _, err := peer.Read(make([]byte, 64)); err != nil {
				t.Fatal(err)
			}
			before := c.written.Load()
			tc.peer(peer)
			time.Sleep(20 * time.Millisecond)
			_, _ = c.Write([]byte("second request"))
			time.Sleep(20 * time.Millisecond)
			if _, err := c.Read(make([]byte, 1)); err == nil {
				t.Fatal("the connection is still open")
			}
			if got := c.unacknowledged(before); got != tc.want {
				t.Errorf("unacknowledged: %v, want %v", got, tc.want)
			}
		})
	}
}
