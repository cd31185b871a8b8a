package simcmd

import (
	"strings"

	"github.com/spf13/pflag"

	"llmops/probes/sim"
	"llmops/probes/sim/model"
)

// AddFlags adds a flag for every knob of the simulated server to fs; what cfg
// holds are the defaults.
func AddFlags(fs *pflag.FlagSet, cfg *sim.Config) {
	fs.StringVar(&cfg.Model, "model-name", cfg.Model, "name of the model that is served")
	fs.DurationVar(&cfg.PrefillBase, "prefill-base", cfg.PrefillBase, "fixed part of a prefill")
	fs.DurationVar(&cfg.PrefillPerToken, "prefill-per-token", cfg.PrefillPerToken, "prefill time for each prompt token that is not cached")
	fs.DurationVar(&cfg.DecodeBase, "decode-base", cfg.DecodeBase, "fixed part of the gap between two tokens")
	fs.DurationVar(&cfg.DecodePerSequence, "decode-per-sequence", cfg.DecodePerSequence, "part of the gap for each running sequence")
	fs.DurationVar(&cfg.ServiceTime, "service-time", cfg.ServiceTime, "plain queue: every request takes this long in one of --max-running slots and gives one token")
	fs.IntVar(&cfg.MaxRunning, "max-running", cfg.MaxRunning, "sequences that run at the same time")
	fs.IntVar(&cfg.MaxWaiting, "max-waiting", cfg.MaxWaiting, "sequences that may wait, more get 503 (0: no limit)")
	fs.IntVar(&cfg.MaxModelLen, "max-model-len", cfg.MaxModelLen, "tokens of prompt and output together, more get 400")
	fs.IntVar(&cfg.DefaultMaxTokens, "default-max-tokens", cfg.DefaultMaxTokens, "output limit of requests that give none")
	fs.Var(&cfg.Output, "output-tokens", "length of answers up to the request's limit: 100, uniform:a,b, exponential:mean, lognormal:median,sigma, normal:mean,sd (default the limit)")
	fs.IntVar(&cfg.BlockSize, "block-size", cfg.BlockSize, "tokens in a block of the KV cache")
	fs.IntVar(&cfg.KVBlocks, "kv-blocks", cfg.KVBlocks, "blocks in the KV cache")
	fs.Float64Var(&cfg.GPUMemoryMiB, "gpu-memory-mib", cfg.GPUMemoryMiB, "memory of the simulated GPU")
	fs.Float64Var(&cfg.WeightsMiB, "weights-mib", cfg.WeightsMiB, "of it: the model's weights")
	fs.Float64Var(&cfg.KVMemoryMiB, "kv-memory-mib", cfg.KVMemoryMiB, "of it: the KV cache")
	fs.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "seed of output lengths and of the share of requests that a fault picks")
	fs.BoolVar(&cfg.Stamp, "stamp", cfg.Stamp, "chunks say when they were due and when they were sent, Unix ns")
	fs.Var(&faults{list: &cfg.Faults}, "fault", "KIND[:key=value,…], may be repeated: "+kinds())
}

func kinds() string {
	var names []string
	for _, k := range model.FaultKinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// faults is a flag that adds one fault each time.
type faults struct{ list *[]sim.Fault }

func (f *faults) Set(s string) error {
	v, err := sim.ParseFault(s)
	if err == nil {
		*f.list = append(*f.list, v)
	}
	return err
}

func (f *faults) Type() string { return "fault" }

func (f *faults) String() string { return strings.Join(f.GetSlice(), " ") }

// Append, Replace and GetSlice let a configuration file give a list.
func (f *faults) Append(s string) error { return f.Set(s) }

func (f *faults) Replace(all []string) error {
	*f.list = nil
	for _, s := range all {
		if err := f.Set(s); err != nil {
			return err
		}
	}
	return nil
}

func (f *faults) GetSlice() (all []string) {
	if f.list != nil {
		for _, v := range *f.list {
			all = append(all, v.String())
		}
	}
	return all
}
