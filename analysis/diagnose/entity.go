package diagnose

import (
	"cmp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
)

// Entity is what a series is about and what a fault befalls. The zero Entity is the
// fleet: the service as a whole.
type Entity struct {
	// Label is how the exporters call Name: replica for replicas of an engine, node for a
	// host without one, upstream for a provider, or a label of the topology.
	Label, Name string
	GPU         string // of Name; "": not a single GPU
}

// fleetName is how the entity of all replicas together is called.
const fleetName = "fleet"

// String is label=value, a GPU behind its replica; fleet for all replicas.
func (e Entity) String() string {
	switch {
	case e.Name == "" && e.GPU == "":
		return fleetName
	case e.Name == "":
		return "gpu=" + e.GPU
	case e.GPU != "":
		return e.Label + "=" + e.Name + ",gpu=" + e.GPU
	}
	return e.Label + "=" + e.Name
}

// within tells whether e is a part of o: a GPU of a replica, or anything of the fleet but
// an upstream.
func (e Entity) within(o Entity) bool {
	switch {
	case e == o:
		return false
	case o == Entity{}:
		return e.Label != "upstream"
	}
	return e.GPU != "" && e.whole() == o
}

// wholes are the names of entities, sorted, each once, without those that are parts of
// another one.
func wholes(all []Entity) []string {
	names := []string{}
	for _, e := range all {
		if !slices.ContainsFunc(all, e.within) {
			names = append(names, e.String())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (e Entity) whole() Entity { return Entity{Label: e.Label, Name: e.Name} }

func (e Entity) compare(o Entity) int {
	return cmp.Or(cmp.Compare(e.Label, o.Label), cmp.Compare(e.Name, o.Name), cmp.Compare(e.GPU, o.GPU))
}

// Labels that name what a series is about, the narrowest first.
var (
	replicaLabels = []string{"replica", "pod", "exported_pod", "pod_name", "kubernetes_pod_name", "k8s_pod_name", "server"}
	targetLabels  = []string{"instance", "exported_instance"}
	hostLabels    = []string{"node", "host", "Hostname", "hostname", "nodename", "kubernetes_node", "k8s_node_name", "host_name"}
)

// kind is what sort of exporter a series is from.
type kind string

const (
	ofEngine  kind = "engine"
	ofGPU     kind = "gpu"
	ofHost    kind = "host"
	ofGateway kind = "gateway"
	ofOther   kind = ""
)

// kindOf tells it by the name of the metric.
func kindOf(name string) kind {
	switch {
	case hasPrefix(name, "vllm:", "vllm_", "sglang:", "sglang_", "tgi_", "llamacpp:", "trtllm_", "nv_trt_llm", "nv_inference", "ollama_"):
		return ofEngine
	case hasPrefix(name, "DCGM_", "gpu_", "nvidia_smi_", "amd_gpu_"):
		return ofGPU
	case hasPrefix(name, "node_"):
		return ofHost
	case hasPrefix(name, "gateway_", "envoy_", "nginx_", "istio_", "traefik_", "litellm_", "http_request"):
		return ofGateway
	}
	return ofOther
}

func hasPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

// owners knows which replica the words in labels stand for: its pod, its address, its
// node where no other replica is on it.
type owners struct {
	of       map[string]string // word → replica; "": several
	replicas []string          // sorted
	targets  map[string]kind   // of an instance, by what it exports
}

// words are the names in the labels of a series, the narrowest first: a node may have
// several replicas, a pod is one.
func words(ls labels.Labels) []string {
	var found []string
	for _, group := range [][]string{replicaLabels, targetLabels, hostLabels} {
		for _, l := range group {
			v := ls.Get(l)
			if v == "" {
				continue
			}
			found = append(found, v)
			if host, ok := hostPart(v); ok && l != "server" {
				found = append(found, host)
			}
		}
	}
	return found
}

// hostPart is an address without its port.
func hostPart(address string) (string, bool) {
	i := strings.LastIndexByte(address, ':')
	if i <= 0 || strings.Contains(address, "/") {
		return "", false
	}
	return address[:i], true
}

func ownName(ls labels.Labels) string {
	for _, l := range append(slices.Clone(replicaLabels), targetLabels...) {
		if v := ls.Get(l); v != "" {
			return v
		}
	}
	return ""
}

// targetOf is the address that a series was scraped from; "" if it does not say so.
func targetOf(ls labels.Labels) string {
	for _, l := range targetLabels {
		if v := ls.Get(l); v != "" {
			return v
		}
	}
	return ""
}

func findOwners(all []*series.Series) owners {
	o := owners{of: map[string]string{}, targets: map[string]kind{}}
	seen := map[string]bool{}
	claims := map[string]map[string]bool{}
	claim := func(word, replica string) {
		if claims[word] == nil {
			claims[word] = map[string]bool{}
		}
		claims[word][replica] = true
	}
	var rest []*series.Series
	for _, s := range all {
		ls := s.Labels()
		k := kindOf(s.Name())
		if at := targetOf(ls); at != "" && k != ofOther && (o.targets[at] == ofOther || k == ofEngine) {
			o.targets[at] = k
		}
		name := ""
		if k == ofEngine || ls.Get("server") != "" {
			name = ownName(ls)
		}
		if name == "" {
			rest = append(rest, s)
			continue
		}
		if !seen[name] {
			seen[name] = true
			o.replicas = append(o.replicas, name)
		}
		for _, w := range words(ls) {
			claim(w, name)
		}
	}
	slices.Sort(o.replicas)
	// What belongs to a replica by one word lends it the others: the exporter of a GPU
	// knows the pod and the host, that of the host only the host.
	for range 3 {
		for w, by := range claims {
			o.of[w] = ""
			if len(by) == 1 {
				for r := range by {
					o.of[w] = r
				}
			}
		}
		for _, s := range rest {
			if k := kindOf(s.Name()); k == ofGateway {
				continue
			}
			if r := o.find(s.Labels()); r != "" {
				for _, w := range words(s.Labels()) {
					claim(w, r)
				}
			}
		}
	}
	return o
}

// find is the replica that a series is about; "" if there is none, or not one alone.
func (o owners) find(ls labels.Labels) string {
	for _, w := range words(ls) {
		if r := o.of[w]; r != "" {
			return r
		}
	}
	return ""
}
