package api

// usageValue reads the usage of OpenAI-like interfaces and Anthropic's, under
// the older names (prompt_tokens) or the newer ones (input_tokens). Null and
// anything that is no object is no usage.
func (d *decoder) usageValue() usage {
	u, alt := noUsage(), noUsage()
	if !d.c.Object() {
		return u
	}
	for {
		key, ok := d.c.Key()
		if !ok {
			break
		}
		switch string(key) {
		case "prompt_tokens":
			u.prompt = d.count()
		case "completion_tokens":
			u.completion = d.count()
		case "input_tokens":
			alt.prompt = d.count()
		case "output_tokens":
			alt.completion = d.count()
		case "completion_tokens_details":
			u.reasoning = d.countOf("reasoning_tokens")
		case "output_tokens_details":
			alt.reasoning = d.countOf("reasoning_tokens")
		case "prompt_tokens_details":
			u.cached = d.countOf("cached_tokens")
		case "input_tokens_details":
			alt.cached = d.countOf("cached_tokens")
		default:
			d.c.Skip()
		}
	}
	return alt.update(u)
}

// countOf reads one number out of the next value.
func (d *decoder) countOf(name string) int64 {
	n := int64(-1)
	if !d.c.Object() {
		return n
	}
	for {
		key, ok := d.c.Key()
		if !ok {
			return n
		}
		if string(key) == name {
			n = d.count()
		} else {
			d.c.Skip()
		}
	}
}

// update replaces the counts of u by those that v has.
func (u usage) update(v usage) usage {
	for _, n := range [...]struct{ to, from *int64 }{
		{&u.prompt, &v.prompt}, {&u.completion, &v.completion},
		{&u.reasoning, &v.reasoning}, {&u.cached, &v.cached},
	} {
		if *n.from >= 0 {
			*n.to = *n.from
		}
	}
	return u
}
