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
//
// Tokens have a price only when all of these requests have the counts for it:
// an average over some of them would pass for one over all.
func (a report) cost() *Cost {
	p := a.price
	if a.uncounted() > 0 {
		return nil
	}
	total, known := 0.0, false
	if p.PerHour != nil && a.measured() > 0 {
		total, known = *p.PerHour*a.measured().Hours(), true
	}
	if p.PerMillionPrompt != nil {
		total, known = total+*p.PerMillionPrompt*float64(a.prompt)/1e6, true
	}
	if p.PerMillionCompletion != nil {
		total, known = total+*p.PerMillionCompletion*float64(a.completion)/1e6, true
	}
	if !known || a.requests.Succeeded == 0 {
		return nil
	}
	c := &Cost{PerRequestUSD: new(total / float64(a.requests.Succeeded))}
	if a.completion > 0 && a.completionN == a.requests.Succeeded {
		c.Per1kTokensUSD = new(total / float64(a.completion) * 1000)
	}
	return c
}

// uncounted is how many succeeded requests lack a token count that there is a
// price for.
func (a *Aggregator) uncounted() int64 {
	missing := int64(0)
	if a.price.PerMillionPrompt != nil {
		missing = a.requests.Succeeded - a.promptN
	}
	if a.price.PerMillionCompletion != nil {
		missing = max(missing, a.requests.Succeeded-a.completionN)
	}
	return missing
}
