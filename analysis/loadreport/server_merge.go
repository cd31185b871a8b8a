package loadreport

import "slices"

// mergeServers is the engine's side of a run in shards. Each of them read the counters
// of the same engine, which counts the load of all: nothing is added up, it is that of
// the shard whose window is the longest, without what only the client of that shard
// saw. Nil when no shard has any, or when they read different servers.
func mergeServers(parts []Part) *Server {
	var out *Server
	var gpus []GPU // only the shard on the engine's machine sees them
	for _, p := range parts {
		s := p.Run.Server
		if s == nil {
			continue
		}
		if gpus == nil {
			gpus = s.GPUs
		}
		switch {
		case out == nil:
			out = s
		case out.URL != s.URL || !slices.Equal(out.URLs, s.URLs) || out.Engine != s.Engine:
			return nil
		case orZero(s.WindowS) > orZero(out.WindowS):
			out = s
		}
	}
	if out == nil {
		return nil
	}
	merged := *out
	merged.GPUs, merged.ClientTTFT, merged.Split, merged.Disagreement = gpus, nil, nil, nil
	return &merged
}
