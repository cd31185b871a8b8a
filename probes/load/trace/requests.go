package trace

import (
	"errors"
	"strings"
	"time"

	"llmops/probes/request"
)

// requests is our own requests.jsonl. A request arrived when it was scheduled,
// and one that its user broke off is to be broken off after as long a time; one
// that the end of the run cut off is not.
func requests() format {
	return format{name: "requests", read: readRequests,
		is: func(head string) bool {
			return strings.HasPrefix(head, "{") && strings.Contains(head, `"`+request.Schema+`"`)
		}}
}

func readRequests(r *reader) error {
	var (
		e                     entry
		scheduled, sent, done time.Time
		cancelled, byPlan     bool
	)
	clean := func() {
		e = entry{input: -1, output: -1}
		scheduled, sent, done = time.Time{}, time.Time{}, time.Time{}
		cancelled, byPlan = false, false
	}
	clean()
	return r.objects(func(m member) (err error) {
		switch m.key {
		case "scheduled_at":
			scheduled, err = m.moment()
		case "sent_at":
			sent, err = m.moment()
		case "done_at":
			done, err = m.moment()
		case "prompt_tokens":
			e.input, err = m.tokens()
		case "completion_tokens":
			e.output, err = m.tokens()
		case "error":
			var class string
			class, err = m.text()
			cancelled = request.Class(class) == request.Cancelled
		case "by_plan":
			byPlan = string(m.raw) == "true"
		case "session":
			var name string
			if name, err = m.text(); err == nil {
				e.session = r.sessionOf(name)
			}
		}
		return err
	}, func() (err error) {
		begin := scheduled
		if begin.IsZero() {
			begin = sent
		}
		if begin.IsZero() {
			return errors.New(`want the key "scheduled_at" or "sent_at"`)
		}
		if e.at, err = sinceEpoch(begin); err != nil {
			return err
		}
		if cancelled {
			e.output = -1 // what had come until then is no limit that was asked for
		}
		if !done.IsZero() && (!cancelled || byPlan) {
			e.took = max(done.Sub(begin), 0)
		}
		if !done.IsZero() && !sent.IsZero() && byPlan {
			e.cut = max(done.Sub(sent), 1)
		}
		r.add(e)
		clean()
		return nil
	})
}

func (m member) moment() (time.Time, error) {
	text, err := m.text()
	if err != nil || text == "" {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, m.fault(errors.New("want a time in RFC 3339"))
	}
	return at, nil
}
