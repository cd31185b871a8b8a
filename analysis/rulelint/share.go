package rulelint

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// wholes are words in the names of what something else is a share of.
var wholes = []string{"total_bytes", "total", "limit", "max", "size", "capacity", "all"}

// isShare tells whether a quotient is most likely a share from 0 to 1: of some requests
// by all of them, or of what is used by what there is.
func (l *linter) isShare(x *parser.BinaryExpr) bool {
	part, whole := selectors(x.LHS), selectors(x.RHS)
	if len(part) != 1 || len(whole) != 1 {
		return false
	}
	a, b := nameOf(part[0]), nameOf(whole[0])
	if a == "" || b == "" {
		return false
	}
	if a == b { // the part has matchers that the whole does not have
		return len(part[0].LabelMatchers) > len(whole[0].LabelMatchers)
	}
	if l.catalog.kindOf(a) == counter || l.catalog.kindOf(b) == counter {
		return false
	}
	common := 0
	for common < min(len(a), len(b)) && a[common] == b[common] {
		common++
	}
	rest := strings.ToLower(b[common:])
	return common >= len("mem_") && slices.ContainsFunc(wholes, func(w string) bool {
		return rest == w || strings.HasPrefix(rest, w+"_") || strings.HasSuffix(rest, "_"+w) || strings.HasSuffix(rest, w)
	})
}

func selectors(e parser.Expr) (list []*parser.VectorSelector) {
	inspect(e, func(n parser.Node, _ []parser.Node) {
		if v, ok := n.(*parser.VectorSelector); ok {
			list = append(list, v)
		}
	})
	return list
}
