package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/discord"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/googlechat"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/lark"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/mattermost"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/rocketchat"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/signal"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/slack"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/teams"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/wecom"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/zulip"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/incident/opsgenie"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/bark"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/gotify"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ntfy"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/pushover"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/specialized/generic"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// service is one of shoutrrr's. Those that it has and that are not here make several
// requests a message (matrix, ifttt, pushbullet), or tell nobody (logger).
type service struct {
	make   func() types.Service
	limit  int  // bytes of the text, below what the service takes
	titled bool // it shows the title apart
	// client gives it a client of ours; nil: its requests go through the door.
	client func(types.Service, *http.Client)
	split  string            // a query key with several recipients, each of which gets a request of its own
	query  map[string]string // settings of the URL, unless the user has them
	escape func(string) string
}

// services are those that a URL may name, beside smtp and pagerduty.
func services() map[string]service {
	return map[string]service{
		"bark":       {make: func() types.Service { return &bark.Service{} }, limit: 2000, titled: true},
		"discord":    {make: func() types.Service { return &discord.Service{} }, limit: 1900, titled: true, client: setDiscord, query: map[string]string{"splitLines": "No"}},
		"generic":    {make: func() types.Service { return &generic.Service{} }, limit: 16000},
		"googlechat": {make: func() types.Service { return &googlechat.Service{} }, limit: 4000},
		"gotify":     {make: func() types.Service { return &gotify.Service{} }, limit: 8000, titled: true, client: replaceClient},
		"lark":       {make: func() types.Service { return &lark.Service{} }, limit: 4000, titled: true},
		"mattermost": {make: func() types.Service { return &mattermost.Service{} }, limit: 8000, client: replaceClient},
		"ntfy":       {make: func() types.Service { return &ntfy.Service{} }, limit: 4000, titled: true, client: setClient},
		"opsgenie":   {make: func() types.Service { return &opsgenie.Service{} }, limit: 14000, titled: true},
		"pushover":   {make: func() types.Service { return &pushover.Service{} }, limit: 1000, titled: true, client: setField},
		"rocketchat": {make: func() types.Service { return &rocketchat.Service{} }, limit: 4000, client: setField},
		"signal":     {make: func() types.Service { return &signal.Service{} }, limit: 1900},
		"slack":      {make: func() types.Service { return &slack.Service{} }, limit: 8000, titled: true, escape: strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace},
		"teams":      {make: func() types.Service { return &teams.Service{} }, limit: 8000, titled: true},
		"telegram":   {make: func() types.Service { return &telegram.Service{} }, limit: 3500, titled: true, split: "chats"},
		"wecom":      {make: func() types.Service { return &wecom.Service{} }, limit: 2000},
		"zulip":      {make: func() types.Service { return &zulip.Service{} }, limit: 9000},
	}
}

// Kinds are the schemes that a receiver's URL may have.
func Kinds() []string {
	kinds := slices.Concat(slices.Collect(maps.Keys(services())), []string{"smtp", "pagerduty"})
	slices.Sort(kinds)
	return kinds
}

// openService prepares a service of shoutrrr, and tells at once what is wrong with its
// URL. Each try makes it anew, because a service keeps the last title.
func (ch *Channel) openService(u *url.URL) error {
	s, ok := services()[ch.Kind]
	if !ok {
		if ch.Kind == "https" || ch.Kind == "http" {
			return fmt.Errorf("for a webhook of your own write generic+%s://…", ch.Kind)
		}
		return fmt.Errorf("%s is no service that can be told; there are %s", ch.Kind, strings.Join(Kinds(), ", "))
	}
	targets, err := s.targets(u)
	if err != nil {
		return err
	}
	for _, target := range targets {
		if _, err := s.open(target); err != nil {
			return err
		}
	}
	opsgenieAt := opsgenieOf(ch.Kind, targets[0])
	ch.begin = func(m Message) func(context.Context, line) error {
		if opsgenieAt != nil && m.Status() == Resolved {
			return func(ctx context.Context, l line) error { return opsgenieAt.close(ctx, l, m) }
		}
		left := targets
		return func(ctx context.Context, l line) error {
			for len(left) > 0 {
				if err := s.send(ctx, l, left[0], ch, m); err != nil {
					return err
				}
				left = left[1:]
			}
			return nil
		}
	}
	return nil
}

