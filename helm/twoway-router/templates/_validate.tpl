{{/* What the schema cannot say: relations between values. Each failure is one sentence with the keys to change. */}}
{{- define "twoway.validate" -}}
{{- range $path, $name := dict "database.existingSecret" .Values.database.existingSecret "broker.existingSecret" .Values.broker.existingSecret "secrets.existingSecret" .Values.secrets.existingSecret -}}
{{- if not $name -}}{{- fail (printf "%s is required: the name of a secret that you have made" $path) -}}{{- end -}}
{{- end -}}
{{- $roles := include "twoway.roles" . | fromYaml -}}
{{- range $role, $values := $roles -}}
{{- include "twoway.validateRole" (dict "root" $ "role" $role "values" $values) -}}
{{- end -}}
{{- $connections := include "twoway.connections" . | int -}}
{{- if and (gt (int .Values.database.connectionBudget) 0) (gt $connections (int .Values.database.connectionBudget)) -}}
{{- fail (printf "the roles may open %d connections, but database.connectionBudget is %d: lower poolSize or maxReplicas, or raise the budget" $connections (int .Values.database.connectionBudget)) -}}
{{- end -}}
{{- include "twoway.validateRoutes" . -}}
{{- include "twoway.validateHook" . -}}
{{- end -}}

{{- define "twoway.validateRole" -}}
{{- $scaling := .values.autoscaling -}}
{{- $least := add (int .values.drain.lameDuckSeconds) (int .values.drain.drainSeconds) 10 -}}
{{- if lt (include "twoway.graceSeconds" .values | int) (int $least) -}}
{{- fail (printf "roles.%s.terminationGracePeriodSeconds is less than lameDuckSeconds + drainSeconds + 10 = %d: work would be cut off" .role (int $least)) -}}
{{- end -}}
{{- if and (eq $scaling.mode "cpu") (has .role (list "executor" "scheduler")) -}}
{{- fail (printf "roles.%s.autoscaling.mode cpu: a waiting %s uses no CPU; use keda or none" .role .role) -}}
{{- end -}}
{{- if and (ne $scaling.mode "none") (gt (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- fail (printf "roles.%s.autoscaling.minReplicas is greater than maxReplicas" .role) -}}
{{- end -}}
{{- if and (eq $scaling.mode "keda") (not .root.Values.monitoring.prometheusAddress) -}}
{{- fail (printf "roles.%s.autoscaling.mode keda needs monitoring.prometheusAddress" .role) -}}
{{- end -}}
{{- end -}}

{{- define "twoway.validateRoutes" -}}
{{- $hosts := dict -}}
{{- range $name, $route := .Values.routes -}}
{{- $own := list -}}
{{- if $route.ingress.enabled -}}
{{- if not $route.ingress.host -}}{{- fail (printf "routes.%s.ingress.host is required when it is enabled" $name) -}}{{- end -}}
{{- $own = append $own $route.ingress.host -}}
{{- end -}}
{{- if $route.gateway.enabled -}}
{{- if not (and $route.gateway.hostnames $route.gateway.parentRefs) -}}{{- fail (printf "routes.%s.gateway needs hostnames and parentRefs when it is enabled" $name) -}}{{- end -}}
{{- $own = concat $own $route.gateway.hostnames -}}
{{- end -}}
{{- range $host := uniq $own -}}
{{- if hasKey $hosts $host -}}{{- fail (printf "the host %s is in routes.%s and in routes.%s: carriers and the API need a host each" $host (index $hosts $host) $name) -}}{{- end -}}
{{- $_ := set $hosts $host $name -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A hook runs before anything of the release exists, so its secret may not be one of the release's objects. */}}
{{- define "twoway.validateHook" -}}
{{- if eq .Values.migrations.mode "hook" -}}
{{- $needed := default .Values.database.existingSecret .Values.migrations.existingSecret -}}
{{- range $object := .Values.extraObjects -}}
{{- if and (has $object.kind (list "Secret" "ExternalSecret" "SealedSecret")) (eq $object.metadata.name $needed) -}}
{{- fail (printf "extraObjects makes the secret %s, but the migration hook runs before it exists: make it outside of the release, or set migrations.mode" $needed) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
