{{/* Settings and secrets as environment variables. */}}

{{/* A value as text, with numbers never as 6.7e+07. */}}
{{- define "octopod.text" -}}
{{- if kindIs "string" . -}}{{ . }}{{- else -}}{{ toJson . }}{{- end -}}
{{- end -}}

{{/* A setting in seconds, rounded up. Arguments: (list root name default). */}}
{{- define "octopod.seconds" -}}
{{- $root := index . 0 -}}
{{- $value := get $root.Values.settings (index . 1) -}}
{{- if or (kindIs "invalid" $value) (eq (include "octopod.text" $value) "") -}}{{- $value = index . 2 -}}{{- end -}}
{{- ceil (float64 (include "octopod.text" $value)) | int -}}
{{- end -}}

{{- define "octopod.port" -}}
{{- $port := get .Values.settings "PORT" -}}
{{- if or (kindIs "invalid" $port) (eq (include "octopod.text" $port) "") -}}8080{{- else -}}{{ include "octopod.text" $port }}{{- end -}}
{{- end -}}

{{- define "octopod.appUrl" -}}
{{- $urls := list -}}
{{- range .Values.ingress.hosts -}}
{{- $host := . -}}
{{- $scheme := "http" -}}
{{- range $.Values.ingress.tls -}}{{- if has $host (.hosts | default list) -}}{{- $scheme = "https" -}}{{- end -}}{{- end -}}
{{- $urls = append $urls (printf "%s://%s" $scheme $host) -}}
{{- end -}}
{{- join "," $urls -}}
{{- end -}}

{{/* ALLOWED_HOSTS: the user's, those of the ingresses, and the names of the Service in the cluster. */}}
{{- define "octopod.allowedHosts" -}}
{{- $name := include "octopod.name" . -}}
{{- $service := printf "%s.%s" $name .Release.Namespace -}}
{{- $hosts := list -}}
{{- with .Values.settings.ALLOWED_HOSTS -}}{{- $hosts = append $hosts . -}}{{- end -}}
{{- if .Values.ingress.enabled -}}{{- $hosts = concat $hosts .Values.ingress.hosts -}}{{- end -}}
{{- $hosts = concat $hosts .Values.ingress.api.hosts -}}
{{- join "," (concat $hosts (list $name $service (printf "%s.svc" $service) (printf "%s.svc.cluster.local" $service))) -}}
{{- end -}}

{{/* SCRIPT_ENVIRONMENT: the names of the variables from controlScripts. */}}
{{- define "octopod.scriptEnvironment" -}}
{{- $names := list -}}
{{- with .Values.settings.SCRIPT_ENVIRONMENT -}}{{- $names = append $names . -}}{{- end -}}
{{- range $name, $_ := .Values.controlScripts.env -}}{{- $names = append $names $name -}}{{- end -}}
{{- range $name, $_ := .Values.controlScripts.secretEnv -}}{{- $names = append $names $name -}}{{- end -}}
{{- join "," $names -}}
{{- end -}}

{{/* The variable with the address of PostgreSQL or Redis. Arguments: (list root store variable). */}}
{{- define "octopod.storeEnv" -}}
{{- $root := index . 0 -}}
{{- $store := index . 1 -}}
{{- $name := index . 2 -}}
{{- $values := get $root.Values $store -}}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
{{- if $values.bundled.enabled }}
      name: {{ include "octopod.name" $root }}-{{ $store }}
      key: url
{{- else if $values.existingSecret.name }}
      name: {{ $values.existingSecret.name }}
      key: {{ $values.existingSecret.key }}
{{- else }}
      name: {{ include "octopod.name" $root }}-stores
      key: {{ $name }}
{{- end }}
{{- end -}}

{{- define "octopod.authorizationEnv" -}}
{{- $fromValues := not .Values.authorization.existingSecret.name -}}
{{- $secret := .Values.authorization.existingSecret.name | default (printf "%s-authorization" (include "octopod.name" .)) -}}
{{- if or (not $fromValues) .Values.authorization.admin }}
- name: POWER_AUTHORIZATION_HEADER
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ ternary "POWER_AUTHORIZATION_HEADER" .Values.authorization.existingSecret.adminKey $fromValues }}
      optional: {{ not $fromValues }}
{{- end }}
{{- if or (not $fromValues) .Values.authorization.user }}
- name: APP_AUTHORIZATION_HEADER
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ ternary "APP_AUTHORIZATION_HEADER" .Values.authorization.existingSecret.userKey $fromValues }}
      optional: {{ not $fromValues }}
{{- end }}
{{- end -}}

{{- define "octopod.migrationMode" -}}
{{- if eq .Values.migration.mode "auto" -}}
{{- ternary "init" "hook" .Values.postgres.bundled.enabled -}}
{{- else -}}
{{- .Values.migration.mode -}}
{{- end -}}
{{- end -}}
