package loadtestcmd

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// write writes the manifest. It depends on nothing but j.
func (j *job) write(w io.Writer) error {
	var b strings.Builder
	name := quoteYAML(j.name) // "true" is a name too
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# %d pods do one load test together. Each keeps its part in a folder of the volume", j.shards)
	line("# %s-results; copy them from there and merge them: llmops report DIR", j.name)
	if keys := slices.Sorted(maps.Keys(j.inputs)); len(keys) > 0 {
		line("#\n# Before: kubectl create configmap %s-inputs%s", j.name, fromFiles(keys, j.inputs))
	}
	line("#\n# Before, if the server or a proxy wants credentials (values stand nowhere in this file):")
	secret := fromFiles(slices.Sorted(maps.Keys(j.secrets)), j.secrets)
	for _, v := range j.variables {
		secret += fmt.Sprintf(` --from-literal=%s="$%s"`, v, v)
	}
	line("#   kubectl create secret generic %s%s", j.name, secret)
	line(`apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: %[1]s-results
  labels: {app.kubernetes.io/name: llmops, app.kubernetes.io/instance: %[2]s}
spec:
  accessModes: [ReadWriteMany] # pods on several machines write to it
  resources:
    requests: {storage: 10Gi}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: %[2]s
  labels: {app.kubernetes.io/name: llmops, app.kubernetes.io/instance: %[2]s}
spec:
  completionMode: Indexed
  completions: %[3]d
  parallelism: %[3]d # all at once: they are one load
  backoffLimitPerIndex: 0 # a part is never sent twice, and one that fails stops no other (Kubernetes 1.29)
  template:
    metadata:
      labels: {app.kubernetes.io/name: llmops, app.kubernetes.io/instance: %[2]s}
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 60
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: {type: RuntimeDefault}
      topologySpreadConstraints: # clients on one machine would share its network
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {app.kubernetes.io/instance: %[2]s}
      containers:
        - name: loadtest
          image: %[4]s
          args:`, j.name, name, j.shards, quoteYAML(j.image))
	for _, a := range j.args {
		line("            - %s", quoteYAML(a))
	}
	if len(j.variables) > 0 {
		line("          env:")
	}
	for _, v := range j.variables {
		line("            - name: %s\n              valueFrom:\n                secretKeyRef: {name: %s, key: %s, optional: true}", quoteYAML(v), name, quoteYAML(v))
	}
	line(`          resources: # requests that are limits: a client that waits for a processor measures itself
            requests: {cpu: "2", memory: 2Gi}
            limits: {cpu: "2", memory: 2Gi}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts:
            - {name: results, mountPath: %s}`, resultsDir)
	volumes := fmt.Sprintf("        - name: results\n          persistentVolumeClaim: {claimName: %s-results}\n", j.name)
	if len(j.inputs) > 0 {
		line("            - {name: inputs, mountPath: %s, readOnly: true}", inputsDir)
		volumes += fmt.Sprintf("        - name: inputs\n          configMap: {name: %s-inputs}\n", j.name)
	}
	if len(j.secrets) > 0 {
		line("            - {name: secrets, mountPath: %s, readOnly: true}", secretsDir)
		volumes += fmt.Sprintf("        - name: secrets\n          secret:\n            secretName: %s\n            defaultMode: 0440\n            items:\n", name)
		for _, key := range slices.Sorted(maps.Keys(j.secrets)) {
			volumes += fmt.Sprintf("              - {key: %s, path: %s}\n", quoteYAML(key), quoteYAML(key))
		}
	}
	b.WriteString("      volumes:\n" + volumes)
	_, err := io.WriteString(w, b.String())
	return err
}

// fromFiles are the flags of kubectl for files.
func fromFiles(keys []string, files map[string]string) string {
	var b strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&b, " --from-file=%s", shellWord(key+"="+files[key]))
	}
	return b.String()
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./=:@-]+$`)

// shellWord is text as one word of a shell, on one line.
func shellWord(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// quoteYAML is text as a double-quoted scalar.
func quoteYAML(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
