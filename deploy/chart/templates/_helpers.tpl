{{- define "vnfm.name" -}}
{{- if contains "vnfm" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-vnfm" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}
{{- define "vnfm.selector" -}}
app.kubernetes.io/name: vnfm
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "vnfm.labels" -}}
{{ include "vnfm.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "-" | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "vnfm-%s" .Chart.Version | replace "+" "-" | trunc 63 | quote }}
{{- end }}
