package alertscmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"llmops/analysis/alerting/dispatch"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/notify"
	"llmops/cmd/internal/render"
)

// old is the age of data from which it is doubtful that it tells of now.
const old = 10 * time.Minute

// tell sends. Its error is that of a channel, and what was sent is told all the same.
func (s *sender) tell(ctx context.Context, app *cli.App, r *report) (*sent, error) {
	now := time.UnixMilli(r.result.End)
	if age := app.Now().Sub(now); age > old {
		app.Warnf("the newest sample is %s old: what is told was so then", render.Span(age))
	}
	if s.o.on {
		r.warnOverdue(app)
	}
	stop := app.Progress(func() string { return "telling receivers" })
	defer stop()
	told := &sent{}
	var errs []error
	if s.o.alertmanager != "" {
		p, err := s.post(ctx, app, r)
		told.Alertmanager = p
		errs = append(errs, err)
	}
	if s.o.on && ctx.Err() == nil {
		list, err := s.notify(ctx, app, r)
		told.Notified = list
		errs = append(errs, err)
	}
	return told, cli.Failed(errors.Join(errs...))
}

// warnOverdue tells of alerts that fire since the first evaluation, so that nobody knows
// since when, and of which a step of the escalation is not reached by what is known.
func (r *report) warnOverdue(app *cli.App) {
	var names []string
	after := time.Duration(0)
	for _, a := range r.alerts {
		known := time.Duration(r.result.End-a.From) * time.Millisecond
		if a.To != 0 || r.result.Alerts[a.ID].ActiveAt != r.result.Start {
			continue
		}
		for _, route := range r.routes.Match(a.Labels) {
			for _, step := range route.Escalation {
				if step.After > known {
					names = append(names, r.result.Alerts[a.ID].Name)
					after = cmp.Or(min(after, step.After), step.After)
				}
			}
		}
	}
	if len(names) > 0 {
		app.Warnf("%s fires since the replay begins, %s ago, or longer: whether the escalation after %s is due is not known; replay more (--start)",
			render.List(unique(names), 3), span(r.result.End-r.result.Start), span(after.Milliseconds()))
	}
}

// notify tells the receivers what is due, and keeps in the history what reached them.
func (s *sender) notify(ctx context.Context, app *cli.App, r *report) ([]delivery, error) {
	known := dispatch.History{}
	var history *notify.History
	if s.o.history != "" {
		h, warnings, err := s.o.open(ctx, time.Minute)
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
	list := []delivery{}
	var deliveries []notify.Delivery
	of := map[dispatch.Key]dispatch.Notification{}
	var untold []dispatch.Notification
	for _, n := range due {
		ch := s.channels[n.Receiver]
		if ch == nil {
			untold = append(untold, n)
			list = append(list, delivery{Receiver: n.Receiver, Reason: string(n.Reason), Title: r.messageOf(n).Title(), Error: s.unset[n.Receiver].Error()})
			continue
		}
		of[dispatch.Key{GroupKey: n.GroupKey, Receiver: n.Receiver}] = n
		deliveries = append(deliveries, notify.Delivery{Channel: ch, Message: r.messageOf(n)})
	}
	errs := []error{s.untold(app, r, untold, of)}
	var saved error
	o := s.options(app, s.transport)
	o.Done = func(x notify.Result) {
		n := of[dispatch.Key{GroupKey: x.Message.GroupKey, Receiver: x.Channel.Receiver}]
		if x.Err != nil || history == nil {
			return
		}
		if n.Reason == dispatch.Resolved {
			history.Delete(n.Receiver, n.GroupKey)
		} else {
			history.Put(notify.Entry{Receiver: n.Receiver, GroupKey: n.GroupKey, Firing: n.Sent.Firing, SentAt: time.UnixMilli(n.Sent.At).UTC()})
		}
		saved = cmp.Or(saved, history.Save()) // at once: a run that is killed repeats nothing
	}
	for _, x := range notify.Send(ctx, deliveries, o) {
		n := of[dispatch.Key{GroupKey: x.Message.GroupKey, Receiver: x.Channel.Receiver}]
		d := delivery{Receiver: n.Receiver, Kind: x.Channel.Kind, Reason: string(n.Reason), Title: x.Message.Title(), Tries: x.Tries}
		if x.Err != nil {
			d.Error = x.Err.Error()
			errs = append(errs, x.Err)
		}
		list = append(list, d)
	}
	if history != nil && len(ended) > 0 {
		for _, k := range ended {
			history.Delete(k.Receiver, k.GroupKey)
		}
		saved = cmp.Or(saved, history.Save())
	}
	if saved != nil {
		saved = fmt.Errorf("--history: %w: what was told now will be told again", saved)
	}
	slices.SortStableFunc(list, func(a, b delivery) int { return cmp.Compare(a.Receiver, b.Receiver) })
	return list, errors.Join(append(errs, saved)...)
}

// untold is about receivers that something is due for and that cannot be told. Of the
// routes that ship that is a warning while somebody else is told of the same alerts;
// with an Alertmanager at hand, its own receivers are no concern of ours.
func (s *sender) untold(app *cli.App, r *report, due []dispatch.Notification, told map[dispatch.Key]dispatch.Notification) error {
	reached := map[int]bool{}
	for _, n := range told {
		for _, id := range n.Firing {
			reached[id] = true
		}
	}
	seen := map[string]bool{}
	var why []string
	var nobody []string
	for _, n := range due {
		if c, ok := r.routes.Receiver(n.Receiver); ok && s.o.alertmanager != "" && len(c.Integrations) > 0 {
			continue
		}
		if !seen[n.Receiver] {
			seen[n.Receiver] = true
			why = append(why, s.unset[n.Receiver].Error())
		}
		for _, id := range n.Firing {
			if !reached[id] {
				nobody = append(nobody, r.result.Alerts[id].Name)
			}
		}
	}
	switch {
	case len(why) == 0:
		return nil
	case !s.shipped:
		return cli.WithHint(fmt.Errorf("not told: %s", render.List(why, len(why))), "set them up (docs/notifications.md), or take them out of %s", r.routes.File)
	case len(nobody) > 0:
		return cli.WithHint(fmt.Errorf("nobody is told of %s: %s", render.List(unique(nobody), 3), render.List(why, len(why))), "set up one of these receivers, or write routes of your own (docs/routes.md)")
	}
	app.Warnf("not told, since they are not set up: %s", render.List(why, len(why)))
	return nil
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
	for _, id := range slices.Concat(n.Firing, n.Resolved) {
		m.Alerts = append(m.Alerts, r.message(id))
	}
	return m
}

// message is an alert as it is told.
func (r *report) message(id int) notify.Alert {
	a := r.result.Alerts[id]
	m := notify.Alert{Labels: a.SentLabels(r.external), Annotations: a.Annotations, Value: a.Value, StartsAt: time.UnixMilli(a.FiredAt).UTC()}
	if resolved(a) {
		m.EndsAt = time.UnixMilli(a.ResolvedAt).UTC()
	}
	return m
}
