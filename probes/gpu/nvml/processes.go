package nvml

import (
	"cmp"
	"slices"
	"strings"

	"llmops/probes/snapshot"
)

// processes merges the driver's lists: a process may be on several.
func (r *reader) processes() {
	if r.gone {
		return
	}
	type key struct{ pid, instance uint32 }
	rows := map[key]*snapshot.GPUProcess{}
	read := func(d Device, instance *int) (any bool) {
		for _, kind := range []ProcessType{Compute, Graphics, MPS} {
			list, s := d.Processes(kind)
			if s != OK {
				if kind == Compute && instance == nil && !r.migEnabled() {
					r.note("processes", s)
				}
				continue
			}
			any = true
			for _, p := range list {
				if instance != nil {
					p.GPUInstance = uint32(*instance)
				}
				k := key{p.PID, p.GPUInstance}
				row := rows[k]
				if row == nil {
					row = &snapshot.GPUProcess{PID: int(p.PID), MemoryBytes: whole(p.MemoryBytes)}
					if p.GPUInstance != noInstance {
						row.GPUInstance = new(int(p.GPUInstance))
					}
					rows[k] = row
				}
				row.Type = strings.Trim(row.Type+"+"+kind.String(), "+")
			}
		}
		return any
	}
	// in a container that was given MIG devices only, the GPU itself does not tell
	if !read(r.d, nil) && r.migEnabled() {
		told := false
		for _, i := range r.g.MIG.Instances {
			if d, s := r.d.MIG(i.Index); s == OK && i.GPUInstanceID != nil {
				told = read(d, i.GPUInstanceID) || told
			}
		}
		if !told {
			r.note("processes", NotSupported)
		}
	}
	for _, row := range rows {
		r.g.Processes = append(r.g.Processes, *row)
	}
	slices.SortFunc(r.g.Processes, func(a, b snapshot.GPUProcess) int {
		return cmp.Or(-cmp.Compare(deref(a.MemoryBytes), deref(b.MemoryBytes)), cmp.Compare(a.PID, b.PID),
			cmp.Compare(deref(a.GPUInstance), deref(b.GPUInstance)))
	})
}

func (r *reader) migEnabled() bool {
	return r.g.MIG != nil && r.g.MIG.Enabled != nil && *r.g.MIG.Enabled
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
