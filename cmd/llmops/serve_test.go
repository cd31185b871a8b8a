package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"

	"llmops/cmd/internal/simcmd"
	"llmops/probes/sim"
)

// serve is the script command "serve [FLAGS OF llmops sim]": it serves the
// simulator until the script ends and puts its base URL into $URL.
// "serve html" serves a web page for everything instead.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! serve")
	}
	handler := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><body>Please log in</body></html>\n"))
	}))
	if strings.Join(args, " ") != "html" {
		cfg := sim.DefaultConfig()
		flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
		simcmd.AddFlags(flags, &cfg)
		ts.Check(flags.Parse(args))
		srv, err := sim.New(cfg)
		ts.Check(err)
		handler = srv.Handler()
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	hs := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = hs.Serve(ln) }()
	ts.Defer(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		if hs.Shutdown(ctx) != nil {
			_ = hs.Close()
		}
	})
	ts.Setenv("URL", "http://"+ln.Addr().String()+"/v1")
}
