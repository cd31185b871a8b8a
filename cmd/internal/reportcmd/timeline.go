package reportcmd

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// mostLanes is how many lanes the picture has.
const mostLanes = 30

// timeline is what went on in all sources, in the order in which it began.
func timeline(parts []part) (list []event) {
	for _, p := range parts {
		for _, e := range p.events {
			e.source, e.Lane = p.source, render.Clean(e.Lane)
			list = append(list, e)
		}
	}
	slices.SortStableFunc(list, func(a, b event) int {
		if c := a.From.Compare(b.From); c != 0 {
			return c
		}
		if c := b.To.Compare(a.To); c != 0 { // what holds the other first
			return c
		}
		return strings.Compare(a.source+a.Lane, b.source+b.Lane)
	})
	return list
}

// bands are the picture of a time line; nil where there is nothing to see.
func bands(list []event) (b *html.Bands, note string) {
	if len(list) < 2 {
		return nil, ""
	}
	type key struct{ source, lane string }
	place := map[key]int{}
	b = &html.Bands{}
	hidden := 0
	for _, e := range list {
		k := key{e.source, e.Lane}
		at, is := place[k]
		if !is {
			if at = len(b.Lanes); at == mostLanes {
				at = -1
				hidden++
			} else {
				b.Lanes = append(b.Lanes, html.Lane{Label: e.Lane, Kind: e.Kind})
			}
			place[k] = at
		}
		if at >= 0 {
			b.Lanes[at].Bands = append(b.Lanes[at].Bands, html.Band{From: e.From, To: e.To, Open: e.Open, Kind: e.Kind, Label: words(e)})
		}
	}
	note = "UTC"
	if slices.ContainsFunc(list, func(e event) bool { return e.Open }) {
		note += "; ›: not over at the end of the data"
	}
	if hidden > 0 {
		note += fmt.Sprintf("; %d more, which began later, are not drawn", hidden)
	}
	return b, note
}

func words(e event) string {
	switch {
	case e.Open:
		return "since " + render.Clock(e.From) + ", not over at the end of the data"
	case e.To.Equal(e.From):
		return "at " + render.Clock(e.From)
	}
	return fmt.Sprintf("%s to %s, %s", render.Clock(e.From), render.Clock(e.To), lasted(e))
}

func lasted(e event) string {
	if !e.To.After(e.From) {
		return render.None
	}
	return render.Span(e.To.Sub(e.From).Round(time.Millisecond))
}

// dayOf is the day of all events; "" if there are several.
func dayOf(list []event) (day string) {
	for _, e := range list {
		for _, t := range []time.Time{e.From, e.To} {
			text := t.UTC().Format(time.DateOnly)
			if day != "" && day != text {
				return ""
			}
			day = text
		}
	}
	return day
}

// clockOf leaves out the day where all events have the same.
func clockOf(list []event) func(time.Time) string {
	if dayOf(list) == "" {
		return render.Clock
	}
	return func(t time.Time) string { return t.UTC().Format(time.TimeOnly) }
}

// timeTable is a time line in words.
func timeTable(list []event, clock func(time.Time) string) *render.Table {
	t := &render.Table{Columns: render.Columns("FROM", "TO", ">LASTED", "WHAT", "SOURCE")}
	for _, e := range list {
		to := clock(e.To)
		switch {
		case e.Open:
			to = "not over"
		case !e.To.After(e.From):
			to = render.None
		}
		t.Add(clock(e.From), to, lasted(e), e.Lane, e.source)
	}
	return t
}
