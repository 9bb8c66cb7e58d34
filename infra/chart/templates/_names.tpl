{{/* Names, labels and images. */}}

{{- define "octopod.name" -}}
{{- .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name (.Values.nameOverride | default .Chart.Name)) (contains (.Values.nameOverride | default .Chart.Name) .Release.Name)) | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* Takes (list root part). Selectors must never change: a Deployment's cannot. */}}
{{- define "octopod.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Values.nameOverride | default $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "octopod.labels" -}}
{{- $root := index . 0 -}}
{{ include "octopod.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: octopod
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Takes (list root image); an image of Octopod gets the registry and, without a tag, the appVersion. */}}
{{- define "octopod.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $name := $image.repository -}}
{{- if $root.Values.registry -}}{{- $name = printf "%s/%s" (trimSuffix "/" $root.Values.registry) $name -}}{{- end -}}
{{- if $image.digest -}}{{ $name }}@{{ $image.digest }}{{- else -}}{{ $name }}:{{ $image.tag | default $root.Chart.AppVersion }}{{- end -}}
{{- end -}}

{{/* That of the user's scripts is named in full. */}}
{{- define "octopod.scriptsImage" -}}
{{- with .Values.controlScripts.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default "latest" }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Empty: the runner's image knows where its own are. */}}
{{- define "octopod.scriptsPath" -}}
{{- .Values.controlScripts.path | default (ternary "/utils" "" (ne .Values.controlScripts.image.repository "")) -}}
{{- end -}}

{{- define "octopod.deploymentsNamespace" -}}
{{- .Values.settings.NAMESPACE | default .Release.Namespace -}}
{{- end -}}

{{- define "octopod.runnerAccount" -}}
{{- .Values.runner.serviceAccount.name | default (printf "%s-runner" (include "octopod.name" .)) -}}
{{- end -}}
