package alertscmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"llmops/analysis/alerting"
	"llmops/analysis/alerting/dispatch"
	"llmops/cmd/internal/access"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/notify"
	"llmops/cmd/internal/render"
	"llmops/probes/remote"
	"llmops/rules/alert/routing"
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

func (o *notifyOptions) check(app *cli.App) error {
	switch {
	case o.history != "" && !o.on:
		return cli.Usagef("--history says what --notify has told, but there is no --notify")
	case o.hold <= 0:
		return cli.Usagef("--alertmanager-hold: want a time above 0, such as 5m")
	}
	if o.on && o.history == "" {
		app.Warnf("--notify without --history tells everything again in every run")
	}
	if o.alertmanager != "" {
		if _, err := remote.Base(o.alertmanager); err != nil {
			return cli.Usagef("--alertmanager: %w", err)
		}
	}
	return nil
}

// sent is what was told, in the JSON form.
type sent struct {
	Alertmanager *posted    `json:"alertmanager,omitempty"`
	Notified     []delivery `json:"notified,omitempty"`
}

type posted struct {
	Accepted int      `json:"accepted"`
	Refused  []string `json:"refused,omitempty"` // each with why
	Error    string   `json:"error,omitempty"`
}

type delivery struct {
	Receiver string `json:"receiver"`
	Kind     string `json:"kind,omitempty"`
	Reason   string `json:"reason"`
	Title    string `json:"title"`
	Tries    int    `json:"tries,omitempty"`
	Error    string `json:"error,omitempty"`
}

// A sender tells people, and an Alertmanager.
type sender struct {
	o         *notifyOptions
	channels  map[string]*notify.Channel
	unset     map[string]error // receivers without a secret
	transport remote.Access    // of channels
	server    remote.Access    // of the Alertmanager
}

