// Package simcmd is "llmops sim": the simulated inference server on its own.
// It must not know how the server works.
package simcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/probes/request"
	"llmops/probes/sim"
)

type options struct {
	listen string
	remote bool
	log    string // file for what the server saw of each request; "": none
	cfg    sim.Config
	out    cli.Output
}

// document says where the server is.
type document struct {
	Schema  string `json:"schema"`
	URL     string `json:"url"`
	Metrics string `json:"metrics"`
	Model   string `json:"model"`
}

// New makes the command.
func New(app *cli.App) *cobra.Command {
	o := options{cfg: sim.DefaultConfig()}
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "serve a simulated language model",
		Long: "Serves /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models, /health and /metrics\n" +
			"like vLLM, from a queueing model of an engine: prefill and decode times, a bounded\n" +
			"batch, a paged KV cache with prefix sharing and preemption. Faults act inside the\n" +
			"model, so the metrics follow. One line on standard output says when it is ready.\n\n" +
			faultHelp,
		Example: "  llmops sim --listen 127.0.0.1:8000\n" +
			"  llmops sim --service-time 500ms --max-running 1\n" +
			"  llmops sim --fault stall:after=5,duration=2s,p=0.1 --fault gpu-leak:mib_per_s=50,from=30s",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), app, &o) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.listen, "listen", "l", "127.0.0.1:8000", "`ADDRESS` to listen on; port 0 takes a free one")
	f.BoolVar(&o.remote, "allow-remote", false, "listen on an address that other machines reach; there is no authentication")
	f.StringVar(&o.log, "request-log", "", "write a line to `FILE` for each completion request, as this side saw it (llmops.request/v1)")
	AddFlags(f, &o.cfg)
	for _, name := range []string{"prefill-base", "prefill-per-token", "decode-base", "decode-per-sequence", "output-tokens"} {
		cmd.MarkFlagsMutuallyExclusive("service-time", name)
	}
	o.out.AddFlags(cmd, "table", "json")
	return cmd
}

const faultHelp = `Faults, each also with from=TIME,for=TIME (since the start) and p=SHARE of the requests:
  slow-prefill:factor=F  slow-decode:factor=F  latency-creep:per_minute=F
  stall:after=TOKENS,duration=TIME  hang
  http-error:status=503,retry_after=TIME  rate-limit:rate=R,burst=N
  stream-error:after=TOKENS  truncate:after=TOKENS  reset:after=TOKENS
  gpu-leak:mib_per_s=M`

func run(ctx context.Context, app *cli.App, o *options) error {
	if err := checkListen(o.listen, o.remote); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var log *requestLog // opened when nothing else can go wrong: it empties the file
	if o.log != "" {
		o.cfg.Log = func(r *request.Record) { log.add(r) }
	}
	server, err := sim.New(o.cfg)
	if err != nil {
		return cli.Usage(err)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", o.listen)
	if err != nil {
		return cli.WithHint(cli.Failed(fmt.Errorf("listen on %s: %w", o.listen, err)), "port 0 takes a free one")
	}
	defer l.Close()
	if o.log != "" {
		if log, err = openRequestLog(o.log, stop); err != nil {
			return err
		}
	}
	base := "http://" + l.Addr().String()
	doc := document{"llmops.sim/v1", base + "/v1", base + "/metrics", o.cfg.Model}
	err = o.out.Write(app, func(w io.Writer) error {
		if o.out.Format == "json" {
			return json.NewEncoder(w).Encode(doc) // one line, for those who wait for it
		}
		_, err := fmt.Fprintf(w, "listening on %s\n", doc.URL)
		return err
	})
	if err != nil {
		return errors.Join(err, log.close())
	}
	err = errors.Join(server.Serve(ctx, l), log.close())
	st := server.State()
	app.Notef("served %d requests (%d more refused), %d prompt tokens, %d output tokens, %d preemptions",
		st.E2E.Count, st.Refused, st.PromptTokens, st.OutputTokens, st.Preemptions)
	return err
}

// checkListen refuses an address that other machines can reach.
func checkListen(address string, remote bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return cli.WithHint(cli.Usagef("listen address %q: want HOST:PORT", address), "such as 127.0.0.1:8000")
	}
	if ip, err := netip.ParseAddr(host); remote || host == "localhost" || err == nil && ip.Unmap().IsLoopback() {
		return nil
	}
	return cli.WithHint(cli.Usagef("listen address %q is not a loopback address", address),
		"other machines could use the server without authentication; --allow-remote says that you want that")
}
