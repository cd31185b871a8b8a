package nvml

import (
	"context"
	"testing"
)

// What is there when the time is over counts, however late this process comes to see it.
func TestGatherWhatIsThere(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 { // the end of the time is as ready as the answers are
		answers := make(chan int, 3)
		answers <- 1
		answers <- 2
		sum := 0
		for a := range gather(over, answers, 3) {
			sum += a
		}
		if sum != 3 {
			t.Fatalf("%d, want 1 + 2", sum)
		}
	}
}
