package snapshotcmd

import (
	"cmp"
	"strings"

	"llmops/cmd/internal/render"
	"llmops/probes/snapshot"
)

// serverTable fits 80 columns with addresses of usual length.
func serverTable(servers []snapshot.Server, style render.Style) *render.Table {
	t := &render.Table{Columns: render.Columns("SERVER", "ENGINE", ">RUN", ">WAIT", ">KV", ">HIT", ">REQ/s", ">TOK/s", ">TTFT", ">E2E", ">ERR")}
	for _, s := range servers {
		engine := render.Clean(s.Engine)
		switch {
		case !s.Up:
			engine = style.Red("down")
		case engine == "":
			engine = style.Yellow("unknown")
		}
		p95 := func(d *snapshot.Distribution) string {
			if d == nil {
				return render.None
			}
			return render.Optional(d.P95, render.Milliseconds)
		}
		t.Add(render.Clean(address(s.URL)), engine, render.Optional(s.Running, render.Short), render.Optional(s.Waiting, render.Short), render.Optional(s.KVCacheUtilization, percent),
			render.Optional(s.PrefixCacheHitRate, percent), render.Optional(s.RequestsPerSecond, render.Short), render.Optional(s.TokensPerSecond, render.Short),
			p95(s.TTFT), p95(s.Latency), render.Optional(s.ErrorRate, percent))
	}
	return t
}

// address leaves out what most URLs begin with.
func address(url string) string { return strings.TrimPrefix(url, "http://") }

// basis says of which time the figures of servers are, where that is not the window.
func (v *view) basis() {
	var since []string
	for _, s := range v.d.Servers {
		if s.Basis == snapshot.SinceStart && (s.TTFT != nil || s.Latency != nil || s.PrefixCacheHitRate != nil || s.ErrorRate != nil) {
			since = append(since, render.Clean(address(s.URL)))
		}
		if s.Reset {
			v.Printf("%s", render.Wrap(render.Clean(address(s.URL))+" started again within the window", v.Width, ""))
		}
	}
	if len(since) > 0 {
		v.Printf("%s", render.Wrap("HIT, TTFT, E2E and ERR of "+strings.Join(since, ", ")+" are since its start: --window 10s shows the present", v.Width, ""))
	}
}

// extras are what only some servers have: drafted tokens and adapters.
func (v *view) extras() {
	for _, s := range v.d.Servers {
		var parts []string
		if x := s.Speculation; x != nil && x.AcceptanceRate != nil {
			text := "drafted tokens accepted " + percent(*x.AcceptanceRate)
			if x.AcceptanceLength != nil {
				text += ", " + render.Short(*x.AcceptanceLength) + " tokens a step"
			}
			parts = append(parts, text)
		}
		if x := s.LoRA; x != nil {
			used := cmp.Or(x.RunningCount, x.SlotsUsed)
			switch {
			case used != nil && x.Slots != nil:
				parts = append(parts, "adapters "+whole(*used)+" of "+whole(*x.Slots))
			case used != nil:
				parts = append(parts, "adapters "+whole(*used))
			}
			if len(x.Waiting) > 0 {
				parts = append(parts, "requests wait for "+render.Plural(len(x.Waiting), "adapter")+": "+render.Clean(strings.Join(x.Waiting, ", ")))
			}
		}
		if len(parts) > 0 {
			v.Printf("%s", render.Wrap(render.Clean(address(s.URL))+": "+strings.Join(parts, "; "), v.Width, ""))
		}
	}
}

// businessTable has what others counted.
func businessTable(b *snapshot.Business) *render.Table {
	t := &render.Table{Columns: render.Columns("METRIC", ">VALUE", "LABELS", "AT")}
	if b == nil {
		return t
	}
	for _, v := range b.Values {
		at := render.None
		if v.At != nil {
			at = render.Clock(*v.At)
		}
		t.Add(render.Clean(v.Name), render.Short(v.Value), cmp.Or(render.Clean(labelText(v.Labels)), render.None), at)
	}
	return t
}
