package host

func (p *Prober) parts() []part { return p.treeParts() }
