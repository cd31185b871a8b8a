package diagnose

import (
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
)

// labelNames are what the view calls a label, whatever its exporter does.
var labelNames = map[string]string{
	"envoy_response_code": "code", "status": "code", "status_code": "code", "response_code": "code",
	"envoy_cluster_name": "upstream", "provider": "upstream", "finished_reason": "reason", "err": "reason",
}

// upstreamLabels are what gateways call the one they ask, by how the names of their
// metrics begin.
var upstreamLabels = map[string]string{
	"nginx_ingress_controller_": "ingress", "traefik_service_": "service",
	"istio_": "destination_service_name", "litellm_": "api_provider",
}

// upstreamLabel is what a series calls the one that is asked. Where Prometheus has a label
// of that name for the target that it read, the metric's own is the exported one.
func upstreamLabel(ls labels.Labels) string {
	name := "upstream"
	for prefix, label := range upstreamLabels {
		if strings.HasPrefix(ls.Get(model.MetricNameLabel), prefix) {
			name = label
		}
	}
	if exported := model.ExportedLabelPrefix + name; ls.Has(exported) {
		return exported
	}
	return name
}

// metricNames are what the view calls metrics that mean the same.
var metricNames = map[string]string{
	"http_requests_total": "gateway_requests_total", "envoy_cluster_upstream_rq": "gateway_requests_total",
	"nginx_ingress_controller_requests": "gateway_requests_total", "istio_requests_total": "gateway_requests_total",
	"traefik_service_requests_total": "gateway_requests_total", "litellm_proxy_total_requests_metric_total": "gateway_requests_total",
	"vllm:gpu_cache_usage_perc": "vllm:kv_cache_usage_perc", "vllm:gpu_prefix_cache_hits_total": "vllm:prefix_cache_hits_total",
	"vllm:gpu_prefix_cache_queries_total": "vllm:prefix_cache_queries_total",
}

// viewName is the name of a metric in the view: exporters of one engine write it with a
// colon or an underscore.
func viewName(name string) string {
	for _, engine := range []string{"vllm", "sglang", "llamacpp"} {
		if rest, ok := strings.CutPrefix(name, engine+"_"); ok {
			name = engine + ":" + rest
		}
	}
	if to, ok := metricNames[name]; ok {
		return to
	}
	return name
}

// counts tells counters, also those that neither their source nor their name tells.
func counts(x *series.Series) bool {
	name := x.Name()
	return x.Kind() == series.Counter || x.Kind() == series.Unknown &&
		(hasPrefix(name, "node_netstat_") && !strings.HasSuffix(name, "CurrEstab") ||
			hasPrefix(name, "DCGM_") && hasSuffix(name, "_VIOLATION", "_COUNTER", "_COUNT_TOTAL", "_ENERGY_CONSUMPTION"))
}

func hasSuffix(s string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(p string) bool { return strings.HasSuffix(s, p) })
}

// A view is the series of a store with one spelling of names and labels, and with the
// labels replica and gpu for whom they are about.
type view struct {
	store    *series.Store
	replicas []string        // of engines
	hosts    map[string]bool // of the names in replica: those that are hosts
}

// newView gives the series of a store their names in the view; samples are not copied.
func newView(s *series.Store) view {
	var all []*series.Series
	for _, x := range s.Series() {
		if x.Original() {
			all = append(all, x)
		}
	}
	o := findOwners(all)
	v := view{replicas: o.replicas, hosts: map[string]bool{}}
	adapters := series.NewBuilder()
	v.store = s.Relabel(func(x *series.Series) labels.Labels {
		name := viewName(x.Name())
		if name == "vllm:lora_requests_info" && x.Original() {
			v.adapters(adapters, x, o)
		}
		if !x.Original() && name != x.Name() {
			return labels.EmptyLabels()
		}
		return v.relabel(x.Labels(), name, o)
	})
	v.store = series.Join(v.store, adapters.Store(nil))
	return v
}

// relabel gives the labels of a series in the view.
func (v view) relabel(ls labels.Labels, name string, o owners) labels.Labels {
	b := labels.NewBuilder(labels.EmptyLabels())
	ls.Range(func(l labels.Label) {
		key := l.Name
		if to, ok := labelNames[key]; ok {
			key = to
		}
		b.Set(key, l.Value)
	})
	if name := ls.Get(upstreamLabel(ls)); name != "" {
		b.Set("upstream", name)
	}
	k := kindOf(ls.Get(model.MetricNameLabel))
	if k == ofOther {
		k = o.targets[targetOf(ls)]
	}
	replica := o.find(ls)
	host := k == ofGPU || k == ofHost
	if replica == "" && k != ofGateway && len(o.replicas) == 1 && (host || k == ofEngine || ls.Get("pod") != "" || targetOf(ls) == "") && !isBusiness(name) {
		replica = o.replicas[0] // there is nobody else whom it may be about
	}
	if replica == "" && host {
		for _, l := range append(append([]string{}, hostLabels...), targetLabels...) {
			if w := ls.Get(l); w != "" {
				if h, ok := hostPart(w); ok {
					w = h
				}
				replica = w
				v.hosts[w] = true
				break
			}
		}
	}
	if k == ofGateway {
		replica = ""
	}
	b.Set("replica", replica)
	if k == ofGPU && ls.Get("gpu") == "" {
		for _, l := range []string{"uuid", "UUID", "device"} {
			if g := ls.Get(l); g != "" {
				b.Set("gpu", g)
				break
			}
		}
	}
	b.Set("target", string(k))
	b.Set(model.MetricNameLabel, name)
	return b.Labels()
}

// isBusiness tells metrics that are about users, whoever exports them.
func isBusiness(name string) bool {
	return hasPrefix(name, "quality_score", "user_satisfaction", "conversion_rate", "session_", "bounce_", "gateway_", "rag_")
}

// entity is what a row of the view is about.
func (v view) entity(ls labels.Labels) Entity {
	e := Entity{Label: "replica", Name: ls.Get("replica"), GPU: ls.Get("gpu")}
	switch {
	case ls.Get("upstream") != "":
		return Entity{Label: "upstream", Name: ls.Get("upstream")}
	case e.Name == "" && e.GPU == "":
		return Entity{}
	case v.hosts[e.Name]:
		e.Label = "node"
	}
	return e
}

// adapters makes numbers of what an engine says in labels: which LoRA adapters run, which
// wait, and how many there may be.
func (v view) adapters(b *series.Builder, x *series.Series, o owners) {
	ls := x.Labels()
	count := func(label string) float64 {
		if ls.Get(label) == "" {
			return 0
		}
		return float64(strings.Count(ls.Get(label), ",") + 1)
	}
	replica := v.relabel(ls, x.Name(), o).Get("replica")
	slots, err := strconv.ParseFloat(ls.Get("max_lora"), 64)
	for t := range x.Points() {
		add := func(name string, value float64) {
			b.Add(labels.FromStrings(model.MetricNameLabel, name, "replica", replica), series.Gauge, t, value)
		}
		add("lora_adapters_running", count("running_lora_adapters"))
		add("lora_adapters_waiting", count("waiting_lora_adapters"))
		if err == nil {
			add("lora_slots", slots)
		}
	}
}
