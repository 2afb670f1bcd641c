{{- define "vnfm.name" -}}
{{- if contains "vnfm" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-vnfm" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}
{{- define "vnfm.selector" -}}
app.kubernetes.io/name: vnfm
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}
{{- define "vnfm.labels" -}}
{{ include "vnfm.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "-" | trunc 63 | trimAll "-._" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "vnfm-%s" .Chart.Version | replace "+" "-" | trunc 63 | trimAll "-._" | quote }}
{{- end }}
{{- /* What must not stand in settings, in whichever way it is nested: what the chart sets, and what is secret. */ -}}
{{- define "vnfm.refuse" -}}
{{- $set := dict "listen" "the chart says where vnfmd listens; the port of the service is service.port" "data" "the chart says where vnfmd writes" "node" "a node is named as its pod" -}}
{{- $set = merge $set (dict "tls-cert-file" "name a secret of type kubernetes.io/tls in secrets.tls" "tls-key-file" "name a secret of type kubernetes.io/tls in secrets.tls" "secret-key-file" "the keys are in the secret that secrets.keys names") -}}
{{- $set = merge $set (dict "database" "the URL has a password: put it into the secret that secrets.database names" "api-token" "put it into the secret that secrets.apiToken names") -}}
{{- $secret := list "bus-password" "nfvo-client-secret" "nfvo-password" "vim-database" -}}
{{- range $name, $value := .settings }}
{{- $whole := printf "%s%s" $.at $name }}
{{- if hasKey $set $whole }}{{ fail (printf "settings.%s: %s" $whole (get $set $whole)) }}{{ end }}
{{- if has $whole $secret }}{{ fail (printf "settings.%s: it is secret: name a secret and its key in secrets.settings" $whole) }}{{ end }}
{{- if and (eq $whole "tls-client-auth") (eq (toString $value) "require") }}{{ fail "settings.tls-client-auth: the cluster's probes show no certificate: accept them, and auth-certificates and the other ways to say who calls still refuse callers without one" }}{{ end }}
{{- if kindIs "map" $value }}{{ include "vnfm.refuse" (dict "at" (printf "%s-" $whole) "settings" $value) }}{{ end }}
{{- end }}
{{- end }}