// targets are the URLs of the recipients, each with the settings of ours.
func (s service) targets(u *url.URL) ([]*url.URL, error) {
	custom := strings.Contains(u.Scheme, "+")
	if custom { // generic+https://… is the address itself
		c, ok := s.make().(types.CustomURLService)
		if !ok {
			return nil, errors.New("this service takes no address with a +")
		}
		var err error
		if u, err = c.GetConfigURLFromCustom(u); err != nil {
			return nil, err
		}
	}
	query, have := u.Query(), map[string]bool{}
	for key := range query {
		have[strings.ToLower(key)] = true
	}
	for key, value := range s.query {
		if !have[strings.ToLower(key)] {
			query.Set(key, value)
		}
	}
	recipients := strings.Split(query.Get(s.split), ",")
	if s.split == "" || len(recipients) < 2 {
		return []*url.URL{withQuery(u, query)}, nil
	}
	var all []*url.URL
	for _, r := range recipients {
		query.Set(s.split, strings.TrimSpace(r))
		all = append(all, withQuery(u, query))
	}
	return all, nil
}

func withQuery(u *url.URL, query url.Values) *url.URL {
	c := *u
	c.RawQuery = query.Encode()
	return &c
}

func (s service) open(u *url.URL) (types.Service, error) {
	made := s.make()
	return made, made.Initialize(u, nil)
}

// send makes one try for one recipient.
func (s service) send(ctx context.Context, l line, target *url.URL, ch *Channel, m Message) error {
	made, err := s.open(target)
	if err != nil {
		return &failure{msg: err.Error()}
	}
	params := types.Params{}
	json := strings.EqualFold(target.Query().Get("template"), "json")
	title := m.Title()
	text := title + "\n" + m.Body(s.limit-len(title)-1)
	if s.titled || json {
		text = m.Body(s.limit)
	}
	if s.escape != nil {
		title, text = s.escape(title), s.escape(text)
	}
	if ch.Kind == "opsgenie" {
		title = cut(title, 130)
		params["alias"] = m.incident()
	}
	if s.titled || json {
		params.SetTitle(title)
	}
	if json { // what the receiver of a webhook needs to act on its own
		params["status"], params["severity"], params["group_key"] = string(m.Status()), m.Severity(), m.GroupKey
	}
	p := &parcel{ctx: ctx, line: l}
	call := func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("the service %s failed: %v", ch.Kind, r)
			}
		}()
		return made.Send(text, &params)
	}
	if s.client != nil {
		s.client(made, &http.Client{Transport: p})
		err = call()
	} else {
		err = l.door.pass(ctx, p, call)
	}
	return p.outcome(err)
}

// The ways in which services take a client.

func setClient(s types.Service, c *http.Client) {
	if s, ok := s.(interface{ SetHTTPClient(*http.Client) }); ok {
		s.SetHTTPClient(c)
	}
}

func replaceClient(s types.Service, c *http.Client) {
	if s, ok := s.(interface{ GetHTTPClient() *http.Client }); ok {
		*s.GetHTTPClient() = *c
	}
}

func setField(s types.Service, c *http.Client) {
	switch s := s.(type) {
	case *pushover.Service:
		s.Client = c
	case *rocketchat.Service:
		s.Client = c
	}
}

func setDiscord(s types.Service, c *http.Client) {
	if s, ok := s.(*discord.Service); ok {
		s.HTTPClient, s.Sleeper = c, awake{}
	}
}

// awake keeps a service from waiting: what it would wait for is not tried.
type awake struct{}

func (awake) Sleep(time.Duration) {}
