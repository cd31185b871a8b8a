package diagnose

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"llmops/analysis/series"
)

func TestPerturb(t *testing.T) {
	if os.Getenv("PERTURB") == "" {
		t.Skip()
	}
	c := shipped(t)
	dirs, _ := filepath.Glob(filepath.Join(data(t, "incidents"), "case-*"))
	optional := []string{"container_", "kube_", "process_", "DCGM_FI_DEV_POWER_MGMT", "VIOLATION", "DCGM_FI_DEV_ECC", "REMAP", "request_decode", "request_prefill", "request_queue", "gateway_time_to_first", "gateway_requests_in", "gateway_request_retries", "node_disk_read", "node_netstat", "node_load", "PCIE_LINK", "PROF_PCIE", "user_sat", "conversion", "e2e_request", "NVLINK_BANDWIDTH", "time_per_output", "inter_token", "queue_time", "MEMORY_TEMP"}
	for salt := range map[bool]int{true: 3, false: 1}[os.Getenv("PERTURB") == "drop"] {
		ok, one, n, clean := 0, 0, 0, 0
		for _, dir := range dirs {
			s, l := loadCase(t, dir)
			drop := map[string]bool{}
			for _, o := range optional {
				h := fnv.New32()
				fmt.Fprint(h, o, salt, dir)
				drop[o] = h.Sum32()%2 == 0 && os.Getenv("PERTURB") == "drop"
			}
			s = s.Without(func(x *series.Series) bool {
				for o, d := range drop {
					if d && strings.Contains(x.Name(), o) {
						return true
					}
				}
				return false
			})
			o := Options{Faults: c}
			switch os.Getenv("PERTURB") {
			case "early":
				if len(l.Faults) > 0 {
					o.To = l.Faults[0].Onset.Add(8 * time.Minute)
				}
			case "thin":
				b := series.NewBuilder()
				for _, x := range s.Series() {
					i := 0
					for at, v := range x.Points() {
						if i++; i%2 == salt%2 {
							b.Add(x.Labels(), x.Kind(), at, v)
						}
					}
				}
				s = b.Store(nil)
			case "late":
				first, _, _ := s.Bounds()
				o.From = time.UnixMilli(first).Add(10 * time.Minute)
			}
			r, err := Run(t.Context(), s, o)
			if err != nil {
				t.Fatal(err)
			}
			if l.Clean {
				if len(r.Incidents) > 0 {
					clean++
					show(t, dir, l, r)
				}
				continue
			}
			n++
			want := []string{}
			for _, f := range l.Faults {
				want = append(want, f.Fault)
			}
			if len(r.Incidents) > 0 && slices.Contains(want, r.Incidents[0].Diagnoses[0].Fault) {
				ok++
			} else {
				show(t, dir, l, r)
			}
			if len(r.Incidents) == 1 {
				one++
			}
		}
		t.Log("salt", salt, "top1", ok, "one", one, "of", n, "clean with incident", clean)
	}
}
