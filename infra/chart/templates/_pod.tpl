{{/* Parts of all pods. */}}

{{- define "octopod.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Scheduling and security of a pod. Arguments: (list root component), component is server or runner. */}}
{{- define "octopod.podBasics" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
{{- $values := get $root.Values $part -}}
{{- with $root.Values.imagePullSecrets -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{ end -}}
securityContext:
  {{- toYaml $root.Values.podSecurityContext | nindent 2 }}
enableServiceLinks: false
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- if $values.topologySpreadConstraints }}
  {{- toYaml $values.topologySpreadConstraints | nindent 2 }}
{{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "octopod.selector" . | nindent 8 }}
{{- end }}
{{- end -}}

{{/* Pod labels and annotations. The checksums replace pods when settings or secrets change. Arguments: (list root
component). */}}
{{- define "octopod.podMeta" -}}
{{- $root := index . 0 -}}
{{- $values := get $root.Values (index . 1) -}}
annotations:
  checksum/settings: {{ include (print $root.Template.BasePath "/settings.yaml") $root | sha256sum }}
  checksum/secrets: {{ include (print $root.Template.BasePath "/secrets.yaml") $root | sha256sum }}
  {{- with $values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
labels:
  {{- include "octopod.labels" . | nindent 2 }}
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* The files for TLS to PostgreSQL and Redis, where there are any. */}}
{{- define "octopod.storeFilesMount" -}}
{{- if .Values.storeFiles.existingSecret -}}
- name: store-files
  mountPath: /etc/octopod/stores
  readOnly: true
{{- end -}}
{{- end -}}

{{- define "octopod.storeFilesVolume" -}}
{{- with .Values.storeFiles.existingSecret -}}
- name: store-files
  secret:
    secretName: {{ . }}
{{- end -}}
{{- end -}}

{{/* The migration as a container, for an init container or the Job. Arguments: (list root image). */}}
{{- define "octopod.migrateContainer" -}}
{{- $root := index . 0 -}}
name: migrate
image: {{ include "octopod.image" . }}
imagePullPolicy: {{ (index . 1).pullPolicy }}
command: [node, db/migrate.ts]
env:
  {{- if and $root.Values.postgres.url (eq (include "octopod.migrationMode" $root) "hook") }}
  - name: DATABASE_URL
    valueFrom:
      secretKeyRef:
        name: {{ include "octopod.name" $root }}-migrate
        key: DATABASE_URL
  {{- else }}
  {{- include "octopod.storeEnv" (list $root "postgres" "DATABASE_URL") | nindent 2 }}
  {{- end }}
  {{- with $root.Values.migration.existingSecret }}
  {{- if .name }}
  - name: MIGRATION_DATABASE_URL
    valueFrom:
      secretKeyRef:
        name: {{ .name }}
        key: {{ .key }}
  {{- end }}
  {{- end }}
  {{- with $root.Values.settings.LOG_LEVEL }}
  - name: LOG_LEVEL
    value: {{ . }}
  {{- end }}
{{- with include "octopod.storeFilesMount" $root }}
volumeMounts:
  {{- . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "octopod.containerSecurity" . | nindent 2 }}
resources:
  requests: {cpu: 50m, memory: 96Mi}
  limits: {memory: 256Mi}
{{- end -}}
