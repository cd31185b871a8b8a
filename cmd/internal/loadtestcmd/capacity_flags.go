package loadtestcmd

import (
	"math"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
)

// What --find-capacity can look for.
const (
	findRate        = "rate"
	findConcurrency = "concurrency"
)

// capacityFlags ask for a search in place of one run.
type capacityFlags struct {
	find     string // "": no search
	min, max float64
}

func (c *capacityFlags) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.find, "find-capacity", "", "find the highest `rate|concurrency` that keeps the objectives; --duration is then the length of one of at most 12 probes")
	f.Lookup("find-capacity").NoOptDefVal = findRate
	f.Float64Var(&c.min, "min-rate", 0, "--find-capacity: do not look below this rate")
	f.Float64Var(&c.max, "max-rate", 0, "--find-capacity: do not look above this rate")
	cmd.MarkFlagsMutuallyExclusive("find-capacity", "concurrency")
	cmd.MarkFlagsMutuallyExclusive("find-capacity", "rate")
	cmd.MarkFlagsMutuallyExclusive("find-capacity", "stages")
	cmd.MarkFlagsMutuallyExclusive("find-capacity", "requests")
	cmd.MarkFlagsMutuallyExclusive("find-capacity", "shard")
	cli.Depends(cmd, "find-capacity", "arrivals", "burstiness", "max-concurrency", "min-rate", "max-rate")
}

func (c *capacityFlags) on() bool { return c.find != "" }

// rates tells whether the search is one of the open loop.
func (c *capacityFlags) rates() bool { return c.find == findRate }

// checkCapacity finds what is wrong with the flags of a search, and fills in those
// that each of its probes has.
func (o *options) checkCapacity() error {
	c := &o.capacity
	switch {
	case !c.on() && (o.given("min-rate") || o.given("max-rate")):
		return cli.Usagef("--min-rate and --max-rate need --find-capacity: they bound its search")
	case !c.on():
		return nil
	case o.emit.asked():
		return cli.Usagef("--find-capacity and --emit exclude each other: each probe of a search depends on those before it, which no pods that share one load can do")
	case c.find != findRate && c.find != findConcurrency:
		return cli.Usagef("--find-capacity %q: want rate or concurrency", c.find)
	case len(o.objectives.Inline)+len(o.objectives.Files) == 0:
		return cli.WithHint(cli.Usagef("--find-capacity needs objectives: the capacity is the load up to which they are kept"), "add --slo 'p95_latency_ms < 500', or --slo-file FILE")
	case !c.rates() && (o.given("min-rate") || o.given("max-rate")):
		return cli.WithHint(cli.Usagef("--min-rate and --max-rate bound rates"), "with --find-capacity=concurrency the bound is --max-concurrency")
	case o.replay.file != "":
		return cli.Usagef("--find-capacity and --trace exclude each other: a trace says itself when its requests are due")
	case !c.rates() && (o.given("arrivals") || o.given("burstiness")):
		return cli.Usagef("--arrivals and --burstiness belong to --find-capacity=rate")
	case c.min < 0 || c.max < 0 || math.IsNaN(c.min+c.max) || math.IsInf(c.min+c.max, 0):
		return cli.Usagef("--min-rate %g and --max-rate %g must be 0 or more", c.min, c.max)
	case c.max > 0 && c.min > c.max:
		return cli.Usagef("--min-rate %g is above --max-rate %g", c.min, c.max)
	}
	if c.rates() {
		o.rate = max(c.min, 1) // each probe has its own
		if !o.given("arrivals") {
			o.arrivals = "poisson"
		}
	}
	return nil
}
