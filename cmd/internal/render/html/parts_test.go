package html_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"llmops/cmd/internal/render/html"
)

func written(t *testing.T, p html.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := html.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

func TestParts(t *testing.T) {
	text := written(t, html.Page{Title: "Report", Parts: []html.Page{
		{Title: "Load <test>", Verdict: "fail", VerdictKind: html.Fail, Why: "too slow & <b>", Sections: []html.Section{{Title: "Objectives", Text: []string{"x"}}}},
		{Title: "Alerts", Verdict: "firing", VerdictKind: html.Attention, Sections: []html.Section{{Title: "Objectives", Text: []string{"y"}}}},
	}})
	for _, want := range []string{
		`<li class="fail"><span class="symbol fail" aria-hidden="true">✕</span><span><strong>fail</strong> <a href="#p1">Load &lt;test&gt;</a>: too slow &amp; &lt;b&gt;</span></li>`,
		`<strong>attention: firing</strong> <a href="#p2">Alerts</a></span></li>`,
		`<article aria-labelledby="p1">`, `<h2 id="p1">Load &lt;test&gt;</h2>`, `<h3 id="p1s1">Objectives</h3>`, `<h3 id="p2s1">Objectives</h3>`, `<nav aria-labelledby="parts">`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text[strings.Index(text, "<body>"):])
		}
	}
	if err := html.Write(&bytes.Buffer{}, html.Page{Parts: []html.Page{{Parts: []html.Page{{}}}}}); err == nil {
		t.Error("parts of parts are not refused")
	}
	if err := html.Write(&bytes.Buffer{}, html.Page{Parts: []html.Page{{VerdictKind: "odd"}}}); err == nil {
		t.Error("an unknown kind of a part is not refused")
	}
}

// A band lies where its time says, in percent of the whole.
func TestBands(t *testing.T) {
	text := written(t, html.Page{Sections: []html.Section{{Title: "Time line", Bands: &html.Bands{Lanes: []html.Lane{
		{Label: "run", Bands: []html.Band{{From: at(0), To: at(40), Kind: html.Pass, Label: "all of it"}}},
		{Label: "a <fault>", Kind: html.Fail, Bands: []html.Band{{From: at(10), To: at(15), Kind: html.Fail}, {From: at(30), To: at(40), Open: true}, {From: at(20), To: at(20)}}},
	}}}}})
	for _, want := range []string{
		`aria-label="time line from 2026-03-01 12:00Z to 2026-03-01 12:00:40Z, 2 lanes; the table below has it in words"`,
		`<i class="pass" style="left:0.000%;width:100.000%" title="all of it"></i>`,
		`<i class="fail" style="left:25.000%;width:12.500%" title=""></i>`,
		`<i class=" open" style="left:75.000%;width:25.000%" title=""></i>`,
		`<i class="" style="left:50.000%;width:0.000%" title=""></i>`,
		`a &lt;fault&gt;`,
		`<span style="left:0.000%">12:00:00</span><span style="left:25.000%">12:00:10</span><span style="left:50.000%">12:00:20</span><span style="left:75.000%">12:00:30</span></div>`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text[strings.Index(text, "<body>"):])
		}
	}
}

func TestTicks(t *testing.T) {
	for _, x := range []struct {
		whole time.Duration
		want  string
	}{
		{0, `12:00:00`}, {3 * time.Second, `12:00:01`}, {90 * time.Minute, `12:30`}, {30 * time.Hour, `03-02 00:00`}, {90 * 24 * time.Hour, `2026-03-06`}, {20 * 365 * 24 * time.Hour, "2026-03-01"},
	} {
		text := written(t, html.Page{Sections: []html.Section{{Bands: &html.Bands{Lanes: []html.Lane{{Bands: []html.Band{{From: noon, To: noon.Add(x.whole)}}}}}}}})
		ticks := text[strings.Index(text, `class="ticks"`):]
		ticks = ticks[:strings.Index(ticks, "</div>")]
		if n := strings.Count(ticks, "<span"); n > 5 || x.want != "2026-03-01" && !strings.Contains(ticks, x.want) {
			t.Errorf("%v: %d ticks, no %s: %s", x.whole, n, x.want, ticks)
		}
	}
}

func TestBandsRefused(t *testing.T) {
	for name, b := range map[string]*html.Bands{
		"nothing":   {},
		"backwards": {Lanes: []html.Lane{{Bands: []html.Band{{From: at(1), To: at(0)}}}}},
		"kind":      {Lanes: []html.Lane{{Bands: []html.Band{{From: at(0), To: at(1), Kind: "odd"}}}}},
	} {
		if err := html.Write(&bytes.Buffer{}, html.Page{Sections: []html.Section{{Bands: b}}}); err == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}
