{{/* What the two bundled stores have in common. */}}

{{/* Takes (list root store): its password: given, or the one that is there, or a new one. */}}
{{- define "octopod.storePassword" -}}
{{- $root := index . 0 -}}
{{- $store := index . 1 -}}
{{- $given := (get $root.Values $store).bundled.password -}}
{{- if $given -}}
{{- $given -}}
{{- else -}}
{{- $present := lookup "v1" "Secret" $root.Release.Namespace (printf "%s-%s" (include "octopod.name" $root) $store) -}}
{{- if $present -}}{{ index $present.data "password" | b64dec }}{{- else -}}{{ randAlphaNum 32 }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Takes (list root store port): the Service, and who may use it. */}}
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

{{/* Takes (list root store): the claim, or a volume that goes with the pod. */}}
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

{{/* Both official images have their user under this number. */}}
{{- define "octopod.storeSecurity" -}}
runAsNonRoot: true
runAsUser: 999
runAsGroup: 999
fsGroup: 999
seccompProfile: {type: RuntimeDefault}
{{- end -}}
