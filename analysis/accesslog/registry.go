package accesslog

import "slices"

// Formats are all the formats that are read, those that are told apart by more
// before those that are told apart by less. A new format is one file and one
// line here.
func Formats() []Format {
	return []Format{
		llmopsFormat(),
		otlpFormat(),
		envoyAIGatewayFormat(),
		envoyJSONFormat(),
		kongFormat(),
		liteLLMFormat(),
		spendLogsFormat(),
		langfuseFormat(),
		heliconeFormat(),
		cloudflareFormat(),
		nginxJSONFormat(),
		vllmCRIFormat(),
		vllmDockerFormat(),
		vllmJournaldFormat(),
		envoyTextFormat(),
		nginxFormat(),
		apacheMicrosecondsFormat(),
		apacheSecondsFormat(),
		uvicornFormat(),
		spendLogsCSVFormat(),
		langfuseCSVFormat(),
		csvFormat(),
		parquetFormat(),
		jsonlFormat(),
	}
}

// formatsNamed finds the formats of a name: the same records may lie in rows of
// several kinds.
func formatsNamed(name string) []Format {
	return slices.DeleteFunc(Formats(), func(f Format) bool { return f.Name != name })
}

// FormatNames lists the names of the formats.
func FormatNames() []string {
	var names []string
	for _, f := range Formats() {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}
