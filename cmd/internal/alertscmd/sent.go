package alertscmd

import (
	"llmops/cmd/internal/render"
)

// sent is what was told, in the JSON form.
type sent struct {
	Alertmanager *posted    `json:"alertmanager,omitempty"`
	Notified     []delivery `json:"notified,omitzero"` // with --notify; empty: nothing was due
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
	v.part("sent", t, few, "message")
	if v.Sent.Notified != nil && len(v.Sent.Notified) == 0 {
		v.Printf("\nnothing new to tell\n")
	}
}
