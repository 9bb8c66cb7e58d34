{{/* Names, labels and images. */}}

{{- define "octopod.name" -}}
{{- .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name (.Values.nameOverride | default .Chart.Name)) (contains (.Values.nameOverride | default .Chart.Name) .Release.Name)) | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* Selector labels. Arguments: (list root component). They must never change, because a Deployment's selector is
immutable. */}}
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

{{/* The name of an Octopod image, with the registry and the tag (default: appVersion). Arguments: (list root image).
*/}}
{{- define "octopod.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $name := $image.repository -}}
{{- if $root.Values.registry -}}{{- $name = printf "%s/%s" (trimSuffix "/" $root.Values.registry) $name -}}{{- end -}}
{{- if $image.digest -}}{{ $name }}@{{ $image.digest }}{{- else -}}{{ $name }}:{{ $image.tag | default $root.Chart.AppVersion }}{{- end -}}
{{- end -}}

{{/* The name of the image with the user's scripts. It gets no registry prefix. */}}
{{- define "octopod.scriptsImage" -}}
{{- with .Values.controlScripts.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default "latest" }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* The scripts' folder. Empty: the runner's image sets it. */}}
{{- define "octopod.scriptsPath" -}}
{{- .Values.controlScripts.path | default (ternary "/utils" "" (ne .Values.controlScripts.image.repository "")) -}}
{{- end -}}

{{- define "octopod.deploymentsNamespace" -}}
{{- .Values.settings.NAMESPACE | default .Release.Namespace -}}
{{- end -}}

{{- define "octopod.runnerAccount" -}}
{{- .Values.runner.serviceAccount.name | default (printf "%s-runner" (include "octopod.name" .)) -}}
{{- end -}}
