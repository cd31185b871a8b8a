package accesslog

// A Field is a column of a table, or a field of a generic log, that has a role in
// an event.
type Field struct {
	Role   string // the name that Options.Map has for it: time, start, status, error, latency, ttft, tpot, tokens, cost, quality, model, path, user
	Name   string
	Scale  int  // of a duration: the power of ten that turns its unit into ms
	Mapped bool // Options.Map names it, so it has to be there
}

// Fields are those that m, in the form of Options.Map, names, and for the roles
// that it leaves out those with the names that our own exports have.
func Fields(m map[string]string) ([]Field, error) {
	wanted, err := genericFields(m)
	if err != nil {
		return nil, err
	}
	fields := make([]Field, 0, len(wanted))
	for _, w := range wanted {
		fields = append(fields, Field{Role: roleNames[w.role].name, Name: w.name, Scale: w.scale, Mapped: w.mapped})
	}
	return fields, nil
}
