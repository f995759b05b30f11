{{- define "twoway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "twoway.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- if .Values.image.digest -}}
{{- printf "%s:%s@%s" .Values.image.repository $tag .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- end -}}
{{- end -}}

{{/* The labels that select pods, for ever the same. Arguments: root, component. */}}
{{- define "twoway.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "twoway.labels" -}}
{{ include "twoway.selector" . }}
app.kubernetes.io/part-of: twoway-router
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* One role's values: the defaults with what the role replaces, as YAML. Arguments: root, role. */}}
{{- define "twoway.role" -}}
{{- $own := deepCopy (default dict (index .root.Values.roles .role)) -}}
{{- mergeOverwrite (deepCopy .root.Values.defaults) $own | toYaml -}}
{{- end -}}

{{- define "twoway.roles" -}}
{{- $roles := dict -}}
{{- range $role := list "ingress" "api" "executor" "scheduler" -}}
{{- $values := include "twoway.role" (dict "root" $ "role" $role) | fromYaml -}}
{{- if $values.enabled -}}
{{- $_ := set $roles $role $values -}}
{{- end -}}
{{- end -}}
{{- toYaml $roles -}}
{{- end -}}

{{/* The most pods a role may have outside of an upgrade. */}}
{{- define "twoway.mostReplicas" -}}
{{- if eq .autoscaling.mode "none" -}}{{ int .replicas }}{{- else -}}{{ int .autoscaling.maxReplicas }}{{- end -}}
{{- end -}}

{{/* Connections that all roles may hold together at their maximum, a quarter more pods during an upgrade, one more per
     process to listen, two for the migration. */}}
{{- define "twoway.connections" -}}
{{- $sum := 2 -}}
{{- range $role, $values := include "twoway.roles" . | fromYaml -}}
{{- $most := include "twoway.mostReplicas" $values | int -}}
{{- $pods := add $most (div (add $most 3) 4) -}}
{{- $sum = add $sum (mul $pods (add (int $values.poolSize) 1)) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{- define "twoway.graceSeconds" -}}
{{- $least := add (int .drain.lameDuckSeconds) (int .drain.drainSeconds) 10 -}}
{{- int (default $least .terminationGracePeriodSeconds) -}}
{{- end -}}

{{- define "twoway.secretEnv" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end -}}

{{- define "twoway.migrationSecretEnv" -}}
{{- if .Values.migrations.existingSecret -}}
{{- include "twoway.secretEnv" (dict "name" "TWOWAY_DATABASE_URL" "secret" .Values.migrations.existingSecret "key" .Values.migrations.urlKey) -}}
{{- else -}}
{{- include "twoway.secretEnv" (dict "name" "TWOWAY_DATABASE_URL" "secret" .Values.database.existingSecret "key" .Values.database.urlKey) -}}
{{- end -}}
{{- end -}}

{{- define "twoway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "twoway.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}
