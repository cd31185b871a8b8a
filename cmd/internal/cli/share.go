package cli

import (
	"errors"
	"math/big"
	"strings"

	"llmops/rules/slo"
)

// ParseShare reads a decimal or a percentage from 0 to 1.
func ParseShare(text string) (*big.Rat, error) {
	digits, percent := strings.CutSuffix(text, "%")
	d, err := slo.ParseDecimal(strings.TrimSpace(digits))
	if err != nil {
		return nil, err
	}
	r := new(big.Rat).Set(d.Rat)
	if percent {
		r.Quo(r, big.NewRat(100, 1))
	}
	if r.Cmp(big.NewRat(1, 1)) > 0 {
		return nil, errors.New("want at most 1, or 100%")
	}
	return r, nil
}
