{{- define "platform.labels" -}}
app.kubernetes.io/name: {{ .root.Values.service | quote }}
{{- with .component }}
app.kubernetes.io/component: {{ . | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
{{- end }}

{{- define "platform.metadata" -}}
name: {{ printf "%s-%s" .root.Values.service .component | quote }}
namespace: {{ .root.Values.namespace | quote }}
labels:
  {{- include "platform.labels" . | nindent 2 }}
{{- end }}

{{- define "platform.config" -}}
{{- range $path, $content := .Files.Glob (printf "config/%s/*" .Values.service) }}
{{ base $path }}: {{ $content | toString | quote }}
{{- end }}
service.json: {{ dict "service" .Values.service "environment" .Values.environment | toJson | quote }}
{{- end }}

{{- define "platform.configName" -}}
{{- printf "%s-config-%s" .Values.service (include "platform.config" . | sha256sum | trunc 10) }}
{{- end }}

{{- define "platform.pod" -}}
serviceAccountName: {{ .Values.service | quote }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  fsGroup: 1000
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "platform.container" -}}
{{- $values := .root.Values -}}
name: {{ .name | quote }}
image: {{ printf "%s/%s:%s" $values.image.registry $values.service $values.image.tag | quote }}
command:
  {{- toYaml .entry.command | nindent 2 }}
  {{- with .entry.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
resources:
  {{- if .entry.resources }}
  {{- toYaml .entry.resources | nindent 2 }}
  {{- else }}
  limits:
    memory: 128Mi
  {{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop:
      - ALL
envFrom:
  - configMapRef:
      name: shop-settings
env:
  {{- range $name, $value := $values.env }}
  - name: {{ $name | quote }}
    value: {{ $value | quote }}
  {{- end }}
  {{- range $name, $reference := $values.secrets }}
  - name: {{ $name | quote }}
    valueFrom:
      secretKeyRef:
        name: {{ $reference.secret | quote }}
        key: {{ $reference.key | quote }}
  {{- end }}
{{- end }}