// sender finds out whether everything is there to send with, before anything is read;
// nil where nothing is to be sent. A receiver whose secrets are not set is an error only
// once there is something to tell it.
func (o *options) sender(app *cli.App, c routing.Config) (*sender, error) {
	n := &o.notify
	if !n.on && n.alertmanager == "" {
		return nil, nil
	}
	s := &sender{o: n, channels: map[string]*notify.Channel{}, unset: map[string]error{}}
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
	for _, r := range c.Receivers {
		if !r.Sends() {
			continue
		}
		ch, warnings, err := notify.Open(receiver(r, c.File), app.Getenv)
		for _, w := range warnings {
			app.Warnf("%s", w)
		}
		if _, missing := errors.AsType[*notify.Unset](err); missing {
			s.unset[r.Name] = err
			continue
		}
		if err != nil {
			return nil, cli.Usage(err)
		}
		s.channels[r.Name] = ch
	}
	if len(s.channels) == 0 {
		var why []error
		for _, name := range slices.Sorted(maps.Keys(s.unset)) {
			why = append(why, s.unset[name])
		}
		return nil, cli.WithHint(cli.Usagef("--notify: no receiver can be told: %w", errors.Join(why...)), "docs/notifications.md says how receivers are set up")
	}
	return s, nil
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

// old is the age of data from which it is doubtful that it tells of now.
const old = 10 * time.Minute

// tell sends. Its error is that of a channel, and what was sent is told all the same.
func (s *sender) tell(ctx context.Context, app *cli.App, r *report) (*sent, error) {
	now := time.UnixMilli(r.result.End)
	if age := app.Now().Sub(now); age > old {
		app.Warnf("the newest sample is %s old: what is told was so then", render.Span(age))
	}
	told := &sent{}
	var errs []error
	if s.o.alertmanager != "" {
		p, err := s.post(ctx, app, r)
		told.Alertmanager = p
		errs = append(errs, err)
	}
	if s.o.on {
		list, err := s.notify(ctx, app, r)
		told.Notified = list
		errs = append(errs, err)
	}
	if ctx.Err() != nil {
		return told, ctx.Err()
	}
	return told, cli.Failed(errors.Join(errs...))
}

// resend is how long after its end an alert is posted as resolved, as Prometheus does.
const resend = 15 * time.Minute

func (s *sender) post(ctx context.Context, app *cli.App, r *report) (*posted, error) {
	var list []notify.Alert
	for _, a := range r.alerts {
		if a.To == 0 || r.result.End-a.To <= resend.Milliseconds() {
			list = append(list, r.message(a.ID))
		}
	}
	am := notify.Alertmanager{URL: s.o.alertmanager, Access: s.server, Hold: s.o.hold, Options: s.options(app, s.server)}
	p, err := am.Post(ctx, app.Now(), list)
	doc := &posted{Accepted: p.Accepted}
	for _, x := range p.Refused {
		doc.Refused = append(doc.Refused, x.Alert.Labels["alertname"]+": "+x.Why)
	}
	if err != nil {
		doc.Error = err.Error()
		return doc, fmt.Errorf("--alertmanager: %w", err)
	}
	if len(p.Refused) > 0 {
		return doc, fmt.Errorf("--alertmanager: %d of %d alerts were refused: %s", len(p.Refused), len(list), render.List(doc.Refused, 3))
	}
	return doc, nil
}

func (s *sender) options(app *cli.App, a remote.Access) notify.Options {
	return notify.Options{Client: a.Client(), TLS: a.TLS, Agent: access.UserAgent(app)}
}

// notify tells the receivers what is due, and keeps in the history what reached them.
func (s *sender) notify(ctx context.Context, app *cli.App, r *report) ([]delivery, error) {
	known := dispatch.History{}
	var history *notify.History
	if s.o.history != "" {
		h, warnings, err := notify.OpenHistory(s.o.history, time.Minute)
		if err != nil {
			return nil, err
		}
		defer h.Close()
		for _, w := range warnings {
			app.Warnf("%s", w)
		}
		history = h
		for _, e := range h.Entries() {
			known[dispatch.Key{GroupKey: e.GroupKey, Receiver: e.Receiver}] = dispatch.Sent{At: e.SentAt.UnixMilli(), Firing: e.Firing}
		}
	}
	due, ended := dispatch.Due(r.routes, r.alerts, r.result.End, known)
	var list []delivery
	var errs []error
	var deliveries []notify.Delivery
	var of []dispatch.Notification
	for _, n := range due {
		m := r.messageOf(n)
		ch := s.channels[n.Receiver]
		if ch == nil {
			err := s.unset[n.Receiver]
			if err == nil {
				err = fmt.Errorf("receiver %s: only an Alertmanager can send to it (--alertmanager)", n.Receiver)
			}
			list = append(list, delivery{Receiver: n.Receiver, Reason: string(n.Reason), Title: m.Title(), Error: err.Error()})
			errs = append(errs, err)
			continue
		}
		deliveries, of = append(deliveries, notify.Delivery{Channel: ch, Message: m}), append(of, n)
	}
	results := notify.Send(ctx, deliveries, s.options(app, s.transport))
	for i, x := range results {
		n := of[i]
		d := delivery{Receiver: n.Receiver, Kind: x.Channel.Kind, Reason: string(n.Reason), Title: x.Message.Title(), Tries: x.Tries}
		if x.Err != nil {
			d.Error = x.Err.Error()
			errs = append(errs, x.Err)
		} else if history != nil {
			if n.Reason == dispatch.Resolved {
				history.Delete(n.Receiver, n.GroupKey)
			} else {
				history.Put(notify.Entry{Receiver: n.Receiver, GroupKey: n.GroupKey, Firing: n.Sent.Firing, SentAt: time.UnixMilli(n.Sent.At).UTC()})
			}
		}
		list = append(list, d)
	}
	if history != nil {
		for _, k := range ended {
			history.Delete(k.Receiver, k.GroupKey)
		}
		errs = append(errs, history.Save())
	}
	slices.SortStableFunc(list, func(a, b delivery) int { return cmp.Compare(a.Receiver, b.Receiver) })
	return list, errors.Join(errs...)
}

// messageOf is a notification with its alerts.
func (r *report) messageOf(n dispatch.Notification) notify.Message {
	m := notify.Message{GroupKey: n.GroupKey, GroupLabels: n.GroupLabels}
	switch {
	case n.After > 0:
		m.Note = "still firing after " + span(n.After)
	case n.Reason == dispatch.Repeat:
		m.Note = "still firing"
	}
	for _, id := range n.Firing {
		m.Alerts = append(m.Alerts, r.message(id))
	}
	for _, id := range n.Resolved {
		m.Alerts = append(m.Alerts, r.message(id))
	}
	return m
}

// message is an alert as it is told.
func (r *report) message(id int) notify.Alert {
	a := r.result.Alerts[id]
	labels := map[string]string{"alertname": a.Name}
	for k, v := range a.Labels {
		labels[k] = v
	}
	m := notify.Alert{Labels: labels, Annotations: a.Annotations, Value: a.Value, StartsAt: time.UnixMilli(a.FiredAt).UTC()}
	if a.State == alerting.Resolved {
		m.EndsAt = time.UnixMilli(a.ResolvedAt).UTC()
	}
	return m
}

// sent shows what was told.
func (v *view) sent() {
	if v.Sent == nil {
		return
	}
	if p := v.Sent.Alertmanager; p != nil {
		v.Printf("\n%s %s accepted", v.Style.Bold("Alertmanager:"), render.Plural(p.Accepted, "alert"))
		if len(p.Refused) > 0 {
			v.Printf(", %d refused", len(p.Refused))
		}
		v.Printf("\n")
	}
	t := &render.Table{Columns: render.Columns("RECEIVER", "KIND", "WHY", "TITLE", "SENT")}
	for _, d := range v.Sent.Notified {
		done := "yes"
		if d.Error != "" {
			done = v.Style.Red("no")
		}
		t.Add(render.Clean(d.Receiver), d.Kind, d.Reason, render.Clean(d.Title), done)
	}
	v.Section("sent", t)
	if v.Sent.Notified == nil && v.Sent.Alertmanager == nil {
		v.Printf("\nnothing new to tell\n")
	}
}
