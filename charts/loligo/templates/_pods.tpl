{{/* What every container but the privileged ones runs with. */}}
{{- define "loligo.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Probes on the driver's own health port. Liveness is the event loop's alone: a restart cures no outage of Ceph. */}}
{{- define "loligo.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: health }
  periodSeconds: 10
  timeoutSeconds: 5
{{- end -}}

{{/* One sidecar of the controller. Called with (dict "root" $ "name" "provisioner" "args" list "port" 8081). */}}
{{- define "loligo.controllerSidecar" -}}
{{- $sidecar := index .root.Values.sidecars .name -}}
- name: {{ kebabcase .name }}
  image: {{ include "loligo.image" (list .root $sidecar.image "") }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args:
    - --csi-address=/csi/csi.sock
    {{- range .args }}
    - {{ . | quote }}
    {{- end }}
    - --leader-election=true
    - --timeout={{ .root.Values.driver.callTimeout }}s
    - --retry-interval-max=1m
    - --kube-api-qps={{ .root.Values.sidecars.kubeApiQps }}
    - --kube-api-burst={{ .root.Values.sidecars.kubeApiBurst }}
    - --http-endpoint=:{{ .port }}
    - --v={{ .root.Values.sidecars.logLevel }}
    {{- range $sidecar.extraArgs }}
    - {{ . | quote }}
    {{- end }}
  {{- if eq .name "provisioner" }}
  env:
    # Owners of CSIStorageCapacity objects are found from the pod upwards.
    - name: NAMESPACE
      valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
    - name: POD_NAME
      valueFrom: { fieldRef: { fieldPath: metadata.name } }
  {{- end }}
  ports:
    - { name: {{ printf "m-%s" .name | trunc 15 }}, containerPort: {{ .port }} }
  livenessProbe:
    httpGet: { path: /healthz/leader-election, port: {{ .port }} }
    initialDelaySeconds: 20
    periodSeconds: 20
    timeoutSeconds: 10
    failureThreshold: 3
  resources:
    {{- toYaml $sidecar.resources | nindent 4 }}
  securityContext:
    {{- include "loligo.confined" . | nindent 4 }}
  volumeMounts:
    - { name: socket, mountPath: /csi }
{{- end -}}

{{/* Asks the driver's Probe by its socket: what reads it keeps the driver's view of its clusters fresh. */}}
{{- define "loligo.livenessprobe" -}}
{{- $sidecar := .root.Values.sidecars.livenessprobe -}}
- name: livenessprobe
  image: {{ include "loligo.image" (list .root $sidecar.image "") }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args:
    - --csi-address=/csi/csi.sock
    - --http-endpoint={{ .endpoint }}
    - --probe-timeout=5s
    - --v={{ .root.Values.sidecars.logLevel }}
    {{- range $sidecar.extraArgs }}
    - {{ . | quote }}
    {{- end }}
  readinessProbe:
    httpGet:
      path: /healthz
      port: {{ .port }}
      {{- with .host }}
      host: {{ . }}
      {{- end }}
    periodSeconds: 10
    timeoutSeconds: 6
  resources:
    {{- toYaml $sidecar.resources | nindent 4 }}
  securityContext:
    {{- if .asRoot }}
    runAsUser: 0 # the socket is root's
    {{- end }}
    {{- include "loligo.confined" . | nindent 4 }}
  volumeMounts:
    - { name: socket, mountPath: /csi }
{{- end -}}
