{{/* Names. A Service called "vllm" gives every pod VLLM_PORT=tcp://..., and vLLM dies of it. */}}
{{- define "weir.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := .Release.Name -}}
{{- if .Values.fullnameOverride -}}
{{- $full = .Values.fullnameOverride -}}
{{- else if not (contains $name .Release.Name) -}}
{{- $full = printf "%s-%s" .Release.Name $name -}}
{{- end -}}
{{- $full = $full | trunc 50 | trimSuffix "-" -}}
{{- if eq $full "vllm" -}}
{{- fail "nothing here may be called \"vllm\": a Service of that name gives every pod VLLM_PORT, which vLLM takes for its own; set fullnameOverride, or install the release under another name" -}}
{{- end -}}
{{- $full -}}
{{- end -}}

{{- define "weir.worker" -}}
{{- printf "%s-worker" (include "weir.fullname" .) -}}
{{- end -}}

{{- define "weir.image" -}}
{{- printf "%s:%s" (required "image.repository: where is the image?" .Values.image.repository) (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}

{{- define "weir.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: worker
{{- end -}}

{{- define "weir.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end -}}

{{/* A value as text. Helm's numbers are floats, which would print 1000000 as 1e+06. */}}
{{- define "weir.text" -}}
{{- if kindIs "string" . -}}{{ . }}{{- else -}}{{ toJson . }}{{- end -}}
{{- end -}}

{{/* WEIR_JOBS_STORE and the key of the model server, from their Secrets. */}}
{{- define "weir.secretEnv" -}}
- name: WEIR_JOBS_STORE
  valueFrom:
    secretKeyRef:
      name: {{ required "store.existingSecret: the Secret that holds the URL of the store" .Values.store.existingSecret | quote }}
      key: {{ .Values.store.key | quote }}
{{- with .Values.config.VLLM_API_KEY }}
{{- if not (kindIs "map" .) }}
{{- fail "config.VLLM_API_KEY: a key does not belong into values; put it into a Secret, and name that: {secretName, secretKey}" }}
{{- end }}
{{- if .secretName }}
- name: VLLM_API_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .secretName | quote }}
      key: {{ .secretKey | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* How many jobs are open: queued (1), running (2), or waiting (0) for a time that has come; not
     counted beyond what the most workers are for. Each part has an index of its own. */}}
{{- define "weir.openJobs" -}}
SELECT count(*) FROM (SELECT 1 FROM weir_jobs WHERE state = 1
 UNION ALL SELECT 1 FROM weir_jobs WHERE state = 2
 UNION ALL SELECT 1 FROM weir_jobs WHERE state = 0 AND not_before <= extract(epoch FROM clock_timestamp()) * 1000
 LIMIT {{ add 1 (mul (int .Values.autoscaling.maxReplicas) (int .Values.autoscaling.jobsPerWorker)) }}) AS open
{{- end -}}

{{/* What does not fit together, said before anything is installed. */}}
{{- define "weir.check" -}}
{{- $several := or (gt (int .Values.worker.replicas) 1) (ne .Values.autoscaling.type "none") -}}
{{- if and (eq .Values.journal.type "pvc") (eq .Values.journal.accessMode "ReadWriteOnce") $several -}}
{{- fail "journal.accessMode: ReadWriteOnce is for one worker; take ReadWriteMany, or emptyDir" -}}
{{- end -}}
{{- if and (eq .Values.journal.type "existingClaim") (not .Values.journal.existingClaim) -}}
{{- fail "journal.existingClaim: which claim?" -}}
{{- end -}}
{{- if and (ne .Values.autoscaling.type "none") (lt (int .Values.autoscaling.minReplicas) 1) -}}
{{- if or (eq .Values.autoscaling.type "hpa") (eq .Values.autoscaling.keda.trigger "prometheus") -}}
{{- fail "autoscaling.minReplicas: 0 is only for KEDA's postgresql trigger; the other figures come from the workers themselves, and without any there are none" -}}
{{- end -}}
{{- end -}}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) -}}
{{- fail "autoscaling.minReplicas is above autoscaling.maxReplicas" -}}
{{- end -}}
{{- if and .Values.worker.queues (or .Values.worker.flows .Values.flows) -}}
{{- fail "worker.queues and flows: a worker that is given flows works their queues" -}}
{{- end -}}
{{- if and .Values.flows .Values.existingFlows -}}
{{- fail "flows and existingFlows: only one of them" -}}
{{- end -}}
{{- end -}}
