{{/* Parts of the bundled PostgreSQL and Redis. */}}

{{/* The password: from values, or the existing one, or a new one. Arguments: (list root store). */}}
{{- define "octopod.storePassword" -}}
{{- $root := index . 0 -}}
{{- $store := index . 1 -}}
{{- $password := (get $root.Values $store).bundled.password -}}
{{- if $password -}}
{{- $password -}}
{{- else -}}
{{- $existingSecret := lookup "v1" "Secret" $root.Release.Namespace (printf "%s-%s" (include "octopod.name" $root) $store) -}}
{{- if $existingSecret -}}{{ index $existingSecret.data "password" | b64dec }}{{- else -}}{{ randAlphaNum 32 }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Service and its network policy. Arguments: (list root store port). */}}
{{- define "octopod.storeService" -}}
{{- $root := index . 0 -}}
{{- $store := index . 1 -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "octopod.name" $root }}-{{ $store }}
  labels:
    {{- include "octopod.labels" (list $root $store) | nindent 4 }}
spec:
  selector:
    {{- include "octopod.selector" (list $root $store) | nindent 4 }}
  ports:
    - name: {{ $store }}
      port: {{ index . 2 }}
      targetPort: {{ $store }}
{{- if $root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "octopod.name" $root }}-{{ $store }}
  labels:
    {{- include "octopod.labels" (list $root $store) | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "octopod.selector" (list $root $store) | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/instance: {{ $root.Release.Name }}
            matchExpressions:
              - {key: app.kubernetes.io/component, operator: In, values: [server, runner, migrate]}
      ports:
        - {port: {{ index . 2 }}, protocol: TCP}
  egress: []
{{- end }}
{{- end -}}

{{/* The volume claim template, if the data is stored. Arguments: (list root store). */}}
{{- define "octopod.storeClaim" -}}
{{- $root := index . 0 -}}
{{- $bundled := (get $root.Values (index . 1)).bundled -}}
{{- if $bundled.storage }}
volumeClaimTemplates:
  - metadata:
      name: data
    spec:
      accessModes: [ReadWriteOnce]
      {{- with $bundled.storageClass }}
      storageClassName: {{ . }}
      {{- end }}
      resources:
        requests:
          storage: {{ $bundled.storage }}
{{- end }}
{{- end -}}

{{/* User 999 is the user of both official images. */}}
{{- define "octopod.storeSecurity" -}}
runAsNonRoot: true
runAsUser: 999
runAsGroup: 999
fsGroup: 999
seccompProfile: {type: RuntimeDefault}
{{- end -}}
