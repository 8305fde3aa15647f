{{/*
What each sidecar may do: cluster-wide rules, and those of the release's own namespace. docs/privileges.md says what each is for, and a
test compares the two. They come from the sidecars' own roles, cut to what our options use. What may be listed may be got: that adds nothing.
*/}}

{{- define "loligo.rules.provisioner" -}}
- { apiGroups: [''], resources: [events], verbs: [create, patch] }
- { apiGroups: [''], resources: [persistentvolumes], verbs: [get, list, watch, create, patch, delete] }
- { apiGroups: [''], resources: [persistentvolumeclaims], verbs: [get, list, watch, update] }
- { apiGroups: [storage.k8s.io], resources: [storageclasses, volumeattachments], verbs: [get, list, watch] }
- { apiGroups: [storage.k8s.io], resources: [volumeattributesclasses], verbs: [get] }
{{- if .Values.node.topologyLabels }}
- { apiGroups: [''], resources: [nodes], verbs: [list, watch] }
- { apiGroups: [storage.k8s.io], resources: [csinodes], verbs: [get, list, watch] }
{{- end }}
{{- if .Values.snapshots.enabled }}
- { apiGroups: [snapshot.storage.k8s.io], resources: [volumesnapshots], verbs: [get, list, watch, update] }
- { apiGroups: [snapshot.storage.k8s.io], resources: [volumesnapshotcontents], verbs: [get] }
{{- end }}
{{- end -}}

{{- define "loligo.ownRules.provisioner" -}}
{{- if include "loligo.tracksCapacity" . }}
- { apiGroups: [storage.k8s.io], resources: [csistoragecapacities], verbs: [get, list, watch, create, update, delete] }
- { apiGroups: [''], resources: [pods], verbs: [get] }
- { apiGroups: [apps], resources: [replicasets], verbs: [get] }
{{- end }}
{{- end -}}

{{- define "loligo.rules.attacher" -}}
- { apiGroups: [''], resources: [persistentvolumes], verbs: [get, list, watch, patch] }
- { apiGroups: [storage.k8s.io], resources: [csinodes], verbs: [get, list, watch] }
- { apiGroups: [storage.k8s.io], resources: [volumeattachments], verbs: [get, list, watch, patch] }
- { apiGroups: [storage.k8s.io], resources: [volumeattachments/status], verbs: [patch] }
{{- end -}}

{{- define "loligo.rules.resizer" -}}
- { apiGroups: [''], resources: [events], verbs: [create, patch] }
- { apiGroups: [''], resources: [persistentvolumes], verbs: [get, list, watch, patch] }
- { apiGroups: [''], resources: [persistentvolumeclaims], verbs: [get, list, watch] }
- { apiGroups: [''], resources: [persistentvolumeclaims/status], verbs: [patch] }
- { apiGroups: [storage.k8s.io], resources: [volumeattributesclasses], verbs: [get, list, watch] }
{{- end -}}

{{- define "loligo.rules.snapshotter" -}}
- { apiGroups: [''], resources: [events], verbs: [create, patch] }
- { apiGroups: [snapshot.storage.k8s.io], resources: [volumesnapshotclasses], verbs: [get, list, watch] }
- { apiGroups: [snapshot.storage.k8s.io], resources: [volumesnapshotcontents], verbs: [get, list, watch, patch] }
- { apiGroups: [snapshot.storage.k8s.io], resources: [volumesnapshotcontents/status], verbs: [update, patch] }
{{- if .Values.snapshots.groups }}
- { apiGroups: [groupsnapshot.storage.k8s.io], resources: [volumegroupsnapshotclasses], verbs: [get, list, watch] }
- { apiGroups: [groupsnapshot.storage.k8s.io], resources: [volumegroupsnapshotcontents], verbs: [get, list, watch, patch] }
- { apiGroups: [groupsnapshot.storage.k8s.io], resources: [volumegroupsnapshotcontents/status], verbs: [update, patch] }
{{- end }}
{{- end -}}

{{- define "loligo.rules.snapshot-metadata" -}}
- { apiGroups: [cbt.storage.k8s.io], resources: [snapshotmetadataservices], resourceNames: [{{ .Values.driver.name }}], verbs: [get] }
- { apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create] }
- { apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create] }
- { apiGroups: [snapshot.storage.k8s.io], resources: [volumesnapshots, volumesnapshotcontents], verbs: [get] }
- { apiGroups: [snapshot.storage.k8s.io], resources: [volumesnapshotclasses], verbs: [get, list] }
{{- end -}}
