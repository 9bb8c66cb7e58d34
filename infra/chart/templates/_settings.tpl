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
{{- $urls = append $urls (printf "%s://%s%s" $scheme $host (trimSuffix "/" $.Values.ingress.path)) -}}
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

{{/* How people sign in and which role they have, for the server. An empty value keeps the default. */}}
{{- define "octopod.accessEnv" -}}
{{- $access := .Values.access -}}
{{- $variables := list
  (list "OIDC_ISSUER" .Values.oidc.issuer)
  (list "OIDC_CLIENT_ID" .Values.oidc.clientId)
  (list "OIDC_CLIENT_SECRET_FILE" (include "octopod.clientSecretFile" .))
  (list "OIDC_SCOPES" .Values.oidc.scopes)
  (list "OIDC_GROUPS_CLAIM" .Values.oidc.groupsClaim)
  (list "OIDC_ALLOWED_GROUPS" (join "," .Values.oidc.allowedGroups))
  (list "OIDC_NAME" .Values.oidc.name)
  (list "ACTOR_HEADER" .Values.proxy.actorHeader)
  (list "GROUPS_HEADER" .Values.proxy.groupsHeader)
  (list "TRUSTED_PROXIES" (join "," .Values.proxy.trusted))
  (list "OCTOPOD_POLICY" (include "octopod.policyFile" .))
  (list "ANONYMOUS_ROLE" $access.anonymousRole)
  (list "USER_ROLE" $access.userRole)
  (list "SIGNED_IN_ROLE" $access.signedInRole)
  (list "OWNERSHIP" (ternary "" (include "octopod.text" $access.ownership) (kindIs "invalid" $access.ownership)))
  (list "SHARED_CREDENTIALS" (ternary "" "off" $access.sharedCredentials))
-}}
{{- range $variables }}
{{- if index . 1 }}
- name: {{ index . 0 }}
  value: {{ index . 1 | quote }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.server.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "octopod.clientSecretFile" -}}
{{- with .Values.oidc.existingSecret -}}{{- if .name -}}/etc/octopod/oidc/{{ .key }}{{- end -}}{{- end -}}
{{- end -}}

{{/* The name of the ConfigMap with the policy; empty without one. */}}
{{- define "octopod.policyConfigMap" -}}
{{- with .Values.policy.existingConfigMap.name -}}{{ . }}{{- else -}}{{- if .Values.policy.inline -}}{{ include "octopod.name" . }}-policy{{- end -}}{{- end -}}
{{- end -}}

{{- define "octopod.policyFile" -}}
{{- if include "octopod.policyConfigMap" . -}}
/etc/octopod/policy/{{ if .Values.policy.existingConfigMap.name }}{{ .Values.policy.existingConfigMap.key }}{{ else }}policy.yaml{{ end }}
{{- end -}}
{{- end -}}

{{/* Whether people can use a shared credential. An existing Secret may have none; without a cluster that is unknown. */}}
{{- define "octopod.hasUserCredential" -}}
{{- $existing := .Values.authorization.existingSecret -}}
{{- if .Values.access.sharedCredentials -}}
{{- if $existing.name -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace $existing.name -}}
{{- if or (not $secret) (hasKey ($secret.data | default dict) $existing.userKey) -}}yes{{- end -}}
{{- else if .Values.authorization.user -}}yes{{- end -}}
{{- end -}}
{{- end -}}
