{{- define "loligo.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "loligo.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "loligo.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "loligo.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that never change: what selectors look for. Called with (list $ "controller"). */}}
{{- define "loligo.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "loligo.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "loligo.labels" -}}
{{- $root := index . 0 -}}
{{ include "loligo.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* An image's full name. Called with (list $ image fallbackTag). */}}
{{- define "loligo.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $repository := $image.repository -}}
{{- with $root.Values.imageRegistry -}}
{{- $parts := splitList "/" $repository -}}
{{- if and (gt (len $parts) 1) (regexMatch "[.:]|^localhost$" (first $parts)) -}}
{{- $repository = join "/" (rest $parts) -}}
{{- end -}}
{{- $repository = printf "%s/%s" . $repository -}}
{{- end -}}
{{- if $image.digest -}}
{{ $repository }}@{{ $image.digest }}
{{- else -}}
{{ $repository }}:{{ default (index . 2) $image.tag }}
{{- end -}}
{{- end -}}

{{/* The name of a lease as the sidecars make it of the driver's name. */}}
{{- define "loligo.leaseName" -}}
{{- regexReplaceAll "[^a-zA-Z0-9-]" . "-" -}}
{{- end -}}

{{- define "loligo.pluginDir" -}}
{{ .Values.kubeletDir }}/plugins/{{ .Values.driver.name }}
{{- end -}}

{{- define "loligo.mapperSocket" -}}
{{ .Values.stateDir }}/mapper.sock
{{- end -}}

{{/* The Secrets of the cluster configuration: the controller's, and the nodes'. */}}
{{- define "loligo.clustersSecret" -}}
{{- default (printf "%s-clusters" (include "loligo.fullname" .)) .Values.existingSecret -}}
{{- end -}}

{{- define "loligo.nodeClustersSecret" -}}
{{- $own := printf "%s-node-clusters" (include "loligo.fullname" .) -}}
{{- coalesce .Values.existingNodeSecret .Values.existingSecret $own -}}
{{- end -}}

{{- define "loligo.controllerAccount" -}}
{{ include "loligo.fullname" . }}-controller
{{- end -}}

{{/*
Whether free space is tracked: "true" or "". Not without topology: the provisioner v6.3.0 then deletes each CSIStorageCapacity that it
made (it compares an empty selector with a missing one), and the scheduler would find no space anywhere.
*/}}
{{- define "loligo.tracksCapacity" -}}
{{- if and .Values.driver.storageCapacity .Values.node.topologyLabels }}true{{ end -}}
{{- end -}}

{{/* A scalar as text: YAML's numbers are floats to Helm, and 1e+06 is not what was written. */}}
{{- define "loligo.text" -}}
{{- if kindIs "float64" . -}}{{ . | int64 }}{{- else if kindIs "slice" . -}}{{- else -}}{{ . }}{{- end -}}
{{- end -}}
