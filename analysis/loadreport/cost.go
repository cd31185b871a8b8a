package loadreport

import "llmops/probes/request"

// request is the price of one request by its tokens; false without token
// prices or without the counts that they need.
func (p Price) request(r *request.Record) (float64, bool) {
	if p.PerMillionPrompt == nil && p.PerMillionCompletion == nil {
		return 0, false
	}
	usd := 0.0
	for _, part := range []struct {
		price  *float64
		tokens *int64
	}{{p.PerMillionPrompt, r.PromptTokens}, {p.PerMillionCompletion, r.CompletionTokens}} {
		if part.price == nil {
			continue
		}
		if part.tokens == nil {
			return 0, false
		}
		usd += *part.price * float64(*part.tokens) / 1e6
	}
	return usd, true
}

// cost is the price of the measured window for each succeeded request and for
// 1000 of their completion tokens; nil without a price.
func (a *Aggregator) cost() *Cost {
	p := a.price
	total, known := 0.0, false
	if p.PerHour != nil && a.measured() > 0 {
		total, known = *p.PerHour*a.measured().Hours(), true
	}
	if p.PerMillionPrompt != nil && a.promptN > 0 {
		total, known = total+*p.PerMillionPrompt*float64(a.prompt)/1e6, true
	}
	if p.PerMillionCompletion != nil && a.completionN > 0 {
		total, known = total+*p.PerMillionCompletion*float64(a.completion)/1e6, true
	}
	if !known || a.requests.Succeeded == 0 {
		return nil
	}
	c := &Cost{PerRequestUSD: new(total / float64(a.requests.Succeeded))}
	if a.completion > 0 {
		c.Per1kTokensUSD = new(total / float64(a.completion) * 1000)
	}
	return c
}
