{{/* What every container may do: nothing but its work. */}}
{{- define "twoway.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "twoway.podSecurity" -}}
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- range $key := list "runAsUser" "runAsGroup" "fsGroup" }}
{{- with index $.Values.podSecurityContext $key }}
{{ $key }}: {{ int . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What pods of all kinds share; no name of an object that the release makes. */}}
{{- define "twoway.podBase" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "twoway.podSecurity" . | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: 64Mi
{{- end -}}

{{/* Arguments: root, values. */}}
{{- define "twoway.env" -}}
{{- $root := .root -}}
{{ include "twoway.secretEnv" (dict "name" "TWOWAY_DATABASE_URL" "secret" $root.Values.database.existingSecret "key" $root.Values.database.urlKey) }}
{{ include "twoway.secretEnv" (dict "name" "TWOWAY_AMQP_URL" "secret" $root.Values.broker.existingSecret "key" $root.Values.broker.urlKey) }}
{{ include "twoway.secretEnv" (dict "name" "TWOWAY_SECRET_KEY" "secret" $root.Values.secrets.existingSecret "key" $root.Values.secrets.keyKey) }}
- {name: TWOWAY_DATABASE_POOL_SIZE, value: {{ .values.poolSize | int | quote }}}
- {name: TWOWAY_BROKER_SHARDS, value: {{ $root.Values.broker.shards | int | quote }}}
- {name: TWOWAY_LAME_DUCK, value: {{ printf "PT%dS" (int .values.drain.lameDuckSeconds) | quote }}}
- {name: TWOWAY_DRAIN, value: {{ printf "PT%dS" (int .values.drain.drainSeconds) | quote }}}
- {name: TWOWAY_LISTEN_HOST, value: "0.0.0.0"}
- {name: TWOWAY_INGRESS_PORT, value: "8080"}
- {name: TWOWAY_API_PORT, value: "8081"}
- {name: TWOWAY_OPS_PORT, value: "9100"}
{{- with $root.Values.smtp }}
{{- if .host }}
- {name: TWOWAY_SMTP_HOST, value: {{ .host | quote }}}
- {name: TWOWAY_SMTP_PORT, value: {{ .port | int | quote }}}
- {name: TWOWAY_SMTP_TLS, value: {{ .tls | quote }}}
{{- if .user }}
- {name: TWOWAY_SMTP_USER, value: {{ .user | quote }}}
{{- end }}
{{- if .sender }}
- {name: TWOWAY_EMAIL_SENDER, value: {{ .sender | quote }}}
{{- end }}
{{- if .existingSecret }}
{{ include "twoway.secretEnv" (dict "name" "TWOWAY_SMTP_PASSWORD" "secret" .existingSecret "key" .passwordKey) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $value := $root.Values.config }}
- name: TWOWAY_{{ upper $name }}
{{- if kindIs "slice" $value }}
  value: {{ toJson $value | quote }}
{{- else if kindIs "float64" $value }}
  value: {{ $value | int64 | quote }}
{{- else }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}
{{- with .values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "twoway.probe" -}}
httpGet:
  path: {{ .path }}
  port: ops
{{ toYaml .timing }}
{{- end -}}

{{/* One role's pod. Arguments: root, role, values. */}}
{{- define "twoway.pod" -}}
{{- $selector := dict "root" .root "component" .role -}}
metadata:
  labels:
    {{- include "twoway.labels" $selector | nindent 4 }}
    {{- with .values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "twoway.podBase" .root | nindent 2 }}
  {{- with include "twoway.serviceAccountName" .root }}
  serviceAccountName: {{ . }}
  {{- end }}
  terminationGracePeriodSeconds: {{ include "twoway.graceSeconds" .values }}
  {{- with .values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if .values.spread }}
  topologySpreadConstraints:
    {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - topologyKey: {{ $key }}
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      matchLabelKeys: [pod-template-hash]
      labelSelector:
        matchLabels:
          {{- include "twoway.selector" $selector | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- range $key := list "nodeSelector" "tolerations" "affinity" }}
  {{- with index $.values $key }}
  {{ $key }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  containers:
    - name: {{ .role }}
      image: {{ include "twoway.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: [serve, {{ .role }}]
      env:
        {{- include "twoway.env" (dict "root" .root "values" .values) | nindent 8 }}
      ports:
        {{- if eq .role "ingress" }}
        - {name: carriers, containerPort: 8080}
        {{- else if eq .role "api" }}
        - {name: api, containerPort: 8081}
        {{- end }}
        - {name: ops, containerPort: 9100}
      startupProbe:
        {{- include "twoway.probe" (dict "path" "/livez" "timing" .values.probes.startup) | nindent 8 }}
      livenessProbe:
        {{- include "twoway.probe" (dict "path" "/livez" "timing" .values.probes.liveness) | nindent 8 }}
      readinessProbe:
        {{- include "twoway.probe" (dict "path" "/readyz" "timing" .values.probes.readiness) | nindent 8 }}
      resources:
        {{- toYaml .values.resources | nindent 8 }}
      securityContext:
        {{- include "twoway.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
{{- end -}}
