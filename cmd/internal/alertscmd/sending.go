package alertscmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/access"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/notify"
	"llmops/cmd/internal/render"
	"llmops/probes/remote"
	"llmops/rules/alert/routing"
	"llmops/rules/defaults"
)

type notifyOptions struct {
	on           bool
	history      string
	alertmanager string
	hold         time.Duration
	login        access.Login
}

func (o *notifyOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.on, "notify", false, "tell the receivers what fires at the end, and what is resolved since they were told")
	f.StringVar(&o.history, "history", "", "`FILE` that keeps what was told, so that the next --notify does not repeat it")
	f.StringVar(&o.alertmanager, "alertmanager", "", "post what fires at the end to the Alertmanager at `URL`, such as http://127.0.0.1:9093")
	f.DurationVar(&o.hold, "alertmanager-hold", 5*time.Minute, "how long a posted alert fires unless it is posted again: four times what lies between two runs")
	_ = cmd.MarkFlagFilename("history") // only an unknown name is an error
	o.login.Of = "alertmanager"
	o.login.AddFlags(cmd)
	cli.Depends(cmd, "notify", "history")
	cli.Depends(cmd, "alertmanager", "alertmanager-hold", "alertmanager-user", "alertmanager-password-file", "alertmanager-token-file")
}

func (o *notifyOptions) check() error {
	switch {
	case o.history != "" && !o.on:
		return cli.Usagef("--history says what --notify has told, but there is no --notify")
	case o.hold <= 0:
		return cli.Usagef("--alertmanager-hold: want a time above 0, such as 5m")
	}
	if o.alertmanager != "" {
		if _, err := remote.Base(o.alertmanager); err != nil {
			return cli.Usagef("--alertmanager: %w", err)
		}
	}
	return nil
}

// A sender tells people, and an Alertmanager.
type sender struct {
	o        *notifyOptions
	channels map[string]*notify.Channel
	unset    map[string]error // receivers that cannot be told, and why
	// shipped tells that the routes are those that ship: of their receivers one sets up
	// those that one has.
	shipped   bool
	transport remote.Access // of channels
	server    remote.Access // of the Alertmanager
}

// sender finds out whether everything is there to send with, before anything is read;
// nil where nothing is to be sent. A receiver that cannot be told is an error only once
// there is something to tell it.
func (o *options) sender(ctx context.Context, app *cli.App, c routing.Config) (*sender, error) {
	n := &o.notify
	if !n.on && n.alertmanager == "" {
		return nil, nil
	}
	s := &sender{o: n, channels: map[string]*notify.Channel{}, unset: map[string]error{}, shipped: strings.HasPrefix(c.File, defaults.Prefix)}
	authorization, secrets, err := n.login.Authorization(app, "")
	if err != nil {
		return nil, cli.Usage(err)
	}
	transport := o.metrics.Transport()
	if s.server, err = transport.Access(app, authorization, secrets); err != nil {
		return nil, cli.Usage(err)
	}
	if s.transport, err = transport.Access(app, "", nil); err != nil {
		return nil, cli.Usage(err)
	}
	if !n.on {
		return s, nil
	}
	if err := s.open(app, c); err != nil {
		return nil, err
	}
	if n.history == "" {
		app.Warnf("--notify without --history tells everything again in every run")
		return s, nil
	}
	h, _, err := n.open(ctx, 0)
	switch {
	case errors.Is(err, notify.ErrLocked): // the other run will be through by then
		return s, nil
	case err != nil:
		return nil, err
	}
	return s, h.Close()
}

// open opens the receivers.
func (s *sender) open(app *cli.App, c routing.Config) error {
	for _, r := range c.Receivers {
		switch {
		case !r.Sends():
			continue
		case r.URL == (routing.Secret{}) && r.SMS == nil:
			s.unset[r.Name] = fmt.Errorf("receiver %s: only an Alertmanager sends by %s", r.Name, render.List(r.Integrations, 3))
			continue
		}
		ch, warnings, err := notify.Open(receiver(r, c.File), app.Getenv)
		for _, w := range warnings {
			app.Warnf("%s", w)
		}
		if _, missing := errors.AsType[*notify.Unset](err); missing {
			s.unset[r.Name] = err
			if !s.shipped {
				app.Warnf("%s, so it cannot be told", err)
			}
			continue
		}
		if err != nil {
			return cli.Usage(err)
		}
		s.channels[r.Name] = ch
	}
	if len(s.channels) > 0 {
		return nil
	}
	const hint = "docs/notifications.md says how receivers are set up"
	if len(s.unset) == 0 {
		return cli.WithHint(cli.Usagef("--notify: %s has no receiver with a channel", c.File), hint)
	}
	return cli.WithHint(cli.Usagef("--notify: no receiver can be told: %w", errors.Join(s.why()...)),
		"%s, or hand alerts to an Alertmanager (--alertmanager URL)", hint)
}

// why are the reasons of receivers that cannot be told.
func (s *sender) why() (list []error) {
	for _, name := range slices.Sorted(maps.Keys(s.unset)) {
		list = append(list, s.unset[name])
	}
	return list
}

// receiver is one of the routes as notify takes it; its files are relative to the file
// of the routes.
func receiver(r routing.Receiver, file string) notify.Receiver {
	at := func(s routing.Secret) notify.Secret {
		if s.File != "" && !filepath.IsAbs(s.File) {
			s.File = filepath.Join(filepath.Dir(file), s.File)
		}
		return notify.Secret(s)
	}
	n := notify.Receiver{Name: r.Name, URL: at(r.URL)}
	if s := r.SMS; s != nil {
		n.SMS = &notify.SMS{AccountSID: at(s.AccountSID), AuthToken: at(s.AuthToken), From: s.From, FromEnv: s.FromEnv, To: s.To, ToEnv: s.ToEnv}
	}
	return n
}

func (s *sender) options(app *cli.App, a remote.Access) notify.Options {
	return notify.Options{Client: a.Client(), TLS: a.TLS, Agent: access.UserAgent(app)}
}

// open locks and reads the history.
func (o *notifyOptions) open(ctx context.Context, wait time.Duration) (*notify.History, []string, error) {
	h, warnings, err := notify.OpenHistory(ctx, o.history, wait)
	if err != nil {
		err = cli.WithHint(cli.Failed(fmt.Errorf("--history: %w", err)), "no receiver was told: name the file of an earlier run, or a new one in a folder that you may write to")
	}
	return h, warnings, err
}
